//! Who has each of many identities or addresses: the same answers as one by one, in the order in which pages lie.
//!
//! Buckets are read by ascending hash, and each once; the rows that must confirm by ascending document; and rows are
//! verified in parallel.

use rayon::prelude::*;

use super::contacts::{open_row, urn_hash, uuid_hash};
use super::error::StoreError;
use super::holders::{Hash, Holders};
use super::row::RowView;
use super::snapshot::View;
use crate::ids::{DocumentNumber, Uuid};

impl<'t> View<'t> {
    /// [`View::document_by_uuid`] for many, in their order. The same identity may come more than once.
    ///
    /// Cost: half a microsecond each.
    ///
    /// # Errors
    /// If an entry, or a row that must confirm, is damaged.
    pub fn documents_by_uuids(self, uuids: &[Uuid]) -> Result<Vec<Option<DocumentNumber>>, StoreError> {
        let holders = self.tables.uuid_holders();
        if self.has_whole_keys(holders)? {
            return uuids.iter().map(|&uuid| self.document_by_uuid(uuid)).collect();
        }
        let hashes = uuids.par_iter().map(|&uuid| uuid_hash(uuid)).collect();
        self.find_many(holders, hashes, |at, row| uuids.get(at) == Some(&row.uuid()))
    }

    /// [`View::document_by_urn`] for many, in their order. The same address may come more than once.
    ///
    /// Cost: half a microsecond each.
    ///
    /// # Errors
    /// If an entry, or a row that must confirm, is damaged.
    pub fn documents_by_urns(self, identities: &[String]) -> Result<Vec<Option<DocumentNumber>>, StoreError> {
        let holders = self.tables.urn_holders();
        if self.has_whole_keys(holders)? {
            return identities.iter().map(|identity| self.document_by_urn(identity)).collect();
        }
        let hashes = identities.par_iter().map(|identity| urn_hash(identity)).collect();
        self.find_many(holders, hashes, |at, row| {
            identities.get(at).is_some_and(|identity| row.urns().any(|urn| urn.identity() == *identity))
        })
    }

    fn find_many(
        self,
        holders: Holders,
        hashes: Vec<Hash>,
        confirms: impl Fn(usize, &RowView<'_>) -> bool + Sync,
    ) -> Result<Vec<Option<DocumentNumber>>, StoreError> {
        let mut candidates = self.candidates_of_all(holders, &hashes)?;
        candidates.par_sort_unstable();
        let mut rows = Vec::new();
        for lot in candidates.chunk_by(|(a, _), (b, _)| a == b) {
            let Some(&(document, _)) = lot.first() else { continue };
            rows.push((document, self.row_bytes(document)?, lot));
        }
        let confirmed = rows.par_iter().map(|&(document, bytes, lot)| {
            let row = bytes.map(|bytes| open_row(document, bytes)).transpose()?;
            let is_of = |&(_, at): &(DocumentNumber, usize)| row.as_ref().is_some_and(|row| confirms(at, row));
            Ok(lot.iter().copied().filter(is_of).collect::<Vec<_>>())
        });
        let mut found = vec![None; hashes.len()];
        for (document, at) in confirmed.collect::<Result<Vec<_>, StoreError>>()?.into_iter().flatten() {
            if let Some(slot) = found.get_mut(at) {
                *slot = Some(document);
            }
        }
        Ok(found)
    }

    /// The documents that may hold the key of each hash, with its place.
    fn candidates_of_all(self, holders: Holders, hashes: &[Hash]) -> Result<Vec<(DocumentNumber, usize)>, StoreError> {
        let mut ordered: Vec<(Hash, usize)> = hashes.iter().copied().zip(0..).collect();
        ordered.par_sort_unstable();
        let mut all = Vec::with_capacity(ordered.len());
        for lot in ordered.chunk_by(|(a, _), (b, _)| a == b) {
            let Some(&(hash, _)) = lot.first() else { continue };
            for document in self.candidates(holders, hash)? {
                all.extend(lot.iter().map(|&(_, at)| (document, at)));
            }
        }
        Ok(all)
    }
}
