//! Whole workspaces on generated data: opening, searching, applying changes durably, ticking, filling.
//!
//! 20,000 contacts and 100 groups unless `HEADCOUNT_BENCH_CONTACTS` says otherwise.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use headcount::internals::generate::{Generator, Options};
use headcount::internals::import::{Source, schema};
use headcount::internals::sema::query::Dialect;
use headcount::internals::workspace::{
    Change, ContactRef, Event, GroupInput, PageRequest, Settings, Workspace, WorkspaceError,
};

fn contacts() -> u64 {
    std::env::var("HEADCOUNT_BENCH_CONTACTS").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000)
}

/// A workspace with generated contacts and groups, and changes of one field for each of its contacts in turn.
struct Subject {
    _folder: tempfile::TempDir,
    workspace: Workspace,
    options: Options,
    uuids: Vec<headcount::internals::ids::Uuid>,
    turn: usize,
}

impl Subject {
    fn new() -> Self {
        let options = Options { contacts: contacts(), groups: 100, changes: 0, ..Options::default() };
        let generator = Generator::new(&options).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::create(&folder.path().join("store"), &Settings::default()).unwrap();
        let fields = Source::from_reader("schema", std::io::Cursor::new(generator.schema_json().into_bytes()));
        let fields = schema::read(fields).unwrap();
        let groups: Vec<GroupInput> = generator
            .groups()
            .into_iter()
            .map(|group| GroupInput { uuid: None, name: group.name, query: Some(group.query) })
            .collect();
        let mut uuids = Vec::new();
        workspace
            .write(options.now, |batch| {
                batch.import_schema(&fields.into())?;
                for patch in generator.contacts() {
                    uuids.extend(patch.uuid);
                    batch.put(&patch)?;
                }
                batch.import_groups(&groups, Dialect::ContactQl)
            })
            .unwrap();
        workspace.index().unwrap();
        Subject { _folder: folder, workspace, options, uuids, turn: 0 }
    }

    /// The next changes: each gives another contact another age.
    fn changes(&mut self, count: usize) -> Vec<Change> {
        (0..count)
            .map(|_| {
                self.turn += 1;
                let age = (self.turn * 7 / self.uuids.len() + self.turn) % 90;
                Change {
                    contact: Some(ContactRef::Uuid(self.uuids[self.turn % self.uuids.len()])),
                    event: Event::Field { key: "age".into(), value: Some(age.to_string().into()) },
                    created_on: None,
                    source: None,
                }
            })
            .collect()
    }
}

fn searches(c: &mut Criterion) {
    let subject = Subject::new();
    let mut group = c.benchmark_group("query");
    let queries = [
        ("equality and range", "gender = F AND age > 30"),
        ("word of a name", "name ~ ma"),
        ("part of a phone number", "tel ~ 8812"),
        ("words of a text", "notes ~ clinic"),
        ("unset", "language = \"\""),
    ];
    for (name, query) in queries {
        group.bench_function(format!("count, {name}"), |b| {
            let reader = subject.workspace.reader(subject.options.now).unwrap();
            b.iter(|| reader.count(black_box(query)).unwrap());
        });
    }
    group.bench_function("first page by age", |b| {
        let reader = subject.workspace.reader(subject.options.now).unwrap();
        let parsed = reader.parse("gender = F", Dialect::Extended).unwrap();
        let request = PageRequest { order: Some(reader.order("-age").unwrap()), ..PageRequest::default() };
        b.iter(|| reader.page(&parsed.query, &request).unwrap());
    });
    group.bench_function("count from opening the store", |b| {
        let folder = subject.workspace.folder().to_owned();
        b.iter(|| {
            let workspace = Workspace::open(&folder).unwrap();
            workspace.reader(subject.options.now).unwrap().count("gender = F").unwrap()
        });
    });
    group.finish();
}

fn changes(c: &mut Criterion) {
    let mut subject = Subject::new();
    let mut group = c.benchmark_group("apply");
    group.sample_size(10);
    for count in [1, 1_000] {
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(format!("{count} changes in a durable commit"), |b| {
            b.iter_custom(|rounds| {
                let batches: Vec<Vec<Change>> = (0..rounds).map(|_| subject.changes(count)).collect();
                let start = std::time::Instant::now();
                for changes in &batches {
                    subject
                        .workspace
                        .write(subject.options.now, |batch| {
                            for change in changes {
                                batch.apply(change)?;
                            }
                            Ok(())
                        })
                        .unwrap();
                }
                start.elapsed()
            });
        });
    }
    group.finish();
}

/// A hundred groups filled and stored, and their log entry; nothing of it is kept.
fn fill(c: &mut Criterion) {
    let subject = Subject::new();
    let generator = Generator::new(&Options { groups: 100, ..subject.options.clone() }).unwrap();
    let groups = generator.groups().into_iter().enumerate();
    let groups: Vec<GroupInput> = groups
        .map(|(at, group)| GroupInput { uuid: None, name: format!("Filled {at}"), query: Some(group.query) })
        .collect();
    let mut group = c.benchmark_group("fill");
    group.sample_size(10).throughput(Throughput::Elements(groups.len() as u64));
    for (name, from) in [("by their queries", usize::MAX), ("by the engine", 1)] {
        subject.workspace.fill_by_engine_from(from);
        group.bench_function(name, |b| {
            b.iter(|| {
                let abandoned = subject.workspace.write(subject.options.now, |batch| {
                    batch.import_groups(&groups, Dialect::ContactQl)?;
                    Err::<(), _>(WorkspaceError::Abandoned)
                });
                assert!(abandoned.is_err());
            });
        });
    }
    group.finish();
}

criterion_group!(benches, searches, changes, fill);
criterion_main!(benches);
