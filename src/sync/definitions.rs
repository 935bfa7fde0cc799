//! Fields, groups, flows and the environment: brought to what the database says of them.

use std::collections::{BTreeMap, BTreeSet};

use super::database::Database;
use super::mapping::Mapping;
use super::{Observer, SyncError, Told};
use crate::ids::Uuid;
use crate::schema::FieldType;
use crate::value::Instant;
use crate::workspace::change::NamedRef;
use crate::workspace::{FieldInput, SchemaInput, Settings, Workspace, WorkspaceError};

type Rows = Vec<BTreeMap<String, String>>;

/// What the database says, read in one go.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Definitions {
    workspace: Rows,
    fields: Rows,
    groups: Rows,
    flows: Rows,
}

/// Whether smart groups are made and edited as well: on the first copy they are made last, when their members can be
/// filled at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Smart {
    Later,
    Now,
}

impl Definitions {
    pub(super) fn read(database: &Database, mapping: &Mapping) -> Result<Self, SyncError> {
        let read = |doing: &str, query: Option<&String>| match query {
            Some(query) => database.definitions(doing, query),
            None => Ok(Rows::new()),
        };
        Ok(Definitions {
            workspace: read("the query of the workspace", mapping.workspace.as_ref().map(|it| &it.query))?,
            fields: read("the query of fields", mapping.fields.as_ref().map(|it| &it.query))?,
            groups: read("the query of groups", mapping.groups.as_ref().map(|it| &it.query))?,
            flows: read("the query of flows", mapping.flows.as_ref().map(|it| &it.query))?,
        })
    }

    /// The environment that the database gives, over the one at hand.
    pub(super) fn settings(&self, before: Settings) -> Settings {
        let mut settings = before;
        let Some(row) = self.workspace.first() else { return settings };
        let text = |name: &str| row.get(name).filter(|text| !text.is_empty()).cloned();
        if let Some(timezone) = text("timezone") {
            settings.timezone = timezone;
        }
        if let Some(format) = text("date_format") {
            settings.date_format = format;
        }
        if let Some(country) = text("country") {
            settings.country = Some(country);
        }
        if let Some(redacts) = text("redact_urns") {
            settings.redact_urns = matches!(redacts.as_str(), "t" | "true" | "1");
        }
        settings
    }

    /// What fields are called in rows of contacts, with their keys here.
    pub(super) fn field_keys(&self) -> BTreeMap<String, String> {
        let pair = |row: &BTreeMap<String, String>| Some((row.get("uuid")?.clone(), row.get("key")?.clone()));
        self.fields.iter().filter_map(pair).collect()
    }

    /// Brings the workspace to this, which was brought to `before` already. What does not fit is told, and does not stop the
    /// rest.
    pub(super) fn apply(
        &self,
        workspace: &Workspace,
        mapping: &Mapping,
        before: Option<&Definitions>,
        smart: Smart,
        observer: &dyn Observer,
    ) -> Result<(), SyncError> {
        let now = Instant::now();
        let reader = workspace.reader(now)?;
        let set = reader.settings();
        drop(reader);
        let wanted = self.settings(set.clone());
        if wanted != set {
            tolerate("workspace", "settings", observer, workspace.write(now, |writer| writer.set_settings(&wanted)))?;
        }
        self.apply_fields(workspace, observer)?;
        let flows = SchemaInput { flows: named(&self.flows), ..SchemaInput::default() };
        tolerate("flows", "", observer, workspace.write(now, |writer| writer.import_schema(&flows)))?;
        self.apply_groups(workspace, mapping, before, smart, observer)
    }

    fn apply_fields(&self, workspace: &Workspace, observer: &dyn Observer) -> Result<(), SyncError> {
        for row in &self.fields {
            let Some(key) = row.get("key") else { continue };
            let kind = match row.get("type").map(String::as_str) {
                None => FieldType::Text,
                Some(name) => FieldType::from_name(name).unwrap_or(FieldType::Text),
            };
            let input = FieldInput { key: key.clone(), name: row.get("name").cloned(), kind };
            let reader = workspace.reader(Instant::now())?;
            let known = reader.schema().field(key).map(|field| (field.id, field.kind, field.name.clone()));
            drop(reader);
            let outcome = match known {
                Some((_, is, name)) if is == kind && input.name.as_ref().is_none_or(|new| *new == name) => continue,
                Some((id, ..)) => workspace
                    .write(Instant::now(), |writer| writer.edit_field(id, input.name.as_deref(), Some(kind)))
                    .map(drop),
                None => workspace.write(Instant::now(), |writer| writer.add_field(&input)).map(drop),
            };
            tolerate("fields", key, observer, outcome)?;
        }
        Ok(())
    }

    fn apply_groups(
        &self,
        workspace: &Workspace,
        mapping: &Mapping,
        before: Option<&Definitions>,
        smart: Smart,
        observer: &dyn Observer,
    ) -> Result<(), SyncError> {
        if mapping.groups.is_none() {
            return Ok(());
        }
        let wanted: BTreeSet<Uuid> = self.groups.iter().filter_map(identity).collect();
        let known: Vec<(Uuid, String)> = {
            let reader = workspace.reader(Instant::now())?;
            reader.schema().groups().iter().map(|group| (group.uuid, group.name.clone())).collect()
        };
        for (uuid, name) in known.iter().filter(|(uuid, _)| !wanted.contains(uuid)) {
            let outcome = workspace.write(Instant::now(), |writer| {
                let Some(id) = writer.group_by_uuid(*uuid) else { return Ok(()) };
                writer.delete_group(id)
            });
            tolerate("groups", name, observer, outcome)?;
        }
        // Names that move from one group to another: each round lets others be renamed.
        let is_new = |row: &&BTreeMap<String, String>| before.is_none_or(|before| !before.groups.contains(row));
        let mut waiting: Vec<&BTreeMap<String, String>> = self.groups.iter().filter(is_new).collect();
        loop {
            let mut later = Vec::new();
            for &row in &waiting {
                match apply_group(workspace, mapping, smart, row) {
                    Err(WorkspaceError::GroupExists(_) | WorkspaceError::UnknownGroup { .. }) => later.push(row),
                    outcome => tolerate("groups", row.get("name").map_or("", String::as_str), observer, outcome)?,
                }
            }
            if later.len() == waiting.len() {
                break;
            }
            waiting = later;
        }
        for row in waiting {
            let outcome = apply_group(workspace, mapping, smart, row);
            tolerate("groups", row.get("name").map_or("", String::as_str), observer, outcome)?;
        }
        Ok(())
    }
}

fn identity(row: &BTreeMap<String, String>) -> Option<Uuid> {
    Uuid::parse(row.get("uuid")?)
}

fn named(rows: &Rows) -> Vec<NamedRef> {
    let named = |row: &BTreeMap<String, String>| NamedRef {
        uuid: identity(row),
        name: row.get("name").map(|name| name.as_str().into()),
    };
    rows.iter().map(named).filter(|named| named.name.is_some()).collect()
}

fn apply_group(
    workspace: &Workspace,
    mapping: &Mapping,
    smart: Smart,
    row: &BTreeMap<String, String>,
) -> Result<(), WorkspaceError> {
    let (Some(uuid), Some(name)) = (identity(row), row.get("name")) else { return Ok(()) };
    let query = row.get("query").filter(|query| !query.trim().is_empty());
    if query.is_some() && smart == Smart::Later {
        return Ok(());
    }
    let now = Instant::now();
    let known = {
        let reader = workspace.reader(now)?;
        reader.schema().group_by_uuid(uuid).map(|group| (group.id, group.smart, group.name.clone()))
    };
    let dialect = mapping.dialect();
    match known {
        Some((id, is_smart, _)) if is_smart != query.is_some() => {
            workspace.write(now, |writer| {
                writer.delete_group(id)?;
                writer.create_group_as(uuid, name, query.map(String::as_str), dialect)
            })?;
        }
        Some((id, _, old)) => {
            if old != *name {
                workspace.write(now, |writer| writer.rename_group(id, name))?;
            }
            if let Some(query) = query {
                workspace.write(now, |writer| writer.edit_group(id, query, dialect))?;
            }
        }
        None => {
            workspace.write(now, |writer| writer.create_group_as(uuid, name, query.map(String::as_str), dialect))?;
        }
    }
    Ok(())
}

/// What is refused is told, and does not stop the rest; a store that fails does.
fn tolerate<T>(
    table: &str,
    row: &str,
    observer: &dyn Observer,
    outcome: Result<T, WorkspaceError>,
) -> Result<(), SyncError> {
    match outcome {
        Ok(_) => Ok(()),
        Err(error @ (WorkspaceError::Store(_) | WorkspaceError::Index(_))) => Err(error.into()),
        Err(WorkspaceError::Query { errors, text }) => {
            let reason = format!("the query `{text}`: {errors}");
            observer.tell(&Told::Misfit { table, row, reason: &reason });
            Ok(())
        }
        Err(error) => {
            observer.tell(&Told::Misfit { table, row, reason: &error.to_string() });
            Ok(())
        }
    }
}
