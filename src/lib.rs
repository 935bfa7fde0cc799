//! Contact search and exact smart groups.
//!
//! headcount answers two questions about a set of contacts: who matches this query, and who is in each group right now,
//! who just entered, who just left, and why. It compiles a contact-search language to plans over bitmap indexes, and
//! keeps the memberships of thousands of saved searches exact while contacts change.
//!
//! # The life of a workspace
//!
//! ```
//! use headcount::sema::query::Dialect;
//! use headcount::schema::FieldType;
//! use headcount::value::{Instant, Urn};
//! use headcount::workspace::{Change, ContactPatch, ContactRef, Event, FieldInput, Settings, Workspace};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! // A workspace is a folder.
//! let workspace = Workspace::create(&folder.path().join("store"), &Settings::default())?;
//! let now = Instant::now();
//!
//! // A batch is kept whole and durable when `write` returns, or not at all.
//! workspace.write(now, |batch| {
//!     batch.add_field(&FieldInput { key: "age".into(), name: None, kind: FieldType::Number })?;
//!     let ann = ContactPatch {
//!         name: Some(Some("Ann Uwase".into())),
//!         urns: Urn::parse("tel:+250788123123").ok().map(|urn| vec![urn]),
//!         fields: vec![("age".into(), Some("17".into()))],
//!         ..ContactPatch::default()
//!     };
//!     batch.put(&ann)?.map_err(headcount::workspace::WorkspaceError::Rejected)?;
//!     batch.create_group("Adults", Some("age >= 18"), Dialect::Extended)?;
//!     Ok(())
//! })?;
//!
//! // Ann has a birthday, and enters.
//! let change = Change {
//!     contact: Some(ContactRef::Urn(Urn::parse("tel:+250788123123")?)),
//!     event: Event::Field { key: "age".into(), value: Some("18".into()) },
//!     created_on: None,
//!     source: None,
//! };
//! let commit = workspace.write(now, |batch| Ok(batch.apply(&change)?.is_ok()))?;
//! let reader = workspace.reader(now)?;
//! let events: Vec<_> = reader.events_since(commit.before, Default::default())?.collect::<Result<Vec<_>, _>>()?;
//! assert_eq!(events[0][0].groups_added[0].name, "Adults");
//!
//! // Searches see every change that was acknowledged before.
//! assert_eq!(reader.count(r#"group = "Adults" AND name ~ ann"#)?, 1);
//!
//! // And every membership can be explained.
//! let ann = reader.find(&ContactRef::Urn(Urn::parse("tel:+250788123123")?))?.ok_or("she is there")?;
//! let why = reader.why(ann, reader.group_named("Adults")?)?;
//! assert!(why.member && why.clauses.is_some());
//! # Ok(())
//! # }
//! ```
//!
//! The language can be used alone ([`language`]), and so can the evaluator of one contact ([`model`]).

pub mod audience;
pub mod campaign;
pub mod cli;
pub mod contact;
pub mod diagnostic;
pub mod event;
pub mod exec;
#[cfg(feature = "parquet")]
pub mod export;
pub mod generate;
pub mod ids;
pub mod import;
pub mod index;
pub mod language;
pub mod lint;
pub mod model;
pub mod plan;
pub mod refresh;
pub mod render;
pub mod report;
pub mod schema;
pub mod sema;
pub mod span;
pub mod store;
pub mod syntax;
pub mod value;
pub mod workspace;
