//! Texts that are a phone number: whole queries, and cells of sheets.

use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, ParseError, PhoneNumber, PhoneNumberFormat, Region};

/// Characters of a number, a leading `+` not counted, below which a text is not tried.
const MIN_LENGTH: usize = 5;
/// Numbers of at least this many characters are tried with a `+` in front, too.
const MIN_INTERNATIONAL_LENGTH: usize = 11;
/// libphonenumber refuses longer texts; nothing that long need be copied first.
const MAX_LENGTH: usize = 250;
/// How often an E.164 form is read again until it no longer changes.
const MAX_READINGS: usize = 3;

/// The E.164 form of a whole query that reads as a phone number in a country; `None` if it does not.
///
/// The query, trimmed, is digits, spaces and `. - ( )`, at least 5 of them after an optional `+`; libphonenumber finds
/// the number possible, as more than a local one, in the country or else, from 11 characters that do not begin with 0,
/// with a `+` in front.
///
/// Cost: anything with another character is turned away by one look at each byte; a candidate costs a few microseconds.
///
/// ```
/// use headcount::internals::value::phone::implicit_number;
/// assert_eq!(implicit_number("0788 383 383", Some(*b"RW")).as_deref(), Some("+250788383383"));
/// assert_eq!(implicit_number("202.456.1111", Some(*b"US")).as_deref(), Some("+12024561111"));
/// assert_eq!(implicit_number("age = 30", Some(*b"RW")), None);
/// ```
pub fn implicit_number(text: &str, country: Option<[u8; 2]>) -> Option<String> {
    let cleaned = clean(text.trim())?;
    let region = country.and_then(|letters| Region::from_code(std::str::from_utf8(&letters).ok()?).ok());
    let number = match read(&cleaned, region) {
        Reading::Possible(number) => number,
        Reading::UnknownCountry => return None,
        Reading::Impossible if cleaned.len() >= MIN_INTERNATIONAL_LENGTH && !cleaned.starts_with('0') => {
            match read(&format!("+{cleaned}"), region) {
                Reading::Possible(number) => number,
                Reading::UnknownCountry | Reading::Impossible => return None,
            }
        }
        Reading::Impossible => return None,
    };
    settle(e164(&number))
}

/// Digits and a leading `+`; `None` if the text has anything that a number does not, or too little.
fn clean(text: &str) -> Option<String> {
    let (plus, rest) = match text.strip_prefix('+') {
        Some(rest) => ("+", rest),
        None => ("", text),
    };
    let is_allowed = |byte: u8| byte.is_ascii_digit() || matches!(byte, b' ' | b'.' | b'-' | b'(' | b')');
    if !(MIN_LENGTH..=MAX_LENGTH).contains(&rest.len()) || !rest.bytes().all(is_allowed) {
        return None;
    }
    let mut cleaned = String::with_capacity(1 + rest.len());
    cleaned.push_str(plus);
    cleaned.extend(rest.chars().filter(char::is_ascii_digit));
    Some(cleaned)
}

/// The E.164 form of a phone number as people write it into sheets: local to a country, in full, or in full without its
/// `+`; with the punctuation and the digits of any script. `None` if it reads as no number that may be.
///
/// A number that is valid in the country goes before one that only might be.
///
/// ```
/// use headcount::internals::value::phone::international;
/// assert_eq!(international("(078) 812-3123", Some(*b"RW")).as_deref(), Some("+250788123123"));
/// assert_eq!(international("250788123123", Some(*b"US")).as_deref(), Some("+250788123123"));
/// assert_eq!(international("0788 123 123", None), None);
/// ```
pub fn international(text: &str, country: Option<[u8; 2]>) -> Option<String> {
    let plain = plain_number(text)?;
    let region = country.and_then(|letters| Region::from_code(std::str::from_utf8(&letters).ok()?).ok());
    let in_full = match plain.strip_prefix("00") {
        Some(rest) => format!("+{rest}"),
        None => format!("+{plain}"),
    };
    if plain.starts_with('+') {
        return possible(&plain, None).and_then(|number| settle(e164(&number)));
    }
    let local = region.and_then(|region| possible(&plain, Some(region)));
    let valid = |number: &PhoneNumber| PHONE_NUMBER_UTIL.is_valid_number(number);
    if let Some(number) = local.as_ref().filter(|number| valid(number)) {
        return settle(e164(number));
    }
    let is_long = plain.len() >= MIN_INTERNATIONAL_LENGTH;
    let foreign =
        if is_long && (!plain.starts_with('0') || plain.starts_with("00")) { possible(&in_full, None) } else { None };
    let number = foreign.filter(|number| local.is_none() || valid(number)).or(local)?;
    settle(e164(&number))
}

fn possible(text: &str, region: Option<Region>) -> Option<PhoneNumber> {
    match read(text, region) {
        Reading::Possible(number) => Some(number),
        Reading::Impossible | Reading::UnknownCountry => None,
    }
}

/// Digits and a leading `+` of what people write; `None` if there is anything that is no part of a number.
fn plain_number(text: &str) -> Option<String> {
    let text = text.trim().trim_start_matches('\'');
    let text = text.get(..4).filter(|start| start.eq_ignore_ascii_case("tel:")).map_or(text, |_| text.split_at(4).1);
    if text.len() > MAX_LENGTH {
        return None;
    }
    let mut plain = String::new();
    for c in text.chars() {
        match c {
            '+' | '＋' if plain.is_empty() => plain.push('+'),
            '-' | '.' | '(' | ')' | '/' | '‐'..='―' => {}
            c if c.is_whitespace() || is_invisible(c) => {}
            c => plain.push(ascii_digit(c)?),
        }
    }
    let digits = plain.trim_start_matches('+').len();
    (MIN_LENGTH..=20).contains(&digits).then_some(plain)
}

/// A decimal digit of any script that people write numbers in, as that of ASCII.
pub(crate) fn ascii_digit(c: char) -> Option<char> {
    const ZEROS: [u32; 15] =
        [0x30, 0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xE50, 0xED0, 0x1040, 0xFF10];
    let code = u32::from(c);
    let value = ZEROS.iter().find_map(|&zero| code.checked_sub(zero).filter(|&value| value < 10))?;
    char::from_digit(value, 10)
}

/// Whether a character only says which way text runs, or takes no room.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}')
}

enum Reading {
    Possible(PhoneNumber),
    Impossible,
    UnknownCountry,
}

fn read(text: &str, region: Option<Region>) -> Reading {
    match PHONE_NUMBER_UTIL.parse(text, region) {
        Ok(number) => match PHONE_NUMBER_UTIL.is_possible_number_with_reason(&number) {
            Ok(NumberLengthType::IsPossible) => Reading::Possible(number),
            Ok(NumberLengthType::IsPossibleLocalOnly) | Err(_) => Reading::Impossible,
        },
        Err(ParseError::InvalidCountryCode) => Reading::UnknownCountry,
        Err(_) => Reading::Impossible,
    }
}

fn e164(number: &PhoneNumber) -> String {
    PHONE_NUMBER_UTIL.format(number, PhoneNumberFormat::E164).into_owned()
}

/// Reads an E.164 form again, without a country, until it stays the same.
fn settle(mut form: String) -> Option<String> {
    for _ in 0..MAX_READINGS {
        let Reading::Possible(number) = read(&form, None) else { return None };
        let again = e164(&number);
        let settled = again == form;
        form = again;
        if settled {
            break;
        }
    }
    (7..=15).contains(&form.bytes().filter(u8::is_ascii_digit).count()).then_some(form)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn number(text: &str, country: &[u8; 2]) -> Option<String> {
        implicit_number(text, Some(*country))
    }

    #[test]
    fn reads_numbers_as_the_reference_does() {
        let cases: [(&str, &[u8; 2], &str); 14] = [
            ("250783725449", b"IN", "+91250783725449"),
            ("+12027285728", b"RW", "+12027285728"),
            ("12028709688", b"RW", "+12028709688"),
            ("25078979878", b"RW", "+25078979878"),
            ("12028 72637", b"US", "+11202872637"),
            ("250780246791", b"US", "+250780246791"),
            ("0788 383 383", b"RW", "+250788383383"),
            ("0788 383 383", b"US", "+10788383383"),
            ("0788383383", b"IN", "+91788383383"),
            ("(202) 456-1111", b"IN", "+912024561111"),
            ("202.456.1111", b"US", "+12024561111"),
            ("2020-01-01", b"RW", "+25020200101"),
            ("1234.5678", b"IN", "+9112345678"),
            (" 919868314913 ", b"RW", "+919868314913"),
        ];
        for (text, country, expected) in cases {
            assert_eq!(number(text, country).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn leaves_the_rest_alone() {
        for text in ["", "+", "1234", "+1234", "bob", "0788x383383", "07++88383383", "٠٧٨٨٣٨٣٣٨٣", "-----", "+99900000"]
        {
            assert_eq!(number(text, b"RW"), None, "{text}");
        }
        assert_eq!(number(&"9".repeat(100_000), b"RW"), None);
        assert_eq!(implicit_number("0788383383", None), None);
        assert_eq!(implicit_number("+250788383383", None).as_deref(), Some("+250788383383"));
    }
}
