//! What an expression comes to for one contact.

use std::cmp::Ordering;

use super::parse::{Comparison, Expression, Kind};
use super::value::Value;
use super::{RenderError, Subject, functions};
use crate::contact::TypedValue;
use crate::sema::suggest::nearest;
use crate::span::Span;
use crate::value::fold;

/// What stands in a message for a hidden address.
const REDACTED: &str = "********";

/// Properties of a contact that a template may name.
const CONTACT_PROPERTIES: [&str; 17] = [
    "created_on",
    "fields",
    "first_name",
    "flow",
    "groups",
    "history",
    "id",
    "language",
    "last_seen_on",
    "modified_on",
    "name",
    "ref",
    "status",
    "tickets",
    "urn",
    "urns",
    "uuid",
];

pub(super) fn evaluate(expression: &Expression, subject: &Subject<'_>) -> Result<Value, RenderError> {
    match &expression.kind {
        Kind::Text(text) => Ok(Value::Text(text.clone())),
        Kind::Number(number) => Ok(Value::Number(*number)),
        Kind::Truth(truth) => Ok(Value::Truth(*truth)),
        Kind::Missing => Ok(Value::Missing),
        Kind::Path(path) => {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            look_up(&path, expression.span, subject)
        }
        Kind::Call(name, arguments) => functions::call(name, arguments, expression.span, subject),
        Kind::Compare(comparison, left, right) => {
            let (left, right) = (evaluate(left, subject)?, evaluate(right, subject)?);
            Ok(Value::Truth(holds(*comparison, &left, &right, subject)))
        }
        Kind::Join(left, right) => {
            let mut text = evaluate(left, subject)?.to_text(subject.environment);
            text.push_str(&evaluate(right, subject)?.to_text(subject.environment));
            if text.len() > super::MAX_OUTPUT {
                let message = format!("the text grows beyond {} bytes", super::MAX_OUTPUT);
                return Err(RenderError::new(expression.span, message));
            }
            Ok(Value::Text(text))
        }
    }
}

/// Numbers compare as numbers, moments as moments, everything else as folded text. Against a missing value only `!=`
/// holds, except that missing equals missing and the empty text.
fn holds(comparison: Comparison, left: &Value, right: &Value, subject: &Subject<'_>) -> bool {
    let text = |value: &Value| fold::fold(&value.to_text(subject.environment)).into_owned();
    let ordering = if let (Some(a), Some(b)) = (left.as_number(), right.as_number()) {
        a.cmp(&b)
    } else if let (Value::Moment(_), Some(a), Some(b)) | (Value::Text(_), Some(a), Some(b)) = (
        if matches!(left, Value::Moment(_)) { left } else { right },
        left.as_moment(subject.environment),
        right.as_moment(subject.environment),
    ) {
        a.cmp(&b)
    } else {
        let (a, b) = (text(left), text(right));
        if (a.is_empty() || b.is_empty()) && a != b {
            return comparison == Comparison::Differs;
        }
        a.cmp(&b)
    };
    match comparison {
        Comparison::Equal => ordering == Ordering::Equal,
        Comparison::Differs => ordering != Ordering::Equal,
        Comparison::Less => ordering == Ordering::Less,
        Comparison::LessOrEqual => ordering != Ordering::Greater,
        Comparison::Greater => ordering == Ordering::Greater,
        Comparison::GreaterOrEqual => ordering != Ordering::Less,
    }
}

fn look_up(path: &[&str], span: Span, subject: &Subject<'_>) -> Result<Value, RenderError> {
    match path {
        ["contact"] => Ok(display_name(subject)),
        ["contact", "fields", rest @ ..] | ["fields", rest @ ..] => field(rest, span, subject),
        ["contact", "urns", rest @ ..] | ["urns", rest @ ..] => urns(rest, span, subject),
        ["contact", property] => contact_property(property, span, subject),
        ["now"] => Ok(Value::Moment(subject.environment.now)),
        _ => Err(RenderError::new(span, format!("there is no `{}`", path.join(".")))),
    }
}

fn contact_property(property: &str, span: Span, subject: &Subject<'_>) -> Result<Value, RenderError> {
    let contact = subject.contact;
    let flow_name = |id| subject.schema.flow_by_id(id).map(|flow| flow.name.as_str());
    Ok(match property {
        "name" => Value::optional(contact.name.as_deref()),
        "first_name" => Value::optional(contact.name.as_deref().and_then(|name| name.split_whitespace().next())),
        "uuid" => Value::Text(contact.uuid.to_string()),
        "id" => Value::optional(contact.id.as_deref()),
        "ref" => Value::optional(contact.reference.as_deref()),
        "language" => Value::optional(contact.language.as_deref()),
        "status" => Value::Text(contact.status.name().to_owned()),
        "groups" => Value::List(
            subject.groups.iter().map(|(uuid, name)| Value::Group { uuid: *uuid, name: name.clone() }).collect(),
        ),
        "flow" => Value::optional(contact.flow.and_then(flow_name)),
        "history" => Value::List(
            contact.history.iter().filter_map(|&id| flow_name(id)).map(|name| Value::Text(name.to_owned())).collect(),
        ),
        "tickets" => Value::Number(i64::from(contact.tickets).into()),
        "created_on" => Value::Moment(contact.created_on),
        "modified_on" => contact.modified_on.map_or(Value::Missing, Value::Moment),
        "last_seen_on" => contact.last_seen_on.map_or(Value::Missing, Value::Moment),
        "urn" => contact.urns.first().map_or(Value::Missing, |urn| address(urn.scheme(), urn.path(), subject)),
        _ => {
            let mut message = format!("a contact has no `{property}`");
            if let Some(near) = nearest(property, CONTACT_PROPERTIES.iter().copied()) {
                message.push_str(&format!("; did you mean `{near}`?"));
            }
            return Err(RenderError::new(span, message));
        }
    })
}

/// What `@contact` alone stands for: the name, else an address, else the identity.
fn display_name(subject: &Subject<'_>) -> Value {
    match (&subject.contact.name, subject.contact.urns.first()) {
        (Some(name), _) => Value::Text(name.to_string()),
        (None, Some(urn)) => address("", urn.path(), subject),
        (None, None) => Value::Text(subject.contact.uuid.to_string()),
    }
}

fn address(scheme: &str, path: &str, subject: &Subject<'_>) -> Value {
    let shown = if subject.environment.redact_urns { REDACTED } else { path };
    Value::Text(if scheme.is_empty() { shown.to_owned() } else { format!("{scheme}:{shown}") })
}

fn urns(rest: &[&str], span: Span, subject: &Subject<'_>) -> Result<Value, RenderError> {
    let urns = &subject.contact.urns;
    match rest {
        [] => Ok(Value::List(urns.iter().map(|urn| address(urn.scheme(), urn.path(), subject)).collect())),
        [scheme] => {
            let found = urns.iter().find(|urn| urn.scheme() == *scheme);
            Ok(found.map_or(Value::Missing, |urn| address("", urn.path(), subject)))
        }
        _ => Err(RenderError::new(span, "an address has no parts")),
    }
}

fn field(rest: &[&str], span: Span, subject: &Subject<'_>) -> Result<Value, RenderError> {
    let [key] = rest else {
        return Err(RenderError::new(span, "name one field, such as `fields.age`"));
    };
    let Some(field) = subject.schema.field(key) else {
        let mut message = format!("there is no field `{key}`");
        if let Some(near) = nearest(key, subject.schema.fields().iter().map(|field| field.key.as_str())) {
            message.push_str(&format!("; did you mean `{near}`?"));
        }
        return Err(RenderError::new(span, message));
    };
    Ok(match subject.contact.fields.get(&field.id) {
        None => Value::Missing,
        Some(value) => match value.typed {
            TypedValue::Number(number) => Value::Number(number),
            TypedValue::Instant(instant) => Value::Moment(instant),
            _ if field.kind.is_location() => Value::Text(crate::value::location::last_part(&value.text).to_owned()),
            _ => Value::Text(value.text.to_string()),
        },
    })
}
