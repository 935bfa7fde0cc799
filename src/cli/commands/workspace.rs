//! `init`, `workspace`, `schema`, `field`, `depends`

use serde::Serialize;

use crate::answers::shapes::{GroupItem, UuidName, as_text_or_null};
use crate::cli::Outcome;
use crate::cli::args::workspace::{
    Depends, EnvironmentOptions, FieldCommand, Init, SchemaCommand, WorkspaceCommand, WorkspaceSet,
};
use crate::cli::commands::session::{Session, failure};
use crate::cli::failure::Failure;
use crate::cli::output::{Cell, Column, Format, Row, counted};
use crate::cli::settings::Settings;
use crate::import::{Source, schema};
use crate::value::Instant;
use crate::workspace::{self, FieldInput, Reader, SchemaInput, Workspace, WorkspaceError};

/// Makes a workspace.
pub(super) fn init(args: &Init, settings: &Settings) -> Outcome {
    let mut chosen = workspace::Settings { redact_urns: args.redact_urns, ..workspace::Settings::default() };
    overlay(&mut chosen, &args.environment);
    // The clock never goes back. Nothing has happened yet, so it starts with the first write unless a moment is given.
    let start = if settings.is_now_given { settings.now } else { Instant::MIN };
    let made = Workspace::create_at(&settings.store, &chosen, start);
    let workspace = made.map_err(|error| failure(error, settings))?;
    settings.note(&format!("made a workspace in {}", workspace.folder().display()));
    Session { workspace, settings }.show()
}

/// `workspace …`
pub(super) fn workspace(command: &WorkspaceCommand, settings: &Settings) -> Outcome {
    let session = Session::open(settings)?;
    if let WorkspaceCommand::Set(WorkspaceSet { environment, redact_urns, keep_log }) = command {
        let mut chosen = session.reader()?.settings();
        overlay(&mut chosen, environment);
        chosen.redact_urns = redact_urns.unwrap_or(chosen.redact_urns);
        session.write(|writer| {
            writer.set_settings(&chosen)?;
            keep_log.map_or(Ok(()), |days| writer.keep_log(days.0))
        })?;
    }
    session.show()
}

/// What was said on the command line goes before what is set.
fn overlay(chosen: &mut workspace::Settings, options: &EnvironmentOptions) {
    if let Some(timezone) = options.timezone.as_ref().and_then(|timezone| timezone.iana_name()) {
        timezone.clone_into(&mut chosen.timezone);
    }
    if let Some(date_format) = options.date_format {
        date_format.name().clone_into(&mut chosen.date_format);
    }
    if let Some(country) = options.country {
        chosen.country = Some(country.0.iter().map(|&letter| char::from(letter)).collect());
    }
}

/// The answer of `workspace show`.
#[derive(Serialize)]
struct WorkspaceItem {
    store: String,
    timezone: String,
    date_format: String,
    country: Option<String>,
    redact_urns: bool,
    /// `null` if the log is kept for ever.
    keep_log_days: Option<u32>,
    #[serde(serialize_with = "as_text_or_null")]
    clock: Option<Instant>,
    sequence: u64,
    contacts: u64,
    fields: u64,
    groups: u64,
    flows: u64,
}

impl Session<'_> {
    fn show(&self) -> Outcome {
        let reader = self.reader()?;
        let workspace::Settings { timezone, date_format, country, redact_urns } = reader.settings();
        let keep_log_days = self.told(reader.keeps_log())?;
        let schema = reader.schema();
        let item = WorkspaceItem {
            store: self.workspace.folder().display().to_string(),
            timezone,
            date_format,
            country,
            redact_urns,
            keep_log_days,
            clock: Some(reader.clock()).filter(|&clock| clock > Instant::MIN),
            sequence: reader.sequence().0,
            contacts: reader.contacts(),
            fields: schema.fields().len() as u64,
            groups: schema.groups().len() as u64,
            flows: schema.flows().len() as u64,
        };
        let properties = [
            ("Store", item.store.as_str().into()),
            ("Time zone", item.timezone.as_str().into()),
            ("Date format", item.date_format.as_str().into()),
            ("Country", Cell::text(item.country.as_deref())),
            ("Addresses hidden", Cell::Flag(item.redact_urns)),
            ("Log kept", keep_log_days.map_or("for ever".to_owned(), |days| format!("{days} days")).into()),
            ("Clock", Cell::moment(item.clock)),
            ("Log entry", Cell::Count(item.sequence)),
            ("Contacts", Cell::Count(item.contacts)),
            ("Fields", Cell::Count(item.fields)),
            ("Groups", Cell::Count(item.groups)),
            ("Flows", Cell::Count(item.flows)),
        ];
        let mut output = self.settings.output();
        output.set_zone(reader.environment().timezone.clone());
        output.details(self.settings.format_or(Format::Table), &properties, None, &item)
    }
}

/// `schema …`
pub(super) fn schema(command: &SchemaCommand, settings: &Settings) -> Outcome {
    match command {
        SchemaCommand::Show => show_schema(&Session::open(settings)?.reader()?, settings),
        SchemaCommand::Import { file } => {
            let session = Session::open(settings)?;
            let read = schema::read(Source::open(file)?)?;
            if read.left_out > 0 {
                settings.warn(&format!(
                    "left out {}: smart ones are for `headcount group import`, and the platform's own are everybody's",
                    counted(read.left_out, "group")
                ));
            }
            let input = SchemaInput::from(read);
            let counts = session.write(|writer| writer.import_schema(&input))?.value;
            let item = SchemaImported {
                fields_added: counts.fields_added,
                fields_renamed: counts.fields_renamed,
                groups_added: counts.groups_added,
                flows_added: counts.flows_added,
                flows_renamed: counts.flows_renamed,
            };
            let properties = [
                ("Fields added", Cell::Count(item.fields_added)),
                ("Fields renamed", Cell::Count(item.fields_renamed)),
                ("Groups added", Cell::Count(item.groups_added)),
                ("Flows added", Cell::Count(item.flows_added)),
                ("Flows renamed", Cell::Count(item.flows_renamed)),
            ];
            settings.output().details(settings.format_or(Format::Table), &properties, None, &item)
        }
    }
}

/// The answer of `schema import`.
#[derive(Serialize)]
struct SchemaImported {
    fields_added: u64,
    fields_renamed: u64,
    groups_added: u64,
    flows_added: u64,
    flows_renamed: u64,
}

/// The answer of `schema show`, which `schema import` reads.
#[derive(Serialize)]
struct SchemaItem {
    fields: Vec<FieldItem>,
    groups: Vec<UuidName>,
    flows: Vec<UuidName>,
}

/// A field as a schema file has it.
#[derive(Serialize)]
struct FieldItem {
    key: String,
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
}

impl From<&crate::schema::Field> for FieldItem {
    fn from(field: &crate::schema::Field) -> Self {
        FieldItem { key: field.key.clone(), name: field.name.clone(), kind: field.kind.name() }
    }
}

/// A line of the table of `schema show`.
#[derive(Serialize)]
struct Named {
    kind: &'static str,
    name: String,
    key: String,
    #[serde(rename = "type")]
    value_type: &'static str,
}

impl Row for Named {
    fn cells(&self) -> Vec<Cell> {
        vec![self.kind.into(), self.name.as_str().into(), self.key.as_str().into(), self.value_type.into()]
    }
    fn id(&self) -> std::borrow::Cow<'_, str> {
        self.key.as_str().into()
    }
}

fn show_schema(reader: &Reader<'_>, settings: &Settings) -> Outcome {
    let schema = reader.schema();
    let groups = schema.groups().iter().filter(|group| !group.smart);
    let item = SchemaItem {
        fields: schema.fields().iter().map(FieldItem::from).collect(),
        groups: groups.map(|group| UuidName { uuid: group.uuid.to_string(), name: group.name.clone() }).collect(),
        flows: schema
            .flows()
            .iter()
            .map(|flow| UuidName { uuid: flow.uuid.to_string(), name: flow.name.clone() })
            .collect(),
    };
    let named = |kind: &'static str, named: &UuidName| Named {
        kind,
        name: named.name.clone(),
        key: named.uuid.clone(),
        value_type: "",
    };
    let fields = item.fields.iter().map(|field| Named {
        kind: "field",
        name: field.name.clone(),
        key: field.key.clone(),
        value_type: field.kind,
    });
    let rows: Vec<Named> = fields
        .chain(item.groups.iter().map(|group| named("group", group)))
        .chain(item.flows.iter().map(|flow| named("flow", flow)))
        .collect();
    let columns = ["Kind", "Name", "Key or UUID", "Type"].map(Column::text).to_vec();
    settings.output().list(settings.format_or(Format::Table), columns, &item, &rows)
}

/// `field …`
pub(super) fn field(command: &FieldCommand, settings: &Settings) -> Outcome {
    let session = Session::open(settings)?;
    let key = match command {
        FieldCommand::List => return list_fields(&session),
        FieldCommand::Add { key, kind, name } => {
            if session.reader()?.schema().field(key).is_some() {
                let message = format!("there is already a field `{key}`; `field edit` changes it");
                return Err(Failure::Failed(message));
            }
            let input = FieldInput { key: key.clone(), name: name.clone(), kind: *kind };
            session.write(|writer| writer.add_field(&input))?;
            key
        }
        FieldCommand::Edit { key, kind, name } => {
            session.write(|writer| {
                let field = writer.field_named(key)?;
                writer.edit_field(field, name.as_deref(), *kind)
            })?;
            key
        }
    };
    let reader = session.reader()?;
    let Some(field) = reader.schema().field(key) else {
        return Err(Failure::because(WorkspaceError::UnknownField { key: key.clone(), near: None }));
    };
    let item = FieldItem::from(field);
    let properties =
        [("Key", item.key.as_str().into()), ("Name", item.name.as_str().into()), ("Type", item.kind.into())];
    settings.output().details(settings.format_or(Format::Table), &properties, Some(&item.key), &item)
}

/// The answer of `field list`.
#[derive(Serialize)]
struct FieldList<'l> {
    fields: &'l [FieldRow],
}

/// A field with how much it is used.
#[derive(Serialize)]
struct FieldRow {
    #[serde(flatten)]
    field: FieldItem,
    /// Contacts that have a value.
    contacts: u64,
}

impl Row for FieldRow {
    fn cells(&self) -> Vec<Cell> {
        let FieldItem { key, name, kind } = &self.field;
        vec![key.as_str().into(), name.as_str().into(), (*kind).into(), Cell::Count(self.contacts)]
    }
    fn id(&self) -> std::borrow::Cow<'_, str> {
        self.field.key.as_str().into()
    }
}

fn list_fields(session: &Session<'_>) -> Outcome {
    let reader = session.reader()?;
    let mut rows = Vec::new();
    for field in reader.schema().fields() {
        let contacts = session.told(reader.count(&format!("fields.{} != \"\"", field.key)))?;
        rows.push(FieldRow { field: field.into(), contacts });
    }
    let columns = vec![Column::text("Key"), Column::text("Name"), Column::text("Type"), Column::number("Contacts")];
    session.settings.output().list(
        session.settings.format_or(Format::Table),
        columns,
        &FieldList { fields: &rows },
        &rows,
    )
}

/// The answer of `depends`.
#[derive(Serialize)]
struct Dependents {
    field: Option<FieldItem>,
    group: Option<UuidName>,
    /// Contacts with a value of the field, or members of the group.
    contacts: u64,
    /// Smart groups whose queries use it.
    groups: Vec<GroupItem>,
}

/// Tells what uses a field or a group. A name that is both is taken for the field.
pub(super) fn depends(args: &Depends, settings: &Settings) -> Outcome {
    let session = Session::open(settings)?;
    let reader = session.reader()?;
    let schema = reader.schema();
    let name = args.name.strip_prefix("fields.").unwrap_or(&args.name);
    let item = match schema.field(&name.to_lowercase()) {
        Some(field) => Dependents {
            contacts: session.told(reader.count(&format!("fields.{} != \"\"", field.key)))?,
            groups: session.told(reader.dependents_of_field(field.id))?.iter().map(GroupItem::from).collect(),
            field: Some(field.into()),
            group: None,
        },
        None => {
            let group =
                session.told(reader.group_named(&args.name)).map_err(|failure| neither(&reader, name, failure))?;
            let info = session.told(reader.group(group))?;
            Dependents {
                contacts: info.count,
                groups: session.told(reader.dependents_of_group(group))?.iter().map(GroupItem::from).collect(),
                field: None,
                group: Some(UuidName { uuid: info.uuid.to_string(), name: info.name }),
            }
        }
    };
    let mut output = settings.output();
    let format = settings.format_or(Format::Table);
    if format == Format::Table {
        let holders = match (&item.field, item.contacts) {
            (Some(_), 1) => "1 contact has a value".to_owned(),
            (Some(_), contacts) => format!("{} have a value", counted(contacts, "contact")),
            (None, members) => counted(members, "member"),
        };
        let users = match item.groups.len() as u64 {
            1 => "1 group uses it".to_owned(),
            groups => format!("{} use it", counted(groups, "group")),
        };
        output.text(&format!("{holders}; {users}"))?;
    }
    output.list(format, GroupItem::columns(), &item, &item.groups)
}

/// Neither a field nor a group has this name: the nearest key of a field, or else what was found to say of groups.
fn neither(reader: &Reader<'_>, name: &str, of_groups: Failure) -> Failure {
    let keys = reader.schema().fields().iter().map(|field| field.key.as_str());
    match crate::sema::suggest::nearest(name, keys) {
        Some(near) => Failure::Failed(format!("there is no field or group `{name}`; did you mean the field `{near}`?")),
        None => of_groups,
    }
}
