//! The query of contacts: its columns, as in a sheet, made into one JSON object a contact by the server.

use tokio_postgres::types::Type;

use super::SyncError;
use super::database::quoted;
use super::mapping::Contacts;

/// What the columns of the query of contacts are.
#[derive(Debug)]
pub(super) struct Shape {
    /// Keys of the JSON object, each with the expression that gives its value.
    pairs: Vec<(&'static str, String)>,
    key: String,
    key_is: KeyIs,
    gone: Option<String>,
    changed: Option<String>,
    has_fields: bool,
}

/// How a contact is found by its key once its row is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyIs {
    /// The key is the platform's number, which contacts keep.
    Id,
    /// The key is the contact's identity.
    Uuid,
    /// The contact's identity is made from the key, as the query gives none.
    Origin,
}

/// Columns by their names in sheets and in JSON.
const COLUMNS: [(&str, &str); 19] = [
    ("contact uuid", "uuid"),
    ("uuid", "uuid"),
    ("id", "id"),
    ("ref", "ref"),
    ("name", "name"),
    ("language", "language"),
    ("status", "status"),
    ("urns", "urns"),
    ("groups", "groups"),
    ("fields", "fields"),
    ("flow", "flow"),
    ("history", "history"),
    ("tickets", "tickets"),
    ("created on", "created_on"),
    ("created_on", "created_on"),
    ("modified on", "modified_on"),
    ("modified_on", "modified_on"),
    ("last seen on", "last_seen_on"),
    ("last_seen_on", "last_seen_on"),
];

impl Shape {
    pub(super) fn new(contacts: &Contacts, columns: Vec<(String, Type)>) -> Result<Self, SyncError> {
        for needed in [Some(&contacts.key), contacts.changed.as_ref(), contacts.gone.as_ref()].into_iter().flatten() {
            if !columns.iter().any(|(name, _)| name == needed) {
                return Err(SyncError::Mapping(format!("the query of contacts gives no column `{needed}`")));
            }
        }
        let mut pairs: Vec<(&'static str, String)> = Vec::new();
        let (mut fields, mut urns, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        for (name, kind) in &columns {
            let lower = name.to_lowercase();
            let column = format!("q.{}", quoted(name));
            let literal = |text: &str| format!("'{}'", text.replace('\'', "''"));
            if let Some((_, key)) = COLUMNS.iter().find(|(known, _)| *known == lower) {
                pairs.push((key, value(key, &column, kind)));
            } else if let Some(field) = suffix(name, "field:") {
                fields.push(format!("{}, {column}::text", literal(field)));
            } else if let Some(scheme) = suffix(name, "urn:") {
                let scheme = literal(&format!("{}:", scheme.to_lowercase()));
                urns.push(format!("{scheme} || nullif(btrim({column}::text), '')"));
            } else if let Some(group) = suffix(name, "group:") {
                groups.push(format!(
                    "CASE WHEN lower({column}::text) IN ('t', 'true', '1', 'yes') THEN {} END",
                    literal(group)
                ));
            } else if ![Some(&contacts.key), contacts.changed.as_ref(), contacts.gone.as_ref()].contains(&Some(name)) {
                return Err(SyncError::Mapping(format!(
                    "the query of contacts has a column `{name}`, which is none of a contact: name it as in a sheet, such \
                     as \"Field:{name}\""
                )));
            }
        }
        extend(&mut pairs, "urns", &urns);
        extend(&mut pairs, "groups", &groups);
        // A function takes a hundred arguments.
        let objects = fields.chunks(45).map(|some| format!("jsonb_build_object({})", some.join(", ")));
        let objects: Vec<String> = objects.collect();
        if !objects.is_empty() {
            let base = pairs.iter().position(|(key, _)| *key == "fields").map(|at| pairs.swap_remove(at).1);
            let all: Vec<String> = base.into_iter().chain(objects).collect();
            pairs.push(("fields", all.join(" || ")));
        }
        let key_is = match contacts.key.to_lowercase().as_str() {
            "id" => KeyIs::Id,
            "uuid" | "contact uuid" => KeyIs::Uuid,
            _ if pairs.iter().any(|(key, _)| *key == "uuid") => {
                return Err(SyncError::Mapping(
                    "the query of contacts gives a uuid, so its key must be that or `id`".to_owned(),
                ));
            }
            _ => KeyIs::Origin,
        };
        Ok(Shape {
            has_fields: pairs.iter().any(|(key, _)| *key == "fields"),
            pairs,
            key: contacts.key.clone(),
            key_is,
            gone: contacts.gone.clone(),
            changed: contacts.changed.clone(),
        })
    }

    pub(super) fn key_is(&self) -> KeyIs {
        self.key_is
    }

    /// Whether the query says what the fields are, so that those which it leaves out have no value.
    pub(super) fn has_fields(&self) -> bool {
        self.has_fields
    }

    /// The key and the contact as JSON, from the query `q` of which they are columns.
    fn columns(&self) -> String {
        let pairs: Vec<String> = self.pairs.iter().map(|(key, value)| format!("'{key}', {value}")).collect();
        format!("q.{}::text, json_build_object({})::text", quoted(&self.key), pairs.join(", "))
    }

    fn is_there(&self) -> String {
        self.gone.as_ref().map(|gone| format!("q.{} IS NOT TRUE", quoted(gone))).unwrap_or_else(|| "true".to_owned())
    }

    /// Copies all contacts: a line each, the key and the JSON on both sides of `\x02`. The quote stands in no text of
    /// JSON, so that nothing is quoted.
    pub(super) fn copy(&self, query: &str) -> String {
        format!(
            "COPY (SELECT {} FROM ({query}) AS q WHERE {}) TO STDOUT (FORMAT csv, DELIMITER e'\\x02', QUOTE e'\\x01')",
            self.columns(),
            self.is_there()
        )
    }

    /// Contacts by the keys that are the parameter.
    pub(super) fn by_keys(&self, query: &str, limits: bool) -> String {
        let limit = if limits { format!(" AND q.{} = ANY($1)", quoted(&self.key)) } else { String::new() };
        format!("SELECT {} FROM ({query}) AS q WHERE {}{limit}", self.columns(), self.is_there())
    }

    /// The keys of all contacts that are there.
    pub(super) fn keys(&self, query: &str) -> String {
        format!("SELECT q.{}::text FROM ({query}) AS q WHERE {}", quoted(&self.key), self.is_there())
    }

    /// The keys of contacts that changed from a moment on, each with the moment in microseconds since 1970, in order.
    pub(super) fn changed_since(&self, query: &str, since: u64, until: u64) -> Option<String> {
        let changed = quoted(self.changed.as_deref()?);
        let micros = |micros: u64| format!("to_timestamp({}) + interval '{} us'", micros / 1_000_000, micros % 1_000_000);
        Some(format!(
            "SELECT q.{key}::text AS key, (extract(epoch FROM q.{changed}) * 1000000)::bigint AS changed FROM ({query}) AS q \
             WHERE q.{changed} >= {} AND q.{changed} <= {} ORDER BY q.{changed}, q.{key}",
            micros(since),
            micros(until),
            key = quoted(&self.key)
        ))
    }
}

/// A name of several parts, without its first.
fn suffix<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = name.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then(|| rest.trim()).filter(|rest| !rest.is_empty())
}

/// A list of a contact with what single columns add to it.
fn extend(pairs: &mut Vec<(&'static str, String)>, key: &'static str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    let list = format!("to_jsonb(array_remove(ARRAY[{}]::text[], NULL))", items.join(", "));
    match pairs.iter_mut().find(|(known, _)| *known == key) {
        Some((_, base)) => *base = format!("{base} || {list}"),
        None => pairs.push((key, list)),
    }
}

/// The value of a column as JSON: lists and fields that are null are empty; moments without a zone are UTC.
fn value(key: &str, column: &str, kind: &Type) -> String {
    let is_list = matches!(key, "urns" | "groups" | "history");
    match key {
        _ if is_list => format!("coalesce(to_jsonb({column}), '[]'::jsonb)"),
        "fields" if *kind == Type::JSON || *kind == Type::JSONB => format!("coalesce({column}::jsonb, '{{}}'::jsonb)"),
        "fields" => format!("coalesce(to_jsonb({column}), '{{}}'::jsonb)"),
        "tickets" => format!("coalesce({column}, 0)"),
        "created_on" | "modified_on" | "last_seen_on" => match *kind {
            Type::TIMESTAMP => format!("{column} AT TIME ZONE 'UTC'"),
            Type::DATE => format!("{column}::timestamp AT TIME ZONE 'UTC'"),
            _ => column.to_owned(),
        },
        "flow" if *kind == Type::JSON || *kind == Type::JSONB => column.to_owned(),
        _ => format!("{column}::text"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn contacts(key: &str) -> Contacts {
        let (query, key) = (String::new(), key.to_owned());
        Contacts { query, key, changed: None, gone: Some("left".to_owned()), tables: Vec::new() }
    }

    #[test]
    fn columns_are_those_of_a_sheet() {
        let names = ["number", "Name", "URN:tel", "Field:birth date", "Group:VIP", "left"];
        let columns = names.map(|name| (name.to_owned(), Type::TEXT));
        let shape = Shape::new(&contacts("number"), columns.to_vec()).unwrap();
        assert_eq!(shape.key_is(), KeyIs::Origin);
        let sql = shape.by_keys("SELECT 1", true);
        for part in [
            r#"q."number"::text"#,
            r#"'name', q."Name"::text"#,
            r#"'tel:' || nullif(btrim(q."URN:tel"::text), '')"#,
            r#"jsonb_build_object('birth date', q."Field:birth date"::text)"#,
            "THEN 'VIP' END",
            r#"q."left" IS NOT TRUE AND q."number" = ANY($1)"#,
        ] {
            assert!(sql.contains(part), "{part} in {sql}");
        }
    }

    #[test]
    fn a_column_that_is_none_of_a_contact_is_refused() {
        let columns = ["id", "left", "shoe"].map(|name| (name.to_owned(), Type::TEXT));
        let error = Shape::new(&contacts("id"), columns.to_vec()).unwrap_err().to_string();
        assert!(error.contains("Field:shoe"), "{error}");
        assert!(Shape::new(&contacts("key"), Vec::new()).unwrap_err().to_string().contains("`key`"));
    }
}
