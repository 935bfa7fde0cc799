//! Plans: from a typed query to a normalised tree of atoms, and on to the steps that answer it.
//!
//! Nothing here knows of bitmaps or files.

pub mod atom;
pub mod bound;
pub mod estimate;
pub mod event;
pub mod explain;
pub mod logical;
mod matches;
pub mod physical;
pub mod rules;
