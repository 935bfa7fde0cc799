//! Files and streams into typed operations: contacts, changes, schemas, groups.
//!
//! | module | reads | into |
//! | --- | --- | --- |
//! | [`source`] | a file, standard input, any reader | bytes, with what kind they are and how many went by |
//! | [`contacts`] | JSON lines, API pages, CSV, XLSX, as they are or packed with gzip | [`ContactPatch`](crate::workspace::change::ContactPatch) |
//! | [`changes`] | JSON lines of events | [`Change`](crate::workspace::change::Change) |
//! | [`schema`], [`groups`], [`campaign`] | one JSON document | plain structs |
//! | [`infer`] | contacts | the schema that they imply |
//!
//! What cannot be read is never skipped in silence: each line gives either an operation or a [`Rejection`] that says
//! where it stands and what to do. What a whole file gets wrong is an [`ImportError`]. Memory is bounded whatever the
//! size of the input, and no bytes make it panic.

pub mod campaign;
pub mod changes;
pub mod contacts;
mod csv;
mod decode;
mod detect;
mod elements;
mod error;
pub(crate) mod formula;
pub mod groups;
pub mod infer;
mod json;
mod lines;
mod pipeline;
pub mod queries;
pub mod references;
pub mod schema;
mod sheet;
pub mod source;
#[cfg(test)]
mod tests;
mod texts;
#[cfg(all(test, feature = "cli"))]
mod workbook_tests;
#[cfg(feature = "cli")]
mod xlsx;

#[cfg(feature = "postgres")]
pub(crate) use json::contact_object as contact_of_json;

pub use changes::ChangeReader;
pub use contacts::{ContactReader, Format};
pub use error::{ImportError, LineNumber, OtherType, Rejection};
pub use sheet::{Note, NoteKind, Noted, Phones, SheetOptions};
pub use source::{Progress, Source};

/// The longest line, row or element that is read, in bytes.
pub const MAX_LINE: usize = 1 << 20;
/// The most addresses of one contact.
pub const MAX_URNS: usize = 256;
/// The most fields of one contact, and columns of one sheet.
pub const MAX_FIELDS: usize = 4_096;
/// The most groups of one contact, or flows in its history.
pub const MAX_GROUPS: usize = 10_000;
/// The largest schema or groups file, and the largest spreadsheet from a stream, in bytes.
pub const MAX_DOCUMENT: u64 = 256 << 20;
/// The most that the rows of a workbook may unpack to, in bytes: they are read as they go.
pub const MAX_SHEET: u64 = 8 << 30;
