//! The nearest and the outermost values of a property: what the clock asks.
//!
//! Dictionaries may still hold values that a delta has replaced: what is given here is a value that some contact has or
//! had. The clock may then wake for nothing, but never too late.

use heed::RoTxn;

use crate::index::attribute::AttributeIndex;
use crate::index::block::BlockView;
use crate::index::{IndexError, PropertyId};

/// The smallest and the largest key of a property.
pub type KeyExtent = (Box<[u8]>, Box<[u8]>);

impl AttributeIndex {
    /// The smallest key of a property that is not below this one.
    ///
    /// Cost: a binary search for each block.
    ///
    /// # Errors
    /// If the store fails or stored bytes are damaged.
    pub fn first_key(
        &self,
        rtxn: &RoTxn<'_>,
        property: PropertyId,
        key: &[u8],
    ) -> Result<Option<Box<[u8]>>, IndexError> {
        let blocks = self.blocks(rtxn, property)?;
        let views = blocks.iter().flat_map(|pair| pair.base.iter().chain(&pair.delta));
        let nearest = views.filter_map(|view| value_at(view, view.rank(key))).min();
        Ok(nearest.map(Into::into))
    }

    /// The smallest and the largest key of a property.
    ///
    /// Cost: a look-up for each block.
    ///
    /// # Errors
    /// If the store fails or stored bytes are damaged.
    pub fn extent(&self, rtxn: &RoTxn<'_>, property: PropertyId) -> Result<Option<KeyExtent>, IndexError> {
        let blocks = self.blocks(rtxn, property)?;
        let views = || blocks.iter().flat_map(|pair| pair.base.iter().chain(&pair.delta));
        let low = views().filter_map(|view| value_at(view, 0)).min();
        let high = views().filter_map(|view| value_at(view, view.values().checked_sub(1)?)).max();
        Ok(low.zip(high).map(|(low, high)| (low.into(), high.into())))
    }
}

fn value_at<'t>(view: &BlockView<'t>, rank: u32) -> Option<&'t [u8]> {
    (rank < view.values()).then(|| view.value(rank))
}
