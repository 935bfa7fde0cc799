//! Smart groups kept exact: which groups a batch of changed contacts enters and leaves.
//!
//! Re-checking each contact against each group costs contacts × groups × conditions. Here it is turned round:
//!
//! | step | from → to | module |
//! | --- | --- | --- |
//! | table | plans of all groups → atoms, each once; leaves that atoms share; who reads what; order of evaluation | [`table`], `leaves`, [`order`] |
//! | live | changed contacts → those with a leaf that flipped | `live`, `matcher`, `axis`, `words` |
//! | vectors | live contacts → one bit per contact and leaf, before and after | `batch`, `vectors` |
//! | groups | vectors → each group's expression over whole words, where something flipped | `groups`, `program` |
//!
//! A *leaf* is a predicate of one value: equal to this text, at or above this number, contains this word. Each value is
//! looked up once among all leaves of its property, whatever the number of groups. An *atom* is a leaf or a few of
//! them. A group's expression runs over 64 contacts to the word, and only over words in which one of its atoms
//! flipped: a change to `city` costs nothing for groups that do not look at `city`.
//!
//! Nothing here reads or writes a store: rows come in, moves go out.

mod arena;
mod axis;
mod batch;
mod build;
mod change;
pub mod clock;
mod engine;
mod entries;
pub mod fill;
mod groups;
mod leaves;
mod live;
mod matcher;
mod moment;
pub mod order;
mod program;
mod scratch;
mod source;
pub mod table;
mod vectors;
mod words;

#[cfg(test)]
mod tests;

pub use change::{Counters, Flips, Memberships, NoMemberships, RowChange, Side};
pub use engine::{Engine, Outcome};
pub use moment::Moment;
pub use scratch::BATCH;
pub use source::Source;
pub use table::{Table, TableError, TableSize};
