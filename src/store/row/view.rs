//! Reading rows in place.

use super::{FIXED, SCHEMES, Section, VERSION, WRITTEN, flag, kind, width};
use crate::contact::{ContactView, FieldValueRef, Status, TypedValue, UrnRef};
use crate::ids::{DocumentNumber, FieldId, FlowId, GroupId, Uuid};
use crate::store::codec::{Cursor, Tag, text, verify};
use crate::store::error::Damage;
use crate::value::{Decimal, Instant};

/// The bytes of a row, read in place.
///
/// What it gives lives as long as the bytes, not only as long as the view. No accessor panics, whatever the bytes:
/// a property that cannot be read is absent. Whoever must tell damage from absence uses [`RowView::open`].
#[derive(Clone, Copy, Debug)]
pub struct RowView<'a> {
    document: DocumentNumber,
    bytes: &'a [u8],
    flags: u8,
    sections: u8,
    /// Where the ends of the sections begin.
    ends: usize,
    /// Where the heap begins.
    heap: usize,
}

impl<'a> RowView<'a> {
    /// A row whose checksum is verified.
    ///
    /// Cost: about 40 ns for a row of 200 bytes.
    ///
    /// # Errors
    /// [`Damage`] if the bytes are not those that were encoded for this document.
    pub fn open(document: DocumentNumber, bytes: &'a [u8]) -> Result<Self, Damage> {
        verify(Tag::Row as u64, &document.0.to_be_bytes(), bytes)?;
        let view = RowView::open_trusted(document, bytes)?;
        let heap = bytes.len().checked_sub(view.heap).ok_or(Damage::Truncated)?;
        let count = view.sections.count_ones() as usize;
        let last = count.checked_sub(1).map_or(Some(0), |last| view.offset(view.ends, last));
        if last == Some(heap) { Ok(view) } else { Err(Damage::Malformed("its sections do not fill it")) }
    }

    /// A row taken at its word: for loops over many rows, where `check` has the job to verify them.
    ///
    /// Cost: a few nanoseconds.
    ///
    /// # Errors
    /// [`Damage`] if the header is not all there or has another version.
    pub fn open_trusted(document: DocumentNumber, bytes: &'a [u8]) -> Result<Self, Damage> {
        let &[_, _, _, _, version, flags, sections, ..] = bytes else {
            return Err(Damage::Truncated);
        };
        if version != VERSION {
            return Err(Damage::Version(version));
        }
        let numbers = 8 * usize::from(flags & flag::MODIFIED_ON != 0)
            + 8 * usize::from(flags & flag::LAST_SEEN_ON != 0)
            + 4 * usize::from(flags & flag::FLOW != 0)
            + 4 * usize::from(flags & flag::TICKETS != 0);
        let ends = FIXED + numbers;
        let heap = ends + sections.count_ones() as usize * width(flags & flag::WIDE != 0);
        if bytes.len() < heap {
            return Err(Damage::Truncated);
        }
        Ok(RowView { document, bytes, flags, sections, ends, heap })
    }

    /// The document number under which the row is stored.
    pub fn document(&self) -> DocumentNumber {
        self.document
    }

    /// The bytes of the row.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Identity on the platform.
    pub fn uuid(&self) -> Uuid {
        Uuid(self.array(7).unwrap_or_default())
    }

    /// The platform's number for it.
    pub fn id(&self) -> Option<&'a str> {
        self.text(Section::Id)
    }

    /// The reference code.
    pub fn reference(&self) -> Option<&'a str> {
        self.text(Section::Reference)
    }

    /// The name.
    pub fn name(&self) -> Option<&'a str> {
        self.text(Section::Name)
    }

    /// The language, as given.
    pub fn language(&self) -> Option<&'a str> {
        self.text(Section::Language)
    }

    /// Whether it takes part.
    pub fn status(&self) -> Status {
        match self.flags & flag::STATUS {
            0 => Status::Active,
            1 => Status::Blocked,
            2 => Status::Stopped,
            _ => Status::Archived,
        }
    }

    /// Addresses in order.
    pub fn urns(&self) -> impl Iterator<Item = UrnRef<'a>> + use<'a> {
        let mut cursor = Cursor::new(self.section(Section::Urns).unwrap_or_default());
        std::iter::from_fn(move || {
            let code = cursor.u8().ok()?;
            let scheme = match code & !WRITTEN {
                0 => cursor.text().ok()?,
                code => SCHEMES.get(usize::from(code) - 1)?,
            };
            let path = cursor.text().ok()?;
            let written = if code & WRITTEN == 0 { None } else { Some(cursor.text().ok()?) };
            Some(UrnRef { scheme, path, written })
        })
    }

    /// Manual groups, ascending.
    pub fn groups(&self) -> impl Iterator<Item = GroupId> + use<'a> {
        self.numbers(Section::Groups).map(GroupId)
    }

    /// The flow that it is in.
    pub fn flow(&self) -> Option<FlowId> {
        self.optional(flag::FLOW).map(|bytes| FlowId(u32::from_le_bytes(bytes)))
    }

    /// Flows that it has been in, ascending.
    pub fn history(&self) -> impl Iterator<Item = FlowId> + use<'a> {
        self.numbers(Section::History).map(FlowId)
    }

    /// Open tickets.
    pub fn tickets(&self) -> u32 {
        self.optional(flag::TICKETS).map_or(0, u32::from_le_bytes)
    }

    /// When it was created.
    pub fn created_on(&self) -> Instant {
        Instant::from_micros(self.array(23).map_or(0, i64::from_le_bytes))
    }

    /// When it was last modified.
    pub fn modified_on(&self) -> Option<Instant> {
        self.optional(flag::MODIFIED_ON).map(|bytes| Instant::from_micros(i64::from_le_bytes(bytes)))
    }

    /// When it was last heard from.
    pub fn last_seen_on(&self) -> Option<Instant> {
        self.optional(flag::LAST_SEEN_ON).map(|bytes| Instant::from_micros(i64::from_le_bytes(bytes)))
    }

    /// The value of a field, `None` if there is no text at all.
    ///
    /// Cost: a binary search over the fields that the row has; for numbers and moments, reading the text.
    pub fn field(&self, field: FieldId) -> Option<FieldValueRef<'a>> {
        let directory = self.directory()?;
        let at = directory.position(field)?;
        directory.value(at)
    }

    /// All fields that have a text, ascending by id.
    pub fn fields(&self) -> impl Iterator<Item = (FieldId, FieldValueRef<'a>)> + use<'a> {
        self.directory().into_iter().flat_map(|directory| {
            (0..directory.count).filter_map(move |at| Some((directory.id(at)?, directory.value(at)?)))
        })
    }

    fn is_wide(&self) -> bool {
        self.flags & flag::WIDE != 0
    }

    fn array<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.bytes.get(at..)?.first_chunk().copied()
    }

    /// One of the numbers that the flags announce.
    fn optional<const N: usize>(&self, bit: u8) -> Option<[u8; N]> {
        if self.flags & bit == 0 {
            return None;
        }
        let before = self.flags & (bit - 1);
        let instants = (before & (flag::MODIFIED_ON | flag::LAST_SEEN_ON)).count_ones() as usize;
        let numbers = (before & flag::FLOW).count_ones() as usize;
        self.array(FIXED + 8 * instants + 4 * numbers)
    }

    /// The offset at `index` in a table of offsets that begins at `table`.
    fn offset(&self, table: usize, index: usize) -> Option<usize> {
        offset(self.bytes, table, index, self.is_wide())
    }

    fn section(&self, section: Section) -> Option<&'a [u8]> {
        let bit = 1u8 << section as u8;
        if self.sections & bit == 0 {
            return None;
        }
        let index = (self.sections & (bit - 1)).count_ones() as usize;
        let start = match index.checked_sub(1) {
            Some(before) => self.offset(self.ends, before)?,
            None => 0,
        };
        let end = self.offset(self.ends, index)?;
        self.bytes.get(self.heap..)?.get(start..end)
    }

    fn text(&self, section: Section) -> Option<&'a str> {
        text(self.section(section)?).ok()
    }

    fn numbers(&self, section: Section) -> impl Iterator<Item = u32> + use<'a> {
        let mut cursor = Cursor::new(self.section(section).unwrap_or_default());
        let mut last = 0u32;
        std::iter::from_fn(move || {
            last = last.wrapping_add(cursor.varint32().ok()?);
            Some(last)
        })
    }

    fn directory(&self) -> Option<Directory<'a>> {
        let section = self.section(Section::Fields)?;
        let count = usize::from(Cursor::new(section).u16().ok()?) + 1;
        let ids = section.get(2..2 + 2 * count)?;
        let wide = self.is_wide();
        let ends = section.get(2 + 2 * count..)?;
        let heap = ends.get(count * width(wide)..)?;
        Some(Directory { count, ids, ends, heap, wide })
    }
}

/// The offset at `index` of a table of offsets.
fn offset(bytes: &[u8], table: usize, index: usize, wide: bool) -> Option<usize> {
    let at = table + index * width(wide);
    let rest = bytes.get(at..)?;
    if wide {
        usize::try_from(u32::from_le_bytes(*rest.first_chunk()?)).ok()
    } else {
        Some(usize::from(u16::from_le_bytes(*rest.first_chunk()?)))
    }
}

/// The section of fields.
#[derive(Clone, Copy)]
struct Directory<'a> {
    count: usize,
    ids: &'a [u8],
    ends: &'a [u8],
    heap: &'a [u8],
    wide: bool,
}

impl<'a> Directory<'a> {
    fn id(&self, at: usize) -> Option<FieldId> {
        self.ids.get(2 * at..)?.first_chunk().map(|&bytes| FieldId(u16::from_le_bytes(bytes)))
    }

    fn position(&self, field: FieldId) -> Option<usize> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low.midpoint(high);
            match self.id(middle)?.cmp(&field) {
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// A value as it is stored: equal values are equal bytes.
    fn raw(&self, at: usize) -> Option<&'a [u8]> {
        let start = match at.checked_sub(1) {
            Some(before) => offset(self.ends, 0, before, self.wide)?,
            None => 0,
        };
        self.heap.get(start..offset(self.ends, 0, at, self.wide)?)
    }

    fn value(&self, at: usize) -> Option<FieldValueRef<'a>> {
        let mut cursor = Cursor::new(self.raw(at)?);
        let kind = cursor.u8().ok()?;
        let stored = match kind {
            kind::OTHER_NUMBER => {
                let (negative, length, exponent) = (cursor.u8().ok()?, cursor.u8().ok()?, cursor.u16().ok()?);
                let mut coefficient = [0; 16];
                coefficient.get_mut(..usize::from(length))?.copy_from_slice(cursor.take(usize::from(length)).ok()?);
                let coefficient = u128::from_le_bytes(coefficient);
                Some(TypedValue::Number(Decimal::from_parts(negative != 0, coefficient, exponent as i16)?))
            }
            kind::OTHER_INSTANT => Some(TypedValue::Instant(Instant::from_micros(cursor.i64().ok()?))),
            _ => None,
        };
        let text = text(cursor.rest()).ok()?;
        let typed = match (stored, kind) {
            (Some(typed), _) => typed,
            (None, kind::UNCONVERTIBLE) => TypedValue::Unconvertible,
            (None, kind::TEXT) => TypedValue::Text,
            (None, kind::NUMBER) => TypedValue::Number(Decimal::parse(text)?),
            (None, kind::INSTANT) => TypedValue::Instant(Instant::parse(text)?),
            _ => return None,
        };
        Some(FieldValueRef { text, typed })
    }
}

impl ContactView for RowView<'_> {
    fn uuid(&self) -> Uuid {
        RowView::uuid(self)
    }
    fn id(&self) -> Option<&str> {
        RowView::id(self)
    }
    fn reference(&self) -> Option<&str> {
        RowView::reference(self)
    }
    fn name(&self) -> Option<&str> {
        RowView::name(self)
    }
    fn language(&self) -> Option<&str> {
        RowView::language(self)
    }
    fn status(&self) -> Status {
        RowView::status(self)
    }
    fn urns(&self) -> impl Iterator<Item = UrnRef<'_>> {
        RowView::urns(self)
    }
    fn groups(&self) -> impl Iterator<Item = GroupId> {
        RowView::groups(self)
    }
    fn flow(&self) -> Option<FlowId> {
        RowView::flow(self)
    }
    fn history(&self) -> impl Iterator<Item = FlowId> {
        RowView::history(self)
    }
    fn tickets(&self) -> u32 {
        RowView::tickets(self)
    }
    fn created_on(&self) -> Instant {
        RowView::created_on(self)
    }
    fn modified_on(&self) -> Option<Instant> {
        RowView::modified_on(self)
    }
    fn last_seen_on(&self) -> Option<Instant> {
        RowView::last_seen_on(self)
    }
    fn field(&self, field: FieldId) -> Option<FieldValueRef<'_>> {
        RowView::field(self, field)
    }
    fn fields(&self) -> impl Iterator<Item = (FieldId, FieldValueRef<'_>)> {
        RowView::fields(self)
    }
    fn compare_fields(
        &self,
        other: &Self,
        mut visit: impl FnMut(FieldId, Option<FieldValueRef<'_>>, Option<FieldValueRef<'_>>),
    ) {
        let (old, new) = (self.directory(), other.directory());
        let (mut left, mut right) = (0, 0);
        loop {
            let (a, b) = (old.and_then(|old| old.id(left)), new.and_then(|new| new.id(right)));
            let Some(field) = a.into_iter().chain(b).min() else { break };
            let (is_old, is_new) = (a == Some(field), b == Some(field));
            let (was, is) = (old.filter(|_| is_old), new.filter(|_| is_new));
            let is_same = is_old && is_new && was.and_then(|old| old.raw(left)) == is.and_then(|new| new.raw(right));
            if !is_same {
                visit(field, was.and_then(|old| old.value(left)), is.and_then(|new| new.value(right)));
            }
            left += usize::from(is_old);
            right += usize::from(is_new);
        }
    }
}
