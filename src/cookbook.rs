//! Recipes: what programs do with headcount, each whole and run as a test. They use nothing but the root of the crate.
//!
//! | to | see |
//! | --- | --- |
//! | put contacts in | [A workspace and its first contacts](#a-workspace-and-its-first-contacts), [Files](#files) |
//! | find contacts | [A search](#a-search), [Queries from a form](#queries-from-a-form) |
//! | keep a group | [A smart group](#a-smart-group), [A change](#a-change), [A preview](#a-preview) |
//! | tell others | [Following the log](#following-the-log), [Why](#why), [JSON for other programs](#json-for-other-programs) |
//! | be safe | [When something is refused](#when-something-is-refused), [Backup and restore](#backup-and-restore) |
//!
//! # A workspace and its first contacts
//!
//! A workspace is a folder. A batch is kept whole and durable when [`write`](crate::Workspace::write) returns, or not at
//! all; its moment decides what `today` means and when groups change by themselves.
//!
//! ```
//! use headcount::{ContactPatch, FieldInput, FieldType, Instant, Settings, Workspace};
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("store");
//! let settings = Settings { timezone: "Africa/Kigali".into(), country: Some("RW".into()), ..Settings::default() };
//! let workspace = Workspace::create(&path, &settings)?;
//! let commit = workspace.write(Instant::now(), |batch| {
//!     batch.add_field(&FieldInput::new("age", FieldType::Number))?;
//!     batch.put(ContactPatch::new().name("Ann Uwase").urn("tel:+250788123123")?.field("age", "17"))?;
//!     batch.put(ContactPatch::new().name("Bob Smith").urn("tel:+250788123124")?.field("age", "36"))
//! })?;
//! assert_eq!(commit.counts.created, 2);
//! # Ok::<(), headcount::Error>(())
//! ```
//!
//! # A search
//!
//! A [`Reader`](crate::Reader) is one consistent moment that holds nobody up. Open one for each request, and let it go.
//!
//! ```
//! use headcount::{Dialect, Instant, PageRequest, Workspace};
//! # use headcount::{ContactPatch, Settings};
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("store");
//! # let workspace = Workspace::create(&path, &Settings::default())?;
//! # for (name, urn) in [("Cy", "tel:+1"), ("Ann", "tel:+2"), ("Bob", "tel:+3")] {
//! #     workspace.write(Instant::now(), |batch| batch.put(ContactPatch::new().name(name).urn(urn)?))?;
//! # }
//!
//! let reader = workspace.reader(Instant::now())?;
//! assert_eq!(reader.count("tel != \"\"")?, 3);
//!
//! let query = reader.parse("tel != \"\"", Dialect::Extended)?.query;
//! let mut request = PageRequest { order: Some(reader.order("name")?), limit: Some(2), ..PageRequest::default() };
//! let mut names = Vec::new();
//! loop {
//!     let page = reader.page(&query, &request)?;
//!     for document in page.documents {
//!         names.extend(reader.contact(document)?.and_then(|contact| contact.name));
//!     }
//!     // A cursor goes on where the page ended, in this reader or in another one.
//!     request.after = page.next;
//!     if request.after.is_none() {
//!         break;
//!     }
//! }
//! assert_eq!(names, ["Ann".into(), "Bob".into(), "Cy".into()]);
//! # Ok::<(), headcount::Error>(())
//! ```
//!
//! # Queries from a form
//!
//! What people type stays a value, whatever it says: queries are built, not glued.
//!
//! ```
//! use headcount::{field, scheme};
//!
//! let typed = "Kigali\" OR name != \"";
//! let query = field("city").equals(typed) & field("age").between(18, 25) & scheme("tel").is_set();
//! assert_eq!(
//!     query.to_string(),
//!     r#"fields.city = "Kigali\" OR name != \"" AND fields.age = 18..25 AND urns.tel != """#
//! );
//! ```
//!
//! # A smart group
//!
//! A saved query whose members are exact at every moment: after each change, and as time passes.
//!
//! ```
//! use headcount::{ContactPatch, Dialect, Instant, Workspace};
//! # use headcount::Settings;
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("store");
//! # let workspace = Workspace::create(&path, &Settings::default())?;
//!
//! let now = Instant::now();
//! let commit = workspace.write(now, |batch| {
//!     batch.put(ContactPatch::new().name("Ann").urn("tel:+250788123123")?.last_seen_on(now))?;
//!     batch.create_group("Active lately", Some("last_seen_on > -30d"), Dialect::Extended)
//! })?;
//! let group = commit.value;
//! assert_eq!(workspace.reader(now)?.group(group)?.count, 1);
//!
//! // Whoever reads later sees her leave, though nothing was written.
//! let later = Instant::from_micros(now.micros() + 40 * 86_400_000_000);
//! assert_eq!(workspace.reader(later)?.group(group)?.count, 0);
//! // A tick, or any batch, records the move at the moment at which it was due.
//! workspace.tick(later)?;
//! # Ok::<(), headcount::Error>(())
//! ```
//!
//! # A change
//!
//! A stream of changes can be sent again from any place: a change whose place was seen does nothing.
//!
//! ```
//! use headcount::{Change, ContactRef, Event, Instant, Workspace};
//! # use headcount::{ContactPatch, FieldInput, FieldType, Settings};
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("store");
//! # let workspace = Workspace::create(&path, &Settings::default())?;
//! # workspace.write(Instant::now(), |batch| {
//! #     batch.add_field(&FieldInput::new("age", FieldType::Number))?;
//! #     batch.put(ContactPatch::new().urn("tel:+250788123123")?)
//! # })?;
//!
//! let ann: ContactRef = "tel:+250788123123".parse()?;
//! for _ in 0..2 {
//!     let commit = workspace.write(Instant::now(), |batch| {
//!         batch.apply(Change::new(ann.clone(), Event::field("age", "18")).from_source("forms", 1))
//!     })?;
//!     println!("{} contacts changed", commit.counts.changed);
//! }
//! # Ok::<(), headcount::Error>(())
//! ```
//!
//! # When something is refused
//!
//! A contact or a change that cannot be applied is an error that says so. It had no effect, and the batch goes on;
//! return the error from the batch, and nothing of the batch is kept.
//!
//! ```
//! use headcount::{ContactPatch, Instant, Workspace};
//! # use headcount::Settings;
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("store");
//! # let workspace = Workspace::create(&path, &Settings::default())?;
//!
//! let commit = workspace.write(Instant::now(), |batch| {
//!     let mut refused = Vec::new();
//!     for urn in ["tel:+250788123123", "mailto:ann@example.com"] {
//!         batch.put(ContactPatch::new().urn(urn)?)?;
//!     }
//!     let both = ContactPatch::new().urn("tel:+250788123123")?.urn("mailto:ann@example.com")?;
//!     match batch.put(both) {
//!         Err(error) if error.is_rejected() => refused.push(error.to_string()),
//!         put => put?,
//!     }
//!     Ok(refused)
//! })?;
//! assert!(commit.value[0].starts_with("the address mailto:ann@example.com belongs to contact"));
//! assert_eq!(commit.counts.created, 2);
//! # Ok::<(), headcount::Error>(())
//! ```
//!
//! # Following the log
//!
//! Every membership that changes is an entry of the log. Its number is the key: keep it where you keep what you made of
//! the entry, and go on from there after a restart.
//!
//! ```
//! use headcount::{ContactPatch, Dialect, Instant, Sequence, Workspace};
//! # use headcount::Settings;
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("store");
//! # let workspace = Workspace::create(&path, &Settings::default())?;
//! # let now = Instant::now();
//! # workspace.write(now, |batch| batch.create_group("Reachable", Some("tel != \"\""), Dialect::Extended))?;
//! # workspace.write(now, |batch| batch.put(ContactPatch::new().urn("tel:+250788123123")?))?;
//!
//! let mut place = Sequence(0);
//! let mut log = workspace.subscribe(place);
//! for entry in log.poll(now)? {
//!     for group in &entry.groups_added {
//!         println!("{} entered {} because of a {:?}", entry.contact, group.name, entry.cause);
//!     }
//!     place = entry.sequence;
//! }
//! assert_eq!(place, Sequence(1));
//! assert!(workspace.subscribe(place).poll(now)?.is_empty());
//! # Ok::<(), headcount::Error>(())
//! ```
//!
//! # Why
//!
//! Any membership, present or absent, with each clause, the value that it saw, and the smallest change that would let the
//! contact in.
//!
//! ```
//! use headcount::{ClauseKind, ContactRef, Instant, Workspace};
//! # use headcount::{ContactPatch, Dialect, FieldInput, FieldType, Settings};
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("store");
//! # let workspace = Workspace::create(&path, &Settings::default())?;
//! # workspace.write(Instant::now(), |batch| {
//! #     batch.add_field(&FieldInput::new("age", FieldType::Number))?;
//! #     batch.put(ContactPatch::new().urn("tel:+250788123123")?.field("age", "17"))?;
//! #     batch.create_group("Adults", Some("age >= 18"), Dialect::Extended)
//! # })?;
//!
//! let reader = workspace.reader(Instant::now())?;
//! let ann: ContactRef = "tel:+250788123123".parse()?;
//! if let Some(ann) = reader.find(&ann)? {
//!     let why = reader.why(ann, reader.group_named("Adults")?)?;
//!     assert!(!why.member);
//!     assert!(matches!(why.clauses.unwrap().kind, ClauseKind::Condition { saw, .. } if saw == ["17"]));
//!     println!("to let her in: {}", why.mend.unwrap_or_default().join("; "));
//! }
//! # Ok::<(), headcount::Error>(())
//! ```
//!
//! # A preview
//!
//! Who would enter and leave if a group had another query; nothing is changed.
//!
//! ```
//! use headcount::{Dialect, Instant, Workspace};
//! # use headcount::{ContactPatch, Settings};
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("store");
//! # let workspace = Workspace::create(&path, &Settings::default())?;
//! # workspace.write(Instant::now(), |batch| {
//! #     batch.put(ContactPatch::new().name("Ann").urn("tel:+250788123123")?)?;
//! #     batch.put(ContactPatch::new().name("Bob").urn("mailto:bob@example.com")?)?;
//! #     batch.create_group("Reachable", Some("tel != \"\""), Dialect::Extended)
//! # })?;
//!
//! let reader = workspace.reader(Instant::now())?;
//! let group = reader.group_named("Reachable")?;
//! let preview = reader.preview(group, "tel != \"\" OR mailto != \"\"", Dialect::Extended)?;
//! assert_eq!((preview.entered.len(), preview.left.len()), (1, 0));
//! # Ok::<(), headcount::Error>(())
//! ```
//!
//! # Files
//!
//! Contacts from JSON lines, an API's pages or CSV, whichever it is; each line gives a patch or says what is wrong.
//!
//! ```
//! use headcount::{ContactReader, Instant, Source, Workspace};
//! # use headcount::Settings;
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("store");
//! # let workspace = Workspace::create(&path, &Settings::default())?;
//!
//! let file = "UUID,Name,URN:tel\n,Ann,+250788123123\n7,Bob,+250788123124\n";
//! let environment = workspace.reader(Instant::now())?.environment().clone();
//! let lines = ContactReader::open(Source::from_reader("contacts.csv", file.as_bytes()), &environment)?;
//! let commit = workspace.write(Instant::now(), |batch| {
//!     let mut wrong = Vec::new();
//!     for (_, contact) in lines {
//!         match contact {
//!             Ok(contact) => batch.put(contact)?,
//!             Err(rejection) => wrong.push(rejection.to_string()),
//!         }
//!     }
//!     Ok(wrong)
//! })?;
//! assert!(commit.value[0].starts_with("line 3: `UUID`: `7` is not a uuid"));
//! # Ok::<(), headcount::Error>(())
//! ```
//!
//! # Backup and restore
//!
//! A backup is a store: it is made while others write, and opened like any other. To restore, put it in the place of
//! the one that was lost.
//!
//! ```
//! use headcount::{ContactPatch, Instant, Settings, Workspace};
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let (path, backup) = (folder.path().join("store"), folder.path().join("backup"));
//! let workspace = Workspace::create(&path, &Settings::default())?;
//! workspace.write(Instant::now(), |batch| batch.put(ContactPatch::new().urn("tel:+250788123123")?))?;
//! workspace.backup(&backup, false)?;
//! drop(workspace);
//! std::fs::remove_dir_all(&path)?;
//!
//! std::fs::rename(&backup, &path)?;
//! let restored = Workspace::open(&path)?;
//! assert_eq!(restored.reader(Instant::now())?.contacts(), 1);
//! assert!(restored.reader(Instant::now())?.check()?.is_sound());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
