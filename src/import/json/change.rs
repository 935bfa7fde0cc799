//! An event of a stream of changes.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::contact::{contact_object, field_text, names};
use super::values::{Code, Key, List, NamedOrNone, Value};
use super::{custom, not_an_object, reason, text, under, whole};
use crate::contact::Status;
use crate::ids::Uuid;
use crate::import::MAX_URNS;
use crate::import::error::{OtherType, shown, suggestion};
use crate::value::{Instant, Urn};
use crate::workspace::change::{Change, ContactRef, Event, NamedRef, SourcePosition};

/// The types of events, as they are named in files.
pub(crate) const TYPES: [&str; 15] = [
    "contact_field_changed",
    "contact_name_changed",
    "contact_language_changed",
    "contact_status_changed",
    "contact_urns_changed",
    "contact_groups_changed",
    "contact_last_seen_changed",
    "contact_flow_changed",
    "run_started",
    "ticket_opened",
    "ticket_closed",
    "add_contact_groups",
    "remove_contact_groups",
    "contact_created",
    "contact_deleted",
];

/// Types that platforms send in the same streams and from which nothing follows here.
pub(crate) const PLATFORM_TYPES: [&str; 36] = [
    "airtime_created",
    "airtime_transferred",
    "broadcast_created",
    "call_created",
    "call_missed",
    "call_received",
    "chat_started",
    "classifier_called",
    "contact_refreshed",
    "dial_ended",
    "dial_wait",
    "email_created",
    "email_sent",
    "environment_refreshed",
    "error",
    "failure",
    "flow_entered",
    "input_labels_added",
    "ivr_created",
    "llm_called",
    "locals_changed",
    "msg_deleted",
    "msg_failed",
    "msg_wait",
    "optin_requested",
    "optin_started",
    "optin_stopped",
    "resthook_called",
    "service_called",
    "session_triggered",
    "ticket_assignee_changed",
    "ticket_note_added",
    "ticket_topic_changed",
    "wait_timed_out",
    "warning",
    "webhook_called",
];

/// Why a line is no change, and the position in its source that it takes up all the same.
#[derive(Debug)]
pub(crate) struct BadChange {
    pub(crate) reason: String,
    pub(crate) source: Option<SourcePosition>,
    pub(crate) other_type: Option<OtherType>,
}

impl From<String> for BadChange {
    fn from(reason: String) -> Self {
        BadChange { reason, source: None, other_type: None }
    }
}

/// Reads one change.
///
/// # Errors
/// What is wrong and what to do, without the line.
pub(crate) fn change(bytes: &[u8]) -> Result<Change, BadChange> {
    let text = text(bytes).map_err(|reason| BadChange { reason, source: None, other_type: None })?;
    let event = read(text).map_err(|error| BadChange {
        reason: not_an_object(text, r#"{"type": …, "contact": {"uuid": …}}"#).unwrap_or_else(|| reason(text, &error)),
        source: position_alone(text),
        other_type: None,
    })?;
    let source = event.source.clone();
    let other_type = event.kind.as_deref().and_then(other_type);
    event.resolve().map_err(|reason| BadChange { reason, source, other_type })
}

/// What a type is that changes no contact.
fn other_type(kind: &str) -> Option<OtherType> {
    if TYPES.contains(&kind) {
        None
    } else if PLATFORM_TYPES.contains(&kind) {
        Some(OtherType::Platform(kind.into()))
    } else {
        Some(OtherType::Unknown(kind.into()))
    }
}

/// The position in its source of a line that is wrong elsewhere.
fn position_alone(text: &str) -> Option<SourcePosition> {
    #[derive(Deserialize)]
    struct PositionOnly<'a> {
        #[serde(borrow)]
        source: &'a RawValue,
    }
    let line: PositionOnly<'_> = whole(text).ok()?;
    whole::<Position>(line.source.get()).ok()?.0
}

/// All that a line may say, whatever its type, in any order.
#[derive(Default)]
struct RawChange<'de> {
    kind: Option<Box<str>>,
    contact: Option<&'de RawValue>,
    created_on: Option<Instant>,
    source: Option<SourcePosition>,
    field: Option<Box<str>>,
    value: Option<&'de RawValue>,
    name: Option<Option<Box<str>>>,
    language: Option<Option<Box<str>>>,
    status: Option<Status>,
    urns: Option<Vec<Urn>>,
    groups: Option<Vec<NamedRef>>,
    groups_added: Option<Vec<NamedRef>>,
    groups_removed: Option<Vec<NamedRef>>,
    all_groups: bool,
    last_seen_on: Option<Option<Instant>>,
    flow: Option<Option<NamedRef>>,
}

fn read(text: &str) -> Result<RawChange<'_>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let change = deserializer.deserialize_map(ChangeVisitor)?;
    deserializer.end()?;
    Ok(change)
}

struct ChangeVisitor;

impl<'de> Visitor<'de> for ChangeVisitor {
    type Value = RawChange<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut change = RawChange::default();
        while let Some(Key(key)) = map.next_key()? {
            let outcome = match &*key {
                "type" => map.next_value().map(|Value(kind)| change.kind = kind),
                "contact" => map.next_value().map(|contact| change.contact = Some(contact)),
                "created_on" => map.next_value().map(|Value(moment)| change.created_on = moment),
                "source" => map.next_value().map(|Position(source)| change.source = source),
                "field" => map.next_value().map(|FieldKey(key)| change.field = Some(key)),
                "value" => map.next_value().map(|value| change.value = Some(value)),
                "name" => map.next_value().map(|Value(name)| change.name = Some(name)),
                "language" => map.next_value().map(|Value(language)| change.language = Some(language)),
                "status" => map.next_value().map(|Value(status)| change.status = status),
                "urns" => map.next_value().map(|List::<_, MAX_URNS>(urns)| {
                    change.urns = Some(urns.into_iter().map(|Value(urn)| urn).collect());
                }),
                "groups" => map.next_value().map(|groups| change.groups = Some(names(groups))),
                "groups_added" => map.next_value().map(|groups| change.groups_added = Some(names(groups))),
                "groups_removed" => map.next_value().map(|groups| change.groups_removed = Some(names(groups))),
                "all_groups" => map.next_value().map(|flag: Option<bool>| change.all_groups = flag == Some(true)),
                "last_seen_on" => map.next_value().map(|Value(moment)| change.last_seen_on = Some(moment)),
                "flow" => map.next_value().map(|NamedOrNone(flow)| change.flow = Some(flow)),
                // Engines add keys of their own to their events.
                _ => map.next_value::<IgnoredAny>().map(drop),
            };
            outcome.map_err(|error| under(&key, error))?;
        }
        Ok(change)
    }
}

impl RawChange<'_> {
    /// Settles what the line says by its type.
    fn resolve(self) -> Result<Change, String> {
        let kind = self.kind.ok_or_else(|| format!("a change needs a `type`, such as `{}`", TYPES[0]))?;
        if &*kind == "contact_created" {
            return created(self.contact, self.created_on, self.source);
        }
        let missing = |key: &str, what: &str| format!("{kind} needs {key}: {what}");
        let event = match &*kind {
            "contact_field_changed" => Event::Field {
                key: self.field.ok_or_else(|| missing("`field`", r#"{"key": …}"#))?,
                value: match self.value {
                    Some(value) => field_text(value).map_err(|error| format!("`value`: {error}"))?,
                    None => return Err(missing("`value`", r#"{"text": …}, or null to clear"#)),
                },
            },
            "contact_name_changed" => {
                Event::Name(self.name.ok_or_else(|| missing("`name`", "a text, or null to clear"))?)
            }
            "contact_language_changed" => {
                Event::Language(self.language.ok_or_else(|| missing("`language`", "a code, or null to clear"))?)
            }
            "contact_status_changed" => {
                Event::Status(self.status.ok_or_else(|| missing("`status`", "active, blocked, stopped or archived"))?)
            }
            "contact_urns_changed" => {
                Event::Urns(self.urns.ok_or_else(|| missing("`urns`", "all addresses, in order"))?)
            }
            "contact_groups_changed" => {
                if self.groups_added.is_none() && self.groups_removed.is_none() {
                    return Err(missing("`groups_added` or `groups_removed`", "a list of groups"));
                }
                Event::Groups {
                    added: self.groups_added.unwrap_or_default(),
                    removed: self.groups_removed.unwrap_or_default(),
                }
            }
            "contact_last_seen_changed" => {
                Event::LastSeen(self.last_seen_on.ok_or_else(|| missing("`last_seen_on`", "a time, or null to clear"))?)
            }
            "contact_flow_changed" => {
                Event::Flow(self.flow.ok_or_else(|| missing("`flow`", "a flow, or null for none"))?)
            }
            "run_started" => {
                Event::RunStarted(self.flow.flatten().ok_or_else(|| missing("`flow`", "the flow that started"))?)
            }
            "ticket_opened" => Event::TicketOpened,
            "ticket_closed" => Event::TicketClosed,
            "add_contact_groups" => {
                Event::AddToGroups(self.groups.ok_or_else(|| missing("`groups`", "the groups to add to"))?)
            }
            "remove_contact_groups" if self.all_groups => Event::RemoveFromAllGroups,
            "remove_contact_groups" => Event::RemoveFromGroups(
                self.groups.ok_or_else(|| missing("`groups`", "the groups to remove from, or `all_groups`: true"))?,
            ),
            "contact_deleted" => Event::Deleted,
            unknown => {
                return Err(format!("{} is not a type of change{}", shown(unknown), suggestion(unknown, TYPES)));
            }
        };
        let contact = self.contact.ok_or_else(|| missing("`contact`", r#"{"uuid": …} or {"urn": …}"#))?;
        let contact = contact_ref(contact.get()).map_err(|error| format!("`contact`: {error}"))?;
        Ok(Change { contact: Some(contact), event, created_on: self.created_on, source: self.source })
    }
}

/// A contact that is created may be given without saying who it is: it gets a uuid.
fn created(
    contact: Option<&RawValue>,
    created_on: Option<Instant>,
    source: Option<SourcePosition>,
) -> Result<Change, String> {
    let json = contact.map_or("{}", RawValue::get);
    let patch = contact_object(json).map_err(|error| format!("`contact`: {error}"))?;
    let reference = match (patch.uuid, patch.urns.as_deref().and_then(<[Urn]>::first)) {
        (Some(uuid), _) => Some(ContactRef::Uuid(uuid)),
        (None, Some(urn)) => Some(ContactRef::Urn(urn.clone())),
        (None, None) => None,
    };
    Ok(Change { contact: reference, event: Event::Created(Box::new(patch)), created_on, source })
}

/// Who a change happened to.
pub(crate) fn contact_ref(json: &str) -> Result<ContactRef, String> {
    struct RefVisitor;
    impl<'de> Visitor<'de> for RefVisitor {
        type Value = ContactRef;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(r#"an object such as {"uuid": …} or {"urn": …}"#)
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ContactRef, A::Error> {
            let (mut uuid, mut urn, mut id) = (None, None, None);
            while let Some(Key(key)) = map.next_key()? {
                let outcome = match &*key {
                    "uuid" => map.next_value().map(|Value::<Option<Uuid>>(given)| uuid = given),
                    "urn" => map.next_value().map(|given: Option<Value<Urn>>| urn = given.map(|Value(urn)| urn)),
                    "id" => map.next_value().map(|Value(Code(given))| id = given),
                    _ => map.next_value::<IgnoredAny>().map(drop),
                };
                outcome.map_err(|error| under(&key, error))?;
            }
            match (uuid, urn, id) {
                (Some(uuid), ..) => Ok(ContactRef::Uuid(uuid)),
                (None, Some(urn), _) => Ok(ContactRef::Urn(urn)),
                (None, None, Some(id)) => Ok(ContactRef::Id(id)),
                (None, None, None) => Err(custom("a `uuid` or a `urn` is needed to say who")),
            }
        }
    }
    serde_json::Deserializer::from_str(json).deserialize_any(RefVisitor).map_err(|error| reason(json, &error))
}

/// A field: its key, or an object with it.
struct FieldKey(Box<str>);

impl<'de> Deserialize<'de> for FieldKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldVisitor;
        impl<'de> Visitor<'de> for FieldVisitor {
            type Value = Option<Box<str>>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(r#"an object such as {"key": …}"#)
            }
            fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
                Ok((!key.is_empty()).then(|| key.into()))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut found = None;
                while let Some(Key(key)) = map.next_key()? {
                    match &*key {
                        "key" => found = map.next_value::<Value<Option<Box<str>>>>()?.0,
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(found)
            }
        }
        let key = deserializer.deserialize_any(FieldVisitor)?;
        key.map(FieldKey).ok_or_else(|| custom("the field's `key` is needed"))
    }
}

/// `{"name", "offset"}`, or `null`.
struct Position(Option<SourcePosition>);

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Given {
            name: Box<str>,
            offset: u64,
        }
        let given: Option<Given> = Option::deserialize(deserializer)?;
        Ok(Position(given.map(|Given { name, offset }| SourcePosition { name, offset })))
    }
}
