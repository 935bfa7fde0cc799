//! Queries in JSON lines, `{"query": …}`, for `--batch`.

use crate::import::contacts::json_lines;
use crate::import::detect::{self, Wait};
use crate::import::error::{ImportError, Kind, LineNumber, Rejection};
use crate::import::json;
pub use crate::import::json::BatchQuery;
use crate::import::source::Source;

/// The queries of a source, in its order, each with its line.
///
/// # Errors
/// If the source is empty, cannot be read, or is no text.
pub fn open(source: Source) -> Result<impl Iterator<Item = (LineNumber, Result<BatchQuery, Rejection>)>, ImportError> {
    let opened = detect::open(source, Wait::ForAnything)?;
    json_lines(opened.reader, json::query).map_err(|error| ImportError::new(&opened.name, Kind::Io(error)))
}
