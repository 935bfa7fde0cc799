//! `contact …`

use serde::Serialize;

use crate::answers::contact::ContactItem;
use crate::answers::hiding::shown;
use crate::answers::person::{GroupsOf, Timeline};
use crate::answers::shapes::{ContactUuid, GroupItem, MembershipChange};
use crate::cli::Outcome;
use crate::cli::args::contact::{ContactCommand, Edit};
use crate::cli::commands::hints::why_refused;
use crate::cli::commands::session::Session;
use crate::cli::failure::Failure;
use crate::cli::output::{Cell, Format};
use crate::cli::settings::Settings;
use crate::contact::Status;
use crate::workspace::change::{Change, ContactRef, Event};
use crate::workspace::{ContactPatch, WorkspaceError};

/// `contact …`
pub(super) fn contact(command: &ContactCommand, settings: &Settings) -> Outcome {
    let session = Session::open(settings)?;
    match command {
        ContactCommand::Show(who) => session.show_contact(&who.contact),
        ContactCommand::Groups(who) => session.groups_of(&who.contact),
        ContactCommand::Timeline(who) => session.timeline(&who.contact),
        ContactCommand::Edit(edit) => session.edit_contact(edit),
        ContactCommand::Delete { contact, erase: true } => session.erase_contact(contact),
        ContactCommand::Delete { contact, erase: false } => session.delete_contact(contact),
    }
}

/// The answer of `contact delete`.
#[derive(Serialize)]
struct Deleted {
    deleted: ContactUuid,
}

impl Session<'_> {
    fn show_contact(&self, reference: &ContactRef) -> Outcome {
        let reader = self.reader()?;
        let document = self.contact(&reader, reference)?;
        let Some(item) = self.told(ContactItem::shown(&reader, document))? else { return Ok(()) };
        let properties = item.properties();
        let properties: Vec<(&str, Cell)> =
            properties.iter().map(|(name, cell)| (name.as_str(), cell.clone())).collect();
        let mut output = self.settings.output();
        output.set_zone(reader.environment().timezone.clone());
        output.details(self.settings.format_or(Format::Table), &properties, Some(&item.uuid), &item)
    }

    fn groups_of(&self, reference: &ContactRef) -> Outcome {
        let reader = self.reader()?;
        let document = self.contact(&reader, reference)?;
        let answer = self.told(GroupsOf::of(&reader, document))?;
        let format = self.settings.format_or(Format::Table);
        self.settings.output().list(format, GroupItem::columns(), &answer, &answer.groups)?;
        if format == Format::Table {
            for (what, names) in [("pinned in", &answer.pinned), ("excluded from", &answer.excluded)] {
                if !names.is_empty() {
                    self.settings.note(&format!("the contact is {what} {}", names.join(", ")));
                }
            }
        }
        if answer.groups.is_empty() && format == Format::Table {
            let status = self.told(reader.row(document))?.map_or(Status::Active, |row| row.status());
            self.settings.note(&match status {
                Status::Active => "the contact is in no group".to_owned(),
                status => format!(
                    "the contact is in no group: it is {}, and smart groups hold active contacts only",
                    status.name()
                ),
            });
        }
        Ok(())
    }

    fn timeline(&self, reference: &ContactRef) -> Outcome {
        let reader = self.reader()?;
        let document = self.contact(&reader, reference)?;
        let answer = self.told(Timeline::of(&reader, document))?;
        let mut output = self.settings.output();
        output.set_zone(reader.environment().timezone.clone());
        let format = self.settings.format_or(Format::Table);
        output.list(format, MembershipChange::columns(), &answer, &answer.changes)
    }

    fn edit_contact(&self, edit: &Edit) -> Outcome {
        let (uuid, hides_addresses) = {
            let reader = self.reader()?;
            let document = self.contact(&reader, &edit.contact)?;
            (self.told(reader.row(document))?.map(|row| row.uuid()), reader.environment().redact_urns)
        };
        let text = |text: &Option<String>| {
            text.as_deref().map(|text| Some(text).filter(|text| !text.is_empty()).map(Box::from))
        };
        let patch = ContactPatch {
            uuid,
            name: text(&edit.name),
            language: text(&edit.language),
            status: edit.status,
            urns: (!edit.urns.is_empty()).then(|| edit.urns.clone()),
            fields: edit
                .fields
                .iter()
                .map(|(key, value)| (key.as_str().into(), text(&Some(value.clone())).flatten()))
                .collect(),
            ..ContactPatch::default()
        };
        self.change(hides_addresses, |writer| {
            for (key, _) in &edit.fields {
                writer.field_named(key)?;
            }
            writer.put(&patch)
        })?;
        self.show_contact(&uuid.map_or_else(|| edit.contact.clone(), ContactRef::Uuid))
    }

    fn delete_contact(&self, reference: &ContactRef) -> Outcome {
        let deleted = {
            let reader = self.reader()?;
            let document = self.contact(&reader, reference)?;
            self.told(ContactUuid::of(&reader, document))?
        };
        let change = Change { contact: Some(reference.clone()), event: Event::Deleted, created_on: None, source: None };
        self.change(false, |writer| writer.apply(&change))?;
        self.deleted(deleted)
    }

    fn erase_contact(&self, reference: &ContactRef) -> Outcome {
        let hides_addresses = self.reader()?.environment().redact_urns;
        let erased = self.workspace.erase(self.settings.now, reference).map_err(|error| match error {
            WorkspaceError::UnknownContact(_) => WorkspaceError::UnknownContact(shown(reference, hides_addresses)),
            other => other,
        });
        let uuid = self.told(erased)?;
        self.deleted(ContactUuid { uuid: uuid.to_string() })
    }

    fn deleted(&self, deleted: ContactUuid) -> Outcome {
        let answer = Deleted { deleted };
        let properties = [("Deleted", answer.deleted.uuid.as_str().into())];
        let format = self.settings.format_or(Format::Table);
        self.settings.output().details(format, &properties, Some(&answer.deleted.uuid), &answer)
    }

    /// One change by hand, all of it or nothing.
    fn change(
        &self,
        hides_addresses: bool,
        work: impl FnOnce(&mut crate::workspace::Writer<'_>) -> Result<(), WorkspaceError>,
    ) -> Outcome {
        let result = self.workspace.write(self.settings.now, work);
        match result {
            Ok(_) => Ok(()),
            Err(WorkspaceError::Rejected(rejection)) => Err(Failure::Failed(why_refused(&rejection, hides_addresses))),
            Err(error) => self.told(Err(error)),
        }
    }
}
