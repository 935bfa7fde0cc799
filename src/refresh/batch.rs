//! One batch: from changed contacts to the moves of every group.

use crate::contact::ContactView;
use crate::ids::DocumentNumber;
use crate::refresh::change::{Counters, RowChange};
use crate::refresh::entries::User;
use crate::refresh::groups::run_group;
use crate::refresh::live::{Entry, Frame, Live, LiveSet};
use crate::refresh::scratch::{BATCH, Layout, Scratch, Sink};
use crate::refresh::table::Table;
use crate::refresh::vectors::differing_words;

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
        self.live.clear(table.parts.sources.len());
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
            self.documents[bit] = contact.document;
            let sides =
                [(&mut self.active_before, contact.active_before), (&mut self.active_after, contact.active_after)];
            for (active, is) in sides {
                active[bit / 64] |= u64::from(is) << (bit % 64);
            }
        }
    }

    fn lay_out(&mut self, table: &Table, counters: &mut Counters) {
        self.vectors.reset(table.size().slots, self.active_before.len());
        for positions in [&mut self.positions_before, &mut self.positions_after] {
            positions.resize(table.parts.sources.len().max(positions.len()), Vec::new());
        }
        self.split.resize(table.size().slots.max(self.split.len()), false);
        for (at, entry) in table.parts.sources.iter().enumerate().filter(|&(at, _)| self.live.needed.contains(at)) {
            let both = self.live.flipped.contains(at);
            self.split[entry.leaves.start as usize..entry.leaves.end as usize].fill(both);
            self.vectors.lay_out(entry.leaves.clone(), both);
            counters.vectors += u64::from(entry.leaves.end - entry.leaves.start);
            for positions in [&mut self.positions_before, &mut self.positions_after] {
                positions[at].clear();
                positions[at].resize(self.documents.len(), 0);
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
                if self.split[leaf as usize] {
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
        if low != high {
            let axis = frame.table.source(entry.source).matcher.axis(&frame.moving[entry.source as usize]);
            axis[low as usize..high as usize].iter().for_each(|&leaf| self.vectors.flip(leaf, 1 << word));
        }
    }

    fn sweep(&mut self, frame: Frame<'_>) {
        for (at, (entry, moving)) in frame.table.parts.sources.iter().zip(frame.moving).enumerate() {
            let axis = entry.matcher.axis(moving);
            // On a course through time, the leaves of what moves are told one by one.
            let told = frame.courses.is_some() && entry.matcher.moves();
            if told || axis.is_empty() || !self.live.needed.contains(at) {
                continue;
            }
            self.vectors.sweep(axis, &self.positions_before[at], false);
            if self.live.flipped.contains(at) {
                self.vectors.sweep(axis, &self.positions_after[at], true);
            }
        }
    }

    /// From flipped leaves to atoms to groups.
    fn move_groups(&mut self, table: &Table, counters: &mut Counters, sink: &mut impl Sink) {
        self.composed.grow(table.parts.composites.len(), || false);
        self.masks.grow(table.parts.groups.len(), || 0);
        self.registers.iter_mut().for_each(|registers| registers.reserve(table.parts.max_registers));
        let moved_status = differing_words(&self.active_before, &self.active_after);

        // Composites of flipped leaves. Those over groups wait for their groups.
        let leaves = self.vectors.flipped.len();
        for at in 0..leaves {
            for user in table.users(self.vectors.flipped[at]) {
                if let User::Composite(composite) = user
                    && !table.parts.composites[*composite].over_groups
                {
                    self.compose(table, *composite, counters);
                }
            }
        }
        for at in 0..self.vectors.flipped.len() {
            let slot = self.vectors.flipped[at];
            let flips = self.vectors.flips(slot);
            for user in table.users(slot) {
                if let User::Group(rank) = user {
                    self.affect(*rank, flips);
                }
            }
        }
        if moved_status != 0 {
            table.parts.groups.places().for_each(|rank| self.affect(rank, moved_status));
        }
        if !table.parts.referenced.is_empty() {
            self.move_nested(table, counters, sink);
        }
        let affected = std::mem::take(&mut self.affected);
        for &rank in &affected {
            let group = &table.parts.groups[rank];
            for &composite in group.composites.iter().chain(&group.group_composites) {
                self.compose(table, composite, counters);
            }
        }
        let arch = pulp::Arch::new();
        arch.dispatch(
            #[inline(always)]
            || {
                for &rank in &affected {
                    let mask = std::mem::take(&mut self.masks[rank]);
                    let activity = (&*self.active_before, &*self.active_after);
                    let group = &table.parts.groups[rank];
                    run_group((rank, group), mask, &self.vectors, activity, &mut self.registers, counters, sink);
                }
            },
        );
        self.affected = affected;
        self.affected.clear();
        for composite in self.composed_list.drain(..) {
            self.composed[composite] = false;
        }
    }
}

fn put(positions: &mut [Vec<u32>], source: u32, bit: usize, position: u32) {
    if position != 0 {
        positions[source as usize][bit] = position;
    }
}

fn bit_of(layout: Layout, at: usize, contact: &Live) -> usize {
    match layout {
        Layout::Dense => at,
        Layout::Aligned => contact.document.0 as usize % BATCH,
    }
}
