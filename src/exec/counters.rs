//! What an execution did, for `explain --analyze` and for tests that guard costs.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of one execution. They do not depend on the machine.
#[derive(Default, Debug)]
pub struct Counters {
    blocks_read: AtomicU64,
    blocks_skipped: AtomicU64,
    bytes_read: AtomicU64,
    rows_verified: AtomicU64,
}

/// The counts at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counted {
    /// Blocks of properties whose values were fetched.
    pub blocks_read: u64,
    /// Blocks of properties that a dictionary alone, or an empty set, settled.
    pub blocks_skipped: u64,
    /// Bytes of those that were fetched, about.
    pub bytes_read: u64,
    /// Rows that were tested.
    pub rows_verified: u64,
}

impl Counters {
    /// The counts so far.
    pub fn get(&self) -> Counted {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counted {
            blocks_read: load(&self.blocks_read),
            blocks_skipped: load(&self.blocks_skipped),
            bytes_read: load(&self.bytes_read),
            rows_verified: load(&self.rows_verified),
        }
    }

    pub(super) fn read(&self, blocks: u64, bytes: u64) {
        self.blocks_read.fetch_add(blocks, Ordering::Relaxed);
        self.bytes_read.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn skip(&self, blocks: u64) {
        self.blocks_skipped.fetch_add(blocks, Ordering::Relaxed);
    }

    pub(super) fn verify(&self, rows: u64) {
        self.rows_verified.fetch_add(rows, Ordering::Relaxed);
    }
}
