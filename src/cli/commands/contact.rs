//! `contact …`

use serde::Serialize;

use crate::cli::Outcome;
use crate::cli::args::contact::{ContactCommand, Edit};
use crate::cli::commands::hiding::shown;
use crate::cli::commands::hints::why_refused;
use crate::cli::commands::session::Session;
use crate::cli::failure::Failure;
use crate::cli::output::shapes::{CauseName, ContactUuid, GroupItem, MembershipChange, UuidName};
use crate::cli::output::{Cell, Format};
use crate::cli::settings::Settings;
use crate::contact::Status;
use crate::ids::{DocumentNumber, Sequence};
use crate::store::Cause;
use crate::workspace::change::{Change, ContactRef, Event};
use crate::workspace::{ContactPatch, LogFilter, MembershipEvent, NamedGroup, Override, Reader, WorkspaceError};

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

/// The answer of `contact groups`.
#[derive(Serialize)]
struct GroupsOf {
    contact: ContactUuid,
    groups: Vec<GroupItem>,
    /// Names of the groups that it is pinned in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pinned: Vec<String>,
    /// Names of the groups that it is kept out of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    excluded: Vec<String>,
}

/// The answer of `contact timeline`.
#[derive(Serialize)]
struct Timeline {
    contact: ContactUuid,
    changes: Vec<MembershipChange>,
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
        let groups = self.told(reader.groups_of(document))?;
        let Some(item) = self.item(&reader, document)? else { return Ok(()) };
        let item = item.with_groups(&groups, reader.schema());
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
        let ids = self.told(reader.groups_of(document))?;
        let groups = self.told(ids.into_iter().map(|id| reader.group(id)).collect::<Result<Vec<_>, _>>())?;
        let contact = self.identity_of(document)?;
        let (pinned, excluded) = self.decided(&reader, document)?;
        let answer = GroupsOf { contact, groups: groups.iter().map(GroupItem::from).collect(), pinned, excluded };
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

    /// The names of the groups that a contact is pinned in, and of those that it is excluded from.
    fn decided(&self, reader: &Reader<'_>, document: DocumentNumber) -> Outcome<(Vec<String>, Vec<String>)> {
        let (mut pinned, mut excluded) = (Vec::new(), Vec::new());
        for group in reader.schema().groups().iter().filter(|group| group.smart) {
            match self.told(reader.override_of(group.id, document))? {
                Some(Override::Pinned) => pinned.push(group.name.clone()),
                Some(Override::Excluded) => excluded.push(group.name.clone()),
                None => {}
            }
        }
        Ok((pinned, excluded))
    }

    fn timeline(&self, reference: &ContactRef) -> Outcome {
        let reader = self.reader()?;
        let document = self.contact(&reader, reference)?;
        let filter = LogFilter { contact: Some(document), ..LogFilter::default() };
        let mut changes = Vec::new();
        for events in self.told(reader.events_since(Sequence(0), filter))? {
            changes.extend(self.told(events)?.into_iter().map(change_of));
        }
        let answer = Timeline { contact: self.identity_of(document)?, changes };
        let mut output = self.settings.output();
        output.set_zone(reader.environment().timezone.clone());
        let format = self.settings.format_or(Format::Table);
        output.list(format, MembershipChange::columns(), &answer, &answer.changes)
    }

    fn identity_of(&self, document: DocumentNumber) -> Outcome<ContactUuid> {
        let uuid = self.told(self.reader()?.identity(document))?;
        Ok(ContactUuid { uuid: uuid.map_or_else(String::new, |uuid| uuid.to_string()) })
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
            self.identity_of(document)?
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

fn change_of(event: MembershipEvent) -> MembershipChange {
    let named = |groups: Vec<NamedGroup>| {
        groups.into_iter().map(|group| UuidName { uuid: group.uuid.to_string(), name: group.name }).collect()
    };
    MembershipChange {
        seq: event.sequence.0,
        created_on: event.time,
        kind: Default::default(),
        contact: ContactUuid { uuid: event.contact.to_string() },
        groups_added: named(event.groups_added),
        groups_removed: named(event.groups_removed),
        cause: match event.cause {
            Cause::Change => CauseName::Change,
            Cause::Clock => CauseName::Clock,
            Cause::Edit => CauseName::Edit,
            Cause::Manual => CauseName::Manual,
        },
    }
}
