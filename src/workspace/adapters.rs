//! The store as execution and refresh see it: rows and memberships of one moment.

use std::cell::RefCell;

use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;

use crate::exec::{Groups, Rows};
use crate::ids::{Block, DocumentNumber, GroupId, Uuid};
use crate::index::bits::Words;
use crate::store::{RowView, StoreError, View};
use crate::workspace::definitions::Definitions;

/// The first thing that went wrong while something infallible was asked.
#[derive(Default, Debug)]
pub(crate) struct Trouble(RefCell<Option<StoreError>>);

impl Trouble {
    fn note<T>(&self, result: Result<T, StoreError>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.0.borrow_mut().get_or_insert(error);
                None
            }
        }
    }

    /// Fails with what was noted: an answer that was made in the meantime is not to be trusted.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        match self.0.borrow_mut().take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

/// Rows of a view.
pub(crate) struct StoreRows<'t> {
    pub(crate) view: View<'t>,
    pub(crate) trouble: Trouble,
}

impl<'t> StoreRows<'t> {
    pub(crate) fn new(view: View<'t>) -> Self {
        StoreRows { view, trouble: Trouble::default() }
    }
}

impl<'t> Rows for StoreRows<'t> {
    type View<'a>
        = RowView<'t>
    where
        Self: 'a;

    fn row(&self, document: DocumentNumber) -> Option<RowView<'t>> {
        self.trouble.note(self.view.row(document)).flatten()
    }

    fn by_uuid(&self, uuid: Uuid) -> Option<DocumentNumber> {
        self.trouble.note(self.view.document_by_uuid(uuid)).flatten()
    }
}

/// Moves that a tick would record, and that a read at a later moment than the clock sees without writing.
pub(crate) type Overlay = FxHashMap<GroupId, RoaringBitmap>;

/// Memberships of a view.
pub(crate) struct StoreGroups<'t> {
    pub(crate) view: View<'t>,
    pub(crate) definitions: &'t Definitions,
    /// Whole sets of members, in place of the stored ones.
    pub(crate) overlay: Option<&'t Overlay>,
    pub(crate) trouble: Trouble,
}

impl<'t> StoreGroups<'t> {
    pub(crate) fn new(view: View<'t>, definitions: &'t Definitions, overlay: Option<&'t Overlay>) -> Self {
        StoreGroups { view, definitions, overlay, trouble: Trouble::default() }
    }

    fn overlaid(&self, group: GroupId) -> Option<&RoaringBitmap> {
        self.overlay.and_then(|overlay| overlay.get(&group))
    }

    fn every_group(&self) -> impl Iterator<Item = GroupId> + '_ {
        self.definitions.groups.keys().copied()
    }
}

impl Groups for StoreGroups<'_> {
    fn members(&self, group: GroupId, block: Block, set: &mut Words) {
        match self.overlaid(group) {
            Some(members) => {
                let (first, last) = (block.document(0).0, block.document(u16::MAX).0);
                for document in members.range(first..=last) {
                    crate::index::bits::insert(set, document as u16);
                }
            }
            None => {
                // The store replaces what is in the words; here they are added to.
                let mut members = crate::store::container::zeros();
                if self.trouble.note(self.view.members_in_block(group, block, &mut members)).is_some() {
                    crate::index::bits::or(set, &members);
                }
            }
        }
    }

    fn members_of_any(&self, block: Block, set: &mut Words) {
        for group in self.every_group() {
            self.members(group, block, set);
        }
    }

    fn count(&self, group: GroupId) -> u64 {
        match self.overlaid(group) {
            Some(members) => members.len(),
            None => self.trouble.note(self.view.member_count(group)).unwrap_or_default(),
        }
    }

    fn contains(&self, group: Option<GroupId>, document: DocumentNumber) -> bool {
        match group {
            None => self.every_group().any(|group| self.contains(Some(group), document)),
            Some(group) => match self.overlaid(group) {
                Some(members) => members.contains(document.0),
                None => self.trouble.note(self.view.is_member(group, document)).unwrap_or_default(),
            },
        }
    }
}
