//! What a workspace defines: settings, fields, flows, groups and their compiled queries, read once for each version.

pub(crate) mod plans;
pub(crate) mod settings;

use std::collections::BTreeMap;

use crate::ids::{GroupId, Uuid};
use crate::plan::atom::LogicalPlan;
use crate::schema::{Environment, Schema};
use crate::sema::codec;
use crate::sema::query::Query;
use crate::sema::suggest::nearest;
use crate::store::{GroupRecord, Settings, StoredQuery, View};
use crate::value::Instant;
use crate::workspace::error::WorkspaceError;

/// The longest name of a group, in characters.
const MAX_NAME: usize = 255;

/// A group with its query decoded.
#[derive(Clone, Debug)]
pub(crate) struct GroupDefinition {
    pub(crate) record: GroupRecord,
    /// The query that its members are those of.
    pub(crate) active: Option<Query>,
    /// The query that is being filled.
    pub(crate) pending: Option<Query>,
}

/// Everything that a commit number fixes besides contacts.
///
/// More of it: what plans and the engine are made of it in `plans.rs`; which groups are being filled in
/// `workspace/groups/pending.rs`; what readers and writers ask of groups alike in `workspace/groups/manage.rs`.
#[derive(Clone, Debug)]
pub(crate) struct Definitions {
    /// The store's version of these definitions.
    pub(crate) version: u64,
    pub(crate) settings: Settings,
    environment: Environment,
    pub(crate) schema: Schema,
    pub(crate) groups: BTreeMap<GroupId, GroupDefinition>,
}

/// A name as it is kept, if it can be one.
///
/// # Errors
/// [`WorkspaceError::BadName`] if it is empty, too long, or holds a control character.
pub(crate) fn valid_name(name: &str) -> Result<String, WorkspaceError> {
    let name = name.trim();
    let is_valid = !name.is_empty() && name.chars().count() <= MAX_NAME && !name.chars().any(char::is_control);
    if is_valid { Ok(name.to_owned()) } else { Err(WorkspaceError::BadName(name.to_owned())) }
}

impl Definitions {
    /// Reads them. Costs a pass over all groups: about a microsecond for each.
    pub(crate) fn load(view: View<'_>) -> Result<Self, WorkspaceError> {
        let settings = view.settings()?;
        let environment = settings
            .environment(Instant::default())
            .ok_or_else(|| WorkspaceError::UnknownTimeZone(settings.timezone.clone()))?;
        let mut groups = BTreeMap::new();
        for entry in view.groups()? {
            let (id, record) = entry?;
            let active = decode(&record, record.active.as_ref())?;
            let pending = decode(&record, record.pending.as_ref())?;
            groups.insert(id, GroupDefinition { record, active, pending });
        }
        Ok(Definitions { version: view.state().schema_version, settings, environment, schema: view.schema()?, groups })
    }

    /// The group of a name or of an identity.
    pub(crate) fn group_named(&self, name: &str) -> Result<GroupId, WorkspaceError> {
        let schema = &self.schema;
        let found = schema.group(name).or_else(|| Uuid::parse(name).and_then(|uuid| schema.group_by_uuid(uuid)));
        found.map(|group| group.id).ok_or_else(|| WorkspaceError::UnknownGroup {
            name: name.to_owned(),
            near: nearest(name, schema.groups().iter().map(|group| group.name.as_str())).map(str::to_owned),
        })
    }

    /// The environment at a moment.
    pub(crate) fn environment(&self, now: Instant) -> Environment {
        Environment { now, ..self.environment.clone() }
    }

    /// The plans of all smart groups that have an active query and still compile.
    pub(crate) fn plans(&self) -> impl Iterator<Item = (GroupId, LogicalPlan)> + '_ {
        self.groups.iter().filter_map(|(&id, group)| {
            let query = group.active.as_ref().filter(|_| group.is_kept_exact())?;
            Some((id, self.plan_of(id, query)))
        })
    }
}

impl GroupDefinition {
    /// Whether changes keep its members exact: it has an active query that compiles.
    pub(crate) fn is_kept_exact(&self) -> bool {
        self.record.smart && self.active.is_some() && self.record.status != crate::store::GroupStatus::Invalid
    }
}

fn decode(record: &GroupRecord, stored: Option<&StoredQuery>) -> Result<Option<Query>, WorkspaceError> {
    stored
        .map(|stored| codec::decode(&stored.bytes).map_err(|_| WorkspaceError::DamagedQuery(record.name.clone())))
        .transpose()
}

/// A query as the store keeps it.
pub(crate) fn stored(query: &Query) -> StoredQuery {
    StoredQuery { dialect: query.dialect, bytes: codec::encode(query) }
}
