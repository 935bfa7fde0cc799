//! Who entered and left over time, from the membership log.

use jiff::tz::TimeZone;
use rustc_hash::FxHashMap;

use crate::ids::GroupId;
use crate::report::axis::TimeAxis;
use crate::store::Cause;
use crate::value::Instant;
use crate::workspace::{Reader, WorkspaceError};

/// Pieces of time at most.
const PIECES: usize = 48;

/// How many entered and left.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Moved {
    pub(super) entered: u64,
    pub(super) left: u64,
}

impl Moved {
    fn add(&mut self, entered: u32, left: u32) {
        self.entered += u64::from(entered);
        self.left += u64::from(left);
    }

    pub(super) fn total(self) -> u64 {
        self.entered + self.left
    }
}

/// The moves of one cause.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Series {
    pub(super) cause: Cause,
    pub(super) total: Moved,
    /// By piece of time.
    pub(super) pieces: Vec<Moved>,
}

/// The whole log, by time.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Movements {
    pub(super) axis: TimeAxis,
    pub(super) first: Instant,
    pub(super) last: Instant,
    /// Whether the log was cut off before its first entry here.
    pub(super) is_cut: bool,
    /// Causes that moved anybody.
    pub(super) series: Vec<Series>,
    /// Moves of each group that are none of the group's own making and unmaking: all but those of edits.
    pub(super) by_group: FxHashMap<GroupId, Moved>,
    /// For groups that were asked for: members gained by piece of time, whatever the cause.
    pub(super) gains: FxHashMap<GroupId, Vec<i64>>,
}

impl Movements {
    /// Reads the log; `None` if nothing ever moved. `tracked`: groups whose size is wanted over time.
    ///
    /// Cost: a pass over the directories of all entries; who moved is not looked at.
    pub(super) fn read(
        reader: &Reader<'_>,
        tracked: &[GroupId],
        zone: &TimeZone,
    ) -> Result<Option<Self>, WorkspaceError> {
        let view = reader.snapshot().view();
        let state = view.state();
        let Some(first) = view.log_since(state.horizon)?.next() else { return Ok(None) };
        let first = first?.time;
        let last = view.log_entry(state.sequence)?.map_or(first, |entry| entry.time);
        let axis = TimeAxis::new(first, last, zone, PIECES);
        let pieces = axis.len();
        let mut series: Vec<Series> = Vec::new();
        let mut by_group: FxHashMap<GroupId, Moved> = FxHashMap::default();
        let mut gains: FxHashMap<GroupId, Vec<i64>> = tracked.iter().map(|&group| (group, vec![0; pieces])).collect();
        for entry in view.log_since(state.horizon)? {
            let entry = entry?;
            let piece = axis.piece(entry.time);
            let of_cause = match series.iter_mut().position(|series| series.cause == entry.cause) {
                Some(at) => at,
                None => {
                    series.push(Series {
                        cause: entry.cause,
                        total: Moved::default(),
                        pieces: vec![Moved::default(); pieces],
                    });
                    series.len() - 1
                }
            };
            for moves in entry.groups() {
                if let Some(series) = series.get_mut(of_cause) {
                    series.total.add(moves.entered_count, moves.left_count);
                    if let Some(moved) = series.pieces.get_mut(piece) {
                        moved.add(moves.entered_count, moves.left_count);
                    }
                }
                if entry.cause != Cause::Edit {
                    by_group.entry(moves.group).or_default().add(moves.entered_count, moves.left_count);
                }
                if let Some(gain) = gains.get_mut(&moves.group).and_then(|gains| gains.get_mut(piece)) {
                    *gain += i64::from(moves.entered_count) - i64::from(moves.left_count);
                }
            }
        }
        let order = |cause| [Cause::Change, Cause::Manual, Cause::Clock, Cause::Edit].iter().position(|&c| c == cause);
        series.sort_by_key(|series| order(series.cause));
        Ok(Some(Movements { axis, first, last, is_cut: state.horizon.0 > 0, series, by_group, gains }))
    }

    /// Members of a tracked group at the end of each piece of time, given those of now.
    pub(super) fn sizes(&self, group: GroupId, now: u64) -> Option<Vec<u64>> {
        let gains = self.gains.get(&group)?;
        let mut size = i64::try_from(now).unwrap_or(i64::MAX);
        let mut sizes: Vec<u64> = gains
            .iter()
            .rev()
            .map(|gain| {
                let at_end = size;
                size -= gain;
                u64::try_from(at_end).unwrap_or_default()
            })
            .collect();
        sizes.reverse();
        Some(sizes)
    }
}
