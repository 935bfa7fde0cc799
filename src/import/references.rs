//! Lists of contacts by uuid or address, one a line, for `group add --file`.

use crate::ids::Uuid;
use crate::import::contacts::json_lines;
use crate::import::detect::{self, Wait};
use crate::import::error::{ImportError, Kind, LineNumber, Rejection, shown};
use crate::import::json;
use crate::import::source::Source;
use crate::value::Urn;
use crate::workspace::change::ContactRef;

/// The fewest digits of an identity that name a contact.
pub const SHORTEST: usize = 8;

/// Reads who is meant: a uuid or the first eight digits of it or more, an address `scheme:path`, or the platform's number.
///
/// ```
/// use headcount::internals::import::references::contact_ref;
/// use headcount::internals::workspace::change::ContactRef;
/// assert!(matches!(contact_ref("tel:+250788123123"), Ok(ContactRef::Urn(_))));
/// assert!(matches!(contact_ref("5051f1cb"), Ok(ContactRef::Beginning(_))));
/// assert!(contact_ref("bob").is_err());
/// ```
///
/// # Errors
/// If the text is none of these.
pub fn contact_ref(text: &str) -> Result<ContactRef, String> {
    let text = text.trim();
    if let Some(uuid) = Uuid::parse(text) {
        return Ok(ContactRef::Uuid(uuid));
    }
    if let Ok(urn) = Urn::parse(text) {
        return Ok(ContactRef::Urn(urn));
    }
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(ContactRef::Id(text.into()));
    }
    // Digits alone are a number: a beginning that has no letter is written with its first hyphen.
    let digits = text.bytes().filter(u8::is_ascii_hexdigit).count();
    let has_others = text.bytes().any(|byte| !byte.is_ascii_hexdigit() && byte != b'-');
    if (SHORTEST..=32).contains(&digits) && !has_others {
        return Ok(ContactRef::Beginning(text.to_ascii_lowercase().into()));
    }
    Err(format!("{} is neither a uuid, nor an address such as `tel:+250788123123`, nor a number", shown(text)))
}

/// The contacts that a source lists: one a line, as a uuid, an address, a number, or an object such as `{"uuid": …}`. A
/// first line that says `uuid` is taken for a header.
///
/// # Errors
/// If the source is empty, cannot be read, or is no text.
pub fn open(source: Source) -> Result<impl Iterator<Item = (LineNumber, Result<ContactRef, Rejection>)>, ImportError> {
    let opened = detect::open(source, Wait::ForPrefix)?;
    let items = json_lines(opened.reader, parse).map_err(|error| ImportError::new(&opened.name, Kind::Io(error)))?;
    Ok(items.filter_map(|(line, item)| match item {
        Ok(Some(contact)) => Some((line, Ok(contact))),
        Ok(None) if line == LineNumber(1) => None,
        Ok(None) => Some((line, Err(Rejection::new(line, "`uuid` is a header, and stands in the first line only")))),
        Err(rejection) => Some((line, Err(rejection))),
    }))
}

fn parse(line: &[u8]) -> Result<Option<ContactRef>, String> {
    let text = json::text(line)?;
    if text.starts_with('{') {
        return json::contact_ref(text).map(Some);
    }
    let cell = text.trim_matches('"');
    if ["uuid", "contact uuid"].iter().any(|header| cell.eq_ignore_ascii_case(header)) {
        return Ok(None);
    }
    contact_ref(cell).map(Some)
}
