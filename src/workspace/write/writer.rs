//! A batch of changes: staged line by line, then carried into rows, indexes, memberships and log in one transaction.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::contact::Contact;
use crate::ids::{Block, DocumentNumber, GroupId, Sequence, Uuid};
use crate::refresh::Flips;
use crate::schema::Environment;
use crate::store::{Cause, MemberSet, Moves, StoreError, Transaction, View};
use crate::value::{Instant, Urn};
use crate::workspace::Workspace;
use crate::workspace::definitions::Definitions;
use crate::workspace::error::WorkspaceError;
use crate::workspace::write::change::{Change, ContactPatch, ContactRef, Event, SourcePosition};
use crate::workspace::write::rejection::{Omissions, Rejection};
use crate::workspace::write::staging::{Staged, Staging, Stored};
use crate::workspace::write::transition::Transition;

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
    /// Why groups of the batch could not be filled after it was durable, if they could not: they keep their members until
    /// [`Workspace::fill_pending`] goes on.
    pub unfilled: Option<WorkspaceError>,
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
    pub(crate) cause: Cause,
    pub(crate) staging: Staging,
    sources: BTreeMap<Box<str>, u64>,
    pub(crate) omissions: Omissions,
    pub(crate) counts: ContactCounts,
    pub(crate) before: Sequence,
    /// The version of the definitions that were committed when this began.
    began_with: u64,
    /// Whether groups wait to be filled after the commit.
    pub(crate) has_deferred: bool,
    /// Whether something of several steps failed between them: then nothing of the batch may be kept.
    is_half_done: bool,
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
            has_deferred: false,
            is_half_done: false,
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
    /// ```
    /// use headcount::{Change, ContactPatch, Event, Instant, Settings, Urn, Workspace};
    ///
    /// # let folder = tempfile::tempdir().unwrap();
    /// let workspace = Workspace::create(&folder.path().join("store"), &Settings::default())?;
    /// let ann = Urn::parse("tel:+250788123123")?;
    /// workspace.write(Instant::now(), |batch| {
    ///     let change = Change::new(ann.clone(), Event::name("Ann"));
    ///     assert!(batch.apply(&change).unwrap_err().is_rejected());
    ///     batch.put(ContactPatch::new().urns([ann.clone()]))?;
    ///     batch.apply(&change)
    /// })?;
    /// # Ok::<(), headcount::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`WorkspaceError::Rejected`] with why the change was refused. Others if the store fails; the batch is lost then.
    pub fn apply(&mut self, change: impl Borrow<Change>) -> Result<(), WorkspaceError> {
        let change = change.borrow();
        if let Some(source) = &change.source
            && !self.advance_source(source)?
        {
            return Ok(());
        }
        Ok(self.apply_now(change)??)
    }

    /// Applies a change whose position, if it has one, is counted already.
    pub(crate) fn apply_now(&mut self, change: &Change) -> Result<Result<(), Rejection>, WorkspaceError> {
        match &change.event {
            Event::Created(patch) => self.create(change.contact.as_ref(), patch, true),
            Event::Deleted => self.delete(change.contact.as_ref()),
            event => {
                let Some(reference) = &change.contact else {
                    return Ok(Err(Rejection::NoContact));
                };
                let Some(document) = self.find(reference)? else {
                    return Ok(Err(unknown(reference)));
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
        match self.sources.get_mut(&source.name) {
            Some(last) => *last = source.offset,
            None => drop(self.sources.insert(source.name.clone(), source.offset)),
        }
        Ok(true)
    }

    /// Sets the position of a source, whatever it was: it may have begun anew.
    #[cfg(feature = "postgres")]
    pub(crate) fn set_source(&mut self, source: &SourcePosition) {
        self.sources.insert(source.name.clone(), source.offset);
    }

    /// The identity of a contact, as this batch sees it.
    #[cfg(feature = "postgres")]
    pub(crate) fn identity(&mut self, document: DocumentNumber) -> Result<Option<Uuid>, WorkspaceError> {
        Ok(self.staged(document)?.map(|contact| contact.uuid))
    }

    /// The group of an identity.
    #[cfg(feature = "postgres")]
    pub(crate) fn group_by_uuid(&self, uuid: Uuid) -> Option<GroupId> {
        self.definitions.schema.group_by_uuid(uuid).map(|group| group.id)
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
    /// ```
    /// use headcount::{ContactPatch, Instant, Settings, Workspace};
    ///
    /// # let folder = tempfile::tempdir().unwrap();
    /// let workspace = Workspace::create(&folder.path().join("store"), &Settings::default())?;
    /// let commit = workspace.write(Instant::now(), |batch| {
    ///     batch.put(ContactPatch::new().name("Ann").urn("tel:+250788123123")?)?;
    ///     batch.put(ContactPatch::new().name("Ann Uwase").urn("tel:+250788123123")?)
    /// })?;
    /// assert_eq!((commit.counts.created, commit.counts.changed), (1, 0));
    /// # Ok::<(), headcount::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Writer::apply`].
    pub fn put(&mut self, patch: impl Borrow<ContactPatch>) -> Result<(), WorkspaceError> {
        Ok(self.put_now(patch.borrow())??)
    }

    /// The same, with why the contact was refused inside.
    pub(crate) fn put_now(&mut self, patch: &ContactPatch) -> Result<Result<(), Rejection>, WorkspaceError> {
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
        for urn in patch.addresses() {
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

    /// Whether addresses are hidden in this workspace.
    pub fn hides_addresses(&self) -> bool {
        self.environment.redact_urns
    }

    /// The identity of the contact that input names, as this batch sees it.
    ///
    /// # Errors
    /// If the store fails.
    pub fn identity_of(&mut self, reference: &ContactRef) -> Result<Option<Uuid>, WorkspaceError> {
        match self.find(reference)? {
            Some(document) => Ok(self.staged(document)?.map(|contact| contact.uuid)),
            None => Ok(None),
        }
    }

    /// Brings a contact into the batch, and gives it as the batch sees it.
    fn staged(&mut self, document: DocumentNumber) -> Result<Option<&Contact>, WorkspaceError> {
        if !self.staging.holds(document)
            && let Some(row) = self.txn.view().row(document)?
        {
            self.staging.put(document, Staged::loaded(&row));
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
            transition.apply(contact, event, omissions).map(drop)
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
        let transition = self.transition();
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

    /// What events make of contacts, by the definitions of now.
    pub(crate) fn transition(&self) -> Transition<'_> {
        Transition { schema: &self.definitions.schema, environment: &self.environment }
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
        let transition = self.transition();
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
        let identities = contact.urns.iter().map(Urn::identity).collect();
        self.staging.create(document, contact, identities);
        self.omissions.merge(omissions);
        Ok(Ok(()))
    }

    fn delete(&mut self, reference: Option<&ContactRef>) -> Result<Result<(), Rejection>, WorkspaceError> {
        let Some(reference) = reference else {
            return Ok(Err(Rejection::NoContact));
        };
        let found = self.find(reference)?;
        let Some(document) = found else {
            return Ok(Err(unknown(reference)));
        };
        if self.staged(document)?.is_none() {
            return Ok(Err(unknown(reference)));
        }
        self.staging.delete(document);
        Ok(Ok(()))
    }

    /// Deletes a contact that was found.
    pub(crate) fn delete_found(&mut self, document: DocumentNumber) -> Result<(), WorkspaceError> {
        if self.staged(document)?.is_some() {
            self.staging.delete(document);
        }
        Ok(())
    }

    /// Contacts staged so far: a caller that streams commits when there are enough.
    #[doc(hidden)]
    pub fn staged_contacts(&self) -> usize {
        self.staging.len()
    }

    /// Documents of the contacts staged so far.
    pub fn staged_documents(&self) -> impl Iterator<Item = DocumentNumber> {
        self.staging.documents()
    }

    /// What the batch has made of contacts so far, and what it left out: for a caller that gives it up again.
    ///
    /// # Errors
    /// As for a commit, but for its end.
    pub fn counts_so_far(&mut self) -> Result<(ContactCounts, Omissions), WorkspaceError> {
        self.flush()?;
        Ok((self.counts, self.omissions.clone()))
    }

    /// The members of a group as this batch found them, or as what it has already carried out left them.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn members(&self, group: GroupId) -> Result<RoaringBitmap, WorkspaceError> {
        Ok(self.txn.view().members(MemberSet::Active(group))?)
    }

    /// All blocks of documents, empty ones included.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = Block> + use<> {
        (0..self.txn.view().state().next_document.div_ceil(1 << 16)).map(|number| Block(number as u16))
    }

    /// Reads the definitions again after they were changed in this transaction.
    pub(crate) fn reload(&mut self) -> Result<(), WorkspaceError> {
        self.definitions = Arc::new(Definitions::load(self.txn.view())?);
        self.environment = self.definitions.environment(self.now());
        Ok(())
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

    /// Does something of several steps. If it fails the batch cannot be committed any more, whatever its maker makes of
    /// the error.
    pub(crate) fn whole<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, WorkspaceError>,
    ) -> Result<T, WorkspaceError> {
        let before = std::mem::replace(&mut self.is_half_done, true);
        let done = work(self)?;
        self.is_half_done = before;
        Ok(done)
    }

    /// Everything that the batch changes is in the transaction.
    pub(crate) fn carry_out(&mut self) -> Result<(), WorkspaceError> {
        if self.is_half_done {
            return Err(WorkspaceError::HalfDone);
        }
        self.flush()?;
        for (source, offset) in std::mem::take(&mut self.sources) {
            self.txn.put_source_offset(&source, offset)?;
        }
        Ok(())
    }

    /// Makes everything durable.
    pub(crate) fn commit<T>(mut self, value: T) -> Result<Commit<T>, WorkspaceError> {
        self.carry_out()?;
        let after = self.txn.view().state().sequence;
        let Writer { txn, before, omissions, counts, .. } = self;
        txn.commit()?;
        Ok(Commit { value, before, after, omissions, counts, unfilled: None })
    }
}

/// What is said of a change to nobody.
pub(crate) fn unknown(reference: &ContactRef) -> Rejection {
    Rejection::UnknownContact(shown(reference))
}

/// How a reference is shown in a message.
pub(crate) fn shown(reference: &ContactRef) -> String {
    match reference {
        ContactRef::Uuid(uuid) => uuid.to_string(),
        ContactRef::Urn(urn) => urn.to_string(),
        ContactRef::Id(text) | ContactRef::Beginning(text) => text.to_string(),
    }
}
