//! A contact as exports give it, into a patch.

use std::cell::Cell;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::values::{Code, Key, List, Named, NamedOrNone, Value};
use super::{custom, not_an_object, reason, text, under};
use crate::contact::Status;
use crate::import::error::shown;
use crate::import::{MAX_FIELDS, MAX_GROUPS, MAX_URNS};
use crate::workspace::change::{ContactPatch, NamedRef};

/// Keys that nothing here knows and that are told; more than these are left out of the telling.
const MAX_UNKNOWN_KEYS: usize = 64;

/// Reads one contact, which must have a uuid or an address.
///
/// # Errors
/// What is wrong and what to do, without the line.
pub(crate) fn contact(bytes: &[u8]) -> Result<ContactPatch, String> {
    let text = text(bytes)?;
    let patch = contact_object(text)?;
    if patch.uuid.is_none() && patch.urns.as_ref().is_none_or(Vec::is_empty) {
        return Err("a contact needs a `uuid`, or an address in `urns`".to_owned());
    }
    Ok(patch)
}

/// Reads one contact, which need not say who it is.
pub(crate) fn contact_object(text: &str) -> Result<ContactPatch, String> {
    let numbers = Numbers::default();
    match read(text, &numbers) {
        Ok(patch) => Ok(patch),
        // A number that a float might not hold: once more, with the digits as they stand. Rare, so the usual pass need
        // not look at every field twice.
        Err(_) if numbers.is_inexact.get() => {
            let numbers = Numbers { as_written: true, ..Numbers::default() };
            read(text, &numbers).map_err(|error| reason(text, &error))
        }
        Err(error) => Err(not_an_object(text, r#"{"uuid": …, "name": …}"#).unwrap_or_else(|| reason(text, &error))),
    }
}

fn read(text: &str, numbers: &Numbers) -> Result<ContactPatch, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let patch = deserializer.deserialize_map(ContactVisitor { numbers })?;
    deserializer.end()?;
    Ok(patch)
}

/// How numbers in fields are read.
#[derive(Default)]
struct Numbers {
    /// From their source text.
    as_written: bool,
    /// Set when a number was met that must be read from its source text.
    is_inexact: Cell<bool>,
}

struct ContactVisitor<'a> {
    numbers: &'a Numbers,
}

impl<'de> Visitor<'de> for ContactVisitor<'_> {
    type Value = ContactPatch;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ContactPatch, A::Error> {
        let mut patch = ContactPatch::default();
        let (mut blocked, mut stopped) = (None, None);
        while let Some(Key(key)) = map.next_key()? {
            let outcome = match &*key {
                "uuid" => map.next_value().map(|Value(uuid)| patch.uuid = uuid),
                "id" => map.next_value().map(|Value(Code(id))| patch.id = Some(id)),
                "ref" => map.next_value().map(|Value(Code(reference))| patch.reference = Some(reference)),
                "name" => map.next_value().map(|Value(name)| patch.name = Some(name)),
                "language" => map.next_value().map(|Value(language)| patch.language = Some(language)),
                "status" => map.next_value().map(|Value(status)| patch.status = status),
                "blocked" => map.next_value().map(|flag: Option<bool>| blocked = flag),
                "stopped" => map.next_value().map(|flag: Option<bool>| stopped = flag),
                "urns" => map.next_value().map(|List::<_, MAX_URNS>(urns)| {
                    patch.urns = Some(urns.into_iter().map(|Value(urn)| urn).collect());
                }),
                "groups" => map.next_value().map(|groups| patch.groups = Some(names(groups))),
                "history" => map.next_value().map(|flows| patch.history = Some(names(flows))),
                "flow" => map.next_value().map(|NamedOrNone(flow)| patch.flow = Some(flow)),
                "fields" => map.next_value_seed(Fields { numbers: self.numbers, into: &mut patch.fields }),
                "tickets" => map.next_value().map(|count: Option<u32>| patch.tickets = Some(count.unwrap_or(0))),
                "created_on" => map.next_value().map(|Value(moment)| patch.created_on = moment),
                "modified_on" => map.next_value().map(|Value(moment)| patch.modified_on = Some(moment)),
                "last_seen_on" => map.next_value().map(|Value(moment)| patch.last_seen_on = Some(moment)),
                unknown => map.next_value::<&RawValue>().map(|value| {
                    // Platforms add keys that hold nothing, to which nothing happens.
                    let is_empty = matches!(value.get(), "null" | "[]" | "{}" | "\"\"");
                    if !is_empty && patch.unknown_keys.len() < MAX_UNKNOWN_KEYS {
                        patch.unknown_keys.push(unknown.into());
                    }
                }),
            };
            outcome.map_err(|error| under(&key, error))?;
        }
        patch.status = patch.status.or(status_of_flags(blocked, stopped));
        Ok(patch)
    }
}

/// The status that older exports tell in two flags. One alone that is false does not tell which of the others it is.
fn status_of_flags(blocked: Option<bool>, stopped: Option<bool>) -> Option<Status> {
    match (blocked, stopped) {
        (Some(true), _) => Some(Status::Blocked),
        (_, Some(true)) => Some(Status::Stopped),
        (Some(false), Some(false)) => Some(Status::Active),
        _ => None,
    }
}

pub(super) fn names(List(list): List<Named, MAX_GROUPS>) -> Vec<NamedRef> {
    list.into_iter().map(|Named(named)| named).collect()
}

/// The object of fields, into a list.
struct Fields<'a> {
    numbers: &'a Numbers,
    into: &'a mut Vec<(Box<str>, Option<Box<str>>)>,
}

impl<'de> DeserializeSeed<'de> for Fields<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of fields and their values")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        // A guess that saves growing step by step; most contacts have about a dozen.
        self.into.reserve(16);
        while let Some(Key(key)) = map.next_key()? {
            if self.into.len() == MAX_FIELDS {
                return Err(custom(format_args!("there are more than {MAX_FIELDS}")));
            }
            let value = map.next_value_seed(FieldText(self.numbers)).map_err(|error| under(&key, error))?;
            self.into.push((key.into(), value));
        }
        Ok(())
    }
}

/// The text of a field: a text, a number or a boolean as its text, an object with `text`, or `null`.
struct FieldText<'a>(&'a Numbers);

impl<'de> DeserializeSeed<'de> for FieldText<'_> {
    type Value = Option<Box<str>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        if self.0.as_written {
            let raw = <&RawValue>::deserialize(deserializer)?;
            return text_as_written(raw.get()).map_err(custom);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FieldText<'_> {
    type Value = Option<Box<str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, a boolean, an object with `text`, or null")
    }
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok((!text.is_empty()).then(|| text.into()))
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Some(if flag { "true" } else { "false" }.into()))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(number.to_string().into()))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(number.to_string().into()))
    }
    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Self::Value, E> {
        self.0.is_inexact.set(true);
        Err(custom("a number to be read as written"))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(Key(key)) = map.next_key()? {
            match &*key {
                "text" => found = Some(map.next_value_seed(FieldText(self.0))?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        found.ok_or_else(|| custom("expected a `text` in the object"))
    }
}

/// The text of a field from JSON that has been checked, with numbers as they are written.
fn text_as_written(json: &str) -> Result<Option<Box<str>>, String> {
    #[derive(Deserialize)]
    struct TextOnly<'a> {
        #[serde(borrow)]
        text: &'a RawValue,
    }
    match json.as_bytes().first() {
        Some(b'"') => {
            let text: String = serde_json::from_str(json).map_err(|error| reason(json, &error))?;
            Ok((!text.is_empty()).then(|| text.into()))
        }
        Some(b'{') => {
            let object: TextOnly<'_> =
                serde_json::from_str(json).map_err(|_| "expected one `text` in the object".to_owned())?;
            // A text within a text is no text; nor may the nesting grow the stack.
            if object.text.get().starts_with(['{', '[']) {
                return Err(format!("`text`: expected a text, not {}", shown(object.text.get())));
            }
            text_as_written(object.text.get())
        }
        Some(b'n') => Ok(None),
        Some(b'[') => {
            Err("expected a text, a number, a boolean, an object with `text`, or null, not a list".to_owned())
        }
        _ => Ok(Some(json.into())),
    }
}

/// The text of a field's value on its own, as change events give it.
pub(super) fn field_text(json: &RawValue) -> Result<Option<Box<str>>, String> {
    text_as_written(json.get())
}
