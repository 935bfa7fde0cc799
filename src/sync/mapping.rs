//! Mapping files: which queries give fields, groups and contacts, and which tables change them.

use serde::Deserialize;

use super::SyncError;
use crate::sema::query::Dialect;

/// RapidPro's and TextIt's tables.
const RAPIDPRO: &str = include_str!("profiles/rapidpro.toml");

/// How a database is read: a TOML file of SQL.
///
/// `{org}` in a query is the number given by `--org`. `{only X}` is a condition on the key X of contacts: it holds for all
/// in the first copy, and for those that changed afterwards, so that a subquery can be limited to them as well. A query
/// without it is limited from outside.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The dialect of groups' queries; the extended one unless told.
    #[serde(default)]
    dialect: DialectName,
    /// One row: `timezone`, `date_format`, `country`, `redact_urns`.
    pub(super) workspace: Option<Workspace>,
    /// Rows of `key`, `name`, `type`, and `uuid` if contacts name fields so.
    pub(super) fields: Option<Definitions>,
    /// Rows of `uuid`, `name` and `query`, which is null for a manual group.
    pub(super) groups: Option<Definitions>,
    /// Rows of `uuid`, `name`.
    pub(super) flows: Option<Definitions>,
    /// Contacts, with columns as in a sheet.
    pub(super) contacts: Contacts,
    /// Rows of `group_uuid`, `contact_uuid`: what the database holds for memberships, to be compared.
    pub(super) memberships: Option<Memberships>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum DialectName {
    Contactql,
    #[default]
    Extended,
}

/// The environment, and the workspaces that there are.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Workspace {
    pub(super) query: String,
    /// The tables whose rows change the answer.
    #[serde(default)]
    pub(super) tables: Vec<String>,
    /// Gives the numbers that `{org}` may be.
    pub(super) choices: Option<String>,
}

/// Something that contacts refer to.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Definitions {
    pub(super) query: String,
    /// The tables whose rows change the answer.
    #[serde(default)]
    pub(super) tables: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Contacts {
    pub(super) query: String,
    /// The column that identifies a contact.
    pub(super) key: String,
    /// The column that says when a row changed: polling goes by it.
    pub(super) changed: Option<String>,
    /// The column that is true of a contact that is gone.
    pub(super) gone: Option<String>,
    /// The tables whose rows change a contact: replication goes by them.
    #[serde(default)]
    pub(super) tables: Vec<Watched>,
}

/// A table whose rows belong to contacts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Watched {
    pub(super) table: String,
    /// The column that holds the contact's key.
    pub(super) key: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Memberships {
    pub(super) query: String,
}

impl Mapping {
    /// A mapping from its text.
    ///
    /// # Errors
    /// If it is not TOML of this shape, with the line.
    pub fn parse(text: &str) -> Result<Self, SyncError> {
        toml::from_str(text).map_err(|error| SyncError::Mapping(error.to_string().trim_end().to_owned()))
    }

    /// The mapping of a platform that is known by name: `rapidpro`.
    ///
    /// # Errors
    /// If there is none of that name.
    pub fn profile(name: &str) -> Result<Self, SyncError> {
        match name {
            "rapidpro" => Self::parse(RAPIDPRO),
            other => Err(SyncError::Mapping(format!("there is no profile `{other}`; there is `rapidpro`"))),
        }
    }

    pub(super) fn dialect(&self) -> Dialect {
        match self.dialect {
            DialectName::Contactql => Dialect::ContactQl,
            DialectName::Extended => Dialect::Extended,
        }
    }

    /// The tables whose rows change fields, groups, flows or the environment.
    pub(super) fn definition_tables(&self) -> impl Iterator<Item = &str> {
        let workspace = self.workspace.iter().flat_map(|it| &it.tables);
        let definitions = [&self.fields, &self.groups, &self.flows].into_iter().flatten().flat_map(|it| &it.tables);
        workspace.chain(definitions).map(String::as_str)
    }

    /// Whether a query asks for the number of a workspace.
    pub(super) fn needs_org(&self) -> bool {
        let workspace = self.workspace.iter().map(|it| &it.query);
        let definitions = [&self.fields, &self.groups, &self.flows].into_iter().flatten().map(|it| &it.query);
        let others = self.memberships.iter().map(|it| &it.query);
        workspace.chain(definitions).chain(others).chain([&self.contacts.query]).any(|query| query.contains("{org}"))
    }
}

/// A query with the workspace's number in its place.
pub(super) fn for_org(query: &str, org: Option<i64>) -> String {
    query.replace("{org}", &org.unwrap_or_default().to_string())
}

/// A query of contacts, for all of them or for those whose keys are the parameter `$1`. The second is `false` if the query
/// has no place for the condition, so that it must be limited from outside.
pub(super) fn limited(query: &str, to_keys: bool) -> Result<(String, bool), SyncError> {
    let mut text = String::with_capacity(query.len());
    let (mut rest, mut is_limited) = (query, false);
    while let Some((before, after)) = rest.split_once("{only ") {
        let Some((column, after)) = after.split_once('}') else {
            return Err(SyncError::Mapping("`{only ` in the query of contacts has no `}`".to_owned()));
        };
        text.push_str(before);
        if to_keys {
            text.push_str(&format!("{} = ANY($1)", column.trim()));
        } else {
            text.push_str("true");
        }
        (rest, is_limited) = (after, true);
    }
    text.push_str(rest);
    Ok((text, is_limited))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn profiles_are_read() {
        let mapping = Mapping::profile("rapidpro").unwrap();
        assert!(mapping.needs_org());
        assert_eq!(mapping.definition_tables().count(), 4);
        assert_eq!(mapping.dialect(), Dialect::ContactQl);
        assert!(Mapping::profile("other").unwrap_err().to_string().contains("rapidpro"));
    }

    #[test]
    fn mistakes_in_a_mapping_are_told_with_their_line() {
        let error = Mapping::parse("[contacts]\nquery = 'SELECT 1'\nkeys = 'id'\n").unwrap_err().to_string();
        assert!(error.contains("line 3") && error.contains("keys"), "{error}");
    }

    #[test]
    fn conditions_stand_where_a_query_has_a_place_for_them() {
        let query = "SELECT a FROM t WHERE {only t.id} AND x IN (SELECT 1 WHERE {only id})";
        assert_eq!(limited(query, false).unwrap().0, "SELECT a FROM t WHERE true AND x IN (SELECT 1 WHERE true)");
        assert_eq!(
            limited(query, true).unwrap(),
            ("SELECT a FROM t WHERE t.id = ANY($1) AND x IN (SELECT 1 WHERE id = ANY($1))".to_owned(), true)
        );
        assert_eq!(limited("SELECT 1", true).unwrap(), ("SELECT 1".to_owned(), false));
        assert!(limited("SELECT {only x", true).is_err());
    }
}
