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

/// A store with named contacts, and the bytes of its data file.
fn people(folder: &std::path::Path) -> Vec<u8> {
    run(folder, &["init"]).well();
    run(folder, &["field", "add", "age", "--type", "number"]).well();
    run(folder, &["group", "create", "Adults", "--query", "age >= 18"]).well();
    let line = |at: u32| {
        format!(
            "{{\"uuid\": \"00000000-0000-4000-8000-{at:012}\", \"name\": \"Person number {at:03}\", \"fields\": {{\"age\": \"{}\"}}}}\n",
            at % 50
        )
    };
    run_with(folder, &["import", "-"], &(0..200).map(line).collect::<String>()).well();
    fs::read(folder.join(".headcount/data.mdb")).unwrap()
}

/// Where some bytes are, each time that they are there.
fn places(bytes: &[u8], piece: &[u8]) -> Vec<usize> {
    (0..bytes.len() - piece.len()).filter(|&at| bytes[at..].starts_with(piece)).collect()
}

#[test]
fn a_repair_loses_nobody_and_names_who_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut bytes = people(folder);
    for at in places(&bytes, b"Person number 123") {
        bytes[at] ^= 1;
    }
    let data = folder.join(".headcount/data.mdb");
    fs::write(&data, &bytes).unwrap();
    for arguments in [&["check"][..], &["check", "--repair"], &["check"]] {
        let said = run(folder, arguments);
        assert_eq!(said.status, Some(1), "{said:?}");
        let words = said.output + &said.errors;
        assert!(words.contains("00000000-0000-4000-8000-000000000123") && words.contains("Adults"), "{words}");
        assert!(!words.contains("Nothing is wrong") && words.contains("restore a backup"), "{words}");
    }
    assert_eq!(fs::read(&data).unwrap(), bytes, "nothing was changed");
}

#[test]
fn a_damaged_header_of_a_page_is_told_and_mended_in_a_new_file() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let bytes = people(folder);
    let data = folder.join(".headcount/data.mdb");
    let page = places(&bytes, b"Person number 123")[0] / 4096 * 4096;
    // Its number, its kind, and the two bounds.
    for (round, at) in [0, 10, 12, 14].into_iter().enumerate() {
        let place = if round == 0 { data.clone() } else { folder.join(format!(".headcount/data-{round}/data.mdb")) };
        let mut bytes = fs::read(&place).unwrap();
        let page = if round == 0 { page } else { places(&bytes, b"Person number 123")[0] / 4096 * 4096 };
        bytes[page + at] = !bytes[page + at];
        fs::write(&place, &bytes).unwrap();
        let found = run(folder, &["check"]);
        assert_eq!(found.status, Some(1), "{found:?}");
        assert!(found.output.contains("page "), "{found:?}");
        assert!(found.errors.contains("puts right what is wrong"), "{found:?}");
        // Nothing else is done to such a file.
        run(folder, &["query", "age > 3"]).badly();
        run(folder, &["tick"]).badly();
        let mended = run(folder, &["check", "--repair"]).well();
        let kept = folder.join(format!(".headcount/damaged-{}/data.mdb", round + 1));
        assert!(mended.output.contains(&format!("damaged-{}", round + 1)), "{mended:?}");
        assert_eq!(fs::read(kept).unwrap(), bytes);
        assert_eq!(run(folder, &["query", "age >= 0", "--count"]).well().output.trim(), (200 + round).to_string());
        run_with(folder, &["import", "-"], &person(round as u32)).well();
        run(folder, &["contact", "delete", &format!("00000000-0000-4000-8000-{round:012}")]).well();
        run_with(
            folder,
            &["import", "-"],
            &format!("{{\"uuid\": \"00000000-0000-4000-8000-{round:012}\", \"fields\": {{\"age\": \"1\"}}}}\n"),
        )
        .well();
        let copy = format!("copy-{round}");
        run(folder, &["backup", "--compact", &copy]).well();
        run(folder, &["--store", &copy, "check"]).well();
        run(folder, &["check"]).well();
    }
    run(folder, &["contact", "delete", "--erase", "00000000-0000-4000-8000-000000000123"]).well();
    let left = fs::read_dir(folder.join(".headcount")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(left.into_iter().all(|name| !name.to_string_lossy().starts_with("damaged")), "they hold who was erased");
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
