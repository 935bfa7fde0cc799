//! Plans.

pub mod atom;
pub mod estimate;
pub mod physical;
pub mod logical;
mod matches;
pub mod rules;
