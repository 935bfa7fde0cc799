//! An erasure that ends in the middle, and whoever has the store open meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use crate::ids::Uuid;
use crate::schema::FieldType;
use crate::store::StoreError;
use crate::store::fail::{Action, Point, arm};
use crate::value::{Instant, Urn};
use crate::workspace::{ContactPatch, ContactRef, FieldInput, Settings, Workspace, WorkspaceError};

const NAME: &[u8] = b"qzxjword";

fn now() -> Instant {
    Instant::parse("2026-06-15T12:00:00Z").unwrap()
}

fn make(path: &Path) -> Workspace {
    let workspace = Workspace::create_at(path, &Settings::default(), now()).unwrap();
    let person = |at: u8, note: &str| ContactPatch {
        uuid: Some(Uuid([at; 16])),
        name: Some(Some(note.into())),
        urns: Some(vec![Urn::parse(&format!("tel:+2507880000{at:02}")).unwrap()]),
        fields: vec![("note".into(), Some(note.into()))],
        ..ContactPatch::default()
    };
    workspace
        .write(now(), |writer| {
            writer.add_field(&FieldInput { key: "note".to_owned(), name: None, kind: FieldType::Text })?;
            for at in 1..9 {
                writer.put(&person(at, "somebody else"))?;
            }
            writer.put(&person(9, "qzxjword"))
        })
        .unwrap();
    workspace.index().unwrap();
    workspace
}

fn has_traces(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return has_traces(&path);
        }
        std::fs::read(path).unwrap().windows(NAME.len()).any(|bytes| bytes.eq_ignore_ascii_case(NAME))
    })
}

fn count(workspace: &Workspace, query: &str) -> u64 {
    let reader = workspace.reader(now()).unwrap();
    let report = reader.check().unwrap();
    assert!(report.findings.iter().all(|finding| finding.area == "erasure"), "{:#?}", report.findings);
    reader.count(query).unwrap()
}

const WHO: ContactRef = ContactRef::Uuid(Uuid([9; 16]));

#[test]
fn an_end_before_the_swap_leaves_the_store_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let workspace = make(&path);
    arm(Point::BeforeSwap, 0, Action::Error);
    assert!(workspace.erase(now(), &WHO).is_err());
    assert_eq!((count(&workspace, "note ~ qzxjword"), count(&workspace, "tel != \"\"")), (1, 9));
    // What was left in the folder by it goes with the next one.
    workspace.erase(now(), &WHO).unwrap();
    assert!(!has_traces(&path));
    assert_eq!(count(&Workspace::open(&path).unwrap(), "tel != \"\""), 8);
}

#[test]
fn an_end_after_the_swap_leaves_it_to_the_next_to_finish() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let workspace = make(&path);
    arm(Point::AfterSwap, 0, Action::Error);
    assert!(workspace.erase(now(), &WHO).is_err());
    assert!(has_traces(&path));
    drop(workspace);
    let workspace = Workspace::open(&path).unwrap();
    assert_eq!((count(&workspace, "note ~ qzxjword"), count(&workspace, "tel != \"\"")), (0, 8));
    let report = workspace.reader(now()).unwrap().check().unwrap();
    assert!(report.findings.iter().any(|finding| finding.area == "erasure" && finding.repairable), "it is said");
    workspace.index().unwrap();
    assert!(workspace.reader(now()).unwrap().check().unwrap().is_sound());
    drop(workspace);
    assert!(!has_traces(&path));
}

#[test]
fn whoever_has_it_open_reads_on_and_is_told_to_open_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let workspace = make(&path);
    let other = Workspace::open(&path).unwrap();
    let reader = other.reader(now()).unwrap();
    workspace.erase(now(), &WHO).unwrap();
    assert_eq!(reader.count("note ~ qzxjword").unwrap(), 1, "a moment is not moved");
    drop(reader);
    for workspace in [&workspace, &other] {
        let told = |error: WorkspaceError| matches!(error, WorkspaceError::Store(StoreError::Replaced { .. }));
        assert!(workspace.reader(now()).is_err_and(told));
        assert!(workspace.tick(now()).is_err_and(told));
    }
    // While handles of the old files are alive.
    let again = Workspace::open(&path).unwrap();
    assert_eq!((count(&again, "note ~ qzxjword"), count(&again, "tel != \"\"")), (0, 8));
    assert!(!has_traces(&path));
}
