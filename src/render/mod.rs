//! Message templates: text with a contact's values filled in.
//!
//! `@contact.name`, `@contact.groups` and `@fields.age` stand for values; `@(…)` holds an expression with functions,
//! comparisons, arithmetic, `&` to join texts and `list[0]`; `@@` is a plain `@`. An `@` in front of anything else stays
//! as it is, so addresses of mail need no escape.
//!
//! ```
//! use headcount::internals::render::{Subject, Template};
//! # use headcount::internals::{contact::Contact, ids::Uuid, schema::{Environment, Schema}, value::Instant};
//! let schema = Schema::new();
//! let environment = Environment::utc(Instant::default());
//! let mut contact = Contact::new(Uuid([7; 16]), Instant::default());
//! contact.name = Some("Ann Uwase".into());
//! let subject = Subject { contact: &contact, groups: &[], schema: &schema, environment: &environment };
//! let template = Template::parse("Hi @contact.first_name, you are in @(count(contact.groups)) groups.").unwrap();
//! assert_eq!(template.render(&subject).unwrap(), "Hi Ann, you are in 0 groups.");
//! ```

mod arithmetic;
mod evaluate;
mod functions;
mod parse;
mod value;

#[cfg(test)]
mod tests;

use std::fmt;

use crate::contact::Contact;
use crate::ids::Uuid;
use crate::schema::{Environment, Schema};
use crate::span::Span;

pub use value::Value;

/// The longest template that is read, in bytes.
pub const MAX_LENGTH: usize = 64 * 1024;

/// The longest message that is made, in bytes: nested joins cannot blow up.
pub const MAX_OUTPUT: usize = 1024 * 1024;

/// The most parts of expressions that are computed for one message: a list within lists cannot take for ever.
pub const MAX_STEPS: usize = 200_000;

/// A template, read.
#[derive(Clone, PartialEq, Debug)]
pub struct Template {
    parts: Vec<Part>,
}

/// A piece of a template.
#[derive(Clone, PartialEq, Debug)]
enum Part {
    Text(String),
    Expression(parse::Expression),
}

/// Whose values are filled in.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The contact.
    pub contact: &'a Contact,
    /// All its groups, manual and smart, by name.
    pub groups: &'a [(Uuid, String)],
    /// Names of fields and flows.
    pub schema: &'a Schema,
    /// Zone, date format, redaction, and the present moment.
    pub environment: &'a Environment,
}

/// Why a template cannot be read, or cannot be filled in for a contact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RenderError {
    /// What is wrong and what to do.
    pub message: String,
    /// Where, in bytes of the template.
    pub span: Span,
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for RenderError {}

impl RenderError {
    fn new(span: Span, message: impl Into<String>) -> Self {
        RenderError { message: message.into(), span }
    }
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// With the first expression that is not well formed.
    pub fn parse(text: &str) -> Result<Self, RenderError> {
        if text.len() > MAX_LENGTH {
            let message = format!("a template has at most {MAX_LENGTH} bytes, this one has {}", text.len());
            return Err(RenderError::new(Span::new(0, text.len()), message));
        }
        parse::template(text).map(|parts| Template { parts })
    }

    /// The template with the contact's values filled in. A value that is missing leaves nothing.
    ///
    /// # Errors
    /// If the template names a field or function that does not exist, gives a function values that it cannot take, or
    /// grows beyond [`MAX_OUTPUT`] or takes more than [`MAX_STEPS`].
    pub fn render(&self, subject: &Subject<'_>) -> Result<String, RenderError> {
        let mut output = String::new();
        let steps = evaluate::Steps::default();
        let scope = evaluate::Scope::new(subject, &steps);
        for part in &self.parts {
            match part {
                Part::Text(text) => output.push_str(text),
                Part::Expression(expression) => {
                    let value = evaluate::evaluate(expression, &scope)?;
                    output.push_str(&value.to_text(subject.environment));
                }
            }
            if output.len() > MAX_OUTPUT {
                let message = format!("the message grows beyond {MAX_OUTPUT} bytes");
                return Err(RenderError::new(Span::default(), message));
            }
        }
        Ok(output)
    }
}
