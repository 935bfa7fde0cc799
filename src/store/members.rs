//! Members of groups: containers as of the last merge, and per group a short tail of what changed since.
//!
//! A commit that flips a few members of each of a thousand groups rewrites a thousand tails, and not sixteen thousand
//! containers. A tail that has grown past its limit is merged into the containers that it touches.
//!
//! ```text
//! members  set u8, group u32, block u16 (big-endian)  →  container (see `container`)
//! tails    set u8, group u32                          →  sealed: count u64, then for each block, ascending:
//!              block u16, entered n u16, left m u16, offset u16 × n, offset u16 × m
//! ```
//!
//! The members of a set are its containers without what left, and what entered. `count` is how many there are.

use std::collections::BTreeSet;

use roaring::RoaringBitmap;

use super::codec::{SEAL, Tag};
use super::container::{Container, Words, count, encode_words, reseal, unset, zeros};
use super::digest::Part;
use super::error::{Damage, StoreError};
use super::snapshot::{Transaction, View, damaged};
use super::sorted;
use super::tables::{Table, between, until_error};
use super::tail::{Tail, TailView};
use crate::ids::{Block, DocumentNumber, GroupId};

const MEMBERS: &str = "members";
const TAILS: &str = "tails";
const SALT: u64 = Tag::Member as u64;

/// Sets from this kind on cannot be computed from rows and queries.
const FIRST_KEPT: u8 = 2;

/// Bytes of the key of a tail.
const TAIL_KEY: usize = 5;

/// Entries that a tail may have. Groups differ, up to twice this, so that they are not all merged by one commit.
const TAIL_LIMIT: usize = 4096;

/// Which members of a group are meant.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum MemberSet {
    /// Those that everybody sees.
    Active(GroupId),
    /// Those of the query that is being filled.
    Pending(GroupId),
    /// Those at the horizon of the membership log.
    Checkpoint(GroupId),
    /// Not members, but contacts that are to be, whatever the query says.
    Pinned(GroupId),
    /// Not members, but contacts that are not to be, whatever the query says.
    Excluded(GroupId),
}

impl From<GroupId> for MemberSet {
    fn from(group: GroupId) -> Self {
        MemberSet::Active(group)
    }
}

impl MemberSet {
    pub(crate) fn key(self) -> [u8; TAIL_KEY] {
        let (kind, group) = match self {
            MemberSet::Active(group) => (0, group),
            MemberSet::Pending(group) => (1, group),
            MemberSet::Checkpoint(group) => (2, group),
            MemberSet::Pinned(group) => (3, group),
            MemberSet::Excluded(group) => (4, group),
        };
        let [a, b, c, d] = group.0.to_be_bytes();
        [kind, a, b, c, d]
    }

    fn block_key(self, block: Block) -> [u8; 7] {
        let [kind, a, b, c, d] = self.key();
        let [e, f] = block.0.to_be_bytes();
        [kind, a, b, c, d, e, f]
    }

    fn from_key(key: [u8; 5]) -> Result<Self, Damage> {
        let [kind, a, b, c, d] = key;
        let group = GroupId(u32::from_be_bytes([a, b, c, d]));
        match kind {
            0 => Ok(MemberSet::Active(group)),
            1 => Ok(MemberSet::Pending(group)),
            2 => Ok(MemberSet::Checkpoint(group)),
            3 => Ok(MemberSet::Pinned(group)),
            4 => Ok(MemberSet::Excluded(group)),
            _ => Err(Damage::Malformed("its key is that of no set")),
        }
    }

    fn tail_limit(self) -> usize {
        let [.., low] = self.key();
        TAIL_LIMIT + TAIL_LIMIT * usize::from(low.wrapping_mul(151)) / 256
    }
}

/// Whether the entry of this key, a container or a tail, tells of members that nothing else tells of.
pub(crate) fn is_kept(key: &[u8]) -> bool {
    key.first().is_some_and(|&kind| kind >= FIRST_KEPT)
}

/// Whether the key is that of a tail, and not of a container.
pub(crate) fn is_tail(key: &[u8]) -> bool {
    key.len() == TAIL_KEY
}

fn member_damage(set: MemberSet, block: Block, damage: Damage) -> StoreError {
    damaged(MEMBERS, format!("{set:?} {block:?}"), damage)
}

impl<'t> View<'t> {
    fn tail(self, set: MemberSet) -> Result<Option<TailView<'t>>, StoreError> {
        let Some(value) = self.tables.tails.get(self.txn, &set.key())? else {
            return Ok(None);
        };
        TailView::open(set, value).map(Some).map_err(|damage| damaged(TAILS, format!("{set:?}"), damage))
    }

    fn container(self, set: MemberSet, block: Block) -> Result<Option<Container<'t>>, StoreError> {
        let key = set.block_key(block);
        let Some(value) = self.tables.members.get(self.txn, &key)? else {
            return Ok(None);
        };
        Container::open(SALT, &key, value).map(Some).map_err(|damage| member_damage(set, block, damage))
    }

    /// The containers of a set, ascending by block.
    fn containers(
        self,
        set: MemberSet,
    ) -> Result<impl Iterator<Item = Result<(Block, Container<'t>), StoreError>> + use<'t>, StoreError> {
        Ok(until_error(self.tables.members.prefix_iter(self.txn, &set.key())?).map(|entry| {
            let (key, value) = entry?;
            read_container(key, value).map(|(_, block, container)| (block, container))
        }))
    }

    /// The members of a group, as documents.
    ///
    /// Cost: about a microsecond a block, and a copy of the bits.
    ///
    /// # Errors
    /// If a stored value is damaged.
    pub fn members(self, set: impl Into<MemberSet>) -> Result<RoaringBitmap, StoreError> {
        let set = set.into();
        let mut members = RoaringBitmap::new();
        for container in self.containers(set)? {
            let (block, container) = container?;
            container.add_to(block, &mut members);
        }
        if let Some(tail) = self.tail(set)? {
            let tail = tail.decode();
            if !tail.left.is_empty() {
                members -= tail.left.into_iter().collect::<RoaringBitmap>();
            }
            if !tail.entered.is_empty() {
                members |= tail.entered.into_iter().collect::<RoaringBitmap>();
            }
        }
        Ok(members)
    }

    /// The members of a group in one block, as words that replace what is in `words`.
    ///
    /// Cost: about a microsecond, and reading the tail up to the block.
    ///
    /// # Errors
    /// If a stored value is damaged.
    pub fn members_in_block(
        self,
        set: impl Into<MemberSet>,
        block: Block,
        words: &mut Words,
    ) -> Result<(), StoreError> {
        let set = set.into();
        words.fill(0);
        if let Some(container) = self.container(set, block)? {
            container.union_into(words);
        }
        if let Some(changed) = self.tail(set)?.and_then(|tail| tail.blocks().find(|tail| tail.block == block)) {
            changed.apply(words);
        }
        Ok(())
    }

    /// Whether a document is a member of a group.
    ///
    /// Cost: one or two looks into the store, a microsecond or two.
    ///
    /// # Errors
    /// If a stored value is damaged.
    pub fn is_member(self, set: impl Into<MemberSet>, document: DocumentNumber) -> Result<bool, StoreError> {
        let set = set.into();
        let changed = self.tail(set)?.and_then(|tail| tail.blocks().find(|tail| tail.block == document.block()));
        if let Some(verdict) = changed.and_then(|changed| changed.verdict(document.offset())) {
            return Ok(verdict);
        }
        let container = self.container(set, document.block())?;
        Ok(container.is_some_and(|container| container.contains(document.offset())))
    }

    /// How many members a group has.
    ///
    /// Cost: one look into the store.
    ///
    /// # Errors
    /// If the stored count is damaged.
    pub fn member_count(self, set: impl Into<MemberSet>) -> Result<u64, StoreError> {
        Ok(self.tail(set.into())?.map_or(0, |tail| tail.count))
    }

    /// Every container of every set, verified. A damaged one is an error in its place; the others follow.
    ///
    /// # Errors
    /// If the database refuses.
    pub fn member_containers(
        self,
    ) -> Result<impl Iterator<Item = Result<(MemberSet, Block, Container<'t>), StoreError>> + use<'t>, StoreError> {
        Ok(until_error(self.tables.members.iter(self.txn)?).map(|entry| {
            let (key, value) = entry?;
            read_container(key, value)
        }))
    }

    /// Every tail of every set, verified. A damaged one is an error in its place; the others follow.
    ///
    /// # Errors
    /// If the database refuses.
    pub fn member_tails(
        self,
    ) -> Result<impl Iterator<Item = Result<(MemberSet, Tail), StoreError>> + use<'t>, StoreError> {
        Ok(until_error(self.tables.tails.iter(self.txn)?).map(|entry| {
            let (key, value) = entry?;
            let read = || -> Result<_, Damage> {
                let set =
                    MemberSet::from_key(key.try_into().map_err(|_| Damage::Malformed("its key is that of no set"))?)?;
                Ok((set, TailView::open(set, value)?.decode()))
            };
            read().map_err(|damage| damaged(TAILS, format!("{key:02x?}"), damage))
        }))
    }
}

fn read_container<'t>(key: &[u8], value: &'t [u8]) -> Result<(MemberSet, Block, Container<'t>), StoreError> {
    let read = || -> Result<_, Damage> {
        let &[kind, a, b, c, d, e, f] = key else {
            return Err(Damage::Malformed("its key is that of no set"));
        };
        let set = MemberSet::from_key([kind, a, b, c, d])?;
        Ok((set, Block(u16::from_be_bytes([e, f])), Container::open(SALT, key, value)?))
    };
    read().map_err(|damage| damaged(MEMBERS, format!("{key:02x?}"), damage))
}

impl Transaction<'_> {
    /// Applies what entered and left to a group's members. Lists ascend, each document once, and have nothing in common.
    ///
    /// What enters must not be a member and what leaves must be one: the count relies on it. (The members come out right
    /// even if it does not hold, and the count is set right by the next merge.)
    ///
    /// Cost: the tail is rewritten: two bytes for each of its entries, of which there are at most 8,192.
    ///
    /// # Errors
    /// If a stored value is damaged, or the store cannot be written.
    pub fn apply_members(
        &mut self,
        set: impl Into<MemberSet>,
        entered: &[u32],
        left: &[u32],
    ) -> Result<(), StoreError> {
        debug_assert!(sorted::is_set(entered) && sorted::is_set(left), "documents ascend, each once");
        if entered.is_empty() && left.is_empty() {
            return Ok(());
        }
        let set = set.into();
        let mut tail = self.view().tail(set)?.map(TailView::decode).unwrap_or_default();
        let news = sorted::difference(entered, &tail.entered).len() as u64;
        let losses = sorted::difference(left, &tail.left).len() as u64;
        tail.count = (tail.count + news).saturating_sub(losses);
        let returned = sorted::difference(entered, &tail.left);
        let gone = sorted::difference(left, &tail.entered);
        tail.entered = sorted::difference(&sorted::union(&tail.entered, &returned), left);
        tail.left = sorted::difference(&sorted::union(&tail.left, &gone), entered);
        if tail.entered.len() + tail.left.len() > set.tail_limit() {
            self.merge(set, tail)
        } else {
            self.put_tail(set, &tail)
        }
    }

    /// Replaces the members of a group.
    ///
    /// Cost: a pass over the members, and a write for each block.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn replace_members(&mut self, set: impl Into<MemberSet>, members: &RoaringBitmap) -> Result<(), StoreError> {
        let set = set.into();
        self.delete_members(set)?;
        let mut words = zeros();
        let mut iter = members.iter();
        let mut buffer = [0; 512];
        let mut current = None;
        loop {
            let documents: &[u32] = iter.next_many(&mut buffer);
            if documents.is_empty() {
                break;
            }
            for &document in documents {
                let document = DocumentNumber(document);
                if current != Some(document.block())
                    && let Some(block) = current.replace(document.block())
                {
                    self.put_container(set, block, &words)?;
                    words.fill(0);
                }
                super::container::set(&mut words, document.offset());
            }
        }
        if let Some(block) = current {
            self.put_container(set, block, &words)?;
        }
        self.put_tail(set, &Tail { count: members.len(), ..Tail::default() })
    }

    /// Replaces the members of a group in some blocks, ascending, each once: how groups are filled.
    ///
    /// Cost: one or two microseconds a block, and the write.
    ///
    /// # Errors
    /// If a stored value is damaged, or the store cannot be written.
    pub fn replace_member_blocks<'w>(
        &mut self,
        set: impl Into<MemberSet>,
        blocks: impl IntoIterator<Item = (Block, &'w Words)>,
    ) -> Result<(), StoreError> {
        let set = set.into();
        let mut tail = self.view().tail(set)?.map(TailView::decode).unwrap_or_default();
        let mut before = zeros();
        for (block, words) in blocks {
            self.view().members_in_block(set, block, &mut before)?;
            tail.count = (tail.count + u64::from(count(words))).saturating_sub(u64::from(count(&before)));
            tail.entered.retain(|&document| DocumentNumber(document).block() != block);
            tail.left.retain(|&document| DocumentNumber(document).block() != block);
            self.put_container(set, block, words)?;
        }
        self.put_tail(set, &tail)
    }

    /// Takes away all members of a group.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn delete_members(&mut self, set: impl Into<MemberSet>) -> Result<(), StoreError> {
        let set = set.into();
        let (first, last) = (set.block_key(Block(0)), set.block_key(Block(u16::MAX)));
        if is_kept(&first) {
            for container in self.tables.members.range(&self.txn, &between(&first, &last))? {
                self.tallies.remove(Part::Kept, container?.1);
            }
        }
        self.tables.members.delete_range(&mut self.txn, &between(&first, &last))?;
        self.delete_entry(self.tables.tails, &set.key())
    }

    /// The pending members of a group become its active ones: the swap at the end of a filling.
    ///
    /// Cost: a copy of each container.
    ///
    /// # Errors
    /// If a stored value is damaged, or the store cannot be written.
    pub fn promote_members(&mut self, group: GroupId) -> Result<(), StoreError> {
        let (from, to) = (MemberSet::Pending(group), MemberSet::Active(group));
        self.delete_members(to)?;
        let tail = self.view().tail(from)?.map(TailView::decode).unwrap_or_default();
        let blocks: BTreeSet<Block> =
            self.view().containers(from)?.map(|entry| entry.map(|(block, _)| block)).collect::<Result<_, _>>()?;
        for block in blocks {
            let (from, to) = (from.block_key(block), to.block_key(block));
            let mut value = self.tables.members.get(&self.txn, &from)?.unwrap_or_default().to_owned();
            reseal(SALT, &to, &mut value);
            self.tables.members.put(&mut self.txn, &to, &value)?;
        }
        self.put_tail(to, &tail)?;
        self.delete_members(from)
    }

    /// Merges every tail into its containers and says how many there were: so that readers have nothing to overlay.
    ///
    /// # Errors
    /// If a stored value is damaged, or the store cannot be written.
    pub fn merge_all_members(&mut self) -> Result<usize, StoreError> {
        let tails: Vec<(MemberSet, Tail)> = self
            .view()
            .member_tails()?
            .filter(|entry| !matches!(entry, Ok((_, tail)) if tail.entered.is_empty() && tail.left.is_empty()))
            .collect::<Result<_, _>>()?;
        let merged = tails.len();
        for (set, tail) in tails {
            self.merge(set, tail)?;
        }
        Ok(merged)
    }

    /// Writes a tail into the containers that it touches, and leaves an empty one with the true count.
    fn merge(&mut self, set: MemberSet, mut tail: Tail) -> Result<(), StoreError> {
        let expected = tail.entered.len() as i64 - tail.left.len() as i64;
        let mut actual = 0;
        let mut words = zeros();
        let (mut entered, mut left) = (&tail.entered[..], &tail.left[..]);
        while let Some(block) = sorted::first_block(entered, left) {
            let (now_entered, now_left);
            (now_entered, entered) = sorted::split_block(entered, block);
            (now_left, left) = sorted::split_block(left, block);
            words.fill(0);
            let container = self.view().container(set, block)?;
            let before = container.map_or(0, |container| container.len());
            if let Some(container) = container {
                container.union_into(&mut words);
            }
            now_left.iter().for_each(|&document| unset(&mut words, document as u16));
            now_entered.iter().for_each(|&document| super::container::set(&mut words, document as u16));
            actual += i64::from(self.put_container(set, block, &words)?) - i64::from(before);
        }
        tail.count = tail.count.saturating_add_signed(actual - expected);
        self.put_tail(set, &Tail { count: tail.count, ..Tail::default() })
    }

    /// Writes a container, or deletes it if it has no members; gives how many it has.
    fn put_container(&mut self, set: MemberSet, block: Block, words: &Words) -> Result<u32, StoreError> {
        let key = set.block_key(block);
        let mut value = std::mem::take(&mut self.scratch);
        value.clear();
        let members = encode_words(SALT, &key, words, &mut value);
        self.put_entry(self.tables.members, &key, &value)?;
        self.scratch = value;
        Ok(members)
    }

    fn put_tail(&mut self, set: MemberSet, tail: &Tail) -> Result<(), StoreError> {
        let key = set.key();
        let mut value = std::mem::take(&mut self.scratch);
        value.clear();
        tail.encode(set, &mut value);
        // Just the count, and that is zero: the same as nothing.
        if tail.count == 0 && value.len() == SEAL + 8 {
            value.clear();
        }
        self.put_entry(self.tables.tails, &key, &value)?;
        self.scratch = value;
        Ok(())
    }

    /// Puts an entry of a set, or takes it out if its value is empty.
    fn put_entry(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        if value.is_empty() {
            return self.delete_entry(table, key);
        }
        if is_kept(key) {
            return self.keep(Part::Kept, key, value).map(drop);
        }
        Ok(table.put(&mut self.txn, key, value)?)
    }

    fn delete_entry(&mut self, table: Table, key: &[u8]) -> Result<(), StoreError> {
        if is_kept(key) {
            return self.discard(Part::Kept, key).map(drop);
        }
        table.delete(&mut self.txn, key)?;
        Ok(())
    }
}
