//! Equalities on one property into a set: `a = x OR a = y` is `a IN (x, y)`, and so for `a != x AND a != y`.
//!
//! Where a contact has one value at most, `a IN (x, y) AND a IN (y, z)` is `a = y`, and `a IN (x, y) AND a != y` is
//! `a = x`; without a value left it is nothing. Several values are another matter: `tel = a AND tel = b` can hold, so
//! there only a set within one that is excluded is nothing, and a set around another one says nothing more.

use crate::plan::atom::{Atom, Expr, NumberProperty, TextProperty};
use crate::plan::logical::Builder;
use crate::plan::rules::{Conjunct, Kind, Signed, dual};

pub(crate) fn apply(builder: &mut Builder, kind: Kind, children: &[Expr]) -> Option<Vec<Expr>> {
    dual(builder, kind, children, |atom| Set::of(atom).is_some(), conjoin)
}

/// Whose values a set holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Set<'a> {
    Text(&'a TextProperty),
    Number(NumberProperty),
    Status,
    Group,
    Flow,
    History,
    /// Prefixes of words of the name: like a property with several values.
    Words,
}

impl<'a> Set<'a> {
    fn of(atom: &'a Atom) -> Option<Self> {
        Some(match atom {
            Atom::TextIn(property, _) => Set::Text(property),
            Atom::NumberIn(property, _) => Set::Number(*property),
            Atom::StatusIn(_) => Set::Status,
            Atom::GroupIn(_) => Set::Group,
            Atom::FlowIn(_) => Set::Flow,
            Atom::HistoryIn(_) => Set::History,
            Atom::NameWords(_) => Set::Words,
            _ => return None,
        })
    }

    fn is_single_valued(self) -> bool {
        match self {
            Set::Text(property) => property.is_single_valued(),
            Set::Number(_) | Set::Status | Set::Flow => true,
            Set::Group | Set::History | Set::Words => false,
        }
    }
}

fn conjoin(leaves: &[Signed]) -> Option<Vec<Conjunct>> {
    let mut sets: Vec<(Set<'_>, Vec<&Signed>)> = Vec::new();
    for leaf in leaves {
        let Some(set) = Set::of(&leaf.atom) else { continue };
        match sets.iter_mut().find(|(other, _)| *other == set) {
            Some((_, group)) => group.push(leaf),
            None => sets.push((set, vec![leaf])),
        }
    }
    if sets.len() == leaves.len() {
        return None;
    }
    let mut kept = Vec::new();
    for (set, group) in sets {
        /// The items of all leaves of the group, which are atoms of one kind, merged.
        macro_rules! merge {
            ($pattern:pat => $items:ident, $make:expr) => {{
                let lists = group.iter().filter_map(|leaf| match &leaf.atom {
                    $pattern => Some((&**$items, leaf.negated)),
                    _ => None,
                });
                let Some(merged) = merge(lists, set.is_single_valued()) else { return Some(vec![Conjunct::Never]) };
                let make = $make;
                kept.extend(merged.into_iter().map(|(items, negated)| Signed { atom: make(items.into()), negated }));
            }};
        }
        match set {
            Set::Text(property) => {
                merge!(Atom::TextIn(_, items) => items, |items| Atom::TextIn(property.clone(), items))
            }
            Set::Number(property) => merge!(Atom::NumberIn(_, items) => items, |items| Atom::NumberIn(property, items)),
            Set::Status => merge!(Atom::StatusIn(items) => items, Atom::StatusIn),
            Set::Group => merge!(Atom::GroupIn(items) => items, Atom::GroupIn),
            Set::Flow => merge!(Atom::FlowIn(items) => items, Atom::FlowIn),
            Set::History => merge!(Atom::HistoryIn(items) => items, Atom::HistoryIn),
            Set::Words => merge!(Atom::NameWords(items) => items, Atom::NameWords),
        }
    }
    (kept.len() < leaves.len()).then(|| kept.into_iter().map(Conjunct::Leaf).collect())
}

/// Sets of one property that are to hold together, each with whether it is negated; `None` if they cannot.
fn merge<'a, T: Ord + Clone + 'a>(
    lists: impl Iterator<Item = (&'a [T], bool)>,
    is_single_valued: bool,
) -> Option<Vec<(Vec<T>, bool)>> {
    let (mut wanted, mut excluded): (Vec<Vec<T>>, Vec<T>) = (Vec::new(), Vec::new());
    for (items, negated) in lists {
        if negated {
            excluded.extend_from_slice(items);
        } else {
            wanted.push(items.to_vec());
        }
    }
    excluded.sort_unstable();
    excluded.dedup();
    if is_single_valued && !wanted.is_empty() {
        let mut common = wanted.swap_remove(0);
        common.retain(|item| {
            wanted.iter().all(|other| other.binary_search(item).is_ok()) && excluded.binary_search(item).is_err()
        });
        return (!common.is_empty()).then(|| vec![(common, false)]);
    }
    let is_within = |inner: &[T], outer: &[T]| inner.iter().all(|item| outer.binary_search(item).is_ok());
    if wanted.iter().any(|items| is_within(items, &excluded)) {
        return None;
    }
    wanted.sort_unstable_by_key(Vec::len);
    let mut merged: Vec<(Vec<T>, bool)> = Vec::new();
    for items in wanted {
        if !merged.iter().any(|(smaller, _)| is_within(smaller, &items)) {
            merged.push((items, false));
        }
    }
    if !excluded.is_empty() {
        merged.push((excluded, true));
    }
    Some(merged)
}
