//! Plans.

pub mod atom;
