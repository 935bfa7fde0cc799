//! How far fields are filled, and what is in them: from the attribute index, which knows the number of each value.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use jiff::tz::TimeZone;
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::contact::{ContactView, TypedValue};
use crate::ids::{AtomId, Block, DocumentNumber, FieldId};
use crate::index::property::{MAX_TEXT_KEY, instant_key, instant_of_key};
use crate::index::{AttributeIndex, FieldKinds, PropertyId};
use crate::plan::atom::{Atom, Expr, LogicalPlan, TextProperty};
use crate::report::axis::{TimeAxis, number_edges};
use crate::schema::{Field, FieldType};
use crate::store::RowView;
use crate::value::location::last_part;
use crate::value::numeral::grouped_decimal;
use crate::value::{Decimal, Instant};
use crate::workspace::{Reader, WorkspaceError};

/// Values that are listed one by one.
pub(super) const TOP: usize = 8;
/// Pieces of a histogram.
const PIECES: usize = 24;

/// A field and its values.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct FieldFigures {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) kind: FieldType,
    /// Contacts with a value.
    pub(super) filled: u64,
    /// Contacts with a text that does not convert to the field's type.
    pub(super) unconvertible: u64,
    /// Distinct values.
    pub(super) distinct: u64,
    pub(super) shape: Shape,
}

/// How values are spread.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Shape {
    /// Nobody has a value.
    Empty,
    /// Every value is another contact's alone: nothing to be seen in a list.
    AllDifferent,
    /// The most frequent values, and how many contacts have another one.
    Top { values: Vec<(String, u64)>, others: u64 },
    /// Numbers or moments.
    Histogram(Histogram),
}

/// Values in pieces of equal length.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Histogram {
    /// How each piece is called by itself, and how many values are in it.
    pub(super) pieces: Vec<(String, u64)>,
    /// How the axis is labelled: place from 0 to 1, and text.
    pub(super) ticks: Vec<(f64, String)>,
    /// Values before the first piece, and behind the last.
    pub(super) outside: (u64, u64),
    /// Least, lower quarter, median, upper quarter, greatest.
    pub(super) summary: [String; 5],
}

/// Reads what the index tells of one property after another.
pub(super) struct Tallies<'r> {
    reader: &'r Reader<'r>,
    index: AttributeIndex,
}

impl<'r> Tallies<'r> {
    pub(super) fn new(reader: &'r Reader<'r>) -> Self {
        let (_, tables) = reader.snapshot().view().index_tables();
        Tallies { reader, index: AttributeIndex::new(tables.index, FieldKinds::new(reader.schema())) }
    }

    pub(super) fn each(&self, property: PropertyId, visit: impl FnMut(&[u8], u64)) -> Result<(), WorkspaceError> {
        let (rtxn, _) = self.reader.snapshot().view().index_tables();
        Ok(self.index.tally(rtxn, property, visit)?)
    }

    pub(super) fn documents_with(&self, property: PropertyId) -> Result<u64, WorkspaceError> {
        let (rtxn, _) = self.reader.snapshot().view().index_tables();
        Ok(self.index.documents_with(rtxn, property)?)
    }

    /// The most frequent values of a property of texts, as keys, and the number of distinct ones.
    pub(super) fn top(&self, property: PropertyId, most: usize) -> Result<Top, WorkspaceError> {
        let mut top: BinaryHeap<(Reverse<u64>, Vec<u8>)> = BinaryHeap::new();
        let (mut distinct, mut total) = (0, 0);
        self.each(property, |key, count| {
            distinct += 1;
            total += count;
            if top.len() < most || top.peek().is_some_and(|(Reverse(least), _)| *least < count) {
                top.push((Reverse(count), key.to_vec()));
                if top.len() > most {
                    top.pop();
                }
            }
        })?;
        let values: Vec<(Vec<u8>, u64)> =
            top.into_sorted_vec().into_iter().map(|(Reverse(count), key)| (key, count)).collect();
        Ok(Top { values, distinct, total })
    }

    /// Everything about a field.
    pub(super) fn field(&self, field: &Field, zone: &TimeZone) -> Result<FieldFigures, WorkspaceError> {
        let mut figures = FieldFigures {
            key: field.key.clone(),
            name: field.name.clone(),
            kind: field.kind,
            filled: 0,
            unconvertible: 0,
            distinct: 0,
            shape: Shape::Empty,
        };
        let property = PropertyId::Field(field.id);
        match field.kind {
            FieldType::Number => self.numbers(property, &mut figures)?,
            FieldType::Datetime => {
                if let Some((histogram, filled, distinct)) = self.moments(property, zone)? {
                    (figures.filled, figures.distinct) = (filled, distinct);
                    figures.shape = Shape::Histogram(histogram);
                }
            }
            FieldType::Text | FieldType::State | FieldType::District | FieldType::Ward => {
                let top = self.top(property, TOP)?;
                (figures.filled, figures.distinct) = (top.total, top.distinct);
                figures.shape = match top.values.first() {
                    None => Shape::Empty,
                    Some((_, 1)) if top.distinct > TOP as u64 => Shape::AllDifferent,
                    Some(_) => self.spelled(field, top)?,
                };
            }
        }
        Ok(figures)
    }

    /// Keys are folded; people see a value as somebody wrote it.
    fn spelled(&self, field: &Field, top: Top) -> Result<Shape, WorkspaceError> {
        let mut others = top.total;
        let mut values = Vec::with_capacity(top.values.len());
        for (key, count) in top.values {
            others -= count;
            values.push((self.spelling(field, &key)?, count));
        }
        Ok(Shape::Top { values, others })
    }

    fn spelling(&self, field: &Field, key: &[u8]) -> Result<String, WorkspaceError> {
        if let Some(cut) = key.get(..MAX_TEXT_KEY).filter(|_| key.len() > MAX_TEXT_KEY) {
            return Ok(format!("{}…", String::from_utf8_lossy(cut).trim_end_matches('\u{fffd}')));
        }
        let folded = String::from_utf8_lossy(key).into_owned();
        let is_place = field.kind.is_location();
        let property = if is_place { TextProperty::Place(field.id) } else { TextProperty::Field(field.id) };
        let plan = only(Atom::TextIn(property, Box::new([folded.as_str().into()])));
        let somebody = self.reader.run(&plan, |search| search.documents(0, 1))?.first().copied();
        let row = somebody.map(|document| self.reader.row(document)).transpose()?.flatten();
        let written = row.as_ref().and_then(|row| row.field(field.id)).map(|value| value.text.trim());
        Ok(match written {
            Some(text) if is_place => last_part(text).to_owned(),
            Some(text) => text.to_owned(),
            None => folded,
        })
    }

    fn numbers(&self, property: PropertyId, figures: &mut FieldFigures) -> Result<(), WorkspaceError> {
        let filled = self.documents_with(property)?;
        let mut marks = Marks::new(filled);
        let mut few: Vec<(Decimal, u64)> = Vec::new();
        let mut whole = true;
        self.each(property, |key, count| {
            let Some(number) = Decimal::from_sort_key(key) else { return };
            whole &= number.parts().2 >= 0;
            marks.add(number, count);
            if few.len() <= PIECES / 2 {
                few.push((number, count));
            }
        })?;
        (figures.filled, figures.distinct) = (filled, marks.distinct);
        let Some([least, low, lower, median, upper, high, greatest]) = marks.found() else { return Ok(()) };
        let summary = [least, lower, median, upper, greatest].map(|number| grouped_decimal(&number));
        if marks.distinct <= PIECES as u64 / 2 {
            let total = few.len().max(1) as f64;
            let ticks = few.iter().enumerate();
            let ticks = ticks.map(|(at, (number, _))| ((at as f64 + 0.5) / total, grouped_decimal(number))).collect();
            let pieces = few.into_iter().map(|(number, count)| (grouped_decimal(&number), count)).collect();
            figures.shape = Shape::Histogram(Histogram { pieces, ticks, outside: (0, 0), summary });
            return Ok(());
        }
        let Some(edges) = number_edges(low, high, PIECES, whole) else {
            figures.shape = Shape::Histogram(Histogram { summary, ..Histogram::default() });
            return Ok(());
        };
        let keys: Vec<_> = edges.iter().map(Decimal::sort_key).collect();
        let mut counts = vec![0u64; keys.len() + 1];
        self.each(property, |key, count| {
            if let Some(slot) = counts.get_mut(keys.partition_point(|edge| edge.as_slice() <= key)) {
                *slot += count;
            }
        })?;
        let unit_wide = whole && edges.windows(2).all(|pair| matches!(pair, [a, b] if b.to_f64() - a.to_f64() == 1.0));
        let called = edges.windows(2).map(|pair| match pair {
            [from, _] if unit_wide => grouped_decimal(from),
            [from, to] => format!("{} to under {}", grouped_decimal(from), grouped_decimal(to)),
            _ => String::new(),
        });
        let outside = (counts.first().copied().unwrap_or_default(), counts.last().copied().unwrap_or_default());
        let inside = counts.into_iter().skip(1);
        let places = (edges.len() - 1).max(1) as f64;
        let ticks = spaced(edges.len()).map(|at| {
            let text = edges.get(at).map(grouped_decimal).unwrap_or_default();
            (at as f64 / places, text)
        });
        let ticks = ticks.collect();
        figures.shape = Shape::Histogram(Histogram { pieces: called.zip(inside).collect(), ticks, outside, summary });
        Ok(())
    }

    /// A property of moments: its histogram, contacts with a value, distinct values; `None` if nobody has one.
    pub(super) fn moments(
        &self,
        property: PropertyId,
        zone: &TimeZone,
    ) -> Result<Option<(Histogram, u64, u64)>, WorkspaceError> {
        let filled = self.documents_with(property)?;
        let mut marks = Marks::new(filled);
        self.each(property, |key, count| {
            if let Some(moment) = instant_of_key(key) {
                marks.add(moment, count);
            }
        })?;
        let Some([least, low, lower, median, upper, high, greatest]) = marks.found() else { return Ok(None) };
        let summary = [least, lower, median, upper, greatest].map(|moment| TimeAxis::day(moment, zone));
        // Most of them choose the axis; it takes in the last one and the first one too if they are on it.
        let axis = TimeAxis::new(low, high, zone, PIECES);
        let bounds = axis.bounds();
        let mut pieces: Vec<(String, u64)> = (0..axis.len()).map(|piece| (axis.full_label(piece), 0)).collect();
        let mut outside = (0, 0);
        let keys = bounds.map(|bound: Instant| instant_key(bound));
        self.each(property, |key, count| {
            let [from, to] = &keys;
            if key < from.as_slice() {
                outside.0 += count;
            } else if key >= to.as_slice() {
                outside.1 += count;
            } else if let Some(slot) = instant_of_key(key).and_then(|moment| pieces.get_mut(axis.piece(moment))) {
                slot.1 += count;
            }
        })?;
        let ticks = axis.ticks();
        Ok(Some((Histogram { pieces, ticks, outside, summary }, filled, marks.distinct)))
    }

    /// For each field of numbers or moments, how many contacts have a text there that does not convert.
    ///
    /// The index does not hold such texts. Cost: a pass over all rows, in parallel.
    pub(super) fn unconvertible(&self, blocks: &[Block]) -> Result<FxHashMap<FieldId, u64>, WorkspaceError> {
        let fields: Vec<FieldId> =
            self.reader.schema().fields().iter().filter(|field| converts(field)).map(|f| f.id).collect();
        let mut counts: FxHashMap<FieldId, u64> = FxHashMap::default();
        if fields.is_empty() {
            return Ok(counts);
        }
        let view = self.reader.snapshot().view();
        for &block in blocks {
            let rows = view.rows_of_block(block)?;
            let found: Vec<FieldId> =
                rows.par_iter().flat_map_iter(|&(document, bytes)| failing(document, bytes, &fields)).collect();
            found.into_iter().for_each(|field| *counts.entry(field).or_default() += 1);
        }
        Ok(counts)
    }
}

fn converts(field: &Field) -> bool {
    matches!(field.kind, FieldType::Number | FieldType::Datetime)
}

/// The fields of a row whose text does not convert. A row that cannot be read has none: to tell is the job of `check`.
fn failing(document: DocumentNumber, bytes: &[u8], fields: &[FieldId]) -> Vec<FieldId> {
    let Ok(row) = RowView::open_trusted(document, bytes) else { return Vec::new() };
    let fails = |field: &&FieldId| {
        ContactView::field(&row, **field).is_some_and(|value| value.typed == TypedValue::Unconvertible)
    };
    fields.iter().filter(fails).copied().collect()
}

/// A plan of one atom.
pub(super) fn only(atom: Atom) -> LogicalPlan {
    LogicalPlan { atoms: vec![atom], root: Expr::Atom { atom: AtomId(0), negated: false } }
}

/// The most frequent values of a property.
#[derive(Debug)]
pub(super) struct Top {
    pub(super) values: Vec<(Vec<u8>, u64)>,
    pub(super) distinct: u64,
    pub(super) total: u64,
}

/// Ranks that are looked for among values that come ascending: the ends, what is left when the outermost hundredths are
/// cut off, the quarters, the middle.
struct Marks<T> {
    ranks: [u64; 7],
    found: [Option<T>; 7],
    seen: u64,
    distinct: u64,
}

impl<T: Copy> Marks<T> {
    fn new(total: u64) -> Self {
        let last = total.saturating_sub(1);
        let at = |hundredths: u64| (u128::from(last) * u128::from(hundredths) / 100) as u64;
        let ranks = [0, at(1), at(25), at(50), at(75), last - at(1), last];
        Marks { ranks, found: [None; 7], seen: 0, distinct: 0 }
    }

    fn add(&mut self, value: T, count: u64) {
        self.seen += count;
        self.distinct += 1;
        for (rank, found) in self.ranks.iter().zip(&mut self.found) {
            if *rank < self.seen && found.is_none() {
                *found = Some(value);
            }
        }
    }

    fn found(&self) -> Option<[T; 7]> {
        let [a, b, c, d, e, f, g] = self.found;
        Some([a?, b?, c?, d?, e?, f?, g?])
    }
}

/// A few places among `count`, the first and the last among them.
fn spaced(count: usize) -> impl Iterator<Item = usize> {
    let parts = if count > 4 { 4 } else { 1 };
    let last = count.saturating_sub(1);
    (0..=parts).map(move |part| part * last / parts)
}
