//! Atoms: total predicates of a contact, the leaves of every plan and the shared currency of search and refresh.
//!
//! An atom is true or false of any contact at any moment: missing and several values are settled inside it, so its
//! negation is its complement. Two conditions that mean the same become the same atom.

use jiff::tz::TimeZone;

use crate::contact::Status;
use crate::ids::{EventId, FieldId, FlowId, GroupId};
use crate::plan::event::EventAtom;
use crate::value::calendar::AnniversaryDay;
use crate::value::{Decimal, Instant, Scheme};

pub use crate::plan::bound::{NumberBound, TimeBound};

/// A property whose values are compared as folded text.
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum TextProperty {
    /// Identity on the platform.
    Uuid,
    /// The platform's number.
    Id,
    /// The reference code.
    Ref,
    /// The name.
    Name,
    /// Code of three letters.
    Language,
    /// Paths of all addresses.
    Urn,
    /// Paths of the addresses of one scheme.
    Scheme(Scheme),
    /// A text field.
    Field(FieldId),
    /// A field that holds a place: its last part.
    Place(FieldId),
}

impl TextProperty {
    /// Whether a contact has at most one value: only then do two equalities exclude each other.
    pub fn is_single_valued(&self) -> bool {
        !matches!(self, TextProperty::Urn | TextProperty::Scheme(_))
    }

    /// Whether every contact has a value.
    pub fn is_always_set(&self) -> bool {
        matches!(self, TextProperty::Uuid)
    }
}

/// A property whose values are moments. A contact has at most one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum TimeProperty {
    /// When the contact was created.
    CreatedOn,
    /// When it was last heard from.
    LastSeenOn,
    /// A datetime field.
    Field(FieldId),
    /// Every event of a name: the only one of which a contact can have several. Conditions on events are
    /// [`Atom::Event`]; this finds who may be concerned.
    Event(EventId),
}

impl TimeProperty {
    /// Whether every contact has a value.
    pub fn is_always_set(self) -> bool {
        self == TimeProperty::CreatedOn
    }
}

/// A property whose values are numbers. A contact has at most one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum NumberProperty {
    /// Open tickets.
    Tickets,
    /// A number field.
    Field(FieldId),
}

impl NumberProperty {
    /// Whether every contact has a value.
    pub fn is_always_set(self) -> bool {
        self == NumberProperty::Tickets
    }
}

/// A total predicate of a contact.
///
/// Lists are sorted and free of duplicates, so that equal predicates are equal values.
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Atom {
    /// Some value of the property, folded, is one of these.
    TextIn(TextProperty, Box<[Box<str>]>),
    /// The property has a value.
    TextSet(TextProperty),
    /// Some value is one of these numbers.
    NumberIn(NumberProperty, Box<[Decimal]>),
    /// Some value lies within; at least one end is given. Also the way to say "has a value": both ends open.
    NumberRange(NumberProperty, Option<NumberBound>, Option<NumberBound>),
    /// Some value lies from the first moment up to but not including the second. Both ends open: has a value.
    TimeRange(TimeProperty, Option<TimeBound>, Option<TimeBound>),
    /// Some value's month and day, in the workspace's zone, are those of a day in this inclusive span.
    Anniversary(TimeProperty, AnniversaryDay, AnniversaryDay),
    /// The status is one of these.
    StatusIn(Box<[Status]>),
    /// A member of some of these groups.
    GroupIn(Box<[GroupId]>),
    /// A member of any group at all, manual or smart.
    GroupSet,
    /// In one of these flows now.
    FlowIn(Box<[FlowId]>),
    /// In any flow.
    FlowSet,
    /// Has been in one of these flows.
    HistoryIn(Box<[FlowId]>),
    /// Has been in any flow.
    HistorySet,
    /// Some of these words, cut to 8 characters, is a prefix of some word of the name.
    NameWords(Box<[Box<str>]>),
    /// The folded path of some address (of the scheme, if given) contains this text of at least 3 bytes.
    UrnContains(Option<Scheme>, Box<str>),
    /// A text field contains words.
    FieldWords(FieldId, WordMatch),
    /// What follows from the events that count passes a test, which no contact without such events passes.
    Event(Box<EventAtom>),
}

impl Atom {
    /// The same predicate with its relative bounds resolved at a moment: to search with, or to look at many contacts.
    ///
    /// Anniversaries stay: [`DaysOfYear::between`](crate::value::calendar::DaysOfYear::between) resolves them.
    pub fn at(&self, now: Instant, zone: &TimeZone) -> Atom {
        let resolve = |bound: &Option<TimeBound>| bound.map(|bound| TimeBound::At(bound.resolve(now, zone)));
        match self {
            Atom::TimeRange(property, low, high) => Atom::TimeRange(*property, resolve(low), resolve(high)),
            Atom::Event(event) => Atom::Event(Box::new(event.at(now, zone))),
            other => other.clone(),
        }
    }

    /// Whether it may change with time alone.
    pub fn depends_on_time(&self) -> bool {
        let moves = |bound: &Option<TimeBound>| matches!(bound, Some(TimeBound::Relative { .. }));
        match self {
            Atom::TimeRange(_, low, high) => moves(low) || moves(high),
            // Events of the future come to pass.
            Atom::Anniversary(..) | Atom::Event(_) => true,
            _ => false,
        }
    }
}

/// How words of a text field must occur.
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum WordMatch {
    /// All of them, in any order.
    All(Box<[Box<str>]>),
    /// One after the other.
    Phrase(Box<[Box<str>]>),
    /// One after the other, the last one as a prefix.
    Prefix(Box<[Box<str>]>),
}

/// A boolean tree over atoms, normalised: see [`crate::plan::logical`].
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Expr {
    /// Holds for every contact, or for none.
    Constant(bool),
    /// An atom, or its complement.
    Atom {
        /// Index into the plan's atoms.
        atom: crate::ids::AtomId,
        /// Whether the complement is meant.
        negated: bool,
    },
    /// Every child holds. Two or more, none of them an `All` or a constant.
    All(Vec<Expr>),
    /// Some child holds. Two or more, none of them an `Any` or a constant.
    Any(Vec<Expr>),
}

/// A logical plan: an expression over a table of distinct atoms.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogicalPlan {
    /// The atoms, each once.
    pub atoms: Vec<Atom>,
    /// What must hold of them. Negations stand at the leaves.
    pub root: Expr,
}
