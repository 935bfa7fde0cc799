//! What is said where addresses are hidden: messages repeat what somebody typed or what a file holds, and that may be an
//! address.

use std::borrow::Cow;
use std::fmt::Write;

use crate::answers::contact::hidden;
use crate::diagnostic::{Code, Diagnostic};
use crate::ids::Uuid;
use crate::workspace::Rejection;
use crate::workspace::change::ContactRef;

/// An example that messages give, which is nobody's.
const EXAMPLE: &str = "tel:+250788123123";

/// Shorter runs of digits are no numbers that a person has.
const DIGITS: usize = 4;

/// How a contact was named on the command line or in a file.
pub(crate) fn shown(reference: &ContactRef, hides_addresses: bool) -> String {
    match reference {
        ContactRef::Uuid(uuid) => uuid.to_string(),
        ContactRef::Urn(urn) if hides_addresses => hidden(urn.scheme()),
        ContactRef::Urn(urn) => urn.to_string(),
        // A number without a scheme may be meant as an address.
        ContactRef::Id(_) if hides_addresses => "of this number".to_owned(),
        ContactRef::Id(id) => id.to_string(),
        ContactRef::Beginning(text) if text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') => {
            format!("{text}…, or several begin so")
        }
        // A text that is looked up as a name or a phone number.
        ContactRef::Beginning(_) if hides_addresses => "of this name".to_owned(),
        ContactRef::Beginning(text) => format!("`{text}`"),
    }
}

/// Why a change was refused, without the address if addresses are hidden.
pub(crate) fn reason(rejection: &Rejection, hides_addresses: bool) -> String {
    match rejection {
        Rejection::UrnTaken { urn, holder } if hides_addresses => {
            format!("its address {} belongs to contact {holder}; take it from them first", hidden(urn.scheme()))
        }
        Rejection::UnknownContact(who) if hides_addresses && Uuid::parse(who).is_none() => {
            let who = who.split_once(':').map_or_else(|| "of this number".to_owned(), |(scheme, _)| hidden(scheme));
            Rejection::UnknownContact(who).to_string()
        }
        other => other.to_string(),
    }
}

/// A message about input, in which values that may be addresses are hidden if addresses are.
pub(crate) fn message(text: &str, hides_addresses: bool) -> Cow<'_, str> {
    if !hides_addresses {
        return Cow::Borrowed(text);
    }
    let mut veiled = String::with_capacity(text.len());
    let mut rest = text;
    // Values stand between backticks or, where a library says what is wrong, between double quotes.
    while let Some(start) = rest.find(['`', '"']) {
        let (before, quoted) = rest.split_at(start);
        let (quote, inside) = quoted.split_at(1);
        let Some(end) = inside.find(quote) else { break };
        let (value, after) = inside.split_at(end);
        let value = if may_be_address(value) && value != EXAMPLE { "********" } else { value };
        let _ = write!(veiled, "{before}{quote}{value}{quote}");
        rest = after.get(1..).unwrap_or_default();
    }
    veiled.push_str(rest);
    Cow::Owned(veiled)
}

fn may_be_address(value: &str) -> bool {
    value.contains(['@', ':']) || value.bytes().filter(u8::is_ascii_digit).count() >= DIGITS
}

/// The text of a query that was refused because it asks for addresses, with stars over what may be one: each character
/// keeps its bytes, so that carets stand where they stood.
pub(crate) fn query<'t>(text: &'t str, diagnostics: &[Diagnostic]) -> Cow<'t, str> {
    if !diagnostics.iter().any(|diagnostic| diagnostic.code == Code::RedactedUrns) {
        return Cow::Borrowed(text);
    }
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '@' | '.' | '+' | '-' | '_' | ':' | '/');
    let mut veiled = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        // What is asked for stands behind a condition's property, which is no address but may hold a colon.
        if may_be_address(word) || is_value(&veiled) {
            veiled.extend(std::iter::repeat_n('*', word.len()));
        } else {
            veiled.push_str(word);
        }
        let gap = after.find(is_part).unwrap_or(after.len());
        let (gap, after) = after.split_at(gap);
        veiled.push_str(gap);
        rest = after;
    }
    Cow::Owned(veiled)
}

/// Whether what comes next stands behind a comparison, a list's bracket or comma, or a quote that one of them opened.
fn is_value(before: &str) -> bool {
    before.trim_end_matches([' ', '"', '\\']).ends_with(['=', '~', '<', '>', ','])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_may_be_addresses_are_hidden_and_names_are_not() {
        let told = "`urns`: `799111009` is no address such as `tel:+250788123123`, nor is \"a@b.c\" one; see `age`";
        let hidden = "`urns`: `********` is no address such as `tel:+250788123123`, nor is \"********\" one; see `age`";
        assert_eq!(message(told, true), hidden);
        assert_eq!(message(told, false), told);
        assert_eq!(message("an open ` 799111009", true), "an open ` 799111009");
    }
}
