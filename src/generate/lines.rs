//! Contacts and changes as JSON lines, in the formats of the input page.

use std::fmt::Write;

use crate::value::{Instant, Urn};
use crate::workspace::change::{Change, ContactPatch, ContactRef, Event, NamedRef, Patched};

use super::calendar::push_moment;

/// Appends a contact as one JSON object, without a line break.
///
/// What only spreadsheets can say (single groups, addresses by scheme) has no place in the format and is left out.
///
/// ```
/// use headcount::internals::workspace::change::ContactPatch;
/// let contact = ContactPatch { name: Some(Some("Ann \"Jo\"".into())), language: Some(None), ..Default::default() };
/// let mut line = String::new();
/// headcount::internals::generate::write_contact(&mut line, &contact);
/// assert_eq!(line, r#"{"name":"Ann \"Jo\"","language":null}"#);
/// ```
pub fn write_contact(out: &mut String, contact: &ContactPatch) {
    let mut object = Object::open(out);
    if let Some(uuid) = contact.uuid {
        object.display("uuid", uuid);
    }
    object.patched_text("id", &contact.id);
    object.patched_text("ref", &contact.reference);
    object.patched_text("name", &contact.name);
    if let Some(status) = contact.status {
        object.text("status", status.name());
    }
    object.patched_text("language", &contact.language);
    if let Some(urns) = &contact.urns {
        object.urns("urns", urns);
    }
    if let Some(groups) = &contact.groups {
        object.named_list("groups", groups);
    }
    if !contact.fields.is_empty() {
        let mut fields = Object::open(object.key("fields"));
        for (key, value) in &contact.fields {
            fields.text_or_null(key, value.as_deref());
        }
        fields.close();
    }
    match &contact.flow {
        Some(Some(flow)) => named(object.key("flow"), flow),
        Some(None) => object.null("flow"),
        None => {}
    }
    if let Some(history) = &contact.history {
        object.named_list("history", history);
    }
    if let Some(tickets) = contact.tickets {
        object.number("tickets", u64::from(tickets));
    }
    if let Some(created_on) = contact.created_on {
        object.moment("created_on", Some(created_on));
    }
    if let Some(modified_on) = contact.modified_on {
        object.moment("modified_on", modified_on);
    }
    if let Some(last_seen_on) = contact.last_seen_on {
        object.moment("last_seen_on", last_seen_on);
    }
    object.close();
}

/// Appends a change as one JSON object, without a line break.
pub fn write_change(out: &mut String, change: &Change) {
    let mut object = Object::open(out);
    object.text("type", event_type(&change.event));
    let in_full = matches!(change.event, Event::Created(_) | Event::Patched(_));
    if let Some(contact) = change.contact.as_ref().filter(|_| !in_full) {
        let mut reference = Object::open(object.key("contact"));
        match contact {
            ContactRef::Uuid(uuid) => reference.display("uuid", uuid),
            ContactRef::Urn(urn) => reference.text("urn", urn.as_str()),
            ContactRef::Id(id) => reference.text("id", id),
            // Only people name contacts so; a line has the whole.
            ContactRef::Beginning(beginning) => reference.text("uuid", beginning),
        }
        reference.close();
    }
    match &change.event {
        Event::Field { key, value } => {
            let mut field = Object::open(object.key("field"));
            field.text("key", key);
            field.close();
            match value {
                Some(text) => {
                    let mut value = Object::open(object.key("value"));
                    value.text("text", text);
                    value.close();
                }
                None => object.null("value"),
            }
        }
        Event::Name(name) => object.text_or_null("name", name.as_deref()),
        Event::Language(language) => object.text_or_null("language", language.as_deref()),
        Event::Status(status) => object.text("status", status.name()),
        Event::Urns(urns) => object.urns("urns", urns),
        Event::Groups { added, removed } => {
            object.named_list("groups_added", added);
            object.named_list("groups_removed", removed);
        }
        Event::AddToGroups(groups) | Event::RemoveFromGroups(groups) => object.named_list("groups", groups),
        Event::RemoveFromAllGroups => object.key("all_groups").push_str("true"),
        Event::LastSeen(moment) => object.moment("last_seen_on", *moment),
        Event::Flow(Some(flow)) | Event::RunStarted(flow) => named(object.key("flow"), flow),
        Event::Flow(None) => object.null("flow"),
        // A patch is how an import speaks; in a stream it can only be a contact in full.
        Event::Created(patch) | Event::Patched(patch) => write_contact(object.key("contact"), patch),
        Event::TicketOpened | Event::TicketClosed | Event::Deleted => {}
    }
    if let Some(created_on) = change.created_on {
        object.moment("created_on", Some(created_on));
    }
    if let Some(source) = &change.source {
        let mut position = Object::open(object.key("source"));
        position.text("name", &source.name);
        position.number("offset", source.offset);
        position.close();
    }
    object.close();
}

fn event_type(event: &Event) -> &'static str {
    match event {
        Event::Field { .. } => "contact_field_changed",
        Event::Name(_) => "contact_name_changed",
        Event::Language(_) => "contact_language_changed",
        Event::Status(_) => "contact_status_changed",
        Event::Urns(_) => "contact_urns_changed",
        Event::Groups { .. } => "contact_groups_changed",
        Event::AddToGroups(_) => "add_contact_groups",
        Event::RemoveFromGroups(_) | Event::RemoveFromAllGroups => "remove_contact_groups",
        Event::LastSeen(_) => "contact_last_seen_changed",
        Event::Flow(_) => "contact_flow_changed",
        Event::RunStarted(_) => "run_started",
        Event::TicketOpened => "ticket_opened",
        Event::TicketClosed => "ticket_closed",
        Event::Created(_) | Event::Patched(_) => "contact_created",
        Event::Deleted => "contact_deleted",
    }
}

/// Appends a text as a JSON string.
pub(super) fn push_text(out: &mut String, text: &str) {
    out.push('"');
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        // The byte is ASCII, so both its sides are character boundaries.
        out.push_str(text.get(start..at).unwrap_or_default());
        start = at + 1;
        // Writing to a string cannot fail.
        let _ = match byte {
            b'"' | b'\\' => write!(out, "\\{}", byte as char),
            b'\n' => out.write_str("\\n"),
            b'\t' => out.write_str("\\t"),
            _ => write!(out, "\\u{byte:04x}"),
        };
    }
    out.push_str(text.get(start..).unwrap_or_default());
    out.push('"');
}

fn named(out: &mut String, reference: &NamedRef) {
    let mut object = Object::open(out);
    if let Some(uuid) = reference.uuid {
        object.display("uuid", uuid);
    }
    if let Some(name) = &reference.name {
        object.text("name", name);
    }
    object.close();
}

/// A JSON object being written.
struct Object<'a> {
    out: &'a mut String,
    first: bool,
}

impl<'a> Object<'a> {
    fn open(out: &'a mut String) -> Self {
        out.push('{');
        Object { out, first: true }
    }

    fn close(self) {
        self.out.push('}');
    }

    /// Writes the key; the caller writes the value.
    fn key(&mut self, key: &str) -> &mut String {
        if !self.first {
            self.out.push(',');
        }
        self.first = false;
        push_text(self.out, key);
        self.out.push(':');
        self.out
    }

    fn text(&mut self, key: &str, text: &str) {
        push_text(self.key(key), text);
    }

    fn text_or_null(&mut self, key: &str, text: Option<&str>) {
        match text {
            Some(text) => self.text(key, text),
            None => self.null(key),
        }
    }

    fn patched_text(&mut self, key: &str, text: &Patched<Box<str>>) {
        if let Some(text) = text {
            self.text_or_null(key, text.as_deref());
        }
    }

    fn null(&mut self, key: &str) {
        self.key(key).push_str("null");
    }

    fn number(&mut self, key: &str, number: u64) {
        let _ = write!(self.key(key), "{number}");
    }

    /// For what prints without characters that JSON escapes.
    fn display(&mut self, key: &str, value: impl std::fmt::Display) {
        let _ = write!(self.key(key), "\"{value}\"");
    }

    fn moment(&mut self, key: &str, moment: Option<Instant>) {
        let out = self.key(key);
        match moment {
            Some(moment) => {
                out.push('"');
                push_moment(out, moment);
                out.push('"');
            }
            None => out.push_str("null"),
        }
    }

    fn urns(&mut self, key: &str, urns: &[Urn]) {
        self.list(key, urns, |out, urn| push_text(out, urn.as_str()));
    }

    fn named_list(&mut self, key: &str, references: &[NamedRef]) {
        self.list(key, references, named);
    }

    fn list<T>(&mut self, key: &str, items: &[T], write: impl Fn(&mut String, &T)) {
        let out = self.key(key);
        out.push('[');
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            write(out, item);
        }
        out.push(']');
    }
}
