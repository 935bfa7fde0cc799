//! Damage in stored values is found where it is, and nowhere taken for an answer.

use super::new_store;
use crate::contact::Contact;
use crate::ids::{DocumentNumber, GroupId, Sequence, Uuid};
use crate::store::*;
use crate::value::{Instant, Urn};

/// A store with something in every table but those of the index.
fn full_store() -> (tempfile::TempDir, Store) {
    let (folder, store) = new_store();
    let mut transaction = store.write().unwrap();
    for _ in 0..3 {
        let document = transaction.next_document().unwrap();
        let contact = Contact::new(Uuid([document.0 as u8; 16]), Instant::now());
        let mut bytes = Vec::new();
        row::encode(document, &contact, &mut bytes);
        transaction.insert_row(document, &bytes).unwrap();
        transaction.claim_uuid(contact.uuid, document).unwrap();
        transaction.claim_urn(&format!("tel:+25078812300{}", document.0), document).unwrap();
    }
    transaction.put_tombstone(DocumentNumber(9), Uuid([9; 16])).unwrap();
    transaction.put_source_offset("stream", 5).unwrap();
    transaction.mark_dirty(&[0, 2, 70_000]).unwrap();
    let group = transaction.next_group().unwrap();
    transaction.put_group(group, &GroupRecord::manual(Uuid([1; 16]), "Farmers", Instant::now())).unwrap();
    let id = transaction.next_field().unwrap();
    let kind = crate::schema::FieldType::Number;
    let field = crate::schema::Field { id, key: "age".to_owned(), name: "Age".to_owned(), kind };
    transaction.put_field(&field).unwrap();
    let moves = Moves { group, entered: &[0, 1, 70_000], left: &[] };
    transaction.record_moves(Instant::now(), Cause::Manual, &[moves]).unwrap();
    transaction.merge_all_members().unwrap();
    transaction.apply_members(group, &[2], &[0]).unwrap();
    transaction.commit().unwrap();
    (folder, store)
}

/// Reads everything that `check` reads; how many errors there are, and the tables that they name.
fn read_everything(store: &Store) -> Vec<&'static str> {
    let mut tables = Vec::new();
    let mut note = |error: StoreError| match error {
        StoreError::Damaged { table, .. } => tables.push(table),
        other => panic!("{other}"),
    };
    let snapshot = match store.read() {
        Ok(snapshot) => snapshot,
        Err(error) => {
            note(error);
            return tables;
        }
    };
    let view = snapshot.view();
    view.settings().err().into_iter().for_each(&mut note);
    view.identity().err().into_iter().for_each(&mut note);
    view.directory().err().into_iter().for_each(&mut note);
    view.schema().err().into_iter().for_each(&mut note);
    view.checked_rows().unwrap().filter_map(Result::err).for_each(&mut note);
    view.uuids().unwrap().filter_map(Result::err).for_each(&mut note);
    view.urns().unwrap().filter_map(Result::err).for_each(&mut note);
    view.tombstones().unwrap().filter_map(Result::err).for_each(&mut note);
    view.source_offset("stream").err().into_iter().for_each(&mut note);
    view.dirty().err().into_iter().for_each(&mut note);
    view.member_containers().unwrap().filter_map(Result::err).for_each(&mut note);
    view.member_tails().unwrap().filter_map(Result::err).for_each(&mut note);
    view.log_since(Sequence(0)).unwrap().filter_map(Result::err).for_each(&mut note);
    tables
}

/// The tables in which `check` finds something by reading every entry of every table.
fn audited(store: &Store) -> Vec<&'static str> {
    let mut tables = Vec::new();
    if let Ok(snapshot) = store.read() {
        snapshot.view().audit(|wrong| tables.push(wrong.table)).unwrap();
    } else {
        tables.push("meta");
    }
    tables
}

/// A value of an earlier commit is whole, and fits its key: the sum over all of them tells.
#[test]
fn a_value_of_an_earlier_commit_is_found_in_every_table_that_nothing_else_tells() {
    let (_folder, store) = full_store();
    let group = GroupId(0);
    let mut transaction = store.write().unwrap();
    transaction.replace_members(MemberSet::Pinned(group), &[1, 2].into_iter().collect()).unwrap();
    transaction.apply_members(MemberSet::Pinned(group), &[5], &[]).unwrap();
    transaction.commit().unwrap();
    let tables = store.environment.tables.all();
    let entries = |store: &Store| -> Vec<Vec<(Vec<u8>, Vec<u8>)>> {
        let snapshot = store.read().unwrap();
        let of = |table: &Table| {
            let entries = table.iter(snapshot.view().txn).unwrap();
            entries.map(|entry| entry.map(|(key, value)| (key.to_owned(), value.to_owned())).unwrap()).collect()
        };
        tables.iter().map(|(_, table)| of(table)).collect()
    };
    let before = entries(&store);
    let mut transaction = store.write().unwrap();
    let mut contact = Contact::new(Uuid([1; 16]), Instant::now());
    contact.name = Some("Ann".into());
    let mut bytes = Vec::new();
    row::encode(DocumentNumber(1), &contact, &mut bytes);
    transaction.replace_row(DocumentNumber(1), &bytes).unwrap();
    transaction.put_tombstone(DocumentNumber(9), Uuid([8; 16])).unwrap();
    transaction.put_source_offset("stream", 6).unwrap();
    transaction.put_group(group, &GroupRecord::manual(Uuid([1; 16]), "Growers", Instant::now())).unwrap();
    transaction.replace_members(MemberSet::Pinned(group), &[1, 3].into_iter().collect()).unwrap();
    transaction.apply_members(MemberSet::Pinned(group), &[6], &[]).unwrap();
    transaction.commit().unwrap();
    assert_eq!(audited(&store), Vec::<&str>::new());
    let after = entries(&store);
    let mut tried = Vec::new();
    for (((name, table), before), after) in tables.into_iter().zip(before).zip(after).skip(1) {
        for ((key, old), (other, new)) in before.into_iter().zip(after) {
            if key == other && old != new {
                put(&store, table, &key, &old);
                let part = if name == "tails" { "members" } else { name };
                assert_eq!(audited(&store), [part], "{name} {key:?}");
                put(&store, table, &key, &new);
                tried.push(name);
            }
        }
    }
    assert_eq!(tried, ["rows", "sources", "groups", "members", "tails", "tombstones"]);
}

#[test]
fn every_flipped_bit_of_every_value_is_found_in_its_table() {
    let (_folder, store) = full_store();
    assert_eq!(read_everything(&store), Vec::<&str>::new());
    let tables = store.environment.tables.all();
    let mut flips = 0;
    for (name, table) in tables.into_iter().filter(|(name, _)| !name.starts_with("index")) {
        let values: Vec<(Vec<u8>, Vec<u8>)> = {
            let snapshot = store.read().unwrap();
            let entries = table.iter(snapshot.view().txn).unwrap();
            entries.map(|entry| entry.map(|(key, value)| (key.to_owned(), value.to_owned())).unwrap()).collect()
        };
        assert!(!values.is_empty(), "{name} has something in it");
        for (key, value) in values {
            for at in 0..value.len() {
                let mut damaged = value.clone();
                damaged[at] ^= 1 << (at % 8);
                put(&store, table, &key, &damaged);
                assert_eq!(read_everything(&store), [name], "{name} {key:?} byte {at}");
                assert!(audited(&store).contains(&name), "{name} {key:?} byte {at}");
                flips += 1;
            }
            put(&store, table, &key, &value[..value.len() - 1]);
            assert_eq!(read_everything(&store), [name], "{name} {key:?} truncated");
            put(&store, table, &key, &value);
        }
    }
    assert_eq!(read_everything(&store), Vec::<&str>::new());
    assert!(flips > 500, "{flips} bytes were tried");
}

#[test]
fn a_value_under_another_key_is_found() {
    let (_folder, store) = full_store();
    let rows = store.environment.tables.rows;
    let bytes = store.read().unwrap().view().row_bytes(DocumentNumber(0)).unwrap().unwrap().to_owned();
    put(&store, rows, &1u32.to_be_bytes(), &bytes);
    assert_eq!(read_everything(&store), ["rows"]);
    let error = store.read().unwrap().view().row(DocumentNumber(1)).unwrap_err();
    assert!(error.is_damage() && error.to_string().contains("doc1"), "{error}");
}

#[test]
fn damaged_members_are_no_answer() {
    let (_folder, store) = full_store();
    let members = store.environment.tables.members;
    let (key, mut value) = {
        let snapshot = store.read().unwrap();
        let (key, value) = members.first(snapshot.view().txn).unwrap().unwrap();
        (key.to_owned(), value.to_owned())
    };
    *value.last_mut().unwrap() ^= 1;
    put(&store, members, &key, &value);
    let snapshot = store.read().unwrap();
    assert!(snapshot.view().members(GroupId(0)).unwrap_err().is_damage());
    assert!(snapshot.view().is_member(GroupId(0), DocumentNumber(1)).unwrap_err().is_damage());
}

#[test]
fn an_entry_of_the_log_that_is_gone_is_found() {
    let (_folder, store) = full_store();
    let log = store.environment.tables.log;
    let mut txn = store.environment.env.write_txn().unwrap();
    log.delete(&mut txn, &1u64.to_be_bytes()).unwrap();
    txn.commit().unwrap();
    let snapshot = store.read().unwrap();
    let error = snapshot.view().log_entry(Sequence(1)).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { table: "log", damage: Damage::Missing, .. }), "{error}");
}

/// Writes behind the store's back.
fn put(store: &Store, table: Table, key: &[u8], value: &[u8]) {
    let mut txn = store.environment.env.write_txn().unwrap();
    table.put(&mut txn, key, value).unwrap();
    txn.commit().unwrap();
}

#[test]
fn an_entry_that_is_gone_from_any_table_is_missed_in_the_directory() {
    let (_folder, store) = full_store();
    let tables = store.environment.tables.listed();
    let differing = |store: &Store| -> Vec<&'static str> {
        let snapshot = store.read().unwrap();
        let view = snapshot.view();
        let mut wrong = Vec::new();
        view.audit(|found| wrong.push(found.table)).unwrap();
        wrong.dedup();
        wrong
    };
    assert_eq!(differing(&store), Vec::<&str>::new());
    for (name, table) in tables.into_iter().filter(|(name, _)| !name.starts_with("index")) {
        let (key, value) = {
            let snapshot = store.read().unwrap();
            let (key, value) = table.first(snapshot.view().txn).unwrap().unwrap();
            (key.to_owned(), value.to_owned())
        };
        let mut txn = store.environment.env.write_txn().unwrap();
        table.delete(&mut txn, &key).unwrap();
        txn.commit().unwrap();
        let mut tables = differing(&store);
        tables.retain(|table| *table == name);
        assert!(!tables.is_empty(), "{name}");
        put(&store, table, &key, &value);
    }
}

#[test]
fn an_identity_or_address_whose_key_is_damaged_is_not_called_missing() {
    let (_folder, store) = new_store();
    let address = |document: u32| format!("tel:+2507881{document:05}");
    let mut transaction = store.write().unwrap();
    for _ in 0..1_000 {
        let document = transaction.next_document().unwrap();
        let mut contact = Contact::new(Uuid(u128::from(document.0).to_be_bytes()), Instant::now());
        contact.urns.push(Urn::parse(&address(document.0)).unwrap());
        let mut bytes = Vec::new();
        row::encode(document, &contact, &mut bytes);
        transaction.insert_row(document, &bytes).unwrap();
        transaction.claim_uuid(contact.uuid, document).unwrap();
        transaction.claim_urn(&address(document.0), document).unwrap();
    }
    transaction.commit().unwrap();
    for (table, is_uuid) in [(store.environment.tables.uuids, true), (store.environment.tables.urns, false)] {
        let buckets: Vec<(Vec<u8>, Vec<u8>)> = {
            let snapshot = store.read().unwrap();
            let buckets = table.iter(snapshot.view().txn).unwrap();
            buckets.map(|bucket| bucket.map(|(key, value)| (key.to_owned(), value.to_owned())).unwrap()).collect()
        };
        assert!(buckets.len() > 3, "{}", buckets.len());
        for (key, value) in &buckets {
            // An entry is a hash and a document, after the seal.
            let documents: Vec<u32> =
                value[5..].chunks(8).map(|entry| u32::from_le_bytes(entry[..4].try_into().unwrap())).collect();
            let find = |document: u32| {
                let snapshot = store.read().unwrap();
                let view = snapshot.view();
                if is_uuid {
                    view.document_by_uuid_or_damage(Uuid(u128::from(document).to_be_bytes()))
                } else {
                    view.document_by_urn_or_damage(&address(document))
                }
            };
            let sample = || documents.iter().copied().step_by(41);
            assert!(sample().all(|document| find(document).unwrap() == Some(DocumentNumber(document))));
            for at in 0..key.len() {
                let mut damaged = key.clone();
                damaged[at] ^= 1;
                let mut txn = store.environment.env.write_txn().unwrap();
                table.delete(&mut txn, key).unwrap();
                table.put(&mut txn, &damaged, value).unwrap();
                txn.commit().unwrap();
                // A flipped key keeps its place in the page: one that would be sorted elsewhere is no such damage.
                let is_beside = buckets.iter().all(|(other, _)| (other < key) == (other < &damaged) || other == key);
                for document in sample() {
                    match find(document) {
                        Err(error) => {
                            assert!(error.is_damage(), "{error}");
                            assert!(!error.to_string().contains("+2507"), "{error}");
                        }
                        Ok(Some(found)) => assert_eq!(found, DocumentNumber(document)),
                        Ok(None) => assert!(!is_beside, "byte {at} of {key:?}"),
                    }
                }
                let mut txn = store.environment.env.write_txn().unwrap();
                table.delete(&mut txn, &damaged).unwrap();
                table.put(&mut txn, key, value).unwrap();
                txn.commit().unwrap();
            }
        }
    }
}
