//! Moments, to the microsecond.

use std::fmt;

use jiff::Timestamp;

/// A moment: microseconds since 1970-01-01T00:00:00Z, rounded down. Years 1 to 9999.
///
/// ```
/// use headcount::internals::value::Instant;
/// let instant = Instant::parse("2026-06-15T14:00:00+02:00").unwrap();
/// assert_eq!(instant.to_string(), "2026-06-15T12:00:00Z");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Instant(i64);

impl Instant {
    /// The last moment that can be told.
    pub const MAX: Instant = Instant(253_402_300_799_999_999);
    /// The first moment that can be told.
    pub const MIN: Instant = Instant(-62_135_596_800_000_000);

    /// From microseconds since the epoch, kept within [`Instant::MIN`] and [`Instant::MAX`].
    pub fn from_micros(micros: i64) -> Self {
        Instant(micros.clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Microseconds since the epoch.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// The present moment by the system's clock.
    pub fn now() -> Self {
        Timestamp::now().into()
    }

    /// Reads RFC 3339: seconds optional, a fraction only with seconds, `T` and `Z` in upper case, offset
    /// with a colon; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        parse_with_offset(text).map(|(instant, _)| instant)
    }

    /// As jiff's type, to do calendar arithmetic with; its last moment is about a day earlier than ours.
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_microsecond(self.0).unwrap_or(Timestamp::MAX)
    }

    /// The next moment that can be told.
    pub fn next(self) -> Self {
        Self::from_micros(self.0.saturating_add(1))
    }
}

/// Reads RFC 3339, and gives the offset from UTC in seconds that was written.
pub fn parse_with_offset(text: &str) -> Option<(Instant, i32)> {
    let bytes = text.as_bytes();
    let digits = |from: usize, to: usize| -> Option<i64> {
        let part = bytes.get(from..to)?;
        part.iter().all(u8::is_ascii_digit).then(|| part.iter().fold(0, |sum, &byte| sum * 10 + i64::from(byte - b'0')))
    };
    let is = |at: usize, byte: u8| bytes.get(at) == Some(&byte);
    if !(is(4, b'-') && is(7, b'-') && is(10, b'T') && is(13, b':')) {
        return None;
    }
    let (year, month, day) = (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?);
    let (hour, minute) = (digits(11, 13)?, digits(14, 16)?);
    let mut at = 16;
    let mut second = 0;
    let mut micros = 0;
    if is(at, b':') {
        second = digits(17, 19)?;
        at = 19;
        if is(at, b'.') {
            let from = at + 1;
            at = from;
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                if at - from < 6 {
                    micros += i64::from(bytes.get(at)? - b'0') * 10i64.pow(5 - (at - from) as u32);
                }
                at += 1;
            }
            if at == from {
                return None;
            }
        }
    }
    let offset = match (bytes.get(at)?, bytes.len() - at) {
        (b'Z', 1) => 0,
        (sign @ (b'+' | b'-'), 6) if is(at + 3, b':') => {
            let (hours, minutes) = (digits(at + 1, at + 3)?, digits(at + 4, at + 6)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let seconds = hours * 3600 + minutes * 60;
            if *sign == b'-' { -seconds } else { seconds }
        }
        _ => return None,
    };
    if hour > 23 || minute > 59 || second > 59 || year < 1 {
        return None;
    }
    let date = jiff::civil::Date::new(year as i16, month as i8, day as i8).ok()?;
    let days = i64::from(days_from_epoch(date));
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset;
    Some((Instant::from_micros(seconds * 1_000_000 + micros), offset as i32))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
///
/// Source: H. Hinnant, "chrono-compatible low-level date algorithms".
fn days_from_epoch(date: jiff::civil::Date) -> i32 {
    let (year, month, day) = (i32::from(date.year()), i32::from(date.month()), i32::from(date.day()));
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

impl From<Timestamp> for Instant {
    fn from(timestamp: Timestamp) -> Self {
        let (seconds, nanos) = (timestamp.as_second(), i64::from(timestamp.subsec_nanosecond()));
        Instant::from_micros(seconds.saturating_mul(1_000_000).saturating_add(nanos.div_euclid(1_000)))
    }
}

/// RFC 3339 in UTC, with a fraction of as many digits as it takes.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.timestamp(), f)
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_rfc_3339_as_the_language_does() {
        let same = [
            "2026-06-15T12:00:00Z",
            "2026-06-15T12:00Z",
            "2026-06-15T12:00:00.000Z",
            "2026-06-15T14:30:00+02:30",
            "2026-06-15T09:00-03:00",
        ];
        for text in same {
            assert_eq!(Instant::parse(text).map(|i| i.to_string()).as_deref(), Some("2026-06-15T12:00:00Z"), "{text}");
        }
        let not = [
            "2026-06-15",
            "2026-06-15t12:00:00Z",
            "2026-06-15T12:00:00z",
            "2026-06-15T12:00:00",
            "2026-06-15T12:00.5Z",
            "2026-06-15T12:00:00.Z",
            "2026-06-15T12:00:00+0200",
            "2026-02-30T12:00:00Z",
            "2026-06-15T24:00:00Z",
            "2026-06-15T12:00:00Zx",
            "2026-06-15 12:00:00Z",
            "é026-06-15T12:00:00Z",
        ];
        for text in not {
            assert_eq!(Instant::parse(text), None, "{text}");
        }
        assert_eq!(Instant::parse("1969-12-31T23:59:59.9999999Z").map(Instant::micros), Some(-1));
    }

    proptest! {
        #[test]
        fn printing_reads_back(micros in Instant::MIN.micros()..Instant::MAX.micros()) {
            let instant = Instant::from_micros(micros);
            prop_assert_eq!(Instant::parse(&instant.to_string()), Some(instant));
        }

        #[test]
        fn reading_never_panics(text in "\\PC{0,40}") {
            let _ = Instant::parse(&text);
        }
    }
}
