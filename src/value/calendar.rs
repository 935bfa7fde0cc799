//! Days of a zone, times relative to now, and anniversaries.
//!
//! Days follow the calendar: a day begins at its first moment in the zone and lasts until the next day begins, 23 or 25
//! hours when the clocks change. So days follow one another without gap or overlap whatever the zone does.

use jiff::Span;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::value::Instant;

/// The first moment of a day in a zone. Where clocks jump over midnight it is the moment of the jump; where midnight
/// comes twice it is the earlier one. Kept within what an [`Instant`] can tell.
pub fn start_of_day(date: Date, zone: &TimeZone) -> Instant {
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

/// A day's first moment and the first moment of the day after.
pub fn day_bounds(date: Date, zone: &TimeZone) -> (Instant, Instant) {
    let end = date.tomorrow().map_or(Instant::MAX, |next| start_of_day(next, zone));
    (start_of_day(date, zone), end)
}

/// The moment at which a zone's clocks show this date and time: the earlier one if they do twice; moved forward by the
/// jump if they never do.
pub fn moment_of(civil: DateTime, zone: &TimeZone) -> Instant {
    zone.to_timestamp(civil).map_or_else(|_| edge(civil.year() < 5000), Instant::from)
}

fn edge(is_early: bool) -> Instant {
    if is_early { Instant::MIN } else { Instant::MAX }
}

/// The day of a zone in which a moment lies: the last one that has begun.
pub fn date_of(instant: Instant, zone: &TimeZone) -> Date {
    let date = zone.to_datetime(instant.timestamp()).date();
    // Where clocks go back over midnight they show a day's evening again when the next day has begun.
    match date.tomorrow() {
        Ok(next) if zone.to_fixed_offset().is_err() && start_of_day(next, zone) <= instant => next,
        _ => date,
    }
}
