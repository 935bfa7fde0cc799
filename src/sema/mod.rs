//! Resolution and types: from a syntax tree, a schema and an environment to a typed query.

pub mod attribute;
pub mod codec;
mod group_check;
pub(crate) mod implicit;
pub mod inspect;
pub mod languages;
pub(crate) mod messages;
pub mod print;
pub mod query;
mod rebind;
pub mod relative;
pub mod resolve;
pub mod suggest;
mod values;

pub use group_check::{group_check, group_cycle, groups_used};
pub use rebind::rebind;
