//! Groups as a reader sees them: what they are, who is in them, and who was at some moment.

use roaring::RoaringBitmap;

use crate::ids::{DocumentNumber, GroupId, Uuid};
use crate::sema::query::Query;
use crate::store::{GroupStatus, MemberSet};
use crate::value::Instant;
use crate::workspace::definitions::plans::Override;
use crate::workspace::error::WorkspaceError;
use crate::workspace::read::reader::Reader;

/// A group and its members' number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupInfo {
    /// Its identity in this workspace.
    pub id: GroupId,
    /// Its identity on the platform.
    pub uuid: Uuid,
    /// Its name.
    pub name: String,
    /// Whether its members are computed.
    pub smart: bool,
    /// Whether the platform made it.
    pub system: bool,
    /// Its query in canonical form.
    pub query: Option<String>,
    /// The query that it is being filled with, in canonical form, if that is another.
    pub pending: Option<String>,
    /// How it stands.
    pub status: GroupStatus,
    /// Why it is invalid, if it is.
    pub reason: Option<String>,
    /// Members.
    pub count: u64,
}

impl Reader<'_> {
    /// The groups that a contact is a member of, manual and smart, by name.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn groups_of(&self, document: DocumentNumber) -> Result<Vec<GroupId>, WorkspaceError> {
        let mut groups = Vec::new();
        for (&id, group) in &self.definitions().groups {
            if self.is_member(id, document)? {
                groups.push((group.record.name.as_str(), id));
            }
        }
        groups.sort();
        Ok(groups.into_iter().map(|(_, id)| id).collect())
    }

    /// Whether a contact is a member.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn is_member(&self, group: GroupId, document: DocumentNumber) -> Result<bool, WorkspaceError> {
        match self.overlay()?.get(&group) {
            Some(members) => Ok(members.contains(document.0)),
            None => Ok(self.snapshot().view().is_member(group, document)?),
        }
    }

    /// All groups, in the order in which they were made.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn groups(&self) -> Result<Vec<GroupInfo>, WorkspaceError> {
        self.definitions().groups.keys().map(|&id| self.group(id)).collect()
    }

    /// The group of a name or of an identity.
    ///
    /// # Errors
    /// [`WorkspaceError::UnknownGroup`], with the nearest name.
    pub fn group_named(&self, name: &str) -> Result<GroupId, WorkspaceError> {
        self.definitions().group_named(name)
    }

    /// A group and its members' number.
    ///
    /// # Errors
    /// If there is none.
    pub fn group(&self, id: GroupId) -> Result<GroupInfo, WorkspaceError> {
        let Some(group) = self.definitions().groups.get(&id) else {
            return Err(WorkspaceError::UnknownGroup { name: format!("{id:?}"), near: None });
        };
        let query = group.active.as_ref().or(group.pending.as_ref());
        let pending = group.pending.as_ref().filter(|_| group.active.is_some() && !group.only_follows());
        let count = match self.overlay()?.get(&id) {
            Some(members) => members.len(),
            None => self.snapshot().view().member_count(id)?,
        };
        Ok(GroupInfo {
            id,
            uuid: group.record.uuid,
            name: group.record.name.clone(),
            smart: group.record.smart,
            system: group.record.system,
            query: query.map(|query| self.canonical(query)),
            pending: pending.map(|query| self.canonical(query)),
            status: group.record.status,
            reason: group.record.reason.clone(),
            count,
        })
    }

    /// The typed query of a smart group.
    pub fn group_query(&self, id: GroupId) -> Option<&Query> {
        self.definitions().groups.get(&id).and_then(|group| group.active.as_ref())
    }

    /// The typed query that a smart group is being filled with.
    pub fn pending_query(&self, id: GroupId) -> Option<&Query> {
        self.definitions().groups.get(&id).and_then(|group| group.pending.as_ref())
    }

    /// The members of a group.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn members(&self, group: GroupId) -> Result<RoaringBitmap, WorkspaceError> {
        match self.overlay()?.get(&group) {
            Some(members) => Ok(members.clone()),
            None => Ok(self.snapshot().view().members(group)?),
        }
    }

    /// The members that a group had at a moment: of one between the clock and this reader's now, those that a tick to it
    /// would leave; of one that is still to come, those of now.
    ///
    /// # Errors
    /// [`WorkspaceError::BeforeHorizon`] if the log does not reach back so far.
    pub fn members_as_of(&self, group: GroupId, moment: Instant) -> Result<RoaringBitmap, WorkspaceError> {
        let view = self.snapshot().view();
        if moment >= self.now() {
            return self.members(group);
        }
        if moment >= self.clock() {
            let mut moved = self.workspace().moves_until(view, self.definitions(), moment)?;
            return match moved.remove(&group) {
                Some(members) => Ok(members),
                None => Ok(view.members(group)?),
            };
        }
        let horizon = || WorkspaceError::BeforeHorizon(view.state().horizon_time);
        let sequence = view.sequence_at(moment)?.ok_or_else(horizon)?;
        view.members_as_of(group, sequence)?.ok_or_else(horizon)
    }

    /// The contacts that are pinned in a group, and those that are excluded from it.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn overrides(&self, group: GroupId) -> Result<(RoaringBitmap, RoaringBitmap), WorkspaceError> {
        if !self.definitions().has_overrides(group) {
            return Ok(Default::default());
        }
        let view = self.snapshot().view();
        Ok((view.members(MemberSet::Pinned(group))?, view.members(MemberSet::Excluded(group))?))
    }

    /// Whether a contact is pinned in a group or excluded from it.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn override_of(&self, group: GroupId, document: DocumentNumber) -> Result<Option<Override>, WorkspaceError> {
        if !self.definitions().has_overrides(group) {
            return Ok(None);
        }
        let view = self.snapshot().view();
        Ok(match () {
            () if view.is_member(MemberSet::Pinned(group), document)? => Some(Override::Pinned),
            () if view.is_member(MemberSet::Excluded(group), document)? => Some(Override::Excluded),
            () => None,
        })
    }
}
