//! The membership log: for each commit that moved memberships, who entered and left which group, when and why.
//!
//! ```text
//! log    sequence u64 (big-endian)  →  sealed:
//!     cause u8, time i64, groups u32
//!     directory, ascending by group: group u32, entered u32, left u32 (how many), middle u32, end u32 (in the heap)
//!     heap: for each group the list of those that entered, up to middle, then of those that left, up to end
//! list   nothing, if there are none; else a kind:
//!     0  differences of ascending documents, as varints, the first from 0
//!     1  first byte of bits u32 (document / 8), bits: for lists so dense that this is shorter
//! ```
//!
//! Sequence numbers have no gaps: the log runs from the horizon, exclusive, to the state's last sequence. What was cut
//! off before the horizon is summed up in the members of [`MemberSet::Checkpoint`].

use roaring::RoaringBitmap;

use super::codec::{Cursor, Tag, begin, finish, unseal};
use super::digest::Part;
use super::draft::{BITS, DIFFERENCES, LogDraft};
use super::error::{Damage, StoreError};
use super::members::MemberSet;
use super::snapshot::{Transaction, View, damaged};
use super::tables::{from, until_error};
use crate::ids::{GroupId, Sequence};
use crate::value::Instant;

const LOG: &str = "log";
const VERSION: u8 = 1;
/// Bytes before the directory.
const HEADER: usize = 13;
/// Bytes of one group in the directory.
const ENTRY: usize = 20;

/// Why memberships moved.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Cause {
    /// Contacts changed.
    Change,
    /// Time passed.
    Clock,
    /// A group was created, edited or deleted.
    Edit,
    /// Members of a manual group were added or removed.
    Manual,
}

impl Cause {
    /// All of them, by code.
    const ALL: [Cause; 4] = [Cause::Change, Cause::Clock, Cause::Edit, Cause::Manual];

    /// The name used in output.
    pub fn name(self) -> &'static str {
        match self {
            Cause::Change => "change",
            Cause::Clock => "clock",
            Cause::Edit => "edit",
            Cause::Manual => "manual",
        }
    }
}

/// Who entered and who left a group in one commit. Lists ascend, each document once, and have nothing in common.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moves<'a> {
    /// The group.
    pub group: GroupId,
    /// Documents that entered.
    pub entered: &'a [u32],
    /// Documents that left.
    pub left: &'a [u32],
}

/// An entry of the log, read in place.
#[derive(Clone, Copy, Debug)]
pub struct LogEntry<'a> {
    /// Its place in the log.
    pub sequence: Sequence,
    /// When it happened, by the workspace's clock. Never decreases along the log.
    pub time: Instant,
    /// Why.
    pub cause: Cause,
    directory: &'a [[u8; ENTRY]],
    heap: &'a [u8],
}

/// What one entry says of one group.
#[derive(Clone, Copy, Debug)]
pub struct LogGroup<'a> {
    /// The group.
    pub group: GroupId,
    /// How many entered.
    pub entered_count: u32,
    /// How many left.
    pub left_count: u32,
    entered: &'a [u8],
    left: &'a [u8],
}

impl<'a> LogEntry<'a> {
    pub(super) fn open(sequence: Sequence, value: &'a [u8]) -> Result<Self, Damage> {
        let mut cursor = Cursor::new(unseal(Tag::Log, &sequence.0.to_be_bytes(), VERSION, value)?);
        let cause = Cause::ALL.get(usize::from(cursor.u8()?)).copied();
        let cause = cause.ok_or(Damage::Malformed("its cause is not known"))?;
        let time = Instant::from_micros(cursor.i64()?);
        let groups = cursor.u32()? as usize;
        let directory = cursor.take(groups.checked_mul(ENTRY).ok_or(Damage::Truncated)?)?;
        Ok(LogEntry { sequence, time, cause, directory: directory.as_chunks().0, heap: cursor.rest() })
    }

    /// The groups that moved, ascending. Lists are decoded when asked for.
    pub fn groups(&self) -> impl Iterator<Item = LogGroup<'a>> + use<'a> {
        let entry = *self;
        (0..self.directory.len()).filter_map(move |at| entry.at(at))
    }

    /// What happened to one group.
    ///
    /// Cost: a binary search.
    pub fn group(&self, group: GroupId) -> Option<LogGroup<'a>> {
        let at = self.directory.binary_search_by_key(&group.0, |&[a, b, c, d, ..]| u32::from_le_bytes([a, b, c, d]));
        self.at(at.ok()?)
    }

    fn at(&self, at: usize) -> Option<LogGroup<'a>> {
        let number = |entry: &[u8; ENTRY], index: usize| Cursor::new(entry.get(4 * index..)?).u32().ok();
        let end = |at: usize| Some(number(self.directory.get(at)?, 4)? as usize);
        let entry = self.directory.get(at)?;
        let start = match at.checked_sub(1) {
            Some(before) => end(before)?,
            None => 0,
        };
        let middle = number(entry, 3)? as usize;
        Some(LogGroup {
            group: GroupId(number(entry, 0)?),
            entered_count: number(entry, 1)?,
            left_count: number(entry, 2)?,
            entered: self.heap.get(start..middle)?,
            left: self.heap.get(middle..end(at)?)?,
        })
    }
}

impl<'a> LogGroup<'a> {
    /// Documents that entered, ascending.
    pub fn entered(&self) -> impl Iterator<Item = u32> + use<'a> {
        list(self.entered)
    }

    /// Documents that left, ascending.
    pub fn left(&self) -> impl Iterator<Item = u32> + use<'a> {
        list(self.left)
    }

    /// Undoes the moves in a set of members.
    fn undo(&self, members: &mut RoaringBitmap) {
        *members -= self.entered().collect::<RoaringBitmap>();
        *members |= self.left().collect::<RoaringBitmap>();
    }
}

/// The documents of an encoded list; ends where the bytes stop making sense, which the checksum excludes.
fn list(bytes: &[u8]) -> impl Iterator<Item = u32> + use<'_> {
    let mut cursor = Cursor::new(bytes);
    let kind = cursor.u8().ok();
    let (differences, bits) = match kind {
        Some(DIFFERENCES) => (cursor.rest(), &[][..]),
        Some(BITS) => (&[][..], cursor.rest()),
        _ => (&[][..], &[][..]),
    };
    let mut differences = Cursor::new(differences);
    let mut last = 0u32;
    let differences = std::iter::from_fn(move || {
        last = last.wrapping_add(differences.varint32().ok()?);
        Some(last)
    });
    let mut bits = Cursor::new(bits);
    let first = bits.u32().unwrap_or(0);
    let bits = bits.rest().iter().enumerate().flat_map(move |(at, &byte)| {
        let base = first.wrapping_add(at as u32).wrapping_mul(8);
        (0..8).filter(move |bit| byte >> bit & 1 != 0).map(move |bit| base | bit)
    });
    differences.chain(bits)
}

fn encode(
    sequence: Sequence,
    time: Instant,
    cause: Cause,
    draft: &LogDraft,
    out: &mut Vec<u8>,
) -> Result<(), StoreError> {
    let length = draft.heap.len();
    if length > u32::MAX as usize / 2 {
        let limit = u32::MAX as usize / 2;
        return Err(StoreError::TooLong { what: "the membership changes of one commit", length, limit });
    }
    let mut groups = draft.groups.clone();
    groups.sort_unstable_by_key(|group| group.group);
    debug_assert!(groups.is_sorted_by(|a, b| a.group < b.group), "each group once");
    let start = begin(out, VERSION);
    out.reserve(HEADER + ENTRY * groups.len() + length);
    out.push(Cause::ALL.iter().position(|&other| other == cause).unwrap_or_default() as u8);
    out.extend_from_slice(&time.micros().to_le_bytes());
    out.extend_from_slice(&(groups.len() as u32).to_le_bytes());
    let mut end = 0;
    for group in &groups {
        let middle = end + (group.middle - group.start);
        end += group.end - group.start;
        for number in [group.group.0, group.entered, group.left, middle as u32, end as u32] {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }
    for group in &groups {
        out.extend_from_slice(draft.heap.get(group.start..group.end).unwrap_or_default());
    }
    finish(out, start, Tag::Log, &sequence.0.to_be_bytes());
    Ok(())
}

fn log_damage(sequence: Sequence, damage: Damage) -> StoreError {
    damaged(LOG, format!("{sequence:?}"), damage)
}

fn read_entry<'t>(key: &[u8], value: &'t [u8]) -> Result<LogEntry<'t>, StoreError> {
    let sequence = key.try_into().map(u64::from_be_bytes).map(Sequence);
    let sequence = sequence
        .map_err(|_| damaged(LOG, format!("{key:02x?}"), Damage::Malformed("its key is not a sequence number")))?;
    LogEntry::open(sequence, value).map_err(|damage| log_damage(sequence, damage))
}

impl<'t> View<'t> {
    /// The entry of a sequence number, `None` if it is before the horizon or still to come.
    ///
    /// # Errors
    /// If the entry is damaged, or missing though it must be there.
    pub fn log_entry(self, sequence: Sequence) -> Result<Option<LogEntry<'t>>, StoreError> {
        if sequence <= self.state().horizon || sequence > self.state().sequence {
            return Ok(None);
        }
        let key = sequence.0.to_be_bytes();
        let value = self.tables.log.get(self.txn, &key)?.ok_or_else(|| log_damage(sequence, Damage::Missing))?;
        read_entry(&key, value).map(Some)
    }

    /// The entries after a sequence number, in order. A damaged one is an error in its place; the others follow.
    ///
    /// # Errors
    /// If the database refuses.
    pub fn log_since(
        self,
        after: Sequence,
    ) -> Result<impl Iterator<Item = Result<LogEntry<'t>, StoreError>> + use<'t>, StoreError> {
        let key = after.0.saturating_add(1).to_be_bytes();
        Ok(until_error(self.tables.log.range(self.txn, &from(&key))?).map(|entry| {
            let (key, value) = entry?;
            read_entry(key, value)
        }))
    }

    /// The entries after a sequence number, the last one first.
    ///
    /// # Errors
    /// If the database refuses.
    pub fn log_backwards(
        self,
        after: Sequence,
    ) -> Result<impl Iterator<Item = Result<LogEntry<'t>, StoreError>> + use<'t>, StoreError> {
        let key = after.0.saturating_add(1).to_be_bytes();
        Ok(until_error(self.tables.log.rev_range(self.txn, &from(&key))?).map(|entry| {
            let (key, value) = entry?;
            read_entry(key, value)
        }))
    }

    /// The last entry at or before a moment: the horizon if there is none after it, `None` if the moment is before the
    /// horizon, where the log no longer tells one moment from another.
    ///
    /// Cost: a binary search over the log.
    ///
    /// # Errors
    /// If an entry is damaged.
    pub fn sequence_at(self, moment: Instant) -> Result<Option<Sequence>, StoreError> {
        let (mut low, mut high) = (self.state().horizon.0, self.state().sequence.0);
        if moment < self.state().horizon_time {
            return Ok(None);
        }
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            match self.log_entry(Sequence(middle))? {
                Some(entry) if entry.time > moment => high = middle - 1,
                _ => low = middle,
            }
        }
        Ok(Some(Sequence(low)))
    }

    /// The members that a group had after an entry of the log: its present ones, with everything since undone.
    /// `None` if the entry is before the horizon.
    ///
    /// Cost: reading the directory of each entry since, and the group's lists in them.
    ///
    /// # Errors
    /// If a stored value is damaged.
    pub fn members_as_of(self, group: GroupId, sequence: Sequence) -> Result<Option<RoaringBitmap>, StoreError> {
        if sequence < self.state().horizon {
            return Ok(None);
        }
        let mut members = self.members(group)?;
        for entry in self.log_backwards(sequence)? {
            if let Some(moves) = entry?.group(group) {
                moves.undo(&mut members);
            }
        }
        Ok(Some(members))
    }
}

impl Transaction<'_> {
    /// Appends what moved to the log, and gives its sequence number; `None` if nothing moved. Groups in which nobody moved
    /// are left out. A time before that of the last entry counts as that one's.
    ///
    /// # Errors
    /// [`StoreError::TooLong`] beyond 2 GiB of moves, or if the store cannot be written.
    pub fn append_log(
        &mut self,
        time: Instant,
        cause: Cause,
        moves: &[Moves<'_>],
    ) -> Result<Option<Sequence>, StoreError> {
        let mut draft = LogDraft::default();
        moves.iter().for_each(|&moves| draft.add(moves));
        self.append_draft(time, cause, &draft)
    }

    /// Appends an entry that was put together before; as [`Transaction::append_log`].
    ///
    /// # Errors
    /// As [`Transaction::append_log`].
    pub fn append_draft(
        &mut self,
        time: Instant,
        cause: Cause,
        draft: &LogDraft,
    ) -> Result<Option<Sequence>, StoreError> {
        if draft.is_empty() {
            return Ok(None);
        }
        let last = self.view().log_entry(self.state.sequence)?.map_or(self.state.horizon_time, |entry| entry.time);
        let sequence = Sequence(self.state.sequence.0 + 1);
        let mut value = std::mem::take(&mut self.scratch);
        value.clear();
        encode(sequence, time.max(last), cause, draft, &mut value)?;
        self.keep(Part::Log, &sequence.0.to_be_bytes(), &value)?;
        self.scratch = value;
        self.state.sequence = sequence;
        Ok(Some(sequence))
    }

    /// Applies what moved to the active members of each group and appends it to the log: what a commit of changes does.
    ///
    /// # Errors
    /// As [`Transaction::apply_members`] and [`Transaction::append_log`].
    pub fn record_moves(
        &mut self,
        time: Instant,
        cause: Cause,
        moves: &[Moves<'_>],
    ) -> Result<Option<Sequence>, StoreError> {
        for Moves { group, entered, left } in moves {
            self.apply_members(*group, entered, left)?;
        }
        self.append_log(time, cause, moves)
    }

    /// Cuts off the log up to and with an entry, and sums up what is cut off in the members of
    /// [`MemberSet::Checkpoint`].
    ///
    /// Cost: a pass over what is cut off. Cut a long log in several transactions.
    ///
    /// # Errors
    /// If a stored value is damaged, or the store cannot be written.
    pub fn truncate_log(&mut self, up_to: Sequence) -> Result<(), StoreError> {
        let up_to = up_to.min(self.state.sequence);
        while self.state.horizon < up_to {
            let sequence = Sequence(self.state.horizon.0 + 1);
            let missing = || log_damage(sequence, Damage::Missing);
            let entry = self.view().log_entry(sequence)?.ok_or_else(missing)?;
            let time = entry.time;
            let moves: Vec<(GroupId, Vec<u32>, Vec<u32>)> =
                entry.groups().map(|moves| (moves.group, moves.entered().collect(), moves.left().collect())).collect();
            for (group, entered, left) in moves {
                self.apply_members(MemberSet::Checkpoint(group), &entered, &left)?;
            }
            self.discard(Part::Log, &sequence.0.to_be_bytes())?;
            self.state.horizon = sequence;
            self.state.horizon_time = time;
        }
        Ok(())
    }
}
