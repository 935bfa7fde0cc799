//! Sets of documents of one block as 1,024 words of 64 bits, and the loops over them.
//!
//! The loops are plain; [`pulp`] compiles each for every width of vector instructions and picks one at run time.

use crate::ids::BLOCK_SIZE;

/// Words in the set of a block.
pub const WORDS: usize = BLOCK_SIZE / 64;

/// Bytes in the set of a block.
pub const WORD_BYTES: usize = BLOCK_SIZE / 8;

/// A set of documents of one block: bit `offset % 64` of word `offset / 64`.
pub type Words = [u64; WORDS];

/// Runs a loop with the widest vector instructions that the processor has. The closure must be `#[inline(always)]` in
/// effect: small, and calling nothing that is not inlined.
#[inline(always)]
fn vectorised<R>(run: impl FnOnce() -> R) -> R {
    struct Plain<F>(F);
    impl<R, F: FnOnce() -> R> pulp::WithSimd for Plain<F> {
        type Output = R;
        #[inline(always)]
        fn with_simd<S: pulp::Simd>(self, _simd: S) -> R {
            (self.0)()
        }
    }
    pulp::Arch::new().dispatch(Plain(run))
}

/// `set ∩= other`.
pub fn and(set: &mut Words, other: &Words) {
    vectorised(
        #[inline(always)]
        || set.iter_mut().zip(other).for_each(|(word, other)| *word &= other),
    );
}

/// `set −= other`.
pub fn and_not(set: &mut Words, other: &Words) {
    vectorised(
        #[inline(always)]
        || set.iter_mut().zip(other).for_each(|(word, other)| *word &= !other),
    );
}

/// `set ∪= other`.
pub fn or(set: &mut Words, other: &Words) {
    vectorised(
        #[inline(always)]
        || set.iter_mut().zip(other).for_each(|(word, other)| *word |= other),
    );
}

/// How many documents the set has.
pub fn count(set: &Words) -> u32 {
    vectorised(
        #[inline(always)]
        || set.iter().map(|word| word.count_ones()).sum(),
    )
}

/// How many documents both sets have.
pub fn count_and(set: &Words, other: &Words) -> u32 {
    vectorised(
        #[inline(always)]
        || set.iter().zip(other).map(|(word, other)| (word & other).count_ones()).sum(),
    )
}

/// Whether the set is empty.
pub fn is_empty(set: &Words) -> bool {
    // In chunks, so that the loop has no exit inside and still stops early.
    set.chunks(64).all(|chunk| chunk.iter().fold(0, |all, word| all | word) == 0)
}

/// Little-endian words of a stored bitmap. Bytes beyond the block's words, or missing, count as nothing.
#[inline(always)]
fn stored(bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
    bytes.as_chunks::<8>().0.iter().map(|chunk| u64::from_le_bytes(*chunk))
}

/// `set ∪= stored`.
pub fn or_stored(set: &mut Words, bytes: &[u8]) {
    vectorised(
        #[inline(always)]
        || set.iter_mut().zip(stored(bytes)).for_each(|(word, other)| *word |= other),
    );
}

/// `set ∩= stored`, which has all of a block's words.
pub fn and_stored(set: &mut Words, bytes: &[u8]) {
    vectorised(
        #[inline(always)]
        || set.iter_mut().zip(stored(bytes)).for_each(|(word, other)| *word &= other),
    );
}

/// `set −= stored`.
pub fn and_not_stored(set: &mut Words, bytes: &[u8]) {
    vectorised(
        #[inline(always)]
        || set.iter_mut().zip(stored(bytes)).for_each(|(word, other)| *word &= !other),
    );
}

/// `set := stored`.
pub fn copy_stored(set: &mut Words, bytes: &[u8]) {
    set.iter_mut().zip(stored(bytes)).for_each(|(word, other)| *word = other);
}

/// The documents whose code, held in bit slices, is at least `bound`; slice 0 is the lowest bit.
///
/// From the lowest slice up, one operation per slice: a set bit of the bound asks for the slice and the rest, a clear
/// bit is satisfied by the slice alone. Slices below the lowest set bit of the bound cannot matter and are not read.
///
/// Source: Kaser, Lemire: "Compressed bitmap indexes: beyond unions and intersections", on O'Neil and Quass.
pub fn at_least(out: &mut Words, slices: &[u8], bound: u32) {
    let count = slices.len() / WORD_BYTES;
    if bound == 0 {
        return out.fill(u64::MAX);
    }
    if count < 32 && bound >> count != 0 {
        return out.fill(0);
    }
    let first = bound.trailing_zeros() as usize;
    for at in first..count {
        let slice = slices.get(at * WORD_BYTES..(at + 1) * WORD_BYTES).unwrap_or_default();
        if at == first {
            copy_stored(out, slice);
        } else if bound >> at & 1 == 1 {
            and_stored(out, slice);
        } else {
            or_stored(out, slice);
        }
    }
}

/// Calls `visit` with each offset of the set, ascending, until it returns `false`.
pub fn for_each(set: &Words, mut visit: impl FnMut(u16) -> bool) {
    for (at, &word) in set.iter().enumerate() {
        let mut rest = word;
        while rest != 0 {
            let offset = (at as u32) << 6 | rest.trailing_zeros();
            if !visit(offset as u16) {
                return;
            }
            rest &= rest - 1;
        }
    }
}

/// Writes the document numbers of the set, ascending, as far as there is room; `first` is the block's first.
pub fn list(set: &Words, first: u32, out: &mut [u32]) {
    let mut slots = out.iter_mut();
    for (at, &word) in set.iter().enumerate() {
        let start = first | (at as u32) << 6;
        if word == u64::MAX {
            (0..64).zip(slots.by_ref()).for_each(|(bit, slot)| *slot = start | bit);
            continue;
        }
        let mut rest = word;
        while rest != 0
            && let Some(slot) = slots.next()
        {
            *slot = start | rest.trailing_zeros();
            rest &= rest - 1;
        }
    }
}

/// Whether the set has this offset.
pub fn contains(set: &Words, offset: u16) -> bool {
    set[usize::from(offset >> 6)] >> (offset & 63) & 1 == 1
}

/// Adds an offset.
pub fn insert(set: &mut Words, offset: u16) {
    set[usize::from(offset >> 6)] |= 1 << (offset & 63);
}

/// Takes an offset out.
pub fn remove(set: &mut Words, offset: u16) {
    set[usize::from(offset >> 6)] &= !(1 << (offset & 63));
}

/// Adds the offsets from `first` to `last`, both included.
pub fn insert_run(set: &mut Words, first: u16, last: u16) {
    if first > last {
        return;
    }
    let (from, to) = (usize::from(first >> 6), usize::from(last >> 6));
    let head = u64::MAX << (first & 63);
    let tail = u64::MAX >> (63 - (last & 63));
    if from == to {
        set[from] |= head & tail;
    } else {
        set[from] |= head;
        set[from + 1..to].fill(u64::MAX);
        set[to] |= tail;
    }
}

/// Buffers for sets, kept between uses: one per thread that evaluates.
#[derive(Default)]
pub struct Buffers {
    free: Vec<Box<Words>>,
}

impl Buffers {
    /// An empty set.
    pub fn empty(&mut self) -> Box<Words> {
        match self.free.pop() {
            Some(mut words) => {
                words.fill(0);
                words
            }
            None => Box::new([0; WORDS]),
        }
    }

    /// Gives a buffer back.
    pub fn give(&mut self, words: Box<Words>) {
        self.free.push(words);
    }
}
