//! Changes: staged line by line, then carried into rows, indexes, memberships and log in one transaction.
//!
//! This room holds the one write transaction ([`writer::Writer`]), what a line may say ([`change`]) and why it may be refused
//! ([`rejection`]). It may write every table of the store. It never reads through a [`Reader`](crate::workspace::Reader): what it
//! reads is its own transaction.

pub(crate) mod bulk;
pub(crate) mod bulk_put;
pub mod change;
pub(crate) mod clock;
pub(crate) mod flush;
pub(crate) mod rejection;
pub(crate) mod schema;
pub(crate) mod staging;
pub(crate) mod transition;
pub(crate) mod writer;
