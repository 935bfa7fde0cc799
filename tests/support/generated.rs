//! Queries and contacts drawn at random from a small world, so that they meet often.

use std::sync::Arc;

use headcount::internals::contact::{Contact, FieldValue, Status, TypedValue};
use headcount::internals::ids::{FieldId, FlowId, GroupId, Uuid};
use headcount::internals::schema::FieldType;
use headcount::internals::sema::query::{
    AnniversaryDay, Comparator, Condition, Dialect, FieldProperty, Literal, Node, Pattern, PatternKind, Property,
    Query, RelativeTime, Test, Unit, Value,
};
use headcount::internals::span::Span;
use headcount::internals::value::calendar::date_of;
use headcount::internals::value::day::Day;
use headcount::internals::value::words::{name_words, words};
use headcount::internals::value::{Decimal, Instant, Scheme, Urn, fold::fold};
use jiff::civil::date;
use jiff::tz::TimeZone;
use proptest::prelude::*;

const AGE: FieldId = FieldId(1);
const CITY: FieldId = FieldId(2);
const JOINED: FieldId = FieldId(3);
const STATE: FieldId = FieldId(4);

const HOUR: i64 = 3_600_000_000;

pub(crate) fn zone() -> impl Strategy<Value = TimeZone> {
    prop::sample::select(&["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "America/Sao_Paulo"][..])
        .prop_map(|name| TimeZone::get(name).unwrap())
}

/// About a moment near leap days, ends of months, changes of clocks and a day that a zone goes over.
pub(crate) fn moment() -> impl Strategy<Value = Instant> {
    let anchors = [
        "2024-02-29T04:30:00Z",
        "2024-03-10T07:00:00Z",
        "2023-12-31T23:59:59.999999Z",
        "2024-11-03T06:00:00Z",
        // Apia goes over a day.
        "2011-12-30T10:00:00Z",
    ];
    (prop::sample::select(anchors.to_vec()), -60 * 24i64..60 * 24, prop_oneof![Just(0i64), Just(-1), Just(1)]).prop_map(
        |(anchor, hours, micros)| {
            Instant::from_micros(Instant::parse(anchor).unwrap().micros() + hours * HOUR + micros)
        },
    )
}

fn number() -> impl Strategy<Value = Decimal> {
    prop::sample::select(&["-1", "0", "1", "1.5", "2", "3", "5"][..]).prop_map(|text| Decimal::parse(text).unwrap())
}

fn text() -> impl Strategy<Value = String> {
    prop::sample::select(&["Bob", "bob smith", " BOB ", "Ann", "  ", "İan", "Kigali"][..]).prop_map(str::to_owned)
}

fn place() -> impl Strategy<Value = String> {
    prop::sample::select(&["Rwanda > Kigali", "Rwanda", "kigali", "Rwanda > Ann"][..]).prop_map(str::to_owned)
}

fn urn() -> impl Strategy<Value = Urn> {
    prop::sample::select(&["tel:+250788", "tel:+250789", "twitter:Bob", "twitter:ann", "tel:bob"][..])
        .prop_map(|text| Urn::parse(text).unwrap())
}

fn field(id: FieldId, kind: FieldType) -> Property {
    Property::Field(Arc::new(FieldProperty { id: Some(id), key: format!("field{}", id.0).into(), kind }))
}

fn literal(text: impl Into<Box<str>>, value: Value) -> Literal {
    Literal { text: text.into(), value }
}

fn folded(text: String) -> Literal {
    let value = Value::Text(fold(&text).into());
    literal(text, value)
}

fn relative(units: &'static [Unit]) -> impl Strategy<Value = RelativeTime> {
    (prop_oneof![-3i32..4, -60i32..60], prop::sample::select(units))
        .prop_map(|(amount, unit)| RelativeTime { amount, unit })
}

const DAYS: &[Unit] = &[Unit::Day, Unit::Week, Unit::Month, Unit::Year];
const ALL_UNITS: &[Unit] = &[Unit::Minute, Unit::Hour, Unit::Day, Unit::Week, Unit::Month, Unit::Year];

/// Of a zone, or at an offset of its own; near other moments, or at an end of the calendar.
fn day() -> impl Strategy<Value = Value> {
    let date = prop_oneof![
        8 => moment().prop_map(|moment| date_of(moment, &TimeZone::UTC)),
        1 => prop::sample::select(vec![date(1, 1, 1), date(1, 1, 2), date(9999, 12, 30), date(9999, 12, 31)]),
    ];
    let offset = prop::option::weighted(0.2, prop::sample::select(vec![0, 3600, -5 * 3600, 86_340, -86_340]));
    (date, offset).prop_map(|(date, offset)| {
        let day = offset.map_or_else(|| Day::new(date), |offset| Day::at_offset(date, offset));
        Value::Day(day.unwrap())
    })
}

/// What a contact's dates may be.
fn value() -> impl Strategy<Value = Instant> {
    let ends = [
        "9999-12-31T23:59:59.999999-23:59",
        "9999-12-31T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
    ];
    prop_oneof![
        8 => moment(),
        1 => (prop::sample::select(ends.to_vec()), -30i64..30).prop_map(|(end, hours)| {
            Instant::from_micros((Instant::parse(end).unwrap().micros() + hours * HOUR).min(Instant::MAX.micros() - 1))
        }),
    ]
}

fn date_literal() -> impl Strategy<Value = Literal> {
    prop_oneof![day(), relative(ALL_UNITS).prop_map(Value::Relative)].prop_map(|value| literal("date", value))
}

/// For `=`: an instant takes none.
fn day_literal() -> impl Strategy<Value = Literal> {
    prop_oneof![day(), relative(DAYS).prop_map(Value::Relative)].prop_map(|value| literal("day", value))
}

fn anniversary_day() -> impl Strategy<Value = AnniversaryDay> {
    prop_oneof![
        relative(&[Unit::Day, Unit::Week]).prop_map(AnniversaryDay::Relative),
        (1u8..=12, 1u8..=28).prop_map(|(month, day)| AnniversaryDay::Fixed { month, day }),
        Just(AnniversaryDay::Fixed { month: 2, day: 29 }),
    ]
}

fn comparator() -> impl Strategy<Value = Comparator> {
    prop::sample::select(
        &[Comparator::Greater, Comparator::GreaterOrEqual, Comparator::Less, Comparator::LessOrEqual][..],
    )
}

/// Equality and all that is made of it.
fn equalities(literal: BoxedStrategy<Literal>) -> BoxedStrategy<Test> {
    prop_oneof![
        literal.clone().prop_map(Test::Equals),
        literal.clone().prop_map(Test::Differs),
        (prop::collection::vec(literal, 1..4), any::<bool>(), any::<bool>())
            .prop_map(|(items, unset, negated)| Test::In { items, unset, negated }),
        Just(Test::Set),
        Just(Test::Unset),
    ]
    .boxed()
}

fn order(literal: BoxedStrategy<Literal>) -> BoxedStrategy<Test> {
    let ends = (prop::option::of(literal.clone()), prop::option::of(literal.clone()), any::<bool>());
    prop_oneof![
        (comparator(), literal).prop_map(|(comparator, literal)| Test::Compares(comparator, literal)),
        ends.prop_filter("an end", |(low, high, _)| low.is_some() || high.is_some())
            .prop_map(|(low, high, negated)| Test::Between { low, high, negated }),
    ]
    .boxed()
}

fn condition_of(property: Property, test: BoxedStrategy<Test>) -> BoxedStrategy<Condition> {
    test.prop_map(move |test| Condition { property: property.clone(), test, span: Span::default() }).boxed()
}

fn pattern(text: &str, kind: PatternKind) -> Test {
    Test::Contains(Pattern { text: text.into(), kind })
}

fn boxed(words: Vec<String>) -> Box<[Box<str>]> {
    words.into_iter().map(Into::into).collect()
}

pub(crate) fn condition() -> BoxedStrategy<Condition> {
    let texts = || equalities(text().prop_map(folded).boxed());
    let paths = || equalities(urn().prop_map(|urn| folded(urn.path().to_owned())).boxed());
    let numbers = || number().prop_map(|number| literal(number.to_string(), Value::Number(number))).boxed();
    let dates = || prop_oneof![equalities(day_literal().boxed()), order(date_literal().boxed())].boxed();
    let flows = || equalities((1u32..3).prop_map(|id| literal("flow", Value::Flow(Some(FlowId(id))))).boxed());
    let groups = (1u32..4).prop_map(|id| literal("group", Value::Group(Some(GroupId(id))))).boxed();
    let statuses =
        prop::sample::select(&Status::ALL[..]).prop_map(|status| literal(status.name(), Value::Status(status))).boxed();
    let name_words = prop::sample::select(&["bo", "ann bo", "smith", "ia"][..])
        .prop_map(|text| pattern(text, PatternKind::NameWords(boxed(name_words(text)))));
    let part = || {
        prop::sample::select(&["250", "bob", "789"][..])
            .prop_map(|text| pattern(text, PatternKind::Substring(text.into())))
    };
    let city_words =
        (prop::sample::select(&["bob", "bob smith", "smith bob", "bob smi"][..]), 0..3).prop_map(|(text, kind)| {
            let words = boxed(words(text));
            pattern(text, [PatternKind::Words, PatternKind::Phrase, PatternKind::Prefix][kind as usize](words))
        });
    let anniversary = (anniversary_day(), anniversary_day()).prop_map(|(low, high)| Test::Anniversary { low, high });
    prop_oneof![
        4 => condition_of(field(AGE, FieldType::Number), prop_oneof![equalities(numbers()), order(numbers())].boxed()),
        1 => condition_of(Property::Tickets, prop_oneof![equalities(numbers()), order(numbers())].boxed()),
        3 => condition_of(field(CITY, FieldType::Text), prop_oneof![texts(), city_words.boxed()].boxed()),
        3 => condition_of(field(JOINED, FieldType::Datetime), prop_oneof![2 => dates(), 1 => anniversary.boxed()].boxed()),
        2 => condition_of(Property::LastSeenOn, dates()),
        1 => condition_of(Property::CreatedOn, dates()),
        2 => condition_of(field(STATE, FieldType::State), texts()),
        2 => condition_of(Property::Name, prop_oneof![texts(), name_words.boxed()].boxed()),
        1 => condition_of(Property::Language, texts()),
        2 => condition_of(Property::Urn, prop_oneof![paths(), part().boxed()].boxed()),
        2 => condition_of(Property::Scheme(Scheme::new("tel")), prop_oneof![paths(), part().boxed()].boxed()),
        2 => condition_of(Property::Status, equalities(statuses)),
        2 => condition_of(Property::Group, equalities(groups)),
        1 => condition_of(Property::Flow, flows()),
        2 => condition_of(Property::History, flows()),
    ]
    .boxed()
}

/// A combination of the given conditions' kind, as deep as people write them.
pub(crate) fn node() -> impl Strategy<Value = Node> {
    // Few different conditions in one query, so that they meet.
    prop::collection::vec(condition(), 1..5).prop_flat_map(|conditions| {
        let leaf = prop::sample::select(conditions).prop_map(|condition| Node::Condition(Box::new(condition)));
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 2..5).prop_map(Node::All),
                prop::collection::vec(inner.clone(), 2..5).prop_map(Node::Any),
                inner.prop_map(|node| Node::Not(Box::new(node))),
            ]
        })
    })
}

pub(crate) fn query_of(root: Node) -> Query {
    Query { dialect: Dialect::Extended, root }
}

pub(crate) fn contact() -> impl Strategy<Value = Contact> {
    let fields = (
        prop::option::of(prop_oneof![4 => number().prop_map(Some), 1 => Just(None)]),
        prop::option::of(text()),
        prop::option::of(prop_oneof![4 => value().prop_map(Some), 1 => Just(None)]),
        prop::option::of(place()),
    );
    let own = (prop::option::of(text()), prop::option::of(text()), prop::sample::select(&Status::ALL[..]), 0u32..3);
    let sets = (
        prop::collection::vec(urn(), 0..3),
        prop::collection::btree_set(1u32..4, 0..3),
        prop::option::of(1u32..3),
        prop::collection::btree_set(1u32..3, 0..3),
    );
    (fields, own, sets, value(), prop::option::of(value())).prop_map(
        |(
            (age, city, joined, state),
            (name, language, status, tickets),
            (urns, groups, flow, history),
            created,
            seen,
        )| {
            let mut contact = Contact::new(Uuid::random(), created);
            contact.name = name.map(Into::into);
            contact.language = language.map(Into::into);
            contact.status = status;
            contact.tickets = tickets;
            contact.urns = urns;
            contact.groups = groups.into_iter().map(GroupId).collect();
            contact.flow = flow.map(FlowId);
            contact.history = history.into_iter().map(FlowId).collect();
            contact.last_seen_on = seen;
            let mut put = |id, text: String, typed| contact.fields.insert(id, FieldValue { text: text.into(), typed });
            if let Some(age) = age {
                put(AGE, "age".to_owned(), age.map_or(TypedValue::Unconvertible, TypedValue::Number));
            }
            if let Some(city) = city {
                put(CITY, city, TypedValue::Text);
            }
            if let Some(joined) = joined {
                put(JOINED, "joined".to_owned(), joined.map_or(TypedValue::Unconvertible, TypedValue::Instant));
            }
            if let Some(state) = state {
                put(STATE, state, TypedValue::Text);
            }
            contact
        },
    )
}
