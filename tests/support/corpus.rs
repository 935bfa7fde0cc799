//! The cases of `corpus/contactql`, loaded straight into plain values.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use headcount::internals::contact::{Contact, FieldValue, Status, convert_field_text};
use headcount::internals::ids::{FieldId, FlowId, GroupId, Uuid};
use headcount::internals::language::{self, Dialect, Query, Resolve};
use headcount::internals::schema::{DateFormat, Environment, Field, FieldType, Flow, Group, Schema};
use headcount::internals::value::{Instant, Urn};
use serde_json::Value;

pub(crate) fn text(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus/contactql").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn json(name: &str) -> Value {
    serde_json::from_str(&text(name)).unwrap()
}

pub(crate) fn lines(name: &str) -> Vec<Value> {
    text(name).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub(crate) fn schema() -> Schema {
    let json = json("schema.json");
    let mut schema = Schema::new();
    for (at, field) in json["fields"].as_array().unwrap().iter().enumerate() {
        schema.put_field(Field {
            id: FieldId(at as u16),
            key: field["key"].as_str().unwrap().to_owned(),
            name: field["name"].as_str().unwrap().to_owned(),
            kind: FieldType::from_name(field["type"].as_str().unwrap()).unwrap(),
        });
    }
    for (at, name) in json["groups"].as_array().unwrap().iter().enumerate() {
        let name = name.as_str().unwrap().to_owned();
        schema.put_group(Group { id: GroupId(at as u32), uuid: Uuid::random(), name, smart: false });
    }
    for (at, name) in json["flows"].as_array().unwrap().iter().enumerate() {
        let name = name.as_str().unwrap().to_owned();
        schema.put_flow(Flow { id: FlowId(at as u32), uuid: Uuid::random(), name });
    }
    schema
}

pub(crate) fn environments() -> BTreeMap<String, Environment> {
    let json = json("environments.json");
    let now = Instant::parse(json["now"].as_str().unwrap()).unwrap();
    let environment = |json: &Value| Environment {
        timezone: jiff::tz::TimeZone::get(json["timezone"].as_str().unwrap()).unwrap(),
        date_format: DateFormat::from_name(json["date_format"].as_str().unwrap()).unwrap(),
        country: Some(json["country"].as_str().unwrap().as_bytes().try_into().unwrap()),
        redact_urns: json["redact_urns"].as_bool().unwrap(),
        now,
    };
    let named = json["environments"].as_object().unwrap();
    named.iter().map(|(name, json)| (name.clone(), environment(json))).collect()
}

pub(crate) fn parse(query: &str, schema: &Schema, environment: &Environment) -> Query {
    match language::parse_with(query, Dialect::ContactQl, Resolve::Schema(schema), environment) {
        Ok(parsed) => parsed.query,
        Err(errors) => panic!("{query}: {errors:?}"),
    }
}

fn optional(value: &Value) -> Option<Box<str>> {
    value.as_str().filter(|text| !text.is_empty()).map(Box::from)
}

fn moment(value: &Value) -> Option<Instant> {
    value.as_str().map(|text| Instant::parse(text).unwrap())
}

fn name_of(value: &Value) -> &str {
    value["name"].as_str().or(value.as_str()).unwrap()
}

pub(crate) fn set_field(contact: &mut Contact, field: &Field, value: &Value, environment: &Environment) {
    match value.as_str() {
        None | Some("") => {
            contact.fields.remove(&field.id);
        }
        Some(text) => {
            let typed = convert_field_text(text, field.kind, environment);
            contact.fields.insert(field.id, FieldValue { text: text.into(), typed });
        }
    }
}

fn urns(value: &Value) -> Vec<Urn> {
    value.as_array().unwrap().iter().map(|urn| Urn::parse(urn.as_str().unwrap()).unwrap()).collect()
}

/// A contact as `contacts.jsonl` has them.
pub(crate) fn contact(json: &Value, schema: &Schema, environment: &Environment) -> Contact {
    let uuid = Uuid::parse(json["uuid"].as_str().unwrap()).unwrap();
    let mut contact = Contact::new(uuid, moment(&json["created_on"]).unwrap());
    contact.id = optional(&json["id"]);
    contact.reference = optional(&json["ref"]);
    contact.name = optional(&json["name"]);
    contact.language = optional(&json["language"]);
    contact.status = Status::from_name(json["status"].as_str().unwrap()).unwrap();
    contact.urns = urns(&json["urns"]);
    contact.groups = json["groups"].as_array().unwrap().iter().map(|g| schema.group(name_of(g)).unwrap().id).collect();
    contact.groups.sort_unstable();
    contact.flow = (!json["flow"].is_null()).then(|| schema.flow(name_of(&json["flow"])).unwrap().id);
    contact.history = json["history"].as_array().unwrap().iter().map(|f| schema.flow(name_of(f)).unwrap().id).collect();
    contact.history.sort_unstable();
    contact.tickets = json["tickets"].as_u64().unwrap() as u32;
    contact.last_seen_on = moment(&json["last_seen_on"]);
    for (key, value) in json["fields"].as_object().unwrap() {
        set_field(&mut contact, schema.field(key).unwrap(), value, environment);
    }
    contact
}

pub(crate) fn contacts(schema: &Schema, environment: &Environment) -> Vec<Contact> {
    lines("contacts.jsonl").iter().map(|json| contact(json, schema, environment)).collect()
}

/// Applies an event as `changes.jsonl` has them.
pub(crate) fn change(contact: &mut Contact, event: &Value, schema: &Schema, environment: &Environment) {
    match event["type"].as_str().unwrap() {
        "contact_field_changed" => {
            let field = schema.field(event["field"]["key"].as_str().unwrap()).unwrap();
            set_field(contact, field, &event["value"]["text"], environment);
        }
        "contact_name_changed" => contact.name = optional(&event["name"]),
        "contact_language_changed" => contact.language = optional(&event["language"]),
        "contact_status_changed" => contact.status = Status::from_name(event["status"].as_str().unwrap()).unwrap(),
        "contact_last_seen_changed" => contact.last_seen_on = moment(&event["last_seen_on"]),
        "contact_urns_changed" => contact.urns = urns(&event["urns"]),
        other => panic!("no such event here: {other}"),
    }
}
