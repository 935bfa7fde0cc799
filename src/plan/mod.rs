//! Plans.

pub mod atom;
pub mod estimate;
pub mod physical;
