//! Builds blocks: from values as documents give them, and from a block and what changed in it.

use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_64;

use crate::index::IndexError;
use crate::index::bits::{self, WORD_BYTES, WORDS, Words};
use crate::index::block::{ALL_ARRAYS, BlockView, HAS_POSTINGS, HEADER, MAGIC, SINGLE_VALUED, VERSION, header_sum};
use crate::index::container;
use crate::index::property::BlockKey;

/// Pairs of value and document as they come: by document, ascending.
#[derive(Default, Debug, Clone)]
pub struct Entries {
    /// The document of each pair.
    offsets: Vec<u16>,
    /// Where its value ends in `bytes`.
    ends: Vec<u32>,
    bytes: Vec<u8>,
}

impl Entries {
    /// Adds a pair. Documents must come in ascending order; the same pair may come twice.
    pub fn push(&mut self, offset: u16, value: &[u8]) {
        self.push_with(offset, |bytes| bytes.extend_from_slice(value));
    }

    /// Adds a pair whose value is appended by `write`.
    pub fn push_with(&mut self, offset: u16, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.offsets.push(offset);
        self.ends.push(self.bytes.len() as u32);
    }

    /// Adds all pairs of documents that come after these.
    pub fn append(&mut self, other: &Entries) {
        let base = self.bytes.len() as u32;
        self.offsets.extend_from_slice(&other.offsets);
        self.ends.extend(other.ends.iter().map(|end| end + base));
        self.bytes.extend_from_slice(&other.bytes);
    }

    /// How many pairs.
    pub fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    fn value(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).and_then(|at| self.ends.get(at)).copied().unwrap_or(0) as usize;
        let end = self.ends.get(at).copied().unwrap_or(0) as usize;
        self.bytes.get(start..end).unwrap_or_default()
    }
}

/// Values of a block in ascending order, each with its documents in ascending order.
#[derive(Default)]
pub struct Grouped<'a> {
    values: Vec<&'a [u8]>,
    /// Where the documents of each value end in `offsets`.
    ends: Vec<u32>,
    offsets: Vec<u16>,
}

impl<'a> Grouped<'a> {
    /// Groups pairs by value. Costs a hash look-up per pair and a sort of the distinct values.
    pub fn from_entries(entries: &'a Entries) -> Self {
        let mut code_of: FxHashMap<&[u8], u32> = FxHashMap::default();
        let mut values: Vec<&[u8]> = Vec::new();
        let mut codes = Vec::with_capacity(entries.len());
        for at in 0..entries.len() {
            let value = entries.value(at);
            codes.push(*code_of.entry(value).or_insert_with(|| {
                values.push(value);
                values.len() as u32 - 1
            }));
        }
        let mut order: Vec<(u64, u32)> =
            values.iter().enumerate().map(|(code, value)| (first_bytes(value), code as u32)).collect();
        let value_of = |code: u32| values.get(code as usize).copied().unwrap_or_default();
        order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| value_of(a.1).cmp(value_of(b.1))));
        let mut rank_of = vec![0u32; values.len()];
        for (rank, &(_, code)) in order.iter().enumerate() {
            if let Some(slot) = rank_of.get_mut(code as usize) {
                *slot = rank as u32;
            }
        }
        codes.iter_mut().for_each(|code| *code = rank_of.get(*code as usize).copied().unwrap_or(0));
        let sorted = order.iter().map(|&(_, code)| value_of(code)).collect();
        Self::from_ranks(sorted, &codes, &entries.offsets)
    }

    /// From the sorted values, and the rank and document of each pair, by document.
    fn from_ranks(values: Vec<&'a [u8]>, ranks: &[u32], offsets: &[u16]) -> Self {
        let mut ends = vec![0u32; values.len()];
        // Counting sort: the counts, then where each rank begins; filling moves each beginning to its end.
        for &rank in ranks {
            if let Some(count) = ends.get_mut(rank as usize) {
                *count += 1;
            }
        }
        let mut total = 0;
        for end in &mut ends {
            let count = *end;
            *end = total;
            total += count;
        }
        let mut sorted = vec![0u16; total as usize];
        let starts = ends.clone();
        let mut duplicates = false;
        for (&rank, &offset) in ranks.iter().zip(offsets) {
            let (Some(next), Some(&start)) = (ends.get_mut(rank as usize), starts.get(rank as usize)) else {
                continue;
            };
            let at = *next as usize;
            duplicates |= *next > start && sorted.get(at.wrapping_sub(1)) == Some(&offset);
            if let Some(slot) = sorted.get_mut(at) {
                *slot = offset;
            }
            *next += 1;
        }
        let mut grouped = Grouped { values, ends, offsets: sorted };
        if duplicates {
            grouped.remove_duplicates();
        }
        grouped
    }

    /// Takes out pairs that came twice.
    fn remove_duplicates(&mut self) {
        let mut clean = Grouped::default();
        for (value, offsets) in self.iter() {
            clean.values.push(value);
            let start = clean.offsets.len();
            for &offset in offsets {
                if clean.offsets.len() == start || clean.offsets.last() != Some(&offset) {
                    clean.offsets.push(offset);
                }
            }
            clean.ends.push(clean.offsets.len() as u32);
        }
        *self = clean;
    }

    /// Everything in a stored block. Costs a pass over its postings, or over its slices.
    pub fn from_block(view: &BlockView<'a>) -> Self {
        let values: Vec<&[u8]> = (0..view.values()).map(|rank| view.value(rank)).collect();
        if view.has_postings() {
            let mut grouped = Grouped { values, ends: Vec::new(), offsets: Vec::new() };
            for rank in 0..view.values() {
                view.posting(rank).for_each(|offset| {
                    grouped.offsets.push(offset);
                    true
                });
                grouped.ends.push(grouped.offsets.len() as u32);
            }
            return grouped;
        }
        let (mut ranks, mut offsets) = (Vec::new(), Vec::new());
        for (offset, code) in view.codes().into_iter().enumerate() {
            if let Some(rank) = code.checked_sub(1) {
                ranks.push(rank);
                offsets.push(offset as u16);
            }
        }
        Self::from_ranks(values, &ranks, &offsets)
    }

    /// This, with the values of `touched` documents replaced by those of `newer`. Values left without a document go.
    pub fn replaced_by(&self, touched: &Words, newer: &Grouped<'a>) -> Grouped<'a> {
        let mut merged = Grouped::default();
        let (mut old, mut new) = (self.iter().peekable(), newer.iter().peekable());
        loop {
            let value = match (old.peek(), new.peek()) {
                (Some((a, _)), Some((b, _))) => (*a).min(*b),
                (Some((a, _)), None) => *a,
                (None, Some((b, _))) => *b,
                (None, None) => return merged,
            };
            let kept = old.next_if(|(candidate, _)| *candidate == value).map_or(&[][..], |(_, offsets)| offsets);
            let added = new.next_if(|(candidate, _)| *candidate == value).map_or(&[][..], |(_, offsets)| offsets);
            let start = merged.offsets.len();
            let mut added = added.iter().copied().peekable();
            for &offset in kept.iter().filter(|&&offset| !bits::contains(touched, offset)) {
                while let Some(before) = added.next_if(|&other| other < offset) {
                    merged.offsets.push(before);
                }
                merged.offsets.push(offset);
            }
            merged.offsets.extend(added);
            if merged.offsets.len() > start {
                merged.values.push(value);
                merged.ends.push(merged.offsets.len() as u32);
            }
        }
    }

    /// Whether there are no pairs.
    pub fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// The values in order, with their documents.
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], &[u16])> {
        let mut start = 0;
        self.values.iter().zip(&self.ends).map(move |(value, &end)| {
            let offsets = self.offsets.get(start..end as usize).unwrap_or_default();
            start = end as usize;
            (*value, offsets)
        })
    }

    /// The stored form under this key. `touched`, ascending, makes it a delta. `slices` asks for bit
    /// slices, and says up to how many values there are postings beside them.
    pub fn encode(&self, key: &BlockKey, slices: Option<usize>, touched: &[u16]) -> Vec<u8> {
        let mut presence = [0; WORDS];
        self.offsets.iter().for_each(|&offset| bits::insert(&mut presence, offset));
        let present = bits::count(&presence) as usize;
        let single_valued = present == self.offsets.len();
        let limit = slices;
        let slices = if limit.is_some() && single_valued && touched.is_empty() {
            (usize::BITS - self.values.len().leading_zeros()) as usize
        } else {
            0
        };
        let has_postings = slices == 0 || limit.is_some_and(|limit| self.values.len() <= limit);
        let mut flags = if single_valued { SINGLE_VALUED } else { 0 };

        let mut body = Vec::with_capacity(self.offsets.len() * 4 + slices * WORD_BYTES + 1024);
        let mut present_offsets = Vec::with_capacity(present);
        bits::for_each(&presence, |offset| {
            present_offsets.push(offset);
            true
        });
        container::encode(&present_offsets, &mut body);
        let presence_bytes = body.len();

        let width = match self.values.first() {
            Some(first) if self.values.iter().all(|value| value.len() == first.len()) => first.len(),
            _ => 0,
        };
        if width == 0 {
            let mut end = 0u32;
            for value in &self.values {
                end += value.len() as u32;
                body.extend_from_slice(&end.to_le_bytes());
            }
        }
        let keys_start = body.len();
        self.values.iter().for_each(|value| body.extend_from_slice(value));
        let keys_bytes = body.len() - keys_start;

        let mut postings_bytes = 0;
        if has_postings {
            let table = body.len();
            body.resize(table + self.values.len() * 4, 0);
            let start = body.len();
            let mut all_arrays = true;
            for (at, (_, offsets)) in self.iter().enumerate() {
                all_arrays &= container::encode(offsets, &mut body);
                let end = ((body.len() - start) as u32).to_le_bytes();
                if let Some(slot) = body.get_mut(table + at * 4..table + at * 4 + 4) {
                    slot.copy_from_slice(&end);
                }
            }
            postings_bytes = body.len() - start;
            flags |= HAS_POSTINGS | if all_arrays { ALL_ARRAYS } else { 0 };
        }
        if slices > 0 {
            let start = body.len();
            body.resize(start + slices * WORD_BYTES, 0);
            if let Some(area) = body.get_mut(start..) {
                self.write_slices(area);
            }
        }
        touched.iter().for_each(|offset| body.extend_from_slice(&offset.to_le_bytes()));

        let mut bytes = Vec::with_capacity(HEADER + body.len());
        bytes.extend_from_slice(&[MAGIC, VERSION, flags, slices as u8]);
        let lengths = [
            self.values.len(),
            present,
            self.offsets.len(),
            touched.len(),
            width,
            presence_bytes,
            keys_bytes,
            postings_bytes,
            0,
        ];
        lengths.iter().for_each(|&length| bytes.extend_from_slice(&(length as u32).to_le_bytes()));
        bytes.extend_from_slice(&xxh3_64(&body).to_le_bytes());
        let sum = header_sum(key, &bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        bytes.extend_from_slice(&body);
        bytes
    }

    /// Sets the bits of each document's code.
    fn write_slices(&self, area: &mut [u8]) {
        for (rank, (_, offsets)) in self.iter().enumerate() {
            let code = rank + 1;
            for (at, slice) in area.chunks_exact_mut(WORD_BYTES).enumerate() {
                if code >> at & 1 == 1 {
                    for &offset in offsets {
                        if let Some(byte) = slice.get_mut(usize::from(offset >> 3)) {
                            *byte |= 1 << (offset & 7);
                        }
                    }
                }
            }
        }
    }
}

/// The first bytes of a value as a number of the same order, so that most comparisons need no more.
fn first_bytes(value: &[u8]) -> u64 {
    let mut eight = [0; 8];
    eight.iter_mut().zip(value).for_each(|(slot, byte)| *slot = *byte);
    u64::from_be_bytes(eight)
}

/// A block with newer values in place of those of the documents that changed: the base, then deltas, the oldest first.
///
/// # Errors
/// If stored bytes are damaged.
pub fn merge<'a>(base: Option<&BlockView<'a>>, delta: Option<&BlockView<'a>>) -> Result<Grouped<'a>, IndexError> {
    let mut merged = Grouped::default();
    if let Some(base) = base {
        base.verify()?;
        merged = Grouped::from_block(base);
    }
    if let Some(delta) = delta {
        delta.verify()?;
        let mut touched = [0; WORDS];
        delta.touched().for_each(|offset| bits::insert(&mut touched, offset));
        merged = merged.replaced_by(&touched, &Grouped::from_block(delta));
    }
    Ok(merged)
}
