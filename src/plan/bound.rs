//! Ends of ranges of numbers and of spans of time.

use std::cmp::Ordering;

use jiff::tz::TimeZone;

use crate::value::calendar::{RelativeTime, Unit};
use crate::value::{Decimal, Instant};

/// One end of a range of numbers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct NumberBound {
    /// The number at the end.
    pub value: Decimal,
    /// Whether the number itself is inside.
    pub inclusive: bool,
}

/// One end of a span of time. The lower end is inside, the upper end outside.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum TimeBound {
    /// A fixed moment.
    At(Instant),
    /// A moment that moves with the clock. A day stands for its first moment, or with `after` for the first moment
    /// after it. An instant that is a lower end with `after`, or an upper end with it, lies one microsecond later: so
    /// that `> -90m` and `<= -90m` come out right.
    Relative {
        /// The day or instant.
        time: RelativeTime,
        /// The moment behind it instead of its beginning.
        after: bool,
    },
}

impl TimeBound {
    /// The moment that it stands for at a moment in a zone.
    ///
    /// Cost: nothing for a fixed one; some 100 ns for a day, which is looked up in the zone.
    pub fn resolve(self, now: Instant, zone: &TimeZone) -> Instant {
        match self {
            TimeBound::At(instant) => instant,
            TimeBound::Relative { time, after: false } => time.span(now, zone).0,
            TimeBound::Relative { time, after: true } => time.span(now, zone).1,
        }
    }

    /// The moment after `now` at which this bound passes beyond a value, which changes `value >= bound` from true to
    /// false; `None` if it has already, or never will. See [`RelativeTime::next_crossing`].
    pub fn next_crossing(self, value: Instant, now: Instant, zone: &TimeZone) -> Option<Instant> {
        match self {
            TimeBound::At(_) => None,
            TimeBound::Relative { time, after } => time.next_crossing(value, after, now, zone),
        }
    }

    /// The order of two bounds where it is the same at any moment and in any zone: of two fixed ones, and of relative
    /// ones whose units measure the same. The earlier one is then never later than the other.
    pub fn compare(self, other: TimeBound) -> Option<Ordering> {
        /// Microseconds, days or months: what the unit is a multiple of.
        fn measure(time: RelativeTime) -> (u8, i64) {
            let (kind, factor) = match time.unit {
                Unit::Minute => (0, 1),
                Unit::Hour => (0, 60),
                Unit::Day => (1, 1),
                Unit::Week => (1, 7),
                Unit::Month => (2, 1),
                Unit::Year => (2, 12),
            };
            (kind, i64::from(time.amount) * factor)
        }
        match (self, other) {
            (TimeBound::At(a), TimeBound::At(b)) => Some(a.cmp(&b)),
            (TimeBound::Relative { time: a, after: a_after }, TimeBound::Relative { time: b, after: b_after }) => {
                let ((a_kind, a), (b_kind, b)) = (measure(a), measure(b));
                (a_kind == b_kind).then(|| a.cmp(&b).then(a_after.cmp(&b_after)))
            }
            _ => None,
        }
    }

    /// Weeks in days, hours in minutes, years in months; the moment after a day as the beginning of the next one.
    #[must_use]
    pub(crate) fn in_smallest_unit(self) -> TimeBound {
        let TimeBound::Relative { time, after } = self else { return self };
        let (unit, factor) = match time.unit {
            Unit::Minute | Unit::Hour => (Unit::Minute, if time.unit == Unit::Hour { 60 } else { 1 }),
            Unit::Day | Unit::Week => (Unit::Day, if time.unit == Unit::Week { 7 } else { 1 }),
            Unit::Month | Unit::Year => (Unit::Month, if time.unit == Unit::Year { 12 } else { 1 }),
        };
        let Some(amount) = time.amount.checked_mul(factor) else { return self };
        match amount.checked_add(1) {
            Some(next) if after && unit == Unit::Day => {
                TimeBound::Relative { time: RelativeTime { amount: next, unit }, after: false }
            }
            _ => TimeBound::Relative { time: RelativeTime { amount, unit }, after },
        }
    }
}
