//! Damage that `check` finds and `check --repair` mends, and copies that are made while somebody writes, by the program.

use std::fs;
use std::process::Stdio;

use headcount::internals::ids::GroupId;
use headcount::internals::store::Store;

use super::{finish, headcount, run, run_with};

fn person(at: u32) -> String {
    format!("{{\"urns\": [\"tel:+2507881{at:05}\"], \"fields\": {{\"age\": \"{}\"}}}}\n", at % 50)
}

#[test]
fn damage_is_said_and_mended_on_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run(folder, &["init"]).well();
    run(folder, &["field", "add", "age", "--type", "number"]).well();
    run(folder, &["group", "create", "Adults", "--query", "age >= 18"]).well();
    run_with(folder, &["import", "-"], &(0..40).map(person).collect::<String>()).well();
    run(folder, &["index"]).well();
    {
        let store = Store::open(&folder.join(".headcount")).unwrap();
        let mut transaction = store.write().unwrap();
        transaction.apply_members(GroupId(0), &[3], &[20]).unwrap();
        transaction.release_urn("tel:+250788100007", headcount::internals::ids::DocumentNumber(7)).unwrap();
        transaction.commit().unwrap();
    }
    fs::write(folder.join(".headcount/last-commit"), "nothing of the kind").unwrap();
    let found = run(folder, &["check"]);
    assert_eq!(found.status, Some(1), "{found:?}");
    let said = found.output + &found.errors;
    for what in ["Adults", "addresses", "note"] {
        assert!(said.contains(what), "{what}: {said}");
    }
    let mended = run(folder, &["check", "--repair"]).well();
    assert!(!mended.output.is_empty());
    run(folder, &["check"]).well();
    let members = run(folder, &["group", "members", "Adults", "--all", "--format", "ids"]).well().output;
    assert_eq!(members.lines().count(), (0..40).filter(|at| at % 50 >= 18).count());
    run(folder, &["contact", "show", "tel:+250788100007"]).well();
}

#[test]
fn a_copy_that_is_made_while_somebody_writes_is_a_whole_moment() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run(folder, &["init"]).well();
    run(folder, &["field", "add", "age", "--type", "number"]).well();
    run(folder, &["group", "create", "Adults", "--query", "age >= 18"]).well();
    run_with(folder, &["import", "-"], &(0..200).map(person).collect::<String>()).well();
    let change = |at: u32| {
        format!(
            "{{\"type\": \"contact_field_changed\", \"contact\": {{\"urn\": \"tel:+2507881{:05}\"}}, \
             \"field\": {{\"key\": \"age\"}}, \"value\": {{\"text\": \"{}\"}}}}\n",
            at % 200,
            at % 37
        )
    };
    fs::write(folder.join("changes.jsonl"), (0..500).map(change).collect::<String>()).unwrap();
    let mut command = headcount(folder);
    command.args(["apply", "changes.jsonl", "--batch-size", "1"]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut writer = command.spawn().unwrap();
    let mut sequences = Vec::new();
    for at in 0..2 {
        let copy = format!("copy-{at}");
        let compact: &[&str] = if at % 2 == 0 { &[] } else { &["--compact"] };
        run(folder, &[&["backup", copy.as_str()], compact].concat()).well();
        run(folder, &["--store", &copy, "check"]).well();
        let stats = run(folder, &["--store", &copy, "stats", "--format", "json"]).well().output;
        let stats: serde_json::Value = serde_json::from_str(&stats).unwrap();
        sequences.push(stats["log_entries"].as_u64().unwrap());
        // The copy is a store of its own.
        run_with(folder, &["--store", &copy, "import", "-"], &person(777)).well();
    }
    assert!(writer.wait().unwrap().success());
    assert!(sequences.is_sorted(), "{sequences:?}");
    run(folder, &["check"]).well();
    let restored = finish(headcount(folder).args(["--store", "copy-1", "query", "age >= 0", "--count"]), "").well();
    assert_eq!(restored.output.trim(), "201");
}
