//! The JSON that others depend on: every key, in its order.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use super::{Cell, Column, Row};
use crate::value::Instant;

/// Something with an identity and a name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct UuidName {
    /// Identity on the platform.
    pub uuid: String,
    /// Its name.
    pub name: String,
}

/// A field that a query uses.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct KeyName {
    /// How queries name it.
    pub key: String,
    /// How people name it; empty without resolving.
    pub name: String,
}

/// A group that a query uses.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(untagged)]
pub enum GroupUsed {
    /// Resolved.
    Resolved(UuidName),
    /// As the query names it.
    ByName {
        /// The text that is to match a name.
        name_match: String,
    },
}

/// What a query uses.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Metadata {
    /// Attributes, sorted.
    pub attributes: Vec<String>,
    /// Schemes, sorted.
    pub schemes: Vec<String>,
    /// Fields, in the order of first use.
    pub fields: Vec<KeyName>,
    /// Groups, in the order of first use.
    pub groups: Vec<GroupUsed>,
    /// Whether a smart group may use it.
    pub allow_as_group: bool,
}

/// The answer of `parse`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Parsed {
    /// The canonical form.
    pub query: String,
    /// What it uses.
    pub metadata: Metadata,
    /// What may not be as meant.
    pub warnings: Vec<String>,
}

/// The answer of `query`.
#[derive(Debug, Serialize)]
pub struct Found<C> {
    /// The canonical form.
    pub query: String,
    /// How many match in all.
    pub total: u64,
    /// This page of them.
    pub contacts: Vec<C>,
    /// Where the next page begins.
    pub next: Option<String>,
    /// What the query uses.
    pub metadata: Metadata,
}

/// The answer of `query --count`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Counted {
    /// The canonical form.
    pub query: String,
    /// How many match.
    pub total: u64,
}

/// An error in a query.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct QueryError {
    /// What is wrong, for people.
    pub error: String,
    /// `query:` and the code.
    pub code: String,
    /// What the code is about.
    pub extra: serde_json::Map<String, serde_json::Value>,
    /// Where in the text, in bytes.
    pub span: [usize; 2],
}

/// An invalid query: the first error, and all of them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct InvalidQuery {
    /// The first.
    #[serde(flatten)]
    pub first: QueryError,
    /// All of them.
    pub errors: Vec<QueryError>,
}

impl InvalidQuery {
    /// From all errors, the first of which leads; `None` if there is none.
    pub fn new(errors: Vec<QueryError>) -> Option<Self> {
        let first = errors.first()?.clone();
        Some(InvalidQuery { first, errors })
    }
}

/// An item of `group list`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct GroupItem {
    /// Identity on the platform.
    pub uuid: String,
    /// Its name.
    pub name: String,
    /// The canonical form of a smart group's query.
    pub query: Option<String>,
    /// `ready`, `initializing`, `evaluating` or `invalid`.
    pub status: String,
    /// Whether the platform made it.
    pub system: bool,
    /// How many members.
    pub count: u64,
}

impl GroupItem {
    /// The columns of its cells.
    pub fn columns() -> Vec<Column> {
        vec![
            Column::text("Name"),
            Column::number("Count"),
            Column::text("Status"),
            Column::text("Query"),
            Column::text("UUID"),
        ]
    }
}

impl Row for GroupItem {
    fn cells(&self) -> Vec<Cell> {
        vec![
            self.name.as_str().into(),
            Cell::Count(self.count),
            self.status.as_str().into(),
            Cell::text(self.query.as_deref()),
            self.uuid.as_str().into(),
        ]
    }
    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.uuid)
    }
}

/// The answer of `group list`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct GroupList {
    /// The groups, in the order in which they were made.
    pub groups: Vec<GroupItem>,
}

/// Who a line is about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ContactUuid {
    /// Identity on the platform.
    pub uuid: String,
}

/// Why a membership changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CauseName {
    /// A contact changed.
    Change,
    /// Time passed.
    Clock,
    /// A group's query changed.
    Edit,
    /// Somebody added or removed by hand.
    Manual,
}

impl CauseName {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            CauseName::Change => "change",
            CauseName::Clock => "clock",
            CauseName::Edit => "edit",
            CauseName::Manual => "manual",
        }
    }
}

/// A line of `apply`, `tick` and `log`: what one commit changed for one contact.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct MembershipChange {
    /// The commit's place in the log.
    pub seq: u64,
    /// When.
    #[serde(serialize_with = "as_text")]
    pub created_on: Instant,
    /// Always `contact_groups_changed`.
    #[serde(rename = "type")]
    pub kind: MembershipChangeType,
    /// Who.
    pub contact: ContactUuid,
    /// Entered.
    pub groups_added: Vec<UuidName>,
    /// Left.
    pub groups_removed: Vec<UuidName>,
    /// Why.
    pub cause: CauseName,
}

/// The only type of a line of membership changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub enum MembershipChangeType {
    /// As the engine names it.
    #[default]
    #[serde(rename = "contact_groups_changed")]
    ContactGroupsChanged,
}

impl MembershipChange {
    /// The columns of its cells.
    pub fn columns() -> Vec<Column> {
        vec![
            Column::number("Seq"),
            Column::text("When"),
            Column::text("Contact"),
            Column::text("Entered"),
            Column::text("Left"),
            Column::text("Cause"),
        ]
    }
}

impl Row for MembershipChange {
    fn cells(&self) -> Vec<Cell> {
        let names = |groups: &[UuidName]| -> Cell {
            let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
            names.join(", ").into()
        };
        vec![
            Cell::Text(self.seq.to_string()),
            Cell::Moment(self.created_on),
            self.contact.uuid.as_str().into(),
            names(&self.groups_added),
            names(&self.groups_removed),
            self.cause.name().into(),
        ]
    }
    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.contact.uuid)
    }
}

/// A rejected line of input.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct RejectedLine {
    /// Its number.
    pub line: u64,
    /// What is wrong.
    pub error: String,
}

/// A moment as RFC 3339 in UTC.
pub fn as_text<S: Serializer>(moment: &Instant, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(moment)
}

/// A moment as RFC 3339 in UTC, or `null`.
pub fn as_text_or_null<S: Serializer>(moment: &Option<Instant>, serializer: S) -> Result<S::Ok, S::Error> {
    match moment {
        Some(moment) => serializer.collect_str(moment),
        None => serializer.serialize_none(),
    }
}
