//! A stream of changes as platforms send it: each change makes sense after the ones before it.

use std::collections::VecDeque;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::contact::Status;
use crate::ids::Uuid;
use crate::value::{Instant, Urn};
use crate::workspace::change::{Change, ContactRef, Event, NamedRef, SourcePosition};

use super::Options;
use super::answers::{self, FIELDS};
use super::calendar::pause;
use super::lists::WORLD;
use super::people::{People, Person, full_name, identity, reference};
use super::random::{Purpose, Random};

/// Weights of what changes.
const KINDS: [(u64, Kind); 13] = [
    (430, Kind::Field),
    (250, Kind::Seen),
    (90, Kind::Groups),
    (35, Kind::Name),
    (30, Kind::Language),
    (22, Kind::Status),
    (28, Kind::Urns),
    (45, Kind::Flow),
    (30, Kind::Run),
    (14, Kind::TicketOpened),
    (10, Kind::TicketClosed),
    (14, Kind::Created),
    (2, Kind::Deleted),
];

/// A prime above every number of contacts, so that multiplying by it only reorders them.
const REORDER: u64 = 2_654_435_761;

#[derive(Clone, Copy, Default)]
enum Kind {
    Field,
    #[default]
    Seen,
    Groups,
    Name,
    Language,
    Status,
    Urns,
    Flow,
    Run,
    TicketOpened,
    TicketClosed,
    Created,
    Deleted,
}

/// What has become of a contact that the stream has touched.
struct Known {
    person: Person,
    uuid: Uuid,
    name: Box<str>,
    status: Status,
    urns: Vec<Urn>,
    /// The addresses that it was drawn with.
    own: Vec<Urn>,
    groups: Vec<NamedRef>,
    in_flow: bool,
    tickets: u32,
}

/// The changes of a generator, in order. Memory grows with the contacts that change.
pub struct Changes<'a> {
    people: &'a People,
    options: &'a Options,
    next: u64,
    moment: Instant,
    /// Contacts, with those that the stream created.
    contacts: u64,
    known: FxHashMap<u64, Known>,
    deleted: FxHashSet<u64>,
    /// Contacts heard from lately, who are likely to answer again.
    recent: VecDeque<u64>,
}

impl<'a> Changes<'a> {
    pub(super) fn new(people: &'a People, options: &'a Options) -> Self {
        Changes {
            people,
            options,
            next: 0,
            moment: options.now,
            contacts: options.contacts,
            known: FxHashMap::default(),
            deleted: FxHashSet::default(),
            recent: VecDeque::new(),
        }
    }

    /// A contact that still exists: a few are heard from often, the most only now and then.
    fn choose(&self, random: &mut Random) -> Option<u64> {
        for _ in 0..64 {
            let index = match random.below(10) {
                0..3 if !self.recent.is_empty() => {
                    let at = random.below(self.recent.len() as u64) as usize;
                    self.recent.get(at).copied().unwrap_or_default()
                }
                0..6 => random.rank(self.contacts) * (REORDER % self.contacts.max(1)) % self.contacts.max(1),
                _ => random.below(self.contacts),
            };
            if index < self.contacts && !self.deleted.contains(&index) {
                return Some(index);
            }
        }
        (0..self.contacts).find(|index| !self.deleted.contains(index))
    }

    fn known(&mut self, index: u64) -> &mut Known {
        let (people, options) = (self.people, self.options);
        self.known.entry(index).or_insert_with(|| {
            let (person, patch) = people.contact(index, options.now);
            let urns = patch.urns.unwrap_or_default();
            Known {
                person,
                uuid: patch.uuid.unwrap_or(identity(options.seed, index)),
                name: patch.name.flatten().unwrap_or_default(),
                status: patch.status.unwrap_or_default(),
                own: urns.clone(),
                urns,
                groups: patch.groups.unwrap_or_default(),
                in_flow: patch.flow.is_some_and(|flow| flow.is_some()),
                tickets: patch.tickets.unwrap_or(0),
            }
        })
    }

    /// A contact that did not exist before.
    fn create(&mut self) -> (ContactRef, Event) {
        let index = self.contacts;
        self.contacts += 1;
        let (_, mut patch) = self.people.contact(index, self.options.now);
        patch.status = Some(Status::Active);
        patch.created_on = Some(self.moment);
        patch.modified_on = Some(Some(self.moment));
        patch.last_seen_on = Some(patch.last_seen_on.flatten().map(|_| self.moment));
        patch.tickets = Some(0);
        let known = self.known(index);
        (known.status, known.tickets) = (Status::Active, 0);
        (ContactRef::Uuid(known.uuid), Event::Created(Box::new(patch)))
    }

    fn change(&mut self, random: &mut Random) -> Option<(ContactRef, Event)> {
        let kind = random.weighted(&KINDS);
        if matches!(kind, Kind::Created) || self.contacts == self.deleted.len() as u64 {
            return Some(self.create());
        }
        let index = self.choose(random)?;
        let (people, options, moment) = (self.people, self.options, self.moment);
        let known = self.known(index);
        let contact = match random.pick(&[0, 1, 2, 3]) {
            0 => known.urns.first().cloned().map_or(ContactRef::Uuid(known.uuid), ContactRef::Urn),
            _ => ContactRef::Uuid(known.uuid),
        };
        let event = match kind {
            Kind::Field => field(random, &known.person, options.now, moment),
            Kind::Seen | Kind::Created => Event::LastSeen(Some(moment)),
            Kind::Groups => known.change_groups(random),
            Kind::Name => {
                known.name = if random.chance(40) { "".into() } else { full_name(random, &known.person).into() };
                Event::Name(Some(known.name.clone()).filter(|name| !name.is_empty()))
            }
            Kind::Language => {
                let language = random.weighted(&known.person.country.languages);
                Event::Language(random.chance(900).then(|| language.into()))
            }
            Kind::Status => {
                let next = match known.status {
                    Status::Active => {
                        random.weighted(&[(60, Status::Stopped), (20, Status::Archived), (20, Status::Blocked)])
                    }
                    _ => Status::Active,
                };
                known.status = next;
                Event::Status(next)
            }
            Kind::Urns => known.change_urns(random, people),
            Kind::Flow => {
                known.in_flow = !known.in_flow;
                Event::Flow(known.in_flow.then(|| reference(WORLD.flows.pick(random))))
            }
            Kind::Run => Event::RunStarted(reference(WORLD.flows.pick(random))),
            Kind::TicketClosed if known.tickets > 0 => {
                known.tickets -= 1;
                Event::TicketClosed
            }
            Kind::TicketOpened | Kind::TicketClosed => {
                known.tickets += 1;
                Event::TicketOpened
            }
            Kind::Deleted => {
                self.known.remove(&index);
                self.deleted.insert(index);
                Event::Deleted
            }
        };
        if self.recent.len() >= 48 {
            self.recent.pop_front();
        }
        self.recent.push_back(index);
        Some((contact, event))
    }
}

impl Known {
    /// The contact's addresses in another order, one less, or with another one that nobody else can have.
    fn change_urns(&mut self, random: &mut Random, people: &People) -> Event {
        let mut urns = self.urns.clone();
        match random.below(10) {
            0..2 if urns.len() > 1 => urns.rotate_left(1),
            0..2 if !urns.is_empty() => {
                urns.pop();
            }
            2..5 => urns = self.own.clone(),
            _ => {
                let scheme: &str = random.pick(&["tel", "tel", "tel", "telegram", "facebook", "mailto", "ext"]);
                let new = match scheme {
                    "tel" => people.addresses.second_phone(&self.person),
                    _ => people.addresses.other(scheme, &self.person, &self.name),
                };
                if urns.iter().all(|urn| urn.identity() != new.identity()) {
                    urns.insert(0, new);
                }
            }
        }
        self.urns = urns.clone();
        Event::Urns(urns)
    }

    /// Into a manual group or out of one. A contact that is not active is only taken out.
    fn change_groups(&mut self, random: &mut Random) -> Event {
        let group = reference(WORLD.groups.pick(random));
        let leaves = self.groups.contains(&group) || self.status != Status::Active;
        let group = match self.groups.first() {
            Some(first) if leaves && !self.groups.contains(&group) => first.clone(),
            _ => group,
        };
        if leaves {
            self.groups.retain(|other| *other != group);
        } else {
            self.groups.push(group.clone());
        }
        match (leaves, random.chance(300)) {
            (true, true) => Event::RemoveFromGroups(vec![group]),
            (true, false) => Event::Groups { added: vec![], removed: vec![group] },
            (false, true) => Event::AddToGroups(vec![group]),
            (false, false) => Event::Groups { added: vec![group], removed: vec![] },
        }
    }
}

/// A field is answered anew, corrected or cleared; those that forms ask for often change often.
fn field(random: &mut Random, person: &Person, now: Instant, moment: Instant) -> Event {
    let at = random.small(FIELDS.len() as u64, 1) as usize;
    let often: &str = random.pick(&["score", "balance", "next_visit", "plan", "consent", "notes", "age", "city"]);
    let key = if random.chance(600) { often } else { FIELDS.get(at).map_or(often, |(key, ..)| key) };
    let later = Instant::from_micros(now.micros().max(moment.micros()));
    // A field that this draw leaves out is mostly there in the next: clearing is rare.
    let value = (0..6).find_map(|_| answers::redraw(random, person, later, key));
    Event::Field { key: key.into(), value: value.filter(|_| !random.chance(30)) }
}

impl Iterator for Changes<'_> {
    type Item = Change;

    fn next(&mut self) -> Option<Change> {
        if self.next >= self.options.changes {
            return None;
        }
        let mut random = Random::new(self.options.seed, Purpose::Change, self.next);
        self.next += 1;
        // The stream comes from many zones; its rhythm is that of the most.
        let wait = pause(&mut random, self.moment, 120);
        self.moment = Instant::from_micros(self.moment.micros() + wait);
        let (contact, event) = self.change(&mut random)?;
        let source = self.options.source.clone().map(|name| SourcePosition { name, offset: self.next });
        Some(Change { contact: Some(contact), event, created_on: Some(self.moment), source })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.options.changes - self.next) as usize;
        (left, Some(left))
    }
}
