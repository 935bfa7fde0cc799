//! Which values a property has at all, from the dictionaries of its blocks.

use std::collections::BTreeSet;

use heed::RoTxn;

use crate::index::IndexError;
use crate::index::attribute::{AttributeIndex, BlockPair};
use crate::index::bits::{self, WORDS};
use crate::index::block::BlockView;
use crate::index::container::Container;
use crate::index::property::PropertyId;

impl AttributeIndex {
    /// Whether some document has the value of this key.
    ///
    /// Cost: a binary search in each block's dictionary.
    ///
    /// # Errors
    /// If the store fails or a header is damaged.
    pub fn has_value(&self, rtxn: &RoTxn<'_>, property: PropertyId, key: &[u8]) -> Result<bool, IndexError> {
        let holds = |view: &BlockView<'_>| {
            let rank = view.rank(key);
            (rank < view.values() && view.value(rank) == key).then_some(rank)
        };
        Ok(self.blocks(rtxn, property)?.iter().any(|pair| {
            pair.delta.as_ref().is_some_and(|delta| holds(delta).is_some())
                || pair.base.as_ref().is_some_and(|base| holds(base).is_some_and(|rank| is_live(pair, base, rank)))
        }))
    }

    /// The keys of all values that documents have, ascending; `None` if there are more than `most` of them to look
    /// through, counted in each block.
    ///
    /// Cost: a comparison or two for each value of each block, at most `most`; nothing much if they are too many.
    ///
    /// # Errors
    /// If the store fails or a header is damaged.
    pub fn distinct_values<'t>(
        &self,
        rtxn: &'t RoTxn<'_>,
        property: PropertyId,
        most: usize,
    ) -> Result<Option<BTreeSet<&'t [u8]>>, IndexError> {
        let blocks = self.blocks(rtxn, property)?;
        let values = |view: &Option<BlockView<'_>>| view.as_ref().map_or(0, |view| view.values() as usize);
        if blocks.iter().map(|pair| values(&pair.base) + values(&pair.delta)).sum::<usize>() > most {
            return Ok(None);
        }
        let mut found = BTreeSet::new();
        for pair in &blocks {
            if let Some(base) = &pair.base {
                found.extend((0..base.values()).filter(|&rank| is_live(pair, base, rank)).map(|rank| base.value(rank)));
            }
            if let Some(delta) = &pair.delta {
                found.extend((0..delta.values()).map(|rank| delta.value(rank)));
            }
        }
        Ok(Some(found))
    }
}

/// Whether some document still has this value of the base: one that the delta does not speak of.
fn is_live(pair: &BlockPair<'_>, base: &BlockView<'_>, rank: u32) -> bool {
    let Some(delta) = pair.delta.as_ref().filter(|_| base.has_postings()) else { return true };
    let documents = base.posting(rank);
    if documents.cardinality() as usize > delta.touched().len() {
        return true;
    }
    let touched: Vec<u16> = delta.touched().collect();
    match documents {
        Container::Array(offsets) => {
            offsets.iter().any(|offset| touched.binary_search(&u16::from_le_bytes(*offset)).is_err())
        }
        Container::Bitmap(..) | Container::Runs(..) => {
            let mut left = [0; WORDS];
            documents.add_to(&mut left);
            touched.iter().for_each(|&offset| bits::remove(&mut left, offset));
            bits::count(&left) > 0
        }
    }
}
