//! How groups are filled: by their queries or by the engine, with the same members and the same log; in one transaction
//! or in several, through a crash.

use headcount::internals::contact::Status;
use headcount::internals::generate::{Generator, Options};
use headcount::internals::import::Source;
use headcount::internals::sema::query::Dialect;
use headcount::internals::store::GroupStatus;
use headcount::internals::workspace::{ContactPatch, FillPolicy, GroupInput, LogFilter, Settings, Workspace};

const GROUPS: usize = 70;
const ENGINE_FROM: usize = 64;

fn options() -> Options {
    Options { contacts: 400, groups: GROUPS as u64, changes: 0, ..Options::default() }
}

/// A workspace of generated contacts, with the groups that go with them.
fn workspace(folder: &std::path::Path) -> (Workspace, Vec<GroupInput>) {
    let options = options();
    let generator = Generator::new(&options).unwrap();
    let settings = Settings { timezone: "Africa/Kigali".into(), country: Some("RW".into()), ..Settings::default() };
    let workspace = Workspace::create(folder, &settings).unwrap();
    let schema = Source::from_reader("schema.json", std::io::Cursor::new(generator.schema_json().into_bytes()));
    let schema = headcount::internals::import::schema::read(schema).unwrap();
    workspace.write(options.now, |batch| batch.import_schema(&schema.into())).unwrap();
    let patches: Vec<ContactPatch> = generator.contacts().collect();
    workspace
        .write(options.now, |batch| {
            for patch in &patches {
                batch.put(patch)?;
            }
            Ok(())
        })
        .unwrap();
    let groups = generator.groups().into_iter();
    let groups = groups.map(|group| GroupInput { uuid: None, name: group.name, query: Some(group.query) }).collect();
    (workspace, groups)
}

#[test]
fn many_groups_are_filled_by_the_engine_and_few_by_their_queries() {
    let now = options().now;
    let mut seen = Vec::new();
    for from in [ENGINE_FROM, usize::MAX] {
        let folder = tempfile::tempdir().unwrap();
        let (workspace, groups) = workspace(&folder.path().join("store"));
        workspace.fill_by_engine_from(from);
        let (few, many) = groups.split_at(3);
        workspace.write(now, |batch| batch.import_groups(few, Dialect::ContactQl)).unwrap();
        let counters = workspace.fill_counters();
        assert_eq!((counters.by_query, counters.by_engine), (3, 0));
        workspace.write(now, |batch| batch.import_groups(many, Dialect::ContactQl)).unwrap();
        let counters = workspace.fill_counters();
        let by_engine = if from == ENGINE_FROM { (GROUPS - 3) as u64 } else { 0 };
        assert_eq!((counters.by_query, counters.by_engine), (GROUPS as u64 - by_engine, by_engine));

        let reader = workspace.reader(now).unwrap();
        assert!(reader.check().unwrap().is_sound());
        let members: Vec<_> = reader.groups().unwrap().into_iter().map(|group| (group.name, group.count)).collect();
        assert!(members.iter().any(|(_, count)| *count > 0));
        let events = reader.events_since(Default::default(), LogFilter::default()).unwrap();
        let moves: Vec<_> = events
            .flat_map(Result::unwrap)
            .map(|event| (event.contact, event.groups_added.into_iter().map(|group| group.name).collect::<Vec<_>>()))
            .collect();
        seen.push((members, moves));
    }
    assert_eq!(seen[0], seen[1]);
}

const STORE: &str = "HEADCOUNT_FILL_STORE";

/// Leaves groups half filled, and ends without a word: what [`filling_goes_on_after_a_crash`] starts.
#[test]
fn child_fills_until_it_aborts() {
    let Ok(folder) = std::env::var(STORE) else { return };
    let (workspace, groups) = workspace(folder.as_ref());
    workspace.set_fill_policy(FillPolicy { at_once: 0, step: 50 * GROUPS as u64, finish: false });
    workspace.write(options().now, |batch| batch.import_groups(&groups, Dialect::ContactQl)).unwrap();
    for _ in 0..3 {
        assert!(workspace.fill_step(options().now).unwrap().swapped.is_empty());
    }
    std::process::abort();
}

#[test]
fn filling_goes_on_after_a_crash() {
    let now = options().now;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["filling::child_fills_until_it_aborts", "--exact", "--nocapture"])
        .env(STORE, &path)
        .output()
        .unwrap();
    assert!(!child.status.success(), "it aborts");

    let workspace = Workspace::open(&path).unwrap();
    {
        let reader = workspace.reader(now).unwrap();
        let groups = reader.groups().unwrap();
        let smart = groups.iter().filter(|group| group.smart);
        assert!(smart.clone().all(|group| (group.status, group.count) == (GroupStatus::Initializing, 0)));
        assert_eq!(smart.count(), GROUPS);
        assert!(reader.check().unwrap().is_sound(), "what was filled before is right");
    }
    // Contacts on both sides of the position leave the active ones.
    let (first, last) = {
        let reader = workspace.reader(now).unwrap();
        let documents: Vec<_> = reader.documents().unwrap().map(Result::unwrap).collect();
        let uuid = |at: usize| reader.row(documents[at]).unwrap().unwrap().uuid();
        (uuid(0), uuid(documents.len() - 1))
    };
    let block = |uuid| ContactPatch { uuid: Some(uuid), status: Some(Status::Blocked), ..ContactPatch::default() };
    workspace
        .write(now, |batch| {
            batch.put(&block(first))?;
            batch.put(&block(last))?;
            Ok(())
        })
        .unwrap();
    assert!(workspace.reader(now).unwrap().check().unwrap().is_sound());
    let done = workspace.fill_pending(now).unwrap();
    assert_eq!((done.swapped.len(), done.waiting), (GROUPS, 0));
    let reader = workspace.reader(now).unwrap();
    assert!(reader.groups().unwrap().iter().all(|group| group.status == GroupStatus::Ready));
    assert!(reader.groups().unwrap().iter().any(|group| group.smart && group.count > 0));
    assert!(reader.check().unwrap().is_sound());
}

#[test]
fn large_groups_take_several_commits_and_are_never_half_there() {
    let now = options().now;
    let folder = tempfile::tempdir().unwrap();
    let (workspace, groups) = workspace(&folder.path().join("store"));
    workspace.set_fill_policy(FillPolicy { at_once: 1000, step: 100 * GROUPS as u64, finish: true });
    let small = workspace.write(now, |batch| batch.import_groups(&groups[..1], Dialect::ContactQl)).unwrap();
    assert_eq!(workspace.fill_counters().by_query, 1, "400 contacts are filled at once");
    let before = workspace.reader(now).unwrap().commits();
    let done = workspace.write(now, |batch| batch.import_groups(&groups, Dialect::ContactQl)).unwrap();
    let reader = workspace.reader(now).unwrap();
    // A step has room for 17 groups of 400 contacts; the first are swapped with the last step of filling.
    assert_eq!(reader.commits() - before, 1 + 4 + 4, "the edit, four steps of a hundred contacts, four more swaps");
    let entries = done.after.0 - small.after.0;
    assert!((1..=5).contains(&entries), "an entry of the log for each swap that moves anybody: {entries}");
    assert_eq!(reader.sequence(), done.after);
    assert!(reader.check().unwrap().is_sound());
}
