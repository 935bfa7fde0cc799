//! Pages in the order of a property's values, without sorting what is not on them.
//!
//! Each block gives its best documents from the order of its own dictionary, and stops at the worst that the page could
//! still take, which other blocks have found. A block that cannot reach the page is not even evaluated.

use std::cmp::Ordering;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use crate::contact::{ContactView, TypedValue};
use crate::exec::evaluate::Answer;
use crate::exec::leaf::pair;
use crate::exec::search::Search;
use crate::exec::{Groups, Rows};
use crate::ids::FieldId;
use crate::ids::{Block, DocumentNumber};
use crate::index::IndexError;
use crate::index::attribute::{BlockPair, PropertyBlocks};
use crate::index::bits::{self, Buffers, WORD_BYTES, Words};
use crate::index::block::BlockView;
use crate::index::property::{CUT_KEY, MAX_TEXT_KEY, PropertyId, instant_key};
use crate::value::Decimal;
use crate::value::fold::fold;
use crate::value::location::last_part;

/// With at most this many matches, their rows are read and sorted.
const FEW: u64 = 256;

/// What results can be sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SortProperty {
    /// The folded name.
    Name,
    /// The folded language.
    Language,
    /// Open tickets.
    Tickets,
    /// When it was created.
    CreatedOn,
    /// When it was last heard from.
    LastSeenOn,
    /// A text, number or datetime field.
    Field(FieldId),
    /// A field that holds a place: its last part.
    Place(FieldId),
}

impl SortProperty {
    fn indexed(self) -> PropertyId {
        match self {
            SortProperty::Name => PropertyId::Name,
            SortProperty::Language => PropertyId::Language,
            SortProperty::Tickets => PropertyId::Tickets,
            SortProperty::CreatedOn => PropertyId::CreatedOn,
            SortProperty::LastSeenOn => PropertyId::LastSeenOn,
            SortProperty::Field(field) | SortProperty::Place(field) => PropertyId::Field(field),
        }
    }

    /// The value of a row, as bytes in the order of values: whole, however long.
    pub fn value<V: ContactView>(self, row: &V) -> Option<Box<[u8]>> {
        let text = |text: &str| fold(text).as_bytes().into();
        match self {
            SortProperty::Name => row.name().map(text),
            SortProperty::Language => row.language().map(text),
            SortProperty::Tickets => Some(Decimal::from(i64::from(row.tickets())).sort_key()[..].into()),
            SortProperty::CreatedOn => Some(instant_key(row.created_on())[..].into()),
            SortProperty::LastSeenOn => row.last_seen_on().map(|moment| instant_key(moment)[..].into()),
            SortProperty::Field(field) | SortProperty::Place(field) => {
                let value = row.field(field)?;
                match value.typed {
                    TypedValue::Unconvertible => None,
                    TypedValue::Text if matches!(self, SortProperty::Place(_)) => Some(text(last_part(value.text))),
                    TypedValue::Text => Some(text(value.text)),
                    TypedValue::Number(number) => Some(number.sort_key()[..].into()),
                    TypedValue::Instant(moment) => Some(instant_key(moment)[..].into()),
                }
            }
        }
    }
}

/// An order of results: by value, those without one last, ties by document number, ascending.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Order {
    /// By what.
    pub property: SortProperty,
    /// The greatest value first.
    pub descending: bool,
}

/// A place in an order: what a cursor holds. It stays valid while contacts change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Position {
    /// The value, as [`SortProperty::value`] gives it.
    pub value: Option<Box<[u8]>>,
    /// The document.
    pub document: DocumentNumber,
}

impl Order {
    /// Compares two places in this order.
    pub fn compare(&self, a: (Option<&[u8]>, DocumentNumber), b: (Option<&[u8]>, DocumentNumber)) -> Ordering {
        let values = match (a.0, b.0) {
            (Some(a), Some(b)) => self.directed(a.cmp(b)),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        values.then(a.1.cmp(&b.1))
    }

    fn directed(&self, ordering: Ordering) -> Ordering {
        if self.descending { ordering.reverse() } else { ordering }
    }
}

/// A candidate for the page. The value is the index's key: cut if the whole is long.
#[derive(Clone, Copy)]
struct Item<'t> {
    key: &'t [u8],
    document: DocumentNumber,
}

/// The part of a key that the whole value begins with.
fn head(key: &[u8]) -> &[u8] {
    if key.len() == CUT_KEY { key.get(..MAX_TEXT_KEY).unwrap_or(key) } else { key }
}

/// The worst place that is still on the page, as far as it is known: the head of its value, and its document if no
/// value with that head was cut.
type Bound<'t> = Mutex<Option<(&'t [u8], Option<DocumentNumber>)>>;

/// What is looked for in each block.
struct Wanted<'w, 't> {
    order: Order,
    after: Option<&'w Position>,
    count: usize,
    bound: Bound<'t>,
}

impl<'t> Wanted<'_, 't> {
    /// Whether a value with this head, of a document not below this one, comes after the page.
    fn is_beyond(&self, key: &[u8], document: DocumentNumber) -> bool {
        let bound = *self.bound.lock().unwrap_or_else(PoisonError::into_inner);
        bound.is_some_and(|(worst, last)| match self.order.directed(head(key).cmp(worst)) {
            Ordering::Less => false,
            Ordering::Equal => last.is_some_and(|last| document > last),
            Ordering::Greater => true,
        })
    }

    /// Whether a value surely stands at or before the cursor.
    fn is_before(&self, key: &[u8], document: DocumentNumber) -> bool {
        let Some(after) = self.after else { return false };
        let Some(value) = &after.value else { return true };
        match self.order.directed(head(key).cmp(head_of_whole(value))) {
            Ordering::Less => true,
            Ordering::Equal => key.len() != CUT_KEY && value.len() <= MAX_TEXT_KEY && document <= after.document,
            Ordering::Greater => false,
        }
    }

    /// Whether a cut value may stand before the cursor.
    fn may_be_before(&self, key: &[u8]) -> bool {
        let value = self.after.and_then(|after| after.value.as_deref());
        value.is_some_and(|value| head(key) == head_of_whole(value))
    }

    /// Tells the other blocks the worst of this block's best.
    fn tighten(&self, worst: &Item<'t>) {
        let place = (head(worst.key), (worst.key.len() != CUT_KEY).then_some(worst.document));
        let mut bound = self.bound.lock().unwrap_or_else(PoisonError::into_inner);
        let is_better = bound.is_none_or(|(value, document)| match self.order.directed(place.0.cmp(value)) {
            Ordering::Less => true,
            Ordering::Equal => matches!((place.1, document), (Some(new), Some(old)) if new < old),
            Ordering::Greater => false,
        });
        if is_better {
            *bound = Some(place);
        }
    }
}

fn head_of_whole(value: &[u8]) -> &[u8] {
    value.get(..MAX_TEXT_KEY).unwrap_or(value)
}

impl<'t, R: Rows, G: Groups> Search<'_, '_, 't, R, G> {
    /// Those who match in this order, after a position if one is given, from the one at `offset`.
    ///
    /// # Errors
    /// If the store fails or stored bytes are damaged.
    pub fn page(
        &self,
        order: Order,
        after: Option<&Position>,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<Position>, IndexError> {
        let count = offset.saturating_add(limit);
        let blocks = self.snapshot().index.blocks(self.snapshot().rtxn, order.property.indexed())?;
        if self.plan().root.likely <= FEW {
            let sets = self.sets()?;
            if sets.iter().map(|(_, set)| u64::from(bits::count(set))).sum::<u64>() <= FEW {
                return self.page_from_rows(&sets, order, after, offset, limit);
            }
        }
        let wanted = Wanted { order, after, count, bound: Mutex::new(None) };
        let mut items = self.best(&blocks, &wanted)?;
        let mut places = self.places(&mut items, order)?;
        if let Some(after) = after {
            let after = (after.value.as_deref(), after.document);
            places.retain(|place| order.compare((place.value.as_deref(), place.document), after).is_gt());
        }
        places.truncate(count);
        if places.len() < count {
            self.without_value(&blocks, after, count, &mut places)?;
        }
        places.drain(..offset.min(places.len()));
        Ok(places)
    }

    /// The page from the rows of the few that match.
    fn page_from_rows(
        &self,
        sets: &[(Block, Box<Words>)],
        order: Order,
        after: Option<&Position>,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<Position>, IndexError> {
        let mut places = Vec::new();
        for (block, set) in sets {
            let mut offsets = Vec::new();
            bits::for_each(set, |offset| {
                offsets.push(offset);
                true
            });
            for document in offsets.into_iter().map(|offset| block.document(offset)) {
                let row = self.snapshot().rows.row(document)?;
                let value = row.as_ref().and_then(|row| order.property.value(row));
                places.push(Position { value, document });
            }
        }
        let key = |place: &Position| (place.value.clone(), place.document);
        if let Some(after) = after {
            let after = (after.value.as_deref(), after.document);
            places.retain(|place| order.compare((place.value.as_deref(), place.document), after).is_gt());
        }
        places.sort_by(|a, b| {
            let (a, b) = (key(a), key(b));
            order.compare((a.0.as_deref(), a.1), (b.0.as_deref(), b.1))
        });
        Ok(places.into_iter().skip(offset).take(limit).collect())
    }

    /// The best of all blocks, in no order; at least as many as are wanted, if there are.
    fn best(&self, blocks: &PropertyBlocks<'t>, wanted: &Wanted<'_, 't>) -> Result<Vec<Item<'t>>, IndexError> {
        let evaluation = self.evaluation();
        let root = &self.plan().root;
        let of_block = |buffers: &mut Buffers, values: &BlockPair<'t>, known: Option<Box<Words>>| {
            let mut items = Vec::new();
            if !can_reach(values, wanted) {
                return (items, None);
            }
            let set = match known {
                Some(set) => set,
                None => match evaluation.run(root, values.block, buffers) {
                    Answer::Exact(set) => set,
                    Answer::Loose { surely, perhaps } => {
                        return (items, Some((*values, Answer::Loose { surely, perhaps })));
                    }
                },
            };
            best_of_block(values, &set, wanted, &mut items);
            buffers.give(set);
            (items, None)
        };
        // The first block alone, so that the others begin with a bound.
        let (head, tail) = blocks.split_at(blocks.len().min(1));
        let mut items = Vec::new();
        let mut open = Vec::new();
        let mut buffers = Buffers::default();
        for values in head {
            let (found, left) = of_block(&mut buffers, values, None);
            items.extend(found);
            open.extend(left.map(|(values, _)| values));
        }
        let others: Vec<_> =
            tail.par_iter().map_init(Buffers::default, |buffers, values| of_block(buffers, values, None)).collect();
        for (found, left) in others {
            items.extend(found);
            open.extend(left.map(|(values, _)| values));
        }
        // Where rows must tell, they are asked on this thread.
        for values in open {
            for (_, set) in self.sets_of(vec![values.block])? {
                let (found, _) = of_block(&mut buffers, &values, Some(set));
                items.extend(found);
            }
        }
        Ok(items)
    }

    /// The items in order with their whole values.
    fn places(&self, items: &mut [Item<'t>], order: Order) -> Result<Vec<Position>, IndexError> {
        items.sort_unstable_by(|a, b| order.directed(head(a.key).cmp(head(b.key))).then(a.document.cmp(&b.document)));
        let mut places = Vec::with_capacity(items.len());
        for item in items.iter() {
            let mut value: Option<Box<[u8]>> = None;
            if item.key.len() == CUT_KEY {
                let row = self.snapshot().rows.row(item.document)?;
                value = row.as_ref().and_then(|row| order.property.value(row));
            }
            places.push(Position { value: Some(value.unwrap_or_else(|| item.key.into())), document: item.document });
        }
        if items.iter().any(|item| item.key.len() == CUT_KEY) {
            places.sort_by(|a, b| order.compare((a.value.as_deref(), a.document), (b.value.as_deref(), b.document)));
        }
        Ok(places)
    }

    /// Adds those without a value until there are enough.
    fn without_value(
        &self,
        blocks: &PropertyBlocks<'t>,
        after: Option<&Position>,
        count: usize,
        places: &mut Vec<Position>,
    ) -> Result<(), IndexError> {
        let from = after.filter(|after| after.value.is_none()).map(|after| after.document);
        let live: Vec<Block> = self.live().iter().map(|pair| pair.block).collect();
        for wave in live.chunks(rayon::current_num_threads() * 4) {
            for (block, mut set) in self.sets_of(wave.to_vec())? {
                if let Some(values) = pair(blocks, block) {
                    let mut present = Box::new([0; bits::WORDS]);
                    if let Some(base) = &values.base {
                        base.presence().add_to(&mut present);
                    }
                    if let Some(delta) = &values.delta {
                        delta.touched().for_each(|offset| bits::remove(&mut present, offset));
                        delta.presence().add_to(&mut present);
                    }
                    bits::and_not(&mut set, &present);
                }
                bits::for_each(&set, |offset| {
                    let document = block.document(offset);
                    if from.is_none_or(|from| document > from) {
                        places.push(Position { value: None, document });
                    }
                    places.len() < count
                });
                if places.len() >= count {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// Whether the best value of the block could be on the page.
fn can_reach(values: &BlockPair<'_>, wanted: &Wanted<'_, '_>) -> bool {
    let first = values.block.document(0);
    [&values.base, &values.delta].into_iter().flatten().any(|view| {
        let (start, end) = reachable(view, wanted);
        start < end && {
            let best = if wanted.order.descending { end - 1 } else { start };
            !wanted.is_beyond(view.value(best), first)
        }
    })
}

/// The ranks that are not before the cursor.
fn reachable(view: &BlockView<'_>, wanted: &Wanted<'_, '_>) -> (u32, u32) {
    let Some(after) = wanted.after else { return (0, view.values()) };
    let Some(value) = &after.value else { return (0, 0) };
    let head = head_of_whole(value);
    if wanted.order.descending {
        // Everything up to the last key with this head.
        let behind = crate::index::lookup::KeySpan::prefix(head).high;
        let cut_or_equal = if value.len() > MAX_TEXT_KEY || head.len() == MAX_TEXT_KEY {
            behind.map_or(view.values(), |behind| view.rank(&behind))
        } else {
            view.rank(&[head, &[0]].concat())
        };
        (0, cut_or_equal)
    } else {
        (view.rank(head), view.values())
    }
}

/// Appends the block's best candidates: as many as wanted, and those that tie with the last by a cut value.
fn best_of_block<'t>(values: &BlockPair<'t>, set: &Words, wanted: &Wanted<'_, 't>, items: &mut Vec<Item<'t>>) {
    let mut set = *set;
    if let Some(delta) = &values.delta {
        let mut replaced = [0; bits::WORDS];
        delta.touched().for_each(|offset| {
            if bits::contains(&set, offset) {
                bits::insert(&mut replaced, offset);
            }
        });
        best_of_view(delta, values.block, &replaced, wanted, items);
        bits::and_not(&mut set, &replaced);
    }
    if let Some(base) = &values.base {
        best_of_view(base, values.block, &set, wanted, items);
    }
}

fn best_of_view<'t>(
    view: &BlockView<'t>,
    block: Block,
    set: &Words,
    wanted: &Wanted<'_, 't>,
    items: &mut Vec<Item<'t>>,
) {
    let (start, end) = reachable(view, wanted);
    if start >= end || bits::is_empty(set) {
        return;
    }
    let begin = items.len();
    if view.has_postings() {
        let mut counted = 0;
        let mut last: &[u8] = &[];
        for step in 0..end - start {
            let rank = if wanted.order.descending { end - 1 - step } else { start + step };
            let key = view.value(rank);
            if counted >= wanted.count && !(key.len() == CUT_KEY && head(key) == head(last)) {
                break;
            }
            if wanted.is_beyond(key, block.document(0)) {
                break;
            }
            last = key;
            // Documents of one value come in order, so the rest of a long list is not needed.
            let room = if key.len() == CUT_KEY { usize::MAX } else { wanted.count.saturating_sub(counted) };
            let mut taken = 0;
            view.posting(rank).for_each(|offset| {
                let document = block.document(offset);
                if bits::contains(set, offset) && !wanted.is_before(key, document) {
                    items.push(Item { key, document });
                    taken += 1;
                }
                taken < room
            });
            // Of a cut value that begins as the cursor's does, some may still turn out to stand before the cursor.
            if !(key.len() == CUT_KEY && wanted.may_be_before(key)) {
                counted += taken;
            }
        }
    } else {
        let mut set = *set;
        let (start, end) = within_bound(view, start, end, wanted);
        restrict_to_codes(view, &mut set, start + 1, end);
        if bits::is_empty(&set) {
            return;
        }
        if let (Some(after), true) = (wanted.after, start < end) {
            // Those of the cursor's own value that come before it.
            let rank = if wanted.order.descending { end - 1 } else { start };
            if after.value.as_deref() == Some(view.value(rank)) {
                let (mut same, last) = (set, after.document);
                restrict_to_codes(view, &mut same, rank + 1, rank + 1);
                bits::for_each(&same, |offset| {
                    if block.document(offset) <= last {
                        bits::remove(&mut set, offset);
                    }
                    true
                });
            }
        }
        if wanted.count < 1 << 12 {
            keep_best(view, &mut set, wanted);
        }
        bits::for_each(&set, |offset| {
            if let Some(rank) = view.code(offset).checked_sub(1) {
                items.push(Item { key: view.value(rank), document: block.document(offset) });
            }
            true
        });
    }
    let Some(found) = items.get_mut(begin..) else { return };
    if found.len() >= wanted.count && wanted.count > 0 {
        found.sort_unstable_by(|a, b| {
            wanted.order.directed(head(a.key).cmp(head(b.key))).then(a.document.cmp(&b.document))
        });
        let exact = found.iter().all(|item| item.key.len() != CUT_KEY)
            && wanted.after.is_none_or(|after| after.value.as_ref().is_none_or(|value| value.len() <= MAX_TEXT_KEY));
        // With cut values the cursor may still take some away, so they make no bound.
        if let (true, Some(worst)) = (exact, found.get(wanted.count - 1)) {
            wanted.tighten(worst);
        }
    }
}

/// Of these ranks those that are not after the page, as far as it is known.
fn within_bound(view: &BlockView<'_>, start: u32, end: u32, wanted: &Wanted<'_, '_>) -> (u32, u32) {
    let bound = *wanted.bound.lock().unwrap_or_else(PoisonError::into_inner);
    // Values with slices are numbers and moments: never cut, so a head is a whole value.
    match bound {
        Some((worst, _)) if wanted.order.descending => (view.rank(worst).clamp(start, end), end),
        Some((worst, _)) => {
            let rank = view.rank(worst);
            (start, (rank + u32::from(view.value(rank) == worst)).clamp(start, end))
        }
        None => (start, end),
    }
}

/// Keeps the documents whose code lies between the two, both included.
fn restrict_to_codes(view: &BlockView<'_>, set: &mut Words, low: u32, high: u32) {
    let mut other = [0; bits::WORDS];
    bits::at_least(&mut other, view.slices(), low);
    bits::and(set, &other);
    if high < view.values() {
        bits::at_least(&mut other, view.slices(), high + 1);
        bits::and_not(set, &other);
    }
}

/// Keeps the best of the set by code, from the highest slice down: those that surely are, then the first of those that
/// tie with the last.
///
/// Source: O'Neil, Quass: "Improved query performance with variant indexes".
fn keep_best(view: &BlockView<'_>, set: &mut Words, wanted: &Wanted<'_, '_>) {
    let mut count = bits::count(set) as usize;
    if count <= wanted.count {
        return;
    }
    let mut surely = [0; bits::WORDS];
    let mut sure = 0;
    for slice in view.slices().chunks_exact(WORD_BYTES).rev() {
        let mut better = *set;
        if wanted.order.descending {
            bits::and_stored(&mut better, slice);
        } else {
            bits::and_not_stored(&mut better, slice);
        }
        let found = bits::count(&better) as usize;
        if sure + found >= wanted.count {
            *set = better;
            count = found;
        } else {
            bits::or(&mut surely, &better);
            bits::and_not(set, &better);
            sure += found;
            count -= found;
        }
        if sure + count == wanted.count {
            break;
        }
    }
    let mut room = wanted.count - sure;
    bits::for_each(set, |offset| {
        if room > 0 {
            room -= 1;
            bits::insert(&mut surely, offset);
        }
        room > 0
    });
    *set = surely;
}
