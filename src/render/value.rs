//! Values of expressions, and how they read as text.

use jiff::civil::DateTime;

use crate::ids::Uuid;
use crate::schema::{DateFormat, Environment};
use crate::value::{Decimal, Instant};

/// The value of an expression.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// No value.
    Missing,
    /// Text.
    Text(String),
    /// A number.
    Number(Decimal),
    /// True or false.
    Truth(bool),
    /// A moment.
    Moment(Instant),
    /// A group of the contact.
    Group {
        /// Its identity.
        uuid: Uuid,
        /// Its name.
        name: String,
    },
    /// Several values.
    List(Vec<Value>),
}

impl Value {
    /// From a text that may be missing.
    pub(crate) fn optional(text: Option<&str>) -> Self {
        text.map_or(Value::Missing, |text| Value::Text(text.to_owned()))
    }

    /// How the value reads in a message: moments in the workspace's zone and order of day, month and year; lists in
    /// brackets, with commas.
    pub fn to_text(&self, environment: &Environment) -> String {
        match self {
            Value::Missing => String::new(),
            Value::Text(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Truth(truth) => truth.to_string(),
            Value::Moment(instant) => {
                let local = local(*instant, environment);
                format!("{} {:02}:{:02}", date(local, environment.date_format), local.hour(), local.minute())
            }
            Value::Group { name, .. } => name.clone(),
            Value::List(items) => {
                let texts: Vec<String> = items.iter().map(|item| item.to_text(environment)).collect();
                format!("[{}]", texts.join(", "))
            }
        }
    }

    /// Whether a condition takes the value for true: missing, empty, zero, `false` and empty lists are not.
    pub fn is_true(&self) -> bool {
        match self {
            Value::Missing => false,
            Value::Text(text) => !text.is_empty() && !text.eq_ignore_ascii_case("false"),
            Value::Number(number) => *number != Decimal::ZERO,
            Value::Truth(truth) => *truth,
            Value::Moment(_) | Value::Group { .. } => true,
            Value::List(items) => !items.is_empty(),
        }
    }

    /// As a number, if it is one or its text reads as one.
    pub(crate) fn as_number(&self) -> Option<Decimal> {
        match self {
            Value::Number(number) => Some(*number),
            Value::Text(text) => Decimal::parse(text),
            _ => None,
        }
    }

    /// As a moment, if it is one or its text reads as one.
    pub(crate) fn as_moment(&self, environment: &Environment) -> Option<Instant> {
        match self {
            Value::Moment(instant) => Some(*instant),
            Value::Text(text) => crate::value::day::parse_moment(text, environment),
            _ => None,
        }
    }
}

/// The moment's date and time of day in the workspace's zone.
pub(crate) fn local(instant: Instant, environment: &Environment) -> DateTime {
    environment.timezone.to_datetime(instant.timestamp())
}

/// The date in the workspace's order.
pub(crate) fn date(local: DateTime, format: DateFormat) -> String {
    let (year, month, day) = (local.year(), local.month(), local.day());
    match format {
        DateFormat::DayMonthYear => format!("{day:02}-{month:02}-{year:04}"),
        DateFormat::MonthDayYear => format!("{month:02}-{day:02}-{year:04}"),
        DateFormat::YearMonthDay => format!("{year:04}-{month:02}-{day:02}"),
    }
}
