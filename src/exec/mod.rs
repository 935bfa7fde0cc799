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
use crate::index::bits::Words;

/// The rows of one snapshot, fetched on the calling thread and tested in parallel.
///
/// An implementation that can fail notes its first failure, answers `None`, and is asked afterwards: an answer made
/// after a failure is not to be trusted.
pub trait Rows {
    /// A row, in place.
    type View<'a>: ContactView + Send + Sync
    where
        Self: 'a;

    /// The row of a document; `None` if there is none.
    fn row(&self, document: DocumentNumber) -> Option<Self::View<'_>>;

    /// The document of this identity.
    fn by_uuid(&self, uuid: Uuid) -> Option<DocumentNumber>;
}

/// The memberships of one snapshot. Failures are noted as in [`Rows`].
pub trait Groups {
    /// Adds the members of a group in a block to a set.
    fn members(&self, group: GroupId, block: Block, set: &mut Words);

    /// Adds the members of any group in a block to a set.
    fn members_of_any(&self, block: Block, set: &mut Words);

    /// How many members a group has.
    fn count(&self, group: GroupId) -> u64;

    /// Whether a document is a member; of any group at all if none is named.
    fn contains(&self, group: Option<GroupId>, document: DocumentNumber) -> bool;
}
