//! What is told of one group.

use roaring::RoaringBitmap;
use serde::Serialize;

use crate::answers::contact::ContactItem;
use crate::answers::shapes::{GroupItem, UuidName};
use crate::ids::{DocumentNumber, GroupId};
use crate::value::Instant;
use crate::workspace::{Period, Piece, Preview as Moves, Reader, WorkspaceError};

/// The answer of `group show` and of what changes a group.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct GroupDetails {
    /// The group.
    #[serde(flatten)]
    pub group: GroupItem,
    /// The query that it is being filled with, if it is to have another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<String>,
    /// Why its query no longer compiles, if it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Smart groups that refer to it.
    pub used_by: Vec<UuidName>,
    /// Whether its members are computed.
    #[serde(skip)]
    pub smart: bool,
}

impl GroupDetails {
    /// Of a group.
    ///
    /// # Errors
    /// If there is none, or the store cannot be read.
    pub fn of(reader: &Reader<'_>, id: GroupId) -> Result<Self, WorkspaceError> {
        let group = reader.group(id)?;
        let used_by = reader.dependents_of_group(id)?.iter().map(UuidName::from).collect();
        Ok(GroupDetails {
            group: GroupItem::from(&group),
            pending: group.pending,
            reason: group.reason,
            used_by,
            smart: group.smart,
        })
    }
}

/// The answer of `group members`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct MemberList {
    /// The group.
    pub group: UuidName,
    /// All members, on this page or not.
    pub total: u64,
    /// This page of them, in order of document number.
    pub contacts: Vec<ContactItem>,
    /// Of these contacts, the ones that are pinned.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pinned: Vec<String>,
    /// Contacts that are kept out, on every page.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<String>,
}

/// Which members are wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemberRequest {
    /// The members of then, if not those of now.
    pub as_of: Option<Instant>,
    /// Members passed over.
    pub offset: usize,
    /// Members wanted.
    pub limit: usize,
}

impl MemberList {
    /// A page of the members of a group.
    ///
    /// # Errors
    /// If there is no such group, the log does not reach back so far, or the store cannot be read.
    pub fn of(reader: &Reader<'_>, id: GroupId, request: MemberRequest) -> Result<Self, WorkspaceError> {
        let members = match request.as_of {
            Some(moment) => reader.members_as_of(id, moment),
            None => reader.members(id),
        }?;
        let page = members.iter().skip(request.offset).take(request.limit).map(DocumentNumber);
        let mut contacts = Vec::new();
        for document in page {
            // A member of then may have been deleted since.
            let item = match ContactItem::plain(reader, document)? {
                Some(item) => Some(item),
                None => reader.identity(document)?.map(ContactItem::deleted),
            };
            contacts.extend(item);
        }
        let (pins, exclusions) = reader.overrides(id)?;
        let texts = |documents| -> Result<Vec<String>, WorkspaceError> {
            Ok(reader.uuids_of(documents)?.iter().map(ToString::to_string).collect())
        };
        let (mut pinned, excluded) = (texts(&(pins & &members))?, texts(&exclusions)?);
        pinned.retain(|uuid| contacts.iter().any(|contact: &ContactItem| contact.uuid == *uuid));
        let group = UuidName::from(&reader.group(id)?);
        Ok(MemberList { group, total: members.len(), contacts, pinned, excluded })
    }
}

/// The answer of `group edit --dry-run`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Preview {
    /// The group.
    pub group: UuidName,
    /// Who would enter.
    pub entered: Vec<UuidName>,
    /// Who would leave.
    pub left: Vec<UuidName>,
}

impl Preview {
    /// Names of those who would enter and leave.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn of(reader: &Reader<'_>, id: GroupId, moves: &Moves) -> Result<Self, WorkspaceError> {
        Ok(Preview {
            group: UuidName::from(&reader.group(id)?),
            entered: names(reader, &moves.entered)?,
            left: names(reader, &moves.left)?,
        })
    }
}

/// Identities and names of contacts, in order of document number.
fn names(reader: &Reader<'_>, documents: &RoaringBitmap) -> Result<Vec<UuidName>, WorkspaceError> {
    let mut names = Vec::new();
    for document in documents.iter().map(DocumentNumber) {
        if let Some(row) = reader.row(document)? {
            let name = row.name().unwrap_or_default().to_owned();
            names.push(UuidName { uuid: row.uuid().to_string(), name });
        }
    }
    Ok(names)
}

/// The size of a group over time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct History {
    /// The group.
    pub group: UuidName,
    /// `day` or `hour`.
    pub by: &'static str,
    /// The pieces of time in which somebody moved, and the present one.
    pub periods: Vec<PeriodItem>,
}

/// A piece of time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PeriodItem {
    /// When it began, in the workspace's zone.
    pub begins: String,
    /// Contacts that entered.
    pub entered: u64,
    /// Contacts that left.
    pub left: u64,
    /// Members at its end.
    pub count: u64,
}

impl History {
    /// Of a group.
    ///
    /// # Errors
    /// If there is none, or the store cannot be read.
    pub fn of(reader: &Reader<'_>, id: GroupId, piece: Piece) -> Result<Self, WorkspaceError> {
        let periods = reader.group_history(id, piece)?.into_iter();
        Ok(History {
            group: UuidName::from(&reader.group(id)?),
            by: match piece {
                Piece::Day => "day",
                Piece::Hour => "hour",
            },
            periods: periods
                .map(|Period { begins, entered, left, count }| PeriodItem { begins, entered, left, count })
                .collect(),
        })
    }
}
