//! Laws of the language, and what is none; and that no rule of normalisation changes what a query means.

use headcount::internals::contact::{Contact, FieldValue, TypedValue};
use headcount::internals::ids::{FieldId, GroupId, Uuid};
use headcount::internals::lint::claims;
use headcount::internals::model::workspace::Cause;
use headcount::internals::model::{Context, NoGroups, Workspace, matches};
use headcount::internals::plan::logical::{lower, lower_with, normalise};
use headcount::internals::plan::rules::Rules;
use headcount::internals::schema::FieldType;
use headcount::internals::sema::query::{
    Comparator, Condition, FieldProperty, Literal, Node, Property, RelativeTime, Test, Unit, Value,
};
use headcount::internals::span::Span;
use headcount::internals::value::{Decimal, Instant};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use crate::support::generated::{condition, contact, moment, node, query_of, zone};

fn holds(node: &Node, contact: &Contact, zone: &TimeZone, now: Instant) -> bool {
    matches(&query_of(node.clone()), contact, &Context { zone, now, memberships: &contact.groups })
}

fn leaf(condition: Condition) -> Node {
    Node::Condition(Box::new(condition))
}

fn with(condition: &Condition, test: Test) -> Node {
    leaf(Condition { test, ..condition.clone() })
}

fn not(node: Node) -> Node {
    Node::Not(Box::new(node))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_rule_changes_what_a_query_means(
        node in node(), contacts in prop::collection::vec(contact(), 8), zone in zone(), now in moment(),
    ) {
        let query = query_of(node);
        let mut plans = vec![lower(&query), lower_with(&query, Rules::NONE), lower(&query).at(now, &zone)];
        for (_, rule) in Rules::EACH {
            plans.push(lower_with(&query, rule));
            plans.push(lower_with(&query, Rules::ALL.without(rule)));
        }
        for contact in &contacts {
            let context = Context { zone: &zone, now, memberships: &contact.groups };
            let expected = matches(&query, contact, &context);
            for plan in &plans {
                prop_assert_eq!(plan.evaluate(contact, &context), expected, "{:?}", plan);
            }
        }
    }

    #[test]
    fn what_the_linter_claims_is_true(
        node in node(), contacts in prop::collection::vec(contact(), 16), zone in zone(), now in moment(),
    ) {
        for claim in claims(&query_of(node)) {
            for contact in &contacts {
                prop_assert_eq!(holds(&claim.clause, contact, &zone, now), claim.holds, "{:?}", claim.clause);
            }
        }
    }

    #[test]
    fn a_normalised_plan_stays_as_it_is(node in node()) {
        let plan = lower(&query_of(node));
        prop_assert_eq!(normalise(&plan.atoms, &plan.root, Rules::ALL), plan);
    }

    #[test]
    fn double_negation_and_de_morgan(
        nodes in prop::collection::vec(node(), 2..4), contact in contact(), zone in zone(), now in moment(),
    ) {
        let holds = |node: &Node| holds(node, &contact, &zone, now);
        let negated: Vec<Node> = nodes.iter().cloned().map(not).collect();
        prop_assert_eq!(holds(&not(not(nodes[0].clone()))), holds(&nodes[0]));
        prop_assert_eq!(holds(&not(Node::All(nodes.clone()))), holds(&Node::Any(negated.clone())));
        prop_assert_eq!(holds(&not(Node::Any(nodes))), holds(&Node::All(negated)));
    }

    #[test]
    fn tests_are_made_of_one_another(
        condition in condition(), contact in contact(), zone in zone(), now in moment(),
    ) {
        let holds = |node: &Node| holds(node, &contact, &zone, now);
        let with = |test| with(&condition, test);
        let is_set = holds(&with(Test::Set));
        prop_assert_eq!(holds(&with(Test::Unset)), !is_set);
        match condition.test.clone() {
            Test::Equals(literal) | Test::Differs(literal) => {
                // NOT (p = x) is p != x.
                let equal = with(Test::Equals(literal.clone()));
                prop_assert_eq!(holds(&not(equal.clone())), holds(&with(Test::Differs(literal))));
                prop_assert!(is_set || !holds(&equal));
            }
            Test::In { items, unset, .. } => {
                // IN is an OR of equalities, NOT IN its complement.
                let equalities = items.iter().map(|item| with(Test::Equals(item.clone())));
                let either = Node::Any(equalities.chain(unset.then(|| with(Test::Unset))).collect());
                let is_in = |negated| with(Test::In { items: items.clone(), unset, negated });
                prop_assert_eq!(holds(&is_in(false)), holds(&either));
                prop_assert_eq!(holds(&is_in(true)), !holds(&either));
            }
            Test::Between { low, high, .. } => {
                // A range is two bounds.
                let bound = |comparator, end: Option<Literal>| end.map(|end| with(Test::Compares(comparator, end)));
                let bounds = bound(Comparator::GreaterOrEqual, low.clone())
                    .into_iter()
                    .chain(bound(Comparator::LessOrEqual, high.clone()));
                let both = Node::All(bounds.collect());
                let between = |negated| with(Test::Between { low: low.clone(), high: high.clone(), negated });
                prop_assert_eq!(holds(&between(false)), holds(&both));
                prop_assert_eq!(holds(&between(true)), !holds(&both));
            }
            Test::Compares(comparator, literal) => {
                // The complement of an order comparison is the opposite one only where there is a value.
                let opposite = match comparator {
                    Comparator::Greater => Comparator::LessOrEqual,
                    Comparator::GreaterOrEqual => Comparator::Less,
                    Comparator::Less => Comparator::GreaterOrEqual,
                    Comparator::LessOrEqual => Comparator::Greater,
                };
                let complement = holds(&not(with(Test::Compares(comparator, literal.clone()))));
                prop_assert_eq!(complement, !is_set || holds(&with(Test::Compares(opposite, literal))));
            }
            _ => {}
        }
    }

    #[test]
    fn the_model_s_clock_stops_wherever_a_relative_bound_flips(
        conditions in prop::collection::vec(condition(), 1..4),
        mut contacts in prop::collection::vec(contact(), 1..4),
        zone in zone(), start in moment(), hours in prop::collection::vec(1i64..400, 1..5),
    ) {
        contacts.iter_mut().for_each(|contact| contact.status = headcount::internals::contact::Status::Active);
        let mut workspace = Workspace::new(zone.clone(), start);
        workspace.put(contacts.clone(), start, Cause::Change);
        // Group conditions are about groups that nobody has here.
        for (at, condition) in conditions.iter().filter(|condition| condition.property != Property::Group).enumerate() {
            workspace.put_smart_group(GroupId(100 + at as u32), query_of(leaf(condition.clone())), start).unwrap();
        }
        let mut now = start;
        for hours in hours {
            now = Instant::from_micros(now.micros() + hours * 3_600_000_000);
            let logged = workspace.log().len();
            workspace.tick(now);
            prop_assert!(workspace.is_settled());
            for entry in &workspace.log()[logged..] {
                prop_assert_eq!(entry.cause, Cause::Clock);
                prop_assert!(entry.at <= now);
                // A microsecond before, nothing had moved yet.
                let just_before = Instant::from_micros(entry.at.micros() - 1);
                for (&(group, uuid), &entered) in &entry.moves {
                    let condition = &conditions.iter().filter(|c| c.property != Property::Group).nth(group.0 as usize - 100).unwrap();
                    let contact = &workspace.contacts()[&uuid];
                    prop_assert_eq!(holds(&leaf((*condition).clone()), contact, &zone, just_before), !entered);
                }
            }
        }
        let replayed = workspace.members_as_of(now);
        for (group, members) in replayed {
            prop_assert_eq!(members, workspace.members(group));
        }
    }
}

const AGE: FieldId = FieldId(1);

fn age(test: Test) -> Node {
    let field = FieldProperty { id: Some(AGE), key: "age".into(), kind: FieldType::Number };
    leaf(Condition { property: Property::Field(field.into()), test, span: Span::default() })
}

fn number(number: i64) -> Literal {
    Literal { text: number.to_string().into(), value: Value::Number(number.into()) }
}

fn aged(age: Option<i64>) -> Contact {
    let mut contact = Contact::new(Uuid::random(), Instant::from_micros(0));
    if let Some(age) = age {
        let typed = TypedValue::Number(Decimal::from(age));
        contact.fields.insert(AGE, FieldValue { text: age.to_string().into(), typed });
    }
    contact
}

#[test]
fn not_above_is_not_at_most_without_a_value() {
    let above = age(Test::Compares(Comparator::Greater, number(5)));
    let at_most = age(Test::Compares(Comparator::LessOrEqual, number(5)));
    let of = |node: &Node, age| holds(node, &aged(age), &TimeZone::UTC, Instant::from_micros(0));
    assert!(of(&not(above.clone()), None) && !of(&at_most, None));
    assert!(of(&not(above), Some(5)) && of(&at_most, Some(5)));
}

#[test]
fn differs_or_equals_is_everything_and_above_or_at_most_is_not() {
    let everything = Node::Any(vec![age(Test::Differs(number(5))), age(Test::Equals(number(5)))]);
    assert_eq!(lower(&query_of(everything)).root, headcount::internals::plan::atom::Expr::Constant(true));
    let with_value = Node::Any(vec![
        age(Test::Compares(Comparator::Greater, number(5))),
        age(Test::Compares(Comparator::LessOrEqual, number(5))),
    ]);
    assert_eq!(lower(&query_of(with_value)), lower(&query_of(age(Test::Set))));
}

fn seen(comparator: Comparator, amount: i32, unit: Unit) -> Node {
    let literal = Literal { text: "".into(), value: Value::Relative(RelativeTime { amount, unit }) };
    leaf(Condition { property: Property::LastSeenOn, test: Test::Compares(comparator, literal), span: Span::default() })
}

/// The moment at which a contact seen at a moment enters a group, in New York.
fn enters(node: Node, seen: &str, start: &str, end: &str) -> Option<String> {
    let zone = TimeZone::get("America/New_York").unwrap();
    let (start, end) = (Instant::parse(start).unwrap(), Instant::parse(end).unwrap());
    let mut workspace = Workspace::new(zone, start);
    let mut contact = aged(None);
    contact.last_seen_on = Instant::parse(seen);
    workspace.put([contact], start, Cause::Change);
    workspace.put_smart_group(GroupId(1), query_of(node), start).unwrap();
    workspace.tick(end);
    workspace.log().first().map(|entry| entry.at.to_string())
}

#[test]
fn days_are_counted_by_the_calendar_across_a_change_of_clocks() {
    // Clocks go forward on 8 March 2026: the day after 30 days have gone by begins at 04:00 UTC, not 05:00.
    let over_30_days = || seen(Comparator::Less, -30, Unit::Day);
    let entered = enters(over_30_days(), "2026-02-10T12:00:00Z", "2026-02-15T00:00:00Z", "2026-04-01T00:00:00Z");
    assert_eq!(entered.as_deref(), Some("2026-03-13T04:00:00Z"));
    // Hours are not: 48 hours later to the microsecond.
    let over_48_hours = seen(Comparator::Less, -48, Unit::Hour);
    let entered = enters(over_48_hours, "2026-03-07T12:00:00Z", "2026-03-07T13:00:00Z", "2026-04-01T00:00:00Z");
    assert_eq!(entered.as_deref(), Some("2026-03-09T12:00:00.000001Z"));
}

#[test]
fn months_end_where_they_end() {
    // A month before 28 to 31 March is the end of February, so who was seen on the 28th is too old on 1 April.
    let over_a_month = || seen(Comparator::Less, -1, Unit::Month);
    let entered = enters(over_a_month(), "2026-02-28T12:00:00Z", "2026-03-15T00:00:00Z", "2026-05-01T00:00:00Z");
    assert_eq!(entered.as_deref(), Some("2026-04-01T04:00:00Z"));
    // A year before 29 February 2028 is 28 February 2027.
    let over_a_year = seen(Comparator::Less, -1, Unit::Year);
    let entered = enters(over_a_year, "2027-02-28T12:00:00Z", "2027-03-15T00:00:00Z", "2028-05-01T00:00:00Z");
    assert_eq!(entered.as_deref(), Some("2028-03-01T05:00:00Z"));
}

#[test]
fn groups_nest_and_never_in_a_circle() {
    let now = Instant::from_micros(0);
    let group = |id| Literal { text: "".into(), value: Value::Group(Some(GroupId(id))) };
    let in_group = |id| {
        query_of(leaf(Condition { property: Property::Group, test: Test::Equals(group(id)), span: Span::default() }))
    };
    let mut workspace = Workspace::new(TimeZone::UTC, now);
    let contact = aged(Some(7));
    let uuid = contact.uuid;
    workspace.put([contact.clone(), aged(None)], now, Cause::Change);
    workspace.put_smart_group(GroupId(1), query_of(age(Test::Set)), now).unwrap();
    workspace.put_smart_group(GroupId(2), in_group(1), now).unwrap();
    workspace.put_smart_group(GroupId(3), in_group(2), now).unwrap();
    assert_eq!(workspace.members(GroupId(3)), [uuid].into());
    assert_eq!(workspace.groups_of(uuid), [GroupId(1), GroupId(2), GroupId(3)].into());
    let cycle = workspace.put_smart_group(GroupId(1), in_group(3), now).unwrap_err();
    assert_eq!(cycle.0, [GroupId(1), GroupId(3), GroupId(2), GroupId(1)]);
    let mut older = contact;
    older.status = headcount::internals::contact::Status::Blocked;
    workspace.put([older], now, Cause::Change);
    assert!(workspace.members(GroupId(3)).is_empty() && workspace.is_settled());
    assert!(!matches(&in_group(1), &aged(None), &Context { zone: &TimeZone::UTC, now, memberships: &NoGroups }));
}
