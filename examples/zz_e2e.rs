#![allow(missing_docs, clippy::unwrap_used)]
use headcount::generate::{Generator, Options};
use headcount::sema::query::Dialect;
use headcount::value::Instant;
use headcount::workspace::*;
use std::time::Instant as Clock;
#[global_allocator]
static A: mimalloc::MiMalloc = mimalloc::MiMalloc;
fn main() {
    let arg = |i: usize, d: u64| std::env::args().nth(i).and_then(|a| a.parse().ok()).unwrap_or(d);
    let (n, g, m) = (arg(1, 100_000), arg(2, 1000), arg(3, 100_000));
    let options = Options { contacts: n as _, groups: g as _, changes: m as _, ..Options::default() };
    let gen_ = Generator::new(&options).unwrap();
    let dir = std::path::PathBuf::from(std::env::args().nth(4).unwrap_or("/tmp/zz_e2e".into()));
    let _ = std::fs::remove_dir_all(&dir);
    let settings = Settings { timezone: "Africa/Kigali".into(), country: Some("RW".into()), ..Default::default() };
    let ws = Workspace::create(&dir, &settings).unwrap();
    let now = options.now;
    let schema = headcount::import::schema::read(headcount::import::Source::from_reader(
        "s",
        std::io::Cursor::new(gen_.schema_json().into_bytes()),
    ))
    .unwrap();
    ws.write(now, |b| b.import_schema(&schema.into())).unwrap();
    let patches: Vec<ContactPatch> = gen_.contacts().collect();
    let c0 = cpu();
    let t = Clock::now();
    for chunk in patches.chunks(65536) {
        ws.write(now, |b| {
            for part in chunk.chunks(16384) {
                if std::env::var("OLD").is_ok() {
                    for p in part {
                        b.put(p)?.unwrap();
                    }
                } else {
                    assert!(b.put_all(part)?.iter().all(|o| o.is_ok()));
                }
            }
            Ok(())
        })
        .unwrap();
    }
    let e = t.elapsed().as_secs_f64();
    println!("import {n}: {e:.2}s {:.2} us each cpu {}", e * 1e6 / n as f64, cpu() - c0);
    let c0 = cpu();
    let t = Clock::now();
    let r = ws.index().unwrap();
    println!("index: {:.2}s cpu {} {r:?}", t.elapsed().as_secs_f64(), cpu() - c0);
    let groups: Vec<GroupInput> =
        gen_.groups().into_iter().map(|g| GroupInput { uuid: None, name: g.name, query: Some(g.query) }).collect();
    let t = Clock::now();
    ws.write(now, |b| b.import_groups(&groups, Dialect::ContactQl)).unwrap();
    println!("groups {g}: {:.2}s", t.elapsed().as_secs_f64());
    if std::env::var("STOP").is_ok() {
        return;
    }
    let changes: Vec<Change> = gen_.changes().collect();
    let mut rejected = 0;
    let t = Clock::now();
    for chunk in changes.chunks(arg(5, 65536) as usize) {
        let c = ws
            .write(now, |b| {
                for part in chunk.chunks(32768) {
                    rejected += b.apply_all(part)?.iter().filter(|o| o.is_err()).count();
                }
                Ok(())
            })
            .unwrap();
        eprintln!("  commit {:?} {:.2}s", c.counts, t.elapsed().as_secs_f64());
    }
    let e = t.elapsed().as_secs_f64();
    println!("apply {m}: {e:.2}s {:.0}/s rejected {rejected}", m as f64 / e);
    let mut singles = Vec::new();
    for p in changes.iter().rev().take(200) {
        let t = Clock::now();
        let mut p = p.clone();
        p.source = None;
        ws.write(now, |b| {
            let _ = b.apply(&p)?;
            Ok(())
        })
        .unwrap();
        singles.push(t.elapsed().as_secs_f64() * 1e3);
    }
    singles.sort_by(f64::total_cmp);
    println!("single: median {:.2} ms", singles[singles.len() / 2]);
    let reader = ws.reader(now).unwrap();
    println!("{} contacts; file {} MB", reader.contacts(), reader.stats().unwrap().file_bytes >> 20);
    for q in [
        "gender = M AND age > 30",
        "name ~ ma",
        "tel ~ 8812",
        "created_on > 2024-01-01 AND NOT gender = F",
        "age = \"\"",
        "state = kigali OR plan = gold",
    ] {
        let mut ts = Vec::new();
        let mut c = 0;
        for _ in 0..15 {
            let t = Clock::now();
            c = reader.count(q).unwrap_or(0);
            ts.push(t.elapsed().as_secs_f64() * 1e3);
        }
        ts.sort_by(f64::total_cmp);
        println!("{q}: {c} in {:.3} ms", ts[7]);
    }
    for t in reader.stats().unwrap().tables {
        println!("{t:?}");
    }
}

fn cpu() -> i64 {
    let s = std::fs::read_to_string("/proc/self/stat").unwrap();
    let v: Vec<&str> = s.rsplit(')').next().unwrap().split_whitespace().collect();
    (v[11].parse::<i64>().unwrap() + v[12].parse::<i64>().unwrap()) * 10
}
