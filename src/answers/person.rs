//! What is told of one contact beside the contact itself.

use serde::Serialize;

use crate::answers::contact::ContactItem;
use crate::answers::shapes::{ContactUuid, GroupItem, MembershipChange};
use crate::ids::{DocumentNumber, Sequence};
use crate::workspace::{LogFilter, Override, Reader, WorkspaceError};

/// The answer of `contact groups`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct GroupsOf {
    /// The contact.
    pub contact: ContactUuid,
    /// The groups that it is in, by name.
    pub groups: Vec<GroupItem>,
    /// Names of the groups that it is pinned in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pinned: Vec<String>,
    /// Names of the groups that it is kept out of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<String>,
}

/// The answer of `contact timeline`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Timeline {
    /// The contact.
    pub contact: ContactUuid,
    /// What the membership log holds of it, in order.
    pub changes: Vec<MembershipChange>,
}

impl ContactUuid {
    /// Of a document that is or was a contact; empty if it was erased.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn of(reader: &Reader<'_>, document: DocumentNumber) -> Result<Self, WorkspaceError> {
        let uuid = reader.identity(document)?;
        Ok(ContactUuid { uuid: uuid.map_or_else(String::new, |uuid| uuid.to_string()) })
    }
}

impl ContactItem {
    /// The answer of `contact show`: with its groups; `None` if there is no contact of that number.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn shown(reader: &Reader<'_>, document: DocumentNumber) -> Result<Option<Self>, WorkspaceError> {
        let groups = reader.groups_of(document)?;
        let item = Self::plain(reader, document)?;
        Ok(item.map(|item| item.with_groups(&groups, reader.schema())))
    }

    /// As searches give it, without its groups; `None` if there is no contact of that number.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn plain(reader: &Reader<'_>, document: DocumentNumber) -> Result<Option<Self>, WorkspaceError> {
        let row = reader.row(document)?;
        Ok(row.map(|row| Self::of(&row, reader.schema(), reader.environment().redact_urns)))
    }
}

impl GroupsOf {
    /// The groups of a contact.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn of(reader: &Reader<'_>, document: DocumentNumber) -> Result<Self, WorkspaceError> {
        let mut groups = Vec::new();
        for id in reader.groups_of(document)? {
            groups.push(GroupItem::from(&reader.group(id)?));
        }
        let (mut pinned, mut excluded) = (Vec::new(), Vec::new());
        for group in reader.schema().groups().iter().filter(|group| group.smart) {
            match reader.override_of(group.id, document)? {
                Some(Override::Pinned) => pinned.push(group.name.clone()),
                Some(Override::Excluded) => excluded.push(group.name.clone()),
                None => {}
            }
        }
        Ok(GroupsOf { contact: ContactUuid::of(reader, document)?, groups, pinned, excluded })
    }
}

impl Timeline {
    /// What the log holds of a contact.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn of(reader: &Reader<'_>, document: DocumentNumber) -> Result<Self, WorkspaceError> {
        let filter = LogFilter { contact: Some(document), ..LogFilter::default() };
        let mut changes = Vec::new();
        for events in reader.events_since(Sequence(0), filter)? {
            changes.extend(events?.iter().map(MembershipChange::from));
        }
        Ok(Timeline { contact: ContactUuid::of(reader, document)?, changes })
    }
}
