//! The front door: every name at the root of the crate, each with an example. What a name is and does stands where it
//! is defined.

/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// use headcount::{Change, ContactRef, Event};
///
/// let bob: ContactRef = "tel:+250788123124".parse()?;
/// let commit = workspace.write(now, |batch| batch.apply(Change::new(bob, Event::field("age", "12"))))?;
/// assert_eq!(commit.counts.changed, 1);
/// // Somebody left a group, so the log grew.
/// assert!(commit.after > commit.before);
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::workspace::Commit;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// use headcount::{ContactCounts, ContactPatch};
///
/// let commit = workspace.write(now, |batch| batch.put(ContactPatch::new().urn("tel:+250788123125")?))?;
/// assert_eq!(commit.counts, ContactCounts { created: 1, changed: 0, deleted: 0 });
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::workspace::ContactCounts;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// use headcount::ContactPatch;
///
/// let patch = ContactPatch::new().urn("tel:+250788123125")?.field("shoe_size", "44");
/// let commit = workspace.write(now, |batch| batch.put(patch))?;
/// assert_eq!(commit.omissions.sentences(), ["left out 1 values of unknown fields: `shoe_size` 1 times"]);
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::workspace::Omissions;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// let reader = workspace.reader(now)?;
/// assert_eq!(reader.count("age > 30")?, 1);
/// assert_eq!(reader.group(reader.group_named("Adults")?)?.count, 1);
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::workspace::Reader;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// use headcount::{ContactPatch, Rejection};
///
/// workspace.write(now, |batch| {
///     let error = batch.put(ContactPatch::new().name("Nobody")).unwrap_err();
///     assert_eq!(error.rejection(), Some(&Rejection::NoIdentity));
///     Ok(())
/// })?;
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::workspace::Rejection;
pub use crate::workspace::Settings;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// use headcount::{ContactPatch, Workspace};
///
/// let same = Workspace::open(workspace.folder())?;
/// same.write(now, |batch| batch.put(ContactPatch::new().name("Cy").urn("tel:+250788123125")?))?;
/// assert_eq!(workspace.reader(now)?.contacts(), 3);
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::workspace::Workspace;
pub use crate::workspace::WorkspaceError as Error;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// use headcount::{ContactRef, Dialect};
///
/// let commit = workspace.write(now, |batch| {
///     let ann: ContactRef = "tel:+250788123123".parse()?;
///     assert!(batch.find(&ann)?.is_some());
///     batch.create_group("Young", Some("age < 25"), Dialect::Extended)
/// })?;
/// assert_eq!(workspace.reader(now)?.group(commit.value)?.name, "Young");
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::workspace::Writer as Batch;

/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// use headcount::{ContactRef, Status};
///
/// let reader = workspace.reader(now)?;
/// let ann: ContactRef = "tel:+250788123123".parse()?;
/// let contact = reader.contact(reader.find(&ann)?.unwrap())?.unwrap();
/// assert_eq!((contact.name.as_deref(), contact.status), (Some("Ann Uwase"), Status::Active));
/// let age = reader.schema().field("age").unwrap().id;
/// assert_eq!(&*contact.fields[&age].text, "17");
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::contact::Contact;
/// ```
/// use headcount::Status;
///
/// assert_eq!(Status::from_name("blocked"), Some(Status::Blocked));
/// assert_eq!(Status::Active.name(), "active");
/// ```
pub use crate::contact::Status;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// let reader = workspace.reader(now)?;
/// let first = reader.documents()?.next().unwrap()?;
/// assert_eq!(first, headcount::DocumentNumber(0));
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::ids::DocumentNumber;
/// ```
/// use headcount::Uuid;
///
/// let uuid = Uuid::parse("981bf246-8aff-4b76-b668-5e6bd6336027").unwrap();
/// assert_eq!(uuid.to_string(), "981bf246-8aff-4b76-b668-5e6bd6336027");
/// assert_ne!(Uuid::random(), Uuid::random());
/// ```
pub use crate::ids::Uuid;
pub use crate::value::Instant;
pub use crate::value::Urn;
pub use crate::workspace::Change;
pub use crate::workspace::ContactPatch;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// use headcount::{ContactRef, Urn};
///
/// let ann = ContactRef::from(Urn::parse("tel:+250788123123")?);
/// assert_eq!("tel:+250788123123".parse::<ContactRef>()?, ann);
/// assert!(workspace.reader(now)?.find(&ann)?.is_some());
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::workspace::ContactRef;
pub use crate::workspace::Delivery;
/// ```
/// use headcount::{Event, NamedRef, Status};
///
/// let events = [
///     Event::field("age", "18"),
///     Event::name("Ann"),
///     Event::Status(Status::Blocked),
///     Event::AddToGroups(vec![NamedRef::named("Volunteers")]),
///     Event::Deleted,
/// ];
/// assert_eq!(events[1], Event::Name(Some("Ann".into())));
/// ```
pub use crate::workspace::Event;
/// ```
/// use headcount::NamedRef;
///
/// assert_eq!(NamedRef::named("Volunteers").uuid, None);
/// ```
pub use crate::workspace::NamedRef;

/// ```
/// assert_eq!(headcount::Code::InvalidDate.as_str(), "invalid_date");
/// ```
pub use crate::diagnostic::Code;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// let error = workspace.reader(now)?.count("agee > 30").unwrap_err();
/// let diagnostic = error.query().unwrap().first();
/// assert_eq!((diagnostic.span.start, diagnostic.span.end), (0, 4));
/// assert!(diagnostic.help.as_ref().unwrap().contains("age"));
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::diagnostic::Diagnostic;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// let reader = workspace.reader(now)?;
/// let error = reader.count("agee > x").unwrap_err();
/// let errors = error.query().unwrap();
/// assert_eq!(errors.len(), 1);
/// assert_eq!(errors.to_json()["code"], "query:unknown_property");
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::diagnostic::Errors as QueryErrors;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// let reader = workspace.reader(now)?;
/// assert!(reader.order("-created_on")?.descending);
/// assert!(reader.order("agee").unwrap_err().to_string().ends_with("did you mean `age`?"));
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::exec::Order;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// let parsed = workspace.reader(now)?.parse("age > 30", headcount::Dialect::Extended)?;
/// assert!(parsed.query.dialect == headcount::Dialect::Extended);
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::language::Parsed;
/// ```
/// use headcount::{Dialect, Environment, Instant, Resolve, parse_with};
///
/// // Without a schema a query can be checked and printed, not answered.
/// let environment = Environment::utc(Instant::now());
/// assert!(parse_with("shoe_size > 40", Dialect::Extended, Resolve::Nothing, &environment).is_ok());
/// ```
pub use crate::language::Resolve;
/// ```
/// use headcount::{attribute, field, scheme, Attribute, Expression};
///
/// let adults = field("age").at_least(18);
/// let reachable = scheme("tel").is_set() & !attribute(Attribute::Status).equals("blocked");
/// let query: Expression = adults & reachable;
/// assert_eq!(query.to_string(), r#"fields.age >= 18 AND urns.tel != "" AND NOT status = "blocked""#);
/// ```
pub use crate::language::build::Expression;
/// ```
/// use headcount::{field, Operand};
///
/// assert_eq!(field("city").equals(Operand::from("18..25")).to_string(), r#"fields.city = "18..25""#);
/// assert_eq!(field("age").equals(18).to_string(), "fields.age = 18");
/// ```
pub use crate::language::build::Operand;
/// ```
/// use headcount::{field, Subject};
///
/// let age: Subject = field("age");
/// assert_eq!(age.clone().between(18, 25).to_string(), "fields.age = 18..25");
/// assert_eq!(age.is_unset().to_string(), "fields.age = \"\"");
/// ```
pub use crate::language::build::Subject;
/// ```
/// assert_eq!(headcount::attribute(headcount::Attribute::Language).equals("eng").to_string(), "language = \"eng\"");
/// ```
pub use crate::language::build::attribute;
/// ```
/// assert_eq!(headcount::field("age").at_least(18).to_string(), "fields.age >= 18");
/// ```
pub use crate::language::build::field;
/// ```
/// assert_eq!(headcount::scheme("tel").contains("0788").to_string(), "urns.tel ~ \"0788\"");
/// ```
pub use crate::language::build::scheme;
pub use crate::language::parse;
/// ```
/// use headcount::{Dialect, Environment, Instant, Resolve, Schema, parse_with};
///
/// let (schema, environment) = (Schema::new(), Environment::utc(Instant::now()));
/// assert!(parse_with("name ~ bob", Dialect::ContactQl, Resolve::Schema(&schema), &environment).is_ok());
/// ```
pub use crate::language::parse_with;
/// ```
/// use headcount::Attribute;
///
/// assert_eq!(Attribute::from_key("created_on"), Some(Attribute::CreatedOn));
/// ```
pub use crate::sema::attribute::Attribute;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// use headcount::Dialect;
///
/// let reader = workspace.reader(now)?;
/// assert!(reader.parse("age = 18..65", Dialect::Extended).is_ok());
/// assert!(reader.parse("age = 18..65", Dialect::ContactQl).is_err());
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::sema::query::Dialect;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// use headcount::Dialect;
///
/// let reader = workspace.reader(now)?;
/// let query = reader.parse("age>30 bob", Dialect::Extended)?.query;
/// assert_eq!(reader.canonical(&query), r#"fields.age > 30 AND name ~ "bob""#);
/// assert_eq!(reader.count_query(&query)?, 1);
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::sema::query::Query;
pub use crate::value::Decimal;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// use headcount::{Dialect, PageRequest};
///
/// let reader = workspace.reader(now)?;
/// let query = reader.parse("age > 30", Dialect::Extended)?.query;
/// let page = reader.page(&query, &PageRequest::default())?;
/// assert_eq!((page.query.as_str(), page.total, page.next), ("fields.age > 30", 1, None));
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::workspace::Page;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// use headcount::{Dialect, PageRequest};
///
/// let reader = workspace.reader(now)?;
/// let query = reader.parse("tel != \"\"", Dialect::Extended)?.query;
/// let oldest = PageRequest { order: Some(reader.order("-age")?), limit: Some(1), ..PageRequest::default() };
/// let page = reader.page(&query, &oldest)?;
/// assert_eq!((page.documents.len(), page.total), (1, 2));
/// let rest = reader.page(&query, &PageRequest { after: page.next, ..oldest })?;
/// assert!(rest.next.is_none());
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::workspace::PageRequest;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// use headcount::{Dialect, Purpose};
///
/// let reader = workspace.reader(now)?;
/// let parsed = reader.parse_and_lint("age > 30 AND age < 20", Dialect::Extended, Purpose::Search)?;
/// assert_eq!(parsed.warnings[0].code, headcount::Code::NeverHolds);
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::workspace::Purpose;

/// ```
/// use headcount::DateFormat;
///
/// assert_eq!(DateFormat::from_name("DD-MM-YYYY").map(DateFormat::name), Some("DD-MM-YYYY"));
/// ```
pub use crate::schema::DateFormat;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// use headcount::{Environment, Settings};
///
/// let settings = Settings { timezone: "Africa/Kigali".into(), ..Settings::default() };
/// let environment: Environment = settings.environment(now)?;
/// assert_eq!(environment.timezone.iana_name(), Some("Africa/Kigali"));
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::schema::Environment;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// use headcount::{Field, FieldType};
///
/// let reader = workspace.reader(now)?;
/// let age: &Field = reader.schema().field("age").unwrap();
/// assert_eq!(age.kind, FieldType::Number);
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::schema::Field;
/// ```
/// use headcount::FieldType;
///
/// assert_eq!(FieldType::from_name("datetime"), Some(FieldType::Datetime));
/// ```
pub use crate::schema::FieldType;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// let reader = workspace.reader(now)?;
/// let keys: Vec<&str> = reader.schema().fields().iter().map(|field| field.key.as_str()).collect();
/// assert_eq!(keys, ["age"]);
/// assert!(reader.schema().group("adults").is_some());
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::schema::Schema;
pub use crate::workspace::FieldInput;

/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// let reader = workspace.reader(now)?;
/// let adults: headcount::GroupId = reader.group_named("adults")?;
/// assert_eq!(reader.members(adults)?.len(), 1);
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::ids::GroupId;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// use headcount::Sequence;
///
/// assert!(workspace.reader(now)?.sequence() > Sequence(0));
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::ids::Sequence;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// let entry = &workspace.subscribe(headcount::Sequence(0)).poll(now)?[0];
/// assert_eq!(entry.cause, headcount::Cause::Change);
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::store::Cause;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// assert_eq!(workspace.reader(now)?.groups()?[0].status, headcount::GroupStatus::Ready);
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::store::GroupStatus;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// let groups = workspace.reader(now)?.groups()?;
/// let listed: Vec<(&str, u64)> = groups.iter().map(|group| (group.name.as_str(), group.count)).collect();
/// assert_eq!(listed, [("Volunteers", 1), ("Adults", 1)]);
/// assert_eq!(groups[1].query.as_deref(), Some("fields.age >= 18"));
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::workspace::GroupInfo as Group;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// use headcount::{LogFilter, Sequence};
///
/// let reader = workspace.reader(now)?;
/// let contact = Some(headcount::DocumentNumber(0));
/// let filter = LogFilter { contact, ..LogFilter::default() };
/// for entry in reader.events_since(Sequence(0), filter)? {
///     assert_eq!(entry?[0].groups_added[0].name, "Volunteers");
/// }
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::workspace::LogFilter;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// let mut log = workspace.subscribe(headcount::Sequence(0));
/// let moves: Vec<headcount::Membership> = log.poll(now)?;
/// let entered: Vec<&str> = moves.iter().flat_map(|entry| &entry.groups_added).map(|group| group.name.as_str()).collect();
/// assert_eq!(entered, ["Volunteers", "Adults"]);
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::workspace::MembershipEvent as Membership;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// let entry = &workspace.subscribe(headcount::Sequence(0)).poll(now)?[0];
/// let group: &headcount::NamedGroup = &entry.groups_added[0];
/// assert_eq!(group.name, "Volunteers");
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::workspace::NamedGroup;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// use headcount::Override;
///
/// let adults = workspace.reader(now)?.group_named("Adults")?;
/// let ann = workspace.reader(now)?.matches("name ~ ann")?;
/// workspace.write_by_hand(now, |batch| batch.override_members(adults, &ann, Some(Override::Pinned)))?;
/// assert_eq!(workspace.reader(now)?.members(adults)?.len(), 2);
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::workspace::Override;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// use headcount::Dialect;
///
/// let reader = workspace.reader(now)?;
/// let preview = reader.preview(reader.group_named("Adults")?, "age >= 16", Dialect::Extended)?;
/// assert_eq!((preview.entered.len(), preview.left.len()), (1, 0));
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::workspace::Preview;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// use headcount::{LogFilter, Sequence};
///
/// let group = Some(workspace.reader(now)?.group_named("Adults")?);
/// let mut log = workspace.subscribe(Sequence(0)).filtered(LogFilter { group, ..LogFilter::default() });
/// assert_eq!(log.poll(now)?.len(), 1);
/// // From here on after a restart.
/// let place: Sequence = log.position();
/// assert!(workspace.subscribe(place).poll(now)?.is_empty());
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::workspace::Subscription;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// let reader = workspace.reader(now)?;
/// let why = reader.why(headcount::DocumentNumber(1), reader.group_named("Adults")?)?;
/// assert!(why.clauses.unwrap().holds);
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::workspace::why::Clause;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// use headcount::ClauseKind;
///
/// let reader = workspace.reader(now)?;
/// let why = reader.why(headcount::DocumentNumber(1), reader.group_named("Adults")?)?;
/// let ClauseKind::Condition { text, saw, .. } = why.clauses.unwrap().kind else { panic!("one condition") };
/// assert_eq!((text.as_str(), saw), ("fields.age >= 18", vec!["36".to_owned()]));
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::workspace::why::ClauseKind;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// let reader = workspace.reader(now)?;
/// let last = reader.last_change(headcount::DocumentNumber(1), reader.group_named("Adults")?)?;
/// assert!(last.unwrap().entered);
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::workspace::why::LastChange;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// let reader = workspace.reader(now)?;
/// let why = reader.why(headcount::DocumentNumber(0), reader.group_named("Adults")?)?;
/// assert!(!why.member);
/// assert_eq!(why.mend.unwrap(), [r#"set fields.age to "18""#]);
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::workspace::why::Why;
/// Sets of contacts by [`DocumentNumber`], as searches and groups give them.
///
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// let reader = workspace.reader(now)?;
/// let adults = reader.members(reader.group_named("Adults")?)?;
/// let volunteers = reader.members(reader.group_named("Volunteers")?)?;
/// assert_eq!((adults | volunteers).len(), 2);
/// # Ok::<(), headcount::Error>(())
/// ```
pub use roaring::RoaringBitmap;

/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// use headcount::Audience;
///
/// let reader = workspace.reader(now)?;
/// let group = reader.group_named("Volunteers")?;
/// let audience = Audience { groups: vec![group], not_seen_since: Some(90), ..Audience::default() };
/// let query = audience.to_query(reader.schema()).unwrap();
/// assert_eq!(reader.canonical(&query), r#"group = "Volunteers" AND status = "active" AND last_seen_on > -90d"#);
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::audience::Audience;
pub use crate::import::ChangeReader;
pub use crate::import::ContactReader;
/// ```
/// use headcount::{ChangeReader, Source};
///
/// let error = ChangeReader::open(Source::from_reader("changes.jsonl", &b""[..])).unwrap_err();
/// assert!(error.is_empty());
/// assert_eq!(error.to_string(), "changes.jsonl: the file is empty");
/// ```
pub use crate::import::ImportError;
/// ```
/// assert_eq!(headcount::LineNumber(7).to_string(), "7");
/// ```
pub use crate::import::LineNumber;
/// ```
/// use headcount::{ChangeReader, Source};
///
/// let mut changes = ChangeReader::open(Source::from_reader("changes.jsonl", &b"{}\n"[..]))?;
/// let (line, change) = changes.next().unwrap();
/// let rejected: headcount::RejectedLine = change.unwrap_err();
/// assert_eq!((line.0, rejected.line), (1, line));
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::import::Rejection as RejectedLine;
/// ```
/// use headcount::{ContactReader, Environment, Instant, Source};
///
/// let source = Source::from_reader("request", r#"{"name": "Ann", "urns": ["tel:+250788123123"]}"#.as_bytes());
/// let contacts = ContactReader::open(source, &Environment::utc(Instant::now()))?;
/// assert_eq!(contacts.filter(|(_, contact)| contact.is_ok()).count(), 1);
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::import::Source;

/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// let report = workspace.reader(now)?.check()?;
/// assert!(report.is_sound() && report.contacts == 2);
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::workspace::CheckReport;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// for finding in workspace.reader(now)?.check()?.findings {
///     println!("{finding}; it can be built again from the contacts: {}", finding.repairable);
/// }
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::workspace::Finding;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// let path = workspace.folder().to_owned();
/// drop(workspace);
/// let repaired: headcount::Repaired = headcount::Workspace::repair(&path, now)?;
/// // Nothing was wrong, so nothing was written anew.
/// assert!(repaired.before.is_sound() && repaired.after.is_sound() && repaired.kept.is_none());
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::workspace::Repaired;
/// ```
/// # let (_folder, workspace, now) = headcount::internals::example::workspace()?;
/// let stats = workspace.reader(now)?.stats()?;
/// assert_eq!((stats.contacts, stats.urns, stats.groups), (2, 2, 2));
/// # Ok::<(), headcount::Error>(())
/// ```
pub use crate::workspace::Stats;
