//! Rows, sets of documents, tails, entries of the log, groups, settings, and blocks of indexes, read from any bytes. The
//! first byte chooses which.
#![no_main]

use headcount::internals::{index, store};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((&kind, bytes)) = input.split_first() else { return };
    match kind % 4 {
        0 => store::any_bytes::row(bytes),
        1 => store::any_bytes::container(bytes),
        2 => store::any_bytes::record(bytes),
        _ => index::any_bytes::block(bytes),
    }
});
