//! Truth vectors: one bit per live contact and slot, before and after the change.

use crate::refresh::program::{MAX_WORDS, Slot};

/// The vectors of one batch. What lies in them is valid for slots that were laid out for this batch only.
#[derive(Default)]
pub(super) struct Vectors {
    /// Words of each vector.
    pub(super) width: usize,
    before: Vec<u64>,
    /// Valid where `flips` is not zero.
    after: Vec<u64>,
    /// For each slot, the words in which it differs between the two sides.
    flips: Vec<u64>,
    /// Slots with flips, in the order in which they were found.
    pub(super) flipped: Vec<Slot>,
    counts: Vec<u32>,
    order: Vec<u32>,
}

impl Vectors {
    /// Forgets the last batch.
    pub(super) fn reset(&mut self, slots: usize, width: usize) {
        debug_assert!(width <= MAX_WORDS);
        for slot in self.flipped.drain(..) {
            self.flips[slot as usize] = 0;
        }
        self.width = width;
        if self.flips.len() < slots {
            self.flips.resize(slots, 0);
        }
        if self.before.len() < slots * width {
            self.before.resize(slots * width, 0);
            self.after.resize(slots * width, 0);
        }
        // The zero slot.
        self.before[..width].fill(0);
    }

    fn range(&self, slot: Slot) -> std::ops::Range<usize> {
        let from = slot as usize * self.width;
        from..from + self.width
    }

    /// Zeros for a run of slots, on both sides if `both`.
    pub(super) fn lay_out(&mut self, slots: std::ops::Range<Slot>, both: bool) {
        let words = self.range(slots.start).start..self.range(slots.end).start;
        self.before[words.clone()].fill(0);
        if both {
            self.after[words].fill(0);
        }
    }

    #[inline]
    pub(super) fn set_before(&mut self, slot: Slot, bit: usize) {
        let at = self.range(slot).start + bit / 64;
        self.before[at] |= 1 << (bit % 64);
    }

    #[inline]
    pub(super) fn set_after(&mut self, slot: Slot, bit: usize) {
        let at = self.range(slot).start + bit / 64;
        self.after[at] |= 1 << (bit % 64);
    }

    /// Notes that a slot differs in some words.
    #[inline]
    pub(super) fn flip(&mut self, slot: Slot, words: u64) {
        let flips = &mut self.flips[slot as usize];
        if *flips == 0 && words != 0 {
            self.flipped.push(slot);
        }
        *flips |= words;
    }

    #[inline]
    pub(super) fn flips(&self, slot: Slot) -> u64 {
        self.flips[slot as usize]
    }

    #[inline(always)]
    pub(super) fn before(&self, slot: Slot) -> &[u64] {
        let from = slot as usize * self.width;
        &self.before[from..from + self.width]
    }

    /// The vector after the change; where nothing flipped, it is the one before.
    #[inline(always)]
    pub(super) fn after(&self, slot: Slot) -> &[u64] {
        if self.flips(slot) == 0 {
            return self.before(slot);
        }
        let from = slot as usize * self.width;
        &self.after[from..from + self.width]
    }

    /// One word of a vector, before and after.
    #[inline(always)]
    pub(super) fn word(&self, slot: Slot, at: usize) -> (u64, u64) {
        let place = slot as usize * self.width + at;
        let before = self.before[place];
        if self.flips(slot) == 0 { (before, before) } else { (before, self.after[place]) }
    }

    /// Stores the vector of a slot on one side or, with `after`, on both, and notes where the two differ.
    pub(super) fn store(&mut self, slot: Slot, before: &[u64], after: Option<&[u64]>) {
        let range = self.range(slot);
        self.before[range.clone()].copy_from_slice(before);
        if let Some(after) = after {
            let differing = differing_words(before, after);
            self.after[range].copy_from_slice(after);
            self.flip(slot, differing);
        }
    }

    /// Lays out the vectors of sorted bounds: a contact at position p satisfies the first p of them.
    ///
    /// One pass over the contacts to sort them by position, then one over the bounds from the highest down, each
    /// vector being the one above and the contacts whose position is its own.
    pub(super) fn sweep(&mut self, axis: &[Slot], positions: &[u32], side_after: bool) {
        let Vectors { width, before, after, counts, order, .. } = self;
        let width = *width;
        let target = if side_after { after } else { before };
        counts.clear();
        counts.resize(axis.len() + 2, 0);
        for &position in positions {
            counts[position as usize + 1] += 1;
        }
        for at in 1..counts.len() {
            counts[at] += counts[at - 1];
        }
        order.clear();
        order.resize(positions.len(), 0);
        for (bit, &position) in positions.iter().enumerate() {
            let next = &mut counts[position as usize];
            order[*next as usize] = bit as u32;
            *next += 1;
        }
        // Each count is now the end of its run.
        let mut running = [0u64; MAX_WORDS];
        for (at, &slot) in axis.iter().enumerate().rev() {
            for &bit in &order[counts[at] as usize..counts[at + 1] as usize] {
                running[(bit / 64) as usize] |= 1 << (bit % 64);
            }
            let start = slot as usize * width;
            target[start..start + width].copy_from_slice(&running[..width]);
        }
    }
}

/// Bit n: the vectors differ in word n.
pub(super) fn differing_words(a: &[u64], b: &[u64]) -> u64 {
    a.iter().zip(b).enumerate().fold(0, |mask, (at, (a, b))| mask | u64::from(a != b) << at)
}
