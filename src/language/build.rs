//! Queries from code: whatever a person typed, put in as a value, stays a value.
//!
//! ```
//! use headcount::internals::language::build::{attribute, field, scheme};
//! use headcount::internals::sema::attribute::Attribute;
//!
//! let typed = "x\" OR name != \"";
//! let query = field("age").at_least(18) & (field("city").equals(typed) | scheme("tel").is_unset())
//!     & !attribute(Attribute::Status).equals("blocked");
//! assert_eq!(
//!     query.to_string(),
//!     r#"fields.age >= 18 AND (fields.city = "x\" OR name != \"" OR urns.tel = "") AND NOT status = "blocked""#
//! );
//! ```

use std::fmt::{self, Write};
use std::ops::{BitAnd, BitOr, Not};

use crate::language::{self, Errors, Query};
use crate::schema::{Environment, Schema};
use crate::sema::attribute::Attribute;
use crate::sema::query::{AnniversaryDay, RelativeTime};
use crate::syntax::lexer::is_name;
use crate::syntax::strings::{write_quoted, write_value};
use crate::value::Decimal;
use crate::value::fold::lower;

/// A property to make conditions of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Subject(String);

/// A built-in property.
pub fn attribute(attribute: Attribute) -> Subject {
    Subject(attribute.key().to_owned())
}

/// A custom field, by key. Characters that no key can have become `_`, so that the key cannot say anything else.
pub fn field(key: &str) -> Subject {
    Subject(format!("fields.{}", clean(key)))
}

/// The addresses of a scheme. Characters that no scheme can have become `_`.
pub fn scheme(name: &str) -> Subject {
    Subject(format!("urns.{}", clean(name)))
}

fn clean(key: &str) -> String {
    if is_name(key) {
        return lower(key).into_owned();
    }
    let mut buffer = [0; 4];
    let cleaned: String =
        lower(key).chars().map(|c| if is_name(c.encode_utf8(&mut buffer)) { c } else { '_' }).collect();
    if cleaned.is_empty() { "_".to_owned() } else { cleaned }
}

/// What a property is compared with. Text is never a range or a relative time; an empty text means "no value", as in
/// the language.
#[derive(Clone, PartialEq, Debug)]
pub enum Operand {
    /// Any text.
    Text(String),
    /// A number.
    Number(Decimal),
    /// A time that moves with the clock.
    Relative(RelativeTime),
}

impl From<&str> for Operand {
    fn from(text: &str) -> Self {
        Operand::Text(text.to_owned())
    }
}

impl From<String> for Operand {
    fn from(text: String) -> Self {
        Operand::Text(text)
    }
}

impl From<i64> for Operand {
    fn from(number: i64) -> Self {
        Operand::Number(number.into())
    }
}

impl From<i32> for Operand {
    fn from(number: i32) -> Self {
        Operand::Number(i64::from(number).into())
    }
}

impl From<Decimal> for Operand {
    fn from(number: Decimal) -> Self {
        Operand::Number(number)
    }
}

impl From<RelativeTime> for Operand {
    fn from(time: RelativeTime) -> Self {
        Operand::Relative(time)
    }
}

impl From<jiff::civil::Date> for Operand {
    fn from(date: jiff::civil::Date) -> Self {
        Operand::Text(date.to_string())
    }
}

impl Operand {
    fn write(&self, out: &mut String) {
        match self {
            Operand::Text(text) => write_value(out, text),
            Operand::Number(number) => write_value(out, &number.to_string()),
            // Writing to a string cannot fail.
            Operand::Relative(time) => drop(write!(out, "{time}")),
        }
    }
}

impl Subject {
    fn compare(self, operator: &str, operand: Operand) -> Expression {
        let mut text = format!("{} {operator} ", self.0);
        operand.write(&mut text);
        Expression(Kind::Condition(text))
    }

    /// `= value`
    pub fn equals(self, value: impl Into<Operand>) -> Expression {
        self.compare("=", value.into())
    }

    /// `!= value`
    pub fn differs(self, value: impl Into<Operand>) -> Expression {
        self.compare("!=", value.into())
    }

    /// `> value`
    pub fn greater_than(self, value: impl Into<Operand>) -> Expression {
        self.compare(">", value.into())
    }

    /// `>= value`
    pub fn at_least(self, value: impl Into<Operand>) -> Expression {
        self.compare(">=", value.into())
    }

    /// `< value`
    pub fn less_than(self, value: impl Into<Operand>) -> Expression {
        self.compare("<", value.into())
    }

    /// `<= value`
    pub fn at_most(self, value: impl Into<Operand>) -> Expression {
        self.compare("<=", value.into())
    }

    /// `~ "text"`: words of a name, part of an address, a phrase of a text field. A `*` at the end is nothing special.
    pub fn contains(self, text: &str) -> Expression {
        let mut written = format!("{} ~ ", self.0);
        // The space ends the word, so that a star is not a prefix; whoever compares trims it.
        let ends_in_star = if text.ends_with('*') { " " } else { "" };
        write_quoted(&mut written, &format!("{text}{ends_in_star}"));
        Expression(Kind::Condition(written))
    }

    /// `~ "text*"`: a phrase of a text field whose last word is a prefix.
    pub fn contains_prefix(self, text: &str) -> Expression {
        let mut written = format!("{} ~ ", self.0);
        write_quoted(&mut written, &format!("{text}*"));
        Expression(Kind::Condition(written))
    }

    /// `= ""`
    pub fn is_unset(self) -> Expression {
        self.equals("")
    }

    /// `!= ""`
    pub fn is_set(self) -> Expression {
        self.differs("")
    }

    /// `IN (…)`; `None` of no values.
    pub fn is_in<T: Into<Operand>>(self, values: impl IntoIterator<Item = T>) -> Option<Expression> {
        self.list("IN", values)
    }

    /// `NOT IN (…)`; `None` of no values.
    pub fn is_not_in<T: Into<Operand>>(self, values: impl IntoIterator<Item = T>) -> Option<Expression> {
        self.list("NOT IN", values)
    }

    fn list<T: Into<Operand>>(self, operator: &str, values: impl IntoIterator<Item = T>) -> Option<Expression> {
        let mut text = format!("{} {operator} (", self.0);
        let mut is_first = true;
        for value in values {
            if !is_first {
                text.push_str(", ");
            }
            is_first = false;
            value.into().write(&mut text);
        }
        text.push(')');
        (!is_first).then_some(Expression(Kind::Condition(text)))
    }

    /// Both ends included: numbers from one to another.
    pub fn between(self, low: impl Into<Decimal>, high: impl Into<Decimal>) -> Expression {
        Expression(Kind::Condition(format!("{} = {}..{}", self.0, low.into(), high.into())))
    }

    /// Both ends included: days from one to another.
    pub fn between_dates(self, first: jiff::civil::Date, last: jiff::civil::Date) -> Expression {
        Expression(Kind::Condition(format!("{} = {first}..{last}", self.0)))
    }

    /// Both ends included: times that move with the clock.
    pub fn between_times(self, low: RelativeTime, high: RelativeTime) -> Expression {
        Expression(Kind::Condition(format!("{} = {low}..{high}", self.0)))
    }

    /// `ANNIVERSARY low..high`
    pub fn has_anniversary(self, low: AnniversaryDay, high: AnniversaryDay) -> Expression {
        Expression(Kind::Condition(format!("{} ANNIVERSARY {low}..{high}", self.0)))
    }
}

/// A query in the making. Its `Display` is text in the extended dialect.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expression(Kind);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Kind {
    Condition(String),
    Not(Box<Kind>),
    All(Vec<Kind>),
    Any(Vec<Kind>),
}

impl Expression {
    /// The typed query.
    ///
    /// # Errors
    /// As [`language::parse`]: an unknown field, a value that is not of its type, too many conditions.
    pub fn resolve(&self, schema: &Schema, environment: &Environment) -> Result<Query, Errors> {
        language::parse(&self.to_string(), schema, environment)
    }
}

impl BitAnd for Expression {
    type Output = Expression;

    fn bitand(self, other: Expression) -> Expression {
        let mut children = match self.0 {
            Kind::All(children) => children,
            kind => vec![kind],
        };
        match other.0 {
            Kind::All(others) => children.extend(others),
            kind => children.push(kind),
        }
        Expression(Kind::All(children))
    }
}

impl BitOr for Expression {
    type Output = Expression;

    fn bitor(self, other: Expression) -> Expression {
        let mut children = match self.0 {
            Kind::Any(children) => children,
            kind => vec![kind],
        };
        match other.0 {
            Kind::Any(others) => children.extend(others),
            kind => children.push(kind),
        }
        Expression(Kind::Any(children))
    }
}

impl Not for Expression {
    type Output = Expression;

    fn not(self) -> Expression {
        Expression(match self.0 {
            Kind::Not(inner) => *inner,
            kind => Kind::Not(Box::new(kind)),
        })
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Kind {
    fn fmt_nested(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::All(_) | Kind::Any(_) => write!(f, "({self})"),
            _ => fmt::Display::fmt(self, f),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (children, between) = match self {
            Kind::Condition(text) => return f.write_str(text),
            Kind::Not(inner) => {
                f.write_str("NOT ")?;
                return inner.fmt_nested(f);
            }
            Kind::All(children) => (children, " AND "),
            Kind::Any(children) => (children, " OR "),
        };
        for (at, child) in children.iter().enumerate() {
            if at > 0 {
                f.write_str(between)?;
            }
            child.fmt_nested(f)?;
        }
        Ok(())
    }
}
