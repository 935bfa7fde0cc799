//! The canonical form of a query: text that reads back as the same query.

use std::borrow::Cow;

use crate::schema::{Environment, Schema};
use crate::sema::attribute::Attribute;
use crate::sema::query::{
    AnniversaryDay, Condition, Dialect, Literal, Node, Pattern, PatternKind, Property, Query, RelativeTime, Test, Value,
};
use crate::sema::values::{current_name, text_pattern};
use crate::syntax::strings::{write_quoted, write_value};
use crate::value::day::Day;

/// The query's canonical form, in its own dialect.
///
/// Groups and flows print as the names that they have in the schema now; one that is gone, or was never looked up,
/// prints as it was given. Parsing the result gives the same typed query, unless it is beyond the limits of a text,
/// which only a query near them can be.
///
/// Cost: linear.
pub fn canonical(query: &Query, schema: &Schema) -> String {
    let mut printer = Printer { out: String::new(), dialect: query.dialect, schema, environment: None };
    printer.root(&query.root);
    printer.out
}

/// The canonical form of a query that was saved, perhaps in another environment: a day prints as it was given if that
/// still reads as the same day, else as ISO; so that the form means the same under `environment`.
pub fn canonical_in(query: &Query, schema: &Schema, environment: &Environment) -> String {
    let mut printer = Printer { out: String::new(), dialect: query.dialect, schema, environment: Some(environment) };
    printer.root(&query.root);
    printer.out
}

/// The canonical form of one condition.
pub fn canonical_condition(condition: &Condition, dialect: Dialect, schema: &Schema) -> String {
    let mut printer = Printer { out: String::new(), dialect, schema, environment: None };
    printer.condition(condition);
    printer.out
}

/// The canonical form of a part of a query.
pub fn canonical_node(node: &Node, dialect: Dialect, schema: &Schema) -> String {
    let mut printer = Printer { out: String::new(), dialect, schema, environment: None };
    printer.root(node);
    printer.out
}

/// The name of a property in canonical queries, as it is now: a field may have been renamed since.
pub fn current_property_name(property: &Property, schema: &Schema) -> String {
    let mut out = String::new();
    write_property(&mut out, property, Some(schema));
    out
}

/// The name of a property in canonical queries.
pub fn property_name(property: &Property) -> String {
    let mut out = String::new();
    write_property(&mut out, property, None);
    out
}

fn write_property(out: &mut String, property: &Property, schema: Option<&Schema>) {
    match (property, Attribute::of(property)) {
        (_, Some(attribute)) => out.push_str(attribute.key()),
        (Property::Scheme(scheme), _) => {
            out.push_str("urns.");
            out.push_str(scheme.as_str());
        }
        (Property::Field(field), _) => {
            let current = field.id.and_then(|id| schema?.field_by_id(id));
            out.push_str("fields.");
            out.push_str(current.map_or(&field.key, |current| &current.key));
        }
        _ => {}
    }
}

struct Printer<'a> {
    out: String,
    dialect: Dialect,
    schema: &'a Schema,
    /// Given if days must be safe under it.
    environment: Option<&'a Environment>,
}

impl Printer<'_> {
    fn root(&mut self, node: &Node) {
        match node {
            Node::All(children) => self.list(children, " AND "),
            Node::Any(children) => self.list(children, " OR "),
            Node::Not(inner) => self.not(inner),
            Node::Condition(condition) => self.condition(condition),
        }
    }

    fn list(&mut self, children: &[Node], between: &str) {
        for (at, child) in children.iter().enumerate() {
            if at > 0 {
                self.out.push_str(between);
            }
            self.nested(child);
        }
    }

    fn nested(&mut self, node: &Node) {
        if matches!(node, Node::All(_) | Node::Any(_)) {
            self.out.push('(');
            self.root(node);
            self.out.push(')');
        } else {
            self.root(node);
        }
    }

    fn not(&mut self, inner: &Node) {
        self.out.push_str("NOT ");
        self.nested(inner);
    }

    fn condition(&mut self, condition: &Condition) {
        write_property(&mut self.out, &condition.property, Some(self.schema));
        match &condition.test {
            Test::Unset => self.out.push_str(" = \"\""),
            Test::Set => self.out.push_str(" != \"\""),
            Test::Equals(literal) => self.comparison("=", literal),
            Test::Differs(literal) => self.comparison("!=", literal),
            Test::Compares(comparator, literal) => self.comparison(comparator.symbol(), literal),
            Test::Contains(pattern) => self.pattern(pattern),
            Test::In { items, unset, negated } => self.items(items, *unset, *negated),
            Test::Between { low, high, negated } => {
                self.out.push_str(if *negated { " != " } else { " = " });
                self.range_end(low.as_ref());
                self.out.push_str("..");
                self.range_end(high.as_ref());
            }
            Test::Anniversary { low, high } => self.anniversary(*low, *high),
        }
    }

    fn comparison(&mut self, operator: &str, literal: &Literal) {
        self.out.push(' ');
        self.out.push_str(operator);
        self.out.push(' ');
        self.literal(literal);
    }

    fn literal(&mut self, literal: &Literal) {
        match &literal.value {
            Value::Relative(time) => self.relative(*time, &literal.text),
            Value::Day(day) => {
                let text = self.day(*day, &literal.text);
                write_value(&mut self.out, &text);
            }
            value => write_value(&mut self.out, current_name(self.schema, value, &literal.text)),
        }
    }

    /// As given if that reads as the same day; a text with an offset always does.
    fn day<'t>(&self, day: Day, text: &'t str) -> Cow<'t, str> {
        let is_same = self.environment.is_none_or(|environment| Day::read(text, environment) == Some(day));
        if is_same { text.into() } else { day.date().to_string().into() }
    }

    /// As given if that is the same time, since a field that was not looked up keeps its text.
    fn relative(&mut self, time: RelativeTime, text: &str) {
        if RelativeTime::read(text) == Some(Ok(time)) {
            self.out.push_str(text);
        } else {
            self.out.push_str(&time.to_string());
        }
    }

    fn pattern(&mut self, pattern: &Pattern) {
        self.out.push_str(" ~ ");
        // Words in any order are told from a phrase by the missing quotes.
        let is_bare = self.dialect == Dialect::Extended
            && matches!(&pattern.kind, PatternKind::Words(words) if words.len() > 1)
            && is_bare_text(&pattern.text)
            && text_pattern(&pattern.text, true).as_ref() == Ok(&pattern.kind);
        if is_bare {
            self.out.push_str(&pattern.text);
        } else {
            write_value(&mut self.out, &pattern.text);
        }
    }

    fn items(&mut self, items: &[Literal], unset: bool, negated: bool) {
        self.out.push_str(if negated { " NOT IN (" } else { " IN (" });
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.out.push_str(", ");
            }
            self.literal(item);
        }
        if unset {
            self.out.push_str(if items.is_empty() { "\"\"" } else { ", \"\"" });
        }
        self.out.push(')');
    }

    fn range_end(&mut self, literal: Option<&Literal>) {
        let Some(literal) = literal else { return };
        match &literal.value {
            Value::Relative(time) => self.relative(*time, &literal.text),
            Value::Day(day) => {
                let text = self.day(*day, &literal.text);
                self.out.push_str(&text);
            }
            Value::Number(number) if !is_bare_text(&literal.text) => self.out.push_str(&number.to_string()),
            _ => self.out.push_str(&literal.text),
        }
    }

    fn anniversary(&mut self, low: AnniversaryDay, high: AnniversaryDay) {
        self.out.push_str(" ANNIVERSARY ");
        self.out.push_str(&low.to_string());
        if low != high {
            self.out.push_str("..");
            self.out.push_str(&high.to_string());
        }
    }
}

/// Whether the text is one token without quotes.
fn is_bare_text(text: &str) -> bool {
    let mut tokens = crate::syntax::lexer::Lexer::new(text, 0, Dialect::Extended);
    let is_value = |token| {
        use crate::syntax::lexer::Token;
        matches!(token, Token::Property | Token::Text)
    };
    match tokens.next() {
        Some((0, token, end)) => is_value(token) && end as usize == text.len(),
        _ => false,
    }
}

/// Appends a value in quotes, whatever it is. For callers that build text.
pub fn quote(value: &str) -> String {
    let mut out = String::new();
    write_quoted(&mut out, value);
    out
}
