//! The workspace as a library: against its model, under damage, with many readers and writers, and stores of older formats.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod background;
mod concurrency;
mod conformance_workspace;
mod damage;
mod filling;
mod formats;
mod lint;
mod model;
mod trials;
