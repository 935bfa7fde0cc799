//! The size of a group over time, from the membership log.

use crate::ids::{GroupId, Sequence};
use crate::value::Instant;
use crate::workspace::error::WorkspaceError;
use crate::workspace::{LogFilter, MembershipEvent, Reader};

/// The length of the pieces of time that a history is told in: calendar days, or hours, in the workspace's zone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Piece {
    /// From midnight to midnight.
    Day,
    /// From full hour to full hour.
    Hour,
}

/// What happened to a group's members in a piece of time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Period {
    /// When the piece began, in the workspace's zone: `2026-06-15`, or `2026-06-15T13:00`.
    pub begins: String,
    /// Contacts that entered.
    pub entered: u64,
    /// Contacts that left.
    pub left: u64,
    /// Members at its end, or now.
    pub count: u64,
}

/// Entries that are looked through for the last moves of a group, at most.
const LOOKED_THROUGH: u64 = 1 << 16;

impl Reader<'_> {
    /// The last moves in and out of a group, the latest first: so many, or fewer if the last 65,536 entries of the log
    /// hold no more.
    ///
    /// Cost: a look at the directories of those entries until there are enough.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn last_moves(&self, group: GroupId, most: usize) -> Result<Vec<MembershipEvent>, WorkspaceError> {
        let (last, horizon) = (self.sequence().0, self.horizon().0);
        let filter = LogFilter { group: Some(group), contact: None };
        let mut span = 256;
        loop {
            let after = last.saturating_sub(span).max(horizon);
            let mut moves: Vec<MembershipEvent> = Vec::new();
            for events in self.events_since(Sequence(after), filter)? {
                moves.extend(events?);
            }
            if moves.len() >= most || after == horizon || span >= LOOKED_THROUGH {
                moves.reverse();
                moves.truncate(most);
                return Ok(moves);
            }
            span *= 8;
        }
    }

    /// The pieces of time in which members of a group moved, in order, and the present one. Pieces in which nothing moved
    /// are left out: the size stays what it was.
    ///
    /// Cost: a pass over the directories of the log's entries; who moved is not looked at.
    ///
    /// # Errors
    /// If there is no such group, or the store cannot be read.
    pub fn group_history(&self, group: GroupId, piece: Piece) -> Result<Vec<Period>, WorkspaceError> {
        let count = self.group(group)?.count;
        let view = self.snapshot().view();
        let zone = &self.environment().timezone;
        let begins = |moment: Instant| {
            let format = match piece {
                Piece::Day => "%Y-%m-%d",
                Piece::Hour => "%Y-%m-%dT%H:00",
            };
            moment.timestamp().to_zoned(zone.clone()).strftime(format).to_string()
        };
        let mut periods: Vec<Period> = Vec::new();
        for entry in view.log_since(view.state().horizon)? {
            let entry = entry?;
            let Some(moves) = entry.groups().find(|moves| moves.group == group) else { continue };
            let (entered, left) = (u64::from(moves.entered_count), u64::from(moves.left_count));
            let begins = begins(entry.time);
            match periods.last_mut().filter(|last| last.begins == begins) {
                Some(last) => {
                    last.entered += entered;
                    last.left += left;
                }
                None => periods.push(Period { begins, entered, left, count: 0 }),
            }
        }
        let now = begins(self.now().max(self.clock()));
        if periods.last().is_none_or(|last| last.begins != now) {
            periods.push(Period { begins: now, entered: 0, left: 0, count: 0 });
        }
        let mut size = count;
        for period in periods.iter_mut().rev() {
            period.count = size;
            size = (size + period.left).saturating_sub(period.entered);
        }
        Ok(periods)
    }
}
