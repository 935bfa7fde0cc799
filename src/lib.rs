//! Contact search and exact smart groups.
//!
//! headcount answers two questions about a set of contacts: who matches this query, and who is in each group right now,
//! who just entered, who just left, and why. It compiles a contact-search language to plans over bitmap indexes, and
//! keeps the memberships of thousands of saved searches exact while contacts change.
//!
//! # The life of a workspace
//!
//! ```
//! use headcount::import::{ContactReader, Source};
//! use headcount::schema::FieldType;
//! use headcount::sema::query::Dialect;
//! use headcount::value::{Instant, Urn};
//! use headcount::workspace::{
//!     Change, ContactRef, Event, FieldInput, PageRequest, Settings, Workspace, WorkspaceError,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! // Create: a workspace is a folder. Its settings say how texts are read.
//! let settings = Settings { timezone: "Africa/Kigali".into(), country: Some("RW".into()), ..Settings::default() };
//! let workspace = Workspace::create(&folder.join("contacts"), &settings)?;
//! let now = Instant::parse("2026-06-15T12:00:00Z").ok_or("a moment")?;
//!
//! // Schema: what `write` does is kept whole and durable when it returns, or not at all.
//! workspace.write(now, |batch| {
//!     batch.add_field(&FieldInput { key: "age".into(), name: Some("Age".into()), kind: FieldType::Number })
//! })?;
//!
//! // Import: from CSV, JSON lines, or a patch made by hand. A line that is refused has no effect and says why.
//! let sheet = "Name,Language,URN:tel,Field:age\n\
//!              Ann Uwase,kin,+250788123123,17\n\
//!              Bob Smith,eng,+250788123124,36\n\
//!              Nobody,eng,,20\n";
//! let environment = workspace.reader(now)?.environment().clone();
//! let lines = ContactReader::open(Source::from_reader("people.csv", sheet.as_bytes()), &environment)?;
//! let refused = workspace.write(now, |batch| {
//!     let mut refused = Vec::new();
//!     for (line, patch) in lines {
//!         match patch {
//!             Ok(patch) => refused.extend(batch.put(&patch)?.err().map(|why| (line.0, why.to_string()))),
//!             Err(why) => refused.push((line.0, why.reason)),
//!         }
//!     }
//!     Ok(refused)
//! })?;
//! assert_eq!((refused.counts.created, refused.value[0].0), (2, 4));
//!
//! // Search: a reader is one consistent moment, whoever writes meanwhile.
//! let reader = workspace.reader(now)?;
//! assert_eq!(reader.count("language = kin OR age > 30")?, 2);
//! let query = reader.parse("tel ~ 788", Dialect::Extended)?.query;
//! let oldest_first = PageRequest { order: Some(reader.order("-age")?), limit: Some(1), ..PageRequest::default() };
//! let page = reader.page(&query, &oldest_first)?;
//! let oldest = reader.contact(page.documents[0])?.ok_or("a contact")?;
//! assert_eq!((page.total, oldest.name.as_deref()), (2, Some("Bob Smith")));
//!
//! // Group: a query that is kept, and members that are exact from now on.
//! workspace.write(now, |batch| batch.create_group("Adults", Some("age >= 18"), Dialect::Extended))?;
//!
//! // Change: Ann has a birthday. A refusal is a value, so that one bad line need not spoil a batch.
//! let mut log = workspace.subscribe(workspace.reader(now)?.sequence());
//! let change = Change {
//!     contact: Some(ContactRef::Urn(Urn::parse("tel:+250788123123")?)),
//!     event: Event::Field { key: "age".into(), value: Some("18".into()) },
//!     created_on: None,
//!     source: None,
//! };
//! workspace.write(now, |batch| batch.apply(&change)?.map_err(WorkspaceError::Rejected))?;
//!
//! // Log: who entered and left which group, when and why.
//! let events = log.poll(now)?;
//! assert_eq!((events.len(), events[0].groups_added[0].name.as_str()), (1, "Adults"));
//!
//! // Why: every membership, there or not, can be explained.
//! let reader = workspace.reader(now)?;
//! let ann = reader.find(&ContactRef::Urn(Urn::parse("tel:+250788123123")?))?.ok_or("she is there")?;
//! let why = reader.why(ann, reader.group_named("Adults")?)?;
//! assert!(why.member && why.clauses.is_some_and(|clause| clause.holds));
//!
//! // Check and backup: everything is proved from the rows, and copied while others write.
//! assert!(reader.check()?.is_sound());
//! workspace.backup(&folder.join("copy"), false)?;
//! assert_eq!(Workspace::open(&folder.join("copy"))?.reader(now)?.count("group = Adults")?, 2);
//! # Ok(())
//! # }
//! ```
//!
//! # Where to go on
//!
//! - [`workspace`]: the façade, and [`Workspace::subscribe`](workspace::Workspace::subscribe) to follow the log;
//! - [`language`]: the language alone; [`language::build`] makes queries from what people choose, not from text;
//! - [`model`]: the plain evaluator of one contact, which defines what a query means;
//! - [`import`]: files and streams; [`render`], [`audience`], [`campaign`]: what groups are for;
//! - `examples/` has whole programs: embedding, following the log, building queries, a web service's handler.
//!
//! # Versions
//!
//! Versions are semantic. Until 1.0, a change of this API that can break a program raises the minor version. The JSON
//! that the program writes is an interface of its own: keys are added, and never renamed, removed or given another
//! meaning, but by a change that raises the major version (until 1.0 the minor one) and that `CHANGELOG.md` names.
//! Stores have a format number of their own: a newer headcount opens older stores, and an older one says so. What a
//! person reads (tables, messages, drawings) may change at any time.
//!
//! Everything that is public is documented with its errors and, where it matters, its cost.

pub mod audience;
pub mod campaign;
pub mod cli;
pub mod contact;
pub mod diagnostic;
pub mod exec;
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
