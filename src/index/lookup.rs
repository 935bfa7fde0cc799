//! Which documents of a block have a value that a predicate asks for.

use std::ops::Range;

use smallvec::{SmallVec, smallvec};

use crate::index::attribute::BlockPair;
use crate::index::bits::{self, Buffers, WORD_BYTES, Words};
use crate::index::block::BlockView;
use crate::index::container::Container;

/// What is asked of a property's values, as keys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Predicate {
    /// There is one.
    Present,
    /// Some value is one of these, ascending.
    Keys(Vec<Box<[u8]>>),
    /// Some value lies in one of these spans, ascending and disjoint.
    Spans(Vec<KeySpan>),
}

/// Keys from `low` up to but not including `high`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeySpan {
    /// The first key inside; empty for no lower end.
    pub low: Vec<u8>,
    /// The first key behind; `None` for no upper end.
    pub high: Option<Vec<u8>>,
}

impl KeySpan {
    /// All keys that begin so.
    pub fn prefix(prefix: &[u8]) -> Self {
        let mut high = prefix.to_vec();
        // The next prefix of the same length or shorter: after `a\xff` comes `b`.
        while let Some(last) = high.pop() {
            if let Some(next) = last.checked_add(1) {
                high.push(next);
                return KeySpan { low: prefix.to_vec(), high: Some(high) };
            }
        }
        KeySpan { low: prefix.to_vec(), high: None }
    }

    /// Whether the span holds this key.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.low.as_slice() <= key && self.high.as_ref().is_none_or(|high| key < high.as_slice())
    }
}

impl Predicate {
    /// Whether it holds of a value.
    pub fn contains(&self, key: &[u8]) -> bool {
        match self {
            Predicate::Present => true,
            Predicate::Keys(keys) => keys.binary_search_by(|candidate| candidate.as_ref().cmp(key)).is_ok(),
            Predicate::Spans(spans) => spans.iter().any(|span| span.contains(key)),
        }
    }

    /// The ranks, in a block's dictionary, of the values that it holds of: disjoint, ascending.
    pub fn ranks(&self, view: &BlockView<'_>) -> Ranks {
        let mut ranks: Ranks = SmallVec::new();
        let mut push = |low: u32, high: u32| {
            if low < high {
                match ranks.last_mut() {
                    Some(last) if last.end >= low => last.end = last.end.max(high),
                    _ => ranks.push(low..high),
                }
            }
        };
        match self {
            Predicate::Present => push(0, view.values()),
            Predicate::Keys(keys) => {
                for key in keys {
                    let rank = view.rank(key);
                    push(rank, rank + u32::from(rank < view.values() && view.value(rank) == key.as_ref()));
                }
            }
            Predicate::Spans(spans) => {
                for span in spans {
                    push(view.rank(&span.low), span.high.as_ref().map_or(view.values(), |high| view.rank(high)));
                }
            }
        }
        ranks
    }
}

/// Runs of ranks.
pub type Ranks = SmallVec<[Range<u32>; 4]>;

/// A predicate met with a block: what it will find is known before it is fetched.
#[derive(Clone, Debug)]
pub struct Probe<'t> {
    pair: BlockPair<'t>,
    base: Ranks,
    delta: Ranks,
    estimate: u32,
}

/// How the documents of runs of ranks are found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    /// All documents that have a value.
    Presence,
    /// The union of the values' documents.
    Postings,
    /// All documents that have a value but the union of the others'.
    Complement,
    /// Comparison over bit slices.
    Slices,
    /// A look at each document's code.
    Codes,
}

impl<'t> Probe<'t> {
    /// Looks the predicate up in the block's dictionaries.
    pub fn new(predicate: &Predicate, pair: BlockPair<'t>) -> Self {
        let base = pair.base.as_ref().map_or_else(SmallVec::new, |view| predicate.ranks(view));
        let delta = pair.delta.as_ref().map_or_else(SmallVec::new, |view| predicate.ranks(view));
        let of = |view: &Option<BlockView<'t>>, ranks: &Ranks| view.map_or(0, |view| likely(&view, ranks));
        let estimate = of(&pair.base, &base) + of(&pair.delta, &delta);
        Probe { pair, base, delta, estimate }
    }

    /// About how many documents it finds; 0 only if there are none.
    pub fn estimate(&self) -> u32 {
        self.estimate
    }

    /// Bytes that finding them reads.
    pub fn bytes(&self) -> usize {
        let of = |view: &Option<BlockView<'t>>, ranks: &Ranks| view.map_or(0, |view| way(&view, ranks).1);
        of(&self.pair.base, &self.base) + of(&self.pair.delta, &self.delta)
    }

    /// Keeps the documents of a set that are among them.
    pub fn restrict(&self, set: &mut Words, buffers: &mut Buffers) {
        if let Some(Container::Bitmap(_, bytes)) = self.only_container() {
            return bits::and_stored(set, bytes);
        }
        let mut found = buffers.empty();
        self.fill(&mut found, buffers);
        bits::and(set, &found);
        buffers.give(found);
    }

    /// Takes the documents out of a set.
    pub fn subtract_from(&self, set: &mut Words, buffers: &mut Buffers) {
        if let Some(container) = self.only_container() {
            return container.remove_from(set);
        }
        let mut found = buffers.empty();
        self.fill(&mut found, buffers);
        bits::and_not(set, &found);
        buffers.give(found);
    }

    /// The stored set that is the whole answer, if there is one.
    fn only_container(&self) -> Option<Container<'t>> {
        match (&self.pair.base, &self.pair.delta, self.base.as_slice()) {
            (Some(base), None, [run]) if base.has_postings() && run.end - run.start == 1 => {
                Some(base.posting(run.start))
            }
            _ => None,
        }
    }

    /// Adds the documents to an empty set.
    pub fn fill(&self, set: &mut Words, buffers: &mut Buffers) {
        if let Some(base) = &self.pair.base {
            fill(base, &self.base, set, buffers);
        }
        if let Some(delta) = &self.pair.delta {
            delta.touched().for_each(|offset| bits::remove(set, offset));
            fill(delta, &self.delta, set, buffers);
        }
    }
}

/// About how many documents have a value of these ranks.
fn likely(view: &BlockView<'_>, ranks: &Ranks) -> u32 {
    let width: u32 = ranks.iter().map(|run| run.end - run.start).sum();
    if width == 0 || view.values() == 0 {
        return 0;
    }
    if width == view.values() {
        return view.present();
    }
    if view.has_postings() && width <= 16 {
        let exact: u32 = ranks.iter().flat_map(|run| run.clone()).map(|rank| view.posting(rank).cardinality()).sum();
        return exact.min(view.present());
    }
    let share = u64::from(view.present()) * u64::from(width) / u64::from(view.values());
    (share as u32).max(1)
}

/// The cheapest way to the documents of these ranks, and the bytes that it reads.
fn way(view: &BlockView<'_>, ranks: &Ranks) -> (Way, usize) {
    let width: u32 = ranks.iter().map(|run| run.end - run.start).sum();
    if width == 0 {
        return (Way::Postings, 0);
    }
    if width == view.values() {
        return (Way::Presence, WORD_BYTES);
    }
    let slices = view.slices().len();
    let mut best = if slices == 0 {
        (Way::Postings, usize::MAX)
    } else if ranks.len() <= 8 {
        (Way::Slices, slices * ranks.len())
    } else {
        (Way::Codes, slices * 8)
    };
    if view.has_postings() {
        // An offset of an array costs about eight times its bytes in a loop over words.
        let union: usize = ranks.iter().map(|run| posting_cost(view, run.start, run.end)).sum();
        if union < best.1 {
            best = (Way::Postings, union);
        }
        if view.is_single_valued() && width > view.values() / 2 {
            let rest = posting_cost(view, 0, view.values()).saturating_sub(union) + WORD_BYTES;
            if rest < best.1 {
                best = (Way::Complement, rest);
            }
        }
    }
    best
}

/// What the union of the postings of these ranks costs, in bytes of a loop over words.
fn posting_cost(view: &BlockView<'_>, low: u32, high: u32) -> usize {
    let bytes = view.posting_bytes(low, high);
    if view.posting_run(low, high).is_some() { bytes * 8 } else { bytes.max((high - low) as usize * 64) }
}

/// Adds the documents of these ranks to the set.
fn fill(view: &BlockView<'_>, ranks: &Ranks, set: &mut Words, buffers: &mut Buffers) {
    match way(view, ranks).0 {
        Way::Presence => view.presence().add_to(set),
        Way::Postings => ranks.iter().for_each(|run| union(view, run.clone(), set)),
        Way::Complement => {
            let mut others = buffers.empty();
            complement(ranks, view.values()).into_iter().for_each(|run| union(view, run, &mut others));
            let mut all = buffers.empty();
            view.presence().add_to(&mut all);
            bits::and_not(&mut all, &others);
            bits::or(set, &all);
            buffers.give(others);
            buffers.give(all);
        }
        Way::Slices => {
            let mut found = buffers.empty();
            let mut beyond = buffers.empty();
            for run in ranks {
                // Codes are ranks plus one; code 0 has no value.
                bits::at_least(&mut found, view.slices(), run.start + 1);
                if run.end < view.values() {
                    bits::at_least(&mut beyond, view.slices(), run.end + 1);
                    bits::and_not(&mut found, &beyond);
                }
                bits::or(set, &found);
            }
            buffers.give(found);
            buffers.give(beyond);
        }
        Way::Codes => {
            let mut inside = vec![false; view.values() as usize + 1];
            for run in ranks {
                if let Some(part) = inside.get_mut(run.start as usize + 1..run.end as usize + 1) {
                    part.fill(true);
                }
            }
            for (offset, code) in view.codes().into_iter().enumerate() {
                if inside.get(code as usize).copied().unwrap_or(false) {
                    bits::insert(set, offset as u16);
                }
            }
        }
    }
}

/// Adds the documents of a run of ranks.
fn union(view: &BlockView<'_>, run: Range<u32>, set: &mut Words) {
    match view.posting_run(run.start, run.end) {
        Some(offsets) => offsets.iter().for_each(|offset| bits::insert(set, u16::from_le_bytes(*offset))),
        None => run.for_each(|rank| view.posting(rank).add_to(set)),
    }
}

/// The ranks that these are not, of `count`.
fn complement(ranks: &Ranks, count: u32) -> Ranks {
    let mut others: Ranks = smallvec![];
    let mut start = 0;
    for run in ranks {
        if start < run.start {
            others.push(start..run.start);
        }
        start = run.end;
    }
    if start < count {
        others.push(start..count);
    }
    others
}
