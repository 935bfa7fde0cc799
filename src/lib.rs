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
//! # let folder = tempfile::tempdir()?;
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
//! The language can be used alone ([`parse`])

mod audience;
mod campaign;
#[cfg(feature = "cli")]
mod cli;
mod contact;
mod diagnostic;
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
mod model;
mod plan;
mod refresh;
mod render;
mod report;
mod schema;
mod sema;
mod span;
mod store;
#[cfg(feature = "postgres")]
mod sync;
mod syntax;
mod threads;
mod value;
mod workspace;

pub use audience::Audience;
pub use contact::{Contact, Status};
pub use diagnostic::{Code, Diagnostic, Errors};
pub use exec::Order;
pub use ids::{DocumentNumber, GroupId, Sequence, Uuid};
pub use import::{ChangeReader, ContactReader, ImportError, LineNumber, Source};
pub use language::build::{Expression, Operand, Subject, attribute, field, scheme};
pub use language::{Parsed, Resolve, parse, parse_with};
pub use render::Template;
pub use roaring::RoaringBitmap;
pub use schema::{DateFormat, Environment, Field, FieldType, Schema};
pub use sema::attribute::Attribute;
pub use sema::query::{Dialect, Query};
pub use store::{Cause, GroupStatus};
pub use value::{Decimal, Instant, Urn};
pub use workspace::why::{Clause, ClauseKind, LastChange, Why};
pub use workspace::{
    Change, CheckReport, Commit, ContactPatch, ContactRef, Event, FieldInput, Finding, GroupInfo as Group, LogFilter,
    MembershipEvent as Membership, NamedGroup, NamedRef, Omissions, Override, Page, PageRequest, Preview, Reader,
    Rejection, Repaired, Settings, Stats, Subscription, Workspace, WorkspaceError as Error, Writer as Batch,
};

/// What stands behind the front door, for the benches, the fuzz targets and the tests of this repository.
///
/// Nothing here is promised: names and meanings change without notice.
#[doc(hidden)]
pub mod internals {
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
    pub mod contact {
        pub use crate::contact::*;
    }
    pub mod diagnostic {
        pub use crate::diagnostic::*;
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
