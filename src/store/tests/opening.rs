//! Opening, refusing, sharing, copying.

use std::fs;
use std::process::Command;

use super::{create, new_store};
use crate::contact::Contact;
use crate::ids::{DocumentNumber, Uuid};
use crate::store::*;
use crate::value::Instant;

/// Names the store to the process that a test starts: this test program again, with one test.
const STORE_OF_CHILD: &str = "HEADCOUNT_TEST_STORE";

fn add_contact(store: &Store) -> DocumentNumber {
    let mut transaction = store.write().unwrap();
    let document = transaction.next_document().unwrap();
    let mut bytes = Vec::new();
    row::encode(document, &Contact::new(Uuid::random(), Instant::now()), &mut bytes);
    transaction.insert_row(document, &bytes).unwrap();
    transaction.commit().unwrap();
    document
}

/// Adds contacts one by one, each through the store that `open` gives.
fn add_contacts(count: usize, open: impl Fn() -> Store) {
    for _ in 0..count {
        add_contact(&open());
    }
}

#[test]
fn settings_are_kept_and_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings {
        timezone: "Africa/Kigali".to_owned(),
        country: Some(*b"RW"),
        redact_urns: true,
        derived_with: vec![("unicode".to_owned(), "16".to_owned())],
        ..Settings::default()
    };
    let store = Store::create(&folder.path().join("a/b"), &settings, Instant::from_micros(9)).unwrap();
    let snapshot = store.read().unwrap();
    assert_eq!(snapshot.view().settings().unwrap(), settings);
    assert_eq!(snapshot.view().state().clock, Instant::from_micros(9));
    assert!(settings.environment(Instant::now()).is_some());
    settings.timezone = "Nowhere/Land".to_owned();
    assert!(settings.environment(Instant::now()).is_none());
    let mut transaction = store.write().unwrap();
    transaction.put_settings(&settings).unwrap();
    transaction.commit().unwrap();
    assert_eq!(store.read().unwrap().view().settings().unwrap(), settings);
    assert_eq!(store.read().unwrap().view().state().schema_version, 1);
    assert_eq!(snapshot.view().settings().unwrap().timezone, "Africa/Kigali", "a snapshot does not move");
}

#[test]
fn what_is_not_a_store_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let error = |path: &std::path::Path| Store::open(path).unwrap_err();
    let missing = error(&folder.path().join("nowhere"));
    assert!(missing.is_missing() && missing.to_string().contains("there is no store at"), "{missing}");
    assert!(matches!(error(folder.path()), StoreError::NotAStore { .. }));
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    assert!(matches!(error(&file), StoreError::NotAStore { .. }));
    assert!(matches!(Store::create(&file, &Settings::default(), Instant::now()), Err(StoreError::NotEmpty { .. })));
    assert!(matches!(
        Store::create(folder.path(), &Settings::default(), Instant::now()),
        Err(StoreError::NotEmpty { .. })
    ));
    let path = folder.path().join("store");
    drop(create(&path));
    assert!(matches!(
        Store::create(&path, &Settings::default(), Instant::now()),
        Err(StoreError::AlreadyExists { .. })
    ));
    let marker = path.join(marker::FILE);
    let whole = fs::read_to_string(&marker).unwrap();
    let format = |number: u64| format!("\"format\": {number}");
    for (text, expected) in [
        (whole.replace(&format(FORMAT), &format(FORMAT + 1)), "use a newer headcount"),
        (whole.replace(&format(FORMAT), &format(OLDEST_FORMAT - 1)), "older headcount"),
        (whole.replace("\"headcount\"", "\"other\""), "does not say that this is a headcount store"),
        (whole.replace("\"id\": \"", "\"id\": \"x"), "identity"),
        (whole[..20].to_owned(), "damaged"),
        (String::new(), "it is empty"),
    ] {
        fs::write(&marker, text).unwrap();
        let message = error(&path).to_string();
        assert!(message.contains(expected), "{message}");
    }
    fs::write(&marker, whole).unwrap();
    drop(Store::open(&path).unwrap());
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "nothing is left behind by what was refused: {names:?}");
}

#[test]
fn a_data_file_that_is_not_whole_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let store = create(&path);
    add_contacts(50, || store.clone());
    drop(store);
    let data = path.join("data.mdb");
    let whole = fs::read(&data).unwrap();
    for length in [0, 1, 4095, 4096, 8192, whole.len() / 2, whole.len() - 1] {
        fs::write(&data, &whole[..length]).unwrap();
        match Store::open(&path) {
            Err(error) => assert!(error.is_damage(), "{length}: {error}"),
            // As many pages may be free as are lost; then the loss shows where it is read.
            Ok(store) => {
                assert_eq!(length, whole.len() / 2);
                let snapshot = store.read().unwrap();
                let rows = snapshot.view().checked_rows().map(|rows| rows.filter(Result::is_ok).count());
                assert!(rows.is_ok_and(|rows| rows < 50) || snapshot.view().checked_rows().is_err());
            }
        }
    }
    fs::remove_file(&data).unwrap();
    assert!(Store::open(&path).unwrap_err().is_damage());
    let other = folder.path().join("other");
    drop(create(&other));
    fs::copy(other.join("data.mdb"), &data).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(error.to_string().contains("belongs to another store"), "{error}");
    fs::write(&data, &whole).unwrap();
    assert_eq!(Store::open(&path).unwrap().read().unwrap().view().state().contacts, 50);
}

#[test]
fn a_store_is_opened_once_by_a_process_and_shared() {
    let (_folder, store) = new_store();
    let again = Store::open(store.folder()).unwrap();
    let document = add_contact(&store);
    assert!(again.read().unwrap().view().row(document).unwrap().is_some());
    let path = store.folder().to_owned();
    let snapshot = store.read().unwrap();
    drop((store, again));
    let third = Store::open(&path).unwrap();
    add_contact(&third);
    assert_eq!(snapshot.view().state().contacts, 1, "a snapshot does not move, and outlives the store");
    assert_eq!(third.read().unwrap().view().state().contacts, 2);
}

#[test]
fn threads_that_open_and_close_do_not_meet() {
    let (_folder, store) = new_store();
    let path = store.folder().to_owned();
    drop(store);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| add_contacts(25, || Store::open(&path).unwrap()));
        }
    });
    assert_eq!(Store::open(&path).unwrap().read().unwrap().view().state().contacts, 100);
}

#[test]
fn threads_share_the_bytes_of_a_snapshot() {
    let (_folder, store) = new_store();
    add_contacts(10, || store.clone());
    let snapshot = store.read().unwrap();
    let rows = snapshot.view().rows_of_block(DocumentNumber(0).block()).unwrap();
    let read = std::thread::scope(|scope| {
        let halves: Vec<_> = rows
            .chunks(5)
            .map(|rows| scope.spawn(|| rows.iter().filter(|(d, bytes)| RowView::open(*d, bytes).is_ok()).count()))
            .collect();
        halves.into_iter().map(|half| half.join().unwrap()).sum::<usize>()
    });
    assert_eq!(read, 10);
}

/// Not a test of its own: what the process does that the next test starts.
#[test]
fn child_process_adds_a_contact() {
    if let Ok(path) = std::env::var(STORE_OF_CHILD) {
        let store = Store::open(path.as_ref()).unwrap();
        assert_eq!(store.read().unwrap().view().state().contacts, 1, "it sees what its parent committed");
        add_contact(&store);
    }
}

#[test]
fn another_process_sees_commits_and_its_own_are_seen() {
    let (_folder, store) = new_store();
    let document = add_contact(&store);
    let before = store.read().unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::tests::opening::child_process_adds_a_contact"])
        .env(STORE_OF_CHILD, store.folder())
        .output()
        .unwrap();
    assert!(child.status.success(), "{child:?}");
    assert_eq!(before.view().state().contacts, 1);
    assert!(before.view().row(DocumentNumber(document.0 + 1)).unwrap().is_none());
    let after = store.read().unwrap();
    assert_eq!(after.view().state().contacts, 2);
    assert!(after.view().row(DocumentNumber(document.0 + 1)).unwrap().is_some());
}

#[test]
fn a_commit_that_fails_leaves_nothing() {
    let (_folder, store) = new_store();
    let mut transaction = store.write().unwrap();
    transaction.next_document().unwrap();
    fail::arm(fail::Point::BeforeCommit, 0, fail::Action::Error);
    assert!(transaction.commit().is_err());
    assert_eq!(store.read().unwrap().view().state().next_document, 0);
    assert_eq!(add_contact(&store), DocumentNumber(0));
}

#[test]
fn numbers_run_out_with_an_error() {
    let (_folder, store) = new_store();
    let mut transaction = store.write().unwrap();
    transaction.state.next_field = u32::from(u16::MAX);
    assert_eq!(transaction.next_field().unwrap().0, u16::MAX);
    assert!(matches!(transaction.next_field(), Err(StoreError::Exhausted { .. })));
    transaction.state.next_document = u32::MAX;
    assert!(matches!(transaction.next_document(), Err(StoreError::Exhausted { .. })));
    let huge = vec![0; row::MAX_LENGTH + 1];
    assert!(matches!(transaction.insert_row(DocumentNumber(0), &huge), Err(StoreError::TooLong { .. })));
}

#[test]
fn a_backup_is_a_store_of_one_moment() {
    for compact in [false, true] {
        let (folder, store) = new_store();
        add_contacts(20, || store.clone());
        let target = folder.path().join("copies/monday");
        let backup = store.backup(&target).unwrap();
        fs::write(backup.text_folder().join("segment"), "text").unwrap();
        // Others write while the copy is made.
        std::thread::scope(|scope| {
            scope.spawn(|| add_contacts(20, || store.clone()));
            backup.copy(compact).unwrap();
            backup.place().unwrap();
        });
        let copy = Store::open(&target).unwrap();
        let snapshot = copy.read().unwrap();
        let contacts = snapshot.view().state().contacts;
        assert!((20..=40).contains(&contacts));
        assert_eq!(snapshot.view().checked_rows().unwrap().filter(Result::is_ok).count() as u64, contacts);
        assert_eq!(fs::read_to_string(copy.text_folder().join("segment")).unwrap(), "text");
        assert!(matches!(store.backup(&target), Err(StoreError::AlreadyExists { .. })));
        add_contact(&copy);
        assert_eq!(store.read().unwrap().view().state().contacts, 40, "a copy is a store of its own");
    }
}

#[test]
fn a_backup_that_fails_leaves_nothing() {
    let (folder, store) = new_store();
    let target = folder.path().join("copy");
    drop(store.backup(&target).unwrap());
    fail::arm(fail::Point::BeforeBackupRename, 0, fail::Action::Error);
    let backup = store.backup(&target).unwrap();
    backup.copy(false).unwrap();
    assert!(backup.place().is_err());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "only the store itself is there");
}

#[test]
fn a_file_that_lacks_pages_nobody_uses_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let store = Store::create(&path, &Settings::default(), Instant::default()).unwrap();
    // Pages that a transaction takes and gives back are counted, and never written.
    let group = crate::ids::GroupId(1);
    let mut transaction = store.write().unwrap();
    let many: roaring::RoaringBitmap = (0..400_000).step_by(7).collect();
    transaction.replace_members(group, &many).unwrap();
    transaction.delete_members(crate::store::MemberSet::Active(group)).unwrap();
    transaction.commit().unwrap();
    drop(store);
    let store = Store::open(&path).unwrap();
    assert!(store.read().unwrap().view().members(group).unwrap().is_empty());
}
