//! A workspace's schema from a file: fields, manual groups and flows.

use std::collections::HashSet;
use std::io::Read;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _};

use crate::ids::{FieldId, FlowId, GroupId, Uuid};
use crate::import::detect::{self, Wait};
use crate::import::error::{ImportError, Kind, LineNumber, shown, suggestion};
use crate::import::source::Source;
use crate::import::{MAX_DOCUMENT, MAX_FIELDS};
use crate::schema::{Field, FieldType, Flow, Group, Schema};
use crate::value::fold::lower;
use crate::workspace::change::NamedRef;
use crate::workspace::{FieldInput, SchemaInput};

/// What a schema file holds. Every list may be left out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SchemaFile {
    /// Custom fields.
    pub fields: Vec<FieldDefinition>,
    /// Manual groups.
    pub groups: Vec<NamedDefinition>,
    /// Flows.
    pub flows: Vec<NamedDefinition>,
    /// Groups of a page that are not for here: smart ones, and the platform's own.
    pub left_out: u64,
}

/// A custom field as a file gives it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldDefinition {
    /// How queries name it: lower-case letters, digits and `_`.
    pub key: String,
    /// How people name it; the key if the file does not say.
    pub name: String,
    /// What its values are; text if the file does not say.
    pub kind: FieldType,
}

/// A group or a flow as a file gives it: `"VIP"` or `{"uuid": …, "name": "VIP"}`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedDefinition {
    /// Identity on the platform; made if the file does not say.
    pub uuid: Option<Uuid>,
    /// How people and queries name it.
    pub name: String,
}

/// Reads a schema file.
///
/// ```
/// use headcount::internals::import::{Source, schema};
/// use headcount::internals::schema::FieldType;
///
/// let text = r#"{"fields": [{"key": "age", "name": "Age", "type": "number"}], "groups": ["VIP"]}"#;
/// let schema = schema::read(Source::from_reader("schema.json", text.as_bytes())).unwrap();
/// assert_eq!(schema.fields[0].kind, FieldType::Number);
/// assert_eq!(schema.groups[0].name, "VIP");
/// ```
///
/// # Errors
/// If it cannot be read or is no schema, with the line; if a key or a name is given twice.
pub fn read(source: Source) -> Result<SchemaFile, ImportError> {
    let name = source.name().to_owned();
    let given: GivenSchema = read_document(source, r#"{"fields": […], "groups": […], "flows": […]}"#)?;
    let schema = given.settled().map_err(|reason| ImportError::invalid(&name, None, reason))?;
    let twice = |what: &str, mut names: Box<dyn Iterator<Item = &str> + '_>| {
        let mut seen = HashSet::new();
        match names.find(|name| !seen.insert(lower(name).into_owned())) {
            Some(name_given) => {
                Err(ImportError::invalid(&name, None, format!("the {what} {} is given twice", shown(name_given))))
            }
            None => Ok(()),
        }
    };
    if schema.fields.len() > MAX_FIELDS {
        return Err(ImportError::invalid(&name, None, format!("there are more than {MAX_FIELDS} fields")));
    }
    twice("field", Box::new(schema.fields.iter().map(|field| field.key.as_str())))?;
    twice("group", Box::new(schema.groups.iter().map(|group| group.name.as_str())))?;
    twice("flow", Box::new(schema.flows.iter().map(|flow| flow.name.as_str())))?;
    Ok(schema)
}

/// A schema as a file gives it: three lists, or a page of a platform's API of one of them.
#[derive(Deserialize)]
struct GivenSchema {
    #[serde(flatten)]
    lists: Lists,
    results: Option<Vec<Listed>>,
}

#[derive(Deserialize)]
struct Lists {
    fields: Option<Vec<FieldDefinition>>,
    groups: Option<Vec<NamedDefinition>>,
    flows: Option<Vec<NamedDefinition>>,
}

/// What a page lists: a field has a key, a group a count or a query, a flow has runs or is archived or not.
enum Listed {
    Field(FieldDefinition),
    Group(NamedDefinition),
    /// Smart groups come with their queries, and are for `group import`; the platform's own groups are everybody's.
    OtherGroup,
    Flow(NamedDefinition),
}

impl<'de> Deserialize<'de> for Listed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let item = serde_json::Map::deserialize(deserializer)?;
        let has = |key: &str| item.contains_key(key);
        let is_other = item.get("query").is_some_and(serde_json::Value::is_string)
            || item.get("system").and_then(serde_json::Value::as_bool) == Some(true);
        let (is_field, is_group) = (has("key"), has("query") || has("count"));
        let is_flow = has("runs") || has("archived") || has("labels");
        let value = serde_json::Value::Object(item);
        let wrong = |error: serde_json::Error| D::Error::custom(error);
        if is_field {
            serde_json::from_value(value).map(Listed::Field).map_err(wrong)
        } else if is_group && is_other {
            Ok(Listed::OtherGroup)
        } else if is_group {
            serde_json::from_value(value).map(Listed::Group).map_err(wrong)
        } else if is_flow {
            serde_json::from_value(value).map(Listed::Flow).map_err(wrong)
        } else {
            let what =
                "this page lists neither fields (with a `key`), nor groups (with a `query` or a `count`), nor flows";
            Err(D::Error::custom(what))
        }
    }
}

impl GivenSchema {
    fn settled(self) -> Result<SchemaFile, String> {
        let Lists { fields, groups, flows } = self.lists;
        let is_nothing = fields.is_none() && groups.is_none() && flows.is_none() && self.results.is_none();
        if is_nothing {
            return Err("this holds none of `fields`, `groups` and `flows`".to_owned());
        }
        let mut schema = SchemaFile {
            fields: fields.unwrap_or_default(),
            groups: groups.unwrap_or_default(),
            flows: flows.unwrap_or_default(),
            left_out: 0,
        };
        for listed in self.results.unwrap_or_default() {
            match listed {
                Listed::Field(field) => schema.fields.push(field),
                Listed::Group(group) => schema.groups.push(group),
                Listed::OtherGroup => schema.left_out += 1,
                Listed::Flow(flow) => schema.flows.push(flow),
            }
        }
        Ok(schema)
    }
}

impl SchemaFile {
    /// The schema that the file stands for by itself, with ids in its order. A group or flow without a uuid gets one
    /// that follows from its name, so that the same file gives the same schema.
    pub fn to_schema(&self) -> Schema {
        let made = |name: &str| Uuid(xxhash_rust::xxh3::xxh3_128(name.as_bytes()).to_be_bytes());
        let uuid = |named: &NamedDefinition| named.uuid.unwrap_or_else(|| made(&named.name));
        let mut schema = Schema::new();
        for (id, field) in (0..).zip(&self.fields) {
            let FieldDefinition { key, name, kind } = field.clone();
            schema.put_field(Field { id: FieldId(id), key, name, kind });
        }
        for (id, group) in (0..).zip(&self.groups) {
            schema.put_group(Group { id: GroupId(id), uuid: uuid(group), name: group.name.clone(), smart: false });
        }
        for (id, flow) in (0..).zip(&self.flows) {
            schema.put_flow(Flow { id: FlowId(id), uuid: uuid(flow), name: flow.name.clone() });
        }
        schema
    }
}

/// Whether a text can be the key of a field.
pub fn is_field_key(text: &str) -> bool {
    let is_key_byte = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=64).contains(&text.len()) && text.bytes().all(is_key_byte)
}

/// Reads one JSON document of a bounded size.
pub(super) fn read_document<T: DeserializeOwned>(source: Source, example: &str) -> Result<T, ImportError> {
    let opened = detect::open(source, Wait::ForPrefix)?;
    let name = opened.name;
    if detect::is_zip(&opened.prefix) || !opened.prefix.trim_ascii_start().starts_with(b"{") {
        return Err(ImportError::new(
            &name,
            Kind::Foreign(format!("this file should hold one object such as {example}")),
        ));
    }
    let mut bytes = Vec::new();
    let read = opened.reader.take(MAX_DOCUMENT + 1).read_to_end(&mut bytes);
    read.map_err(|error| ImportError::new(&name, Kind::Io(error)))?;
    if bytes.len() as u64 > MAX_DOCUMENT {
        return Err(ImportError::invalid(&name, None, format!("it is larger than {} MiB", MAX_DOCUMENT >> 20)));
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        let text = error.to_string();
        let message = text.rfind(" at line ").and_then(|at| text.get(..at)).unwrap_or(&text);
        let message = match error.classify() {
            serde_json::error::Category::Eof => "the file ends in the middle of a value; is it cut short?".to_owned(),
            serde_json::error::Category::Syntax => {
                format!("this is not valid JSON: {message} (column {})", error.column())
            }
            _ => message.to_owned(),
        };
        ImportError::invalid(&name, Some(LineNumber(error.line() as u64)), message)
    })
}

impl<'de> Deserialize<'de> for FieldDefinition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Given {
            key: String,
            // Pages have the old names beside the new ones.
            name: Option<String>,
            label: Option<String>,
            #[serde(rename = "type")]
            kind: Option<String>,
            value_type: Option<String>,
        }
        let Given { key, name, label, kind, value_type } = Given::deserialize(deserializer)?;
        let (name, kind) = (name.or(label), kind.or(value_type));
        if !is_field_key(&key) {
            return Err(D::Error::custom(format_args!(
                "{} is no key of a field: 1 to 64 lower-case letters, digits and `_`",
                shown(&key)
            )));
        }
        let kind = match kind {
            None => FieldType::Text,
            Some(kind) => FieldType::from_name(&kind).ok_or_else(|| {
                let near = suggestion(&kind, FieldType::ALL.iter().map(|kind| kind.name()));
                D::Error::custom(format_args!(
                    "the field `{key}` has the type {}, which is none of text, number, datetime, state, district, ward{near}",
                    shown(&kind)
                ))
            })?,
        };
        let name = name.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| key.clone());
        Ok(FieldDefinition { key, name, kind })
    }
}

impl<'de> Deserialize<'de> for NamedDefinition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a group or a flow is a name, or an object with `name` and perhaps `uuid`")]
        enum Given {
            Name(String),
            Object { uuid: Option<String>, name: String },
        }
        let (uuid, name) = match Given::deserialize(deserializer)? {
            Given::Name(name) => (None, name),
            Given::Object { uuid, name } => (uuid, name),
        };
        if name.trim().is_empty() {
            return Err(D::Error::custom("the name of a group or a flow is not blank"));
        }
        let uuid = match uuid {
            None => None,
            Some(text) => Some(crate::import::json::uuid(&text).map_err(D::Error::custom)?),
        };
        Ok(NamedDefinition { uuid, name })
    }
}

impl From<SchemaFile> for SchemaInput {
    fn from(file: SchemaFile) -> Self {
        let named = |named: NamedDefinition| NamedRef { uuid: named.uuid, name: Some(named.name.into()) };
        let field = |field: FieldDefinition| FieldInput { key: field.key, name: Some(field.name), kind: field.kind };
        SchemaInput {
            fields: file.fields.into_iter().map(field).collect(),
            groups: file.groups.into_iter().map(named).collect(),
            flows: file.flows.into_iter().map(named).collect(),
        }
    }
}
