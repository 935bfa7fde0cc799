//! The service: a process of its own for each test, over a store that the command line made.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod answers;
mod browser;
mod doors;
mod events;
mod harness;
mod page;
mod platform;
mod webhook;
