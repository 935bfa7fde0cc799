//! The language as a whole: text to typed query, in one call.

use crate::diagnostic::Diagnostic;
use crate::schema::{Environment, Schema};
use crate::sema::{implicit, messages, resolve};
use crate::span::Span;
use crate::syntax::parser;

pub mod build;

pub use crate::diagnostic::Errors;
pub use crate::sema::query::{Dialect, Query};
pub use crate::sema::resolve::Resolve;

/// A query that was read, and what is odd about it.
#[derive(Clone, PartialEq, Debug)]
pub struct Parsed {
    /// The query.
    pub query: Query,
    /// What is probably not meant. Never changes the answer.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a query in the extended dialect.
///
/// # Errors
/// All that is wrong with it.
///
/// ```
/// use headcount::internals::language;
/// use headcount::internals::schema::{Environment, Schema};
/// use headcount::internals::sema::print::canonical;
/// use headcount::internals::value::Instant;
///
/// let (schema, environment) = (Schema::new(), Environment::utc(Instant::now()));
/// let query = language::parse("bob AND NOT status = blocked", &schema, &environment)?;
/// assert_eq!(canonical(&query, &schema), r#"name ~ "bob" AND NOT status = "blocked""#);
/// # Ok::<(), language::Errors>(())
/// ```
pub fn parse(text: &str, schema: &Schema, environment: &Environment) -> Result<Query, Errors> {
    parse_with(text, Dialect::Extended, Resolve::Schema(schema), environment).map(|parsed| parsed.query)
}

/// Reads a query in a dialect, with or without looking names up.
///
/// Cost: linear in the text, which is refused if it is beyond the limits before anything is read.
///
/// # Errors
/// All that is wrong with it; the first is the one that the reference gives.
pub fn parse_with(
    text: &str,
    dialect: Dialect,
    names: Resolve<'_>,
    environment: &Environment,
) -> Result<Parsed, Errors> {
    let (trimmed, base) = parser::trim(text);
    if !parser::is_within_limits(trimmed) || base == u32::MAX {
        return Err(messages::too_complex(Span::new(0, text.len())).into());
    }
    let whole = implicit::phone_query(trimmed, base, dialect, environment)
        .or_else(|| implicit::address_query(trimmed, base, dialect, environment));
    if let Some(query) = whole {
        return Ok(Parsed { query, warnings: Vec::new() });
    }
    let parse = parser::parse(trimmed, base, dialect);
    match resolve::resolve(text, parse, dialect, names, environment) {
        Ok(query) => Ok(Parsed { query, warnings: Vec::new() }),
        Err(errors) => Err(Errors::from_list(errors).unwrap_or_else(|| {
            Diagnostic::new(crate::diagnostic::Code::Syntax, "the query cannot be read", Span::new(0, text.len()))
                .into()
        })),
    }
}
