//! A workspace of plain collections, written to be obviously right: what the engine is tested against.
//!
//! A contact's memberships depend on nothing but the contact, the queries and the moment. So a change computes anew the
//! memberships of the contacts that it touches, and an edit or a tick those of everybody: always all groups, each by the
//! evaluator, without any index.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;

use crate::contact::{Contact, Status, TypedValue};
use crate::ids::{GroupId, Uuid};
use crate::model::evaluate::{Context, Memberships, matches};
use crate::sema::query::{Condition, Literal, Node, Property, Query, Test, Value};
use crate::value::Instant;
use crate::value::calendar::{RelativeTime, date_of, start_of_day};

/// Contacts, groups and their members at a moment, with the log of all moves.
#[derive(Clone, Debug)]
pub struct Workspace {
    zone: TimeZone,
    clock: Instant,
    contacts: BTreeMap<Uuid, Contact>,
    /// `None` for a manual group.
    groups: BTreeMap<GroupId, Option<Query>>,
    /// Queries that are to take the place of others, and do nothing until then.
    pending: BTreeMap<GroupId, Query>,
    /// Who is kept in (`true`) or out of which smart group, whatever its query says.
    overrides: BTreeMap<(GroupId, Uuid), bool>,
    members: BTreeMap<GroupId, BTreeSet<Uuid>>,
    log: Vec<Entry>,
}

/// What moved at one moment for one reason. There is none without moves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// When. Never before the entry before it.
    pub at: Instant,
    /// Why.
    pub cause: Cause,
    /// Who entered (`true`) and left (`false`) which group.
    pub moves: BTreeMap<(GroupId, Uuid), bool>,
}

/// Why memberships move.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Cause {
    /// A contact changed.
    Change,
    /// Time went by.
    Clock,
    /// A group's query, or the zone, was edited.
    Edit,
    /// Somebody added to or removed from a group by hand.
    Manual,
}

/// Groups that refer to each other in a circle: the path, from the group that was to be edited back to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupCycle(pub Vec<GroupId>);

impl Workspace {
    /// An empty workspace whose clock stands at `now`.
    pub fn new(zone: TimeZone, now: Instant) -> Self {
        Workspace {
            zone,
            clock: now,
            contacts: BTreeMap::new(),
            groups: BTreeMap::new(),
            pending: BTreeMap::new(),
            overrides: BTreeMap::new(),
            members: BTreeMap::new(),
            log: Vec::new(),
        }
    }

    /// The moment up to which everything is settled.
    pub fn clock(&self) -> Instant {
        self.clock
    }

    /// All contacts.
    pub fn contacts(&self) -> &BTreeMap<Uuid, Contact> {
        &self.contacts
    }

    /// Everything that moved, in order.
    pub fn log(&self) -> &[Entry] {
        &self.log
    }

    /// The members of a group at the clock's moment; nobody if there is no such group.
    pub fn members(&self, group: GroupId) -> BTreeSet<Uuid> {
        self.members.get(&group).cloned().unwrap_or_default()
    }

    /// The groups that a contact is in at the clock's moment.
    pub fn groups_of(&self, contact: Uuid) -> BTreeSet<GroupId> {
        self.members.iter().filter(|(_, members)| members.contains(&contact)).map(|(&group, _)| group).collect()
    }

    /// The members of a group as they would be if the clock moved to a moment.
    pub fn members_at(&self, group: GroupId, now: Instant) -> BTreeSet<Uuid> {
        let now = now.max(self.clock);
        self.contacts.values().filter(|contact| self.belongs(contact, group, now)).map(|contact| contact.uuid).collect()
    }

    /// The members of all groups as of a moment in the past: a replay of the log up to and including it.
    pub fn members_as_of(&self, moment: Instant) -> BTreeMap<GroupId, BTreeSet<Uuid>> {
        let mut members: BTreeMap<GroupId, BTreeSet<Uuid>> = BTreeMap::new();
        for entry in self.log.iter().take_while(|entry| entry.at <= moment) {
            for (&(group, contact), &entered) in &entry.moves {
                let members = members.entry(group).or_default();
                if entered {
                    members.insert(contact);
                } else {
                    members.remove(&contact);
                }
            }
        }
        members.retain(|_, members| !members.is_empty());
        members
    }

    /// The contacts of any status that match a query at a moment, which governs relative times; groups that it names have
    /// the members of that moment, or of the clock's if that is later.
    pub fn search(&self, query: &Query, now: Instant) -> BTreeSet<Uuid> {
        let found = self.contacts.values().filter(|contact| self.holds(query, contact, now));
        found.map(|contact| contact.uuid).collect()
    }

    /// Puts contacts, new or known, as one commit: the net moves are one entry.
    pub fn put(&mut self, contacts: impl IntoIterator<Item = Contact>, now: Instant, cause: Cause) {
        self.change(contacts.into_iter().map(|contact| (contact.uuid, Some(contact))), now, cause);
    }

    /// Takes a contact out: it leaves all its groups.
    pub fn delete(&mut self, contact: Uuid, now: Instant) {
        self.change([(contact, None)], now, Cause::Change);
    }

    /// Puts contacts and takes others out (`None`) as one commit: the net moves are one entry.
    pub fn change(&mut self, contacts: impl IntoIterator<Item = (Uuid, Option<Contact>)>, now: Instant, cause: Cause) {
        self.tick(now);
        let mut touched = BTreeSet::new();
        for (uuid, contact) in contacts {
            touched.insert(uuid);
            match contact {
                Some(contact) => self.contacts.insert(uuid, contact),
                None => {
                    self.forget_overrides(uuid);
                    self.contacts.remove(&uuid)
                }
            };
        }
        self.settle(&touched, cause);
    }

    /// Forgets who is kept in and out: of a contact that is deleted, even if another of its identity follows at once.
    pub fn forget_overrides(&mut self, contact: Uuid) {
        self.overrides.retain(|&(_, other), _| other != contact);
    }

    /// Keeps contacts in a smart group (`true`) or out of it, or leaves them to its query.
    pub fn put_overrides(&mut self, group: GroupId, contacts: &BTreeSet<Uuid>, to: Option<bool>, now: Instant) {
        self.tick(now);
        for &contact in contacts {
            match to {
                Some(inside) => self.overrides.insert((group, contact), inside),
                None => self.overrides.remove(&(group, contact)),
            };
        }
        self.settle(contacts, Cause::Manual);
    }

    /// Makes a manual group, whose members are told by the contacts.
    pub fn put_manual_group(&mut self, group: GroupId, now: Instant) {
        self.tick(now);
        self.groups.insert(group, None);
        self.settle(&self.everybody(), Cause::Edit);
    }

    /// Makes a smart group, or gives it another query.
    ///
    /// # Errors
    /// If the query leads back to the group through other groups; nothing happens then.
    pub fn put_smart_group(&mut self, group: GroupId, query: Query, now: Instant) -> Result<(), GroupCycle> {
        let mut path = vec![group];
        if self.leads_to(&query, group, &mut path) {
            return Err(GroupCycle(path));
        }
        self.tick(now);
        self.pending.remove(&group);
        self.groups.insert(group, Some(query));
        self.settle(&self.everybody(), Cause::Edit);
        Ok(())
    }

    /// Gives a group, which may be new, a query that nobody sees until [`Workspace::swap`].
    ///
    /// # Errors
    /// As for [`Workspace::put_smart_group`].
    pub fn put_pending(&mut self, group: GroupId, query: Query, now: Instant) -> Result<(), GroupCycle> {
        let mut path = vec![group];
        if self.leads_to(&query, group, &mut path) {
            return Err(GroupCycle(path));
        }
        self.tick(now);
        self.pending.insert(group, query);
        Ok(())
    }

    /// The query of a smart group.
    pub fn query(&self, group: GroupId) -> Option<&Query> {
        self.groups.get(&group).and_then(Option::as_ref)
    }

    /// The pending queries.
    pub fn pending(&self) -> &BTreeMap<GroupId, Query> {
        &self.pending
    }

    /// Forgets a pending query; the group stays as it is.
    pub fn cancel(&mut self, group: GroupId) {
        self.pending.remove(&group);
    }

    /// Puts the pending queries of these groups in the place of their queries, as one edit.
    pub fn swap(&mut self, groups: &[GroupId], now: Instant) {
        self.tick(now);
        let swapped = groups.iter().filter_map(|group| Some((*group, Some(self.pending.remove(group)?))));
        let swapped: Vec<_> = swapped.collect();
        self.groups.extend(swapped);
        self.settle(&self.everybody(), Cause::Edit);
    }

    /// Takes a group out; its members leave it, and no contact lists it any more.
    pub fn remove_group(&mut self, group: GroupId, now: Instant) {
        self.tick(now);
        self.groups.remove(&group);
        self.pending.remove(&group);
        self.overrides.retain(|&(other, _), _| other != group);
        self.contacts.values_mut().for_each(|contact| contact.groups.retain(|&listed| listed != group));
        self.settle(&self.everybody(), Cause::Edit);
    }

    /// Puts other contacts and other queries in the place of those of the same identities, as one edit: what a change of
    /// the environment or of a field's type makes of them.
    pub fn derive_anew(
        &mut self,
        zone: TimeZone,
        contacts: impl IntoIterator<Item = Contact>,
        queries: impl IntoIterator<Item = (GroupId, Query)>,
        pending: impl IntoIterator<Item = (GroupId, Query)>,
        now: Instant,
    ) {
        self.tick(now);
        self.pending.extend(pending);
        self.zone = zone;
        self.contacts.extend(contacts.into_iter().map(|contact| (contact.uuid, contact)));
        self.groups.extend(queries.into_iter().map(|(group, query)| (group, Some(query))));
        self.settle(&self.everybody(), Cause::Edit);
    }

    /// Moves to another zone.
    pub fn set_zone(&mut self, zone: TimeZone, now: Instant) {
        self.tick(now);
        self.zone = zone;
        self.settle(&self.everybody(), Cause::Edit);
    }

    /// Moves the clock forward, one entry for each moment at which something moved; never back.
    pub fn tick(&mut self, now: Instant) {
        while let Some(due) = self.next_due().filter(|&due| due <= now) {
            self.clock = due;
            self.settle(&self.everybody(), Cause::Clock);
        }
        self.clock = self.clock.max(now);
    }

    /// A moment after the clock before which nothing moves by itself; `None` if nothing ever will.
    pub fn next_due(&self) -> Option<Instant> {
        let mut due: Option<Instant> = None;
        let mut consider = |moment: Option<Instant>| due = due.into_iter().chain(moment).min();
        for query in self.groups.values().flatten() {
            for_each_condition(&query.root, &mut |condition| {
                if let Test::Anniversary { .. } = condition.test {
                    let tomorrow = date_of(self.clock, &self.zone).tomorrow().ok();
                    consider(tomorrow.map(|date| start_of_day(date, &self.zone)).filter(|&day| day > self.clock));
                }
                for time in relative_times(&condition.test) {
                    for value in self.contacts.values().filter_map(|contact| moment_of(&condition.property, contact)) {
                        for after in [false, true] {
                            consider(time.next_crossing(value, after, self.clock, &self.zone));
                        }
                    }
                }
            });
        }
        due
    }

    /// Whether the members are exactly those that the queries say. It always holds.
    pub fn is_settled(&self) -> bool {
        self.groups.keys().all(|&group| self.members(group) == self.members_at(group, self.clock))
    }

    /// Whether the query of another group names this one.
    pub fn is_used(&self, group: GroupId) -> bool {
        self.groups.values().flatten().chain(self.pending.values()).any(|query| {
            let mut used = false;
            for_each_condition(&query.root, &mut |condition| used |= groups_in(&condition.test).contains(&group));
            used
        })
    }

    fn everybody(&self) -> BTreeSet<Uuid> {
        self.members.values().flatten().chain(self.contacts.keys()).copied().collect()
    }

    /// Computes the memberships of these contacts anew, and logs what moved.
    fn settle(&mut self, contacts: &BTreeSet<Uuid>, cause: Cause) {
        let groups: BTreeSet<GroupId> = self.groups.keys().chain(self.members.keys()).copied().collect();
        let mut moves = BTreeMap::new();
        for group in groups {
            for &uuid in contacts {
                let before = self.members.get(&group).is_some_and(|members| members.contains(&uuid));
                let after = self.contacts.get(&uuid).is_some_and(|contact| self.belongs(contact, group, self.clock));
                if before != after {
                    moves.insert((group, uuid), after);
                }
            }
        }
        for (&(group, uuid), &entered) in &moves {
            let members = self.members.entry(group).or_default();
            if entered {
                members.insert(uuid);
            } else {
                members.remove(&uuid);
            }
        }
        if !moves.is_empty() {
            self.log.push(Entry { at: self.clock, cause, moves });
        }
    }

    /// The definition of membership: listed in a manual group, or active and matching a smart group's query, unless
    /// somebody decided otherwise.
    fn belongs(&self, contact: &Contact, group: GroupId, now: Instant) -> bool {
        match self.groups.get(&group) {
            None => false,
            Some(None) => contact.groups.contains(&group),
            Some(Some(query)) => {
                let decided = self.overrides.get(&(group, contact.uuid));
                let is_in = decided.map_or_else(|| self.holds(query, contact, now), |&inside| inside);
                contact.status == Status::Active && is_in
            }
        }
    }

    fn holds(&self, query: &Query, contact: &Contact, now: Instant) -> bool {
        let memberships = Belongings { workspace: self, contact, now: now.max(self.clock) };
        matches(query, contact, &Context { zone: &self.zone, now, memberships: &memberships })
    }

    /// Whether a query refers to a group, itself or through the groups that it refers to; the path to it is added.
    fn leads_to(&self, query: &Query, group: GroupId, path: &mut Vec<GroupId>) -> bool {
        let mut referred = Vec::new();
        for_each_condition(&query.root, &mut |condition| referred.extend(groups_in(&condition.test)));
        referred.into_iter().any(|next| {
            path.push(next);
            let found = next == group
                || self
                    .pending
                    .get(&next)
                    .or_else(|| self.groups.get(&next).and_then(Option::as_ref))
                    .is_some_and(|query| self.leads_to(query, group, path));
            if !found {
                path.pop();
            }
            found
        })
    }
}

/// A contact's groups, each computed when it is asked for.
struct Belongings<'a> {
    workspace: &'a Workspace,
    contact: &'a Contact,
    now: Instant,
}

impl Memberships for Belongings<'_> {
    fn is_member(&self, group: GroupId) -> bool {
        self.workspace.belongs(self.contact, group, self.now)
    }
    fn in_any_group(&self) -> bool {
        self.workspace.groups.keys().any(|&group| self.is_member(group))
    }
}

fn for_each_condition<'q>(node: &'q Node, visit: &mut impl FnMut(&'q Condition)) {
    match node {
        Node::All(children) | Node::Any(children) => {
            children.iter().for_each(|child| for_each_condition(child, visit));
        }
        Node::Not(child) => for_each_condition(child, visit),
        Node::Condition(condition) => visit(condition),
    }
}

fn literals(test: &Test) -> Vec<&Literal> {
    match test {
        Test::Equals(literal) | Test::Differs(literal) | Test::Compares(_, literal) => vec![literal],
        Test::In { items, .. } => items.iter().collect(),
        Test::Between { low, high, .. } => low.iter().chain(high).collect(),
        Test::Unset | Test::Set | Test::Contains(_) | Test::Anniversary { .. } => Vec::new(),
    }
}

fn relative_times(test: &Test) -> Vec<RelativeTime> {
    let relative = |literal: &Literal| match literal.value {
        Value::Relative(time) => Some(time),
        _ => None,
    };
    literals(test).into_iter().filter_map(relative).collect()
}

fn groups_in(test: &Test) -> Vec<GroupId> {
    let group = |literal: &Literal| match literal.value {
        Value::Group(group) => group,
        _ => None,
    };
    literals(test).into_iter().filter_map(group).collect()
}

/// The value of a property that is a date.
fn moment_of(property: &Property, contact: &Contact) -> Option<Instant> {
    match property {
        Property::CreatedOn => Some(contact.created_on),
        Property::LastSeenOn => contact.last_seen_on,
        Property::Field(field) => match contact.fields.get(&field.id?)?.typed {
            TypedValue::Instant(moment) => Some(moment),
            _ => None,
        },
        _ => None,
    }
}
