//! The JSON that others depend on: every key, in its order. That of an invalid query is
//! [`Errors::to_json`](crate::diagnostic::Errors::to_json).

use serde::{Serialize, Serializer};

use crate::language::Query;
use crate::schema::Schema;
use crate::sema::inspect::{GroupReference, Inspection, inspect};
use crate::store::Cause;
use crate::value::Instant;
use crate::workspace::{GroupInfo, MembershipEvent, NamedGroup};

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

impl Metadata {
    /// Of a query, with the groups of the schema that it was resolved against.
    pub fn of(query: &Query, schema: &Schema) -> Self {
        let Inspection { attributes, schemes, fields, groups, allow_as_group } = inspect(query, schema);
        let group = |reference: GroupReference| match reference {
            GroupReference::NameMatch(name_match) => GroupUsed::ByName { name_match },
            GroupReference::Group(id) => {
                let group = schema.group_by_id(id);
                let uuid = group.map(|group| group.uuid.to_string()).unwrap_or_default();
                let name = group.map(|group| group.name.clone()).unwrap_or_default();
                GroupUsed::Resolved(UuidName { uuid, name })
            }
        };
        Metadata {
            attributes: attributes.into_iter().map(str::to_owned).collect(),
            schemes,
            fields: fields.into_iter().map(|(key, name)| KeyName { key, name }).collect(),
            groups: groups.into_iter().map(group).collect(),
            allow_as_group,
        }
    }
}

/// The answer of `parse`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Parsed {
    /// The canonical form.
    pub query: String,
    /// What it uses.
    pub metadata: Metadata,
    /// What may not be as meant, in the shape of errors.
    pub warnings: Vec<serde_json::Value>,
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

impl From<&GroupInfo> for UuidName {
    fn from(group: &GroupInfo) -> Self {
        UuidName { uuid: group.uuid.to_string(), name: group.name.clone() }
    }
}

impl From<&GroupInfo> for GroupItem {
    fn from(group: &GroupInfo) -> Self {
        GroupItem {
            uuid: group.uuid.to_string(),
            name: group.name.clone(),
            query: group.query.clone(),
            status: group.status.name().to_owned(),
            system: group.system,
            count: group.count,
        }
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

impl From<Cause> for CauseName {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::Change => CauseName::Change,
            Cause::Clock => CauseName::Clock,
            Cause::Edit => CauseName::Edit,
            Cause::Manual => CauseName::Manual,
        }
    }
}

impl From<&MembershipEvent> for MembershipChange {
    fn from(event: &MembershipEvent) -> Self {
        let named = |groups: &[NamedGroup]| {
            groups.iter().map(|group| UuidName { uuid: group.uuid.to_string(), name: group.name.clone() }).collect()
        };
        MembershipChange {
            seq: event.sequence.0,
            created_on: event.time,
            kind: MembershipChangeType::ContactGroupsChanged,
            contact: ContactUuid { uuid: event.contact.to_string() },
            groups_added: named(&event.groups_added),
            groups_removed: named(&event.groups_removed),
            cause: event.cause.into(),
        }
    }
}
