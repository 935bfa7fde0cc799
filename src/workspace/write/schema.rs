//! Fields and flows: added, renamed.

use std::sync::Arc;

use crate::ids::{FieldId, Uuid};
use crate::schema::{Field, FieldType, Flow};
use crate::sema::suggest::nearest;
use crate::store::GroupRecord;
use crate::value::urn::is_known_scheme;
use crate::workspace::definitions::valid_name;
use crate::workspace::error::WorkspaceError;
use crate::workspace::write::change::NamedRef;
use crate::workspace::write::writer::Writer;

/// The longest key of a field, in bytes.
pub(crate) const MAX_KEY: usize = 36;

/// Names that queries give to built-in properties.
const ATTRIBUTES: [&str; 13] = [
    "created_on",
    "flow",
    "group",
    "history",
    "id",
    "language",
    "last_seen_on",
    "name",
    "ref",
    "status",
    "tickets",
    "urn",
    "uuid",
];

/// What `schema import` reads.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SchemaInput {
    /// Fields.
    pub fields: Vec<FieldInput>,
    /// Manual groups.
    pub groups: Vec<NamedRef>,
    /// Flows.
    pub flows: Vec<NamedRef>,
}

/// A field to be added or renamed.
///
/// ```
/// use headcount::{FieldInput, FieldType, Instant, Settings, Workspace};
///
/// # let folder = tempfile::tempdir().unwrap();
/// let workspace = Workspace::create(&folder.path().join("store"), &Settings::default())?;
/// workspace.write(Instant::now(), |batch| {
///     batch.add_field(&FieldInput::new("age", FieldType::Number))?;
///     batch.add_field(&FieldInput::new("edd", FieldType::Datetime).named("Expected date of delivery"))
/// })?;
/// assert_eq!(workspace.reader(Instant::now())?.schema().fields().len(), 2);
/// # Ok::<(), headcount::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldInput {
    /// Its key.
    pub key: String,
    /// Its name; the key if missing.
    pub name: Option<String>,
    /// Its type.
    pub kind: FieldType,
}

impl FieldInput {
    /// A field that is named like its key.
    pub fn new(key: &str, kind: FieldType) -> Self {
        FieldInput { key: key.to_owned(), name: None, kind }
    }

    /// With a name for people.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        FieldInput { name: Some(name.to_owned()), ..self }
    }
}

/// What a schema import did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SchemaCounts {
    /// Fields added.
    pub fields_added: u64,
    /// Fields renamed.
    pub fields_renamed: u64,
    /// Groups added.
    pub groups_added: u64,
    /// Flows added.
    pub flows_added: u64,
    /// Flows renamed.
    pub flows_renamed: u64,
}

impl Writer<'_> {
    /// Adds what is new and renames what is known by key or identity.
    ///
    /// # Errors
    /// If a key or name cannot be one, or a field has another type: `field edit` changes that.
    #[doc(hidden)]
    pub fn import_schema(&mut self, input: &SchemaInput) -> Result<SchemaCounts, WorkspaceError> {
        self.flush()?;
        self.whole(|writer| writer.put_schema(input))
    }

    fn put_schema(&mut self, input: &SchemaInput) -> Result<SchemaCounts, WorkspaceError> {
        let mut counts = SchemaCounts::default();
        for field in &input.fields {
            match self.put_field(field)? {
                Outcome::Added => counts.fields_added += 1,
                Outcome::Renamed => counts.fields_renamed += 1,
                Outcome::Unchanged => {}
            }
        }
        for group in &input.groups {
            counts.groups_added += u64::from(self.put_manual_group(group)?);
        }
        for flow in &input.flows {
            match self.put_flow(flow)? {
                Outcome::Added => counts.flows_added += 1,
                Outcome::Renamed => counts.flows_renamed += 1,
                Outcome::Unchanged => {}
            }
        }
        self.reload()?;
        Ok(counts)
    }

    /// Adds a field.
    ///
    /// # Errors
    /// If its key cannot be one, or it exists with another type.
    pub fn add_field(&mut self, field: &FieldInput) -> Result<(), WorkspaceError> {
        self.flush()?;
        self.put_field(field)?;
        self.reload()
    }

    fn put_field(&mut self, input: &FieldInput) -> Result<Outcome, WorkspaceError> {
        let key = valid_key(&input.key)?;
        let known = self.definitions.schema.field(&key).cloned();
        let name = match (&input.name, &known) {
            (Some(name), _) => name.trim().to_owned(),
            (None, Some(known)) => known.name.clone(),
            (None, None) => title(&key),
        };
        let name = valid_name(&name)?;
        let (field, outcome) = match known {
            Some(known) if known.kind != input.kind => {
                return Err(WorkspaceError::FieldType { key, from: known.kind, to: input.kind });
            }
            Some(known) if known.name == name => return Ok(Outcome::Unchanged),
            Some(known) => (Field { name, ..known }, Outcome::Renamed),
            None => (Field { id: self.txn.next_field()?, key, name, kind: input.kind }, Outcome::Added),
        };
        self.txn.put_field(&field)?;
        Arc::make_mut(&mut self.definitions).schema.put_field(field);
        Ok(outcome)
    }

    fn put_manual_group(&mut self, named: &NamedRef) -> Result<bool, WorkspaceError> {
        let name = named.name.as_deref().map(str::trim).unwrap_or_default().to_owned();
        let by_uuid = named.uuid.is_some_and(|uuid| self.definitions.schema.group_by_uuid(uuid).is_some());
        if by_uuid || self.definitions.schema.group(&name).is_some() {
            return Ok(false);
        }
        let name = valid_name(&name)?;
        let id = self.txn.next_group()?;
        let uuid = named.uuid.unwrap_or_else(Uuid::random);
        self.txn.put_group(id, &GroupRecord::manual(uuid, name.clone(), self.now()))?;
        let schema = &mut Arc::make_mut(&mut self.definitions).schema;
        schema.put_group(crate::schema::Group { id, uuid, name, smart: false });
        Ok(true)
    }

    fn put_flow(&mut self, named: &NamedRef) -> Result<Outcome, WorkspaceError> {
        let name = named.name.as_deref().map(str::trim).unwrap_or_default().to_owned();
        let name = valid_name(&name)?;
        let schema = &self.definitions.schema;
        let known = named.uuid.and_then(|uuid| schema.flow_by_uuid(uuid)).or_else(|| schema.flow(&name)).cloned();
        let (flow, outcome) = match known {
            Some(known) if known.name == name => return Ok(Outcome::Unchanged),
            Some(known) => (Flow { name, ..known }, Outcome::Renamed),
            None => {
                let uuid = named.uuid.unwrap_or_else(Uuid::random);
                (Flow { id: self.txn.next_flow()?, uuid, name }, Outcome::Added)
            }
        };
        self.txn.put_flow(&flow)?;
        Arc::make_mut(&mut self.definitions).schema.put_flow(flow);
        Ok(outcome)
    }

    /// The field of that key.
    ///
    /// # Errors
    /// If there is none, with the nearest key.
    pub fn field_named(&self, key: &str) -> Result<FieldId, WorkspaceError> {
        let schema = &self.definitions.schema;
        let found = schema.field(&key.to_lowercase()).or_else(|| schema.field_by_name(key));
        found.map(|field| field.id).ok_or_else(|| WorkspaceError::UnknownField {
            key: key.to_owned(),
            near: nearest(key, schema.fields().iter().map(|field| field.key.as_str())).map(str::to_owned),
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Added,
    Renamed,
    Unchanged,
}

/// A key must be such that queries can name it without a prefix.
fn valid_key(key: &str) -> Result<String, WorkspaceError> {
    let is_valid = !key.is_empty()
        && key.len() <= MAX_KEY
        && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && !ATTRIBUTES.contains(&key)
        && !is_known_scheme(key);
    if is_valid { Ok(key.to_owned()) } else { Err(WorkspaceError::BadKey(key.to_owned())) }
}

/// A name for a field that has only a key.
fn title(key: &str) -> String {
    let text = key.replace('_', " ");
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => text,
    }
}
