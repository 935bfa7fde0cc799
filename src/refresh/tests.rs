//! The engine against an evaluator of one atom over one contact that is obviously right.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::contact::{Contact, ContactView, FieldValue, Status, TypedValue};
use crate::ids::{AtomId, DocumentNumber, FieldId, FlowId, GroupId, Uuid};
use crate::plan::atom::*;
use crate::value::calendar::{AnniversaryDay, DaysOfYear, RelativeTime, Unit, date_of};
use crate::value::location::last_part;
use crate::value::words::{name_words, words};
use crate::value::{Decimal, Instant, Scheme, Urn, fold};

const CITY: FieldId = FieldId(0);
const AGE: FieldId = FieldId(1);
const JOINED: FieldId = FieldId(2);
const STATE: FieldId = FieldId(3);
const NOTE: FieldId = FieldId(4);

/// Manual groups have these numbers and above, smart ones below.
const MANUAL: u32 = 100;

pub(super) fn instant(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

fn folded(text: &str) -> String {
    fold::fold(text).into_owned()
}

fn texts(contact: &Contact, property: &TextProperty) -> Vec<String> {
    let field = |field| contact.fields.get(field).filter(|value| value.typed == TypedValue::Text);
    match property {
        TextProperty::Uuid => vec![contact.uuid.to_string()],
        TextProperty::Id => contact.id.iter().map(|text| folded(text)).collect(),
        TextProperty::Ref => contact.reference.iter().map(|text| folded(text)).collect(),
        TextProperty::Name => contact.name.iter().map(|text| folded(text)).collect(),
        TextProperty::Language => contact.language.iter().map(|text| folded(text)).collect(),
        TextProperty::Urn => contact.urns.iter().map(|urn| folded(urn.path())).collect(),
        TextProperty::Scheme(scheme) => {
            let of_scheme = contact.urns.iter().filter(|urn| urn.scheme() == scheme.as_str());
            of_scheme.map(|urn| folded(urn.path())).collect()
        }
        TextProperty::Field(id) => field(id).map(|value| folded(&value.text)).into_iter().collect(),
        TextProperty::Place(id) => field(id).map(|value| folded(last_part(&value.text))).into_iter().collect(),
    }
}

fn numbers(contact: &Contact, property: NumberProperty) -> Option<Decimal> {
    match property {
        NumberProperty::Tickets => Some(Decimal::from(i64::from(contact.tickets))),
        NumberProperty::Field(field) => match contact.fields.get(&field)?.typed {
            TypedValue::Number(number) => Some(number),
            _ => None,
        },
    }
}

fn time(contact: &Contact, property: TimeProperty) -> Option<Instant> {
    match property {
        TimeProperty::CreatedOn => Some(contact.created_on),
        TimeProperty::LastSeenOn => contact.last_seen_on,
        TimeProperty::Field(field) => match contact.fields.get(&field)?.typed {
            TypedValue::Instant(instant) => Some(instant),
            _ => None,
        },
    }
}

fn contains_words(text: &str, wanted: &WordMatch) -> bool {
    let words = words(text);
    match wanted {
        WordMatch::All(wanted) => wanted.iter().all(|word| words.iter().any(|found| **found == **word)),
        WordMatch::Phrase(phrase) => {
            words.windows(phrase.len()).any(|run| run.iter().zip(phrase).all(|(a, b)| **a == **b))
        }
        WordMatch::Prefix(phrase) => words.windows(phrase.len()).any(|run| {
            let last = phrase.len() - 1;
            run[..last].iter().zip(phrase).all(|(a, b)| **a == **b) && run[last].starts_with(&*phrase[last])
        }),
    }
}

/// Whether an atom holds of a contact that is in these smart groups.
fn holds(atom: &Atom, contact: &Contact, smart: &BTreeSet<GroupId>, moment: &Moment) -> bool {
    let now = moment.now();
    let zone = moment.timezone();
    let bound = |bound: &TimeBound| match *bound {
        TimeBound::At(instant) => instant,
        TimeBound::Relative { time, after: false } => time.span(now, zone).0,
        TimeBound::Relative { time, after: true } => time.span(now, zone).1,
    };
    match atom {
        Atom::TextIn(property, values) => {
            texts(contact, property).iter().any(|text| values.iter().any(|value| **value == **text))
        }
        Atom::TextSet(property) => !texts(contact, property).is_empty(),
        Atom::NumberIn(property, values) => numbers(contact, *property).is_some_and(|number| values.contains(&number)),
        Atom::NumberRange(property, low, high) => numbers(contact, *property).is_some_and(|number| {
            low.is_none_or(|low| number > low.value || low.inclusive && number == low.value)
                && high.is_none_or(|high| number < high.value || high.inclusive && number == high.value)
        }),
        Atom::TimeRange(property, low, high) => time(contact, *property).is_some_and(|value| {
            low.as_ref().is_none_or(|low| value >= bound(low)) && high.as_ref().is_none_or(|high| value < bound(high))
        }),
        Atom::Anniversary(property, low, high) => time(contact, *property)
            .is_some_and(|value| DaysOfYear::between(*low, *high, now, zone).contains(date_of(value, zone))),
        Atom::StatusIn(statuses) => statuses.contains(&contact.status),
        Atom::GroupIn(groups) => groups.iter().any(|group| smart.contains(group) || contact.groups.contains(group)),
        Atom::GroupSet => !contact.groups.is_empty() || !smart.is_empty(),
        Atom::FlowIn(flows) => contact.flow.is_some_and(|flow| flows.contains(&flow)),
        Atom::FlowSet => contact.flow.is_some(),
        Atom::HistoryIn(flows) => contact.history.iter().any(|flow| flows.contains(flow)),
        Atom::HistorySet => !contact.history.is_empty(),
        Atom::NameWords(wanted) => contact.name.as_ref().is_some_and(|name| {
            name_words(name).iter().any(|word| wanted.iter().any(|wanted| word.starts_with(&**wanted)))
        }),
        Atom::UrnContains(scheme, text) => contact.urns.iter().any(|urn| {
            scheme.as_ref().is_none_or(|scheme| scheme.as_str() == urn.scheme())
                && fold::lower(urn.path()).contains(&**text)
        }),
        Atom::FieldWords(field, wanted) => contact
            .fields
            .get(field)
            .is_some_and(|value| value.typed == TypedValue::Text && contains_words(&value.text, wanted)),
    }
}

fn expression_holds(expr: &Expr, atoms: &dyn Fn(AtomId) -> bool) -> bool {
    match expr {
        Expr::Constant(holds) => *holds,
        Expr::Atom { atom, negated } => atoms(*atom) != *negated,
        Expr::All(children) => children.iter().all(|child| expression_holds(child, atoms)),
        Expr::Any(children) => children.iter().any(|child| expression_holds(child, atoms)),
    }
}

pub(super) type Groups = BTreeMap<GroupId, LogicalPlan>;

/// The smart groups that a contact is in.
pub(super) fn memberships(groups: &Groups, contact: Option<&Contact>, moment: &Moment) -> BTreeSet<GroupId> {
    let mut members = BTreeSet::new();
    let Some(contact) = contact.filter(|contact| contact.status == Status::Active) else { return members };
    let references = groups.iter().map(|(&group, plan)| (group, order::references(plan))).collect();
    for group in order::topological(&references).unwrap() {
        let plan = &groups[&group];
        let atom = |atom: AtomId| holds(&plan.atoms[atom.0 as usize], contact, &members, moment);
        if expression_holds(&plan.root, &atom) {
            members.insert(group);
        }
    }
    members
}

/// What the engine should say of changes.
fn expected(groups: &Groups, changes: &[RowChange<Contact>], moment: &Moment) -> Vec<Flips> {
    let mut flips: BTreeMap<GroupId, Flips> = BTreeMap::new();
    for change in changes {
        let was = memberships(groups, change.before.as_ref(), moment);
        let is = memberships(groups, change.after.as_ref(), moment);
        for &group in was.symmetric_difference(&is) {
            let moved = flips.entry(group).or_insert_with(|| Flips { group, entered: Vec::new(), left: Vec::new() });
            if is.contains(&group) { &mut moved.entered } else { &mut moved.left }.push(change.document);
        }
    }
    flips.into_values().collect()
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
fn moment_near() -> impl Strategy<Value = Instant> {
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
            },
        )
}

/// New, deleted, changed in one part or in all.
fn change() -> impl Strategy<Value = (Option<Contact>, Option<Contact>)> {
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

fn changes() -> impl Strategy<Value = Vec<RowChange<Contact>>> {
    proptest::collection::vec(change(), 1..90).prop_map(|list| {
        let numbered = list.into_iter().zip(0..);
        numbered
            .map(|((before, after), at)| RowChange { document: DocumentNumber(at * 7 + 3), before, after })
            .collect()
    })
}

pub(super) fn engine(groups: &Groups, moment: &Moment) -> Engine {
    Engine::new(Table::build(groups.clone()).unwrap(), moment.clone())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn moves_are_what_the_evaluator_says(groups in groups(), changes in changes(), moment in moment()) {
        let engine = engine(&groups, &moment);
        let expected = expected(&groups, &changes, &moment);
        prop_assert_eq!(&engine.apply(&changes).flips, &expected);
        // One by one, and again in the same memory.
        for change in &changes {
            let one = std::slice::from_ref(change);
            prop_assert_eq!(engine.apply(one).flips, self::expected(&groups, one, &moment));
        }
        prop_assert_eq!(&engine.apply(&changes).flips, &expected);
    }

    #[test]
    fn a_table_follows_its_groups(groups in groups(), changes in changes(), moment in moment(), moved in moment_near()) {
        let mut built = Engine::new(Table::build([]).unwrap(), moment.clone());
        for (&group, plan) in &groups {
            built.set_table(built.table().with(group, plan.clone()).unwrap());
        }
        prop_assert_eq!(&built.apply(&changes).flips, &expected(&groups, &changes, &moment));
        let moved = moment.at(moved);
        built.set_now(moved.clone());
        prop_assert_eq!(&built.apply(&changes).flips, &expected(&groups, &changes, &moved));
        let mut fewer = groups.clone();
        let (gone, _) = fewer.pop_first().unwrap();
        built.set_table(built.table().without(gone).unwrap());
        prop_assert_eq!(&built.apply(&changes).flips, &expected(&fewer, &changes, &moved));
    }

    #[test]
    fn groups_outside_of_a_table_are_asked_for(groups in groups(), changes in changes(), moment in moment(), picks: [bool; 9]) {
        let all = Table::build(groups.clone()).unwrap();
        let chosen: Vec<GroupId> = groups.keys().zip(picks).filter(|pick| pick.1).map(|pick| *pick.0).collect();
        let engine = Engine::new(all.subset(&chosen).unwrap(), moment.clone());
        let outside = |group: GroupId, document: DocumentNumber, side: Side| {
            let change = changes.iter().find(|change| change.document == document).unwrap();
            let contact = match side { Side::Before => change.before.as_ref(), Side::After => change.after.as_ref() };
            memberships(&groups, contact, &moment).contains(&group)
        };
        let mut expected = expected(&groups, &changes, &moment);
        expected.retain(|flips| chosen.contains(&flips.group));
        prop_assert_eq!(engine.apply_with(&changes, &outside).flips, expected);
    }
}
