//! `event …`

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use serde::Serialize;

use crate::answers::shapes::{GroupItem, as_text_or_null};
use crate::cli::Outcome;
use crate::cli::args::event::EventCommand;
use crate::cli::commands::apply::{LINES, LOT, apply_lot, next_lot, warn};
use crate::cli::commands::session::Session;
use crate::cli::failure::Failure;
use crate::cli::output::{Cell, Column, Format, Row};
use crate::cli::settings::Settings;
use crate::import::{ChangeReader, Source};
use crate::schema::EventType;
use crate::sema::amount_text;
use crate::value::Instant;
use crate::workspace::{Reader, WorkspaceError};

/// A name of events.
#[derive(Serialize)]
struct EventItem {
    name: String,
    /// `null` for ever.
    keep: Option<String>,
    /// Contacts that have some, those of the future included.
    contacts: u64,
    #[serde(serialize_with = "as_text_or_null")]
    first: Option<Instant>,
    #[serde(serialize_with = "as_text_or_null")]
    last: Option<Instant>,
}

impl EventItem {
    fn of(reader: &Reader<'_>, event: &EventType) -> Result<Self, WorkspaceError> {
        let seen = reader.event_extent(event.id)?;
        Ok(EventItem {
            name: event.name.clone(),
            keep: event.keep.and_then(amount_text),
            contacts: reader.contacts_with_event(event.id)?,
            first: seen.map(|(first, _)| first),
            last: seen.map(|(_, last)| last),
        })
    }

    fn kept(&self) -> Cell {
        self.keep.as_deref().unwrap_or("forever").into()
    }
}

impl Row for EventItem {
    fn cells(&self) -> Vec<Cell> {
        vec![
            self.name.as_str().into(),
            self.kept(),
            Cell::Count(self.contacts),
            Cell::moment(self.first),
            Cell::moment(self.last),
        ]
    }
    fn id(&self) -> std::borrow::Cow<'_, str> {
        self.name.as_str().into()
    }
}

/// The answer of `event list`.
#[derive(Serialize)]
struct EventList {
    events: Vec<EventItem>,
}

/// The answer of `event show`.
#[derive(Serialize)]
struct EventShown {
    #[serde(flatten)]
    event: EventItem,
    /// Smart groups whose queries ask for them.
    groups: Vec<GroupItem>,
}

/// The answer of `event import`.
#[derive(Default, Serialize)]
struct Summary {
    /// Lines that hold an event, or should.
    read: u64,
    /// Lines without effect.
    rejected: u64,
    /// Contacts with events that they had not before.
    changed: u64,
}

/// `event …`
pub(super) fn event(command: &EventCommand, settings: &Settings) -> Outcome {
    let session = Session::open(settings)?;
    match command {
        EventCommand::List => session.list_events(),
        EventCommand::Show { name } => session.show_event(name),
        EventCommand::Add { name, keep } => {
            session.write(|writer| writer.add_event(name, keep.0))?;
            session.show_event(name)
        }
        EventCommand::Edit { name, keep } => {
            session.write(|writer| writer.edit_event(name, keep.0))?;
            session.show_event(name)
        }
        EventCommand::Import { file } => session.import_events(file),
    }
}

impl Session<'_> {
    fn list_events(&self) -> Outcome {
        let reader = self.reader()?;
        let events = reader.schema().events().iter().map(|event| EventItem::of(&reader, event));
        let list = EventList { events: self.told(events.collect::<Result<Vec<_>, _>>())? };
        let columns = vec![
            Column::text("Name"),
            Column::text("Kept"),
            Column::number("Contacts"),
            Column::text("First"),
            Column::text("Last"),
        ];
        let mut output = self.settings.output();
        output.set_zone(reader.environment().timezone.clone());
        output.list(self.settings.format_or(Format::Table), columns, &list, &list.events)
    }

    fn show_event(&self, name: &str) -> Outcome {
        let reader = self.reader()?;
        let event = self.told(reader.event_named(name))?;
        let groups = self.told(reader.dependents_of_event(event.id))?;
        let shown = EventShown {
            event: self.told(EventItem::of(&reader, &event))?,
            groups: groups.iter().map(GroupItem::from).collect(),
        };
        let names: Vec<&str> = shown.groups.iter().map(|group| group.name.as_str()).collect();
        let properties = [
            ("Name", shown.event.name.as_str().into()),
            ("Kept", shown.event.kept()),
            ("Contacts", Cell::Count(shown.event.contacts)),
            ("First", Cell::moment(shown.event.first)),
            ("Last", Cell::moment(shown.event.last)),
            ("Groups", names.join(", ").as_str().into()),
        ];
        let mut output = self.settings.output();
        output.set_zone(reader.environment().timezone.clone());
        output.details(self.settings.format_or(Format::Table), &properties, Some(&shown.event.name), &shown)
    }

    fn import_events(&self, file: &Path) -> Outcome {
        let source = Source::open(file)?;
        let name = source.name().to_owned();
        let (environment, hides_addresses) = {
            let reader = self.reader()?;
            (reader.environment().clone(), reader.environment().redact_urns)
        };
        let mut events = ChangeReader::open_events(source, &environment)?;
        let mut summary = Summary::default();
        loop {
            let mut waiting: VecDeque<_> = events.by_ref().take(LINES).collect();
            if waiting.is_empty() {
                break;
            }
            summary.read += waiting.len() as u64;
            let mut rejected = Vec::new();
            let commit = self.write(|writer| {
                while !waiting.is_empty() {
                    let lot = next_lot(&mut waiting, LOT);
                    apply_lot(writer, lot, (hides_addresses, false), &mut BTreeMap::new(), &mut rejected)?;
                }
                Ok(())
            })?;
            rejected.iter().for_each(|(line, reason)| self.rejected(&name, *line, reason));
            summary.rejected += rejected.len() as u64;
            summary.changed += commit.counts.changed;
            warn(&commit.omissions, self.settings, hides_addresses);
        }
        let properties = [
            ("Lines read", Cell::Count(summary.read)),
            ("Contacts changed", Cell::Count(summary.changed)),
            ("Lines rejected", Cell::Count(summary.rejected)),
        ];
        self.settings.output().details(self.settings.format_or(Format::Table), &properties, None, &summary)?;
        if summary.rejected > 0 { Err(Failure::SomeRejected) } else { Ok(()) }
    }
}
