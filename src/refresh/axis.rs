//! Ordered values: every bound that any group sets to a property, sorted, so that one search places a value among them.
//!
//! A bound is the predicate "the value lies at or above it". The bounds that a value satisfies are a prefix of the
//! sorted ones, so their number, the *position*, says everything: two values of the same position are the same to
//! every group.

use std::cmp::Ordering;

use rustc_hash::FxHashMap;

use crate::plan::atom::{NumberBound, TimeBound};
use crate::refresh::moment::Moment;
use crate::refresh::program::Slot;
use crate::value::{Decimal, Instant};

/// A bound on numbers, as "at or above": `value <= v` if `inclusive`, else `value < v`.
pub(super) type Floor = NumberBound;

/// Sorted bounds on numbers.
#[derive(Default, Debug)]
pub(super) struct NumberAxis {
    /// [`coarse`] of each bound: settles all comparisons but those of equals.
    keys: Vec<i64>,
    bounds: Vec<Floor>,
    /// The slot of each bound.
    pub(super) slots: Vec<Slot>,
}

impl NumberAxis {
    pub(super) fn new(mut bounds: Vec<(Floor, Slot)>) -> Self {
        bounds.sort_by(|(a, _), (b, _)| a.value.cmp(&b.value).then_with(|| b.inclusive.cmp(&a.inclusive)));
        NumberAxis {
            keys: bounds.iter().map(|(bound, _)| coarse(&bound.value)).collect(),
            slots: bounds.iter().map(|&(_, slot)| slot).collect(),
            bounds: bounds.into_iter().map(|(bound, _)| bound).collect(),
        }
    }

    /// How many bounds the value satisfies.
    pub(super) fn position(&self, value: &Decimal) -> u32 {
        let key = coarse(value);
        let mut at = self.keys.partition_point(|&bound| bound < key);
        // Bounds of the same key are few: compare them exactly.
        while let (Some(&found), Some(bound)) = (self.keys.get(at), self.bounds.get(at)) {
            if found != key {
                break;
            }
            match bound.value.cmp(value) {
                Ordering::Less => at += 1,
                Ordering::Equal if bound.inclusive => at += 1,
                Ordering::Equal | Ordering::Greater => break,
            }
        }
        at as u32
    }
}

/// Sorted bounds on times, as they stand at one moment.
#[derive(Default, Debug, Clone)]
pub(super) struct TimeAxis {
    keys: Vec<i64>,
    pub(super) slots: Vec<Slot>,
}

impl TimeAxis {
    pub(super) fn new(bounds: &FxHashMap<TimeBound, Slot>, moment: &Moment) -> Self {
        let mut sorted: Vec<(i64, Slot)> =
            bounds.iter().map(|(&bound, &slot)| (moment.bound(bound).micros(), slot)).collect();
        sorted.sort_unstable();
        TimeAxis {
            keys: sorted.iter().map(|&(key, _)| key).collect(),
            slots: sorted.into_iter().map(|(_, slot)| slot).collect(),
        }
    }

    /// How many bounds the value satisfies.
    pub(super) fn position(&self, value: Instant) -> u32 {
        self.keys.partition_point(|&bound| bound <= value.micros()) as u32
    }
}

/// Places after the decimal point that a coarse key tells apart.
const COARSE_PLACES: i32 = 6;

/// A whole number that never decreases as the number grows: the number times 10^6, cut towards zero and saturated.
fn coarse(number: &Decimal) -> i64 {
    let (negative, coefficient, exponent) = number.parts();
    let shift = i32::from(exponent) + COARSE_PLACES;
    let magnitude = match 10u128.checked_pow(shift.unsigned_abs()) {
        Some(power) if shift >= 0 => coefficient.saturating_mul(power),
        Some(power) => coefficient / power,
        None if shift >= 0 => u128::MAX,
        None => 0,
    };
    // Zero shifted beyond the table is still zero.
    let magnitude = if coefficient == 0 { 0 } else { i64::try_from(magnitude).unwrap_or(i64::MAX) };
    if negative { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;

    fn number() -> impl Strategy<Value = Decimal> {
        prop_oneof![
            (-30i64..30).prop_map(Decimal::from),
            "-?[0-9]{0,3}\\.[0-9]{1,9}".prop_map(|text| Decimal::parse(&text).unwrap()),
            "-?[1-9][0-9]{0,35}".prop_map(|text| Decimal::parse(&text).unwrap()),
            "-?0\\.0{0,60}[1-9]".prop_map(|text| Decimal::parse(&text).unwrap()),
            "[1-9]0{50,100}".prop_map(|text| Decimal::parse(&text).unwrap()),
        ]
    }

    proptest! {
        #[test]
        fn a_position_counts_the_bounds_that_hold(
            bounds in proptest::collection::vec((number(), any::<bool>()), 0..20),
            value in number(),
            pick in any::<prop::sample::Index>(),
        ) {
            let value = if bounds.is_empty() { value } else {
                let at = pick.index(bounds.len() * 2);
                bounds.get(at).map_or(value, |bound| bound.0)
            };
            let floors = bounds.iter().map(|&(value, inclusive)| Floor { value, inclusive });
            let axis = NumberAxis::new(floors.enumerate().map(|(at, floor)| (floor, at as u32)).collect());
            let position = axis.position(&value) as usize;
            for (at, bound) in axis.bounds.iter().enumerate() {
                let holds = if bound.inclusive { value >= bound.value } else { value > bound.value };
                prop_assert_eq!(holds, at < position);
            }
        }
    }
}
