//! `contact …`

use serde::Serialize;

use crate::answers::contact::ContactItem;
use crate::answers::hiding::shown;
use crate::answers::person::{GroupsOf, Timeline};
use crate::answers::shapes::{ContactUuid, GroupItem, MembershipChange};
use crate::cli::Outcome;
use crate::cli::args::contact::{ContactCommand, Edit, Values};
use crate::cli::commands::hints::why_refused;
use crate::cli::commands::session::Session;
use crate::cli::failure::Failure;
use crate::cli::output::{Cell, Format};
use crate::cli::settings::Settings;
use crate::contact::Status;
use crate::ids::Uuid;
use crate::workspace::change::{Change, ContactRef, Event};
use crate::workspace::{ContactPatch, Rejection, WorkspaceError};

/// `contact …`
pub(super) fn contact(command: &ContactCommand, settings: &Settings) -> Outcome {
    let session = Session::open(settings)?;
    match command {
        ContactCommand::Show(who) => session.show_contact(&who.contact),
        ContactCommand::Groups(who) => session.groups_of(&who.contact),
        ContactCommand::Timeline(who) => session.timeline(&who.contact),
        ContactCommand::Create(values) => session.create_contact(values),
        ContactCommand::Edit(edit) => session.edit_contact(edit),
        ContactCommand::Delete { contact, erase, yes } => {
            // Who is meant may be a name or a number: that one, whatever else happens meanwhile.
            let (uuid, name) = session.person(contact)?;
            if !settings.is_sure(&format!("Delete {name} ({uuid})?"), *yes) {
                return Err(Failure::Failed("nothing was deleted".to_owned()));
            }
            let contact = ContactRef::Uuid(uuid);
            if *erase { session.erase_contact(&contact) } else { session.delete_contact(&contact) }
        }
    }
}

/// Names as a sentence lists them; a name that holds a comma stands in quotes.
fn named(names: &[String]) -> String {
    let shown = |name: &String| if name.contains(',') { format!("\"{name}\"") } else { name.clone() };
    names.iter().map(shown).collect::<Vec<_>>().join(", ")
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
                    self.settings.note(&format!("the contact is {what} {}", named(names)));
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
        let patch = patch_of(uuid, &edit.values);
        self.put_by_hand(&patch, &edit.values, hides_addresses)?;
        self.show_contact(&uuid.map_or_else(|| edit.contact.clone(), ContactRef::Uuid))
    }

    fn create_contact(&self, values: &Values) -> Outcome {
        let hides_addresses = {
            let reader = self.reader()?;
            let hides_addresses = reader.environment().redact_urns;
            for urn in &values.urns {
                if let Some(document) = self.told(reader.find(&ContactRef::Urn(urn.clone())))? {
                    let holder = self.told(reader.identity(document))?.map(|uuid| uuid.to_string()).unwrap_or_default();
                    let rejection = Rejection::UrnTaken { urn: urn.clone(), holder };
                    return Err(Failure::Failed(why_refused(&rejection, hides_addresses)));
                }
            }
            hides_addresses
        };
        let uuid = Uuid::random();
        self.put_by_hand(&patch_of(Some(uuid), values), values, hides_addresses)?;
        self.show_contact(&ContactRef::Uuid(uuid))
    }

    fn put_by_hand(&self, patch: &ContactPatch, values: &Values, hides_addresses: bool) -> Outcome {
        self.change(hides_addresses, |writer| {
            for (key, _) in &values.fields {
                writer.field_named(key)?;
            }
            writer.put(patch)
        })
    }

    /// Who is meant, by identity and name.
    fn person(&self, reference: &ContactRef) -> Outcome<(Uuid, String)> {
        let reader = self.reader()?;
        let document = self.contact(&reader, reference)?;
        let row = self.told(reader.row(document))?;
        let row = row.ok_or_else(|| Failure::because(WorkspaceError::UnknownContact(String::new())))?;
        Ok((row.uuid(), row.name().unwrap_or("a contact without a name").to_owned()))
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

fn patch_of(uuid: Option<Uuid>, values: &Values) -> ContactPatch {
    let text =
        |text: &Option<String>| text.as_deref().map(|text| Some(text).filter(|text| !text.is_empty()).map(Box::from));
    ContactPatch {
        uuid,
        name: text(&values.name),
        language: text(&values.language),
        status: values.status,
        urns: (!values.urns.is_empty()).then(|| values.urns.clone()),
        fields: values
            .fields
            .iter()
            .map(|(key, value)| (key.as_str().into(), text(&Some(value.clone())).flatten()))
            .collect(),
        ..ContactPatch::default()
    }
}
