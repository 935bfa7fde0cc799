//! A contact's values: as an owned record, and as what a query can ask of any representation of one.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use crate::ids::{FieldId, FlowId, GroupId, Uuid};
use crate::schema::FieldType;
use crate::value::fold::lower;
use crate::value::{Decimal, Instant, Urn};

/// Whether a contact takes part. Smart groups hold active contacts only.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord, Default)]
pub enum Status {
    /// Takes part.
    #[default]
    Active,
    /// Blocked by the organisation.
    Blocked,
    /// Has opted out.
    Stopped,
    /// Put away.
    Archived,
}

impl Status {
    /// All of them.
    pub const ALL: [Status; 4] = [Status::Active, Status::Blocked, Status::Stopped, Status::Archived];

    /// The name used in queries and files.
    pub fn name(self) -> &'static str {
        match self {
            Status::Active => "active",
            Status::Blocked => "blocked",
            Status::Stopped => "stopped",
            Status::Archived => "archived",
        }
    }

    /// The status of that name, in any case; not trimmed.
    pub fn from_name(name: &str) -> Option<Self> {
        Status::ALL.into_iter().find(|status| status.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The value of a custom field: the text that was given, and what it stands for in the field's type, settled when it
/// was written with the environment of then.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldValue {
    /// The text as given, never empty.
    pub text: Box<str>,
    /// Its meaning in the field's type.
    pub typed: TypedValue,
}

/// What a field's text stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TypedValue {
    /// Nothing: the text does not convert to the field's type, so the field has no value for queries.
    Unconvertible,
    /// The text itself; for places, the last part of the path.
    Text,
    /// A number.
    Number(Decimal),
    /// A moment.
    Instant(Instant),
}

/// A contact in full.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Contact {
    /// Identity on the platform.
    pub uuid: Uuid,
    /// The platform's number for it, if known.
    pub id: Option<Box<str>>,
    /// The reference code, if known.
    pub reference: Option<Box<str>>,
    /// Never empty: a contact without a name has `None`.
    pub name: Option<Box<str>>,
    /// A code of three letters, as given.
    pub language: Option<Box<str>>,
    /// Whether it takes part.
    pub status: Status,
    /// Addresses, the preferred one first.
    pub urns: Vec<Urn>,
    /// Manual groups only, ascending; smart memberships are computed.
    pub groups: Vec<GroupId>,
    /// The flow that it is in.
    pub flow: Option<FlowId>,
    /// Flows that it has been in, ascending.
    pub history: Vec<FlowId>,
    /// Open tickets.
    pub tickets: u32,
    /// When it was created on the platform.
    pub created_on: Instant,
    /// When it was last modified on the platform.
    pub modified_on: Option<Instant>,
    /// When it was last heard from.
    pub last_seen_on: Option<Instant>,
    /// Values of custom fields that have any.
    pub fields: BTreeMap<FieldId, FieldValue>,
}

impl Contact {
    /// An active contact with nothing but its identity and the moment of its creation.
    pub fn new(uuid: Uuid, created_on: Instant) -> Self {
        Contact {
            uuid,
            id: None,
            reference: None,
            name: None,
            language: None,
            status: Status::Active,
            urns: Vec::new(),
            groups: Vec::new(),
            flow: None,
            history: Vec::new(),
            tickets: 0,
            created_on,
            modified_on: None,
            last_seen_on: None,
            fields: BTreeMap::new(),
        }
    }
}

/// An address, borrowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UrnRef<'a> {
    /// Lower case.
    pub scheme: &'a str,
    /// As searches look at it.
    pub path: &'a str,
    /// What was written behind the colon, where that is not the path: with what a platform appended.
    pub written: Option<&'a str>,
}

impl UrnRef<'_> {
    /// What is written behind the colon.
    pub fn written_path(&self) -> &str {
        self.written.unwrap_or(self.path)
    }

    /// What two addresses share if they are the same: as [`Urn::identity`].
    pub fn identity(&self) -> String {
        lower(&format!("{}:{}", self.scheme, self.path)).into_owned()
    }
}

/// A field's value, borrowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FieldValueRef<'a> {
    /// The text as given.
    pub text: &'a str,
    /// Its meaning in the field's type.
    pub typed: TypedValue,
}

/// What can be asked of a contact, whether it is a record in memory or the bytes of a row.
///
/// Each question is answered without decoding the rest.
pub trait ContactView {
    /// Identity on the platform.
    fn uuid(&self) -> Uuid;
    /// The platform's number for it.
    fn id(&self) -> Option<&str>;
    /// The reference code.
    fn reference(&self) -> Option<&str>;
    /// The name, never empty.
    fn name(&self) -> Option<&str>;
    /// The language, as given.
    fn language(&self) -> Option<&str>;
    /// Whether it takes part.
    fn status(&self) -> Status;
    /// Addresses in order.
    fn urns(&self) -> impl Iterator<Item = UrnRef<'_>>;
    /// Manual groups, ascending.
    fn groups(&self) -> impl Iterator<Item = GroupId>;
    /// The flow that it is in.
    fn flow(&self) -> Option<FlowId>;
    /// Flows that it has been in, ascending.
    fn history(&self) -> impl Iterator<Item = FlowId>;
    /// Open tickets.
    fn tickets(&self) -> u32;
    /// When it was created.
    fn created_on(&self) -> Instant;
    /// When it was last modified.
    fn modified_on(&self) -> Option<Instant>;
    /// When it was last heard from.
    fn last_seen_on(&self) -> Option<Instant>;
    /// The value of a field, `None` if there is no text at all.
    fn field(&self, field: FieldId) -> Option<FieldValueRef<'_>>;
    /// All fields that have a text, ascending by id.
    fn fields(&self) -> impl Iterator<Item = (FieldId, FieldValueRef<'_>)>;

    /// Calls `visit` with each field whose values differ between this contact and what it becomes, ascending by id; it may
    /// do so for fields whose values are the same as well.
    ///
    /// What is made of bytes should compare those before it decodes them.
    fn compare_fields(
        &self,
        other: &Self,
        mut visit: impl FnMut(FieldId, Option<FieldValueRef<'_>>, Option<FieldValueRef<'_>>),
    ) where
        Self: Sized,
    {
        let (mut old, mut new) = (self.fields(), other.fields());
        let (mut left, mut right) = (old.next(), new.next());
        loop {
            let order = match (&left, &right) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((a, _)), Some((b, _))) => a.cmp(b),
            };
            let was = if order.is_le() { std::mem::replace(&mut left, old.next()) } else { None };
            let is = if order.is_ge() { std::mem::replace(&mut right, new.next()) } else { None };
            let Some((field, _)) = was.or(is) else { break };
            visit(field, was.map(|(_, value)| value), is.map(|(_, value)| value));
        }
    }

    /// Decodes everything.
    fn to_contact(&self) -> Contact {
        Contact {
            uuid: self.uuid(),
            id: self.id().map(Box::from),
            reference: self.reference().map(Box::from),
            name: self.name().map(Box::from),
            language: self.language().map(Box::from),
            status: self.status(),
            urns: self.urns().map(|urn| Urn::from_written(urn.scheme, urn.path, urn.written)).collect(),
            groups: self.groups().collect(),
            flow: self.flow(),
            history: self.history().collect(),
            tickets: self.tickets(),
            created_on: self.created_on(),
            modified_on: self.modified_on(),
            last_seen_on: self.last_seen_on(),
            fields: self
                .fields()
                .map(|(id, value)| (id, FieldValue { text: value.text.into(), typed: value.typed }))
                .collect(),
        }
    }
}

impl ContactView for Contact {
    fn uuid(&self) -> Uuid {
        self.uuid
    }
    fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
    fn reference(&self) -> Option<&str> {
        self.reference.as_deref()
    }
    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
    fn language(&self) -> Option<&str> {
        self.language.as_deref()
    }
    fn status(&self) -> Status {
        self.status
    }
    fn urns(&self) -> impl Iterator<Item = UrnRef<'_>> {
        self.urns.iter().map(|urn| {
            let (scheme, path, written) = urn.parts();
            UrnRef { scheme, path, written }
        })
    }
    fn groups(&self) -> impl Iterator<Item = GroupId> {
        self.groups.iter().copied()
    }
    fn flow(&self) -> Option<FlowId> {
        self.flow
    }
    fn history(&self) -> impl Iterator<Item = FlowId> {
        self.history.iter().copied()
    }
    fn tickets(&self) -> u32 {
        self.tickets
    }
    fn created_on(&self) -> Instant {
        self.created_on
    }
    fn modified_on(&self) -> Option<Instant> {
        self.modified_on
    }
    fn last_seen_on(&self) -> Option<Instant> {
        self.last_seen_on
    }
    fn field(&self, field: FieldId) -> Option<FieldValueRef<'_>> {
        self.fields.get(&field).map(|value| FieldValueRef { text: &value.text, typed: value.typed })
    }
    fn fields(&self) -> impl Iterator<Item = (FieldId, FieldValueRef<'_>)> {
        self.fields.iter().map(|(&id, value)| (id, FieldValueRef { text: &value.text, typed: value.typed }))
    }
}

/// A view of a contact is as good when it is borrowed.
impl<V: ContactView> ContactView for &V {
    fn uuid(&self) -> Uuid {
        V::uuid(self)
    }
    fn id(&self) -> Option<&str> {
        V::id(self)
    }
    fn reference(&self) -> Option<&str> {
        V::reference(self)
    }
    fn name(&self) -> Option<&str> {
        V::name(self)
    }
    fn language(&self) -> Option<&str> {
        V::language(self)
    }
    fn status(&self) -> Status {
        V::status(self)
    }
    fn urns(&self) -> impl Iterator<Item = UrnRef<'_>> {
        V::urns(self)
    }
    fn groups(&self) -> impl Iterator<Item = GroupId> {
        V::groups(self)
    }
    fn flow(&self) -> Option<FlowId> {
        V::flow(self)
    }
    fn history(&self) -> impl Iterator<Item = FlowId> {
        V::history(self)
    }
    fn tickets(&self) -> u32 {
        V::tickets(self)
    }
    fn created_on(&self) -> Instant {
        V::created_on(self)
    }
    fn modified_on(&self) -> Option<Instant> {
        V::modified_on(self)
    }
    fn last_seen_on(&self) -> Option<Instant> {
        V::last_seen_on(self)
    }
    fn field(&self, field: FieldId) -> Option<FieldValueRef<'_>> {
        V::field(self, field)
    }
    fn fields(&self) -> impl Iterator<Item = (FieldId, FieldValueRef<'_>)> {
        V::fields(self)
    }
    fn compare_fields(
        &self,
        other: &Self,
        visit: impl FnMut(FieldId, Option<FieldValueRef<'_>>, Option<FieldValueRef<'_>>),
    ) {
        V::compare_fields(self, other, visit);
    }
}

/// Settles what a field's text stands for.
///
/// Cost: one parse of the text.
pub fn convert_field_text(text: &str, kind: FieldType, environment: &crate::schema::Environment) -> TypedValue {
    match kind {
        FieldType::Text => TypedValue::Text,
        FieldType::Number => match Decimal::parse(text) {
            Some(number) => TypedValue::Number(number),
            None => TypedValue::Unconvertible,
        },
        FieldType::Datetime => match crate::value::day::parse_moment(text, environment) {
            Some(instant) => TypedValue::Instant(instant),
            None => TypedValue::Unconvertible,
        },
        FieldType::State | FieldType::District | FieldType::Ward => TypedValue::Text,
    }
}
