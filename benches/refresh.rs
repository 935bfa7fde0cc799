//! Changed contacts against all groups: groups × size of batch × kind of change, filling, the clock, and the plain
//! evaluator on the same changes. `HEADCOUNT_BENCH_CONTACTS` sets the number of changed contacts (131,072 unless given).
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use headcount::internals::contact::{Contact, ContactView, Status};
use headcount::internals::ids::{BLOCK_SIZE, Block, DocumentNumber, GroupId};
use headcount::internals::model::{Context, matches};
use headcount::internals::plan::logical::lower;
use headcount::internals::refresh::{Engine, Moment, NoMemberships, Outcome, RowChange, Table};
use headcount::internals::sema::query::Query;
use headcount::internals::value::Instant;

#[path = "refresh_data/mod.rs"]
mod data;

use data::{Kind, changes, groups, now};

const GROUPS: [usize; 2] = [1_000, 10_000];

fn contacts() -> usize {
    let given = std::env::var("HEADCOUNT_BENCH_CONTACTS").ok();
    given.and_then(|count| count.parse().ok()).unwrap_or(1 << 17)
}

fn moment() -> Moment {
    Moment::new(now(), jiff::tz::TimeZone::get("Africa/Kigali").expect("a zone"))
}

fn engine(queries: &[(GroupId, Query)]) -> Engine {
    let plans = queries.iter().map(|(group, query)| (*group, lower(query, moment().timezone())));
    Engine::new(Table::build(plans).expect("an order"), moment())
}

/// The smart groups of a contact by the evaluator of one query over one contact, group after group.
fn plain(queries: &[(GroupId, Query)], contact: Option<&Contact>, moment: &Moment) -> BTreeSet<GroupId> {
    let Some(contact) = contact.filter(|contact| contact.status == Status::Active) else { return BTreeSet::new() };
    let mut members: BTreeSet<GroupId> = contact.groups().collect();
    for (group, query) in queries {
        let context = Context { zone: moment.timezone(), now: moment.now(), memberships: &members };
        if matches(query, contact, &context) {
            members.insert(*group);
        }
    }
    members
}

/// The two must agree, or the comparison is worth nothing.
fn check(queries: &[(GroupId, Query)], changes: &[RowChange<Contact>], outcome: &Outcome) {
    let mut moves = BTreeSet::new();
    for change in changes {
        let was = plain(queries, change.before.as_ref(), &moment());
        let is = plain(queries, change.after.as_ref(), &moment());
        let smart = was.symmetric_difference(&is).filter(|group| group.0 < 1_000_000);
        moves.extend(smart.map(|group| (*group, change.document)));
    }
    let found = outcome.flips.iter().flat_map(|f| f.entered.iter().chain(&f.left).map(|document| (f.group, *document)));
    assert_eq!(found.collect::<BTreeSet<_>>(), moves);
}

fn apply(criterion: &mut Criterion) {
    for count in GROUPS {
        let queries = groups(count, 1);
        let engine = engine(&queries);
        eprintln!("{:?}", engine.table().size());
        for kind in Kind::ALL {
            let mut group = criterion.benchmark_group(format!("apply/{kind:?}"));
            let sample = changes(kind, 300, 2);
            check(&queries, &sample, &engine.apply(&sample));
            let all = changes(kind, contacts(), 3);
            eprintln!("{kind:?} {count}: {:?}", engine.apply(&all).counters);
            group.throughput(Throughput::Elements(all.len() as u64)).sample_size(10);
            group.bench_with_input(BenchmarkId::from_parameter(count), &all, |bencher, all| {
                bencher.iter(|| black_box(engine.apply(all)));
            });
        }
    }
}

/// Groups × kind of change × batch size.
fn sizes(criterion: &mut Criterion) {
    for count in GROUPS {
        let engine = engine(&groups(count, 1));
        for kind in Kind::ALL {
            let all = changes(kind, 4096, 4);
            let mut group = criterion.benchmark_group(format!("batch/{count}/{kind:?}"));
            for size in [1, 8, 64, 512, 4096] {
                group.throughput(Throughput::Elements(all.len() as u64)).sample_size(10);
                group.bench_with_input(BenchmarkId::from_parameter(size), &all, |bencher, all| {
                    bencher.iter(|| all.chunks(size).for_each(|batch| drop(black_box(engine.apply(batch)))));
                });
            }
        }
    }
}

fn evaluator(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plain");
    let few = changes(Kind::Mixed, 64, 4);
    for count in GROUPS {
        let queries = groups(count, 1);
        let moment = moment();
        group.throughput(Throughput::Elements(few.len() as u64)).sample_size(10);
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(|| {
                for change in &few {
                    black_box(plain(&queries, change.before.as_ref(), &moment));
                    black_box(plain(&queries, change.after.as_ref(), &moment));
                }
            });
        });
    }
}

fn fill(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fill");
    let mut dice = data::Dice::new(5);
    let rows: Vec<Contact> = (0..contacts()).map(|_| data::contact(&mut dice)).collect();
    let blocks: Vec<Block> = (0..rows.len().div_ceil(BLOCK_SIZE)).map(|block| Block(block as u16)).collect();
    let of_block = |block: Block| {
        let from = usize::from(block.0) * BLOCK_SIZE;
        let rows = &rows[from..(from + BLOCK_SIZE).min(rows.len())];
        rows.iter().enumerate().map(move |(at, row)| (DocumentNumber((from + at) as u32), row))
    };
    for count in [1, 1_000, 10_000] {
        let engine = engine(&groups(count, 1));
        group.throughput(Throughput::Elements(rows.len() as u64)).sample_size(10);
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(|| black_box(engine.fill(&blocks, of_block, &NoMemberships)));
        });
    }
}

/// A day of the clock: what flips among all contacts, by the groups that look at relative dates.
fn clock(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("clock");
    let mut dice = data::Dice::new(6);
    let rows: Vec<(DocumentNumber, Contact)> =
        (0..contacts() / 8).map(|at| (DocumentNumber(at as u32), data::contact(&mut dice))).collect();
    let rows: Vec<(DocumentNumber, &Contact)> = rows.iter().map(|(document, row)| (*document, row)).collect();
    for count in GROUPS {
        let engine = engine(&groups(count, 1));
        let tomorrow = Instant::from_micros(now().micros() + 86_400_000_000);
        let instants = engine.advance(tomorrow, &rows, &NoMemberships);
        let flips: usize = instants.iter().flat_map(|at| &at.flips).map(|f| f.entered.len() + f.left.len()).sum();
        eprintln!("a day for {} contacts and {count} groups: {} instants, {flips} flips", rows.len(), instants.len());
        group.throughput(Throughput::Elements(rows.len() as u64)).sample_size(10);
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(|| black_box(engine.advance(tomorrow, &rows, &NoMemberships)));
        });
    }
}

fn build(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("table");
    for count in GROUPS {
        let plans: Vec<_> =
            groups(count, 1).iter().map(|(group, query)| (*group, lower(query, moment().timezone()))).collect();
        let table = Table::build(plans.clone()).expect("an order");
        let (last, plan) = plans.last().expect("groups").clone();
        group.sample_size(10).bench_function(BenchmarkId::new("edit", count), |bencher| {
            bencher.iter(|| black_box(table.with(last, plan.clone())));
        });
        let mut engine = Engine::new(table, moment());
        group.bench_function(BenchmarkId::new("set_now", count), |bencher| {
            bencher.iter(|| engine.set_now(moment()));
        });
    }
}

criterion_group!(benches, apply, sizes, evaluator, fill, clock, build);
criterion_main!(benches);
