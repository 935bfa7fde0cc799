//! Changes to one contact that `why` can propose, and carrying them out on a copy, by the rules that events go by.

use std::collections::BTreeSet;

use crate::contact::{Contact, Status};
use crate::ids::GroupId;
use crate::schema::{Environment, Schema};
use crate::sema::query::Property;
use crate::value::{Instant, Urn};
use crate::workspace::write::change::{ContactPatch, Event, NamedRef};
use crate::workspace::write::rejection::Omissions;
use crate::workspace::write::transition::Transition;

/// One change to one contact.
#[derive(Clone, PartialEq, Debug)]
pub enum Edit {
    /// Give the property this value.
    Set(Property, String),
    /// Give the property another value, such as this one: which, does not matter.
    SetOther(Property, String),
    /// Take the property's value away.
    Clear(Property),
    /// Add this address.
    AddAddress(Urn),
    /// Add an address of this one's scheme: which, does not matter.
    AddSomeAddress(Urn),
    /// Take this address away.
    RemoveAddress(Urn),
    /// Become a member of this manual group.
    Join(GroupId),
    /// Cease to be a member of this manual group.
    Leave(GroupId),
    /// Be pinned in this smart group, or excluded from it, no more.
    TakeBack(GroupId),
    /// Become active.
    Activate,
}

/// A contact as it would be after some edits.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The contact.
    pub contact: Contact,
    /// Groups in which it is pinned, or from which it is excluded, no more.
    pub taken_back: BTreeSet<GroupId>,
}

impl Trial {
    /// The contact as it is.
    pub fn new(contact: &Contact) -> Self {
        Trial { contact: contact.clone(), taken_back: BTreeSet::new() }
    }

    /// Carries an edit out; `None` if it would be refused, or makes no difference.
    pub fn perform(&mut self, edit: &Edit, schema: &Schema, environment: &Environment) -> Option<()> {
        let event = match edit {
            Edit::TakeBack(group) => return self.taken_back.insert(*group).then_some(()),
            Edit::Set(property, text) | Edit::SetOther(property, text) => set(property, Some(text), schema)?,
            Edit::Clear(property) => set(property, None, schema)?,
            Edit::AddAddress(urn) | Edit::AddSomeAddress(urn) => {
                Event::Urns(self.contact.urns.iter().chain([urn]).cloned().collect())
            }
            Edit::RemoveAddress(urn) => {
                Event::Urns(self.contact.urns.iter().filter(|held| *held != urn).cloned().collect())
            }
            Edit::Join(group) => Event::AddToGroups(vec![named(*group, schema)?]),
            Edit::Leave(group) => Event::RemoveFromGroups(vec![named(*group, schema)?]),
            Edit::Activate => Event::Status(Status::Active),
        };
        let transition = Transition { schema, environment };
        let changed = transition.apply(&mut self.contact, &event, &mut Omissions::default()).ok()?;
        changed.then_some(())
    }
}

fn named(group: GroupId, schema: &Schema) -> Option<NamedRef> {
    Some(NamedRef { uuid: Some(schema.group_by_id(group)?.uuid), name: None })
}

/// The event that gives a property this value, or none; `None` if no event can.
fn set(property: &Property, text: Option<&String>, schema: &Schema) -> Option<Event> {
    let value = text.map(|text| text.as_str().into());
    Some(match property {
        Property::Name => Event::Name(value),
        Property::Language => Event::Language(value),
        Property::LastSeenOn => Event::LastSeen(match text {
            Some(text) => Some(Instant::parse(text)?),
            None => None,
        }),
        Property::Tickets => {
            let tickets = Some(text.map_or(Some(0), |text| text.parse().ok())?);
            Event::Patched(Box::new(ContactPatch { tickets, ..ContactPatch::default() }))
        }
        Property::Field(field) => Event::Field { key: schema.field_by_id(field.id?)?.key.as_str().into(), value },
        _ => return None,
    })
}
