//! The cost of one condition over one contact, by the definition and by the plan, and of making a plan.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "../tests/support/corpus.rs"]
#[allow(dead_code)]
mod corpus;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use headcount::internals::model::{Context, matches};
use headcount::internals::plan::logical::lower;

const CONDITIONS: [(&str, &str); 9] = [
    ("number", "age > 30"),
    ("text", "gender = F"),
    ("date", "dob < 1990-01-01"),
    ("place", "district = Gasabo"),
    ("name words", "name ~ ann"),
    ("urn part", "tel ~ 0788"),
    ("status", "status = active"),
    ("group", "group = Testers"),
    ("unset", "language = \"\""),
];

fn conditions(criterion: &mut Criterion) {
    let schema = corpus::schema();
    let environment = &corpus::environments()["rw"];
    let contacts = corpus::contacts(&schema, environment);
    let (zone, now) = (&environment.timezone, environment.now);
    let mut group = criterion.benchmark_group("one condition, one contact");
    group.throughput(Throughput::Elements(contacts.len() as u64));
    for (name, text) in CONDITIONS {
        let query = corpus::parse(text, &schema, environment);
        let plan = lower(&query, zone);
        group.bench_function(BenchmarkId::new("definition", name), |bencher| {
            bencher.iter(|| {
                contacts.iter().filter(|c| matches(&query, *c, &Context { zone, now, memberships: &c.groups })).count()
            });
        });
        group.bench_function(BenchmarkId::new("plan", name), |bencher| {
            bencher.iter(|| {
                contacts.iter().filter(|c| plan.evaluate(*c, &Context { zone, now, memberships: &c.groups })).count()
            });
        });
    }
    group.finish();
}

fn plans(criterion: &mut Criterion) {
    let schema = corpus::schema();
    let environment = &corpus::environments()["rw"];
    let many = |joint: &str, condition: fn(usize) -> String| -> String {
        (0..250).map(condition).collect::<Vec<_>>().join(joint)
    };
    let texts = [
        ("1 condition", "age > 30".to_owned()),
        ("4 conditions", "gender = F AND age > 30 AND (state = Kigali OR city = Kigali)".to_owned()),
        ("250 equalities", many(" OR ", |at| format!("city = c{at}"))),
        (
            "125 pairs",
            many(" OR ", |at| format!("(city = c{at} AND age > {at})"))[..]
                .split(" OR ")
                .take(125)
                .collect::<Vec<_>>()
                .join(" OR "),
        ),
    ];
    let mut group = criterion.benchmark_group("logical plan");
    for (name, text) in texts {
        let query = corpus::parse(&text, &schema, environment);
        group.bench_function(name, |bencher| bencher.iter(|| lower(&query, &environment.timezone)));
    }
    group.finish();
}

criterion_group!(benches, conditions, plans);
criterion_main!(benches);
