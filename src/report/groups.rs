//! Sizes of groups, overlaps between them, and what is odd about them.

use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::Xxh3;

use crate::report::overlap::{Combination, combinations};
use crate::store::GroupStatus;
use crate::workspace::{GroupInfo, Reader, WorkspaceError};

/// Groups whose overlaps are computed.
const SETS: usize = 8;

/// What is told of all groups together.
#[derive(Debug)]
pub(super) struct Groups {
    /// All of them, the largest first.
    pub(super) all: Vec<GroupInfo>,
    /// Memberships of all groups together.
    pub(super) memberships: u64,
    /// Contacts that are in some group.
    pub(super) reached: RoaringBitmap,
    /// Active contacts by the number of groups that they are in, from 0 on.
    pub(super) by_memberships: Vec<u64>,
    /// Places in `all` of the groups whose overlaps are told, ascending: the largest of those that hold no more than half
    /// of the active contacts, then of the others; of groups with the same members the first.
    pub(super) sets: Vec<usize>,
    /// How many groups have anybody and are no other's twin.
    pub(super) distinct: usize,
    /// Combinations of `sets`, the most frequent first.
    pub(super) combinations: Vec<Combination>,
    /// Groups with exactly the same members, by place in `all`: two or more each.
    pub(super) twins: Vec<Vec<usize>>,
}

impl Groups {
    /// Reads every group's members once.
    ///
    /// Cost: a copy of each group's members, and a step for each membership. Memory: the members of a few groups, and a
    /// number for each document.
    pub(super) fn read(reader: &Reader<'_>, contacts: &RoaringBitmap) -> Result<Self, WorkspaceError> {
        let mut all = reader.groups()?;
        all.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
        let documents = contacts.max().map_or(0, |last| last as usize + 1);
        let mut per_contact = vec![0u16; documents];
        let mut reached = RoaringBitmap::new();
        let mut memberships = 0;
        let mut same: FxHashMap<(u64, u128), Vec<usize>> = FxHashMap::default();
        // A group of nearly everybody overlaps with all others and says nothing.
        let (mut telling, mut broad): (Vec<(usize, RoaringBitmap)>, Vec<_>) = (Vec::new(), Vec::new());
        for (place, group) in all.iter().enumerate() {
            let members = reader.members(group.id)?;
            if members.is_empty() {
                continue;
            }
            memberships += members.len();
            let mut hasher = Xxh3::new();
            for member in &members {
                hasher.update(&member.to_le_bytes());
                if let Some(count) = per_contact.get_mut(member as usize) {
                    *count = count.saturating_add(1);
                }
            }
            let twins = same.entry((members.len(), hasher.digest128())).or_default();
            twins.push(place);
            reached |= &members;
            let kept = if members.len() <= contacts.len() / 2 { &mut telling } else { &mut broad };
            if twins.len() == 1 && kept.len() < SETS {
                kept.push((place, members));
            }
        }
        let most =
            contacts.iter().filter_map(|contact| per_contact.get(contact as usize)).max().copied().unwrap_or_default();
        let mut by_memberships = vec![0u64; usize::from(most) + 1];
        for contact in contacts {
            let count = per_contact.get(contact as usize).copied().unwrap_or_default();
            if let Some(slot) = by_memberships.get_mut(usize::from(count)) {
                *slot += 1;
            }
        }
        let mut kept: Vec<(usize, RoaringBitmap)> = telling.into_iter().chain(broad).take(SETS).collect();
        kept.sort_by_key(|(place, _)| *place);
        let distinct = same.len();
        let mut twins: Vec<Vec<usize>> = same.into_values().filter(|places| places.len() > 1).collect();
        twins.sort();
        let combinations = combinations(&kept.iter().map(|(_, members)| members).collect::<Vec<_>>());
        let sets = kept.into_iter().map(|(place, _)| place).collect();
        Ok(Groups { all, memberships, reached, by_memberships, sets, distinct, combinations, twins })
    }

    /// The group at a place.
    pub(super) fn at(&self, place: usize) -> Option<&GroupInfo> {
        self.all.get(place)
    }

    /// Groups of that kind: smart ones, or manual ones.
    pub(super) fn count(&self, smart: bool) -> usize {
        self.all.iter().filter(|group| group.smart == smart).count()
    }

    /// Groups without members, by name.
    pub(super) fn empty(&self) -> impl Iterator<Item = &GroupInfo> {
        self.all.iter().filter(|group| group.count == 0 && group.status == GroupStatus::Ready)
    }

    /// Groups in a state other than ready.
    pub(super) fn in_state(&self, status: GroupStatus) -> impl Iterator<Item = &GroupInfo> {
        self.all.iter().filter(move |group| group.status == status)
    }
}
