//! `/mi/…`: what a platform asks its search engine, under the same paths and in the same shapes, so that it can ask
//! here instead. Queries are in the dialect `contactql`.

use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};

use super::api::{places, rows};
use super::app::Ask;
use super::reply::{Problem, Reply};
use super::routes::{ROUTE, Route, Work};
use crate::answers::search::AudienceRequest;
use crate::answers::shapes::Metadata;
use crate::audience::excluding;
use crate::ids::{GroupId, Uuid};
use crate::language::Query;
use crate::sema::query::Dialect;
use crate::workspace::change::ContactRef;
use crate::workspace::{PageRequest, Reader, WorkspaceError};

const POST: Route = Route { method: "POST", problems: &[404, 422], ..ROUTE };

/// The routes of this module.
pub(super) const ROUTES: [Route; 7] = [
    Route {
        path: "/mi/contact/search",
        work: Work::Read(search),
        about: "Searches.",
        body: "MailroomSearch",
        answers: &[(200, "MailroomFound")],
        ..POST
    },
    Route {
        path: "/mi/contact/parse_query",
        work: Work::Read(parse_query),
        about: "Checks a query.",
        body: "MailroomParse",
        answers: &[(200, "MailroomParsed")],
        ..POST
    },
    Route {
        path: "/mi/contact/export",
        work: Work::Read(export),
        about: "Everybody in a group who matches.",
        body: "MailroomSearch",
        answers: &[(200, "MailroomExport")],
        ..POST
    },
    Route {
        path: "/mi/contact/export_preview",
        work: Work::Read(export_preview),
        about: "How many in a group match.",
        body: "MailroomSearch",
        answers: &[(200, "MailroomTotal")],
        ..POST
    },
    Route {
        path: "/mi/contact/populate_group",
        work: Work::Write(populate_group),
        about: "Gives a smart group a query, and fills it.",
        body: "MailroomPopulate",
        answers: &[(200, "Description")],
        problems: &[404, 409, 422],
        ..POST
    },
    Route {
        path: "/mi/msg/broadcast_preview",
        work: Work::Read(preview),
        about: "How many a broadcast reaches.",
        body: "MailroomPreview",
        answers: &[(200, "MailroomTotal")],
        ..POST
    },
    Route {
        path: "/mi/flow/start_preview",
        work: Work::Read(preview),
        about: "How many the start of a flow reaches.",
        body: "MailroomPreview",
        answers: &[(200, "MailroomTotal")],
        ..POST
    },
];

/// A group by its number here, or by its identity as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum GroupName {
    Number(u32),
    Uuid(String),
}

#[derive(Deserialize)]
struct Search {
    group_id: Option<GroupName>,
    group_uuid: Option<String>,
    #[serde(default)]
    query: String,
    sort: Option<String>,
    offset: Option<u64>,
    limit: Option<u64>,
    #[serde(default)]
    exclude_uuids: Vec<String>,
}

/// The group that is named by either; number 0 and an empty text name none.
fn group_of(
    reader: &Reader<'_>,
    number: Option<&GroupName>,
    uuid: Option<&str>,
) -> Result<Option<GroupId>, WorkspaceError> {
    match (uuid.filter(|uuid| !uuid.is_empty()), number) {
        (Some(uuid), _) => reader.group_named(uuid).map(Some),
        (None, None | Some(GroupName::Number(0))) => Ok(None),
        (None, Some(GroupName::Number(number))) => reader.group(GroupId(*number)).map(|group| Some(group.id)),
        (None, Some(GroupName::Uuid(uuid))) if uuid.is_empty() => Ok(None),
        (None, Some(GroupName::Uuid(uuid))) => reader.group_named(uuid).map(Some),
    }
}

/// An error of a query with the keys that a search engine gives it.
fn told(error: impl Into<Problem>) -> Problem {
    let mut problem: Problem = error.into();
    problem.body.retain(|key, _| matches!(key.as_str(), "error" | "code" | "extra"));
    problem
}

/// A query as it was sent; one that is empty finds everybody.
fn parsed(reader: &Reader<'_>, text: &str) -> Result<Query, Problem> {
    let text = if text.trim().is_empty() { super::EVERYBODY } else { text };
    Ok(reader.parse(text, Dialect::ContactQl).map_err(told)?.query)
}

/// Its canonical form; nothing of an empty one.
fn printed(reader: &Reader<'_>, text: &str, query: &Query) -> String {
    if text.trim().is_empty() { String::new() } else { reader.canonical(query) }
}

fn metadata(reader: &Reader<'_>, text: &str, query: &Query) -> Metadata {
    if text.trim().is_empty() { Metadata::default() } else { Metadata::of(query, reader.schema()) }
}

#[derive(Serialize)]
struct Found {
    query: String,
    contact_uuids: Vec<String>,
    total: u64,
    metadata: Metadata,
}

fn uuids(texts: &[String]) -> Result<Vec<Uuid>, Problem> {
    let parse =
        |text: &String| Uuid::parse(text).ok_or_else(|| Problem::bad("`exclude_uuids` and `contact_uuids` hold uuids"));
    texts.iter().map(parse).collect()
}

fn search(ask: &Ask) -> Result<Reply, Problem> {
    let body: Search = ask.json()?;
    let reader = ask.reader()?;
    let query = parsed(&reader, &body.query)?;
    let request = PageRequest {
        order: body
            .sort
            .as_deref()
            .filter(|sort| !sort.is_empty())
            .map(|key| order(&reader, key))
            .transpose()?
            .flatten(),
        offset: places(body.offset),
        limit: Some(rows(body.limit)?),
        after: None,
        group: group_of(&reader, body.group_id.as_ref(), body.group_uuid.as_deref())?,
    };
    let page = reader.page(&excluding(query.clone(), &uuids(&body.exclude_uuids)?), &request)?;
    let mut contact_uuids = Vec::with_capacity(page.documents.len());
    for document in page.documents {
        contact_uuids.extend(reader.identity(document)?.map(|uuid| uuid.to_string()));
    }
    Reply::compact(&Found {
        query: printed(&reader, &body.query, &query),
        contact_uuids,
        total: page.total,
        metadata: metadata(&reader, &body.query, &query),
    })
}

/// A search engine can also sort by number; here that is the order in which contacts came.
fn order(reader: &Reader<'_>, key: &str) -> Result<Option<crate::exec::Order>, Problem> {
    match key {
        "id" => Ok(None),
        "-id" => Ok(Some(reader.order("-created_on")?)),
        key => Ok(Some(reader.order(key)?)),
    }
}

#[derive(Deserialize)]
struct Parse {
    #[serde(default)]
    query: String,
}

#[derive(Serialize)]
struct Parsed {
    query: String,
    metadata: Metadata,
}

fn parse_query(ask: &Ask) -> Result<Reply, Problem> {
    let body: Parse = ask.json()?;
    let reader = ask.reader()?;
    let query = reader.parse(&body.query, Dialect::ContactQl).map_err(told)?.query;
    Reply::compact(&Parsed { query: reader.canonical(&query), metadata: Metadata::of(&query, reader.schema()) })
}

#[derive(Serialize)]
struct Export {
    contact_uuids: Vec<String>,
}

fn export(ask: &Ask) -> Result<Reply, Problem> {
    let body: Search = ask.json()?;
    let reader = ask.reader()?;
    let query = parsed(&reader, &body.query)?;
    let group = group_of(&reader, body.group_id.as_ref(), body.group_uuid.as_deref())?;
    let page = reader.page(&query, &PageRequest { limit: None, group, ..PageRequest::default() })?;
    let documents: RoaringBitmap = page.documents.iter().map(|document| document.0).collect();
    let contact_uuids = reader.uuids_of(&documents)?.iter().map(ToString::to_string).collect();
    Reply::compact(&Export { contact_uuids })
}

fn export_preview(ask: &Ask) -> Result<Reply, Problem> {
    let body: Search = ask.json()?;
    let reader = ask.reader()?;
    let query = parsed(&reader, &body.query)?;
    let group = group_of(&reader, body.group_id.as_ref(), body.group_uuid.as_deref())?;
    let page = reader.page(&query, &PageRequest { limit: Some(0), group, ..PageRequest::default() })?;
    Reply::compact(&serde_json::json!({ "total": page.total }))
}

#[derive(Deserialize)]
struct Populate {
    group_id: Option<GroupName>,
    group_uuid: Option<String>,
    query: String,
}

fn populate_group(ask: &Ask) -> Result<Reply, Problem> {
    let body: Populate = ask.json()?;
    let group = {
        let reader = ask.reader()?;
        group_of(&reader, body.group_id.as_ref(), body.group_uuid.as_deref())?
    };
    let group = group.ok_or_else(|| Problem::bad("say which group: `group_id` or `group_uuid`"))?;
    let (clock, query) = (ask.app.clock, body.query);
    let written = ask.app.queue.write(move |workspace| {
        workspace.write(clock.now(), |writer| writer.edit_group(group, &query, Dialect::ContactQl))
    });
    written.map_err(told)?;
    Reply::compact(&serde_json::json!({}))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Include {
    group_ids: Vec<GroupName>,
    group_uuids: Vec<String>,
    contact_uuids: Vec<String>,
    query: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Exclude {
    non_active: bool,
    in_a_flow: bool,
    started_previously: bool,
    not_seen_since_days: u32,
}

#[derive(Deserialize)]
struct Preview {
    #[serde(default)]
    include: Include,
    #[serde(default)]
    exclude: Exclude,
    flow_uuid: Option<String>,
}

/// Both previews: a broadcast has no flow, and so nobody who started it before.
fn preview(ask: &Ask) -> Result<Reply, Problem> {
    let Preview { include, exclude, flow_uuid } = ask.json()?;
    let reader = ask.reader()?;
    let mut groups = include.group_uuids;
    for number in &include.group_ids {
        let group = group_of(&reader, Some(number), None)?;
        groups.extend(group.map(|id| reader.group(id)).transpose()?.map(|group| group.uuid.to_string()));
    }
    let query = Some(include.query).filter(|query| !query.trim().is_empty());
    let request = AudienceRequest {
        groups,
        contacts: uuids(&include.contact_uuids)?.into_iter().map(ContactRef::Uuid).collect(),
        query,
        dialect: Dialect::ContactQl,
        exclude_in_flow: exclude.in_a_flow,
        exclude_started: flow_uuid.filter(|_| exclude.started_previously),
        not_seen_since: Some(exclude.not_seen_since_days).filter(|days| *days > 0),
        include_inactive: !exclude.non_active,
        ..AudienceRequest::default()
    };
    let query = match request.to_query(&reader) {
        Ok(query) => query,
        // Nobody is named, so nobody is reached.
        Err(crate::answers::search::AudienceError::Nobody) => {
            return Reply::compact(&serde_json::json!({ "query": "", "total": 0 }));
        }
        Err(error) => return Err(told(error)),
    };
    let total = reader.count_query(&query)?;
    Reply::compact(&serde_json::json!({ "query": reader.canonical(&query), "total": total }))
}
