//! The reference's errors, word for word, and our own.

use crate::diagnostic::{Code, Diagnostic};
use crate::span::Span;
use crate::syntax::lexer::Operator;

/// Too long, too deep, or too many conditions.
pub(crate) fn too_complex(span: Span) -> Diagnostic {
    Diagnostic::new(Code::TooComplex, "query is too complex", span)
        .help(Some("a query has at most 10,000 characters, 100 nested brackets and 250 conditions".to_owned()))
}

pub(super) fn unknown_property_type(prefix: &str, span: Span) -> Diagnostic {
    let near = ["fields", "urns"].into_iter().find(|known| strsim::osa_distance(prefix, known) <= 2);
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "the prefixes are `fields.` and `urns.`; a value with a point goes in quotes".to_owned(),
    };
    Diagnostic::new(Code::UnknownPropertyType, format!("unknown property type '{prefix}'"), span)
        .with("type", prefix)
        .help(Some(help))
}

pub(super) fn unknown_property(key: &str, span: Span) -> Diagnostic {
    let message = format!("can't resolve '{key}' to attribute, scheme or field");
    Diagnostic::new(Code::UnknownProperty, message, span).with("property", key)
}

pub(super) fn redacted_urns(span: Span) -> Diagnostic {
    Diagnostic::new(Code::RedactedUrns, "cannot query on redacted URNs", span)
        .help(Some("only `= \"\"` and `!= \"\"` are allowed, or the contact's `ref`".to_owned()))
}

pub(super) fn unsupported_comparison(operator: Operator, key: &str, span: Span) -> Diagnostic {
    let operator = operator.symbol();
    let message = format!("comparisons with {operator} can only be used with date and number fields");
    Diagnostic::new(Code::UnsupportedComparison, message, span).with("operator", operator).with("property", key)
}

pub(super) fn unsupported_contains(key: &str, span: Span) -> Diagnostic {
    let message = "contains conditions can only be used with name or URN values";
    Diagnostic::new(Code::UnsupportedContains, message, span).with("property", key)
}

pub(super) fn unsupported_setcheck(operator: Operator, key: &str, span: Span) -> Diagnostic {
    let message = format!("can't check whether '{key}' is set or not set");
    Diagnostic::new(Code::UnsupportedSetcheck, message, span)
        .with("operator", operator.symbol())
        .with("property", key)
        .help(Some(format!("every contact has a value for `{key}`")))
}

pub(super) fn invalid_partial_name(span: Span) -> Diagnostic {
    let message = "contains operator on name requires token of minimum length 2";
    Diagnostic::new(Code::InvalidPartialName, message, span)
        .with("min_token_length", "2")
        .help(Some("for the exact name, use `=`".to_owned()))
}

pub(super) fn invalid_partial_urn(span: Span) -> Diagnostic {
    let message = "contains operator on URN requires value of minimum length 3";
    Diagnostic::new(Code::InvalidPartialUrn, message, span).with("min_value_length", "3")
}

pub(super) fn invalid_number(value: &str, span: Span) -> Diagnostic {
    let message = format!("can't convert '{value}' to a number");
    let mended: String = value.chars().filter(|c| !matches!(c, ',' | ' ' | '+' | '_')).collect();
    let is_number = mended != value && crate::value::Decimal::parse(&mended).is_some();
    Diagnostic::new(Code::InvalidNumber, message, span)
        .with("value", value)
        .help(is_number.then(|| format!("did you mean `{mended}`?")))
}

pub(super) fn invalid_date(value: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::InvalidDate, format!("can't convert '{value}' to a date"), span).with("value", value)
}

pub(super) fn invalid_status(value: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::InvalidStatus, format!("'{value}' is not a valid contact status"), span).with("value", value)
}

pub(super) fn invalid_language(value: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::InvalidLanguage, format!("'{value}' is not a valid language code"), span).with("value", value)
}

pub(super) fn invalid_group(value: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::InvalidGroup, format!("'{value}' is not a valid group name"), span).with("value", value)
}

pub(super) fn invalid_flow(value: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::InvalidFlow, format!("'{value}' is not a valid flow name"), span).with("value", value)
}

pub(super) fn invalid_partial_text(span: Span) -> Diagnostic {
    Diagnostic::new(Code::InvalidPartialText, "contains operator on text requires a word of at least 2 bytes", span)
}

pub(super) fn loose_star(span: Span) -> Diagnostic {
    Diagnostic::new(Code::InvalidPartialText, "`*` must follow a word of at least 2 bytes", span)
        .help(Some("a word with `*` at the end of the value stands for all words that begin so".to_owned()))
}

pub(super) fn invalid_range(message: impl Into<String>, value: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::InvalidRange, message, span).with("value", value)
}

pub(super) fn invalid_relative(value: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::InvalidRelative, format!("'{value}' is more than a thousand years away"), span)
        .with("value", value)
}

/// Of a value that moves with the clock, on a field that is to be no date.
pub(super) fn moves_with_time(value: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::InvalidRelative, format!("'{value}' means a date and would become mere text"), span)
        .with("value", value)
        .help(Some("only a date field takes times that move with the clock".to_owned()))
}

pub(super) fn unsupported_instant(value: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::UnsupportedInstant, format!("'{value}' is a moment: nothing equals it"), span)
        .with("value", value)
        .help(Some("compare with `>`, `>=`, `<` or `<=`; from `d` upward it is a whole day".to_owned()))
}

pub(super) fn unsupported_anniversary(key: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::UnsupportedAnniversary, "ANNIVERSARY can only be used with dates", span).with("property", key)
}

pub(super) fn invalid_anniversary(value: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::InvalidAnniversary, format!("'{value}' is not a day of the year"), span)
        .with("value", value)
        .help(Some("write `today`, `-7d..today`, or a month and day such as `12-24`, without quotes".to_owned()))
}
