//! Plans.

pub mod atom;
pub mod estimate;
pub mod logical;
mod matches;
pub mod physical;
pub mod rules;
