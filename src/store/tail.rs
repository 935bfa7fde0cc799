//! What changed in a set of members since its containers were written.

use super::codec::{Cursor, Tag, begin, finish, unseal};
use super::container::{Words, set, unset};
use super::error::Damage;
use super::members::MemberSet;
use super::sorted;
use crate::ids::Block;

const VERSION: u8 = 1;

/// What changed since the containers of a set were written. Lists ascend, and have nothing in common.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tail {
    /// Members of the set, containers and tail together.
    pub count: u64,
    /// Documents that entered since.
    pub entered: Vec<u32>,
    /// Documents that left since.
    pub left: Vec<u32>,
}

impl Tail {
    pub(crate) fn encode(&self, set: MemberSet, out: &mut Vec<u8>) {
        let start = begin(out, VERSION);
        out.extend_from_slice(&self.count.to_le_bytes());
        let (mut entered, mut left) = (&self.entered[..], &self.left[..]);
        while let Some(block) = sorted::first_block(entered, left) {
            let (now_entered, now_left);
            (now_entered, entered) = sorted::split_block(entered, block);
            (now_left, left) = sorted::split_block(left, block);
            for number in [block.0, now_entered.len() as u16, now_left.len() as u16] {
                out.extend_from_slice(&number.to_le_bytes());
            }
            put_offsets(out, now_entered);
            put_offsets(out, now_left);
        }
        finish(out, start, Tag::Tail, &set.key());
    }
}

fn put_offsets(out: &mut Vec<u8>, documents: &[u32]) {
    let at = out.len();
    out.resize(at + 2 * documents.len(), 0);
    let slots = out.get_mut(at..).unwrap_or_default().as_chunks_mut::<2>().0;
    slots.iter_mut().zip(documents).for_each(|(slot, &document)| *slot = (document as u16).to_le_bytes());
}

/// A stored tail, read in place.
#[derive(Clone, Copy)]
pub(crate) struct TailView<'a> {
    pub(crate) count: u64,
    blocks: &'a [u8],
}

/// What changed in one block.
pub(crate) struct TailBlock<'a> {
    pub(crate) block: Block,
    entered: &'a [[u8; 2]],
    left: &'a [[u8; 2]],
}

impl<'a> TailView<'a> {
    /// A tail whose checksum is verified.
    pub(crate) fn open(set: MemberSet, value: &'a [u8]) -> Result<Self, Damage> {
        let mut cursor = Cursor::new(unseal(Tag::Tail, &set.key(), VERSION, value)?);
        Ok(TailView { count: cursor.u64()?, blocks: cursor.rest() })
    }

    /// Blocks that changed, ascending; ends where the bytes stop making sense, which the checksum excludes.
    pub(crate) fn blocks(self) -> impl Iterator<Item = TailBlock<'a>> {
        let mut cursor = Cursor::new(self.blocks);
        std::iter::from_fn(move || {
            let block = Block(cursor.u16().ok()?);
            let (entered, left) = (cursor.u16().ok()?, cursor.u16().ok()?);
            let entered = cursor.take(2 * usize::from(entered)).ok()?.as_chunks().0;
            let left = cursor.take(2 * usize::from(left)).ok()?.as_chunks().0;
            Some(TailBlock { block, entered, left })
        })
    }

    /// All of it.
    pub(crate) fn decode(self) -> Tail {
        let mut tail = Tail { count: self.count, entered: Vec::new(), left: Vec::new() };
        for TailBlock { block, entered, left } in self.blocks() {
            let document = |&offset: &[u8; 2]| block.document(u16::from_le_bytes(offset)).0;
            tail.entered.extend(entered.iter().map(document));
            tail.left.extend(left.iter().map(document));
        }
        tail
    }
}

impl TailBlock<'_> {
    /// Takes out what left and puts in what entered.
    pub(crate) fn apply(&self, words: &mut Words) {
        self.left.iter().for_each(|&offset| unset(words, u16::from_le_bytes(offset)));
        self.entered.iter().for_each(|&offset| set(words, u16::from_le_bytes(offset)));
    }

    /// Whether a document entered (`Some(true)`), left (`Some(false)`), or neither.
    pub(crate) fn verdict(&self, offset: u16) -> Option<bool> {
        let has = |list: &[[u8; 2]]| list.binary_search_by_key(&offset, |&bytes| u16::from_le_bytes(bytes)).is_ok();
        match (has(self.entered), has(self.left)) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        }
    }
}
