//! Reading contacts: lines a second from each format.
//!
//! `RAYON_NUM_THREADS=1 cargo bench --bench import` tells what one core parses.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::io::Cursor;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use headcount::internals::generate::{Generator, Options};
use headcount::internals::import::{ChangeReader, ContactReader, Source};
use headcount::internals::schema::Environment;
use headcount::internals::value::Instant;

const CONTACTS: u64 = 20_000;

fn generator() -> Generator {
    Generator::new(&Options { contacts: CONTACTS, changes: CONTACTS, ..Options::default() }).unwrap()
}

/// The name, language, address and three fields of each contact as a sheet.
fn sheet(lines: &str) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["UUID", "Name", "URN:tel", "Field:age", "Field:gender", "Field:city"]).unwrap();
    for line in lines.lines() {
        let contact: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let urn = text(&contact["urns"][0]);
        let path = urn.strip_prefix("tel:").unwrap_or_default().to_owned();
        let fields = ["age", "gender", "city"].map(|key| text(&contact["fields"][key]));
        let cells = [text(&contact["uuid"]), text(&contact["name"]), path].into_iter().chain(fields);
        writer.write_record(cells).unwrap();
    }
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

fn import(criterion: &mut Criterion) {
    let environment = Environment::utc(Instant::now());
    let generator = generator();
    let (mut lines, mut changes) = (Vec::new(), Vec::new());
    generator.write_contacts(&mut lines).unwrap();
    generator.write_changes(&mut changes).unwrap();
    let lines = String::from_utf8(lines).unwrap();
    let page = format!("{{\"next\": null, \"results\": [{}]}}", lines.trim_end().replace('\n', ",\n"));
    let sheet = sheet(&lines);

    let mut group = criterion.benchmark_group("import");
    group.sample_size(20).throughput(Throughput::Elements(CONTACTS));
    for (name, text) in [("json-lines", &lines), ("page", &page), ("csv", &sheet)] {
        group.bench_with_input(BenchmarkId::new("contacts", name), text, |bench, text| {
            bench.iter(|| {
                let source = Source::from_reader(name, Cursor::new(text.clone()));
                ContactReader::open(source, &environment).unwrap().filter(|(_, contact)| contact.is_ok()).count()
            });
        });
    }
    group.bench_function("changes", |bench| {
        bench.iter(|| {
            let source = Source::from_reader("changes", Cursor::new(changes.clone()));
            ChangeReader::open(source).unwrap().filter(|(_, change)| change.is_ok()).count()
        });
    });
    group.finish();
}

criterion_group!(benches, import);
criterion_main!(benches);
