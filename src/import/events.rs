//! Files of events: JSON lines, or sheets with a row for each.

use std::borrow::Cow;
use std::io;

use crate::import::contacts::{item, json_lines};
use crate::import::csv;
use crate::import::detect::{self, Format, Opened};
use crate::import::error::{ImportError, Kind, shown};
use crate::import::json::{self, BadChange, moment, uuid};
use crate::import::pipeline::Pipeline;
use crate::import::sheet::address;
use crate::schema::Environment;
use crate::value::{Instant, day};
use crate::workspace::change::{Change, ContactRef, Event, Happening};

/// What a column of a sheet holds.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Column {
    Contact,
    /// An address of that scheme.
    Urn(Box<str>),
    Event,
    On,
    Uuid,
    /// A property of the event.
    Property(Box<str>),
}

/// The header of a sheet of events.
struct Header {
    columns: Vec<Column>,
    environment: Environment,
}

/// What reads the events of a source.
pub(super) fn open(opened: Opened, environment: &Environment) -> Result<io::Result<Pipeline<Change>>, ImportError> {
    let foreign = |reason| ImportError::new(&opened.name, Kind::Foreign(reason));
    let delimiter = match detect::format(&opened.prefix).map_err(foreign)? {
        Format::JsonLines => return Ok(json_lines(opened.reader, json_event)),
        Format::Csv { delimiter } => delimiter,
        _ => return Err(foreign("events are JSON lines or CSV".to_owned())),
    };
    let (header, rows) = csv::open_as(&opened.name, opened.reader, delimiter, opened.is_marked, |rows| {
        let cells = rows.first().map(Vec::as_slice).unwrap_or_default();
        Header::read(cells, environment.clone()).map(|header| (header, 1))
    })?;
    Ok(Pipeline::start(rows, move |batch: Vec<csv::Row>| {
        let rows = batch.iter().map(|row| row.read(header.columns.len(), |cells| header.change(cells)));
        rows.filter_map(|(line, change)| change.map(|change| item(line, change))).collect::<Vec<_>>()
    }))
}

/// A line that is an event.
fn json_event(bytes: &[u8]) -> Result<Change, BadChange> {
    // In a file of events no other line is in its place.
    let change = json::change(bytes).map_err(|bad| BadChange { other_type: None, ..bad })?;
    match change.event {
        Event::Happened(_) => Ok(change),
        _ => {
            let reason = "this is no event but another change: `apply` takes those".to_owned();
            Err(BadChange { reason, source: change.source, other_type: None })
        }
    }
}

impl Header {
    fn read(cells: &[String], environment: Environment) -> Result<Self, String> {
        let columns: Vec<Column> = cells.iter().map(|cell| column(cell.trim())).collect::<Result<_, _>>()?;
        for (needed, title) in [(Column::Event, "Event"), (Column::On, "On")] {
            if !columns.contains(&needed) {
                return Err(format!("a sheet of events needs the column `{title}`"));
            }
        }
        if !columns.iter().any(|column| matches!(column, Column::Contact | Column::Urn(_))) {
            return Err("a sheet of events needs the column `Contact UUID`, or `URN:<scheme>`, to tell whose they are"
                .to_owned());
        }
        let same =
            columns.iter().enumerate().find(|(at, column)| columns.iter().take(*at).any(|other| other == *column));
        match same.and_then(|(at, _)| cells.get(at)) {
            Some(cell) => Err(format!("two columns of the header are the same: {}", shown(cell))),
            None => Ok(Header { columns, environment }),
        }
    }

    /// The event of a row; blank cells are no values.
    fn change(&self, cells: Vec<Cow<'_, str>>) -> Result<Change, String> {
        let (mut contact, mut on, mut happening) = (None, None, Happening::default());
        for (column, cell) in self.columns.iter().zip(&cells) {
            let trimmed = cell.trim();
            if trimmed.is_empty() {
                continue;
            }
            match column {
                Column::Contact => {
                    contact = Some(ContactRef::Uuid(uuid(trimmed).map_err(|e| format!("`Contact UUID`: {e}"))?))
                }
                Column::Urn(scheme) if contact.is_none() => contact = Some(ContactRef::Urn(address(scheme, trimmed)?)),
                Column::Urn(_) => {}
                Column::Event => happening.name = trimmed.into(),
                Column::On => on = Some(self.moment(trimmed).map_err(|e| format!("`On`: {e}"))?),
                Column::Uuid => happening.uuid = Some(uuid(trimmed).map_err(|e| format!("`Event UUID`: {e}"))?),
                Column::Property(name) => happening.properties.push((name.clone(), (&**cell).into())),
            }
        }
        if contact.is_none() {
            return Err("a row needs the uuid or an address of the contact".to_owned());
        }
        if happening.name.is_empty() {
            return Err("a row needs the name of the event in the column `Event`".to_owned());
        }
        if on.is_none() {
            return Err("a row needs the moment of the event in the column `On`".to_owned());
        }
        Ok(Change { contact, event: Event::Happened(Box::new(happening)), created_on: on, source: None })
    }

    /// A moment as platforms write it, or as people do: a date and perhaps a time in the workspace's zone.
    fn moment(&self, text: &str) -> Result<Instant, String> {
        moment(text).or_else(|reason| day::parse_moment(text, &self.environment).ok_or(reason))
    }
}

/// What a cell of the header says.
fn column(cell: &str) -> Result<Column, String> {
    let lowered = cell.to_lowercase();
    Ok(match lowered.split_once(':') {
        Some(("urn", scheme)) if !scheme.trim().is_empty() => Column::Urn(scheme.trim().into()),
        Some(("property", name)) if !name.trim().is_empty() => Column::Property(name.trim().into()),
        None => match lowered.as_str() {
            "contact uuid" | "uuid" => Column::Contact,
            "event" => Column::Event,
            "on" => Column::On,
            "event uuid" => Column::Uuid,
            _ => return Err(unknown(cell)),
        },
        _ => return Err(unknown(cell)),
    })
}

fn unknown(cell: &str) -> String {
    format!(
        "{} is no column of a sheet of events: they are `Contact UUID` or `URN:<scheme>`, `Event`, `On`, `Event UUID` and \
         `Property:<name>`",
        shown(cell)
    )
}
