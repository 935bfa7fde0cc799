//! Message templates, read and filled in for a contact.
#![no_main]

#[path = "../../tests/hardship/hostile/bodies.rs"]
mod bodies;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| bodies::template(input));
