//! `audience`, `render`, `campaign`

use std::borrow::Cow;

use serde::Serialize;

use crate::answers::contact::ContactItem;
use crate::answers::search::{AudienceError, AudienceRequest, Recipients, Rendered};
use crate::answers::shapes::{ContactUuid, UuidName, as_text, as_text_or_null};
use crate::campaign::{Offset, Point};
use crate::cli::Outcome;
use crate::cli::args::messaging::{Audience, Campaign, Render};
use crate::cli::commands::session::Session;
use crate::cli::failure::Failure;
use crate::cli::output::{Cell, Column, Format, Row, counted};
use crate::cli::settings::Settings;
use crate::contact::{Contact, Status, TypedValue};
use crate::diagnostic::{Code, Diagnostic, draw};
use crate::ids::{DocumentNumber, FieldId};
use crate::import::{Source, campaign as campaigns};
use crate::render::{RenderError, Template};
use crate::schema::FieldType;
use crate::sema::query::Dialect;
use crate::sema::suggest::nearest;
use crate::value::Instant;
use crate::workspace::{Reader, WorkspaceError};

/// Computes who a broadcast reaches.
pub(super) fn audience(args: &Audience, settings: &Settings) -> Outcome {
    let session = Session::open(settings)?;
    let reader = session.reader()?;
    let request = AudienceRequest {
        groups: args.groups.clone(),
        contacts: args.contacts.clone(),
        query: args.query.clone(),
        dialect: Dialect::Extended,
        exclude_groups: args.exclude_groups.clone(),
        exclude_in_flow: args.exclude_in_flow,
        exclude_started: args.exclude_started.clone(),
        not_seen_since: args.not_seen_since,
        include_inactive: args.include_inactive,
    };
    let recipients = match Recipients::of(&reader, &request) {
        Ok(recipients) => recipients,
        Err(AudienceError::Workspace(error)) => return session.told(Err(error)),
        Err(AudienceError::Nobody) => {
            return Err(Failure::Usage("say who is to be reached: --group, --contact or --query".to_owned()));
        }
        Err(error) => return Err(Failure::because(error)),
    };
    let mut output = settings.output();
    output.set_zone(reader.environment().timezone.clone());
    let format = settings.format_or(Format::Table);
    if format == Format::Table {
        output.text(&recipients.query)?;
        output.text(&format!("reaches {}", counted(recipients.total, "contact")))?;
    }
    output.list(format, ContactItem::columns(&[]), &recipients, &recipients.contacts)
}

/// Fills in a message for a contact.
pub(super) fn render(args: &Render, settings: &Settings) -> Outcome {
    let template = Template::parse(&args.template).map_err(|error| in_template(&args.template, &error, settings))?;
    let session = Session::open(settings)?;
    let reader = session.reader()?;
    let document = session.contact(&reader, &args.contact)?;
    let rendered = session
        .told(Rendered::of(&reader, &template, document))?
        .map_err(|error| in_template(&args.template, &error, settings))?;
    let mut output = settings.output();
    match settings.format_or(Format::Table) {
        Format::Json => output.document(&rendered),
        Format::Jsonl => output.line(&rendered).and_then(|()| output.flush()),
        Format::Ids => {
            let uuid = session.told(ContactUuid::of(&reader, document))?;
            output.text(&uuid.uuid).and_then(|()| output.flush())
        }
        // The message as it is: that is what one pipes on.
        Format::Table | Format::Csv if !settings.answers_terminal => {
            output.bytes(rendered.text.as_bytes()).and_then(|()| output.bytes(b"\n")).and_then(|()| output.flush())
        }
        Format::Table | Format::Csv => output.text(&rendered.text).and_then(|()| output.flush()),
    }
}

/// A message that cannot be filled in is drawn, with a caret under what is wrong.
fn in_template(template: &str, error: &RenderError, settings: &Settings) -> Failure {
    let diagnostic = Diagnostic::new(Code::Syntax, error.message.clone(), error.span);
    settings.line(draw(template, &[diagnostic], settings.color_errors).trim_end());
    Failure::InvalidQuery
}

/// The answer of `campaign`.
#[derive(Serialize)]
struct Schedule {
    group: UuidName,
    points: Vec<PointItem>,
}

/// A point with those who are eligible.
#[derive(Serialize)]
struct PointItem {
    /// Its place in the file, from 1; fires name it.
    point: usize,
    /// `2 days before edd at 9:00`
    title: String,
    relative_to: String,
    offset: i32,
    unit: &'static str,
    delivery_hour: Option<i8>,
    eligible: u64,
    fires: Vec<Fire>,
}

/// When a point fires for a member.
#[derive(Clone, Serialize)]
struct Fire {
    point: usize,
    title: String,
    contact: UuidName,
    #[serde(serialize_with = "as_text")]
    value: Instant,
    #[serde(serialize_with = "as_text_or_null")]
    fire_on: Option<Instant>,
}

impl Row for Fire {
    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::moment(self.fire_on),
            self.title.as_str().into(),
            self.contact.name.as_str().into(),
            self.contact.uuid.as_str().into(),
            Cell::Moment(self.value),
        ]
    }
    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.contact.uuid)
    }
}

/// The date that a point counts from.
#[derive(Clone, Copy)]
enum DateOf {
    CreatedOn,
    LastSeenOn,
    Field(FieldId),
}

impl DateOf {
    fn named(key: &str, reader: &Reader<'_>) -> Result<Self, WorkspaceError> {
        match key {
            "created_on" => return Ok(DateOf::CreatedOn),
            "last_seen_on" => return Ok(DateOf::LastSeenOn),
            _ => {}
        }
        let fields = reader.schema().fields();
        let dates = || fields.iter().filter(|field| field.kind == FieldType::Datetime);
        match dates().find(|field| field.key == key) {
            Some(field) => Ok(DateOf::Field(field.id)),
            None => {
                let near = nearest(key, dates().map(|field| field.key.as_str()));
                Err(WorkspaceError::UnknownField { key: key.to_owned(), near: near.map(str::to_owned) })
            }
        }
    }

    fn of(self, contact: &Contact) -> Option<Instant> {
        match self {
            DateOf::CreatedOn => Some(contact.created_on),
            DateOf::LastSeenOn => contact.last_seen_on,
            DateOf::Field(id) => match contact.fields.get(&id)?.typed {
                TypedValue::Instant(instant) => Some(instant),
                _ => None,
            },
        }
    }
}

/// Tells who is due for a campaign's points, and when.
pub(super) fn campaign(args: &Campaign, settings: &Settings) -> Outcome {
    let file = campaigns::read(Source::open(&args.file)?)?;
    let session = Session::open(settings)?;
    let reader = session.reader()?;
    let uuid = file.group.uuid.map(|uuid| uuid.to_string());
    let named = uuid.and_then(|uuid| reader.group_named(&uuid).ok());
    let group = named.map_or_else(|| session.told(reader.group_named(&file.group.name)), Ok)?;
    let mut points = Vec::new();
    for (at, definition) in file.points.iter().enumerate() {
        let key = &definition.relative_to;
        if reader.schema().field(key).is_some_and(|field| field.kind != FieldType::Datetime) {
            return Err(Failure::Failed(format!("the field `{key}` holds no dates, so no point can count from it")));
        }
        let date = session.told(DateOf::named(key, &reader))?;
        let Point { offset, delivery_hour } = definition.point;
        let (offset, unit) = match offset {
            Offset::Minutes(offset) => (offset, "minutes"),
            Offset::Hours(offset) => (offset, "hours"),
            Offset::Days(offset) => (offset, "days"),
            Offset::Weeks(offset) => (offset, "weeks"),
        };
        let title = title(key, offset, unit, delivery_hour);
        let (relative_to, fires) = (key.clone(), Vec::new());
        let item = PointItem { point: at + 1, title, relative_to, offset, unit, delivery_hour, eligible: 0, fires };
        points.push((definition.point, date, item));
    }
    let now = reader.now().max(reader.clock());
    let zone = &reader.environment().timezone;
    for document in session.told(reader.members(group))?.iter().map(DocumentNumber) {
        let Some(contact) = session.told(reader.contact(document))? else { continue };
        if contact.status != Status::Active {
            continue;
        }
        for (point, date, item) in &mut points {
            let Some(value) = date.of(&contact) else { continue };
            let name = contact.name.as_deref().unwrap_or_default().to_owned();
            item.fires.push(Fire {
                point: item.point,
                title: item.title.clone(),
                contact: UuidName { uuid: contact.uuid.to_string(), name },
                value,
                fire_on: point.next_fire(value, zone, now),
            });
            item.eligible += 1;
        }
    }
    let info = session.told(reader.group(group))?;
    let group = UuidName { uuid: info.uuid.to_string(), name: info.name };
    let schedule = Schedule { group, points: points.into_iter().map(|(.., item)| item).collect() };
    let mut rows: Vec<Fire> = schedule.points.iter().flat_map(|point| point.fires.iter().cloned()).collect();
    // Soonest first; what is past comes last.
    rows.sort_by_key(|fire| (fire.fire_on.is_none(), fire.fire_on));
    let columns = ["Fires on", "Point", "Name", "Contact", "Date"].map(Column::text).to_vec();
    let mut output = settings.output();
    output.set_zone(zone.clone());
    let format = settings.format_or(Format::Table);
    if format == Format::Table {
        for point in &schedule.points {
            output.text(&format!(
                "{}: {} of {} with that date",
                point.title,
                counted(point.eligible, "member"),
                schedule.group.name
            ))?;
        }
    }
    output.list(format, columns, &schedule, &rows)
}

/// `2 days before edd at 9:00`
fn title(key: &str, offset: i32, unit: &str, delivery_hour: Option<i8>) -> String {
    let distance = offset.unsigned_abs();
    let unit = if distance == 1 { unit.trim_end_matches('s') } else { unit };
    let mut title = match offset.signum() {
        0 => format!("on {key}"),
        -1 => format!("{distance} {unit} before {key}"),
        _ => format!("{distance} {unit} after {key}"),
    };
    if let Some(hour) = delivery_hour {
        title.push_str(&format!(" at {hour}:00"));
    }
    title
}
