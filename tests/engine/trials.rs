//! Damaged stores by the thousand: bits, bytes and pages that are not what was written. Each is given to a child process
//! with a limit of time, which checks it, repairs it, reads everything, writes as people do, makes a compact copy, and
//! checks again.
//!
//! `HEADCOUNT_DAMAGE` sets how many (by default 24), `HEADCOUNT_DAMAGE_SEED` which, and
//! `HEADCOUNT_DAMAGE_PEOPLE` how many contacts each store has.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant as Stopwatch};

use headcount::internals::ids::{Sequence, Uuid};
use headcount::internals::schema::FieldType;
use headcount::internals::sema::query::Dialect;
use headcount::internals::value::{Instant, Urn};
use headcount::internals::workspace::{
    Change, ContactPatch, ContactRef, Event, FieldInput, Repaired, Settings, Workspace, WorkspaceError,
};

use crate::damage::{copy_store, now};

const STORE: &str = "HEADCOUNT_DAMAGE_STORE";
/// Set for a child that only reads.
const ONLY_READS: &str = "HEADCOUNT_DAMAGE_ONLY_READS";
const PAGE: usize = 4096;
/// A child that takes longer than this never ends.
const LIMIT: Duration = Duration::from_secs(60);

const QUERIES: [&str; 9] = [
    "age > 20",
    "age = \"\"",
    "name ~ ann",
    "tel ~ 250788",
    "urn = +250788000007",
    "last_seen_on < -2d",
    "group = Adults AND city = kigali",
    "note ~ boat",
    "status = active",
];

/// How many contacts there are: with 700, the data file is so long that opening does not walk through all of it.
fn people() -> u32 {
    setting("HEADCOUNT_DAMAGE_PEOPLE", 300) as u32
}

fn person(at: u32) -> ContactPatch {
    let seen = Instant::from_micros(now().micros() - i64::from(at) * 3_600_000_000);
    let mut uuid = [7; 16];
    uuid[..4].copy_from_slice(&(at + 1).wrapping_mul(0x9E37_79B9).to_be_bytes());
    let city = ["Kigali", "Huye", "Gisenyi"][at as usize % 3];
    let note = format!("{} the {} boat of {city} number {at}", "a long way from ".repeat(at as usize % 5), at % 7);
    let mut fields: Vec<(Box<str>, Option<Box<str>>)> =
        vec![("city".into(), Some(city.into())), ("note".into(), Some(note.into()))];
    if !at.is_multiple_of(5) {
        fields.push(("age".into(), Some((at % 40).to_string().into())));
    }
    ContactPatch {
        uuid: Some(Uuid(uuid)),
        name: Some(Some(format!("{} {at}", ["Ann", "Bob", "Annabelle"][at as usize % 3]).into())),
        urns: Some(vec![Urn::parse(&format!("tel:+250788000{at:03}")).unwrap()]),
        last_seen_on: Some(Some(seen)),
        created_on: Some(seen),
        fields,
        ..ContactPatch::default()
    }
}

fn reference(at: u32) -> ContactRef {
    ContactRef::Uuid(person(at).uuid.unwrap())
}

/// A store of many commits, with something in every table, free pages, branches and values that have pages of their own;
/// and its data file as it was some commits before the last.
fn make(path: &Path) -> Vec<u8> {
    let workspace = Workspace::create_at(path, &Settings::default(), now()).unwrap();
    let field = |key: &str, kind| FieldInput { key: key.to_owned(), name: None, kind };
    workspace
        .write(now(), |writer| {
            writer.add_field(&field("age", FieldType::Number))?;
            writer.add_field(&field("city", FieldType::Text))?;
            writer.add_field(&field("note", FieldType::Text))?;
            writer.create_group("Adults", Some("age >= 18"), Dialect::Extended)?;
            writer.create_group("Late", Some("last_seen_on < -1d"), Dialect::Extended)?;
            writer.create_group("Anns", Some("name ~ ann AND group = Adults"), Dialect::Extended)?;
            writer.create_group("Friends", None, Dialect::Extended)?;
            (0..people()).try_for_each(|at| writer.put(&person(at)))
        })
        .unwrap();
    workspace.index().unwrap();
    for round in 0..4 {
        workspace.write(now(), |writer| change(writer, round)).unwrap();
    }
    drop(workspace);
    let older = fs::read(path.join("data.mdb")).unwrap();
    let workspace = Workspace::open(path).unwrap();
    for round in 4..7 {
        workspace.write(now(), |writer| change(writer, round)).unwrap();
    }
    older
}

/// What people do: some contacts change, one goes, some move.
fn change(writer: &mut headcount::internals::workspace::Writer<'_>, round: u32) -> Result<(), WorkspaceError> {
    let friends = writer.group_named("Friends")?;
    writer.move_members(friends, &(round * 3..round * 3 + 9).collect(), round % 2 == 0)?;
    let gone = Change { contact: Some(reference(200 + round)), event: Event::Deleted, created_on: None, source: None };
    writer.apply(&gone)?;
    for at in (round..199).step_by(11) {
        let fields = vec![
            ("age".into(), Some((at % 50 + round).to_string().into())),
            ("note".into(), Some(format!("round {round}, {}", "and on ".repeat(at as usize % 20)).into())),
        ];
        writer.put(&ContactPatch { name: Some(Some(format!("Zed {round}").into())), fields, ..person(at) })?;
    }
    Ok(())
}

/// Everything that a workspace answers, as text.
fn answers(path: &Path) -> Result<String, WorkspaceError> {
    let workspace = Workspace::open(path)?;
    let reader = workspace.reader(now())?;
    let mut answers = format!("{:?} {:?} {}\n", reader.clock(), reader.settings(), reader.contacts());
    for document in reader.documents()? {
        let document = document?;
        answers += &format!("{document:?} {:?} {:?}\n", reader.contact(document)?, reader.groups_of(document)?);
    }
    for group in reader.groups()? {
        answers += &format!("{group:?} {:?}\n", reader.members(group.id)?);
    }
    for query in QUERIES {
        answers += &format!("{query}: {:?}\n", reader.matches(query)?);
    }
    for at in 0..people() {
        let urn = ContactRef::Urn(person(at).urns.unwrap().remove(0));
        answers += &format!("{:?} {:?}\n", reader.find(&reference(at))?, reader.find(&urn)?);
    }
    for events in reader.events_since(Sequence(0), Default::default())? {
        answers += &format!("{:?}\n", events?);
    }
    Ok(answers)
}

/// Writes as people do, indexes, and makes a compact copy that is a sound store.
fn go_on(path: &Path) -> Result<(), WorkspaceError> {
    let workspace = Workspace::open(path)?;
    for round in 7..10 {
        workspace.write(now(), |writer| change(writer, round))?;
    }
    workspace.index()?;
    let copy = path.with_extension("copy");
    workspace.backup(&copy, true)?;
    let report = Workspace::check(&copy, now())?;
    fs::remove_dir_all(&copy).unwrap();
    assert!(report.is_sound(), "the copy: {:?}", report.findings);
    Ok(())
}

/// Not a test by itself: what a child says of a store, one line after each thing that it tried.
#[test]
fn child_looks_at_a_store() {
    let Ok(path) = std::env::var(STORE) else { return };
    let path = Path::new(&path);
    let say = |what: &str, said: &str| {
        println!("\n{what}={said}");
        std::io::stdout().flush().unwrap();
    };
    fn tried<T>(work: impl FnOnce() -> Result<T, WorkspaceError>) -> Result<T, String> {
        match catch_unwind(AssertUnwindSafe(work)) {
            Err(_) => Err("panicked".to_owned()),
            Ok(done) => done.map_err(|error| format!("error {error}")),
        }
    }
    let read = |name: &str| match tried(|| answers(path)) {
        Ok(answers) => {
            fs::write(path.with_extension(name), answers).unwrap();
            say(name, "answered");
        }
        Err(said) => say(name, &said),
    };
    if std::env::var(ONLY_READS).is_ok() {
        return read("unmended");
    }
    match tried(|| Workspace::check(path, now())) {
        Ok(report) if report.is_sound() => say("check", "sound"),
        Ok(report) => {
            report.findings.iter().for_each(|finding| println!("{finding}"));
            say("check", "found");
            match tried(|| Workspace::repair(path, now())) {
                Ok(Repaired { after, .. }) if after.is_sound() => say("repair", "mended"),
                Ok(Repaired { after, kept, .. }) => {
                    after.findings.iter().for_each(|finding| println!("after: {finding}"));
                    return say("repair", if kept.is_some() { "half" } else { "refused" });
                }
                Err(said) => return say("repair", &said),
            }
        }
        Err(said) => return say("check", &said),
    }
    read("read");
    match tried(|| go_on(path)) {
        Ok(()) => say("write", "done"),
        Err(said) => return say("write", &said),
    }
    read("later");
    match tried(|| Workspace::check(path, now())) {
        Ok(report) if report.is_sound() => say("again", "sound"),
        Ok(report) => say("again", &format!("found {:?}", report.findings)),
        Err(said) => say("again", &said),
    }
}

/// What became of a damaged store.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
struct Outcome {
    check: String,
    /// Reading before anything was mended, as people do who do not check.
    unmended: String,
    repair: String,
    /// Reading and writing after `check` or a repair said that all is sound.
    after: String,
}

impl Outcome {
    /// `check` did not end, or called sound what is not; or a repair made worse what was.
    fn is_bad(&self) -> bool {
        !matches!(self.check.as_str(), "sound" | "found" | "error")
            || !matches!(self.repair.as_str(), "" | "mended" | "refused")
            || !matches!(self.after.as_str(), "" | "right")
            || self.unmended == "panicked"
    }
}

/// What is right before and after the writes.
struct Right {
    read: String,
    later: String,
}

/// What a child says of a store.
struct Said {
    store: PathBuf,
    text: String,
    /// How it ended, if it did not come to what it is asked about.
    end: &'static str,
}

impl Said {
    fn of(store: &Path, only_reads: bool) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["trials::child_looks_at_a_store", "--exact", "--nocapture"]).env(STORE, store);
        if only_reads {
            command.env(ONLY_READS, "yes");
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut output = child.stdout.take().unwrap();
        let reading = std::thread::spawn(move || {
            let mut text = String::new();
            output.read_to_string(&mut text).map(|_| text)
        });
        let started = Stopwatch::now();
        let mut end = "crashed";
        while child.try_wait().unwrap().is_none() {
            if started.elapsed() > LIMIT {
                end = "hung";
                child.kill().unwrap();
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Said { store: store.to_owned(), text: reading.join().unwrap().unwrap_or_default(), end }
    }

    /// The first word of what it says of a step.
    fn step(&self, what: &str) -> String {
        let said = self.text.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix('='));
        said.unwrap_or(self.end).split(' ').next().unwrap_or_default().to_owned()
    }

    /// The same, with what it has read compared.
    fn read(&self, what: &str, right: Option<&String>) -> String {
        let said = self.step(what);
        let is_wrong = |right: &String| fs::read_to_string(self.store.with_extension(what)).unwrap() != *right;
        match said.as_str() {
            "answered" if right.is_some_and(is_wrong) => "wrong".to_owned(),
            "answered" => "right".to_owned(),
            _ => said,
        }
    }
}

/// `copy` is the same store once more, to be read without being checked.
fn look_at(store: &Path, copy: &Path, right: Option<&Right>) -> (Outcome, String) {
    let said = Said::of(store, false);
    let mut outcome = Outcome { check: said.step("check"), ..Outcome::default() };
    if outcome.check == "found" {
        outcome.unmended = Said::of(copy, true).read("unmended", right.map(|right| &right.read));
        outcome.repair = said.step("repair");
    }
    if outcome.check == "sound" || outcome.repair == "mended" {
        let steps = [
            said.read("read", right.map(|right| &right.read)),
            said.step("write").replace("done", "right"),
            said.read("later", right.map(|right| &right.later)),
            said.step("again").replace("sound", "right"),
        ];
        let steps = steps.into_iter().zip(["reading", "writing", "reading later", "checking later"]);
        let wrong = steps.into_iter().find(|(step, _)| step != "right");
        outcome.after = wrong.map_or("right".to_owned(), |(step, when)| format!("{when}: {step}"));
    }
    (outcome, said.text)
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Whole numbers that look random, the same for the same place.
struct Draw(u64);

impl Draw {
    fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % below as u64) as usize
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if fs::metadata(&path).unwrap().len() > 0 {
            found.push(path);
        }
    }
}

/// Damages a store, and says what was done: its kind, and where.
fn damage(store: &Path, older: &[u8], draw: &mut Draw) -> (&'static str, String) {
    let data = store.join("data.mdb");
    let whole = fs::read(&data).unwrap();
    let mut bytes = whole.clone();
    let pages = bytes.len() / PAGE;
    let page = 2 + draw.below(pages - 2);
    let (kind, place) = match draw.below(8) {
        0 => {
            let mut all = Vec::new();
            files(store, &mut all);
            all.retain(|path| !path.ends_with("lock.mdb") && !path.ends_with("data.mdb"));
            all.sort();
            let path = &all[draw.below(all.len())];
            let mut bytes = fs::read(path).unwrap();
            let at = draw.below(bytes.len());
            bytes[at] ^= 1 << draw.below(8);
            fs::write(path, bytes).unwrap();
            return ("a bit of another file", format!("{} byte {at}", path.display()));
        }
        1 => {
            let at = draw.below(bytes.len());
            bytes[at] ^= 1 << draw.below(8);
            ("a bit", format!("byte {at}"))
        }
        2 => {
            let at = page * PAGE + draw.below(64);
            bytes[at] ^= 1 << draw.below(8);
            ("a bit of a page's head", format!("page {page} byte {}", at % PAGE))
        }
        3 => {
            let at = page * PAGE + draw.below(16);
            bytes[at] = 0;
            ("a zero in a page's head", format!("page {page} byte {}", at % PAGE))
        }
        4 => {
            let (at, length) = (draw.below(bytes.len() - 64), 1 + draw.below(64));
            bytes[at..at + length].fill(0);
            ("zeros", format!("byte {at}, {length} of them"))
        }
        5 => {
            let other = draw.below(pages);
            bytes.copy_within(other * PAGE..(other + 1) * PAGE, page * PAGE);
            ("a copy of another page", format!("page {page} is {other}"))
        }
        6 => {
            let other = 2 + draw.below(pages - 2);
            let (one, two) = (page * PAGE, other * PAGE);
            bytes[one..one + PAGE].copy_from_slice(&whole[two..two + PAGE]);
            bytes[two..two + PAGE].copy_from_slice(&whole[one..one + PAGE]);
            ("two pages exchanged", format!("pages {page} and {other}"))
        }
        _ => {
            let differ = (0..older.len().min(bytes.len()) / PAGE)
                .filter(|page| older[page * PAGE..(page + 1) * PAGE] != bytes[page * PAGE..(page + 1) * PAGE]);
            let differ: Vec<usize> = differ.collect();
            let page = differ[draw.below(differ.len())];
            bytes[page * PAGE..(page + 1) * PAGE].copy_from_slice(&older[page * PAGE..(page + 1) * PAGE]);
            ("a page of an older commit", format!("page {page}"))
        }
    };
    fs::write(&data, bytes).unwrap();
    (kind, place)
}

#[test]
fn damage_is_told_and_mended_or_refused_and_never_taken_for_sound() {
    if std::env::var(STORE).is_ok() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let original = folder.path().join("original");
    let older = make(&original);
    let clean = folder.path().join("clean");
    copy_store(&original, &clean);
    let (sound, said) = look_at(&clean, &clean, None);
    assert_eq!((sound.check.as_str(), sound.after.as_str()), ("sound", "right"), "{said}");
    let of = |name: &str| fs::read_to_string(clean.with_extension(name)).unwrap();
    let right = Right { read: of("read"), later: of("later") };
    assert_ne!(right.read, right.later);

    let (trials, seed) = (setting("HEADCOUNT_DAMAGE", 24), setting("HEADCOUNT_DAMAGE_SEED", 1));
    let (next, table, bad) = (AtomicU64::new(0), Mutex::new(BTreeMap::new()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..setting("HEADCOUNT_DAMAGE_THREADS", 2) {
            scope.spawn(|| {
                loop {
                    let trial = next.fetch_add(1, Ordering::Relaxed);
                    if trial >= trials {
                        return;
                    }
                    let place = folder.path().join(format!("trial-{trial}"));
                    fs::create_dir(&place).unwrap();
                    let store = place.join("store");
                    copy_store(&original, &store);
                    let (kind, where_) = damage(&store, &older, &mut Draw(seed << 32 | trial));
                    let copy = place.join("copy");
                    copy_store(&store, &copy);
                    let (outcome, said) = look_at(&store, &copy, Some(&right));
                    if outcome.is_bad() {
                        let told = format!("trial {trial}: {kind}, {where_}: {outcome:?}\n{said}");
                        println!("{told}");
                        bad.lock().unwrap().push(told);
                    }
                    *table.lock().unwrap().entry((kind, outcome)).or_insert(0u64) += 1;
                    fs::remove_dir_all(&place).unwrap();
                }
            });
        }
    });
    println!(
        "| damage | `check` | read without it | `--repair` | afterwards | stores |\n| --- | --- | --- | --- | --- | --- |"
    );
    for ((kind, Outcome { check, unmended, repair, after }), times) in table.into_inner().unwrap() {
        println!("| {kind} | {check} | {unmended} | {repair} | {after} | {times} |");
    }
    let bad = bad.into_inner().unwrap();
    assert!(bad.is_empty(), "{} of {trials}:\n{}", bad.len(), bad.join("\n"));
}
