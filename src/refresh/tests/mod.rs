//! The engine against an evaluator of one atom over one contact that is obviously right.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use proptest::prelude::*;

mod clock;
mod data;
mod fill;

use data::*;

use super::*;
use crate::contact::{Contact, FieldValue, Status, TypedValue};
use crate::ids::{AtomId, DocumentNumber, GroupId, Uuid};
use crate::plan::atom::*;
use crate::value::calendar::{DaysOfYear, Unit, date_of};
use crate::value::location::last_part;
use crate::value::words::{name_words, words};
use crate::value::{Decimal, Instant, fold};

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

/// Pins and exclusions: sets of a few contacts for each of many groups.
#[test]
fn memberships_kept_outside_cost_what_there_are_and_not_groups_times_contacts() {
    const GROUPS: u32 = 300;
    struct One;
    impl Memberships for One {
        fn holds(&self, group: GroupId, document: DocumentNumber, _: Side) -> bool {
            group.0 - 1000 == document.0
        }
        fn held_among(
            &self,
            _: &mut dyn Iterator<Item = GroupId>,
            document: DocumentNumber,
            _: Side,
            found: &mut dyn FnMut(GroupId),
        ) -> u64 {
            found(GroupId(1000 + document.0));
            1
        }
    }
    let plan = |at: u32| {
        let atoms = vec![
            Atom::NumberIn(NumberProperty::Tickets, [Decimal::from(i64::from(at) + 1)].into()),
            Atom::GroupIn([GroupId(1000 + at)].into()),
        ];
        let leaf = |atom| Expr::Atom { atom: crate::ids::AtomId(atom), negated: false };
        (GroupId(at), LogicalPlan { atoms, root: Expr::Any(vec![leaf(0), leaf(1)]) })
    };
    let outside = (0..GROUPS).map(|at| GroupId(1000 + at));
    let table = Table::build_beside((0..GROUPS).map(plan), outside).unwrap();
    let zone = jiff::tz::TimeZone::UTC;
    let engine = Engine::new(table, Moment::new(Instant::default(), zone));
    let contact = |tickets| {
        let mut contact = Contact::new(crate::ids::Uuid([1; 16]), Instant::default());
        contact.tickets = tickets;
        contact
    };
    let (before, after) = (contact(0), contact(7));
    let change = |at| RowChange { document: DocumentNumber(at), before: Some(&before), after: Some(&after) };
    let changes: Vec<_> = (0..GROUPS).map(change).collect();
    let Outcome { flips, counters, .. } = engine.apply_with(&changes, &One);
    // Whoever has seven tickets now is in the seventh group; the one that is pinned there was before.
    assert_eq!(flips.iter().map(|flips| (flips.group.0, flips.entered.len())).collect::<Vec<_>>(), [(6, 299)]);
    assert!(counters.values <= u64::from(GROUPS) * 8, "{counters:?}");
}
