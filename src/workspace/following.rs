//! What a process that follows a stream or the log asks between two batches.

use crate::ids::Sequence;
use crate::value::Instant;
use crate::workspace::error::WorkspaceError;
use crate::workspace::reader::Reader;

impl Reader<'_> {
    /// The next moment at which a membership flips by itself: until then, nothing is lost by sleeping.
    pub fn next_due(&self) -> Option<Instant> {
        Some(self.snapshot().view().state().next_due).filter(|&due| due != Instant::MAX)
    }

    /// The last position that was seen of a named source of changes.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn source_offset(&self, name: &str) -> Result<Option<u64>, WorkspaceError> {
        Ok(self.snapshot().view().source_offset(name)?)
    }

    /// The place before the first entry that the log still holds; entries up to it were cut off.
    pub fn horizon(&self) -> Sequence {
        self.snapshot().view().state().horizon
    }
}
