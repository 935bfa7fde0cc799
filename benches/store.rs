//! Rows, commits and memberships. `HEADCOUNT_BENCH_CONTACTS` sets the size of the store (100,000 unless told).

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant as Stopwatch};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use headcount::internals::contact::{Contact, FieldValue, TypedValue};
use headcount::internals::ids::{DocumentNumber, FieldId, GroupId, Uuid};
use headcount::internals::store::container::{Container, each, encode_words, set, zeros};
use headcount::internals::store::{Cause, Moves, RowView, Settings, Store, row};
use headcount::internals::value::{Decimal, Instant, Urn};

/// Rows, or flips, of one large commit.
const BATCH: usize = 65_536;
const GROUPS: u32 = 1_000;
/// Flips in each group by such a commit.
const FLIPS: usize = 130;

/// xorshift: the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    /// Different documents below a limit, ascending.
    fn documents(&mut self, count: usize, limit: u64) -> Vec<u32> {
        let mut documents: Vec<u32> = (0..count).map(|_| self.below(limit) as u32).collect();
        documents.sort_unstable();
        documents.dedup();
        documents
    }
}

/// A contact such as a programme has: a name, a phone, a dozen fields. Its row has some 250 bytes.
fn contact(number: u64, random: &mut Random) -> Contact {
    let mut uuid = [0; 16];
    uuid[..8].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    let mut contact = Contact::new(Uuid(uuid), Instant::from_micros(number as i64));
    contact.name = Some(format!("Uwimana {}", random.below(10_000)).into());
    contact.language = Some("kin".into());
    contact.urns = vec![Urn::from_parts("tel", &format!("+25078{number:07}"))];
    contact.last_seen_on = Some(Instant::from_micros(random.below(1 << 50) as i64));
    for field in 0..4 {
        let text = random.below(100).to_string();
        let typed = TypedValue::Number(Decimal::parse(&text).unwrap());
        contact.fields.insert(FieldId(field), FieldValue { text: text.into(), typed });
    }
    for field in 4..10 {
        let text = ["maize", "beans", "Kigali", "yes"][random.below(4) as usize];
        contact.fields.insert(FieldId(field), FieldValue { text: text.into(), typed: TypedValue::Text });
    }
    let joined = Instant::from_micros(random.below(1 << 50) as i64);
    let value = FieldValue { text: joined.to_string().into(), typed: TypedValue::Instant(joined) };
    contact.fields.insert(FieldId(10), value);
    contact
}

fn contacts_of_store() -> u64 {
    std::env::var("HEADCOUNT_BENCH_CONTACTS").ok().and_then(|count| count.parse().ok()).unwrap_or(100_000)
}

fn new_store(path: &Path, contacts: u64) -> Store {
    let store = Store::create(path, &Settings::default(), Instant::default()).unwrap();
    let mut random = Random(7);
    let mut bytes = Vec::new();
    for first in (0..contacts).step_by(BATCH) {
        let mut transaction = store.write().unwrap();
        for number in first..contacts.min(first + BATCH as u64) {
            let document = transaction.next_document().unwrap();
            bytes.clear();
            row::encode(document, &contact(number, &mut random), &mut bytes);
            transaction.insert_row(document, &bytes).unwrap();
        }
        transaction.commit().unwrap();
    }
    store
}

fn rows(criterion: &mut Criterion) {
    let mut random = Random(1);
    let contact = contact(5, &mut random);
    let document = DocumentNumber(5);
    let mut bytes = Vec::new();
    row::encode(document, &contact, &mut bytes);
    let mut group = criterion.benchmark_group("row");
    group.bench_function(format!("encode {} bytes", bytes.len()), |bencher| {
        let mut out = Vec::new();
        bencher.iter(|| {
            out.clear();
            row::encode(document, black_box(&contact), &mut out);
        });
    });
    group.bench_function("open, verified", |bencher| bencher.iter(|| RowView::open(document, black_box(&bytes))));
    group
        .bench_function("open, trusted", |bencher| bencher.iter(|| RowView::open_trusted(document, black_box(&bytes))));
    let view = RowView::open(document, &bytes).unwrap();
    group.bench_function("name", |bencher| bencher.iter(|| black_box(&view).name()));
    for (what, field) in [("number", 2), ("text", 7), ("moment", 10), ("absent", 99)] {
        group.bench_function(format!("field, {what}"), |bencher| {
            bencher.iter(|| black_box(&view).field(FieldId(field)));
        });
    }
    group.finish();
}

fn containers(criterion: &mut Criterion) {
    let mut random = Random(2);
    let mut group = criterion.benchmark_group("container");
    for members in [600, 30_000] {
        let mut words = zeros();
        (0..members).for_each(|_| set(&mut words, random.below(65_536) as u16));
        let mut bytes = Vec::new();
        encode_words(1, b"key", &words, &mut bytes);
        group.bench_function(format!("encode {members}"), |bencher| {
            let mut out = Vec::new();
            bencher.iter(|| {
                out.clear();
                encode_words(1, b"key", black_box(&words), &mut out)
            });
        });
        group.bench_function(format!("open, verified {members}"), |bencher| {
            bencher.iter(|| Container::open(1, b"key", black_box(&bytes)));
        });
        let container = Container::open(1, b"key", &bytes).unwrap();
        group.bench_function(format!("into words {members}"), |bencher| {
            let mut words = zeros();
            bencher.iter(|| black_box(&container).union_into(&mut words));
        });
        group.bench_function(format!("each {members}"), |bencher| {
            bencher.iter(|| {
                let mut sum = 0u64;
                each(black_box(&words), |offset| sum += u64::from(offset));
                sum
            });
        });
    }
    group.finish();
}

fn commits(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let contacts = contacts_of_store();
    let store = new_store(&folder.path().join("store"), contacts);
    let mut random = Random(3);
    let mut group = criterion.benchmark_group("store");
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    group.bench_function("read", |bencher| bencher.iter(|| store.read().unwrap()));
    let snapshot = store.read().unwrap();
    group.bench_function("get a row", |bencher| {
        bencher.iter(|| snapshot.view().row(DocumentNumber(random.below(contacts) as u32)).unwrap().unwrap().status());
    });
    drop(snapshot);
    for count in [1, BATCH.min(contacts as usize)] {
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(format!("encode and commit {count} random rows"), |bencher| {
            bencher.iter_batched(
                || {
                    let documents = random.documents(count, contacts);
                    documents.into_iter().map(|document| (document, contact(document.into(), &mut random))).collect()
                },
                |changed: Vec<(u32, Contact)>| {
                    let mut transaction = store.write().unwrap();
                    let mut bytes = Vec::new();
                    for (document, contact) in &changed {
                        bytes.clear();
                        row::encode(DocumentNumber(*document), contact, &mut bytes);
                        transaction.replace_row(DocumentNumber(*document), &bytes).unwrap();
                    }
                    transaction.commit().unwrap();
                    changed
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn memberships(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let contacts = contacts_of_store();
    let store = Store::create(&folder.path().join("store"), &Settings::default(), Instant::default()).unwrap();
    let mut random = Random(4);
    // From one contact in a thousand to nearly all, as groups are.
    let started = Stopwatch::now();
    let mut members: Vec<Vec<bool>> = Vec::new();
    let mut transaction = store.write().unwrap();
    for group in 0..GROUPS {
        let share = 1 + random.below(1000) * random.below(1000) / 1000;
        let flags: Vec<bool> = (0..contacts).map(|_| random.below(1000) < share).collect();
        let bitmap = (0u32..).zip(&flags).filter(|(_, is)| **is).map(|(document, _)| document).collect();
        transaction.replace_members(GroupId(group), &bitmap).unwrap();
        members.push(flags);
        if group % 100 == 99 {
            transaction.commit().unwrap();
            transaction = store.write().unwrap();
        }
    }
    drop(transaction);
    eprintln!("{GROUPS} groups drawn and filled in {:?}", started.elapsed());

    let mut group = criterion.benchmark_group("members");
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    group.bench_function("of one group, as a bitmap", |bencher| {
        let snapshot = store.read().unwrap();
        bencher.iter(|| snapshot.view().members(GroupId(random.below(GROUPS.into()) as u32)).unwrap());
    });
    for flips in [1, FLIPS] {
        group.throughput(Throughput::Elements(u64::from(GROUPS) * flips as u64));
        group.bench_function(format!("commit {flips} flips in each of {GROUPS} groups, logged"), |bencher| {
            bencher.iter_batched(
                || {
                    let flip = |members: &mut Vec<bool>| {
                        let documents = random.documents(flips, contacts);
                        let flip = |&document: &u32| {
                            let member = &mut members[document as usize];
                            *member = !*member;
                            *member
                        };
                        documents.into_iter().partition(flip)
                    };
                    members.iter_mut().map(flip).collect()
                },
                |flips: Vec<(Vec<u32>, Vec<u32>)>| {
                    let moves: Vec<Moves<'_>> = (0u32..)
                        .zip(&flips)
                        .map(|(group, (entered, left))| Moves { group: GroupId(group), entered, left })
                        .collect();
                    let mut transaction = store.write().unwrap();
                    transaction.record_moves(Instant::now(), Cause::Change, &moves).unwrap();
                    transaction.commit().unwrap();
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, rows, containers, commits, memberships);
criterion_main!(benches);
