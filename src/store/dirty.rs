//! Documents whose indexed text changed since the text index last saw them.
//!
//! The set has two halves. Changes go to `current`. A run of the indexer first moves `current` into `flushing`, in a
//! small transaction of its own; then it takes a snapshot, commits what it read from it to the text index, and last
//! clears `flushing` and raises the generation in one transaction. A document that changes meanwhile is in `current`
//! again. A reader's dirty set is the union. A run that dies leaves `flushing`, and the next one takes it along.
//!
//! ```text
//! dirty    half u8 (0 current, 1 flushing), block u16 (big-endian)  →  container (see `container`)
//! ```

use std::collections::BTreeSet;

use roaring::RoaringBitmap;

use super::codec::Tag;
use super::container::{Container, Words, encode_words, set, zeros};
use super::error::{Damage, StoreError};
use super::snapshot::{Transaction, View, damaged};
use super::sorted;
use super::tables::between;
use crate::ids::Block;

const DIRTY: &str = "dirty";
const SALT: u64 = Tag::Dirty as u64;

#[derive(Clone, Copy, Debug)]
#[repr(u8)]
enum Half {
    Current = 0,
    Flushing = 1,
}

fn key(half: Half, block: Block) -> [u8; 3] {
    let [high, low] = block.0.to_be_bytes();
    [half as u8, high, low]
}

impl View<'_> {
    /// Documents that the text index may be wrong about: their rows must be asked instead.
    ///
    /// # Errors
    /// If a stored value is damaged.
    pub fn dirty(self) -> Result<RoaringBitmap, StoreError> {
        Ok(self.half(Half::Current)? | self.half(Half::Flushing)?)
    }

    /// Documents that a run of the indexer has to bring to the text index.
    ///
    /// # Errors
    /// If a stored value is damaged.
    pub fn flushing(self) -> Result<RoaringBitmap, StoreError> {
        self.half(Half::Flushing)
    }

    fn half(self, half: Half) -> Result<RoaringBitmap, StoreError> {
        let mut documents = RoaringBitmap::new();
        for entry in self.tables.dirty.prefix_iter(self.txn, &[half as u8])? {
            let (key, value) = entry?;
            let read = || -> Result<_, Damage> {
                let &[_, high, low] = key else {
                    return Err(Damage::Malformed("its key is not a half and a block"));
                };
                Ok((Block(u16::from_be_bytes([high, low])), Container::open(SALT, key, value)?))
            };
            let (block, container) = read().map_err(|damage| damaged(DIRTY, format!("{key:02x?}"), damage))?;
            container.add_to(block, &mut documents);
        }
        Ok(documents)
    }

    fn dirty_block(self, half: Half, block: Block, words: &mut Words) -> Result<(), StoreError> {
        let key = key(half, block);
        if let Some(value) = self.tables.dirty.get(self.txn, &key)? {
            Container::open(SALT, &key, value)
                .map_err(|damage| damaged(DIRTY, format!("{half:?} {block:?}"), damage))?
                .union_into(words);
        }
        Ok(())
    }
}

impl Transaction<'_> {
    /// Notes documents whose indexed text changed, or that were created or deleted; ascending, each once.
    ///
    /// Cost: a few microseconds for each block.
    ///
    /// # Errors
    /// If a stored value is damaged, or the store cannot be written.
    pub fn mark_dirty(&mut self, documents: &[u32]) -> Result<(), StoreError> {
        debug_assert!(sorted::is_set(documents), "documents ascend, each once");
        let mut words = zeros();
        let mut rest = documents;
        while let Some(block) = sorted::first_block(rest, &[]) {
            let now;
            (now, rest) = sorted::split_block(rest, block);
            words.fill(0);
            self.view().dirty_block(Half::Current, block, &mut words)?;
            now.iter().for_each(|&document| set(&mut words, document as u16));
            self.put_dirty(Half::Current, block, &words)?;
        }
        Ok(())
    }

    /// Begins a run of the indexer: everything dirty so far is flushing now.
    ///
    /// # Errors
    /// If a stored value is damaged, or the store cannot be written.
    pub fn begin_index_run(&mut self) -> Result<(), StoreError> {
        let blocks: BTreeSet<u16> =
            self.view().half(Half::Current)?.iter().map(|document| (document >> 16) as u16).collect();
        let mut words = zeros();
        for block in blocks.into_iter().map(Block) {
            words.fill(0);
            self.view().dirty_block(Half::Current, block, &mut words)?;
            self.view().dirty_block(Half::Flushing, block, &mut words)?;
            self.put_dirty(Half::Flushing, block, &words)?;
        }
        self.clear_half(Half::Current)
    }

    /// Ends a run of the indexer: the text index of this generation has everything that was flushing.
    ///
    /// The generation must be above both the store's and that of any commit to the text index before, or a reader could
    /// pair this store with a text index that lacks something.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the generation is not above the store's.
    pub fn finish_index_run(&mut self, generation: u64) -> Result<(), StoreError> {
        if generation <= self.state.generation {
            return Err(StoreError::Conflict { what: "a text index of this generation is counted on already" });
        }
        self.state.generation = generation;
        self.clear_half(Half::Flushing)
    }

    fn clear_half(&mut self, half: Half) -> Result<(), StoreError> {
        let (first, last) = (key(half, Block(0)), key(half, Block(u16::MAX)));
        self.tables.dirty.delete_range(&mut self.txn, &between(&first, &last))?;
        Ok(())
    }

    fn put_dirty(&mut self, half: Half, block: Block, words: &Words) -> Result<(), StoreError> {
        let key = key(half, block);
        self.scratch.clear();
        encode_words(SALT, &key, words, &mut self.scratch);
        Ok(self.tables.dirty.put(&mut self.txn, &key, &self.scratch)?)
    }
}
