//! What changed there into one batch here.

use rustc_hash::FxHashSet;

use super::rows::{self, Known};
use super::shape::KeyIs;
use super::{Observer, SyncError, Told};
use crate::ids::Uuid;
use crate::value::{Instant, Urn};
use crate::workspace::change::SourcePosition;
use crate::workspace::{
    Change, ContactCounts, ContactPatch, ContactRef, Event, Omissions, Rejection, Workspace, WorkspaceError, Writer,
};

/// Contacts as they are there now, and keys of those that are there no more.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) known: Vec<Known>,
    pub(super) gone: Vec<String>,
}

/// Gives the contacts there that are known here by these identities, read again.
pub(super) type Fetch<'f> = dyn FnMut(&[String]) -> Result<Vec<Known>, SyncError> + 'f;

/// What a batch did.
#[derive(Debug, Default, Clone)]
pub(super) struct Done {
    pub(super) counts: ContactCounts,
    pub(super) omissions: Omissions,
}

/// Who applies batches to which workspace.
pub(super) struct Applier<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) key_is: KeyIs,
    pub(super) observer: &'a dyn Observer,
}

impl Applier<'_> {
    /// One commit: contacts that are gone, contacts that are there, and how far the source has been read.
    pub(super) fn commit(
        &self,
        batch: &Batch,
        fetch: &mut Fetch<'_>,
        position: Option<&SourcePosition>,
    ) -> Result<Done, SyncError> {
        let mut failure = None;
        let commit = self.workspace.write(Instant::now(), |writer| {
            match self.apply(writer, batch, fetch) {
                Ok(()) => {}
                Err(SyncError::Workspace(error)) => return Err(error),
                Err(other) => {
                    failure = Some(other);
                    return Err(WorkspaceError::Abandoned);
                }
            }
            position.map(|position| writer.advance_source(position)).transpose()
        });
        match (commit, failure) {
            (_, Some(failure)) => Err(failure),
            (commit, None) => {
                let commit = commit?;
                Ok(Done { counts: commit.counts, omissions: commit.omissions })
            }
        }
    }

    fn apply(&self, writer: &mut Writer<'_>, batch: &Batch, fetch: &mut Fetch<'_>) -> Result<(), SyncError> {
        let here: FxHashSet<Uuid> = batch.known.iter().filter_map(|known| known.patch.uuid).collect();
        for key in &batch.gone {
            self.delete(writer, key, &here)?;
        }
        if self.key_is == KeyIs::Id {
            self.delete_replaced(writer, &batch.known, &here)?;
        }
        let patches: Vec<&Known> = batch.known.iter().collect();
        self.put(writer, &patches, fetch)
    }

    /// Deletes the contact of a key, unless its identity is that of a contact that is there, with another key.
    fn delete(&self, writer: &mut Writer<'_>, key: &str, here: &FxHashSet<Uuid>) -> Result<(), SyncError> {
        let reference = match self.key_is {
            KeyIs::Id => ContactRef::Id(key.into()),
            KeyIs::Uuid => match Uuid::parse(key) {
                Some(uuid) => ContactRef::Uuid(uuid),
                None => return Ok(()),
            },
            KeyIs::Origin => ContactRef::Uuid(rows::identity(key)),
        };
        let Some(uuid) = self.identity(writer, &reference)? else { return Ok(()) };
        if here.contains(&uuid) {
            return Ok(());
        }
        delete(writer, uuid)
    }

    /// A number whose contact has another identity now stands for somebody else: who had it is gone.
    fn delete_replaced(
        &self,
        writer: &mut Writer<'_>,
        known: &[Known],
        here: &FxHashSet<Uuid>,
    ) -> Result<(), SyncError> {
        for known in known {
            let Some(uuid) = known.patch.uuid else { continue };
            if writer.find(&ContactRef::Uuid(uuid))?.is_some() {
                continue;
            }
            if let Some(before) = self.identity(writer, &ContactRef::Id(known.key.as_str().into()))?
                && before != uuid
                && !here.contains(&before)
            {
                delete(writer, before)?;
            }
        }
        Ok(())
    }

    fn identity(&self, writer: &mut Writer<'_>, reference: &ContactRef) -> Result<Option<Uuid>, SyncError> {
        let Some(document) = writer.find(reference)? else { return Ok(None) };
        Ok(writer.identity(document)?)
    }

    /// Puts contacts, addresses included: one that moves from one contact to another within the batch is let go first; one
    /// whose holder is not in the batch makes that contact be read again; one that is held there too, as the database
    /// tells letters of different case apart, is left out and told.
    fn put(&self, writer: &mut Writer<'_>, known: &[&Known], fetch: &mut Fetch<'_>) -> Result<(), SyncError> {
        let refused = self.put_in_rounds(writer, known)?;
        if refused.is_empty() {
            return Ok(());
        }
        let holders: Vec<String> = refused.iter().map(|(_, _, holder)| holder.clone()).collect();
        let again = fetch(&holders)?;
        let mut all: Vec<&Known> = again.iter().collect();
        all.extend(refused.iter().map(|(known, _, _)| *known));
        for known in &all {
            let Some(uuid) = known.patch.uuid else { continue };
            if writer.find(&ContactRef::Uuid(uuid))?.is_some() {
                let empty = ContactPatch { uuid: Some(uuid), urns: Some(Vec::new()), ..ContactPatch::default() };
                self.tell_if_refused(known, put(writer, &empty)?);
            }
        }
        for (known, urn, holder) in self.put_in_rounds(writer, &all)? {
            self.put_without(writer, known, urn, &holder)?;
        }
        Ok(())
    }

    /// Puts what can be put, as long as that lets others be put; gives those that somebody's address keeps out.
    fn put_in_rounds<'k>(
        &self,
        writer: &mut Writer<'_>,
        known: &[&'k Known],
    ) -> Result<Vec<(&'k Known, Urn, String)>, SyncError> {
        let mut waiting: Vec<&Known> = known.to_vec();
        loop {
            let patches: Vec<ContactPatch> = waiting.iter().map(|known| known.patch.clone()).collect();
            let mut refused = Vec::new();
            for (known, outcome) in waiting.iter().zip(writer.put_all(&patches)?) {
                match outcome {
                    Err(Rejection::UrnTaken { urn, holder }) => refused.push((*known, urn, holder)),
                    other => self.tell_if_refused(known, other),
                }
            }
            if refused.is_empty() || refused.len() == waiting.len() {
                return Ok(refused);
            }
            waiting = refused.iter().map(|(known, _, _)| *known).collect();
        }
    }

    /// Puts a contact without addresses that others hold.
    fn put_without(
        &self,
        writer: &mut Writer<'_>,
        known: &Known,
        urn: Urn,
        holder: &str,
    ) -> Result<(), SyncError> {
        let mut patch = known.patch.clone();
        let (mut taken, mut holder) = (urn, holder.to_owned());
        loop {
            let reason = format!("the address {taken} belongs to contact {holder}; it is left out");
            self.observer.tell(&Told::Misfit { table: "contacts", row: &known.key, reason: &reason });
            let is_other = |urn: &Urn| urn.identity() != taken.identity();
            patch.urns = patch.urns.map(|urns| urns.into_iter().filter(is_other).collect());
            match put(writer, &patch)? {
                Err(Rejection::UrnTaken { urn, holder: other }) if urn.identity() != taken.identity() => {
                    (taken, holder) = (urn, other);
                }
                other => {
                    self.tell_if_refused(known, other);
                    return Ok(());
                }
            }
        }
    }

    fn tell_if_refused(&self, known: &Known, outcome: Result<(), Rejection>) {
        if let Err(rejection) = outcome {
            let reason = format!("{rejection}; the contact stays as it was");
            self.observer.tell(&Told::Misfit { table: "contacts", row: &known.key, reason: &reason });
        }
    }
}

/// Puts a contact; inside, why it was refused.
fn put(writer: &mut Writer<'_>, patch: &ContactPatch) -> Result<Result<(), Rejection>, WorkspaceError> {
    match writer.put(patch) {
        Ok(()) => Ok(Ok(())),
        Err(WorkspaceError::Rejected(rejection)) => Ok(Err(rejection)),
        Err(error) => Err(error),
    }
}

fn delete(writer: &mut Writer<'_>, uuid: Uuid) -> Result<(), SyncError> {
    let change =
        Change { contact: Some(ContactRef::Uuid(uuid)), event: Event::Deleted, created_on: None, source: None };
    Ok(writer.apply(&change)?)
}
