//! An entry of the membership log before it has its place there: made of lists of documents, or of words by block, which
//! is how many members at once come.

use super::codec::put_varint;
use super::container::{self, DENSE_BYTES, Words};
use super::log::Moves;
use super::sorted;
use crate::ids::{Block, GroupId};

/// A list as differences of ascending documents.
pub(super) const DIFFERENCES: u8 = 0;
/// A list as bits.
pub(super) const BITS: u8 = 1;

/// An entry of the log while it is put together: moves of groups, in any order, each group once.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LogDraft {
    pub(super) groups: Vec<DraftGroup>,
    pub(super) heap: Vec<u8>,
}

/// The moves of one group in a draft: where its lists are in the heap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct DraftGroup {
    pub(super) group: GroupId,
    pub(super) entered: u32,
    pub(super) left: u32,
    pub(super) start: usize,
    pub(super) middle: usize,
    pub(super) end: usize,
}

/// Documents by block, ascending, as words.
pub type BlockList = Vec<(Block, Box<Words>)>;

impl LogDraft {
    /// Adds what lists tell; nothing if they are empty.
    pub fn add(&mut self, moves: Moves<'_>) {
        let Moves { group, entered, left } = moves;
        debug_assert!(sorted::is_set(entered) && sorted::is_set(left), "documents ascend, each once");
        let count = |list: &[u32]| list.len() as u32;
        self.put(group, count(entered), count(left), |out| put_list(out, entered), |out| put_list(out, left));
    }

    /// Adds what words tell; nothing if they are all zero. The same bytes come of it as of lists.
    ///
    /// Cost: a pass over the words.
    pub fn add_blocks(&mut self, group: GroupId, entered: &BlockList, left: &BlockList) {
        let count = |blocks: &BlockList| blocks.iter().map(|(_, words)| container::count(words)).sum();
        self.put(group, count(entered), count(left), |out| put_blocks(out, entered), |out| put_blocks(out, left));
    }

    fn put(
        &mut self,
        group: GroupId,
        entered: u32,
        left: u32,
        put_entered: impl FnOnce(&mut Vec<u8>),
        put_left: impl FnOnce(&mut Vec<u8>),
    ) {
        if entered == 0 && left == 0 {
            return;
        }
        let start = self.heap.len();
        put_entered(&mut self.heap);
        let middle = self.heap.len();
        put_left(&mut self.heap);
        self.groups.push(DraftGroup { group, entered, left, start, middle, end: self.heap.len() });
    }

    /// Whether nobody moved.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }
}

fn put_list(out: &mut Vec<u8>, documents: &[u32]) {
    let (Some(&first), Some(&last)) = (documents.first(), documents.last()) else {
        return;
    };
    match dense_span(first, last, documents.len()) {
        Some(span) => {
            out.push(BITS);
            out.extend_from_slice(&(first / 8).to_le_bytes());
            let at = out.len();
            out.resize(at + span, 0);
            for &document in documents {
                if let Some(byte) = out.get_mut(at + (document / 8 - first / 8) as usize) {
                    *byte |= 1 << (document % 8);
                }
            }
        }
        None => put_differences(out, documents.iter().copied()),
    }
}

fn put_blocks(out: &mut Vec<u8>, blocks: &BlockList) {
    let count = blocks.iter().map(|(_, words)| container::count(words) as usize).sum();
    let (Some(first), Some(last)) = (documents_of(blocks).next(), last_document(blocks)) else {
        return;
    };
    let Some(span) = dense_span(first, last, count) else {
        return put_differences(out, documents_of(blocks));
    };
    out.push(BITS);
    out.extend_from_slice(&(first / 8).to_le_bytes());
    let at = out.len();
    let begin = (first / 8) as usize;
    let mut bytes = [0; DENSE_BYTES];
    for (block, words) in blocks {
        let base = usize::from(block.0) * DENSE_BYTES;
        let (from, to) = (begin.max(base), (begin + span).min(base + DENSE_BYTES));
        bytes.as_chunks_mut::<8>().0.iter_mut().zip(words.iter()).for_each(|(to, word)| *to = word.to_le_bytes());
        if let Some(of_block) = from.checked_sub(base).and_then(|from| bytes.get(from..to.checked_sub(base)?)) {
            out.resize(at + from - begin, 0);
            out.extend_from_slice(of_block);
        }
    }
}

/// Bytes of bits from the first document's to the last one's, if that is shorter than differences.
fn dense_span(first: u32, last: u32, count: usize) -> Option<usize> {
    let span = (last / 8 - first / 8) as usize + 1;
    (span + 4 < count).then_some(span)
}

fn put_differences(out: &mut Vec<u8>, documents: impl Iterator<Item = u32>) {
    out.push(DIFFERENCES);
    let mut last = 0;
    for document in documents {
        put_varint(out, u64::from(document - last));
        last = document;
    }
}

fn documents_of(blocks: &BlockList) -> impl Iterator<Item = u32> + '_ {
    blocks.iter().flat_map(|(block, words)| {
        let base = u32::from(block.0) << 16;
        words.iter().zip(0u32..).filter(|(word, _)| **word != 0).flat_map(move |(&word, at)| {
            let mut word = word;
            std::iter::from_fn(move || {
                let bit = (word != 0).then(|| word.trailing_zeros())?;
                word &= word - 1;
                Some(base | at << 6 | bit)
            })
        })
    })
}

fn last_document(blocks: &BlockList) -> Option<u32> {
    blocks.iter().rev().find_map(|(block, words)| {
        let (at, word) = words.iter().enumerate().rev().find(|(_, word)| **word != 0)?;
        Some(u32::from(block.0) << 16 | (at as u32) << 6 | (63 - word.leading_zeros()))
    })
}
