//! Answers: searches, contacts, groups, the log, and why somebody is a member.
//!
//! Everything here reads one consistent moment ([`reader::Reader`]) and writes nothing.

pub(crate) mod adapters;
pub(crate) mod cursor;
pub(crate) mod depends;
pub(crate) mod explain;
pub(crate) mod following;
pub(crate) mod groups;
pub(crate) mod history;
pub(crate) mod linting;
pub(crate) mod listing;
pub mod log;
pub(crate) mod page;
pub(crate) mod reader;
pub(crate) mod search;
pub mod why;
