//! Contact search and exact smart groups.

pub mod contact;
pub mod exec;
pub mod ids;
pub mod index;
pub mod plan;
pub mod schema;
pub mod sema;
pub mod span;
pub mod value;
