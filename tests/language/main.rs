//! The language alone: the reference's cases, where we differ from them, errors, canonical and saved forms, and the laws
//! of parsing and of normalising.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod conformance_eval;
mod conformance_parse;
mod deviations;
mod extended;
mod laws;
mod rules;
#[path = "../support/mod.rs"]
mod support;
