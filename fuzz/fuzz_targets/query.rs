//! Lexer, parser, resolver, printer and saved form of queries, in both dialects. The first byte chooses how the rest is
//! read.
//!
//! `cargo fuzz run query fuzz/seeds/query` (the seeds are drawn from the corpus by `fuzz/seed`).
#![no_main]

#[path = "../../tests/laws/mod.rs"]
mod laws;

use std::sync::LazyLock;

use headcount::schema::Schema;
use headcount::sema::codec;
use libfuzzer_sys::fuzz_target;

static SCHEMA: LazyLock<Schema> = LazyLock::new(laws::schema);

fuzz_target!(|input: &[u8]| {
    let _ = codec::decode(input);
    let Some((&mode, text)) = input.split_first() else { return };
    laws::check(&String::from_utf8_lossy(text), laws::Mode::from_byte(mode), &SCHEMA);
});
