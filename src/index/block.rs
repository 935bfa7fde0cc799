//! The stored form of one property in one block, read in place.
//!
//! All numbers are little-endian. A header of 56 bytes, then the sections one after another:
//!
//! | bytes | header |
//! | --- | --- |
//! | 0, 1 | magic `0xB1`; version |
//! | 2 | flags: 1 postings are kept, 2 all of them are arrays, 4 no document has two values |
//! | 3 | number of bit slices |
//! | 4, 8, 12, 16 | distinct values; documents that have a value; pairs of value and document; documents touched |
//! | 20, 24, 28, 32 | width of keys if they are all equally long, else 0; bytes of presence, of keys, of postings |
//! | 36 | unused |
//! | 40, 48 | checksum of the sections; checksum of the key and the header before it |
//!
//! | section | content |
//! | --- | --- |
//! | presence | the container of the documents that have a value |
//! | key ends | 4 bytes for each value, unless keys have one width |
//! | keys | the distinct values, ascending |
//! | posting ends | 4 bytes for each value, if there are postings |
//! | postings | the container of each value |
//! | slices | bit slices of 8 KiB: a document's code is its value's rank plus 1, or 0 without value |
//! | touched | of a delta: the documents whose values here replace those of the base; 2 bytes each, ascending |
//!
//! The header's checksum is verified whenever a block is read; that of the sections when a block is rewritten and by
//! `check`, since reading all bytes of a block costs more than most answers from it.

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::index::IndexError;
use crate::index::bits::WORD_BYTES;
use crate::index::container::Container;
use crate::index::property::{BlockKey, read_block_key};

pub(super) const MAGIC: u8 = 0xB1;
pub(super) const VERSION: u8 = 1;
pub(super) const HEADER: usize = 56;
pub(super) const HAS_POSTINGS: u8 = 1;
pub(super) const ALL_ARRAYS: u8 = 2;
pub(super) const SINGLE_VALUED: u8 = 4;

/// A stored block, in place.
#[derive(Clone, Copy, Debug)]
pub struct BlockView<'a> {
    key: BlockKey,
    flags: u8,
    values: u32,
    present: u32,
    entries: u32,
    width: u32,
    body_sum: u64,
    body: &'a [u8],
    presence: &'a [u8],
    key_ends: &'a [[u8; 4]],
    keys: &'a [u8],
    posting_ends: &'a [[u8; 4]],
    postings: &'a [u8],
    slices: &'a [u8],
    touched: &'a [[u8; 2]],
}

/// The checksum of a header and the key that it is stored under.
pub(super) fn header_sum(key: &BlockKey, header: &[u8]) -> u64 {
    let mut hasher = Xxh3::new();
    hasher.update(key);
    hasher.update(header);
    hasher.digest()
}

impl<'a> BlockView<'a> {
    /// Reads the header and finds the sections.
    ///
    /// # Errors
    /// If the bytes are not a block that was written under this key.
    pub fn parse(key: &[u8], bytes: &'a [u8]) -> Result<Self, IndexError> {
        let block_key: BlockKey = key.try_into().map_err(|_| damaged(key, "its key has another length"))?;
        let header = bytes.get(..HEADER).ok_or_else(|| damaged(key, "it is too short"))?;
        let u32_at =
            |at: usize| header.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_le_bytes);
        let u64_at =
            |at: usize| header.get(at..at + 8).and_then(|eight| eight.try_into().ok()).map_or(0, u64::from_le_bytes);
        let byte_at = |at: usize| header.get(at).copied().unwrap_or_default();
        if byte_at(0) != MAGIC {
            return Err(damaged(key, "it does not begin as a block"));
        }
        if byte_at(1) > VERSION {
            return Err(IndexError::TooNew { version: byte_at(1) });
        }
        if header_sum(&block_key, header.get(..48).unwrap_or_default()) != u64_at(48) {
            return Err(damaged(key, "the header's checksum differs"));
        }
        let flags = byte_at(2);
        let (values, width) = (u32_at(4), u32_at(20));
        let count = values as usize;
        let body = bytes.get(HEADER..).unwrap_or_default();
        let mut rest = body;
        let mut take = |length: usize| -> Result<&'a [u8], IndexError> {
            let (section, after) = rest.split_at_checked(length).ok_or_else(|| damaged(key, "a section is cut off"))?;
            rest = after;
            Ok(section)
        };
        let has_postings = flags & HAS_POSTINGS != 0;
        let view = BlockView {
            key: block_key,
            flags,
            values,
            present: u32_at(8),
            entries: u32_at(12),
            width,
            body_sum: u64_at(40),
            body,
            presence: take(u32_at(24) as usize)?,
            key_ends: take(if width == 0 { count * 4 } else { 0 })?.as_chunks().0,
            keys: take(u32_at(28) as usize)?,
            posting_ends: take(if has_postings { count * 4 } else { 0 })?.as_chunks().0,
            postings: take(u32_at(32) as usize)?,
            slices: take(usize::from(byte_at(3)) * WORD_BYTES)?,
            touched: take(u32_at(16) as usize * 2)?.as_chunks().0,
        };
        Ok(view)
    }

    /// Compares the sections with their checksum. Costs a pass over all bytes.
    ///
    /// # Errors
    /// If they differ.
    pub fn verify(&self) -> Result<(), IndexError> {
        if xxh3_64(self.body) == self.body_sum { Ok(()) } else { Err(self.damaged("the checksum differs")) }
    }

    /// That something in this block is wrong.
    pub fn damaged(&self, what: &'static str) -> IndexError {
        damaged(&self.key, what)
    }

    /// Bytes, with the header.
    pub fn bytes(&self) -> usize {
        HEADER + self.body.len()
    }

    /// Distinct values.
    pub fn values(&self) -> u32 {
        self.values
    }

    /// Documents that have a value.
    pub fn present(&self) -> u32 {
        self.present
    }

    /// Pairs of value and document.
    pub fn entries(&self) -> u32 {
        self.entries
    }

    /// Whether no document has two values.
    pub fn is_single_valued(&self) -> bool {
        self.flags & SINGLE_VALUED != 0
    }

    /// Whether the documents of each value are kept.
    pub fn has_postings(&self) -> bool {
        self.flags & HAS_POSTINGS != 0
    }

    /// The documents that have a value.
    pub fn presence(&self) -> Container<'a> {
        Container::new(self.presence)
    }

    /// All bit slices, the lowest first; empty if there are none.
    pub fn slices(&self) -> &'a [u8] {
        self.slices
    }

    /// Of a delta: the documents whose values here replace those of the base.
    pub fn touched(&self) -> impl ExactSizeIterator<Item = u16> + 'a {
        self.touched.iter().map(|pair| u16::from_le_bytes(*pair))
    }

    /// The value of this rank; empty beyond the last.
    pub fn value(&self, rank: u32) -> &'a [u8] {
        let at = rank as usize;
        let range = if self.width != 0 {
            let width = self.width as usize;
            at.saturating_mul(width)..at.saturating_add(1).saturating_mul(width)
        } else {
            let (start, end) = ends(self.key_ends, at);
            start..end
        };
        self.keys.get(range).unwrap_or_default()
    }

    /// The rank of the first value that is not below this key: how many are below it.
    pub fn rank(&self, key: &[u8]) -> u32 {
        let (mut low, mut high) = (0, self.values);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.value(middle) < key {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The documents of the value of this rank; empty if there are no postings.
    pub fn posting(&self, rank: u32) -> Container<'a> {
        let (start, end) = ends(self.posting_ends, rank as usize);
        Container::new(self.postings.get(start..end).unwrap_or_default())
    }

    /// The documents of all values from `low` up to but not including `high`, one value after the other, if all their
    /// containers are arrays.
    pub fn posting_run(&self, low: u32, high: u32) -> Option<&'a [[u8; 2]]> {
        if self.flags & ALL_ARRAYS == 0 || low >= high {
            return None;
        }
        let (start, _) = ends(self.posting_ends, low as usize);
        let (_, end) = ends(self.posting_ends, high as usize - 1);
        Some(self.postings.get(start..end).unwrap_or_default().as_chunks().0)
    }

    /// Bytes of the postings of the values from `low` up to but not including `high`: what their union reads.
    pub fn posting_bytes(&self, low: u32, high: u32) -> usize {
        if low >= high {
            return 0;
        }
        ends(self.posting_ends, high as usize - 1).1.saturating_sub(ends(self.posting_ends, low as usize).0)
    }

    /// The code of a document from the slices: its value's rank plus 1, or 0 without a value.
    pub fn code(&self, offset: u16) -> u32 {
        let (byte, bit) = (usize::from(offset >> 3), offset & 7);
        self.slices.chunks_exact(WORD_BYTES).enumerate().fold(0, |code, (at, slice)| {
            code | u32::from(slice.get(byte).copied().unwrap_or_default() >> bit & 1) << at
        })
    }

    /// The codes of all documents of the block, from the slices.
    pub fn codes(&self) -> Vec<u32> {
        let mut codes = vec![0; WORD_BYTES * 8];
        for (at, slice) in self.slices.chunks_exact(WORD_BYTES).enumerate() {
            for (codes, byte) in codes.chunks_exact_mut(8).zip(slice) {
                for (bit, code) in codes.iter_mut().enumerate() {
                    *code |= u32::from(byte >> bit & 1) << at;
                }
            }
        }
        codes
    }
}

/// Where the element at `at` begins and ends, from the table of ends.
fn ends(table: &[[u8; 4]], at: usize) -> (usize, usize) {
    let read = |at: usize| table.get(at).map_or(0, |four| u32::from_le_bytes(*four) as usize);
    (if at == 0 { 0 } else { read(at - 1) }, read(at))
}

/// That the block of this key is wrong.
pub(super) fn damaged(key: &[u8], what: &'static str) -> IndexError {
    match read_block_key(key) {
        Some((property, block, _)) => IndexError::Damaged { property, block, what },
        None => IndexError::Damaged {
            property: crate::index::PropertyId::Status,
            block: crate::ids::Block(0),
            what: "a key is of no known form",
        },
    }
}
