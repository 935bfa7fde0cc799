//! `/api/v2/…`: contacts, groups and fields as RapidPro's API has them, for clients that know it.

mod actions;
mod contacts;
mod groups;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::app::Ask;
use super::guard::encoded;
use super::reply::{JSON, Problem, Reply};
use super::routes::{Errors, Parameter, ROUTE, Route, Work};
use crate::value::Instant;
use crate::workspace::Reader;

/// Results of one page.
const PAGE: usize = 250;

const V2: Route = Route { errors: Errors::Platform, ..ROUTE };

const CURSOR: Parameter = Parameter { name: "cursor", kind: "string", about: "Where a page begins." };
const UUID: Parameter = Parameter { name: "uuid", kind: "string", about: "Only this one." };
const URN: Parameter = Parameter { name: "urn", kind: "string", about: "Only who holds this address." };
const GROUP: Parameter = Parameter { name: "group", kind: "string", about: "Only members, by name or uuid." };
const BEFORE: Parameter = Parameter { name: "before", kind: "date-time", about: "Modified then or before." };
const AFTER: Parameter = Parameter { name: "after", kind: "date-time", about: "Modified then or after." };
const REVERSE: Parameter = Parameter { name: "reverse", kind: "string", about: "`1`: oldest first." };
const DELETED: Parameter = Parameter { name: "deleted", kind: "string", about: "`1`: those that were deleted." };
const NAME: Parameter = Parameter { name: "name", kind: "string", about: "Only the one of this name." };
const KEY: Parameter = Parameter { name: "key", kind: "string", about: "Only this one." };

/// The routes of this module.
pub(super) const ROUTES: [Route; 10] = [
    Route {
        path: "/api/v2/contacts.json",
        work: Work::Read(contacts::list),
        about: "Contacts, those modified last first.",
        parameters: &[UUID, URN, GROUP, BEFORE, AFTER, REVERSE, DELETED, CURSOR],
        answers: &[(200, "PlatformContacts")],
        ..V2
    },
    Route {
        method: "POST",
        path: "/api/v2/contacts.json",
        work: Work::Write(contacts::save),
        about: "Creates a contact, or edits the one that is named.",
        parameters: &[UUID, URN],
        body: "PlatformContactBody",
        answers: &[(200, "PlatformContact"), (201, "PlatformContact")],
        problems: &[404],
        ..V2
    },
    Route {
        method: "DELETE",
        path: "/api/v2/contacts.json",
        work: Work::Write(contacts::delete),
        about: "Deletes a contact.",
        parameters: &[UUID, URN],
        answers: &[(204, "")],
        problems: &[404],
        ..V2
    },
    Route {
        method: "POST",
        path: "/api/v2/contact_actions.json",
        work: Work::Write(actions::act),
        about: "Does something to several contacts.",
        body: "PlatformActions",
        answers: &[(204, "")],
        ..V2
    },
    Route {
        path: "/api/v2/groups.json",
        work: Work::Read(groups::list),
        about: "Groups, the newest first.",
        parameters: &[UUID, NAME, CURSOR],
        answers: &[(200, "PlatformGroups")],
        ..V2
    },
    Route {
        method: "POST",
        path: "/api/v2/groups.json",
        work: Work::Write(groups::save),
        about: "Makes a group, or renames the one that is named.",
        parameters: &[UUID],
        body: "PlatformGroupBody",
        answers: &[(200, "PlatformGroup"), (201, "PlatformGroup")],
        problems: &[404],
        ..V2
    },
    Route {
        method: "DELETE",
        path: "/api/v2/groups.json",
        work: Work::Write(groups::delete),
        about: "Deletes a group.",
        parameters: &[UUID],
        answers: &[(204, "")],
        problems: &[404],
        ..V2
    },
    Route {
        path: "/api/v2/fields.json",
        work: Work::Read(groups::fields),
        about: "Fields, the newest first.",
        parameters: &[KEY, CURSOR],
        answers: &[(200, "PlatformFields")],
        ..V2
    },
    Route {
        path: "/api/v2/workspace.json",
        work: Work::Read(groups::workspace),
        about: "The workspace.",
        answers: &[(200, "PlatformWorkspace")],
        ..V2
    },
    Route {
        path: "/api/v2/org.json",
        work: Work::Read(groups::workspace),
        about: "The workspace, under its older name.",
        answers: &[(200, "PlatformWorkspace")],
        ..V2
    },
];

/// One page of a list with links to its neighbours, each a cursor.
fn page(ask: &Ask, path: &str, previous: Option<String>, next: Option<String>, results: Vec<Value>) -> Reply {
    let link = |cursor: Option<String>| {
        cursor.map(|cursor| {
            let mut link = format!("{}{path}?cursor={}", ask.base, encoded(&cursor));
            for (name, value) in ask.query.iter().filter(|(name, _)| name != "cursor") {
                link.push_str(&format!("&{}={}", encoded(name), encoded(value)));
            }
            link
        })
    };
    compact(&json!({ "next": link(next), "previous": link(previous), "results": results }), StatusCode::OK)
}

/// A page of a list that is there as a whole: the cursor is a place in it.
fn paged(ask: &Ask, path: &str, items: Vec<Value>) -> Result<Reply, Problem> {
    let start = match ask.parameter("cursor") {
        None => 0,
        Some(cursor) => cursor.parse::<usize>().map_err(|_| invalid_cursor())?,
    };
    let next = start.saturating_add(PAGE);
    let previous = (start > 0).then(|| start.saturating_sub(PAGE).to_string());
    let next = (next < items.len()).then(|| next.to_string());
    Ok(page(ask, path, previous, next, items.into_iter().skip(start).take(PAGE).collect()))
}

fn invalid_cursor() -> Problem {
    Problem::missing("Invalid cursor")
}

fn not_found() -> Problem {
    Problem::missing("Not found.")
}

fn compact(value: &Value, status: StatusCode) -> Reply {
    Reply::of(JSON, value.to_string()).with_status(status)
}

/// What is wrong with parts of a body, by part.
fn invalid(part: &str, message: impl Into<String>) -> Reply {
    let mut parts = Map::new();
    parts.insert(part.to_owned(), json!([message.into()]));
    compact(&Value::Object(parts), StatusCode::BAD_REQUEST)
}

/// Whether a parameter says yes.
fn is_set(ask: &Ask, name: &str) -> bool {
    ask.parameter(name).is_some_and(|value| matches!(value, "1" | "true" | "True" | "t"))
}

fn moment(ask: &Ask, name: &str, reader: &Reader<'_>) -> Result<Option<Instant>, Problem> {
    let parse = |text: &str| {
        // A `+` in an address that nobody encoded is a space.
        super::api::moment(&text.replace(' ', "+"), reader)
            .map_err(|_| Problem::bad(format!("Value for {name} must be a valid datetime")))
    };
    ask.parameter(name).map(parse).transpose()
}

/// As the platform writes moments.
fn written(moment: Option<Instant>) -> Value {
    moment.map_or(Value::Null, |moment| Value::String(moment.to_string()))
}
