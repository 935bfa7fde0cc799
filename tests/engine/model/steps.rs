//! What can happen to a workspace, drawn at random.

use headcount::internals::contact::Status;
use headcount::internals::ids::Uuid;
use headcount::internals::schema::FieldType;
use headcount::internals::sema::query::Dialect;
use headcount::internals::value::{Instant, Urn};
use headcount::internals::workspace::{ContactPatch, Event, NamedRef, Override};
use proptest::prelude::*;
use proptest::sample::select;

use super::texts::{FLOWS, GROUPS, KINDS, in_dialects, languages, moment, names, urns, values};

/// One step; positions stand for whatever is there, counted round.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A transaction; `abandoned` ones are dropped at their end.
    Batch { skip: Skip, by_hand: bool, abandoned: bool, ops: Vec<Op> },
    /// The clock moves.
    Tick(Skip),
    /// A reader of another moment than the clock's.
    Look(Skip),
    /// The store is closed and opened again.
    Reopen,
    /// Words to the text index, tails into containers.
    Index,
    /// Groups with a pending query are filled a little further.
    Fill(Skip),
    /// The log is kept for so many days from now on.
    Keep(Option<u32>),
    /// Everything that is derived is made anew.
    Rebuild,
    /// Another zone and order of dates.
    Settings(usize),
    /// Another type for a field.
    EditField(usize, FieldType),
}

/// How far time goes on before a step.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Skip {
    /// By so many microseconds, perhaps backwards.
    By(i64),
    /// To the next moment at which something flips, and so many microseconds beyond.
    Due(i64),
}

/// One call on a writer.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Event { contact: u8, by_urn: Option<Urn>, event: Event, created_on: Option<Instant>, offset: Option<u64> },
    Put { contact: u8, patch: ContactPatch, by_urn: bool },
    Create { contact: u8, patch: ContactPatch },
    Delete { contact: u8 },
    CreateSmart { name: usize, dialect: Dialect, query: String },
    CreateManual { name: usize },
    EditGroup { group: usize, dialect: Dialect, query: String },
    CancelEdit { group: usize },
    Rename { group: usize, name: usize },
    DeleteGroup { group: usize },
    Move { group: usize, contacts: Vec<u8>, inside: bool },
    Override { group: usize, contacts: Vec<u8>, to: Option<Override> },
    AddField { field: usize },
}

/// The identity of a contact of this world.
pub(crate) fn uuid(contact: u8) -> Uuid {
    Uuid([contact + 1; 16])
}

/// Contacts of this world.
pub(crate) const CONTACTS: u8 = 24;

fn skip() -> impl Strategy<Value = Skip> {
    const SECOND: i64 = 1_000_000;
    prop_oneof![
        6 => Just(Skip::By(0)),
        3 => (0i64..3_600).prop_map(|seconds| Skip::By(seconds * SECOND)),
        3 => (0i64..48).prop_map(|hours| Skip::By(hours * 3_600 * SECOND)),
        1 => (0i64..20).prop_map(|days| Skip::By(days * 86_400 * SECOND)),
        1 => (-3i64..0).prop_map(|hours| Skip::By(hours * 3_600 * SECOND)),
        2 => (-1i64..2).prop_map(Skip::Due),
    ]
}

fn group() -> impl Strategy<Value = NamedRef> {
    select(&GROUPS[..]).prop_map(|name| NamedRef { uuid: None, name: Some(name.into()) })
}

fn flow() -> impl Strategy<Value = NamedRef> {
    let names: Vec<&'static str> = FLOWS.into_iter().chain(["Nowhere"]).collect();
    select(names).prop_map(|name| NamedRef { uuid: None, name: Some(name.into()) })
}

fn urn() -> impl Strategy<Value = Urn> {
    urns().prop_map(|text| Urn::parse(&text).unwrap())
}

fn status() -> impl Strategy<Value = Status> {
    prop_oneof![3 => Just(Status::Active), 1 => select(&Status::ALL[..])]
}

fn boxed(text: String) -> Box<str> {
    text.into()
}

fn field() -> impl Strategy<Value = (Box<str>, Option<Box<str>>)> {
    (0..KINDS.len()).prop_flat_map(|at| {
        let value = prop::option::weighted(0.8, values(KINDS[at]).prop_map(boxed));
        (Just(format!("f{at}").into()), value)
    })
}

fn event() -> impl Strategy<Value = Event> {
    let groups = || prop::collection::vec(group(), 0..3);
    prop_oneof![
        8 => field().prop_map(|(key, value)| Event::Field { key, value }),
        2 => prop::option::of(names().prop_map(boxed)).prop_map(Event::Name),
        1 => prop::option::of(languages().prop_map(boxed)).prop_map(Event::Language),
        3 => status().prop_map(Event::Status),
        2 => prop::collection::vec(urn(), 0..3).prop_map(Event::Urns),
        2 => (groups(), groups()).prop_map(|(added, removed)| Event::Groups { added, removed }),
        1 => groups().prop_map(Event::AddToGroups),
        1 => groups().prop_map(Event::RemoveFromGroups),
        1 => Just(Event::RemoveFromAllGroups),
        3 => prop::option::of(moment()).prop_map(Event::LastSeen),
        1 => prop::option::of(flow()).prop_map(Event::Flow),
        1 => flow().prop_map(Event::RunStarted),
        1 => Just(Event::TicketOpened),
        1 => Just(Event::TicketClosed),
    ]
}

fn patch() -> impl Strategy<Value = ContactPatch> {
    fn key<T: std::fmt::Debug + Clone>(of: impl Strategy<Value = T>) -> impl Strategy<Value = Option<Option<T>>> {
        prop::option::weighted(0.4, prop::option::weighted(0.8, of))
    }
    let own = (
        key(names().prop_map(boxed)),
        key(languages().prop_map(boxed)),
        key(select(&["1", "2", "33"][..]).prop_map(Box::from)),
        key(select(&["AB12", "C"][..]).prop_map(Box::from)),
        prop::option::weighted(0.4, status()),
    );
    let sets = (
        prop::option::weighted(0.3, prop::collection::vec(urn(), 0..3)),
        prop::option::weighted(0.2, prop::collection::vec(group(), 0..3)),
        prop::collection::vec((group(), any::<bool>()), 0..2),
        prop::collection::vec(field(), 0..6),
    );
    let flows = (
        key(flow()),
        prop::option::weighted(0.2, prop::collection::vec(flow(), 0..3)),
        prop::option::weighted(0.2, 0u32..4),
    );
    let times = (prop::option::weighted(0.3, moment()), key(moment()), key(moment()));
    (own, sets, flows, times).prop_map(|(own, sets, flows, times)| ContactPatch {
        name: own.0,
        language: own.1,
        id: own.2,
        reference: own.3,
        status: own.4,
        urns: sets.0,
        groups: sets.1,
        group_flags: sets.2,
        fields: sets.3,
        flow: flows.0,
        history: flows.1,
        tickets: flows.2,
        created_on: times.0,
        modified_on: times.1,
        last_seen_on: times.2,
        ..ContactPatch::default()
    })
}

fn put() -> BoxedStrategy<Op> {
    let all = (0..CONTACTS, patch(), prop::bool::weighted(0.1));
    all.prop_map(|(contact, patch, by_urn)| Op::Put { contact, patch, by_urn }).boxed()
}

/// A line of a stream.
fn change() -> BoxedStrategy<Op> {
    let contact = || 0..CONTACTS;
    let change = (
        contact(),
        prop::option::weighted(0.1, urn()),
        event(),
        prop::option::of(moment()),
        prop::option::weighted(0.1, 0u64..50),
    );
    prop_oneof![
        10 => change.prop_map(|(contact, by_urn, event, created_on, offset)| Op::Event { contact, by_urn, event, created_on, offset }),
        1 => (contact(), patch()).prop_map(|(contact, patch)| Op::Create { contact, patch }),
        1 => contact().prop_map(|contact| Op::Delete { contact }),
    ]
    .boxed()
}

fn contact_op() -> BoxedStrategy<Op> {
    prop_oneof![12 => change(), 5 => put()].boxed()
}

fn overrides() -> impl Strategy<Value = Option<Override>> {
    select(vec![Some(Override::Pinned), Some(Override::Excluded), None])
}

fn op() -> BoxedStrategy<Op> {
    let place = || 0usize..64;
    prop_oneof![
        30 => contact_op(),
        4 => (place(), in_dialects(false)).prop_map(|(name, (dialect, query))| Op::CreateSmart { name, dialect, query }),
        1 => place().prop_map(|name| Op::CreateManual { name }),
        3 => (place(), in_dialects(false)).prop_map(|(group, (dialect, query))| Op::EditGroup { group, dialect, query }),
        1 => place().prop_map(|group| Op::CancelEdit { group }),
        1 => (place(), place()).prop_map(|(group, name)| Op::Rename { group, name }),
        1 => place().prop_map(|group| Op::DeleteGroup { group }),
        1 => (place(), prop::collection::vec(0..CONTACTS, 0..4), any::<bool>())
            .prop_map(|(group, contacts, inside)| Op::Move { group, contacts, inside }),
        2 => (place(), prop::collection::vec(0..CONTACTS, 0..5), overrides())
            .prop_map(|(group, contacts, to)| Op::Override { group, contacts, to }),
        1 => (0..KINDS.len()).prop_map(|field| Op::AddField { field }),
    ]
    .boxed()
}

fn batch(ops: BoxedStrategy<Vec<Op>>) -> BoxedStrategy<Step> {
    (skip(), prop::bool::weighted(0.15), prop::bool::weighted(0.08), ops)
        .prop_map(|(skip, by_hand, abandoned, ops)| Step::Batch { skip, by_hand, abandoned, ops })
        .boxed()
}

fn step() -> BoxedStrategy<Step> {
    prop_oneof![
        10 => batch(op().prop_map(|op| vec![op]).boxed()),
        6 => batch(prop::collection::vec(op(), 2..8).boxed()),
        1 => batch(prop::collection::vec(contact_op(), 20..60).boxed()),
        1 => batch(prop::collection::vec(change(), 20..60).boxed()),
        1 => batch(prop::collection::vec(put(), 20..40).boxed()),
        5 => skip().prop_map(Step::Tick),
        2 => skip().prop_map(Step::Look),
        1 => Just(Step::Reopen),
        2 => Just(Step::Index),
        6 => skip().prop_map(Step::Fill),
        1 => prop_oneof![
            1 => prop::option::of(0u32..30).prop_map(Step::Keep),
            1 => Just(Step::Rebuild),
            2 => (0usize..5).prop_map(Step::Settings),
            2 => (0..KINDS.len(), select(&FieldType::ALL[..])).prop_map(|(field, kind)| Step::EditField(field, kind)),
        ],
    ]
    .boxed()
}

/// A workspace's life: the fields that it begins with, what happens, and what is searched for in the meantime.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    pub(crate) fields: Vec<usize>,
    pub(crate) settings: usize,
    pub(crate) steps: Vec<(Step, Dialect, String)>,
}

/// A life of so many steps; it begins with contacts and groups.
pub(crate) fn life(steps: usize) -> impl Strategy<Value = Life> {
    let all: Vec<usize> = (0..KINDS.len()).collect();
    let contacts =
        (0..CONTACTS).map(|contact| patch().prop_map(move |patch| Op::Put { contact, patch, by_urn: false }).boxed());
    let group = || {
        (0usize..64, in_dialects(false)).prop_map(|(name, (dialect, query))| Op::CreateSmart { name, dialect, query })
    };
    let birth = (contacts.collect::<Vec<_>>(), prop::collection::vec(group(), 4..10)).prop_map(|(contacts, groups)| {
        let ops = contacts.into_iter().chain(groups).collect();
        Step::Batch { skip: Skip::By(0), by_hand: false, abandoned: false, ops }
    });
    let searched = |step: BoxedStrategy<Step>| {
        (step, in_dialects(true)).prop_map(|(step, (dialect, query))| (step, dialect, query))
    };
    let steps = prop::collection::vec(searched(step()), steps);
    (prop::sample::subsequence(all, 5..=KINDS.len()), 0usize..5, searched(birth.boxed()), steps).prop_map(
        |(fields, settings, first, rest)| {
            let steps = std::iter::once(first).chain(rest).collect();
            Life { fields, settings, steps }
        },
    )
}
