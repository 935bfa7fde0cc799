//! Filling groups: all members among given contacts, by the same evaluation as for changes, with nothing before.

use rayon::prelude::*;
use roaring::RoaringBitmap;

use crate::contact::ContactView;
use crate::ids::{BLOCK_SIZE, Block, DocumentNumber, GroupId};
use crate::plan::atom::LogicalPlan;
use crate::refresh::arena::{Arena, Rank};
use crate::refresh::change::{Counters, Flips, Memberships, RowChange};
use crate::refresh::engine::Engine;
use crate::refresh::scratch::{BATCH, Layout, Scratch, Sink};
use crate::refresh::table::{Table, TableError};

/// Members of groups.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Filled {
    /// The members of each group that has any, by group ascending.
    pub members: Vec<(GroupId, RoaringBitmap)>,
    /// What was done.
    pub counters: Counters,
}

/// Words of a block.
const BLOCK_WORDS: usize = BLOCK_SIZE / 64;

/// Documents of one block: bit `offset % 64` of word `offset / 64`.
pub type BlockWords = [u64; BLOCK_WORDS];

/// Members of groups within one block, as words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlockFill {
    /// Which block.
    pub block: Block,
    /// The members of each group that has any there, by group ascending.
    pub members: Vec<(GroupId, Box<BlockWords>)>,
    /// What was done.
    pub counters: Counters,
}

/// Members within one block, by rank of the group.
struct BlockMembers {
    words: Arena<Rank, Option<Box<BlockWords>>>,
    /// The first word of the run at hand.
    base: usize,
}

impl Sink for BlockMembers {
    #[inline]
    fn moved(&mut self, rank: Rank, word: usize, entered: u64, _left: u64) {
        let words = self.words[rank].get_or_insert_with(|| Box::new([0; BLOCK_WORDS]));
        words[self.base + word] |= entered;
    }
}

impl Engine {
    /// The members of all groups of the table among the contacts of one block, which come ascending by document
    /// number; contacts of other blocks are passed over.
    ///
    /// Groups that the table leaves outside are asked for, on [`Side::After`](crate::refresh::Side::After).
    ///
    /// Cost: one look-up for each value that some group looks at, and one pass over the expression of each group for
    /// 64 contacts at a time. Memory: 8 KiB for each group that has a member in the block.
    pub fn fill_block<V: ContactView>(
        &self,
        block: Block,
        rows: impl Iterator<Item = (DocumentNumber, V)>,
        memberships: &dyn Memberships,
    ) -> Filled {
        let BlockFill { members, counters, .. } = self.fill_block_words(block, rows, memberships);
        let mut bytes = vec![0u8; BLOCK_SIZE / 8];
        let bitmap = |words: Box<BlockWords>| {
            for (bytes, word) in bytes.chunks_exact_mut(8).zip(words.iter()) {
                bytes.copy_from_slice(&word.to_le_bytes());
            }
            RoaringBitmap::from_lsb0_bytes(block.document(0).0, &bytes)
        };
        let (ids, words): (Vec<GroupId>, Vec<Box<BlockWords>>) = members.into_iter().unzip();
        Filled { members: ids.into_iter().zip(words.into_iter().map(bitmap)).collect(), counters }
    }

    /// [`Engine::fill_block`] with the members as words, for whoever stores them that way.
    pub fn fill_block_words<V: ContactView>(
        &self,
        block: Block,
        rows: impl Iterator<Item = (DocumentNumber, V)>,
        memberships: &dyn Memberships,
    ) -> BlockFill {
        self.scratch().with(|scratch| self.fill_block_in(scratch, block, rows, memberships))
    }

    fn fill_block_in<V: ContactView>(
        &self,
        scratch: &mut Scratch,
        block: Block,
        rows: impl Iterator<Item = (DocumentNumber, V)>,
        memberships: &dyn Memberships,
    ) -> BlockFill {
        let frame = self.frame(memberships);
        let mut members = BlockMembers { words: Arena::default(), base: 0 };
        members.words.grow(self.table().parts.groups.len(), || None);
        let mut counters = Counters::default();
        let mut run: Vec<RowChange<V>> = Vec::with_capacity(BATCH);
        let mut evaluate = |run: &mut Vec<RowChange<V>>| {
            if let Some(first) = run.first() {
                members.base = usize::from(first.document.offset()) / BATCH * (BATCH / 64);
                scratch.evaluate(frame, run, Layout::Aligned, &mut counters, &mut members);
                run.clear();
            }
        };
        let run_of = |document: DocumentNumber| document.0 as usize / BATCH;
        for (document, row) in rows.filter(|(document, _)| document.block() == block) {
            if run.last().is_some_and(|last| run_of(last.document) != run_of(document)) {
                evaluate(&mut run);
            }
            run.push(RowChange { document, before: None, after: Some(row) });
        }
        evaluate(&mut run);

        let ids = self.table().parts.groups.iter().map(|group| group.id);
        let mut filled: Vec<(GroupId, Box<BlockWords>)> =
            ids.zip(members.words.into_items()).filter_map(|(id, words)| Some((id, words?))).collect();
        filled.sort_unstable_by_key(|&(id, _)| id);
        BlockFill { block, members: filled, counters }
    }

    /// The members of all groups of the table among the contacts of many blocks, in parallel: `rows` gives those of a
    /// block, as for [`Engine::fill_block`].
    pub fn fill<V: ContactView, I: Iterator<Item = (DocumentNumber, V)>>(
        &self,
        blocks: &[Block],
        rows: impl Fn(Block) -> I + Sync,
        memberships: &dyn Memberships,
    ) -> Filled {
        let filled: Vec<Filled> =
            blocks.par_iter().map(|&block| self.fill_block(block, rows(block), memberships)).collect();
        let mut counters = Counters::default();
        let mut all: Vec<(GroupId, RoaringBitmap)> = Vec::new();
        for of_block in filled {
            counters.add(&of_block.counters);
            all.extend(of_block.members);
        }
        all.sort_by_key(|&(id, _)| id);
        let mut members: Vec<(GroupId, RoaringBitmap)> = Vec::new();
        for (id, bitmap) in all {
            match members.last_mut() {
                Some((last, whole)) if *last == id => *whole |= bitmap,
                _ => members.push((id, bitmap)),
            }
        }
        Filled { members, counters }
    }
}

/// A group's query replaced by another, to see who would move: it, and the groups that refer to it.
#[derive(Debug)]
pub struct Edit {
    old: Engine,
    new: Engine,
}

impl Edit {
    /// What replacing the plan of `group` in the engine's table would do.
    ///
    /// Errors: [`TableError`] if the groups cannot be put into one table.
    pub fn new(engine: &Engine, group: GroupId, plan: LogicalPlan) -> Result<Self, TableError> {
        let edited = engine.table().with(group, plan)?;
        let part = |table: &Table, affected: &Table| -> Result<Engine, TableError> {
            Ok(Engine::new(table.subset(&affected.closure(group))?, engine.moment().clone()))
        };
        Ok(Edit { old: part(engine.table(), &edited)?, new: part(&edited, &edited)? })
    }

    /// Who of the contacts of a block would enter and leave, by group ascending; as for [`Engine::fill_block`]. Groups
    /// outside are those that the ones at hand refer to and that do not refer to the edited one.
    pub fn block<V: ContactView>(
        &self,
        block: Block,
        rows: impl Iterator<Item = (DocumentNumber, V)> + Clone,
        memberships: &dyn Memberships,
    ) -> Vec<Flips> {
        let was = self.old.fill_block(block, rows.clone(), memberships).members;
        let is = self.new.fill_block(block, rows, memberships).members;
        let empty = RoaringBitmap::new();
        let of = |members: &'_ [(GroupId, RoaringBitmap)], group: GroupId| {
            let at = members.binary_search_by_key(&group, |&(id, _)| id).ok();
            at.and_then(|at| members.get(at)).map_or_else(|| empty.clone(), |(_, bitmap)| bitmap.clone())
        };
        let mut groups: Vec<GroupId> = self.new.table().groups().collect();
        groups.sort_unstable();
        let flips = groups.into_iter().map(|group| {
            let (was, is) = (of(&was, group), of(&is, group));
            let documents = |bitmap: RoaringBitmap| bitmap.into_iter().map(DocumentNumber).collect::<Vec<_>>();
            Flips { group, entered: documents(&is - &was), left: documents(was - is) }
        });
        flips.filter(|flips| !flips.entered.is_empty() || !flips.left.is_empty()).collect()
    }
}
