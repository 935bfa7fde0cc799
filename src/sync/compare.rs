//! Memberships there that are not what the queries say here.

use std::collections::{BTreeMap, BTreeSet};

use super::SyncError;
use super::database::Database;
use super::mapping::Mapping;
use crate::ids::{DocumentNumber, Uuid};
use crate::value::Instant;
use crate::workspace::why::Why;
use crate::workspace::{ContactRef, NamedGroup, Workspace};

/// A membership that the database holds and headcount does not, or the other way round.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Difference {
    /// The group.
    pub group: NamedGroup,
    /// The contact.
    pub contact: Uuid,
    /// Whether the contact is a member there; here it is the contrary.
    pub is_member_there: bool,
    /// Why it is a member here, or not; `None` if there is no such contact here.
    pub why: Option<Why>,
}

/// A membership and whether it is there; here it is the contrary.
pub(super) type Pair = (Uuid, Uuid, bool);

/// The memberships of smart groups in which both differ, as they are at this moment.
pub(super) fn pairs(
    database: &Database,
    mapping: &Mapping,
    workspace: &Workspace,
) -> Result<BTreeSet<Pair>, SyncError> {
    let Some(memberships) = &mapping.memberships else {
        return Err(SyncError::Mapping("it has no [memberships] to compare with".to_owned()));
    };
    let mut there: BTreeMap<Uuid, BTreeSet<Uuid>> = BTreeMap::new();
    for row in database.definitions("the query of memberships", &memberships.query)? {
        let uuid = |name: &str| row.get(name).and_then(|text| Uuid::parse(text));
        let (Some(group), Some(contact)) = (uuid("group_uuid"), uuid("contact_uuid")) else {
            return Err(SyncError::Mapping("[memberships] must give group_uuid and contact_uuid".to_owned()));
        };
        there.entry(group).or_default().insert(contact);
    }
    let reader = workspace.reader(Instant::now())?;
    let mut pairs = BTreeSet::new();
    for group in reader.groups()?.into_iter().filter(|group| group.smart) {
        let there = there.remove(&group.uuid).unwrap_or_default();
        let mut here = BTreeSet::new();
        for document in &reader.members(group.id)? {
            here.extend(reader.identity(DocumentNumber(document))?);
        }
        pairs.extend(there.difference(&here).map(|&contact| (group.uuid, contact, true)));
        pairs.extend(here.difference(&there).map(|&contact| (group.uuid, contact, false)));
    }
    Ok(pairs)
}

/// The same with names and reasons.
pub(super) fn explained(pairs: BTreeSet<Pair>, workspace: &Workspace) -> Result<Vec<Difference>, SyncError> {
    let reader = workspace.reader(Instant::now())?;
    let mut differences = Vec::with_capacity(pairs.len());
    for (group, contact, is_member_there) in pairs {
        let Some(known) = reader.schema().group_by_uuid(group) else { continue };
        let why = match reader.find(&ContactRef::Uuid(contact))? {
            Some(document) => Some(reader.why(document, known.id)?),
            None => None,
        };
        let group = NamedGroup { name: known.name.clone(), uuid: group };
        differences.push(Difference { group, contact, is_member_there, why });
    }
    Ok(differences)
}
