//! What every command on a workspace begins with, and how what goes wrong there is told.

use std::fmt;

use crate::answers::contact::ContactItem;
use crate::answers::search::contact_named;
use crate::cli::Outcome;
use crate::cli::commands::hints::Hinted;
use crate::cli::commands::queries;
use crate::cli::failure::Failure;
use crate::cli::settings::Settings;
use crate::ids::DocumentNumber;
use crate::import::LineNumber;
use crate::store::StoreError;
use crate::value::{Urn, phone};
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
        let workspace = Workspace::open(&settings.found_store()).map_err(|error| failure(error, settings))?;
        settings.detail(&format!("store {}", workspace.folder().display()));
        Ok(Session { workspace, settings })
    }

    /// Opens the workspace again, after somebody has put other files in the place of the store's.
    pub(super) fn reopen(&mut self) -> Outcome {
        self.workspace = Workspace::open(&self.settings.store).map_err(|error| failure(error, self.settings))?;
        Ok(())
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
        self.kept(self.workspace.write(self.settings.now, work))
    }

    /// A batch of changes that the log calls manual.
    pub(super) fn write_by_hand<T>(
        &self,
        work: impl FnOnce(&mut Writer<'_>) -> Result<T, WorkspaceError>,
    ) -> Outcome<Commit<T>> {
        self.kept(self.workspace.write_by_hand(self.settings.now, work))
    }

    /// A batch that is durable, with what went wrong after that told as a warning.
    fn kept<T>(&self, commit: Result<Commit<T>, WorkspaceError>) -> Outcome<Commit<T>> {
        let commit = self.told(commit)?;
        if let Some(error) = &commit.unfilled {
            self.settings.warn(&format!(
                "this is kept, but groups were not filled to their end ({error}); `headcount index` goes on with it"
            ));
        }
        Ok(commit)
    }

    /// A result with its error told as people and programs read it.
    pub(super) fn told<T>(&self, result: Result<T, WorkspaceError>) -> Outcome<T> {
        result.map_err(|error| failure(error, self.settings))
    }

    /// The contact that the command line names.
    pub(super) fn contact(&self, reader: &Reader<'_>, reference: &ContactRef) -> Outcome<DocumentNumber> {
        if self.told(reader.find(reference))?.is_none()
            && let Some(meant) = self.meant(reader, reference)?
        {
            return Ok(meant);
        }
        self.told(contact_named(reader, reference))
    }

    /// Who is meant by a text that is neither an identity nor an address: by phone number, reference code or name.
    fn meant(&self, reader: &Reader<'_>, reference: &ContactRef) -> Outcome<Option<DocumentNumber>> {
        let (ContactRef::Id(text) | ContactRef::Beginning(text)) = reference else { return Ok(None) };
        let environment = reader.environment();
        if !environment.redact_urns
            && let Some(number) = phone::international(text, environment.country)
        {
            let urn = ContactRef::Urn(Urn::from_parts("tel", &number));
            let found = self.told(reader.find(&urn))?;
            if found.is_some() {
                return Ok(found);
            }
        }
        let quoted = text.replace(['\\', '"'], " ");
        for property in ["ref", "name"] {
            let named = self.told(reader.find_some(&format!("{property} = \"{quoted}\""), 6))?;
            match named.as_slice() {
                [] => {}
                [one] => return Ok(Some(*one)),
                several => {
                    let listed = self.listed(reader, several)?;
                    return Err(Failure::Failed(format!("several contacts are called `{text}`: {listed}")));
                }
            }
        }
        let near = if text.chars().count() < 2 {
            Vec::new()
        } else {
            reader.find_some(&format!("name ~ \"{quoted}\""), 4).unwrap_or_default()
        };
        if near.is_empty() {
            return Ok(None);
        }
        let listed = self.listed(reader, &near)?;
        let text = if environment.redact_urns { "so called".to_owned() } else { format!("`{text}`") };
        Err(Failure::Failed(format!("there is no contact {text}; did you mean {listed}?")))
    }

    /// Contacts by name and how their identities begin, as they can be typed.
    fn listed(&self, reader: &Reader<'_>, documents: &[DocumentNumber]) -> Outcome<String> {
        let mut listed = Vec::new();
        for &document in documents.iter().take(5) {
            let Some(row) = self.told(reader.row(document))? else { continue };
            let uuid = row.uuid().to_string();
            let beginning = uuid.get(..8).unwrap_or(&uuid);
            listed.push(format!("{} ({beginning})", row.name().unwrap_or_default()));
        }
        if documents.len() > 5 {
            listed.push("others".to_owned());
        }
        Ok(listed.join(", "))
    }

    /// A contact as it is given out, without its groups; `None` if there is none of that number.
    pub(super) fn item(&self, reader: &Reader<'_>, document: DocumentNumber) -> Outcome<Option<ContactItem>> {
        self.told(ContactItem::plain(reader, document))
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
        WorkspaceError::Store(StoreError::Replaced { .. }) => Failure::Replaced(error.to_string()),
        other => Failure::because(Hinted(&other)),
    }
}
