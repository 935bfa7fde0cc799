//! Groups with their queries from a file.

use std::collections::HashSet;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use crate::ids::Uuid;
use crate::import::error::{ImportError, shown};
use crate::import::schema::read_document;
use crate::import::source::Source;
use crate::value::fold::lower;
use crate::workspace::GroupInput;

/// What a file of groups holds.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct GroupsFile {
    /// The groups, in the order of the file; a page of a platform's API calls them results.
    #[serde(alias = "results", deserialize_with = "without_system")]
    pub groups: Vec<GroupDefinition>,
}

/// The platform's own groups, such as those who are blocked, are not for here.
fn without_system<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<GroupDefinition>, D::Error> {
    let groups: Vec<GroupDefinition> = Vec::deserialize(deserializer)?;
    Ok(groups.into_iter().filter(|group| !group.is_system || group.query.is_some()).collect())
}

/// A group as a file gives it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupDefinition {
    /// Identity on the platform, if the file says.
    pub uuid: Option<Uuid>,
    /// How people and queries name it.
    pub name: String,
    /// The query of a smart group; `None` for a manual one.
    pub query: Option<String>,
    /// Whether the platform keeps it itself.
    pub is_system: bool,
}

/// Reads a file of groups: `{"groups": [{"name", "query"}]}`. The output of `group list --format json` is one.
///
/// ```
/// use headcount::internals::import::{Source, groups};
///
/// let text = r#"{"groups": [{"name": "Adults", "query": "age >= 18"}]}"#;
/// let file = groups::read(Source::from_reader("groups.json", text.as_bytes())).unwrap();
/// assert_eq!(file.groups[0].query.as_deref(), Some("age >= 18"));
/// ```
///
/// # Errors
/// If it cannot be read or is no such file, with the line; if a name is given twice.
pub fn read(source: Source) -> Result<GroupsFile, ImportError> {
    let name = source.name().to_owned();
    let file: GroupsFile = read_document(source, r#"{"groups": [{"name": …, "query": …}]}"#)?;
    let mut seen = HashSet::new();
    match file.groups.iter().find(|group| !seen.insert(lower(&group.name).into_owned())) {
        Some(group) => {
            Err(ImportError::invalid(&name, None, format!("the group {} is given twice", shown(&group.name))))
        }
        None => Ok(file),
    }
}

impl<'de> Deserialize<'de> for GroupDefinition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Given {
            uuid: Option<String>,
            name: String,
            query: Option<String>,
            #[serde(default)]
            system: bool,
        }
        let Given { uuid, name, query, system } = Given::deserialize(deserializer)?;
        if name.trim().is_empty() {
            return Err(D::Error::custom("the name of a group is not blank"));
        }
        let uuid = match uuid {
            None => None,
            Some(text) => Some(crate::import::json::uuid(&text).map_err(D::Error::custom)?),
        };
        Ok(GroupDefinition { uuid, name, query: query.filter(|query| !query.trim().is_empty()), is_system: system })
    }
}

impl From<GroupDefinition> for GroupInput {
    fn from(group: GroupDefinition) -> Self {
        GroupInput { uuid: group.uuid, name: group.name, query: group.query }
    }
}
