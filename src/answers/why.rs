//! Why a contact is in a group or not, as it is given out.

use serde::Serialize;

use crate::answers::shapes::{CauseName, UuidName, as_text};
use crate::value::Instant;
use crate::workspace::Override;
use crate::workspace::why::{Clause, ClauseKind, LastChange, Why};

/// The answer of `why`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Explanation {
    /// The contact.
    pub contact: UuidName,
    /// The group.
    pub group: UuidName,
    /// Whether it is a member.
    pub member: bool,
    /// What keeps it in or out, in a sentence.
    pub reason: String,
    /// `pinned` or `excluded`, if somebody decided so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided: Option<&'static str>,
    /// The contact's status.
    pub contact_status: &'static str,
    /// The group's status.
    pub group_status: &'static str,
    /// Whether the group's members are computed.
    pub smart: bool,
    /// The clauses of the group's query.
    pub clauses: Option<ClauseItem>,
    /// The smallest change that would let it in.
    pub mend: Option<Vec<String>>,
    /// When and why the membership last changed.
    pub last_change: Option<LastChangeItem>,
}

/// A clause of a query, judged for one contact.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ClauseItem {
    /// `all`, `any`, `not` or `condition`.
    pub kind: &'static str,
    /// Whether it holds.
    pub holds: bool,
    /// Its parts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clauses: Vec<ClauseItem>,
    /// A condition in canonical form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The values that a condition saw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saw: Option<Vec<String>>,
    /// Of a condition on smart groups, each explained.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Explanation>,
}

/// When and why a membership last changed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct LastChangeItem {
    /// The commit's place in the log.
    pub seq: u64,
    /// When.
    #[serde(serialize_with = "as_text")]
    pub created_on: Instant,
    /// What made it change.
    pub cause: CauseName,
    /// Whether the contact entered, or left.
    pub entered: bool,
}

impl From<&Why> for Explanation {
    fn from(why: &Why) -> Self {
        Explanation {
            contact: UuidName { uuid: why.contact.to_string(), name: why.contact_name.clone().unwrap_or_default() },
            group: UuidName { uuid: why.group_uuid.to_string(), name: why.group.clone() },
            member: why.member,
            reason: why.reason.clone(),
            decided: why.decided.map(Override::name),
            contact_status: why.status.name(),
            group_status: why.group_status.name(),
            smart: why.smart,
            clauses: why.clauses.as_ref().map(ClauseItem::from),
            mend: why.mend.clone(),
            last_change: why.last_change.map(|LastChange { sequence, time, cause, entered }| LastChangeItem {
                seq: sequence.0,
                created_on: time,
                cause: cause.into(),
                entered,
            }),
        }
    }
}

impl From<&Clause> for ClauseItem {
    fn from(clause: &Clause) -> Self {
        let plain = |kind, clauses| ClauseItem {
            kind,
            holds: clause.holds,
            clauses,
            text: None,
            saw: None,
            groups: Vec::new(),
        };
        match &clause.kind {
            ClauseKind::All(clauses) => plain("all", clauses.iter().map(ClauseItem::from).collect()),
            ClauseKind::Any(clauses) => plain("any", clauses.iter().map(ClauseItem::from).collect()),
            ClauseKind::Not(inner) => plain("not", vec![ClauseItem::from(&**inner)]),
            ClauseKind::Condition { text, saw, groups } => ClauseItem {
                text: Some(text.clone()),
                saw: Some(saw.clone()),
                groups: groups.iter().map(Explanation::from).collect(),
                ..plain("condition", Vec::new())
            },
        }
    }
}
