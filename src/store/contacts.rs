//! Rows, and the tables by which they are found: identities, addresses, sources of changes, tombstones.

use std::ops::RangeInclusive;

use heed::PutFlags;
use smallvec::SmallVec;
use xxhash_rust::xxh3::xxh3_128;

use super::codec::{Tag, seal, unseal};
use super::error::{Damage, StoreError};
use super::row::{self, RowView};
use super::snapshot::{Transaction, View, damaged};
use super::tables::{Table, between};
use crate::ids::{Block, DocumentNumber, Uuid};

const ROWS: &str = "rows";
const UUIDS: &str = "uuids";
const URNS: &str = "urns";
const SOURCES: &str = "sources";
const TOMBSTONES: &str = "tombstones";
const VERSION: u8 = 1;

/// The longest key that LMDB takes, in bytes.
const MAX_KEY: usize = 511;

/// A key made of a text: the text itself, or if it is too long, a byte that no text begins with and a hash. Two long
/// texts of one hash would be taken for one: with 128 bits, that does not happen by chance.
fn text_key(text: &str) -> SmallVec<[u8; 64]> {
    if !text.is_empty() && text.len() <= MAX_KEY {
        return SmallVec::from_slice(text.as_bytes());
    }
    let mut key = SmallVec::from_slice(&[0xFF]);
    key.extend_from_slice(&xxh3_128(text.as_bytes()).to_le_bytes());
    key
}

fn document_of(key: &[u8]) -> Result<DocumentNumber, Damage> {
    let key = key.try_into().map_err(|_| Damage::Malformed("its key is not a document number"))?;
    Ok(DocumentNumber(u32::from_be_bytes(key)))
}

/// The document number that a table of identities or addresses holds.
fn target(tag: Tag, key: &[u8], value: &[u8]) -> Result<DocumentNumber, Damage> {
    let payload = unseal(tag, key, VERSION, value)?;
    let payload = payload.try_into().map_err(|_| Damage::Malformed("it is not a document number"))?;
    Ok(DocumentNumber(u32::from_le_bytes(payload)))
}

fn key_for_people(key: &[u8]) -> String {
    std::str::from_utf8(key).map_or_else(|_| format!("{key:02x?}"), str::to_owned)
}

impl<'t> View<'t> {
    /// A contact's row, verified.
    ///
    /// Cost: one look into the store, about a microsecond, and the checksum.
    ///
    /// # Errors
    /// If the row is damaged.
    pub fn row(self, document: DocumentNumber) -> Result<Option<RowView<'t>>, StoreError> {
        let Some(bytes) = self.row_bytes(document)? else {
            return Ok(None);
        };
        RowView::open(document, bytes).map(Some).map_err(|damage| damaged(ROWS, format!("{document:?}"), damage))
    }

    /// The bytes of a contact's row, not looked at.
    ///
    /// # Errors
    /// If the database refuses.
    pub fn row_bytes(self, document: DocumentNumber) -> Result<Option<&'t [u8]>, StoreError> {
        Ok(self.tables.rows.get(self.txn, &document.0.to_be_bytes())?)
    }

    /// All rows in a range of documents, ascending, as bytes that were not looked at.
    ///
    /// Cost: about 50 ns a row.
    ///
    /// # Errors
    /// If the database refuses.
    pub fn rows(
        self,
        range: RangeInclusive<DocumentNumber>,
    ) -> Result<impl Iterator<Item = Result<(DocumentNumber, &'t [u8]), StoreError>> + use<'t>, StoreError> {
        let (first, last) = (range.start().0.to_be_bytes(), range.end().0.to_be_bytes());
        let entries = self.tables.rows.range(self.txn, &between(&first, &last))?;
        Ok(entries.map(|entry| {
            let (key, value) = entry?;
            let document = document_of(key).map_err(|damage| damaged(ROWS, format!("{key:02x?}"), damage))?;
            Ok((document, value))
        }))
    }

    /// The rows of a block, as bytes to be shared among threads.
    ///
    /// # Errors
    /// If the database refuses.
    pub fn rows_of_block(self, block: Block) -> Result<Vec<(DocumentNumber, &'t [u8])>, StoreError> {
        self.rows(block.document(0)..=block.document(u16::MAX))?.collect()
    }

    /// All rows, ascending and verified. A damaged row is an error in its place; the others follow.
    ///
    /// # Errors
    /// If the database refuses.
    pub fn checked_rows(
        self,
    ) -> Result<impl Iterator<Item = Result<(DocumentNumber, RowView<'t>), StoreError>> + use<'t>, StoreError> {
        Ok(self.rows(DocumentNumber(0)..=DocumentNumber(u32::MAX))?.map(|entry| {
            let (document, bytes) = entry?;
            let row = RowView::open(document, bytes);
            row.map(|row| (document, row)).map_err(|damage| damaged(ROWS, format!("{document:?}"), damage))
        }))
    }

    /// Who has this identity.
    ///
    /// # Errors
    /// If the entry is damaged.
    pub fn document_by_uuid(self, uuid: Uuid) -> Result<Option<DocumentNumber>, StoreError> {
        self.find(self.tables.uuids, UUIDS, Tag::Uuid, &uuid.0)
    }

    /// Who has an identity that begins so, as a text with or without hyphens; nobody if several have, or if the text
    /// is no beginning of an identity.
    ///
    /// # Errors
    /// If the entry is damaged.
    pub fn document_by_beginning(self, beginning: &str) -> Result<Option<DocumentNumber>, StoreError> {
        let digits = || beginning.chars().filter(|&c| c != '-');
        let filled = |with: char| {
            let text: String = digits().chain(std::iter::repeat(with)).take(32).collect();
            // Hyphens stand behind 8, 12, 16 and 20 digits.
            let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| text.get(part).unwrap_or_default());
            Uuid::parse(&parts.join("-"))
        };
        let (Some(first), Some(last)) = (filled('0'), filled('f')) else { return Ok(None) };
        let mut found = None;
        for entry in self.tables.uuids.range(self.txn, &between(&first.0, &last.0))? {
            let (key, value) = entry?;
            let document =
                target(Tag::Uuid, key, value).map_err(|damage| damaged(UUIDS, format!("{key:02x?}"), damage))?;
            if found.replace(document).is_some() {
                return Ok(None);
            }
        }
        Ok(found)
    }

    /// Who holds the address of this identity, which is [`Urn::identity`](crate::value::Urn::identity).
    ///
    /// # Errors
    /// If the entry is damaged.
    pub fn document_by_urn(self, identity: &str) -> Result<Option<DocumentNumber>, StoreError> {
        self.find(self.tables.urns, URNS, Tag::Urn, &text_key(identity))
    }

    fn find(
        self,
        table: Table,
        name: &'static str,
        tag: Tag,
        key: &[u8],
    ) -> Result<Option<DocumentNumber>, StoreError> {
        let Some(value) = table.get(self.txn, key)? else {
            return Ok(None);
        };
        target(tag, key, value).map(Some).map_err(|damage| damaged(name, key_for_people(key), damage))
    }

    /// All identities with their documents, in the order of the identities. A damaged one is an error in its place.
    ///
    /// # Errors
    /// If the database refuses.
    pub fn uuids(
        self,
    ) -> Result<impl Iterator<Item = Result<(Uuid, DocumentNumber), StoreError>> + use<'t>, StoreError> {
        Ok(self.tables.uuids.iter(self.txn)?.map(|entry| {
            let (key, value) = entry?;
            let read = || -> Result<_, Damage> {
                let uuid = key.try_into().map_err(|_| Damage::Malformed("its key is not an identity"))?;
                Ok((Uuid(uuid), target(Tag::Uuid, key, value)?))
            };
            read().map_err(|damage| damaged(UUIDS, format!("{key:02x?}"), damage))
        }))
    }

    /// All keys of addresses with their documents; [`is_key_of_urn`] tells whether a key is that of an address. A damaged
    /// one is an error in its place.
    ///
    /// # Errors
    /// If the database refuses.
    pub fn urns(
        self,
    ) -> Result<impl Iterator<Item = Result<(&'t [u8], DocumentNumber), StoreError>> + use<'t>, StoreError> {
        Ok(self.tables.urns.iter(self.txn)?.map(|entry| {
            let (key, value) = entry?;
            let document = target(Tag::Urn, key, value);
            document.map(|document| (key, document)).map_err(|damage| damaged(URNS, key_for_people(key), damage))
        }))
    }

    /// The last offset that was taken from a source of changes.
    ///
    /// # Errors
    /// If the entry is damaged.
    pub fn source_offset(self, source: &str) -> Result<Option<u64>, StoreError> {
        let key = text_key(source);
        let Some(value) = self.tables.sources.get(self.txn, &key)? else {
            return Ok(None);
        };
        let offset = unseal(Tag::Source, &key, VERSION, value).and_then(|payload| {
            payload.try_into().map(u64::from_le_bytes).map_err(|_| Damage::Malformed("it is not an offset"))
        });
        offset.map(Some).map_err(|damage| damaged(SOURCES, source, damage))
    }

    /// The identity that a deleted contact had, unless it was erased.
    ///
    /// # Errors
    /// If the entry is damaged.
    pub fn tombstone(self, document: DocumentNumber) -> Result<Option<Uuid>, StoreError> {
        let key = document.0.to_be_bytes();
        let Some(value) = self.tables.tombstones.get(self.txn, &key)? else {
            return Ok(None);
        };
        tombstone_of(&key, value).map(Some)
    }

    /// All tombstones, ascending. A damaged one is an error in its place.
    ///
    /// # Errors
    /// If the database refuses.
    pub fn tombstones(
        self,
    ) -> Result<impl Iterator<Item = Result<(DocumentNumber, Uuid), StoreError>> + use<'t>, StoreError> {
        Ok(self.tables.tombstones.iter(self.txn)?.map(|entry| {
            let (key, value) = entry?;
            let document = document_of(key).map_err(|damage| damaged(TOMBSTONES, format!("{key:02x?}"), damage))?;
            Ok((document, tombstone_of(key, value)?))
        }))
    }
}

fn tombstone_of(key: &[u8], value: &[u8]) -> Result<Uuid, StoreError> {
    let uuid = unseal(Tag::Tombstone, key, VERSION, value)
        .and_then(|payload| payload.try_into().map_err(|_| Damage::Malformed("it is not an identity")));
    uuid.map(Uuid).map_err(|damage| damaged(TOMBSTONES, format!("{key:02x?}"), damage))
}

/// Whether a key that [`View::urns`] gives is that of the address of this identity.
pub fn is_key_of_urn(key: &[u8], identity: &str) -> bool {
    key == &text_key(identity)[..]
}

impl Transaction<'_> {
    /// Stores the row of a new document.
    ///
    /// Cost: fastest in ascending order of documents.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the document has a row, [`StoreError::TooLong`] beyond [`row::MAX_LENGTH`].
    pub fn insert_row(&mut self, document: DocumentNumber, bytes: &[u8]) -> Result<(), StoreError> {
        check_length(bytes)?;
        let key = document.0.to_be_bytes();
        match self.tables.rows.put_with_flags(&mut self.txn, PutFlags::NO_OVERWRITE, &key, bytes) {
            Ok(()) => {}
            Err(heed::Error::Mdb(heed::MdbError::KeyExist)) => {
                return Err(StoreError::Conflict { what: "a document number was given out twice" });
            }
            Err(error) => return Err(error.into()),
        }
        self.state.contacts += 1;
        Ok(())
    }

    /// Replaces the row of a document that has one.
    ///
    /// Cost: a few microseconds; a batch in ascending order of documents is fastest.
    ///
    /// # Errors
    /// [`StoreError::TooLong`] beyond [`row::MAX_LENGTH`], or if the store cannot be written.
    pub fn replace_row(&mut self, document: DocumentNumber, bytes: &[u8]) -> Result<(), StoreError> {
        check_length(bytes)?;
        Ok(self.tables.rows.put(&mut self.txn, &document.0.to_be_bytes(), bytes)?)
    }

    /// Takes a row out and says whether there was one. Identity and addresses are the caller's to release.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn delete_row(&mut self, document: DocumentNumber) -> Result<bool, StoreError> {
        let was = self.tables.rows.delete(&mut self.txn, &document.0.to_be_bytes())?;
        self.state.contacts = self.state.contacts.saturating_sub(u64::from(was));
        Ok(was)
    }

    /// Says who has an identity.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if another document has it.
    pub fn claim_uuid(&mut self, uuid: Uuid, document: DocumentNumber) -> Result<(), StoreError> {
        self.claim(self.tables.uuids, UUIDS, Tag::Uuid, &uuid.0, document).map(drop)
    }

    /// Nobody has this identity any more. Does nothing if another document has it.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn release_uuid(&mut self, uuid: Uuid, document: DocumentNumber) -> Result<(), StoreError> {
        self.release(self.tables.uuids, UUIDS, Tag::Uuid, &uuid.0, document).map(drop)
    }

    /// Says who holds the address of this identity, which is [`Urn::identity`](crate::value::Urn::identity). In a batch,
    /// release what is given up before claiming what is taken.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if another document holds it.
    pub fn claim_urn(&mut self, identity: &str, document: DocumentNumber) -> Result<(), StoreError> {
        let is_new = self.claim(self.tables.urns, URNS, Tag::Urn, &text_key(identity), document)?;
        self.state.urns += u64::from(is_new);
        Ok(())
    }

    /// Nobody holds this address any more. Does nothing if another document holds it.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn release_urn(&mut self, identity: &str, document: DocumentNumber) -> Result<(), StoreError> {
        let was = self.release(self.tables.urns, URNS, Tag::Urn, &text_key(identity), document)?;
        self.state.urns = self.state.urns.saturating_sub(u64::from(was));
        Ok(())
    }

    /// Whether the key is new.
    fn claim(
        &mut self,
        table: Table,
        name: &'static str,
        tag: Tag,
        key: &[u8],
        document: DocumentNumber,
    ) -> Result<bool, StoreError> {
        match self.view().find(table, name, tag, key)? {
            Some(holder) if holder == document => Ok(false),
            Some(_) => Err(StoreError::Conflict { what: "another contact has this identity or address" }),
            None => {
                table.put(&mut self.txn, key, &seal(tag, key, VERSION, &document.0.to_le_bytes()))?;
                Ok(true)
            }
        }
    }

    fn release(
        &mut self,
        table: Table,
        name: &'static str,
        tag: Tag,
        key: &[u8],
        document: DocumentNumber,
    ) -> Result<bool, StoreError> {
        if self.view().find(table, name, tag, key)? != Some(document) {
            return Ok(false);
        }
        Ok(table.delete(&mut self.txn, key)?)
    }

    /// Notes the last offset that was taken from a source of changes.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn put_source_offset(&mut self, source: &str, offset: u64) -> Result<(), StoreError> {
        let key = text_key(source);
        let value = seal(Tag::Source, &key, VERSION, &offset.to_le_bytes());
        Ok(self.tables.sources.put(&mut self.txn, &key, &value)?)
    }

    /// Empties the tables of identities and addresses, to be filled again by [`Transaction::restore_lookups`].
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn clear_lookups(&mut self) -> Result<(), StoreError> {
        self.tables.uuids.clear(&mut self.txn)?;
        self.tables.urns.clear(&mut self.txn)?;
        self.state.contacts = 0;
        self.state.urns = 0;
        Ok(())
    }

    /// Enters a row's identity and addresses, and counts it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if another row has one of them.
    pub fn restore_lookups(&mut self, document: DocumentNumber, row: &RowView<'_>) -> Result<(), StoreError> {
        self.claim_uuid(row.uuid(), document)?;
        for urn in row.urns() {
            self.claim_urn(&urn.identity(), document)?;
        }
        self.state.contacts += 1;
        Ok(())
    }

    /// Keeps the identity of a contact that is deleted, for the log.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn put_tombstone(&mut self, document: DocumentNumber, uuid: Uuid) -> Result<(), StoreError> {
        let key = document.0.to_be_bytes();
        if self.tables.tombstones.get(&self.txn, &key)?.is_none() {
            self.state.tombstones += 1;
        }
        Ok(self.tables.tombstones.put(&mut self.txn, &key, &seal(Tag::Tombstone, &key, VERSION, &uuid.0))?)
    }

    /// Forgets the identity of a deleted contact, and says whether it was kept.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn delete_tombstone(&mut self, document: DocumentNumber) -> Result<bool, StoreError> {
        let was = self.tables.tombstones.delete(&mut self.txn, &document.0.to_be_bytes())?;
        self.state.tombstones = self.state.tombstones.saturating_sub(u64::from(was));
        Ok(was)
    }
}

fn check_length(bytes: &[u8]) -> Result<(), StoreError> {
    if bytes.len() > row::MAX_LENGTH {
        return Err(StoreError::TooLong { what: "a contact", length: bytes.len(), limit: row::MAX_LENGTH });
    }
    Ok(())
}
