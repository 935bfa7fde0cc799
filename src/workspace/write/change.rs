//! What can happen to a contact: the vocabulary of imports and of streams of changes.
//!
//! Everything is still by name here, as it arrived; a writer resolves it against the schema when it applies it.

use crate::contact::Status;
use crate::ids::Uuid;
use crate::value::{Instant, Urn};

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

/// How input names a group or a flow. At least one of the two is given; the identity decides if both are.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NamedRef {
    /// Identity on the platform.
    pub uuid: Option<Uuid>,
    /// Name, matched ignoring case.
    pub name: Option<Box<str>>,
}

/// A key of a patch: absent (leave as it is), or a value, where `None` clears.
pub type Patched<T> = Option<Option<T>>;

/// A contact as a file gives it: created if unknown, else patched with the keys that are present.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ContactPatch {
    /// Identity; made if missing.
    pub uuid: Option<Uuid>,
    /// The platform's number.
    pub id: Patched<Box<str>>,
    /// The reference code.
    pub reference: Patched<Box<str>>,
    /// The name.
    pub name: Patched<Box<str>>,
    /// The language.
    pub language: Patched<Box<str>>,
    /// The status.
    pub status: Option<Status>,
    /// All addresses, in order.
    pub urns: Option<Vec<Urn>>,
    /// Addresses by scheme, as spreadsheets give them: each replaces the addresses of its scheme; `None` clears them.
    pub scheme_urns: Vec<(Box<str>, Option<Urn>)>,
    /// All manual groups; smart ones among them are ignored.
    pub groups: Option<Vec<NamedRef>>,
    /// Single groups, as spreadsheets give them: in or out.
    pub group_flags: Vec<(NamedRef, bool)>,
    /// Fields by key or name, each with its text.
    pub fields: Vec<(Box<str>, Option<Box<str>>)>,
    /// The flow that it is in.
    pub flow: Patched<NamedRef>,
    /// Flows that it has been in.
    pub history: Option<Vec<NamedRef>>,
    /// Open tickets.
    pub tickets: Option<u32>,
    /// When it was created.
    pub created_on: Option<Instant>,
    /// When it was last modified.
    pub modified_on: Patched<Instant>,
    /// When it was last heard from.
    pub last_seen_on: Patched<Instant>,
    /// Keys that nothing here knows; they are left out and counted.
    pub unknown_keys: Vec<Box<str>>,
}

impl ContactPatch {
    /// Every address that it names: by any of them, the contact is known if it has no identity.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &Urn> {
        let by_scheme = self.scheme_urns.iter().filter_map(|(_, urn)| urn.as_ref());
        self.urns.iter().flatten().chain(by_scheme)
    }
}

/// One line of a stream of changes.
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
