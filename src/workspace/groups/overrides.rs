//! Contacts that are kept in or out of a smart group whatever its query says.
//!
//! How pins and exclusions stand in plans is in [`definitions::plans`](crate::workspace::definitions::plans).

use std::collections::BTreeSet;

use roaring::RoaringBitmap;

use crate::ids::{Block, DocumentNumber, GroupId};
use crate::index::RowChange;
use crate::refresh::{Engine, Flips, Moment, order};
use crate::store::{Cause, MemberSet, RowView};
use crate::workspace::definitions::plans::{Override, StoredMembers, set_of};
use crate::workspace::error::WorkspaceError;
use crate::workspace::write::writer::Writer;

impl Writer<'_> {
    /// Keeps contacts in a smart group or out of it whatever its query says, or leaves them to the query again (`None`).
    /// Says for how many that is new. Smart groups go on to hold active contacts only, pinned or not; a contact that is
    /// deleted is pinned and excluded no more.
    ///
    /// # Errors
    /// [`WorkspaceError::ManualGroup`]; or if the store fails.
    pub fn override_members(
        &mut self,
        group: GroupId,
        documents: &RoaringBitmap,
        to: Option<Override>,
    ) -> Result<u64, WorkspaceError> {
        self.flush()?;
        let mut record = self.group_record(group)?;
        if !record.smart {
            return Err(WorkspaceError::ManualGroup(record.name));
        }
        let mut there = RoaringBitmap::new();
        for document in documents {
            if self.txn.view().row_bytes(DocumentNumber(document))?.is_some() {
                there.insert(document);
            }
        }
        let mut changed = RoaringBitmap::new();
        for (set, kind) in
            [(MemberSet::Pinned(group), Override::Pinned), (MemberSet::Excluded(group), Override::Excluded)]
        {
            let before = self.txn.view().members(set)?;
            let after = if to == Some(kind) { &before | &there } else { &before - &there };
            if before != after {
                changed |= &before ^ &after;
                self.txn.replace_members(set, &after)?;
            }
        }
        if changed.is_empty() {
            return Ok(0);
        }
        if !record.has_overrides {
            record.has_overrides = true;
            self.txn.put_group(group, &record)?;
            self.reload()?;
        }
        self.evaluate_anew(group, &changed)?;
        Ok(changed.len())
    }

    /// Moves some contacts in and out of a group and of those that refer to it, active and pending, as their queries and
    /// overrides say.
    fn evaluate_anew(&mut self, group: GroupId, documents: &RoaringBitmap) -> Result<(), WorkspaceError> {
        let whole = self.definitions.engine()?;
        let table = whole.table().subset(&whole.table().closure(group));
        let table = table.map_err(|error| self.definitions.table_error(error))?;
        let engine = Engine::new(table, Moment::new(self.now(), self.environment.timezone.clone()));
        let flips = self.flips_of(&engine, documents, MemberSet::Active)?;
        self.record(&flips, self.now(), Cause::Manual)?;
        if let Some(engine) = self.definitions.pending_engine(self.now())? {
            let flips = self.flips_of(&engine, documents, MemberSet::Pending)?;
            self.move_pending(&flips)?;
        }
        self.schedule()
    }

    /// What separates the stored members among some documents from those that an engine finds.
    fn flips_of(
        &self,
        engine: &Engine,
        documents: &RoaringBitmap,
        set: fn(GroupId) -> MemberSet,
    ) -> Result<Vec<Flips>, WorkspaceError> {
        let view = self.txn.view();
        let table = engine.table();
        let referred = table.groups().filter_map(|group| table.plan(group)).flat_map(order::references);
        let referred: BTreeSet<GroupId> = referred.filter(|group| table.outside().contains(group)).collect();
        let outside = StoredMembers::load(view, referred)?;
        let mut rows: Vec<(DocumentNumber, RowView<'_>)> = Vec::new();
        for document in documents.iter().map(DocumentNumber) {
            rows.extend(view.row(document)?.map(|row| (document, row)));
        }
        let mut blocks: Vec<Block> = rows.iter().map(|(document, _)| document.block()).collect();
        blocks.dedup();
        let of_block = |block: Block| {
            rows.iter().filter(move |(document, _)| document.block() == block).map(|&(at, ref row)| (at, row))
        };
        let filled = engine.fill(&blocks, of_block, &outside).members;
        let mut flips = Vec::new();
        for group in table.groups().collect::<BTreeSet<_>>() {
            let after = filled.binary_search_by_key(&group, |(id, _)| *id).ok().and_then(|at| filled.get(at));
            let after = after.map_or_else(RoaringBitmap::new, |(_, members)| members.clone());
            let before = view.members(set(group))? & documents;
            let of = |documents: RoaringBitmap| documents.into_iter().map(DocumentNumber).collect();
            flips.push(Flips { group, entered: of(&after - &before), left: of(before - after) });
        }
        Ok(flips)
    }

    /// Forgets what was decided about contacts that are deleted.
    pub(crate) fn drop_overrides(&mut self, changes: &[RowChange<RowView<'_>>]) -> Result<(), WorkspaceError> {
        let groups: Vec<GroupId> = self.definitions.override_groups().collect();
        if groups.is_empty() {
            return Ok(());
        }
        for document in changes.iter().filter(|change| change.after.is_none()).map(|change| change.document) {
            for set in groups.iter().copied().map(set_of) {
                if self.txn.view().is_member(set, document)? {
                    self.txn.apply_members(set, &[], &[document.0])?;
                }
            }
        }
        Ok(())
    }
}
