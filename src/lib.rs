//! Contact search and exact smart groups.
//!
//! headcount answers two questions about a set of contacts: who matches this query, and who is in each group right now,
//! who just entered, who just left, and why. It compiles a contact-search language to plans over bitmap indexes, and
//! keeps the memberships of thousands of saved searches exact while contacts change.
//!
//! # The life of a workspace
//!
//! ```
//! use headcount::{
//!     Change, ContactPatch, ContactRef, Dialect, Event, FieldInput, FieldType, Instant, Settings, Workspace,
//! };
//!
//! # let folder = tempfile::tempdir().unwrap();
//! // A workspace is a folder.
//! let workspace = Workspace::create(&folder.path().join("store"), &Settings::default())?;
//! let now = Instant::now();
//!
//! // A batch is kept whole and durable when `write` returns, or not at all.
//! workspace.write(now, |batch| {
//!     batch.add_field(&FieldInput::new("age", FieldType::Number))?;
//!     batch.put(ContactPatch::new().name("Ann Uwase").urn("tel:+250788123123")?.field("age", "17"))?;
//!     batch.create_group("Adults", Some("age >= 18"), Dialect::Extended)
//! })?;
//!
//! // Ann has a birthday, and enters.
//! let ann: ContactRef = "tel:+250788123123".parse()?;
//! let commit = workspace.write(now, |batch| batch.apply(Change::new(ann.clone(), Event::field("age", "18"))))?;
//! let reader = workspace.reader(now)?;
//! let moves: Vec<_> = reader.events_since(commit.before, Default::default())?.collect::<Result<Vec<_>, _>>()?;
//! assert_eq!(moves[0][0].groups_added[0].name, "Adults");
//!
//! // Searches see every change that was acknowledged before.
//! assert_eq!(reader.count(r#"group = "Adults" AND name ~ ann"#)?, 1);
//!
//! // And every membership can be explained.
//! let ann = reader.find(&ann)?.expect("she is there");
//! let why = reader.why(ann, reader.group_named("Adults")?)?;
//! assert!(why.member && why.clauses.is_some());
//! # Ok::<(), headcount::Error>(())
//! ```
//!
//! # Where to begin
//!
//! The [`cookbook`] has a recipe for each thing that programs do. Every name is at the root:
//!
//! | for | names |
//! | --- | --- |
//! | a store | [`Workspace`], [`Settings`], [`Reader`], [`Batch`], [`Commit`], [`Error`], [`Stats`], [`CheckReport`] |
//! | contacts | [`Contact`], [`ContactPatch`], [`ContactRef`], [`Urn`], [`Uuid`], [`Status`], [`DocumentNumber`], [`Instant`] |
//! | what happens to them | [`Change`], [`Event`], [`Rejection`], [`Omissions`], [`Source`], [`ContactReader`], [`ChangeReader`] |
//! | searches | [`Query`], [`Dialect`], [`PageRequest`], [`Page`], [`Expression`], [`QueryErrors`], [`parse`] |
//! | fields | [`Schema`], [`Field`], [`FieldType`], [`FieldInput`], [`Environment`] |
//! | groups | [`Group`], [`Preview`], [`Override`], [`Membership`], [`Subscription`], [`Sequence`], [`Why`], [`Audience`] |
//!
//! The language can be used alone: [`parse`] needs a schema and an environment, and no store.
//!
//! # Features
//!
//! All are on by default. `cli` is the program and what only it needs; without it spreadsheets (`.xlsx`) are not read.
//! `serve` is its service and page. `parquet` writes contacts and memberships as Parquet. With `default-features = false`
//! nothing of that is built.

mod answers;
mod audience;
mod campaign;
#[cfg(feature = "cli")]
mod cli;
mod complete;
mod contact;
pub mod cookbook;
mod diagnostic;
mod door;
mod example;
mod exec;
#[cfg(feature = "parquet")]
mod export;
mod files;
mod generate;
mod ids;
mod import;
mod index;
mod language;
mod lint;
mod memory;
mod model;
mod plan;
mod refresh;
mod render;
mod report;
mod schema;
mod sema;
#[cfg(feature = "serve")]
mod serve;
mod span;
mod store;
#[cfg(feature = "postgres")]
mod sync;
mod syntax;
mod threads;
mod value;
mod workspace;

pub use door::*;

/// What stands behind the front door, for the benches, the fuzz targets and the tests of this repository.
///
/// Nothing here is promised: names and meanings change without notice.
#[doc(hidden)]
pub mod internals {
    pub mod answers {
        pub use crate::answers::*;
    }
    pub mod audience {
        pub use crate::audience::*;
    }
    pub mod campaign {
        pub use crate::campaign::*;
    }
    #[cfg(feature = "cli")]
    pub mod cli {
        pub use crate::cli::*;
    }
    pub mod complete {
        pub use crate::complete::*;
    }
    pub mod contact {
        pub use crate::contact::*;
    }
    pub mod diagnostic {
        pub use crate::diagnostic::*;
    }
    pub mod example {
        pub use crate::example::*;
    }
    pub mod exec {
        pub use crate::exec::*;
    }
    #[cfg(feature = "parquet")]
    pub mod export {
        pub use crate::export::*;
    }
    pub mod generate {
        pub use crate::generate::*;
    }
    pub mod ids {
        pub use crate::ids::*;
    }
    pub mod import {
        pub use crate::import::*;
    }
    pub mod index {
        pub use crate::index::*;
    }
    pub mod language {
        pub use crate::language::*;
    }
    pub mod lint {
        pub use crate::lint::*;
    }
    pub mod model {
        pub use crate::model::*;
    }
    pub mod plan {
        pub use crate::plan::*;
    }
    pub mod refresh {
        pub use crate::refresh::*;
    }
    pub mod render {
        pub use crate::render::*;
    }
    pub mod report {
        pub use crate::report::*;
    }
    pub mod schema {
        pub use crate::schema::*;
    }
    pub mod sema {
        pub use crate::sema::*;
    }
    #[cfg(feature = "serve")]
    pub mod serve {
        pub use crate::serve::*;
    }
    pub mod span {
        pub use crate::span::*;
    }
    pub mod store {
        pub use crate::store::*;
    }
    #[cfg(feature = "postgres")]
    pub mod sync {
        pub use crate::sync::*;
    }
    pub mod syntax {
        pub use crate::syntax::*;
    }
    pub mod value {
        pub use crate::value::*;
    }
    pub mod workspace {
        pub use crate::workspace::*;
    }
}
