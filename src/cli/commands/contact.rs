//! `contact …`

use serde::Serialize;

use crate::cli::Outcome;
use crate::cli::args::contact::{ContactCommand, Edit, Values};
use crate::cli::commands::hiding::shown;
use crate::cli::commands::hints::why_refused;
use crate::cli::commands::session::Session;
use crate::cli::failure::Failure;
use crate::cli::output::shapes::{CauseName, ContactUuid, GroupItem, MembershipChange, UuidName, as_text};
use crate::cli::output::{Cell, Column, Format, Row};
use crate::cli::settings::Settings;
use crate::contact::Status;
use crate::ids::{DocumentNumber, Sequence, Uuid};
use crate::store::{Cause, RowView};
use crate::value::Instant;
use crate::workspace::change::{Change, ContactRef, Event};
use crate::workspace::{
    ContactPatch, LogFilter, MembershipEvent, NamedGroup, Override, Reader, Rejection, WorkspaceError,
};

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

/// Names as a sentence lists them; a name that holds a comma stands in quotes.
fn named(names: &[String]) -> String {
    let shown = |name: &String| if name.contains(',') { format!("\"{name}\"") } else { name.clone() };
    names.iter().map(shown).collect::<Vec<_>>().join(", ")
}

/// The answer of `contact timeline`.
#[derive(Serialize)]
struct Timeline {
    contact: ContactUuid,
    changes: Vec<MembershipChange>,
    /// What the contact did, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    events: Vec<EventLine>,
}

/// An event of a contact.
#[derive(Serialize)]
struct EventLine {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uuid: Option<String>,
    properties: serde_json::Map<String, serde_json::Value>,
    #[serde(serialize_with = "as_text")]
    created_on: Instant,
}

impl Row for EventLine {
    fn cells(&self) -> Vec<Cell> {
        let properties = self.properties.iter().map(|(name, value)| match value {
            serde_json::Value::String(text) => format!("{name}: {text}"),
            other => format!("{name}: {other}"),
        });
        let properties = properties.collect::<Vec<_>>().join(", ");
        vec![Cell::Moment(self.created_on), self.name.as_str().into(), properties.as_str().into()]
    }
    fn id(&self) -> std::borrow::Cow<'_, str> {
        self.name.as_str().into()
    }
}

/// All events of a contact, oldest first.
fn event_lines(reader: &Reader<'_>, row: &RowView<'_>) -> Vec<EventLine> {
    let mut lines = Vec::new();
    for name in row.events().names() {
        let Some(event_type) = reader.schema().event_by_id(name) else { continue };
        lines.extend(row.events().of(name).map(|event| {
            EventLine {
                name: event_type.name.clone(),
                uuid: event.uuid.map(|uuid| uuid.to_string()),
                properties: event
                    .properties()
                    .map(|property| (property.name.to_owned(), property.text().into_owned().into()))
                    .collect(),
                created_on: event.moment,
            }
        }));
    }
    lines.sort_by_key(|line| line.created_on);
    lines
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
        let row = self.told(reader.row(document))?;
        let events = row.map_or_else(Vec::new, |row| event_lines(&reader, &row));
        let answer = Timeline { contact: self.identity_of(document)?, changes, events };
        let mut output = self.settings.output();
        output.set_zone(reader.environment().timezone.clone());
        let format = self.settings.format_or(Format::Table);
        output.list(format, MembershipChange::columns(), &answer, &answer.changes)?;
        if format == Format::Table && !answer.events.is_empty() {
            output.text("")?;
            let columns = vec![Column::text("On"), Column::text("Event"), Column::text("Properties")];
            output.list(format, columns, &answer, &answer.events)?;
        }
        Ok(())
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
