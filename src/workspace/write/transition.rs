//! What an event makes of a contact: pure, by name, against a schema.

use crate::contact::{Contact, FieldValue, Status, convert_field_text};
use crate::ids::{FlowId, GroupId};
use crate::schema::{Environment, Field, Group, Schema};
use crate::value::Urn;
use crate::workspace::write::change::{ContactPatch, Event, NamedRef, Patched};
use crate::workspace::write::rejection::{Omissions, Rejection};

/// Resolves names and applies events.
pub(crate) struct Transition<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) environment: &'a Environment,
}

impl Transition<'_> {
    /// Changes the contact as the event says, and tells whether that made a difference. On an error the contact is as it
    /// was.
    ///
    /// `Created` and `Deleted` are not for here: they make and unmake contacts.
    pub(crate) fn apply(
        &self,
        contact: &mut Contact,
        event: &Event,
        omissions: &mut Omissions,
    ) -> Result<bool, Rejection> {
        Ok(match event {
            Event::Field { key, value } => {
                let field = self.field(key).ok_or_else(|| Rejection::UnknownField(key.to_string()))?;
                self.set_field(contact, field, value.as_deref())
            }
            Event::Name(name) => set(&mut contact.name, non_empty(name)),
            Event::Language(language) => set(&mut contact.language, non_empty(language)),
            Event::Status(status) => set(&mut contact.status, *status),
            Event::Urns(urns) => set(&mut contact.urns, distinct(urns.iter().cloned())),
            Event::Groups { added, removed } => self.group_event(contact, added, removed, omissions)?,
            Event::AddToGroups(groups) => {
                refuse_inactive(contact)?;
                let groups = self.manual_groups(groups)?;
                groups.into_iter().fold(false, |changed, group| insert(&mut contact.groups, group) | changed)
            }
            Event::RemoveFromGroups(groups) => {
                let (groups, before) = (self.manual_groups(groups)?, contact.groups.len());
                contact.groups.retain(|held| !groups.contains(held));
                contact.groups.len() != before
            }
            Event::RemoveFromAllGroups => set(&mut contact.groups, Vec::new()),
            Event::LastSeen(instant) => set(&mut contact.last_seen_on, *instant),
            Event::Flow(flow) => {
                let known = |flow: &NamedRef| self.flow(flow).ok_or_else(|| Rejection::UnknownFlow(shown(flow)));
                let flow = flow.as_ref().map(known).transpose()?;
                set(&mut contact.flow, flow)
            }
            Event::RunStarted(flow) => {
                let flow = self.flow(flow).ok_or_else(|| Rejection::UnknownFlow(shown(flow)))?;
                insert(&mut contact.history, flow)
            }
            Event::TicketOpened => {
                let open = contact.tickets.saturating_add(1);
                set(&mut contact.tickets, open)
            }
            Event::TicketClosed => match contact.tickets.checked_sub(1) {
                Some(left) => set(&mut contact.tickets, left),
                None => {
                    omissions.tickets += 1;
                    false
                }
            },
            Event::Patched(patch) | Event::Created(patch) => {
                let before = contact.clone();
                self.patch(contact, patch, omissions);
                *contact != before
            }
            Event::Deleted => false,
        })
    }

    /// Takes the keys that are present; names that are unknown are left out and counted.
    pub(crate) fn patch(&self, contact: &mut Contact, patch: &ContactPatch, omissions: &mut Omissions) {
        let text = |into: &mut Option<Box<str>>, given: &Option<Option<Box<str>>>| {
            if let Some(value) = given {
                *into = non_empty(value);
            }
        };
        text(&mut contact.id, &patch.id);
        text(&mut contact.reference, &patch.reference);
        text(&mut contact.name, &patch.name);
        text(&mut contact.language, &patch.language);
        if let Some(status) = patch.status {
            contact.status = status;
        }
        if let Some(urns) = &patch.urns {
            contact.urns = distinct(urns.iter().cloned());
        }
        for (scheme, urns) in &patch.scheme_urns {
            replace_scheme(&mut contact.urns, scheme, urns);
        }
        if let Some(groups) = &patch.groups {
            contact.groups.clear();
            for group in groups {
                self.flag_group(contact, group, true, omissions);
            }
        }
        for (group, inside) in &patch.group_flags {
            self.flag_group(contact, group, *inside, omissions);
        }
        for (key, value) in &patch.fields {
            match self.field(key) {
                Some(field) => drop(self.set_field(contact, field, value.as_deref())),
                None => Omissions::count(&mut omissions.fields, key),
            }
        }
        match &patch.flow {
            Some(Some(flow)) => match self.flow(flow) {
                Some(id) => contact.flow = Some(id),
                None => Omissions::count(&mut omissions.flows, &shown(flow)),
            },
            Some(None) => contact.flow = None,
            None => {}
        }
        if let Some(history) = &patch.history {
            contact.history.clear();
            for flow in history {
                match self.flow(flow) {
                    Some(id) => drop(insert(&mut contact.history, id)),
                    None => Omissions::count(&mut omissions.flows, &shown(flow)),
                }
            }
        }
        if let Some(tickets) = patch.tickets {
            contact.tickets = tickets;
        }
        if let Some(created_on) = patch.created_on {
            contact.created_on = created_on;
        }
        if let Some(modified_on) = patch.modified_on {
            contact.modified_on = modified_on;
        }
        if let Some(last_seen_on) = patch.last_seen_on {
            contact.last_seen_on = last_seen_on;
        }
        for key in &patch.unknown_keys {
            Omissions::count(&mut omissions.keys, key);
        }
    }

    /// The platform tells of manual groups entered and left; it speaks of smart ones too, which are computed here.
    fn group_event(
        &self,
        contact: &mut Contact,
        added: &[NamedRef],
        removed: &[NamedRef],
        omissions: &mut Omissions,
    ) -> Result<bool, Rejection> {
        if added.iter().any(|group| self.group(group).is_some_and(|found| !found.smart)) {
            refuse_inactive(contact)?;
        }
        let before = contact.groups.clone();
        for (groups, inside) in [(removed, false), (added, true)] {
            for group in groups {
                self.flag_group(contact, group, inside, omissions);
            }
        }
        Ok(contact.groups != before)
    }

    fn flag_group(&self, contact: &mut Contact, group: &NamedRef, inside: bool, omissions: &mut Omissions) {
        match self.group(group) {
            Some(found) if found.smart => {}
            Some(found) if inside => drop(insert(&mut contact.groups, found.id)),
            Some(found) => contact.groups.retain(|&held| held != found.id),
            None => Omissions::count(&mut omissions.groups, &shown(group)),
        }
    }

    fn manual_groups(&self, groups: &[NamedRef]) -> Result<Vec<GroupId>, Rejection> {
        groups
            .iter()
            .map(|group| {
                let found = self.group(group).ok_or_else(|| Rejection::UnknownGroup(shown(group)))?;
                if found.smart { Err(Rejection::SmartGroup(found.name.clone())) } else { Ok(found.id) }
            })
            .collect()
    }

    /// Whether that made a difference.
    fn set_field(&self, contact: &mut Contact, field: &Field, text: Option<&str>) -> bool {
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            return contact.fields.remove(&field.id).is_some();
        };
        // The same text keeps its meaning: a two-digit year is settled when it is first written.
        if contact.fields.get(&field.id).is_some_and(|held| &*held.text == text) {
            return false;
        }
        let typed = convert_field_text(text, field.kind, self.environment);
        contact.fields.insert(field.id, FieldValue { text: text.into(), typed });
        true
    }

    fn field(&self, key: &str) -> Option<&Field> {
        self.schema
            .field(key)
            .or_else(|| self.schema.field(&key.to_lowercase()))
            .or_else(|| self.schema.field_by_name(key))
    }

    pub(crate) fn group(&self, group: &NamedRef) -> Option<&Group> {
        let by_uuid = group.uuid.and_then(|uuid| self.schema.group_by_uuid(uuid));
        by_uuid.or_else(|| group.name.as_deref().and_then(|name| self.schema.group(name)))
    }

    fn flow(&self, flow: &NamedRef) -> Option<FlowId> {
        let by_uuid = flow.uuid.and_then(|uuid| self.schema.flow_by_uuid(uuid));
        by_uuid.or_else(|| flow.name.as_deref().and_then(|name| self.schema.flow(name))).map(|found| found.id)
    }
}

/// How a reference is shown in a message.
pub(crate) fn shown(named: &NamedRef) -> String {
    match (&named.name, named.uuid) {
        (Some(name), _) => name.to_string(),
        (None, Some(uuid)) => uuid.to_string(),
        (None, None) => String::new(),
    }
}

fn non_empty(text: &Option<Box<str>>) -> Option<Box<str>> {
    text.clone().filter(|text| !text.is_empty())
}

fn refuse_inactive(contact: &Contact) -> Result<(), Rejection> {
    match contact.status {
        Status::Blocked | Status::Stopped => Err(Rejection::Inactive(contact.status)),
        Status::Active | Status::Archived => Ok(()),
    }
}

/// Sets a value, and tells whether it was another.
fn set<T: PartialEq>(slot: &mut T, value: T) -> bool {
    let differs = *slot != value;
    *slot = value;
    differs
}

/// Inserts into an ascending list, once, and tells whether it was not there.
fn insert<T: Ord>(list: &mut Vec<T>, item: T) -> bool {
    match list.binary_search(&item) {
        Ok(_) => false,
        Err(at) => {
            list.insert(at, item);
            true
        }
    }
}

/// Addresses in order, each once.
fn distinct(urns: impl Iterator<Item = Urn>) -> Vec<Urn> {
    let mut kept: Vec<Urn> = Vec::new();
    for urn in urns {
        if !kept.iter().any(|held| held.identity() == urn.identity()) {
            kept.push(urn);
        }
    }
    kept
}

/// Puts the scheme's addresses where its first one stands, or at the end: by place, those that are left as they are and
/// those that are set. Its others are dropped, unless nothing is said of any.
fn replace_scheme(urns: &mut Vec<Urn>, scheme: &str, given: &[Patched<Urn>]) {
    if given.iter().all(Option::is_none) {
        return;
    }
    let is_of_scheme = |held: &Urn| held.scheme().eq_ignore_ascii_case(scheme);
    let at = urns.iter().position(is_of_scheme).unwrap_or(urns.len());
    let held: Vec<Urn> = urns.iter().filter(|held| is_of_scheme(held)).cloned().collect();
    let placed = given.iter().enumerate().filter_map(|(place, given)| match given {
        Some(urn) => urn.clone(),
        None => held.get(place).cloned(),
    });
    let placed = distinct(placed);
    // What is said again changes nothing, nor the order among schemes.
    if placed == held {
        return;
    }
    urns.retain(|held| !is_of_scheme(held) && !placed.iter().any(|urn| urn.identity() == held.identity()));
    let at = at.min(urns.len());
    urns.splice(at..at, placed);
}
