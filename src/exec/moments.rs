//! The moment of a search, and the spans of time in which anniversaries lie.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::value::Instant;
use crate::value::calendar::{DaysOfYear, bounds_in_year, year_of};

/// The moment and the zone that settle relative times.
#[derive(Clone, Debug)]
pub struct Clock {
    /// The present moment.
    pub now: Instant,
    /// The zone in which days begin and end.
    pub timezone: TimeZone,
}

impl Clock {
    /// The spans of time, ascending and disjoint, whose moments fall on one of these days in the zone, among those that
    /// touch the years from `first` to `last`.
    ///
    /// Cost: two look-ups in the zone for each year and each run of days.
    pub fn spans_of(&self, days: &DaysOfYear, first: Instant, last: Instant) -> Vec<(Instant, Instant)> {
        let runs = runs(days);
        let mut spans: Vec<(Instant, Instant)> = Vec::new();
        for year in year_of(first, &self.timezone)..=year_of(last, &self.timezone) {
            let bounds = |(month, day): MonthDay| bounds_in_year(year, month, day, &self.timezone);
            for &(first_day, last_day) in &runs {
                // Only 29 February can be missing: a run that begins there begins a day later, one that ends there a
                // day earlier.
                let from = bounds(first_day).or_else(|| bounds((3, 1)));
                let to = bounds(last_day).or_else(|| bounds((2, 28)));
                let (Some((start, _)), Some((_, end))) = (from, to) else { continue };
                if start >= end {
                    continue;
                }
                match spans.last_mut() {
                    Some(last) if last.1 >= start => last.1 = last.1.max(end),
                    _ => spans.push((start, end)),
                }
            }
        }
        spans
    }
}

/// Month and day.
type MonthDay = (i8, i8);

/// First and last day of each run of days that follow one another in a leap year.
fn runs(days: &DaysOfYear) -> Vec<(MonthDay, MonthDay)> {
    let mut runs: Vec<(MonthDay, MonthDay)> = Vec::new();
    for (month, day) in days.iter() {
        let day = (month as i8, day as i8);
        let follows = |last: MonthDay| {
            let next = Date::new(2024, last.0, last.1).and_then(Date::tomorrow);
            next.is_ok_and(|next| (next.month(), next.day()) == day)
        };
        match runs.last_mut() {
            Some(run) if follows(run.1) => run.1 = day,
            _ => runs.push((day, day)),
        }
    }
    runs
}
