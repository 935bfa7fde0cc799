//! Reading events in place.

use std::borrow::Cow;
use std::fmt;

use super::write::{MAX_DECIMALS, SECOND};
use crate::ids::{EventId, Uuid};
use crate::value::{Decimal, Instant};

/// Bytes that are not a history.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed;

/// All events of a contact, as they are encoded. No question makes it panic, whatever the bytes: what cannot be read is
/// not there. See [`HistoryRef::check`].
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct HistoryRef<'a> {
    bytes: &'a [u8],
}

impl<'a> HistoryRef<'a> {
    /// What is encoded.
    pub fn new(bytes: &'a [u8]) -> Self {
        HistoryRef { bytes }
    }

    /// The bytes.
    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Whether there are no events at all.
    pub fn is_empty(self) -> bool {
        self.bytes.is_empty()
    }

    /// The names with their encoded events, ascending.
    pub(crate) fn sections(self) -> impl Iterator<Item = (EventId, &'a [u8])> {
        let mut reader = Reader { rest: self.bytes };
        std::iter::from_fn(move || reader.section())
    }

    /// The names of which there are events, ascending.
    pub fn names(self) -> impl Iterator<Item = EventId> {
        self.sections().map(|(name, _)| name)
    }

    /// The encoded events of a name: equal if the events are; empty if there are none.
    pub fn section(self, name: EventId) -> &'a [u8] {
        self.sections().find(|(id, _)| *id == name).map_or(&[], |(_, section)| section)
    }

    /// The events of a name, oldest first.
    ///
    /// Cost: tens of nanoseconds, and a few for each event.
    pub fn of(self, name: EventId) -> Events<'a> {
        Events::new(self.section(name))
    }

    /// How many events there are of all names.
    pub fn count(self) -> u64 {
        self.sections().map(|(_, section)| Events::new(section).remaining() as u64).sum()
    }

    /// Reads everything.
    ///
    /// # Errors
    /// If the bytes are not a history.
    pub fn check(self) -> Result<(), Malformed> {
        let mut reader = Reader { rest: self.bytes };
        let mut last: Option<EventId> = None;
        while !reader.rest.is_empty() {
            let (name, section) = reader.section().ok_or(Malformed)?;
            if last.is_some_and(|last| last >= name) {
                return Err(Malformed);
            }
            last = Some(name);
            let mut events = Events::new(section);
            let mut moment = Instant::MIN;
            let expected = events.remaining();
            let read = events.by_ref().map(|event| {
                let is_later = event.moment >= moment;
                moment = event.moment;
                is_later && event.properties().count() == usize::from(event.count)
            });
            if expected == 0 || read.filter(|is_right| *is_right).count() != expected || !events.reader.rest.is_empty()
            {
                return Err(Malformed);
            }
        }
        Ok(())
    }
}

impl fmt::Debug for HistoryRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.names().map(|name| (name, self.of(name).collect::<Vec<_>>()))).finish()
    }
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.varint()?).ok()?;
        std::str::from_utf8(self.take(length)?).ok()
    }

    fn section(&mut self) -> Option<(EventId, &'a [u8])> {
        let name = EventId(u16::try_from(self.varint()?).ok()?);
        let length = usize::try_from(self.varint()?).ok()?;
        Some((name, self.take(length)?))
    }

    fn texts(&mut self) -> Option<Vec<&'a str>> {
        let count = self.varint()?;
        (0..count).map(|_| self.text()).collect()
    }

    /// Passes over the properties of an event.
    fn skip_properties(&mut self, count: u8) -> Option<()> {
        for _ in 0..count {
            self.varint()?;
            if self.varint()? & 1 == 1 {
                self.varint()?;
            }
        }
        Some(())
    }
}

/// Events of one name, oldest first.
pub struct Events<'a> {
    reader: Reader<'a>,
    unit: i64,
    left: usize,
    last: Option<i64>,
    texts: std::rc::Rc<Dictionary<'a>>,
}

#[derive(Default)]
struct Dictionary<'a> {
    names: Vec<&'a str>,
    texts: Vec<&'a str>,
}

impl<'a> Events<'a> {
    fn new(section: &'a [u8]) -> Self {
        Events::read(section).unwrap_or(Events {
            reader: Reader { rest: &[] },
            unit: 1,
            left: 0,
            last: None,
            texts: std::rc::Rc::default(),
        })
    }

    fn read(section: &'a [u8]) -> Option<Self> {
        let mut reader = Reader { rest: section };
        let unit = match reader.byte()? {
            0 => 1,
            1 => SECOND,
            _ => return None,
        };
        // Each event takes two bytes at least.
        let left = usize::try_from(reader.varint()?).ok().filter(|&left| left < section.len())? + 1;
        let (names, texts) = (reader.texts()?, reader.texts()?);
        Some(Events { reader, unit, left, last: None, texts: std::rc::Rc::new(Dictionary { names, texts }) })
    }

    /// How many are to come.
    pub fn remaining(&self) -> usize {
        self.left
    }

    fn step(&mut self) -> Option<EventRef<'a>> {
        let head = self.reader.byte()?;
        let told = self.reader.varint()?;
        let moment = match self.last {
            None => (told >> 1) as i64 ^ -((told & 1) as i64),
            Some(last) => last.checked_add_unsigned(told)?,
        };
        self.last = Some(moment);
        let uuid = match head & 1 {
            0 => None,
            _ => Some(Uuid(self.reader.take(16)?.try_into().ok()?)),
        };
        let (count, properties) = (head >> 1, self.reader);
        self.reader.skip_properties(count)?;
        let moment = Instant::from_micros(moment.checked_mul(self.unit)?);
        Some(EventRef { moment, uuid, count, reader: properties, texts: std::rc::Rc::clone(&self.texts) })
    }
}

impl<'a> Iterator for Events<'a> {
    type Item = EventRef<'a>;

    fn next(&mut self) -> Option<EventRef<'a>> {
        self.left = self.left.checked_sub(1)?;
        let event = self.step();
        if event.is_none() {
            self.left = 0;
        }
        event
    }
}

/// An event, read in place.
#[derive(Clone)]
pub struct EventRef<'a> {
    /// When it happened.
    pub moment: Instant,
    /// Its identity.
    pub uuid: Option<Uuid>,
    count: u8,
    reader: Reader<'a>,
    texts: std::rc::Rc<Dictionary<'a>>,
}

impl<'a> EventRef<'a> {
    /// Its properties, ascending by name.
    pub fn properties(&self) -> impl Iterator<Item = PropertyRef<'a>> + use<'a, '_> {
        let mut reader = self.reader;
        (0..self.count).map_while(move |_| {
            let name = self.texts.names.get(usize::try_from(reader.varint()?).ok()?)?;
            let told = reader.varint()?;
            let value = if told & 1 == 0 {
                Stored::Text(self.texts.texts.get(usize::try_from(told >> 1).ok()?)?)
            } else {
                let decimals = (told >> 2) as usize;
                if decimals > MAX_DECIMALS {
                    return None;
                }
                Stored::Number { negative: told & 2 != 0, decimals, digits: reader.varint()? }
            };
            Some(PropertyRef { name, value })
        })
    }

    /// The property of a name, which must be in lower case.
    pub fn property(&self, name: &str) -> Option<PropertyRef<'a>> {
        self.properties().find(|property| property.name == name)
    }
}

impl fmt::Debug for EventRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.moment)?;
        if let Some(uuid) = self.uuid {
            write!(f, " {uuid}")?;
        }
        f.debug_map().entries(self.properties().map(|property| (property.name, property.text()))).finish()
    }
}

#[derive(Clone, Copy, Debug)]
enum Stored<'a> {
    Text(&'a str),
    Number { negative: bool, decimals: usize, digits: u64 },
}

/// A property of an event.
#[derive(Clone, Copy, Debug)]
pub struct PropertyRef<'a> {
    /// Its name, in lower case.
    pub name: &'a str,
    value: Stored<'a>,
}

impl<'a> PropertyRef<'a> {
    /// Its value, letter for letter; never empty.
    pub fn text(&self) -> Cow<'a, str> {
        match self.value {
            Stored::Text(text) => Cow::Borrowed(text),
            Stored::Number { negative, decimals, digits } => {
                let sign = if negative { "-" } else { "" };
                let digits = format!("{digits:0width$}", width = decimals + 1);
                let (whole, fraction) = digits.split_at(digits.len() - decimals);
                let point = if decimals > 0 { "." } else { "" };
                Cow::Owned(format!("{sign}{whole}{point}{fraction}"))
            }
        }
    }

    /// Its value as a number, if it is one.
    pub fn number(&self) -> Option<Decimal> {
        match self.value {
            Stored::Text(text) => Decimal::parse(text),
            Stored::Number { digits: 0, .. } => Some(Decimal::ZERO),
            Stored::Number { negative, decimals, digits } => {
                let (mut coefficient, mut exponent) = (digits, -(decimals as i16));
                while coefficient % 10 == 0 {
                    coefficient /= 10;
                    exponent += 1;
                }
                Decimal::from_parts(negative, u128::from(coefficient), exponent)
            }
        }
    }
}
