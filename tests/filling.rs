//! How groups are filled: by their queries or by the engine, with the same members and the same log.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use headcount::generate::{Generator, Options};
use headcount::import::Source;
use headcount::sema::query::Dialect;
use headcount::workspace::{ContactPatch, GroupInput, LogFilter, Settings, Workspace};

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
    let schema = headcount::import::schema::read(schema).unwrap();
    workspace.write(options.now, |batch| batch.import_schema(&schema.into())).unwrap();
    let patches: Vec<ContactPatch> = generator.contacts().collect();
    workspace
        .write(options.now, |batch| {
            for patch in &patches {
                batch.put(patch)?.unwrap();
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
