//! The membership log as others see it: one event per contact and commit.

use std::collections::BTreeMap;
use std::iter::Peekable;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::ids::{DocumentNumber, GroupId, Sequence, Uuid};
use crate::store::{Cause, LogEntry, View};
use crate::value::Instant;
use crate::workspace::definitions::Definitions;
use crate::workspace::error::WorkspaceError;

/// A group as an event names it.
#[derive(Clone, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub struct NamedGroup {
    /// Its name now, or when it was deleted.
    pub name: String,
    /// Its identity on the platform.
    pub uuid: Uuid,
}

/// The groups that one contact entered and left in one commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MembershipEvent {
    /// The commit's place in the log.
    pub sequence: Sequence,
    /// When the memberships changed.
    pub time: Instant,
    /// What made them change.
    pub cause: Cause,
    /// Whose memberships.
    pub contact: Uuid,
    /// The document that it is in the order of the commit's events.
    pub(crate) document: DocumentNumber,
    /// Entered, by name.
    pub groups_added: Vec<NamedGroup>,
    /// Left, by name.
    pub groups_removed: Vec<NamedGroup>,
}

/// Which events are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogFilter {
    /// Only moves in and out of this group.
    pub group: Option<GroupId>,
    /// Only moves of this contact.
    pub contact: Option<DocumentNumber>,
}

/// Groups entered and left, by contact.
type ByContact = BTreeMap<DocumentNumber, (Vec<GroupId>, Vec<GroupId>)>;

/// A contact with the groups that it entered and left.
type Moved = (DocumentNumber, Uuid, Vec<GroupId>, Vec<GroupId>);

/// Moves of one piece of an entry, more or less.
const PIECE: u64 = 1 << 18;

/// Turns an entry, which is by group, into events, which are by contact in order of document number. An entry of very many
/// moves comes in several pieces, without the documents below `from`; any other in one, even if nothing of it is wanted.
pub(crate) fn events_of<'v>(
    entry: LogEntry<'v>,
    view: View<'v>,
    definitions: &'v Definitions,
    filter: LogFilter,
    from: u32,
) -> impl Iterator<Item = Result<Vec<MembershipEvent>, WorkspaceError>> + 'v {
    let mut lists: Vec<MovesOfGroup<'v>> = entry
        .groups()
        .filter(|moves| filter.group.is_none_or(|group| group == moves.group))
        .map(|moves| (moves.group, boxed(moves.entered()), boxed(moves.left())))
        .collect();
    let moves: u64 = entry.groups().map(|moves| u64::from(moves.entered_count) + u64::from(moves.left_count)).sum();
    let end = view.state().next_document;
    // A document may be in two places of a commit that deletes and makes anew: all of it is looked at together.
    let (from, width) = if may_be_twice(&entry) || moves <= PIECE {
        (0, u32::MAX)
    } else {
        (from, u32::try_from(u64::from(end) * PIECE / moves).unwrap_or(u32::MAX).max(64))
    };
    for (_, entered, left) in &mut lists {
        while entered.next_if(|&document| document < from).is_some() {}
        while left.next_if(|&document| document < from).is_some() {}
    }
    let mut next = Some(from);
    std::iter::from_fn(move || {
        let start = next?;
        let stop = start.saturating_add(width);
        next = (stop < end).then_some(stop);
        Some(
            contacts_of(&entry, &mut lists, stop, view, filter)
                .and_then(|moved| named(&entry, moved, view, definitions)),
        )
    })
}

/// Documents, ascending, that a group's moves go on with.
type Documents<'v> = Peekable<Box<dyn Iterator<Item = u32> + 'v>>;

/// A group with what has yet to come of who entered and who left.
type MovesOfGroup<'v> = (GroupId, Documents<'v>, Documents<'v>);

fn boxed<'v>(documents: impl Iterator<Item = u32> + 'v) -> Documents<'v> {
    (Box::new(documents) as Box<dyn Iterator<Item = u32> + 'v>).peekable()
}

/// Whether one contact can be two documents of an entry.
fn may_be_twice(entry: &LogEntry<'_>) -> bool {
    matches!(entry.cause, Cause::Change | Cause::Manual)
}

/// Gives groups their names.
fn named(
    entry: &LogEntry<'_>,
    contacts: Vec<Moved>,
    view: View<'_>,
    definitions: &Definitions,
) -> Result<Vec<MembershipEvent>, WorkspaceError> {
    let mut names: BTreeMap<GroupId, Option<NamedGroup>> = BTreeMap::new();
    for group in contacts.iter().flat_map(|(_, _, entered, left)| entered.iter().chain(left)) {
        if !names.contains_key(group) {
            names.insert(*group, name_of(*group, view, definitions)?);
        }
    }
    let named = |groups: &[GroupId]| -> Vec<NamedGroup> {
        let mut named: Vec<NamedGroup> =
            groups.iter().filter_map(|group| names.get(group).cloned().flatten()).collect();
        named.sort();
        named
    };
    let (sequence, time, cause) = (entry.sequence, entry.time, entry.cause);
    let event = |(document, contact, entered, left): Moved| MembershipEvent {
        sequence,
        time,
        cause,
        contact,
        document,
        groups_added: named(&entered),
        groups_removed: named(&left),
    };
    Ok(contacts.into_par_iter().map(event).collect())
}

/// The groups that each contact entered and left, up to a document and behind what was asked for before, in order of
/// document number; without those whom nothing moved, and those who were erased.
///
/// A contact that was deleted and made again in one commit is two documents: what the first left and the second entered
/// cancels out.
fn contacts_of(
    entry: &LogEntry<'_>,
    lists: &mut [MovesOfGroup<'_>],
    stop: u32,
    view: View<'_>,
    filter: LogFilter,
) -> Result<Vec<Moved>, WorkspaceError> {
    let of_groups = || entry.groups().filter(|moves| filter.group.is_none_or(|group| group == moves.group));
    let mut documents = ByContact::new();
    let wanted = |document: &u32| filter.contact.is_none_or(|contact| contact.0 == *document);
    for (group, entered, left) in lists {
        while let Some(document) = entered.next_if(|&document| document < stop) {
            if wanted(&document) {
                documents.entry(DocumentNumber(document)).or_default().0.push(*group);
            }
        }
        while let Some(document) = left.next_if(|&document| document < stop) {
            if wanted(&document) {
                documents.entry(DocumentNumber(document)).or_default().1.push(*group);
            }
        }
    }
    let may_be_twice = may_be_twice(entry);
    if let Some(asked) = filter.contact
        && may_be_twice
        && !documents.is_empty()
        && let Some(identity) = identity_of(asked, view)?
    {
        for moves in of_groups() {
            for document in moves.entered().map(DocumentNumber).filter(|&document| document != asked) {
                if identity_of(document, view)? == Some(identity) {
                    documents.entry(document).or_default().0.push(moves.group);
                }
            }
            for document in moves.left().map(DocumentNumber).filter(|&document| document != asked) {
                if identity_of(document, view)? == Some(identity) {
                    documents.entry(document).or_default().1.push(moves.group);
                }
            }
        }
    }
    let mut contacts: Vec<Moved> = Vec::with_capacity(documents.len());
    let mut places: FxHashMap<Uuid, usize> = FxHashMap::default();
    for (document, (entered, left)) in documents {
        let Some(contact) = identity_of(document, view)? else { continue };
        let place = if may_be_twice { *places.entry(contact).or_insert(contacts.len()) } else { contacts.len() };
        match contacts.get_mut(place) {
            None => contacts.push((document, contact, entered, left)),
            Some((_, _, entered_before, left_before)) => {
                entered_before.extend(entered);
                left_before.extend(left);
                let both: Vec<GroupId> =
                    entered_before.iter().copied().filter(|group| left_before.contains(group)).collect();
                entered_before.retain(|group| !both.contains(group));
                left_before.retain(|group| !both.contains(group));
            }
        }
    }
    contacts.retain(|(_, _, entered, left)| !(entered.is_empty() && left.is_empty()));
    Ok(contacts)
}

/// Who a document is, or was before it was deleted; `None` once erased.
pub(crate) fn identity_of(document: DocumentNumber, view: View<'_>) -> Result<Option<Uuid>, WorkspaceError> {
    match view.row(document)? {
        Some(row) => Ok(Some(row.uuid())),
        None => Ok(view.tombstone(document)?),
    }
}

fn name_of(group: GroupId, view: View<'_>, definitions: &Definitions) -> Result<Option<NamedGroup>, WorkspaceError> {
    Ok(match definitions.groups.get(&group) {
        Some(group) => Some(NamedGroup { name: group.record.name.clone(), uuid: group.record.uuid }),
        None => view.retired_group(group)?.map(|(uuid, name)| NamedGroup { name, uuid }),
    })
}
