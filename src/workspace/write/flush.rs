//! The end of a batch: what was staged becomes rows, identities, indexes, memberships and an entry of the log.
//!
//! The store is written by one thread, and what there is to compute needs no store: so the moves and the new values of
//! indexes are found while rows and identities are written. Identities go in by the order of their tables, not of the
//! contacts: neighbours share pages.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use rayon::prelude::*;
use smallvec::SmallVec;

use crate::contact::UrnRef;
use crate::ids::{DocumentNumber, FieldId, GroupId, Uuid};
use crate::index::{AttributeIndex, FieldKinds, Gathered, RowChange};
use crate::refresh::{self, Engine, Flips, Moment};
use crate::schema::{FieldType, Schema};
use crate::store::{RowView, StoreError, row};
use crate::workspace::definitions::plans::StoredMembers;
use crate::workspace::error::WorkspaceError;
use crate::workspace::write::staging::Staged;
use crate::workspace::write::writer::Writer;

/// Fewer changes than these are not worth another thread.
const WORTH_A_THREAD: usize = 256;

/// Changes are looked through in pieces of this many, in parallel.
const PIECE: usize = 4096;

impl Writer<'_> {
    /// Carries what is staged into rows, indexes, memberships and log.
    pub(crate) fn flush(&mut self) -> Result<(), WorkspaceError> {
        if self.staging.is_empty() {
            return Ok(());
        }
        let rows: Vec<EncodedChange> = self.staging.drain().into_par_iter().filter_map(EncodedChange::of).collect();
        if rows.is_empty() {
            return Ok(());
        }
        self.whole(|writer| writer.carry(&rows))
    }

    fn carry(&mut self, rows: &[EncodedChange]) -> Result<(), WorkspaceError> {
        let changes: Vec<RowChange<RowView<'_>>> =
            rows.par_iter().map(EncodedChange::views).collect::<Result<_, StoreError>>()?;
        let Effects { flips, gathered, dirty } = self.write_rows(&changes)?;
        self.refresh_pending(&changes)?;
        self.drop_overrides(&changes)?;
        let kinds = FieldKinds::new(&self.definitions.schema);
        let (txn, tables) = self.txn.index_tables();
        AttributeIndex::new(tables.index, kinds).apply_gathered(txn, gathered)?;
        self.txn.mark_dirty(&dirty)?;
        self.record(&flips, self.now(), self.cause)?;
        self.schedule()
    }

    /// Writes rows, identities and addresses, and finds meanwhile what follows from the changes.
    fn write_rows(&mut self, changes: &[RowChange<RowView<'_>>]) -> Result<Effects, WorkspaceError> {
        let engine = self.workspace.engine(&self.definitions, self.definitions_committed())?;
        let mut engine = engine.lock().unwrap_or_else(PoisonError::into_inner);
        engine.set_now(Moment::new(self.now(), self.environment.timezone.clone()));
        let stale = StoredMembers::outside(self.txn.view(), engine.table())?;
        let definitions = Arc::clone(&self.definitions);
        let engine = &*engine;
        let find = || Effects::of(changes, engine, &stale, &definitions.schema);
        if changes.len() < WORTH_A_THREAD {
            let effects = find();
            return self.write_contacts(changes).map(|()| effects);
        }
        std::thread::scope(|scope| {
            let beside = std::thread::Builder::new().name("headcount-effects".to_owned()).spawn_scoped(scope, find);
            let written = self.write_contacts(changes);
            let effects = match beside {
                Ok(finding) => finding.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                // There is no other thread to be had.
                Err(_) => find(),
            };
            written.map(|()| effects)
        })
    }

    fn write_contacts(&mut self, changes: &[RowChange<RowView<'_>>]) -> Result<(), WorkspaceError> {
        let identities = Identities::of(changes);
        // Addresses are released before any is claimed: one may pass from one contact of the batch to another.
        for (identity, document) in &identities.released_urns {
            self.txn.release_urn(identity, *document)?;
        }
        for (uuid, document) in &identities.released_uuids {
            self.txn.release_uuid(*uuid, *document)?;
            self.txn.put_tombstone(*document, *uuid)?;
        }
        for change in changes {
            match (&change.before, &change.after) {
                (None, Some(after)) => {
                    self.txn.insert_row(change.document, after.bytes())?;
                    self.counts.created += 1;
                }
                (Some(_), Some(after)) => {
                    self.txn.replace_row(change.document, after.bytes())?;
                    self.counts.changed += 1;
                }
                (Some(_), None) => {
                    self.txn.delete_row(change.document)?;
                    self.counts.deleted += 1;
                }
                (None, None) => {}
            }
        }
        self.txn.claim_uuids(&identities.claimed_uuids)?;
        self.txn.claim_urns(&identities.claimed_urns)?;
        Ok(())
    }
}

/// What follows from a batch's changes, besides the rows.
struct Effects {
    /// Memberships that change.
    flips: Vec<Flips>,
    /// Values that change, by property and block.
    gathered: Gathered,
    /// Contacts whose words the text index does not know yet.
    dirty: Vec<u32>,
}

impl Effects {
    fn of(changes: &[RowChange<RowView<'_>>], engine: &Engine, stale: &StoredMembers, schema: &Schema) -> Self {
        let flipping: Vec<refresh::RowChange<&RowView<'_>>> = changes
            .iter()
            .map(|change| refresh::RowChange {
                document: change.document,
                before: change.before.as_ref(),
                after: change.after.as_ref(),
            })
            .collect();
        let mut flips = engine.apply_with(&flipping, stale).flips;
        flips.extend(manual_flips(changes));
        let dirty = changes
            .par_iter()
            .filter(|change| has_other_words(change, schema))
            .map(|change| change.document.0)
            .collect();
        Effects { flips, gathered: Gathered::of(changes, &FieldKinds::new(schema)), dirty }
    }
}

/// Identities and addresses given up and taken by a batch, each kind in the order of its table.
#[derive(Default)]
struct Identities {
    released_uuids: Vec<(Uuid, DocumentNumber)>,
    claimed_uuids: Vec<(Uuid, DocumentNumber)>,
    released_urns: Vec<(String, DocumentNumber)>,
    claimed_urns: Vec<(String, DocumentNumber)>,
}

impl Identities {
    fn of(changes: &[RowChange<RowView<'_>>]) -> Self {
        let mut all = changes
            .par_chunks(PIECE)
            .map(|changes| {
                let mut found = Identities::default();
                changes.iter().for_each(|change| found.add(change));
                found
            })
            .reduce(Identities::default, Identities::and);
        rayon::join(
            || {
                all.released_uuids.sort_unstable();
                all.claimed_uuids.sort_unstable();
            },
            || {
                all.released_urns.par_sort_unstable();
                all.claimed_urns.par_sort_unstable();
            },
        );
        all
    }

    fn add(&mut self, RowChange { document, before, after }: &RowChange<RowView<'_>>) {
        match (before, after) {
            (Some(before), None) => self.released_uuids.push((before.uuid(), *document)),
            (None, Some(after)) => self.claimed_uuids.push((after.uuid(), *document)),
            _ => {}
        }
        let (old, new) = (urns_of(before), urns_of(after));
        if old == new {
            return;
        }
        let only_in = |these: &[UrnRef<'_>], others: &[UrnRef<'_>], into: &mut Vec<(String, DocumentNumber)>| {
            let only = these.iter().filter(|urn| !others.contains(urn));
            into.extend(only.map(|urn| (urn.identity(), *document)));
        };
        only_in(&old, &new, &mut self.released_urns);
        only_in(&new, &old, &mut self.claimed_urns);
    }

    fn and(mut self, other: Self) -> Self {
        self.released_uuids.extend(other.released_uuids);
        self.claimed_uuids.extend(other.claimed_uuids);
        self.released_urns.extend(other.released_urns);
        self.claimed_urns.extend(other.claimed_urns);
        self
    }
}

fn urns_of<'a>(row: &'a Option<RowView<'_>>) -> SmallVec<[UrnRef<'a>; 4]> {
    row.iter().flat_map(|row| row.urns()).collect()
}

/// A contact before and after, as rows.
struct EncodedChange {
    document: DocumentNumber,
    before: Option<Vec<u8>>,
    after: Option<Vec<u8>>,
}

impl EncodedChange {
    /// `None` if nothing changed after all.
    fn of((document, staged): (DocumentNumber, Box<Staged>)) -> Option<Self> {
        let after = staged.after.map(|contact| {
            let mut bytes = Vec::with_capacity(256);
            row::encode(document, &contact, &mut bytes);
            bytes
        });
        (staged.before != after).then_some(EncodedChange { document, before: staged.before, after })
    }

    fn views(&self) -> Result<RowChange<RowView<'_>>, StoreError> {
        let document = self.document;
        let before = self.before.as_deref().map(|bytes| view_of(document, bytes)).transpose()?;
        let after = self.after.as_deref().map(|bytes| view_of(document, bytes)).transpose()?;
        Ok(RowChange { document, before, after })
    }
}

fn view_of(document: DocumentNumber, bytes: &[u8]) -> Result<RowView<'_>, StoreError> {
    let damaged = |damage| StoreError::Damaged { table: "rows", key: format!("{document:?}"), damage };
    RowView::open_trusted(document, bytes).map_err(damaged)
}

/// Whether the words that the text index keeps of a contact changed.
fn has_other_words(change: &RowChange<RowView<'_>>, schema: &Schema) -> bool {
    let mut texts = schema.fields().iter().filter(|field| field.kind == FieldType::Text);
    texts.any(|field| text_of(&change.before, field.id) != text_of(&change.after, field.id))
}

fn text_of<'a>(row: &Option<RowView<'a>>, field: FieldId) -> Option<&'a str> {
    row.as_ref().and_then(|row| row.field(field)).map(|value| value.text)
}

/// Moves in and out of manual groups, which the contacts' own lists tell.
fn manual_flips(changes: &[RowChange<RowView<'_>>]) -> Vec<Flips> {
    let mut flips: BTreeMap<GroupId, Flips> = BTreeMap::new();
    for change in changes {
        let (before, after) = (groups_of(&change.before), groups_of(&change.after));
        if before == after {
            continue;
        }
        for &group in after.iter().filter(|group| !before.contains(group)) {
            moves_of(&mut flips, group).entered.push(change.document);
        }
        for &group in before.iter().filter(|group| !after.contains(group)) {
            moves_of(&mut flips, group).left.push(change.document);
        }
    }
    flips.into_values().collect()
}

fn groups_of(row: &Option<RowView<'_>>) -> SmallVec<[GroupId; 8]> {
    row.iter().flat_map(RowView::groups).collect()
}

fn moves_of(flips: &mut BTreeMap<GroupId, Flips>, group: GroupId) -> &mut Flips {
    flips.entry(group).or_insert_with(|| Flips { group, entered: Vec::new(), left: Vec::new() })
}
