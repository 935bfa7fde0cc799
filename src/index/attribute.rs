//! The attribute index: the blocks of all properties in one database, with deltas for what changed since they were
//! written.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use heed::types::Bytes;
use heed::{Database, RoTxn, RwTxn};
use rayon::prelude::*;

use crate::contact::ContactView;
use crate::ids::Block;
use crate::index::IndexError;
use crate::index::bits::{self, WORDS};
use crate::index::block::BlockView;
use crate::index::build::{Grouped, merge};
use crate::index::changes::{BlockChanges, PropertyChanges, RowChange};
use crate::index::property::{BlockKey, FieldKinds, Part, PropertyId, read_block_key};

/// Where one layout gives way to another. Answers are the same with any of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy {
    /// A delta grows to this many documents; then it is merged into its base.
    pub delta_documents: usize,
    /// Bases of at most this many bytes are always rewritten: a delta would save nothing.
    pub small_base: usize,
    /// A property with slices keeps postings too while it has at most this many values in a block: beyond, slices
    /// answer everything that is asked of it.
    pub postings_beside_slices: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Policy { delta_documents: 512, small_base: 16 << 10, postings_beside_slices: 1024 }
    }
}

/// Changes are looked through in pieces of this many, in parallel.
const PIECE: usize = 8192;

/// The attribute index of a workspace.
///
/// Cheap to make: it holds a database handle and the types of fields.
#[derive(Clone, Debug)]
pub struct AttributeIndex {
    database: Database<'static, Bytes, Bytes>,
    kinds: FieldKinds,
    policy: Policy,
}

/// The stored parts of one block of one property, in place.
#[derive(Clone, Copy, Debug)]
pub struct BlockPair<'t> {
    /// Which documents.
    pub block: Block,
    /// All values as they were last written whole.
    pub base: Option<BlockView<'t>>,
    /// What changed since.
    pub delta: Option<BlockView<'t>>,
}

/// All blocks of a property that hold anything, ascending.
pub type PropertyBlocks<'t> = Vec<BlockPair<'t>>;

/// Space that a property takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PropertySpace {
    /// Which property.
    pub property: PropertyId,
    /// Bytes of bases.
    pub base_bytes: u64,
    /// Bytes of deltas.
    pub delta_bytes: u64,
}

/// One block to write: what is stored, and what happened to it in order.
struct Job<'t> {
    property: PropertyId,
    block: Block,
    base: Option<&'t [u8]>,
    delta: Option<&'t [u8]>,
    changes: PropertyChanges,
}

/// New values by property and block: what a batch of changes does to the index, found without looking into it.
#[derive(Debug)]
pub struct Gathered(BTreeMap<(PropertyId, Block), PropertyChanges>);

impl Gathered {
    /// What these changes do, which must be ascending by document, one for each.
    ///
    /// Cost: a comparison for each value that did not change, in parallel.
    pub fn of<V: ContactView + Sync>(changes: &[RowChange<V>], kinds: &FieldKinds) -> Self {
        let pieces: Vec<&[RowChange<V>]> = changes
            .chunk_by(|a, b| a.document.block() == b.document.block())
            .flat_map(|block| block.chunks(PIECE))
            .collect();
        let found: Vec<(Block, BlockChanges)> = pieces
            .par_iter()
            .map(|piece| {
                let block = piece.first().map_or(Block(0), |change| change.document.block());
                (block, BlockChanges::of(piece, kinds))
            })
            .collect();
        let mut by_block = BTreeMap::<(PropertyId, Block), PropertyChanges>::new();
        for (block, changes) in found {
            for (property, changes) in changes.into_properties() {
                match by_block.entry((property, block)) {
                    Entry::Vacant(slot) => {
                        slot.insert(changes);
                    }
                    Entry::Occupied(mut slot) => slot.get_mut().append(&changes),
                }
            }
        }
        Gathered(by_block)
    }
}

/// What becomes of a part: `None` leaves it, `Some(None)` deletes it.
type Rewrite = Option<Option<Vec<u8>>>;

impl AttributeIndex {
    /// The index kept in this database. The types of fields must be those of the rows that are written.
    pub fn new(database: Database<'static, Bytes, Bytes>, kinds: FieldKinds) -> Self {
        AttributeIndex { database, kinds, policy: Policy::default() }
    }

    /// The same with another policy: for measuring and for tests.
    pub fn with_policy(self, policy: Policy) -> Self {
        AttributeIndex { policy, ..self }
    }

    /// The types of fields that it goes by.
    pub fn kinds(&self) -> &FieldKinds {
        &self.kinds
    }

    /// Brings the index from the contacts before to the contacts after, in this transaction.
    ///
    /// Changes must be ascending by document, one for each. A block of a property is rewritten at most once, and only
    /// if more than a few of its documents changed; otherwise a small delta is kept beside it. Values that did not
    /// change cost a comparison.
    ///
    /// # Errors
    /// If the store fails or stored bytes are damaged; the transaction should then be aborted.
    pub fn apply<V: ContactView + Sync>(
        &self,
        wtxn: &mut RwTxn<'_>,
        changes: &[RowChange<V>],
    ) -> Result<(), IndexError> {
        self.apply_gathered(wtxn, Gathered::of(changes, &self.kinds))
    }

    /// The second half of [`AttributeIndex::apply`]: writes what was gathered, with the same types of fields.
    ///
    /// # Errors
    /// As for [`AttributeIndex::apply`].
    pub fn apply_gathered(&self, wtxn: &mut RwTxn<'_>, gathered: Gathered) -> Result<(), IndexError> {
        let written = {
            let mut jobs = Vec::with_capacity(gathered.0.len());
            for ((property, block), changes) in gathered.0 {
                let base = self.database.get(wtxn, &property.block_key(block, Part::Base)[..])?;
                let delta = self.database.get(wtxn, &property.block_key(block, Part::Delta)[..])?;
                jobs.push(Job { property, block, base, delta, changes });
            }
            jobs.into_par_iter().map(|job| self.rewrite(&job)).collect::<Result<Vec<_>, _>>()?
        };
        for (key, value) in written.into_iter().flatten() {
            self.write(wtxn, &key, value)?;
        }
        Ok(())
    }

    /// The parts of a block after its changes.
    fn rewrite(&self, job: &Job<'_>) -> Result<[(BlockKey, Rewrite); 2], IndexError> {
        let base_key = job.property.block_key(job.block, Part::Base);
        let delta_key = job.property.block_key(job.block, Part::Delta);
        let base = job.base.map(|bytes| BlockView::parse(&base_key, bytes)).transpose()?;
        let delta = job.delta.map(|bytes| BlockView::parse(&delta_key, bytes)).transpose()?;
        let mut touched = [0; WORDS];
        job.changes.touched.iter().for_each(|&offset| bits::insert(&mut touched, offset));
        let newer = Grouped::from_entries(&job.changes.entries);
        let slices = self.slices(job.property);

        let mut all_touched = touched;
        if let Some(delta) = &delta {
            delta.touched().for_each(|offset| bits::insert(&mut all_touched, offset));
        }
        let small = base.as_ref().is_none_or(|base| base.bytes() <= self.policy.small_base);
        if !small && bits::count(&all_touched) as usize <= self.policy.delta_documents {
            let mut offsets = Vec::new();
            bits::for_each(&all_touched, |offset| {
                offsets.push(offset);
                true
            });
            let older = match &delta {
                Some(delta) => {
                    delta.verify()?;
                    Grouped::from_block(delta)
                }
                None => Grouped::default(),
            };
            let bytes = older.replaced_by(&touched, &newer).encode(&delta_key, slices, &offsets);
            return Ok([(base_key, None), (delta_key, Some(Some(bytes)))]);
        }
        let merged = if base.is_none() && delta.is_none() {
            newer
        } else {
            merge(base.as_ref(), delta.as_ref())?.replaced_by(&touched, &newer)
        };
        let bytes = (!merged.is_empty()).then(|| merged.encode(&base_key, slices, &[]));
        Ok([(base_key, Some(bytes)), (delta_key, delta.is_some().then_some(None))])
    }

    /// Whether a property gets slices, and up to how many values postings beside them.
    fn slices(&self, property: PropertyId) -> Option<usize> {
        property.has_ranges(&self.kinds).then_some(self.policy.postings_beside_slices)
    }

    fn write(&self, wtxn: &mut RwTxn<'_>, key: &BlockKey, value: Rewrite) -> Result<(), IndexError> {
        match value {
            None => {}
            Some(None) => {
                self.database.delete(wtxn, &key[..])?;
            }
            Some(Some(bytes)) => self.database.put(wtxn, &key[..], &bytes)?,
        }
        Ok(())
    }

    /// Merges every delta into its base. Costs a rewrite of each block that has one.
    ///
    /// # Errors
    /// If the store fails or stored bytes are damaged.
    pub fn merge_all(&self, wtxn: &mut RwTxn<'_>) -> Result<u64, IndexError> {
        let mut waiting = Vec::new();
        for item in self.database.iter(wtxn)? {
            let (key, _) = item?;
            if let Some((property, block, true)) = read_block_key(key) {
                waiting.push((property, block));
            }
        }
        for &(property, block) in &waiting {
            let written = {
                let pair = self.block(wtxn, property, block)?;
                let key = property.block_key(block, Part::Base);
                let merged = merge(pair.base.as_ref(), pair.delta.as_ref())?;
                (!merged.is_empty()).then(|| merged.encode(&key, self.slices(property), &[]))
            };
            self.write(wtxn, &property.block_key(block, Part::Base), Some(written))?;
            self.write(wtxn, &property.block_key(block, Part::Delta), Some(None))?;
        }
        Ok(waiting.len() as u64)
    }

    /// Takes everything out: before rows are indexed anew.
    ///
    /// # Errors
    /// If the store fails.
    pub fn clear(&self, wtxn: &mut RwTxn<'_>) -> Result<(), IndexError> {
        Ok(self.database.clear(wtxn)?)
    }

    /// Takes the values of one property out: before a field of another type is indexed anew, or when it is gone.
    ///
    /// # Errors
    /// If the store fails.
    pub fn clear_property(&self, wtxn: &mut RwTxn<'_>, property: PropertyId) -> Result<(), IndexError> {
        let mut keys = Vec::new();
        for item in self.database.prefix_iter(wtxn, &property.prefix()[..])? {
            keys.push(item?.0.to_vec());
        }
        for key in keys {
            self.database.delete(wtxn, &key)?;
        }
        Ok(())
    }

    /// One block of a property.
    ///
    /// # Errors
    /// If the store fails or a header is damaged.
    pub fn block<'t>(
        &self,
        rtxn: &'t RoTxn<'_>,
        property: PropertyId,
        block: Block,
    ) -> Result<BlockPair<'t>, IndexError> {
        let part = |part: Part| -> Result<Option<BlockView<'t>>, IndexError> {
            let key = property.block_key(block, part);
            self.database.get(rtxn, &key[..])?.map(|bytes| BlockView::parse(&key, bytes)).transpose()
        };
        Ok(BlockPair { block, base: part(Part::Base)?, delta: part(Part::Delta)? })
    }

    /// All blocks of a property, found with one cursor. Costs a fraction of a microsecond per block.
    ///
    /// # Errors
    /// If the store fails or a header is damaged.
    pub fn blocks<'t>(&self, rtxn: &'t RoTxn<'_>, property: PropertyId) -> Result<PropertyBlocks<'t>, IndexError> {
        let mut blocks: PropertyBlocks<'t> = Vec::new();
        for item in self.database.prefix_iter(rtxn, &property.prefix()[..])? {
            let (key, bytes) = item?;
            let Some((_, block, is_delta)) = read_block_key(key) else { continue };
            let view = BlockView::parse(key, bytes)?;
            if blocks.last().is_none_or(|last| last.block != block) {
                blocks.push(BlockPair { block, base: None, delta: None });
            }
            if let Some(last) = blocks.last_mut() {
                *(if is_delta { &mut last.delta } else { &mut last.base }) = Some(view);
            }
        }
        Ok(blocks)
    }

    /// Bytes by property. Costs a pass over all keys.
    ///
    /// # Errors
    /// If the store fails.
    pub fn space(&self, rtxn: &RoTxn<'_>) -> Result<Vec<PropertySpace>, IndexError> {
        let mut spaces: Vec<PropertySpace> = Vec::new();
        for item in self.database.iter(rtxn)? {
            let (key, bytes) = item?;
            let Some((property, _, is_delta)) = read_block_key(key) else { continue };
            if spaces.last().is_none_or(|last| last.property != property) {
                spaces.push(PropertySpace { property, base_bytes: 0, delta_bytes: 0 });
            }
            if let Some(last) = spaces.last_mut() {
                *(if is_delta { &mut last.delta_bytes } else { &mut last.base_bytes }) += bytes.len() as u64;
            }
        }
        Ok(spaces)
    }

    /// Verifies every checksum, and calls `visit` with each stored pair of property, value's key and document, deltas
    /// merged: for comparing with the rows. Costs a pass over everything.
    ///
    /// # Errors
    /// If the store fails or stored bytes are damaged.
    pub fn verify(
        &self,
        rtxn: &RoTxn<'_>,
        mut visit: impl FnMut(PropertyId, &[u8], crate::ids::DocumentNumber),
    ) -> Result<(), IndexError> {
        let mut last = None;
        for item in self.database.iter(rtxn)? {
            let (key, _) = item?;
            let (property, block, _) =
                read_block_key(key).ok_or_else(|| crate::index::block::damaged(key, "a key is of no known form"))?;
            if last == Some((property, block)) {
                continue;
            }
            last = Some((property, block));
            let pair = self.block(rtxn, property, block)?;
            for (value, offsets) in merge(pair.base.as_ref(), pair.delta.as_ref())?.iter() {
                offsets.iter().for_each(|&offset| visit(property, value, block.document(offset)));
            }
        }
        Ok(())
    }
}
