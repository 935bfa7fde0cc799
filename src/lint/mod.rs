//! What is probably not meant: warnings about a query that is valid. They never change the answer.
//!
//! | what | code | file |
//! | --- | --- | --- |
//! | a clause that never holds, or always | `never_holds`, `always_holds` | `clauses` |
//! | a word that was meant to be part of something else, a value that cannot mean what it says | `suspicious` | `wording` |
//! | a value that no contact has, where some have a near one | `unseen_value` | `unseen` |
//! | a group with the same query | `same_as_group` | `same` |
//!
//! Claims are cautious: what is said never to hold holds for no contact at any time, as a property test checks; but not
//! everything that never holds is found.

mod clauses;
mod same;
mod unseen;
mod wording;

pub use clauses::{Claim, claims};

#[cfg(test)]
mod tests;

use crate::diagnostic::Diagnostic;
use crate::plan::atom::TextProperty;
use crate::schema::{Environment, Schema};
use crate::sema::inspect::{for_each_condition, for_each_literal};
use crate::sema::query::{Condition, Node, Property, Query, Value};
use crate::span::Span;

/// What contacts have, as far as it is cheap to tell.
pub trait SeenValues {
    /// Whether some contact has this folded value; `None` if it cannot be told cheaply.
    fn has(&self, property: &TextProperty, folded: &str) -> Option<bool>;

    /// All folded values that contacts have; `None` if there are too many to look through.
    fn all(&self, property: &TextProperty) -> Option<Vec<Box<str>>>;
}

/// What a query is held against.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// Fields, groups and flows.
    pub schema: &'a Schema,
    /// The environment that the text was read in.
    pub environment: &'a Environment,
    /// The values of contacts, if there are any.
    pub values: Option<&'a dyn SeenValues>,
    /// The other groups with their queries; none if a group with the same query is nothing to tell.
    pub groups: &'a [(&'a str, &'a Query)],
}

impl std::fmt::Debug for Known<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Known({} groups, values: {})", self.groups.len(), self.values.is_some())
    }
}

impl<'a> Known<'a> {
    /// A schema and an environment alone, without contacts or groups.
    pub fn new(schema: &'a Schema, environment: &'a Environment) -> Self {
        Known { schema, environment, values: None, groups: &[] }
    }
}

/// Everything that is odd about a query, in the order of the text.
///
/// `text` is what the query was read from; spans of the warnings are its bytes.
///
/// Cost: some plans of the query's parts, a few microseconds for a handful of conditions; with `values`, a look at the
/// index for each value; with `groups`, a plan for each of them.
///
/// ```
/// use headcount::internals::language;
/// use headcount::internals::lint::{Known, lint};
/// use headcount::internals::schema::{Environment, Schema};
/// use headcount::internals::value::Instant;
///
/// let (schema, environment) = (Schema::new(), Environment::utc(Instant::now()));
/// let text = "tickets > 30 AND tickets < 20";
/// let query = language::parse(text, &schema, &environment)?;
/// let warnings = lint(text, &query, &Known::new(&schema, &environment));
/// assert_eq!(warnings[0].code.as_str(), "never_holds");
/// # Ok::<(), language::Errors>(())
/// ```
pub fn lint(text: &str, query: &Query, known: &Known<'_>) -> Vec<Diagnostic> {
    let conditions = conditions(&query.root);
    let mut found = clauses::check(text, query, known);
    found.extend(wording::check(text, query, &conditions, known));
    if let Some(values) = known.values {
        found.extend(unseen::check(&conditions, known.schema, values));
    }
    found.extend(same::check(text, query, known));
    found.sort_by_key(|warning| warning.span);
    found
}

/// All conditions, in the order of the text.
fn conditions(root: &Node) -> Vec<&Condition> {
    let mut found = Vec::new();
    for_each_condition(root, &mut |condition| found.push(condition));
    found
}

/// Where a node stands in the text: from the first condition below it to the last, with a `NOT` before either.
fn span(text: &str, node: &Node) -> Span {
    match node {
        Node::Condition(condition) => condition.span,
        Node::All(children) | Node::Any(children) => match (children.first(), children.last()) {
            (Some(first), Some(last)) => span(text, first).to(span(text, last)),
            _ => Span::default(),
        },
        Node::Not(inner) => with_not(text, span(text, inner)),
    }
}

/// The span with the `NOT` in front of it, and the brackets in between with those that close them.
fn with_not(text: &str, inner: Span) -> Span {
    let (Some(before), Some(behind)) = (text.get(..inner.start as usize), text.get(inner.end as usize..)) else {
        return inner;
    };
    let is_filler = |c: char| c.is_whitespace() || c == '(';
    let word = before.trim_end_matches(is_filler);
    let Some(start) =
        word.len().checked_sub(3).filter(|&at| word.get(at..).is_some_and(|word| word.eq_ignore_ascii_case("not")))
    else {
        return inner;
    };
    let opened = before.get(word.len()..).map_or(0, |filler| filler.matches('(').count());
    let closing = behind.char_indices().take_while(|&(_, c)| c.is_whitespace() || c == ')');
    let closed = closing.filter(|&(_, c)| c == ')').take(opened).last().map_or(0, |(at, _)| at + 1);
    Span::new(start, inner.end as usize + closed)
}

/// Whether all names in it were looked up: of others nothing is known.
fn is_resolved(node: &Node) -> bool {
    let is_known = |value: &Value| !matches!(value, Value::Group(None) | Value::Flow(None));
    conditions(node).iter().all(|condition| {
        let has_field = !matches!(&condition.property, Property::Field(field) if field.id.is_none());
        let mut is_resolved = has_field;
        for_each_literal(condition, |literal| is_resolved &= is_known(&literal.value));
        is_resolved
    })
}
