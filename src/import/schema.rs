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
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(expecting = "an object with `fields`, `groups` and `flows`")]
pub struct SchemaFile {
    /// Custom fields.
    #[serde(default)]
    pub fields: Vec<FieldDefinition>,
    /// Manual groups.
    #[serde(default)]
    pub groups: Vec<NamedDefinition>,
    /// Flows.
    #[serde(default)]
    pub flows: Vec<NamedDefinition>,
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
    let schema: SchemaFile = read_document(source, r#"{"fields": […], "groups": […], "flows": […]}"#)?;
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
        #[serde(expecting = "a field: an object with `key`, `name` and `type`")]
        struct Given {
            key: String,
            name: Option<String>,
            #[serde(rename = "type", alias = "value_type")]
            kind: Option<String>,
        }
        let Given { key, name, kind } = Given::deserialize(deserializer)?;
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
