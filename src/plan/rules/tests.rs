//! Each rule alone: pairs of expressions, before and after.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::contact::Status;
use crate::ids::{AtomId, FieldId, GroupId};
use crate::plan::atom::{LogicalPlan, NumberBound, NumberProperty, TextProperty, TimeBound, TimeProperty};
use crate::plan::logical::normalise;
use crate::value::calendar::{RelativeTime, Unit};
use crate::value::{Decimal, Scheme};

/// An expression over atoms, as tests write it.
#[derive(Clone)]
enum Tree {
    Leaf(Atom),
    Not(Box<Tree>),
    All(Vec<Tree>),
    Any(Vec<Tree>),
    Constant(bool),
}

fn all(children: impl Into<Vec<Tree>>) -> Tree {
    Tree::All(children.into())
}
fn any(children: impl Into<Vec<Tree>>) -> Tree {
    Tree::Any(children.into())
}
/// Of a leaf.
fn not(tree: Tree) -> Tree {
    Tree::Not(Box::new(tree))
}
const NOTHING: Tree = Tree::Constant(false);
const EVERYTHING: Tree = Tree::Constant(true);

fn built(tree: &Tree, atoms: &mut Vec<Atom>, negated: bool) -> Expr {
    let children = |trees: &[Tree], atoms: &mut Vec<Atom>| trees.iter().map(|tree| built(tree, atoms, false)).collect();
    match tree {
        Tree::Leaf(atom) => {
            atoms.push(atom.clone());
            Expr::Atom { atom: AtomId(atoms.len() as u32 - 1), negated }
        }
        Tree::Not(leaf) => built(leaf, atoms, true),
        Tree::All(trees) => Expr::All(children(trees, atoms)),
        Tree::Any(trees) => Expr::Any(children(trees, atoms)),
        Tree::Constant(constant) => Expr::Constant(*constant),
    }
}

fn normalised(tree: &Tree, rules: Rules) -> LogicalPlan {
    let mut atoms = Vec::new();
    let root = built(tree, &mut atoms, false);
    normalise(&atoms, &root, rules)
}

/// With this rule alone, beside constants and equal children, `before` becomes `after`; and with all rules, too.
#[track_caller]
fn becomes(rule: Rules, before: Tree, after: Tree) {
    let with = normalised(&before, rule | Rules::CONSTANTS | Rules::EQUAL_ONCE);
    let expected = normalised(&after, Rules::EQUAL_ONCE);
    assert_eq!(with, expected);
    let full = normalised(&before, Rules::ALL);
    assert_eq!(full, normalised(&after, Rules::ALL));
}

#[track_caller]
fn stays(tree: Tree) {
    assert_eq!(normalised(&tree, Rules::ALL), normalised(&tree, Rules::EQUAL_ONCE));
}

/// Five plain atoms, none of which says anything of another.
fn letter(letter: char) -> Tree {
    Tree::Leaf(Atom::UrnContains(None, format!("{letter}{letter}{letter}").into()))
}
fn a() -> Tree {
    letter('a')
}
fn b() -> Tree {
    letter('b')
}
fn c() -> Tree {
    letter('c')
}
fn d() -> Tree {
    letter('d')
}

const AGE: NumberProperty = NumberProperty::Field(FieldId(1));

fn texts(items: &[&str]) -> Box<[Box<str>]> {
    items.iter().map(|&item| item.into()).collect()
}
fn city(items: &[&str]) -> Tree {
    Tree::Leaf(Atom::TextIn(TextProperty::Field(FieldId(2)), texts(items)))
}
fn city_set() -> Tree {
    Tree::Leaf(Atom::TextSet(TextProperty::Field(FieldId(2))))
}
fn tel(items: &[&str]) -> Tree {
    Tree::Leaf(Atom::TextIn(TextProperty::Scheme(Scheme::new("tel")), texts(items)))
}
fn tel_set() -> Tree {
    Tree::Leaf(Atom::TextSet(TextProperty::Scheme(Scheme::new("tel"))))
}
fn groups(items: &[u32]) -> Tree {
    Tree::Leaf(Atom::GroupIn(items.iter().map(|&item| GroupId(item)).collect()))
}
fn status(items: &[Status]) -> Tree {
    Tree::Leaf(Atom::StatusIn(items.into()))
}
fn age(items: &[i64]) -> Tree {
    Tree::Leaf(Atom::NumberIn(AGE, items.iter().map(|&item| Decimal::from(item)).collect()))
}
fn bound(value: i64, inclusive: bool) -> Option<NumberBound> {
    Some(NumberBound { value: Decimal::from(value), inclusive })
}
fn ages(low: Option<NumberBound>, high: Option<NumberBound>) -> Tree {
    Tree::Leaf(Atom::NumberRange(AGE, low, high))
}
fn above(value: i64) -> Tree {
    ages(bound(value, false), None)
}
fn from(value: i64) -> Tree {
    ages(bound(value, true), None)
}
fn below(value: i64) -> Tree {
    ages(None, bound(value, false))
}
fn up_to(value: i64) -> Tree {
    ages(None, bound(value, true))
}
fn age_set() -> Tree {
    ages(None, None)
}
fn seen(low: Option<TimeBound>, high: Option<TimeBound>) -> Tree {
    Tree::Leaf(Atom::TimeRange(TimeProperty::LastSeenOn, low, high))
}
fn relative(amount: i32, unit: Unit) -> Option<TimeBound> {
    Some(TimeBound::Relative { time: RelativeTime { amount, unit }, after: false })
}
fn at(seconds: i64) -> Option<TimeBound> {
    Some(TimeBound::At(crate::value::Instant::from_micros(seconds * 1_000_000)))
}

#[test]
fn nested_combinations_are_flattened() {
    becomes(Rules::FLATTEN, all([a(), all([b(), all([c(), d()])])]), all([a(), b(), c(), d()]));
    becomes(Rules::FLATTEN, any([a(), any([b(), c()])]), any([a(), b(), c()]));
    stays(all([a(), any([b(), c()])]));
}

#[test]
fn constants_are_folded() {
    becomes(Rules::CONSTANTS, all([a(), EVERYTHING]), a());
    becomes(Rules::CONSTANTS, all([a(), NOTHING, b()]), NOTHING);
    becomes(Rules::CONSTANTS, any([a(), NOTHING]), a());
    becomes(Rules::CONSTANTS, any([a(), EVERYTHING]), EVERYTHING);
    becomes(Rules::CONSTANTS, all([EVERYTHING, EVERYTHING]), EVERYTHING);
    becomes(Rules::CONSTANTS, any([all([a(), NOTHING]), b()]), b());
}

#[test]
fn equal_children_stand_once() {
    becomes(Rules::EQUAL_ONCE, any([a(), b(), a()]), any([a(), b()]));
    becomes(Rules::EQUAL_ONCE, all([any([a(), b()]), any([b(), a()])]), any([a(), b()]));
}

#[test]
fn a_child_and_its_complement_are_all_or_nothing() {
    becomes(Rules::COMPLEMENTS, all([a(), b(), not(a())]), NOTHING);
    becomes(Rules::COMPLEMENTS, any([a(), not(a())]), EVERYTHING);
    becomes(Rules::COMPLEMENTS, any([all([a(), not(b())]), any([not(a()), b()])]), EVERYTHING);
    // `age != 5 OR age = 5` is everything.
    becomes(Rules::COMPLEMENTS, any([not(age(&[5])), age(&[5])]), EVERYTHING);
}

#[test]
fn a_value_says_that_there_is_one() {
    becomes(Rules::PRESENCE, all([city(&["x"]), city_set()]), city(&["x"]));
    becomes(Rules::PRESENCE, all([city(&["x"]), not(city_set())]), NOTHING);
    becomes(Rules::PRESENCE, all([not(city(&["x"])), not(city_set())]), not(city_set()));
    becomes(Rules::PRESENCE, any([city(&["x"]), city_set()]), city_set());
    becomes(Rules::PRESENCE, any([not(tel(&["x"])), tel_set()]), EVERYTHING);
    stays(any([city(&["x"]), not(city_set())]));
    stays(all([not(city(&["x"])), city_set()]));
}

#[test]
fn equalities_become_a_set() {
    becomes(Rules::SETS, any([city(&["y"]), city(&["x"])]), city(&["x", "y"]));
    becomes(Rules::SETS, any([tel(&["y"]), tel(&["x"])]), tel(&["x", "y"]));
    becomes(Rules::SETS, all([not(tel(&["y"])), not(tel(&["x"]))]), not(tel(&["x", "y"])));
    becomes(Rules::SETS, all([city(&["x", "y"]), city(&["y", "z"])]), city(&["y"]));
    becomes(Rules::SETS, all([city(&["x", "y"]), not(city(&["y"]))]), city(&["x"]));
    becomes(Rules::SETS, all([city(&["x"]), city(&["y"])]), NOTHING);
    becomes(Rules::SETS, any([not(city(&["x"])), not(city(&["y"]))]), EVERYTHING);
    becomes(Rules::SETS, any([age(&[1]), age(&[2]), age(&[1])]), age(&[1, 2]));
    becomes(Rules::SETS, any([groups(&[2]), groups(&[1])]), groups(&[1, 2]));
    becomes(
        Rules::SETS,
        any([status(&[Status::Active]), status(&[Status::Blocked])]),
        status(&[Status::Active, Status::Blocked]),
    );
    becomes(Rules::SETS, all([status(&[Status::Active]), status(&[Status::Blocked])]), NOTHING);
    becomes(
        Rules::SETS,
        any([Tree::Leaf(Atom::NameWords(texts(&["bob"]))), Tree::Leaf(Atom::NameWords(texts(&["bo", "x1"])))]),
        Tree::Leaf(Atom::NameWords(texts(&["bo", "x1"]))),
    );
}

#[test]
fn several_values_may_meet_several_equalities() {
    stays(all([tel(&["x"]), tel(&["y"])]));
    stays(any([not(tel(&["x"])), not(tel(&["y"]))]));
    stays(all([groups(&[1]), groups(&[2])]));
    stays(all([tel(&["x", "y"]), not(tel(&["y"]))]));
    becomes(Rules::SETS, all([tel(&["x"]), not(tel(&["x", "y"]))]), NOTHING);
    becomes(Rules::SETS, all([tel(&["x"]), tel(&["x", "y"])]), tel(&["x"]));
}

#[test]
fn bounds_become_one_range() {
    becomes(Rules::RANGES, all([above(1), above(5), up_to(9), below(12)]), ages(bound(5, false), bound(9, true)));
    becomes(Rules::RANGES, all([above(30), below(20)]), NOTHING);
    becomes(Rules::RANGES, all([above(5), below(5)]), NOTHING);
    becomes(Rules::RANGES, all([from(5), up_to(5)]), age(&[5]));
    becomes(Rules::RANGES, any([above(5), up_to(5)]), age_set());
    becomes(Rules::RANGES, any([above(5), above(3)]), above(3));
    becomes(Rules::RANGES, all([age(&[3, 7]), above(5)]), age(&[7]));
    becomes(Rules::RANGES, all([age(&[3]), above(5)]), NOTHING);
    becomes(Rules::RANGES, any([age(&[3, 7]), above(5)]), any([age(&[3]), above(5)]));
    becomes(Rules::RANGES, any([age(&[5]), above(5)]), from(5));
    becomes(Rules::RANGES, all([above(5), not(above(9))]), ages(bound(5, false), bound(9, true)));
    becomes(Rules::RANGES, all([from(5), not(age(&[5]))]), above(5));
    becomes(Rules::RANGES, all([age_set(), not(above(5))]), up_to(5));
    becomes(Rules::RANGES, all([above(5), not(age_set())]), NOTHING);
    becomes(Rules::RANGES, all([not(above(5)), not(below(5))]), all([not(above(5)), not(below(5))]));
    becomes(Rules::RANGES, all([not(from(5)), not(below(5))]), not(age_set()));
    stays(any([below(5), above(5)]));
    // The complement of a range includes whoever has no value.
    becomes(Rules::RANGES, any([above(5), not(age_set())]), not(up_to(5)));
}

#[test]
fn bounds_in_time_merge_where_their_order_is_fixed() {
    use Unit::{Day, Hour, Month, Week, Year};
    becomes(
        Rules::RANGES,
        all([seen(relative(-30, Day), None), seen(relative(-1, Week), None), seen(None, relative(0, Day))]),
        seen(relative(-7, Day), relative(0, Day)),
    );
    becomes(Rules::RANGES, all([seen(relative(-7, Day), None), seen(None, relative(-30, Day))]), NOTHING);
    becomes(
        Rules::RANGES,
        any([seen(relative(-1, Year), None), seen(relative(-13, Month), None)]),
        seen(relative(-13, Month), None),
    );
    becomes(Rules::RANGES, all([seen(at(5), None), seen(None, at(9)), seen(at(7), None)]), seen(at(7), at(9)));
    becomes(Rules::RANGES, all([seen(at(5), None), seen(None, relative(-2, Hour))]), seen(at(5), relative(-2, Hour)));
    stays(all([seen(at(5), None), seen(relative(-2, Hour), None)]));
    stays(all([seen(relative(-40, Day), None), seen(relative(-1, Month), None)]));
}

#[test]
fn what_another_child_says_is_absorbed() {
    becomes(Rules::ABSORB, any([a(), all([a(), b()])]), a());
    becomes(Rules::ABSORB, all([a(), any([a(), b()])]), a());
    becomes(Rules::ABSORB, any([a(), all([not(a()), b()])]), any([a(), b()]));
    becomes(Rules::ABSORB, all([any([a(), b()]), any([a(), b(), c()])]), any([a(), b()]));
}

#[test]
fn common_parts_stand_once() {
    becomes(Rules::FACTOR, any([all([a(), b()]), all([a(), c()])]), all([a(), any([b(), c()])]));
    becomes(Rules::FACTOR, all([any([a(), b()]), any([a(), c()])]), any([a(), all([b(), c()])]));
    becomes(Rules::FACTOR, any([all([a(), b()]), all([a(), c()]), d()]), any([d(), all([a(), any([b(), c()])])]));
}

#[test]
fn leaves_are_in_their_simplest_form() {
    becomes(Rules::NONE, city(&["y", "x", "y"]), city(&["x", "y"]));
    becomes(Rules::NONE, Tree::Leaf(Atom::TextSet(TextProperty::Uuid)), EVERYTHING);
    becomes(Rules::NONE, not(status(&Status::ALL)), NOTHING);
    becomes(Rules::NONE, not(status(&[Status::Active, Status::Blocked])), status(&[Status::Stopped, Status::Archived]));
    becomes(Rules::NONE, seen(relative(1, Unit::Day), relative(0, Unit::Day)), NOTHING);
    becomes(Rules::NONE, Tree::Leaf(Atom::NumberRange(NumberProperty::Tickets, None, None)), EVERYTHING);
}

#[test]
fn merged_children_are_looked_at_again() {
    becomes(Rules::ALL, any([all([a(), above(30), below(20)]), all([b(), not(b())]), c()]), c());
    becomes(Rules::ALL, all([any([above(5), up_to(5)]), age_set(), a()]), all([age_set(), a()]));
}
