//! Contact search and exact smart groups.

pub mod contact;
pub mod ids;
pub mod model;
pub mod plan;
pub mod refresh;
pub mod schema;
pub mod sema;
pub mod span;
pub mod value;
