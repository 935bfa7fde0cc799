//! A batch of changes: staged line by line, then carried into rows, indexes, memberships and log in one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;
use roaring::RoaringBitmap;
use smallvec::SmallVec;

use crate::contact::{Contact, ContactView};
use crate::ids::{DocumentNumber, FieldId, GroupId, Sequence, Uuid};
use crate::index::{AttributeIndex, FieldKinds, RowChange};
use crate::refresh::{self, Flips, Moment};
use crate::schema::{Environment, FieldType, Schema};
use crate::store::{Cause, Moves, RowView, StoreError, Transaction, View, row};
use crate::value::Instant;
use crate::workspace::Workspace;
use crate::workspace::change::{Change, ContactPatch, ContactRef, Event, SourcePosition};
use crate::workspace::definitions::Definitions;
use crate::workspace::error::WorkspaceError;
use crate::workspace::rejection::{Omissions, Rejection};
use crate::workspace::staging::{Staged, Staging, Stored};
use crate::workspace::transition::Transition;

/// What a batch did, once it is durable.
#[derive(Debug)]
pub struct Commit<T> {
    /// What the work returned.
    pub value: T,
    /// The last entry of the log before the batch: everything after it is this batch's doing.
    pub before: Sequence,
    /// The last entry of the log after the batch; the same if no membership changed.
    pub after: Sequence,
    /// What was left out of changes that were applied.
    pub omissions: Omissions,
    /// Contacts created, changed and deleted.
    pub counts: ContactCounts,
}

/// How many contacts a batch touched.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ContactCounts {
    /// New ones.
    pub created: u64,
    /// Changed ones.
    pub changed: u64,
    /// Deleted ones.
    pub deleted: u64,
}

/// A batch that is being made. Dropping it forgets everything.
pub struct Writer<'w> {
    pub(crate) workspace: &'w Workspace,
    pub(crate) txn: Transaction<'w>,
    pub(crate) definitions: Arc<Definitions>,
    pub(crate) environment: Environment,
    cause: Cause,
    staging: Staging,
    sources: BTreeMap<Box<str>, u64>,
    omissions: Omissions,
    counts: ContactCounts,
    before: Sequence,
    /// The version of the definitions that were committed when this began.
    began_with: u64,
}

impl std::fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Writer({} contacts staged)", self.staging.len())
    }
}

/// Identities and addresses as the transaction sees them.
impl Stored for View<'_> {
    type Error = StoreError;

    fn by_uuid(&self, uuid: Uuid) -> Result<Option<DocumentNumber>, StoreError> {
        self.document_by_uuid(uuid)
    }

    fn by_urn(&self, identity: &str) -> Result<Option<DocumentNumber>, StoreError> {
        self.document_by_urn(identity)
    }
}

impl<'w> Writer<'w> {
    /// Waits for other writers, then catches up with the clock.
    pub(crate) fn begin(workspace: &'w Workspace, now: Instant, cause: Cause) -> Result<Self, WorkspaceError> {
        let txn = workspace.store.write()?;
        let definitions = workspace.definitions(txn.view())?;
        let version = definitions.version;
        let now = now.max(txn.view().state().clock);
        let environment = definitions.environment(now);
        let before = txn.view().state().sequence;
        let mut writer = Writer {
            workspace,
            txn,
            definitions,
            environment,
            cause,
            staging: Staging::default(),
            sources: BTreeMap::new(),
            omissions: Omissions::default(),
            counts: ContactCounts::default(),
            before,
            began_with: version,
        };
        writer.tick(now)?;
        Ok(writer)
    }

    /// The moment of this batch: the later of the one asked for and the workspace's clock.
    pub fn now(&self) -> Instant {
        self.environment.now
    }

    /// Applies one change, which sees the ones before it. A change that is refused has no effect at all, and the batch
    /// goes on.
    ///
    /// # Errors
    /// Outside: if the store fails; the batch is lost then. Inside: why the change was refused.
    pub fn apply(&mut self, change: &Change) -> Result<Result<(), Rejection>, WorkspaceError> {
        if let Some(source) = &change.source
            && !self.advance_source(source)?
        {
            return Ok(Ok(()));
        }
        match &change.event {
            Event::Created(patch) => self.create(change.contact.as_ref(), patch, true),
            Event::Deleted => self.delete(change.contact.as_ref()),
            event => {
                let Some(reference) = &change.contact else {
                    return Ok(Err(Rejection::NoContact));
                };
                let Some(document) = self.find(reference)? else {
                    return Ok(Err(Rejection::UnknownContact(shown(reference))));
                };
                self.change(document, event, change.created_on)
            }
        }
    }

    /// Counts a position of a source as seen, with this batch: what [`Writer::apply`] does for a change that has one, and
    /// what is due for a line that is none. Says whether it was not seen before.
    ///
    /// # Errors
    /// If the store fails.
    pub fn advance_source(&mut self, source: &SourcePosition) -> Result<bool, WorkspaceError> {
        if self.has_seen(source)? {
            return Ok(false);
        }
        self.sources.insert(source.name.clone(), source.offset);
        Ok(true)
    }

    /// Whether a position of a source lies at or before the last one that was seen, so that its change is a replay.
    ///
    /// # Errors
    /// If the store fails.
    pub fn has_seen(&self, source: &SourcePosition) -> Result<bool, WorkspaceError> {
        let last = match self.sources.get(&source.name) {
            Some(&offset) => Some(offset),
            None => self.txn.view().source_offset(&source.name)?,
        };
        Ok(last.is_some_and(|last| source.offset <= last))
    }

    /// Creates the contact, or patches it if it is known by its identity or one of its addresses.
    ///
    /// # Errors
    /// As for [`Writer::apply`].
    pub fn put(&mut self, patch: &ContactPatch) -> Result<Result<(), Rejection>, WorkspaceError> {
        let known = match patch.uuid {
            Some(uuid) => self.staging.by_uuid(&self.txn.view(), uuid)?,
            None => self.holder_of_any(patch)?,
        };
        match known {
            Some(document) => self.patch(document, patch),
            None => self.create(None, patch, false),
        }
    }

    /// The first contact that holds one of the patch's addresses.
    fn holder_of_any(&self, patch: &ContactPatch) -> Result<Option<DocumentNumber>, StoreError> {
        let whole = patch.urns.iter().flatten();
        for urn in whole.chain(patch.scheme_urns.iter().filter_map(|(_, urn)| urn.as_ref())) {
            if let Some(document) = self.staging.by_urn(&self.txn.view(), urn)? {
                return Ok(Some(document));
            }
        }
        Ok(None)
    }

    /// The contact that input names, as this batch sees it.
    ///
    /// # Errors
    /// If the store fails.
    pub fn find(&self, reference: &ContactRef) -> Result<Option<DocumentNumber>, WorkspaceError> {
        Ok(match reference {
            ContactRef::Uuid(uuid) => self.staging.by_uuid(&self.txn.view(), *uuid)?,
            ContactRef::Urn(urn) => self.staging.by_urn(&self.txn.view(), urn)?,
            ContactRef::Id(id) => self.workspace.document_by_id(self.txn.view(), &self.definitions, id)?,
            ContactRef::Beginning(beginning) => self.txn.view().document_by_beginning(beginning)?,
        })
    }

    /// Brings a contact into the batch, and gives it as the batch sees it.
    fn staged(&mut self, document: DocumentNumber) -> Result<Option<&Contact>, WorkspaceError> {
        if self.staging.get(document).is_none()
            && let Some(row) = self.txn.view().row(document)?
        {
            self.staging.load(document, row.bytes().to_vec(), row.to_contact());
        }
        Ok(self.staging.contact(document))
    }

    pub(crate) fn change(
        &mut self,
        document: DocumentNumber,
        event: &Event,
        created_on: Option<Instant>,
    ) -> Result<Result<(), Rejection>, WorkspaceError> {
        self.change_with(document, created_on, |transition, contact, omissions| {
            transition.apply(contact, event, None, omissions)
        })
    }

    fn patch(
        &mut self,
        document: DocumentNumber,
        patch: &ContactPatch,
    ) -> Result<Result<(), Rejection>, WorkspaceError> {
        self.change_with(document, None, |transition, contact, omissions| {
            transition.patch(contact, patch, omissions);
            Ok(())
        })
    }

    /// Changes a copy of the contact, and puts it in the contact's place if nothing speaks against it.
    fn change_with(
        &mut self,
        document: DocumentNumber,
        created_on: Option<Instant>,
        edit: impl FnOnce(&Transition<'_>, &mut Contact, &mut Omissions) -> Result<(), Rejection>,
    ) -> Result<Result<(), Rejection>, WorkspaceError> {
        let Some(mut after) = self.staged(document)?.cloned() else {
            return Ok(Err(Rejection::UnknownContact(format!("{document:?}"))));
        };
        let mut omissions = Omissions::default();
        let transition = Transition { schema: &self.definitions.schema, environment: &self.environment };
        if let Err(rejection) = edit(&transition, &mut after, &mut omissions) {
            return Ok(Err(rejection));
        }
        let before = self.staging.contact(document);
        let has_other_urns = before.is_none_or(|before| before.urns != after.urns);
        let is_changed = before != Some(&after);
        if has_other_urns && let Some(rejection) = self.taken(Some(document), &after)? {
            return Ok(Err(rejection));
        }
        if is_changed {
            if let Some(moment) = created_on {
                after.modified_on = Some(moment);
            }
            self.staging.replace(document, after);
        }
        self.omissions.merge(omissions);
        Ok(Ok(()))
    }

    fn taken(&self, document: Option<DocumentNumber>, contact: &Contact) -> Result<Option<Rejection>, WorkspaceError> {
        let Some((urn, holder)) = self.staging.taken(&self.txn.view(), document, &contact.urns)? else {
            return Ok(None);
        };
        let staged = self.staging.contact(holder).map(|contact| contact.uuid);
        let holder = match staged {
            Some(uuid) => Some(uuid),
            None => self.txn.view().row(holder)?.map(|row| row.uuid()),
        };
        let holder = holder.map_or_else(|| "of this workspace".to_owned(), |uuid| uuid.to_string());
        Ok(Some(Rejection::UrnTaken { urn, holder }))
    }

    fn create(
        &mut self,
        reference: Option<&ContactRef>,
        patch: &ContactPatch,
        must_be_new: bool,
    ) -> Result<Result<(), Rejection>, WorkspaceError> {
        let given = match reference {
            Some(ContactRef::Uuid(uuid)) => Some(*uuid),
            _ => patch.uuid,
        };
        if let Some(uuid) = given
            && must_be_new
            && self.staging.by_uuid(&self.txn.view(), uuid)?.is_some()
        {
            return Ok(Err(Rejection::ContactExists(uuid.to_string())));
        }
        let mut contact = Contact::new(given.unwrap_or_else(Uuid::random), self.now());
        let mut omissions = Omissions::default();
        let transition = Transition { schema: &self.definitions.schema, environment: &self.environment };
        transition.patch(&mut contact, patch, &mut omissions);
        if let Some(ContactRef::Urn(urn)) = reference
            && contact.urns.is_empty()
        {
            contact.urns.push(urn.clone());
        }
        if given.is_none() && contact.urns.is_empty() {
            return Ok(Err(Rejection::NoIdentity));
        }
        if let Some(rejection) = self.taken(None, &contact)? {
            return Ok(Err(rejection));
        }
        let document = match self.txn.next_document() {
            Ok(document) => document,
            Err(StoreError::Exhausted { .. }) => return Ok(Err(Rejection::Full)),
            Err(error) => return Err(error.into()),
        };
        self.staging.create(document, contact);
        self.omissions.merge(omissions);
        Ok(Ok(()))
    }

    fn delete(&mut self, reference: Option<&ContactRef>) -> Result<Result<(), Rejection>, WorkspaceError> {
        let Some(reference) = reference else {
            return Ok(Err(Rejection::NoContact));
        };
        let found = self.find(reference)?;
        let Some(document) = found else {
            return Ok(Err(Rejection::UnknownContact(shown(reference))));
        };
        if self.staged(document)?.is_none() {
            return Ok(Err(Rejection::UnknownContact(shown(reference))));
        }
        self.staging.delete(document);
        Ok(Ok(()))
    }

    /// Contacts staged so far: a caller that streams commits when there are enough.
    pub fn staged_contacts(&self) -> usize {
        self.staging.len()
    }

    /// Carries what is staged into rows, indexes, memberships and log.
    pub(crate) fn flush(&mut self) -> Result<(), WorkspaceError> {
        if self.staging.is_empty() {
            return Ok(());
        }
        let staged = self.staging.drain();
        let rows: Vec<EncodedChange> = staged.into_par_iter().filter_map(EncodedChange::of).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let changes: Vec<RowChange<RowView<'_>>> =
            rows.par_iter().map(EncodedChange::views).collect::<Result<_, StoreError>>()?;
        let mut flips = self.refresh(&changes)?;
        flips.extend(manual_flips(&changes));
        self.write_index(&changes)?;
        self.write_rows(&rows, &changes)?;
        self.record(&flips, self.now(), self.cause)?;
        self.schedule()
    }

    fn write_index(&mut self, changes: &[RowChange<RowView<'_>>]) -> Result<(), WorkspaceError> {
        let kinds = FieldKinds::new(&self.definitions.schema);
        let dirty: Vec<u32> = changes
            .par_iter()
            .filter(|change| has_other_words(change, &self.definitions.schema))
            .map(|change| change.document.0)
            .collect();
        let (txn, tables) = self.txn.index_tables();
        AttributeIndex::new(tables.index, kinds).apply(txn, changes)?;
        self.txn.mark_dirty(&dirty)?;
        Ok(())
    }

    fn write_rows(&mut self, rows: &[EncodedChange], changes: &[RowChange<RowView<'_>>]) -> Result<(), WorkspaceError> {
        // Addresses are released before any is claimed: one may pass from one contact of the batch to another.
        for change in changes {
            if let Some(before) = &change.before {
                let kept = change.after.as_ref();
                for urn in before.urns() {
                    if !kept.is_some_and(|after| after.urns().any(|other| other == urn)) {
                        self.txn.release_urn(&urn.identity(), change.document)?;
                    }
                }
                if kept.is_none() {
                    self.txn.release_uuid(before.uuid(), change.document)?;
                }
            }
        }
        for (row, change) in rows.iter().zip(changes) {
            match (&change.before, &change.after) {
                (None, Some(after)) => {
                    self.txn.insert_row(change.document, after.bytes())?;
                    self.txn.claim_uuid(after.uuid(), change.document)?;
                    self.counts.created += 1;
                }
                (Some(_), Some(after)) => {
                    self.txn.replace_row(change.document, after.bytes())?;
                    self.counts.changed += 1;
                }
                (Some(before), None) => {
                    self.txn.delete_row(change.document)?;
                    self.txn.put_tombstone(change.document, before.uuid())?;
                    self.counts.deleted += 1;
                }
                (None, None) => {}
            }
            if let Some(after) = &change.after {
                for urn in after.urns() {
                    let held = change.before.as_ref().is_some_and(|before| before.urns().any(|other| other == urn));
                    if !held {
                        self.txn.claim_urn(&urn.identity(), change.document)?;
                    }
                }
            }
            debug_assert_eq!(row.document, change.document);
        }
        Ok(())
    }

    /// Which smart groups the changed contacts enter and leave.
    fn refresh(&self, changes: &[RowChange<RowView<'_>>]) -> Result<Vec<Flips>, WorkspaceError> {
        let engine = self.workspace.engine(&self.definitions, self.definitions_committed())?;
        let mut engine = engine.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        engine.set_now(Moment::new(self.now(), self.environment.timezone.clone()));
        let stale = super::clock::StaleMembers::load(self.txn.view(), &engine)?;
        let changes: Vec<refresh::RowChange<&RowView<'_>>> = changes
            .iter()
            .map(|change| refresh::RowChange {
                document: change.document,
                before: change.before.as_ref(),
                after: change.after.as_ref(),
            })
            .collect();
        Ok(engine.apply_with(&changes, &stale).flips)
    }

    /// Whether the definitions at hand are those that the store has committed.
    pub(crate) fn definitions_committed(&self) -> bool {
        self.definitions.version == self.began_with
    }

    /// Changes memberships and writes one entry of the log, if anything flipped.
    pub(crate) fn record(&mut self, flips: &[Flips], time: Instant, cause: Cause) -> Result<(), WorkspaceError> {
        self.log(flips, time, cause, true)
    }

    /// Writes an entry of the log for memberships that were changed already.
    pub(crate) fn log_only(&mut self, flips: &[Flips], time: Instant, cause: Cause) -> Result<(), WorkspaceError> {
        self.log(flips, time, cause, false)
    }

    fn log(&mut self, flips: &[Flips], time: Instant, cause: Cause, apply: bool) -> Result<(), WorkspaceError> {
        let numbers = |documents: &[DocumentNumber]| documents.iter().map(|document| document.0).collect::<Vec<u32>>();
        let mut flips: Vec<(GroupId, Vec<u32>, Vec<u32>)> = flips
            .iter()
            .filter(|flip| !(flip.entered.is_empty() && flip.left.is_empty()))
            .map(|flip| (flip.group, numbers(&flip.entered), numbers(&flip.left)))
            .collect();
        flips.sort_unstable_by_key(|(group, ..)| *group);
        let moves: Vec<Moves<'_>> =
            flips.iter().map(|(group, entered, left)| Moves { group: *group, entered, left }).collect();
        if moves.is_empty() {
            return Ok(());
        }
        if apply {
            self.txn.record_moves(time, cause, &moves)?;
        } else {
            self.txn.append_log(time, cause, &moves)?;
        }
        Ok(())
    }

    /// Takes all members out of a manual group, with cause `edit`.
    pub(crate) fn leave_all(&mut self, group: GroupId, members: &RoaringBitmap) -> Result<(), WorkspaceError> {
        for document in members.iter().map(DocumentNumber) {
            let Some(mut contact) = self.staged(document)?.cloned() else { continue };
            contact.groups.retain(|&held| held != group);
            self.staging.replace(document, contact);
        }
        let cause = std::mem::replace(&mut self.cause, Cause::Edit);
        let flushed = self.flush();
        self.cause = cause;
        flushed
    }

    /// Makes everything durable.
    pub(crate) fn commit<T>(mut self, value: T) -> Result<Commit<T>, WorkspaceError> {
        self.flush()?;
        for (source, offset) in std::mem::take(&mut self.sources) {
            self.txn.put_source_offset(&source, offset)?;
        }
        let after = self.txn.view().state().sequence;
        let Writer { txn, before, omissions, counts, .. } = self;
        txn.commit()?;
        Ok(Commit { value, before, after, omissions, counts })
    }
}

/// A contact before and after, as rows.
struct EncodedChange {
    document: DocumentNumber,
    before: Option<Vec<u8>>,
    after: Option<Vec<u8>>,
}

impl EncodedChange {
    /// `None` if nothing changed after all.
    fn of((document, staged): (DocumentNumber, Staged)) -> Option<Self> {
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

/// How a reference is shown in a message.
pub(crate) fn shown(reference: &ContactRef) -> String {
    match reference {
        ContactRef::Uuid(uuid) => uuid.to_string(),
        ContactRef::Urn(urn) => urn.to_string(),
        ContactRef::Id(text) | ContactRef::Beginning(text) => text.to_string(),
    }
}
