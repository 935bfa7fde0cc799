//! Times relative to the moment of evaluation, made absolute.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};

use crate::plan::atom::TimeBound;
use crate::sema::query::{AnniversaryDay, RelativeTime, Unit};
use crate::value::Instant;

/// The moment and the zone that settle relative times.
#[derive(Clone, Debug)]
pub struct Clock {
    /// The present moment.
    pub now: Instant,
    /// The zone in which days begin and end.
    pub timezone: TimeZone,
}

impl Clock {
    /// The first moment of a day in the zone.
    pub fn start_of(&self, day: Date) -> Instant {
        match day.to_zoned(self.timezone.clone()) {
            Ok(zoned) => zoned.timestamp().into(),
            Err(_) if day.year() > 0 => Instant::MAX,
            Err(_) => Instant::MIN,
        }
    }

    /// The day of a moment in the zone.
    pub fn day_of(&self, instant: Instant) -> Date {
        self.timezone.to_datetime(instant.timestamp()).date()
    }

    /// A relative day; days beyond the calendar are its ends.
    pub fn day(&self, time: RelativeTime) -> Date {
        let amount = i64::from(time.amount);
        let span = match time.unit {
            Unit::Week => Span::new().try_weeks(amount),
            Unit::Month => Span::new().try_months(amount),
            Unit::Year => Span::new().try_years(amount),
            Unit::Day | Unit::Minute | Unit::Hour => Span::new().try_days(amount),
        };
        let end = if time.amount < 0 { Date::MIN } else { Date::MAX };
        span.and_then(|span| self.day_of(self.now).checked_add(span)).unwrap_or(end)
    }

    /// The moment of a bound.
    pub fn bound(&self, bound: TimeBound) -> Instant {
        let (time, after) = match bound {
            TimeBound::At(instant) => return instant,
            TimeBound::Relative { time, after } => (time, after),
        };
        let minutes = match time.unit {
            Unit::Minute => i64::from(time.amount),
            Unit::Hour => i64::from(time.amount) * 60,
            Unit::Day | Unit::Week | Unit::Month | Unit::Year => {
                let day = self.day(time);
                if !after {
                    return self.start_of(day);
                }
                return day.checked_add(1.day()).map_or(Instant::MAX, |next| self.start_of(next));
            }
        };
        let moment = Instant::from_micros(self.now.micros().saturating_add(minutes.saturating_mul(60_000_000)));
        if after { moment.next() } else { moment }
    }

    /// Month and day of an end of an anniversary's span.
    pub fn month_and_day(&self, day: AnniversaryDay) -> (i8, i8) {
        match day {
            AnniversaryDay::Relative(time) => {
                let date = self.day(time);
                (date.month(), date.day())
            }
            AnniversaryDay::Fixed { month, day } => (month as i8, day as i8),
        }
    }

    /// Whether a day of the year lies in a span that may run over the end of the year.
    fn holds(&self, day: (i8, i8), low: (i8, i8), high: (i8, i8)) -> bool {
        if low <= high { low <= day && day <= high } else { day >= low || day <= high }
    }

    /// Whether a moment's month and day lie between two, both included; a span may run over the end of the year.
    /// 29 February falls on 1 March in common years.
    pub fn is_anniversary(&self, instant: Instant, low: (i8, i8), high: (i8, i8)) -> bool {
        let date = self.day_of(instant);
        let day = (date.month(), date.day());
        let leap_born = || day == (2, 29) && !self.day_of(self.now).in_leap_year();
        self.holds(day, low, high) || leap_born() && self.holds((3, 1), low, high)
    }

    /// The spans of time, ascending and disjoint, whose moments [`Clock::is_anniversary`] accepts, among those that
    /// touch the years from `first` to `last`.
    pub fn anniversaries(
        &self,
        low: (i8, i8),
        high: (i8, i8),
        first: Instant,
        last: Instant,
    ) -> Vec<(Instant, Instant)> {
        let leap_born =
            !self.day_of(self.now).in_leap_year() && self.holds((3, 1), low, high) && !self.holds((2, 29), low, high);
        let mut spans: Vec<(Instant, Instant)> = Vec::new();
        let mut push = |from: Option<Date>, to: Option<Date>| {
            let (start, end) = (
                from.map_or(Instant::MIN, |day| self.start_of(day)),
                to.and_then(|day| day.checked_add(1.day()).ok()).map_or(Instant::MAX.next(), |day| self.start_of(day)),
            );
            match spans.last_mut() {
                Some(last) if last.1 >= start => last.1 = last.1.max(end),
                _ => spans.push((start, end)),
            }
        };
        for year in self.day_of(first).year()..=self.day_of(last).year() {
            // A day that the year does not have: the span begins the day after and ends the day before.
            let from = Date::new(year, low.0, low.1).or_else(|_| Date::new(year, 3, 1)).ok();
            let to = Date::new(year, high.0, high.1).or_else(|_| Date::new(year, 2, 28)).ok();
            let leap_day = Date::new(year, 2, 29).ok().filter(|_| leap_born);
            if low <= high {
                if leap_day.is_some() {
                    push(leap_day, leap_day);
                }
                if from <= to {
                    push(from, to);
                }
            } else {
                push(Date::new(year, 1, 1).ok(), to);
                if leap_day.is_some() {
                    push(leap_day, leap_day);
                }
                push(from, Date::new(year, 12, 31).ok());
            }
        }
        spans
    }
}
