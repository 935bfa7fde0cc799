//! What contacts did: events, each with a name, a moment, perhaps an identity, and properties.
//!
//! A contact's [`History`] is kept encoded, in its row and in memory alike: it is read in place, and only an event that is
//! added or dropped writes it anew.

mod history;
mod read;
mod write;

#[cfg(test)]
mod tests;

pub use history::History;
pub use read::{EventRef, Events, HistoryRef, Malformed, PropertyRef};

use std::fmt;

use crate::ids::Uuid;
use crate::syntax::lexer::is_name;
use crate::value::Instant;
use crate::value::fold::lower;

/// The longest name of an event or of one of its properties, in characters.
pub const MAX_NAME: usize = 64;
/// Properties that an event may have.
pub const MAX_PROPERTIES: usize = 32;
/// The longest value of a property, in bytes.
pub const MAX_VALUE: usize = 4096;

/// Bytes of events after which a contact takes no more: some million events.
pub const MAX_HISTORY: usize = 16 << 20;

/// An event as it is added.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewEvent {
    /// When it happened.
    pub moment: Instant,
    /// Its identity, by which a second report of it is known.
    pub uuid: Option<Uuid>,
    /// Names, lower-cased, ascending and each once; and values, none of them empty.
    pub properties: Vec<(Box<str>, Box<str>)>,
}

/// Why something cannot be an event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BadEvent {
    /// The name is not letters, digits and `_`, at most [`MAX_NAME`] of them.
    Name(String),
    /// The same for the name of a property.
    Property(String),
    /// More than [`MAX_PROPERTIES`] properties.
    TooMany(usize),
    /// The value of this property is longer than [`MAX_VALUE`].
    TooLong(String),
    /// This property comes twice.
    Twice(String),
}

impl fmt::Display for BadEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = "letters, digits and `_`, at most 64 of them";
        match self {
            BadEvent::Name(name) => write!(f, "`{}` cannot name an event: a name is {rule}", shortened(name)),
            BadEvent::Property(name) => {
                write!(f, "`{}` cannot name a property of an event: a name is {rule}", shortened(name))
            }
            BadEvent::TooMany(count) => write!(f, "an event has at most {MAX_PROPERTIES} properties, this has {count}"),
            BadEvent::TooLong(name) => write!(f, "the property `{name}` is longer than {MAX_VALUE} bytes"),
            BadEvent::Twice(name) => write!(f, "the property `{name}` comes twice"),
        }
    }
}

impl std::error::Error for BadEvent {}

fn shortened(name: &str) -> String {
    name.chars().take(MAX_NAME + 1).collect()
}

/// The name as it is kept: lower-cased; `None` if it cannot name an event or a property.
///
/// ```
/// use headcount::internals::event::name_of;
/// assert_eq!(name_of("Order").as_deref(), Some("order"));
/// assert_eq!(name_of("big order"), None);
/// ```
pub fn name_of(text: &str) -> Option<Box<str>> {
    let is_valid = is_name(text) && text.chars().count() <= MAX_NAME;
    is_valid.then(|| lower(text).into())
}

impl NewEvent {
    /// An event with these properties in any order; those with an empty value are left out, as an unset property is.
    ///
    /// # Errors
    /// If a property's name or value is out of bounds, or there are too many.
    pub fn new<N: AsRef<str>, V: AsRef<str>>(
        moment: Instant,
        uuid: Option<Uuid>,
        properties: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, BadEvent> {
        let mut kept: Vec<(Box<str>, Box<str>)> = Vec::new();
        for (name, value) in properties {
            let (name, value) = (name.as_ref(), value.as_ref());
            let key = name_of(name).ok_or_else(|| BadEvent::Property(name.to_owned()))?;
            if value.len() > MAX_VALUE {
                return Err(BadEvent::TooLong(key.into()));
            }
            if !value.is_empty() {
                kept.push((key, value.into()));
            }
        }
        if kept.len() > MAX_PROPERTIES {
            return Err(BadEvent::TooMany(kept.len()));
        }
        kept.sort_unstable();
        match kept.windows(2).find(|pair| matches!(pair, [(a, _), (b, _)] if a == b)) {
            Some([(name, _), _]) => Err(BadEvent::Twice(name.to_string())),
            _ => Ok(NewEvent { moment, uuid, properties: kept }),
        }
    }
}
