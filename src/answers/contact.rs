//! Contacts as they are given out: in the shape that `import` reads, so that JSON lines can go back in.

use std::collections::BTreeMap;

use serde::Serialize;

use super::shapes::{UuidName, as_text_or_null};
use crate::contact::{Contact, ContactView};
use crate::ids::{FlowId, GroupId, Uuid};
use crate::schema::Schema;
use crate::sema::suggest::nearest;
use crate::value::Instant;
use crate::value::urn::is_known_scheme;

/// Columns that every contact has, by name.
const PROPERTIES: [&str; 13] = [
    "uuid",
    "id",
    "ref",
    "name",
    "language",
    "status",
    "urns",
    "urn",
    "flow",
    "tickets",
    "created_on",
    "modified_on",
    "last_seen_on",
];

/// A contact.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ContactItem {
    /// Identity on the platform.
    pub uuid: String,
    /// The platform's number for it, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The reference code, if known.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// The language.
    pub language: Option<String>,
    /// The status; `None` of a contact that was deleted.
    pub status: Option<&'static str>,
    /// Addresses, or only their schemes if addresses are hidden.
    pub urns: Vec<String>,
    /// Groups, manual and smart, by name, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<UuidName>>,
    /// Texts of the fields that have one.
    pub fields: BTreeMap<String, String>,
    /// The flow that it is in.
    pub flow: Option<UuidName>,
    /// Flows that it has been in, if any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<UuidName>,
    /// Open tickets.
    pub tickets: u32,
    /// When it was created.
    #[serde(serialize_with = "as_text_or_null")]
    pub created_on: Option<Instant>,
    /// When it was last modified.
    #[serde(serialize_with = "as_text_or_null")]
    pub modified_on: Option<Instant>,
    /// When it was last heard from.
    #[serde(serialize_with = "as_text_or_null")]
    pub last_seen_on: Option<Instant>,
    /// Fields that have columns of their own.
    #[serde(skip)]
    pub(crate) columns: Vec<String>,
    /// The columns that were asked for, if any were.
    #[serde(skip)]
    pub(crate) chosen: Vec<String>,
}

impl ContactItem {
    /// Of a row. `hides_addresses` leaves only the schemes of addresses.
    pub fn of(contact: &impl ContactView, schema: &Schema, hides_addresses: bool) -> Self {
        Self::of_contact(&contact.to_contact(), schema, hides_addresses)
    }

    fn of_contact(contact: &Contact, schema: &Schema, hides_addresses: bool) -> Self {
        let flow = |&id: &FlowId| {
            schema.flow_by_id(id).map(|flow| UuidName { uuid: flow.uuid.to_string(), name: flow.name.clone() })
        };
        let urn = |urn: &crate::value::Urn| {
            if hides_addresses { hidden(urn.scheme()) } else { urn.to_string() }
        };
        let fields = contact
            .fields
            .iter()
            .filter_map(|(&id, value)| schema.field_by_id(id).map(|field| (field.key.clone(), value.text.to_string())));
        ContactItem {
            uuid: contact.uuid.to_string(),
            id: contact.id.as_deref().map(str::to_owned),
            reference: contact.reference.as_deref().map(str::to_owned),
            name: contact.name.as_deref().map(str::to_owned),
            language: contact.language.as_deref().map(str::to_owned),
            status: Some(contact.status.name()),
            urns: contact.urns.iter().map(urn).collect(),
            groups: None,
            fields: fields.collect(),
            flow: contact.flow.as_ref().and_then(flow),
            history: contact.history.iter().filter_map(flow).collect(),
            tickets: contact.tickets,
            created_on: Some(contact.created_on),
            modified_on: contact.modified_on,
            last_seen_on: contact.last_seen_on,
            columns: Vec::new(),
            chosen: Vec::new(),
        }
    }

    /// Of a contact that was deleted, of which only the identity is left.
    pub fn deleted(uuid: Uuid) -> Self {
        let contact = Contact::new(uuid, Instant::default());
        let item = Self::of_contact(&contact, &Schema::new(), false);
        ContactItem { status: None, created_on: None, ..item }
    }

    /// With its groups.
    pub fn with_groups(mut self, groups: &[GroupId], schema: &Schema) -> Self {
        let named = groups.iter().filter_map(|&id| schema.group_by_id(id));
        self.groups =
            Some(named.map(|group| UuidName { uuid: group.uuid.to_string(), name: group.name.clone() }).collect());
        self
    }

    /// With a column for each of these fields.
    pub fn with_columns(mut self, fields: &[String]) -> Self {
        self.columns = fields.to_vec();
        self
    }

    /// With these columns instead of the usual ones, if there are any.
    pub fn with_chosen(mut self, chosen: &[String]) -> Self {
        self.chosen = chosen.to_vec();
        self
    }

    /// Names of columns as people give them, checked.
    ///
    /// # Errors
    /// If one is neither a property of a contact, nor a scheme, nor the key of a field.
    pub fn chosen(names: &[String], schema: &Schema) -> Result<Vec<String>, String> {
        let check = |name: &String| {
            let key = name.trim().to_lowercase();
            let key = key.strip_prefix("fields.").or_else(|| key.strip_prefix("urns.")).unwrap_or(&key).to_owned();
            if PROPERTIES.contains(&key.as_str()) || is_known_scheme(&key) || schema.field(&key).is_some() {
                return Ok(key);
            }
            let known = PROPERTIES.iter().copied().chain(schema.fields().iter().map(|field| field.key.as_str()));
            let near = nearest(&key, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            Err(format!("there is no column `{name}`{near}"))
        };
        names.iter().map(check).collect()
    }
}

/// An address of which only the scheme may be shown.
pub fn hidden(scheme: &str) -> String {
    format!("{scheme}:********")
}
