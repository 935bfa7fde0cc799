//! What a table of groups is made of: sources with their leaves, atoms of several leaves, groups.

use std::ops::Range;

use crate::ids::GroupId;
use crate::refresh::arena::{CompositeId, Rank};
use crate::refresh::matcher::Matcher;
use crate::refresh::program::{Program, Slot};
use crate::refresh::source::Source;

/// A set of sources by their index in a table.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct SourceSet(Vec<u64>);

impl SourceSet {
    pub(super) fn new(sources: usize) -> Self {
        SourceSet(vec![0; sources.div_ceil(64)])
    }

    pub(super) fn insert(&mut self, source: usize) {
        self.0[source / 64] |= 1 << (source % 64);
    }

    pub(super) fn contains(&self, source: usize) -> bool {
        self.0[source / 64] >> (source % 64) & 1 == 1
    }

    pub(super) fn remove(&mut self, source: usize) {
        self.0[source / 64] &= !(1 << (source % 64));
    }

    pub(super) fn clear(&mut self) {
        self.0.fill(0);
    }

    /// All sources.
    pub(super) fn fill(&mut self) {
        self.0.fill(u64::MAX);
    }

    pub(super) fn unite(&mut self, other: &SourceSet) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word |= other);
    }
}

/// A source with its leaves.
#[derive(Debug)]
pub(super) struct SourceEntry {
    pub(super) source: Source,
    pub(super) matcher: Matcher,
    /// Slots of its leaves.
    pub(super) leaves: Range<Slot>,
    /// Sources, this one included, of all groups that use it, themselves or through groups that they refer to.
    pub(super) companions: SourceSet,
}

/// An atom that is more than a leaf.
#[derive(Debug)]
pub(super) struct Composite {
    pub(super) slot: Slot,
    pub(super) program: Program,
    /// Whether it reads the members of a group of this table.
    pub(super) over_groups: bool,
}

/// A group as it is evaluated.
#[derive(Debug)]
pub(super) struct GroupEntry {
    pub(super) id: GroupId,
    pub(super) program: Program,
    /// Composites that the program reads, without those over groups.
    pub(super) composites: Box<[CompositeId]>,
    /// Composites over groups that the program reads.
    pub(super) group_composites: Box<[CompositeId]>,
    /// Where its members' vector goes, if other groups refer to it.
    pub(super) membership: Option<Slot>,
    /// Ranks of the groups that it refers to, directly or through others, ascending.
    pub(super) prerequisites: Box<[Rank]>,
    /// Sources of its own atoms and of the groups that it refers to.
    pub(super) sources: SourceSet,
}

/// Who reads a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum User {
    Composite(CompositeId),
    Group(Rank),
}
