//! Streams of changes: JSON lines, each an event with the contact that it happened to.

use std::fmt;
use std::time::Duration;

use crate::import::MAX_LINE;
use crate::import::contacts::{json_lines, too_long};
use crate::import::detect::{self, Wait};
use crate::import::error::{ImportError, Kind, LineNumber, Rejection, shown};
use crate::import::json;
use crate::import::lines::lines;
pub use crate::import::pipeline::Next;
use crate::import::pipeline::Pipeline;
use crate::import::source::{Progress, Source};
use crate::workspace::change::Change;

/// A change, or why its line is none, with the line.
pub type Item = (LineNumber, Result<Change, Rejection>);

/// The changes of a source, in its order. On a pipe, each is given as soon as its line has come.
///
/// ```
/// use headcount::internals::import::{ChangeReader, Source};
///
/// let text = r#"{"type": "contact_name_changed", "contact": {"urn": "tel:+250788123123"}, "name": "Ann"}
/// {"type": "contact_named", "contact": {"urn": "tel:+250788123123"}}"#;
/// let changes: Vec<_> = ChangeReader::open(Source::from_reader("example", text.as_bytes())).unwrap().collect();
/// assert!(changes[0].1.is_ok());
/// assert_eq!(changes[1].1.as_ref().unwrap_err().line.0, 2);
/// ```
pub struct ChangeReader {
    items: Pipeline<Change>,
    progress: Progress,
}

impl ChangeReader {
    /// Starts to read a source.
    ///
    /// # Errors
    /// If it is empty, cannot be read, or is no text.
    pub fn open(source: Source) -> Result<Self, ImportError> {
        let wait = if source.is_stream() { Wait::ForAnything } else { Wait::ForPrefix };
        let opened = detect::open(source, wait)?;
        let wrong = |what: String| ImportError::new(&opened.name, Kind::Foreign(what));
        if detect::is_zip(&opened.prefix) {
            return Err(wrong("this is an archive or a workbook, and changes are JSON lines".to_owned()));
        }
        let text = opened.prefix.trim_ascii_start();
        if text.first().is_some_and(|&byte| byte != b'{') && wait == Wait::ForPrefix {
            let line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
            // A first line that is wrong is that line's own fault, if the second one is right.
            if !text
                .split(|&byte| byte == b'\n')
                .nth(1)
                .is_some_and(|second| second.trim_ascii_start().starts_with(b"{"))
            {
                let begins = shown(&String::from_utf8_lossy(line));
                return Err(wrong(format!("changes are JSON lines, and this begins with {begins}")));
            }
        }
        let items =
            json_lines(opened.reader, json::change).map_err(|error| ImportError::new(&opened.name, Kind::Io(error)))?;
        Ok(ChangeReader { items, progress: opened.progress })
    }

    /// The next change, if it comes before `patience` is over: so a writer can commit what it has when a stream pauses.
    pub fn next_within(&mut self, patience: Duration) -> Next<Item> {
        self.items.next_within(patience)
    }

    /// How far the source has been read, which is ahead of what has been given.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }
}

/// The changes of a text that is there as a whole, in order, without a thread or a copy: for bodies of some lines.
pub fn of_bytes(bytes: &[u8]) -> Vec<Item> {
    lines(LineNumber(1), bytes)
        .map(|(line, text)| {
            if text.len() > MAX_LINE {
                return (line, Err(Rejection::new(line, too_long())));
            }
            let change = json::change(text);
            (
                line,
                change.map_err(|bad| Rejection {
                    line,
                    reason: bad.reason,
                    source: bad.source,
                    other_type: bad.other_type,
                }),
            )
        })
        .collect()
}

impl Iterator for ChangeReader {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        self.items.next()
    }
}

impl fmt::Debug for ChangeReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangeReader").field("progress", &self.progress).finish_non_exhaustive()
    }
}
