//! The functions of templates: those that messages about groups need.

use super::evaluate::evaluate;
use super::parse::Expression;
use super::value::{Value, date, local};
use super::{RenderError, Subject};
use crate::ids::Uuid;
use crate::sema::suggest::nearest;
use crate::span::Span;
use crate::value::fold;

/// Each function: its name, the fewest and the most arguments, and how it is used.
const FUNCTIONS: [(&str, usize, usize, &str); 14] = [
    ("and", 1, 100, "and(a, b, …): whether all are true"),
    ("count", 1, 1, "count(list): how many"),
    ("default", 2, 2, "default(value, other): the value, or the other if it is missing"),
    ("first", 1, 1, "first(list): the first of them"),
    ("format_date", 1, 2, "format_date(moment, \"YYYY-MM-DD\"): a date as text"),
    ("has_group", 2, 2, "has_group(contact.groups, \"name or uuid\"): whether it is among them"),
    ("if", 2, 3, "if(test, then, else): one or the other"),
    ("join", 1, 2, "join(list, \", \"): the items with the text between them"),
    ("length", 1, 1, "length(text): how many characters"),
    ("lower", 1, 1, "lower(text): in small letters"),
    ("not", 1, 1, "not(a): whether it is false"),
    ("or", 1, 100, "or(a, b, …): whether any is true"),
    ("title", 1, 1, "title(text): each word with a capital"),
    ("upper", 1, 1, "upper(text): in capitals"),
];

pub(super) fn call(
    name: &str,
    arguments: &[Expression],
    span: Span,
    subject: &Subject<'_>,
) -> Result<Value, RenderError> {
    let Some((_, fewest, most, usage)) = FUNCTIONS.iter().find(|(known, ..)| *known == name) else {
        let mut message = format!("there is no function `{name}`");
        if let Some(near) = nearest(name, FUNCTIONS.iter().map(|(known, ..)| *known)) {
            message.push_str(&format!("; did you mean `{near}`?"));
        }
        return Err(RenderError::new(span, message));
    };
    if arguments.len() < *fewest || arguments.len() > *most {
        return Err(RenderError::new(span, format!("wrong number of values; use it as {usage}")));
    }
    let value = |at: usize| match arguments.get(at) {
        Some(argument) => evaluate(argument, subject),
        None => Ok(Value::Missing),
    };
    let text = |at: usize| value(at).map(|value| value.to_text(subject.environment));
    Ok(match name {
        // These look at their arguments one by one, and only at as many as they need.
        "if" => {
            let chosen = if value(0)?.is_true() { 1 } else { 2 };
            value(chosen)?
        }
        "and" => {
            for at in 0..arguments.len() {
                if !value(at)?.is_true() {
                    return Ok(Value::Truth(false));
                }
            }
            Value::Truth(true)
        }
        "or" => {
            for at in 0..arguments.len() {
                if value(at)?.is_true() {
                    return Ok(Value::Truth(true));
                }
            }
            Value::Truth(false)
        }
        "not" => Value::Truth(!value(0)?.is_true()),
        "default" => match value(0)? {
            Value::Missing => value(1)?,
            Value::Text(text) if text.is_empty() => value(1)?,
            present => present,
        },
        "count" => {
            let count = match value(0)? {
                Value::List(items) => items.len(),
                Value::Missing => 0,
                _ => 1,
            };
            Value::Number(i64::try_from(count).unwrap_or(i64::MAX).into())
        }
        "first" => match value(0)? {
            Value::List(items) => items.into_iter().next().unwrap_or(Value::Missing),
            other => other,
        },
        "join" => {
            let separator = if arguments.len() > 1 { text(1)? } else { ", ".to_owned() };
            match value(0)? {
                Value::List(items) => {
                    let texts: Vec<String> = items.iter().map(|item| item.to_text(subject.environment)).collect();
                    Value::Text(texts.join(&separator))
                }
                other => Value::Text(other.to_text(subject.environment)),
            }
        }
        "has_group" => {
            let wanted = text(1)?;
            let uuid = Uuid::parse(&wanted);
            let is_wanted = |group: &Value| match group {
                Value::Group { uuid: held, name } => Some(*held) == uuid || fold::lower(name) == fold::lower(&wanted),
                _ => false,
            };
            match value(0)? {
                Value::List(groups) => Value::Truth(groups.iter().any(is_wanted)),
                _ => return Err(RenderError::new(span, format!("the first value is a list of groups: {usage}"))),
            }
        }
        "length" => Value::Number(i64::try_from(text(0)?.chars().count()).unwrap_or(i64::MAX).into()),
        "lower" => Value::Text(text(0)?.to_lowercase()),
        "upper" => Value::Text(text(0)?.to_uppercase()),
        "title" => Value::Text(title(&text(0)?)),
        "format_date" => match value(0)? {
            Value::Missing => Value::Missing,
            given => {
                let moment = given.as_moment(subject.environment);
                let Some(moment) = moment else {
                    let message = format!("`{}` is not a date", given.to_text(subject.environment));
                    return Err(RenderError::new(span, message));
                };
                let moment = local(moment, subject.environment);
                match arguments.len() {
                    1 => Value::Text(date(moment, subject.environment.date_format)),
                    _ => Value::Text(formatted(moment, &text(1)?)),
                }
            }
        },
        _ => return Err(RenderError::new(span, format!("`{name}` cannot be called"))),
    })
}

fn title(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut starts_word = true;
    for c in text.chars() {
        if starts_word {
            result.extend(c.to_uppercase());
        } else {
            result.extend(c.to_lowercase());
        }
        starts_word = !(c.is_alphanumeric() || c == '\'');
    }
    result
}

/// `YYYY`, `MM`, `DD`, `hh`, `mm` and `ss` stand for parts of the moment; everything else for itself.
fn formatted(moment: jiff::civil::DateTime, layout: &str) -> String {
    let parts = [
        ("YYYY", format!("{:04}", moment.year())),
        ("MM", format!("{:02}", moment.month())),
        ("DD", format!("{:02}", moment.day())),
        ("hh", format!("{:02}", moment.hour())),
        ("mm", format!("{:02}", moment.minute())),
        ("ss", format!("{:02}", moment.second())),
    ];
    let mut result = String::new();
    let mut rest = layout;
    'next: while let Some(c) = rest.chars().next() {
        for (mark, shown) in &parts {
            if let Some(after) = rest.strip_prefix(mark) {
                result.push_str(shown);
                rest = after;
                continue 'next;
            }
        }
        result.push(c);
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    result
}
