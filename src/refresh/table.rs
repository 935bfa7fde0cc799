//! The table of all groups: their atoms, each once, what each looks at, and which groups use it.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::ids::{FieldId, GroupId};
use crate::plan::atom::LogicalPlan;
use crate::refresh::build::{self, Parts, Plans};
pub use crate::refresh::build::{TableError, TableSize};
use crate::refresh::entries::{GroupEntry, SourceEntry, User};
use crate::refresh::order;
use crate::refresh::program::Slot;

/// All groups, ready for evaluation. Immutable: [`Table::with`] and [`Table::without`] build a new one.
#[derive(Debug)]
pub struct Table {
    plans: Plans,
    outside: FxHashSet<GroupId>,
    pub(super) parts: Parts,
}

impl Table {
    /// A table of these groups. A reference to a group that is not among them is to a manual group.
    ///
    /// Errors: [`TableError::Cycle`] with the path, [`TableError::AnyGroup`].
    ///
    /// Cost: a few microseconds a group; nothing is evaluated.
    pub fn build(groups: impl IntoIterator<Item = (GroupId, LogicalPlan)>) -> Result<Self, TableError> {
        let plans = groups.into_iter().map(|(group, plan)| (group, Arc::new(plan))).collect();
        Self::from_plans(plans, FxHashSet::default())
    }

    /// The same beside groups that are kept elsewhere: references to those are answered from outside, by a
    /// [`Memberships`](crate::refresh::Memberships).
    ///
    /// Errors and cost: those of [`Table::build`].
    pub fn build_beside(
        groups: impl IntoIterator<Item = (GroupId, LogicalPlan)>,
        outside: impl IntoIterator<Item = GroupId>,
    ) -> Result<Self, TableError> {
        let plans = groups.into_iter().map(|(group, plan)| (group, Arc::new(plan))).collect();
        Self::from_plans(plans, outside.into_iter().collect())
    }

    /// A table of some of the groups only, whose references to others of them are answered from outside, by a
    /// [`Memberships`](crate::refresh::Memberships). Groups that are not in this table are passed over.
    pub fn subset(&self, groups: &[GroupId]) -> Result<Self, TableError> {
        let chosen: Plans = groups.iter().filter_map(|group| Some((*group, self.plans.get(group)?.clone()))).collect();
        let others = self.plans.keys().filter(|group| !chosen.contains_key(group));
        let outside = others.chain(&self.outside).copied().collect();
        Self::from_plans(chosen, outside)
    }

    /// This table with a group added or replaced.
    ///
    /// Errors and cost: those of [`Table::build`].
    pub fn with(&self, group: GroupId, plan: LogicalPlan) -> Result<Self, TableError> {
        let mut plans = self.plans.clone();
        plans.insert(group, Arc::new(plan));
        Self::from_plans(plans, self.outside.clone())
    }

    /// This table without a group; references to it become references to a manual group.
    pub fn without(&self, group: GroupId) -> Result<Self, TableError> {
        let mut plans = self.plans.clone();
        plans.remove(&group);
        Self::from_plans(plans, self.outside.clone())
    }

    /// The plan of a group of this table.
    pub fn plan(&self, group: GroupId) -> Option<&LogicalPlan> {
        self.plans.get(&group).map(Arc::as_ref)
    }

    /// Whether the group is one of this table.
    pub fn contains(&self, group: GroupId) -> bool {
        self.plans.contains_key(&group)
    }

    /// All groups, each after those that it refers to.
    pub fn groups(&self) -> impl Iterator<Item = GroupId> + '_ {
        self.parts.groups.iter().map(|group| group.id)
    }

    /// Groups that refer to this one directly, ascending.
    pub fn dependents(&self, group: GroupId) -> Vec<GroupId> {
        let refers = |plan: &LogicalPlan| order::references(plan).binary_search(&group).is_ok();
        self.plans.iter().filter(|(_, plan)| refers(plan)).map(|(&id, _)| id).collect()
    }

    /// This group and all that refer to it, directly or through others; in the order of evaluation.
    pub fn closure(&self, group: GroupId) -> Vec<GroupId> {
        let Some(&rank) = self.parts.rank_of.get(&group) else { return Vec::new() };
        let depends = |entry: &&GroupEntry| entry.id == group || entry.prerequisites.binary_search(&rank).is_ok();
        self.parts.groups.iter().filter(depends).map(|entry| entry.id).collect()
    }

    /// How much there is.
    pub fn size(&self) -> TableSize {
        self.parts.size
    }

    /// Groups that are answered from outside.
    pub fn outside(&self) -> &FxHashSet<GroupId> {
        &self.outside
    }

    pub(super) fn field_source(&self, field: FieldId) -> Option<u32> {
        self.parts.field_sources.get(usize::from(field.0)).copied().flatten()
    }

    pub(super) fn source(&self, at: u32) -> &SourceEntry {
        &self.parts.sources[at as usize]
    }

    /// Composites and groups that read a slot.
    pub(super) fn users(&self, slot: Slot) -> &[User] {
        let at = slot as usize;
        &self.parts.users[self.parts.users_from[at] as usize..self.parts.users_from[at + 1] as usize]
    }

    fn from_plans(plans: Plans, outside: FxHashSet<GroupId>) -> Result<Self, TableError> {
        let parts = build::parts(&plans, &outside)?;
        Ok(Table { plans, outside, parts })
    }
}
