//! What may stand where the cursor is: a property, an operator that it takes, a value that contacts have, a connective.

mod vocabulary;

pub use vocabulary::{Kind, Vocabulary};

use crate::contact::Status;
use crate::plan::atom::TextProperty;
use crate::sema::print::quote;
use crate::sema::query::Dialect;
use crate::syntax::lexer::{Lexer, Token, is_name};
use crate::value::fold::fold;

/// More are no help.
const MOST: usize = 200;

const DATES: [&str; 7] = ["today", "yesterday", "now", "-7d", "-30d", "-1mo", "-1y"];

/// What is expected somewhere in a query.
#[derive(Clone, PartialEq, Debug)]
enum Expected {
    /// A property, or a word to look for in names.
    Property,
    /// An operator of this property.
    Operator(Kind),
    /// A value of this property.
    Value(Kind),
    /// `(` of a list of values.
    List(Kind),
    /// A value in a list.
    Item(Kind),
    /// `,` or `)` in a list.
    Separator(Kind),
    /// `AND`, `OR`, or another condition.
    Connective,
}

/// Where the word at the end of a query begins, and what it may become: `values` lists what contacts have, folded.
///
/// ```
/// use headcount::internals::complete::{Vocabulary, query};
/// # use headcount::internals::schema::{Environment, Schema};
/// # use headcount::Instant;
/// let vocabulary = Vocabulary { schema: Schema::new(), environment: Environment::utc(Instant::default()) };
/// assert_eq!(query("status = act", &vocabulary, |_| Vec::new()), (9, vec!["active".to_owned()]));
/// ```
pub fn query(
    before: &str,
    vocabulary: &Vocabulary,
    values: impl Fn(&TextProperty) -> Vec<Box<str>>,
) -> (usize, Vec<String>) {
    let word = word_at_end(before);
    let begun = before.get(word..).unwrap_or_default();
    let expected = expected_after(before.get(..word).unwrap_or_default(), vocabulary);
    (word, begun_so(begun, candidates(&expected, vocabulary, values).into_iter()))
}

fn candidates(
    expected: &Expected,
    vocabulary: &Vocabulary,
    values: impl Fn(&TextProperty) -> Vec<Box<str>>,
) -> Vec<String> {
    let words = |words: &[&str]| -> Vec<String> { words.iter().map(|word| (*word).to_owned()).collect() };
    match expected {
        Expected::Property => [vocabulary.properties(), words(&["NOT", "("])].concat(),
        Expected::Operator(kind) => words(operators(kind)),
        Expected::List(_) => words(&["("]),
        Expected::Separator(_) => words(&[",", ")"]),
        Expected::Connective => words(&["AND", "OR"]),
        Expected::Value(kind) | Expected::Item(kind) => match kind {
            Kind::Group => vocabulary.groups().map(quote).collect(),
            Kind::Flow => vocabulary.flows().map(quote).collect(),
            Kind::Status => Status::ALL.iter().map(|status| status.name().to_owned()).collect(),
            Kind::Date => words(&DATES),
            Kind::Text(Some(property)) | Kind::Words(property) => {
                values(property).iter().map(|value| as_typed(value)).collect()
            }
            Kind::Text(None) | Kind::Number | Kind::Address => Vec::new(),
        },
    }
}

fn operators(kind: &Kind) -> &'static [&'static str] {
    match kind {
        Kind::Number => &["=", "!=", ">", ">=", "<", "<=", "IN", "NOT IN"],
        Kind::Date => &["=", "!=", ">", ">=", "<", "<=", "IN", "NOT IN", "ANNIVERSARY"],
        Kind::Words(_) | Kind::Address => &["=", "!=", "~", "IN", "NOT IN"],
        Kind::Text(_) | Kind::Status | Kind::Group | Kind::Flow => &["=", "!=", "IN", "NOT IN"],
    }
}

/// A value without quotes where none are needed.
fn as_typed(value: &str) -> String {
    if is_name(value) && !matches!(value, "and" | "or" | "not" | "in" | "has" | "is") {
        value.to_owned()
    } else {
        quote(value)
    }
}

/// Those that begin like this, whatever the case and whether or not a quote is open.
pub(crate) fn begun_so(begun: &str, candidates: impl Iterator<Item = String>) -> Vec<String> {
    let begun = fold(begun.trim_start_matches('"')).into_owned();
    let fits = |candidate: &String| fold(candidate.trim_start_matches('"')).starts_with(&begun);
    candidates.filter(fits).take(MOST).collect()
}

/// Where the word begins that is being typed at the end of a text: an open string, or what is not a space or a sign.
fn word_at_end(text: &str) -> usize {
    let (mut open, mut escaped) = (None, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if open.is_some() => escaped = true,
            '"' => open = if open.is_some() { None } else { Some(at) },
            _ => {}
        }
    }
    let is_end = |c: char| c.is_whitespace() || "(),=~<>!\"".contains(c);
    open.unwrap_or_else(|| {
        text.rfind(is_end)
            .map_or(0, |at| at + text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8))
    })
}

/// What may follow a text.
fn expected_after(text: &str, vocabulary: &Vocabulary) -> Expected {
    let mut expected = Expected::Property;
    for (start, token, end) in Lexer::new(text, 0, Dialect::Extended) {
        let word = text.get(start as usize..end as usize).unwrap_or_default();
        expected = match (expected, token) {
            (Expected::Operator(kind), Token::Operator(_)) => Expected::Value(kind),
            (Expected::Operator(kind), Token::In | Token::NotIn) => Expected::List(kind),
            // `NOT`, of which `IN` is still to come.
            (Expected::Operator(kind), Token::Not) => Expected::Operator(kind),
            (Expected::Operator(_), _) if word.eq_ignore_ascii_case("anniversary") => Expected::Value(Kind::Date),
            (Expected::List(kind), Token::Open) => Expected::Item(kind),
            (Expected::Item(kind), Token::Comma) => Expected::Item(kind),
            (Expected::Item(_) | Expected::Separator(_), Token::Close) => Expected::Connective,
            (Expected::Item(kind), _) => Expected::Separator(kind),
            (Expected::Separator(kind), _) => Expected::Item(kind),
            (Expected::Value(_), _) => Expected::Connective,
            (_, Token::And | Token::Or | Token::Not | Token::Open) => Expected::Property,
            (_, Token::Property) => vocabulary.property(word).map_or(Expected::Connective, Expected::Operator),
            _ => Expected::Connective,
        };
    }
    expected
}
