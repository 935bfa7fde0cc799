//! Damage is found by `check`, mended where it can be, and never a panic nor an answer that nobody doubts.
//!
//! Here damage is planted through the store's own API, with checksums that hold, so that only computing anew can find it;
//! `trials` damages files at random.

use std::fs;
use std::path::Path;

use headcount::internals::contact::{Contact, FieldValue, TypedValue};
use headcount::internals::ids::{DocumentNumber, FieldId, GroupId, Uuid};
use headcount::internals::index::{AttributeIndex, FieldKinds, RowChange};
use headcount::internals::schema::FieldType;
use headcount::internals::sema::query::Dialect;
use headcount::internals::store::{Cause, Moves, Store, StoreError, Transaction};
use headcount::internals::value::{Decimal, Instant, Urn};
use headcount::internals::workspace::{
    CheckReport, ContactPatch, FieldInput, Finding, Repaired, Settings, Workspace, WorkspaceError,
};

const PEOPLE: u8 = 60;

pub(crate) fn now() -> Instant {
    Instant::parse("2026-06-15T12:00:00Z").unwrap()
}

fn person(at: u8) -> ContactPatch {
    let seen = Instant::from_micros(now().micros() - i64::from(at) * 3_600_000_000);
    let mut fields: Vec<(Box<str>, Option<Box<str>>)> =
        vec![("city".into(), Some(["Kigali", "Huye"][at as usize % 2].into()))];
    if !at.is_multiple_of(5) {
        fields.push(("age".into(), Some((at % 40).to_string().into())));
    }
    ContactPatch {
        uuid: Some(Uuid([at + 1; 16])),
        name: Some(Some(format!("{} {at}", ["Ann", "Bob", "Annabelle"][at as usize % 3]).into())),
        urns: Some(vec![Urn::parse(&format!("tel:+2507880000{at:02}")).unwrap()]),
        last_seen_on: Some(Some(seen)),
        created_on: Some(seen),
        fields,
        ..ContactPatch::default()
    }
}

/// A workspace with something in every part: merged and unmerged, indexed and dirty.
fn make(path: &Path) -> Workspace {
    let workspace = Workspace::create_at(path, &Settings::default(), now()).unwrap();
    let field = |key: &str, kind| FieldInput { key: key.to_owned(), name: None, kind };
    workspace
        .write(now(), |writer| {
            writer.add_field(&field("age", FieldType::Number))?;
            writer.add_field(&field("city", FieldType::Text))?;
            writer.create_group("Adults", Some("age >= 18"), Dialect::Extended)?;
            writer.create_group("Late", Some("last_seen_on < -1d"), Dialect::Extended)?;
            writer.create_group("Anns", Some("name ~ ann AND group = Adults"), Dialect::Extended)?;
            writer.create_group("Friends", None, Dialect::Extended)?;
            (0..PEOPLE).try_for_each(|at| writer.put(&person(at)))
        })
        .unwrap();
    workspace.index().unwrap();
    workspace
        .write(now(), |writer| {
            let friends = writer.group_named("Friends")?;
            writer.move_members(friends, &(3..9).collect(), true)?;
            for at in 10..14 {
                let patch = ContactPatch {
                    name: Some(Some("Zed".into())),
                    fields: vec![("age".into(), Some("90".into())), ("city".into(), Some("Gisenyi".into()))],
                    ..person(at)
                };
                writer.put(&patch)?;
            }
            Ok(())
        })
        .unwrap();
    workspace
}

/// What is found after something was planted in the store behind the workspace's back.
fn plant(damage: impl FnOnce(&mut Transaction<'_>)) -> (tempfile::TempDir, Workspace, CheckReport) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let workspace = make(&path);
    assert!(workspace.reader(now()).unwrap().check().unwrap().is_sound());
    let store = Store::open(&path).unwrap();
    let mut txn = store.write().unwrap();
    damage(&mut txn);
    txn.commit().unwrap();
    let report = workspace.reader(now()).unwrap().check().unwrap();
    (folder, workspace, report)
}

fn areas(report: &CheckReport) -> Vec<&'static str> {
    let mut areas: Vec<&'static str> = report.findings.iter().map(|finding| finding.area).collect();
    areas.sort_unstable();
    areas.dedup();
    areas
}

/// Repair mends it, and a second check says so.
fn mend(workspace: Workspace) -> Workspace {
    let path = workspace.folder().to_owned();
    drop(workspace);
    let Repaired { before, after, .. } = Workspace::repair(&path, now()).unwrap();
    assert!(!before.is_sound());
    assert!(after.is_sound(), "{:#?}", after.findings);
    let workspace = Workspace::open(&path).unwrap();
    assert!(workspace.reader(now()).unwrap().check().unwrap().is_sound());
    workspace
}

fn aged(document: DocumentNumber, age: i64) -> Contact {
    let mut contact = Contact::new(Uuid([document.0 as u8 + 1; 16]), now());
    let typed = TypedValue::Number(Decimal::from(age));
    contact.fields.insert(FieldId(0), FieldValue { text: age.to_string().into(), typed });
    contact
}

#[test]
fn a_wrong_bit_in_an_attribute_index_is_found_and_mended() {
    let document = DocumentNumber(7);
    let (_folder, workspace, report) = plant(|txn| {
        let (wtxn, tables) = txn.index_tables();
        let kinds =
            [(FieldId(0), FieldType::Number), (FieldId(1), FieldType::Text)].into_iter().collect::<FieldKinds>();
        // The document's age is another one in the index only.
        let change = RowChange { document, before: Some(aged(document, 7)), after: Some(aged(document, 77)) };
        AttributeIndex::new(tables.index, kinds).apply(wtxn, &[change]).unwrap();
    });
    assert_eq!(areas(&report), ["indexes"], "{:#?}", report.findings);
    assert!(workspace.reader(now()).unwrap().matches("age = 77").unwrap().contains(7), "the damage is real");
    let workspace = mend(workspace);
    assert!(workspace.reader(now()).unwrap().matches("age = 77").unwrap().is_empty());
}

#[test]
fn a_wrong_member_is_found_and_mended() {
    for merged in [false, true] {
        let (_folder, workspace, report) = plant(|txn| {
            txn.apply_members(GroupId(0), &[3], &[19]).unwrap();
            if merged {
                txn.merge_all_members().unwrap();
            }
        });
        assert_eq!(areas(&report), ["log", "memberships"], "{:#?}", report.findings);
        assert!(report.findings.iter().any(|finding| finding.message.contains("Adults")));
        mend(workspace);
    }
}

#[test]
fn a_log_that_tells_another_story_is_found() {
    let (_folder, _workspace, report) = plant(|txn| {
        let moves = Moves { group: GroupId(1), entered: &[0], left: &[] };
        txn.append_log(now(), Cause::Change, &[moves]).unwrap();
    });
    assert_eq!(areas(&report), ["log"], "{:#?}", report.findings);
}

#[test]
fn a_damaged_row_is_found_and_is_no_answer() {
    let document = DocumentNumber(5);
    let (_folder, workspace, report) = plant(|txn| {
        let mut bytes = txn.view().row_bytes(document).unwrap().unwrap().to_vec();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        txn.replace_row(document, &bytes).unwrap();
    });
    assert!(areas(&report).contains(&"rows"), "{:#?}", report.findings);
    assert!(report.findings.iter().any(|finding| !finding.repairable && finding.message.contains("doc5")));
    assert!(workspace.reader(now()).unwrap().row(document).is_err());
    let path = workspace.folder().to_owned();
    drop(workspace);
    let Repaired { after, kept, .. } = Workspace::repair(&path, now()).unwrap();
    assert_eq!(kept, None, "rows cannot be built from anything");
    let named = |finding: &Finding| finding.area == "lost" && finding.message.contains(&Uuid([6; 16]).to_string());
    assert!(after.findings.iter().any(named), "{:#?}", after.findings);
}

#[test]
fn a_missing_identity_or_address_is_found_and_mended() {
    let document = DocumentNumber(5);
    let (_folder, workspace, report) = plant(|txn| txn.release_uuid(Uuid([6; 16]), document).unwrap());
    assert_eq!(areas(&report), ["counts", "identities"], "{:#?}", report.findings);
    mend(workspace);
    let (_folder, workspace, report) = plant(|txn| txn.release_urn("tel:+250788000005", document).unwrap());
    assert_eq!(areas(&report), ["addresses", "counts"], "{:#?}", report.findings);
    mend(workspace);
}

#[test]
fn a_text_index_that_lacks_words_is_found_and_mended() {
    // Whatever is dirty is said to be indexed, and is not.
    let (_folder, workspace, report) = plant(|txn| {
        txn.begin_index_run().unwrap();
        let next = txn.view().state().generation;
        txn.finish_index_run(next + 1).unwrap();
    });
    assert!(!report.is_sound());
    mend(workspace);
}

#[test]
fn a_truncated_data_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    drop(make(&path));
    let data = fs::read(path.join("data.mdb")).unwrap();
    for length in [0, 1, 100, 4096, data.len() / 2, data.len() - 4096] {
        let copy = folder.path().join(format!("cut-{length}"));
        copy_store(&path, &copy);
        fs::write(copy.join("data.mdb"), &data[..length]).unwrap();
        match Workspace::open(&copy) {
            Err(error) => assert!(!error.to_string().is_empty()),
            // The last pages may be free ones, and then nothing is lost; or what is lost is found where it is read.
            Ok(workspace) => {
                let report = workspace.reader(now()).and_then(|reader| reader.check());
                let is_small = data.len() - length <= 4096;
                assert!(is_small || report.is_ok_and(|report| report.is_sound()), "{length} bytes");
            }
        }
    }
}

#[test]
fn a_store_that_went_back_in_time_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    drop(make(&path));
    let data = path.join("data.mdb");
    let older = fs::read(&data).unwrap();
    let workspace = Workspace::open(&path).unwrap();
    let patch = ContactPatch { name: Some(Some("Later".into())), ..person(3) };
    workspace.write(now(), |writer| writer.put(&patch)).unwrap();
    drop(workspace);
    let newer = fs::read(&data).unwrap();

    // A whole older file in the place of the newer one.
    fs::write(&data, &older).unwrap();
    let error = Workspace::open(&path).unwrap_err();
    let went_back = |error: &WorkspaceError| matches!(error, WorkspaceError::Store(StoreError::WentBack { acknowledged, found, .. }) if acknowledged > found);
    assert!(went_back(&error), "{error:?}");
    assert!(error.to_string().contains("restore the store from a backup"), "{error}");

    // A head that is damaged, so that LMDB takes the other one. The later head is the one that the last commit wrote.
    let heads = [0, 4096].map(|page| older[page..page + 4096] != newer[page..page + 4096]);
    let head = heads.iter().position(|&is_new| is_new).unwrap() * 4096;
    let mut damaged = newer.clone();
    damaged[head..head + 4096].copy_from_slice(&older[head..head + 4096]);
    fs::write(&data, &damaged).unwrap();
    assert!(went_back(&Workspace::open(&path).unwrap_err()));

    // The file as it was is as it was; and who removes the note goes on with what there is.
    fs::write(&data, &newer).unwrap();
    assert!(Workspace::open(&path).unwrap().reader(now()).unwrap().check().unwrap().is_sound());
    fs::write(&data, &older).unwrap();
    fs::remove_file(path.join("last-commit")).unwrap();
    assert!(Workspace::open(&path).unwrap().reader(now()).unwrap().check().unwrap().is_sound());
}

#[test]
fn a_damaged_note_of_the_last_commit_is_found_and_mended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    drop(make(&path));
    let note = path.join("last-commit");
    let whole = fs::read(&note).unwrap();
    for bytes in [vec![], vec![9; 20], whole.iter().map(|byte| byte ^ 1).collect()] {
        fs::write(&note, bytes).unwrap();
        let workspace = Workspace::open(&path).unwrap();
        assert_eq!(areas(&workspace.reader(now()).unwrap().check().unwrap()), ["note"]);
        mend(workspace);
    }
}

pub(crate) fn copy_store(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_store(&entry.path(), &target);
        } else if entry.file_name() != "lock.mdb" {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
