//! Campaigns: when each member of a group is due for a point, counted from a date of theirs.
//!
//! ```
//! use headcount::internals::campaign::{Offset, Point};
//! use headcount::internals::value::Instant;
//!
//! // Two days before the date, at nine in the morning.
//! let point = Point { offset: Offset::Days(-2), delivery_hour: Some(9) };
//! let zone = jiff::tz::TimeZone::get("Africa/Kigali").unwrap();
//! let instant = |text| Instant::parse(text).unwrap();
//! let due = instant("2026-06-30T00:00:00+02:00");
//! assert_eq!(point.next_fire(due, &zone, instant("2026-06-15T12:00:00Z")), Some(instant("2026-06-28T07:00:00Z")));
//! assert_eq!(point.next_fire(due, &zone, instant("2026-06-29T12:00:00Z")), None);
//! ```

use jiff::Span;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;

use crate::value::Instant;
use crate::value::calendar::moment_of;

/// The microseconds of a minute.
const MINUTE: i64 = 60_000_000;

/// How far a point lies from the date that it counts from; before it, if negative.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Offset {
    /// Minutes that pass.
    Minutes(i32),
    /// Hours that pass.
    Hours(i32),
    /// Days of the calendar: clocks show the same time.
    Days(i32),
    /// Weeks of the calendar.
    Weeks(i32),
}

/// When something is to happen, counted from a date of each contact.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Point {
    /// How far from the date.
    pub offset: Offset,
    /// The hour of that day, from 0 to 23, that replaces the time of day.
    pub delivery_hour: Option<i8>,
}

impl Point {
    /// When it fires for a contact with this date, by the clocks of a zone; `None` if that is past, or beyond the calendar.
    ///
    /// A date between two minutes is rounded up to the next one first.
    pub fn next_fire(&self, date: Instant, zone: &TimeZone, now: Instant) -> Option<Instant> {
        let start = to_minute(date, zone)?;
        let civil = |instant: Instant| zone.to_datetime(instant.timestamp());
        let shifted = match self.offset {
            Offset::Minutes(minutes) => passed(start, i64::from(minutes))?,
            Offset::Hours(hours) => passed(start, i64::from(hours) * 60)?,
            // The same day: where clocks show an hour twice, the date may lie in the second.
            Offset::Days(0) | Offset::Weeks(0) => start,
            Offset::Days(days) => moment_of(later(civil(start), i64::from(days))?, zone),
            Offset::Weeks(weeks) => moment_of(later(civil(start), i64::from(weeks) * 7)?, zone),
        };
        let fire = match self.delivery_hour {
            Some(hour) => moment_of(civil(shifted).date().to_datetime(Time::new(hour, 0, 0, 0).ok()?), zone),
            None => shifted,
        };
        (fire >= now).then_some(fire)
    }
}

/// The next whole minute, unless the clocks show one.
fn to_minute(instant: Instant, zone: &TimeZone) -> Option<Instant> {
    let civil = zone.to_datetime(instant.timestamp());
    let past = i64::from(civil.second()) * 1_000_000 + i64::from(civil.subsec_nanosecond() / 1_000);
    let up = if past == 0 { 0 } else { MINUTE - past };
    instant.micros().checked_add(up).map(Instant::from_micros)
}

fn passed(start: Instant, minutes: i64) -> Option<Instant> {
    start.micros().checked_add(minutes.checked_mul(MINUTE)?).map(Instant::from_micros)
}

fn later(civil: DateTime, days: i64) -> Option<DateTime> {
    civil.checked_add(Span::new().try_days(days).ok()?).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// When a point fires for a date, in a zone, if nothing is past.
    fn fire(offset: Offset, delivery_hour: Option<i8>, date: &str, zone: &str) -> String {
        let zone = TimeZone::get(zone).unwrap();
        let date = Instant::parse(date).unwrap();
        let fire = Point { offset, delivery_hour }.next_fire(date, &zone, Instant::MIN);
        fire.map_or_else(String::new, |fire| fire.to_string())
    }

    #[test]
    fn what_lies_between_two_minutes_rounds_up() {
        let minutes = |date| fire(Offset::Minutes(0), None, date, "Africa/Kigali");
        assert_eq!(minutes("2026-06-15T12:00:00Z"), "2026-06-15T12:00:00Z");
        assert_eq!(minutes("2026-06-15T12:00:01Z"), "2026-06-15T12:01:00Z");
        assert_eq!(minutes("2026-06-15T12:00:59.999999Z"), "2026-06-15T12:01:00Z");
        assert_eq!(minutes("2026-06-15T12:00:00.5Z"), "2026-06-15T12:01:00Z");
        assert_eq!(minutes("2026-06-15T12:00:00.000001Z"), "2026-06-15T12:01:00Z");
        assert_eq!(minutes("1969-12-31T23:59:30Z"), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn days_are_days_of_the_calendar_and_hours_are_hours() {
        // Clocks go forward on 8 March 2026 in New York.
        let zone = "America/New_York";
        assert_eq!(fire(Offset::Days(1), None, "2026-03-07T17:00:00Z", zone), "2026-03-08T16:00:00Z");
        assert_eq!(fire(Offset::Hours(24), None, "2026-03-07T17:00:00Z", zone), "2026-03-08T17:00:00Z");
        assert_eq!(fire(Offset::Weeks(-1), None, "2026-03-14T16:00:00Z", zone), "2026-03-07T17:00:00Z");
        // On 1 November 2026 clocks show 01:30 twice there; this is the second.
        for offset in [Offset::Days(0), Offset::Weeks(0), Offset::Hours(0)] {
            assert_eq!(fire(offset, None, "2026-11-01T06:30:00Z", zone), "2026-11-01T06:30:00Z");
        }
        // 02:30 is not there on that day.
        assert_eq!(fire(Offset::Days(1), None, "2026-03-07T07:30:00Z", zone), "2026-03-08T07:30:00Z");
    }

    #[test]
    fn the_delivery_hour_replaces_the_time_of_day() {
        let at = |offset, hour, date| fire(offset, Some(hour), date, "Africa/Kigali");
        assert_eq!(at(Offset::Days(0), 9, "2026-06-15T20:15:10Z"), "2026-06-15T07:00:00Z");
        // In Kigali it is the next day already.
        assert_eq!(at(Offset::Hours(1), 0, "2026-06-15T21:30:00Z"), "2026-06-15T22:00:00Z");
        assert_eq!(at(Offset::Days(3), 23, "2026-06-15T12:00:00Z"), "2026-06-18T21:00:00Z");
    }

    #[test]
    fn what_is_past_or_beyond_the_calendar_does_not_fire() {
        let point = Point { offset: Offset::Minutes(5), delivery_hour: None };
        let date = Instant::parse("2026-06-15T12:00:00Z").unwrap();
        let due = Instant::parse("2026-06-15T12:05:00Z").unwrap();
        assert_eq!(point.next_fire(date, &TimeZone::UTC, due), Some(due));
        assert_eq!(point.next_fire(date, &TimeZone::UTC, due.next()), None);
        for offset in [Offset::Days(i32::MAX), Offset::Weeks(i32::MIN), Offset::Hours(i32::MAX)] {
            let fire = Point { offset, delivery_hour: Some(3) }.next_fire(date, &TimeZone::UTC, date);
            assert!(fire.is_none() || fire > Some(date), "{offset:?}: {fire:?}");
        }
    }
}
