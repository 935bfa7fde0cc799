//! The program itself, run as people and other programs run it, and the programs of `examples/`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cli;
mod command_line;
mod commands;
mod examples;
mod groups;
#[cfg(feature = "parquet")]
mod parquet;
mod report;
mod sheets;
mod stream;
