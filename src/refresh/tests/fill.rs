//! Filling and editing, and what is not done when it need not be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::*;
use crate::ids::Block;
use crate::refresh::fill::Edit;

/// Document numbers over two blocks, some of them in one run of a batch.
fn spread(at: usize) -> DocumentNumber {
    DocumentNumber(match at % 4 {
        0 => at as u32,
        1 => 5_000 + at as u32 * 3,
        2 => 65_000 + at as u32,
        _ => 65_536 + at as u32 * 700,
    })
}

fn rows_of(contacts: &[Contact]) -> BTreeMap<DocumentNumber, &Contact> {
    contacts.iter().enumerate().map(|(at, contact)| (spread(at), contact)).collect()
}

fn members(
    groups: &Groups,
    rows: &BTreeMap<DocumentNumber, &Contact>,
    moment: &Moment,
) -> BTreeMap<GroupId, RoaringBitmap> {
    let mut members: BTreeMap<GroupId, RoaringBitmap> = BTreeMap::new();
    for (document, contact) in rows {
        for group in memberships(groups, Some(contact), moment) {
            members.entry(group).or_default().insert(document.0);
        }
    }
    members
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn filling_gives_the_members(
        groups in groups(),
        contacts in proptest::collection::vec(contact(), 0..40),
        moment in moment(),
        picks: [bool; 9],
    ) {
        let rows = rows_of(&contacts);
        let expected = members(&groups, &rows, &moment);
        let whole = engine(&groups, &moment);
        let of_block = |block: Block| rows.iter().filter(move |(d, _)| d.block() == block).map(|(&d, &c)| (d, c));
        let filled = whole.fill(&[Block(0), Block(1)], of_block, &NoMemberships);
        prop_assert_eq!(filled.members.into_iter().collect::<BTreeMap<_, _>>(), expected.clone());

        // Some groups only, the others answered from what they were found to be.
        let chosen: Vec<GroupId> = groups.keys().zip(picks).filter(|pick| pick.1).map(|pick| *pick.0).collect();
        let part = Engine::new(whole.table().subset(&chosen).unwrap(), moment.clone());
        let outside = |group: GroupId, document: DocumentNumber, _: Side| {
            expected.get(&group).is_some_and(|members| members.contains(document.0))
        };
        let filled = part.fill(&[Block(0), Block(1)], of_block, &outside);
        let mut expected_part = expected.clone();
        expected_part.retain(|group, _| chosen.contains(group));
        prop_assert_eq!(filled.members.into_iter().collect::<BTreeMap<_, _>>(), expected_part);

        // The same as if all contacts were new.
        let news: Vec<RowChange<&Contact>> =
            rows.iter().map(|(&document, &contact)| RowChange { document, before: None, after: Some(contact) }).collect();
        let entered = whole.apply(&news).flips.into_iter().map(|flips| {
            prop_assert!(flips.left.is_empty());
            Ok((flips.group, flips.entered.into_iter().map(|document| document.0).collect::<RoaringBitmap>()))
        });
        prop_assert_eq!(entered.collect::<Result<BTreeMap<_, _>, TestCaseError>>()?, expected);
    }

    #[test]
    fn an_edit_says_who_would_move(
        groups in groups(),
        edited in groups(),
        contacts in proptest::collection::vec(contact(), 0..40),
        moment in moment(),
    ) {
        let (&group, _) = groups.first_key_value().unwrap();
        // A plan without references, so that no circle arises.
        let mut plan = edited.into_values().next().unwrap();
        for atom in &mut plan.atoms {
            if let Atom::GroupIn(of) = atom {
                *of = of.iter().copied().filter(|group| group.0 >= 100).collect();
            }
        }
        let rows = rows_of(&contacts);
        let was = members(&groups, &rows, &moment);
        let mut new_groups = groups.clone();
        new_groups.insert(group, plan.clone());
        let is = members(&new_groups, &rows, &moment);
        let outside = |group: GroupId, document: DocumentNumber, _: Side| {
            was.get(&group).is_some_and(|members| members.contains(document.0))
        };
        let edit = Edit::new(&engine(&groups, &moment), group, plan).unwrap();
        let mut flips: BTreeMap<GroupId, (RoaringBitmap, RoaringBitmap)> = BTreeMap::new();
        for block in [Block(0), Block(1)] {
            let of_block = rows.iter().filter(|(d, _)| d.block() == block).map(|(&d, &c)| (d, c));
            for moved in edit.block(block, of_block, &outside) {
                let (entered, left) = flips.entry(moved.group).or_default();
                entered.extend(moved.entered.iter().map(|d| d.0));
                left.extend(moved.left.iter().map(|d| d.0));
            }
        }
        let none = RoaringBitmap::new();
        for &group in groups.keys() {
            let (was, is) = (was.get(&group).unwrap_or(&none), is.get(&group).unwrap_or(&none));
            let (entered, left) = flips.remove(&group).unwrap_or_default();
            prop_assert_eq!((entered, left), (is - was, was - is));
        }
    }
}

fn plan_of(atom: Atom) -> LogicalPlan {
    LogicalPlan { atoms: vec![atom], root: Expr::Atom { atom: AtomId(0), negated: false } }
}

#[test]
fn a_change_costs_nothing_for_groups_that_do_not_look_at_it() {
    let city = |city: &str| plan_of(Atom::TextIn(TextProperty::Field(CITY), [Box::from(city)].into()));
    let above = |age: i64| {
        let low = NumberBound { value: Decimal::from(age), inclusive: true };
        plan_of(Atom::NumberRange(NumberProperty::Field(AGE), Some(low), None))
    };
    let mut groups: Groups = (0..1000).map(|at| (GroupId(at), above(i64::from(at)))).collect();
    groups.insert(GroupId(2000), city("kigali"));
    groups.insert(GroupId(2001), city("york"));
    groups.insert(GroupId(2002), city("huye"));
    let moment = Moment::new(instant("2026-06-15T12:00:00Z"), TimeZone::UTC);
    let engine = engine(&groups, &moment);

    let mut before = Contact::new(Uuid([0; 16]), moment.now());
    let text = |text: &str| FieldValue { text: text.into(), typed: TypedValue::Text };
    let number = |n: i64| FieldValue { text: n.to_string().into(), typed: TypedValue::Number(Decimal::from(n)) };
    before.fields.insert(CITY, text("Kigali"));
    before.fields.insert(AGE, number(36));
    let mut moved = before.clone();
    moved.fields.insert(CITY, text("York"));
    let change = |before: &Contact, after: &Contact| RowChange {
        document: DocumentNumber(1),
        before: Some(before.clone()),
        after: Some(after.clone()),
    };
    let outcome = engine.apply(&[change(&before, &moved)]);
    assert_eq!(outcome.flips.len(), 2);
    // The two cities that flipped; not the third, nor any age.
    assert_eq!((outcome.counters.groups, outcome.counters.words), (2, 2));
    assert_eq!((outcome.counters.values, outcome.counters.vectors), (2, 3));

    // A city that no group can tell from another costs the look-ups alone.
    let mut elsewhere = moved.clone();
    moved.fields.insert(CITY, text("Rome"));
    elsewhere.fields.insert(CITY, text("Oslo"));
    let counters = engine.apply(&[change(&moved, &elsewhere)]).counters;
    assert_eq!(counters, Counters { contacts: 1, values: 2, ..Counters::default() });

    // Ages move the groups between the two.
    let mut older = before.clone();
    older.fields.insert(AGE, number(40));
    let outcome = engine.apply(&[change(&before, &older)]);
    assert_eq!((outcome.flips.len(), outcome.counters.groups), (4, 4));
}
