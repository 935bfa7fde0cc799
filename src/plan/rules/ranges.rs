//! Bounds on one property into one range: `n > 1 AND n > 5 AND n <= 9` is `n` in `(5, 9]`, `n < 5 OR n >= 5` says that
//! there is a value, `n > 30 AND n < 20` is nothing, `n IN (3, 7) AND n > 5` is `n = 7`, `n > 5 AND NOT (n > 9)` is `n`
//! in `(5, 9]`.
//!
//! Numbers and dates have one value at most, else two bounds might be met by two values. A bound that moves with the
//! clock and one that does not, or moves otherwise, are not merged: their order changes.

use std::cmp::Ordering;

use crate::plan::atom::{Atom, Expr, NumberBound, NumberProperty, TimeBound, TimeProperty};
use crate::plan::logical::Builder;
use crate::plan::rules::{Conjunct, Kind, Signed, dual};
use crate::value::Decimal;

pub(crate) fn apply(builder: &mut Builder, kind: Kind, children: &[Expr]) -> Option<Vec<Expr>> {
    dual(builder, kind, children, |atom| Axis::of(atom).is_some(), conjoin)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Axis {
    Number(NumberProperty),
    Time(TimeProperty),
}

impl Axis {
    fn of(atom: &Atom) -> Option<Self> {
        match atom {
            Atom::NumberIn(property, _) | Atom::NumberRange(property, ..) => Some(Axis::Number(*property)),
            Atom::TimeRange(property, ..) => Some(Axis::Time(*property)),
            _ => None,
        }
    }
}

fn conjoin(leaves: &[Signed]) -> Option<Vec<Conjunct>> {
    let mut axes: Vec<(Axis, Vec<&Signed>)> = Vec::new();
    for leaf in leaves {
        let Some(axis) = Axis::of(&leaf.atom) else { continue };
        match axes.iter_mut().find(|(other, _)| *other == axis) {
            Some((_, group)) => group.push(leaf),
            None => axes.push((axis, vec![leaf])),
        }
    }
    let mut kept = Vec::new();
    let mut changed = false;
    for (axis, group) in axes {
        if group.len() < 2 {
            kept.extend(group.into_iter().cloned());
            continue;
        }
        let merged = match axis {
            Axis::Number(property) => numbers(property, &group),
            Axis::Time(property) => times(property, &group),
        };
        let Some(merged) = merged else { return Some(vec![Conjunct::Never]) };
        changed |= merged.len() != group.len() || !merged.iter().all(|leaf| group.contains(&leaf));
        kept.extend(merged);
    }
    changed.then(|| kept.into_iter().map(Conjunct::Leaf).collect())
}

/// A place between values, where a range begins or ends.
trait Cut: Copy + PartialEq {
    /// The order, if it is always the same; an earlier place may coincide with a later one, but never lies behind it.
    fn order(self, other: Self) -> Option<Ordering>;
}

impl Cut for TimeBound {
    fn order(self, other: Self) -> Option<Ordering> {
        self.compare(other)
    }
}

/// The place before a number, or with `after` the place behind it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct NumberCut {
    value: Decimal,
    after: bool,
}

impl Cut for NumberCut {
    fn order(self, other: Self) -> Option<Ordering> {
        Some(self.cmp(&other))
    }
}

/// The values between two places; an end that is missing is open.
#[derive(Clone, Copy, PartialEq)]
struct Interval<C> {
    low: Option<C>,
    high: Option<C>,
}

impl<C: Cut> Interval<C> {
    /// Values in both; `None` if the ends cannot be ordered.
    fn intersect(self, other: Self) -> Option<Self> {
        let low = pick(self.low, other.low, Ordering::Greater)?;
        let high = pick(self.high, other.high, Ordering::Less)?;
        Some(Interval { low, high })
    }

    /// Values in one or the other; `None` if there is a gap, or the ends cannot be ordered.
    fn unite(self, other: Self) -> Option<Self> {
        let reaches = |low: Option<C>, high: Option<C>| match (low, high) {
            (Some(low), Some(high)) => low.order(high).is_some_and(Ordering::is_le),
            _ => true,
        };
        if !(reaches(self.low, other.high) && reaches(other.low, self.high)) {
            return None;
        }
        let outer = |a: Option<C>, b: Option<C>, wanted| match (a, b) {
            (Some(_), Some(_)) => pick(a, b, wanted),
            _ => Some(None),
        };
        let low = outer(self.low, other.low, Ordering::Less)?;
        let high = outer(self.high, other.high, Ordering::Greater)?;
        Some(Interval { low, high })
    }

    /// Values in this one but not in the other; `None` if they are not one range, or cannot be told.
    fn subtract(self, other: Self) -> Option<Self> {
        if self.is_apart_from(other) {
            return Some(self);
        }
        let covers_top = match (other.high, self.high) {
            (None, _) => true,
            (Some(high), Some(own)) => high.order(own).is_some_and(Ordering::is_ge),
            (Some(_), None) => false,
        };
        let covers_bottom = match (other.low, self.low) {
            (None, _) => true,
            (Some(low), Some(own)) => low.order(own).is_some_and(Ordering::is_le),
            (Some(_), None) => false,
        };
        match (covers_bottom, covers_top) {
            (true, _) if other.high.is_some() => self.intersect(Interval { low: other.high, high: None }),
            (_, true) if other.low.is_some() => self.intersect(Interval { low: None, high: other.low }),
            // The other one is open at both ends: an empty range, as one that ends where it begins.
            (true, true) => self.low.or(self.high).map(|end| Interval { low: Some(end), high: Some(end) }),
            _ => None,
        }
    }

    fn is_apart_from(self, other: Self) -> bool {
        let ends_before = |high: Option<C>, low: Option<C>| {
            high.zip(low).and_then(|(high, low)| high.order(low)).is_some_and(Ordering::is_le)
        };
        ends_before(self.high, other.low) || ends_before(other.high, self.low)
    }

    fn is_empty(self) -> bool {
        self.low.zip(self.high).and_then(|(low, high)| low.order(high)).is_some_and(Ordering::is_ge)
    }
}

/// The one of two ends that is wanted; the one that there is; `None` if they cannot be ordered.
fn pick<C: Cut>(a: Option<C>, b: Option<C>, wanted: Ordering) -> Option<Option<C>> {
    match (a, b) {
        (Some(a), Some(b)) => {
            let order = a.order(b)?;
            Some(Some(if order == wanted { a } else { b }))
        }
        (a, b) => Some(a.or(b)),
    }
}

/// Ranges that are to hold together, and ranges that are not; `false` if they exclude each other.
fn merge<C: Cut>(wanted: &mut Vec<Interval<C>>, excluded: &mut Vec<Interval<C>>) -> bool {
    join(wanted, Interval::intersect);
    join(excluded, Interval::unite);
    // What is excluded from one that is wanted is excluded from all; take it out of the first that it can be.
    let mut at = 0;
    while let Some(&out) = excluded.get(at) {
        if wanted.iter().any(|range| is_covered(*range, out)) {
            return false;
        }
        let taken = wanted.iter_mut().find_map(|range| range.subtract(out).map(|rest| *range = rest));
        if taken.is_some() {
            excluded.remove(at);
            // The rest may be cut by one that could not be cut out before.
            at = 0;
        } else {
            at += 1;
        }
    }
    !wanted.iter().any(|range| range.is_empty())
}

fn is_covered<C: Cut>(range: Interval<C>, by: Interval<C>) -> bool {
    let below = by.low.is_none_or(|low| range.low.is_some_and(|own| low.order(own).is_some_and(Ordering::is_le)));
    let above = by.high.is_none_or(|high| range.high.is_some_and(|own| high.order(own).is_some_and(Ordering::is_ge)));
    below && above
}

/// Joins ranges two by two while it can be done.
fn join<C: Cut>(ranges: &mut Vec<Interval<C>>, joined: impl Fn(Interval<C>, Interval<C>) -> Option<Interval<C>>) {
    let mut at = 0;
    while at < ranges.len() {
        let pair = (at + 1..ranges.len()).find_map(|other| {
            let (a, b) = (ranges.get(at)?, ranges.get(other)?);
            joined(*a, *b).map(|joined| (other, joined))
        });
        match pair {
            Some((other, joined)) => {
                ranges.swap_remove(other);
                if let Some(range) = ranges.get_mut(at) {
                    *range = joined;
                }
                at = 0;
            }
            None => at += 1,
        }
    }
}

fn times(property: TimeProperty, group: &[&Signed]) -> Option<Vec<Signed>> {
    let (mut wanted, mut excluded) = (Vec::new(), Vec::new());
    for leaf in group {
        if let Atom::TimeRange(_, low, high) = leaf.atom {
            (if leaf.negated { &mut excluded } else { &mut wanted }).push(Interval { low, high });
        }
    }
    if !merge(&mut wanted, &mut excluded) {
        return None;
    }
    let leaf = |range: &Interval<TimeBound>, negated| Signed {
        atom: Atom::TimeRange(property, range.low, range.high),
        negated,
    };
    let wanted = wanted.iter().map(|range| leaf(range, false));
    Some(wanted.chain(excluded.iter().map(|range| leaf(range, true))).collect())
}

fn numbers(property: NumberProperty, group: &[&Signed]) -> Option<Vec<Signed>> {
    let (mut wanted, mut excluded) = (Vec::new(), Vec::new());
    let mut points: Option<Vec<Decimal>> = None;
    let mut holes: Vec<Decimal> = Vec::new();
    for leaf in group {
        match &leaf.atom {
            Atom::NumberRange(_, low, high) => {
                let range = Interval {
                    low: low.map(|low| NumberCut { value: low.value, after: !low.inclusive }),
                    high: high.map(|high| NumberCut { value: high.value, after: high.inclusive }),
                };
                (if leaf.negated { &mut excluded } else { &mut wanted }).push(range);
            }
            Atom::NumberIn(_, items) if leaf.negated => holes.extend_from_slice(items),
            Atom::NumberIn(_, items) => match &mut points {
                Some(points) => points.retain(|point| items.contains(point)),
                None => points = Some(items.to_vec()),
            },
            _ => {}
        }
    }
    holes.sort_unstable();
    holes.dedup();
    if let Some(mut points) = points {
        points.retain(|point| {
            let holds = |range: &Interval<NumberCut>| has(*range, *point);
            wanted.iter().all(holds) && !excluded.iter().any(holds) && !holes.contains(point)
        });
        let leaf = || vec![Signed { atom: Atom::NumberIn(property, points.clone().into()), negated: false }];
        return (!points.is_empty()).then(leaf);
    }
    // A hole at the end of a range, wanted or excluded, moves that end; it may do so in turn for the next.
    let hole =
        |value| Interval { low: Some(NumberCut { value, after: false }), high: Some(NumberCut { value, after: true }) };
    loop {
        if !merge(&mut wanted, &mut excluded) {
            return None;
        }
        let before = holes.len();
        holes.retain(|&value| {
            let united = excluded.iter_mut().find_map(|range| range.unite(hole(value)).map(|all| *range = all));
            let cut = || wanted.iter_mut().find_map(|range| range.subtract(hole(value)).map(|rest| *range = rest));
            united.or_else(cut).is_none()
        });
        if holes.len() == before {
            break;
        }
    }
    let leaf = |range: &Interval<NumberCut>, negated| {
        let low = range.low.map(|cut| NumberBound { value: cut.value, inclusive: !cut.after });
        let high = range.high.map(|cut| NumberBound { value: cut.value, inclusive: cut.after });
        Signed { atom: Atom::NumberRange(property, low, high), negated }
    };
    let mut kept: Vec<Signed> = wanted.iter().map(|range| leaf(range, false)).collect();
    kept.extend(excluded.iter().map(|range| leaf(range, true)));
    if !holes.is_empty() {
        kept.push(Signed { atom: Atom::NumberIn(property, holes.into()), negated: true });
    }
    Some(kept)
}

fn has(range: Interval<NumberCut>, value: Decimal) -> bool {
    range.low.is_none_or(|low| low <= NumberCut { value, after: false })
        && range.high.is_none_or(|high| NumberCut { value, after: true } <= high)
}
