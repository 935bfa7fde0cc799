//! One batch: from changed contacts to the moves of every group.

use crate::contact::ContactView;
use crate::ids::DocumentNumber;
use crate::refresh::change::{Counters, RowChange};
use crate::refresh::groups::{NestedMarks, run_group};
use crate::refresh::live::{Entry, Frame, Live, LiveSet};
use crate::refresh::program::{MAX_WORDS, Registers};
use crate::refresh::table::{Table, User};
use crate::refresh::vectors::{Vectors, differing_words};

/// Most contacts in a batch.
pub const BATCH: usize = MAX_WORDS * 64;

/// Where the moves of groups go: a word of contacts at a time.
pub(super) trait Sink {
    /// Of the contacts at `64 * word` and on, those that entered and left the group of that rank. All that is told of
    /// a group in a batch is told in a row.
    fn moved(&mut self, rank: u32, word: usize, entered: u64, left: u64);
}

/// Rank of a group, word, entered, left.
pub(super) type WordMoves = (u32, u32, u64, u64);

/// How the contacts of a batch are laid out in vectors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Layout {
    /// Live contacts one after the other, those that changed alike together.
    Dense,
    /// Each at its document number's place within an aligned run of [`BATCH`] documents, which all are from.
    Aligned,
}

/// Memory of an evaluation, kept from batch to batch.
#[derive(Default)]
pub(super) struct Scratch {
    pub(super) live: LiveSet,
    pub(super) vectors: Vectors,
    /// For each source, the position of each contact among its bounds.
    positions_before: Vec<Vec<u32>>,
    positions_after: Vec<Vec<u32>>,
    pub(super) active_before: Vec<u64>,
    pub(super) active_after: Vec<u64>,
    /// Document numbers by bit.
    pub(super) documents: Vec<DocumentNumber>,
    /// For each leaf, whether its source has flips, so that it has a vector for each side.
    split: Vec<bool>,
    /// For each composite, whether its vector is there.
    pub(super) composed: Vec<bool>,
    pub(super) composed_list: Vec<u32>,
    /// For each group, the words in which it may move.
    pub(super) masks: Vec<u64>,
    pub(super) affected: Vec<u32>,
    pub(super) registers: [Registers; 2],
    pub(super) nested: NestedMarks,
    /// Moves of the batch, by words.
    pub(super) moves: Vec<WordMoves>,
}

impl Scratch {
    /// Evaluates up to [`BATCH`] changes, each of another contact.
    pub(super) fn evaluate<V: ContactView>(
        &mut self,
        frame: Frame<'_>,
        rows: &[RowChange<V>],
        layout: Layout,
        counters: &mut Counters,
        sink: &mut impl Sink,
    ) {
        let table = frame.table;
        self.live.clear(table.sources.len());
        for (row, at) in rows.iter().zip(0u32..).take(BATCH) {
            self.live.look(frame, at, row);
        }
        counters.contacts += rows.len() as u64;
        counters.live += self.live.contacts.len() as u64;
        if !self.live.contacts.is_empty() {
            self.place(layout);
            self.lay_out(table, counters);
            self.scatter(frame, layout);
            self.sweep(frame);
            self.move_groups(table, counters, sink);
        }
        counters.values += self.live.values;
    }

    /// Gives each live contact its bit.
    fn place(&mut self, layout: Layout) {
        let bits = match layout {
            Layout::Dense => {
                self.live.cluster();
                self.live.contacts.len()
            }
            Layout::Aligned => BATCH,
        };
        self.documents.clear();
        self.documents.resize(bits, DocumentNumber(0));
        let words = bits.div_ceil(64);
        for active in [&mut self.active_before, &mut self.active_after] {
            active.clear();
            active.resize(words, 0);
        }
        for (at, contact) in self.live.contacts.iter().enumerate() {
            let bit = bit_of(layout, at, contact);
            if let Some(document) = self.documents.get_mut(bit) {
                *document = contact.document;
            }
            let sides =
                [(&mut self.active_before, contact.active_before), (&mut self.active_after, contact.active_after)];
            for (active, is) in sides {
                if let Some(word) = active.get_mut(bit / 64) {
                    *word |= u64::from(is) << (bit % 64);
                }
            }
        }
    }

    fn lay_out(&mut self, table: &Table, counters: &mut Counters) {
        self.vectors.reset(table.size().slots, self.active_before.len());
        for positions in [&mut self.positions_before, &mut self.positions_after] {
            positions.resize(table.sources.len().max(positions.len()), Vec::new());
        }
        self.split.resize(table.size().slots.max(self.split.len()), false);
        for (at, entry) in table.sources.iter().enumerate().filter(|&(at, _)| self.live.needed.contains(at)) {
            let both = self.live.flipped.contains(at);
            if let Some(split) = self.split.get_mut(entry.leaves.start as usize..entry.leaves.end as usize) {
                split.fill(both);
            }
            self.vectors.lay_out(entry.leaves.clone(), both);
            counters.vectors += u64::from(entry.leaves.end - entry.leaves.start);
            for positions in [&mut self.positions_before, &mut self.positions_after] {
                if let Some(positions) = positions.get_mut(at) {
                    positions.clear();
                    positions.resize(self.documents.len(), 0);
                }
            }
        }
    }

    /// Sets the bits of all leaves of all live contacts.
    fn scatter(&mut self, frame: Frame<'_>, layout: Layout) {
        let live = std::mem::take(&mut self.live);
        for (at, contact) in live.contacts.iter().enumerate() {
            let bit = bit_of(layout, at, contact);
            for entry in live.entries(contact) {
                live.leaves(&entry.before).iter().for_each(|&leaf| self.vectors.set_before(leaf, bit));
                live.leaves(&entry.after).iter().for_each(|&leaf| self.vectors.set_after(leaf, bit));
                put(&mut self.positions_before, entry.source, bit, entry.before.position);
                put(&mut self.positions_after, entry.source, bit, entry.after.position);
                self.flip(frame, entry, &live, bit / 64);
            }
            for &leaf in live.same(contact) {
                self.vectors.set_before(leaf, bit);
                if self.split.get(leaf as usize) == Some(&true) {
                    self.vectors.set_after(leaf, bit);
                }
            }
            for &(source, position) in live.placed(contact) {
                put(&mut self.positions_before, source, bit, position);
                if live.flipped.contains(source as usize) {
                    put(&mut self.positions_after, source, bit, position);
                }
            }
        }
        self.live = live;
    }

    /// Notes which leaves an entry flips.
    fn flip(&mut self, frame: Frame<'_>, entry: &Entry, live: &LiveSet, word: usize) {
        let (was, is) = (live.leaves(&entry.before), live.leaves(&entry.after));
        for (one, other) in [(was, is), (is, was)] {
            for leaf in one.iter().filter(|leaf| !other.contains(leaf)) {
                self.vectors.flip(*leaf, 1 << word);
            }
        }
        let (low, high) =
            (entry.before.position.min(entry.after.position), entry.before.position.max(entry.after.position));
        if low != high
            && let (Some(source), Some(moving)) =
                (frame.table.source(entry.source), frame.moving.get(entry.source as usize))
        {
            let crossed = source.matcher.axis(moving).get(low as usize..high as usize);
            crossed.unwrap_or_default().iter().for_each(|&leaf| self.vectors.flip(leaf, 1 << word));
        }
    }

    fn sweep(&mut self, frame: Frame<'_>) {
        for (at, (entry, moving)) in frame.table.sources.iter().zip(frame.moving).enumerate() {
            let axis = entry.matcher.axis(moving);
            // On a course through time, the leaves of what moves are told one by one.
            let told = frame.courses.is_some() && entry.matcher.moves();
            if told || axis.is_empty() || !self.live.needed.contains(at) {
                continue;
            }
            if let Some(positions) = self.positions_before.get(at) {
                self.vectors.sweep(axis, positions, false);
            }
            if self.live.flipped.contains(at)
                && let Some(positions) = self.positions_after.get(at)
            {
                self.vectors.sweep(axis, positions, true);
            }
        }
    }

    /// From flipped leaves to atoms to groups.
    fn move_groups(&mut self, table: &Table, counters: &mut Counters, sink: &mut impl Sink) {
        self.composed.resize(table.composites.len().max(self.composed.len()), false);
        self.masks.resize(table.groups.len().max(self.masks.len()), 0);
        self.registers.iter_mut().for_each(|registers| registers.reserve(table.max_registers));
        let moved_status = differing_words(&self.active_before, &self.active_after);

        // Composites of flipped leaves. Those over groups wait for their groups.
        let leaves = self.vectors.flipped.len();
        for at in 0..leaves {
            let Some(&slot) = self.vectors.flipped.get(at) else { break };
            for user in table.users(slot) {
                if let User::Composite(composite) = user
                    && table.composites.get(*composite as usize).is_some_and(|entry| !entry.over_groups)
                {
                    self.compose(table, *composite, counters);
                }
            }
        }
        for at in 0..self.vectors.flipped.len() {
            let Some(&slot) = self.vectors.flipped.get(at) else { break };
            let flips = self.vectors.flips(slot);
            for user in table.users(slot) {
                if let User::Group(rank) = user {
                    self.affect(*rank, flips);
                }
            }
        }
        if moved_status != 0 {
            (0..table.groups.len() as u32).for_each(|rank| self.affect(rank, moved_status));
        }
        if !table.referenced.is_empty() {
            self.move_nested(table, counters, sink);
        }
        let affected = std::mem::take(&mut self.affected);
        for &rank in &affected {
            let Some(group) = table.groups.get(rank as usize) else { continue };
            for &composite in group.composites.iter().chain(&group.group_composites) {
                self.compose(table, composite, counters);
            }
        }
        let arch = pulp::Arch::new();
        arch.dispatch(
            #[inline(always)]
            || {
                for &rank in &affected {
                    if let (Some(group), Some(mask)) =
                        (table.groups.get(rank as usize), self.masks.get_mut(rank as usize))
                    {
                        let mask = std::mem::take(mask);
                        let activity = (&*self.active_before, &*self.active_after);
                        run_group((rank, group), mask, &self.vectors, activity, &mut self.registers, counters, sink);
                    }
                }
            },
        );
        self.affected = affected;
        self.affected.clear();
        for composite in self.composed_list.drain(..) {
            if let Some(composed) = self.composed.get_mut(composite as usize) {
                *composed = false;
            }
        }
    }
}

fn put(positions: &mut [Vec<u32>], source: u32, bit: usize, position: u32) {
    if position != 0
        && let Some(place) = positions.get_mut(source as usize).and_then(|column| column.get_mut(bit))
    {
        *place = position;
    }
}

fn bit_of(layout: Layout, at: usize, contact: &Live) -> usize {
    match layout {
        Layout::Dense => at,
        Layout::Aligned => contact.document.0 as usize % BATCH,
    }
}
