//! Contacts in orders that no index keeps: read from the rows.

use crate::ids::{DocumentNumber, Uuid};
use crate::value::Instant;
use crate::workspace::Reader;
use crate::workspace::error::WorkspaceError;

impl Reader<'_> {
    /// All contacts by the moment at which they were last modified (or created, where that is not known), ascending.
    ///
    /// Cost: a look at every row.
    ///
    /// # Errors
    /// If a row is damaged.
    pub fn by_modification(&self) -> Result<Vec<(Instant, DocumentNumber)>, WorkspaceError> {
        let mut places = Vec::new();
        for entry in self.snapshot().view().checked_rows()? {
            let (document, row) = entry?;
            places.push((row.modified_on().unwrap_or_else(|| row.created_on()), document));
        }
        places.sort_unstable();
        Ok(places)
    }

    /// The contacts that were deleted and not erased, the last one first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn deleted(&self) -> Result<Vec<Uuid>, WorkspaceError> {
        let mut deleted = Vec::new();
        for entry in self.snapshot().view().tombstones()? {
            deleted.push(entry?.1);
        }
        deleted.reverse();
        Ok(deleted)
    }
}
