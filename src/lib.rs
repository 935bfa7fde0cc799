//! Contact search and exact smart groups.

pub mod contact;
pub mod diagnostic;
pub mod ids;
pub mod language;
pub mod plan;
pub mod schema;
pub mod sema;
pub mod span;
pub mod syntax;
pub mod value;
