//! Attribute indexes against the rows: the pairs of value and document of each property and block, added up as hashes
//! that do not depend on their order, so that the check needs little memory however large the store.

use std::collections::BTreeMap;

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::CheckReport;
use crate::ids::{Block, DocumentNumber};
use crate::index::build::Grouped;
use crate::index::changes::BlockChanges;
use crate::index::{AttributeIndex, FieldKinds, PropertyId, RowChange};
use crate::store::RowView;
use crate::workspace::error::WorkspaceError;
use crate::workspace::read::reader::Reader;

/// Pairs of one property and block: how many, and the sum of their hashes.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Sum {
    pairs: u64,
    hash: u64,
}

impl Sum {
    fn add(&mut self, value: &[u8], document: DocumentNumber) {
        self.pairs += 1;
        self.hash = self.hash.wrapping_add(xxh3_64_with_seed(value, u64::from(document.0)));
    }
}

type Sums = BTreeMap<(PropertyId, Block), Sum>;

/// Rows handled at once by a thread.
const PIECE: usize = 4096;

pub(super) fn check(reader: &Reader<'_>, report: &mut CheckReport) -> Result<(), WorkspaceError> {
    let view = reader.snapshot().view();
    let kinds = FieldKinds::new(reader.schema());
    let expected = expected(reader, &kinds)?;
    let mut found = Sums::new();
    let (rtxn, tables) = view.index_tables();
    let index = AttributeIndex::new(tables.index, kinds);
    let read = index.verify(rtxn, |property, value, document| {
        found.entry((property, document.block())).or_default().add(value, document);
    });
    if let Err(error) = read {
        report.find("indexes", true, error.to_string());
        return Ok(());
    }
    report.index_entries = found.values().map(|sum| sum.pairs).sum();
    let places = expected.keys().chain(found.keys());
    let mut places: Vec<_> = places.copied().collect();
    places.sort_unstable();
    places.dedup();
    for place in places {
        let of = |sums: &Sums| sums.get(&place).copied().unwrap_or_default();
        let (expected, found) = (of(&expected), of(&found));
        if expected != found {
            let (property, block) = place;
            let message = if expected.pairs == found.pairs {
                format!("{property:?} in {block:?} holds values that the rows do not have")
            } else {
                format!("{property:?} in {block:?} holds {} values where the rows have {}", found.pairs, expected.pairs)
            };
            report.find("indexes", true, message);
        }
    }
    Ok(())
}

/// What the rows say.
fn expected(reader: &Reader<'_>, kinds: &FieldKinds) -> Result<Sums, WorkspaceError> {
    let view = reader.snapshot().view();
    let blocks = view.state().next_document.div_ceil(1 << 16);
    let mut sums = Sums::new();
    for block in (0..blocks).map(|number| Block(number as u16)) {
        let rows = view.rows_of_block(block)?;
        let of_pieces: Vec<Sums> = rows
            .par_chunks(PIECE)
            .map(|piece| {
                let changes: Vec<RowChange<RowView<'_>>> = piece
                    .iter()
                    .filter_map(|&(document, bytes)| {
                        let row = RowView::open_trusted(document, bytes).ok()?;
                        Some(RowChange { document, before: None, after: Some(row) })
                    })
                    .collect();
                let mut sums = Sums::new();
                for (property, changes) in BlockChanges::of(&changes, kinds).into_properties() {
                    let sum = sums.entry((property, block)).or_default();
                    for (value, offsets) in Grouped::from_entries(&changes.entries).iter() {
                        offsets.iter().for_each(|&offset| sum.add(value, block.document(offset)));
                    }
                }
                sums
            })
            .collect();
        for (place, sum) in of_pieces.into_iter().flatten() {
            let total = sums.entry(place).or_default();
            total.pairs += sum.pairs;
            total.hash = total.hash.wrapping_add(sum.hash);
        }
    }
    sums.retain(|_, sum| sum.pairs > 0);
    Ok(sums)
}
