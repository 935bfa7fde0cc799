//! `apply` of files, `tick` and `log`.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use serde_json::Value;

use super::{ANN, BOB, age, age_at, case_file, headcount, moves, run, run_with, small};

#[test]
fn the_references_changes_line_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let case = |name: &str| case_file(name).display().to_string();
    for arguments in [
        &["init", "--timezone", "Africa/Kigali", "--country", "RW", "--date-format", "DD-MM-YYYY"][..],
        &["schema", "import", &case("schema.json")],
        &["import", &case("contacts.jsonl")],
        &["group", "import", "--dialect", "contactql", &case("groups.json")],
    ] {
        run(path, arguments).well();
    }
    let before = run(path, &["log"]).well().lines().len();
    let applied = run(path, &["apply", "--batch-size", "1", &case("changes.jsonl")]).well();
    let expected = fs::read_to_string(case_file("changes.expected.jsonl")).unwrap();
    let expected: Vec<Value> = expected.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let found = applied.lines();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        for (ours, theirs) in [("groups_added", "entered"), ("groups_removed", "left")] {
            let names: Vec<&Value> = found[ours].as_array().unwrap().iter().map(|group| &group["name"]).collect();
            let wanted: Vec<&Value> = expected[theirs].as_array().unwrap().iter().collect();
            assert_eq!(names, wanted, "{expected}");
        }
    }
    assert_eq!(run(path, &["log"]).well().lines().split_off(before), found);
    run(path, &["check"]).well();

    // A pipe whose reader goes away ends the program in silence.
    let mut child = headcount(path).arg("log").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.starts_with("{\"seq\":"), "{first}");
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!((child.wait().unwrap().code(), errors.as_str()), (Some(0), ""));
}

#[test]
fn a_commit_prints_the_net_change_of_each_contact() {
    let lines = [age(ANN, "12"), age(BOB, "20"), age(ANN, "40"), age(BOB, "30")].concat();
    let folder = small();
    let whole = run_with(folder.path(), &["apply", "-"], &lines).well();
    assert_eq!(moves(&whole.lines()), ["Bob +Adults -Children change"]);
    let folder = small();
    let by_line = run_with(folder.path(), &["apply", "-", "--batch-size", "1"], &lines).well();
    assert_eq!(
        moves(&by_line.lines()),
        [
            "Ann +Children -Adult VIPs,Adults change",
            "Bob +Adults -Children change",
            "Ann +Adult VIPs,Adults -Children change"
        ]
    );
    let folder = small();
    fs::write(folder.path().join("changes.jsonl"), &lines).unwrap();
    // Two contacts make a commit: the third line touches one of them again.
    let pairs = run(folder.path(), &["apply", "changes.jsonl", "--batch-size", "2"]).well();
    assert_eq!(pairs.lines().iter().map(|line| &line["seq"]).collect::<Vec<_>>().len(), 3);
}

#[test]
fn a_file_is_applied_to_its_end_whoever_reads() {
    let folder = small();
    let path = folder.path();
    let lines: String = (0..400).map(|round| age(BOB, if round % 2 == 0 { "20" } else { "12" })).collect();
    fs::write(path.join("changes.jsonl"), lines + &age(BOB, "77")).unwrap();
    let mut child = headcount(path)
        .args(["apply", "changes.jsonl", "--batch-size", "1", "--quiet"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!((child.wait().unwrap().code(), errors.as_str()), (Some(0), ""));
    assert_eq!(run(path, &["query", "age = 77", "--count"]).well().output, "1\n");
}

#[test]
fn lines_of_every_format() {
    for format in ["table", "json", "jsonl", "csv", "ids"] {
        let folder = small();
        let ran =
            run_with(folder.path(), &["apply", "-", "--format", format], &[age(ANN, "12"), age(BOB, "20")].concat());
        assert_eq!(ran.status, 0);
        assert_eq!(ran.errors, "applied 2 changes: 2 membership changes\n");
        insta::assert_snapshot!(format!("apply_{format}"), ran.output);
        let usual = run(folder.path(), &["log", "--format", format]).well();
        insta::assert_snapshot!(format!("log_{format}"), usual.output);
    }
}

#[test]
fn a_replay_of_a_source_changes_nothing_and_prints_nothing() {
    let folder = small();
    let path = folder.path();
    let unknown = "981bf246-8aff-4b76-b668-5e6bd6336999";
    let first = [
        age_at(1, ANN, "12"),
        age_at(2, unknown, "12"),
        age_at(3, BOB, "20"),
        "{\"source\": {\"name\": \"platform\", \"offset\": 4}, \"type\": \"contact_nmae_changed\"}\n".to_owned(),
    ]
    .concat();
    let ran = run_with(path, &["apply", "-"], &first);
    assert_eq!((ran.status, ran.lines().len()), (1, 2));
    let rejected: Vec<&str> = ran.errors.lines().collect();
    assert!(rejected[0].starts_with("standard input:2: there is no contact 981bf246"), "{}", ran.errors);
    assert!(rejected[1].starts_with("standard input:4: `contact_nmae_changed` is not a type"), "{}", ran.errors);
    assert_eq!(rejected[2], "applied 2 changes: 2 membership changes; 2 lines rejected");

    let log = run(path, &["log"]).output;
    for batch_size in ["1", "2", "1000"] {
        let again = run_with(path, &["apply", "-", "--batch-size", batch_size], &first);
        assert_eq!((again.status, again.output.as_str()), (0, ""));
        assert_eq!(again.errors, "applied 0 changes: 0 membership changes; 4 lines seen before\n");
    }
    assert_eq!(run(path, &["log"]).output, log);

    // It goes on where it stopped, whatever comes again before that; another source has its own positions.
    let more = [first, age_at(5, ANN, "40"), age_at(5, BOB, "12")].concat();
    assert_eq!(
        moves(&run_with(path, &["apply", "-"], &more).well().lines()),
        ["Ann +Adult VIPs,Adults -Children change"]
    );
    let other = age_at(1, BOB, "12").replace("platform", "another");
    assert_eq!(moves(&run_with(path, &["apply", "-"], &other).well().lines()), ["Bob +Children -Adults change"]);
    run(path, &["check"]).well();
}

#[test]
fn rejected_lines_are_told_and_the_rest_goes_on() {
    let folder = small();
    let path = folder.path();
    let lines = [
        "{\"type\": \"contact_urns_changed\", \"contact\": {\"urn\": \"tel:+250788123001\"}, \"urns\": [\"tel:+250788123002\"]}\n",
        "{\"type\": \"add_contact_groups\", \"contact\": {\"urn\": \"tel:+250788123001\"}, \"groups\": [\"Adults\"]}\n",
        "{\"type\": \"contact_status_changed\", \"contact\": {\"urn\": \"tel:+250788123001\"}, \"status\": \"gone\"}\n",
        "{\"type\": \"contact_groups_changed\", \"contact\": {\"urn\": \"tel:+250788123001\"}, \"groups_added\": [\"Nobody\"], \"groups_removed\": [\"VIP\"]}\n",
        "\n",
        "nonsense\n",
    ];
    fs::write(path.join("changes.jsonl"), lines.concat()).unwrap();
    let ran = run(path, &["apply", "changes.jsonl"]);
    assert_eq!(ran.status, 1);
    assert_eq!(moves(&ran.lines()), ["Ann + -Adult VIPs,VIP change"]);
    insta::assert_snapshot!("rejected", ran.errors);
    let quiet = run(path, &["apply", "changes.jsonl", "--quiet"]);
    assert_eq!(quiet.errors.lines().count(), 4, "{}", quiet.errors);
    for (file, reason) in [("none.jsonl", "there is no such file"), (".", "this is a folder")] {
        let ran = run(path, &["apply", file]);
        assert_eq!((ran.status, ran.output.as_str()), (1, ""));
        assert!(ran.errors.contains(reason), "{}", ran.errors);
    }
}

#[test]
fn the_clock_moves_members_at_the_moment_at_which_they_were_due() {
    let folder = small();
    let path = folder.path();
    assert_eq!(run(path, &["tick"]).well().output, "");
    let ticked = run(path, &["tick", "--now", "2026-06-25T12:00:00Z"]).well();
    insta::assert_snapshot!("tick", ticked.output);
    // The clock never goes back, and what was told once is not told again.
    assert_eq!(run(path, &["tick"]).well().output, "");
    assert_eq!(run(path, &["tick", "--now", "2026-06-25T12:00:00Z"]).well().output, "");
    let changed = run_with(path, &["apply", "-"], &age(BOB, "20")).well();
    assert_eq!(changed.lines()[0]["created_on"], "2026-06-25T12:00:00Z");
}

#[test]
fn the_log_tells_what_came_after_a_place() {
    let folder = small();
    let path = folder.path();
    let lines = [age(ANN, "12"), age(BOB, "20"), age(ANN, "40")].concat();
    run_with(path, &["apply", "-", "--batch-size", "1"], &lines).well();
    let all = run(path, &["log"]).well().lines();
    let last = all.last().unwrap()["seq"].as_u64().unwrap();
    let since = |since: u64| run(path, &["log", "--since", &since.to_string()]).well().lines();
    assert_eq!(moves(&since(last - 2)), ["Bob +Adults -Children change", "Ann +Adult VIPs,Adults -Children change"]);
    assert!(since(last).is_empty() && since(last + 100).is_empty());
    let children = run(path, &["log", "--group", "Children"]).well().lines();
    assert_eq!(
        moves(&children),
        ["Bob +Children - edit", "Ann +Children - change", "Bob + -Children change", "Ann + -Children change"]
    );
    let bob = run(path, &["log", "--contact", "tel:+250788123002", "--group", "Adults"]).well().lines();
    assert_eq!(moves(&bob), ["Bob +Adults - change"]);
    let unknown = run(path, &["log", "--group", "Adulds"]);
    assert_eq!(unknown.status, 1);
    assert!(unknown.errors.contains("did you mean `Adults`?"), "{}", unknown.errors);
}
