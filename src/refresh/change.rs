//! What goes in and comes out.

use crate::ids::{DocumentNumber, GroupId};

/// A contact before and after a change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RowChange<V> {
    /// Which contact.
    pub document: DocumentNumber,
    /// What it was; `None` if it is new, and so was in no group.
    pub before: Option<V>,
    /// What it is; `None` if it is deleted, and so is in no group.
    pub after: Option<V>,
}

/// The moves of one group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flips {
    /// Which group.
    pub group: GroupId,
    /// Who entered, ascending.
    pub entered: Vec<DocumentNumber>,
    /// Who left, ascending.
    pub left: Vec<DocumentNumber>,
}

/// Before or after a change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Before.
    Before,
    /// After.
    After,
}

/// Members of smart groups that are not in the table at hand but that groups in it refer to.
pub trait Memberships: Sync {
    /// Whether the contact is a member of the group on that side of the change.
    fn holds(&self, group: GroupId, document: DocumentNumber, side: Side) -> bool;

    /// Tells of which groups the contact is a member, among these at least, and how many were looked at for that. It is
    /// asked for each changed contact, so what knows the few groups of a contact need not go through them all.
    fn held_among(
        &self,
        groups: &mut dyn Iterator<Item = GroupId>,
        document: DocumentNumber,
        side: Side,
        found: &mut dyn FnMut(GroupId),
    ) -> u64 {
        let mut looked = 0;
        for group in groups {
            looked += 1;
            if self.holds(group, document, side) {
                found(group);
            }
        }
        looked
    }
}

/// For tables whose groups refer to no others.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMemberships;

impl Memberships for NoMemberships {
    fn holds(&self, _: GroupId, _: DocumentNumber, _: Side) -> bool {
        false
    }
}

impl<F: Fn(GroupId, DocumentNumber, Side) -> bool + Sync> Memberships for F {
    fn holds(&self, group: GroupId, document: DocumentNumber, side: Side) -> bool {
        self(group, document, side)
    }
}

/// What an evaluation did: it depends on the input alone, not on the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Contacts looked at.
    pub contacts: u64,
    /// Of these, the ones for which something that a group looks at changed.
    pub live: u64,
    /// Values looked up among the leaves of their source; of groups that are kept outside, the memberships.
    pub values: u64,
    /// Truth vectors of leaves that were laid out.
    pub vectors: u64,
    /// Atoms of several leaves that were evaluated.
    pub atoms: u64,
    /// Groups of which some atom changed for some contact, or some contact's status did; with them the groups that
    /// they refer to.
    pub groups: u64,
    /// Words of truth that the expressions of groups went over.
    pub words: u64,
}

impl Counters {
    /// Adds another's figures.
    pub fn add(&mut self, other: &Counters) {
        self.contacts += other.contacts;
        self.live += other.live;
        self.values += other.values;
        self.vectors += other.vectors;
        self.atoms += other.atoms;
        self.groups += other.groups;
        self.words += other.words;
    }
}
