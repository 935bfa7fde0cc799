//! Contacts of the database into patches of contacts here.

use std::collections::BTreeMap;

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use serde_json::{Map, Value};

use super::database::SourceRow;
use super::shape::{KeyIs, Shape};
use super::{Observer, Told};
use crate::ids::Uuid;
use crate::import::contact_of_json;
use crate::schema::Schema;
use crate::workspace::ContactPatch;

/// Identities of contacts that have none are made from their keys in this namespace, so that they are the same each time.
const NAMESPACE: Uuid = Uuid(*b"headcount origin");

/// What rows are read by.
pub(super) struct Reading<'a> {
    pub(super) shape: &'a Shape,
    /// Keys of fields by what the database calls them: identities.
    pub(super) field_keys: &'a BTreeMap<String, String>,
    /// All fields: those that a row does not give have no value.
    pub(super) schema: &'a Schema,
}

/// A contact that was read, and what of it did not fit.
pub(super) struct Known {
    pub(super) key: String,
    pub(super) patch: ContactPatch,
}

/// The identity of a contact whose row gives none.
pub(super) fn identity(key: &str) -> Uuid {
    Uuid::of_name(NAMESPACE, key)
}

/// Reads rows in parallel. A value that does not fit is left out and told; a row of which nothing fits is, too.
pub(super) fn read(rows: &[SourceRow], reading: &Reading<'_>, observer: &dyn Observer) -> Vec<Known> {
    let read: Vec<(Option<Known>, Vec<String>)> = rows.par_iter().map(|row| contact(row, reading)).collect();
    let mut contacts = Vec::with_capacity(read.len());
    for (row, (known, misfits)) in rows.iter().zip(read) {
        for reason in misfits {
            observer.tell(&Told::Misfit { table: "contacts", row: &row.key, reason: &reason });
        }
        contacts.extend(known);
    }
    contacts
}

fn contact(row: &SourceRow, reading: &Reading<'_>) -> (Option<Known>, Vec<String>) {
    let mut misfits = Vec::new();
    let Some(mut patch) = patch(row, reading, &mut misfits) else { return (None, misfits) };
    if reading.shape.has_fields() {
        name_fields(&mut patch, reading);
    }
    (Some(Known { key: row.key.clone(), patch }), misfits)
}

/// The contact of a row; without what does not fit, if anything does not.
fn patch(row: &SourceRow, reading: &Reading<'_>, misfits: &mut Vec<String>) -> Option<ContactPatch> {
    let identified = |mut patch: ContactPatch| {
        if reading.shape.key_is() == KeyIs::Origin {
            patch.uuid = Some(identity(&row.key));
        }
        patch
    };
    let reason = match contact_of_json(&row.json) {
        Ok(patch) => return Some(identified(patch)),
        Err(reason) => reason,
    };
    let Ok(Value::Object(object)) = serde_json::from_str(&row.json) else {
        misfits.push(format!("{reason}; the contact stays as it was"));
        return None;
    };
    let mut fitting = Map::new();
    for (key, value) in object {
        let fits = |value: &Value| contact_of_json(&Value::Object(Map::from_iter([(key.clone(), value.clone())])).to_string());
        let Err(reason) = fits(&value) else {
            fitting.insert(key, value);
            continue;
        };
        match value {
            // Of a list, what fits is taken.
            Value::Array(items) => {
                let (good, bad): (Vec<Value>, Vec<Value>) =
                    items.into_iter().partition(|item| fits(&Value::Array(vec![item.clone()])).is_ok());
                for item in bad {
                    let reason = fits(&Value::Array(vec![item])).err().unwrap_or_default();
                    misfits.push(format!("{reason}; this one is left out"));
                }
                fitting.insert(key, Value::Array(good));
            }
            Value::Object(fields) => {
                let alone = |name: &str, value: &Value| {
                    fits(&Value::Object(Map::from_iter([(name.to_owned(), value.clone())])))
                };
                let mut good = Map::new();
                for (name, value) in fields {
                    match alone(&name, &value) {
                        Ok(_) => drop(good.insert(name, value)),
                        Err(reason) => misfits.push(format!("{reason}; it has no value")),
                    }
                }
                fitting.insert(key, Value::Object(good));
            }
            _ => misfits.push(format!("{reason}; it has no value")),
        }
    }
    match contact_of_json(&Value::Object(fitting).to_string()) {
        Ok(patch) => Some(identified(patch)),
        Err(reason) => {
            misfits.push(format!("{reason}; the contact stays as it was"));
            None
        }
    }
}

/// Fields by their keys here, and without a value where the row gives none.
fn name_fields(patch: &mut ContactPatch, reading: &Reading<'_>) {
    for (name, _) in &mut patch.fields {
        if let Some(key) = reading.field_keys.get(&**name) {
            *name = key.as_str().into();
        }
    }
    let mut given: FxHashMap<&str, ()> = patch.fields.iter().map(|(name, _)| (&**name, ())).collect();
    let mut cleared = Vec::new();
    for field in reading.schema.fields() {
        if given.remove(field.key.as_str()).is_none() && given.remove(field.name.as_str()).is_none() {
            cleared.push((field.key.as_str().into(), None));
        }
    }
    patch.fields.extend(cleared);
}
