//! Parsing and resolving: one to four conditions, 250 conditions, and the parts of the way.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use headcount::internals::ids::{FieldId, GroupId, Uuid};
use headcount::internals::language::{self, Dialect, Resolve};
use headcount::internals::schema::{DateFormat, Environment, Field, FieldType, Group, Schema};
use headcount::internals::sema::codec;
use headcount::internals::sema::print::canonical;
use headcount::internals::value::Instant;

fn schema() -> Schema {
    let mut schema = Schema::new();
    let fields = [
        ("age", FieldType::Number),
        ("gender", FieldType::Text),
        ("dob", FieldType::Datetime),
        ("state", FieldType::State),
        ("score", FieldType::Number),
        ("plan", FieldType::Text),
    ];
    for (at, (key, kind)) in fields.into_iter().enumerate() {
        schema.put_field(Field { id: FieldId(at as u16), key: key.to_owned(), name: key.to_owned(), kind });
    }
    schema.put_group(Group { id: GroupId(0), uuid: Uuid([0; 16]), name: "Testers".to_owned(), smart: false });
    schema
}

fn environment() -> Environment {
    Environment {
        timezone: jiff::tz::TimeZone::get("Africa/Kigali").unwrap(),
        date_format: DateFormat::DayMonthYear,
        country: Some(*b"RW"),
        redact_urns: false,
        now: Instant::parse("2026-06-15T12:00:00Z").unwrap(),
    }
}

fn queries() -> Vec<(&'static str, String)> {
    let many = (0..250).map(|number| format!("age > {number}")).collect::<Vec<_>>().join(" OR ");
    vec![
        ("1 condition", "age > 30".to_owned()),
        ("2 conditions", "age > 30 AND gender = M".to_owned()),
        ("3 conditions", "age > 30 AND gender = M AND state = Kigali".to_owned()),
        ("4 conditions", "(age > 30 AND gender = M) OR (state = Kigali AND name ~ bob)".to_owned()),
        ("250 conditions", many),
        ("word", "bob".to_owned()),
        ("phone number", "0788 383 383".to_owned()),
        ("date", "dob > 28-05-1981".to_owned()),
        ("address", "tel = +250788383383".to_owned()),
        ("string with escapes", r#"plan = "gold \"plus\"""#.to_owned()),
    ]
}

fn parse(criterion: &mut Criterion) {
    let (schema, environment) = (schema(), environment());
    for dialect in [Dialect::ContactQl, Dialect::Extended] {
        let mut group = criterion.benchmark_group(format!("parse {}", dialect.name()));
        for (name, text) in queries() {
            group.bench_function(name, |bencher| {
                bencher.iter(|| {
                    language::parse_with(black_box(&text), dialect, Resolve::Schema(&schema), &environment).unwrap()
                });
            });
        }
        group.finish();
    }
}

fn refuse(criterion: &mut Criterion) {
    let (schema, environment) = (schema(), environment());
    let mut group = criterion.benchmark_group("refuse");
    let brackets = "(".repeat(10_000_000);
    for (name, text) in [("10 MB of brackets", brackets.as_str()), ("unknown property", "agee > 30")] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| language::parse(black_box(text), &schema, &environment).unwrap_err());
        });
    }
    group.finish();
}

fn print(criterion: &mut Criterion) {
    let (schema, environment) = (schema(), environment());
    let mut group = criterion.benchmark_group("print and save");
    let text = "(age > 30 AND gender = M) OR (state = Kigali AND name ~ bob)";
    let query = language::parse(text, &schema, &environment).unwrap();
    let saved = codec::encode(&query);
    group.bench_function("canonical", |bencher| bencher.iter(|| canonical(black_box(&query), &schema)));
    group.bench_function("encode", |bencher| bencher.iter(|| codec::encode(black_box(&query))));
    group.bench_function("decode", |bencher| bencher.iter(|| codec::decode(black_box(&saved)).unwrap()));
    group.finish();
}

criterion_group!(benches, parse, refuse, print);
criterion_main!(benches);
