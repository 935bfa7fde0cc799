//! Groups whose members take long to find: filled in several transactions, beside what everybody sees.
//!
//! Such a group keeps its *active* query and members, if it has any, and gets a *pending* query with members of its own
//! up to a *position*, the first document that the filling has not looked at. Each step looks at some more documents;
//! changes and the clock move the pending members below the position as they move the active ones; when the position has
//! passed the last document, the pending query and members take the place of the active ones in one transaction, with
//! one entry of the log. A crash loses at most one step.
//!
//! A group that refers to one with a pending query is filled with it, by its own query: the members of both must change
//! in the same transaction. So what is filled and swapped together is a *component*: smart groups that refer to one
//! another, directly or through others, by their active or their pending queries. Its groups share one position.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{BLOCK_SIZE, Block, DocumentNumber, GroupId, Sequence};
use crate::index::RowChange;
use crate::plan::atom::LogicalPlan;
use crate::refresh::{self, Engine, Flips, Moment, Table};
use crate::sema::groups_used;
use crate::sema::query::Query;
use crate::store::container::zeros;
use crate::store::{Cause, GroupStatus, LogDraft, MemberSet, RowView};
use crate::value::Instant;
use crate::workspace::Workspace;
use crate::workspace::definitions::plans::StoredMembers;
use crate::workspace::definitions::{Definitions, GroupDefinition};
use crate::workspace::error::WorkspaceError;
use crate::workspace::groups::filling::{FillPolicy, fill_range};
use crate::workspace::write::writer::Writer;

/// What a step of filling did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FillStep {
    /// Groups that took over their pending queries, ascending.
    pub swapped: Vec<GroupId>,
    /// Groups that still have a pending query.
    pub waiting: usize,
    /// The last entry of the membership log.
    pub sequence: Sequence,
}

impl GroupDefinition {
    /// The query that its members will be those of: the pending one, if it has one.
    fn coming(&self) -> Option<&Query> {
        self.pending.as_ref().or(self.active.as_ref()).filter(|_| self.record.smart)
    }

    /// Whether its pending query is its active one: it is filled again because of a group that it refers to.
    pub(crate) fn only_follows(&self) -> bool {
        self.record.pending.is_some() && self.record.pending == self.record.active
    }
}

impl Definitions {
    /// Groups with a pending query, ascending.
    pub(crate) fn pending(&self) -> impl Iterator<Item = (GroupId, &GroupDefinition)> {
        self.groups.iter().filter(|(_, group)| group.pending.is_some()).map(|(&id, group)| (id, group))
    }

    /// What each smart group will refer to, once nothing is pending.
    pub(crate) fn coming_references(&self) -> BTreeMap<GroupId, Vec<GroupId>> {
        let kept = self.groups.iter().filter(|(_, group)| group.record.status != GroupStatus::Invalid);
        kept.filter_map(|(&id, group)| Some((id, groups_used(group.coming()?)))).collect()
    }

    /// The smart groups that are connected with these by references, these included.
    fn component(&self, of: impl IntoIterator<Item = GroupId>) -> BTreeSet<GroupId> {
        let mut beside: BTreeMap<GroupId, Vec<GroupId>> = BTreeMap::new();
        for (&id, group) in self.groups.iter().filter(|(_, group)| group.record.smart) {
            for other in [&group.active, &group.pending].into_iter().flatten().flat_map(groups_used) {
                if self.groups.get(&other).is_some_and(|other| other.record.smart) {
                    beside.entry(id).or_default().push(other);
                    beside.entry(other).or_default().push(id);
                }
            }
        }
        let mut found: BTreeSet<GroupId> = BTreeSet::new();
        let mut open: Vec<GroupId> = of.into_iter().collect();
        while let Some(group) = open.pop() {
            if found.insert(group) {
                open.extend(beside.get(&group).into_iter().flatten());
            }
        }
        found
    }

    /// These groups and all that will refer to them, directly or through others.
    fn followers(&self, of: impl IntoIterator<Item = GroupId>) -> BTreeSet<GroupId> {
        let references = self.coming_references();
        let mut found: BTreeSet<GroupId> = of.into_iter().collect();
        loop {
            let before = found.len();
            let follows = |(_, on): &(&GroupId, &Vec<GroupId>)| on.iter().any(|group| found.contains(group));
            let more: Vec<GroupId> = references.iter().filter(follows).map(|(&id, _)| id).collect();
            found.extend(more);
            if found.len() == before {
                return found;
            }
        }
    }

    /// The plans of groups as they will be, and of all that these refer to.
    fn coming_plans(&self, groups: impl IntoIterator<Item = GroupId>) -> BTreeMap<GroupId, LogicalPlan> {
        let mut plans = BTreeMap::new();
        let mut open: Vec<GroupId> = groups.into_iter().collect();
        while let Some(id) = open.pop() {
            let query = self.groups.get(&id).and_then(GroupDefinition::coming);
            if let Some(query) = query.filter(|_| !plans.contains_key(&id)) {
                open.extend(groups_used(query));
                plans.insert(id, self.plan_of(id, query));
            }
        }
        plans
    }

    /// An engine of groups as they will be, and of all that these refer to; `None` without groups.
    fn coming_engine(&self, groups: &[GroupId], now: Instant) -> Result<Option<Engine>, WorkspaceError> {
        if groups.is_empty() {
            return Ok(None);
        }
        let table = Table::build_beside(self.coming_plans(groups.iter().copied()), self.override_groups())
            .map_err(|error| self.table_error(error))?;
        Ok(Some(Engine::new(table, Moment::new(now, self.environment(now).timezone))))
    }

    /// The engine of all pending queries; `None` if there are none.
    pub(crate) fn pending_engine(&self, now: Instant) -> Result<Option<Engine>, WorkspaceError> {
        self.coming_engine(&self.pending().map(|(id, _)| id).collect::<Vec<_>>(), now)
    }
}

impl Workspace {
    /// Sets when groups are filled in several transactions.
    #[doc(hidden)]
    pub fn set_fill_policy(&self, policy: FillPolicy) {
        *self.fills.policy() = policy;
    }

    /// Goes on with the filling of groups that have a pending query, by one transaction.
    ///
    /// # Errors
    /// If the store or an index fails; the position is then that of the step before.
    #[doc(hidden)]
    pub fn fill_step(&self, now: Instant) -> Result<FillStep, WorkspaceError> {
        let done = self.write(now, |writer| {
            let swapped = writer.fill_some()?;
            Ok(FillStep { swapped, waiting: writer.definitions.pending().count(), sequence: Sequence(0) })
        })?;
        Ok(FillStep { sequence: done.after, ..done.value })
    }

    /// Fills all groups that have a pending query, among them those that a crash left, and says how many there were.
    /// Other writers have their turn between the steps.
    ///
    /// # Errors
    /// As for [`Workspace::fill_step`].
    #[doc(hidden)]
    pub fn fill_pending(&self, now: Instant) -> Result<FillStep, WorkspaceError> {
        let mut all = FillStep { sequence: self.store.read()?.view().state().sequence, ..FillStep::default() };
        while self.has_pending()? {
            let step = self.fill_step(now)?;
            all.swapped.extend(step.swapped);
            (all.waiting, all.sequence) = (step.waiting, step.sequence);
        }
        Ok(all)
    }

    fn has_pending(&self) -> Result<bool, WorkspaceError> {
        let snapshot = self.store.read()?;
        Ok(self.definitions(snapshot.view())?.pending().next().is_some())
    }
}

impl Writer<'_> {
    /// Whether a group has a query that is being filled.
    #[doc(hidden)]
    pub fn is_pending(&self, group: GroupId) -> bool {
        self.definitions.groups.get(&group).is_some_and(|group| group.pending.is_some())
    }

    /// Fills groups that were just given pending queries: at once, or later in several transactions.
    pub(crate) fn fill_given(&mut self, groups: &[GroupId]) -> Result<(), WorkspaceError> {
        if groups.is_empty() {
            return Ok(());
        }
        self.whole(|writer| writer.fill_or_defer(groups))
    }

    fn fill_or_defer(&mut self, groups: &[GroupId]) -> Result<(), WorkspaceError> {
        let policy = *self.workspace.fills.policy();
        let component = self.definitions.component(groups.iter().copied());
        let others_wait = component.iter().any(|group| !groups.contains(group) && self.is_pending(*group));
        let is_on_the_way = groups.iter().any(|group| {
            self.definitions.groups.get(group).is_some_and(|group| group.record.filled_to > 0 || group.only_follows())
        });
        let followers = self.definitions.followers(groups.iter().copied());
        let work = self.txn.view().state().contacts.saturating_mul(followers.len() as u64);
        if others_wait || is_on_the_way || work > policy.at_once {
            self.defer(&component)?;
            self.has_deferred |= policy.finish;
            return Ok(());
        }
        for &group in groups {
            let mut record = self.group_record(group)?;
            record.active = record.pending.take();
            record.status = GroupStatus::Ready;
            self.txn.put_group(group, &record)?;
        }
        self.reload()?;
        self.refill(groups)
    }

    /// Lets the filling of a component begin anew: each group that will change, by its own query or by what it refers
    /// to, has a pending query and no pending members.
    fn defer(&mut self, component: &BTreeSet<GroupId>) -> Result<(), WorkspaceError> {
        let definitions = std::sync::Arc::clone(&self.definitions);
        let edited = definitions.pending().filter(|(id, group)| component.contains(id) && !group.only_follows());
        let due = definitions.followers(edited.map(|(id, _)| id));
        for &id in component {
            let Some(group) = definitions.groups.get(&id) else { continue };
            let mut record = group.record.clone();
            record.filled_to = 0;
            if !due.contains(&id) {
                record.pending = None;
                record.status = GroupStatus::Ready;
            } else if record.pending.is_none() {
                record.pending.clone_from(&record.active);
                record.status = GroupStatus::Evaluating;
            }
            if record != group.record {
                self.txn.put_group(id, &record)?;
            }
            self.txn.delete_members(MemberSet::Pending(id))?;
        }
        self.reload()?;
        self.schedule()
    }

    /// Lets all filling begin anew: after everything that it goes by was derived anew.
    pub(crate) fn restart_pending(&mut self) -> Result<(), WorkspaceError> {
        let definitions = std::sync::Arc::clone(&self.definitions);
        for (id, group) in definitions.pending() {
            let mut record = group.record.clone();
            record.filled_to = 0;
            self.txn.put_group(id, &record)?;
            self.txn.delete_members(MemberSet::Pending(id))?;
        }
        self.reload()
    }

    /// Gives up the query that a group is being filled with: it keeps its active one. Says whether there was one.
    ///
    /// # Errors
    /// [`WorkspaceError::NoOtherQuery`] if it has no active query yet.
    #[doc(hidden)]
    pub fn cancel_edit(&mut self, group: GroupId) -> Result<bool, WorkspaceError> {
        self.flush()?;
        let mut record = self.group_record(group)?;
        if record.pending.is_none() {
            return Ok(false);
        }
        if record.active.is_none() {
            return Err(WorkspaceError::NoOtherQuery(record.name));
        }
        let component = self.definitions.component([group]);
        record.pending.clone_from(&record.active);
        self.txn.put_group(group, &record)?;
        self.reload()?;
        self.defer(&component)?;
        Ok(true)
    }

    /// One step of the filling: more documents, or the swap, or the last documents and the swap. Gives who was swapped.
    fn fill_some(&mut self) -> Result<Vec<GroupId>, WorkspaceError> {
        self.flush()?;
        let end = self.txn.view().state().next_document;
        let step = self.workspace.fills.policy().step;
        let behind = self.definitions.pending().map(|(_, group)| group.record.filled_to).filter(|&to| to < end).min();
        if let Some(from) = behind {
            let cohort: Vec<GroupId> = self
                .definitions
                .pending()
                .filter(|(_, group)| group.record.filled_to == from)
                .map(|(id, _)| id)
                .collect();
            let documents = documents_of_step(step, cohort.len());
            let to = from.saturating_add(documents).min(end);
            self.fill_documents(&cohort, from, to)?;
            if to < end {
                return Ok(Vec::new());
            }
        }
        self.swap_some(end, step)
    }

    fn fill_documents(&mut self, cohort: &[GroupId], from: u32, to: u32) -> Result<(), WorkspaceError> {
        if let Some(engine) = self.definitions.coming_engine(cohort, self.now())? {
            let range = DocumentNumber(from)..=DocumentNumber(to.saturating_sub(1));
            let outside = StoredMembers::outside(self.txn.view(), engine.table())?;
            let mut filled = fill_range(self.txn.view(), &engine, range, &outside)?;
            for &group in cohort {
                let set = MemberSet::Pending(group);
                let mut found = filled.remove(&group).unwrap_or_default();
                for (block, words) in &mut found {
                    // A block may be filled in several steps.
                    let mut before = zeros();
                    self.txn.view().members_in_block(set, *block, &mut before)?;
                    words.iter_mut().zip(before.iter()).for_each(|(word, before)| *word |= before);
                }
                self.txn.replace_member_blocks(set, found.iter().map(|(block, words)| (*block, &**words)))?;
            }
        }
        for &group in cohort {
            let mut record = self.group_record(group)?;
            record.filled_to = to;
            self.txn.put_group(group, &record)?;
        }
        self.reload()
    }

    /// Puts pending queries in the place of active ones, component by component, while there is room in the step.
    fn swap_some(&mut self, end: u32, step: u64) -> Result<Vec<GroupId>, WorkspaceError> {
        let definitions = std::sync::Arc::clone(&self.definitions);
        let whole = |group: &GroupDefinition| group.record.filled_to >= end;
        let mut ready: BTreeSet<GroupId> =
            definitions.pending().filter(|(_, group)| whole(group)).map(|(id, _)| id).collect();
        let most = (step / self.txn.view().state().contacts.max(1)).max(1);
        let mut swapped = Vec::new();
        while let Some(&first) = ready.first()
            && (swapped.len() as u64) < most
        {
            let component = definitions.component([first]);
            swapped.extend(component.iter().copied().filter(|group| ready.remove(group)));
        }
        swapped.sort_unstable();
        let mut draft = LogDraft::default();
        for &group in &swapped {
            self.swap(group, &mut draft)?;
        }
        self.reload()?;
        self.txn.append_draft(self.now(), Cause::Edit, &draft)?;
        self.schedule()?;
        Ok(swapped)
    }

    fn swap(&mut self, group: GroupId, draft: &mut LogDraft) -> Result<(), WorkspaceError> {
        let blocks: Vec<Block> = self.blocks().collect();
        let (mut entered, mut left) = (Vec::new(), Vec::new());
        for block in blocks {
            let (mut was, mut is) = (zeros(), zeros());
            self.txn.view().members_in_block(MemberSet::Active(group), block, &mut was)?;
            self.txn.view().members_in_block(MemberSet::Pending(group), block, &mut is)?;
            if was != is {
                let mut gone = was.clone();
                gone.iter_mut().zip(is.iter()).for_each(|(word, is)| *word &= !is);
                is.iter_mut().zip(was.iter()).for_each(|(word, was)| *word &= !was);
                entered.push((block, is));
                left.push((block, gone));
            }
        }
        draft.add_blocks(group, &entered, &left);
        self.txn.promote_members(group)?;
        let mut record = self.group_record(group)?;
        record.active = record.pending.take();
        record.status = GroupStatus::Ready;
        record.filled_to = 0;
        Ok(self.txn.put_group(group, &record)?)
    }

    /// Moves pending members, below the positions, as changed contacts make them move.
    pub(crate) fn refresh_pending(&mut self, changes: &[RowChange<RowView<'_>>]) -> Result<(), WorkspaceError> {
        let Some(engine) = self.definitions.pending_engine(self.now())? else { return Ok(()) };
        let changes: Vec<refresh::RowChange<&RowView<'_>>> = changes
            .iter()
            .map(|change| refresh::RowChange {
                document: change.document,
                before: change.before.as_ref(),
                after: change.after.as_ref(),
            })
            .collect();
        let outside = StoredMembers::outside(self.txn.view(), engine.table())?;
        let flips = engine.apply_with(&changes, &outside).flips;
        self.move_pending(&flips)
    }

    /// Moves pending members below the positions.
    pub(crate) fn move_pending(&mut self, flips: &[Flips]) -> Result<(), WorkspaceError> {
        for flip in flips {
            let Some(group) = self.definitions.groups.get(&flip.group).filter(|group| group.pending.is_some()) else {
                continue;
            };
            let to = group.record.filled_to;
            let below = |documents: &[DocumentNumber]| -> Vec<u32> {
                documents.iter().map(|document| document.0).filter(|&document| document < to).collect()
            };
            self.txn.apply_members(MemberSet::Pending(flip.group), &below(&flip.entered), &below(&flip.left))?;
        }
        Ok(())
    }
}

/// Documents that a step looks at: whole blocks, if it has time for one.
fn documents_of_step(step: u64, groups: usize) -> u32 {
    let documents = step / groups.max(1) as u64;
    let whole = documents - documents % BLOCK_SIZE as u64;
    u32::try_from(if whole > 0 { whole } else { documents.max(1) }).unwrap_or(u32::MAX)
}
