//! Any bytes, read as a block of an attribute index: for fuzz targets, and for the tests that run them over a few seeds.

use xxhash_rust::xxh3::xxh3_64;

use crate::ids::Block;
use crate::index::bits::Buffers;
use crate::index::block::{BlockView, HEADER, header_sum};
use crate::index::build;
use crate::index::lookup::{KeySpan, Predicate, Probe};
use crate::index::property::Part;
use crate::index::{BlockPair, PropertyId};

/// More values than a block has documents are only claimed, and a loop over them would not end.
const MOST_VALUES: u32 = 1 << 16;

/// Reads the bytes as a block, as they are and with a header whose checksum fits. Nothing may panic.
pub fn block(bytes: &[u8]) {
    let block = Block(0);
    let key = PropertyId::Language.block_key(block, Part::Base);
    let _ = BlockView::parse(&key, bytes);
    let mut value = bytes.to_vec();
    let Some((header, body)) = value.split_at_mut_checked(HEADER) else { return };
    let Some((head, sums)) = header.split_at_mut_checked(HEADER - 16) else { return };
    let body_sum = xxh3_64(body).to_le_bytes();
    let sum = header_sum(&key, &[&*head, &body_sum].concat()).to_le_bytes();
    sums.copy_from_slice(&[body_sum, sum].concat());
    let Ok(view) = BlockView::parse(&key, &value) else { return };
    let verified = view.verify().is_ok();
    std::hint::black_box((view.bytes(), view.codes().len(), view.code(9), view.is_single_valued(), verified));
    std::hint::black_box(view.presence().to_vec());
    if view.values() > MOST_VALUES {
        return;
    }
    for rank in 0..view.values() {
        std::hint::black_box((view.value(rank), view.posting(rank).to_vec(), view.posting_bytes(0, rank)));
    }
    std::hint::black_box(view.posting_run(0, view.values()));
    let first = view.value(0).to_vec();
    let predicates = [
        Predicate::Present,
        Predicate::Keys(vec![first.clone().into_boxed_slice()]),
        Predicate::Spans(vec![KeySpan::prefix(&first), KeySpan { low: vec![0xF0], high: None }]),
    ];
    let mut buffers = Buffers::default();
    for predicate in &predicates {
        for (base, delta) in [(Some(view), None), (None, Some(view)), (Some(view), Some(view))] {
            let probe = Probe::new(predicate, BlockPair { block, base, delta });
            let mut set = buffers.empty();
            probe.fill(&mut set, &mut buffers);
            probe.restrict(&mut set, &mut buffers);
            probe.subtract_from(&mut set, &mut buffers);
            std::hint::black_box((probe.estimate(), probe.bytes()));
            buffers.give(set);
        }
    }
    if let Ok(merged) = build::merge(Some(&view), Some(&view)) {
        std::hint::black_box(merged.encode(&key, Some(4), &[]));
    }
}
