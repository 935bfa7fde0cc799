//! `contact delete --erase` leaves nothing of a person in any file, and harms nobody else.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{files, holds, run, run_with};

const UUID: &str = "7a3c9e51-1f0d-4b62-9d8e-c4b5a6978812";

/// What is known of the person and of nobody else, as it may stand in a file.
fn traces() -> Vec<Vec<u8>> {
    let texts = [
        "zqxwname",
        "vbhkfami",
        "790111222333",
        "qzjmail",
        "wxyzcity",
        "kvqjnote",
        "pwqzrest",
        "hjkqword",
        "gfdsold",
        "QZREFQ",
        "998877665",
        "7654.3219",
        UUID,
    ];
    let mut traces: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    traces.push(UUID.replace('-', "").into_bytes());
    let raw = UUID.replace('-', "");
    traces.push((0..16).map(|at| u8::from_str_radix(&raw[2 * at..2 * at + 2], 16).unwrap()).collect());
    // Created at a moment of its own: 2019-03-07T05:41:17.123457Z in microseconds.
    traces.push(1_551_937_277_123_457_i64.to_le_bytes().to_vec());
    traces
}

fn found_in(store: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for path in files(store) {
        let bytes = fs::read(&path).unwrap().to_ascii_lowercase();
        for trace in traces() {
            if holds(&bytes, &trace.to_ascii_lowercase()) {
                found.push(format!("{}: {}", path.display(), String::from_utf8_lossy(&trace)));
            }
        }
    }
    found
}

fn others() -> String {
    let line = |at: u32| {
        format!(
            r#"{{"uuid": "00000000-0000-4000-8000-{at:012}", "name": "Other {at}", "urns": ["tel:+25078810{at:04}"],
               "fields": {{"age": "{}", "note": "an ordinary note number {at}"}}, "groups": [{{"name": "Friends"}}],
               "created_on": "2026-01-01T00:00:00Z"}}"#,
            at % 60
        )
        .replace('\n', " ")
    };
    (0..300).map(|at| line(at) + "\n").collect()
}

/// A workspace in which the person has been everywhere: imported, changed, moved, indexed, deleted and imported again.
fn live_through(folder: &Path) {
    let person = format!(
        r#"{{"uuid": "{UUID}", "ref": "QZREFQ", "id": "998877665", "name": "Zqxwname Vbhkfami", "language": "kin",
           "urns": ["tel:+790111222333", "mailto:qzjmail@example.org", "custom1:pwqzrest-of-a-path"],
           "fields": {{"age": "7654.3219", "city": "Wxyzcity", "note": "kvqjnote and hjkqword here", "joined": "2019-03-07"}},
           "groups": [{{"name": "Friends"}}], "created_on": "2019-03-07T05:41:17.123457Z"}}"#
    )
    .replace('\n', " ");
    run(folder, &["init", "--timezone", "UTC"]).well();
    for (key, kind) in [("age", "number"), ("city", "text"), ("note", "text"), ("joined", "datetime")] {
        run(folder, &["field", "add", key, "--type", kind]).well();
    }
    run(folder, &["group", "create", "Friends"]).well();
    run(folder, &["group", "create", "Old", "--query", "age > 50"]).well();
    run(folder, &["group", "create", "Noted", "--query", "note ~ note"]).well();
    fs::write(folder.join("others.jsonl"), others()).unwrap();
    fs::write(folder.join("person.jsonl"), &person).unwrap();
    run(folder, &["import", "person.jsonl"]).well();
    run(folder, &["import", "others.jsonl"]).well();
    run(folder, &["index"]).well();
    run(folder, &["contact", "edit", UUID, "--field", "note=gfdsold words, and kvqjnote"]).well();
    run(folder, &["contact", "delete", UUID]).well();
    run(folder, &["index"]).well();
    run(folder, &["import", "person.jsonl"]).well();
    run(folder, &["index"]).well();
    let changes = format!(
        r#"{{"type": "contact_field_changed", "contact": {{"uuid": "{UUID}"}}, "field": {{"key": "age"}}, "value": {{"text": "12"}}}}
{{"type": "contact_field_changed", "contact": {{"urn": "tel:+790111222333"}}, "field": {{"key": "age"}}, "value": {{"text": "7654.3219"}}}}
{{"type": "contact_groups_changed", "contact": {{"uuid": "{UUID}"}}, "groups_removed": [{{"name": "Friends"}}]}}"#
    );
    run_with(folder, &["apply", "-", "--batch-size", "1"], &changes).well();
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&run(folder, &[arguments, &["--format", "json"]].concat()).well().output).unwrap()
}

#[test]
fn nothing_of_an_erased_person_is_in_any_file() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    live_through(folder);
    let store = folder.join(".headcount");
    fs::write(store.join("history"), "#V2\nname ~ zqxwname\n").unwrap();
    let before = found_in(&store);
    // An identity stands nowhere as a text.
    assert!(before.len() >= traces().len() - 2, "the traces are real: {before:#?}");
    let others = json(folder, &["query", "name ~ other", "--all"]);
    let log_before = run(folder, &["log"]).well().output.lines().count();

    let deleted = json(folder, &["contact", "delete", "tel:+790111222333", "--erase"]);
    assert_eq!(deleted["deleted"]["uuid"], UUID);
    assert_eq!(found_in(&store), Vec::<String>::new());

    run(folder, &["check"]).well();
    assert_eq!(json(folder, &["query", "name ~ other", "--all"]), others);
    assert_eq!(json(folder, &["query", "note ~ number", "--count"])["total"], 300);
    assert_eq!(json(folder, &["query", "note ~ gfdsold", "--count"])["total"], 0);
    let log = run(folder, &["log"]).well().output;
    assert!(log.lines().count() < log_before && !log.contains(UUID));
    let gone = run(folder, &["contact", "show", UUID]).badly();
    assert!(gone.errors.contains("there is no contact"), "{}", gone.errors);
    // The store lives on: written to, indexed, erased from again.
    run(folder, &["contact", "edit", "tel:+250788100007", "--field", "note=after the erasure"]).well();
    run(folder, &["index"]).well();
    run(folder, &["contact", "delete", "tel:+250788100007", "--erase"]).well();
    assert_eq!(json(folder, &["query", "note ~ number", "--count"])["total"], 299);
    run(folder, &["check"]).well();
    let backup = folder.join("copy");
    run(folder, &["backup", backup.to_str().unwrap()]).well();
    run(folder, &["--store", backup.to_str().unwrap(), "check"]).well();
    assert_eq!(found_in(&backup), Vec::<String>::new());
}

#[test]
fn who_was_deleted_before_can_be_erased_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    live_through(folder);
    run(folder, &["contact", "delete", UUID]).well();
    assert!(!found_in(&folder.join(".headcount")).is_empty());
    run(folder, &["contact", "delete", UUID, "--erase"]).well();
    assert_eq!(found_in(&folder.join(".headcount")), Vec::<String>::new());
    run(folder, &["check"]).well();
    run(folder, &["contact", "delete", UUID, "--erase"]).badly();
}
