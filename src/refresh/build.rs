//! From the plans of all groups to the parts of a table, in the order of the functions of this page.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::ids::GroupId;
use crate::plan::atom::{Atom, Expr, LogicalPlan};
use crate::refresh::arena::{Arena, CompositeId, Place, Rank};
use crate::refresh::entries::{Composite, GroupEntry, SourceEntry, SourceSet, User};
use crate::refresh::leaves::{Leaves, Shape};
use crate::refresh::order::{self, GroupCycle};
use crate::refresh::program::{Operand, Program, Slot, Tree, ZERO};
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

/// Plans by group.
pub(super) type Plans = BTreeMap<GroupId, Arc<LogicalPlan>>;

/// Everything of a table that follows from its plans.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) sources: Vec<SourceEntry>,
    /// Index of the source of each field that some group looks at.
    pub(super) field_sources: Vec<Option<u32>>,
    /// Sources that are no fields, by index.
    pub(super) attributes: Vec<u32>,
    pub(super) composites: Arena<CompositeId, Composite>,
    pub(super) groups: Arena<Rank, GroupEntry>,
    pub(super) rank_of: FxHashMap<GroupId, Rank>,
    /// The groups that others refer to, ascending.
    pub(super) referenced: Vec<Rank>,
    pub(super) users: Vec<User>,
    /// For each slot, where its users begin; one more at the end.
    pub(super) users_from: Vec<u32>,
    pub(super) max_registers: usize,
    pub(super) size: TableSize,
}

/// The parts of a table of these groups beside those of `outside`.
pub(super) fn parts(plans: &Plans, outside: &FxHashSet<GroupId>) -> Result<Parts, TableError> {
    if let Some((&group, _)) = plans.iter().find(|(_, plan)| plan.atoms.contains(&Atom::GroupSet)) {
        return Err(TableError::AnyGroup(group));
    }
    let references: BTreeMap<GroupId, Vec<GroupId>> =
        plans.iter().map(|(&group, plan)| (group, order::references(plan))).collect();
    let order = order::topological(&references)?;
    let rank_of: FxHashMap<GroupId, Rank> =
        order.iter().enumerate().map(|(rank, &group)| (group, Rank::from_index(rank))).collect();
    let (atoms, atoms_of) = number_atoms(plans, &order);
    let (leaves, shapes) = make_leaves(&atoms, &rank_of, outside);
    let (leaf_count, mut slots) = (leaves.end() as usize - 1, leaves.end());
    let referenced: BTreeSet<Rank> =
        references.values().flatten().filter_map(|group| rank_of.get(group).copied()).collect();
    let mut allocate = || {
        slots += 1;
        slots - 1
    };
    let membership: FxHashMap<Rank, Slot> = referenced.iter().map(|&rank| (rank, allocate())).collect();
    let member_slot = |group: &GroupId| rank_of.get(group).map(|rank| membership[rank]);
    let (composites, resolved) = compose(&atoms, shapes, &leaves, member_slot, &mut allocate);
    let mut sources = leaves.into_sources();
    let (field_sources, attributes) = index_sources(&sources);
    let found =
        Found { plans, outside, references: &references, rank_of: &rank_of, atoms: &atoms, resolved: &resolved };
    let groups = found.groups(&order, &atoms_of, &membership, &sources);
    find_companions(&mut sources, &groups);
    let (users, users_from) = index_users(slots as usize, &composites, &groups);
    let programs = composites.iter().map(|composite| &composite.program);
    let max_registers =
        programs.chain(groups.iter().map(|group| &group.program)).map(|p| p.registers).max().unwrap_or(0);
    let size = TableSize {
        groups: groups.len(),
        atoms: atoms.len(),
        leaves: leaf_count,
        slots: slots as usize,
        sources: sources.len(),
    };
    Ok(Parts {
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

/// The distinct atoms of all groups; and for each group, the numbers of its plan's atoms among them.
fn number_atoms<'p>(plans: &'p Plans, order: &[GroupId]) -> (Vec<&'p Atom>, Vec<Vec<usize>>) {
    let mut number_of: FxHashMap<&Atom, usize> = FxHashMap::default();
    let mut atoms: Vec<&Atom> = Vec::new();
    let mut number = |atom| {
        *number_of.entry(atom).or_insert_with(|| {
            atoms.push(atom);
            atoms.len() - 1
        })
    };
    let atoms_of = order.iter().map(|group| plans[group].atoms.iter().map(&mut number).collect()).collect();
    (atoms, atoms_of)
}

/// The leaves of all atoms, and what each atom is in terms of them. Groups of the table have no leaves.
fn make_leaves(
    atoms: &[&Atom],
    rank_of: &FxHashMap<GroupId, Rank>,
    outside: &FxHashSet<GroupId>,
) -> (Leaves, Vec<Shape>) {
    // By source, so that the leaves of a source lie together.
    let mut by_source: Vec<usize> = (0..atoms.len()).collect();
    by_source.sort_by_key(|&at| Source::of(atoms[at]));
    let mut leaves = Leaves::new();
    let mut shapes = vec![Shape::nothing(); atoms.len()];
    for at in by_source {
        shapes[at] = leaves.add(atoms[at], |group| !rank_of.contains_key(group) && !outside.contains(group));
    }
    leaves.add_outside(atoms.iter().copied(), outside);
    (leaves, shapes)
}

/// What stands for an atom: an operand, and the composite that computes it if it is more than a leaf.
struct Resolved {
    operand: Operand,
    /// With whether it is over groups of this table.
    composite: Option<(CompositeId, bool)>,
}

/// Atoms that are more than a leaf, and what stands for each atom.
fn compose(
    atoms: &[&Atom],
    shapes: Vec<Shape>,
    leaves: &Leaves,
    member_slot: impl Fn(&GroupId) -> Option<Slot>,
    allocate: &mut impl FnMut() -> Slot,
) -> (Arena<CompositeId, Composite>, Vec<Resolved>) {
    let mut composites = Arena::default();
    let resolved = shapes.into_iter().zip(atoms).map(|(shape, atom)| {
        let mut tree = shape.into_tree();
        let mut nested = false;
        if let Atom::GroupIn(groups) = atom {
            let mut any = match tree {
                Tree::Any(any) => any,
                leaf => vec![leaf],
            };
            for group in groups {
                let smart = member_slot(group);
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
        match tree {
            Tree::Leaf(operand) => Resolved { operand, composite: None },
            tree => {
                let slot = allocate();
                let composite = Composite { slot, program: Program::compile(&tree), over_groups: nested };
                Resolved { operand: Operand::plain(slot), composite: Some((composites.push(composite), nested)) }
            }
        }
    });
    let resolved = resolved.collect();
    (composites, resolved)
}

/// For each field, its source; and the sources that are no fields.
fn index_sources(sources: &[SourceEntry]) -> (Vec<Option<u32>>, Vec<u32>) {
    let (mut fields, mut attributes) = (Vec::new(), Vec::new());
    for (entry, at) in sources.iter().zip(0u32..) {
        match entry.source {
            Source::Field(field) => {
                let place = usize::from(field.0);
                if fields.len() <= place {
                    fields.resize(place + 1, None);
                }
                fields[place] = Some(at);
            }
            _ => attributes.push(at),
        }
    }
    (fields, attributes)
}

/// What the steps before found of groups.
struct Found<'p> {
    plans: &'p Plans,
    outside: &'p FxHashSet<GroupId>,
    references: &'p BTreeMap<GroupId, Vec<GroupId>>,
    rank_of: &'p FxHashMap<GroupId, Rank>,
    atoms: &'p [&'p Atom],
    resolved: &'p [Resolved],
}

impl Found<'_> {
    /// The groups in their order, each compiled.
    fn groups(
        &self,
        order: &[GroupId],
        atoms_of: &[Vec<usize>],
        membership: &FxHashMap<Rank, Slot>,
        sources: &[SourceEntry],
    ) -> Arena<Rank, GroupEntry> {
        let index_of: FxHashMap<Source, usize> =
            sources.iter().enumerate().map(|(at, entry)| (entry.source, at)).collect();
        let mut groups: Arena<Rank, GroupEntry> = Arena::default();
        for (&id, atoms_of) in order.iter().zip(atoms_of) {
            let operand = |atom: u32| self.resolved[atoms_of[atom as usize]].operand;
            let mut read = [Vec::new(), Vec::new()];
            let mut set = SourceSet::new(sources.len());
            for &number in atoms_of {
                if let Some((composite, nested)) = self.resolved[number].composite {
                    read[usize::from(nested)].push(composite);
                }
                // An atom over groups of this table alone has no source.
                if let Some(&at) = index_of.get(&Source::of(self.atoms[number])) {
                    set.insert(at);
                }
            }
            let direct = &self.references[&id];
            if direct.iter().any(|group| self.outside.contains(group))
                && let Some(&at) = index_of.get(&Source::Outside)
            {
                set.insert(at);
            }
            let mut prerequisites = BTreeSet::new();
            for &before in direct.iter().filter_map(|group| self.rank_of.get(group)) {
                set.unite(&groups[before].sources);
                prerequisites.insert(before);
                prerequisites.extend(groups[before].prerequisites.iter().copied());
            }
            let [composites, group_composites] = read.map(Vec::into_boxed_slice);
            groups.push(GroupEntry {
                id,
                program: Program::compile(&tree_of(&self.plans[&id].root, &operand)),
                composites,
                group_composites,
                membership: membership.get(&self.rank_of[&id]).copied(),
                prerequisites: prerequisites.into_iter().collect(),
                sources: set,
            });
        }
        groups
    }
}

/// Notes with each source the sources of all groups that use it.
fn find_companions(sources: &mut [SourceEntry], groups: &Arena<Rank, GroupEntry>) {
    let count = sources.len();
    for (at, entry) in sources.iter_mut().enumerate() {
        entry.companions = SourceSet::new(count);
        groups
            .iter()
            .filter(|group| group.sources.contains(at))
            .for_each(|group| entry.companions.unite(&group.sources));
    }
}

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
fn index_users(
    slots: usize,
    composites: &Arena<CompositeId, Composite>,
    groups: &Arena<Rank, GroupEntry>,
) -> (Vec<User>, Vec<u32>) {
    let read = |program: &Program| {
        let mut slots: Vec<Slot> = program.reads().filter(|&slot| slot != ZERO).collect();
        slots.sort_unstable();
        slots.dedup();
        slots
    };
    let of_composites = composites.pairs().map(|(at, composite)| (User::Composite(at), &composite.program));
    let of_groups = groups.pairs().map(|(rank, group)| (User::Group(rank), &group.program));
    let mut pairs: Vec<(Slot, User)> = Vec::new();
    for (user, program) in of_composites.chain(of_groups) {
        pairs.extend(read(program).into_iter().map(|slot| (slot, user)));
    }
    // Counting sort by slot.
    let mut from = vec![0u32; slots + 1];
    for (slot, _) in &pairs {
        from[*slot as usize + 1] += 1;
    }
    for at in 1..from.len() {
        from[at] += from[at - 1];
    }
    let mut next = from.clone();
    let mut users: Vec<Option<User>> = vec![None; pairs.len()];
    for (slot, user) in pairs {
        let at = &mut next[slot as usize];
        users[*at as usize] = Some(user);
        *at += 1;
    }
    (users.into_iter().flatten().collect(), from)
}
