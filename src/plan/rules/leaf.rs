//! Atoms in their simplest form: lists sorted and free of duplicates, ranges that hold nothing or one number, units of
//! one measure, properties that always have a value. Afterwards equal predicates of one atom are equal atoms.

use crate::contact::Status;
use crate::plan::atom::{Atom, NumberBound, TimeBound, WordMatch};

/// What an atom comes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Leaf {
    Constant(bool),
    Atom(Atom),
}

/// The atom in its simplest form.
pub(crate) fn simplify(atom: Atom) -> Leaf {
    let atom = match atom {
        Atom::TextIn(property, items) => match distinct(items) {
            Some(items) => Atom::TextIn(property, items),
            None => return Leaf::Constant(false),
        },
        Atom::NumberIn(property, items) => match distinct(items) {
            Some(items) => Atom::NumberIn(property, items),
            None => return Leaf::Constant(false),
        },
        Atom::StatusIn(items) => match distinct(items) {
            Some(items) if items.len() < Status::ALL.len() => Atom::StatusIn(items),
            items => return Leaf::Constant(items.is_some()),
        },
        Atom::GroupIn(items) => match distinct(items) {
            Some(items) => Atom::GroupIn(items),
            None => return Leaf::Constant(false),
        },
        Atom::FlowIn(items) => match distinct(items) {
            Some(items) => Atom::FlowIn(items),
            None => return Leaf::Constant(false),
        },
        Atom::HistoryIn(items) => match distinct(items) {
            Some(items) => Atom::HistoryIn(items),
            None => return Leaf::Constant(false),
        },
        Atom::NameWords(prefixes) => match distinct(prefixes) {
            Some(prefixes) => Atom::NameWords(shortest(&prefixes)),
            None => return Leaf::Constant(false),
        },
        Atom::TextSet(property) if property.is_always_set() => return Leaf::Constant(true),
        Atom::NumberRange(property, None, None) if property.is_always_set() => return Leaf::Constant(true),
        Atom::TimeRange(property, None, None) if property.is_always_set() => return Leaf::Constant(true),
        Atom::NumberRange(property, Some(low), Some(high)) => match only_number(low, high) {
            Few::None => return Leaf::Constant(false),
            Few::One => Atom::NumberIn(property, [low.value].into()),
            Few::Many => Atom::NumberRange(property, Some(low), Some(high)),
        },
        Atom::TimeRange(property, low, high) => {
            let (low, high) = (low.map(TimeBound::in_smallest_unit), high.map(TimeBound::in_smallest_unit));
            let is_empty = low.zip(high).and_then(|(low, high)| low.compare(high)).is_some_and(|order| order.is_ge());
            if is_empty {
                return Leaf::Constant(false);
            }
            Atom::TimeRange(property, low, high)
        }
        Atom::FieldWords(field, WordMatch::All(words)) => {
            Atom::FieldWords(field, WordMatch::All(distinct(words).unwrap_or_default()))
        }
        // One word alone follows on nothing.
        Atom::FieldWords(field, WordMatch::Phrase(words)) if words.len() == 1 => {
            Atom::FieldWords(field, WordMatch::All(words))
        }
        Atom::Event(event) => match event.simplified() {
            Some(event) => Atom::Event(Box::new(event)),
            None => return Leaf::Constant(false),
        },
        other @ (Atom::TextSet(_)
        | Atom::NumberRange(..)
        | Atom::Anniversary(..)
        | Atom::GroupSet
        | Atom::FlowSet
        | Atom::HistorySet
        | Atom::UrnContains(..)
        | Atom::FieldWords(..)) => other,
    };
    Leaf::Atom(atom)
}

/// The complement of a set of statuses: every contact has exactly one.
pub(crate) fn other_statuses(statuses: &[Status]) -> Atom {
    Atom::StatusIn(Status::ALL.into_iter().filter(|status| !statuses.contains(status)).collect())
}

/// Sorted, each once; `None` if there is none.
fn distinct<T: Ord>(items: Box<[T]>) -> Option<Box<[T]>> {
    if items.is_sorted_by(|a, b| a < b) {
        return (!items.is_empty()).then_some(items);
    }
    let mut items = items.into_vec();
    items.sort_unstable();
    items.dedup();
    Some(items.into())
}

/// Prefixes of which none begins with another: whatever begins with the longer one begins with the shorter one.
fn shortest(sorted: &[Box<str>]) -> Box<[Box<str>]> {
    let mut kept: Vec<Box<str>> = Vec::with_capacity(sorted.len());
    for prefix in sorted {
        // In order, a prefix comes right before what begins with it.
        if !kept.last().is_some_and(|shorter| prefix.starts_with(&**shorter)) {
            kept.push(prefix.clone());
        }
    }
    kept.into()
}

enum Few {
    None,
    One,
    Many,
}

fn only_number(low: NumberBound, high: NumberBound) -> Few {
    match low.value.cmp(&high.value) {
        std::cmp::Ordering::Less => Few::Many,
        std::cmp::Ordering::Equal if low.inclusive && high.inclusive => Few::One,
        _ => Few::None,
    }
}
