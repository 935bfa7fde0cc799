//! Executes physical plans over one snapshot: block by block, in parallel, without a bitmap for each step.
//!
//! What must hold: an answer is exact. Where an index only narrows down, a step yields two sets, of the documents that
//! surely match and of those that may; the difference is settled from rows, at the end, when it is smallest.
//!
//! Architecture invariant: nothing here knows the language, or how rows and memberships are kept.

pub mod counters;
pub mod evaluate;
pub mod leaf;
pub mod moments;
pub mod search;
pub mod sort;

#[cfg(test)]
pub(crate) mod tests;

pub use counters::Counters;
pub use search::{Prepared, Search, Snapshot};
pub use sort::{Order, Position, SortProperty};

use crate::contact::ContactView;
use crate::ids::{Block, DocumentNumber, GroupId, Uuid};
use crate::index::IndexError;
use crate::index::bits::Words;

/// The rows of one snapshot. They are found on the calling thread, and opened and tested in parallel.
pub trait Rows {
    /// A row that was found, not looked at yet.
    type Found<'a>: Send + Sync
    where
        Self: 'a;

    /// A row, in place.
    type View<'a>: ContactView + Send + Sync
    where
        Self: 'a;

    /// Finds the row of a document; `None` if there is none.
    ///
    /// # Errors
    /// If the store fails.
    fn find(&self, document: DocumentNumber) -> Result<Option<Self::Found<'_>>, IndexError>;

    /// Opens a row that was found.
    ///
    /// # Errors
    /// If the row is damaged.
    fn open<'a>(document: DocumentNumber, found: &Self::Found<'a>) -> Result<Self::View<'a>, IndexError>
    where
        Self: 'a;

    /// The row of a document; `None` if there is none.
    ///
    /// # Errors
    /// If the store fails or the row is damaged.
    fn row(&self, document: DocumentNumber) -> Result<Option<Self::View<'_>>, IndexError> {
        self.find(document)?.map(|found| Self::open(document, &found)).transpose()
    }

    /// The document of this identity.
    ///
    /// # Errors
    /// If the store fails.
    fn by_uuid(&self, uuid: Uuid) -> Result<Option<DocumentNumber>, IndexError>;
}

/// The memberships of one snapshot.
pub trait Groups {
    /// Adds the members of a group in a block to a set.
    ///
    /// # Errors
    /// If the store fails or stored bytes are damaged.
    fn members(&self, group: GroupId, block: Block, set: &mut Words) -> Result<(), IndexError>;

    /// Adds the members of any group in a block to a set.
    ///
    /// # Errors
    /// If the store fails or stored bytes are damaged.
    fn members_of_any(&self, block: Block, set: &mut Words) -> Result<(), IndexError>;
}
