//! The plans of groups as the engine and searches see them: with pins and exclusions.
//!
//! A group's *pins* and *exclusions* are two sets of documents beside its members. In plans they stand as two groups of
//! their own, which no query can name: the plan of a group that uses them is "the query or pinned, and not excluded". So
//! searches, changes, the clock, filling and groups that refer to it all go by them without knowing of them.

use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;

use crate::ids::{AtomId, DocumentNumber, GroupId};
use crate::plan::atom::{Atom, Expr, LogicalPlan};
use crate::plan::logical;
use crate::refresh::{Engine, Memberships, Moment, Side, Table, TableError};
use crate::sema::query::Query;
use crate::store::{MemberSet, View};
use crate::value::Instant;
use crate::workspace::definitions::Definitions;
use crate::workspace::error::WorkspaceError;

/// Numbers of groups stay far below these: each takes a record of a hundred bytes or more.
const PINS: u32 = 1 << 31;
const EXCLUSIONS: u32 = 1 << 30;

/// What somebody decided about a contact and a smart group.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Override {
    /// It is in, if it is active.
    Pinned,
    /// It is out.
    Excluded,
}

impl Override {
    /// The name used in output.
    pub fn name(self) -> &'static str {
        match self {
            Override::Pinned => "pinned",
            Override::Excluded => "excluded",
        }
    }
}

/// The group that stands for a group's pins in plans.
fn pins_of(group: GroupId) -> GroupId {
    GroupId(group.0 | PINS)
}

/// The group that stands for a group's exclusions in plans.
fn exclusions_of(group: GroupId) -> GroupId {
    GroupId(group.0 | EXCLUSIONS)
}

/// The stored documents of a group as a plan names it.
pub(crate) fn set_of(group: GroupId) -> MemberSet {
    let own = GroupId(group.0 & !(PINS | EXCLUSIONS));
    match group.0 & (PINS | EXCLUSIONS) {
        PINS => MemberSet::Pinned(own),
        EXCLUSIONS => MemberSet::Excluded(own),
        _ => MemberSet::Active(group),
    }
}

impl Definitions {
    /// The engine of all groups that are kept exact.
    pub(crate) fn engine(&self) -> Result<Engine, WorkspaceError> {
        let table =
            Table::build_beside(self.plans(), self.override_groups()).map_err(|error| self.table_error(error))?;
        Ok(Engine::new(table, Moment::new(Instant::MIN, self.environment(Instant::MIN).timezone)))
    }

    pub(crate) fn table_error(&self, error: TableError) -> WorkspaceError {
        let name =
            |id: &GroupId| self.groups.get(id).map_or_else(|| format!("{id:?}"), |group| group.record.name.clone());
        match error {
            TableError::Cycle(cycle) => WorkspaceError::GroupCycle(cycle.path.iter().map(name).collect()),
            TableError::AnyGroup(group) => WorkspaceError::GroupCycle(vec![name(&group), name(&group)]),
        }
    }

    /// The plan of a group with this query: with its pins and exclusions, if it uses them.
    pub(crate) fn plan_of(&self, group: GroupId, query: &Query) -> LogicalPlan {
        let plan = logical::lower(query);
        if !self.has_overrides(group) {
            return plan;
        }
        let mut plan = with_leaf(plan, Atom::GroupIn(Box::new([pins_of(group)])), |root, pinned| match root {
            Expr::Constant(true) => Expr::Constant(true),
            Expr::Constant(false) => pinned,
            Expr::Any(mut children) => {
                children.push(pinned);
                Expr::Any(children)
            }
            other => Expr::Any(vec![other, pinned]),
        });
        plan = with_atom(plan, Atom::GroupIn(Box::new([exclusions_of(group)])));
        negate_last(plan)
    }

    /// Whether some contacts are, or were, pinned in a group or excluded from it.
    pub(crate) fn has_overrides(&self, group: GroupId) -> bool {
        self.groups.get(&group).is_some_and(|group| group.record.has_overrides)
    }

    /// The groups that stand for pins and exclusions: an engine is told of their members from outside.
    pub(crate) fn override_groups(&self) -> impl Iterator<Item = GroupId> + '_ {
        let used = self.groups.iter().filter(|(_, group)| group.record.has_overrides);
        used.flat_map(|(&id, _)| [pins_of(id), exclusions_of(id)])
    }
}

/// A plan with a further atom at its end, and another root.
fn with_leaf(mut plan: LogicalPlan, atom: Atom, root: impl FnOnce(Expr, Expr) -> Expr) -> LogicalPlan {
    let leaf = Expr::Atom { atom: AtomId(plan.atoms.len() as u32), negated: false };
    plan.atoms.push(atom);
    plan.root = root(plan.root, leaf);
    plan
}

/// Negates the leaf of the last atom, which stands at the root or beside the rest of it.
fn negate_last(mut plan: LogicalPlan) -> LogicalPlan {
    let last = plan.atoms.len().saturating_sub(1) as u32;
    let negate = |expr: &mut Expr| {
        if let Expr::Atom { atom, negated } = expr
            && atom.0 == last
        {
            *negated = true;
        }
    };
    match &mut plan.root {
        Expr::All(children) => children.iter_mut().for_each(negate),
        root => negate(root),
    }
    plan
}

/// The plan with a further demand on it.
pub(crate) fn with_atom(mut plan: LogicalPlan, atom: Atom) -> LogicalPlan {
    let known = plan.atoms.iter().position(|other| *other == atom);
    let at = known.unwrap_or_else(|| {
        plan.atoms.push(atom);
        plan.atoms.len() - 1
    });
    let leaf = Expr::Atom { atom: AtomId(at as u32), negated: false };
    plan.root = match plan.root {
        Expr::Constant(false) => Expr::Constant(false),
        Expr::Constant(true) => leaf,
        Expr::All(mut children) => {
            if !children.contains(&leaf) {
                children.push(leaf);
            }
            Expr::All(children)
        }
        other if other == leaf => leaf,
        other => Expr::All(vec![other, leaf]),
    };
    plan
}

/// Members, as they are stored, of smart groups that an engine's table leaves outside.
pub(crate) struct StoredMembers(FxHashMap<GroupId, RoaringBitmap>);

impl StoredMembers {
    pub(crate) fn load(view: View<'_>, groups: impl IntoIterator<Item = GroupId>) -> Result<Self, WorkspaceError> {
        let load = |group| Ok((group, view.members(set_of(group))?));
        Ok(StoredMembers(groups.into_iter().map(load).collect::<Result<_, WorkspaceError>>()?))
    }

    /// Members of the groups that a table leaves outside: of queries that no longer compile, and pins and exclusions.
    pub(crate) fn outside(view: View<'_>, table: &Table) -> Result<Self, WorkspaceError> {
        Self::load(view, table.outside().iter().copied())
    }
}

impl Memberships for StoredMembers {
    fn holds(&self, group: GroupId, document: DocumentNumber, _: Side) -> bool {
        self.0.get(&group).is_some_and(|members| members.contains(document.0))
    }
}
