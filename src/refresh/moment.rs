//! What relative times stand for at one moment.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};

use crate::plan::atom::TimeBound;
use crate::sema::query::{AnniversaryDay, RelativeTime, Unit};
use crate::value::Instant;

/// Places for days of the year: twelve months of 32.
pub(super) const YEAR_DAYS: usize = 12 * 32;

/// A moment in a workspace's zone: it settles relative times and anniversaries.
#[derive(Clone, Debug)]
pub struct Moment {
    now: Instant,
    timezone: TimeZone,
    today: Date,
}

impl Moment {
    /// That moment in that zone.
    pub fn new(now: Instant, timezone: TimeZone) -> Self {
        let today = local_date(now, &timezone);
        Moment { now, timezone, today }
    }

    /// Another moment in the same zone.
    pub fn at(&self, now: Instant) -> Self {
        Moment::new(now, self.timezone.clone())
    }

    /// The moment itself.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The zone in which days begin.
    pub fn timezone(&self) -> &TimeZone {
        &self.timezone
    }

    /// The calendar day, in the zone.
    pub fn today(&self) -> Date {
        self.today
    }

    /// The first moment of the day after this one.
    pub fn next_midnight(&self) -> Instant {
        self.start_of(self.today.saturating_add(1.day()))
    }

    /// The first moment of a day in the zone.
    pub fn start_of(&self, date: Date) -> Instant {
        match self.timezone.to_ambiguous_zoned(date.at(0, 0, 0, 0)).compatible() {
            Ok(zoned) => zoned.start_of_day().map_or(Instant::MAX, |start| start.timestamp().into()),
            // Within a day of the ends of time.
            Err(_) if date.year() > 0 => Instant::MAX,
            Err(_) => Instant::MIN,
        }
    }

    /// The moment at which a bound stands.
    pub fn bound(&self, bound: TimeBound) -> Instant {
        match bound {
            TimeBound::At(instant) => instant,
            TimeBound::Relative { time, after } => match short_unit(time.unit) {
                Some(micros) => {
                    let shift = i64::from(time.amount).saturating_mul(micros);
                    let instant = Instant::from_micros(self.now.micros().saturating_add(shift));
                    if after { instant.next() } else { instant }
                }
                None => {
                    let day = self.day(time);
                    self.start_of(if after { day.saturating_add(1.day()) } else { day })
                }
            },
        }
    }

    /// The calendar day that a relative time of days or more stands for; for shorter units, today.
    pub fn day(&self, time: RelativeTime) -> Date {
        let amount = i64::from(time.amount);
        let span = match time.unit {
            Unit::Minute | Unit::Hour => return self.today,
            Unit::Day => Span::new().try_days(amount),
            Unit::Week => Span::new().try_weeks(amount),
            Unit::Month => Span::new().try_months(amount),
            Unit::Year => Span::new().try_years(amount),
        };
        match span {
            Ok(span) => self.today.saturating_add(span),
            Err(_) if amount < 0 => Date::MIN,
            Err(_) => Date::MAX,
        }
    }

    /// The place of an instant's local day within [`YEAR_DAYS`].
    pub(super) fn year_day(&self, instant: Instant) -> usize {
        year_day(local_date(instant, &self.timezone))
    }

    /// Which days of the year an anniversary's span covers at this moment.
    pub(super) fn anniversary_days(&self, low: AnniversaryDay, high: AnniversaryDay) -> [bool; YEAR_DAYS] {
        let mut days = [false; YEAR_DAYS];
        let (first, last) = match (low, high) {
            (AnniversaryDay::Relative(low), AnniversaryDay::Relative(high)) => (self.day(low), self.day(high)),
            (AnniversaryDay::Relative(low), AnniversaryDay::Fixed { month, day }) => {
                let first = self.day(low);
                (first, following(first, month, day))
            }
            (AnniversaryDay::Fixed { month, day }, AnniversaryDay::Relative(high)) => {
                let last = self.day(high);
                (preceding(last, month, day), last)
            }
            (AnniversaryDay::Fixed { month: m1, day: d1 }, AnniversaryDay::Fixed { month: m2, day: d2 }) => {
                let first = in_year(self.today.year(), m1, d1);
                (first, following(first, m2, d2))
            }
        };
        let mut date = first;
        for _ in 0..=366 {
            if date > last {
                break;
            }
            if let Some(day) = days.get_mut(year_day(date)) {
                *day = true;
            }
            if date.month() == 3 && date.day() == 1 && !date.in_leap_year() {
                if let Some(day) = days.get_mut(32 + 28) {
                    *day = true;
                }
            }
            date = date.saturating_add(1.day());
        }
        days
    }
}

/// Microseconds of the units below a day; `None` from days upward.
pub(super) fn short_unit(unit: Unit) -> Option<i64> {
    match unit {
        Unit::Minute => Some(60_000_000),
        Unit::Hour => Some(3_600_000_000),
        Unit::Day | Unit::Week | Unit::Month | Unit::Year => None,
    }
}

/// The local day of an instant.
pub(super) fn local_date(instant: Instant, timezone: &TimeZone) -> Date {
    timezone.to_datetime(instant.timestamp()).date()
}

fn year_day(date: Date) -> usize {
    (date.month() as usize - 1) * 32 + date.day() as usize - 1
}

/// The day of that name in a year; 29 February falls on 1 March in common years.
fn in_year(year: i16, month: u8, day: u8) -> Date {
    Date::new(year, month as i8, day as i8).or_else(|_| Date::new(year, month as i8 + 1, 1)).unwrap_or(Date::ZERO)
}

/// The first day of that name on or after a date.
fn following(date: Date, month: u8, day: u8) -> Date {
    let same_year = in_year(date.year(), month, day);
    if same_year >= date { same_year } else { in_year(date.year().saturating_add(1).min(9999), month, day) }
}

/// The last day of that name on or before a date.
fn preceding(date: Date, month: u8, day: u8) -> Date {
    let same_year = in_year(date.year(), month, day);
    if same_year <= date { same_year } else { in_year(date.year() - 1, month, day) }
}
