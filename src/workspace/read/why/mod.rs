//! Why a contact is, or is not, in a group: each clause of the query with the value that it saw, the smallest change
//! that would let an absent contact in, and when and why the membership last changed.

mod mend;
mod values;

use crate::contact::{Contact, Status};
use crate::ids::{DocumentNumber, GroupId, Sequence, Uuid};
use crate::model::{self, Context, Memberships};
use crate::sema::print;
use crate::sema::query::{Condition, Literal, Node, Query, Test, Value};
use crate::store::{Cause, GroupStatus};
use crate::value::Instant;
use crate::workspace::definitions::plans::Override;
use crate::workspace::error::WorkspaceError;
use crate::workspace::read::reader::Reader;

pub use mend::Edit;

/// How deep groups inside groups are explained.
const MAX_NESTING: usize = 8;

/// An explanation of one membership.
#[derive(Clone, PartialEq, Debug)]
pub struct Why {
    /// The contact.
    pub contact: Uuid,
    /// Its name.
    pub contact_name: Option<String>,
    /// Its status: only active contacts are in smart groups.
    pub status: Status,
    /// The group.
    pub group: String,
    /// Its identity.
    pub group_uuid: Uuid,
    /// Whether the group's members are computed.
    pub smart: bool,
    /// How the group stands.
    pub group_status: GroupStatus,
    /// Whether the contact is a member.
    pub member: bool,
    /// What keeps it out or in, in one sentence.
    pub reason: String,
    /// Whether somebody keeps the contact in the group or out of it, whatever the query says.
    pub decided: Option<Override>,
    /// The clauses of the group's query.
    pub clauses: Option<Clause>,
    /// The smallest change that would let it in, if it is out and one was found; each in words.
    pub mend: Option<Vec<String>>,
    /// When and why the membership last changed.
    pub last_change: Option<LastChange>,
}

/// A clause of a query, judged for one contact.
#[derive(Clone, PartialEq, Debug)]
pub struct Clause {
    /// What kind of clause.
    pub kind: ClauseKind,
    /// Whether it holds.
    pub holds: bool,
}

/// The kinds of clauses.
#[derive(Clone, PartialEq, Debug)]
pub enum ClauseKind {
    /// All of these must hold.
    All(Vec<Clause>),
    /// Some of these must hold.
    Any(Vec<Clause>),
    /// This must not hold.
    Not(Box<Clause>),
    /// A condition.
    Condition {
        /// In canonical form.
        text: String,
        /// The values that it saw; none if the property is not set.
        saw: Vec<String>,
        /// For a condition on smart groups: why the contact is or is not in each.
        groups: Vec<Why>,
    },
}

/// The last time that a membership changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LastChange {
    /// The commit.
    pub sequence: Sequence,
    /// When.
    pub time: Instant,
    /// What made it change.
    pub cause: Cause,
    /// Whether the contact entered, or left.
    pub entered: bool,
}

/// The groups of the contact, with those that a trial moves it into and out of.
struct Trial<'a> {
    groups: &'a [GroupId],
    edits: &'a [Edit],
}

impl Memberships for Trial<'_> {
    fn is_member(&self, group: GroupId) -> bool {
        for edit in self.edits.iter().rev() {
            match edit {
                Edit::Join(joined) if *joined == group => return true,
                Edit::Leave(left) if *left == group => return false,
                _ => {}
            }
        }
        self.groups.contains(&group)
    }

    fn in_any_group(&self) -> bool {
        !self.groups.is_empty() || self.edits.iter().any(|edit| matches!(edit, Edit::Join(_)))
    }
}

impl Reader<'_> {
    /// Explains a membership, present or absent.
    ///
    /// Cost: one evaluation of each clause, a few more to find a mend, and a walk back through the log to the last change.
    ///
    /// # Errors
    /// If there is no such contact or group, or the store cannot be read.
    pub fn why(&self, document: DocumentNumber, group: GroupId) -> Result<Why, WorkspaceError> {
        let contact = self.contact(document)?.ok_or_else(|| WorkspaceError::UnknownContact(format!("{document:?}")))?;
        let groups = self.groups_of(document)?;
        self.why_within(document, &contact, &groups, group, 0)
    }

    fn why_within(
        &self,
        document: DocumentNumber,
        contact: &Contact,
        groups: &[GroupId],
        group: GroupId,
        depth: usize,
    ) -> Result<Why, WorkspaceError> {
        let info = self.group(group)?;
        let member = groups.contains(&group);
        let query = self.group_query(group).filter(|_| info.smart);
        let clauses = match query {
            Some(query) => Some(self.clause(&query.root, query, document, contact, groups, depth)?),
            None => None,
        };
        let decided = self.override_of(group, document)?;
        let mend = match query {
            Some(_) if !member && decided == Some(Override::Excluded) => {
                Some(vec![format!("take back the exclusion from `{}`", info.name)])
            }
            Some(_) if !member && decided == Some(Override::Pinned) => {
                Some(vec!["set its status to active".to_owned()])
            }
            Some(query) if !member && depth == 0 => self.mend(query, contact, groups),
            None if !member && !info.smart => Some(vec![format!("add the contact to `{}`", info.name)]),
            _ => None,
        };
        let reason = match decided {
            Some(decided) => decided_reason(&info.name, decided, member, contact.status),
            None => reason(&info.name, info.smart, info.status, member, contact.status, clauses.as_ref()),
        };
        Ok(Why {
            contact: contact.uuid,
            contact_name: contact.name.as_deref().map(str::to_owned),
            status: contact.status,
            group: info.name,
            group_uuid: info.uuid,
            smart: info.smart,
            group_status: info.status,
            member,
            reason,
            decided,
            clauses,
            mend,
            last_change: self.last_change(document, group)?,
        })
    }

    fn clause(
        &self,
        node: &Node,
        query: &Query,
        document: DocumentNumber,
        contact: &Contact,
        groups: &[GroupId],
        depth: usize,
    ) -> Result<Clause, WorkspaceError> {
        let holds = self.holds(node, contact, groups, &[]);
        let all = |children: &[Node]| -> Result<Vec<Clause>, WorkspaceError> {
            children.iter().map(|child| self.clause(child, query, document, contact, groups, depth)).collect()
        };
        let kind = match node {
            Node::All(children) => ClauseKind::All(all(children)?),
            Node::Any(children) => ClauseKind::Any(all(children)?),
            Node::Not(child) => ClauseKind::Not(Box::new(self.clause(child, query, document, contact, groups, depth)?)),
            Node::Condition(condition) => {
                let mut nested = Vec::new();
                for group in groups_of_condition(condition) {
                    let is_smart = self.schema().group_by_id(group).is_some_and(|group| group.smart);
                    if is_smart && depth < MAX_NESTING {
                        nested.push(self.why_within(document, contact, groups, group, depth + 1)?);
                    }
                }
                ClauseKind::Condition {
                    text: print::canonical_condition(condition, query.dialect, self.schema()),
                    saw: values::seen(&condition.property, contact, groups, self.schema(), self.environment()),
                    groups: nested,
                }
            }
        };
        Ok(Clause { kind, holds })
    }

    fn holds(&self, node: &Node, contact: &Contact, groups: &[GroupId], edits: &[Edit]) -> bool {
        let trial = Trial { groups, edits };
        let now = self.now().max(self.clock());
        let context = Context { zone: &self.environment().timezone, now, memberships: &trial };
        model::node_holds(node, contact, &context)
    }

    fn mend(&self, query: &Query, contact: &Contact, groups: &[GroupId]) -> Option<Vec<String>> {
        let holds = |node: &Node, contact: &Contact, edits: &[Edit]| self.holds(node, contact, groups, edits);
        let mender = mend::Mender { holds, environment: self.environment() };
        let edits = mender.mend(&query.root, contact)?;
        Some(edits.iter().map(|edit| values::in_words(edit, self.schema(), self.environment())).collect())
    }

    /// The last entry of the log that moved the contact in or out of the group.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn last_change(&self, document: DocumentNumber, group: GroupId) -> Result<Option<LastChange>, WorkspaceError> {
        let view = self.snapshot().view();
        for entry in view.log_backwards(Sequence(0))? {
            let entry = entry?;
            let Some(moves) = entry.group(group) else { continue };
            let entered = moves.entered().any(|moved| moved == document.0);
            if entered || moves.left().any(|moved| moved == document.0) {
                return Ok(Some(LastChange {
                    sequence: entry.sequence,
                    time: entry.time,
                    cause: entry.cause,
                    entered,
                }));
            }
        }
        Ok(None)
    }
}

fn groups_of_condition(condition: &Condition) -> Vec<GroupId> {
    let of = |literal: &Literal| match literal.value {
        Value::Group(group) => group,
        _ => None,
    };
    match &condition.test {
        Test::Equals(literal) | Test::Differs(literal) => of(literal).into_iter().collect(),
        Test::In { items, .. } => items.iter().filter_map(of).collect(),
        _ => Vec::new(),
    }
}

/// The reason of a membership that somebody decided.
fn decided_reason(name: &str, decided: Override, member: bool, status: Status) -> String {
    match decided {
        Override::Excluded => format!("the contact is excluded from `{name}`, whatever the query says"),
        Override::Pinned if member => format!("the contact is pinned in `{name}`, whatever the query says"),
        Override::Pinned if status != Status::Active => {
            format!("the contact is pinned in `{name}` but is {status}, and smart groups hold active contacts only")
        }
        Override::Pinned => format!("the contact is pinned in `{name}`, which has not been filled yet"),
    }
}

/// The deciding reason in one sentence.
fn reason(
    name: &str,
    smart: bool,
    group_status: GroupStatus,
    member: bool,
    status: Status,
    clauses: Option<&Clause>,
) -> String {
    if !smart {
        let verb = if member { "was added to" } else { "was not added to" };
        return format!("`{name}` is a manual group, and the contact {verb} it");
    }
    match group_status {
        GroupStatus::Invalid => return format!("`{name}` is invalid: its members are stale"),
        GroupStatus::Initializing => return format!("`{name}` has not been filled yet"),
        GroupStatus::Evaluating | GroupStatus::Ready => {}
    }
    let matches = clauses.is_some_and(|clause| clause.holds);
    if member {
        return "the contact is active and matches the query".to_owned();
    }
    if matches && status != Status::Active {
        return format!("the contact matches the query but is {status}, and smart groups hold active contacts only");
    }
    let failing = clauses.and_then(first_failing);
    let inactive = if status == Status::Active { String::new() } else { format!("; it is also {status}, not active") };
    match failing {
        Some((text, [])) => format!("`{text}` does not hold: there is no value{inactive}"),
        Some((text, saw)) => format!("`{text}` does not hold: it saw {}{inactive}", saw.join(", ")),
        None => format!("the query does not hold{inactive}"),
    }
}

/// The first condition that keeps the whole from holding.
fn first_failing(clause: &Clause) -> Option<(&str, &[String])> {
    if clause.holds {
        return None;
    }
    match &clause.kind {
        ClauseKind::Condition { text, saw, .. } => Some((text, saw)),
        ClauseKind::All(children) | ClauseKind::Any(children) => children.iter().find_map(first_failing),
        ClauseKind::Not(child) => match &child.kind {
            ClauseKind::Condition { text, saw, .. } => Some((text, saw)),
            _ => None,
        },
    }
}
