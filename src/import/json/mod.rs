//! JSON texts into typed operations, in one pass and without a tree of values in between.

mod change;
mod contact;
mod values;

pub(crate) use change::{BadChange, change, contact_ref};
pub(crate) use contact::contact;
#[cfg(feature = "postgres")]
pub(crate) use contact::contact_object;
pub(crate) use values::{moment, status, uuid, uuid_or_name};

/// A query of a batch. Other keys of its line are passed over.
#[derive(Clone, PartialEq, Eq, Debug, serde::Deserialize)]
pub struct BatchQuery {
    /// The text.
    pub query: String,
}

/// Reads a query of a batch.
///
/// # Errors
/// What is wrong and what to do, without the line.
pub(crate) fn query(bytes: &[u8]) -> Result<BatchQuery, String> {
    let text = text(bytes)?;
    whole(text).map_err(|error| not_an_object(text, r#"{"query": "age > 30"}"#).unwrap_or_else(|| reason(text, &error)))
}

/// What serde_json says of this text, without the line (there is only one) and in words that say where in the line.
fn reason(text: &str, error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    // An error inside a value has been wrapped in the name of its key and no longer tells that the syntax was at fault.
    let syntax = match error.classify() {
        Category::Data => serde_json::from_str::<serde::de::IgnoredAny>(text).err(),
        _ => None,
    };
    let error = syntax.as_ref().unwrap_or(error);
    let text = error.to_string();
    let message = match text.rfind(" at line ") {
        Some(at) => text.get(..at).unwrap_or(&text),
        None => &text,
    };
    match error.classify() {
        Category::Eof => "this is not whole JSON: it ends in the middle of a value; is the file cut short?".to_owned(),
        Category::Syntax if message.starts_with("control character") => {
            format!("this is not valid JSON: an unescaped control character in a text (column {})", error.column())
        }
        Category::Syntax => format!("this is not valid JSON: {message} (column {})", error.column()),
        Category::Data | Category::Io => message.to_owned(),
    }
}

/// A text that is UTF-8, or why it cannot be read.
pub(crate) fn text(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|error| {
        format!("this is not UTF-8 from byte {} of the line on; save the file as UTF-8", error.valid_up_to() + 1)
    })
}

/// Puts the key before the message of whatever is wrong with its value.
fn under<E: serde::de::Error>(key: &str, error: E) -> E {
    // serde_json reads the position back from the end of the message.
    E::custom(format_args!("{}: {error}", super::error::shown(key)))
}

/// A whole value of `T`, or why not.
fn whole<'de, T: serde::Deserialize<'de>>(text: &'de str) -> Result<T, serde_json::Error> {
    serde_json::from_str(text)
}

/// The error for a text that is no object.
fn not_an_object(text: &str, example: &str) -> Option<String> {
    let kind = match text.trim_ascii_start().as_bytes().first() {
        Some(b'{') => return None,
        Some(b'[') => "a list",
        Some(b'"') => "a text",
        Some(b'0'..=b'9' | b'-') => "a number",
        _ => return Some(format!("this is not JSON: a line is an object such as {example}")),
    };
    Some(format!("this is {kind}, and a line is an object such as {example}"))
}

/// An error with a message of ours.
fn custom<E: serde::de::Error>(message: impl std::fmt::Display) -> E {
    E::custom(message)
}
