//! Writers and readers at once, in threads and in other processes: each reader sees one consistent moment, a second writer
//! waits, and a reader that lives long stops nobody.
//!
//! Every batch keeps an invariant: as many people are on the left as on the right, in the field, in the words of a text,
//! in the groups, and one address passes from hand to hand. `HEADCOUNT_BATCHES` sets how many batches each writer makes.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use headcount::internals::ids::{DocumentNumber, Uuid};
use headcount::internals::schema::FieldType;
use headcount::internals::sema::query::Dialect;
use headcount::internals::value::{Instant, Urn};
use headcount::internals::workspace::{
    ContactPatch, ContactRef, FieldInput, Reader, Settings, Workspace, WorkspaceError, Writer,
};

const STORE: &str = "HEADCOUNT_CONCURRENCY_STORE";
const ROLE: &str = "HEADCOUNT_CONCURRENCY_ROLE";
const PEOPLE: u8 = 40;
const HALF: u64 = PEOPLE as u64 / 2;

fn now() -> Instant {
    Instant::parse("2026-06-15T12:00:00Z").unwrap()
}

fn uuid(at: u8) -> Uuid {
    Uuid([at + 1; 16])
}

fn baton() -> Urn {
    Urn::parse("tel:+250788123123").unwrap()
}

fn stands(at: u8, side: &str, holds_baton: bool) -> ContactPatch {
    let note = format!("stands on the {side} hand");
    ContactPatch {
        uuid: Some(uuid(at)),
        fields: vec![("side".into(), Some(side.into())), ("note".into(), Some(note.into()))],
        urns: Some(if holds_baton { vec![baton()] } else { Vec::new() }),
        ..ContactPatch::default()
    }
}

fn make(path: &Path) -> Workspace {
    let workspace = Workspace::create_at(path, &Settings::default(), now()).unwrap();
    let field = |key: &str| FieldInput { key: key.to_owned(), name: None, kind: FieldType::Text };
    workspace
        .write(now(), |writer| {
            writer.add_field(&field("side"))?;
            writer.add_field(&field("note"))?;
            writer.create_group("Left", Some("side = left"), Dialect::Extended)?;
            writer.create_group("Right", Some("note ~ right AND NOT group = Left"), Dialect::Extended)?;
            for at in 0..PEOPLE {
                let side = if at.is_multiple_of(2) { "left" } else { "right" };
                writer.put(&stands(at, side, at == 0))?;
            }
            Ok(())
        })
        .unwrap();
    workspace
}

/// Somebody on each side changes it, and the baton goes to another.
fn swap(workspace: &Workspace, writer: &mut Writer<'_>, round: u64) -> Result<(), WorkspaceError> {
    // While this writer lasts nobody else commits, so what is read here is what it writes on.
    let reader = workspace.reader(now())?;
    let document = |at: u8| reader.find(&ContactRef::Uuid(uuid(at))).unwrap().unwrap();
    let holder = reader.find(&ContactRef::Urn(baton()))?.unwrap();
    let around = || (0..u64::from(PEOPLE)).map(|step| ((round * 7 + step) % u64::from(PEOPLE)) as u8);
    let someone = |side: &str| {
        let group = reader.group_named(side).unwrap();
        around().find(|&at| document(at) != holder && reader.is_member(group, document(at)).unwrap()).unwrap()
    };
    let (left, right) = (someone("Left"), someone("Right"));
    let giver = around().find(|&at| document(at) == holder).unwrap();
    let empty_handed = ContactPatch { uuid: Some(uuid(giver)), urns: Some(Vec::new()), ..ContactPatch::default() };
    writer.put(&empty_handed)?;
    writer.put(&stands(left, "right", true))?;
    writer.put(&stands(right, "left", false))?;
    Ok(())
}

/// What holds at every moment.
fn assert_consistent(reader: &Reader<'_>) {
    assert_eq!(reader.contacts(), u64::from(PEOPLE));
    let left = reader.matches("side = left").unwrap();
    assert_eq!((left.len(), reader.count("side = right").unwrap()), (HALF, HALF));
    assert_eq!(reader.matches("note ~ left").unwrap(), left);
    assert_eq!(reader.matches("NOT note ~ right").unwrap(), left);
    assert_eq!(reader.members(reader.group_named("Left").unwrap()).unwrap(), left);
    assert_eq!(reader.count("group = Right").unwrap(), HALF);
    let holder = reader.find(&ContactRef::Urn(baton())).unwrap().unwrap();
    assert_eq!(reader.matches("tel = +250788123123").unwrap().into_iter().collect::<Vec<_>>(), [holder.0]);
    assert_eq!(reader.contact(DocumentNumber(holder.0)).unwrap().unwrap().urns, [baton()]);
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn write_rounds(workspace: &Workspace, salt: u64) {
    for round in 0..setting("HEADCOUNT_BATCHES", 40) {
        workspace.write(now(), |writer| swap(workspace, writer, round + salt)).unwrap();
        if round % 8 == 7 {
            // Another process may be at it.
            let _ = workspace.index();
        }
    }
}

/// Not a test by itself: what another process does.
#[test]
fn child_reads_or_writes() {
    let (Ok(path), Ok(role)) = (std::env::var(STORE), std::env::var(ROLE)) else { return };
    let workspace = Workspace::open(Path::new(&path)).unwrap();
    if role == "writer" {
        return write_rounds(&workspace, 3);
    }
    let mut reads = 0u64;
    let started = std::time::Instant::now();
    // A parent that failed leaves nobody who would say when to stop.
    while !Path::new(&path).join("stop").exists() && started.elapsed().as_secs() < 600 {
        assert_consistent(&workspace.reader(now()).unwrap());
        reads += 1;
    }
    assert!(reads > 0);
}

fn start(store: &Path, role: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["concurrency::child_reads_or_writes", "--exact", "--nocapture"])
        .env(STORE, store)
        .env(ROLE, role)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn every_reader_sees_one_moment() {
    if std::env::var(STORE).is_ok() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let workspace = make(&path);
    // A reader that lives as long as everything else, and sees the beginning all the time.
    let first = workspace.reader(now()).unwrap();
    let left_at_first = first.matches("side = left").unwrap();
    let mut readers = [start(&path, "reader"), start(&path, "reader")];
    let mut other_writer = start(&path, "writer");
    let (stop, reads) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        let reader = workspace.reader(now()).unwrap();
                        assert_consistent(&reader);
                        assert_consistent(&reader);
                        reads.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        let writer = scope.spawn(|| write_rounds(&workspace, 0));
        let written = writer.join();
        let other = other_writer.wait();
        stop.store(true, Ordering::Relaxed);
        std::fs::write(path.join("stop"), "").unwrap();
        written.unwrap();
        assert!(other.unwrap().success(), "the writer in another process");
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
    for reader in &mut readers {
        assert!(reader.wait().unwrap().success(), "a reader in another process");
    }
    assert_consistent(&first);
    assert_eq!(first.matches("side = left").unwrap(), left_at_first, "a reader's moment does not move");
    let report = workspace.reader(now()).unwrap().check().unwrap();
    assert!(report.is_sound(), "{:#?}", report.findings);
    // Two writers made as many batches, none of which was lost: each is an entry of the log.
    let batches = 2 * setting("HEADCOUNT_BATCHES", 40);
    let entries = workspace.reader(now()).unwrap().sequence().0 - first.sequence().0;
    assert_eq!(entries, batches);
    println!("{batches} batches of two writers, {} readings in threads", reads.load(Ordering::Relaxed));
}
