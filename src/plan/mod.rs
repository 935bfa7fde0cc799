//! Plans.

pub mod atom;
pub mod estimate;
pub mod explain;
pub mod physical;
