//! Atoms over events: which events count, and what must hold of them.
//!
//! None of them holds of a contact without an event that counts: where a condition does, it is the complement of one
//! that does not. So whoever has no event in the window needs no look.

use std::cmp::Ordering;

use jiff::tz::TimeZone;

use crate::event::{EventRef, HistoryRef};
use crate::ids::EventId;
use crate::plan::bound::{NumberBound, TimeBound};
use crate::sema::query::{Comparator, Filter, FilterTest, FilterValue};
use crate::value::calendar::{AnniversaryDay, DaysOfYear, RelativeTime, date_of, start_of_day};
use crate::value::fold::folds_to;
use crate::value::{Decimal, Instant, Sum};

/// A predicate of the events of one name.
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct EventAtom {
    /// Their name.
    pub event: EventId,
    /// What must hold of an event to count.
    pub filter: Option<Filter>,
    /// The first moment of the window.
    pub low: Option<TimeBound>,
    /// The first moment behind the window. Whatever it is, events behind the present moment do not count.
    pub high: Option<TimeBound>,
    /// The first moment that is kept.
    pub keep: Option<TimeBound>,
    /// What must hold of those that count.
    pub test: EventTest,
}

/// What must hold of the events that count.
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum EventTest {
    /// There are so many, one at least.
    AtLeast(u64),
    /// The sum of a property lies within, which does not hold zero.
    Sum(Box<str>, Option<NumberBound>, Option<NumberBound>),
    /// The moment of one of them lies from the first bound up to but not including the second.
    Moment(Which, Option<TimeBound>, Option<TimeBound>),
    /// The month and day of one of them are those of a day in this inclusive span.
    Anniversary(Which, AnniversaryDay, AnniversaryDay),
}

/// Which of the events that count.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Which {
    /// The earliest.
    First,
    /// The latest.
    Last,
}

/// An [`EventAtom`] as it stands at one moment.
#[derive(Clone, Debug)]
pub struct EventsAt<'a> {
    atom: &'a EventAtom,
    low: Instant,
    high: Instant,
    test: TestAt,
}

#[derive(Clone, Debug)]
enum TestAt {
    Plain,
    Moment(Instant, Instant),
    Days(DaysOfYear, TimeZone),
}

impl EventAtom {
    /// Its bounds resolved at a moment.
    ///
    /// Cost: a calendar computation for each bound that is a day.
    pub fn resolve(&self, now: Instant, zone: &TimeZone) -> EventsAt<'_> {
        let at = |bound: Option<TimeBound>| bound.map(|bound| bound.resolve(now, zone));
        let low = at(self.low).max(at(self.keep)).unwrap_or(Instant::MIN);
        let high = at(self.high).unwrap_or(Instant::MAX).min(now.next());
        let test = match self.test {
            EventTest::Moment(_, low, high) => {
                TestAt::Moment(at(low).unwrap_or(Instant::MIN), at(high).unwrap_or(Instant::MAX))
            }
            EventTest::Anniversary(_, low, high) => {
                TestAt::Days(DaysOfYear::between(low, high, now, zone), zone.clone())
            }
            EventTest::AtLeast(_) | EventTest::Sum(..) => TestAt::Plain,
        };
        EventsAt { atom: self, low, high, test }
    }

    /// The same predicate with its relative bounds resolved at a moment. Anniversaries stay.
    pub fn at(&self, now: Instant, zone: &TimeZone) -> EventAtom {
        let at = self.resolve(now, zone);
        let bound = |instant| Some(TimeBound::At(instant));
        let fixed = |bound: Option<TimeBound>| bound.map(|bound| TimeBound::At(bound.resolve(now, zone)));
        let test = match &self.test {
            EventTest::Moment(which, low, high) => EventTest::Moment(*which, fixed(*low), fixed(*high)),
            other => other.clone(),
        };
        let (low, high) = (bound(at.low), bound(at.high));
        EventAtom { event: self.event, filter: self.filter.clone(), low, high, keep: None, test }
    }

    /// Whether it holds of a contact with this history.
    pub fn matches(&self, history: HistoryRef<'_>, now: Instant, zone: &TimeZone) -> bool {
        let section = history.section(self.event);
        !section.is_empty() && self.resolve(now, zone).holds(history)
    }

    /// The bounds that move with the clock, each once. As one of them passes beyond an event, the answer may change.
    pub fn moving_bounds(&self) -> impl Iterator<Item = (RelativeTime, bool)> + '_ {
        let of_test = match self.test {
            EventTest::Moment(_, low, high) => [low, high],
            _ => [None, None],
        };
        [self.low, self.high, self.keep].into_iter().chain(of_test).flatten().filter_map(|bound| match bound {
            TimeBound::At(_) => None,
            TimeBound::Relative { time, after } => Some((time, after)),
        })
    }

    /// The moments after one and up to another at which the answer for a history turns by itself, and what it is from each
    /// of them on.
    ///
    /// Cost: one calendar computation for each event and moving bound, and one evaluation for each moment at which a bound
    /// passes an event; of anniversaries, one for each day.
    pub fn turns(
        &self,
        history: HistoryRef<'_>,
        now: Instant,
        until: Instant,
        zone: &TimeZone,
    ) -> Vec<(Instant, bool)> {
        let mut moments = Vec::new();
        for event in history.of(self.event) {
            moments.push(event.moment);
            moments.extend(self.moving_bounds().filter_map(|(time, after)| {
                TimeBound::Relative { time, after }.next_crossing(event.moment, now, zone)
            }));
        }
        if matches!(self.test, EventTest::Anniversary(..)) && !moments.is_empty() {
            let first = date_of(now, zone).tomorrow().ok();
            let days = std::iter::successors(first, |date| date.tomorrow().ok());
            moments.extend(days.map(|date| start_of_day(date, zone)).take_while(|&midnight| midnight <= until));
        }
        moments.retain(|&moment| moment > now && moment <= until);
        moments.sort_unstable();
        moments.dedup();
        let mut holds = self.matches(history, now, zone);
        moments.retain(|&moment| {
            let was = std::mem::replace(&mut holds, self.matches(history, moment, zone));
            was != holds
        });
        let mut is = self.matches(history, now, zone);
        let turned = moments.into_iter().map(|moment| {
            is = !is;
            (moment, is)
        });
        turned.collect()
    }

    /// The predicate in its simplest form; `None` if it holds of nobody.
    pub(crate) fn simplified(&self) -> Option<EventAtom> {
        let simple = |bound: Option<TimeBound>| bound.map(TimeBound::in_smallest_unit);
        // Nothing behind the present moment counts anyway.
        let is_now = |bound: &TimeBound| matches!(bound, TimeBound::Relative { time: RelativeTime::NOW, after: true });
        let (low, high) = (simple(self.low), simple(self.high).filter(|bound| !is_now(bound)));
        let is_empty = |low: Option<TimeBound>, high: Option<TimeBound>| {
            low.zip(high).and_then(|(low, high)| low.compare(high)).is_some_and(Ordering::is_ge)
        };
        let test = match &self.test {
            EventTest::Moment(which, low, high) => {
                let (low, high) = (simple(*low), simple(*high));
                if is_empty(low, high) {
                    return None;
                }
                match (low, high) {
                    (None, None) => EventTest::AtLeast(1),
                    _ => EventTest::Moment(*which, low, high),
                }
            }
            EventTest::Sum(_, Some(low), Some(high))
                if low.value > high.value || low.value == high.value && !(low.inclusive && high.inclusive) =>
            {
                return None;
            }
            other => other.clone(),
        };
        let keep = simple(self.keep);
        (!is_empty(low, high)).then(|| EventAtom {
            event: self.event,
            filter: self.filter.clone(),
            low,
            high,
            keep,
            test,
        })
    }
}

impl EventsAt<'_> {
    /// The first moment of the window, and the first one behind it.
    pub fn window(&self) -> (Instant, Instant) {
        (self.low, self.high)
    }

    /// Whether it holds of a contact with this history.
    pub fn holds(&self, history: HistoryRef<'_>) -> bool {
        let mut counted = history.of(self.atom.event).filter(|event| self.counts(event));
        let one = |which: Which, counted: &mut dyn Iterator<Item = EventRef<'_>>| match which {
            Which::First => counted.next().map(|event| event.moment),
            Which::Last => counted.last().map(|event| event.moment),
        };
        match (&self.atom.test, &self.test) {
            (EventTest::AtLeast(count), _) => {
                usize::try_from(count.saturating_sub(1)).is_ok_and(|before| counted.nth(before).is_some())
            }
            (EventTest::Sum(key, low, high), _) => {
                let mut sum = Sum::default();
                let numbers = counted.filter_map(|event| event.property(key)?.number());
                numbers.for_each(|number| sum.add(number));
                let is_above = |low: &NumberBound| match sum.compare(low.value) {
                    Ordering::Greater => true,
                    Ordering::Equal => low.inclusive,
                    Ordering::Less => false,
                };
                let is_below = |high: &NumberBound| match sum.compare(high.value) {
                    Ordering::Less => true,
                    Ordering::Equal => high.inclusive,
                    Ordering::Greater => false,
                };
                low.as_ref().is_none_or(is_above) && high.as_ref().is_none_or(is_below)
            }
            (EventTest::Moment(which, ..), TestAt::Moment(low, high)) => {
                one(*which, &mut counted).is_some_and(|moment| *low <= moment && moment < *high)
            }
            (EventTest::Anniversary(which, ..), TestAt::Days(days, zone)) => {
                one(*which, &mut counted).is_some_and(|moment| days.contains(date_of(moment, zone)))
            }
            _ => false,
        }
    }

    fn counts(&self, event: &EventRef<'_>) -> bool {
        self.low <= event.moment
            && event.moment < self.high
            && self.atom.filter.as_ref().is_none_or(|filter| passes(filter, event))
    }
}

/// Whether an event passes a filter.
fn passes(filter: &Filter, event: &EventRef<'_>) -> bool {
    let (key, test) = match filter {
        Filter::All(children) => return children.iter().all(|child| passes(child, event)),
        Filter::Any(children) => return children.iter().any(|child| passes(child, event)),
        Filter::Not(child) => return !passes(child, event),
        Filter::Condition { key, test } => (key, test),
    };
    let Some(value) = event.property(key) else {
        return match test {
            FilterTest::Unset | FilterTest::Differs(_) => true,
            FilterTest::Set | FilterTest::Equals(_) | FilterTest::Compares(..) => false,
            FilterTest::In { unset, negated, .. } => unset != negated,
            FilterTest::Between { negated, .. } => *negated,
        };
    };
    let number = value.number();
    let equals = |wanted: &FilterValue| match (number, wanted.number) {
        (Some(number), Some(wanted)) => number == wanted,
        _ => folds_to(&value.text(), &wanted.folded),
    };
    let order = |wanted: &FilterValue| Some(number?.cmp(&wanted.number?));
    match test {
        FilterTest::Unset => false,
        FilterTest::Set => true,
        FilterTest::Equals(wanted) => equals(wanted),
        FilterTest::Differs(wanted) => !equals(wanted),
        FilterTest::Compares(comparator, wanted) => order(wanted).is_some_and(|order| match comparator {
            Comparator::Greater => order.is_gt(),
            Comparator::GreaterOrEqual => order.is_ge(),
            Comparator::Less => order.is_lt(),
            Comparator::LessOrEqual => order.is_le(),
        }),
        FilterTest::In { items, negated, .. } => items.iter().any(equals) != *negated,
        FilterTest::Between { low, high, negated } => {
            let within = number.is_some()
                && low.as_ref().is_none_or(|low| order(low).is_some_and(Ordering::is_ge))
                && high.as_ref().is_none_or(|high| order(high).is_some_and(Ordering::is_le));
            within != *negated
        }
    }
}

/// The smallest count that is at least a number, or with `after` more than it.
pub(crate) fn count_from(number: Decimal, after: bool) -> u64 {
    let (negative, coefficient, exponent) = number.parts();
    if negative {
        return 0;
    }
    let scale = 10u128.checked_pow(u32::from(exponent.unsigned_abs()));
    let (whole, is_whole) = match (scale, exponent >= 0) {
        (Some(scale), true) => (coefficient.saturating_mul(scale), true),
        (None, true) => (u128::MAX, true),
        (Some(scale), false) => (coefficient / scale, coefficient % scale == 0),
        (None, false) => (0, coefficient == 0),
    };
    let count = whole.saturating_add(u128::from(after || !is_whole));
    u64::try_from(count).unwrap_or(u64::MAX)
}
