//! The functions of templates: those that messages about groups need.

use super::evaluate::{Scope, apply, as_number, evaluate, within_bounds};
use super::parse::Expression;
use super::value::{Value, date, local};
use super::{RenderError, Subject, arithmetic};
use crate::ids::Uuid;
use crate::sema::suggest::nearest;
use crate::span::Span;
use crate::value::{Decimal, fold};

/// Each function: its name, the fewest and the most arguments, and how it is used.
const FUNCTIONS: [(&str, usize, usize, &str); 31] = [
    ("abs", 1, 1, "abs(number): without its sign"),
    ("and", 1, 100, "and(a, b, …): whether all are true"),
    ("array", 0, 1_000, "array(a, b, …): a list of these"),
    ("contains", 2, 2, "contains(list, value): whether it is among them"),
    ("count", 1, 1, "count(list): how many"),
    ("default", 2, 2, "default(value, other): the value, or the other if it is missing"),
    ("first", 1, 1, "first(list): the first of them"),
    ("foreach", 2, 20, "foreach(list, (x) => upper(x)): the list of what the function gives for each"),
    ("format_date", 1, 2, "format_date(moment, \"YYYY-MM-DD\"): a date as text"),
    ("has_group", 2, 3, "has_group(contact.groups, \"name or uuid\"): whether it is among them"),
    ("if", 2, 3, "if(test, then, else): one or the other"),
    ("join", 1, 2, "join(list, \", \"): the items with the text between them"),
    ("length", 1, 1, "length(text): how many characters, or how many items of a list"),
    ("lower", 1, 1, "lower(text): in small letters"),
    ("max", 1, 100, "max(a, b, …): the largest number"),
    ("min", 1, 100, "min(a, b, …): the smallest number"),
    ("not", 1, 1, "not(a): whether it is false"),
    ("number", 1, 1, "number(text): the text as a number"),
    ("or", 1, 100, "or(a, b, …): whether any is true"),
    ("replace", 3, 3, "replace(text, what, with): each of its places filled with the other"),
    ("reverse", 1, 1, "reverse(list): from the last to the first"),
    ("round", 1, 2, "round(number, places): to so many places"),
    ("split", 2, 2, "split(text, \" \"): the pieces between the separators"),
    ("sum", 1, 1, "sum(list): of the numbers in it"),
    ("text", 1, 1, "text(value): as it reads in a message"),
    ("text_length", 1, 1, "text_length(text): how many characters"),
    ("title", 1, 1, "title(text): each word with a capital"),
    ("trim", 1, 1, "trim(text): without white space around it"),
    ("upper", 1, 1, "upper(text): in capitals"),
    ("word", 2, 2, "word(text, 0): one of its words"),
    ("word_count", 1, 1, "word_count(text): how many words"),
];

pub(super) fn call<'a>(
    name: &str,
    arguments: &'a [Expression],
    span: Span,
    scope: &Scope<'a>,
) -> Result<Value, RenderError> {
    check_usage(name, arguments.len(), span)?;
    let value = |at: usize| match arguments.get(at) {
        Some(argument) => evaluate(argument, scope),
        None => Ok(Value::Missing),
    };
    // These look at their arguments one by one, and only at as many as they need.
    match name {
        "if" => {
            let chosen = if value(0)?.is_true() { 1 } else { 2 };
            value(chosen)
        }
        "and" | "or" => {
            let settles = name == "or";
            for at in 0..arguments.len() {
                if value(at)?.is_true() == settles {
                    return Ok(Value::Truth(settles));
                }
            }
            Ok(Value::Truth(!settles))
        }
        "foreach" => {
            let Some(function) = arguments.get(1) else { return Ok(Value::Missing) };
            let extra = (2..arguments.len()).map(value).collect::<Result<Vec<_>, _>>()?;
            let mut results = Vec::new();
            for item in items(value(0)?) {
                let values = [vec![item], extra.clone()].concat();
                results.push(apply(function, values, scope)?);
            }
            Ok(Value::List(results))
        }
        "has_group" => {
            let wanted = value(1)?.to_text(scope.subject.environment);
            let argument_span = arguments.get(1).map_or(span, |argument| argument.span);
            has_group(&value(0)?, &wanted, span, argument_span, scope.subject)
        }
        _ => {
            let values = (0..arguments.len()).map(value).collect::<Result<Vec<_>, _>>()?;
            plain(name, values, span, scope.subject)
        }
    }
}

/// Calls a function by its name alone, as `foreach` does.
pub(super) fn call_with_values(
    name: &str,
    values: Vec<Value>,
    span: Span,
    scope: &Scope<'_>,
) -> Result<Value, RenderError> {
    check_usage(name, values.len(), span)?;
    match name {
        "if" | "and" | "or" | "foreach" | "has_group" => {
            Err(RenderError::new(span, format!("write it out: `(x) => {name}(…)`")))
        }
        _ => plain(name, values, span, scope.subject),
    }
}

fn check_usage(name: &str, arguments: usize, span: Span) -> Result<(), RenderError> {
    let Some((_, fewest, most, usage)) = FUNCTIONS.iter().find(|(known, ..)| *known == name) else {
        let mut message = format!("there is no function `{name}`");
        if let Some(near) = nearest(name, FUNCTIONS.iter().map(|(known, ..)| *known)) {
            message.push_str(&format!("; did you mean `{near}`?"));
        }
        return Err(RenderError::new(span, message));
    };
    if arguments < *fewest || arguments > *most {
        return Err(RenderError::new(span, format!("wrong number of values; use it as {usage}")));
    }
    Ok(())
}

/// The items of a list; what is missing has none, and another value is one.
fn items(value: Value) -> Vec<Value> {
    match value {
        Value::List(items) => items,
        Value::Missing => Vec::new(),
        other => vec![other],
    }
}

/// A group that no workspace has is a slip of the pen, and no membership that is false.
fn has_group(
    groups: &Value,
    wanted: &str,
    span: Span,
    wanted_span: Span,
    subject: &Subject<'_>,
) -> Result<Value, RenderError> {
    let uuid = Uuid::parse(wanted);
    let is_wanted = |held: Uuid, name: &str| Some(held) == uuid || fold::lower(name) == fold::lower(wanted);
    let Value::List(groups) = groups else {
        return Err(RenderError::new(span, "the first value is a list of groups, such as `contact.groups`"));
    };
    let known = subject.schema.groups();
    if !known.iter().any(|group| is_wanted(group.uuid, &group.name)) {
        let mut message = format!("there is no group `{wanted}`");
        if let Some(near) = nearest(wanted, known.iter().map(|group| group.name.as_str())) {
            message.push_str(&format!("; did you mean `{near}`?"));
        }
        return Err(RenderError::new(wanted_span, message));
    }
    let is_among = |group: &Value| matches!(group, Value::Group { uuid, name } if is_wanted(*uuid, name));
    Ok(Value::Truth(groups.iter().any(is_among)))
}

/// A function of values alone.
fn plain(name: &str, values: Vec<Value>, span: Span, subject: &Subject<'_>) -> Result<Value, RenderError> {
    let count = |count: usize| Value::Number(i64::try_from(count).unwrap_or(i64::MAX).into());
    let given = values.len();
    let mut values = values.into_iter();
    let mut next = || values.next().unwrap_or(Value::Missing);
    let text = |value: Value| value.to_text(subject.environment);
    Ok(match name {
        "not" => Value::Truth(!next().is_true()),
        "default" => match next() {
            Value::Missing => next(),
            Value::Text(text) if text.is_empty() => next(),
            present => present,
        },
        "array" => Value::List(values.collect()),
        "count" => count(items(next()).len()),
        "first" => match next() {
            Value::List(items) => items.into_iter().next().unwrap_or(Value::Missing),
            other => other,
        },
        "reverse" => Value::List(items(next()).into_iter().rev().collect()),
        "contains" => {
            let (list, wanted) = (items(next()), fold::fold(&text(next())).into_owned());
            Value::Truth(list.into_iter().any(|item| *fold::fold(&text(item)) == *wanted))
        }
        "join" => {
            let texts: Vec<String> = items(next()).into_iter().map(text).collect();
            let separator = if given > 1 { text(next()) } else { ", ".to_owned() };
            within_bounds(texts.join(&separator), span)?
        }
        "split" => {
            let (whole, separator) = (text(next()), text(next()));
            let pieces: Vec<&str> = match separator.trim() {
                "" => whole.split_whitespace().collect(),
                _ => whole.split(separator.as_str()).collect(),
            };
            Value::List(pieces.into_iter().map(|piece| Value::Text(piece.to_owned())).collect())
        }
        "word" => {
            let (whole, position) = (text(next()), text(next()));
            let words: Vec<&str> = whole.split_whitespace().collect();
            let position = position.parse::<usize>().ok();
            Value::optional(position.and_then(|position| words.get(position).copied()))
        }
        "word_count" => count(text(next()).split_whitespace().count()),
        "replace" => {
            let (whole, what, with) = (text(next()), text(next()), text(next()));
            let is_long = whole.len().saturating_mul(with.len().max(1)) > crate::render::MAX_OUTPUT;
            if what.is_empty() || is_long {
                return Err(RenderError::new(span, "what is replaced is not empty, and the text stays short"));
            }
            Value::Text(whole.replace(&what, &with))
        }
        "text" => Value::Text(text(next())),
        "trim" => Value::Text(text(next()).trim().to_owned()),
        "length" | "text_length" => match next() {
            Value::List(items) if name == "length" => count(items.len()),
            other => count(text(other).chars().count()),
        },
        "lower" => Value::Text(text(next()).to_lowercase()),
        "upper" => Value::Text(text(next()).to_uppercase()),
        "title" => Value::Text(title(&text(next()))),
        "number" | "abs" | "round" | "max" | "min" | "sum" => {
            let numbers = if name == "sum" { items(next()) } else { values.collect() };
            computed(name, &numbers, span, subject)?
        }
        "format_date" => match next() {
            Value::Missing => Value::Missing,
            moment => {
                let Some(moment) = moment.as_moment(subject.environment) else {
                    return Err(RenderError::new(span, format!("`{}` is not a date", text(moment))));
                };
                let moment = local(moment, subject.environment);
                match given {
                    1 => Value::Text(date(moment, subject.environment.date_format)),
                    _ => Value::Text(formatted(moment, &text(next()))),
                }
            }
        },
        _ => return Err(RenderError::new(span, format!("`{name}` cannot be called"))),
    })
}

/// A function of numbers; what is missing among them is passed over, and nothing comes of nothing.
fn computed(name: &str, values: &[Value], span: Span, subject: &Subject<'_>) -> Result<Value, RenderError> {
    let read = values.iter().map(|value| as_number(value, span, subject)).collect::<Result<Vec<_>, _>>()?;
    let places = read.get(1).copied().flatten().unwrap_or(Decimal::ZERO);
    let mut numbers = read.iter().copied().flatten();
    let result = match name {
        "sum" => Some(numbers.try_fold(Decimal::ZERO, arithmetic::add)),
        "max" => numbers.max().map(Some),
        "min" => numbers.min().map(Some),
        _ => read.first().copied().flatten().map(|number| match name {
            "abs" if number < Decimal::ZERO => Some(arithmetic::negate(number)),
            "round" => places.to_string().parse().ok().and_then(|places| arithmetic::round(number, places)),
            _ => Some(number),
        }),
    };
    match result {
        None => Ok(Value::Missing),
        Some(Some(number)) => Ok(Value::Number(number)),
        Some(None) => Err(RenderError::new(span, "the result is none that has at most 36 digits")),
    }
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
