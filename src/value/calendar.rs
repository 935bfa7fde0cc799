//! Days of a zone, times relative to now, and anniversaries.
//!
//! Days follow the calendar: a day begins at its first moment in the zone and lasts until the next day begins, 23 or 25
//! hours when the clocks change. So days follow one another without gap or overlap whatever the zone does. A day that a
//! zone skips is empty: it begins and ends with the day after.
//!
//! What lies at the calendar's end is looked up 400 years earlier, where calendar and zones are the same: the last
//! moments are beyond what jiff has.

use jiff::Span;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use crate::value::Instant;
use crate::value::instant::{CYCLE, CYCLE_YEARS};

/// The first year whose moments are looked up a cycle earlier.
const FAR_YEAR: i16 = 9999;
/// 9998-12-30 in UTC: a moment from here on is looked up a cycle earlier.
const FAR: i64 = 253_370_592_000_000_000;

/// A date that jiff can place in any zone, and the microseconds from there to the one asked for.
fn near(date: Date) -> (Date, i64) {
    let earlier = Date::new(date.year() - CYCLE_YEARS, date.month(), date.day());
    earlier.ok().filter(|_| date.year() >= FAR_YEAR).map_or((date, 0), |earlier| (earlier, CYCLE))
}

/// The moment, or the one a cycle earlier, and the years between the two.
fn near_moment(instant: Instant) -> (Instant, i16) {
    if instant.micros() < FAR {
        return (instant, 0);
    }
    (Instant::from_micros(instant.micros() - CYCLE), CYCLE_YEARS)
}

/// The first moment of a day in a zone. Where clocks jump over midnight, or over the whole day, it is the moment of the
/// jump; where midnight comes twice it is the earlier one.
pub fn start_of_day(date: Date, zone: &TimeZone) -> Instant {
    let (date, later) = near(date);
    Instant::from_micros(start_of_near_day(date, zone).micros() + later)
}

fn start_of_near_day(date: Date, zone: &TimeZone) -> Instant {
    let ambiguous = zone.to_ambiguous_timestamp(DateTime::from_parts(date, Time::midnight()));
    let is_gap = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
    let Ok(timestamp) = ambiguous.compatible() else { return edge(date.year() < 5000) };
    if is_gap {
        // The compatible answer lies as far behind the jump as midnight lies behind its beginning.
        let jump = zone.preceding(timestamp.saturating_add(Span::new().nanoseconds(1)).unwrap_or(timestamp)).next();
        return jump.map_or(timestamp.into(), |transition| transition.timestamp().into());
    }
    timestamp.into()
}

/// A day's first moment and the first moment of the day after; the same if the zone skips the day.
pub fn day_bounds(date: Date, zone: &TimeZone) -> (Instant, Instant) {
    let (date, later) = near(date);
    let end = date.tomorrow().map_or(Instant::MAX, |next| start_of_near_day(next, zone));
    let moved = |instant: Instant| Instant::from_micros(instant.micros() + later);
    (moved(start_of_near_day(date, zone)), moved(end))
}

/// The bounds of a month's day in a year up to 10000, as [`year_of`] tells years; `None` if the year has no such day.
pub fn bounds_in_year(year: i16, month: i8, day: i8, zone: &TimeZone) -> Option<(Instant, Instant)> {
    if year < FAR_YEAR {
        return Some(day_bounds(Date::new(year, month, day).ok()?, zone));
    }
    let (start, end) = day_bounds(Date::new(year - CYCLE_YEARS, month, day).ok()?, zone);
    Some((Instant::from_micros(start.micros() + CYCLE), Instant::from_micros(end.micros() + CYCLE)))
}

/// The moment at which a zone's clocks show this date and time: the earlier one if they do twice; moved forward by the
/// jump if they never do.
pub fn moment_of(civil: DateTime, zone: &TimeZone) -> Instant {
    let (date, later) = near(civil.date());
    let timestamp = zone.to_timestamp(DateTime::from_parts(date, civil.time()));
    timestamp.map_or_else(
        |_| edge(date.year() < 5000),
        |timestamp| Instant::from_micros(Instant::from(timestamp).micros() + later),
    )
}

/// What a zone's clocks show at a moment, and their offset; `None` beyond the year 9999.
pub fn civil(instant: Instant, zone: &TimeZone) -> Option<(DateTime, Offset)> {
    let (near, later) = near_moment(instant);
    let timestamp = near.timestamp();
    let offset = zone.to_offset(timestamp);
    let shown = offset.to_datetime(timestamp);
    let date = Date::new(shown.year() + later, shown.month(), shown.day()).ok()?;
    Some((DateTime::from_parts(date, shown.time()), offset))
}

fn edge(is_early: bool) -> Instant {
    if is_early { Instant::MIN } else { Instant::MAX }
}

/// The day of a zone in which a moment lies: the last one that has begun. The calendar's last day takes what lies behind
/// it; see [`birthday_of`].
pub fn date_of(instant: Instant, zone: &TimeZone) -> Date {
    let (near, later) = near_moment(instant);
    let date = near_date_of(near, zone);
    if later == 0 {
        return date;
    }
    Date::new(date.year() + later, date.month(), date.day()).unwrap_or(Date::MAX)
}

/// A date of the same month and day as the one in which a moment lies, and of the same place in the cycle of leap years;
/// also where that is beyond the year 9999.
pub fn birthday_of(instant: Instant, zone: &TimeZone) -> Date {
    near_date_of(near_moment(instant).0, zone)
}

/// The year of a zone in which a moment lies, which may be 10000.
pub fn year_of(instant: Instant, zone: &TimeZone) -> i16 {
    let (near, later) = near_moment(instant);
    near_date_of(near, zone).year() + later
}

fn near_date_of(instant: Instant, zone: &TimeZone) -> Date {
    let date = zone.to_datetime(instant.timestamp()).date();
    // Where clocks go back over midnight they show a day's evening again when the next day has begun.
    match date.tomorrow() {
        Ok(next) if zone.to_fixed_offset().is_err() && start_of_near_day(next, zone) <= instant => next,
        _ => date,
    }
}

/// A time relative to the moment of evaluation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct RelativeTime {
    /// How far from now, in `unit`; 0 of `Unit::Day` is today, 0 of `Unit::Minute` is now.
    pub amount: i32,
    /// The unit. From days upward the result is a whole calendar day in the workspace's zone; below, an instant.
    pub unit: Unit,
}

/// Units of relative times.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Unit {
    /// `m`
    Minute,
    /// `h`
    Hour,
    /// `d`
    Day,
    /// `w`
    Week,
    /// `mo`
    Month,
    /// `y`
    Year,
}

impl RelativeTime {
    /// Today.
    pub const TODAY: RelativeTime = RelativeTime { amount: 0, unit: Unit::Day };
    /// Now.
    pub const NOW: RelativeTime = RelativeTime { amount: 0, unit: Unit::Minute };

    /// Whether this is a whole day, not an instant.
    pub fn is_day(self) -> bool {
        self.unit >= Unit::Day
    }

    /// What it means at a moment: from its first moment up to but not including the second. An instant lasts one
    /// microsecond, so that comparisons with days and with instants are the same.
    ///
    /// A month from 31 January is the last day of February, a year from 29 February is 28 February. Times beyond what
    /// can be told are cut to [`Instant::MIN`] and [`Instant::MAX`].
    ///
    /// ```
    /// use headcount::internals::value::Instant;
    /// use headcount::internals::value::calendar::{RelativeTime, Unit};
    /// let zone = jiff::tz::TimeZone::get("America/New_York").unwrap();
    /// let now = Instant::parse("2026-03-31T12:00:00Z").unwrap();
    /// let (start, end) = RelativeTime { amount: -1, unit: Unit::Month }.span(now, &zone);
    /// assert_eq!((start.to_string(), end.to_string()), ("2026-02-28T05:00:00Z".into(), "2026-03-01T05:00:00Z".into()));
    /// ```
    pub fn span(self, now: Instant, zone: &TimeZone) -> (Instant, Instant) {
        match self.micros() {
            Some(micros) => {
                let instant = Instant::from_micros(now.micros().saturating_add(micros));
                (instant, instant.next())
            }
            None => match self.from_date(date_of(now, zone)) {
                Some(date) => day_bounds(date, zone),
                None => (edge(self.amount < 0), edge(self.amount < 0)),
            },
        }
    }

    /// The day that lies so far from another; `None` if it is beyond the calendar, or if this is an instant.
    pub fn from_date(self, date: Date) -> Option<Date> {
        let span = Span::new();
        let span = match self.unit {
            Unit::Minute | Unit::Hour => return None,
            Unit::Day => span.try_days(self.amount),
            Unit::Week => span.try_weeks(self.amount),
            Unit::Month => span.try_months(self.amount),
            Unit::Year => span.try_years(self.amount),
        };
        date.checked_add(span.ok()?).ok().filter(|date| date.year() >= 1)
    }

    /// How far an instant lies from now.
    fn micros(self) -> Option<i64> {
        let unit = match self.unit {
            Unit::Minute => 60_000_000,
            Unit::Hour => 3_600_000_000,
            Unit::Day | Unit::Week | Unit::Month | Unit::Year => return None,
        };
        Some(i64::from(self.amount) * unit)
    }

    /// The moment after `now` at which the beginning (or with `after` the end) of this time passes beyond `value`;
    /// `None` if it lies beyond it already, or never will.
    ///
    /// The beginning never moves back as time goes by, so it passes each value once: `value >= beginning` holds before
    /// that moment and not from it on.
    pub fn next_crossing(self, value: Instant, after: bool, now: Instant, zone: &TimeZone) -> Option<Instant> {
        let threshold = |now| if after { self.span(now, zone).1 } else { self.span(now, zone).0 };
        if threshold(now) > value {
            return None;
        }
        if let Some(micros) = self.micros() {
            // The first moment whose beginning, or end, is more than `value`.
            let at = value.micros().checked_sub(micros)?.checked_add(i64::from(!after))?;
            let at = Instant::from_micros(at);
            return (at > now && threshold(at) > value).then_some(at);
        }
        // Months are not equally long, so the inverse of adding them is only near: walk the last days to it.
        let target = if after { date_of(value, zone) } else { date_of(value, zone).tomorrow().ok()? };
        let reaches = |date: Date| self.from_date(date).is_some_and(|moved| moved >= target);
        let inverse = RelativeTime { amount: self.amount.checked_neg()?, ..self };
        let mut date = inverse.from_date(target)?;
        while let Some(earlier) = date.yesterday().ok().filter(|&earlier| reaches(earlier)) {
            date = earlier;
        }
        while !reaches(date) {
            date = date.tomorrow().ok()?;
        }
        let at = start_of_day(date, zone);
        (at > now).then_some(at)
    }
}

/// An end of an anniversary's span of days.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum AnniversaryDay {
    /// Relative to today; `unit` is a day or more.
    Relative(RelativeTime),
    /// A fixed day of the year.
    Fixed {
        /// 1 to 12.
        month: u8,
        /// 1 to 31.
        day: u8,
    },
}

/// Days of the year, without a year: which birthdays fall into a span of days.
///
/// A birthday on 29 February falls on 1 March in common years.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct DaysOfYear {
    /// One bit for each day of a leap year, the first of January first.
    bits: [u64; 6],
}

/// Days of a leap year.
const LEAP_YEAR: usize = 366;
/// Days before the first of each month in a leap year.
const DAYS_BEFORE: [usize; 12] = [0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335];
/// 29 February and 1 March, as days of a leap year.
const LEAP_DAY: usize = 59;
const AFTER_LEAP_DAY: usize = 60;

impl DaysOfYear {
    /// The birthdays that fall on a day from `low` to `high`, both included, as they lie around now.
    ///
    /// - Both relative: the days between the two dates; none if `high` lies before `low`; all if they span a year.
    /// - One fixed: the last such day before the other, or the first behind it: `12-20..today`.
    /// - Both fixed: as they fall in the present year; a span may cross its end: `12-20..01-06`.
    ///
    /// ```
    /// use headcount::internals::value::Instant;
    /// use headcount::internals::value::calendar::{AnniversaryDay, DaysOfYear, RelativeTime, Unit};
    /// let now = Instant::parse("2027-03-01T12:00:00Z").unwrap();
    /// let today = AnniversaryDay::Relative(RelativeTime { amount: 0, unit: Unit::Day });
    /// let days = DaysOfYear::between(today, today, now, &jiff::tz::TimeZone::UTC);
    /// assert_eq!(days.iter().collect::<Vec<_>>(), [(2, 29), (3, 1)]);
    /// ```
    pub fn between(low: AnniversaryDay, high: AnniversaryDay, now: Instant, zone: &TimeZone) -> Self {
        use AnniversaryDay::{Fixed, Relative};
        let today = date_of(now, zone);
        let days = match (low, high) {
            (Relative(low), Relative(high)) => low.from_date(today).zip(high.from_date(today)),
            (Fixed { month, day }, Relative(high)) => high.from_date(today).and_then(|high| {
                let this_year = anniversary(month, day, high.year())?;
                let low = if this_year <= high { this_year } else { anniversary(month, day, high.year() - 1)? };
                Some((low, high))
            }),
            (Relative(low), Fixed { month, day }) => low.from_date(today).and_then(|low| {
                let this_year = anniversary(month, day, low.year())?;
                let high = if this_year >= low { this_year } else { anniversary(month, day, low.year() + 1)? };
                Some((low, high))
            }),
            (Fixed { month, day }, Fixed { month: high_month, day: high_day }) => {
                let year = today.year();
                let ends = anniversary(month, day, year).zip(anniversary(high_month, high_day, year));
                if let Some((low, high)) = ends.filter(|(low, high)| low > high) {
                    // Over the end of the year: all days but those in between.
                    let mut days = DaysOfYear::default();
                    days.add_within_year(Date::constant(year, 1, 1), high);
                    days.add_within_year(low, Date::constant(year, 12, 31));
                    return days;
                }
                ends
            }
        };
        let Some((low, high)) = days else { return DaysOfYear::default() };
        DaysOfYear::of_dates(low, high)
    }

    fn of_dates(low: Date, high: Date) -> Self {
        let mut days = DaysOfYear::default();
        if i32::from(high.year()) > i32::from(low.year()) + 1 {
            days.add(0, LEAP_YEAR - 1);
        } else if high.year() == low.year() {
            days.add_within_year(low, high);
        } else if high > low {
            days.add_within_year(low, Date::constant(low.year(), 12, 31));
            days.add_within_year(Date::constant(high.year(), 1, 1), high);
        }
        days
    }

    /// Adds the birthdays that fall on a day between two of one year.
    fn add_within_year(&mut self, low: Date, high: Date) {
        if low > high {
            return;
        }
        let had_leap_day = self.has(LEAP_DAY);
        let (low_index, high_index) = (index_of(low), index_of(high));
        self.add(low_index, high_index);
        if !low.in_leap_year() && !had_leap_day {
            let falls_inside = (low_index..=high_index).contains(&AFTER_LEAP_DAY);
            self.set(LEAP_DAY, falls_inside);
        }
    }

    fn add(&mut self, low: usize, high: usize) {
        (low..=high).for_each(|index| self.set(index, true));
    }

    fn set(&mut self, index: usize, inside: bool) {
        if let Some(word) = self.bits.get_mut(index / 64) {
            *word = *word & !(1 << (index % 64)) | u64::from(inside) << (index % 64);
        }
    }

    fn has(&self, index: usize) -> bool {
        self.bits.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    /// Whether a birthday is among them; only its month and day count.
    pub fn contains(&self, birthday: Date) -> bool {
        self.has(index_of(birthday))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.bits == [0; 6]
    }

    /// The birthdays as month and day, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u8, u8)> {
        (0..LEAP_YEAR).filter(|&index| self.has(index)).map(|index| {
            let month = DAYS_BEFORE.partition_point(|&before| before <= index);
            let before = DAYS_BEFORE.get(month - 1).copied().unwrap_or_default();
            (month as u8, (index - before + 1) as u8)
        })
    }
}

/// The day's number in a leap year, from 0.
fn index_of(date: Date) -> usize {
    let month = usize::from(date.month().unsigned_abs());
    DAYS_BEFORE.get(month - 1).copied().unwrap_or_default() + usize::from(date.day().unsigned_abs()) - 1
}

/// On which date of a year a birthday falls; `None` for a day that no year has.
fn anniversary(month: u8, day: u8, year: i16) -> Option<Date> {
    let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    match Date::new(year, month, day) {
        Ok(date) => Some(date),
        Err(_) if (month, day) == (2, 29) => Date::new(year, 3, 1).ok(),
        Err(_) => None,
    }
}

/// The first moment after now at which a value's answer to an anniversary flips: the beginning of a day. `None` if it
/// does not within nine years, which is as long as 29 February can stay away.
///
/// Cost: some 50 ns for each day until then.
pub fn next_anniversary_flip(
    value: Instant,
    low: AnniversaryDay,
    high: AnniversaryDay,
    now: Instant,
    zone: &TimeZone,
) -> Option<Instant> {
    const DAYS: usize = 9 * 366;
    let birthday = birthday_of(value, zone);
    let holds = |moment| DaysOfYear::between(low, high, moment, zone).contains(birthday);
    let at_present = holds(now);
    let mut date = date_of(now, zone);
    for _ in 0..DAYS {
        date = date.tomorrow().ok()?;
        let moment = start_of_day(date, zone);
        if moment > now && holds(moment) != at_present {
            return Some(moment);
        }
    }
    None
}

#[cfg(test)]
#[path = "calendar_tests.rs"]
mod tests;
