//! Queries in JSON lines, `{"query": …}`, for `--batch`.

use crate::import::contacts::json_lines;
use crate::import::detect::{self, Wait};
use crate::import::error::{ImportError, Kind, LineNumber, Rejection};
use crate::import::json;
use crate::import::source::Source;

/// A query of a batch. Other keys of its line are passed over.
#[derive(Clone, PartialEq, Eq, Debug, serde::Deserialize)]
pub struct BatchQuery {
    /// The text.
    pub query: String,
}

/// The queries of a source, in its order, each with its line.
///
/// # Errors
/// If the source is empty, cannot be read, or is no text.
pub fn open(source: Source) -> Result<impl Iterator<Item = (LineNumber, Result<BatchQuery, Rejection>)>, ImportError> {
    let opened = detect::open(source, Wait::ForAnything)?;
    json_lines(opened.reader, json::query).map_err(|error| ImportError::new(&opened.name, Kind::Io(error)))
}
