//! Contact search and exact smart groups.

pub mod cli;
pub mod contact;
pub mod ids;
pub mod import;
pub mod plan;
pub mod schema;
pub mod sema;
pub mod span;
pub mod value;
pub mod workspace;
