//! A contact as bytes, any property of which can be read without decoding the rest.
//!
//! ```text
//! 0   checksum u32        over the document number and all that follows
//! 4   version u8          1
//! 5   flags u8            bits 0-1 status, then: wide offsets, modified_on, last_seen_on, flow, tickets
//! 6   sections u8         which of id, ref, name, language, urns, groups, history, fields there are
//! 7   uuid 16
//! 23  created_on i64      microseconds
//!     modified_on i64, last_seen_on i64, flow u32, tickets u32: those that the flags announce
//!     ends u16 or u32 × sections: where each section ends in the heap
//!     heap                the sections, in order
//! ```
//!
//! The section of fields is itself a directory, so that a field is found by binary search:
//!
//! ```text
//!     count − 1 u16
//!     field id u16 × count, ascending
//!     ends u16 or u32 × count: where each value ends in the heap of values
//!     heap of values      kind u8, then what the kind needs, then the text
//! ```
//!
//! A number or a moment that the text alone gives back is not stored beside it. A moment that took the environment of
//! then (a zone, an order of day and month, the pivot of a two-digit year) is, so that it stays what it was.

mod view;

#[cfg(test)]
mod tests;

pub use view::RowView;

use smallvec::SmallVec;

use super::codec::{Tag, begin, finish, put_text, put_varint};
use crate::contact::{ContactView, FieldValueRef, TypedValue};
use crate::ids::{DocumentNumber, FieldId};
use crate::value::{Decimal, Instant};

/// The layout of rows that this program writes and reads.
pub const VERSION: u8 = 1;

/// The longest row that a store takes, in bytes: far beyond any contact, and well within what LMDB takes.
pub const MAX_LENGTH: usize = 64 << 20;

/// Bytes before the optional numbers.
const FIXED: usize = 31;

mod flag {
    pub(super) const STATUS: u8 = 0b11;
    pub(super) const WIDE: u8 = 1 << 2;
    pub(super) const MODIFIED_ON: u8 = 1 << 3;
    pub(super) const LAST_SEEN_ON: u8 = 1 << 4;
    pub(super) const FLOW: u8 = 1 << 5;
    pub(super) const TICKETS: u8 = 1 << 6;
}

/// What a row has sections for; the number is the bit in the header.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Section {
    Id = 0,
    Reference = 1,
    Name = 2,
    Language = 3,
    Urns = 4,
    Groups = 5,
    History = 6,
    Fields = 7,
}

/// How a field's typed value is found.
mod kind {
    pub(super) const UNCONVERTIBLE: u8 = 0;
    pub(super) const TEXT: u8 = 1;
    /// The text reads as the number.
    pub(super) const NUMBER: u8 = 2;
    /// Sign and exponent, length of the coefficient, the coefficient, then the text.
    pub(super) const OTHER_NUMBER: u8 = 3;
    /// The text reads as the moment, whatever the environment.
    pub(super) const INSTANT: u8 = 4;
    /// Microseconds, then the text.
    pub(super) const OTHER_INSTANT: u8 = 5;
}

/// Schemes that take one byte, by code less one. Part of the format: only ever appended to.
const SCHEMES: [&str; 20] = [
    "bsuid",
    "ext",
    "facebook",
    "fcm",
    "freshchat",
    "instagram",
    "jiochat",
    "line",
    "mailto",
    "rocketchat",
    "slack",
    "tel",
    "telegram",
    "twitter",
    "twitterid",
    "viber",
    "vk",
    "webchat",
    "wechat",
    "whatsapp",
];

/// With the code of a scheme: behind the path comes what was written, since that is more than the path.
const WRITTEN: u8 = 1 << 7;

/// Appends the row of a contact to `out`.
///
/// A row longer than [`MAX_LENGTH`] can be encoded, but a store refuses it.
///
/// Cost: about a microsecond for a contact of twenty fields; nothing is allocated but `out`'s growth.
pub fn encode(document: DocumentNumber, contact: &impl ContactView, out: &mut Vec<u8>) {
    let start = out.len();
    if encode_with(document, contact, out, false).is_err() {
        out.truncate(start);
        // Offsets of 32 bits hold whatever is shorter than MAX_LENGTH; longer rows never enter a store.
        let _ = encode_with(document, contact, out, true);
    }
}

/// Offsets of 16 bits do not hold this row.
struct TooWide;

fn encode_with(
    document: DocumentNumber,
    contact: &impl ContactView,
    out: &mut Vec<u8>,
    wide: bool,
) -> Result<(), TooWide> {
    let start = begin(out, VERSION);
    let (modified_on, last_seen_on) = (contact.modified_on(), contact.last_seen_on());
    let (flow, tickets) = (contact.flow(), contact.tickets());
    let present = |bit: u8, is: bool| if is { bit } else { 0 };
    out.push(
        contact.status() as u8 & flag::STATUS
            | present(flag::WIDE, wide)
            | present(flag::MODIFIED_ON, modified_on.is_some())
            | present(flag::LAST_SEEN_ON, last_seen_on.is_some())
            | present(flag::FLOW, flow.is_some())
            | present(flag::TICKETS, tickets != 0),
    );
    let texts = [contact.id(), contact.reference(), contact.name(), contact.language()];
    let fields: SmallVec<[(FieldId, FieldValueRef<'_>); 32]> = contact.fields().collect();
    debug_assert!(fields.is_sorted_by_key(|(id, _)| *id), "fields are given in the order of their ids");
    let mut sections = 0u8;
    for (bit, text) in texts.iter().enumerate() {
        sections |= u8::from(text.is_some()) << bit;
    }
    sections |= u8::from(contact.urns().next().is_some()) << Section::Urns as u8;
    sections |= u8::from(contact.groups().next().is_some()) << Section::Groups as u8;
    sections |= u8::from(contact.history().next().is_some()) << Section::History as u8;
    sections |= u8::from(!fields.is_empty()) << Section::Fields as u8;
    out.push(sections);
    out.extend_from_slice(&contact.uuid().0);
    out.extend_from_slice(&contact.created_on().micros().to_le_bytes());
    for instant in [modified_on, last_seen_on].into_iter().flatten() {
        out.extend_from_slice(&instant.micros().to_le_bytes());
    }
    if let Some(flow) = flow {
        out.extend_from_slice(&flow.0.to_le_bytes());
    }
    if tickets != 0 {
        out.extend_from_slice(&tickets.to_le_bytes());
    }

    let mut ends = Ends::reserve(out, sections.count_ones() as usize, wide);
    for text in texts.into_iter().flatten() {
        out.extend_from_slice(text.as_bytes());
        ends.mark(out)?;
    }
    if sections & (1 << Section::Urns as u8) != 0 {
        for urn in contact.urns() {
            let written = if urn.written.is_some() { WRITTEN } else { 0 };
            match SCHEMES.iter().position(|&scheme| scheme == urn.scheme) {
                Some(code) => out.push((code as u8 + 1) | written),
                None => {
                    out.push(written);
                    put_text(out, urn.scheme);
                }
            }
            put_text(out, urn.path);
            if let Some(written) = urn.written {
                put_text(out, written);
            }
        }
        ends.mark(out)?;
    }
    if sections & (1 << Section::Groups as u8) != 0 {
        put_numbers(out, contact.groups().map(|group| group.0));
        ends.mark(out)?;
    }
    if sections & (1 << Section::History as u8) != 0 {
        put_numbers(out, contact.history().map(|flow| flow.0));
        ends.mark(out)?;
    }
    if !fields.is_empty() {
        put_fields(out, &fields, wide)?;
        ends.mark(out)?;
    }
    finish(out, start, Tag::Row, &document.0.to_be_bytes());
    Ok(())
}

/// A table of ends that is filled while the heap behind it grows.
struct Ends {
    at: usize,
    heap: usize,
    wide: bool,
}

impl Ends {
    fn reserve(out: &mut Vec<u8>, count: usize, wide: bool) -> Self {
        let at = out.len();
        out.resize(at + count * width(wide), 0);
        Ends { at, heap: out.len(), wide }
    }

    /// What was written since the last mark is one section.
    fn mark(&mut self, out: &mut [u8]) -> Result<(), TooWide> {
        let end = out.len() - self.heap;
        if !self.wide && end > usize::from(u16::MAX) {
            return Err(TooWide);
        }
        let width = width(self.wide);
        if let Some(slot) = out.get_mut(self.at..self.at + width) {
            slot.copy_from_slice(end.to_le_bytes().get(..width).unwrap_or_default());
        }
        self.at += width;
        Ok(())
    }
}

/// Bytes of an offset.
fn width(wide: bool) -> usize {
    if wide { 4 } else { 2 }
}

/// Numbers as differences, which are small because they ascend.
fn put_numbers(out: &mut Vec<u8>, numbers: impl Iterator<Item = u32>) {
    let mut last = 0u32;
    for number in numbers {
        put_varint(out, u64::from(number.wrapping_sub(last)));
        last = number;
    }
}

fn put_fields(out: &mut Vec<u8>, fields: &[(FieldId, FieldValueRef<'_>)], wide: bool) -> Result<(), TooWide> {
    out.extend_from_slice(&((fields.len() - 1) as u16).to_le_bytes());
    for (id, _) in fields {
        out.extend_from_slice(&id.0.to_le_bytes());
    }
    let mut ends = Ends::reserve(out, fields.len(), wide);
    for (_, value) in fields {
        match value.typed {
            TypedValue::Unconvertible => out.push(kind::UNCONVERTIBLE),
            TypedValue::Text => out.push(kind::TEXT),
            TypedValue::Number(number) if Decimal::parse(value.text) == Some(number) => out.push(kind::NUMBER),
            TypedValue::Number(number) => {
                let (negative, coefficient, exponent) = number.parts();
                let length = 16 - coefficient.leading_zeros() as usize / 8;
                out.extend_from_slice(&[kind::OTHER_NUMBER, u8::from(negative), length as u8]);
                out.extend_from_slice(&exponent.to_le_bytes());
                out.extend_from_slice(coefficient.to_le_bytes().get(..length).unwrap_or_default());
            }
            TypedValue::Instant(instant) if Instant::parse(value.text) == Some(instant) => out.push(kind::INSTANT),
            TypedValue::Instant(instant) => {
                out.push(kind::OTHER_INSTANT);
                out.extend_from_slice(&instant.micros().to_le_bytes());
            }
        }
        out.extend_from_slice(value.text.as_bytes());
        ends.mark(out)?;
    }
    Ok(())
}
