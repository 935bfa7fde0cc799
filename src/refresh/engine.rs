//! The engine: a table of groups at a moment, and evaluation of changes in parallel.

use std::sync::Mutex;

use rayon::prelude::*;

use crate::contact::ContactView;
use crate::ids::DocumentNumber;
use crate::refresh::arena::Rank;
use crate::refresh::change::{Counters, Flips, Memberships, NoMemberships, RowChange};
use crate::refresh::live::Frame;
use crate::refresh::matcher::Moving;
use crate::refresh::moment::Moment;
use crate::refresh::scratch::{BATCH, Layout, Scratch, Sink, WordMoves};
use crate::refresh::table::Table;

/// Which smart groups changed contacts enter and leave.
///
/// An engine is a [`Table`] of groups seen at a [`Moment`]. It holds no memberships: what a contact was in before a
/// change follows from what it was. It is shared between threads; its working memory is kept from call to call.
#[derive(Debug)]
pub struct Engine {
    table: Table,
    moment: Moment,
    /// By source.
    moving: Vec<Moving>,
    scratch: ScratchPool,
}

/// Moves of groups, and what it took to find them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Outcome {
    /// The groups that someone entered or left, ascending.
    pub flips: Vec<Flips>,
    /// What was done.
    pub counters: Counters,
}

/// Working memory for as many threads as have been at work at once.
#[derive(Default)]
pub(super) struct ScratchPool(Mutex<Vec<Scratch>>);

impl std::fmt::Debug for ScratchPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ScratchPool")
    }
}

impl ScratchPool {
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Scratch) -> T) -> T {
        // Memory of a thread that panicked is as good as any: every batch begins by laying out its own.
        let pop = || self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop();
        let mut scratch = pop().unwrap_or_default();
        let done = work(&mut scratch);
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(scratch);
        done
    }
}

impl Engine {
    /// The table's groups at that moment.
    ///
    /// Cost: one calendar computation for each relative bound and anniversary.
    pub fn new(table: Table, moment: Moment) -> Self {
        let moving = table.parts.sources.iter().map(|entry| entry.matcher.moving(&moment)).collect();
        Engine { table, moment, moving, scratch: ScratchPool::default() }
    }

    /// The groups.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The moment.
    pub fn moment(&self) -> &Moment {
        &self.moment
    }

    /// Moves to another moment. Nothing is evaluated: see [`clock`](crate::refresh::clock) for what flips meanwhile.
    ///
    /// Cost: as [`Engine::new`], for the sources with relative bounds or anniversaries only.
    pub fn set_now(&mut self, moment: Moment) {
        for (entry, moving) in self.table.parts.sources.iter().zip(&mut self.moving) {
            if entry.matcher.moves() {
                *moving = entry.matcher.moving(&moment);
            }
        }
        self.moment = moment;
    }

    /// Puts another table in place of this one, at the same moment.
    pub fn set_table(&mut self, table: Table) {
        self.moving = table.parts.sources.iter().map(|entry| entry.matcher.moving(&self.moment)).collect();
        self.table = table;
    }

    pub(super) fn frame<'a>(&'a self, memberships: &'a dyn Memberships) -> Frame<'a> {
        Frame { table: &self.table, moving: &self.moving, moment: &self.moment, memberships, courses: None }
    }

    pub(super) fn scratch(&self) -> &ScratchPool {
        &self.scratch
    }

    /// Which groups the changed contacts enter and leave; each contact at most once among the changes.
    ///
    /// Cost: proportional to what changed. Values that no group can tell apart cost a comparison; the rest, one look-up
    /// for each property used by a group that may move, and a few words for each group that does. Batches of
    /// [`BATCH`] contacts run in parallel.
    pub fn apply<V: ContactView + Sync>(&self, changes: &[RowChange<V>]) -> Outcome {
        self.apply_with(changes, &NoMemberships)
    }

    /// The same for a table of which some groups are kept outside; see [`Table::subset`].
    pub fn apply_with<V: ContactView + Sync>(
        &self,
        changes: &[RowChange<V>],
        memberships: &dyn Memberships,
    ) -> Outcome {
        let frame = self.frame(memberships);
        let size = batch_size(changes.len());
        if changes.len() <= size {
            return self.scratch.with(|scratch| apply_batch(scratch, frame, changes));
        }
        let outcomes: Vec<Outcome> = changes
            .par_chunks(size)
            .map(|batch| self.scratch.with(|scratch| apply_batch(scratch, frame, batch)))
            .collect();
        merge(outcomes)
    }
}

/// Fewer contacts than this are not worth a second thread.
const PARALLEL_FROM: usize = 512;

/// Contacts per batch, so that all threads have work.
fn batch_size(changes: usize) -> usize {
    if changes < PARALLEL_FROM {
        return BATCH;
    }
    let share = changes.div_ceil(rayon::current_num_threads());
    share.next_multiple_of(64).min(BATCH)
}

pub(super) fn apply_batch<V: ContactView>(
    scratch: &mut Scratch,
    frame: Frame<'_>,
    changes: &[RowChange<V>],
) -> Outcome {
    let mut counters = Counters::default();
    let mut words: Vec<WordMoves> = std::mem::take(&mut scratch.moves);
    words.clear();
    scratch.evaluate(frame, changes, Layout::Dense, &mut counters, &mut words);
    let flips = documents_of(frame.table, &words, &scratch.documents);
    scratch.moves = words;
    Outcome { flips, counters }
}

impl Sink for Vec<WordMoves> {
    #[inline]
    fn moved(&mut self, rank: Rank, word: usize, entered: u64, left: u64) {
        self.push((rank, word as u32, entered, left));
    }
}

/// Moves by words as moves by document numbers.
fn documents_of(table: &Table, words: &[WordMoves], documents: &[DocumentNumber]) -> Vec<Flips> {
    let mut all = Vec::new();
    for run in words.chunk_by(|(a, ..), (b, ..)| a == b) {
        let group = &table.parts.groups[run[0].0];
        let count = |side: fn(&WordMoves) -> u64| run.iter().map(|moves| side(moves).count_ones() as usize).sum();
        let (entered, left) = (count(|moves| moves.2), count(|moves| moves.3));
        let mut flips = Flips { group: group.id, entered: Vec::with_capacity(entered), left: Vec::with_capacity(left) };
        for &(_, word, entered, left) in run {
            let from = word as usize * 64;
            let of_word = &documents[from..];
            for (mut bits, moved) in [(entered, &mut flips.entered), (left, &mut flips.left)] {
                while bits != 0 {
                    moved.push(of_word[bits.trailing_zeros() as usize]);
                    bits &= bits - 1;
                }
            }
        }
        sort(&mut flips.entered);
        sort(&mut flips.left);
        all.push(flips);
    }
    all.sort_unstable_by_key(|flips| flips.group);
    all
}

/// Mostly they are in order already, which is cheap to see.
fn sort(documents: &mut [DocumentNumber]) {
    if !documents.is_sorted() {
        documents.sort_unstable();
    }
}

/// Puts the outcomes of batches together.
fn merge(outcomes: Vec<Outcome>) -> Outcome {
    let mut counters = Counters::default();
    let mut all: Vec<Flips> = Vec::new();
    for outcome in outcomes {
        counters.add(&outcome.counters);
        all.extend(outcome.flips);
    }
    // Stable, so the batches of a group stay in order.
    all.sort_by_key(|flips| flips.group);
    let mut flips: Vec<Flips> = Vec::new();
    for next in all {
        match flips.last_mut() {
            Some(last) if last.group == next.group => {
                last.entered.extend(next.entered);
                last.left.extend(next.left);
            }
            _ => flips.push(next),
        }
    }
    for flips in &mut flips {
        sort(&mut flips.entered);
        sort(&mut flips.left);
    }
    Outcome { flips, counters }
}
