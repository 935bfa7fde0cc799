//! Commands on a workspace, run as people run them: what they answer, and that bad input changes nothing.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const NOW: &str = "2026-06-15T12:00:00Z";
const SCHEMA: &str = r#"{"fields": [{"key": "age", "name": "Age", "type": "number"}, {"key": "gender", "name": "Gender"}],
    "groups": [{"uuid": "11111111-8aff-4b76-b668-5e6bd6336027", "name": "VIP"}], "flows": []}"#;
const ANN: &str = "981bf246-8aff-4b76-b668-5e6bd6336001";
const BOB: &str = "981bf246-8aff-4b76-b668-5e6bd6336002";

struct Ran {
    status: i32,
    output: String,
    errors: String,
}

fn run(folder: &Path, arguments: &[&str]) -> Ran {
    let ran = Command::new(env!("CARGO_BIN_EXE_headcount"))
        .current_dir(folder)
        .env_remove("HEADCOUNT_STORE")
        .args(["--now", NOW])
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { status: ran.status.code().unwrap(), output: text(ran.stdout), errors: text(ran.stderr) }
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    let ran = run(folder, &[arguments, &["--format", "json"]].concat());
    assert_eq!(ran.status, 0, "{arguments:?}: {}", ran.errors);
    serde_json::from_str(&ran.output).unwrap()
}

/// A workspace of two contacts.
fn workspace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("schema.json"), SCHEMA).unwrap();
    let contacts = format!(
        "{{\"uuid\":\"{ANN}\",\"name\":\"Ann\",\"urns\":[\"tel:+250788123001\"],\"fields\":{{\"age\":\"36\"}},\"groups\":[\"VIP\"]}}\n\
         {{\"uuid\":\"{BOB}\",\"name\":\"Bob\",\"urns\":[\"tel:+250788123002\"],\"fields\":{{\"age\":\"16\"}}}}\n"
    );
    fs::write(path.join("contacts.jsonl"), contacts).unwrap();
    for arguments in
        [&["init", "--country", "RW"][..], &["schema", "import", "schema.json"], &["import", "contacts.jsonl"]]
    {
        let ran = run(path, arguments);
        assert_eq!(ran.status, 0, "{}", ran.errors);
    }
    folder
}

#[test]
fn searches_and_groups_answer_in_their_shapes() {
    let folder = workspace();
    let path = folder.path();
    let found = json(path, &["query", "age > 30"]);
    let keys: Vec<&String> = found.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["query", "total", "contacts", "next", "metadata"]);
    assert_eq!((&found["total"], &found["contacts"][0]["uuid"]), (&1.into(), &ANN.into()));
    assert_eq!(run(path, &["query", "age > 10", "--count"]).output, "2\n");
    assert_eq!(
        run(path, &["query", "age > 10", "--sort", "-age", "--format", "ids"]).output,
        format!("{ANN}\n{BOB}\n")
    );
    let first = json(path, &["query", "age > 10", "--limit", "1"]);
    let rest = json(path, &["query", "age > 10", "--after", first["next"].as_str().unwrap()]);
    assert_eq!(rest["contacts"][0]["uuid"], BOB);
    assert_eq!(json(path, &["group", "create", "Adults", "--query", "age >= 18"])["count"], 1);
    let preview = json(path, &["group", "edit", "Adults", "--query", "age >= 16", "--dry-run"]);
    assert_eq!(preview["entered"][0]["uuid"], BOB);
    assert_eq!(json(path, &["group", "show", "adults"])["count"], 1);
    assert_eq!(json(path, &["contact", "edit", BOB, "--field", "age=18"])["groups"][0]["name"], "Adults");
    assert_eq!(json(path, &["contact", "timeline", BOB])["changes"][0]["cause"], "change");
    assert_eq!(json(path, &["depends", "age"])["groups"][0]["name"], "Adults");
    assert_eq!(json(path, &["explain", "age > 30", "--analyze"])["physical"]["measured"]["matches"], 1);
    assert_eq!(json(path, &["group", "add", "VIP", BOB])["moved"], 1);
    assert_eq!(json(path, &["group", "remove", "VIP", "--query", "name ~ bob"])["moved"], 1);
    json(path, &["workspace", "set", "--redact-urns", "true"]);
    for arguments in [&["contact", "show", ANN][..], &["query", "age > 1"], &["group", "members", "Adults"]] {
        for format in ["table", "json", "jsonl", "csv"] {
            let output = run(path, &[arguments, &["--format", format]].concat()).output;
            assert!(!output.contains("788123"), "{output}");
        }
    }
}

#[test]
fn bad_input_is_told_and_changes_nothing() {
    let folder = workspace();
    let path = folder.path();
    let put = |name: &str, bytes: &[u8]| fs::write(path.join(name), bytes).unwrap();
    put("empty", b"");
    put("zip", b"\x1f\x8b\x08\x00");
    put("cut", b"{\"uuid\": \"981bf2");
    put("latin", b"{\"urns\": [\"tel:1\"], \"name\": \"Zo\xeb\"}\n");
    put("status", b"{\"urns\": [\"tel:1\"], \"status\": \"gone\"}\n");
    put("date", b"{\"urns\": [\"tel:1\"], \"created_on\": \"soon\"}\n");
    put("urn", b"{\"urns\": [\"nobody\"]}\n");
    put("taken", format!("{{\"uuid\": \"{BOB}\", \"urns\": [\"tel:+250788123001\"]}}\n").as_bytes());
    for file in ["none", "empty", "zip", "cut", "latin", "status", "date", "urn", "taken"] {
        for strict in [false, true] {
            let ran = run(path, &[&["import", file][..], if strict { &["--strict"] } else { &[] }].concat());
            assert_eq!(ran.status, 1, "{file}");
            let is_whole = ["none", "empty", "zip"].contains(&file);
            let place = if is_whole { format!("error: {file}: ") } else { format!("{file}:1: ") };
            assert!(ran.errors.starts_with(&place), "{file}: {}", ran.errors);
            assert_eq!(run(path, &["query", "created_on > 2000-01-01", "--count"]).output, "2\n");
        }
    }
    assert_eq!(json(path, &["contact", "show", BOB])["urns"][0], "tel:+250788123002");
    let ran = run(path, &["query", "agee > 3"]);
    assert_eq!((ran.status, ran.errors.contains("did you mean `age`?")), (2, true));
    assert!(ran.output.starts_with("{\"error\":"));
    let ran = run(path, &["group", "show", "VIPs"]);
    assert_eq!((ran.status, ran.errors.contains("did you mean `VIP`?")), (1, true));
    for (store, advice) in [("absent", "headcount init"), (".", "--store")] {
        let ran = run(path, &["--store", store, "query", "bob"]);
        assert_eq!(ran.status, 1);
        assert!(ran.errors.contains(advice), "{}", ran.errors);
    }
    assert_eq!(run(path, &["init"]).status, 1);
}

#[test]
fn a_first_sheet_is_told_what_it_lacks() {
    let folder = workspace();
    let path = folder.path();
    fs::write(path.join("own.csv"), "name,phone,village\nAnn,0788123009,Tumba\n").unwrap();
    let ran = run(path, &["import", "own.csv", "--infer"]);
    assert_eq!(ran.status, 0);
    assert!(ran.errors.contains("phone") && ran.errors.contains("village"), "{}", ran.errors);
    assert_eq!(run(path, &["query", "village = Tumba", "--count"]).output, "1\n");
    fs::write(path.join("own.csv"), "Name,URN:tel\nAnn,0788123009\nBob,+250788123008\n").unwrap();
    let ran = run(path, &["import", "own.csv"]);
    let told = "brought 1 phone number into international form, such as `0788123009 as +250788123009`";
    assert!(ran.status == 0 && ran.errors.starts_with(told), "{}", ran.errors);
    run(path, &["workspace", "set", "--redact-urns", "true"]);
    let again = run(path, &["import", "own.csv"]);
    assert!(
        again.errors.contains("brought 1 phone number into international form") && !again.errors.contains("788123009"),
        "{}",
        again.errors
    );
    assert_eq!(run(path, &["import", "own.csv", "--quiet"]).errors, "");
}

#[test]
fn a_batch_of_searches_answers_each_line_in_order() {
    let folder = workspace();
    let path = folder.path();
    let queries = "{\"query\": \"age > 30\"}\n{\"query\": \"agee > 30\"}\n\nno query\n{\"query\": \"city = Kigalli OR age > 1\"}\n{\"query\": \"age IN (16, 36)\"}\n";
    fs::write(path.join("queries.jsonl"), queries).unwrap();
    for (options, key) in [(&[][..], "contacts"), (&["--count"], "total"), (&["--count", "--group", "VIP"], "total")] {
        let ran = run(path, &[&["query", "--batch", "queries.jsonl"], options].concat());
        // Some lines were wrong: the lines say which, nothing is drawn.
        assert_eq!((ran.status, ran.errors.as_str()), (1, ""), "{options:?}");
        let lines: Vec<Value> = ran.output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 5);
        assert_eq!(lines[0]["query"], "fields.age > 30");
        assert_eq!(
            (&lines[1]["code"], &lines[1]["span"]),
            (&"query:unknown_property".into(), &Value::from(vec![0, 4]))
        );
        assert_eq!((&lines[2]["line"], lines[2]["error"].is_string()), (&4.into(), true));
        assert_eq!(lines[3]["code"], "query:unknown_property");
        assert_eq!(lines[4]["query"], "fields.age IN (16, 36)");
        assert!(!lines[4][key].is_null(), "{options:?}");
        let total = if options.len() > 1 { 1 } else { 2 };
        assert_eq!(lines[4]["total"], total, "{options:?}");
    }
    // `parse` gives its warnings with each line.
    fs::write(path.join("queries.jsonl"), "{\"query\": \"gender = New York\"}\n{\"query\": \"age > 3\"}\n").unwrap();
    let ran = run(path, &["parse", "--batch", "queries.jsonl"]);
    assert_eq!((ran.status, ran.errors.as_str()), (0, ""));
    let lines: Vec<Value> = ran.output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (&lines[0]["warnings"][0]["code"], &lines[1]["warnings"]),
        (&"query:suspicious".into(), &Value::Array(vec![]))
    );
}

#[test]
fn a_contact_is_named_by_how_its_identity_begins() {
    let folder = workspace();
    let path = folder.path();
    // Ann and Bob differ in the last digit alone.
    let several = run(path, &["contact", "show", "981bf246"]);
    assert_eq!((several.status, several.output.as_str()), (1, ""));
    assert!(several.errors.contains("several begin so"), "{}", several.errors);
    let line = r#"{"uuid": "5051F1CB-d5f1-47ed-b320-020f6e54b9c2", "name": "Eve", "urns": ["tel:1"]}"#;
    fs::write(path.join("eve.jsonl"), line).unwrap();
    run(path, &["import", "eve.jsonl"]);
    for beginning in ["5051f1cb", "5051f1cb-d5f1", "5051F1CBD5F147", "5051f1cb-d5f1-47ed-b320-020f6e54b9c"] {
        assert_eq!(json(path, &["contact", "show", beginning])["name"], "Eve", "{beginning}");
    }
    assert_eq!(json(path, &["contact", "edit", "5051f1cb", "--name", "Eva"])["name"], "Eva");
    assert_eq!(run(path, &["contact", "show", "5051f1cc"]).status, 1);
    assert_eq!(json(path, &["contact", "show", "5051f1"])["name"], "Eva");
}

#[test]
fn more_is_said_if_asked_for() {
    let folder = workspace();
    let path = folder.path();
    assert_eq!(run(path, &["query", "age > 30", "--count"]).errors, "");
    let more = run(path, &["query", "age > 30", "--count", "-v"]).errors;
    assert!(more.starts_with("store ") && more.contains("\ntook ") && !more.contains("blocks read"), "{more}");
    let most = run(path, &["query", "age > 30", "--count", "-vv"]).errors;
    assert!(most.contains("fields.age > 30") && most.contains("blocks read"), "{most}");
    let change =
        format!("{{\"type\": \"contact_name_changed\", \"contact\": {{\"uuid\": \"{ANN}\"}}, \"name\": \"Anne\"}}\n");
    fs::write(path.join("changes.jsonl"), change).unwrap();
    let applied = run(path, &["apply", "changes.jsonl", "-v"]).errors;
    assert!(applied.contains(": 1 line in "), "{applied}");
    assert_eq!(run(path, &["apply", "changes.jsonl", "-q"]).errors, "");
}
