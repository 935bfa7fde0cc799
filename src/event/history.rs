//! All events of one contact, owned.

use std::fmt;

use super::read::HistoryRef;
use super::write::{put_events, put_section};
use super::{EventRef, NewEvent};
use crate::ids::EventId;
use crate::value::Instant;

/// All events of a contact, encoded. Two are equal if they hold the same events, in the order of their moments and, of
/// one moment, of their arrival.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct History {
    bytes: Box<[u8]>,
}

impl History {
    /// A copy of what is encoded.
    pub fn from_ref(history: HistoryRef<'_>) -> Self {
        History { bytes: history.bytes().into() }
    }

    /// To be read.
    pub fn as_ref(&self) -> HistoryRef<'_> {
        HistoryRef::new(&self.bytes)
    }

    /// Adds an event, unless one of that name has its uuid, and says whether it did.
    ///
    /// Cost: writes the events of that name anew.
    pub fn add(&mut self, name: EventId, event: &NewEvent) -> bool {
        let mut section = Vec::new();
        let events: Vec<EventRef<'_>> = self.as_ref().of(name).collect();
        if event.uuid.is_some() && events.iter().any(|known| known.uuid == event.uuid) {
            return false;
        }
        let at = events.partition_point(|known| known.moment <= event.moment);
        let (before, after) = events.split_at_checked(at).unwrap_or((&events, &[]));
        put_events(&mut section, before, Some(event), after);
        drop(events);
        self.replace(name, &section);
        true
    }

    /// Drops the events of a name that happened before a moment, and says whether there were any.
    ///
    /// Cost: a look at the oldest one; if it goes, writes the events of that name anew.
    pub fn drop_before(&mut self, name: EventId, moment: Instant) -> bool {
        if self.as_ref().of(name).next().is_none_or(|oldest| oldest.moment >= moment) {
            return false;
        }
        let kept: Vec<EventRef<'_>> = self.as_ref().of(name).filter(|event| event.moment >= moment).collect();
        let mut section = Vec::new();
        if !kept.is_empty() {
            put_events(&mut section, &kept, None, &[]);
        }
        drop(kept);
        self.replace(name, &section);
        true
    }

    /// Puts other events of a name in the place of those that there are; none if the section is empty.
    fn replace(&mut self, name: EventId, section: &[u8]) {
        let mut bytes = Vec::with_capacity(self.bytes.len() + section.len() + 8);
        let mut is_placed = section.is_empty();
        for (id, other) in self.as_ref().sections() {
            if id >= name && !is_placed {
                put_section(&mut bytes, name, section);
                is_placed = true;
            }
            if id != name {
                put_section(&mut bytes, id, other);
            }
        }
        if !is_placed {
            put_section(&mut bytes, name, section);
        }
        self.bytes = bytes.into();
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.as_ref(), f)
    }
}
