//! Lexer, parser, resolver, printer and saved form of queries, in both dialects. The first byte chooses how the rest is
//! read.
//!
//! `fuzz/seed` draws seeds from the corpus. Then, with `cargo install cargo-fuzz`, from the root of the repository:
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run -s none -O query fuzz/seeds/query -- -max_len=160 -max_total_time=600`. Nothing here
//! is unsafe, so a sanitizer only costs. A run of 14 minutes on one busy core was 5 million inputs.
#![no_main]

#[path = "../../tests/support/laws.rs"]
mod laws;

use std::sync::LazyLock;

use headcount::internals::schema::Schema;
use headcount::internals::sema::codec;
use libfuzzer_sys::fuzz_target;

static SCHEMA: LazyLock<Schema> = LazyLock::new(laws::schema);

fuzz_target!(|input: &[u8]| {
    let _ = codec::decode(input);
    let Some((&mode, text)) = input.split_first() else { return };
    laws::check(&String::from_utf8_lossy(text), laws::Mode::from_byte(mode), &SCHEMA);
});
