//! Rows, and the tables by which they are found: identities, addresses, sources of changes, tombstones.

use std::ops::RangeInclusive;

use heed::PutFlags;
use smallvec::SmallVec;
use xxhash_rust::xxh3::xxh3_128;

use super::codec::{Tag, seal, unseal};
use super::digest::Part;
use super::error::{Damage, StoreError};
use super::holders::{Hash, Holders, hash_of};
use super::row::{self, RowView};
use super::snapshot::{Transaction, View, damaged};
use super::tables::{between, until_error};
use crate::ids::{Block, DocumentNumber, Uuid};

const ROWS: &str = "rows";
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

/// The key of a damaged entry as messages show it: of an address only the scheme, which is nobody's secret.
fn key_for_people(table: &'static str, key: &[u8]) -> String {
    match std::str::from_utf8(key).ok().and_then(|key| key.split_once(':')) {
        Some((scheme, _)) if table == URNS => format!("an address {scheme}:…"),
        _ if table == URNS => "an address".to_owned(),
        _ => format!("{key:02x?}"),
    }
}

/// Verifies the bytes of a row, which [`View::row_bytes`] and [`View::rows`] give: bytes can be shared with other
/// threads, so that many rows are verified in parallel.
///
/// # Errors
/// If the row is damaged.
pub fn open_row(document: DocumentNumber, bytes: &[u8]) -> Result<RowView<'_>, StoreError> {
    RowView::open(document, bytes).map_err(|damage| damaged(ROWS, format!("{document:?}"), damage))
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
        open_row(document, bytes).map(Some)
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
        Ok(until_error(entries).map(|entry| {
            let (key, value) = entry?;
            let document = document_of(key).map_err(|damage| damaged(ROWS, format!("{key:02x?}"), damage))?;
            Ok((document, value))
        }))
    }

    /// The numbers of all documents that have a row, ascending.
    ///
    /// # Errors
    /// If the database refuses.
    pub fn row_documents(self) -> Result<Vec<u32>, StoreError> {
        self.rows(DocumentNumber(0)..=DocumentNumber(u32::MAX))?.map(|entry| Ok(entry?.0.0)).collect()
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
    /// Cost: about a microsecond if nobody has; the row confirms if somebody may have.
    ///
    /// # Errors
    /// If the entry, or a row that must confirm, is damaged.
    pub fn document_by_uuid(self, uuid: Uuid) -> Result<Option<DocumentNumber>, StoreError> {
        self.find(self.tables.uuid_holders(), &uuid.0, |row| row.uuid() == uuid)
    }

    /// Who has an identity that begins so, as a text with or without hyphens; nobody if several have, or if the text
    /// is no beginning of an identity.
    ///
    /// Cost: reads every row, about 0.1 µs each: for people who type what they see, not for programs.
    ///
    /// # Errors
    /// If a row is damaged.
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
        for entry in self.checked_rows()? {
            let (document, row) = entry?;
            if (first..=last).contains(&row.uuid()) && found.replace(document).is_some() {
                return Ok(None);
            }
        }
        Ok(found)
    }

    /// Who holds the address of this identity, which is [`Urn::identity`](crate::value::Urn::identity).
    ///
    /// Cost: as for [`View::document_by_uuid`].
    ///
    /// # Errors
    /// If the entry, or a row that must confirm, is damaged.
    pub fn document_by_urn(self, identity: &str) -> Result<Option<DocumentNumber>, StoreError> {
        self.find(self.tables.urn_holders(), &text_key(identity), |row| {
            row.urns().any(|urn| urn.identity() == identity)
        })
    }

    fn find(
        self,
        holders: Holders,
        key: &[u8],
        confirms: impl Fn(&RowView<'t>) -> bool,
    ) -> Result<Option<DocumentNumber>, StoreError> {
        if self.has_whole_keys(holders)? {
            return self.find_whole(holders, key);
        }
        for document in self.candidates(holders, hash_of(key))? {
            if self.row(document)?.is_some_and(|row| confirms(&row)) {
                return Ok(Some(document));
            }
        }
        Ok(None)
    }

    /// Whether a document holds more addresses of this hash than it has entries: an entry that is found may be that of
    /// another of its addresses.
    fn lacks_an_entry(self, holders: Holders, hash: Hash, document: DocumentNumber) -> Result<bool, StoreError> {
        if self.has_whole_keys(holders)? {
            return Ok(false);
        }
        let entries = self.candidates(holders, hash)?.filter(|&other| other == document).count();
        let row = self.row(document)?;
        let held = row.map_or(0, |row| row.urns().filter(|urn| urn_hash(&urn.identity()) == hash).count());
        Ok(entries < held)
    }

    /// Looks into a table of whole keys.
    fn find_whole(self, holders: Holders, key: &[u8]) -> Result<Option<DocumentNumber>, StoreError> {
        let Some(value) = holders.table.get(self.txn, key)? else {
            return Ok(None);
        };
        let found = target(holders.tag, key, value);
        found.map(Some).map_err(|damage| damaged(holders.name, key_for_people(holders.name, key), damage))
    }

    /// [`View::document_by_uuid`] for a single question: that nobody has the identity is only believed if the entries beside
    /// its place are whole, since who looks for an entry whose key is damaged misses it.
    ///
    /// # Errors
    /// If the entry is damaged, or one beside it.
    pub fn document_by_uuid_or_damage(self, uuid: Uuid) -> Result<Option<DocumentNumber>, StoreError> {
        match self.document_by_uuid(uuid)? {
            Some(document) => Ok(Some(document)),
            None => self.check_neighbours(self.tables.uuid_holders(), &uuid.0).map(|()| None),
        }
    }

    /// [`View::document_by_urn`], in the same way.
    ///
    /// # Errors
    /// If the entry is damaged, or one beside it.
    pub fn document_by_urn_or_damage(self, identity: &str) -> Result<Option<DocumentNumber>, StoreError> {
        match self.document_by_urn(identity)? {
            Some(document) => Ok(Some(document)),
            None => self.check_neighbours(self.tables.urn_holders(), &text_key(identity)).map(|()| None),
        }
    }

    /// Verifies what stands beside the place of a key that was not found.
    fn check_neighbours(self, holders: Holders, key: &[u8]) -> Result<(), StoreError> {
        if !self.has_whole_keys(holders)? {
            return self.check_buckets_around(holders, hash_of(key));
        }
        let beside = [holders.table.get_lower_than(self.txn, key)?, holders.table.get_greater_than(self.txn, key)?];
        for (key, value) in beside.into_iter().flatten() {
            target(holders.tag, key, value)
                .map_err(|damage| damaged(holders.name, key_for_people(holders.name, key), damage))?;
        }
        Ok(())
    }

    /// The hashes of all identities with their documents; [`uuid_hash`] gives the one of an identity. What is damaged is
    /// an error in its place.
    ///
    /// # Errors
    /// If the database refuses.
    pub fn uuids(self) -> Result<HashedHolders<'t>, StoreError> {
        self.hashed(self.tables.uuid_holders())
    }

    /// The hashes of all addresses with their documents; [`urn_hash`] gives the one of an address. What is damaged is an
    /// error in its place.
    ///
    /// # Errors
    /// If the database refuses.
    pub fn urns(self) -> Result<HashedHolders<'t>, StoreError> {
        self.hashed(self.tables.urn_holders())
    }

    fn hashed(self, holders: Holders) -> Result<HashedHolders<'t>, StoreError> {
        if !self.has_whole_keys(holders)? {
            return Ok(Box::new(self.all_holders(holders)?));
        }
        Ok(Box::new(holders.table.iter(self.txn)?.map(move |entry| {
            let (key, value) = entry?;
            let document = target(holders.tag, key, value);
            let found = document.map(|document| (hash_of(key), document));
            found.map_err(|damage| damaged(holders.name, key_for_people(holders.name, key), damage))
        })))
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
        Ok(until_error(self.tables.tombstones.iter(self.txn)?).map(|entry| {
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

/// Hashes with documents, as [`View::uuids`] and [`View::urns`] give them.
pub type HashedHolders<'t> = Box<dyn Iterator<Item = Result<(u32, DocumentNumber), StoreError>> + 't>;

/// The hash under which [`View::uuids`] gives an identity.
pub fn uuid_hash(uuid: Uuid) -> u32 {
    hash_of(&uuid.0)
}

/// The hash under which [`View::urns`] gives the address of this identity.
pub fn urn_hash(identity: &str) -> u32 {
    hash_of(&text_key(identity))
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
            Ok(()) => self.tallies.add(Part::Rows, bytes),
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
        self.keep(Part::Rows, &document.0.to_be_bytes(), bytes).map(drop)
    }

    /// Takes a row out and says whether there was one. Identity and addresses are the caller's to release.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn delete_row(&mut self, document: DocumentNumber) -> Result<bool, StoreError> {
        let was = self.discard(Part::Rows, &document.0.to_be_bytes())?;
        self.state.contacts = self.state.contacts.saturating_sub(u64::from(was));
        Ok(was)
    }

    /// Says who has an identity. The document's row must be there by the time that somebody looks for it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if another document has it.
    pub fn claim_uuid(&mut self, uuid: Uuid, document: DocumentNumber) -> Result<(), StoreError> {
        let holder = self.view().document_by_uuid(uuid)?;
        self.claim(self.tables.uuid_holders(), &uuid.0, holder, document).map(drop)
    }

    /// Nobody has this identity any more. Does nothing if another document has it.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn release_uuid(&mut self, uuid: Uuid, document: DocumentNumber) -> Result<(), StoreError> {
        self.release(self.tables.uuid_holders(), &uuid.0, document).map(drop)
    }

    /// Says who holds the address of this identity, which is [`Urn::identity`](crate::value::Urn::identity). In a batch,
    /// release what is given up before claiming what is taken, and release it while the rows are still as they were.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if another document holds it.
    pub fn claim_urn(&mut self, identity: &str, document: DocumentNumber) -> Result<(), StoreError> {
        let holders = self.tables.urn_holders();
        let mut holder = self.view().document_by_urn(identity)?;
        if holder == Some(document) && self.view().lacks_an_entry(holders, urn_hash(identity), document)? {
            holder = None;
        }
        let is_new = self.claim(holders, &text_key(identity), holder, document)?;
        self.state.urns += u64::from(is_new);
        Ok(())
    }

    /// Nobody holds this address any more. Does nothing if another document holds it.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn release_urn(&mut self, identity: &str, document: DocumentNumber) -> Result<(), StoreError> {
        let was = self.release(self.tables.urn_holders(), &text_key(identity), document)?;
        self.state.urns = self.state.urns.saturating_sub(u64::from(was));
        Ok(())
    }

    /// [`Transaction::claim_uuid`] for many: each bucket is written once.
    ///
    /// # Errors
    /// As for [`Transaction::claim_uuid`].
    pub fn claim_uuids(&mut self, claims: &[(Uuid, DocumentNumber)]) -> Result<(), StoreError> {
        let hashed = claims.iter().map(|(uuid, document)| (uuid_hash(*uuid), *document)).collect();
        for at in self.claim_new(self.tables.uuid_holders(), hashed)? {
            if let Some((uuid, document)) = claims.get(at) {
                self.claim_uuid(*uuid, *document)?;
            }
        }
        Ok(())
    }

    /// [`Transaction::claim_urn`] for many: each bucket is written once.
    ///
    /// # Errors
    /// As for [`Transaction::claim_urn`].
    pub fn claim_urns(&mut self, claims: &[(String, DocumentNumber)]) -> Result<(), StoreError> {
        let hashed = claims.iter().map(|(identity, document)| (urn_hash(identity), *document)).collect();
        let one_by_one = self.claim_new(self.tables.urn_holders(), hashed)?;
        self.state.urns += (claims.len() - one_by_one.len()) as u64;
        for at in one_by_one {
            if let Some((identity, document)) = claims.get(at) {
                self.claim_urn(identity, *document)?;
            }
        }
        Ok(())
    }

    /// Adds the claims whose hash nobody has: nothing can speak against them. Gives the places of the others, which rows
    /// must confirm one by one.
    fn claim_new(&mut self, holders: Holders, claims: Vec<(Hash, DocumentNumber)>) -> Result<Vec<usize>, StoreError> {
        if self.view().has_whole_keys(holders)? {
            return Ok((0..claims.len()).collect());
        }
        let mut ordered: Vec<(Hash, DocumentNumber, usize)> =
            claims.into_iter().enumerate().map(|(at, (hash, document))| (hash, document, at)).collect();
        ordered.sort_unstable();
        let (mut new, mut others) = (Vec::with_capacity(ordered.len()), Vec::new());
        let mut last = None;
        for (hash, document, at) in ordered {
            if last != Some(hash) && self.view().candidates(holders, hash)?.next().is_none() {
                new.push((hash, document));
            } else {
                others.push(at);
            }
            last = Some(hash);
        }
        self.add_holders(holders, new)?;
        Ok(others)
    }

    /// Whether the key is new.
    fn claim(
        &mut self,
        holders: Holders,
        key: &[u8],
        holder: Option<DocumentNumber>,
        document: DocumentNumber,
    ) -> Result<bool, StoreError> {
        match holder {
            Some(holder) if holder == document => return Ok(false),
            Some(_) => return Err(StoreError::Conflict { what: "another contact has this identity or address" }),
            None => {}
        }
        if self.view().has_whole_keys(holders)? {
            let value = seal(holders.tag, key, VERSION, &document.0.to_le_bytes());
            holders.table.put(&mut self.txn, key, &value)?;
        } else {
            self.add_holder(holders, hash_of(key), document)?;
        }
        Ok(true)
    }

    fn release(&mut self, holders: Holders, key: &[u8], document: DocumentNumber) -> Result<bool, StoreError> {
        if !self.view().has_whole_keys(holders)? {
            return self.remove_holder(holders, hash_of(key), document);
        }
        if self.view().find_whole(holders, key)? != Some(document) {
            return Ok(false);
        }
        Ok(holders.table.delete(&mut self.txn, key)?)
    }

    /// Notes the last offset that was taken from a source of changes.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn put_source_offset(&mut self, source: &str, offset: u64) -> Result<(), StoreError> {
        let key = text_key(source);
        let value = seal(Tag::Source, &key, VERSION, &offset.to_le_bytes());
        self.keep(Part::Sources, &key, &value).map(drop)
    }

    /// Empties the tables of identities and addresses, to be filled again by [`Transaction::restore_lookups`].
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn clear_lookups(&mut self) -> Result<(), StoreError> {
        for holders in [self.tables.uuid_holders(), self.tables.urn_holders()] {
            let has_whole_keys = self.view().has_whole_keys(holders)?;
            holders.table.clear(&mut self.txn)?;
            if !has_whole_keys {
                let (key, value) = holders.initial();
                holders.table.put(&mut self.txn, &key, &value)?;
            }
        }
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
        let is_new = self.keep(Part::Tombstones, &key, &seal(Tag::Tombstone, &key, VERSION, &uuid.0))?;
        self.state.tombstones += u64::from(is_new);
        Ok(())
    }

    /// Forgets the identity of a deleted contact, and says whether it was kept.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn delete_tombstone(&mut self, document: DocumentNumber) -> Result<bool, StoreError> {
        let was = self.discard(Part::Tombstones, &document.0.to_be_bytes())?;
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
