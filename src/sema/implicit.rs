//! Words, addresses and phone numbers that stand alone: what they are conditions on.

use std::borrow::Cow;

use crate::schema::Environment;
use crate::sema::attribute::Attribute;
use crate::sema::query::{Dialect, Literal, Node, Property, Query, Test, Value};
use crate::sema::resolve::{self, Given, Resolver, Target, TargetKind};
use crate::sema::values;
use crate::span::Span;
use crate::syntax::lexer::{Operator, is_name};
use crate::value::fold::fold;
use crate::value::urn::decode_path;
use crate::value::{Scheme, phone};

/// The shortest text that is tried as a phone number.
const MIN_PHONE: usize = 5;

/// A whole query, trimmed, that reads as a phone number in the workspace's country.
///
/// Cost: nothing unless the text is of digits and the signs that go with them in phone numbers.
pub(crate) fn phone_query(trimmed: &str, base: u32, dialect: Dialect, environment: &Environment) -> Option<Query> {
    let looks_like_one = trimmed.len() >= MIN_PHONE
        && trimmed.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b' ' | b'.' | b'-' | b'(' | b')'));
    if !looks_like_one || environment.redact_urns {
        return None;
    }
    let number = phone::implicit_number(trimmed, environment.country)?;
    Some(address_equals("tel", number, base, trimmed, dialect))
}

/// A whole query, trimmed, that is an address with what a platform appended to it, as answers show it:
/// `tel:+250788123123?channel=7`. In the extended dialect alone: the other refuses it, unless it is quoted.
pub(crate) fn address_query(trimmed: &str, base: u32, dialect: Dialect, environment: &Environment) -> Option<Query> {
    if dialect != Dialect::Extended || environment.redact_urns {
        return None;
    }
    let path_ends = trimmed.find(['?', '#'])?;
    let (before, appended) = trimmed.split_at(path_ends);
    let (query, _) = appended.split_once('#').unwrap_or((appended, ""));
    let breaks = |c: char| c.is_whitespace() || matches!(c, '"' | '(' | ')' | '=' | '~' | '<' | '>' | ',');
    if before.contains(breaks) || query.contains(|c: char| c.is_whitespace() || c == '"') {
        return None;
    }
    let (scheme, path) = address(trimmed)?;
    Some(address_equals(scheme, path, base, trimmed, dialect))
}

fn address_equals(scheme: &str, path: String, base: u32, trimmed: &str, dialect: Dialect) -> Query {
    let value = Value::Text(fold(&path).into());
    let test = Test::Equals(Literal { text: path.into(), value });
    let span = Span { start: base, end: base + trimmed.len() as u32 };
    Query { dialect, root: resolve::condition(Property::Scheme(Scheme::new(scheme)), test, span) }
}

/// A literal that stands alone.
pub(super) fn condition<'t>(resolver: &mut Resolver<'t>, given: Given<'t>) -> Option<Node> {
    let span = given.span;
    let attribute = |attribute: Attribute| Target {
        kind: TargetKind::Attribute(attribute),
        key: attribute.key().into(),
        rules: Some(attribute),
        span,
    };
    let (target, operator, text) = if resolver.environment.redact_urns {
        if is_reference(&given.text) {
            (attribute(Attribute::Ref), Operator::Equal, given.text)
        } else {
            name(attribute(Attribute::Name), given.text)
        }
    } else if let Some((scheme, path)) = address(&given.text) {
        // The scheme is taken as given, whatever it is, but the rules of a property that is called so hold.
        let key = crate::value::fold::lower(scheme).into_owned();
        let rules = Attribute::from_key(&key);
        let target = Target { kind: TargetKind::Scheme, key: key.into(), rules, span };
        (target, Operator::Equal, Cow::Owned(path))
    } else if let Some(digits) = partial_number(&given.text) {
        let target = Target { kind: TargetKind::Scheme, key: "tel".into(), rules: None, span };
        (target, Operator::Contains, digits)
    } else {
        name(attribute(Attribute::Name), given.text)
    };
    // A value that stands alone is a plain one, never a range or a relative time.
    resolver.condition(&target, operator, span, Given { text, bare: false, span }, span)
}

fn name<'t>(target: Target<'static>, text: Cow<'t, str>) -> (Target<'static>, Operator, Cow<'t, str>) {
    let operator = if values::has_name_word(&text) { Operator::Contains } else { Operator::Equal };
    (target, operator, text)
}

/// Whether the text looks like a contact's reference code.
fn is_reference(text: &str) -> bool {
    matches!(text.len(), 6 | 7)
        && text.bytes().all(|byte| match byte.to_ascii_uppercase() {
            b'I' | b'O' => false,
            byte => matches!(byte, b'A'..=b'Z' | b'2'..=b'9'),
        })
}

/// `x:y`, perhaps with `?query` and then `#display` behind the path, which are dropped.
fn address(text: &str) -> Option<(&str, String)> {
    let (scheme, rest) = text.split_once(':')?;
    let (rest, display) = match rest.split_once('#') {
        Some((rest, display)) => (rest, Some(display)),
        None => (rest, None),
    };
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (rest, None),
    };
    let is_clean = |part: Option<&str>| part.is_none_or(|part| !part.contains(['?', '#']));
    if path.is_empty() || !is_name(scheme) || !is_clean(display) || !is_clean(query) {
        return None;
    }
    Some((scheme, decode_path(path).into_owned()))
}

/// What is left of a text that matches `^\+?[\-\d]{4,}$` without its hyphens.
fn partial_number<'t>(text: &Cow<'t, str>) -> Option<Cow<'t, str>> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    if digits.len() < 4 || !digits.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()) {
        return None;
    }
    Some(if text.contains('-') { Cow::Owned(text.replace('-', "")) } else { text.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let address = |text| address(text).map(|(scheme, path)| format!("{scheme}|{path}"));
        assert_eq!(address("12:30").as_deref(), Some("12|30"));
        assert_eq!(address("tel:a:b").as_deref(), Some("tel|a:b"));
        assert_eq!(address("tel:+250?id=1#Bob").as_deref(), Some("tel|+250"));
        assert_eq!(address("x:%23%3F%25%2525%").as_deref(), Some("x|#?%%25%"));
        for text in ["tel:", ":x", "tel:?x", "a b:c", "a-b:c", "a#:b", "tel:x#a#b", "tel:x?a?b", "tel:x#a?b", "bob"] {
            assert_eq!(address(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_and_references() {
        let partial = |text: &str| partial_number(&text.to_owned().into()).map(Cow::into_owned);
        assert_eq!(partial("+12-34").as_deref(), Some("+1234"));
        assert_eq!(partial("----").as_deref(), Some(""));
        for text in ["566", "+123", "12a4", "1234+", "١٢٣٤"] {
            assert_eq!(partial(text), None, "{text}");
        }
        assert!(is_reference("ABCDEF") && is_reference("abc2349"));
        assert!(
            !is_reference("ABCDEO") && !is_reference("ABCDE1") && !is_reference("ABCDE") && !is_reference("ABCDEFGH")
        );
    }
}
