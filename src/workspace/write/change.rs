//! What can happen to a contact: the vocabulary of imports and of streams of changes.
//!
//! Everything is still by name here, as it arrived; a writer resolves it against the schema when it applies it.

use crate::contact::Status;
use crate::ids::Uuid;
use crate::value::{Instant, Urn};
use crate::workspace::error::WorkspaceError;

/// How input names a contact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ContactRef {
    /// By identity.
    Uuid(Uuid),
    /// By an address that it holds.
    Urn(Urn),
    /// By the platform's number.
    Id(Box<str>),
    /// By how its identity begins, as terminals show it: `5051f1cb`. Nobody is named so if several begin like that.
    Beginning(Box<str>),
}

impl From<Uuid> for ContactRef {
    fn from(uuid: Uuid) -> Self {
        ContactRef::Uuid(uuid)
    }
}

impl From<Urn> for ContactRef {
    fn from(urn: Urn) -> Self {
        ContactRef::Urn(urn)
    }
}

/// How input names a group or a flow. At least one of the two is given; the identity decides if both are.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NamedRef {
    /// Identity on the platform.
    pub uuid: Option<Uuid>,
    /// Name, matched ignoring case.
    pub name: Option<Box<str>>,
}

/// A text to put; an empty one clears.
fn text(text: &str) -> Option<Box<str>> {
    (!text.is_empty()).then(|| text.into())
}

impl NamedRef {
    /// By name alone.
    pub fn named(name: &str) -> Self {
        NamedRef { uuid: None, name: Some(name.into()) }
    }
}

/// A key of a patch: absent (leave as it is), or a value, where `None` clears.
pub type Patched<T> = Option<Option<T>>;

/// What is to be known of a contact: it is created if nobody has its identity or one of its addresses, else patched with
/// what was given. What was not given stays as it is.
///
/// ```
/// use headcount::{ContactPatch, Status};
///
/// let ann = ContactPatch::new()
///     .name("Ann Uwase")
///     .language("kin")
///     .status(Status::Active)
///     .urn("tel:+250788123123")?
///     .urn("mailto:ann@example.com")?
///     .field("age", "17")
///     .clear_field("city")
///     .group("Volunteers");
/// assert!(ContactPatch::new().urn("nonsense").is_err());
/// # Ok::<(), headcount::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ContactPatch {
    /// Identity; made if missing.
    #[doc(hidden)]
    pub uuid: Option<Uuid>,
    /// The platform's number.
    #[doc(hidden)]
    pub id: Patched<Box<str>>,
    /// The reference code.
    #[doc(hidden)]
    pub reference: Patched<Box<str>>,
    /// The name.
    #[doc(hidden)]
    pub name: Patched<Box<str>>,
    /// The language.
    #[doc(hidden)]
    pub language: Patched<Box<str>>,
    /// The status.
    #[doc(hidden)]
    pub status: Option<Status>,
    /// All addresses, in order.
    #[doc(hidden)]
    pub urns: Option<Vec<Urn>>,
    /// Addresses by scheme, each scheme once, as the columns of spreadsheets give them: by place, those that are left as
    /// they are (`None`), cleared, or set; what the contact has beyond the last of them goes.
    #[doc(hidden)]
    pub scheme_urns: Vec<(Box<str>, Vec<Patched<Urn>>)>,
    /// All manual groups; smart ones among them are ignored.
    #[doc(hidden)]
    pub groups: Option<Vec<NamedRef>>,
    /// Single groups, as spreadsheets give them: in or out.
    #[doc(hidden)]
    pub group_flags: Vec<(NamedRef, bool)>,
    /// Fields by key or name, each with its text.
    #[doc(hidden)]
    pub fields: Vec<(Box<str>, Option<Box<str>>)>,
    /// The flow that it is in.
    #[doc(hidden)]
    pub flow: Patched<NamedRef>,
    /// Flows that it has been in.
    #[doc(hidden)]
    pub history: Option<Vec<NamedRef>>,
    /// Open tickets.
    #[doc(hidden)]
    pub tickets: Option<u32>,
    /// When it was created.
    #[doc(hidden)]
    pub created_on: Option<Instant>,
    /// When it was last modified.
    #[doc(hidden)]
    pub modified_on: Patched<Instant>,
    /// When it was last heard from.
    #[doc(hidden)]
    pub last_seen_on: Patched<Instant>,
    /// Keys that nothing here knows; they are left out and counted.
    #[doc(hidden)]
    pub unknown_keys: Vec<Box<str>>,
}

impl ContactPatch {
    /// Nothing given yet. What is put like that needs an identity or an address.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the identity, by which the contact is looked for; a new contact without one is given one.
    #[must_use]
    pub fn uuid(mut self, uuid: Uuid) -> Self {
        self.uuid = Some(uuid);
        self
    }

    /// Gives the name; an empty one clears it.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(text(name));
        self
    }

    /// Gives the language, three letters of ISO 639; an empty one clears it.
    #[must_use]
    pub fn language(mut self, language: &str) -> Self {
        self.language = Some(text(language));
        self
    }

    /// Gives the status.
    #[must_use]
    pub fn status(mut self, status: Status) -> Self {
        self.status = Some(status);
        self
    }

    /// Gives an address, `scheme:path`. All that are given replace those that the contact had, in this order.
    ///
    /// # Errors
    /// If the text is not an address.
    pub fn urn(self, urn: &str) -> Result<Self, WorkspaceError> {
        Ok(self.urns([Urn::parse(urn)?]))
    }

    /// Gives addresses that were read already; none of them clears all that the contact had.
    #[must_use]
    pub fn urns(mut self, urns: impl IntoIterator<Item = Urn>) -> Self {
        self.urns.get_or_insert_default().extend(urns);
        self
    }

    /// Gives the text of a field, by its key; an empty one clears it. A field that the workspace does not have is left
    /// out and counted among the [omissions](crate::Omissions).
    #[must_use]
    pub fn field(mut self, key: &str, value: &str) -> Self {
        self.fields.push((key.into(), text(value)));
        self
    }

    /// Clears a field.
    #[must_use]
    pub fn clear_field(self, key: &str) -> Self {
        self.field(key, "")
    }

    /// Gives a manual group, by its name. All that are given replace those that the contact was in.
    #[must_use]
    pub fn group(mut self, name: &str) -> Self {
        self.groups.get_or_insert_default().push(NamedRef::named(name));
        self
    }

    /// Gives when it was created; a new contact without that was created with its batch.
    #[must_use]
    pub fn created_on(mut self, moment: Instant) -> Self {
        self.created_on = Some(moment);
        self
    }

    /// Gives when it was last heard from.
    #[must_use]
    pub fn last_seen_on(mut self, moment: Instant) -> Self {
        self.last_seen_on = Some(Some(moment));
        self
    }

    /// Every address that it names: by any of them, the contact is known if it has no identity.
    pub fn addresses(&self) -> impl Iterator<Item = &Urn> {
        let by_scheme = self.scheme_urns.iter().flat_map(|(_, urns)| urns.iter().flatten().flatten());
        self.urns.iter().flatten().chain(by_scheme)
    }
}

/// Something that happened to a contact: one line of a stream of changes.
///
/// ```
/// use headcount::{Change, ContactRef, Event, Instant};
///
/// let ann: ContactRef = "tel:+250788123123".parse()?;
/// let birthday = Change::new(ann, Event::field("age", "18")).at(Instant::now()).from_source("survey", 4711);
/// let same: Change = r#"{"type": "contact_field_changed", "contact": {"urn": "tel:+250788123123"},
///     "field": {"key": "age"}, "value": {"text": "18"}, "source": {"name": "survey", "offset": 4711}}"#.parse()?;
/// assert_eq!((birthday.event, birthday.source), (same.event, same.source));
/// # Ok::<(), headcount::Error>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Change {
    /// Who it happened to; `None` for a contact that is created without identity.
    pub contact: Option<ContactRef>,
    /// What happened.
    pub event: Event,
    /// When, by the platform's clock.
    pub created_on: Option<Instant>,
    /// Where it comes from, so that a replay does nothing.
    pub source: Option<SourcePosition>,
}

impl Change {
    /// A change to a contact, without a moment or a source.
    pub fn new(contact: impl Into<ContactRef>, event: Event) -> Self {
        Change { contact: Some(contact.into()), event, created_on: None, source: None }
    }

    /// With the moment at which it happened, by the platform's clock.
    #[must_use]
    pub fn at(self, moment: Instant) -> Self {
        Change { created_on: Some(moment), ..self }
    }

    /// With its place in a stream, which grows: a change at or below the last place that was applied does nothing, so
    /// that a stream can be sent again after a crash.
    #[must_use]
    pub fn from_source(self, name: &str, offset: u64) -> Self {
        Change { source: Some(SourcePosition { name: name.into(), offset }), ..self }
    }
}

/// A position in a named source of changes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourcePosition {
    /// The source.
    pub name: Box<str>,
    /// The position, which grows.
    pub offset: u64,
}

/// What happened to a contact.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// A field's text changed, or was cleared.
    Field {
        /// By key.
        key: Box<str>,
        /// The text, `None` or empty to clear.
        value: Option<Box<str>>,
    },
    /// The name changed.
    Name(Option<Box<str>>),
    /// The language changed.
    Language(Option<Box<str>>),
    /// The status changed.
    Status(Status),
    /// All addresses, in order.
    Urns(Vec<Urn>),
    /// Manual groups changed, as the platform tells: a smart group among them is passed over.
    Groups {
        /// Entered.
        added: Vec<NamedRef>,
        /// Left.
        removed: Vec<NamedRef>,
    },
    /// A flow's action adds to manual groups: a smart group among them is refused.
    AddToGroups(Vec<NamedRef>),
    /// A flow's action removes from manual groups.
    RemoveFromGroups(Vec<NamedRef>),
    /// A flow's action removes from all manual groups.
    RemoveFromAllGroups,
    /// Was heard from.
    LastSeen(Option<Instant>),
    /// Entered or left a flow.
    Flow(Option<NamedRef>),
    /// A run of a flow started: adds to the history.
    RunStarted(NamedRef),
    /// A ticket was opened.
    TicketOpened,
    /// A ticket was closed.
    TicketClosed,
    /// A contact was created.
    Created(Box<ContactPatch>),
    /// The contact was deleted.
    Deleted,
    /// The keys present are patched: how imports and edits by hand arrive.
    Patched(Box<ContactPatch>),
}

impl Event {
    /// A field has this text now; an empty one clears it.
    pub fn field(key: &str, value: &str) -> Self {
        Event::Field { key: key.into(), value: text(value) }
    }

    /// The name is this now; an empty one clears it.
    pub fn name(name: &str) -> Self {
        Event::Name(text(name))
    }

    /// The language is this now; an empty one clears it.
    pub fn language(language: &str) -> Self {
        Event::Language(text(language))
    }
}
