//! Nothing acknowledged is lost: a child process writes batch after batch and is killed at random moments; each time the
//! store holds exactly the batches that were acknowledged, whole, and at most the one in flight beyond them.
//!
//! `HEADCOUNT_KILLS` sets how often the child is killed (by default 10 times), `HEADCOUNT_CRASH_SEED` when. With the
//! feature `failpoints`, the child also ends itself between the commit of the text index and the store's.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use headcount::internals::contact::{Contact, FieldValue, Status, TypedValue};
use headcount::internals::ids::{DocumentNumber, FieldId, GroupId, Sequence, Uuid};
use headcount::internals::language;
use headcount::internals::model::workspace::{Cause, Workspace as Model};
use headcount::internals::schema::FieldType;
use headcount::internals::sema::query::Dialect;
use headcount::internals::value::{Decimal, Instant, Urn};
use headcount::internals::workspace::{
    Change, ContactPatch, ContactRef, Event, FieldInput, GroupInput, Settings, Workspace, WorkspaceError,
};

const STORE: &str = "HEADCOUNT_CRASH_STORE";
const FROM: &str = "HEADCOUNT_CRASH_FROM";
const ABORT: &str = "HEADCOUNT_CRASH_ABORT";

const PEOPLE: u64 = 240;
const SCORE: FieldId = FieldId(0);
const MINUTE: i64 = 60_000_000;
/// Who counts the batches.
const COUNTER: Uuid = Uuid([255; 16]);

const QUERIES: [&str; 5] = [
    "score > 40 AND name ~ ann",
    "last_seen_on < -30m",
    "tel ~ 078800 OR last_seen_on >= -2h",
    "NOT group = Late AND score != 7",
    "group = Anns OR name = \"Bob 3\"",
];

const GROUPS: [&str; 3] = ["Anns", "Late", "Rest"];

/// Whole numbers that look random, the same for the same place.
fn draw(place: u64, below: u64) -> u64 {
    let mut z = place.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) % below
}

fn now_of(batch: u64) -> Instant {
    Instant::from_micros(Instant::parse("2026-06-15T12:00:00Z").unwrap().micros() + batch as i64 * 7 * MINUTE)
}

fn uuid_of(person: u64) -> Uuid {
    Uuid([person as u8; 16])
}

/// A person as a batch leaves them: nothing depends on what was before.
fn contact_of(person: u64, batch: u64) -> Contact {
    let place = batch << 16 | person << 4;
    let mut contact = Contact::new(uuid_of(person), now_of(0));
    let first = ["Ann", "Bob", "Annabelle", "Zoë"][draw(place, 4) as usize];
    contact.name = Some(format!("{first} {}", draw(place + 1, 9)).into());
    contact.status = if draw(place + 2, 6) == 0 { Status::Blocked } else { Status::Active };
    contact.urns = vec![Urn::parse(&format!("tel:+25078{}{person:03}", draw(place + 3, 900) + 100)).unwrap()];
    contact.last_seen_on = Some(Instant::from_micros(now_of(batch).micros() - draw(place + 4, 180) as i64 * MINUTE));
    let score = draw(place + 5, 100) as i64;
    let typed = TypedValue::Number(Decimal::from(score));
    contact.fields.insert(SCORE, FieldValue { text: score.to_string().into(), typed });
    contact
}

fn counter_of(batch: u64) -> Contact {
    let mut contact = Contact::new(COUNTER, now_of(0));
    contact.tickets = batch as u32;
    contact
}

fn patch_of(contact: &Contact) -> ContactPatch {
    ContactPatch {
        uuid: Some(contact.uuid),
        name: Some(contact.name.clone()),
        status: Some(contact.status),
        urns: Some(contact.urns.clone()),
        fields: contact.fields.values().map(|value| ("score".into(), Some(value.text.clone()))).collect(),
        tickets: Some(contact.tickets),
        created_on: Some(contact.created_on),
        last_seen_on: Some(contact.last_seen_on),
        ..ContactPatch::default()
    }
}

/// What one transaction does.
enum Batch {
    /// Contacts are put, as an import does.
    Import(Vec<u64>),
    /// Contacts are changed and deleted, as a stream does.
    Apply { put: Vec<u64>, deleted: Vec<u64> },
    /// The clock alone moves.
    Tick,
    /// A group is given another query.
    Edit(usize, &'static str),
}

fn batch(number: u64) -> Batch {
    let people = |salt: u64, count: u64| {
        let drawn: BTreeSet<u64> = (0..count).map(|at| draw(number << 20 | salt << 12 | at, PEOPLE)).collect();
        drawn.into_iter().collect::<Vec<u64>>()
    };
    match draw(number, 8) {
        0 => Batch::Import(people(1, 150)),
        1 => Batch::Tick,
        2 => Batch::Edit(0, QUERIES[draw(number + 1, 3) as usize]),
        3 => Batch::Edit(2, QUERIES[draw(number + 1, 5) as usize]),
        _ => {
            let count = draw(number + 3, 12) + 1;
            let deleted = people(2, draw(number + 2, 3));
            let put = people(3, count).into_iter().filter(|person| !deleted.contains(person)).collect();
            Batch::Apply { put, deleted }
        }
    }
}

fn import_groups() -> Vec<GroupInput> {
    let queries = [QUERIES[0], QUERIES[1], QUERIES[3]];
    GROUPS
        .iter()
        .zip(queries)
        .map(|(name, query)| GroupInput { uuid: None, name: (*name).to_owned(), query: Some(query.to_owned()) })
        .collect()
}

/// Makes the store that the child writes to, and its model.
fn begin(path: &Path) -> Model {
    let workspace = Workspace::create_at(path, &Settings::default(), now_of(0)).unwrap();
    let field = FieldInput { key: "score".to_owned(), name: None, kind: FieldType::Number };
    workspace
        .write(now_of(0), |writer| {
            writer.add_field(&field)?;
            writer.import_groups(&import_groups(), Dialect::Extended)?;
            writer.put(&patch_of(&counter_of(0)))
        })
        .unwrap();
    let reader = workspace.reader(now_of(0)).unwrap();
    let mut model = Model::new(jiff::tz::TimeZone::UTC, now_of(0));
    for group in reader.groups().unwrap() {
        model.put_smart_group(group.id, reader.group_query(group.id).unwrap().clone(), now_of(0)).unwrap();
    }
    model.put([counter_of(0)], now_of(0), Cause::Change);
    model
}

/// A batch on the store.
fn write(workspace: &Workspace, number: u64) {
    let put = |writer: &mut headcount::internals::workspace::Writer<'_>, person: u64| {
        writer.put(&patch_of(&contact_of(person, number)))
    };
    let work = |writer: &mut headcount::internals::workspace::Writer<'_>| -> Result<(), WorkspaceError> {
        writer.put(&patch_of(&counter_of(number)))?;
        match batch(number) {
            Batch::Import(people) => people.into_iter().try_for_each(|person| put(writer, person))?,
            Batch::Apply { put: changed, deleted } => {
                changed.into_iter().try_for_each(|person| put(writer, person))?;
                for person in deleted {
                    let contact = Some(ContactRef::Uuid(uuid_of(person)));
                    let change = Change { contact, event: Event::Deleted, created_on: None, source: None };
                    // Nobody may be there to be deleted.
                    writer.apply(&change).or_else(|error| if error.is_rejected() { Ok(()) } else { Err(error) })?;
                }
            }
            Batch::Tick => {}
            Batch::Edit(group, query) => {
                let group = writer.group_named(GROUPS[group])?;
                writer.edit_group(group, query, Dialect::Extended)?;
            }
        }
        Ok(())
    };
    workspace.write(now_of(number), work).unwrap();
}

/// The same batch on the model.
fn write_model(model: &mut Model, number: u64, workspace: &Workspace) {
    let now = now_of(number);
    let mut changes: BTreeMap<Uuid, Option<Contact>> = BTreeMap::from([(COUNTER, Some(counter_of(number)))]);
    let mut edit = None;
    match batch(number) {
        Batch::Import(people) => {
            changes.extend(people.into_iter().map(|person| (uuid_of(person), Some(contact_of(person, number)))));
        }
        Batch::Apply { put, deleted } => {
            changes.extend(put.into_iter().map(|person| (uuid_of(person), Some(contact_of(person, number)))));
            changes.extend(deleted.into_iter().map(|person| (uuid_of(person), None)));
        }
        Batch::Tick => {}
        Batch::Edit(group, query) => edit = Some((group, query)),
    }
    model.change(changes, now, Cause::Change);
    if let Some((group, query)) = edit {
        let reader = workspace.reader(now).unwrap();
        let id = reader.group_named(GROUPS[group]).unwrap();
        let query = language::parse(query, reader.schema(), reader.environment()).unwrap();
        // A query that leads back to its group is refused on both sides, but then the whole batch would be.
        model.put_smart_group(id, query, now).unwrap();
    }
}

/// The store is the model.
fn compare(workspace: &Workspace, model: &Model, logged: &mut (Sequence, usize)) {
    let reader = workspace.reader(model.clock()).unwrap();
    let report = reader.check().unwrap();
    assert!(report.is_sound(), "{:#?}", report.findings);
    assert_eq!(reader.clock(), model.clock());
    assert_eq!(reader.contacts(), model.contacts().len() as u64);
    for (uuid, contact) in model.contacts() {
        let document = reader.find(&ContactRef::Uuid(*uuid)).unwrap().unwrap();
        assert_eq!(reader.contact(document).unwrap().as_ref(), Some(contact));
    }
    let uuids = |documents: roaring::RoaringBitmap| -> BTreeSet<Uuid> {
        let rows = documents.into_iter().map(|document| reader.contact(DocumentNumber(document)).unwrap().unwrap());
        rows.map(|contact| contact.uuid).collect()
    };
    let mut identities: BTreeMap<Uuid, GroupId> = BTreeMap::new();
    for group in reader.groups().unwrap() {
        assert_eq!(uuids(reader.members(group.id).unwrap()), model.members(group.id), "{}", group.name);
        identities.insert(group.uuid, group.id);
    }
    for text in ["name ~ ann", "tel ~ 0780", "urn ~ 123 OR name ~ zoë"] {
        let query = language::parse(text, reader.schema(), reader.environment()).unwrap();
        assert_eq!(uuids(reader.matches_query(&query).unwrap()), model.search(&query, model.clock()), "{text}");
    }
    let mut entries = Vec::new();
    for events in reader.events_since(logged.0, Default::default()).unwrap() {
        let events = events.unwrap();
        let mut moves = BTreeMap::new();
        for event in &events {
            let moved = event.groups_added.iter().map(|group| (group, true));
            for (group, entered) in moved.chain(event.groups_removed.iter().map(|group| (group, false))) {
                moves.insert((identities[&group.uuid], event.contact), entered);
            }
        }
        entries.push((events[0].time, moves));
    }
    let expected: Vec<_> = model.log()[logged.1..].iter().map(|entry| (entry.at, entry.moves.clone())).collect();
    assert_eq!(entries, expected);
    *logged = (reader.sequence(), model.log().len());
}

/// Not a test by itself: what the child does when this program is started as one.
#[test]
fn child_writes_until_it_is_killed() {
    let Ok(path) = std::env::var(STORE) else { return };
    let from: u64 = std::env::var(FROM).unwrap().parse().unwrap();
    let workspace = Workspace::open(Path::new(&path)).unwrap();
    let mut out = std::io::stdout();
    for number in from.. {
        write(&workspace, number);
        writeln!(out, "committed {number}").unwrap();
        out.flush().unwrap();
        if draw(number + 9, 5) == 0 {
            arm_abort();
            workspace.index().unwrap();
            writeln!(out, "indexed {number}").unwrap();
        }
    }
}

/// With failpoints, the process ends itself at the given commit of an index run: the first takes the dirty set over,
/// tantivy commits, the second sets the generation, the third merges.
fn arm_abort() {
    #[cfg(feature = "failpoints")]
    if let Ok(nth) = std::env::var(ABORT) {
        use headcount::internals::store::fail::{Action, Point, arm};
        arm(Point::BeforeCommit, nth.parse().unwrap(), Action::Abort);
    }
}

fn start_child(store: &Path, from: u64, abort: Option<u32>) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["crash::child_writes_until_it_is_killed", "--exact", "--nocapture"]);
    command.env(STORE, store).env(FROM, from.to_string()).stdout(Stdio::piped()).stderr(Stdio::null());
    if let Some(nth) = abort {
        command.env(ABORT, nth.to_string());
    }
    command.spawn().unwrap()
}

/// What the child said before its end: the last batch that it acknowledged, and how often it indexed.
fn heard(child: &mut Child) -> (Option<u64>, u64) {
    let (mut last, mut indexed) = (None, 0);
    for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
        // The test harness writes on the same line before the first.
        if let Some((_, number)) = line.split_once("committed ") {
            last = number.parse().ok();
        }
        indexed += u64::from(line.starts_with("indexed "));
    }
    (last, indexed)
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[derive(Default, Debug)]
struct Tally {
    kills: u64,
    batches: u64,
    in_flight_kept: u64,
    index_runs: u64,
}

/// A store, and a child that is killed so many times while it writes to it.
fn kill_often(kills: u64, seed: u64, abort: Option<u32>, tally: &mut Tally) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let mut model = begin(&path);
    let mut logged = (Sequence(0), 0);
    let mut last = 0;
    for kill in 0..kills {
        let mut child = start_child(&path, last + 1, abort);
        if abort.is_none() {
            std::thread::sleep(Duration::from_micros(10_000 + draw(seed << 32 | kill, 250_000)));
            child.kill().unwrap();
        }
        let (acknowledged, indexed) = heard(&mut child);
        let status = child.wait().unwrap();
        assert_eq!(status.code(), None, "the child ended by itself: {status}");
        let workspace = Workspace::open(&path).unwrap();
        let reader = workspace.reader(now_of(0)).unwrap();
        let counter = reader.find(&ContactRef::Uuid(COUNTER)).unwrap().unwrap();
        let found = u64::from(reader.contact(counter).unwrap().unwrap().tickets);
        let acknowledged = acknowledged.unwrap_or(last);
        assert!(found >= acknowledged, "batch {acknowledged} was acknowledged, {found} is the last one kept");
        assert!(found <= acknowledged + 1, "batch {found} is there, {acknowledged} was acknowledged last");
        for number in last + 1..=found {
            write_model(&mut model, number, &workspace);
        }
        drop(reader);
        compare(&workspace, &model, &mut logged);
        tally.kills += 1;
        tally.batches += found - last;
        tally.in_flight_kept += found - acknowledged;
        tally.index_runs += indexed;
        last = found;
    }
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    if std::env::var(STORE).is_ok() {
        return;
    }
    let (kills, seed) = (setting("HEADCOUNT_KILLS", 10), setting("HEADCOUNT_CRASH_SEED", 1));
    let mut tally = Tally::default();
    // A new store now and then: at its beginning other things happen than later.
    for at in 0..kills.div_ceil(50) {
        kill_often((kills - at * 50).min(50), seed + at, None, &mut tally);
    }
    println!("seed {seed}: {tally:?}");
    assert_eq!(tally.kills, kills);
}

#[cfg(feature = "failpoints")]
#[test]
fn an_end_between_the_text_index_and_the_store_loses_nothing() {
    if std::env::var(STORE).is_ok() {
        return;
    }
    for commit in 0..3 {
        let mut tally = Tally::default();
        kill_often(setting("HEADCOUNT_KILLS", 10).div_ceil(5), 7, Some(commit), &mut tally);
        println!("at commit {commit} of an index run: {tally:?}");
    }
}
