//! Quoted strings: where one ends, what its escapes stand for, and how a value is quoted again.
//!
//! The escapes are those of a Go string literal, since that is what ContactQL reads and prints.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_general_category::{GeneralCategory, get_general_category};

/// The length of the string literal at the start of `text`, both quotes included; `None` if it never ends.
///
/// It ends at the first quote not directly preceded by a backslash, even if that backslash is itself escaped; if there
/// is none, at the last quote of the text.
///
/// ```
/// use headcount::internals::syntax::strings::literal_length;
/// assert_eq!(literal_length(r#""a\"b" c"#), Some(6));
/// assert_eq!(literal_length(r#""a\" b"#), Some(4));
/// assert_eq!(literal_length("\"a"), None);
/// ```
pub fn literal_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut last = None;
    for (at, pair) in bytes.windows(2).enumerate() {
        if let &[before, b'"'] = pair {
            if before != b'\\' {
                return Some(at + 2);
            }
            last = Some(at + 2);
        }
    }
    last
}

/// The value of a string literal, given with its quotes.
///
/// If an escape is invalid, if the escapes make something other than UTF-8, or if there is a raw newline, the quotes are
/// dropped and every backslash stays.
///
/// ```
/// use headcount::internals::syntax::strings::unquote;
/// assert_eq!(unquote(r#""a\x41\u00e9\"""#), "aAé\"");
/// assert_eq!(unquote(r#""C:\dir""#), r"C:\dir");
/// ```
pub fn unquote(literal: &str) -> Cow<'_, str> {
    let inside = literal.strip_prefix('"').unwrap_or(literal);
    let inside = inside.strip_suffix('"').unwrap_or(inside);
    if !inside.bytes().any(|byte| byte == b'\\') {
        return Cow::Borrowed(inside);
    }
    match unescape(inside) {
        Some(value) => Cow::Owned(value),
        None => Cow::Borrowed(inside),
    }
}

fn unescape(inside: &str) -> Option<String> {
    let mut value = Vec::with_capacity(inside.len());
    let mut rest = inside.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'\\' {
            if first == b'\n' {
                return None;
            }
            value.push(first);
            continue;
        }
        let (&kind, after) = rest.split_first()?;
        rest = after;
        match kind {
            b'a' => value.push(0x07),
            b'b' => value.push(0x08),
            b'f' => value.push(0x0C),
            b'n' => value.push(b'\n'),
            b'r' => value.push(b'\r'),
            b't' => value.push(b'\t'),
            b'v' => value.push(0x0B),
            b'\\' => value.push(b'\\'),
            b'"' => value.push(b'"'),
            b'x' => value.push(u8::try_from(digits(&mut rest, 2, 16)?).ok()?),
            b'0'..=b'7' => {
                let code = u32::from(kind - b'0') * 64 + digits(&mut rest, 2, 8)?;
                value.push(u8::try_from(code).ok()?);
            }
            b'u' | b'U' => {
                let length = if kind == b'u' { 4 } else { 8 };
                let character = char::from_u32(digits(&mut rest, length, 16)?)?;
                value.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            _ => return None,
        }
    }
    String::from_utf8(value).ok()
}

/// Takes exactly `count` digits, at most 8, off the front.
fn digits(rest: &mut &[u8], count: usize, radix: u32) -> Option<u32> {
    let (taken, after) = rest.split_at_checked(count)?;
    *rest = after;
    taken.iter().try_fold(0u32, |sum, &byte| Some((sum << radix.trailing_zeros()) | char::from(byte).to_digit(radix)?))
}

/// Appends a value as a canonical query writes it: bare if it matches `^\d+(\.\d+)?$`, else quoted.
pub fn write_value(out: &mut String, value: &str) {
    if is_plain_number(value) {
        out.push_str(value);
    } else {
        write_quoted(out, value);
    }
}

/// Appends a value in quotes, escaping whatever is not a letter, mark, number, punctuation, symbol or the ASCII space,
/// so that [`unquote`] gives it back.
///
/// ```
/// use headcount::internals::syntax::strings::write_quoted;
/// let mut out = String::new();
/// write_quoted(&mut out, "a \"b\"\t\u{a0}");
/// assert_eq!(out, r#""a \"b\"\t\u00a0""#);
/// ```
pub fn write_quoted(out: &mut String, value: &str) {
    out.push('"');
    // A backslash just before the closing quote would keep the string open.
    let (body, ends_in_backslash) = match value.strip_suffix('\\') {
        Some(body) => (body, true),
        None => (value, false),
    };
    let mut plain_from = 0;
    for (at, character) in body.char_indices() {
        if is_printed_as_is(character) {
            continue;
        }
        out.push_str(body.get(plain_from..at).unwrap_or_default());
        plain_from = at + character.len_utf8();
        write_escape(out, character);
    }
    out.push_str(body.get(plain_from..).unwrap_or_default());
    if ends_in_backslash {
        out.push_str("\\x5c");
    }
    out.push('"');
}

fn write_escape(out: &mut String, character: char) {
    match character {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0C' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0B' => out.push_str("\\v"),
        // Writing to a string cannot fail.
        _ => {
            let code = u32::from(character);
            let _ = match code {
                0..0x20 | 0x7F => write!(out, "\\x{code:02x}"),
                0x20..=0xFFFF => write!(out, "\\u{code:04x}"),
                _ => write!(out, "\\U{code:08x}"),
            };
        }
    }
}

fn is_printed_as_is(character: char) -> bool {
    if character.is_ascii() {
        return matches!(character, ' '..='~') && !matches!(character, '"' | '\\');
    }
    !matches!(
        get_general_category(character),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
            | GeneralCategory::PrivateUse
            | GeneralCategory::SpaceSeparator
            | GeneralCategory::Surrogate
            | GeneralCategory::Unassigned
    )
}

/// Whether the value matches `^\d+(\.\d+)?$`, with the digits 0 to 9.
pub fn is_plain_number(value: &str) -> bool {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match value.split_once('.') {
        Some((whole, fraction)) => is_digits(whole) && is_digits(fraction),
        None => is_digits(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn strings_end_where_the_reference_ends_them() {
        assert_eq!(literal_length(r#""""#), Some(2));
        assert_eq!(literal_length(r#"""#), None);
        assert_eq!(literal_length(r#""\""#), Some(3));
        assert_eq!(literal_length(r#""a\\" AND age = "5""#), Some(r#""a\\" AND age = ""#.len()));
        assert_eq!(literal_length(r#""a" "b""#), Some(3));
    }

    #[test]
    fn invalid_escapes_keep_their_backslashes() {
        for text in [r"it\'s", r"\q", r"\x4", r"\400", r"\ud800", r"\U00110000", r"\xff", "\\t\n", "\\"] {
            assert_eq!(unquote(&format!("\"{text}\"")), text);
        }
        assert_eq!(unquote("\"a\nb\""), "a\nb");
        assert_eq!(unquote(r#""\xc3\xa9\101\U0001F600""#), "éA😀");
    }

    proptest! {
        #[test]
        fn what_is_quoted_reads_back(value in "[\\PC\\p{C}\"\\\\]{0,12}", rest in "[\\PC\"\\\\]{0,6}") {
            let mut text = String::new();
            write_quoted(&mut text, &value);
            prop_assert_eq!(unquote(&text), value.as_str());
            prop_assert_eq!(literal_length(&format!("{text} {rest}")), Some(text.len()));
        }

        #[test]
        fn unquoting_never_panics(text in "[\\PC\"\\\\nxu0-9]{0,20}") {
            let _ = unquote(&text);
            let _ = literal_length(&text);
        }
    }
}
