//! What follows from rows and definitions, made anew: after the environment or a field's type changed, after damage, or
//! on demand. Everything happens in one transaction: others see all of it or nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::contact::{ContactView, convert_field_text};
use crate::ids::{DocumentNumber, FieldId, GroupId, Sequence};
use crate::index::{AttributeIndex, FieldKinds, RowChange, text::TextIndex};
use crate::language::{self, Resolve};
use crate::refresh::Flips;
use crate::schema::{Environment, FieldType, Schema};
use crate::sema::{group_check, print};
use crate::store::{Cause, MemberSet, RowView, row};
use crate::workspace::Workspace;
use crate::workspace::definitions::settings::Settings;
use crate::workspace::definitions::{Definitions, stored};
use crate::workspace::error::WorkspaceError;
use crate::workspace::upkeep::indexing::IndexReport;
use crate::workspace::write::writer::Writer;

impl Workspace {
    /// Builds the text index and all attribute indexes from the rows, and the memberships with them.
    ///
    /// Cost: about an import; memory for the pages of all indexes until the commit.
    ///
    /// # Errors
    /// If a row is damaged, or the store or the text index cannot be written.
    pub fn rebuild(&self, now: crate::value::Instant) -> Result<IndexReport, WorkspaceError> {
        let run = self.text.begin_run()?;
        self.write(now, |writer| {
            writer.rebuild_indexes()?;
            writer.rebuild_members()
        })?;
        // Everybody is dirty now, so whatever the text index holds, or lacks, no answer relies on it.
        self.text.replace(TextIndex::recreate(self.text.folder())?);
        let mut report = self.index_text(&run)?;
        self.purge_text(&run)?;
        report.merged_blocks = 0;
        Ok(report)
    }
}

impl Writer<'_> {
    /// Sets the environment: dates of rows and of groups' queries are derived anew from their texts, indexes and
    /// memberships from them.
    ///
    /// # Errors
    /// [`WorkspaceError::WouldInvalidate`] with the groups that would no longer compile.
    pub fn set_settings(&mut self, settings: &Settings) -> Result<(), WorkspaceError> {
        self.flush()?;
        let mut new = settings.stored()?;
        new.derived_with.clone_from(&self.definitions.settings.derived_with);
        if new == self.definitions.settings {
            return Ok(());
        }
        let before = Arc::clone(&self.definitions);
        self.whole(|writer| {
            writer.txn.put_settings(&new)?;
            writer.reload()?;
            writer.derive_anew(&before)
        })
    }

    /// Changes the name and the type of a field: its values are derived anew from their texts.
    ///
    /// # Errors
    /// [`WorkspaceError::WouldInvalidate`] with the groups that would no longer compile.
    pub fn edit_field(
        &mut self,
        field: FieldId,
        name: Option<&str>,
        kind: Option<FieldType>,
    ) -> Result<(), WorkspaceError> {
        self.flush()?;
        let Some(known) = self.definitions.schema.field_by_id(field).cloned() else {
            return Err(WorkspaceError::UnknownField { key: format!("{field:?}"), near: None });
        };
        let mut edited = known.clone();
        if let Some(name) = name.map(str::trim) {
            edited.name = crate::workspace::definitions::valid_name(name)?;
        }
        edited.kind = kind.unwrap_or(known.kind);
        if edited == known {
            return Ok(());
        }
        let before = Arc::clone(&self.definitions);
        self.whole(|writer| {
            writer.txn.put_field(&edited)?;
            writer.reload()?;
            if edited.kind == known.kind { Ok(()) } else { writer.derive_anew(&before) }
        })
    }

    /// Rows, queries, indexes and memberships by the definitions at hand, which were just changed.
    fn derive_anew(&mut self, before: &Definitions) -> Result<(), WorkspaceError> {
        self.derive_queries(before)?;
        self.derive_rows()?;
        self.rebuild_indexes()?;
        self.rebuild_members()
    }

    /// The queries of all groups, printed as they were meant and read as they are meant now.
    fn derive_queries(&mut self, before: &Definitions) -> Result<(), WorkspaceError> {
        let now = self.now();
        let new = self.environment.clone();
        // The day that a literal meant lies in the old zone; how it must be written follows from the new order.
        let printing = Environment { date_format: new.date_format, ..before.environment(now) };
        let mut broken = Vec::new();
        for (&id, group) in &before.groups {
            let mut record = group.record.clone();
            for (query, slot) in [(&group.active, &mut record.active), (&group.pending, &mut record.pending)] {
                let Some(query) = query else { continue };
                let text = print::canonical_in(query, &before.schema, &printing);
                let names = Resolve::Schema(&self.definitions.schema);
                match language::parse_with(&text, query.dialect, names, &new) {
                    Ok(parsed) if group_check(&parsed.query).is_ok() => *slot = Some(stored(&parsed.query)),
                    Ok(_) => broken.push((record.name.clone(), "it may not be a group's query".to_owned())),
                    Err(errors) => broken.push((record.name.clone(), errors.first().message.clone())),
                }
            }
            if record != group.record {
                self.txn.put_group(id, &record)?;
            }
        }
        if !broken.is_empty() {
            return Err(WorkspaceError::WouldInvalidate(broken));
        }
        self.reload()
    }

    /// The typed values of all rows, from their texts.
    fn derive_rows(&mut self) -> Result<(), WorkspaceError> {
        let definitions = Arc::clone(&self.definitions);
        for block in self.blocks() {
            let mut changed: Vec<(DocumentNumber, Vec<u8>)> = Vec::new();
            for (document, bytes) in self.txn.view().rows_of_block(block)? {
                let row = RowView::open(document, bytes).map_err(|damage| damaged_row(document, damage))?;
                if let Some(bytes) = derived(document, &row, &definitions.schema, &self.environment) {
                    changed.push((document, bytes));
                }
            }
            for (document, bytes) in changed {
                self.txn.replace_row(document, &bytes)?;
            }
        }
        Ok(())
    }

    /// Attribute indexes, identities and addresses from the rows; everybody is to be indexed for words again.
    pub(crate) fn rebuild_indexes(&mut self) -> Result<(), WorkspaceError> {
        let kinds = FieldKinds::new(&self.definitions.schema);
        self.txn.clear_lookups()?;
        let (txn, tables) = self.txn.index_tables();
        let index = AttributeIndex::new(tables.index, kinds);
        index.clear(txn)?;
        for block in self.blocks() {
            let rows: Vec<(DocumentNumber, Vec<u8>)> = self
                .txn
                .view()
                .rows_of_block(block)?
                .into_iter()
                .map(|(document, bytes)| (document, bytes.to_vec()))
                .collect();
            let mut changes = Vec::with_capacity(rows.len());
            for (document, bytes) in &rows {
                let row = RowView::open(*document, bytes).map_err(|damage| damaged_row(*document, damage))?;
                changes.push(RowChange { document: *document, before: None, after: Some(row) });
            }
            let (txn, _) = self.txn.index_tables();
            index.apply(txn, &changes)?;
            for change in &changes {
                let Some(row) = &change.after else { continue };
                self.txn.restore_lookups(change.document, row)?;
            }
            let documents: Vec<u32> = rows.iter().map(|(document, _)| document.0).collect();
            self.txn.mark_dirty(&documents)?;
        }
        Ok(())
    }

    /// Memberships from the rows. The log learns of whatever its sum does not account for.
    pub(crate) fn rebuild_members(&mut self) -> Result<(), WorkspaceError> {
        self.restart_pending()?;
        let mut manual: BTreeMap<GroupId, RoaringBitmap> = BTreeMap::new();
        for block in self.blocks() {
            for (document, bytes) in self.txn.view().rows_of_block(block)? {
                let row = RowView::open(document, bytes).map_err(|damage| damaged_row(document, damage))?;
                for group in row.groups() {
                    manual.entry(group).or_default().insert(document.0);
                }
            }
        }
        let mut sums = self.log_sums()?;
        let definitions = Arc::clone(&self.definitions);
        let manual_groups = definitions.groups.iter().filter(|(_, group)| !group.record.smart).map(|(&id, _)| id);
        let mut flips = Vec::new();
        for group in manual_groups.chain(self.smart_groups_in_order()?) {
            let smart = definitions.groups.get(&group).and_then(|definition| definition.active.as_ref());
            let members = match smart {
                Some(query) => {
                    self.workspace.active_matches(self.txn.view(), &definitions, (group, query), self.now())?
                }
                None => manual.remove(&group).unwrap_or_default(),
            };
            self.txn.replace_members(MemberSet::Active(group), &members)?;
            let known = sums.remove(&group).unwrap_or_default();
            let of = |documents: RoaringBitmap| documents.iter().map(DocumentNumber).collect();
            flips.push(Flips { group, entered: of(&members - &known), left: of(&known - &members) });
        }
        self.log_only(&flips, self.now(), Cause::Edit)?;
        self.schedule()
    }

    /// The members of each group by the log alone.
    fn log_sums(&self) -> Result<BTreeMap<GroupId, RoaringBitmap>, WorkspaceError> {
        let view = self.txn.view();
        let mut sums = BTreeMap::new();
        for &id in self.definitions.groups.keys() {
            sums.insert(id, view.members(MemberSet::Checkpoint(id))?);
        }
        for number in view.state().horizon.0 + 1..=view.state().sequence.0 {
            let Some(entry) = view.log_entry(Sequence(number))? else { continue };
            for moves in entry.groups() {
                if let Some(members) = sums.get_mut(&moves.group) {
                    members.extend(moves.entered());
                    *members -= moves.left().collect::<RoaringBitmap>();
                }
            }
        }
        Ok(sums)
    }
}

/// The row with its fields' values derived anew; `None` if they are the same.
fn derived(document: DocumentNumber, row: &RowView<'_>, schema: &Schema, environment: &Environment) -> Option<Vec<u8>> {
    let mut contact = row.to_contact();
    let mut changed = false;
    for (id, value) in &mut contact.fields {
        let Some(field) = schema.field_by_id(*id) else { continue };
        let typed = convert_field_text(&value.text, field.kind, environment);
        changed |= typed != value.typed;
        value.typed = typed;
    }
    changed.then(|| {
        let mut bytes = Vec::with_capacity(256);
        row::encode(document, &contact, &mut bytes);
        bytes
    })
}

fn damaged_row(document: DocumentNumber, damage: crate::store::Damage) -> WorkspaceError {
    crate::store::StoreError::Damaged { table: "rows", key: format!("{document:?}"), damage }.into()
}
