//! Contact search and exact smart groups.

pub mod audience;
pub mod campaign;
pub mod cli;
pub mod contact;
pub mod diagnostic;
pub mod exec;
pub mod generate;
pub mod ids;
pub mod import;
pub mod index;
pub mod language;
pub mod model;
pub mod plan;
pub mod refresh;
pub mod render;
pub mod schema;
pub mod sema;
pub mod span;
pub mod store;
pub mod syntax;
pub mod value;
pub mod workspace;
