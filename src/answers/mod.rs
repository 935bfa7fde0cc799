//! The answers that others depend on: one JSON shape for each, and what fills it from a moment of a workspace.
//!
//! The command line prints them, the service sends them: the same letters for the same question.
//!
//! | module | answers |
//! | --- | --- |
//! | [`shapes`] | what several answers share: names, metadata of queries, groups, membership changes |
//! | [`contact`] | contacts |
//! | [`changes`] | what came of a body of changes |
//! | [`search`] | `query`, `parse`, `audience`, `render` |
//! | [`group`] | `group show`, `group members`, `group edit --dry-run`, sizes over time |
//! | [`person`] | `contact groups`, `contact timeline` |
//! | [`why`] | `why` |
//! | [`stats`] | `stats` |
//! | `hiding` | what is said where addresses are hidden |

pub mod changes;
pub mod contact;
pub mod group;
pub(crate) mod hiding;
pub mod person;
pub mod search;
pub mod shapes;
pub mod stats;
pub mod why;
