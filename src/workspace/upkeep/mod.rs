//! What keeps a store small, current, provably right and free of what must be forgotten.
//!
//! The text index, checks and repairs, backups, erasure, and how long the log is kept. These take locks and files of their
//! own; what they derive follows from rows and definitions, which they do not change, erasure apart.

pub(crate) mod background;
pub(crate) mod backup;
pub(crate) mod check;
pub(crate) mod delivery;
pub(crate) mod derive;
pub(crate) mod erase;
#[cfg(test)]
mod erase_tests;
pub(crate) mod indexing;
pub(crate) mod retention;
