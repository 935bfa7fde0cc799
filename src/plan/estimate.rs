//! What a plan is told about the data before it runs.

use crate::ids::AtomId;

/// How many contacts an atom holds for, and what finding them costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Estimate {
    /// No fewer than this.
    pub low: u64,
    /// About this many.
    pub likely: u64,
    /// No more than this.
    pub high: u64,
    /// Bytes that the index reads to find them all.
    pub bytes: u64,
    /// Whether what the index finds are candidates that rows must confirm.
    pub candidates: bool,
}

/// Where estimates come from.
pub trait Estimates {
    /// How many contacts there are.
    fn total(&self) -> u64;

    /// What is known of an atom of the plan. Costs far less than its answer.
    fn estimate(&self, atom: AtomId) -> Estimate;
}
