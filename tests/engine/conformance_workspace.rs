//! The reference's cases through a whole workspace: contacts imported, searches by index plan, smart groups kept exact
//! by changes, before and after reopening.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use headcount::internals::import::{ChangeReader, ContactReader, Source, groups, schema};
use headcount::internals::sema::query::Dialect;
use headcount::internals::value::Instant;
use headcount::internals::workspace::{GroupInput, MembershipEvent, PageRequest, Settings, Workspace};
use serde_json::Value;

fn corpus(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus/contactql").join(name)
}

fn json(name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(corpus(name)).unwrap()).unwrap()
}

fn lines(name: &str) -> Vec<Value> {
    fs::read_to_string(corpus(name)).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn now() -> Instant {
    Instant::parse(json("environments.json")["now"].as_str().unwrap()).unwrap()
}

/// A workspace with the cases' schema and contacts, in one of their environments.
fn workspace(environment: &str) -> (tempfile::TempDir, Workspace) {
    let folder = tempfile::tempdir().unwrap();
    let named = &json("environments.json")["environments"][environment];
    let text = |key: &str| named[key].as_str().unwrap().to_owned();
    let settings = Settings {
        timezone: text("timezone"),
        date_format: text("date_format"),
        country: Some(text("country")),
        redact_urns: named["redact_urns"].as_bool().unwrap(),
    };
    let workspace = Workspace::create_at(&folder.path().join("store"), &settings, Instant::MIN).unwrap();
    workspace
        .write(now(), |batch| {
            let file = schema::read(Source::file(&corpus("schema.json")).unwrap()).unwrap();
            batch.import_schema(&file.into())?;
            let environment = settings.environment(now()).unwrap();
            let contacts = ContactReader::open(Source::file(&corpus("contacts.jsonl")).unwrap(), &environment).unwrap();
            for (line, patch) in contacts {
                batch.put(patch.unwrap()).unwrap_or_else(|error| panic!("{line:?}: {error}"));
            }
            Ok(())
        })
        .unwrap();
    (folder, workspace)
}

/// Which contacts of the file match, by index plan.
fn matches(workspace: &Workspace, query: &str) -> Vec<usize> {
    let reader = workspace.reader(now()).unwrap();
    let parsed = reader.parse(query, Dialect::ContactQl).unwrap_or_else(|error| panic!("{query}: {error}"));
    let all = PageRequest { limit: None, ..PageRequest::default() };
    let page = reader.page(&parsed.query, &all).unwrap();
    let found: Vec<usize> = page.documents.iter().map(|document| document.0 as usize).collect();
    assert_eq!(page.total as usize, found.len(), "{query}");
    assert_eq!(reader.count_query(&parsed.query).unwrap() as usize, found.len(), "{query}");
    found
}

#[test]
fn searches_by_index_plan() {
    let cases = lines("eval.jsonl");
    let mut by_environment: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for case in &cases {
        by_environment.entry(case["environment"].as_str().unwrap().to_owned()).or_default().push(case);
    }
    let (mut passed, mut failed) = (0, Vec::new());
    for (environment, cases) in by_environment {
        let (_folder, workspace) = workspace(&environment);
        for indexed in [false, true] {
            if indexed {
                workspace.index().unwrap();
            }
            for case in &cases {
                let query = case["query"].as_str().unwrap();
                let expected: Vec<usize> =
                    case["matches"].as_array().unwrap().iter().map(|at| at.as_u64().unwrap() as usize).collect();
                if matches(&workspace, query) == expected {
                    passed += 1;
                } else {
                    failed.push(format!("{environment}: {query}"));
                }
            }
        }
    }
    println!("eval.jsonl by index plan: {passed} passed, {} failed", failed.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert_eq!(passed, 2 * cases.len());
}

/// The members of every smart group, by uuid.
fn members(workspace: &Workspace) -> BTreeMap<String, BTreeSet<String>> {
    let reader = workspace.reader(now()).unwrap();
    let mut members = BTreeMap::new();
    for group in reader.groups().unwrap().into_iter().filter(|group| group.smart) {
        let documents = reader.members(group.id).unwrap();
        assert_eq!(documents.len(), group.count);
        let uuids = documents.iter().map(|document| {
            reader.row(headcount::internals::ids::DocumentNumber(document)).unwrap().unwrap().uuid().to_string()
        });
        members.insert(group.name, uuids.collect());
    }
    members
}

fn with_groups() -> (tempfile::TempDir, Workspace) {
    let (folder, workspace) = workspace(json("groups.json")["environment"].as_str().unwrap());
    let file = groups::read(Source::file(&corpus("groups.json")).unwrap()).unwrap();
    let inputs: Vec<GroupInput> = file.groups.into_iter().map(Into::into).collect();
    workspace.write(now(), |batch| batch.import_groups(&inputs, Dialect::ContactQl)).unwrap();
    (folder, workspace)
}

fn assert_final(workspace: &Workspace) {
    let expected = json("groups.final.json");
    let found = members(workspace);
    for (group, uuids) in expected.as_object().unwrap() {
        let wanted: BTreeSet<String> =
            uuids.as_array().unwrap().iter().map(|uuid| uuid.as_str().unwrap().to_owned()).collect();
        assert_eq!(found[group], wanted, "{group}");
    }
    let report = workspace.reader(now()).unwrap().check().unwrap();
    assert!(report.is_sound(), "{:#?}", report.findings);
    assert!(report.groups >= 120 && report.contacts == 500 && report.log_entries > 0, "{report:?}");
}

#[test]
fn groups_before_during_and_after_changes_one_by_one() {
    let (folder, workspace) = with_groups();
    let initial = members(&workspace);
    for (group, count) in json("groups.initial.json").as_object().unwrap() {
        assert_eq!(initial[group].len() as u64, count.as_u64().unwrap(), "{group}");
    }
    let mut expected: BTreeMap<u64, (Vec<String>, Vec<String>)> = BTreeMap::new();
    for line in lines("changes.expected.jsonl") {
        let names = |key: &str| line[key].as_array().unwrap().iter().map(|n| n.as_str().unwrap().to_owned()).collect();
        expected.insert(line["line"].as_u64().unwrap(), (names("entered"), names("left")));
    }
    let changes = ChangeReader::open(Source::file(&corpus("changes.jsonl")).unwrap()).unwrap();
    let (mut passed, mut number) = (0, 0);
    for (_, change) in changes {
        number += 1;
        let change = change.unwrap();
        let commit = workspace.write(now(), |batch| batch.apply(&change)).unwrap();
        let reader = workspace.reader(now()).unwrap();
        let events: Vec<MembershipEvent> =
            reader.events_since(commit.before, Default::default()).unwrap().flat_map(Result::unwrap).collect();
        assert!(events.len() <= 1, "line {number}: {events:?}");
        let names = |groups: &[headcount::internals::workspace::NamedGroup]| -> Vec<String> {
            groups.iter().map(|group| group.name.clone()).collect()
        };
        let found = events.first().map(|event| (names(&event.groups_added), names(&event.groups_removed)));
        assert_eq!(found, expected.get(&number).cloned(), "line {number}");
        passed += 1;
    }
    println!("changes.jsonl one by one: {passed} passed, 0 failed");
    assert_eq!(passed, 1500);
    assert_final(&workspace);
    drop(workspace);
    assert_final(&Workspace::open(&folder.path().join("store")).unwrap());
}

#[test]
fn groups_after_changes_in_batches_of_any_size() {
    for size in [7, 100, 1500] {
        let (_folder, workspace) = with_groups();
        let changes: Vec<_> = ChangeReader::open(Source::file(&corpus("changes.jsonl")).unwrap()).unwrap().collect();
        for batch in changes.chunks(size) {
            workspace
                .write(now(), |writer| {
                    for (_, change) in batch {
                        writer.apply(change.as_ref().unwrap())?;
                    }
                    Ok(())
                })
                .unwrap();
        }
        assert_final(&workspace);
    }
}
