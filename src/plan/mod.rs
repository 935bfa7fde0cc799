//! Plans.

pub mod atom;
pub mod logical;
mod matches;
pub mod rules;
