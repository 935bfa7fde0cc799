//! `contacts.json`

use std::sync::{Arc, PoisonError};

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{PAGE, compact, invalid, invalid_cursor, is_set, moment, not_found, page, written};
use crate::answers::contact::ContactItem;
use crate::answers::search::contact_named;
use crate::contact::Status;
use crate::ids::{DocumentNumber, Uuid};
use crate::import::LineNumber;
use crate::serve::app::Ask;
use crate::serve::reply::{Problem, Reply};
use crate::value::{Instant, Urn};
use crate::workspace::change::{Change, ContactPatch, ContactRef, Event, NamedRef};
use crate::workspace::{Reader, WorkspaceError};

const PATH: &str = "/api/v2/contacts.json";

/// A place in the list: when its contact was modified, and its document.
type Place = (Instant, DocumentNumber);

/// A contact as the platform gives it: every field, set or not.
fn shown(reader: &Reader<'_>, document: DocumentNumber) -> Result<Option<Value>, WorkspaceError> {
    let Some(item) = ContactItem::shown(reader, document)? else { return Ok(None) };
    let mut fields = Map::new();
    for field in reader.schema().fields() {
        let text = item.fields.get(&field.key).cloned();
        fields.insert(field.key.clone(), text.map_or(Value::Null, Value::String));
    }
    let status = item.status;
    Ok(Some(json!({
        "uuid": item.uuid,
        "name": item.name,
        "status": status,
        "language": item.language,
        "urns": item.urns,
        "groups": item.groups,
        "notes": [],
        "fields": fields,
        "flow": item.flow,
        "created_on": written(item.created_on),
        "modified_on": written(item.modified_on.or(item.created_on)),
        "last_seen_on": written(item.last_seen_on),
        "blocked": status == Some(Status::Blocked.name()),
        "stopped": status == Some(Status::Stopped.name()),
    })))
}

/// A contact that was deleted, of which only the identity is left.
fn gone(uuid: Uuid) -> Value {
    json!({
        "uuid": uuid.to_string(), "name": null, "status": null, "language": null, "urns": [], "groups": [],
        "notes": [], "fields": {}, "flow": null, "created_on": null, "modified_on": null, "last_seen_on": null,
        "blocked": null, "stopped": null,
    })
}

/// The contact that the address names, if it names one.
fn named(ask: &Ask) -> Result<Option<ContactRef>, Problem> {
    if let Some(text) = ask.parameter("uuid") {
        let uuid = Uuid::parse(text).ok_or_else(|| Problem::bad("Value for uuid must be a valid UUID"))?;
        return Ok(Some(ContactRef::Uuid(uuid)));
    }
    // A `+` in an address that nobody encoded is a space.
    let urn = ask.parameter("urn").map(|text| Urn::parse(&text.replace(' ', "+")));
    Ok(urn.transpose().map_err(|_| Problem::bad("Value for urn must be a valid URN"))?.map(ContactRef::Urn))
}

pub(super) fn list(ask: &Ask) -> Result<Reply, Problem> {
    let reader = ask.reader()?;
    if is_set(ask, "deleted") {
        let uuids = reader.deleted()?;
        return super::paged(ask, PATH, uuids.into_iter().map(gone).collect());
    }
    let group = match ask.parameter("group") {
        None => None,
        Some(name) => match reader.group_named(name) {
            Ok(group) => Some(group),
            Err(WorkspaceError::UnknownGroup { .. }) => return Ok(page(ask, PATH, None, None, Vec::new())),
            Err(error) => return Err(error.into()),
        },
    };
    let (before, after) = (moment(ask, "before", &reader)?, moment(ask, "after", &reader)?);
    let is_wanted =
        |place: &Place| before.is_none_or(|before| place.0 <= before) && after.is_none_or(|after| place.0 >= after);
    if let Some(reference) = named(ask)? {
        let found = reader.find(&reference)?;
        let mut results = Vec::new();
        if let Some(document) = found
            && group.is_none_or(|group| reader.is_member(group, document).unwrap_or_default())
        {
            results.extend(shown(&reader, document)?);
        }
        return Ok(page(ask, PATH, None, None, results));
    }
    let members = group.map(|group| reader.members(group)).transpose()?;
    let places = places(ask, &reader)?;
    let is_in = |place: &&Place| is_wanted(place) && members.as_ref().is_none_or(|members| members.contains(place.1.0));
    let (from, is_back) = match ask.parameter("cursor") {
        None => (None, false),
        Some(cursor) => {
            read_cursor(cursor).map(|(place, is_back)| (Some(place), is_back)).ok_or_else(invalid_cursor)?
        }
    };
    // The list goes downwards unless it is reversed; its previous page is read the other way round.
    let goes_up = is_set(ask, "reverse") != is_back;
    let mut taken: Vec<Place> = if goes_up {
        let start = from.map_or(0, |from| places.partition_point(|place| *place <= from));
        places.iter().skip(start).filter(is_in).take(PAGE + 1).copied().collect()
    } else {
        let end = from.map_or(places.len(), |from| places.partition_point(|place| *place < from));
        places.iter().take(end).rev().filter(is_in).take(PAGE + 1).copied().collect()
    };
    let has_more = taken.len() > PAGE;
    taken.truncate(PAGE);
    if is_back {
        taken.reverse();
    }
    let (has_previous, has_next) = if is_back { (has_more, true) } else { (from.is_some(), has_more) };
    let previous = taken.first().filter(|_| has_previous).map(|place| cursor(*place, true));
    let next = taken.last().filter(|_| has_next).map(|place| cursor(*place, false));
    let mut results = Vec::with_capacity(taken.len());
    for (_, document) in taken {
        results.extend(shown(&reader, document)?);
    }
    Ok(page(ask, PATH, previous, next, results))
}

fn cursor((moment, document): Place, is_back: bool) -> String {
    format!("{}{}.{}", if is_back { "p" } else { "n" }, moment.micros(), document.0)
}

fn read_cursor(text: &str) -> Option<(Place, bool)> {
    let is_back = text.starts_with('p');
    let (moment, document) = text.strip_prefix(['p', 'n'])?.split_once('.')?;
    Some(((Instant::from_micros(moment.parse().ok()?), DocumentNumber(document.parse().ok()?)), is_back))
}

/// All contacts by when they were modified. A list that is begun anew is of this moment; the pages behind go by one that
/// may be older, since what was modified meanwhile stands before them.
fn places(ask: &Ask, reader: &Reader<'_>) -> Result<Arc<Vec<Place>>, Problem> {
    let goes_on = ask.parameter("cursor").is_some() && !is_set(ask, "reverse");
    let mut kept = ask.app.by_modification.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((commits, places)) = &*kept
        && (*commits == reader.commits() || goes_on)
    {
        return Ok(Arc::clone(places));
    }
    let places = Arc::new(reader.by_modification()?);
    *kept = Some((reader.commits(), Arc::clone(&places)));
    Ok(places)
}

/// A body: keys that are absent leave a contact as it is.
#[derive(Deserialize)]
struct Body {
    #[serde(default, deserialize_with = "present")]
    name: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    language: Option<Option<String>>,
    status: Option<String>,
    urns: Option<Vec<String>>,
    groups: Option<Vec<Named>>,
    fields: Option<Map<String, Value>>,
}

/// Something by its uuid or name, or as an object that has them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Named {
    Text(String),
    Object { uuid: String },
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl Body {
    /// The patch, or what is wrong with it.
    fn patch(self, reader: &Reader<'_>) -> Result<ContactPatch, Reply> {
        let boxed = |text: Option<Option<String>>| text.map(|text| text.filter(|text| !text.is_empty()).map(Box::from));
        let mut patch =
            ContactPatch { name: boxed(self.name), language: boxed(self.language), ..ContactPatch::default() };
        if patch.language.as_ref().is_some_and(|code| {
            code.as_deref().is_some_and(|code| code.len() != 3 || !code.bytes().all(|b| b.is_ascii_alphabetic()))
        }) {
            return Err(invalid("language", "Not an allowed ISO 639-3 language code."));
        }
        if let Some(status) = self.status {
            let known = Status::from_name(&status);
            patch.status =
                Some(known.ok_or_else(|| invalid("status", format!("\"{status}\" is not a valid choice.")))?);
        }
        if let Some(urns) = self.urns {
            let parse = |text: &String| Urn::parse(text).map_err(|_| invalid("urns", format!("Invalid URN: {text}")));
            patch.urns = Some(urns.iter().map(parse).collect::<Result<_, _>>()?);
        }
        if let Some(groups) = self.groups {
            let mut named = Vec::with_capacity(groups.len());
            for group in groups {
                let text = match group {
                    Named::Text(text) | Named::Object { uuid: text } => text,
                };
                let Ok(id) = reader.group_named(&text) else {
                    return Err(invalid("groups", format!("No such object: {text}")));
                };
                let group = reader.schema().group_by_id(id);
                if let Some(group) = group.filter(|group| group.smart) {
                    let name = &group.name;
                    return Err(invalid("groups", format!("Contact group must not be query based: {name}")));
                }
                named.extend(
                    group.map(|group| NamedRef { uuid: Some(group.uuid), name: Some(group.name.as_str().into()) }),
                );
            }
            patch.groups = Some(named);
        }
        for (key, value) in self.fields.unwrap_or_default() {
            if reader.schema().field(&key).is_none() {
                return Err(invalid("fields", format!("Invalid contact field key: {key}")));
            }
            let text = match value {
                Value::Null => None,
                Value::String(text) => Some(text),
                Value::Bool(flag) => Some(flag.to_string()),
                Value::Number(number) => Some(number.to_string()),
                Value::Array(_) | Value::Object(_) => {
                    return Err(invalid("fields", format!("The value of {key} is a text, a number or null")));
                }
            };
            patch.fields.push((key.into(), text.filter(|text| !text.is_empty()).map(Box::from)));
        }
        Ok(patch)
    }
}

/// Applies one change; inside: why it was refused, in the platform's words.
pub(super) fn applied(ask: &Ask, changes: Vec<Change>) -> Result<Result<(), String>, Problem> {
    let numbered = changes.into_iter().enumerate().map(|(at, change)| (LineNumber(at as u64 + 1), Ok(change)));
    let written = ask.app.queue.apply(numbered.collect())?;
    Ok(match written.lines.rejected.into_iter().next() {
        Some(rejected) => Err(rejected.error),
        None => Ok(()),
    })
}

pub(super) fn save(ask: &Ask) -> Result<Reply, Problem> {
    let body: Body = ask.json()?;
    let reference = named(ask)?;
    let reader = ask.reader()?;
    let known = reference.as_ref().map(|reference| reader.find(reference)).transpose()?.flatten();
    let mut patch = match body.patch(&reader) {
        Ok(patch) => patch,
        Err(reply) => return Ok(reply),
    };
    if let Some(taken) = taken(&reader, &patch, known)? {
        return Ok(invalid("urns", taken));
    }
    let now = ask.app.clock.now();
    let (uuid, event, status) = match (known, &reference) {
        (Some(document), _) => {
            let uuid = reader.identity(document)?.ok_or_else(not_found)?;
            (uuid, Event::Patched(Box::new(patch)), StatusCode::OK)
        }
        (None, Some(ContactRef::Uuid(_))) => return Err(not_found()),
        (None, reference) => {
            let uuid = Uuid::random();
            patch.uuid = Some(uuid);
            if let Some(ContactRef::Urn(urn)) = reference
                && patch.urns.is_none()
            {
                patch.urns = Some(vec![urn.clone()]);
            }
            patch.modified_on = Some(Some(now));
            (uuid, Event::Created(Box::new(patch)), StatusCode::CREATED)
        }
    };
    drop(reader);
    let contact = Some(ContactRef::Uuid(uuid));
    let change = Change { contact, event, created_on: Some(now), source: None };
    if let Err(reason) = applied(ask, vec![change])? {
        return Ok(invalid("non_field_errors", reason));
    }
    let reader = ask.reader()?;
    let document = contact_named(&reader, &ContactRef::Uuid(uuid))?;
    Ok(compact(&shown(&reader, document)?.ok_or_else(not_found)?, status))
}

/// An address that somebody else holds.
fn taken(
    reader: &Reader<'_>,
    patch: &ContactPatch,
    own: Option<DocumentNumber>,
) -> Result<Option<String>, WorkspaceError> {
    for urn in patch.urns.iter().flatten() {
        let holder = reader.find(&ContactRef::Urn(urn.clone()))?;
        if holder.is_some() && holder != own {
            return Ok(Some(format!("URN belongs to another contact: {urn}")));
        }
    }
    Ok(None)
}

pub(super) fn delete(ask: &Ask) -> Result<Reply, Problem> {
    let reference =
        named(ask)?.ok_or_else(|| Problem::bad("URL must contain one of the following parameters: urn, uuid"))?;
    if ask.reader()?.find(&reference)?.is_none() {
        return Err(not_found());
    }
    let change = Change { contact: Some(reference), event: Event::Deleted, created_on: None, source: None };
    match applied(ask, vec![change])? {
        Ok(()) => Ok(Reply::empty()),
        // Somebody else deleted it meanwhile.
        Err(_) => Err(not_found()),
    }
}
