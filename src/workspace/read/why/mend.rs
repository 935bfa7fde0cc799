//! The smallest set of changes that would let an absent contact into a group.
//!
//! It is a search for the fewest edits: with none, with one, with two, and so on. What keeps the contact out is a part of
//! the query that must be changed, so only edits that this part can tell are tried; and a part that needs more edits than
//! are left is given up at once. What is found was tried: the edits are carried out on a copy of the contact, by the rules
//! that events go by, and the plain evaluator says that the copy is a member, with the groups that it would then be in.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::edit::{Edit, Trial};
use super::options::{Axis, Options};
use crate::contact::{Contact, Status};
use crate::ids::GroupId;
use crate::model::{Context, Memberships, condition_holds, matches};
use crate::schema::{Environment, Schema};
use crate::sema::query::{Condition, Literal, Node, Property, Query, Test, Value};
use crate::value::Urn;
use crate::workspace::definitions::plans::Override;

/// Conditions that are evaluated before a search gives up: some tenth of a second's.
pub const PATIENCE: u64 = 400_000;

/// What decides whether a contact is in a group.
#[derive(Clone, Copy, Debug)]
pub enum Standing<'a> {
    /// People add and remove members.
    Manual,
    /// Its query, for active contacts, unless somebody decided otherwise about this one.
    Smart {
        /// Its query.
        query: &'a Query,
        /// What was decided.
        decided: Option<Override>,
    },
    /// As it is, whatever becomes of the contact: the group's query does not compile, or has not been filled.
    Fixed(bool),
}

/// What the search needs to know besides the contact.
pub struct World<'a> {
    /// Fields and groups.
    pub schema: &'a Schema,
    /// The zone, and the moment to which relative times refer.
    pub environment: &'a Environment,
    /// All groups.
    pub groups: BTreeMap<GroupId, Standing<'a>>,
    /// Whether another contact holds an address.
    pub is_taken: &'a dyn Fn(&Urn) -> bool,
}

impl std::fmt::Debug for World<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "World({} groups)", self.groups.len())
    }
}

/// What a search came to.
#[derive(Clone, PartialEq, Debug)]
pub enum Mend {
    /// These edits let the contact in.
    Found {
        /// In the order in which they can be made.
        edits: Vec<Edit>,
        /// Whether it is certain that fewer do not.
        is_smallest: bool,
    },
    /// No edits of what can be edited let it in.
    Impossible,
    /// None were found before the search gave up.
    GaveUp,
}

impl World<'_> {
    /// Whether a contact is a member of a group after some edits: the definition.
    pub fn is_member(&self, trial: &Trial, group: GroupId) -> bool {
        Belongings { world: self, trial }.is_member(group)
    }

    /// Whether edits, one after the other, can be made and make a contact a member of a group.
    pub fn lets_in(&self, contact: &Contact, edits: &[Edit], group: GroupId) -> bool {
        let mut trial = Trial::new(contact);
        edits.iter().all(|edit| trial.perform(edit, self.schema, self.environment).is_some())
            && self.is_member(&trial, group)
    }

    /// The fewest edits after which a contact is a member of a group.
    ///
    /// Cost: [`PATIENCE`] evaluations of a condition at most, twice.
    pub fn mend(&self, contact: &Contact, group: GroupId) -> Mend {
        let mut search = Search::new(self, contact);
        let root = search.member(group);
        let mut start = Trial::new(contact);
        let mut forced = Vec::new();
        // Whoever is to be in a smart group must be active, and blocked and stopped contacts are added to none.
        let must_be_active = match self.groups.get(&group) {
            Some(Standing::Smart { .. }) => contact.status != Status::Active,
            _ => matches!(contact.status, Status::Blocked | Status::Stopped),
        };
        if must_be_active {
            if start.perform(&Edit::Activate, self.schema, self.environment).is_none() {
                return Mend::Impossible;
            }
            forced.push(Edit::Activate);
        }
        let most = search.axes.len();
        for limit in 0..=most {
            search.hit_limit = false;
            match search.descend(&root, &start, &mut forced, limit) {
                Step::Found if !self.lets_in(contact, &forced, group) => return Mend::GaveUp,
                Step::Found => return Mend::Found { edits: forced, is_smallest: search.complete },
                Step::GaveUp => return search.settle_for_some(&root, &start, forced, group),
                Step::Nothing if search.hit_limit => {}
                Step::Nothing => break,
            }
        }
        if search.complete { Mend::Impossible } else { Mend::GaveUp }
    }
}

/// The groups of a contact as it would be.
struct Belongings<'a> {
    world: &'a World<'a>,
    trial: &'a Trial,
}

impl Memberships for Belongings<'_> {
    fn is_member(&self, group: GroupId) -> bool {
        let contact = &self.trial.contact;
        match self.world.groups.get(&group) {
            Some(Standing::Manual) | None => contact.groups.contains(&group),
            Some(Standing::Fixed(inside)) => *inside,
            Some(Standing::Smart { query, decided }) => {
                let decided = decided.filter(|_| !self.trial.taken_back.contains(&group));
                contact.status == Status::Active
                    && match decided {
                        Some(decided) => decided == Override::Pinned,
                        None => matches(query, contact, &self.context()),
                    }
            }
        }
    }

    fn in_any_group(&self) -> bool {
        self.world.groups.keys().any(|&group| self.is_member(group))
    }
}

impl Belongings<'_> {
    fn context(&self) -> Context<'_, Self> {
        let environment = self.world.environment;
        Context { zone: &environment.timezone, now: environment.now, memberships: self }
    }
}

/// A part of a query, or the membership of a group.
#[derive(Clone)]
enum Part<'a> {
    All(Vec<Part<'a>>),
    Any(Vec<Part<'a>>),
    Not(Box<Part<'a>>),
    /// A condition, with the axes whose edits it can tell.
    Condition(&'a Condition, Vec<usize>),
    /// Membership of a group that nothing changes but joining and leaving, or nothing at all.
    Plain(GroupId, Vec<usize>),
    /// Membership of a smart group: with what was decided about it, which can be taken back, and its query.
    Smart(GroupId, Option<(Override, usize)>, Rc<Part<'a>>),
}

/// How a branch of the search ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Found,
    Nothing,
    GaveUp,
}

/// More edits than there are.
const NEVER: usize = usize::MAX / 2;

struct Search<'a> {
    world: &'a World<'a>,
    contact: &'a Contact,
    /// The conditions on each property of one value that some group at hand looks at.
    by_property: BTreeMap<Property, Vec<&'a Condition>>,
    of_property: BTreeMap<Property, Vec<usize>>,
    on_addresses: Vec<&'a Condition>,
    of_addresses: Option<Vec<usize>>,
    of_group: BTreeMap<GroupId, Vec<usize>>,
    taken_back: BTreeMap<GroupId, usize>,
    of_query: BTreeMap<GroupId, Rc<Part<'a>>>,
    axes: Vec<Axis>,
    /// Axes on which an edit was made, or none is to be made.
    closed: Vec<bool>,
    /// Whether the axes hold all that makes a difference.
    complete: bool,
    /// Whether some branch ended because it needed more edits than are allowed.
    hit_limit: bool,
    patience: u64,
}

impl<'a> Search<'a> {
    fn new(world: &'a World<'a>, contact: &'a Contact) -> Self {
        Search {
            world,
            contact,
            by_property: BTreeMap::new(),
            of_property: BTreeMap::new(),
            on_addresses: Vec::new(),
            of_addresses: None,
            of_group: BTreeMap::new(),
            taken_back: BTreeMap::new(),
            of_query: BTreeMap::new(),
            axes: Vec::new(),
            closed: Vec::new(),
            complete: true,
            hit_limit: false,
            patience: PATIENCE,
        }
    }

    /// Membership of a group as a part, with all axes that it depends on.
    fn member(&mut self, group: GroupId) -> Part<'a> {
        let mut seen = Vec::new();
        self.gather(group, &mut seen);
        self.part_of_group(group)
    }

    /// Notes all conditions that the membership depends on.
    fn gather(&mut self, group: GroupId, seen: &mut Vec<GroupId>) {
        if seen.contains(&group) {
            return;
        }
        seen.push(group);
        let Some(Standing::Smart { query, .. }) = self.world.groups.get(&group) else { return };
        let mut groups = Vec::new();
        crate::sema::inspect::for_each_condition(&query.root, &mut |condition| match condition.property {
            Property::Group => {
                crate::sema::inspect::for_each_literal(condition, |literal| groups.extend(group_of(literal)))
            }
            Property::Urn | Property::Scheme(_) => self.on_addresses.push(condition),
            _ => self.by_property.entry(condition.property.clone()).or_default().push(condition),
        });
        groups.into_iter().for_each(|group| self.gather(group, seen));
    }

    fn add(&mut self, axis: Axis) -> usize {
        self.axes.push(axis);
        self.closed.push(false);
        self.axes.len() - 1
    }

    fn part_of_group(&mut self, group: GroupId) -> Part<'a> {
        match self.world.groups.get(&group) {
            Some(Standing::Smart { query, decided }) => {
                let (query, decided) = (*query, *decided);
                let decided = decided.map(|decided| {
                    let known = self.taken_back.get(&group).copied();
                    let axis = known.unwrap_or_else(|| self.add(Axis { options: vec![Edit::TakeBack(group)] }));
                    self.taken_back.insert(group, axis);
                    (decided, axis)
                });
                let part = match self.of_query.get(&group) {
                    Some(known) => Rc::clone(known),
                    None => Rc::new(self.part(&query.root)),
                };
                self.of_query.insert(group, Rc::clone(&part));
                Part::Smart(group, decided, part)
            }
            Some(Standing::Fixed(_)) => Part::Plain(group, Vec::new()),
            Some(Standing::Manual) | None => {
                if !self.of_group.contains_key(&group) {
                    let is_in = self.contact.groups.contains(&group);
                    let edit = if is_in { Edit::Leave(group) } else { Edit::Join(group) };
                    let axis = self.add(Axis { options: vec![edit] });
                    self.of_group.insert(group, vec![axis]);
                }
                Part::Plain(group, self.of_group.get(&group).cloned().unwrap_or_default())
            }
        }
    }

    fn part(&mut self, node: &'a Node) -> Part<'a> {
        match node {
            Node::All(children) => Part::All(children.iter().map(|child| self.part(child)).collect()),
            Node::Any(children) => Part::Any(children.iter().map(|child| self.part(child)).collect()),
            Node::Not(inner) => Part::Not(Box::new(self.part(inner))),
            Node::Condition(condition) => match (&condition.property, &condition.test) {
                (Property::Group, Test::Equals(literal)) => self.some_of(&[literal]),
                (Property::Group, Test::Differs(literal)) => Part::Not(Box::new(self.some_of(&[literal]))),
                (Property::Group, Test::In { items, unset: false, negated }) => {
                    let some = self.some_of(&items.iter().collect::<Vec<_>>());
                    if *negated { Part::Not(Box::new(some)) } else { some }
                }
                (Property::Group, _) => Part::Condition(condition, Vec::new()),
                (Property::Urn | Property::Scheme(_), _) => Part::Condition(condition, self.address_axes()),
                (property, _) => Part::Condition(condition, self.property_axes(property)),
            },
        }
    }

    /// Membership of some of these groups.
    fn some_of(&mut self, literals: &[&Literal]) -> Part<'a> {
        Part::Any(
            literals.iter().filter_map(|literal| group_of(literal)).map(|group| self.part_of_group(group)).collect(),
        )
    }

    fn options(&self) -> Options<'a> {
        let World { schema, environment, is_taken, .. } = *self.world;
        Options { contact: self.contact, schema, environment, is_taken }
    }

    fn property_axes(&mut self, property: &Property) -> Vec<usize> {
        if let Some(known) = self.of_property.get(property) {
            return known.clone();
        }
        let conditions = self.by_property.get(property).map(Vec::as_slice).unwrap_or_default();
        let (axis, complete) = self.options().of_property(property, conditions);
        self.complete &= complete;
        let axes: Vec<usize> = axis.into_iter().map(|axis| self.add(axis)).collect();
        self.of_property.insert(property.clone(), axes.clone());
        axes
    }

    fn address_axes(&mut self) -> Vec<usize> {
        if let Some(known) = &self.of_addresses {
            return known.clone();
        }
        let (axes, complete) = self.options().of_addresses(&self.on_addresses);
        self.complete &= complete;
        let axes: Vec<usize> = axes.into_iter().map(|axis| self.add(axis)).collect();
        self.of_addresses = Some(axes.clone());
        axes
    }

    fn holds(&mut self, part: &Part<'_>, trial: &Trial) -> bool {
        match part {
            Part::All(children) => children.iter().all(|child| self.holds(child, trial)),
            Part::Any(children) => children.iter().any(|child| self.holds(child, trial)),
            Part::Not(inner) => !self.holds(inner, trial),
            Part::Condition(condition, _) => {
                self.patience = self.patience.saturating_sub(1);
                let belongings = Belongings { world: self.world, trial };
                condition_holds(condition, &trial.contact, &belongings.context())
            }
            Part::Plain(group, _) => self.world.is_member(trial, *group),
            Part::Smart(group, decided, query) => {
                let decided = decided.filter(|_| !trial.taken_back.contains(group));
                trial.contact.status == Status::Active
                    && match decided {
                        Some((decided, _)) => decided == Override::Pinned,
                        None => self.holds(query, trial),
                    }
            }
        }
    }

    fn is_open(&self, axis: usize) -> bool {
        self.closed.get(axis).is_some_and(|closed| !closed)
    }

    /// How many edits at least it takes until a part comes out as `wanted`.
    fn need(&mut self, part: &Part<'_>, wanted: bool, trial: &Trial) -> usize {
        if self.patience == 0 || self.holds(part, trial) == wanted {
            return 0;
        }
        match part {
            Part::Not(inner) => self.need(inner, !wanted, trial),
            Part::All(children) | Part::Any(children) if matches!(part, Part::All(_)) == wanted => {
                // Edits of parts that have nothing in common add up.
                let mut counted: Vec<usize> = Vec::new();
                let (mut sum, mut most) = (0usize, 0usize);
                for child in children {
                    let own = self.need(child, wanted, trial);
                    if own >= NEVER {
                        return NEVER;
                    }
                    let mut axes = Vec::new();
                    all_axes(child, &mut axes);
                    if own > 0 && !axes.iter().any(|axis| counted.contains(axis)) {
                        counted.extend(axes);
                        sum += own;
                    }
                    most = most.max(own);
                }
                sum.max(most)
            }
            Part::All(children) | Part::Any(children) => {
                children.iter().map(|child| self.need(child, wanted, trial)).min().unwrap_or(NEVER)
            }
            Part::Condition(_, axes) | Part::Plain(_, axes) => {
                if axes.iter().any(|&axis| self.is_open(axis)) {
                    1
                } else {
                    NEVER
                }
            }
            Part::Smart(group, decided, query) => match decided {
                _ if trial.contact.status != Status::Active => NEVER,
                Some((_, axis)) if !trial.taken_back.contains(group) => {
                    if self.is_open(*axis) {
                        1
                    } else {
                        NEVER
                    }
                }
                _ => self.need(query, wanted, trial),
            },
        }
    }

    /// Axes of which some must be edited before a part comes out as `wanted`, which it does not.
    fn ways(&mut self, part: &Part<'_>, wanted: bool, trial: &Trial) -> Vec<usize> {
        match part {
            Part::Not(inner) => self.ways(inner, !wanted, trial),
            Part::All(children) | Part::Any(children) if matches!(part, Part::All(_)) == wanted => {
                let mut fewest: Option<Vec<usize>> = None;
                for child in children {
                    if self.holds(child, trial) == wanted {
                        continue;
                    }
                    let ways = self.ways(child, wanted, trial);
                    if fewest.as_ref().is_none_or(|fewest| self.branches(&ways) < self.branches(fewest)) {
                        fewest = Some(ways);
                    }
                }
                fewest.unwrap_or_default()
            }
            Part::All(children) | Part::Any(children) => {
                let mut ways: Vec<usize> = Vec::new();
                for child in children {
                    for axis in self.ways(child, wanted, trial) {
                        if !ways.contains(&axis) {
                            ways.push(axis);
                        }
                    }
                }
                ways
            }
            Part::Condition(_, axes) | Part::Plain(_, axes) => {
                axes.iter().copied().filter(|&axis| self.is_open(axis)).collect()
            }
            Part::Smart(group, decided, query) => match decided {
                Some((_, axis)) if !trial.taken_back.contains(group) => {
                    Some(*axis).filter(|&axis| self.is_open(axis)).into_iter().collect()
                }
                _ => self.ways(query, wanted, trial),
            },
        }
    }

    fn branches(&self, axes: &[usize]) -> usize {
        axes.iter().filter_map(|&axis| self.axes.get(axis)).map(|axis| axis.options.len()).sum()
    }

    /// Looks for at most so many edits more.
    fn descend(&mut self, root: &Part<'_>, trial: &Trial, edits: &mut Vec<Edit>, left: usize) -> Step {
        if self.holds(root, trial) {
            return Step::Found;
        }
        let need = self.need(root, true, trial);
        if self.patience == 0 {
            return Step::GaveUp;
        }
        if need > left {
            self.hit_limit |= need < NEVER;
            return Step::Nothing;
        }
        let mut tried = Vec::new();
        let mut outcome = Step::Nothing;
        'axes: for axis in self.ways(root, true, trial) {
            if let Some(closed) = self.closed.get_mut(axis) {
                *closed = true;
            }
            tried.push(axis);
            let options = self.axes.get(axis).map(|axis| axis.options.clone()).unwrap_or_default();
            for edit in options {
                let mut next = trial.clone();
                if next.perform(&edit, self.world.schema, self.world.environment).is_none() {
                    continue;
                }
                edits.push(edit);
                outcome = self.descend(root, &next, edits, left.saturating_sub(1));
                if outcome != Step::Nothing {
                    if outcome == Step::GaveUp {
                        edits.pop();
                    }
                    break 'axes;
                }
                edits.pop();
            }
            // All with an edit on this axis was tried: what is left has none.
        }
        for axis in tried {
            if let Some(closed) = self.closed.get_mut(axis) {
                *closed = false;
            }
        }
        outcome
    }

    /// Some edits that let the contact in, though perhaps not the fewest.
    fn settle_for_some(mut self, root: &Part<'_>, start: &Trial, mut edits: Vec<Edit>, group: GroupId) -> Mend {
        let forced = edits.len();
        self.patience = PATIENCE;
        if self.descend(root, start, &mut edits, NEVER) != Step::Found {
            return Mend::GaveUp;
        }
        let mut at = edits.len();
        while at > forced {
            at -= 1;
            let mut fewer = edits.clone();
            fewer.remove(at);
            if self.world.lets_in(self.contact, &fewer, group) {
                edits = fewer;
            }
        }
        if self.world.lets_in(self.contact, &edits, group) {
            Mend::Found { edits, is_smallest: false }
        } else {
            Mend::GaveUp
        }
    }
}

fn group_of(literal: &Literal) -> Option<GroupId> {
    match literal.value {
        Value::Group(group) => group,
        _ => None,
    }
}

fn all_axes(part: &Part<'_>, axes: &mut Vec<usize>) {
    match part {
        Part::All(children) | Part::Any(children) => children.iter().for_each(|child| all_axes(child, axes)),
        Part::Not(inner) => all_axes(inner, axes),
        Part::Condition(_, own) | Part::Plain(_, own) => axes.extend(own),
        Part::Smart(_, decided, query) => {
            axes.extend(decided.map(|(_, axis)| axis));
            all_axes(query, axes);
        }
    }
}
