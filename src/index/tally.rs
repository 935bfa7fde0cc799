//! How many documents have each value of a property, from the dictionaries of its blocks.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use heed::RoTxn;

use crate::index::IndexError;
use crate::index::attribute::{AttributeIndex, BlockPair};
use crate::index::bits::{self, WORDS, Words};
use crate::index::block::BlockView;
use crate::index::property::PropertyId;

/// The values of a part of a block that documents have, each with their number, the lowest first.
struct Counted<'t> {
    view: BlockView<'t>,
    counts: Vec<u32>,
    rank: u32,
}

impl<'t> Counted<'t> {
    /// The values that documents have, but for documents that a newer part speaks of.
    fn of(view: BlockView<'t>, replaced: Option<&Words>) -> Self {
        let is_counted = |offset: u16| replaced.is_none_or(|replaced| !bits::contains(replaced, offset));
        let mut counts = vec![0u32; view.values() as usize];
        if view.has_postings() {
            for (rank, count) in (0..).zip(&mut counts) {
                let documents = view.posting(rank);
                if replaced.is_none() {
                    *count = documents.cardinality();
                } else {
                    documents.for_each(|offset| {
                        *count += u32::from(is_counted(offset));
                        true
                    });
                }
            }
        } else {
            for (offset, code) in (0..=u16::MAX).zip(view.codes()) {
                let rank = (code as usize).checked_sub(1).filter(|_| is_counted(offset));
                if let Some(count) = rank.and_then(|rank| counts.get_mut(rank)) {
                    *count += 1;
                }
            }
        }
        let mut counted = Counted { view, counts, rank: 0 };
        counted.skip_unused();
        counted
    }

    fn skip_unused(&mut self) {
        while self.counts.get(self.rank as usize) == Some(&0) {
            self.rank += 1;
        }
    }

    /// The next value and its number.
    fn next(&mut self) -> Option<(&'t [u8], u64)> {
        let count = *self.counts.get(self.rank as usize)?;
        let value = self.view.value(self.rank);
        self.rank += 1;
        self.skip_unused();
        Some((value, count.into()))
    }

    fn peek(&self) -> Option<&'t [u8]> {
        (self.rank < self.view.values()).then(|| self.view.value(self.rank))
    }
}

/// The documents that a delta speaks of.
fn touched(delta: &BlockView<'_>) -> Box<Words> {
    let mut touched = Box::new([0; WORDS]);
    delta.touched().for_each(|offset| bits::insert(&mut touched, offset));
    touched
}

impl AttributeIndex {
    /// Calls `visit` with each value that documents have, ascending by key, and how many documents have it.
    ///
    /// Cost: a step for each value of each block, and for properties with slices alone a pass over their codes.
    /// Memory: four bytes for each value of each block.
    ///
    /// # Errors
    /// If the store fails or a header is damaged.
    pub fn tally<'t>(
        &self,
        rtxn: &'t RoTxn<'_>,
        property: PropertyId,
        mut visit: impl FnMut(&'t [u8], u64),
    ) -> Result<(), IndexError> {
        let mut parts = Vec::new();
        for BlockPair { base, delta, .. } in self.blocks(rtxn, property)? {
            let replaced = delta.as_ref().map(touched);
            parts.extend(base.map(|base| Counted::of(base, replaced.as_deref())));
            parts.extend(delta.map(|delta| Counted::of(delta, None)));
        }
        let next = |at: usize, part: &Counted<'t>| part.peek().map(|value| Reverse((value, at)));
        let mut order: BinaryHeap<_> = parts.iter().enumerate().filter_map(|(at, part)| next(at, part)).collect();
        let mut current: Option<(&'t [u8], u64)> = None;
        while let Some(Reverse((_, at))) = order.pop() {
            let Some(part) = parts.get_mut(at) else { continue };
            let Some((value, count)) = part.next() else { continue };
            order.extend(next(at, part));
            match &mut current {
                Some((last, total)) if *last == value => *total += count,
                current => {
                    if let Some((last, total)) = current.replace((value, count)) {
                        visit(last, total);
                    }
                }
            }
        }
        if let Some((last, total)) = current {
            visit(last, total);
        }
        Ok(())
    }

    /// How many documents have a value at all.
    ///
    /// Cost: reading the headers of the blocks.
    ///
    /// # Errors
    /// If the store fails or a header is damaged.
    pub fn documents_with(&self, rtxn: &RoTxn<'_>, property: PropertyId) -> Result<u64, IndexError> {
        let mut documents = 0;
        for BlockPair { base, delta, .. } in self.blocks(rtxn, property)? {
            if let Some(base) = base {
                let mut present = Box::new([0; WORDS]);
                base.presence().add_to(&mut present);
                if let Some(delta) = &delta {
                    bits::and_not(&mut present, &touched(delta));
                }
                documents += u64::from(bits::count(&present));
            }
            documents += delta.map_or(0, |delta| u64::from(delta.present()));
        }
        Ok(documents)
    }
}
