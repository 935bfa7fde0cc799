//! A contact taken out of every file of a workspace.
//!
//! Everything that the store knew of the contact goes in one step, with the files that held it (see the store's
//! rewriting). The words of its texts go from the text index after that: the store remembers that it is due until it is
//! done, so that whoever indexes next does what a process did not come to.

use std::collections::BTreeSet;

use crate::ids::{DocumentNumber, Uuid};
use crate::index::{AttributeIndex, FieldKinds};
use crate::store::{Cause, StoreError};
use crate::value::Instant;
use crate::workspace::Workspace;
use crate::workspace::error::WorkspaceError;
use crate::workspace::write::change::ContactRef;
use crate::workspace::write::writer::{Writer, shown};

/// The file in a workspace's folder in which an interactive prompt keeps what was typed.
pub const PROMPT_HISTORY: &str = "history";

impl Workspace {
    /// Deletes a contact, or what is remembered of one that was deleted, and leaves no trace of it in any file: row,
    /// indexes, addresses, text index, tombstone, pages that are not used any more, and what was typed at the prompt. The
    /// log keeps that a document of no name moved. Gives the identity that it had.
    ///
    /// This handle of the workspace, and those of other processes, are of the files before: what they begin from now on
    /// fails with [`StoreError::Replaced`] until they open it again. Copies and backups are beyond this, and so is a
    /// group's query that names the person.
    ///
    /// Cost: the whole store is read and written, and most of the text index; until it is done it takes as much room again.
    ///
    /// # Errors
    /// [`WorkspaceError::UnknownContact`] if there is and was no such contact; or if the store cannot be written. Then
    /// nothing was changed, or the contact is gone and only words of the text index are left, which the next index run
    /// takes out.
    pub fn erase(&self, now: Instant, contact: &ContactRef) -> Result<Uuid, WorkspaceError> {
        let run = self.text.begin_run()?;
        let mut writer = Writer::begin(self, now, Cause::Change)?;
        let erased = writer.erase(contact)?;
        match erased {
            Some(uuid) => {
                writer.carry_out()?;
                writer.merge_index()?;
                writer.txn.set_purge_due(true)?;
                writer.txn.rewrite()?;
                self.forget_prompt()?;
                Workspace::open(self.folder())?.finish_erasure(&run)?;
                Ok(uuid)
            }
            None => {
                drop(writer);
                // Perhaps it was erased by a process that did not come to the end.
                if self.store.read()?.view().purge_is_due()? {
                    self.forget_prompt()?;
                    self.finish_erasure(&run)?;
                }
                Err(WorkspaceError::UnknownContact(shown(contact)))
            }
        }
    }

    /// Removes what people typed at the interactive prompt, which may name anybody.
    fn forget_prompt(&self) -> Result<(), WorkspaceError> {
        let history = self.folder().join(PROMPT_HISTORY);
        match std::fs::remove_file(&history) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(StoreError::io("remove", &history, error).into())
            }
            _ => Ok(()),
        }
    }

    /// Brings the text index to what the store says, and takes out of its files what nobody has any more.
    fn finish_erasure(&self, run: &crate::workspace::upkeep::indexing::IndexRun) -> Result<(), WorkspaceError> {
        if self.has_text()? {
            self.index_text(run)?;
        }
        self.purge_text(run)
    }
}

impl Writer<'_> {
    /// Takes a contact out of every table of this transaction.
    fn erase(&mut self, contact: &ContactRef) -> Result<Option<Uuid>, WorkspaceError> {
        let document = self.find(contact)?;
        let row = document.map(|document| self.txn.view().row(document)).transpose()?.flatten();
        let uuid = match (row.map(|row| row.uuid()), contact) {
            (Some(uuid), _) => uuid,
            (None, ContactRef::Uuid(uuid)) => *uuid,
            (None, _) => return Ok(None),
        };
        if let Some(document) = document {
            self.delete_found(document)?;
            self.flush()?;
        }
        // One identity may have been deleted and created more than once.
        let mut remembered: BTreeSet<DocumentNumber> = BTreeSet::new();
        for tombstone in self.txn.view().tombstones()? {
            let (document, known) = tombstone?;
            if known == uuid {
                remembered.insert(document);
            }
        }
        for &document in &remembered {
            self.txn.delete_tombstone(document)?;
        }
        Ok((!remembered.is_empty()).then_some(uuid))
    }

    /// Blocks of indexes have no values left that only lie under newer ones.
    fn merge_index(&mut self) -> Result<(), WorkspaceError> {
        let kinds = FieldKinds::new(&self.definitions.schema);
        let (txn, tables) = self.txn.index_tables();
        AttributeIndex::new(tables.index, kinds).merge_all(txn)?;
        Ok(())
    }
}
