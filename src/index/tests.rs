//! The attribute index against plain maps: writes, deltas, merges, damage.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::bits::{self, Buffers, WORDS};
use super::block::BlockView;
use super::build::{Entries, Grouped};
use super::lookup::{KeySpan, Predicate, Probe};
use super::property::{FieldKinds, Part, PropertyId, text_key};
use super::*;
use crate::contact::{Contact, FieldValue, TypedValue};
use crate::exec::tests::environment;
use crate::ids::{DocumentNumber, Uuid};
use crate::schema::FieldType;
use crate::value::{Decimal, Instant};

const AGE: FieldId = FieldId(7);
const CITY: FieldId = FieldId(8);

/// Values of documents of a block: narrow or wide, dense or sparse.
fn values() -> impl Strategy<Value = BTreeMap<u16, u32>> {
    (1u32..3000, 1usize..6000, any::<u64>()).prop_map(|(width, count, seed)| {
        let mut state = seed | 1;
        let mut next = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u32
        };
        (0..count).map(|_| (next() as u16, next() % width)).collect()
    })
}

fn block_of(values: &BTreeMap<u16, u32>, slices: Option<usize>) -> Vec<u8> {
    let mut entries = Entries::default();
    values.iter().for_each(|(offset, value)| entries.push(*offset, &value.to_be_bytes()));
    Grouped::from_entries(&entries).encode(&key(), slices, &[])
}

fn key() -> [u8; 6] {
    PropertyId::Field(AGE).block_key(Block(0), Part::Base)
}

fn spans(ranges: &[(u32, u32)]) -> Predicate {
    let mut spans: Vec<KeySpan> = ranges
        .iter()
        .map(|&(low, high)| KeySpan { low: low.to_be_bytes().to_vec(), high: Some(high.to_be_bytes().to_vec()) })
        .collect();
    spans.sort_by(|a, b| a.low.cmp(&b.low));
    Predicate::Spans(spans)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn every_layout_gives_the_same_documents(
        values in values(),
        ranges in proptest::collection::vec((0u32..3200, 0u32..3200), 1..12),
        picks in proptest::collection::btree_set(0u32..3000, 1..30),
    ) {
        let picked: Vec<Box<[u8]>> = picks.iter().map(|pick| pick.to_be_bytes()[..].into()).collect();
        for slices in [None, Some(0), Some(usize::MAX)] {
            let bytes = block_of(&values, slices);
            let base = BlockView::parse(&key(), &bytes).unwrap();
            base.verify().unwrap();
            prop_assert_eq!(base.present() as usize, values.len());
            let pair = BlockPair { block: Block(0), base: Some(base), delta: None };
            let mut buffers = Buffers::default();
            for predicate in [spans(&ranges), Predicate::Keys(picked.clone()), Predicate::Present] {
                let probe = Probe::new(&predicate, pair);
                let mut set = [0; WORDS];
                probe.fill(&mut set, &mut buffers);
                let mut found = Vec::new();
                bits::for_each(&set, |offset| { found.push(offset); true });
                let expected: Vec<u16> = values
                    .iter()
                    .filter(|(_, value)| predicate.contains(&value.to_be_bytes()))
                    .map(|(offset, _)| *offset)
                    .collect();
                prop_assert_eq!(&found, &expected, "{:?} {:?}", slices, predicate);
                prop_assert!(probe.estimate() > 0 || expected.is_empty());
                let mut kept = [u64::MAX; WORDS];
                probe.restrict(&mut kept, &mut buffers);
                prop_assert!(kept == set);
                let mut rest = [u64::MAX; WORDS];
                probe.subtract_from(&mut rest, &mut buffers);
                prop_assert_eq!(bits::count(&rest) as usize, 65_536 - expected.len());
            }
        }
    }

    #[test]
    fn damage_is_found_and_never_panics(values in values(), at in any::<prop::sample::Index>(), bit in 0u8..8, cut in any::<prop::sample::Index>()) {
        let bytes = block_of(&values, Some(usize::MAX));
        let mut damaged = bytes.clone();
        let at = at.index(damaged.len());
        damaged[at] ^= 1 << bit;
        let mut buffers = Buffers::default();
        let truncated = &bytes[..cut.index(bytes.len())];
        for bytes in [&damaged[..], truncated] {
            let Ok(view) = BlockView::parse(&key(), bytes) else { continue };
            prop_assert!(view.verify().is_err() || bytes.len() == view.bytes());
            let pair = BlockPair { block: Block(0), base: Some(view), delta: None };
            for predicate in [spans(&[(3, 900)]), Predicate::Present] {
                Probe::new(&predicate, pair).fill(&mut [0; WORDS], &mut buffers);
            }
            let _ = Grouped::from_block(&view);
        }
        let is_found = match BlockView::parse(&key(), &damaged) {
            Ok(view) => view.verify().is_err(),
            Err(_) => true,
        };
        prop_assert!(is_found, "byte {}", at);
        let other = PropertyId::Field(AGE).block_key(Block(1), Part::Base);
        prop_assert!(BlockView::parse(&other, &bytes).is_err());
    }
}

type Stored = BTreeSet<(PropertyId, Vec<u8>, DocumentNumber)>;

fn stored(index: &AttributeIndex, env: &heed::Env) -> Stored {
    let rtxn = env.read_txn().unwrap();
    let mut all = Stored::new();
    index
        .verify(&rtxn, |property, value, document| {
            assert!(all.insert((property, value.to_vec(), document)));
        })
        .unwrap();
    all
}

fn person(number: u32, round: u32) -> Contact {
    let moment = Instant::from_micros(i64::from(number) * 1_000_003);
    let mut contact = Contact::new(Uuid([number as u8; 16]), moment);
    contact.name = Some(format!("Person {}", (number * 31 + round) % 997).into());
    let age = Decimal::from(i64::from((number * 7 + round) % 1500));
    contact.fields.insert(AGE, FieldValue { text: age.to_string().into(), typed: TypedValue::Number(age) });
    let city: Box<str> = format!("City {}", (number + round) % 40).into();
    contact.fields.insert(CITY, FieldValue { text: city, typed: TypedValue::Text });
    contact
}

fn expected(contacts: &BTreeMap<DocumentNumber, Contact>) -> BTreeSet<(Vec<u8>, DocumentNumber)> {
    contacts
        .iter()
        .map(|(document, contact)| (text_key(&contact.name.as_ref().unwrap().to_lowercase()).to_vec(), *document))
        .collect()
}

/// Many documents, then writes small and large, across reopening and merging: what is stored is what was written last.
#[test]
fn deltas_and_merges_hold_what_was_written_last() {
    let folder = tempfile::tempdir().unwrap();
    let kinds: FieldKinds = [(AGE, FieldType::Number), (CITY, FieldType::Text)].into_iter().collect();
    let mut contacts = BTreeMap::new();
    let mut sizes = Vec::new();
    let rounds: [(u32, u32, u32); 7] = [
        (0, 70_000, 1),
        (5, 40_000, 400),
        (9, 3, 1),
        (6, 66_000, 900),
        (0, 70_000, 301),
        (64_000, 67_000, 1),
        (2, 9, 1),
    ];
    for (round, (from, to, step)) in rounds.into_iter().enumerate() {
        let (env, database) = environment(folder.path());
        let index = AttributeIndex::new(database, kinds.clone());
        let changes: Vec<RowChange<Contact>> = (from..to.max(from))
            .step_by(step as usize)
            .map(DocumentNumber)
            .map(|document| {
                let gone = round > 0 && document.0 % 5 == 4;
                let after = (!gone).then(|| person(document.0, round as u32));
                RowChange { document, before: contacts.get(&document).cloned(), after }
            })
            .collect();
        let mut wtxn = env.write_txn().unwrap();
        index.apply(&mut wtxn, &changes).unwrap();
        wtxn.commit().unwrap();
        for change in changes {
            match change.after {
                Some(contact) => contacts.insert(change.document, contact),
                None => contacts.remove(&change.document),
            };
        }
        let before = stored(&index, &env);
        let names: BTreeSet<_> = before
            .iter()
            .filter(|(property, ..)| *property == PropertyId::Name)
            .map(|(_, value, document)| (value.clone(), *document))
            .collect();
        assert!(names == expected(&contacts), "round {round}");
        let rtxn = env.read_txn().unwrap();
        let distinct = index.distinct_values(&rtxn, PropertyId::Name, usize::MAX).unwrap().unwrap();
        assert!(distinct.into_iter().eq(names.iter().map(|(value, _)| value).collect::<BTreeSet<_>>()));
        for property in [PropertyId::Name, PropertyId::Field(AGE), PropertyId::Field(CITY), PropertyId::NameWord] {
            let mut counts: BTreeMap<&[u8], u64> = BTreeMap::new();
            let mut documents = BTreeSet::new();
            for (_, value, document) in before.iter().filter(|(other, ..)| *other == property) {
                *counts.entry(value).or_default() += 1;
                documents.insert(*document);
            }
            let mut tally = Vec::new();
            index.tally(&rtxn, property, |value, count| tally.push((value, count))).unwrap();
            assert!(tally.into_iter().eq(counts), "round {round}: {property:?}");
            assert_eq!(index.documents_with(&rtxn, property).unwrap(), documents.len() as u64, "round {round}");
        }
        sizes.push(index.space(&rtxn).unwrap().iter().map(|space| space.delta_bytes).sum::<u64>());
        drop(rtxn);
        if round % 2 == 1 {
            let mut wtxn = env.write_txn().unwrap();
            index.merge_all(&mut wtxn).unwrap();
            wtxn.commit().unwrap();
            assert!(before == stored(&index, &env), "round {round}");
            let rtxn = env.read_txn().unwrap();
            assert_eq!(index.space(&rtxn).unwrap().iter().map(|space| space.delta_bytes).sum::<u64>(), 0);
        }
        env.prepare_for_closing().wait();
    }
    assert_eq!(sizes[0], 0, "a bulk load leaves no delta");
    assert!(sizes[1] > 0, "few changes leave one");
}

/// Deleting everybody leaves nothing behind.
#[test]
fn nothing_is_left_of_the_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let (env, database) = environment(folder.path());
    let index = AttributeIndex::new(database, FieldKinds::default());
    let all: Vec<Contact> = (0..3000).map(|number| person(number, 0)).collect();
    let change = |number: usize, before: Option<Contact>, after: Option<Contact>| RowChange {
        document: DocumentNumber(number as u32 * 50),
        before,
        after,
    };
    for deletes in [false, true] {
        let changes: Vec<_> = all
            .iter()
            .cloned()
            .enumerate()
            .map(
                |(at, contact)| if deletes { change(at, Some(contact), None) } else { change(at, None, Some(contact)) },
            )
            .collect();
        let mut wtxn = env.write_txn().unwrap();
        index.apply(&mut wtxn, &changes).unwrap();
        index.merge_all(&mut wtxn).unwrap();
        wtxn.commit().unwrap();
    }
    let rtxn = env.read_txn().unwrap();
    assert!(index.space(&rtxn).unwrap().is_empty());
}

/// A value whose last document has another one now is not seen, though a block still lists it.
#[test]
fn values_that_only_an_old_base_holds_are_not_seen() {
    let folder = tempfile::tempdir().unwrap();
    let (env, database) = environment(folder.path());
    let kinds: FieldKinds = [(CITY, FieldType::Text)].into_iter().collect();
    let policy = Policy { small_base: 0, ..Policy::default() };
    let index = AttributeIndex::new(database, kinds).with_policy(policy);
    let city = PropertyId::Field(CITY);
    let change = |document: u32, before: Option<u32>, after: Option<u32>| RowChange {
        document: DocumentNumber(document),
        before: before.map(|city| person(0, city)),
        after: after.map(|city| person(0, city)),
    };
    let many = (0..3000).map(|document| change(document, None, Some(document.min(3)))).collect();
    for changes in [many, vec![change(0, Some(0), Some(9)), change(1, Some(1), None)]] {
        let mut wtxn = env.write_txn().unwrap();
        index.apply(&mut wtxn, &changes).unwrap();
        wtxn.commit().unwrap();
    }
    let rtxn = env.read_txn().unwrap();
    assert!(index.space(&rtxn).unwrap().iter().any(|space| space.property == city && space.delta_bytes > 0));
    let seen = |key: &[u8]| index.has_value(&rtxn, city, key).unwrap();
    assert!(!seen(b"city 0") && !seen(b"city 1") && seen(b"city 2") && seen(b"city 3") && seen(b"city 9"));
    let all = index.distinct_values(&rtxn, city, 10).unwrap().unwrap();
    assert_eq!(all.into_iter().collect::<Vec<_>>(), [b"city 2", b"city 3", b"city 9"]);
    assert_eq!(index.distinct_values(&rtxn, city, 4).unwrap(), None);
}
