//! Texts of the command line into values, each with an error that says what to write instead.

use std::str::FromStr;

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::import::references;
use crate::schema::{DateFormat, FieldType};
use crate::sema::query::Dialect;
use crate::sema::suggest::nearest;
use crate::value::{Decimal, Instant};
use crate::workspace::change::ContactRef;

impl ValueEnum for Dialect {
    fn value_variants<'a>() -> &'a [Self] {
        &[Dialect::Extended, Dialect::ContactQl]
    }
    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()).help(match self {
            Dialect::Extended => "ContactQL and headcount's additions: NOT, IN, ranges, relative dates",
            Dialect::ContactQl => "ContactQL, letter for letter",
        }))
    }
}

impl ValueEnum for FieldType {
    fn value_variants<'a>() -> &'a [Self] {
        &FieldType::ALL
    }
    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

/// A country by its two letters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Country(pub [u8; 2]);

impl FromStr for Country {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.as_bytes() {
            &[a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                Ok(Country([a.to_ascii_uppercase(), b.to_ascii_uppercase()]))
            }
            _ => Err("a country is two letters, such as RW".to_owned()),
        }
    }
}

/// A number of days, or for ever.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Days(pub Option<u32>);

impl FromStr for Days {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("forever") {
            return Ok(Days(None));
        }
        text.parse()
            .map(|days| Days(Some(days)))
            .map_err(|_| "give a number of days, such as 90, or forever".to_owned())
    }
}

/// What a search is sorted by: a property, downwards if a `-` stands before it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SortKey {
    /// The property, as queries name it.
    pub property: String,
    /// Largest first.
    pub descending: bool,
}

impl FromStr for SortKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (descending, property) = match text.strip_prefix('-') {
            Some(property) => (true, property),
            None => (false, text),
        };
        if property.is_empty() {
            return Err("a key to sort by is a property, such as name or -created_on".to_owned());
        }
        Ok(SortKey { property: property.to_owned(), descending })
    }
}

/// A program to send membership changes to, with its arguments.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TriggerCommand(pub String);

impl FromStr for TriggerCommand {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() { Err("a command is needed".to_owned()) } else { Ok(TriggerCommand(text.to_owned())) }
    }
}

/// A moment, or the first moment of a day in UTC.
pub(super) fn moment(text: &str) -> Result<Instant, String> {
    Instant::parse(text)
        .or_else(|| Instant::parse(&format!("{text}T00:00:00Z")))
        .ok_or_else(|| "a time is written 2026-06-15T12:00:00Z or 2026-06-15".to_owned())
}

/// A zone of the bundled time-zone data.
pub(super) fn timezone(text: &str) -> Result<jiff::tz::TimeZone, String> {
    jiff::tz::TimeZone::get(text).map_err(|_| {
        let usual = "a zone is named as in Africa/Kigali, America/New_York or UTC";
        let known: Vec<_> = jiff::tz::db().available().collect();
        match nearest(text, known.iter().map(|name| name.as_str())) {
            Some(near) => format!("{usual}; did you mean `{near}`?"),
            None => usual.to_owned(),
        }
    })
}

/// An order of day, month and year.
pub(super) fn date_format(text: &str) -> Result<DateFormat, String> {
    DateFormat::from_name(text).ok_or_else(|| "the formats are DD-MM-YYYY, MM-DD-YYYY and YYYY-MM-DD".to_owned())
}

/// A contact by uuid, address or number; any other text is looked up as a phone number, a reference code or a name.
pub(super) fn contact(text: &str) -> Result<ContactRef, String> {
    match references::contact_ref(text) {
        Err(reason) if text.trim().is_empty() => Err(reason),
        Err(_) => Ok(ContactRef::Beginning(text.trim().into())),
        found => found,
    }
}

/// The key of a field.
pub(super) fn field_key(text: &str) -> Result<String, String> {
    let key = text.strip_prefix("fields.").unwrap_or(text).to_ascii_lowercase();
    if crate::import::schema::is_field_key(&key) {
        Ok(key)
    } else {
        Err("a key is 1 to 64 letters, digits and `_`".to_owned())
    }
}

/// `KEY=VALUE` for a field.
pub(super) fn assignment(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("a field is set with KEY=VALUE, and cleared with KEY=")?;
    Ok((field_key(key)?, value.to_owned()))
}

/// A name that is not blank.
pub(super) fn name(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("a name is not blank".to_owned()) } else { Ok(text.to_owned()) }
}

/// A whole number that may be grouped or written with k or m: `200000`, `200,000`, `200k`.
pub(super) fn count(text: &str) -> Result<u64, String> {
    let plain = text.replace([',', '_'], "").to_ascii_lowercase();
    let (digits, scale) = match plain.strip_suffix(['k', 'm']) {
        Some(digits) if plain.ends_with('k') => (digits, 1_000),
        Some(digits) => (digits, 1_000_000),
        None => (plain.as_str(), 1),
    };
    let is_whole = Decimal::parse(digits).is_some() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = if is_whole { digits.parse::<u64>().ok() } else { None };
    number
        .and_then(|number| number.checked_mul(scale))
        .ok_or_else(|| "a number is written 200000, 200,000 or 200k".to_owned())
}
