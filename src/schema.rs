//! What queries resolve against: attributes, custom fields, groups and flows by name, and the environment.

use std::fmt;

use rustc_hash::FxHashMap;

use crate::ids::{EventId, FieldId, FlowId, GroupId, Uuid};
use crate::value::calendar::RelativeTime;
use crate::value::{Instant, fold};

/// The type of a custom field.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum FieldType {
    /// Any text; compared folded.
    Text,
    /// An exact decimal.
    Number,
    /// A date, perhaps with a time of day.
    Datetime,
    /// A path of places down to a state; compared by its last part.
    State,
    /// A path of places down to a district.
    District,
    /// A path of places down to a ward.
    Ward,
}

impl FieldType {
    /// All of them, in the order in which they are documented.
    pub const ALL: [FieldType; 6] = [
        FieldType::Text,
        FieldType::Number,
        FieldType::Datetime,
        FieldType::State,
        FieldType::District,
        FieldType::Ward,
    ];

    /// The name used in schema files.
    pub fn name(self) -> &'static str {
        match self {
            FieldType::Text => "text",
            FieldType::Number => "number",
            FieldType::Datetime => "datetime",
            FieldType::State => "state",
            FieldType::District => "district",
            FieldType::Ward => "ward",
        }
    }

    /// The type of that name, in any case; `numeric` and `date`, which older exports have, are taken too.
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        match name.as_str() {
            "numeric" | "decimal" => Some(FieldType::Number),
            "date" => Some(FieldType::Datetime),
            _ => FieldType::ALL.into_iter().find(|kind| kind.name() == name),
        }
    }

    /// Whether values are paths of places.
    pub fn is_location(self) -> bool {
        matches!(self, FieldType::State | FieldType::District | FieldType::Ward)
    }
}

impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A custom field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    /// Its identity in this workspace.
    pub id: FieldId,
    /// How queries name it: lower-case letters, digits and `_`.
    pub key: String,
    /// How people name it.
    pub name: String,
    /// What its values are.
    pub kind: FieldType,
}

/// A group as a query sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// Its identity in this workspace.
    pub id: GroupId,
    /// Its identity on the platform.
    pub uuid: Uuid,
    /// How people and queries name it.
    pub name: String,
    /// Whether its members are computed from a query.
    pub smart: bool,
}

/// A flow as a query sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flow {
    /// Its identity in this workspace.
    pub id: FlowId,
    /// Its identity on the platform.
    pub uuid: Uuid,
    /// How people and queries name it.
    pub name: String,
}

/// A name of events: of things that happened to contacts, such as `order`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventType {
    /// Its identity in this workspace.
    pub id: EventId,
    /// How queries name it: lower-case letters, digits and `_`.
    pub name: String,
    /// How long events are kept: those before the beginning of this time, which lies in the past, are dropped. `None`
    /// keeps all of them.
    pub keep: Option<RelativeTime>,
}

/// Fields, groups, flows and names of events, each found by name in constant time.
#[derive(Clone, Default, Debug)]
pub struct Schema {
    fields: Vec<Field>,
    groups: Vec<Group>,
    flows: Vec<Flow>,
    events: Vec<EventType>,
    event_by_name: FxHashMap<String, usize>,
    field_by_key: FxHashMap<String, usize>,
    field_by_name: FxHashMap<String, usize>,
    field_by_id: FxHashMap<FieldId, usize>,
    group_by_name: FxHashMap<String, usize>,
    group_by_id: FxHashMap<GroupId, usize>,
    group_by_uuid: FxHashMap<Uuid, usize>,
    flow_by_name: FxHashMap<String, usize>,
    flow_by_id: FxHashMap<FlowId, usize>,
    flow_by_uuid: FxHashMap<Uuid, usize>,
}

impl Schema {
    /// An empty schema.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field, or replaces the one of the same id.
    pub fn put_field(&mut self, field: Field) {
        match self.field_by_id.get(&field.id) {
            Some(&at) => {
                self.field_by_key.remove(&self.fields[at].key);
                self.field_by_name.remove(&name_key(&self.fields[at].name));
                self.field_by_key.insert(field.key.clone(), at);
                self.field_by_name.insert(name_key(&field.name), at);
                self.fields[at] = field;
            }
            None => {
                self.field_by_key.insert(field.key.clone(), self.fields.len());
                self.field_by_name.insert(name_key(&field.name), self.fields.len());
                self.field_by_id.insert(field.id, self.fields.len());
                self.fields.push(field);
            }
        }
    }

    /// Adds a group, or replaces the one of the same id.
    pub fn put_group(&mut self, group: Group) {
        match self.group_by_id.get(&group.id) {
            Some(&at) => {
                self.group_by_name.remove(&name_key(&self.groups[at].name));
                self.group_by_uuid.remove(&self.groups[at].uuid);
                self.group_by_name.insert(name_key(&group.name), at);
                self.group_by_uuid.insert(group.uuid, at);
                self.groups[at] = group;
            }
            None => {
                self.group_by_name.insert(name_key(&group.name), self.groups.len());
                self.group_by_id.insert(group.id, self.groups.len());
                self.group_by_uuid.insert(group.uuid, self.groups.len());
                self.groups.push(group);
            }
        }
    }

    /// Takes a group out; does nothing if there is none of that id. Costs a pass over all groups.
    pub fn remove_group(&mut self, id: GroupId) {
        let mut groups = std::mem::take(&mut self.groups);
        groups.retain(|group| group.id != id);
        self.group_by_id.clear();
        self.group_by_name.clear();
        self.group_by_uuid.clear();
        groups.into_iter().for_each(|group| self.put_group(group));
    }

    /// Adds a flow, or replaces the one of the same id.
    pub fn put_flow(&mut self, flow: Flow) {
        match self.flow_by_id.get(&flow.id) {
            Some(&at) => {
                self.flow_by_name.remove(&name_key(&self.flows[at].name));
                self.flow_by_uuid.remove(&self.flows[at].uuid);
                self.flow_by_name.insert(name_key(&flow.name), at);
                self.flow_by_uuid.insert(flow.uuid, at);
                self.flows[at] = flow;
            }
            None => {
                self.flow_by_name.insert(name_key(&flow.name), self.flows.len());
                self.flow_by_id.insert(flow.id, self.flows.len());
                self.flow_by_uuid.insert(flow.uuid, self.flows.len());
                self.flows.push(flow);
            }
        }
    }

    /// Adds a name of events, or replaces the one of the same id.
    pub fn put_event(&mut self, event: EventType) {
        match self.events.iter().position(|known| known.id == event.id) {
            Some(at) => {
                self.event_by_name.remove(&self.events[at].name);
                self.event_by_name.insert(event.name.clone(), at);
                self.events[at] = event;
            }
            None => {
                self.event_by_name.insert(event.name.clone(), self.events.len());
                self.events.push(event);
            }
        }
    }

    /// All names of events, in the order in which they were declared.
    pub fn events(&self) -> &[EventType] {
        &self.events
    }

    /// The events of that name, ignoring case.
    pub fn event(&self, name: &str) -> Option<&EventType> {
        self.event_by_name.get(&name_key(name)).map(|&at| &self.events[at])
    }

    /// The events of that id.
    pub fn event_by_id(&self, id: EventId) -> Option<&EventType> {
        self.events.iter().find(|event| event.id == id)
    }

    /// All fields, in the order in which they were added.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// All groups, in the order in which they were added.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// All flows, in the order in which they were added.
    pub fn flows(&self) -> &[Flow] {
        &self.flows
    }

    /// The field of that key, which must be in lower case.
    pub fn field(&self, key: &str) -> Option<&Field> {
        self.field_by_key.get(key).map(|&at| &self.fields[at])
    }

    /// The field of that name, ignoring case.
    pub fn field_by_name(&self, name: &str) -> Option<&Field> {
        self.field_by_name.get(&name_key(name)).map(|&at| &self.fields[at])
    }

    /// The field of that id.
    pub fn field_by_id(&self, id: FieldId) -> Option<&Field> {
        self.field_by_id.get(&id).map(|&at| &self.fields[at])
    }

    /// The group of that name, ignoring case.
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.group_by_name.get(&name_key(name)).map(|&at| &self.groups[at])
    }

    /// The group of that id.
    pub fn group_by_id(&self, id: GroupId) -> Option<&Group> {
        self.group_by_id.get(&id).map(|&at| &self.groups[at])
    }

    /// The group of that platform identity.
    pub fn group_by_uuid(&self, uuid: Uuid) -> Option<&Group> {
        self.group_by_uuid.get(&uuid).map(|&at| &self.groups[at])
    }

    /// The flow of that name, ignoring case.
    pub fn flow(&self, name: &str) -> Option<&Flow> {
        self.flow_by_name.get(&name_key(name)).map(|&at| &self.flows[at])
    }

    /// The flow of that id.
    pub fn flow_by_id(&self, id: FlowId) -> Option<&Flow> {
        self.flow_by_id.get(&id).map(|&at| &self.flows[at])
    }

    /// The flow of that platform identity.
    pub fn flow_by_uuid(&self, uuid: Uuid) -> Option<&Flow> {
        self.flow_by_uuid.get(&uuid).map(|&at| &self.flows[at])
    }
}

/// Names of groups and flows compare character by character in lower case, and are not trimmed.
fn name_key(name: &str) -> String {
    fold::lower(name).into_owned()
}

/// The order of day, month and year in dates that people write.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum DateFormat {
    /// `DD-MM-YYYY`
    #[default]
    DayMonthYear,
    /// `MM-DD-YYYY`
    MonthDayYear,
    /// `YYYY-MM-DD`
    YearMonthDay,
}

impl DateFormat {
    /// The name used in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            DateFormat::DayMonthYear => "DD-MM-YYYY",
            DateFormat::MonthDayYear => "MM-DD-YYYY",
            DateFormat::YearMonthDay => "YYYY-MM-DD",
        }
    }

    /// The format of that name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        [DateFormat::DayMonthYear, DateFormat::MonthDayYear, DateFormat::YearMonthDay]
            .into_iter()
            .find(|format| format.name().eq_ignore_ascii_case(name.trim()))
    }
}

/// How the texts of a workspace are read: its zone, date order, country, and whether addresses are hidden.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The zone in which days begin and end, from the bundled time-zone data.
    pub timezone: jiff::tz::TimeZone,
    /// The order of day, month and year.
    pub date_format: DateFormat,
    /// The country of phone numbers written without one: two letters, upper case.
    pub country: Option<[u8; 2]>,
    /// Whether addresses are hidden: then queries may not look into them.
    pub redact_urns: bool,
    /// The present moment: it settles two-digit years, and relative dates in searches.
    pub now: Instant,
}

impl Environment {
    /// An environment in UTC with `DD-MM-YYYY`, no country and no redaction.
    pub fn utc(now: Instant) -> Self {
        Environment {
            timezone: jiff::tz::TimeZone::UTC,
            date_format: DateFormat::default(),
            country: None,
            redact_urns: false,
            now,
        }
    }
}
