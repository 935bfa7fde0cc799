//! What keeping each smart group exact costs: the engine's time for a contact, and how often members move.

use std::collections::BTreeMap;
use std::time::Instant as Stopwatch;

use crate::ids::{Block, DocumentNumber, GroupId};
use crate::plan::logical;
use crate::refresh::{Engine, Moment};
use crate::store::{Cause, RowView, StoreError};
use crate::value::Instant;
use crate::workspace::definitions::plans::StoredMembers;
use crate::workspace::error::WorkspaceError;
use crate::workspace::read::groups::GroupInfo;
use crate::workspace::read::reader::Reader;

/// Contacts that each group is evaluated over.
const SAMPLE: usize = 1024;

/// Moves are counted over so many days, or as long as the group or the log goes back.
const DAYS: i64 = 30;

const DAY: i64 = 86_400_000_000;

/// A group and what it costs.
#[derive(Clone, PartialEq, Debug)]
pub struct GroupProfile {
    /// The group.
    pub group: GroupInfo,
    /// Distinct conditions after normalisation; 0 for a manual group.
    pub atoms: usize,
    /// Time that the engine takes to evaluate it alone for one contact, in nanoseconds, over a sample of the first
    /// contacts; 0 for a manual group.
    pub nanos_per_contact: u64,
    /// Time that a search for its members takes, in microseconds; 0 for a manual group.
    pub micros: u64,
    /// Contacts that entered or left it, on an average day of the last thirty, but not because it was made or edited.
    pub moves_per_day: f64,
}

impl Reader<'_> {
    /// What each group costs, the most costly for a contact first.
    ///
    /// Cost: a search for each group, its evaluation over a thousand contacts, and a look at the log of thirty days.
    ///
    /// # Errors
    /// If the store or an index cannot be read.
    #[doc(hidden)]
    pub fn profile_groups(&self) -> Result<Vec<GroupProfile>, WorkspaceError> {
        let view = self.snapshot().view();
        let first = view.rows(DocumentNumber(0)..=DocumentNumber(u32::MAX))?.take(SAMPLE);
        let mut rows: Vec<(DocumentNumber, RowView<'_>)> = Vec::new();
        for entry in first {
            let (document, bytes) = entry?;
            let damaged = |damage| StoreError::Damaged { table: "rows", key: format!("{document:?}"), damage };
            rows.push((document, RowView::open(document, bytes).map_err(damaged)?));
        }
        let whole = self.definitions().engine()?;
        let mut moves = self.moves_per_day()?;
        let mut profiles = Vec::new();
        for group in self.groups()? {
            let moves_per_day = moves.remove(&group.id).unwrap_or_default();
            let Some(query) = self.group_query(group.id) else {
                profiles.push(GroupProfile { group, atoms: 0, nanos_per_contact: 0, micros: 0, moves_per_day });
                continue;
            };
            let atoms = logical::lower(query).atoms.len();
            let nanos_per_contact = self.evaluation_time(&whole, group.id, &rows)?;
            let start = Stopwatch::now();
            self.count_query(query)?;
            let micros = start.elapsed().as_micros() as u64;
            profiles.push(GroupProfile { group, atoms, nanos_per_contact, micros, moves_per_day });
        }
        profiles.sort_by_key(|profile| std::cmp::Reverse((profile.nanos_per_contact, profile.micros)));
        Ok(profiles)
    }

    fn evaluation_time(
        &self,
        whole: &Engine,
        group: GroupId,
        rows: &[(DocumentNumber, RowView<'_>)],
    ) -> Result<u64, WorkspaceError> {
        let table = whole.table().subset(&[group]).map_err(|error| self.definitions().table_error(error))?;
        let plan = whole.table().plan(group).map(crate::refresh::order::references).unwrap_or_default();
        let outside = plan.into_iter().filter(|group| table.outside().contains(group));
        let outside = StoredMembers::load(self.snapshot().view(), outside)?;
        let moment = Moment::new(self.now().max(self.clock()), self.environment().timezone.clone());
        let engine = Engine::new(table, moment);
        let blocks = rows.chunk_by(|(one, _), (other, _)| one.block() == other.block());
        let run = || {
            for rows in blocks.clone() {
                let block = rows.first().map_or(Block(0), |(document, _)| document.block());
                engine.fill_block_words(block, rows.iter().map(|(document, row)| (*document, row)), &outside);
            }
        };
        // The first run warms up the engine's memory.
        run();
        let start = Stopwatch::now();
        run();
        Ok(start.elapsed().as_nanos() as u64 / rows.len().max(1) as u64)
    }

    /// Moves of each group on an average day.
    fn moves_per_day(&self) -> Result<BTreeMap<GroupId, f64>, WorkspaceError> {
        let view = self.snapshot().view();
        let now = self.clock();
        let since = Instant::from_micros(now.micros().saturating_sub(DAYS * DAY)).max(view.state().horizon_time);
        let mut moved: BTreeMap<GroupId, u64> = BTreeMap::new();
        for entry in view.log_backwards(view.state().horizon)? {
            let entry = entry?;
            if entry.time < since {
                break;
            }
            if entry.cause != Cause::Edit {
                for moves in entry.groups() {
                    *moved.entry(moves.group).or_default() +=
                        u64::from(moves.entered_count) + u64::from(moves.left_count);
                }
            }
        }
        let of_day = |(id, moved): (GroupId, u64)| {
            let created = self.definitions().groups.get(&id).map_or(since, |group| group.record.created_on);
            let days = (now.micros() - created.max(since).micros()) as f64 / DAY as f64;
            (id, moved as f64 / days.max(1.0))
        };
        Ok(moved.into_iter().map(of_day).collect())
    }
}
