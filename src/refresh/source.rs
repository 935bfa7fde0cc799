//! What a contact is read by: the parts of it that change independently and that atoms look at.

use crate::ids::{EventId, FieldId};
use crate::plan::atom::{Atom, NumberProperty, TextProperty, TimeProperty};

/// A part of a contact. An atom looks at exactly one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Source {
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
    /// All addresses.
    Urns,
    /// Active, blocked, stopped or archived.
    Status,
    /// Manual groups.
    Groups,
    /// The flow that it is in.
    Flow,
    /// Flows that it has been in.
    History,
    /// Open tickets.
    Tickets,
    /// When it was created.
    CreatedOn,
    /// When it was last heard from.
    LastSeenOn,
    /// A custom field.
    Field(FieldId),
    /// Events of one name.
    Events(EventId),
    /// Smart groups that are kept outside of the table at hand.
    Outside,
}

impl Source {
    /// What an atom looks at. Of groups: the manual ones.
    pub fn of(atom: &Atom) -> Self {
        match atom {
            Atom::TextIn(property, _) | Atom::TextSet(property) => match property {
                TextProperty::Uuid => Source::Uuid,
                TextProperty::Id => Source::Id,
                TextProperty::Ref => Source::Ref,
                TextProperty::Name => Source::Name,
                TextProperty::Language => Source::Language,
                TextProperty::Urn | TextProperty::Scheme(_) => Source::Urns,
                TextProperty::Field(field) | TextProperty::Place(field) => Source::Field(*field),
            },
            Atom::NumberIn(property, _) | Atom::NumberRange(property, _, _) => match property {
                NumberProperty::Tickets => Source::Tickets,
                NumberProperty::Field(field) => Source::Field(*field),
            },
            Atom::TimeRange(property, _, _) | Atom::Anniversary(property, _, _) => Source::from(*property),
            Atom::StatusIn(_) => Source::Status,
            Atom::GroupIn(_) | Atom::GroupSet => Source::Groups,
            Atom::FlowIn(_) | Atom::FlowSet => Source::Flow,
            Atom::HistoryIn(_) | Atom::HistorySet => Source::History,
            Atom::NameWords(_) => Source::Name,
            Atom::UrnContains(_, _) => Source::Urns,
            Atom::FieldWords(field, _) => Source::Field(*field),
            Atom::Event(event) => Source::Events(event.event),
        }
    }
}

impl From<TimeProperty> for Source {
    fn from(property: TimeProperty) -> Self {
        match property {
            TimeProperty::CreatedOn => Source::CreatedOn,
            TimeProperty::LastSeenOn => Source::LastSeenOn,
            TimeProperty::Field(field) => Source::Field(field),
            TimeProperty::Event(event) => Source::Events(event),
        }
    }
}
