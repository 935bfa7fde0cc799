//! The tree itself: which module may import which, and what the program depends on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod api;
mod dependencies;
mod paths;
mod rows;
