//! What every command on a workspace begins with, and how what goes wrong there is told.

use std::fmt;

use crate::cli::Outcome;
use crate::cli::commands::hiding::shown;
use crate::cli::commands::hints::Hinted;
use crate::cli::commands::queries;
use crate::cli::failure::Failure;
use crate::cli::output::contact::ContactItem;
use crate::cli::settings::Settings;
use crate::ids::DocumentNumber;
use crate::import::LineNumber;
use crate::workspace::change::ContactRef;
use crate::workspace::{Commit, Reader, Workspace, WorkspaceError, Writer};

/// A workspace as one command uses it.
pub(super) struct Session<'s> {
    pub(super) workspace: Workspace,
    pub(super) settings: &'s Settings,
}

impl<'s> Session<'s> {
    /// Opens the workspace that the command line names.
    pub(super) fn open(settings: &'s Settings) -> Outcome<Self> {
        let workspace = Workspace::open(&settings.store).map_err(|error| failure(error, settings))?;
        settings.detail(&format!("store {}", workspace.folder().display()));
        Ok(Session { workspace, settings })
    }

    /// One moment to read.
    pub(super) fn reader(&self) -> Outcome<Reader<'_>> {
        self.told(self.workspace.reader(self.settings.now))
    }

    /// A batch of changes.
    pub(super) fn write<T>(
        &self,
        work: impl FnOnce(&mut Writer<'_>) -> Result<T, WorkspaceError>,
    ) -> Outcome<Commit<T>> {
        self.told(self.workspace.write(self.settings.now, work))
    }

    /// A batch of changes that the log calls manual.
    pub(super) fn write_by_hand<T>(
        &self,
        work: impl FnOnce(&mut Writer<'_>) -> Result<T, WorkspaceError>,
    ) -> Outcome<Commit<T>> {
        self.told(self.workspace.write_by_hand(self.settings.now, work))
    }

    /// A result with its error told as people and programs read it.
    pub(super) fn told<T>(&self, result: Result<T, WorkspaceError>) -> Outcome<T> {
        result.map_err(|error| failure(error, self.settings))
    }

    /// The contact that the command line names.
    pub(super) fn contact(&self, reader: &Reader<'_>, reference: &ContactRef) -> Outcome<DocumentNumber> {
        let found = self.told(reader.find(reference))?;
        let hides_addresses = reader.environment().redact_urns;
        found.ok_or_else(|| Failure::because(WorkspaceError::UnknownContact(shown(reference, hides_addresses))))
    }

    /// A contact as it is given out, without its groups; `None` if there is none of that number.
    pub(super) fn item(&self, reader: &Reader<'_>, document: DocumentNumber) -> Outcome<Option<ContactItem>> {
        let row = self.told(reader.row(document))?;
        Ok(row.map(|row| ContactItem::of(&row, reader.schema(), reader.environment().redact_urns)))
    }

    /// Tells that a line of a file has had no effect, and why.
    pub(super) fn rejected(&self, source: &str, line: LineNumber, reason: impl fmt::Display) {
        self.settings.line(&format!("{source}:{line}: {reason}"));
    }
}

/// An error of a workspace as the end of a command. An invalid query is told at once, in both ways.
pub(super) fn failure(error: WorkspaceError, settings: &Settings) -> Failure {
    match error {
        WorkspaceError::Query { text, errors } => queries::invalid(&text, &errors, settings, &mut settings.output()),
        WorkspaceError::BadCursor
        | WorkspaceError::BadName(_)
        | WorkspaceError::BadKey(_)
        | WorkspaceError::Settings(_) => Failure::Usage(error.to_string()),
        other => Failure::because(Hinted(&other)),
    }
}
