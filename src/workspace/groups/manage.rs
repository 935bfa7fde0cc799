//! Groups: made, filled, edited, renamed, deleted; members of manual ones added and removed.

use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::diagnostic::{Code, Errors};
use crate::ids::{DocumentNumber, GroupId, Uuid};
use crate::language::{self, Resolve};
use crate::refresh::Flips;
use crate::refresh::order::{self, GroupCycle};
use crate::schema::{Environment, Group};
use crate::sema::query::{Dialect, Query};
use crate::sema::{group_check, groups_used};
use crate::store::{Cause, GroupRecord, GroupStatus, MemberSet};
use crate::value::{Instant, fold};
use crate::workspace::definitions::{Definitions, stored, valid_name};
use crate::workspace::error::WorkspaceError;
use crate::workspace::read::reader::Reader;
use crate::workspace::read::search::member_plan;
use crate::workspace::write::change::{Event, NamedRef};
use crate::workspace::write::rejection::Rejection;
use crate::workspace::write::writer::Writer;

/// A group to be made or edited: what `group import` reads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupInput {
    /// Its identity, made if missing.
    pub uuid: Option<Uuid>,
    /// Its name.
    pub name: String,
    /// Its query; without one it is manual.
    pub query: Option<String>,
}

/// What importing a group did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GroupOutcome {
    /// It is new.
    Created,
    /// It has another query than before.
    Edited,
    /// It was like this already.
    Unchanged,
}

/// What another query would do to a group's members.
#[derive(Clone, PartialEq, Debug)]
pub struct Preview {
    /// Contacts that would enter.
    pub entered: RoaringBitmap,
    /// Contacts that would leave.
    pub left: RoaringBitmap,
}

impl Writer<'_> {
    /// Makes a group: smart with a query, manual without; and fills it.
    ///
    /// # Errors
    /// If the name is taken or too long, or the query is not valid for a group.
    pub fn create_group(
        &mut self,
        name: &str,
        query: Option<&str>,
        dialect: Dialect,
    ) -> Result<GroupId, WorkspaceError> {
        self.create_group_as(Uuid::random(), name, query, dialect)
    }

    /// Makes a group of a given identity.
    ///
    /// # Errors
    /// As for [`Writer::create_group`].
    pub fn create_group_as(
        &mut self,
        uuid: Uuid,
        name: &str,
        query: Option<&str>,
        dialect: Dialect,
    ) -> Result<GroupId, WorkspaceError> {
        self.flush()?;
        let name = valid_name(name)?;
        if self.definitions.schema.group(&name).is_some() {
            return Err(WorkspaceError::GroupExists(name));
        }
        let query = query.map(|text| self.group_query(text, dialect)).transpose()?;
        let group = self.txn.next_group()?;
        let now = self.now();
        match query {
            None => self.txn.put_group(group, &GroupRecord::manual(uuid, name, now))?,
            Some(query) => {
                self.txn.put_group(group, &GroupRecord::smart(uuid, name, stored(&query), now))?;
                self.reload()?;
                self.fill_given(&[group])?;
            }
        }
        self.reload()?;
        Ok(group)
    }

    /// Gives a smart group another query, and moves its members and those of groups that refer to it.
    ///
    /// # Errors
    /// If the query is not valid for a group, or would make groups refer to each other in a circle.
    pub fn edit_group(
        &mut self,
        group: GroupId,
        query: &str,
        dialect: Dialect,
    ) -> Result<GroupOutcome, WorkspaceError> {
        self.flush()?;
        let mut record = self.group_record(group)?;
        if !record.smart {
            return Err(WorkspaceError::ManualGroup(record.name));
        }
        let query = self.group_query(query, dialect)?;
        self.refuse_cycle(group, &query)?;
        if !give_query(&mut record, &query, self.now()) {
            return Ok(GroupOutcome::Unchanged);
        }
        self.txn.put_group(group, &record)?;
        self.reload()?;
        self.fill_given(&[group])?;
        Ok(GroupOutcome::Edited)
    }

    /// Who would enter and leave a group with another query, as this batch sees it: [`Reader::preview`] holds up nobody.
    ///
    /// # Errors
    /// As for [`Writer::edit_group`].
    pub fn preview(&mut self, group: GroupId, query: &str, dialect: Dialect) -> Result<Preview, WorkspaceError> {
        self.flush()?;
        let record = self.group_record(group)?;
        if !record.smart {
            return Err(WorkspaceError::ManualGroup(record.name));
        }
        let query = self.group_query(query, dialect)?;
        self.refuse_cycle(group, &query)?;
        let before = self.txn.view().members(MemberSet::Active(group))?;
        let after = self.workspace.active_matches(self.txn.view(), &self.definitions, (group, &query), self.now())?;
        Ok(Preview { entered: &after - &before, left: &before - &after })
    }

    /// Makes groups that are new and edits those that are known by name, each after the groups it refers to.
    ///
    /// # Errors
    /// The first group that is not valid; nothing is changed then, if the caller drops the writer.
    #[doc(hidden)]
    pub fn import_groups(
        &mut self,
        groups: &[GroupInput],
        dialect: Dialect,
    ) -> Result<Vec<GroupOutcome>, WorkspaceError> {
        self.flush()?;
        let mut outcomes = vec![GroupOutcome::Unchanged; groups.len()];
        let mut waiting: Vec<usize> = (0..groups.len()).collect();
        let mut filled: Vec<GroupId> = Vec::new();
        // A group may refer to one that comes later in the file: those wait for another round.
        while !waiting.is_empty() {
            let mut later = Vec::new();
            let mut failure = None;
            let before = waiting.len();
            for at in waiting {
                let Some(input) = groups.get(at) else { continue };
                match self.import_group(input, dialect, &mut filled) {
                    Ok(outcome) => {
                        if let Some(slot) = outcomes.get_mut(at) {
                            *slot = outcome;
                        }
                    }
                    Err(error) if names_later_group(&error, groups) => {
                        failure.get_or_insert(error);
                        later.push(at);
                    }
                    Err(error) => return Err(error),
                }
            }
            match failure {
                Some(error) if later.len() == before => return Err(error),
                _ => waiting = later,
            }
        }
        self.reload()?;
        self.fill_given(&filled)?;
        Ok(outcomes)
    }

    fn import_group(
        &mut self,
        input: &GroupInput,
        dialect: Dialect,
        filled: &mut Vec<GroupId>,
    ) -> Result<GroupOutcome, WorkspaceError> {
        let name = valid_name(&input.name)?;
        let known = self.definitions.schema.group(&name).map(|group| (group.id, group.smart));
        let query = input.query.as_deref().map(|text| self.group_query(text, dialect)).transpose()?;
        match (known, query) {
            (Some((_, false)), None) => Ok(GroupOutcome::Unchanged),
            (Some((_, true)), None) => Err(WorkspaceError::SmartGroup(name)),
            (Some((_, false)), Some(_)) => Err(WorkspaceError::ManualGroup(name)),
            (Some((id, true)), Some(query)) => {
                self.refuse_cycle(id, &query)?;
                let mut record = self.group_record(id)?;
                if !give_query(&mut record, &query, self.now()) {
                    return Ok(GroupOutcome::Unchanged);
                }
                self.txn.put_group(id, &record)?;
                filled.push(id);
                let definitions = Arc::make_mut(&mut self.definitions);
                if let Some(group) = definitions.groups.get_mut(&id) {
                    group.record = record;
                    group.pending = Some(query);
                }
                Ok(GroupOutcome::Edited)
            }
            (None, query) => {
                let id = self.txn.next_group()?;
                let uuid = input.uuid.unwrap_or_else(Uuid::random);
                let record = match &query {
                    None => GroupRecord::manual(uuid, name.clone(), self.now()),
                    Some(query) => {
                        filled.push(id);
                        GroupRecord::smart(uuid, name.clone(), stored(query), self.now())
                    }
                };
                self.txn.put_group(id, &record)?;
                let smart = record.smart;
                let definitions = Arc::make_mut(&mut self.definitions);
                definitions.schema.put_group(Group { id, uuid, name, smart });
                definitions.groups.insert(
                    id,
                    crate::workspace::definitions::GroupDefinition { record, active: None, pending: query },
                );
                Ok(GroupOutcome::Created)
            }
        }
    }

    /// Renames a group. Queries that refer to it go on to mean it.
    ///
    /// # Errors
    /// If the name is taken or too long.
    pub fn rename_group(&mut self, group: GroupId, name: &str) -> Result<(), WorkspaceError> {
        self.flush()?;
        let name = valid_name(name)?;
        if self.definitions.schema.group(&name).is_some_and(|other| other.id != group) {
            return Err(WorkspaceError::GroupExists(name));
        }
        let mut record = self.group_record(group)?;
        record.name = name;
        record.modified_on = self.now();
        self.txn.put_group(group, &record)?;
        self.reload()
    }

    /// Deletes a group that no other refers to; its members leave it.
    ///
    /// # Errors
    /// If the queries of other groups refer to it, with their names.
    pub fn delete_group(&mut self, group: GroupId) -> Result<(), WorkspaceError> {
        self.flush()?;
        let record = self.group_record(group)?;
        let by: Vec<String> = self
            .definitions
            .groups
            .iter()
            .filter(|(_, other)| {
                let queries = [&other.active, &other.pending];
                queries.into_iter().flatten().any(|query| groups_used(query).contains(&group))
            })
            .map(|(_, other)| other.record.name.clone())
            .collect();
        if !by.is_empty() {
            return Err(WorkspaceError::GroupInUse { name: record.name, by });
        }
        let members = self.txn.view().members(MemberSet::Active(group))?;
        if record.smart {
            let flip = Flips { group, entered: Vec::new(), left: members.iter().map(DocumentNumber).collect() };
            self.record(&[flip], self.now(), Cause::Edit)?;
        } else {
            self.leave_all(group, &members)?;
        }
        self.txn.retire_group(group)?;
        self.reload()
    }

    /// Adds contacts to a manual group, or removes them. Those that may not be added are given back with the reason.
    ///
    /// # Errors
    /// If the group is smart.
    pub fn move_members(
        &mut self,
        group: GroupId,
        documents: &RoaringBitmap,
        inside: bool,
    ) -> Result<Vec<(DocumentNumber, Rejection)>, WorkspaceError> {
        let record = self.group_record(group)?;
        if record.smart {
            return Err(WorkspaceError::SmartGroup(record.name));
        }
        let named = vec![NamedRef { uuid: Some(record.uuid), name: Some(record.name.into()) }];
        let event = if inside { Event::AddToGroups(named) } else { Event::RemoveFromGroups(named) };
        let mut refused = Vec::new();
        for document in documents.iter().map(DocumentNumber) {
            if let Err(rejection) = self.change(document, &event, None)? {
                refused.push((document, rejection));
            }
        }
        Ok(refused)
    }

    /// A text as the query of a smart group.
    pub(crate) fn group_query(&self, text: &str, dialect: Dialect) -> Result<Query, WorkspaceError> {
        self.definitions.group_query(text, dialect, &self.environment)
    }

    fn refuse_cycle(&self, group: GroupId, query: &Query) -> Result<(), WorkspaceError> {
        self.definitions.refuse_cycle(group, query)
    }

    pub(crate) fn named_cycle(&self, cycle: &GroupCycle) -> WorkspaceError {
        self.definitions.named_cycle(cycle)
    }

    pub(crate) fn group_record(&self, group: GroupId) -> Result<GroupRecord, WorkspaceError> {
        self.definitions.group_record(group).cloned()
    }

    /// The group of that name.
    ///
    /// # Errors
    /// If there is none, with the nearest name.
    pub fn group_named(&self, name: &str) -> Result<GroupId, WorkspaceError> {
        self.definitions.group_named(name)
    }
}

/// What readers and writers ask of the groups alike.
impl Definitions {
    /// A text as the query of a smart group.
    fn group_query(&self, text: &str, dialect: Dialect, environment: &Environment) -> Result<Query, WorkspaceError> {
        let invalid = |errors: Errors| WorkspaceError::Query { text: text.to_owned(), errors };
        let parsed =
            language::parse_with(text, dialect, Resolve::Schema(&self.schema), environment).map_err(invalid)?;
        match group_check(&parsed.query).map_err(Errors::from_list) {
            Err(Some(errors)) => Err(invalid(errors)),
            Ok(()) | Err(None) => Ok(parsed.query),
        }
    }

    fn refuse_cycle(&self, group: GroupId, query: &Query) -> Result<(), WorkspaceError> {
        // As the queries are written, not as they are planned: a plan leaves out what cannot matter, and another version
        // may leave out other things.
        let mut references = self.coming_references();
        references.insert(group, groups_used(query));
        order::topological(&references).map(drop).map_err(|cycle| self.named_cycle(&cycle))
    }

    fn named_cycle(&self, cycle: &GroupCycle) -> WorkspaceError {
        let name =
            |id: &GroupId| self.groups.get(id).map_or_else(|| format!("{id:?}"), |group| group.record.name.clone());
        WorkspaceError::GroupCycle(cycle.path.iter().map(name).collect())
    }

    fn group_record(&self, group: GroupId) -> Result<&GroupRecord, WorkspaceError> {
        let record = self.groups.get(&group).map(|group| &group.record);
        record.ok_or_else(|| WorkspaceError::UnknownGroup { name: format!("{group:?}"), near: None })
    }
}

impl Reader<'_> {
    /// Who would enter and leave a smart group if it had another query. Nothing is changed, and no writer is held up.
    ///
    /// ```
    /// use headcount::{ContactPatch, Dialect, Instant, Settings, Workspace};
    ///
    /// # let folder = tempfile::tempdir().unwrap();
    /// let workspace = Workspace::create(&folder.path().join("store"), &Settings::default())?;
    /// let now = Instant::now();
    /// let commit = workspace.write(now, |batch| {
    ///     batch.put(ContactPatch::new().name("Ann").language("eng").urn("tel:+250788123123")?)?;
    ///     batch.put(ContactPatch::new().name("Bob").language("fra").urn("tel:+250788123124")?)?;
    ///     batch.create_group("Readers", Some("language = eng"), Dialect::Extended)
    /// })?;
    /// let preview = workspace.reader(now)?.preview(commit.value, "language = fra", Dialect::Extended)?;
    /// assert_eq!((preview.entered.len(), preview.left.len()), (1, 1));
    /// # Ok::<(), headcount::Error>(())
    /// ```
    ///
    /// Cost: a search for the query.
    ///
    /// # Errors
    /// If the group is not smart, or the query is not valid for it; if the store or an index cannot be read.
    pub fn preview(&self, group: GroupId, query: &str, dialect: Dialect) -> Result<Preview, WorkspaceError> {
        let definitions = self.definitions();
        let record = definitions.group_record(group)?;
        if !record.smart {
            return Err(WorkspaceError::ManualGroup(record.name.clone()));
        }
        let query = definitions.group_query(query, dialect, self.environment())?;
        definitions.refuse_cycle(group, &query)?;
        let before = self.members(group)?;
        let plan = member_plan(definitions, group, &query);
        let after = self.run_at(&plan, self.now().max(self.clock()), |search| search.collect())?;
        Ok(Preview { entered: &after - &before, left: &before - &after })
    }
}

/// Gives a group's record another query to be filled with, and says whether it is another.
fn give_query(record: &mut GroupRecord, query: &Query, now: Instant) -> bool {
    let stored = stored(query);
    let coming = record.pending.as_ref().or(record.active.as_ref());
    if coming == Some(&stored) && record.status != GroupStatus::Invalid {
        return false;
    }
    record.pending = Some(stored);
    record.status = if record.active.is_some() { GroupStatus::Evaluating } else { GroupStatus::Initializing };
    record.reason = None;
    record.modified_on = now;
    true
}

/// Whether the only trouble is a group that the same file brings.
fn names_later_group(error: &WorkspaceError, groups: &[GroupInput]) -> bool {
    let WorkspaceError::Query { errors, .. } = error else { return false };
    errors.iter().all(|diagnostic| {
        diagnostic.code == Code::InvalidGroup
            && diagnostic
                .extra
                .iter()
                .any(|(_, value)| groups.iter().any(|group| fold::lower(group.name.trim()) == fold::lower(value)))
    })
}
