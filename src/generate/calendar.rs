//! Dates in whole numbers: days since 1970-01-01, moments in microseconds.

use std::fmt::Write;

use crate::value::Instant;

use super::random::Random;

/// Microseconds in a second.
pub(super) const SECOND: i64 = 1_000_000;
/// Microseconds in a minute.
pub(super) const MINUTE: i64 = 60 * SECOND;
/// Microseconds in a day.
pub(super) const DAY: i64 = 86_400 * SECOND;

/// How busy each hour of a local day is: people answer in the morning and in the evening.
const RHYTHM: [(u64, i64); 24] = [
    (4, 0),
    (2, 1),
    (1, 2),
    (1, 3),
    (3, 4),
    (10, 5),
    (28, 6),
    (48, 7),
    (62, 8),
    (66, 9),
    (60, 10),
    (52, 11),
    (46, 12),
    (48, 13),
    (50, 14),
    (52, 15),
    (56, 16),
    (62, 17),
    (72, 18),
    (78, 19),
    (66, 20),
    (42, 21),
    (20, 22),
    (9, 23),
];

/// A civil date from days since the epoch.
///
/// Source: H. Hinnant, "chrono-compatible low-level date algorithms".
pub(super) fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// `YYYY-MM-DD`.
pub(super) fn iso(days: i64) -> String {
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The day of a moment, in UTC.
pub(super) fn day_of(moment: Instant) -> i64 {
    moment.micros().div_euclid(DAY)
}

/// Appends a moment as RFC 3339 in UTC, with microseconds if there are any.
pub(super) fn push_moment(out: &mut String, moment: Instant) {
    let (year, month, day) = civil(day_of(moment));
    let within = moment.micros().rem_euclid(DAY);
    let seconds = within / SECOND;
    let micros = within % SECOND;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    // Writing to a string cannot fail.
    let _ = write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if micros > 0 {
        let _ = write!(out, ".{micros:06}");
    }
    out.push('Z');
}

/// A moment as RFC 3339 in UTC.
pub(super) fn moment_text(moment: Instant) -> String {
    let mut text = String::with_capacity(27);
    push_moment(&mut text, moment);
    text
}

/// A moment on a local day, at an hour at which people are awake.
pub(super) fn at_daytime(random: &mut Random, day: i64, offset_minutes: i64) -> Instant {
    let hour = random.weighted(&RHYTHM);
    let within = random.below(3_600_000_000) as i64;
    Instant::from_micros(day * DAY + hour * 60 * MINUTE + within - offset_minutes * MINUTE)
}

/// Microseconds to wait for the next event of a stream, longer at night.
pub(super) fn pause(random: &mut Random, moment: Instant, offset_minutes: i64) -> i64 {
    let hour = (moment.micros() + offset_minutes * MINUTE).rem_euclid(DAY) / (60 * MINUTE);
    let busy = RHYTHM.get(hour as usize).map_or(1, |(weight, _)| *weight as i64).max(1);
    random.small(20 * SECOND as u64, 3) as i64 * 40 / busy
}
