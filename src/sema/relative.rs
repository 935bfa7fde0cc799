//! Relative times as queries write them: `today`, `yesterday`, `now`, `-30d`, `+2w`, `-90m`; and days of the year.

use std::fmt;

use crate::sema::query::{AnniversaryDay, RelativeTime, Unit};

/// Why a text that looks like a relative time is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooFar;

impl Unit {
    /// All of them, as queries write them.
    pub const ALL: [(Unit, &'static str); 6] = [
        (Unit::Minute, "m"),
        (Unit::Hour, "h"),
        (Unit::Day, "d"),
        (Unit::Week, "w"),
        (Unit::Month, "mo"),
        (Unit::Year, "y"),
    ];

    /// As queries write it.
    pub fn symbol(self) -> &'static str {
        Unit::ALL.into_iter().find(|(unit, _)| *unit == self).map_or("", |(_, symbol)| symbol)
    }

    /// Whether it is a day or more: then the result is a whole calendar day, else an instant.
    pub fn is_calendar(self) -> bool {
        !matches!(self, Unit::Minute | Unit::Hour)
    }

    /// About a thousand years.
    fn limit(self) -> i32 {
        match self {
            Unit::Minute => 525_960_000,
            Unit::Hour => 8_766_000,
            Unit::Day => 365_250,
            Unit::Week => 52_178,
            Unit::Month => 12_000,
            Unit::Year => 1_000,
        }
    }
}

impl RelativeTime {
    /// The day before it.
    pub const YESTERDAY: RelativeTime = RelativeTime { amount: -1, unit: Unit::Day };

    /// Whether it is within the thousand years or so that are supported.
    pub fn is_supported(self) -> bool {
        self.amount.unsigned_abs() <= self.unit.limit().unsigned_abs()
    }

    /// Reads a relative time, in any case; `None` if the text does not look like one.
    ///
    /// ```
    /// use headcount::internals::sema::query::{RelativeTime, Unit};
    /// let time = RelativeTime { amount: -30, unit: Unit::Day };
    /// assert_eq!(RelativeTime::read("-30d"), Some(Ok(time)));
    /// assert_eq!(RelativeTime::read("30d"), None);
    /// ```
    pub fn read(text: &str) -> Option<Result<RelativeTime, TooFar>> {
        for (word, time) in [("today", Self::TODAY), ("yesterday", Self::YESTERDAY), ("now", Self::NOW)] {
            if text.eq_ignore_ascii_case(word) {
                return Some(Ok(time));
            }
        }
        let amount = text.strip_prefix(['+', '-'])?;
        let digits = amount.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, symbol) = amount.split_at_checked(digits)?;
        let (unit, _) = Unit::ALL.into_iter().find(|(_, own)| symbol.eq_ignore_ascii_case(own))?;
        if digits.is_empty() {
            return None;
        }
        let Ok(amount) = digits.parse::<i32>() else { return Some(Err(TooFar)) };
        let time = RelativeTime { amount: if text.starts_with('-') { -amount } else { amount }, unit };
        Some(if time.is_supported() { Ok(time) } else { Err(TooFar) })
    }
}

/// As canonical queries write it.
impl fmt::Display for RelativeTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TODAY => f.write_str("today"),
            Self::YESTERDAY => f.write_str("yesterday"),
            Self::NOW => f.write_str("now"),
            RelativeTime { amount, unit } => write!(f, "{amount:+}{}", unit.symbol()),
        }
    }
}

/// Days of each month, in a leap year.
const DAYS: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

impl AnniversaryDay {
    /// Reads `today`, `-7d`, or a day of the year as `MM-DD`.
    ///
    /// ```
    /// use headcount::internals::sema::query::AnniversaryDay;
    /// assert_eq!(AnniversaryDay::read("12-24"), Some(AnniversaryDay::Fixed { month: 12, day: 24 }));
    /// assert_eq!(AnniversaryDay::read("02-30"), None);
    /// assert_eq!(AnniversaryDay::read("now"), None);
    /// ```
    pub fn read(text: &str) -> Option<Self> {
        if let Some(time) = RelativeTime::read(text) {
            return time.ok().filter(|time| time.unit.is_calendar()).map(AnniversaryDay::Relative);
        }
        let two =
            |part: &str| (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse().ok())?;
        let (month, day) = text.split_once('-')?;
        let fixed = AnniversaryDay::Fixed { month: two(month)?, day: two(day)? };
        fixed.is_valid().then_some(fixed)
    }

    /// Whether it is a day of the year, or relative and whole days.
    pub fn is_valid(self) -> bool {
        match self {
            AnniversaryDay::Relative(time) => time.unit.is_calendar() && time.is_supported(),
            AnniversaryDay::Fixed { month, day } => {
                let last = usize::from(month).checked_sub(1).and_then(|at| DAYS.get(at));
                day >= 1 && last.is_some_and(|last| day <= *last)
            }
        }
    }
}

/// As canonical queries write it.
impl fmt::Display for AnniversaryDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AnniversaryDay::Relative(time) => time.fmt(f),
            AnniversaryDay::Fixed { month, day } => write!(f, "{month:02}-{day:02}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_reads_back() {
        for (unit, _) in Unit::ALL {
            for amount in [-unit.limit(), -30, -1, 0, 1, 7, unit.limit()] {
                let time = RelativeTime { amount, unit };
                assert_eq!(RelativeTime::read(&time.to_string()), Some(Ok(time)));
                let day = AnniversaryDay::Relative(time);
                assert_eq!(AnniversaryDay::read(&day.to_string()), unit.is_calendar().then_some(day));
            }
            let far = format!("-{}{}", i64::from(unit.limit()) + 1, unit.symbol());
            assert_eq!(RelativeTime::read(&far), Some(Err(TooFar)));
        }
        assert_eq!(RelativeTime::read("-99999999999999999999d"), Some(Err(TooFar)));
        assert_eq!(RelativeTime::read("-3MO"), Some(Ok(RelativeTime { amount: -3, unit: Unit::Month })));
        for text in ["", "-", "-d", "3d", "--3d", "-3x", "-3", "to day", "+é", "-3.5d"] {
            assert_eq!(RelativeTime::read(text), None, "{text}");
        }
    }

    #[test]
    fn days_of_the_year() {
        for text in ["02-29", "12-31", "01-01"] {
            assert_eq!(AnniversaryDay::read(text).map(|day| day.to_string()).as_deref(), Some(text));
        }
        for text in ["2-29", "02-30", "13-01", "00-10", "04-31", "1990-01-01", "+1-01", "-5m", ""] {
            assert_eq!(AnniversaryDay::read(text), None, "{text}");
        }
    }
}
