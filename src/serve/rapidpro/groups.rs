//! `groups.json`, `fields.json`, `workspace.json`

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{compact, invalid, not_found, paged};
use crate::ids::{GroupId, Uuid};
use crate::schema::DateFormat;
use crate::sema::query::Dialect;
use crate::serve::app::Ask;
use crate::serve::reply::{Problem, Reply};
use crate::workspace::{GroupInfo, WorkspaceError};

fn shown(group: &GroupInfo) -> Value {
    json!({
        "uuid": group.uuid.to_string(),
        "name": group.name,
        "query": group.query,
        "status": group.status.name(),
        "system": group.system,
        "count": group.count,
    })
}

/// The group that the address names, by identity alone.
fn named(ask: &Ask) -> Result<Option<GroupId>, Problem> {
    let Some(text) = ask.parameter("uuid") else { return Ok(None) };
    let uuid = Uuid::parse(text).ok_or_else(|| Problem::bad("Value for uuid must be a valid UUID"))?;
    match ask.reader()?.group_named(&uuid.to_string()) {
        Ok(group) => Ok(Some(group)),
        Err(WorkspaceError::UnknownGroup { .. }) => Err(not_found()),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn list(ask: &Ask) -> Result<Reply, Problem> {
    let reader = ask.reader()?;
    let groups = match (ask.parameter("uuid"), ask.parameter("name")) {
        (None, None) => reader.groups()?,
        (uuid, name) => {
            let mut groups = reader.groups()?;
            groups.retain(|group| {
                uuid.is_none_or(|uuid| group.uuid.to_string().eq_ignore_ascii_case(uuid))
                    && name.is_none_or(|name| group.name.to_lowercase() == name.to_lowercase())
            });
            groups
        }
    };
    paged(ask, "/api/v2/groups.json", groups.iter().rev().map(shown).collect())
}

#[derive(Deserialize)]
struct Body {
    name: Option<String>,
    /// Ours: a query makes the group smart.
    query: Option<String>,
}

pub(super) fn save(ask: &Ask) -> Result<Reply, Problem> {
    let body: Body = ask.json()?;
    let known = named(ask)?;
    let Some(name) = body.name else { return Ok(invalid("name", "This field is required.")) };
    let clock = ask.app.clock;
    let query = body.query.filter(|query| !query.is_empty());
    let written = ask.app.queue.write(move |workspace| {
        let commit = workspace.write(clock.now(), |writer| match known {
            None => writer.create_group(&name, query.as_deref(), Dialect::ContactQl),
            Some(group) => {
                writer.rename_group(group, &name)?;
                if let Some(query) = &query {
                    writer.edit_group(group, query, Dialect::ContactQl)?;
                }
                Ok(group)
            }
        })?;
        Ok(commit.value)
    });
    let group = match written {
        Ok(group) => group,
        Err(WorkspaceError::GroupExists(_)) => return Ok(invalid("name", "This field must be unique.")),
        Err(error @ WorkspaceError::BadName(_)) => return Ok(invalid("name", error.to_string())),
        Err(
            error @ (WorkspaceError::Query { .. } | WorkspaceError::GroupCycle(_) | WorkspaceError::ManualGroup(_)),
        ) => {
            return Ok(invalid("query", error.to_string()));
        }
        Err(error) => return Err(error.into()),
    };
    let status = if known.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    Ok(compact(&shown(&ask.reader()?.group(group)?), status))
}

pub(super) fn delete(ask: &Ask) -> Result<Reply, Problem> {
    let missing = || Problem::bad("URL must contain one of the following parameters: uuid");
    let group = named(ask)?.ok_or_else(missing)?;
    let clock = ask.app.clock;
    let deleted = ask
        .app
        .queue
        .write(move |workspace| workspace.write(clock.now(), |writer| writer.delete_group(group)).map(drop));
    match deleted {
        Ok(()) => Ok(Reply::empty()),
        Err(error @ WorkspaceError::GroupInUse { .. }) => Ok(invalid("non_field_errors", error.to_string())),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn fields(ask: &Ask) -> Result<Reply, Problem> {
    let reader = ask.reader()?;
    let wanted = |key: &str| ask.parameter("key").is_none_or(|wanted| wanted == key);
    let mut items = Vec::new();
    for field in reader.schema().fields().iter().rev().filter(|field| wanted(&field.key)) {
        let groups = reader.dependents_of_field(field.id)?.len();
        items.push(json!({
            "key": field.key,
            "name": field.name,
            "type": field.kind.name(),
            "featured": false,
            "priority": 0,
            "usages": { "flows": 0, "groups": groups, "campaign_events": 0 },
            "agent_access": "view",
            "label": field.name,
            "value_type": field.kind.name(),
        }));
    }
    paged(ask, "/api/v2/fields.json", items)
}

pub(super) fn workspace(ask: &Ask) -> Result<Reply, Problem> {
    let reader = ask.reader()?;
    let settings = reader.settings();
    let folder = ask.app.workspace.folder();
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // A store has no identity of its own: it is known by where it lies.
    let place = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let digest = xxhash_rust::xxh3::xxh3_128(place.to_string_lossy().as_bytes());
    let style = match reader.environment().date_format {
        DateFormat::DayMonthYear => "day_first",
        DateFormat::MonthDayYear => "month_first",
        DateFormat::YearMonthDay => "year_first",
    };
    Ok(compact(
        &json!({
            "uuid": Uuid(digest.to_be_bytes()).to_string(),
            "name": name,
            "country": settings.country,
            "languages": [],
            "primary_language": null,
            "timezone": settings.timezone,
            "date_style": style,
            "credits": { "used": 0, "remaining": 0 },
            "anon": settings.redact_urns,
        }),
        StatusCode::OK,
    ))
}
