//! Members of groups computed from nothing: of a few groups by their queries, of many by one pass over all contacts.
//!
//! A query goes through the indexes to its members, in a millisecond or so for a million contacts. The engine evaluates
//! all groups at once over every row, which it reads once for all of them: from [`ENGINE_FROM`] groups on it is the
//! faster way. Both give the same.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use crate::ids::{BLOCK_SIZE, Block, DocumentNumber, GroupId};
use crate::refresh::fill::{BlockFill, BlockWords};
use crate::refresh::{Engine, Moment, order};
use crate::store::container::zeros;
use crate::store::{BlockList, Cause, LogDraft, MemberSet, RowView, StoreError, View};
use crate::workspace::Workspace;
use crate::workspace::definitions::plans::StoredMembers;
use crate::workspace::error::WorkspaceError;
use crate::workspace::write::writer::Writer;

/// As many groups are filled by the engine.
///
/// Measured with generated groups over a million contacts, in processor time, members and log stored: by queries
/// 1.2 ms a group; by the engine 1.5 s for the rows and 0.8 ms a group. The engine's share runs in parallel throughout.
pub(crate) const ENGINE_FROM: usize = 2048;

/// Bytes of members that one pass of the engine may hold in memory.
const PASS_BYTES: usize = 256 << 20;

/// Groups of one pass at least, however many contacts there are.
const PASS_GROUPS: usize = 64;

/// When groups are filled in one transaction with the edit, and when in several after it. Work is counted in contacts
/// times groups.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FillPolicy {
    /// Up to this much work is done at once, with the edit.
    pub at_once: u64,
    /// Work of one transaction otherwise.
    pub step: u64,
    /// Whether [`Workspace::write`] goes on until the groups that it deferred are filled. If not, they wait for
    /// [`Workspace::fill_pending`] or [`Workspace::fill_step`], and keep their active queries until then.
    pub finish: bool,
}

impl Default for FillPolicy {
    /// At once up to a thousand groups of two million contacts; above, in steps of a second or so.
    fn default() -> Self {
        FillPolicy { at_once: 2_000_000_000, step: 1_000_000_000, finish: true }
    }
}

/// How groups were filled in this process, and from how many on by the engine.
#[derive(Debug)]
pub(crate) struct Fills {
    /// Groups filled by their queries.
    pub(crate) by_query: AtomicU64,
    /// Groups filled by the engine.
    pub(crate) by_engine: AtomicU64,
    engine_from: AtomicUsize,
    policy: Mutex<FillPolicy>,
}

impl Fills {
    pub(crate) fn policy(&self) -> MutexGuard<'_, FillPolicy> {
        self.policy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Fills {
    fn default() -> Self {
        Fills {
            by_query: AtomicU64::new(0),
            by_engine: AtomicU64::new(0),
            engine_from: AtomicUsize::new(ENGINE_FROM),
            policy: Mutex::new(FillPolicy::default()),
        }
    }
}

/// Groups that were filled since the workspace was opened, by the way in which they were.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FillCounters {
    /// By their queries, one by one.
    pub by_query: u64,
    /// By the engine, all at once.
    pub by_engine: u64,
}

impl Workspace {
    /// How many groups were filled through this value, and how.
    #[doc(hidden)]
    pub fn fill_counters(&self) -> FillCounters {
        FillCounters {
            by_query: self.fills.by_query.load(Ordering::Relaxed),
            by_engine: self.fills.by_engine.load(Ordering::Relaxed),
        }
    }

    /// From how many groups on the engine fills them, in one pass over all contacts; fewer are filled by their queries.
    /// What comes of it is the same. A measured number unless set.
    #[doc(hidden)]
    pub fn fill_by_engine_from(&self, groups: usize) {
        self.fills.engine_from.store(groups, Ordering::Relaxed);
    }

    pub(crate) fn engine_from(&self) -> usize {
        self.fills.engine_from.load(Ordering::Relaxed)
    }
}

/// The groups that each group's query refers to.
type References = BTreeMap<GroupId, Vec<GroupId>>;

/// Members of one group, by block ascending.
type MemberBlocks = Vec<(Block, Box<BlockWords>)>;

impl Writer<'_> {
    /// Computes the members of these groups and of all that depend on them anew, and records who moved.
    ///
    /// Cost: the lesser of one search for each group and one pass over all rows; then a write for each block of members
    /// that changed.
    pub(crate) fn refill(&mut self, groups: &[GroupId]) -> Result<(), WorkspaceError> {
        let (references, sequence) = self.references_in_order()?;
        let mut due: BTreeSet<GroupId> = groups.iter().copied().collect();
        let mut ordered = Vec::new();
        for group in sequence {
            let depends = references.get(&group).is_some_and(|on| on.iter().any(|id| due.contains(id)));
            if depends || due.contains(&group) {
                due.insert(group);
                ordered.push(group);
            }
        }
        let mut draft = LogDraft::default();
        if ordered.len() < self.workspace.engine_from() {
            ordered.iter().try_for_each(|&group| self.fill_by_query(group, &mut draft))?;
        } else {
            self.fill_by_engine(&ordered, &references, &mut draft)?;
        }
        self.txn.append_draft(self.now(), Cause::Edit, &draft)?;
        self.schedule()
    }

    fn fill_by_query(&mut self, group: GroupId, draft: &mut LogDraft) -> Result<(), WorkspaceError> {
        let Some(query) = self.definitions.groups.get(&group).and_then(|group| group.active.clone()) else {
            return Ok(());
        };
        self.workspace.fills.by_query.fetch_add(1, Ordering::Relaxed);
        let after = self.workspace.active_blocks(self.txn.view(), &self.definitions, (group, &query), self.now())?;
        let blocks: Vec<Block> = self.blocks().collect();
        self.replace_blocks(group, after, &blocks, draft)
    }

    /// Fills groups, each of which comes after those that it refers to, in as few passes as memory allows.
    fn fill_by_engine(
        &mut self,
        groups: &[GroupId],
        references: &References,
        draft: &mut LogDraft,
    ) -> Result<(), WorkspaceError> {
        let blocks: Vec<Block> = self.blocks().collect();
        let per_pass = (PASS_BYTES / (BLOCK_SIZE / 8 * blocks.len().max(1))).max(PASS_GROUPS);
        let whole = self.definitions.engine()?;
        for pass in groups.chunks(per_pass) {
            let table = whole.table().subset(pass).map_err(|error| self.definitions.table_error(error))?;
            let moment = Moment::new(self.now(), self.environment.timezone.clone());
            let engine = Engine::new(table, moment);
            let referred = pass.iter().filter_map(|group| references.get(group)).flatten().copied();
            let outside: BTreeSet<GroupId> =
                referred.filter(|group| engine.table().outside().contains(group)).collect();
            let outside = StoredMembers::load(self.txn.view(), outside)?;
            let mut filled =
                fill_range(self.txn.view(), &engine, DocumentNumber(0)..=DocumentNumber(u32::MAX), &outside)?;
            self.workspace.fills.by_engine.fetch_add(pass.len() as u64, Ordering::Relaxed);
            let mut ids = pass.to_vec();
            ids.sort_unstable();
            for group in ids {
                self.replace_blocks(group, filled.remove(&group).unwrap_or_default(), &blocks, draft)?;
            }
        }
        Ok(())
    }

    /// Puts the members of a group in the place of those that are stored, and tells the draft who moved.
    fn replace_blocks(
        &mut self,
        group: GroupId,
        after: MemberBlocks,
        blocks: &[Block],
        draft: &mut LogDraft,
    ) -> Result<(), WorkspaceError> {
        let set = MemberSet::Active(group);
        if self.txn.view().member_count(set)? == 0 {
            self.txn.replace_member_blocks(set, after.iter().map(|(block, words)| (*block, &**words)))?;
            draft.add_blocks(group, &after, &Vec::new());
            return Ok(());
        }
        let (mut entered, mut left) = (BlockList::new(), BlockList::new());
        let mut changed = MemberBlocks::new();
        let mut after = after.into_iter().peekable();
        for &block in blocks {
            let is = after.next_if(|(of, _)| *of == block).map_or_else(zeros, |(_, words)| words);
            let mut was = zeros();
            self.txn.view().members_in_block(set, block, &mut was)?;
            if is == was {
                continue;
            }
            let mut gone = was.clone();
            gone.iter_mut().zip(is.iter()).for_each(|(word, is)| *word &= !is);
            was.iter_mut().zip(is.iter()).for_each(|(word, is)| *word = is & !*word);
            entered.push((block, was));
            left.push((block, gone));
            changed.push((block, is));
        }
        self.txn.replace_member_blocks(set, changed.iter().map(|(block, words)| (*block, &**words)))?;
        draft.add_blocks(group, &entered, &left);
        Ok(())
    }

    /// All smart groups that are kept exact, each after the groups that it refers to.
    pub(crate) fn smart_groups_in_order(&self) -> Result<Vec<GroupId>, WorkspaceError> {
        self.references_in_order().map(|(_, order)| order)
    }

    /// What each smart group refers to, and an order in which each comes after what it refers to.
    fn references_in_order(&self) -> Result<(References, Vec<GroupId>), WorkspaceError> {
        let references: References =
            self.definitions.plans().map(|(id, plan)| (id, order::references(&plan))).collect();
        let sequence = order::topological(&references).map_err(|cycle| self.named_cycle(&cycle))?;
        Ok((references, sequence))
    }
}

/// The members of all groups of an engine within some documents.
///
/// One thread reads rows, which are slices of the memory map, for as many blocks as there are threads to evaluate them.
pub(crate) fn fill_range(
    view: View<'_>,
    engine: &Engine,
    documents: RangeInclusive<DocumentNumber>,
    outside: &StoredMembers,
) -> Result<BTreeMap<GroupId, MemberBlocks>, WorkspaceError> {
    let (first, last) = (*documents.start(), (*documents.end()).min(DocumentNumber(view.state().next_document)));
    let blocks: Vec<Block> = (first.block().0..=last.block().0).map(Block).collect();
    let mut members: BTreeMap<GroupId, MemberBlocks> = BTreeMap::new();
    for wave in blocks.chunks(rayon::current_num_threads().max(1)) {
        let mut rows = Vec::with_capacity(wave.len());
        for &block in wave {
            let (from, to) = (block.document(0).max(first), block.document(u16::MAX).min(last));
            let of_block: Vec<(DocumentNumber, &[u8])> = view.rows(from..=to)?.collect::<Result<_, StoreError>>()?;
            rows.push((block, of_block));
        }
        let filled: Vec<BlockFill> = rows
            .par_iter()
            .map(|(block, rows)| {
                let rows: Vec<(DocumentNumber, RowView<'_>)> = rows
                    .iter()
                    .map(|&(document, bytes)| {
                        let damaged =
                            |damage| StoreError::Damaged { table: "rows", key: format!("{document:?}"), damage };
                        Ok((document, RowView::open(document, bytes).map_err(damaged)?))
                    })
                    .collect::<Result<_, StoreError>>()?;
                Ok(engine.fill_block_words(*block, rows.iter().map(|(document, row)| (*document, row)), outside))
            })
            .collect::<Result<_, StoreError>>()?;
        for BlockFill { block, members: of_block, .. } in filled {
            for (group, words) in of_block {
                members.entry(group).or_default().push((block, words));
            }
        }
    }
    Ok(members)
}
