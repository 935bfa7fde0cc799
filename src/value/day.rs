//! Dates that people write: a literal's day and a stored text's moment.
//!
//! Three forms are tried in turn: RFC 3339 as a whole, an ISO date at the beginning, then day, month and year in the
//! workspace's order anywhere in the text. Scanners by hand: a literal is read on every query, a field's text on every
//! write.

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use crate::schema::{DateFormat, Environment};
use crate::value::Instant;
use crate::value::calendar::{date_of, day_bounds, moment_of, start_of_day};
use crate::value::instant::{midnight_at, parse_with_offset};

/// The moment that a field's text denotes in the workspace's zone; `None` if it holds no date.
///
/// RFC 3339 is that instant. After any other date comes the first valid time of day of the form `h`, `h:mm`, `hmm` or
/// `h:mm:ss[.fraction]`, with `am` or `pm` if there; a zone behind it is passed over. Without one it is midnight: the
/// first moment of that day.
///
/// Cost: one pass over the text and a look-up of the zone's offset; no allocation.
///
/// ```
/// use headcount::internals::schema::Environment;
/// use headcount::internals::value::{Instant, day::parse_moment};
/// let environment = Environment::utc(Instant::parse("2026-06-15T12:00:00Z").unwrap());
/// let moment = parse_moment("born on 28/5/81 at 3:30 pm", &environment).unwrap();
/// assert_eq!(moment.to_string(), "1981-05-28T15:30:00Z");
/// assert!(parse_moment("soon", &environment).is_none());
/// ```
pub fn parse_moment(text: &str, environment: &Environment) -> Option<Instant> {
    let text = trim(text);
    if let Some((instant, ..)) = parse_with_offset(text) {
        return Some(instant);
    }
    let (date, rest) = find_date(text.as_bytes(), environment)?;
    match find_time_of_day(rest) {
        Some(since_midnight) => {
            let midnight = DateTime::from_parts(date, Time::midnight());
            let zone = &environment.timezone;
            // The end of the calendar's last day is no date.
            Some(
                midnight
                    .checked_add(since_midnight)
                    .map_or_else(|_| day_bounds(date, zone).1, |at| moment_of(at, zone)),
            )
        }
        None => Some(start_of_day(date, &environment.timezone)),
    }
}

/// A day as people write one: a date of the calendar, which lies in the workspace's zone unless an offset was written
/// with it. It stays that date whatever becomes of the zone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Day {
    date: Date,
    /// Seconds from UTC, whole minutes and less than a day, if the day lies there.
    offset: Option<i32>,
}

impl Day {
    /// A day of the workspace's zone; `None` before the year 1.
    pub fn new(date: Date) -> Option<Self> {
        (date.year() >= 1).then_some(Day { date, offset: None })
    }

    /// A day at an offset from UTC in seconds; `None` unless RFC 3339 can tell it.
    pub fn at_offset(date: Date, offset: i32) -> Option<Self> {
        let is_told = date.year() >= 1 && offset.unsigned_abs() < 86_400 && offset % 60 == 0;
        is_told.then_some(Day { date, offset: Some(offset) })
    }

    /// The day that a literal denotes; `None` if it is no date.
    ///
    /// RFC 3339 denotes the day at its own offset, any other date the day of the workspace's zone.
    ///
    /// Cost: as [`parse_moment`].
    ///
    /// ```
    /// use headcount::internals::schema::Environment;
    /// use headcount::internals::value::{Instant, day::Day};
    /// let environment = Environment::utc(Instant::parse("2026-06-15T12:00:00Z").unwrap());
    /// let bounds = |text| Day::read(text, &environment).unwrap().bounds(&environment.timezone);
    /// let (start, end) = bounds("15-06-2026");
    /// assert_eq!((start.to_string(), end.to_string()), ("2026-06-15T00:00:00Z".into(), "2026-06-16T00:00:00Z".into()));
    /// let (start, _) = bounds("2026-06-15T01:00:00+02:00");
    /// assert_eq!(start.to_string(), "2026-06-14T22:00:00Z");
    /// ```
    pub fn read(text: &str, environment: &Environment) -> Option<Self> {
        let text = trim(text);
        if let Some((_, date, offset)) = parse_with_offset(text) {
            return Some(Day { date, offset: Some(offset) });
        }
        let (date, _) = find_date(text.as_bytes(), environment)?;
        Some(Day { date, offset: None })
    }

    /// The date.
    pub fn date(self) -> Date {
        self.date
    }

    /// The offset from UTC in seconds at which the day lies; `None` if it lies in the workspace's zone.
    pub fn offset(self) -> Option<i32> {
        self.offset
    }

    /// Its first moment and the first moment behind it. In a zone it lasts 23 or 25 hours when the clocks change, and no
    /// time at all if the zone skips it: then it holds nothing, and everything lies before or behind it.
    pub fn bounds(self, zone: &TimeZone) -> (Instant, Instant) {
        const DAY: i64 = 86_400_000_000;
        match self.offset {
            None => day_bounds(self.date, zone),
            Some(offset) => {
                let start = midnight_at(self.date, offset);
                (start, Instant::from_micros(start.micros() + DAY))
            }
        }
    }
}

/// Without the white space around it that dates may have: less than Unicode's.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

/// The date at the beginning or anywhere in the text, and what follows it.
fn find_date<'a>(text: &'a [u8], environment: &Environment) -> Option<(Date, &'a [u8])> {
    match iso_date(text) {
        Some(date) => Some((date, text.get(10..)?)),
        None => find_ordered_date(text, environment),
    }
}

/// A valid `YYYY-MM-DD` in the first ten bytes.
fn iso_date(text: &[u8]) -> Option<Date> {
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, ..] = *text else { return None };
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0i16, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i16::from(byte - b'0')))
    };
    date(number(&[y0, y1, y2, y3])?, number(&[m0, m1])?, number(&[d0, d1])?)
}

/// The leftmost believable date in the workspace's order.
///
/// A stretch that has the form of a date but is none is passed over as a whole: what follows is looked for behind it.
fn find_ordered_date<'a>(text: &'a [u8], environment: &Environment) -> Option<(Date, &'a [u8])> {
    let mut at = 0;
    while at < text.len() {
        if !starts_number(text, at) {
            at += 1;
            continue;
        }
        let Some((parts, end)) = three_numbers(text, at, environment.date_format) else {
            at += 1;
            continue;
        };
        if let Some(date) = parts.date(environment) {
            return Some((date, text.get(end..)?));
        }
        at = end;
    }
    None
}

/// Day, month and year as digits, the year with the number of them.
struct DateParts {
    day: i16,
    month: i16,
    year: i16,
    year_digits: usize,
}

impl DateParts {
    fn date(&self, environment: &Environment) -> Option<Date> {
        let mut year = self.year;
        if self.year_digits == 2 {
            let present = date_of(environment.now, &environment.timezone).year();
            year += if year > present.rem_euclid(100) { 1900 } else { 2000 };
        }
        date(year, self.month, self.day)
    }
}

/// Reads three numbers with a separator between each, in the given order; gives the offset behind them.
fn three_numbers(text: &[u8], at: usize, format: DateFormat) -> Option<(DateParts, usize)> {
    let is_separator = |at: usize| matches!(text.get(at), Some(b'-' | b'.' | b'/' | b'\\' | b'_' | b' '));
    let (first, first_end) = number(text, at)?;
    let (second, second_end) = number(text, is_separator(first_end).then_some(first_end + 1)?)?;
    let third_at = is_separator(second_end).then_some(second_end + 1)?;
    let (third, end) = number(text, third_at)?;
    if !is_boundary(text, end) {
        return None;
    }
    let lengths = (first_end - at, second_end - first_end - 1, end - third_at);
    let ((year, year_digits), (month, month_digits), (day, day_digits)) = match format {
        DateFormat::DayMonthYear => ((third, lengths.2), (second, lengths.1), (first, lengths.0)),
        DateFormat::MonthDayYear => ((third, lengths.2), (first, lengths.0), (second, lengths.1)),
        DateFormat::YearMonthDay => ((first, lengths.0), (second, lengths.1), (third, lengths.2)),
    };
    let is_form = matches!(year_digits, 2 | 4) && month_digits <= 2 && day_digits <= 2;
    is_form.then_some((DateParts { day, month, year, year_digits }, end))
}

/// A run of one to four digits and the offset behind it.
fn number(text: &[u8], at: usize) -> Option<(i16, usize)> {
    let mut sum = 0i16;
    let mut end = at;
    while let Some(byte) = text.get(end).filter(|byte| byte.is_ascii_digit()) {
        if end - at == 4 {
            return None;
        }
        sum = sum * 10 + i16::from(byte - b'0');
        end += 1;
    }
    (end > at).then_some((sum, end))
}

/// A day that exists, from year 1 on.
fn date(year: i16, month: i16, day: i16) -> Option<Date> {
    if year < 1 {
        return None;
    }
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether exactly one of the bytes around this offset belongs to an ASCII word.
fn is_boundary(text: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|at| text.get(at)).is_some_and(|&byte| is_word(byte));
    let after = text.get(at).is_some_and(|&byte| is_word(byte));
    before != after
}

/// Whether an ASCII word begins here, with a digit.
fn starts_number(text: &[u8], at: usize) -> bool {
    text.get(at).is_some_and(u8::is_ascii_digit) && is_boundary(text, at)
}

/// The first valid time of day in the text, as the time since midnight.
///
/// The reference finds times with a pattern that tries the longest form first and falls back to a shorter one when what
/// follows does not end a word: `10:30:00Z` is 10:30, `T10:30` is 30 o'clock, which is none. It allows 60 minutes or
/// seconds, which run over, and 24:00, which is the beginning of the day; 24:30 is none.
fn find_time_of_day(text: &[u8]) -> Option<SignedDuration> {
    let mut at = 0;
    while at < text.len() {
        if !starts_number(text, at) {
            at += 1;
            continue;
        }
        let Some((time, end)) = time_form(text, at) else {
            at += 1;
            continue;
        };
        if let Some(valid) = time.since_midnight() {
            return Some(valid);
        }
        at = end;
    }
    None
}

#[derive(Clone, Copy, Default)]
struct TimeForm {
    hour: i64,
    minute: i64,
    second: i64,
    nanos: i64,
    half: Option<Half>,
}

#[derive(Clone, Copy, PartialEq)]
enum Half {
    Am,
    Pm,
}

impl TimeForm {
    fn since_midnight(self) -> Option<SignedDuration> {
        let hour = match (self.hour, self.half) {
            (0..12, Some(Half::Pm)) => self.hour + 12,
            (12, Some(Half::Am)) => 0,
            (24, _) if (self.minute, self.second, self.nanos) == (0, 0, 0) => 0,
            (hour, _) => hour,
        };
        if hour > 23 || self.minute > 60 || self.second > 60 {
            return None;
        }
        SignedDuration::from_secs(hour * 3600 + self.minute * 60 + self.second)
            .checked_add(SignedDuration::from_nanos(self.nanos))
    }
}

/// The longest form of a time that begins here and ends a word, and the offset behind it.
fn time_form(text: &[u8], at: usize) -> Option<(TimeForm, usize)> {
    let ending = |time: TimeForm, at: usize| {
        let (half, end) = time_ending(text, at)?;
        Some((TimeForm { half, ..time }, end))
    };
    for hour_digits in [2, 1] {
        let Some(hour) = exact_digits(text, at, hour_digits) else { continue };
        let time = TimeForm { hour, ..TimeForm::default() };
        let hour_end = at + hour_digits;
        let minutes_at = hour_end + usize::from(text.get(hour_end) == Some(&b':'));
        if let Some(minute) = exact_digits(text, minutes_at, 2) {
            let time = TimeForm { minute, ..time };
            let minutes_end = minutes_at + 2;
            let second = exact_digits(text, minutes_end + 1, 2).filter(|_| text.get(minutes_end) == Some(&b':'));
            if let Some(second) = second {
                let time = TimeForm { second, ..time };
                let seconds_end = minutes_end + 3;
                let with_fraction =
                    fraction(text, seconds_end).and_then(|(nanos, end)| ending(TimeForm { nanos, ..time }, end));
                if let Some(found) = with_fraction.or_else(|| ending(time, seconds_end)) {
                    return Some(found);
                }
            }
            if let Some(found) = ending(time, minutes_end) {
                return Some(found);
            }
        }
        if let Some(found) = ending(time, hour_end) {
            return Some(found);
        }
    }
    None
}

/// What may follow the digits of a time: `am` or `pm`, perhaps after other signs than letters and digits; or the end
/// of the word. Gives the offset up to which the text is used.
fn time_ending(text: &[u8], at: usize) -> Option<(Option<Half>, usize)> {
    let next_word = (at..text.len()).find(|&at| text.get(at).is_some_and(|&byte| is_word(byte))).unwrap_or(text.len());
    let half = match (text.get(next_word), text.get(next_word + 1)) {
        (Some(b'a' | b'A'), Some(b'm' | b'M')) => Some(Half::Am),
        (Some(b'p' | b'P'), Some(b'm' | b'M')) => Some(Half::Pm),
        _ => None,
    };
    if half.is_some() && is_boundary(text, next_word + 2) {
        return Some((half, next_word + 2));
    }
    if is_boundary(text, next_word) {
        return Some((None, next_word));
    }
    is_boundary(text, at).then_some((None, at))
}

fn exact_digits(text: &[u8], at: usize, count: usize) -> Option<i64> {
    text.get(at..at + count)?
        .iter()
        .try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
}

/// A point and digits, as nanoseconds; digits beyond the ninth are passed over.
fn fraction(text: &[u8], at: usize) -> Option<(i64, usize)> {
    if text.get(at) != Some(&b'.') {
        return None;
    }
    let (mut nanos, mut scale, mut end) = (0, 100_000_000, at + 1);
    while let Some(byte) = text.get(end).filter(|byte| byte.is_ascii_digit()) {
        nanos += i64::from(byte - b'0') * scale;
        scale /= 10;
        end += 1;
    }
    (end > at + 1).then_some((nanos, end))
}

#[cfg(test)]
#[path = "day_tests.rs"]
mod tests;
