//! What an expression comes to for one contact.

use std::cell::Cell;
use std::cmp::Ordering;

use super::parse::{Comparison, Expression, Kind, Operation};
use super::value::Value;
use super::{RenderError, Subject, arithmetic, functions};
use crate::contact::TypedValue;
use crate::sema::suggest::nearest;
use crate::span::Span;
use crate::value::{Decimal, fold};

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

/// What an expression can see: the contact, and the names that functions around it gave to values.
pub(super) struct Scope<'a> {
    pub(super) subject: &'a Subject<'a>,
    locals: Vec<(&'a str, Value)>,
    steps: &'a Steps,
}

/// How much has been computed for a message.
#[derive(Default)]
pub(super) struct Steps(Cell<usize>);

impl<'a> Scope<'a> {
    pub(super) fn new(subject: &'a Subject<'a>, steps: &'a Steps) -> Self {
        Scope { subject, locals: Vec::new(), steps }
    }

    /// The same with values under more names.
    fn with(&self, names: &'a [String], values: Vec<Value>) -> Scope<'a> {
        let mut locals = self.locals.clone();
        locals.extend(names.iter().map(String::as_str).zip(values));
        Scope { subject: self.subject, locals, steps: self.steps }
    }

    fn local(&self, name: &str) -> Option<&Value> {
        self.locals.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

pub(super) fn evaluate<'a>(expression: &'a Expression, scope: &Scope<'a>) -> Result<Value, RenderError> {
    let span = expression.span;
    let steps = scope.steps.0.get() + 1;
    scope.steps.0.set(steps);
    if steps > super::MAX_STEPS {
        return Err(RenderError::new(span, format!("the message takes more than {} steps", super::MAX_STEPS)));
    }
    match &expression.kind {
        Kind::Text(text) => Ok(Value::Text(text.clone())),
        Kind::Number(number) => Ok(Value::Number(*number)),
        Kind::Truth(truth) => Ok(Value::Truth(*truth)),
        Kind::Missing => Ok(Value::Missing),
        Kind::Path(path) => {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            look_up(&path, span, scope)
        }
        Kind::Call(name, arguments) => functions::call(name, arguments, span, scope),
        Kind::Compare(comparison, left, right) => {
            let (left, right) = (evaluate(left, scope)?, evaluate(right, scope)?);
            Ok(Value::Truth(holds(*comparison, &left, &right, scope.subject)))
        }
        Kind::Join(left, right) => {
            let mut text = evaluate(left, scope)?.to_text(scope.subject.environment);
            text.push_str(&evaluate(right, scope)?.to_text(scope.subject.environment));
            within_bounds(text, span)
        }
        Kind::Compute(operation, left, right) => {
            let left = number(left, scope)?;
            let right = number(right, scope)?;
            let (Some(left), Some(right)) = (left, right) else { return Ok(Value::Missing) };
            compute(*operation, left, right, span)
        }
        Kind::Negate(inner) => {
            let inner = number(inner, scope)?;
            Ok(inner.map_or(Value::Missing, |number| Value::Number(arithmetic::negate(number))))
        }
        Kind::Index(list, index) => {
            let list = evaluate(list, scope)?;
            let position = evaluate(index, scope)?.to_text(scope.subject.environment);
            part(list, &position, span)
        }
        Kind::Part(whole, name) => part(evaluate(whole, scope)?, name, span),
        Kind::Function(..) => {
            Err(RenderError::new(span, "a function stands here where a value should; `foreach` takes one"))
        }
    }
}

/// Calls what stands as a function's argument: `upper`, or `(x) => upper(x)`.
pub(super) fn apply<'a>(function: &'a Expression, values: Vec<Value>, scope: &Scope<'a>) -> Result<Value, RenderError> {
    match &function.kind {
        Kind::Function(names, body) if names.len() == values.len() => evaluate(body, &scope.with(names, values)),
        Kind::Function(names, _) => {
            let message = format!("this function takes {} values, and it is given {}", names.len(), values.len());
            Err(RenderError::new(function.span, message))
        }
        Kind::Path(path) if path.len() == 1 => {
            let name = path.first().map(String::as_str).unwrap_or_default();
            functions::call_with_values(name, values, function.span, scope)
        }
        _ => Err(RenderError::new(function.span, "expected a function, such as `upper` or `(x) => upper(x)`")),
    }
}

/// A text that has not grown too long.
pub(super) fn within_bounds(text: String, span: Span) -> Result<Value, RenderError> {
    if text.len() > super::MAX_OUTPUT {
        let message = format!("the text grows beyond {} bytes", super::MAX_OUTPUT);
        return Err(RenderError::new(span, message));
    }
    Ok(Value::Text(text))
}

/// An operand of arithmetic; `None` if there is no value.
fn number<'a>(expression: &'a Expression, scope: &Scope<'a>) -> Result<Option<Decimal>, RenderError> {
    as_number(&evaluate(expression, scope)?, expression.span, scope.subject)
}

/// A value as a number; `None` if there is none.
pub(super) fn as_number(value: &Value, span: Span, subject: &Subject<'_>) -> Result<Option<Decimal>, RenderError> {
    let text = value.to_text(subject.environment);
    match value.as_number() {
        Some(number) => Ok(Some(number)),
        None if text.trim().is_empty() => Ok(None),
        None => Err(RenderError::new(span, format!("`{text}` is not a number"))),
    }
}

fn compute(operation: Operation, left: Decimal, right: Decimal, span: Span) -> Result<Value, RenderError> {
    let result = match operation {
        Operation::Add => arithmetic::add(left, right),
        Operation::Subtract => arithmetic::subtract(left, right),
        Operation::Multiply => arithmetic::multiply(left, right),
        Operation::Divide if right == Decimal::ZERO => return Err(RenderError::new(span, "this divides by zero")),
        Operation::Divide => arithmetic::divide(left, right),
        Operation::Power => arithmetic::power(left, right),
    };
    let too_long = "the result is none that has at most 36 digits; a power is a whole number up to 1,000";
    result.map(Value::Number).ok_or_else(|| RenderError::new(span, too_long))
}

/// A part of a value: an item of a list by its place, from 0 or backwards from -1; a group's name or identity. There is
/// nothing behind the end of a list.
fn part(whole: Value, name: &str, span: Span) -> Result<Value, RenderError> {
    let none = |what: &str| Err(RenderError::new(span, format!("{what} has no `{name}`")));
    match whole {
        Value::Missing => Ok(Value::Missing),
        Value::List(mut items) => {
            let Ok(position) = name.trim().parse::<i64>() else {
                return none("a list");
            };
            let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
            let position = if position < 0 { position.saturating_add(length) } else { position };
            let position = usize::try_from(position).ok().filter(|&position| position < items.len());
            Ok(position.map_or(Value::Missing, |position| items.swap_remove(position)))
        }
        Value::Group { uuid, name: own } => match name {
            "name" => Ok(Value::Text(own)),
            "uuid" => Ok(Value::Text(uuid.to_string())),
            _ => none("a group"),
        },
        _ => none("this value"),
    }
}

/// Numbers compare as numbers, moments as moments, everything else as folded text. Against a missing value only `!=`
/// holds, except that missing equals missing and the empty text. A number or a moment has no order with what is none.
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
        let is_typed = |value: &Value| matches!(value, Value::Number(_) | Value::Moment(_));
        let (a, b) = (text(left), text(right));
        if is_typed(left) || is_typed(right) {
            return comparison == Comparison::Differs;
        }
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

fn look_up(path: &[&str], span: Span, scope: &Scope<'_>) -> Result<Value, RenderError> {
    let subject = scope.subject;
    let local = path.split_first().and_then(|(root, rest)| Some((scope.local(root)?.clone(), rest)));
    let (whole, rest) = match (local, path) {
        (Some(found), _) => found,
        (None, ["contact"]) => (display_name(subject), &[][..]),
        (None, ["contact", "fields", key, rest @ ..] | ["fields", key, rest @ ..]) => {
            (field(key, span, subject)?, rest)
        }
        (None, ["contact", "fields"] | ["fields"]) => {
            return Err(RenderError::new(span, "name one field, such as `fields.age`"));
        }
        (None, ["contact", "urns", rest @ ..] | ["urns", rest @ ..]) => urns(rest, subject),
        (None, ["contact", property, rest @ ..]) => (contact_property(property, span, subject)?, rest),
        (None, ["now", rest @ ..]) => (Value::Moment(subject.environment.now), rest),
        _ => return Err(RenderError::new(span, format!("there is no `{}`", path.join(".")))),
    };
    rest.iter().try_fold(whole, |whole, name| part(whole, name, span))
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

/// All addresses, or the first of a scheme, and what of the path is left.
fn urns<'p>(rest: &'p [&'p str], subject: &Subject<'_>) -> (Value, &'p [&'p str]) {
    let urns = &subject.contact.urns;
    match rest.split_first() {
        Some((scheme, rest)) if !scheme.bytes().all(|byte| byte.is_ascii_digit()) => {
            let found = urns.iter().find(|urn| urn.scheme() == *scheme);
            (found.map_or(Value::Missing, |urn| address("", urn.path(), subject)), rest)
        }
        _ => (Value::List(urns.iter().map(|urn| address(urn.scheme(), urn.path(), subject)).collect()), rest),
    }
}

fn field(key: &str, span: Span, subject: &Subject<'_>) -> Result<Value, RenderError> {
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
            // As in searches: a text that is none of the field's type is no value.
            TypedValue::Unconvertible => Value::Missing,
            TypedValue::Text if field.kind.is_location() => {
                Value::Text(crate::value::location::last_part(&value.text).to_owned())
            }
            TypedValue::Text => Value::Text(value.text.to_string()),
        },
    })
}
