//! How much there is of what nothing else tells, and a sum over it: so that a page of an earlier commit, whose values are
//! whole and fit their keys, is found as what it is.
//!
//! Rows, definitions, the log, tombstones, offsets and the members that are kept by hand cannot be computed from anything
//! else. Of each of these parts every commit writes how many entries there are and the sum of their marks. The mark of an
//! entry follows from its checksum, which covers table, key and value; sums do not depend on the order, so a change costs
//! one mark taken off and one put on.

use super::codec::{Cursor, Tag, verify};
use super::error::{Damage, StoreError};
use super::snapshot::Transaction;
use super::tables::{Table, Tables};

/// What is kept of one kind, and follows from nothing else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub(crate) enum Part {
    Rows,
    Schema,
    Groups,
    Sources,
    Log,
    Tombstones,
    /// Members at the horizon of the log, pinned and excluded ones: containers and tails.
    Kept,
}

impl Part {
    pub(crate) const ALL: [Part; 7] =
        [Part::Rows, Part::Schema, Part::Groups, Part::Sources, Part::Log, Part::Tombstones, Part::Kept];

    /// The part that an entry of a table belongs to; `None` if it can be computed from others.
    pub(crate) fn of(table: &str, key: &[u8]) -> Option<Self> {
        match table {
            "rows" => Some(Part::Rows),
            "schema" => Some(Part::Schema),
            "groups" => Some(Part::Groups),
            "sources" => Some(Part::Sources),
            "log" => Some(Part::Log),
            "tombstones" => Some(Part::Tombstones),
            "members" | "tails" if super::members::is_kept(key) => Some(Part::Kept),
            _ => None,
        }
    }

    /// What it is called where it is found wrong.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Part::Rows => "rows",
            Part::Schema => "schema",
            Part::Groups => "groups",
            Part::Sources => "sources",
            Part::Log => "log",
            Part::Tombstones => "tombstones",
            Part::Kept => "members",
        }
    }
}

/// Verifies the seal of a value in one of the tables whose values are sealed; others are verified by whoever reads them.
pub(crate) fn verify_entry(table: &str, key: &[u8], value: &[u8]) -> Result<(), Damage> {
    let tag = match table {
        "meta" => Tag::Meta,
        "schema" => Tag::Schema,
        "rows" => Tag::Row,
        "uuids" => Tag::Uuid,
        "urns" => Tag::Urn,
        "sources" => Tag::Source,
        "groups" => Tag::Group,
        "members" => Tag::Member,
        "tails" => Tag::Tail,
        "log" => Tag::Log,
        "dirty" => Tag::Dirty,
        "tombstones" => Tag::Tombstone,
        _ => return Ok(()),
    };
    verify(tag as u64, key, value)
}

/// How many entries a part has, and the sum of their marks.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Tally {
    pub(crate) entries: u64,
    pub(crate) sum: u64,
}

/// The tally of each part.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Tallies([Tally; Part::ALL.len()]);

impl Tallies {
    pub(crate) fn get(&self, part: Part) -> Tally {
        self.0.get(part as usize).copied().unwrap_or_default()
    }

    fn change(&mut self, part: Part, change: impl FnOnce(&mut Tally)) {
        if let Some(tally) = self.0.get_mut(part as usize) {
            change(tally);
        }
    }

    /// Counts an entry whose value is this.
    pub(crate) fn add(&mut self, part: Part, value: &[u8]) {
        self.change(part, |tally| {
            tally.entries = tally.entries.wrapping_add(1);
            tally.sum = tally.sum.wrapping_add(mark(value));
        });
    }

    /// Counts it no longer.
    pub(crate) fn remove(&mut self, part: Part, value: &[u8]) {
        self.change(part, |tally| {
            tally.entries = tally.entries.wrapping_sub(1);
            tally.sum = tally.sum.wrapping_sub(mark(value));
        });
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        for tally in &self.0 {
            out.extend_from_slice(&tally.entries.to_le_bytes());
            out.extend_from_slice(&tally.sum.to_le_bytes());
        }
    }

    pub(crate) fn decode(cursor: &mut Cursor<'_>) -> Result<Self, Damage> {
        let mut tallies = Tallies::default();
        for tally in &mut tallies.0 {
            *tally = Tally { entries: cursor.u64()?, sum: cursor.u64()? };
        }
        Ok(tallies)
    }
}

/// What a value adds to the sum: its checksum, spread over 64 bits.
fn mark(value: &[u8]) -> u64 {
    let checksum = value.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
    let mut mark = (u64::from(checksum) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mark = (mark ^ (mark >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    mark ^ (mark >> 32)
}

impl Tables {
    fn of_part(&self, part: Part, key: &[u8]) -> Table {
        match part {
            Part::Rows => self.rows,
            Part::Schema => self.schema,
            Part::Groups => self.groups,
            Part::Sources => self.sources,
            Part::Log => self.log,
            Part::Tombstones => self.tombstones,
            Part::Kept if super::members::is_tail(key) => self.tails,
            Part::Kept => self.members,
        }
    }
}

impl Transaction<'_> {
    /// Puts an entry of a part, and says whether it is new.
    ///
    /// Cost: a look for the entry before it, which brings the page that the new one goes to.
    pub(crate) fn keep(&mut self, part: Part, key: &[u8], value: &[u8]) -> Result<bool, StoreError> {
        let table = self.tables.of_part(part, key);
        let before = table.get(&self.txn, key)?;
        if let Some(before) = before {
            self.tallies.remove(part, before);
        }
        let is_new = before.is_none();
        table.put(&mut self.txn, key, value)?;
        self.tallies.add(part, value);
        Ok(is_new)
    }

    /// Takes an entry of a part out, and says whether there was one.
    pub(crate) fn discard(&mut self, part: Part, key: &[u8]) -> Result<bool, StoreError> {
        let table = self.tables.of_part(part, key);
        let Some(before) = table.get(&self.txn, key)? else { return Ok(false) };
        self.tallies.remove(part, before);
        Ok(table.delete(&mut self.txn, key)?)
    }
}
