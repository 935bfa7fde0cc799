//! Groups from the command line: filling that waits, is cancelled or goes on; warnings; profiles; how long the log is
//! kept.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const MORNING: &str = "2026-06-15T12:00:00Z";

struct Ran {
    status: i32,
    output: String,
    errors: String,
}

fn run_at(folder: &Path, now: &str, arguments: &[&str]) -> Ran {
    let ran = Command::new(env!("CARGO_BIN_EXE_headcount"))
        .current_dir(folder)
        .env_remove("HEADCOUNT_STORE")
        .args(["--now", now])
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { status: ran.status.code().unwrap(), output: text(ran.stdout), errors: text(ran.stderr) }
}

fn run(folder: &Path, arguments: &[&str]) -> Ran {
    run_at(folder, MORNING, arguments)
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    let ran = run(folder, &[arguments, &["--format", "json"]].concat());
    assert_eq!(ran.status, 0, "{arguments:?}: {}", ran.errors);
    serde_json::from_str(&ran.output).unwrap()
}

fn uuid(at: u32) -> String {
    format!("981bf246-8aff-4b76-b668-5e6bd63360{at:02}")
}

/// Three contacts of 10, 20 and 30 years, seen today.
fn workspace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let schema = r#"{"fields": [{"key": "age", "type": "number"}], "groups": [{"uuid": "33333333-3333-3333-3333-333333333333", "name": "VIP"}], "flows": []}"#;
    fs::write(path.join("schema.json"), schema).unwrap();
    let contact = |at: u32| {
        format!(
            "{{\"uuid\":\"{}\",\"name\":\"Ann {at}\",\"fields\":{{\"age\":\"{at}\"}},\"last_seen_on\":\"{MORNING}\"}}\n",
            uuid(at)
        )
    };
    fs::write(path.join("contacts.jsonl"), [10, 20, 30].map(contact).concat()).unwrap();
    for arguments in [&["init"][..], &["schema", "import", "schema.json"], &["import", "contacts.jsonl"]] {
        let ran = run(path, arguments);
        assert_eq!(ran.status, 0, "{}", ran.errors);
    }
    folder
}

#[test]
fn filling_waits_goes_on_and_is_cancelled() {
    let folder = workspace();
    let path = folder.path();
    let made = json(path, &["group", "create", "Adults", "--query", "age >= 18", "--later"]);
    assert_eq!((&made["status"], &made["count"]), (&"initializing".into(), &0.into()));
    let ran = run(path, &["group", "edit", "Adults", "--cancel"]);
    assert_eq!(ran.status, 1);
    assert!(ran.errors.contains("group delete"), "{}", ran.errors);
    // A group that refers to it is filled with it.
    let made = json(path, &["group", "create", "Both", "--query", "group = Adults"]);
    assert_eq!((&made["status"], &made["count"]), (&"ready".into(), &2.into()), "whoever fills fills all");

    let edited = json(path, &["group", "edit", "Adults", "--query", "age >= 25", "--later"]);
    assert_eq!((&edited["status"], &edited["count"]), (&"evaluating".into(), &2.into()));
    assert_eq!((&edited["query"], &edited["pending"]), (&"fields.age >= 18".into(), &"fields.age >= 25".into()));
    assert_eq!(json(path, &["group", "show", "Both"])["status"], "evaluating");
    assert_eq!(json(path, &["check"])["findings"].as_array().map(Vec::len), Some(0));
    let kept = json(path, &["group", "edit", "Adults", "--cancel"]);
    assert_eq!((&kept["status"], &kept["query"]), (&"ready".into(), &"fields.age >= 18".into()));
    assert_eq!(json(path, &["group", "show", "Both"])["status"], "ready");
    assert!(run(path, &["group", "edit", "Adults", "--cancel"]).errors.contains("nothing to cancel"));

    json(path, &["group", "edit", "Adults", "--query", "age >= 25", "--later"]);
    json(path, &["contact", "edit", &uuid(20), "--field", "age=40"]);
    assert_eq!(json(path, &["index"])["filled_groups"], 2);
    let shown = json(path, &["group", "show", "Both"]);
    assert_eq!((&shown["status"], &shown["count"]), (&"ready".into(), &2.into()));
    assert_eq!(run(path, &["check"]).status, 0);
    assert_eq!(run(path, &["group", "edit", "Adults"]).status, 2, "a query, or --cancel");
}

#[test]
fn edits_and_imports_warn_as_creation_does() {
    let folder = workspace();
    let path = folder.path();
    assert_eq!(run(path, &["group", "create", "Adults", "--query", "age >= 18"]).status, 0);
    assert_eq!(run(path, &["group", "create", "Young", "--query", "age < 18"]).status, 0);
    let tried = run(path, &["group", "edit", "Young", "--query", "age >= 18", "--dry-run"]);
    assert!(tried.errors.contains("group 'Adults' has the same query"), "{}", tried.errors);
    let groups = r#"{"groups": [{"name": "Grown", "query": "age >= 18"}, {"name": "Adults", "query": "age >= 18"}]}"#;
    fs::write(path.join("groups.json"), groups).unwrap();
    let imported = run(path, &["group", "import", "groups.json"]);
    assert_eq!(imported.status, 0, "{}", imported.errors);
    assert!(imported.errors.contains("group `Grown`"), "{}", imported.errors);
    assert!(imported.errors.contains("group 'Adults' has the same query"), "{}", imported.errors);
    assert!(!imported.errors.contains("group `Adults`"), "what is unchanged was told before: {}", imported.errors);
    let quiet = run(path, &["group", "edit", "Young", "--query", "age >= 18", "--dry-run", "--quiet"]);
    assert_eq!(quiet.errors, "");
}

#[test]
fn the_log_is_kept_as_long_as_it_is_set() {
    let folder = workspace();
    let path = folder.path();
    assert_eq!(json(path, &["workspace", "show"])["keep_log_days"], Value::Null);
    assert_eq!(run(path, &["group", "create", "Adults", "--query", "age >= 18"]).status, 0);
    let edit = |now: &str, age: &str| {
        let edited = run_at(path, now, &["contact", "edit", &uuid(10), "--field", age]);
        assert_eq!(edited.status, 0, "{}", edited.errors);
    };
    edit("2026-06-20T12:00:00Z", "age=18");
    edit("2026-06-25T12:00:00Z", "age=17");
    let now = "2026-07-01T12:00:00Z";
    let members =
        |moment: &str| run_at(path, now, &["group", "members", "Adults", "--as-of", moment, "--format", "ids"]);
    assert_eq!(members("2026-06-21T00:00:00Z").output.lines().count(), 3);
    let set = run_at(path, now, &["workspace", "set", "--keep-log", "7", "--format", "json"]);
    assert!(
        set.output.contains("\"keep_log_days\": 7") || set.output.contains("\"keep_log_days\":7"),
        "{}",
        set.output
    );
    assert_eq!(run_at(path, now, &["index"]).status, 0);
    let early = members("2026-06-19T00:00:00Z");
    assert_eq!(early.status, 1);
    assert!(early.errors.contains("2026-06-20"), "{}", early.errors);
    assert_eq!(members("2026-06-24T13:00:00Z").output.lines().count(), 3);
    assert_eq!(members(now).output.lines().count(), 2);
    let log = run_at(path, now, &["log"]);
    assert_eq!(log.output.lines().count(), 1, "{}", log.output);
    assert_eq!(run_at(path, now, &["check"]).status, 0);
    assert_eq!(run_at(path, now, &["log", "--since", "1"]).status, 1, "cut off");
    assert_eq!(run_at(path, now, &["workspace", "set", "--keep-log", "soon"]).status, 2);
    let forever = run_at(path, now, &["workspace", "set", "--keep-log", "forever"]);
    assert!(forever.output.contains("for ever"), "{}", forever.output);
}

#[test]
fn a_contact_deleted_and_made_again_moves_nowhere() {
    let folder = workspace();
    let path = folder.path();
    assert_eq!(run(path, &["group", "create", "Adults", "--query", "age >= 18"]).status, 0);
    assert_eq!(run(path, &["group", "create", "Old", "--query", "age >= 60"]).status, 0);
    let again = |age: &str| {
        format!(
            "{{\"type\":\"contact_deleted\",\"contact\":{{\"uuid\":\"{0}\"}}}}\n\
             {{\"type\":\"contact_created\",\"contact\":{{\"uuid\":\"{0}\",\"fields\":{{\"age\":\"{age}\"}}}}}}\n",
            uuid(30)
        )
    };
    fs::write(path.join("same.jsonl"), again("31")).unwrap();
    let applied = run(path, &["apply", "same.jsonl"]);
    assert_eq!((applied.status, applied.output.as_str()), (0, ""), "{}", applied.errors);
    fs::write(path.join("older.jsonl"), again("61")).unwrap();
    let applied = run(path, &["apply", "older.jsonl"]);
    let lines: Vec<Value> = applied.output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1, "{}", applied.output);
    assert_eq!(lines[0]["groups_added"][0]["name"], "Old");
    assert_eq!(lines[0]["groups_removed"], Value::Array(Vec::new()));
    let timeline = run(path, &["log", "--contact", &uuid(30)]);
    assert_eq!(timeline.output.lines().count(), 1, "{}", timeline.output);
    assert_eq!(run(path, &["check"]).status, 0);
}

/// Text with every number replaced, and with runs of blanks and rules made one: times differ from run to run.
fn without_times(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        let letter = match letter {
            '0'..='9' => '9',
            '─' | '-' => '-',
            letter => letter,
        };
        if out.ends_with("9,") && letter == '9' {
            // A table's thousands.
            out.pop();
        }
        if !(matches!(letter, '9' | ' ' | '-') && out.ends_with(letter)) {
            out.push(letter);
        }
    }
    out
}

#[test]
fn profiles_in_each_format() {
    let folder = workspace();
    let path = folder.path();
    let groups = r#"{"groups": [
        {"uuid": "11111111-1111-1111-1111-111111111111", "name": "Adults", "query": "age >= 18"},
        {"uuid": "22222222-2222-2222-2222-222222222222", "name": "Ann", "query": "name ~ ann AND age != 20 AND group = Adults"}
    ]}"#;
    fs::write(path.join("groups.json"), groups).unwrap();
    assert_eq!(run(path, &["group", "import", "groups.json"]).status, 0);
    let later = "2026-06-17T12:00:00Z";
    assert_eq!(run_at(path, later, &["contact", "edit", &uuid(10), "--field", "age=18"]).status, 0);
    let profile = json(path, &["group", "list", "--profile"]);
    let groups = profile["groups"].as_array().unwrap();
    let of = |name: &str| groups.iter().find(|group| group["name"] == name).unwrap();
    assert_eq!((&of("Adults")["atoms"], &of("Ann")["atoms"], &of("VIP")["atoms"]), (&1.into(), &3.into(), &0.into()));
    assert_eq!(of("Adults")["moves_per_day"], 0.5, "one in two days, without those of its making");
    let costs: Vec<u64> = groups.iter().map(|group| group["nanos_per_contact"].as_u64().unwrap()).collect();
    assert!(costs.is_sorted_by(|one, other| one >= other) && costs[0] > 0, "{costs:?}");
    assert_eq!(costs.last(), Some(&0), "a manual group costs nothing");

    for format in ["table", "json", "jsonl", "csv", "ids"] {
        let ran = run(path, &["group", "list", "--profile", "--format", format]);
        assert_eq!(ran.status, 0, "{}", ran.errors);
        // Which of the two is the slower may differ, too.
        let text = if format == "csv" { ran.output.replace(',', ";") } else { ran.output.clone() };
        let mut lines: Vec<String> = without_times(&text).lines().map(str::to_owned).collect();
        if format != "json" {
            lines.sort();
        } else {
            lines = vec![without_times(&ordered(&ran.output))];
        }
        insta::assert_snapshot!(format!("profile_{format}"), lines.join("\n"));
    }
}

/// Groups by name.
fn ordered(text: &str) -> String {
    let mut profile: Value = serde_json::from_str(text).unwrap();
    let groups = profile["groups"].as_array_mut().unwrap();
    groups.sort_by_key(|group| group["name"].to_string());
    for group in groups {
        group["uuid"] = Value::Null;
    }
    serde_json::to_string_pretty(&profile).unwrap()
}

#[test]
fn pins_and_exclusions_go_before_the_query() {
    let folder = workspace();
    let path = folder.path();
    assert_eq!(run(path, &["group", "create", "Adults", "--query", "age >= 18"]).status, 0);
    assert_eq!(run(path, &["group", "create", "Others", "--query", "NOT group = Adults"]).status, 0);
    let ids = |group: &str| {
        let mut ids: Vec<String> =
            run(path, &["group", "members", group, "--format", "ids"]).output.lines().map(str::to_owned).collect();
        ids.sort();
        ids
    };
    let members = json(path, &["group", "members", "Adults"]);
    assert!(members.get("pinned").is_none() && members.get("excluded").is_none(), "off unless used");

    let pinned = json(path, &["group", "pin", "Adults", &uuid(10)]);
    assert_eq!((&pinned["changed"], &pinned["count"]), (&1.into(), &3.into()));
    assert_eq!(json(path, &["group", "pin", "Adults", &uuid(10)])["changed"], 0);
    let excluded = json(path, &["group", "exclude", "Adults", "--query", "age = 30"]);
    assert_eq!((&excluded["changed"], &excluded["count"]), (&1.into(), &2.into()));
    assert_eq!((ids("Adults"), ids("Others")), (vec![uuid(10), uuid(20)], vec![uuid(30)]));
    let log = run(path, &["log", "--group", "Adults", "--since", "1"]).output;
    assert!(log.lines().all(|line| line.contains("\"manual\"")) && log.lines().count() == 2, "{log}");

    let members = json(path, &["group", "members", "Adults"]);
    assert_eq!(members["pinned"], serde_json::json!([uuid(10)]));
    assert_eq!(members["excluded"], serde_json::json!([uuid(30)]));
    assert_eq!(json(path, &["contact", "groups", &uuid(10)])["pinned"], serde_json::json!(["Adults"]));
    assert_eq!(json(path, &["contact", "groups", &uuid(30)])["excluded"], serde_json::json!(["Adults"]));
    let why = json(path, &["why", &uuid(10), "Adults"]);
    assert_eq!((&why["member"], &why["decided"]), (&true.into(), &"pinned".into()));
    let why = json(path, &["why", &uuid(30), "Adults"]);
    assert_eq!((&why["member"], &why["decided"]), (&false.into(), &"excluded".into()));
    assert!(why["reason"].as_str().unwrap().contains("excluded from `Adults`"), "{why}");
    assert_eq!(json(path, &["why", &uuid(20), "Adults"]).get("decided"), None);

    // Whatever changes, but an inactive contact is in no smart group.
    assert_eq!(run(path, &["contact", "edit", &uuid(30), "--field", "age=50"]).status, 0);
    assert_eq!(run(path, &["contact", "edit", &uuid(10), "--status", "blocked"]).status, 0);
    assert_eq!(ids("Adults"), [uuid(20)]);
    assert!(json(path, &["why", &uuid(10), "Adults"])["reason"].as_str().unwrap().contains("active contacts only"));
    assert_eq!(run(path, &["contact", "edit", &uuid(10), "--status", "active"]).status, 0);
    assert_eq!(run(path, &["group", "edit", "Adults", "--query", "age >= 40"]).status, 0);
    assert_eq!(ids("Adults"), [uuid(10)]);
    assert_eq!(run(path, &["check"]).status, 0);

    assert_eq!(json(path, &["group", "unpin", "Adults", &uuid(10), &uuid(30), &uuid(20)])["changed"], 2);
    assert_eq!(ids("Adults"), [uuid(30)]);
    let manual = run(path, &["group", "pin", "VIP", &uuid(10)]);
    assert_eq!(manual.status, 1);
    assert!(manual.errors.contains("VIP"), "{}", manual.errors);
    assert_eq!(run(path, &["check"]).status, 0);
}
