//! Memberships against the rows, by the plain evaluator; and against the sum of the log.

use std::collections::BTreeMap;

use rayon::prelude::*;
use roaring::RoaringBitmap;

use super::CheckReport;
use crate::contact::Status;
use crate::ids::{Block, DocumentNumber, GroupId, Sequence};
use crate::model::{self, Context, Memberships};
use crate::refresh::order;
use crate::sema::groups_used;
use crate::sema::query::Query;
use crate::store::{MemberSet, RowView};
use crate::workspace::definitions::GroupDefinition;
use crate::workspace::error::WorkspaceError;
use crate::workspace::read::reader::Reader;

/// Rows handled at once by a thread.
const PIECE: usize = 1024;

/// The groups of one contact, as far as they are known.
struct Known {
    groups: Vec<GroupId>,
}

impl Memberships for Known {
    fn is_member(&self, group: GroupId) -> bool {
        self.groups.contains(&group)
    }

    fn in_any_group(&self) -> bool {
        !self.groups.is_empty()
    }
}

pub(super) fn check(reader: &Reader<'_>, report: &mut CheckReport) -> Result<(), WorkspaceError> {
    let expected = expected(reader, report, |group| group.active.as_ref().filter(|_| group.is_kept_exact()))?;
    let view = reader.snapshot().view();
    for group in reader.groups()? {
        let is_stale = group.smart && !reader.definitions().groups.get(&group.id).is_some_and(|g| g.is_kept_exact());
        if is_stale {
            continue;
        }
        report.groups += 1;
        let members = match reader.members(group.id) {
            Ok(members) => members,
            Err(error) => {
                report.find("memberships", true, error.to_string());
                continue;
            }
        };
        report.memberships += members.len();
        let empty = RoaringBitmap::new();
        let wanted = expected.get(&group.id).unwrap_or(&empty);
        compare("memberships", &group.name, wanted, &members, report);
        if view.member_count(group.id)? != view.members(group.id)?.len() {
            report.find("memberships", true, format!("the count of `{}` is not that of its members", group.name));
        }
    }
    check_pending(reader, report)?;
    check_log(reader, report)
}

/// The members of queries that are being filled, below the positions.
fn check_pending(reader: &Reader<'_>, report: &mut CheckReport) -> Result<(), WorkspaceError> {
    if reader.definitions().pending().next().is_none() {
        return Ok(());
    }
    let mut expected = expected(reader, report, |group| {
        group.pending.as_ref().or(group.active.as_ref().filter(|_| group.is_kept_exact()))
    })?;
    for (id, group) in reader.definitions().pending() {
        let mut wanted = expected.remove(&id).unwrap_or_default();
        wanted.remove_range(group.record.filled_to..);
        match reader.snapshot().view().members(MemberSet::Pending(id)) {
            Ok(members) => compare("pending memberships", &group.record.name, &wanted, &members, report),
            Err(error) => report.find("pending memberships", true, error.to_string()),
        }
    }
    Ok(())
}

fn compare(area: &'static str, name: &str, wanted: &RoaringBitmap, found: &RoaringBitmap, report: &mut CheckReport) {
    let (missing, extra) = (wanted - found, found - wanted);
    for (what, documents) in [("lacks", missing), ("holds by mistake", extra)] {
        if let Some(first) = documents.min() {
            let message = format!("`{name}` {what} {} contacts, {:?} first", documents.len(), DocumentNumber(first));
            report.find(area, true, message);
        }
    }
}

/// The members of every group by the rows and by the queries that are asked for.
fn expected(
    reader: &Reader<'_>,
    report: &mut CheckReport,
    query_of: impl Fn(&GroupDefinition) -> Option<&Query>,
) -> Result<BTreeMap<GroupId, RoaringBitmap>, WorkspaceError> {
    let definitions = reader.definitions();
    let queries: BTreeMap<GroupId, &Query> =
        definitions.groups.iter().filter_map(|(&id, group)| Some((id, query_of(group)?))).collect();
    let references: BTreeMap<GroupId, Vec<GroupId>> =
        queries.iter().map(|(&id, query)| (id, groups_used(query))).collect();
    let Ok(order) = order::topological(&references) else {
        report.find("groups", false, "groups refer to each other in a circle");
        return Ok(BTreeMap::new());
    };
    let groups: Vec<(GroupId, &Query)> = order.into_iter().filter_map(|id| Some((id, *queries.get(&id)?))).collect();
    let view = reader.snapshot().view();
    let now = reader.now().max(reader.clock());
    let zone = &reader.environment().timezone;
    let none = Default::default();
    let mut overrides = BTreeMap::new();
    for &(id, _) in &groups {
        overrides.insert(id, reader.overrides(id)?);
    }
    let mut members: BTreeMap<GroupId, RoaringBitmap> = BTreeMap::new();
    for block in (0..view.state().next_document.div_ceil(1 << 16)).map(|number| Block(number as u16)) {
        let rows = view.rows_of_block(block)?;
        let found: Vec<BTreeMap<GroupId, Vec<u32>>> = rows
            .par_chunks(PIECE)
            .map(|piece| {
                let mut found: BTreeMap<GroupId, Vec<u32>> = BTreeMap::new();
                for &(document, bytes) in piece {
                    let Ok(row) = RowView::open_trusted(document, bytes) else { continue };
                    let mut known = Known { groups: row.groups().collect() };
                    if row.status() == Status::Active {
                        for &(id, query) in &groups {
                            let context = Context { zone, now, memberships: &known };
                            let (pinned, excluded) = overrides.get(&id).unwrap_or(&none);
                            let is_in = pinned.contains(document.0) || model::matches(query, &row, &context);
                            if is_in && !excluded.contains(document.0) {
                                known.groups.push(id);
                            }
                        }
                    }
                    for id in known.groups {
                        found.entry(id).or_default().push(document.0);
                    }
                }
                found
            })
            .collect();
        for (group, documents) in found.into_iter().flatten() {
            members.entry(group).or_default().extend(documents);
        }
    }
    Ok(members)
}

/// The memberships at the horizon and every move since make the memberships now.
fn check_log(reader: &Reader<'_>, report: &mut CheckReport) -> Result<(), WorkspaceError> {
    let view = reader.snapshot().view();
    let mut sums: BTreeMap<GroupId, RoaringBitmap> = BTreeMap::new();
    for &id in reader.definitions().groups.keys() {
        sums.insert(id, view.members(MemberSet::Checkpoint(id)).unwrap_or_default());
    }
    for number in view.state().horizon.0 + 1..=view.state().sequence.0 {
        // Entries that cannot be read are found elsewhere.
        let Ok(Some(entry)) = view.log_entry(Sequence(number)) else { continue };
        for moves in entry.groups() {
            let Some(members) = sums.get_mut(&moves.group) else { continue };
            for document in moves.entered() {
                if !members.insert(document) {
                    let message = format!("in entry {number} doc{document} enters a group that it is in");
                    report.find("log", false, message);
                }
            }
            for document in moves.left() {
                if !members.remove(document) {
                    report.find(
                        "log",
                        false,
                        format!("in entry {number} doc{document} leaves a group that it is not in"),
                    );
                }
            }
        }
    }
    for (id, sum) in sums {
        let Some(group) = reader.definitions().groups.get(&id) else { continue };
        match view.members(id) {
            Ok(members) => compare("log", &group.record.name, &sum, &members, report),
            Err(error) => report.find("memberships", true, error.to_string()),
        }
    }
    Ok(())
}
