//! Fields, flows and groups as records.

use super::codec::{Cursor, Tag, put_bytes, put_text, seal, unseal};
use super::digest::Part;
use super::error::{Damage, StoreError};
use super::snapshot::{Transaction, View, damaged};
use super::tables::until_error;
use crate::ids::{FieldId, FlowId, GroupId, Uuid};
use crate::schema::{Field, FieldType, Flow, Group, Schema};
use crate::sema::query::Dialect;
use crate::value::Instant;

const SCHEMA: &str = "schema";
const GROUPS: &str = "groups";
const VERSION: u8 = 1;
/// Of groups with pins or exclusions, which programs that do not know of them must not read.
const OVERRIDES_VERSION: u8 = 2;
const FIELD: u8 = b'f';
const FLOW: u8 = b'w';
const RETIRED: u8 = b'r';

/// Whether a group has a query, and how it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GroupStatus {
    /// It has no active query yet: its first one is being filled.
    Initializing,
    /// It has a pending query, which is being filled.
    Evaluating,
    /// Its members are those of its query; or it is a manual group.
    Ready,
    /// Its query no longer compiles; its members are kept and stale.
    Invalid,
}

impl GroupStatus {
    /// The name used in output.
    pub fn name(self) -> &'static str {
        match self {
            GroupStatus::Initializing => "initializing",
            GroupStatus::Evaluating => "evaluating",
            GroupStatus::Ready => "ready",
            GroupStatus::Invalid => "invalid",
        }
    }
}

/// A query as a store keeps it: bytes that whoever wrote them can read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredQuery {
    /// The dialect that it prints in.
    pub dialect: Dialect,
    /// The typed query, opaque.
    pub bytes: Vec<u8>,
}

/// A group as it is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupRecord {
    /// Its identity on the platform.
    pub uuid: Uuid,
    /// Its name.
    pub name: String,
    /// Whether its members are computed from a query.
    pub smart: bool,
    /// Whether the platform made it, so that people may not change it.
    pub system: bool,
    /// Whether contacts are, or were, kept in or out by hand whatever the query says. A program that does not know of
    /// that must not touch the group: its record has a version of its own.
    pub has_overrides: bool,
    /// How it stands.
    pub status: GroupStatus,
    /// Why it is invalid, if it is.
    pub reason: Option<String>,
    /// The query that its members are those of.
    pub active: Option<StoredQuery>,
    /// The query that is being filled.
    pub pending: Option<StoredQuery>,
    /// The first document number that the filling of the pending query has not looked at.
    pub filled_to: u32,
    /// When it was created.
    pub created_on: Instant,
    /// When it was last renamed or edited.
    pub modified_on: Instant,
}

impl GroupRecord {
    /// A manual group.
    pub fn manual(uuid: Uuid, name: impl Into<String>, created_on: Instant) -> Self {
        GroupRecord {
            uuid,
            name: name.into(),
            smart: false,
            system: false,
            has_overrides: false,
            status: GroupStatus::Ready,
            reason: None,
            active: None,
            pending: None,
            filled_to: 0,
            created_on,
            modified_on: created_on,
        }
    }

    /// A smart group whose first query is to be filled.
    pub fn smart(uuid: Uuid, name: impl Into<String>, pending: StoredQuery, created_on: Instant) -> Self {
        GroupRecord {
            smart: true,
            status: GroupStatus::Initializing,
            pending: Some(pending),
            ..GroupRecord::manual(uuid, name, created_on)
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(&self.uuid.0);
        put_text(&mut out, &self.name);
        out.push(u8::from(self.smart) | u8::from(self.system) << 1 | u8::from(self.has_overrides) << 2);
        out.push(match self.status {
            GroupStatus::Initializing => 0,
            GroupStatus::Evaluating => 1,
            GroupStatus::Ready => 2,
            GroupStatus::Invalid => 3,
        });
        put_text(&mut out, self.reason.as_deref().unwrap_or_default());
        for query in [&self.active, &self.pending] {
            out.push(match query.as_ref().map(|query| query.dialect) {
                None => 0,
                Some(Dialect::ContactQl) => 1,
                Some(Dialect::Extended) => 2,
            });
            if let Some(query) = query {
                put_bytes(&mut out, &query.bytes);
            }
        }
        out.extend_from_slice(&self.filled_to.to_le_bytes());
        out.extend_from_slice(&self.created_on.micros().to_le_bytes());
        out.extend_from_slice(&self.modified_on.micros().to_le_bytes());
        out
    }

    pub(super) fn decode(payload: &[u8]) -> Result<Self, Damage> {
        let mut cursor = Cursor::new(payload);
        let uuid = Uuid(cursor.array()?);
        let name = cursor.text()?.to_owned();
        let flags = cursor.u8()?;
        let status = match cursor.u8()? {
            0 => GroupStatus::Initializing,
            1 => GroupStatus::Evaluating,
            2 => GroupStatus::Ready,
            3 => GroupStatus::Invalid,
            _ => return Err(Damage::Malformed("its status is not known")),
        };
        let reason = Some(cursor.text()?.to_owned()).filter(|reason| !reason.is_empty());
        let mut query = || -> Result<Option<StoredQuery>, Damage> {
            let dialect = match cursor.u8()? {
                0 => return Ok(None),
                1 => Dialect::ContactQl,
                2 => Dialect::Extended,
                _ => return Err(Damage::Malformed("its dialect is not known")),
            };
            Ok(Some(StoredQuery { dialect, bytes: cursor.bytes()?.to_owned() }))
        };
        let (active, pending) = (query()?, query()?);
        let record = GroupRecord {
            uuid,
            name,
            smart: flags & 1 != 0,
            system: flags & 2 != 0,
            has_overrides: flags & 4 != 0,
            status,
            reason,
            active,
            pending,
            filled_to: cursor.u32()?,
            created_on: Instant::from_micros(cursor.i64()?),
            modified_on: Instant::from_micros(cursor.i64()?),
        };
        cursor.end()?;
        Ok(record)
    }
}

impl<'t> View<'t> {
    /// Fields, flows and groups, to resolve queries against.
    ///
    /// Cost: a pass over them all; load it again only when [`State::schema_version`](super::State::schema_version)
    /// moved.
    ///
    /// # Errors
    /// If one of them is damaged.
    pub fn schema(self) -> Result<Schema, StoreError> {
        let mut schema = Schema::new();
        for entry in self.tables.schema.iter(self.txn)? {
            let (key, value) = entry?;
            let damage = |damage| damaged(SCHEMA, format!("{key:02x?}"), damage);
            let payload = unseal(Tag::Schema, key, VERSION, value).map_err(damage)?;
            match key {
                [FIELD, a, b] => {
                    schema.put_field(decode_field(FieldId(u16::from_be_bytes([*a, *b])), payload).map_err(damage)?);
                }
                [FLOW, a, b, c, d] => {
                    schema
                        .put_flow(decode_flow(FlowId(u32::from_be_bytes([*a, *b, *c, *d])), payload).map_err(damage)?);
                }
                [RETIRED, ..] => {}
                _ => return Err(damage(Damage::Malformed("its key is none of this table"))),
            }
        }
        for entry in self.groups()? {
            let (id, GroupRecord { uuid, name, smart, .. }) = entry?;
            schema.put_group(Group { id, uuid, name, smart });
        }
        Ok(schema)
    }

    /// A group.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn group(self, group: GroupId) -> Result<Option<GroupRecord>, StoreError> {
        let key = group.0.to_be_bytes();
        let Some(value) = self.tables.groups.get(self.txn, &key)? else {
            return Ok(None);
        };
        decode_group(&key, value).map(Some)
    }

    /// Identity and name of a group that was deleted, for the log, which goes on to tell of it.
    ///
    /// # Errors
    /// If the entry is damaged.
    pub fn retired_group(self, group: GroupId) -> Result<Option<(Uuid, String)>, StoreError> {
        let key = retired_key(group);
        let Some(value) = self.tables.schema.get(self.txn, &key)? else {
            return Ok(None);
        };
        let read = || -> Result<_, Damage> {
            let mut cursor = Cursor::new(unseal(Tag::Schema, &key, VERSION, value)?);
            let retired = (Uuid(cursor.array()?), cursor.text()?.to_owned());
            cursor.end()?;
            Ok(retired)
        };
        read().map(Some).map_err(|damage| damaged(SCHEMA, format!("{group:?}"), damage))
    }

    /// All groups, ascending by number. A damaged one is an error in its place; the others follow.
    ///
    /// # Errors
    /// If the database refuses.
    pub fn groups(
        self,
    ) -> Result<impl Iterator<Item = Result<(GroupId, GroupRecord), StoreError>> + use<'t>, StoreError> {
        Ok(until_error(self.tables.groups.iter(self.txn)?).map(|entry| {
            let (key, value) = entry?;
            let id = key.try_into().map(u32::from_be_bytes).map(GroupId);
            let id =
                id.map_err(|_| damaged(GROUPS, format!("{key:02x?}"), Damage::Malformed("its key is not a number")));
            Ok((id?, decode_group(key, value)?))
        }))
    }
}

fn retired_key(group: GroupId) -> [u8; 5] {
    let [a, b, c, d] = group.0.to_be_bytes();
    [RETIRED, a, b, c, d]
}

pub(crate) fn decode_group(key: &[u8], value: &[u8]) -> Result<GroupRecord, StoreError> {
    let payload = match unseal(Tag::Group, key, VERSION, value) {
        Err(Damage::Version(OVERRIDES_VERSION)) => unseal(Tag::Group, key, OVERRIDES_VERSION, value),
        payload => payload,
    };
    payload.and_then(GroupRecord::decode).map_err(|damage| damaged(GROUPS, format!("{key:02x?}"), damage))
}

fn decode_field(id: FieldId, payload: &[u8]) -> Result<Field, Damage> {
    let mut cursor = Cursor::new(payload);
    let kind = FieldType::ALL.get(usize::from(cursor.u8()?)).copied();
    let kind = kind.ok_or(Damage::Malformed("its type is not known"))?;
    let field = Field { id, kind, key: cursor.text()?.to_owned(), name: cursor.text()?.to_owned() };
    cursor.end()?;
    Ok(field)
}

fn decode_flow(id: FlowId, payload: &[u8]) -> Result<Flow, Damage> {
    let mut cursor = Cursor::new(payload);
    let flow = Flow { id, uuid: Uuid(cursor.array()?), name: cursor.text()?.to_owned() };
    cursor.end()?;
    Ok(flow)
}

impl Transaction<'_> {
    /// Adds a field, or replaces the one of the same id.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn put_field(&mut self, field: &Field) -> Result<(), StoreError> {
        let [high, low] = field.id.0.to_be_bytes();
        let mut payload = vec![FieldType::ALL.iter().position(|&kind| kind == field.kind).unwrap_or_default() as u8];
        put_text(&mut payload, &field.key);
        put_text(&mut payload, &field.name);
        self.put_schema(&[FIELD, high, low], &payload)
    }

    /// Adds a flow, or replaces the one of the same id.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn put_flow(&mut self, flow: &Flow) -> Result<(), StoreError> {
        let [a, b, c, d] = flow.id.0.to_be_bytes();
        let mut payload = flow.uuid.0.to_vec();
        put_text(&mut payload, &flow.name);
        self.put_schema(&[FLOW, a, b, c, d], &payload)
    }

    fn put_schema(&mut self, key: &[u8], payload: &[u8]) -> Result<(), StoreError> {
        self.state.schema_version += 1;
        self.keep(Part::Schema, key, &seal(Tag::Schema, key, VERSION, payload)).map(drop)
    }

    /// Adds a group, or replaces the one of the same number.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn put_group(&mut self, group: GroupId, record: &GroupRecord) -> Result<(), StoreError> {
        let key = group.0.to_be_bytes();
        self.state.schema_version += 1;
        let version = if record.has_overrides { OVERRIDES_VERSION } else { VERSION };
        let is_new = self.keep(Part::Groups, &key, &seal(Tag::Group, &key, version, &record.encode()))?;
        self.state.groups += u64::from(is_new);
        Ok(())
    }

    /// Takes a group out as [`Transaction::delete_group`] does, and keeps its identity and name for the log.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn retire_group(&mut self, group: GroupId) -> Result<bool, StoreError> {
        if let Some(record) = self.view().group(group)? {
            let mut payload = record.uuid.0.to_vec();
            put_text(&mut payload, &record.name);
            self.put_schema(&retired_key(group), &payload)?;
        }
        self.delete_group(group)
    }

    /// Takes a group out, with its members and pending members, and says whether there was one. The log keeps its past.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn delete_group(&mut self, group: GroupId) -> Result<bool, StoreError> {
        let was = self.discard(Part::Groups, &group.0.to_be_bytes())?;
        if was {
            self.state.groups = self.state.groups.saturating_sub(1);
            self.state.schema_version += 1;
        }
        self.delete_members(super::MemberSet::Active(group))?;
        self.delete_members(super::MemberSet::Pending(group))?;
        self.delete_members(super::MemberSet::Pinned(group))?;
        self.delete_members(super::MemberSet::Excluded(group))?;
        Ok(was)
    }
}
