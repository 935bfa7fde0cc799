//! The memory of an evaluation, and where its moves go.

use crate::ids::DocumentNumber;
use crate::refresh::arena::{Arena, CompositeId, Rank};
use crate::refresh::live::LiveSet;
use crate::refresh::program::{MAX_WORDS, Registers};
use crate::refresh::vectors::Vectors;

/// Most contacts in a batch.
pub const BATCH: usize = MAX_WORDS * 64;

/// Where the moves of groups go: a word of contacts at a time.
pub(super) trait Sink {
    /// Of the contacts at `64 * word` and on, those that entered and left the group of that rank. All that is told of
    /// a group in a batch is told in a row.
    fn moved(&mut self, rank: Rank, word: usize, entered: u64, left: u64);
}

/// Rank of a group, word, entered, left.
pub(super) type WordMoves = (Rank, u32, u64, u64);

/// How the contacts of a batch are laid out in vectors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Layout {
    /// Live contacts one after the other, those that changed alike together.
    Dense,
    /// Each at its document number's place within an aligned run of [`BATCH`] documents, which all are from.
    Aligned,
}

/// Memory of an evaluation, kept from batch to batch.
#[derive(Default)]
pub(super) struct Scratch {
    pub(super) live: LiveSet,
    pub(super) vectors: Vectors,
    /// For each source, the position of each contact among its bounds.
    pub(super) positions_before: Vec<Vec<u32>>,
    pub(super) positions_after: Vec<Vec<u32>>,
    pub(super) active_before: Vec<u64>,
    pub(super) active_after: Vec<u64>,
    /// Document numbers by bit.
    pub(super) documents: Vec<DocumentNumber>,
    /// For each leaf, whether its source has flips, so that it has a vector for each side.
    pub(super) split: Vec<bool>,
    /// For each composite, whether its vector is there.
    pub(super) composed: Arena<CompositeId, bool>,
    pub(super) composed_list: Vec<CompositeId>,
    /// For each group, the words in which it may move.
    pub(super) masks: Arena<Rank, u64>,
    pub(super) affected: Vec<Rank>,
    pub(super) registers: [Registers; 2],
    pub(super) nested: NestedMarks,
    /// Moves of the batch, by words.
    pub(super) moves: Vec<WordMoves>,
}

/// Marks for groups that refer to groups, kept from batch to batch and false between them.
#[derive(Default)]
pub(super) struct NestedMarks {
    /// Groups that may move.
    pub(super) maybe: Arena<Rank, bool>,
    /// Groups whose members' vector is read.
    pub(super) required: Arena<Rank, bool>,
    pub(super) list: Vec<Rank>,
}
