//! Groups, contacts and changes drawn at random, small enough to collide.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::Groups;
use crate::contact::{Contact, FieldValue, Status, TypedValue};
use crate::ids::{AtomId, DocumentNumber, FieldId, FlowId, GroupId, Uuid};
use crate::plan::atom::*;
use crate::refresh::{Moment, RowChange};
use crate::value::calendar::{AnniversaryDay, RelativeTime, Unit};
use crate::value::{Decimal, Instant, Scheme, Urn};

pub(super) const CITY: FieldId = FieldId(0);
pub(super) const AGE: FieldId = FieldId(1);
pub(super) const JOINED: FieldId = FieldId(2);
const STATE: FieldId = FieldId(3);
const NOTE: FieldId = FieldId(4);

/// Manual groups have these numbers and above, smart ones below.
const MANUAL: u32 = 100;

pub(super) fn instant(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

fn boxed<T: Ord>(mut list: Vec<T>) -> Box<[T]> {
    list.sort();
    list.dedup();
    list.into_boxed_slice()
}

fn strings(of: &'static [&'static str], count: std::ops::Range<usize>) -> impl Strategy<Value = Box<[Box<str>]>> {
    proptest::collection::vec(proptest::sample::select(of), count)
        .prop_map(|list| boxed(list.into_iter().map(Box::from).collect()))
}

fn text_property() -> impl Strategy<Value = TextProperty> {
    proptest::sample::select(vec![
        TextProperty::Id,
        TextProperty::Ref,
        TextProperty::Name,
        TextProperty::Language,
        TextProperty::Urn,
        TextProperty::Scheme(Scheme::new("tel")),
        TextProperty::Scheme(Scheme::new("viber")),
        TextProperty::Field(CITY),
        TextProperty::Place(STATE),
        TextProperty::Field(NOTE),
    ])
}

fn time_property() -> impl Strategy<Value = TimeProperty> {
    proptest::sample::select(vec![TimeProperty::CreatedOn, TimeProperty::LastSeenOn, TimeProperty::Field(JOINED)])
}

fn relative() -> impl Strategy<Value = RelativeTime> {
    let unit = proptest::sample::select(vec![Unit::Minute, Unit::Hour, Unit::Day, Unit::Week, Unit::Month, Unit::Year]);
    (-5i32..4, unit).prop_map(|(amount, unit)| RelativeTime { amount, unit })
}

fn time_bound() -> impl Strategy<Value = TimeBound> {
    prop_oneof![
        moment_near().prop_map(TimeBound::At),
        (relative(), any::<bool>()).prop_map(|(time, after)| TimeBound::Relative { time, after }),
    ]
}

fn anniversary_day() -> impl Strategy<Value = AnniversaryDay> {
    prop_oneof![
        (-10i32..10).prop_map(|amount| AnniversaryDay::Relative(RelativeTime { amount, unit: Unit::Day })),
        (-2i32..2).prop_map(|amount| AnniversaryDay::Relative(RelativeTime { amount, unit: Unit::Month })),
        (1u8..13, 1u8..29).prop_map(|(month, day)| AnniversaryDay::Fixed { month, day }),
    ]
}

/// Moments within some months around the one at which things are evaluated, often the same ones.
pub(super) fn moment_near() -> impl Strategy<Value = Instant> {
    let start = instant("2028-02-28T22:00:00Z").micros();
    prop_oneof![
        (-200i64..200).prop_map(move |days| Instant::from_micros(start + days * 86_400_000_000)),
        (-300i64..300).prop_map(move |minutes| Instant::from_micros(start + minutes * 60_000_000)),
        (-6i64..3, -40i64..40)
            .prop_map(move |(years, days)| { Instant::from_micros(start + (years * 365 + days) * 86_400_000_000 + 7) }),
    ]
}

pub(super) fn zone() -> impl Strategy<Value = TimeZone> {
    proptest::sample::select(vec![
        "UTC",
        "America/New_York",
        "Africa/Kigali",
        "America/Sao_Paulo",
        "Australia/Lord_Howe",
    ])
    .prop_map(|name| TimeZone::get(name).unwrap())
}

pub(super) fn moment() -> impl Strategy<Value = Moment> {
    (moment_near(), zone()).prop_map(|(now, zone)| Moment::new(now, zone))
}

const WORDS: &[&str] = &["bo", "bob", "ann", "smith", "new", "york", "maximili", "o'brien"];
const TEXTS: &[&str] = &["bob smith", "kigali", "new york", "ann", "eng", "fra", "5", "+250788123123", ""];

fn number() -> impl Strategy<Value = Decimal> {
    prop_oneof![(-3i64..8).prop_map(Decimal::from), (0i64..20).prop_map(|n| Decimal::parse(&format!("{n}.5")).unwrap())]
}

fn number_bound() -> impl Strategy<Value = NumberBound> {
    (number(), any::<bool>()).prop_map(|(value, inclusive)| NumberBound { value, inclusive })
}

fn atom(groups_below: u32) -> impl Strategy<Value = Atom> {
    let number_property = || proptest::sample::select(vec![NumberProperty::Tickets, NumberProperty::Field(AGE)]);
    let group_ids = prop_oneof![Just(MANUAL), Just(MANUAL + 1), 0..groups_below.max(1)];
    let flows = || proptest::collection::vec((0u32..3).prop_map(FlowId), 1..3).prop_map(boxed);
    let word_lists = || proptest::collection::vec(proptest::sample::select(WORDS), 1..3);
    let words = |list: Vec<&'static str>| list.into_iter().map(Box::from).collect::<Box<[Box<str>]>>();
    prop_oneof![
        4 => (text_property(), strings(TEXTS, 1..4)).prop_map(|(p, values)| Atom::TextIn(p, values)),
        1 => text_property().prop_map(Atom::TextSet),
        1 => (number_property(), proptest::collection::vec(number(), 1..4)).prop_map(|(p, v)| Atom::NumberIn(p, boxed(v))),
        3 => (number_property(), proptest::option::of(number_bound()), proptest::option::of(number_bound()))
            .prop_map(|(p, low, high)| Atom::NumberRange(p, low, high)),
        5 => (time_property(), proptest::option::of(time_bound()), proptest::option::of(time_bound()))
            .prop_map(|(p, low, high)| Atom::TimeRange(p, low, high)),
        2 => (time_property(), anniversary_day(), anniversary_day()).prop_map(|(p, low, high)| Atom::Anniversary(p, low, high)),
        1 => proptest::sample::subsequence(Status::ALL.to_vec(), 1..3).prop_map(|s| Atom::StatusIn(boxed(s))),
        3 => proptest::collection::vec(group_ids.prop_map(GroupId), 1..3).prop_map(|g| Atom::GroupIn(boxed(g))),
        1 => flows().prop_map(Atom::FlowIn),
        1 => Just(Atom::FlowSet),
        1 => flows().prop_map(Atom::HistoryIn),
        1 => Just(Atom::HistorySet),
        1 => strings(WORDS, 1..3).prop_map(Atom::NameWords),
        1 => (proptest::option::of(Just(Scheme::new("tel"))), proptest::sample::select(vec!["078", "123", "bob"]))
            .prop_map(|(scheme, text)| Atom::UrnContains(scheme, text.into())),
        1 => word_lists().prop_map(move |w| Atom::FieldWords(NOTE, WordMatch::All(words(w)))),
        1 => word_lists().prop_map(move |w| Atom::FieldWords(NOTE, WordMatch::Phrase(words(w)))),
        1 => word_lists().prop_map(move |w| Atom::FieldWords(NOTE, WordMatch::Prefix(words(w)))),
    ]
}

fn expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        12 => (0u32..4, any::<bool>()).prop_map(|(atom, negated)| Expr::Atom { atom: AtomId(atom), negated }),
        1 => any::<bool>().prop_map(Expr::Constant),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Expr::All),
            proptest::collection::vec(inner, 2..4).prop_map(Expr::Any),
        ]
    })
}

/// Groups that refer to those of lower numbers, in numbers that do not follow the order of reference.
pub(super) fn groups() -> impl Strategy<Value = Groups> {
    (1usize..9, any::<bool>()).prop_flat_map(|(count, reversed)| {
        let plans: Vec<_> = (0..count)
            .map(|at| {
                (proptest::collection::vec(atom(at as u32), 4), expr()).prop_map(move |(mut atoms, root)| {
                    for atom in &mut atoms {
                        if let Atom::GroupIn(groups) = atom {
                            let renamed = groups.iter().filter(|group| group.0 >= MANUAL || group.0 < at as u32);
                            let rename = |group: &GroupId| match group.0 {
                                smart if smart < MANUAL && reversed => GroupId(50 - smart),
                                _ => *group,
                            };
                            *atom = Atom::GroupIn(boxed(renamed.map(rename).collect()));
                        }
                    }
                    (GroupId(if reversed { 50 - at as u32 } else { at as u32 }), LogicalPlan { atoms, root })
                })
            })
            .collect();
        plans.prop_map(|plans| plans.into_iter().collect())
    })
}

fn field_value(field: FieldId) -> BoxedStrategy<FieldValue> {
    match field {
        AGE => prop_oneof![
            6 => number().prop_map(|n| FieldValue { text: n.to_string().into(), typed: TypedValue::Number(n) }),
            1 => Just(FieldValue { text: "old".into(), typed: TypedValue::Unconvertible }),
        ]
        .boxed(),
        JOINED => {
            moment_near().prop_map(|i| FieldValue { text: i.to_string().into(), typed: TypedValue::Instant(i) }).boxed()
        }
        STATE => proptest::sample::select(vec!["Rwanda > Kigali", "Kigali", "NEW YORK", "Rwanda > "])
            .prop_map(|t| FieldValue { text: t.into(), typed: TypedValue::Text })
            .boxed(),
        _ => proptest::sample::select(vec![
            " Kigali ",
            "new york",
            "Ann",
            "Bob Smith of New York",
            "York New Bobby",
            " ",
        ])
        .prop_map(|t| FieldValue { text: t.into(), typed: TypedValue::Text })
        .boxed(),
    }
}

pub(super) fn contact() -> impl Strategy<Value = Contact> {
    let names = proptest::sample::select(vec!["Bob Smith", "ANN", "Maximiliane O'Brien", "New York", "5"]);
    let urns = proptest::sample::select(vec!["tel:+250788123123", "viber:Bob123", "tel:0788", "mailto:ANN@x.yz"]);
    let status = prop_oneof![6 => Just(Status::Active), 1 => Just(Status::Blocked), 1 => Just(Status::Archived)];
    let field = |field| proptest::option::of(field_value(field).prop_map(move |value| (field, value)));
    let fields = (field(CITY), field(AGE), field(JOINED), field(STATE), field(NOTE));
    let fields = fields.prop_map(|(a, b, c, d, e)| [a, b, c, d, e].into_iter().flatten().collect());
    let some = |texts: Vec<&'static str>| proptest::option::of(proptest::sample::select(texts));
    let ids = |from: u32| proptest::collection::vec(from..from + 3, 0..3).prop_map(|ids| boxed(ids).into_vec());
    (
        (some(vec!["5", "77"]), proptest::option::of(names), some(vec!["ENG", "fra"]), status),
        (proptest::collection::vec(urns, 0..3), ids(MANUAL), ids(0), proptest::option::of(0u32..3), 0u32..3),
        (moment_near(), proptest::option::of(moment_near()), fields),
    )
        .prop_map(
            |((id, name, language, status), (urns, groups, history, flow, tickets), (created, seen, fields))| Contact {
                uuid: Uuid([0; 16]),
                id: id.map(Box::from),
                reference: None,
                name: name.map(Box::from),
                language: language.map(Box::from),
                status,
                urns: urns.into_iter().map(|urn| Urn::parse(urn).unwrap()).collect(),
                groups: groups.into_iter().map(GroupId).collect(),
                flow: flow.map(FlowId),
                history: history.into_iter().map(FlowId).collect(),
                tickets,
                created_on: created,
                modified_on: None,
                last_seen_on: seen,
                fields,
                events: crate::event::History::default(),
            },
        )
}

/// New, deleted, changed in one part or in all.
pub(super) fn change() -> impl Strategy<Value = (Option<Contact>, Option<Contact>)> {
    let part = (contact(), contact(), 0usize..8).prop_map(|(before, other, part)| {
        let mut after = before.clone();
        match part {
            0 => after.name = other.name,
            1 => after.urns = other.urns,
            2 => after.groups = other.groups,
            3 => after.last_seen_on = other.last_seen_on,
            4 => after.status = other.status,
            _ => {
                let field = FieldId(part as u16 % 5);
                match other.fields.get(&field) {
                    Some(value) => after.fields.insert(field, value.clone()),
                    None => after.fields.remove(&field),
                };
            }
        }
        (Some(before), Some(after))
    });
    prop_oneof![
        6 => part,
        1 => contact().prop_map(|contact| (None, Some(contact))),
        1 => contact().prop_map(|contact| (Some(contact), None)),
        1 => (contact(), contact()).prop_map(|(before, after)| (Some(before), Some(after))),
    ]
}

pub(super) fn changes() -> impl Strategy<Value = Vec<RowChange<Contact>>> {
    proptest::collection::vec(change(), 1..90).prop_map(|list| {
        let numbered = list.into_iter().zip(0..);
        numbered
            .map(|((before, after), at)| RowChange { document: DocumentNumber(at * 7 + 3), before, after })
            .collect()
    })
}
