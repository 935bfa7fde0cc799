//! Everything that can go wrong with a workspace.

use std::fmt;

use crate::diagnostic::Errors;
use crate::index::IndexError;
use crate::schema::FieldType;
use crate::store::StoreError;
use crate::workspace::settings::SettingsError;

/// Why a workspace could not do what it was asked. Nothing was changed.
#[derive(Debug)]
pub enum WorkspaceError {
    /// The store failed, or is damaged.
    Store(StoreError),
    /// An index failed, or is damaged.
    Index(IndexError),
    /// A query is not valid.
    Query {
        /// Its text.
        text: String,
        /// What is wrong with it, the first first.
        errors: Errors,
    },
    /// The environment is not valid.
    Settings(SettingsError),
    /// The store names a zone that the bundled database does not have.
    UnknownTimeZone(String),
    /// The stored query of a group cannot be read.
    DamagedQuery(String),
    /// There is no group of this name.
    UnknownGroup {
        /// What was asked for.
        name: String,
        /// A name that is near.
        near: Option<String>,
    },
    /// There is no field of this key.
    UnknownField {
        /// What was asked for.
        key: String,
        /// A key that is near.
        near: Option<String>,
    },
    /// There is no such contact.
    UnknownContact(String),
    /// A group of this name exists.
    GroupExists(String),
    /// A name that is empty, or longer than 255 characters, or holds a control character.
    BadName(String),
    /// A field key that is not lower-case letters, digits and `_`, or is reserved.
    BadKey(String),
    /// The group is used by these groups, and cannot be deleted.
    GroupInUse {
        /// The group.
        name: String,
        /// Groups whose queries refer to it.
        by: Vec<String>,
    },
    /// The queries of these groups would refer to each other in a circle.
    GroupCycle(Vec<String>),
    /// Members of a smart group are not added or removed by hand.
    SmartGroup(String),
    /// A group whose first query is being filled: it has no other to keep.
    NoOtherQuery(String),
    /// A manual group has no query.
    ManualGroup(String),
    /// The field has another type; a change of type derives everything anew.
    FieldType {
        /// The field.
        key: String,
        /// Its type.
        from: FieldType,
        /// The type asked for.
        to: FieldType,
    },
    /// The groups would no longer compile.
    WouldInvalidate(Vec<(String, String)>),
    /// A change by hand was refused.
    Rejected(crate::workspace::write::rejection::Rejection),
    /// A cursor that no `query` gave, or of another query.
    BadCursor,
    /// The moment asked for lies before the log's horizon.
    BeforeHorizon(crate::value::Instant),
    /// The text index kept changing while it was opened.
    Busy,
    /// Whoever made the batch gave it up, and knows why.
    Abandoned,
}

impl fmt::Display for WorkspaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WorkspaceError::Store(error) => error.fmt(f),
            WorkspaceError::Index(error) => error.fmt(f),
            WorkspaceError::Query { errors, .. } => f.write_str(&errors.first().message),
            WorkspaceError::Settings(error) => error.fmt(f),
            WorkspaceError::UnknownTimeZone(name) => {
                write!(f, "the store is in time zone `{name}`, which this program does not know; use a newer headcount")
            }
            WorkspaceError::DamagedQuery(name) => {
                write!(f, "the stored query of group `{name}` cannot be read; `group edit` gives it a new one")
            }
            WorkspaceError::UnknownGroup { name, near } => suggest(f, "group", name, near.as_deref()),
            WorkspaceError::UnknownField { key, near } => suggest(f, "field", key, near.as_deref()),
            WorkspaceError::NoOtherQuery(name) => {
                write!(f, "`{name}` has no query but the one that is being filled; `group delete` takes the group away")
            }
            WorkspaceError::UnknownContact(who) => write!(f, "there is no contact {who}"),
            WorkspaceError::GroupExists(name) => write!(f, "there is already a group named `{name}`"),
            WorkspaceError::BadName(name) => {
                write!(f, "`{name}` cannot be a name: it takes 1 to 255 characters, none of them a control character")
            }
            WorkspaceError::BadKey(key) => write!(
                f,
                "`{key}` cannot be a field's key: it takes 1 to 36 lower-case letters, digits and `_`, and is not the \
                 name of an attribute or of a kind of address"
            ),
            WorkspaceError::GroupInUse { name, by } => {
                write!(f, "the group `{name}` is used by {}; edit or delete them first", quoted(by))
            }
            WorkspaceError::GroupCycle(path) => {
                write!(f, "the groups would refer to each other in a circle: {}", path.join(" → "))
            }
            WorkspaceError::SmartGroup(name) => {
                write!(f, "`{name}` is a smart group: its members follow its query, nobody adds or removes them")
            }
            WorkspaceError::ManualGroup(name) => {
                write!(f, "`{name}` is a manual group: it has no query; `group create --query` makes a smart one")
            }
            WorkspaceError::FieldType { key, from, to } => write!(
                f,
                "the field `{key}` is of type {from}, not {to}; `field edit {key} --type {to}` changes it and derives \
                 everything anew"
            ),
            WorkspaceError::WouldInvalidate(groups) => {
                f.write_str("groups would no longer compile:")?;
                for (name, reason) in groups {
                    write!(f, " `{name}` ({reason})")?;
                }
                Ok(())
            }
            WorkspaceError::Rejected(rejection) => rejection.fmt(f),
            WorkspaceError::BadCursor => f.write_str("this cursor belongs to another query, or to none"),
            WorkspaceError::BeforeHorizon(horizon) => {
                write!(f, "the log reaches back to {horizon} only")
            }
            WorkspaceError::Abandoned => f.write_str("the batch was given up"),
            WorkspaceError::Busy => f.write_str("the text index kept changing while it was opened; try again"),
        }
    }
}

fn suggest(f: &mut fmt::Formatter<'_>, kind: &str, name: &str, near: Option<&str>) -> fmt::Result {
    write!(f, "there is no {kind} `{name}`")?;
    match near {
        Some(near) => write!(f, "; did you mean `{near}`?"),
        None => Ok(()),
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

impl std::error::Error for WorkspaceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            WorkspaceError::Store(error) => Some(error),
            WorkspaceError::Index(error) => Some(error),
            WorkspaceError::Settings(error) => Some(error),
            WorkspaceError::Rejected(error) => Some(error),
            _ => None,
        }
    }
}

impl From<StoreError> for WorkspaceError {
    fn from(error: StoreError) -> Self {
        WorkspaceError::Store(error)
    }
}

impl From<IndexError> for WorkspaceError {
    fn from(error: IndexError) -> Self {
        WorkspaceError::Index(error)
    }
}

impl From<SettingsError> for WorkspaceError {
    fn from(error: SettingsError) -> Self {
        WorkspaceError::Settings(error)
    }
}
