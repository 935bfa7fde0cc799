//! Contacts that are kept in or out of a smart group whatever its query says.
//!
//! A group's *pins* and *exclusions* are two sets of documents beside its members. In plans they stand as two groups of
//! their own, which no query can name: the plan of a group that uses them is "the query or pinned, and not excluded". So
//! searches, changes, the clock, filling and groups that refer to it all go by them without knowing of them.

use std::collections::BTreeSet;

use roaring::RoaringBitmap;

use crate::ids::{Block, DocumentNumber, GroupId, Uuid};
use crate::index::RowChange;
use crate::plan::atom::{Atom, Expr, LogicalPlan};
use crate::plan::logical;
use crate::refresh::{Engine, Flips, Moment, order};
use crate::sema::query::Query;
use crate::store::{Cause, MemberSet, RowView};
use crate::workspace::definitions::Definitions;
use crate::workspace::error::WorkspaceError;
use crate::workspace::groups::filling::StoredMembers;
use crate::workspace::read::reader::Reader;
use crate::workspace::read::search::with_atom;
use crate::workspace::write::writer::Writer;

/// Numbers of groups stay far below these: each takes a record of a hundred bytes or more.
const PINS: u32 = 1 << 31;
const EXCLUSIONS: u32 = 1 << 30;

/// What somebody decided about a contact and a smart group.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Override {
    /// It is in, if it is active.
    Pinned,
    /// It is out.
    Excluded,
}

impl Override {
    /// The name used in output.
    pub fn name(self) -> &'static str {
        match self {
            Override::Pinned => "pinned",
            Override::Excluded => "excluded",
        }
    }
}

/// The group that stands for a group's pins in plans.
fn pins_of(group: GroupId) -> GroupId {
    GroupId(group.0 | PINS)
}

/// The group that stands for a group's exclusions in plans.
fn exclusions_of(group: GroupId) -> GroupId {
    GroupId(group.0 | EXCLUSIONS)
}

/// The stored documents of a group as a plan names it.
pub(crate) fn set_of(group: GroupId) -> MemberSet {
    let own = GroupId(group.0 & !(PINS | EXCLUSIONS));
    match group.0 & (PINS | EXCLUSIONS) {
        PINS => MemberSet::Pinned(own),
        EXCLUSIONS => MemberSet::Excluded(own),
        _ => MemberSet::Active(group),
    }
}

impl Definitions {
    /// The plan of a group with this query: with its pins and exclusions, if it uses them.
    pub(crate) fn plan_of(&self, group: GroupId, query: &Query) -> LogicalPlan {
        let plan = logical::lower(query);
        if !self.has_overrides(group) {
            return plan;
        }
        let mut plan = with_leaf(plan, Atom::GroupIn(Box::new([pins_of(group)])), |root, pinned| match root {
            Expr::Constant(true) => Expr::Constant(true),
            Expr::Constant(false) => pinned,
            Expr::Any(mut children) => {
                children.push(pinned);
                Expr::Any(children)
            }
            other => Expr::Any(vec![other, pinned]),
        });
        plan = with_atom(plan, Atom::GroupIn(Box::new([exclusions_of(group)])));
        negate_last(plan)
    }

    /// Whether some contacts are, or were, pinned in a group or excluded from it.
    pub(crate) fn has_overrides(&self, group: GroupId) -> bool {
        self.groups.get(&group).is_some_and(|group| group.record.has_overrides)
    }

    /// The groups that stand for pins and exclusions: an engine is told of their members from outside.
    pub(crate) fn override_groups(&self) -> impl Iterator<Item = GroupId> + '_ {
        let used = self.groups.iter().filter(|(_, group)| group.record.has_overrides);
        used.flat_map(|(&id, _)| [pins_of(id), exclusions_of(id)])
    }
}

/// A plan with a further atom at its end, and another root.
fn with_leaf(mut plan: LogicalPlan, atom: Atom, root: impl FnOnce(Expr, Expr) -> Expr) -> LogicalPlan {
    let leaf = Expr::Atom { atom: crate::ids::AtomId(plan.atoms.len() as u32), negated: false };
    plan.atoms.push(atom);
    plan.root = root(plan.root, leaf);
    plan
}

/// Negates the leaf of the last atom, which stands at the root or beside the rest of it.
fn negate_last(mut plan: LogicalPlan) -> LogicalPlan {
    let last = plan.atoms.len().saturating_sub(1) as u32;
    let negate = |expr: &mut Expr| {
        if let Expr::Atom { atom, negated } = expr
            && atom.0 == last
        {
            *negated = true;
        }
    };
    match &mut plan.root {
        Expr::All(children) => children.iter_mut().for_each(negate),
        root => negate(root),
    }
    plan
}

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

impl Reader<'_> {
    /// The contacts that are pinned in a group, and those that are excluded from it.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn overrides(&self, group: GroupId) -> Result<(RoaringBitmap, RoaringBitmap), WorkspaceError> {
        if !self.definitions().has_overrides(group) {
            return Ok(Default::default());
        }
        let view = self.snapshot().view();
        Ok((view.members(MemberSet::Pinned(group))?, view.members(MemberSet::Excluded(group))?))
    }

    /// Whether a contact is pinned in a group or excluded from it.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn override_of(&self, group: GroupId, document: DocumentNumber) -> Result<Option<Override>, WorkspaceError> {
        if !self.definitions().has_overrides(group) {
            return Ok(None);
        }
        let view = self.snapshot().view();
        Ok(match () {
            () if view.is_member(MemberSet::Pinned(group), document)? => Some(Override::Pinned),
            () if view.is_member(MemberSet::Excluded(group), document)? => Some(Override::Excluded),
            () => None,
        })
    }

    /// Identities of documents that are contacts.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn uuids_of(&self, documents: &RoaringBitmap) -> Result<Vec<Uuid>, WorkspaceError> {
        let mut uuids = Vec::new();
        for document in documents.iter().map(DocumentNumber) {
            uuids.extend(self.row(document)?.map(|row| row.uuid()));
        }
        Ok(uuids)
    }
}
