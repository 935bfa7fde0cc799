//! Stores of every format that was ever released open, answer, and can be written to; newer ones say so.
//!
//! A folder `store-N` of `tests/fixtures/` is a store of format N as the program of then wrote it, never made anew once released: a
//! change that cannot read it needs another format. Its data file is packed by leaving out runs of zeros.
//! `HEADCOUNT_WRITE_FIXTURE=store-4` makes one of the present format, for a format that is new.

use std::fs;
use std::path::{Path, PathBuf};

use headcount::internals::ids::{Sequence, Uuid};
use headcount::internals::schema::FieldType;
use headcount::internals::sema::query::Dialect;
use headcount::internals::store::{FORMAT, Store};
use headcount::internals::value::{Instant, Urn};
use headcount::internals::workspace::{ContactPatch, ContactRef, FieldInput, Settings, Workspace, WorkspaceError};

const PACKED: &str = "data.mdb.packed";

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Bytes as runs: how many zeros (u32), how many other bytes (u32), and these.
fn pack(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let zeros = rest.iter().take_while(|&&byte| byte == 0).count();
        let (_, after) = rest.split_at(zeros);
        // A few zeros among other bytes are cheaper as they are.
        let others = after.windows(9).position(|run| run.iter().all(|&byte| byte == 0)).unwrap_or(after.len());
        packed.extend_from_slice(&(zeros as u32).to_le_bytes());
        packed.extend_from_slice(&(others as u32).to_le_bytes());
        packed.extend_from_slice(&after[..others]);
        rest = &after[others..];
    }
    packed
}

fn unpack(mut packed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some((zeros, rest)) = packed.split_first_chunk::<4>() {
        let (others, rest) = rest.split_first_chunk::<4>().unwrap();
        bytes.resize(bytes.len() + u32::from_le_bytes(*zeros) as usize, 0);
        let (others, rest) = rest.split_at(u32::from_le_bytes(*others) as usize);
        bytes.extend_from_slice(others);
        packed = rest;
    }
    bytes
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else if name == PACKED {
            fs::write(to.join("data.mdb"), unpack(&fs::read(&path).unwrap())).unwrap();
        } else {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

fn open(name: &str) -> (tempfile::TempDir, Workspace) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    copy(&fixture(name), &path);
    let workspace = Workspace::open(&path).unwrap();
    (folder, workspace)
}

fn moment(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

/// The contacts, groups and history that every fixture holds.
fn make(path: &Path) {
    let settings = Settings { timezone: "Africa/Kigali".to_owned(), ..Settings::default() };
    let start = moment("2026-06-15T12:00:00Z");
    let workspace = Workspace::create_at(path, &settings, start).unwrap();
    let field = |key: &str, kind| FieldInput { key: key.to_owned(), name: None, kind };
    let person = |at: u8, age: &str, note: &str| ContactPatch {
        uuid: Some(Uuid([at; 16])),
        name: Some(Some(format!("Ann {at}").into())),
        urns: Some(vec![Urn::parse(&format!("tel:+2507880000{at:02}")).unwrap()]),
        fields: vec![("age".into(), Some(age.into())), ("note".into(), Some(note.into()))],
        last_seen_on: Some(Some(start)),
        created_on: Some(start),
        ..ContactPatch::default()
    };
    workspace
        .write(start, |writer| {
            writer.add_field(&field("age", FieldType::Number))?;
            writer.add_field(&field("note", FieldType::Text))?;
            writer.create_group_as(Uuid([101; 16]), "Adults", Some("age >= 18"), Dialect::Extended)?;
            writer.create_group_as(Uuid([102; 16]), "Late", Some("last_seen_on < -2d"), Dialect::Extended)?;
            writer.create_group_as(Uuid([103; 16]), "Friends", None, Dialect::Extended)?;
            for (at, age, note) in [(1, "17", "a blue boat"), (2, "18.5", "a red boat"), (3, "old", "no words")] {
                writer.put(&person(at, age, note))?;
            }
            Ok(())
        })
        .unwrap();
    workspace.index().unwrap();
    workspace
        .write_by_hand(moment("2026-06-16T12:00:00Z"), |writer| {
            let friends = writer.group_named("Friends")?;
            writer.move_members(friends, &(1..3).collect(), true)?;
            writer.put(&person(4, "40", "a green boat"))?;
            Ok(())
        })
        .unwrap();
    workspace.tick(moment("2026-06-20T12:00:00Z")).unwrap();
}

#[test]
fn writes_a_fixture_when_asked() {
    let Ok(name) = std::env::var("HEADCOUNT_WRITE_FIXTURE") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (path, small) = (folder.path().join("store"), folder.path().join("small"));
    make(&path);
    let store = Store::open(&path).unwrap();
    let backup = store.backup(&small).unwrap();
    copy(&path.join("text"), &backup.text_folder());
    backup.copy(true).unwrap();
    backup.place().unwrap();
    let target = fixture(&name);
    assert!(!target.exists(), "fixtures are not made anew");
    copy(&small, &target);
    fs::write(target.join(PACKED), pack(&fs::read(small.join("data.mdb")).unwrap())).unwrap();
    for file in ["data.mdb", "lock.mdb", "text/.tantivy-meta.lock", "text/.tantivy-writer.lock"] {
        let _ = fs::remove_file(target.join(file));
    }
}

#[test]
fn packing_is_undone() {
    for bytes in [vec![], vec![0; 40], vec![1, 0, 0, 2], [vec![0; 9], vec![7; 3], vec![0; 12], vec![1]].concat()] {
        assert_eq!(unpack(&pack(&bytes)), bytes);
    }
}

#[test]
fn a_store_of_format_3_opens() {
    opens("store-3");
}

fn opens(name: &str) {
    let (_folder, workspace) = open(name);
    let now = moment("2026-06-20T12:00:00Z");
    let reader = workspace.reader(now).unwrap();
    let report = reader.check().unwrap();
    assert!(report.is_sound(), "{:#?}", report.findings);
    assert_eq!((report.contacts, report.groups, reader.clock()), (4, 3, now));
    assert_eq!(reader.settings().timezone, "Africa/Kigali");
    let members =
        |group: &str| reader.members(reader.group_named(group).unwrap()).unwrap().into_iter().collect::<Vec<_>>();
    assert_eq!((members("Adults"), members("Late"), members("Friends")), (vec![1, 3], vec![0, 1, 2, 3], vec![1, 2]));
    for (query, count) in
        [("note ~ boat", 3), ("age = 18.5", 1), ("tel ~ 788000003", 1), ("name ~ ann AND NOT note ~ blue", 3)]
    {
        assert_eq!(reader.count(query).unwrap(), count, "{query}");
    }
    assert!(report.words > 0, "words are in the text index, not only in rows");
    let events: Vec<_> =
        reader.events_since(Sequence(0), Default::default()).unwrap().flat_map(Result::unwrap).collect();
    assert_eq!(events.last().unwrap().time, moment("2026-06-17T22:00:00Z"), "when the third day begins in Kigali");
    let adults = reader.group_named("Adults").unwrap();
    assert_eq!(reader.members_as_of(adults, moment("2026-06-16T00:00:00Z")).unwrap().len(), 1);
    drop(reader);
    let patch = ContactPatch {
        uuid: Some(Uuid([1; 16])),
        fields: vec![("age".into(), Some("18".into()))],
        ..ContactPatch::default()
    };
    workspace.write(now, |writer| writer.put(&patch)).unwrap();
    workspace.index().unwrap();
    let reader = workspace.reader(now).unwrap();
    let document = reader.find(&ContactRef::Uuid(Uuid([1; 16]))).unwrap().unwrap();
    assert!(reader.is_member(adults, document).unwrap() && reader.check().unwrap().is_sound());
}

#[test]
fn a_newer_format_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    copy(&fixture("store-3"), &path);
    let marker = path.join("headcount.json");
    let text = fs::read_to_string(&marker).unwrap();
    fs::write(&marker, text.replace("\"format\": 3", &format!("\"format\": {}", FORMAT + 1))).unwrap();
    let error = Workspace::open(&path).unwrap_err();
    assert!(matches!(error, WorkspaceError::Store(headcount::internals::store::StoreError::Newer { .. })), "{error:?}");
    let message = error.to_string();
    assert!(message.contains("newer") && message.contains(&(FORMAT + 1).to_string()), "{message}");
}
