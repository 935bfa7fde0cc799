//! Streams of changes through to a store that is checked now and then.
#![no_main]

#[path = "../../tests/hardship/hostile/bodies.rs"]
mod bodies;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| bodies::changes(input));
