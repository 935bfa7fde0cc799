//! How events are written.
//!
//! ```text
//! history    by name, ascending: name varint, length varint, section
//! section    how moments are told u8: 0 microseconds, 1 seconds
//!            count of events − 1 varint
//!            count of names varint, each of them a text: names of properties
//!            count of texts varint, each of them a text: values that are no plain numbers
//!            events, oldest first
//! event      what there is u8: 1 a uuid; 2 × the count of properties
//!            moment: of the first a signed varint, of the others a varint from the one before
//!            uuid 16
//!            properties, ascending by name: place of the name varint, value
//! value      varint: 2 × place of a text; or 1 + 2 × negative + 4 × decimals, and then the digits, a varint
//! text       length varint, UTF-8
//! ```

use rustc_hash::FxHashMap;

use super::{EventRef, NewEvent};
use crate::ids::{EventId, Uuid};
use crate::value::Instant;

/// Decimals and digits up to which a number is told by its digits: what a `u64` holds whatever they are.
const MAX_DIGITS: usize = 18;
pub(super) const MAX_DECIMALS: usize = 9;

pub(super) const SECOND: i64 = 1_000_000;

pub(super) fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn put_section(out: &mut Vec<u8>, name: EventId, section: &[u8]) {
    put_varint(out, u64::from(name.0));
    put_varint(out, section.len() as u64);
    out.extend_from_slice(section);
}

/// A number that its digits, its sign and the count of its decimals give back letter for letter.
struct Plain {
    negative: bool,
    decimals: usize,
    digits: u64,
}

impl Plain {
    fn of(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = match unsigned.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (unsigned, ""),
        };
        let is_plain = !whole.is_empty()
            && (whole == "0" || !whole.starts_with('0'))
            && whole.len() + fraction.len() <= MAX_DIGITS
            && fraction.len() <= MAX_DECIMALS
            && whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
        let digit = |number: u64, byte: u8| number * 10 + u64::from(byte - b'0');
        is_plain.then(|| Plain {
            negative,
            decimals: fraction.len(),
            digits: whole.bytes().chain(fraction.bytes()).fold(0, digit),
        })
    }
}

/// What events are written from.
struct Source<'e> {
    moment: Instant,
    uuid: Option<Uuid>,
    properties: Vec<(&'e str, std::borrow::Cow<'e, str>)>,
}

impl<'e> Source<'e> {
    fn known(event: &EventRef<'e>) -> Self {
        let properties = event.properties().map(|property| (property.name, property.text())).collect();
        Source { moment: event.moment, uuid: event.uuid, properties }
    }
}

/// Texts, each once, in the order of their first use.
#[derive(Default)]
struct Texts<'e> {
    place_of: FxHashMap<&'e str, u64>,
    all: Vec<&'e str>,
}

impl<'e> Texts<'e> {
    fn place(&mut self, text: &'e str) -> u64 {
        *self.place_of.entry(text).or_insert_with(|| {
            self.all.push(text);
            self.all.len() as u64 - 1
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, self.all.len() as u64);
        self.all.iter().for_each(|text| put_text(out, text));
    }
}

/// Writes the events of one name, in order; there is one at least.
pub(super) fn put_events<'e>(
    out: &mut Vec<u8>,
    before: &'e [EventRef<'e>],
    new: Option<&'e NewEvent>,
    after: &'e [EventRef<'e>],
) {
    let mut sources: Vec<Source<'_>> = Vec::with_capacity(before.len() + after.len() + 1);
    sources.extend(before.iter().map(Source::known));
    if let Some(new) = new {
        let properties = new.properties.iter().map(|(name, value)| (&**name, (&**value).into())).collect();
        sources.push(Source { moment: new.moment, uuid: new.uuid, properties });
    }
    sources.extend(after.iter().map(Source::known));

    let in_seconds = sources.iter().all(|event| event.moment.micros() % SECOND == 0);
    let unit = if in_seconds { SECOND } else { 1 };
    let (mut names, mut texts) = (Texts::default(), Texts::default());
    let mut events = Vec::new();
    let mut last: Option<i64> = None;
    for event in &sources {
        events.push(u8::from(event.uuid.is_some()) | (event.properties.len() as u8) << 1);
        let moment = event.moment.micros() / unit;
        put_varint(
            &mut events,
            match last {
                None => (moment << 1 ^ moment >> 63) as u64,
                Some(last) => moment.wrapping_sub(last) as u64,
            },
        );
        last = Some(moment);
        if let Some(uuid) = event.uuid {
            events.extend_from_slice(&uuid.0);
        }
        for (name, value) in &event.properties {
            put_varint(&mut events, names.place(name));
            match Plain::of(value) {
                Some(Plain { negative, decimals, digits }) => {
                    put_varint(&mut events, 1 | u64::from(negative) << 1 | (decimals as u64) << 2);
                    put_varint(&mut events, digits);
                }
                None => put_varint(&mut events, texts.place(value) << 1),
            }
        }
    }
    out.push(u8::from(in_seconds));
    put_varint(out, sources.len() as u64 - 1);
    names.put(out);
    texts.put(out);
    out.extend_from_slice(&events);
}
