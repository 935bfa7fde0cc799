//! Cells as people fill them in, into values.

use std::borrow::Cow;

use crate::value::phone;

/// What people write into a cell that holds nothing.
const NOTHING: [&str; 22] = [
    "n/a",
    "n.a.",
    "n.a",
    "#n/a",
    "#n/d",
    "#null!",
    "#ref!",
    "#value!",
    "#name?",
    "#div/0!",
    "null",
    "(null)",
    "nil",
    "none",
    "(none)",
    "(blank)",
    "unknown",
    "not available",
    "not applicable",
    "-",
    "?",
    "n/k",
];

/// Whether a cell says that it holds nothing.
pub(super) fn is_nothing(text: &str) -> bool {
    let text = text.trim();
    text.is_empty()
        || (text.len() <= 16 && NOTHING.contains(&text.to_ascii_lowercase().as_str()))
        || (text != "--" && text.chars().all(|c| matches!(c, '-' | '–' | '—' | '_' | '.' | '*' | '/')))
}

/// A text trimmed, on one line, without characters that nobody sees.
pub(super) fn tidy(text: &str) -> Cow<'_, str> {
    let trimmed = text.trim();
    let is_untidy = |c: char| (c.is_whitespace() && c != ' ') || phone::is_invisible(c);
    if !trimmed.contains(is_untidy) && !trimmed.contains("  ") {
        return Cow::Borrowed(trimmed);
    }
    let visible: String = trimmed.chars().filter(|&c| !phone::is_invisible(c)).collect();
    Cow::Owned(visible.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Digits of every script as those of ASCII.
pub(super) fn ascii_digits(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter(|&c| !phone::is_invisible(c)).map(|c| phone::ascii_digit(c).unwrap_or(c)).collect())
}

/// A number that a spreadsheet has rewritten, with all its digits: `2.50788123123E+11`, `250788123123.0`. `None` if digits
/// were lost, or if it is written as it should be.
pub(super) fn unrounded(text: &str) -> Option<String> {
    let text = text.trim();
    if let Some(whole) = text.strip_suffix(".0").or_else(|| text.strip_suffix(".00")) {
        let is_whole = !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit());
        return is_whole.then(|| whole.to_owned());
    }
    let (mantissa, exponent) = text.split_once(['e', 'E'])?;
    let places: usize = exponent.strip_prefix('+').unwrap_or(exponent).parse().ok()?;
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
    let is_exact = whole.len() == 1 && fraction.len() == places && places <= 15;
    (is_exact && (whole.bytes().chain(fraction.bytes())).all(|byte| byte.is_ascii_digit()))
        .then(|| format!("{whole}{fraction}"))
}

/// What stands between several numbers in one cell.
const BETWEEN: [char; 7] = ['/', ',', ';', '|', '\n', '\\', '&'];

/// The phone numbers in a cell, in full; `None` if it does not read as one or more.
pub(super) fn phones(cell: &str, country: Option<[u8; 2]>) -> Option<Vec<String>> {
    let text = unrounded(cell).map_or(Cow::Borrowed(cell), Cow::Owned);
    if let Some(number) = phone::international(&text, country) {
        return Some(vec![number]);
    }
    let pieces: Vec<&str> = if text.contains(BETWEEN) {
        text.split(BETWEEN).collect()
    } else {
        text.split(" or ").flat_map(|piece| piece.split("  ")).collect()
    };
    let pieces: Vec<&str> = pieces.into_iter().map(str::trim).filter(|piece| !piece.is_empty()).collect();
    if !(2..=8).contains(&pieces.len()) {
        return None;
    }
    pieces.into_iter().map(|piece| phone::international(piece, country)).collect()
}

/// Whether a text is an address of mail, or looks like one.
pub(super) fn is_mail(text: &str) -> bool {
    let text = text.trim();
    match text.split_once('@') {
        Some((name, host)) => {
            !name.is_empty() && host.contains('.') && !host.contains('@') && !text.contains(char::is_whitespace)
        }
        None => false,
    }
}

/// How numbers are written in a column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Numbers {
    /// As the language reads them: `1200.5`.
    Plain,
    /// `1,200.5`
    Commas,
    /// `1.200,5` and `0,5`
    DecimalComma,
}

/// A number as the language reads it.
pub(super) fn number(text: &str, style: Numbers) -> Option<String> {
    let text = ascii_digits(text.trim());
    // Groups may stand apart: `1 200,50`.
    let is_space = |c: char| matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\'' | '’');
    let text: Cow<'_, str> = if text.contains(is_space) {
        let point = if style == Numbers::DecimalComma { ',' } else { '.' };
        let whole = text.split(point).next().unwrap_or_default();
        if whole.split(is_space).skip(1).any(|group| group.len() != 3) {
            return None;
        }
        Cow::Owned(text.replace(is_space, ""))
    } else {
        text
    };
    let digits = text.strip_prefix('-').unwrap_or(&text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b',')) {
        return None;
    }
    // Groups of three, or none.
    let ungrouped = |separator: char, point: char| -> Option<String> {
        let (whole, fraction) = text.split_once(point).map_or((&*text, None), |(whole, rest)| (whole, Some(rest)));
        let mut groups = whole.split(separator);
        let first = groups.next()?;
        if whole.contains(separator) && (!(1..=4).contains(&first.len()) || !groups.all(|group| group.len() == 3)) {
            return None;
        }
        let whole = whole.replace(separator, "");
        let plain = match fraction {
            Some(fraction) => format!("{whole}.{fraction}"),
            None => whole,
        };
        crate::value::Decimal::parse(&plain).map(|_| plain)
    };
    match style {
        Numbers::Plain => crate::value::Decimal::parse(&text).map(|_| text.into_owned()),
        Numbers::Commas => ungrouped(',', '.'),
        Numbers::DecimalComma => ungrouped('.', ','),
    }
}

/// Years of age with the unit written out: `36 yrs`.
pub(super) fn years(text: &str) -> Option<String> {
    let text = ascii_digits(text.trim()).to_lowercase();
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (digits, unit) = text.split_at(end);
    const UNITS: [&str; 14] =
        ["y", "yr", "yrs", "year", "years", "yo", "y/o", "years old", "year old", "ans", "an", "años", "anos", "سنة"];
    let is_age = (1..=3).contains(&digits.len()) && UNITS.contains(&unit.trim().trim_end_matches('.'));
    is_age.then(|| digits.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_as_they_are_meant() {
        for text in ["", " ", "N/A", "n.a.", "#N/A", "-", "—", "None", "null", "?"] {
            assert!(is_nothing(text), "{text}");
        }
        for text in ["--", "Na", "0", "no", "x", "Nil Admirari"] {
            assert!(!is_nothing(text), "{text}");
        }
        assert_eq!(tidy(" Ann\n Uwase\u{200f} "), "Ann Uwase");
        assert_eq!(unrounded("2.50788123123E+11").as_deref(), Some("250788123123"));
        assert_eq!(unrounded("250788123123.0").as_deref(), Some("250788123123"));
        assert_eq!(unrounded("2.50788E+11"), None);
        let rw = Some(*b"RW");
        let read = |text| phones(text, rw).map(|numbers| numbers.join(" "));
        for text in [
            "0788 123 123",
            "(078) 812-3123",
            "250788123123",
            "788123123",
            "+250 788 123 123",
            "00250788123123",
            "tel:0788123123",
            "'0788123123",
            "٠٧٨٨١٢٣١٢٣",
            "\u{202a}+250788123123\u{202c}",
            "2.50788123123E+11",
        ] {
            assert_eq!(read(text).as_deref(), Some("+250788123123"), "{text}");
        }
        assert_eq!(read("0788123123 / 0722123123").as_deref(), Some("+250788123123 +250722123123"));
        assert_eq!(read("+12025550123").as_deref(), Some("+12025550123"));
        for text in ["12", "ask", "1990-01-01 x", "0788", "2.50788E+11"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(number("1,200.5", Numbers::Commas).as_deref(), Some("1200.5"));
        assert_eq!(number("1,20", Numbers::Commas), None);
        assert_eq!(number("1 200,50", Numbers::DecimalComma).as_deref(), Some("1200.50"));
        assert_eq!(number("12 5", Numbers::DecimalComma), None);
        assert_eq!(number("12,5", Numbers::DecimalComma).as_deref(), Some("12.5"));
        assert_eq!(years("36 yrs").as_deref(), Some("36"));
        assert_eq!(years("36"), None);
        assert!(is_mail("ann@example.org") && !is_mail("@ann") && !is_mail("a b@c.d"));
    }
}
