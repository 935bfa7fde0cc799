//! The executable definition: what a query means for one contact, and what a workspace is.
//!
//! Written to be obviously right. Every faster path is tested against it.

pub mod evaluate;
pub mod workspace;

pub use evaluate::{Context, Memberships, NoGroups, condition_holds, matches, node_holds};
pub use workspace::Workspace;
