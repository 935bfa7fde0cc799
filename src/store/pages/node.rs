//! One page of a tree, taken apart.
//!
//! ```text
//! 0   page number u64, pad u16, flags u16 (1 branch, 2 leaf, 4 overflow, 8 head), lower u16, upper u16
//!     (of an overflow page, instead of lower and upper: how many pages u32)
//! 16  where each entry begins u16, up to lower; entries, packed, from upper to the end of the page
//! branch entry  child page u48 (low, middle and high word), length of key u16, key
//! leaf entry    length of value u32, flags u16 (1 pages of its own, 2 a table), length of key u16, key,
//!               value, or the page where it begins u64
//! ```

use super::{u16_at, u32_at, u64_at};

/// Bytes before the places of entries.
pub(super) const HEADER: usize = 16;

pub(super) const BRANCH: u16 = 1;
pub(super) const LEAF: u16 = 2;
pub(super) const OVERFLOW: u16 = 4;
pub(super) const META: u16 = 8;

const LARGE: u16 = 1;
const TABLE: u16 = 2;

/// The longest key that LMDB writes.
const MAX_KEY: usize = 511;
const ENTRY_HEADER: usize = 8;

/// What an entry leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Leads<'p> {
    Child(u64),
    Inline(&'p [u8]),
    Large { page: u64, length: usize },
    Table(&'p [u8]),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'p> {
    pub(super) key: &'p [u8],
    pub(super) leads: Leads<'p>,
    /// Where it begins and ends in the page, with what pads it.
    span: (usize, usize),
}

/// The entries of a page, and what is wrong with it.
#[derive(Debug)]
pub(super) struct Entries<'p> {
    pub(super) list: Vec<Entry<'p>>,
    pub(super) wrong: Option<&'static str>,
}

/// Takes a page of a tree apart. Of a page with a wrong header, the entries are those that the places behind it name
/// and that lie within the page: the checksums of values tell whether they are what they seem.
pub(super) fn entries(page: &[u8], number: u64, is_leaf: bool) -> Entries<'_> {
    let size = page.len();
    let field = |at| usize::from(u16_at(page, at).unwrap_or_default());
    let (lower, upper) = (field(12), field(14));
    let flags = u16_at(page, 10).unwrap_or_default();
    let mut wrong = None;
    if u64_at(page, 0) != Some(number) {
        wrong = Some("has the number of another page");
    } else if flags != if is_leaf { LEAF } else { BRANCH } {
        wrong = Some("is of another kind");
    } else if lower < HEADER || lower % 2 != 0 || lower > upper || upper > size || lower == HEADER {
        wrong = Some("has bounds that make no sense");
    }
    let has_bounds = lower > HEADER && lower <= upper && lower % 2 == 0 && upper <= size;
    let end = if has_bounds { lower } else { size };
    let mut list = Vec::with_capacity((end - HEADER) / 2);
    let mut first = size;
    for at in (HEADER..end).step_by(2) {
        // The places end where the entries begin, if the header does not say it.
        if at >= first && !has_bounds {
            break;
        }
        let place = field(at);
        match entry_at(page, place, is_leaf) {
            Some(entry) if place >= HEADER => {
                first = first.min(place);
                list.push(entry);
            }
            _ if has_bounds => {
                wrong = wrong.or(Some("names an entry that is not within it"));
            }
            _ => break,
        }
    }
    if wrong.is_none() && !are_packed(&list, upper, size) {
        wrong = Some("has entries that overlap or leave gaps");
    }
    Entries { list, wrong }
}

fn entry_at(page: &[u8], place: usize, is_leaf: bool) -> Option<Entry<'_>> {
    if !place.is_multiple_of(2) {
        return None;
    }
    let (low, flags) = (u32_at(page, place)?, u16_at(page, place + 4)?);
    let key_length = usize::from(u16_at(page, place + 6)?);
    let key_at = place + ENTRY_HEADER;
    let key = page.get(key_at..key_at + key_length)?;
    let value_at = key_at + key_length;
    if !is_leaf {
        let child = u64::from(low) | u64::from(flags) << 32;
        return (key_length <= MAX_KEY).then(|| entry(key, Leads::Child(child), place, value_at));
    }
    if key_length == 0 || key_length > MAX_KEY {
        return None;
    }
    let length = low as usize;
    match flags {
        0 | TABLE => {
            let end = value_at.checked_add(length)?;
            let value = page.get(value_at..end)?;
            let leads = if flags == 0 { Leads::Inline(value) } else { Leads::Table(value) };
            Some(entry(key, leads, place, end))
        }
        LARGE => Some(entry(key, Leads::Large { page: u64_at(page, value_at)?, length }, place, value_at + 8)),
        _ => None,
    }
}

fn entry<'p>(key: &'p [u8], leads: Leads<'p>, start: usize, end: usize) -> Entry<'p> {
    Entry { key, leads, span: (start, end.next_multiple_of(2)) }
}

/// Whether the entries fill the page from `upper` to its end, each byte once.
fn are_packed(list: &[Entry<'_>], upper: usize, size: usize) -> bool {
    let mut spans: Vec<(usize, usize)> = list.iter().map(|entry| entry.span).collect();
    spans.sort_unstable();
    let end = spans.into_iter().try_fold(upper, |at, (start, end)| (start == at).then_some(end));
    end == Some(size)
}

/// How many pages a large value has, by the header of the first of them.
pub(super) fn large_pages(page: &[u8], number: u64) -> Result<u64, &'static str> {
    if u64_at(page, 0) != Some(number) {
        return Err("has the number of another page");
    }
    if u16_at(page, 10) != Some(OVERFLOW) {
        return Err("is of another kind");
    }
    Ok(u64::from(u32_at(page, 12).unwrap_or_default()))
}
