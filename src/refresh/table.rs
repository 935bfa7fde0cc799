//! The table of all groups: their atoms, each once, what each looks at, and which groups use it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::ids::GroupId;
use crate::plan::atom::{Atom, Expr, LogicalPlan};
use crate::refresh::leaves::{Leaves, Shape};
use crate::refresh::matcher::Matcher;
use crate::refresh::order::{self, GroupCycle};
use crate::refresh::program::{Operand, Program, Slot, Tree};
use crate::refresh::source::Source;

/// Why groups cannot be put into one table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TableError {
    /// Groups refer to one another in a circle.
    Cycle(GroupCycle),
    /// A group asks whether a contact is in any group at all, itself included.
    AnyGroup(GroupId),
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TableError::Cycle(cycle) => cycle.fmt(f),
            TableError::AnyGroup(group) => {
                write!(f, "{group:?} asks whether a contact is in any group, which depends on {group:?} itself")
            }
        }
    }
}

impl std::error::Error for TableError {}

impl From<GroupCycle> for TableError {
    fn from(cycle: GroupCycle) -> Self {
        TableError::Cycle(cycle)
    }
}

/// A set of sources by their index in a table.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct SourceSet(Vec<u64>);

impl SourceSet {
    pub(super) fn new(sources: usize) -> Self {
        SourceSet(vec![0; sources.div_ceil(64)])
    }

    pub(super) fn insert(&mut self, source: usize) {
        if let Some(word) = self.0.get_mut(source / 64) {
            *word |= 1 << (source % 64);
        }
    }

    pub(super) fn contains(&self, source: usize) -> bool {
        self.0.get(source / 64).is_some_and(|word| word >> (source % 64) & 1 == 1)
    }

    pub(super) fn remove(&mut self, source: usize) {
        if let Some(word) = self.0.get_mut(source / 64) {
            *word &= !(1 << (source % 64));
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.fill(0);
    }

    /// All sources.
    pub(super) fn fill(&mut self) {
        self.0.fill(u64::MAX);
    }

    pub(super) fn unite(&mut self, other: &SourceSet) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word |= other);
    }
}

/// A source with its leaves.
#[derive(Debug)]
pub(super) struct SourceEntry {
    pub(super) source: Source,
    pub(super) matcher: Matcher,
    /// Slots of its leaves.
    pub(super) leaves: Range<Slot>,
    /// Sources, this one included, of all groups that use it, themselves or through groups that they refer to.
    pub(super) companions: SourceSet,
}

/// An atom that is more than a leaf.
#[derive(Debug)]
pub(super) struct Composite {
    pub(super) slot: Slot,
    pub(super) program: Program,
    /// Whether it reads the members of a group of this table.
    pub(super) over_groups: bool,
}

/// A group as it is evaluated.
#[derive(Debug)]
pub(super) struct GroupEntry {
    pub(super) id: GroupId,
    pub(super) program: Program,
    /// Composites that the program reads, without those over groups.
    pub(super) composites: Box<[u32]>,
    /// Composites over groups that the program reads.
    pub(super) group_composites: Box<[u32]>,
    /// Where its members' vector goes, if other groups refer to it.
    pub(super) membership: Option<Slot>,
    /// Ranks of the groups that it refers to, directly or through others, ascending.
    pub(super) prerequisites: Box<[u32]>,
    sources: SourceSet,
}

/// Who reads a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum User {
    /// By index among the composites.
    Composite(u32),
    /// By rank.
    Group(u32),
}

/// Sizes of a table.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TableSize {
    /// Groups.
    pub groups: usize,
    /// Distinct atoms.
    pub atoms: usize,
    /// Distinct leaves: values, bounds, words and substrings that atoms are made of.
    pub leaves: usize,
    /// Truth vectors that a batch can need.
    pub slots: usize,
    /// Parts of a contact that some group looks at.
    pub sources: usize,
}

/// All groups, ready for evaluation. Immutable: [`Table::with`] and [`Table::without`] build a new one.
#[derive(Debug)]
pub struct Table {
    plans: BTreeMap<GroupId, Arc<LogicalPlan>>,
    outside: FxHashSet<GroupId>,
    pub(super) sources: Vec<SourceEntry>,
    /// Index of the source of each field, `NONE` if no group looks at it.
    field_sources: Vec<u32>,
    /// Sources that are no fields, by index.
    pub(super) attributes: Vec<u32>,
    pub(super) composites: Vec<Composite>,
    /// By rank: each after those that it refers to.
    pub(super) groups: Vec<GroupEntry>,
    rank_of: FxHashMap<GroupId, u32>,
    /// Ranks of the groups that others refer to, ascending.
    pub(super) referenced: Vec<u32>,
    users: Vec<User>,
    users_from: Vec<u32>,
    pub(super) max_registers: usize,
    size: TableSize,
}

const NONE: u32 = u32::MAX;

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
        let chosen: BTreeMap<_, _> =
            groups.iter().filter_map(|group| Some((*group, self.plans.get(group)?.clone()))).collect();
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
        self.groups.iter().map(|group| group.id)
    }

    /// Groups that refer to this one directly, ascending.
    pub fn dependents(&self, group: GroupId) -> Vec<GroupId> {
        let refers = |plan: &LogicalPlan| order::references(plan).binary_search(&group).is_ok();
        self.plans.iter().filter(|(_, plan)| refers(plan)).map(|(&id, _)| id).collect()
    }

    /// This group and all that refer to it, directly or through others; in the order of evaluation.
    pub fn closure(&self, group: GroupId) -> Vec<GroupId> {
        let Some(&rank) = self.rank_of.get(&group) else { return Vec::new() };
        let depends = |entry: &&GroupEntry| entry.id == group || entry.prerequisites.binary_search(&rank).is_ok();
        self.groups.iter().filter(depends).map(|entry| entry.id).collect()
    }

    /// How much there is.
    pub fn size(&self) -> TableSize {
        self.size
    }

    /// Groups that are answered from outside.
    pub fn outside(&self) -> &FxHashSet<GroupId> {
        &self.outside
    }

    pub(super) fn field_source(&self, field: crate::ids::FieldId) -> Option<u32> {
        self.field_sources.get(usize::from(field.0)).copied().filter(|&source| source != NONE)
    }

    pub(super) fn source(&self, at: u32) -> Option<&SourceEntry> {
        self.sources.get(at as usize)
    }

    /// Composites and groups that read a slot.
    pub(super) fn users(&self, slot: Slot) -> &[User] {
        let from = self.users_from.get(slot as usize).copied().unwrap_or(0) as usize;
        let to = self.users_from.get(slot as usize + 1).copied().unwrap_or(0) as usize;
        self.users.get(from..to).unwrap_or_default()
    }

    fn from_plans(plans: BTreeMap<GroupId, Arc<LogicalPlan>>, outside: FxHashSet<GroupId>) -> Result<Self, TableError> {
        if let Some((&group, _)) = plans.iter().find(|(_, plan)| plan.atoms.contains(&Atom::GroupSet)) {
            return Err(TableError::AnyGroup(group));
        }
        let references: BTreeMap<GroupId, Vec<GroupId>> =
            plans.iter().map(|(&group, plan)| (group, order::references(plan))).collect();
        let order = order::topological(&references)?;
        let rank_of: FxHashMap<GroupId, u32> = order.iter().zip(0..).map(|(&group, rank)| (group, rank)).collect();

        // Atoms, each once; then by source, so that the leaves of a source lie together.
        let mut number_of: FxHashMap<&Atom, u32> = FxHashMap::default();
        let mut atoms: Vec<&Atom> = Vec::new();
        let atoms_of: Vec<Vec<u32>> = order
            .iter()
            .filter_map(|group| plans.get(group))
            .map(|plan| {
                let number = |atom| {
                    *number_of.entry(atom).or_insert_with(|| {
                        atoms.push(atom);
                        atoms.len() as u32 - 1
                    })
                };
                plan.atoms.iter().map(number).collect()
            })
            .collect();
        let mut by_source: Vec<usize> = (0..atoms.len()).collect();
        by_source.sort_by_key(|&at| atoms.get(at).map(|atom| Source::of(atom)));

        let is_smart = |group: &GroupId| rank_of.contains_key(group);
        let mut leaves = Leaves::new();
        let mut shapes: Vec<Option<Shape>> = vec![None; atoms.len()];
        for at in by_source {
            if let (Some(&atom), Some(shape)) = (atoms.get(at), shapes.get_mut(at)) {
                *shape = Some(leaves.add(atom, |group| !is_smart(group) && !outside.contains(group)));
            }
        }
        leaves.add_outside(atoms.iter().copied(), &outside);

        let mut next = leaves.end();
        let mut allocate = || {
            next += 1;
            next - 1
        };
        let referenced: BTreeSet<u32> =
            references.values().flatten().filter_map(|group| rank_of.get(group).copied()).collect();
        let membership: FxHashMap<u32, Slot> = referenced.iter().map(|&rank| (rank, allocate())).collect();

        let mut composites: Vec<Composite> = Vec::new();
        // What stands for each atom, and whether it is over groups of this table.
        let mut resolved: Vec<(Operand, Option<(u32, bool)>)> = Vec::with_capacity(atoms.len());
        for (shape, atom) in shapes.into_iter().zip(&atoms) {
            let mut tree = shape.unwrap_or(Shape::nothing()).into_tree();
            let mut nested = false;
            if let Atom::GroupIn(groups) = atom {
                let mut any = match tree {
                    Tree::Any(any) => any,
                    leaf => vec![leaf],
                };
                for group in groups {
                    let smart = rank_of.get(group).and_then(|rank| membership.get(rank)).copied();
                    nested |= smart.is_some();
                    any.extend(smart.or_else(|| leaves.outside(*group)).map(|slot| Tree::Leaf(Operand::plain(slot))));
                }
                any.retain(is_not_zero);
                tree = match any.len() {
                    0 => Tree::Leaf(Operand::plain(ZERO)),
                    1 if !nested => any.swap_remove(0),
                    _ => Tree::Any(any),
                };
            }
            resolved.push(match tree {
                Tree::Leaf(operand) => (operand, None),
                tree => {
                    let slot = allocate();
                    composites.push(Composite { slot, program: Program::compile(&tree), over_groups: nested });
                    (Operand::plain(slot), Some((composites.len() as u32 - 1, nested)))
                }
            });
        }
        let slots = next as usize;

        let (leaf_count, atom_count) = (leaves.end() as usize - 1, atoms.len());
        let mut sources = leaves.into_sources();
        let mut field_sources = Vec::new();
        let mut attributes = Vec::new();
        let mut index_of: FxHashMap<Source, usize> = FxHashMap::default();
        for (at, entry) in sources.iter().enumerate() {
            index_of.insert(entry.source, at);
            match entry.source {
                Source::Field(field) => {
                    let place = usize::from(field.0);
                    if field_sources.len() <= place {
                        field_sources.resize(place + 1, NONE);
                    }
                    if let Some(slot) = field_sources.get_mut(place) {
                        *slot = at as u32;
                    }
                }
                _ => attributes.push(at as u32),
            }
        }

        let mut groups: Vec<GroupEntry> = Vec::with_capacity(order.len());
        for (rank, (&id, atoms_of)) in order.iter().zip(&atoms_of).enumerate() {
            let Some(plan) = plans.get(&id) else { continue };
            let operand = |atom: u32| {
                let number = atoms_of.get(atom as usize).map_or(usize::MAX, |&number| number as usize);
                resolved.get(number).map_or(Operand::plain(ZERO), |(operand, _)| *operand)
            };
            let mut read = [Vec::new(), Vec::new()];
            let mut set = SourceSet::new(sources.len());
            for &number in atoms_of {
                if let Some(&(_, Some((composite, nested)))) = resolved.get(number as usize) {
                    read[usize::from(nested)].push(composite);
                }
                let source = atoms.get(number as usize).map(|atom| Source::of(atom));
                if let Some(&at) = source.and_then(|source| index_of.get(&source)) {
                    set.insert(at);
                }
            }
            let direct = references.get(&id).into_iter().flatten();
            if direct.clone().any(|group| outside.contains(group))
                && let Some(&at) = index_of.get(&Source::Outside)
            {
                set.insert(at);
            }
            let mut prerequisites = BTreeSet::new();
            for &before in direct.filter_map(|group| rank_of.get(group)) {
                if let Some(entry) = groups.get(before as usize) {
                    set.unite(&entry.sources);
                    prerequisites.insert(before);
                    prerequisites.extend(entry.prerequisites.iter().copied());
                }
            }
            let [composites, group_composites] = read.map(Vec::into_boxed_slice);
            groups.push(GroupEntry {
                id,
                program: Program::compile(&tree_of(&plan.root, &operand)),
                composites,
                group_composites,
                membership: membership.get(&(rank as u32)).copied(),
                prerequisites: prerequisites.into_iter().collect(),
                sources: set,
            });
        }
        for entry in &mut sources {
            entry.companions = SourceSet::new(index_of.len());
        }
        for group in &groups {
            let of_group = (0..index_of.len()).filter(|&at| group.sources.contains(at));
            for at in of_group {
                if let Some(entry) = sources.get_mut(at) {
                    entry.companions.unite(&group.sources);
                }
            }
        }
        let (users, users_from) = index_users(slots, &composites, &groups);
        let programs = composites.iter().map(|composite| &composite.program);
        let max_registers =
            programs.chain(groups.iter().map(|group| &group.program)).map(|p| p.registers).max().unwrap_or(0);
        let size =
            TableSize { groups: groups.len(), atoms: atom_count, leaves: leaf_count, slots, sources: sources.len() };
        drop(number_of);
        Ok(Table {
            plans,
            outside,
            sources,
            field_sources,
            attributes,
            composites,
            groups,
            rank_of,
            referenced: referenced.into_iter().collect(),
            users,
            users_from,
            max_registers,
            size,
        })
    }
}

/// The slot of the vector that is all zeros.
pub(super) const ZERO: Slot = 0;

fn is_not_zero(tree: &Tree) -> bool {
    !matches!(tree, Tree::Leaf(Operand { slot: ZERO, negated: false }))
}

fn tree_of(expr: &Expr, operand: &impl Fn(u32) -> Operand) -> Tree {
    let constant = |holds: bool| Tree::Leaf(Operand { slot: ZERO, negated: holds });
    match expr {
        Expr::Constant(holds) => constant(*holds),
        Expr::Atom { atom, negated } => {
            let found = operand(atom.0);
            Tree::Leaf(Operand { slot: found.slot, negated: found.negated != *negated })
        }
        Expr::All(children) | Expr::Any(children) if children.is_empty() => constant(matches!(expr, Expr::All(_))),
        Expr::All(children) => Tree::All(children.iter().map(|child| tree_of(child, operand)).collect()),
        Expr::Any(children) => Tree::Any(children.iter().map(|child| tree_of(child, operand)).collect()),
    }
}

/// For each slot, in one list: who reads it.
fn index_users(slots: usize, composites: &[Composite], groups: &[GroupEntry]) -> (Vec<User>, Vec<u32>) {
    let read = |program: &Program| {
        let mut slots: Vec<Slot> = program.reads().filter(|&slot| slot != ZERO).collect();
        slots.sort_unstable();
        slots.dedup();
        slots
    };
    let of_composites = composites.iter().zip(0..).map(|(composite, at)| (User::Composite(at), &composite.program));
    let of_groups = groups.iter().zip(0..).map(|(group, rank)| (User::Group(rank), &group.program));
    let mut pairs: Vec<(Slot, User)> = Vec::new();
    for (user, program) in of_composites.chain(of_groups) {
        pairs.extend(read(program).into_iter().map(|slot| (slot, user)));
    }
    // Counting sort by slot.
    let mut from = vec![0u32; slots + 1];
    for (slot, _) in &pairs {
        if let Some(count) = from.get_mut(*slot as usize + 1) {
            *count += 1;
        }
    }
    for at in 1..from.len() {
        from[at] += from[at - 1];
    }
    let mut next = from.clone();
    let mut users = vec![User::Group(0); pairs.len()];
    for (slot, user) in pairs {
        if let Some(at) = next.get_mut(slot as usize) {
            if let Some(place) = users.get_mut(*at as usize) {
                *place = user;
            }
            *at += 1;
        }
    }
    (users, from)
}
