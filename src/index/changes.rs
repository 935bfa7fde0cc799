//! From contacts before and after to the values that indexes must hold.

use std::collections::BTreeMap;

use smallvec::SmallVec;

use crate::contact::{ContactView, FieldValueRef, TypedValue};
use crate::ids::{DocumentNumber, EventId, FieldId};
use crate::index::build::Entries;
use crate::index::property::{FieldKinds, PropertyId, hashed_key, instant_key, push_text_key};
use crate::value::fold::fold;
use crate::value::location::last_part;
use crate::value::words;

/// A contact before and after a change; `None` where it does not exist.
#[derive(Clone, Debug)]
pub struct RowChange<V> {
    /// Its number.
    pub document: DocumentNumber,
    /// As the index knows it.
    pub before: Option<V>,
    /// As it is now.
    pub after: Option<V>,
}

/// What changes of one property in one block.
#[derive(Default, Debug)]
pub struct PropertyChanges {
    /// Documents whose values are replaced, ascending.
    pub touched: Vec<u16>,
    /// Their values now.
    pub entries: Entries,
}

impl PropertyChanges {
    /// Adds what happened to documents that come after these.
    pub fn append(&mut self, other: &PropertyChanges) {
        self.touched.extend_from_slice(&other.touched);
        self.entries.append(&other.entries);
    }
}

/// What changes in one block, by property.
#[derive(Default, Debug)]
pub struct BlockChanges {
    attributes: [PropertyChanges; 14],
    fields: BTreeMap<FieldId, PropertyChanges>,
    events: BTreeMap<EventId, PropertyChanges>,
}

impl BlockChanges {
    /// What these changes, all of one block and ascending by document, do to each property.
    pub fn of<V: ContactView>(changes: &[RowChange<V>], kinds: &FieldKinds) -> Self {
        let mut all = BlockChanges::default();
        for change in changes {
            let offset = change.document.offset();
            all.attributes(offset, change.before.as_ref(), change.after.as_ref());
            all.fields(offset, change.before.as_ref(), change.after.as_ref(), kinds);
            all.events(offset, change.before.as_ref(), change.after.as_ref());
        }
        all
    }

    /// The properties that change, with what changes.
    pub fn into_properties(self) -> impl Iterator<Item = (PropertyId, PropertyChanges)> {
        let attributes = self.attributes.into_iter().enumerate().filter_map(|(tag, changes)| {
            PropertyId::from_prefix([tag as u8, 0, 0]).map(|property| (property, changes))
        });
        let fields = self.fields.into_iter().map(|(field, changes)| (PropertyId::Field(field), changes));
        let events = self.events.into_iter().map(|(event, changes)| (PropertyId::Event(event), changes));
        attributes.chain(fields).chain(events).filter(|(_, changes)| !changes.touched.is_empty())
    }

    fn slot(&mut self, property: PropertyId) -> &mut PropertyChanges {
        if let PropertyId::Field(field) = property {
            return self.fields.entry(field).or_default();
        }
        if let PropertyId::Event(event) = property {
            return self.events.entry(event).or_default();
        }
        let [tag, _, _] = property.prefix();
        let last = self.attributes.len() - 1;
        &mut self.attributes[usize::from(tag).min(last)]
    }

    /// Replaces the values of a document.
    fn replace<'v>(
        &mut self,
        property: PropertyId,
        offset: u16,
        values: impl IntoIterator<Item = &'v str>,
        mut write: impl FnMut(&str, &mut Vec<u8>),
    ) {
        let slot = self.slot(property);
        slot.touched.push(offset);
        for value in values {
            slot.entries.push_with(offset, |bytes| write(value, bytes));
        }
    }

    /// Replaces the value of a document by bytes that are a key already.
    fn replace_key(&mut self, property: PropertyId, offset: u16, key: Option<&[u8]>) {
        let slot = self.slot(property);
        slot.touched.push(offset);
        if let Some(key) = key {
            slot.entries.push(offset, key);
        }
    }

    fn attributes<V: ContactView>(&mut self, offset: u16, before: Option<&V>, after: Option<&V>) {
        let status = |view: &V| view.status();
        if before.map(status) != after.map(status) {
            self.replace_key(
                PropertyId::Status,
                offset,
                after.map(|view| [view.status() as u8]).as_ref().map(|b| &b[..]),
            );
        }
        let text = |bytes: &str, out: &mut Vec<u8>| push_text_key(&fold(bytes), out);
        let hashed = |bytes: &str, out: &mut Vec<u8>| out.extend_from_slice(&hashed_key(&fold(bytes)));
        let (old, new) = (before.and_then(V::name), after.and_then(V::name));
        if old != new {
            self.replace(PropertyId::Name, offset, new, text);
            let slot = self.slot(PropertyId::NameWord);
            slot.touched.push(offset);
            if let Some(name) = new {
                words::for_each_word(name, |word| slot.entries.push(offset, words::cut(word).as_bytes()));
            }
        }
        let (old, new) = (before.and_then(V::language), after.and_then(V::language));
        if old != new {
            self.replace(PropertyId::Language, offset, new, text);
        }
        let (old, new) = (before.and_then(V::id), after.and_then(V::id));
        if old != new {
            self.replace(PropertyId::Id, offset, new, hashed);
        }
        let (old, new) = (before.and_then(V::reference), after.and_then(V::reference));
        if old != new {
            self.replace(PropertyId::Ref, offset, new, hashed);
        }
        self.urns(offset, before, after);
        let flow = |view: &V| view.flow();
        let (old, new) = (before.and_then(flow), after.and_then(flow));
        if old != new {
            self.replace_key(PropertyId::Flow, offset, new.map(|flow| flow.0.to_be_bytes()).as_ref().map(|b| &b[..]));
        }
        let history = |view: Option<&V>| view.map_or_else(SmallVec::<[_; 8]>::new, |view| view.history().collect());
        let (old, new) = (history(before), history(after));
        if old != new {
            let slot = self.slot(PropertyId::History);
            slot.touched.push(offset);
            new.iter().for_each(|flow| slot.entries.push(offset, &flow.0.to_be_bytes()));
        }
        let tickets = |view: &V| view.tickets();
        if before.map(tickets) != after.map(tickets) {
            let key = after.map(|view| crate::value::Decimal::from(i64::from(view.tickets())).sort_key());
            self.replace_key(PropertyId::Tickets, offset, key.as_deref());
        }
        let created = |view: &V| view.created_on();
        if before.map(created) != after.map(created) {
            let key = after.map(|view| instant_key(view.created_on()));
            self.replace_key(PropertyId::CreatedOn, offset, key.as_ref().map(|b| &b[..]));
        }
        let seen = |view: &V| view.last_seen_on();
        let (old, new) = (before.and_then(seen), after.and_then(seen));
        if old != new {
            let key = new.map(instant_key);
            self.replace_key(PropertyId::LastSeenOn, offset, key.as_ref().map(|b| &b[..]));
        }
    }

    fn urns<V: ContactView>(&mut self, offset: u16, before: Option<&V>, after: Option<&V>) {
        let same = match (before, after) {
            (Some(before), Some(after)) => before.urns().eq(after.urns()),
            (Some(view), None) | (None, Some(view)) => view.urns().next().is_none(),
            (None, None) => true,
        };
        if same {
            return;
        }
        let hashed = |bytes: &str, out: &mut Vec<u8>| out.extend_from_slice(&hashed_key(&fold(bytes)));
        let urns: SmallVec<[_; 4]> = after.into_iter().flat_map(|view| view.urns()).collect();
        self.replace(PropertyId::UrnPath, offset, urns.iter().map(|urn| urn.path), hashed);
        self.replace(PropertyId::UrnScheme, offset, urns.iter().map(|urn| urn.scheme), push_text_key);
        let slot = self.slot(PropertyId::UrnTrigram);
        slot.touched.push(offset);
        for urn in urns {
            let path = fold(urn.path);
            path.as_bytes().windows(3).for_each(|three| slot.entries.push(offset, three));
        }
    }

    fn events<V: ContactView>(&mut self, offset: u16, before: Option<&V>, after: Option<&V>) {
        let (old, new) = (before.map(V::events).unwrap_or_default(), after.map(V::events).unwrap_or_default());
        if old == new {
            return;
        }
        let mut names: SmallVec<[EventId; 8]> = old.names().chain(new.names()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names.into_iter().filter(|&name| old.section(name) != new.section(name)) {
            let slot = self.slot(PropertyId::Event(name));
            slot.touched.push(offset);
            new.of(name).for_each(|event| slot.entries.push(offset, &instant_key(event.moment)));
        }
    }

    fn fields<V: ContactView>(&mut self, offset: u16, before: Option<&V>, after: Option<&V>, kinds: &FieldKinds) {
        let mut old = before.into_iter().flat_map(|view| view.fields()).peekable();
        let mut new = after.into_iter().flat_map(|view| view.fields()).peekable();
        loop {
            let field = match (old.peek(), new.peek()) {
                (Some(&(a, _)), Some(&(b, _))) => a.min(b),
                (Some(&(a, _)), None) => a,
                (None, Some(&(b, _))) => b,
                (None, None) => return,
            };
            let was = old.next_if(|(candidate, _)| *candidate == field).map(|(_, value)| value);
            let is = new.next_if(|(candidate, _)| *candidate == field).map(|(_, value)| value);
            if was == is {
                continue;
            }
            let has_value =
                |value: Option<FieldValueRef<'_>>| value.is_some_and(|value| value.typed != TypedValue::Unconvertible);
            if !has_value(was) && !has_value(is) {
                continue;
            }
            let slot = self.slot(PropertyId::Field(field));
            slot.touched.push(offset);
            let Some(value) = is else { continue };
            match value.typed {
                TypedValue::Unconvertible => {}
                TypedValue::Text => {
                    let text = if kinds.kind(field).is_location() { last_part(value.text) } else { value.text };
                    slot.entries.push_with(offset, |bytes| push_text_key(&fold(text), bytes));
                }
                TypedValue::Number(number) => slot.entries.push(offset, &number.sort_key()),
                TypedValue::Instant(instant) => slot.entries.push(offset, &instant_key(instant)),
            }
        }
    }
}
