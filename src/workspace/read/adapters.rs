//! The store as execution sees it: rows and memberships of one moment.

use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;

use crate::exec::{Groups, Rows};
use crate::ids::{Block, DocumentNumber, GroupId, Uuid};
use crate::index::IndexError;
use crate::index::bits::{self, Words};
use crate::store::container::zeros;
use crate::store::{RowView, StoreError, View, open_row};
use crate::workspace::definitions::Definitions;
use crate::workspace::definitions::plans::set_of;

/// Rows of a view.
pub(crate) struct StoreRows<'t>(pub(crate) View<'t>);

impl<'t> Rows for StoreRows<'t> {
    type Found<'a>
        = &'t [u8]
    where
        Self: 'a;
    type View<'a>
        = RowView<'t>
    where
        Self: 'a;

    fn find(&self, document: DocumentNumber) -> Result<Option<&'t [u8]>, IndexError> {
        self.0.row_bytes(document).map_err(unreadable)
    }

    fn open<'a>(document: DocumentNumber, found: &&'t [u8]) -> Result<RowView<'t>, IndexError>
    where
        Self: 'a,
    {
        open_row(document, found).map_err(unreadable)
    }

    fn by_uuid(&self, uuid: Uuid) -> Result<Option<DocumentNumber>, IndexError> {
        self.0.document_by_uuid(uuid).map_err(unreadable)
    }
}

fn unreadable(error: StoreError) -> IndexError {
    IndexError::Source(Box::new(error))
}

/// Members that a tick would leave in each group that it moves: a read at a later moment than the clock sees them
/// without writing.
pub(crate) type Overlay = FxHashMap<GroupId, RoaringBitmap>;

/// Memberships of a view.
pub(crate) struct StoreGroups<'t> {
    pub(crate) view: View<'t>,
    pub(crate) definitions: &'t Definitions,
    /// Whole sets of members, in place of the stored ones.
    pub(crate) overlay: Option<&'t Overlay>,
}

impl Groups for StoreGroups<'_> {
    fn members(&self, group: GroupId, block: Block, set: &mut Words) -> Result<(), IndexError> {
        if let Some(members) = self.overlay.and_then(|overlay| overlay.get(&group)) {
            let (first, last) = (block.document(0).0, block.document(u16::MAX).0);
            members.range(first..=last).for_each(|document| bits::insert(set, document as u16));
            return Ok(());
        }
        // The store replaces what is in the words; here they are added to.
        let mut members = zeros();
        self.view.members_in_block(set_of(group), block, &mut members).map_err(unreadable)?;
        bits::or(set, &members);
        Ok(())
    }

    fn members_of_any(&self, block: Block, set: &mut Words) -> Result<(), IndexError> {
        self.definitions.groups.keys().try_for_each(|&group| self.members(group, block, set))
    }
}
