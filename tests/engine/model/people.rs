//! What an event makes of a contact, written from the description of input (README, "Input") for plain collections.

use std::collections::BTreeMap;

use headcount::internals::contact::{Contact, FieldValue, Status, convert_field_text};
use headcount::internals::ids::{FlowId, GroupId, Uuid};
use headcount::internals::schema::{Environment, Schema};
use headcount::internals::value::Urn;
use headcount::internals::workspace::{ContactPatch, Event, NamedRef};

/// Refused, for whatever reason.
#[derive(Debug)]
pub(crate) struct Refused;

/// Contacts as a batch sees them.
pub(crate) struct People<'a> {
    pub(crate) stored: &'a BTreeMap<Uuid, Contact>,
    pub(crate) staged: &'a BTreeMap<Uuid, Option<Contact>>,
}

impl People<'_> {
    pub(crate) fn get(&self, uuid: Uuid) -> Option<&Contact> {
        match self.staged.get(&uuid) {
            Some(staged) => staged.as_ref(),
            None => self.stored.get(&uuid),
        }
    }

    pub(crate) fn holder(&self, urn: &Urn) -> Option<Uuid> {
        let everybody = self.stored.keys().chain(self.staged.keys()).copied();
        let holds = |contact: &Contact| contact.urns.iter().any(|held| held.identity() == urn.identity());
        everybody.into_iter().find(|&uuid| self.get(uuid).is_some_and(holds))
    }

    /// Nobody else may hold the contact's addresses.
    pub(crate) fn are_free(&self, contact: &Contact) -> Result<(), Refused> {
        let taken = contact.urns.iter().filter_map(|urn| self.holder(urn)).any(|holder| holder != contact.uuid);
        if taken { Err(Refused) } else { Ok(()) }
    }
}

/// Names and the environment.
pub(crate) struct Rules<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) environment: &'a Environment,
}

impl Rules<'_> {
    pub(crate) fn apply(&self, contact: &mut Contact, event: &Event) -> Result<(), Refused> {
        match event {
            Event::Field { key, value } => {
                self.schema.field(key).ok_or(Refused)?;
                self.set_field(contact, key, value.as_deref());
            }
            Event::Name(name) => contact.name = name.clone(),
            Event::Language(language) => contact.language = language.clone(),
            Event::Status(status) => contact.status = *status,
            Event::Urns(urns) => contact.urns = distinct(urns),
            Event::Groups { added, removed } => {
                let enters = added.iter().any(|group| self.manual(group).is_some());
                if enters && !may_enter(contact) {
                    return Err(Refused);
                }
                removed.iter().for_each(|group| self.flag(contact, group, false));
                added.iter().for_each(|group| self.flag(contact, group, true));
            }
            Event::AddToGroups(groups) => {
                if !may_enter(contact) || groups.iter().any(|group| self.manual(group).is_none()) {
                    return Err(Refused);
                }
                groups.iter().for_each(|group| self.flag(contact, group, true));
            }
            Event::RemoveFromGroups(groups) => {
                if groups.iter().any(|group| self.manual(group).is_none()) {
                    return Err(Refused);
                }
                groups.iter().for_each(|group| self.flag(contact, group, false));
            }
            Event::RemoveFromAllGroups => contact.groups.clear(),
            Event::LastSeen(moment) => contact.last_seen_on = *moment,
            Event::Flow(None) => contact.flow = None,
            Event::Flow(Some(flow)) => contact.flow = Some(self.flow(flow).ok_or(Refused)?),
            Event::RunStarted(flow) => {
                contact.history.push(self.flow(flow).ok_or(Refused)?);
                contact.history.sort();
                contact.history.dedup();
            }
            Event::TicketOpened => contact.tickets += 1,
            Event::TicketClosed => contact.tickets = contact.tickets.saturating_sub(1),
            Event::Created(patch) | Event::Patched(patch) => self.patch(contact, patch),
            Event::Deleted => unreachable!("deletions are not changes of a contact"),
        }
        Ok(())
    }

    fn patch(&self, contact: &mut Contact, patch: &ContactPatch) {
        fn take<T: Clone>(into: &mut Option<T>, given: &Option<Option<T>>) {
            if let Some(given) = given {
                *into = given.clone();
            }
        }
        take(&mut contact.id, &patch.id);
        take(&mut contact.reference, &patch.reference);
        take(&mut contact.name, &patch.name);
        take(&mut contact.language, &patch.language);
        take(&mut contact.modified_on, &patch.modified_on);
        take(&mut contact.last_seen_on, &patch.last_seen_on);
        contact.status = patch.status.unwrap_or(contact.status);
        contact.tickets = patch.tickets.unwrap_or(contact.tickets);
        contact.created_on = patch.created_on.unwrap_or(contact.created_on);
        if let Some(urns) = &patch.urns {
            contact.urns = distinct(urns);
        }
        if let Some(groups) = &patch.groups {
            contact.groups.clear();
            groups.iter().for_each(|group| self.flag(contact, group, true));
        }
        patch.group_flags.iter().for_each(|(group, inside)| self.flag(contact, group, *inside));
        patch.fields.iter().for_each(|(key, value)| self.set_field(contact, key, value.as_deref()));
        match &patch.flow {
            None => {}
            Some(None) => contact.flow = None,
            Some(Some(flow)) => contact.flow = self.flow(flow).or(contact.flow),
        }
        if let Some(history) = &patch.history {
            contact.history = history.iter().filter_map(|flow| self.flow(flow)).collect();
            contact.history.sort();
            contact.history.dedup();
        }
    }

    fn set_field(&self, contact: &mut Contact, key: &str, text: Option<&str>) {
        let Some(field) = self.schema.field(key) else { return };
        match text.filter(|text| !text.is_empty()) {
            None => {
                contact.fields.remove(&field.id);
            }
            Some(text) => {
                let typed = convert_field_text(text, field.kind, self.environment);
                contact.fields.insert(field.id, FieldValue { text: text.into(), typed });
            }
        }
    }

    fn manual(&self, group: &NamedRef) -> Option<GroupId> {
        self.schema.group(group.name.as_deref()?).filter(|group| !group.smart).map(|group| group.id)
    }

    fn flow(&self, flow: &NamedRef) -> Option<FlowId> {
        self.schema.flow(flow.name.as_deref()?).map(|flow| flow.id)
    }

    /// In or out of a manual group; smart and unknown ones are passed over.
    fn flag(&self, contact: &mut Contact, group: &NamedRef, inside: bool) {
        let Some(group) = self.manual(group) else { return };
        contact.groups.retain(|&held| held != group);
        if inside {
            contact.groups.push(group);
            contact.groups.sort();
        }
    }
}

fn may_enter(contact: &Contact) -> bool {
    !matches!(contact.status, Status::Blocked | Status::Stopped)
}

fn distinct(urns: &[Urn]) -> Vec<Urn> {
    let mut kept: Vec<Urn> = Vec::new();
    for urn in urns {
        if kept.iter().all(|held| held.identity() != urn.identity()) {
            kept.push(urn.clone());
        }
    }
    kept
}
