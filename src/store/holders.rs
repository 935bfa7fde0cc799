//! Who holds an identity or an address: short hashes in buckets.
//!
//! Whole keys in a tree take 50 to 60 bytes a contact, and since they come in no order, a batch touches every page of
//! them. A hash and a document number are 8 bytes, so the same batch touches a fifth of the pages. A hash only narrows
//! down: the row, which has the whole identity, confirms. Of 10 million contacts, one look-up in 400 of something that
//! nobody has reads a row in vain.
//!
//! ```text
//! first hash of the bucket u32 (big-endian; 0 for the first bucket)  →  seal, then per entry: hash u32, document u32
//! ```
//!
//! Entries ascend, and equal hashes are in one bucket; a document whose addresses have equal hashes has an entry for each. The first bucket is always there, if need be
//! empty: it tells the table from those of format 1, which hold whole keys and stay so (`contacts` knows them).

use xxhash_rust::xxh3::xxh3_64;

use super::codec::{SEAL, Tag, begin, finish, seal, unseal};
use super::error::{Damage, StoreError};
use super::snapshot::{Transaction, View, damaged};
use super::tables::{Table, until_error};
use crate::ids::DocumentNumber;

/// The layout of a bucket; whole keys have 1.
const VERSION: u8 = 2;

/// Entries of a bucket at most, so that two fit into a page: only hashes that are all equal can be more.
const MOST: usize = 250;

/// Where more entries come at once than a bucket takes, they are cut into buckets of about so many: with room for some.
const ROOMY: usize = 180;

const ENTRY: usize = 8;

/// The key of the first bucket.
const FIRST: [u8; 4] = [0; 4];

/// What is kept of a key: enough to narrow down to very few rows.
pub(crate) type Hash = u32;

/// The hash of a key.
pub(crate) fn hash_of(key: &[u8]) -> Hash {
    (xxh3_64(key) >> 32) as u32
}

/// A table of holders: which, what damage in it is called, and what its values are sealed with.
#[derive(Clone, Copy)]
pub(crate) struct Holders {
    pub(crate) table: Table,
    pub(crate) name: &'static str,
    pub(crate) tag: Tag,
}

impl Holders {
    /// The entry with which a table of buckets begins.
    pub(crate) fn initial(self) -> ([u8; 4], Vec<u8>) {
        (FIRST, seal(self.tag, &FIRST, VERSION, &[]))
    }
}

/// An entry as one number: they ascend by hash, then by document.
fn entry(hash: Hash, document: DocumentNumber) -> u64 {
    u64::from(hash) << 32 | u64::from(document.0)
}

fn read_entry(entry: u64) -> (Hash, DocumentNumber) {
    ((entry >> 32) as u32, DocumentNumber(entry as u32))
}

/// The entries of a bucket, ascending.
#[derive(Clone, Copy)]
struct Bucket<'t>(&'t [[u8; ENTRY]]);

impl<'t> Bucket<'t> {
    fn open(tag: Tag, key: &[u8], value: &'t [u8]) -> Result<Self, Damage> {
        let (entries, rest) = unseal(tag, key, VERSION, value)?.as_chunks();
        if rest.is_empty() { Ok(Bucket(entries)) } else { Err(Damage::Malformed("an entry is cut off")) }
    }

    fn entries(self) -> impl Iterator<Item = u64> + 't {
        self.0.iter().map(|bytes| u64::from_le_bytes(*bytes))
    }

    /// How many entries are below this one.
    fn below(self, entry: u64) -> usize {
        self.0.partition_point(|bytes| u64::from_le_bytes(*bytes) < entry)
    }
}

/// The entries of a bucket, for whoever reads tables without LMDB; none if it is damaged.
pub(crate) fn bucket_entries(table: &str, key: &[u8], value: &[u8]) -> Vec<(Hash, DocumentNumber)> {
    let tag = if table == "uuids" { Tag::Uuid } else { Tag::Urn };
    Bucket::open(tag, key, value).map_or_else(|_| Vec::new(), |bucket| bucket.entries().map(read_entry).collect())
}

impl<'t> View<'t> {
    /// Whether the table has whole keys, as in format 1.
    pub(crate) fn has_whole_keys(self, holders: Holders) -> Result<bool, StoreError> {
        Ok(holders.table.get(self.txn, &FIRST)?.is_none())
    }

    /// The bucket that a hash belongs to, with its key.
    fn bucket(self, holders: Holders, hash: Hash) -> Result<Option<(Hash, Bucket<'t>)>, StoreError> {
        let Some((key, value)) = holders.table.get_lower_than_or_equal_to(self.txn, &hash.to_be_bytes())? else {
            return Ok(None);
        };
        let read = || -> Result<_, Damage> {
            let first = key.try_into().map_err(|_| Damage::Malformed("its key is not a hash"))?;
            Ok((u32::from_be_bytes(first), Bucket::open(holders.tag, key, value)?))
        };
        read().map(Some).map_err(|damage| damaged(holders.name, format!("{key:02x?}"), damage))
    }

    /// Verifies the bucket that a hash belongs to and the ones beside it: who looks for a bucket whose key is damaged finds
    /// another in its place.
    pub(crate) fn check_buckets_around(self, holders: Holders, hash: Hash) -> Result<(), StoreError> {
        let key = hash.to_be_bytes();
        let (table, txn) = (holders.table, self.txn);
        let at = table.get_lower_than_or_equal_to(txn, &key)?;
        let before = at.map(|(key, _)| table.get_lower_than(txn, key)).transpose()?.flatten();
        let behind = table.get_greater_than(txn, &key)?;
        for (key, value) in [before, at, behind].into_iter().flatten() {
            Bucket::open(holders.tag, key, value)
                .map_err(|damage| damaged(holders.name, format!("{key:02x?}"), damage))?;
        }
        Ok(())
    }

    /// The documents that may hold the key of this hash: rows must tell.
    pub(crate) fn candidates(
        self,
        holders: Holders,
        hash: Hash,
    ) -> Result<impl Iterator<Item = DocumentNumber> + use<'t>, StoreError> {
        let bucket = self.bucket(holders, hash)?.map_or(Bucket(&[]), |(_, bucket)| bucket);
        let from = bucket.below(entry(hash, DocumentNumber(0)));
        let entries = bucket.entries().skip(from).map(read_entry);
        Ok(entries.take_while(move |(other, _)| *other == hash).map(|(_, document)| document))
    }

    /// All entries, ascending by hash. A damaged bucket is an error in its place.
    pub(crate) fn all_holders(
        self,
        holders: Holders,
    ) -> Result<impl Iterator<Item = Result<(Hash, DocumentNumber), StoreError>> + use<'t>, StoreError> {
        Ok(until_error(holders.table.iter(self.txn)?).flat_map(move |item| {
            let opened = item.map_err(StoreError::from).and_then(|(key, value)| {
                Bucket::open(holders.tag, key, value)
                    .map_err(|damage| damaged(holders.name, format!("{key:02x?}"), damage))
            });
            let (bucket, error) = match opened {
                Ok(bucket) => (bucket, None),
                Err(error) => (Bucket(&[]), Some(Err(error))),
            };
            bucket.entries().map(|entry| Ok(read_entry(entry))).chain(error)
        }))
    }
}

impl Transaction<'_> {
    /// Adds an entry.
    pub(crate) fn add_holder(
        &mut self,
        holders: Holders,
        hash: Hash,
        document: DocumentNumber,
    ) -> Result<(), StoreError> {
        let added = entry(hash, document);
        let (first, entries) = match self.view().bucket(holders, hash)? {
            Some((first, bucket)) => {
                let mut entries = Vec::with_capacity(bucket.0.len() + 1);
                entries.extend(bucket.entries());
                entries.insert(bucket.below(added), added);
                (first, entries)
            }
            None => (0, vec![added]),
        };
        self.put_parts(holders, first, &entries)
    }

    /// Adds many entries at once: each bucket is written once.
    pub(crate) fn add_holders(
        &mut self,
        holders: Holders,
        mut added: Vec<(Hash, DocumentNumber)>,
    ) -> Result<(), StoreError> {
        added.sort_unstable();
        let added: Vec<u64> = added.into_iter().map(|(hash, document)| entry(hash, document)).collect();
        let mut rest = &added[..];
        while let Some(&next) = rest.first() {
            let (first, mut entries) = match self.view().bucket(holders, read_entry(next).0)? {
                Some((first, bucket)) => (first, bucket.entries().collect()),
                None => (0, Vec::new()),
            };
            // All that are below the bucket behind this one.
            let behind = holders.table.get_greater_than(&self.txn, &first.to_be_bytes())?;
            let end = match behind.and_then(|(key, _)| key.try_into().ok()) {
                Some(key) => {
                    let end = entry(u32::from_be_bytes(key), DocumentNumber(0));
                    rest.partition_point(|&entry| entry < end)
                }
                None => rest.len(),
            };
            let (now, later) = rest.split_at(end.max(1));
            rest = later;
            entries.extend_from_slice(now);
            entries.sort_unstable();
            self.put_parts(holders, first, &entries)?;
        }
        Ok(())
    }

    /// Writes a bucket, cut into as many as are needed.
    fn put_parts(&mut self, holders: Holders, first: Hash, entries: &[u64]) -> Result<(), StoreError> {
        let length =
            if entries.len() <= MOST { entries.len() } else { entries.len().div_ceil(entries.len() / ROOMY + 1) };
        let (mut first, mut rest) = (first, entries);
        loop {
            let mut end = length.min(rest.len());
            // Equal hashes stay together.
            while let (Some(&last), Some(&next)) = (rest.get(end.wrapping_sub(1)), rest.get(end))
                && read_entry(last).0 == read_entry(next).0
            {
                end += 1;
            }
            let (now, later) = rest.split_at(end);
            self.put_bucket(holders, first, now)?;
            let Some(&next) = later.first() else { return Ok(()) };
            (first, rest) = (read_entry(next).0, later);
        }
    }

    /// Takes one entry out, and says whether there was one.
    pub(crate) fn remove_holder(
        &mut self,
        holders: Holders,
        hash: Hash,
        document: DocumentNumber,
    ) -> Result<bool, StoreError> {
        let removed = entry(hash, document);
        let Some((first, bucket)) = self.view().bucket(holders, hash)? else { return Ok(false) };
        let mut entries: Vec<u64> = bucket.entries().collect();
        let Ok(at) = entries.binary_search(&removed) else { return Ok(false) };
        entries.remove(at);
        if entries.is_empty() && first != 0 {
            holders.table.delete(&mut self.txn, &first.to_be_bytes())?;
        } else {
            self.put_bucket(holders, first, &entries)?;
        }
        Ok(true)
    }

    fn put_bucket(&mut self, holders: Holders, first: Hash, entries: &[u64]) -> Result<(), StoreError> {
        let key = first.to_be_bytes();
        let mut value = std::mem::take(&mut self.scratch);
        value.clear();
        value.reserve(SEAL + entries.len() * ENTRY);
        let start = begin(&mut value, VERSION);
        entries.iter().for_each(|entry| value.extend_from_slice(&entry.to_le_bytes()));
        finish(&mut value, start, holders.tag, &key);
        let put = holders.table.put(&mut self.txn, &key, &value);
        self.scratch = value;
        Ok(put?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::store::tests::new_store;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Few hashes, so that many are equal; enough entries for buckets to part.
        #[test]
        fn holders_are_those_that_were_added_and_not_removed(
            steps in prop::collection::vec((any::<bool>(), prop_oneof![0u32..40, any::<u32>()], 0u32..60), 0..1500),
            filler in 0u32..1200,
        ) {
            let (_folder, store) = new_store();
            let mut transaction = store.write().unwrap();
            let holders = transaction.tables.uuid_holders();
            let mut model = Vec::new();
            for (adds, hash, document) in steps {
                let document = DocumentNumber(document);
                if adds {
                    transaction.add_holder(holders, hash, document).unwrap();
                    model.push((hash, document));
                } else {
                    let was = transaction.remove_holder(holders, hash, document).unwrap();
                    let at = model.iter().position(|&known| known == (hash, document));
                    prop_assert_eq!(was, at.is_some());
                    at.map(|at| model.swap_remove(at));
                }
            }
            let fill: Vec<_> = (0..filler)
                .map(|number| (number.wrapping_mul(0x9E37_79B9) / (number % 3 * 1000 + 1), DocumentNumber(number)))
                .collect();
            transaction.add_holders(holders, fill.clone()).unwrap();
            model.extend(fill);
            model.sort();
            let view = transaction.view();
            for item in holders.table.iter(&transaction.txn).unwrap().skip(1) {
                let (key, value) = item.unwrap();
                let bucket = Bucket::open(holders.tag, key, value).unwrap();
                let hashes: Vec<_> = bucket.entries().map(|entry| read_entry(entry).0).collect();
                prop_assert!(!hashes.is_empty() && hashes.iter().all(|hash| hash.to_be_bytes().as_slice() >= key));
            }
            let all: Vec<_> = view.all_holders(holders).unwrap().map(Result::unwrap).collect();
            prop_assert_eq!(&all, &model);
            for hash in model.iter().map(|(hash, _)| *hash).chain(0..40) {
                let found: Vec<_> = view.candidates(holders, hash).unwrap().collect();
                let expected: Vec<_> =
                    model.iter().filter(|(other, _)| *other == hash).map(|(_, document)| *document).collect();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
