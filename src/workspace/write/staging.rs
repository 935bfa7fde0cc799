//! The contacts that a batch has touched so far: each line sees the ones before it, and nothing is written until the
//! whole batch is known.

use rustc_hash::FxHashMap;

use crate::contact::{Contact, ContactView};
use crate::ids::{DocumentNumber, Uuid};
use crate::store::RowView;
use crate::value::Urn;

/// A contact as it was before the batch and as it will be after.
#[derive(Debug, Default)]
pub(crate) struct Staged {
    /// The row before the batch; `None` if the contact is new.
    pub(crate) before: Option<Vec<u8>>,
    /// The contact after the lines so far; `None` once deleted.
    pub(crate) after: Option<Contact>,
    /// Whether a line changed it at all.
    pub(crate) touched: bool,
}

impl Staged {
    /// A contact as the store has it.
    pub(crate) fn loaded(row: &RowView<'_>) -> Self {
        Staged { before: Some(row.bytes().to_vec()), after: Some(row.to_contact()), touched: false }
    }
}

/// What the store answers for contacts that the batch has not touched.
pub(crate) trait Stored {
    /// Errors of the store.
    type Error;
    /// The document of an identity.
    fn by_uuid(&self, uuid: Uuid) -> Result<Option<DocumentNumber>, Self::Error>;
    /// The document that holds an address.
    fn by_urn(&self, identity: &str) -> Result<Option<DocumentNumber>, Self::Error>;
}

/// All contacts touched so far, and the identities and addresses that moved among them.
#[derive(Default, Debug)]
pub(crate) struct Staging {
    contacts: FxHashMap<DocumentNumber, Box<Staged>>,
    /// Identities given out or freed in this batch.
    uuids: FxHashMap<Uuid, Option<DocumentNumber>>,
    /// Addresses taken or freed in this batch.
    urns: FxHashMap<String, Option<DocumentNumber>>,
}

impl Staging {
    pub(crate) fn is_empty(&self) -> bool {
        self.contacts.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.contacts.len()
    }

    pub(crate) fn documents(&self) -> impl Iterator<Item = DocumentNumber> {
        self.contacts.keys().copied()
    }

    pub(crate) fn holds(&self, document: DocumentNumber) -> bool {
        self.contacts.contains_key(&document)
    }

    pub(crate) fn by_uuid<S: Stored>(&self, stored: &S, uuid: Uuid) -> Result<Option<DocumentNumber>, S::Error> {
        self.known_uuid(uuid).map_or_else(|| stored.by_uuid(uuid), Ok)
    }

    pub(crate) fn by_urn<S: Stored>(&self, stored: &S, urn: &Urn) -> Result<Option<DocumentNumber>, S::Error> {
        let identity = urn.identity();
        self.known_urn(&identity).map_or_else(|| stored.by_urn(&identity), Ok)
    }

    /// Who has an identity, if this batch gave it out or freed it; otherwise the store knows.
    pub(crate) fn known_uuid(&self, uuid: Uuid) -> Option<Option<DocumentNumber>> {
        self.uuids.get(&uuid).copied()
    }

    /// Who holds the address of this identity, if this batch gave it out or freed it; otherwise the store knows.
    pub(crate) fn known_urn(&self, identity: &str) -> Option<Option<DocumentNumber>> {
        self.urns.get(identity).copied()
    }

    /// Brings a contact in.
    pub(crate) fn put(&mut self, document: DocumentNumber, staged: impl Into<Box<Staged>>) {
        self.contacts.insert(document, staged.into());
    }

    /// Takes a contact out that somebody works on, to be [`put`](Self::put) back.
    pub(crate) fn take(&mut self, document: DocumentNumber) -> Option<Box<Staged>> {
        self.contacts.remove(&document)
    }

    /// A new contact, with the identities of its addresses; they and its own must be free.
    pub(crate) fn create(&mut self, document: DocumentNumber, contact: Contact, identities: Vec<String>) {
        self.uuids.insert(contact.uuid, Some(document));
        self.urns.extend(identities.into_iter().map(|identity| (identity, Some(document))));
        self.put(document, Staged { before: None, after: Some(contact), touched: true });
    }

    /// A contact gave up addresses and took others, told by their identities.
    pub(crate) fn readdress(&mut self, document: DocumentNumber, released: Vec<String>, claimed: Vec<String>) {
        self.urns.extend(released.into_iter().map(|identity| (identity, None)));
        self.urns.extend(claimed.into_iter().map(|identity| (identity, Some(document))));
    }

    /// The contact as it will be, if it exists.
    pub(crate) fn contact(&self, document: DocumentNumber) -> Option<&Contact> {
        self.contacts.get(&document).and_then(|staged| staged.after.as_ref())
    }

    /// Replaces a contact that is staged.
    pub(crate) fn replace(&mut self, document: DocumentNumber, contact: Contact) {
        let Some(staged) = self.contacts.get_mut(&document) else { return };
        if let Some(old) = &staged.after
            && old.urns != contact.urns
        {
            for urn in &old.urns {
                self.urns.insert(urn.identity(), None);
            }
            for urn in &contact.urns {
                self.urns.insert(urn.identity(), Some(document));
            }
        }
        staged.touched |= staged.after.as_ref() != Some(&contact);
        staged.after = Some(contact);
    }

    /// Deletes a contact that is staged, and frees its identity and addresses.
    pub(crate) fn delete(&mut self, document: DocumentNumber) {
        let Some(staged) = self.contacts.get_mut(&document) else { return };
        if let Some(contact) = staged.after.take() {
            self.uuids.insert(contact.uuid, None);
            for urn in &contact.urns {
                self.urns.insert(urn.identity(), None);
            }
        }
        staged.touched = true;
    }

    /// The first address that somebody else holds.
    pub(crate) fn taken<S: Stored>(
        &self,
        stored: &S,
        document: Option<DocumentNumber>,
        urns: &[Urn],
    ) -> Result<Option<(Urn, DocumentNumber)>, S::Error> {
        for urn in urns {
            if let Some(holder) = self.by_urn(stored, urn)?
                && Some(holder) != document
            {
                return Ok(Some((urn.clone(), holder)));
            }
        }
        Ok(None)
    }

    /// Everything that was touched, in order of document number; the staging is empty afterwards.
    pub(crate) fn drain(&mut self) -> Vec<(DocumentNumber, Box<Staged>)> {
        self.uuids.clear();
        self.urns.clear();
        let mut all: Vec<(DocumentNumber, Box<Staged>)> =
            self.contacts.drain().filter(|(_, staged)| staged.touched).collect();
        all.sort_unstable_by_key(|(document, _)| *document);
        all
    }
}
