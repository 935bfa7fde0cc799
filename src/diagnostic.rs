//! What is wrong with a query, and how it is shown: codes, messages, spans, help, and a drawing under the text.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::span::Span;

#[cfg(feature = "cli")]
mod draw;
#[cfg(feature = "cli")]
pub use draw::draw;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// Kinds of diagnostics, by the name that other programs rely on.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// All of them.
            pub const ALL: &[Code] = &[$(Code::$variant,)*];

            /// The name, as in `invalid_number`.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Code::$variant => $name,)*
                }
            }
        }
    };
}

codes! {
    /// The text does not follow the grammar.
    Syntax = "syntax",
    /// A value that must be a number is not one.
    InvalidNumber = "invalid_number",
    /// A value that must be a date is not one.
    InvalidDate = "invalid_date",
    /// There is no such status.
    InvalidStatus = "invalid_status",
    /// There is no such language.
    InvalidLanguage = "invalid_language",
    /// There is no such group.
    InvalidGroup = "invalid_group",
    /// There is no such flow.
    InvalidFlow = "invalid_flow",
    /// `name ~` needs a word of at least 2 bytes.
    InvalidPartialName = "invalid_partial_name",
    /// `urn ~` and `scheme ~` need at least 3 bytes.
    InvalidPartialUrn = "invalid_partial_urn",
    /// `~` on a property that cannot take it.
    UnsupportedContains = "unsupported_contains",
    /// An order comparison on something that is neither a date nor a number.
    UnsupportedComparison = "unsupported_comparison",
    /// `= ""` or `!= ""` on a property that is always set.
    UnsupportedSetcheck = "unsupported_setcheck",
    /// A prefix other than `fields.` and `urns.`.
    UnknownPropertyType = "unknown_property_type",
    /// No attribute, scheme or field of that name.
    UnknownProperty = "unknown_property",
    /// Addresses are hidden in this workspace.
    RedactedUrns = "redacted_urns",
    /// Too long, too deep, or too many conditions.
    TooComplex = "too_complex",
    /// Extended: `~` on a text field needs a word of at least 2 bytes, and a `*` must follow one.
    InvalidPartialText = "invalid_partial_text",
    /// Extended: a range with an end that is not of the property's type, or with none.
    InvalidRange = "invalid_range",
    /// Extended: a relative time that cannot be read, or is too far away.
    InvalidRelative = "invalid_relative",
    /// Extended: an instant such as `now` takes no `=` or `!=`.
    UnsupportedInstant = "unsupported_instant",
    /// Extended: `ANNIVERSARY` on something that is not a date.
    UnsupportedAnniversary = "unsupported_anniversary",
    /// Extended: not a day of the year.
    InvalidAnniversary = "invalid_anniversary",
    /// A smart group may not use this property.
    UnsupportedInGroup = "unsupported_in_group",
    /// Groups that refer to each other in a circle.
    GroupCycle = "group_cycle",
    /// Warning: a clause that can never hold.
    NeverHolds = "never_holds",
    /// Warning: a clause that always holds.
    AlwaysHolds = "always_holds",
    /// Warning: a group that is equal to another one.
    SameAsGroup = "same_as_group",
    /// Warning: a value that no contact has, with a near one that some have.
    UnseenValue = "unseen_value",
    /// Warning: something that is probably not what was meant.
    Suspicious = "suspicious",
}

impl Code {
    /// Whether it only warns: a warning never changes the answer.
    pub fn is_warning(self) -> bool {
        matches!(self, Code::NeverHolds | Code::AlwaysHolds | Code::SameAsGroup | Code::UnseenValue | Code::Suspicious)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that is wrong with a query.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// What kind of thing.
    pub code: Code,
    /// One sentence; in ContactQL the reference's, word for word.
    pub message: String,
    /// What the message is about, by name, in the reference's order.
    pub extra: Vec<(&'static str, String)>,
    /// Where, in bytes of the text as given.
    pub span: Span,
    /// What to do about it, if there is a good guess.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A diagnostic without extra or help.
    pub fn new(code: Code, message: impl Into<String>, span: Span) -> Self {
        Diagnostic { code, message: message.into(), extra: Vec::new(), span, help: None }
    }

    /// With one more thing that the message is about.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.extra.push((name, value.into()));
        self
    }

    /// With something to do about it, if there is.
    pub fn help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }

    /// The shape that other programs rely on:
    /// `{"error": message, "code": "query:…", "extra": {…}, "span": [start, end]}`, and `"help"` if there is any.
    ///
    /// ```
    /// use headcount::internals::diagnostic::{Code, Diagnostic};
    /// use headcount::internals::span::Span;
    /// let wrong = Diagnostic::new(Code::InvalidNumber, "can't convert 'x' to a number", Span::new(6, 7));
    /// assert_eq!(wrong.with("value", "x").to_json()["code"], "query:invalid_number");
    /// ```
    pub fn to_json(&self) -> Value {
        let extra: Map<String, Value> =
            self.extra.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str()))).collect();
        let mut shape = json!({
            "error": self.message,
            "code": format!("query:{}", self.code),
            "extra": extra,
            "span": [self.span.start, self.span.end],
        });
        if let (Some(help), Some(shape)) = (&self.help, shape.as_object_mut()) {
            shape.insert("help".to_owned(), Value::from(help.as_str()));
        }
        shape
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// Why a query is refused: one diagnostic or more, the first one the reference's first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Errors {
    first: Box<Diagnostic>,
    rest: Vec<Diagnostic>,
}

impl Errors {
    /// Of a list; `None` if it is empty.
    pub fn from_list(list: Vec<Diagnostic>) -> Option<Self> {
        let mut list = list.into_iter();
        list.next().map(|first| Errors { first: Box::new(first), rest: list.collect() })
    }

    /// The first one: the reference's first.
    pub fn first(&self) -> &Diagnostic {
        &self.first
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        std::iter::once(&*self.first).chain(&self.rest)
    }

    /// How many there are; at least one.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        1 + self.rest.len()
    }

    /// As a list.
    pub fn to_vec(&self) -> Vec<Diagnostic> {
        self.iter().cloned().collect()
    }

    /// The first one's shape, with all of them under `"errors"`.
    pub fn to_json(&self) -> Value {
        let mut shape = self.first.to_json();
        if let Some(shape) = shape.as_object_mut() {
            shape.insert("errors".to_owned(), self.iter().map(Diagnostic::to_json).collect());
        }
        shape
    }
}

impl From<Diagnostic> for Errors {
    fn from(only: Diagnostic) -> Self {
        Errors { first: Box::new(only), rest: Vec::new() }
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.first, f)?;
        match self.rest.len() {
            0 => Ok(()),
            1 => f.write_str(", and 1 more error"),
            more => write!(f, ", and {more} more errors"),
        }
    }
}

impl std::error::Error for Errors {}
