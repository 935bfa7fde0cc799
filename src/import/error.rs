//! What is wrong with an input as a whole, and with one line of it.

use std::fmt;
use std::io;

use crate::workspace::change::SourcePosition;

/// The number of a line (or of a row of a sheet), from 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct LineNumber(pub u64);

impl fmt::Display for LineNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A line that cannot be applied. Its effect is nothing; the lines after it go on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rejection {
    /// Where it begins.
    pub line: LineNumber,
    /// What is wrong and what to do.
    pub reason: String,
    /// Of a change: its position in its source, which counts as seen all the same.
    pub source: Option<SourcePosition>,
    /// Of a change whose type is not one that changes a contact: which type that is.
    pub other_type: Option<OtherType>,
}

/// A type of change that changes no contact here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OtherType {
    /// Platforms send it, and nothing here follows from it: it is passed over.
    Platform(Box<str>),
    /// Nothing here knows it.
    Unknown(Box<str>),
}

impl Rejection {
    /// A rejection of a line without a position in a source.
    pub fn new(line: LineNumber, reason: impl Into<String>) -> Self {
        Rejection { line, reason: reason.into(), source: None, other_type: None }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

impl std::error::Error for Rejection {}

/// Why an input cannot be read at all. Nothing of it has been applied.
#[derive(Debug)]
pub struct ImportError {
    source_name: String,
    kind: Kind,
}

/// The kinds of [`ImportError`].
#[derive(Debug)]
pub(crate) enum Kind {
    Io(io::Error),
    Empty,
    /// Not of a kind that can be read here: what it is, and what to do.
    Foreign(String),
    /// Of the right kind, but wrong: where, and what.
    Invalid {
        line: Option<LineNumber>,
        message: String,
    },
}

impl ImportError {
    pub(crate) fn new(source_name: &str, kind: Kind) -> Self {
        ImportError { source_name: source_name.to_owned(), kind }
    }

    pub(crate) fn invalid(source_name: &str, line: Option<LineNumber>, message: impl Into<String>) -> Self {
        Self::new(source_name, Kind::Invalid { line, message: message.into() })
    }

    /// Whether the input is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(&self.kind, Kind::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }

    /// Whether the input holds nothing.
    pub fn is_empty(&self) -> bool {
        matches!(self.kind, Kind::Empty)
    }

    /// Whether the input is of another kind: binary, compressed, something else than what was asked for.
    pub fn is_wrong_kind(&self) -> bool {
        matches!(self.kind, Kind::Foreign(_))
    }

    /// The line that is wrong, if one is to blame.
    pub fn line(&self) -> Option<LineNumber> {
        match self.kind {
            Kind::Invalid { line, .. } => line,
            _ => None,
        }
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.source_name;
        match &self.kind {
            Kind::Io(error) => match error.kind() {
                io::ErrorKind::NotFound => write!(f, "{name}: there is no such file"),
                io::ErrorKind::IsADirectory => write!(f, "{name}: this is a folder, and a file is needed"),
                io::ErrorKind::PermissionDenied => write!(f, "{name}: this file may not be read by you"),
                _ => write!(f, "{name}: cannot be read: {error}"),
            },
            Kind::Empty => write!(f, "{name}: the file is empty"),
            Kind::Foreign(what) => write!(f, "{name}: {what}"),
            Kind::Invalid { line: Some(line), message } => write!(f, "{name}, line {line}: {message}"),
            Kind::Invalid { line: None, message } => write!(f, "{name}: {message}"),
        }
    }
}

impl std::error::Error for ImportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            Kind::Io(error) => Some(error),
            _ => None,
        }
    }
}

/// A value from the input as messages show it: in backticks, on one line, no longer than needed to find it.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 40;
    let mut shown = String::with_capacity(LONGEST + 8);
    shown.push('`');
    for (at, c) in text.chars().enumerate() {
        if at == LONGEST {
            shown.push('…');
            break;
        }
        shown.push(if c.is_control() { '\u{fffd}' } else { c });
    }
    shown.push('`');
    shown
}

/// ` (did you mean …?)` for the nearest of the known names, or nothing if none is near.
pub(crate) fn suggestion<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    // A long text is no misspelling of a short name, and distances cost the product of the lengths.
    if given.len() > 64 {
        return String::new();
    }
    let given = given.to_lowercase();
    let nearest = known
        .into_iter()
        .map(|name| (strsim::osa_distance(&given, &name.to_lowercase()), name))
        .min_by_key(|&(distance, _)| distance);
    match nearest {
        Some((distance, name)) if distance <= given.chars().count().max(3) / 3 => format!(" (did you mean `{name}`?)"),
        _ => String::new(),
    }
}
