//! `contact_actions.json`

use serde::Deserialize;

use super::contacts::applied;
use super::invalid;
use crate::contact::Status;
use crate::import::references::contact_ref;
use crate::serve::app::Ask;
use crate::serve::reply::{Problem, Reply};
use crate::workspace::Reader;
use crate::workspace::change::{Change, Event, NamedRef};

/// Contacts of one request.
const MOST: usize = 100;

#[derive(Deserialize)]
struct Body {
    contacts: Vec<String>,
    action: String,
    group: Option<String>,
}

/// Actions, as the platform names them.
const ACTIONS: &str = "add, remove, block, unblock, archive, restore, interrupt, delete";

pub(super) fn act(ask: &Ask) -> Result<Reply, Problem> {
    let body: Body = ask.json()?;
    let reader = ask.reader()?;
    if body.contacts.len() > MOST {
        return Ok(invalid("contacts", format!("This field can only contain up to {MOST} items.")));
    }
    let event = match event(&body, &reader) {
        Ok(event) => event,
        Err(reply) => return Ok(reply),
    };
    let now = ask.app.clock.now();
    let mut changes = Vec::with_capacity(body.contacts.len());
    for text in &body.contacts {
        let reference = contact_ref(text).ok();
        let found = reference.as_ref().map(|reference| reader.find(reference)).transpose()?.flatten();
        if found.is_none() {
            return Ok(invalid("contacts", format!("No such object: {text}")));
        }
        changes.push(Change { contact: reference, event: event.clone(), created_on: Some(now), source: None });
    }
    drop(reader);
    match applied(ask, changes)? {
        Ok(()) => Ok(Reply::empty()),
        Err(reason) => Ok(invalid("non_field_errors", reason)),
    }
}

fn event(body: &Body, reader: &Reader<'_>) -> Result<Event, Reply> {
    let takes_group = matches!(body.action.as_str(), "add" | "remove");
    let group = match &body.group {
        Some(name) if takes_group => {
            let known = reader.group_named(name).ok().and_then(|id| reader.schema().group_by_id(id));
            let group = known.ok_or_else(|| invalid("group", format!("No such object: {name}")))?;
            if group.smart {
                return Err(invalid("group", format!("Contact group must not be query based: {}", group.name)));
            }
            vec![NamedRef { uuid: Some(group.uuid), name: Some(group.name.as_str().into()) }]
        }
        None if takes_group => {
            let message = format!("For action \"{}\" you should also specify a group", body.action);
            return Err(invalid("non_field_errors", message));
        }
        Some(_) => {
            let message = format!("For action \"{}\" you should not specify a group", body.action);
            return Err(invalid("non_field_errors", message));
        }
        None => Vec::new(),
    };
    Ok(match body.action.as_str() {
        "add" => Event::AddToGroups(group),
        "remove" => Event::RemoveFromGroups(group),
        "block" => Event::Status(Status::Blocked),
        "unblock" | "restore" => Event::Status(Status::Active),
        "archive" => Event::Status(Status::Archived),
        "interrupt" => Event::Flow(None),
        "delete" => Event::Deleted,
        other => {
            return Err(invalid("action", format!("\"{other}\" is not a valid choice here; choose of {ACTIONS}")));
        }
    })
}
