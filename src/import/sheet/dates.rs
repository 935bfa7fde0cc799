//! Days as people write them in sheets, into the form that every date format reads: `1990-03-12`.

use jiff::civil::Date;

use super::cells::ascii_digits;
use crate::schema::DateFormat;

/// First letters of months, by number, in the languages that sheets come in.
const MONTHS: [&[&str]; 12] = [
    &["jan", "janv", "ene", "gen"],
    &["feb", "fev", "fév", "févr"],
    &["mar", "mär", "mac"],
    &["apr", "avr", "abr"],
    &["may", "mai", "mei"],
    &["jun", "juin"],
    &["jul", "juil"],
    &["aug", "aoû", "aou", "ago"],
    &["sep", "set"],
    &["oct", "okt", "out"],
    &["nov"],
    &["dec", "déc", "dic", "dez", "des"],
];

/// Days that Excel counts from.
const SERIAL_ZERO: Date = jiff::civil::date(1899, 12, 30);

/// The first and the last day that a bare number in a column of dates is taken for: 1913 to 2100.
pub(super) const SERIALS: std::ops::RangeInclusive<i64> = 5_000..=73_050;

/// A day, and perhaps a time of day, in an order of day, month and year: `12/03/1990`, `12 Mar 90`, `March 12, 1990`.
///
/// A year of two digits is of this century up to the present one, and of the last otherwise.
pub(super) fn read(text: &str, order: DateFormat, this_year: i16) -> Option<String> {
    let text = ascii_digits(text.trim());
    if text.len() > 64 {
        return None;
    }
    let (tokens, rest) = tokens(&text);
    // A weekday may stand in front.
    let tokens = match tokens.as_slice() {
        [first, rest @ ..] if rest.len() == 3 && !is_number(first) && month(first).is_none() => rest.to_vec(),
        _ => tokens,
    };
    let [a, b, c] = tokens.get(..3)? else { return None };
    let (year, month, day) = match (month(a), month(b)) {
        (Some(month), _) => (year(c, this_year)?, month, number(b)?),
        (None, Some(month)) if a.len() == 4 => (year(a, this_year)?, month, number(c)?),
        (None, Some(month)) => (year(c, this_year)?, month, number(a)?),
        (None, None) if a.len() == 4 => (year(a, this_year)?, number(b)?, number(c)?),
        (None, None) if c.len() == 4 || (c.len() == 2 && a.len() <= 2) => match order {
            DateFormat::DayMonthYear => (year(c, this_year)?, number(b)?, number(a)?),
            DateFormat::MonthDayYear => (year(c, this_year)?, number(a)?, number(b)?),
            DateFormat::YearMonthDay if c.len() == 2 && a.len() == 2 => (year(a, this_year)?, number(b)?, number(c)?),
            DateFormat::YearMonthDay => return None,
        },
        _ => return None,
    };
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    let time = rest.trim_start_matches([' ', 'T', ',']).trim();
    let is_time = time.len() <= 16 && time.starts_with(|c: char| c.is_ascii_digit()) && time.contains(':');
    match time {
        "" => Some(date.to_string()),
        _ if is_time => Some(format!("{date} {time}")),
        _ => None,
    }
}

/// The day that Excel means by a bare number.
pub(super) fn serial(text: &str) -> Option<String> {
    let text = ascii_digits(text.trim());
    let days: i64 = text.split('.').next()?.parse().ok()?;
    if !SERIALS.contains(&days) || !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    SERIAL_ZERO.checked_add(jiff::Span::new().days(days)).ok().map(|date| date.to_string())
}

/// The first three words or numbers, four if the first is neither number nor month, and what follows.
fn tokens(text: &str) -> (Vec<&str>, &str) {
    let is_part = |c: char| c.is_alphanumeric();
    let mut tokens: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_part) {
        let is_gap = |gap: &str| gap.chars().all(|c| matches!(c, ' ' | '-' | '/' | '.' | ',' | '_' | '\\' | 'º' | '°'));
        let (gap, from) = rest.split_at(start);
        if !is_gap(gap) {
            break;
        }
        // `12Mar1990` is three, `1st` is one.
        let is_digit = from.starts_with(|c: char| c.is_ascii_digit());
        let end = from.find(|c: char| !is_part(c) || c.is_ascii_digit() != is_digit).unwrap_or(from.len());
        let (token, after) = from.split_at(end);
        rest = after;
        if matches!(token.to_ascii_lowercase().as_str(), "st" | "nd" | "rd" | "th" | "de" | "of" | "do")
            && !tokens.is_empty()
        {
            continue;
        }
        tokens.push(token);
        let wanted = if tokens.first().is_some_and(|first| is_number(first) || month(first).is_some()) { 3 } else { 4 };
        if tokens.len() == wanted {
            break;
        }
    }
    (tokens, rest)
}

fn is_number(token: &str) -> bool {
    token.bytes().all(|byte| byte.is_ascii_digit())
}

fn number(token: &str) -> Option<u8> {
    if is_number(token) && token.len() <= 2 { token.parse().ok() } else { None }
}

fn year(token: &str, this_year: i16) -> Option<i16> {
    let year: i16 = if is_number(token) { token.parse().ok()? } else { return None };
    match token.len() {
        4 => Some(year),
        2 => Some(if year > this_year % 100 { 1900 + year } else { 2000 + year }),
        _ => None,
    }
}

fn month(token: &str) -> Option<u8> {
    let token = token.to_lowercase();
    if token.chars().count() < 3 || is_number(&token) {
        return None;
    }
    let starts = |names: &&[&str]| names.iter().any(|name| token.starts_with(name));
    MONTHS.iter().position(|names| starts(&names)).map(|at| at as u8 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_as_people_write_them() {
        let day_first = |text| read(text, DateFormat::DayMonthYear, 2026);
        for text in [
            "12/03/1990",
            "12-3-1990",
            "12.03.90",
            "12 Mar 1990",
            "12-MAR-90",
            "12Mar1990",
            "March 12, 1990",
            "Mar 12 1990",
            "12th March 1990",
            "12 mars 1990",
            "12 de marzo de 1990",
            "1990-03-12",
            "1990/3/12",
            "Mon, 12 March 1990",
            "١٢/٠٣/١٩٩٠",
        ] {
            assert_eq!(day_first(text).as_deref(), Some("1990-03-12"), "{text}");
        }
        assert_eq!(read("03/12/1990", DateFormat::MonthDayYear, 2026).as_deref(), Some("1990-03-12"));
        assert_eq!(day_first("12/03/1990 14:05").as_deref(), Some("1990-03-12 14:05"));
        assert_eq!(day_first("2026-06-15T12:00:00Z").as_deref(), Some("2026-06-15 12:00:00Z"));
        for text in [
            "",
            "36",
            "1990",
            "31/31/1990",
            "about 30",
            "12/1990",
            "0788 123 123",
            "Block 7 12",
            "1.2.3.4",
            "12/03/1990 x",
        ] {
            assert_eq!(day_first(text), None, "{text}");
        }
        assert_eq!(serial("32944").as_deref(), Some("1990-03-12"));
        assert_eq!(serial("36"), None);
        assert_eq!(serial("32944.5").as_deref(), Some("1990-03-12"));
    }
}
