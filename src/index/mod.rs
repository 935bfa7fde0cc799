//! Indexes: for each property and each block of 65,536 documents a dictionary of its values and the documents of each,
//! in the layouts that measurement favours (`docs/indexes.md`); and the text index for words of text fields.
//!
//! What must hold:
//! - an attribute answer never needs a row to be right, except for [`PropertyId::is_hashed`] properties and substrings,
//!   whose answers are candidates that the reader checks against rows;
//! - everything is read in place from the memory map: nothing is decoded that an answer does not need;
//! - nothing here panics on damaged bytes: they are an [`IndexError::Damaged`].
//!
//! Architecture invariant: nothing here knows the language, plans' shapes, or how rows are kept.

#[cfg(any(test, feature = "fuzzing"))]
pub mod any_bytes;
pub mod attribute;
pub mod bits;
pub mod block;
pub mod build;
pub mod changes;
pub mod container;
pub mod distinct;
pub mod extent;
mod folder;
pub mod lookup;
pub mod property;
pub mod tally;
pub mod text;
mod tokens;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod text_tests;

pub use attribute::{AttributeIndex, BlockPair, Gathered, Policy, PropertyBlocks};
pub use changes::RowChange;
pub use property::{FieldKinds, PropertyId};
pub use text::{TextIndex, TextSnapshot};

use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;

use crate::ids::{Block, FieldId};
use crate::plan::atom::WordMatch;

/// Sets by block; a block that is absent is empty.
pub type BlockSets = FxHashMap<Block, Box<bits::Words>>;

/// Words of text fields, from an index that may trail the rows.
pub trait TextSource {
    /// The documents whose field holds these words, as of the index's generation; `None` if it cannot tell, and rows
    /// must.
    ///
    /// # Errors
    /// If the index cannot be read.
    fn field_words(&self, field: FieldId, wanted: &WordMatch) -> Result<Option<BlockSets>, IndexError>;

    /// The documents that changed since: for them the answer says nothing.
    fn dirty(&self) -> &RoaringBitmap;
}

/// Why an index could not be read or written. A message holds what caused it, so that nothing is said twice.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The store failed.
    #[error("the store failed under an index: {0}")]
    Store(heed::Error),
    /// Stored bytes are not what was written: `headcount index --rebuild` mends it from the rows.
    #[error("the index of {property:?} is damaged in {block:?} ({what}); `headcount index --rebuild` builds it anew")]
    Damaged {
        /// Whose values.
        property: PropertyId,
        /// Of which documents.
        block: Block,
        /// What is wrong.
        what: &'static str,
    },
    /// Stored bytes were written by a later version of this program.
    #[error("an index has format {version}, which is newer than this program; use a newer headcount")]
    TooNew {
        /// The version that they carry.
        version: u8,
    },
    /// Rows or memberships, which answers are confirmed from, could not be read.
    #[error(transparent)]
    Source(Box<dyn std::error::Error + Send + Sync>),
    /// The text index failed; the message says what it was doing.
    #[error("the text index failed: {0}")]
    Text(String),
}

impl From<heed::Error> for IndexError {
    fn from(error: heed::Error) -> Self {
        IndexError::Store(error)
    }
}
