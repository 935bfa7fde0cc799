//! The last step of a batch: atoms of several leaves, groups that refer to groups, and each group's expression.

use crate::refresh::arena::{CompositeId, Rank};
use crate::refresh::change::Counters;
use crate::refresh::entries::{GroupEntry, User};
use crate::refresh::program::{MAX_WORDS, Program, Registers, run_word};
use crate::refresh::scratch::{Scratch, Sink};
use crate::refresh::table::Table;
use crate::refresh::vectors::Vectors;

/// Unchanged words between two runs of changed ones up to which both are run as one: decoding a program once more
/// costs about as much as running it over this many words.
const GAP: u32 = 4;

/// Up to as many words a program is run word by word, both sides at once in two registers of the processor; above, over
/// all words at once with vector instructions, a pass for each instruction and side.
///
/// Measured with groups of 1 to 8 conditions: a single change against 1,000 groups takes 5.4 µs word by word and 6.7 µs
/// the other way, against 10,000 groups 41 and 50 µs; batches of 4,096 mixed changes, in which a group has some 8
/// words, gain 5 to 10 % at 8 and nothing beyond; whole vectors lose 10 %. A path of its own for single changes, which
/// would evaluate atoms of one contact as groups ask for them, could save the laying out of one-word vectors at most:
/// a tenth of that time.
const NARROW: usize = 8;

/// Which contacts are active, by words.
pub(super) type Activity<'a> = (&'a [u64], &'a [u64]);

impl Scratch {
    /// Lays out the vector of a composite, unless it is there.
    pub(super) fn compose(&mut self, table: &Table, composite: CompositeId, counters: &mut Counters) {
        let entry = &table.parts.composites[composite];
        if std::mem::replace(&mut self.composed[composite], true) {
            return;
        }
        self.composed_list.push(composite);
        counters.atoms += 1;
        let vectors = &self.vectors;
        let width = vectors.width;
        if width == 1
            && let Some((before, after)) = run_word(&entry.program, |slot| vectors.word(slot, 0))
        {
            self.vectors.store(entry.slot, &[before], Some(&[after]));
            return;
        }
        let [first, second] = &mut self.registers;
        let before = first.run(&entry.program, width, |slot| vectors.before(slot));
        let changed = flips(&entry.program, vectors);
        let after = changed.then(|| second.run(&entry.program, width, |slot| vectors.after(slot)));
        self.vectors.store(entry.slot, before, after);
    }

    /// Notes that a group may move in some words.
    pub(super) fn affect(&mut self, rank: Rank, words: u64) {
        let mask = &mut self.masks[rank];
        if *mask == 0 && words != 0 {
            self.affected.push(rank);
        }
        *mask |= words;
    }

    /// Evaluates groups that others refer to, in their order, as far as they move or are read by a group that does;
    /// and notes which groups they move.
    pub(super) fn move_nested(&mut self, table: &Table, counters: &mut Counters, sink: &mut impl Sink) {
        self.mark_nested(table);
        for &rank in &table.parts.referenced {
            if !self.nested.maybe[rank] && !self.nested.required[rank] {
                continue;
            }
            let group = &table.parts.groups[rank];
            for &composite in group.composites.iter().chain(&group.group_composites) {
                self.compose(table, composite, counters);
            }
            self.move_referenced(rank, group, counters, sink);
            self.masks[rank] = 0;
        }
        // Every group that a flipped group, or a manual one, lets move; the ones above are done.
        for at in 0..self.vectors.flipped.len() {
            for user in table.users(self.vectors.flipped[at]) {
                let &User::Composite(composite) = user else { continue };
                let entry = &table.parts.composites[composite];
                if !entry.over_groups {
                    continue;
                }
                self.compose(table, composite, counters);
                let words = self.vectors.flips(entry.slot);
                for user in table.users(entry.slot) {
                    if let &User::Group(rank) = user
                        && table.parts.groups[rank].membership.is_none()
                    {
                        self.affect(rank, words);
                    }
                }
            }
        }
        for rank in self.nested.list.drain(..) {
            for marks in [&mut self.nested.maybe, &mut self.nested.required] {
                marks[rank] = false;
            }
        }
    }

    /// Marks groups that may move because a group that they refer to may, and all that those read.
    fn mark_nested(&mut self, table: &Table) {
        self.nested.maybe.grow(table.parts.groups.len(), || false);
        self.nested.required.grow(table.parts.groups.len(), || false);
        let mut pending: Vec<Rank> = self.affected.clone();
        let users_of = |slot| {
            let composites = table.users(slot).iter().filter_map(|user| match user {
                User::Composite(at) => Some(&table.parts.composites[*at]).filter(|entry| entry.over_groups),
                User::Group(_) => None,
            });
            composites.flat_map(|entry| table.users(entry.slot)).filter_map(|user| match user {
                User::Group(rank) => Some(*rank),
                User::Composite(_) => None,
            })
        };
        for &slot in &self.vectors.flipped {
            pending.extend(users_of(slot));
        }
        while let Some(rank) = pending.pop() {
            let group = &table.parts.groups[rank];
            if std::mem::replace(&mut self.nested.maybe[rank], true) {
                continue;
            }
            self.nested.list.push(rank);
            for &before in &group.prerequisites {
                self.nested.required[before] = true;
                self.nested.list.push(before);
            }
            pending.extend(group.membership.into_iter().flat_map(users_of));
        }
    }

    /// Evaluates a group over all words, keeps its members' vectors and hands on its moves.
    fn move_referenced(&mut self, rank: Rank, group: &GroupEntry, counters: &mut Counters, sink: &mut impl Sink) {
        let Some(slot) = group.membership else { return };
        let vectors = &self.vectors;
        let width = vectors.width;
        counters.groups += 1;
        counters.words += width as u64;
        let [first, second] = &mut self.registers;
        let changed = flips(&group.program, vectors);
        let (mut before, mut after) = ([0u64; MAX_WORDS], [0u64; MAX_WORDS]);
        let held = first.run(&group.program, width, |slot| vectors.before(slot));
        let holds = if changed { second.run(&group.program, width, |slot| vectors.after(slot)) } else { held };
        let sides = [(&mut before, held, &self.active_before), (&mut after, holds, &self.active_after)];
        for (target, given, active) in sides {
            for ((word, given), active) in target.iter_mut().zip(given).zip(active) {
                *word = given & active;
            }
        }
        for (word, (was, is)) in before.iter().zip(&after).take(width).enumerate() {
            if was != is {
                sink.moved(rank, word, is & !was, was & !is);
            }
        }
        self.vectors.store(slot, &before[..width], Some(&after[..width]));
    }
}

/// Whether a program reads a slot that flips.
#[inline(always)]
fn flips(program: &Program, vectors: &Vectors) -> bool {
    program.reads().any(|slot| vectors.flips(slot) != 0)
}

/// Runs a group over the words of a mask, before and after, and hands on its moves.
#[inline(always)]
pub(super) fn run_group(
    (rank, group): (Rank, &GroupEntry),
    mut mask: u64,
    vectors: &Vectors,
    (active_before, active_after): Activity<'_>,
    [first, second]: &mut [Registers; 2],
    counters: &mut Counters,
    sink: &mut impl Sink,
) {
    if mask == 0 {
        return;
    }
    counters.groups += 1;
    let mut changed = None;
    while mask != 0 {
        let from = mask.trailing_zeros();
        let mut to = from;
        while to < 64 && mask >> to != 0 && (mask >> to).trailing_zeros() <= GAP {
            to += (mask >> to).trailing_zeros();
            to += (mask >> to).trailing_ones();
        }
        mask = if to < 64 { mask >> to << to } else { 0 };
        let run = from as usize..to as usize;
        counters.words += run.len() as u64;
        if run.len() <= NARROW {
            for word in run {
                let Some((held, holds)) = run_word(&group.program, |slot| vectors.word(slot, word)) else { break };
                let (was, is) = (held & active_before[word], holds & active_after[word]);
                if was != is {
                    sink.moved(rank, word, is & !was, was & !is);
                }
            }
            continue;
        }
        let changed = *changed.get_or_insert_with(|| flips(&group.program, vectors));
        let held = first.run(&group.program, run.len(), |slot| &vectors.before(slot)[run.clone()]);
        let holds = if changed {
            second.run(&group.program, run.len(), |slot| &vectors.after(slot)[run.clone()])
        } else {
            held
        };
        let before = held.iter().zip(&active_before[run.clone()]);
        let after = holds.iter().zip(&active_after[run.clone()]);
        for (word, ((held, was_active), (holds, is_active))) in run.zip(before.zip(after)) {
            let (was, is) = (held & was_active, holds & is_active);
            if was != is {
                sink.moved(rank, word, is & !was, was & !is);
            }
        }
    }
}
