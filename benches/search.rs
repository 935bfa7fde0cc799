//! Searches over generated contacts, and the layouts of a block beside each other.
//!
//! `HEADCOUNT_BENCH_CONTACTS` sets the number of contacts: 100,000 unless told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unsafe_code, missing_docs)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use headcount::internals::contact::{Contact, FieldValue, TypedValue};
use headcount::internals::exec::moments::Clock;
use headcount::internals::exec::{Groups, Order, Prepared, Rows, Search, Snapshot, SortProperty};
use headcount::internals::ids::{AtomId, BLOCK_SIZE, Block, DocumentNumber, FieldId, GroupId, Uuid};
use headcount::internals::index::bits::{self, Buffers, WORDS, Words};
use headcount::internals::index::block::BlockView;
use headcount::internals::index::build::{Entries, Grouped};
use headcount::internals::index::lookup::{KeySpan, Predicate, Probe};
use headcount::internals::index::property::Part;
use headcount::internals::index::{AttributeIndex, BlockPair, FieldKinds, IndexError, PropertyId, RowChange};
use headcount::internals::plan::atom::{
    Atom, Expr, LogicalPlan, NumberBound, NumberProperty, TextProperty, TimeBound, TimeProperty,
};
use headcount::internals::plan::physical::{Rules, choose};
use headcount::internals::schema::FieldType;
use headcount::internals::value::{Decimal, Instant, Urn};
use heed::types::Bytes;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const GENDER: FieldId = FieldId(0);
const AGE: FieldId = FieldId(1);
const DISTRICT: FieldId = FieldId(2);

/// A small generator: the same numbers for the same seed.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ mixed >> 31) % end
    }
}

fn word(number: u64) -> String {
    let mut draw = Draw(number);
    (0..2 + draw.below(3))
        .flat_map(|_| {
            let consonant = b"bcdfghjklmnprstvwz"[draw.below(18) as usize];
            [char::from(consonant), char::from(b"aeiou"[draw.below(5) as usize])]
        })
        .collect()
}

fn moment(draw: &mut Draw) -> Instant {
    Instant::from_micros(1_500_000_000_000_000 + draw.below(250_000_000_000_000) as i64)
}

fn contact(number: u32) -> Contact {
    let mut draw = Draw(u64::from(number) * 7919 + 1);
    let created = moment(&mut draw);
    let mut contact = Contact::new(Uuid(u128::from(draw.below(u64::MAX)).to_be_bytes()), created);
    contact.name = Some(format!("{} {}", word(draw.below(2_000)), word(draw.below(20_000))).into());
    contact.language = (draw.below(10) > 0).then(|| ["eng", "fra", "kin"][draw.below(3) as usize].into());
    contact.urns = vec![Urn::from_parts("tel", &format!("+25078{:07}", draw.below(10_000_000)))];
    contact.last_seen_on = (draw.below(5) > 0).then(|| moment(&mut draw));
    let text = |text: String| FieldValue { text: text.into(), typed: TypedValue::Text };
    contact.fields.insert(GENDER, text(["M", "F"][draw.below(2) as usize].to_owned()));
    if draw.below(10) > 0 {
        let age = Decimal::from(18 + draw.below(72) as i64);
        contact.fields.insert(AGE, FieldValue { text: age.to_string().into(), typed: TypedValue::Number(age) });
    }
    if draw.below(2) > 0 {
        contact.fields.insert(DISTRICT, text(format!("Rwanda > South > District {}", draw.below(400))));
    }
    contact
}

/// Rows that are made when they are asked for.
struct Generated;

impl Rows for Generated {
    type Found<'a> = ();
    type View<'a> = Contact;
    fn find(&self, _: DocumentNumber) -> Result<Option<()>, IndexError> {
        Ok(Some(()))
    }
    fn open<'a>(document: DocumentNumber, (): &()) -> Result<Contact, IndexError>
    where
        Self: 'a,
    {
        Ok(contact(document.0))
    }
    fn by_uuid(&self, _: Uuid) -> Result<Option<DocumentNumber>, IndexError> {
        Ok(None)
    }
}

impl Groups for Generated {
    fn members(&self, _: GroupId, _: Block, _: &mut Words) -> Result<(), IndexError> {
        Ok(())
    }
    fn members_of_any(&self, _: Block, _: &mut Words) -> Result<(), IndexError> {
        Ok(())
    }
}

fn text_in(property: TextProperty, texts: &[String]) -> Atom {
    let mut texts: Vec<Box<str>> = texts.iter().map(|text| text.as_str().into()).collect();
    texts.sort();
    Atom::TextIn(property, texts.into())
}

fn older_than(age: i64) -> Atom {
    let bound = NumberBound { value: Decimal::from(age), inclusive: false };
    Atom::NumberRange(NumberProperty::Field(AGE), Some(bound), None)
}

fn seen_since(day: i64) -> Atom {
    let bound = TimeBound::At(Instant::from_micros(1_500_000_000_000_000 + day * 86_400_000_000));
    Atom::TimeRange(TimeProperty::LastSeenOn, Some(bound), None)
}

/// Twenty places for the nth time.
fn districts(n: i64) -> Vec<String> {
    (0..20).map(|place| format!("district {}", (place * 19 + n) % 400)).collect()
}

/// What must hold the nth time that a search is run.
type Demand = fn(i64) -> Vec<(Atom, bool)>;

/// The atoms that must all hold, each as it is or negated, for the nth time that the search is run.
fn searches() -> Vec<(&'static str, Demand)> {
    vec![
        ("equality", |n| vec![(text_in(TextProperty::Field(GENDER), &[["m", "f"][n as usize % 2].to_owned()]), false)]),
        ("range of numbers", |n| vec![(older_than(25 + n % 30), false)]),
        ("range of moments", |n| vec![(seen_since(n * 37 % 2800), false)]),
        ("20 alternatives", |n| vec![(text_in(TextProperty::Place(DISTRICT), &districts(n)), false)]),
        ("whole name", |n| {
            let name = contact((n * 7919 % 100_000) as u32).name.unwrap_or_default();
            vec![(text_in(TextProperty::Name, &[name.to_lowercase()]), false)]
        }),
        ("whole address", |n| {
            let urn = contact((n * 7919 % 100_000) as u32).urns.remove(0);
            vec![(text_in(TextProperty::Urn, &[urn.path().to_owned()]), false)]
        }),
        ("equality and range", |n| {
            let gender = ["m", "f"][n as usize % 2].to_owned();
            vec![(text_in(TextProperty::Field(GENDER), &[gender]), false), (older_than(25 + n % 30), false)]
        }),
        ("date and not equality", |n| {
            let gender = text_in(TextProperty::Field(GENDER), &["m".to_owned()]);
            vec![(seen_since(n * 37 % 2800), false), (gender, true)]
        }),
        ("20 alternatives and range", |n| {
            let places = text_in(TextProperty::Place(DISTRICT), &districts(n));
            vec![(places, false), (older_than(25 + n % 30), false)]
        }),
        ("unset", |n| {
            let property = [TextProperty::Language, TextProperty::Field(DISTRICT)][n as usize % 2].clone();
            vec![(Atom::TextSet(property), true)]
        }),
        ("name prefix", |n| {
            vec![(Atom::NameWords(vec![["ba", "ka", "mi", "so", "te"][n as usize % 5].into()].into()), false)]
        }),
        ("phone substring", |n| {
            vec![(Atom::UrnContains(None, format!("{:06}", 123_457 * (n + 1) % 1_000_000).into()), false)]
        }),
        ("phone substring of 4 digits", |n| {
            vec![(Atom::UrnContains(None, format!("{:04}", 1_237 * (n + 1) % 10_000).into()), false)]
        }),
    ]
}

fn plan(leaves: Vec<(Atom, bool)>) -> LogicalPlan {
    let negations: Vec<bool> = leaves.iter().map(|(_, negated)| *negated).collect();
    let mut all: Vec<Expr> = negations
        .into_iter()
        .enumerate()
        .map(|(at, negated)| Expr::Atom { atom: AtomId(at as u32), negated })
        .collect();
    let root = if all.len() == 1 { all.remove(0) } else { Expr::All(all) };
    LogicalPlan { atoms: leaves.into_iter().map(|(atom, _)| atom).collect(), root }
}

fn search(criterion: &mut Criterion) {
    let count: u32 =
        std::env::var("HEADCOUNT_BENCH_CONTACTS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let folder = tempfile::tempdir().unwrap();
    // SAFETY: a fresh folder that nobody else maps.
    let env = unsafe { heed::EnvOpenOptions::new().map_size(1 << 38).max_dbs(1).open(folder.path()).unwrap() };
    let wtxn = env.write_txn().unwrap();
    let database = env
        .create_databases_and_commit(wtxn, |opener, wtxn| {
            let database = opener.create_database::<Bytes, Bytes>(wtxn, Some("index"))?;
            Ok::<_, heed::Error>(heed::CommitOrAbort::<_, ()>::Commit(database))
        })
        .unwrap()
        .unwrap_commit();
    let kinds: FieldKinds =
        [(GENDER, FieldType::Text), (AGE, FieldType::Number), (DISTRICT, FieldType::District)].into_iter().collect();
    let index = AttributeIndex::new(database, kinds);
    for start in (0..count).step_by(BLOCK_SIZE) {
        let changes: Vec<RowChange<Contact>> = (start..(start + BLOCK_SIZE as u32).min(count))
            .map(|number| RowChange { document: DocumentNumber(number), before: None, after: Some(contact(number)) })
            .collect();
        let mut wtxn = env.write_txn().unwrap();
        index.apply(&mut wtxn, &changes).unwrap();
        wtxn.commit().unwrap();
    }
    let rtxn = env.read_txn().unwrap();
    let clock = Clock { now: Instant::now(), timezone: jiff::tz::TimeZone::UTC };
    let snapshot = Snapshot { index: &index, rtxn: &rtxn, rows: &Generated, groups: &Generated, text: None, clock };

    let mut group = criterion.benchmark_group(format!("count of {count}"));
    for (name, leaves) in searches() {
        let mut turn = 0;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                turn += 1;
                let plan = plan(leaves(turn));
                let prepared = Prepared::new(&snapshot, &plan.atoms).unwrap();
                let physical = choose(&plan, &prepared, Rules::default());
                black_box(Search::new(&prepared, &physical).count().unwrap())
            });
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group(format!("first 50 of {count}"));
    let properties =
        [("age", SortProperty::Field(AGE)), ("last seen", SortProperty::LastSeenOn), ("name", SortProperty::Name)];
    for (name, property) in properties {
        group.bench_function(name, |bencher| {
            let plan = plan(vec![(text_in(TextProperty::Field(GENDER), &["m".to_owned()]), false)]);
            bencher.iter(|| {
                let prepared = Prepared::new(&snapshot, &plan.atoms).unwrap();
                let physical = choose(&plan, &prepared, Rules::default());
                let order = Order { property, descending: true };
                black_box(Search::new(&prepared, &physical).page(order, None, 0, 50).unwrap())
            });
        });
    }
    group.finish();
}

/// A range over one block: the same values as postings, as bit slices, and as a plain column of ranks.
fn layouts(criterion: &mut Criterion) {
    for (name, documents, width) in [
        ("dense narrow", 60_000, 72),
        ("dense wide", 60_000, 50_000),
        ("sparse narrow", 2_000, 72),
        ("sparse wide", 2_000, 50_000),
    ] {
        let mut draw = Draw(documents);
        let mut values = vec![None; BLOCK_SIZE];
        for _ in 0..documents {
            values[draw.below(BLOCK_SIZE as u64) as usize] = Some(draw.below(width) as u32);
        }
        let mut entries = Entries::default();
        for (offset, value) in values.iter().enumerate() {
            value.iter().for_each(|value| entries.push(offset as u16, &value.to_be_bytes()));
        }
        let key = PropertyId::Field(AGE).block_key(Block(0), Part::Base);
        let low = (width / 3) as u32;
        let above = Predicate::Spans(vec![KeySpan { low: low.to_be_bytes().to_vec(), high: None }]);
        let mut group = criterion.benchmark_group(format!("range of a {name} block"));
        for (layout, slices) in [("postings", None), ("slices", Some(0))] {
            let bytes = Grouped::from_entries(&entries).encode(&key, slices, &[]);
            let view = BlockView::parse(&key, &bytes).unwrap();
            let pair = BlockPair { block: Block(0), base: Some(view), delta: None };
            let mut buffers = Buffers::default();
            group.bench_function(layout, |bencher| {
                bencher.iter(|| {
                    let mut set = [0; WORDS];
                    Probe::new(&above, pair).fill(&mut set, &mut buffers);
                    black_box(bits::count(&set))
                });
            });
        }
        let column: Vec<u16> = values.iter().map(|value| value.map_or(0, |value| value as u16 + 1)).collect();
        group.bench_function("column", |bencher| {
            bencher.iter(|| {
                let mut set = [0; WORDS];
                for (word, codes) in set.iter_mut().zip(column.chunks_exact(64)) {
                    for (bit, code) in codes.iter().enumerate() {
                        *word |= u64::from(*code > low as u16) << bit;
                    }
                }
                black_box(bits::count(&set))
            });
        });
        group.finish();
    }
}

criterion_group!(benches, layouts, search);
criterion_main!(benches);
