//! The program itself, run as people and other programs run it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

const SCHEMA: &str = r#"{"fields": [{"key": "age", "name": "Age", "type": "number"}, {"key": "gender", "name": "Gender"}],
    "groups": [{"uuid": "981bf246-8aff-4b76-b668-5e6bd6336027", "name": "VIP"}], "flows": ["Poll"]}"#;

/// What a run left behind.
struct Ran {
    status: i32,
    output: String,
    errors: String,
}

fn headcount(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headcount"));
    command.current_dir(folder).env_remove("HEADCOUNT_STORE").env_remove("NO_COLOR").env("COLUMNS", "100");
    command
}

fn run_with(folder: &Path, arguments: &[&str], input: &str) -> Ran {
    let mut child = headcount(folder)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that needs no input may be gone before it is given any.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Ran {
        status: output.status.code().unwrap(),
        output: String::from_utf8(output.stdout).unwrap(),
        errors: String::from_utf8(output.stderr).unwrap(),
    }
}

fn run(folder: &Path, arguments: &[&str]) -> Ran {
    run_with(folder, arguments, "")
}

fn with_schema() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("schema.json"), SCHEMA).unwrap();
    folder
}

#[test]
fn a_query_is_parsed_in_every_format() {
    let folder = with_schema();
    let query = "AGE > 30 and gender = \"M\" group = vip tel ~ 0788";
    for format in ["table", "json", "jsonl", "csv", "ids"] {
        let ran = run(folder.path(), &["parse", query, "--schema", "schema.json", "--format", format]);
        assert_eq!((ran.status, ran.errors.as_str()), (0, ""), "{format}");
        insta::assert_snapshot!(format!("parse_{format}"), ran.output);
    }
    let unresolved = run(folder.path(), &["parse", "foo = 1 and group = bar", "--no-resolve", "--format", "jsonl"]);
    insta::assert_snapshot!("parse_unresolved", unresolved.output);
    let usual = run(folder.path(), &["parse", query, "--schema", "schema.json"]);
    let table = run(folder.path(), &["parse", query, "--schema", "schema.json", "--format", "table"]);
    assert_eq!(usual.output, table.output);
}

#[test]
fn the_environment_of_parse_is_read_from_its_options() {
    let folder = with_schema();
    let parse = |arguments: &[&str]| {
        let all: Vec<&str> = [&["parse", "--no-resolve", "--format", "jsonl"], arguments].concat();
        let ran = run(folder.path(), &all);
        (ran.status, serde_json::from_str::<Value>(&ran.output).unwrap())
    };
    assert_eq!(parse(&["0788 383 383", "--country", "rw"]).1["query"], r#"urns.tel = "+250788383383""#);
    let (status, refused) = parse(&["tel = 0788", "--redact-urns"]);
    assert_eq!((status, refused["code"].as_str()), (2, Some("query:redacted_urns")));
    let (status, refused) = parse(&["age IN (3, 4)", "--dialect", "contactql"]);
    assert_eq!((status, refused["code"].as_str()), (2, Some("query:syntax")));
}

#[test]
fn an_invalid_query_is_told_twice_and_exits_2() {
    let folder = with_schema();
    let ran = run(folder.path(), &["parse", "age > old AND agee = 3", "--schema", "schema.json"]);
    assert_eq!(ran.status, 2);
    assert!(!ran.errors.contains('\x1b') && ran.errors.contains("age > old AND agee = 3"));
    insta::assert_snapshot!("invalid_output", ran.output);
    insta::assert_snapshot!("invalid_drawing", ran.errors);
    let shape: Value = serde_json::from_str(&ran.output).unwrap();
    let keys: Vec<&String> = shape.as_object().unwrap().keys().collect();
    assert_eq!(keys[..4], ["error", "code", "extra", "span"]);
    assert!(shape["extra"].is_object() && shape["errors"].is_array());
    let coloured = run(folder.path(), &["parse", "age >", "--no-resolve", "--color", "always"]);
    assert!(coloured.errors.contains("\x1b["));
}

#[test]
fn a_batch_answers_line_by_line_in_order() {
    let folder = with_schema();
    let batch =
        "{\"query\": \"age > 30\"}\n\nnonsense\n{\"query\": \"agee > 30\"}\n{\"text\": 1}\n{\"query\": \"bob\"}\n";
    let ran = run_with(folder.path(), &["parse", "--schema", "schema.json", "--batch", "-"], batch);
    assert_eq!((ran.status, ran.errors.as_str()), (1, ""));
    insta::assert_snapshot!("batch", ran.output);
    let good: String = (0..10_000).map(|age| format!("{{\"query\": \"age > {age}\"}}\n")).collect();
    fs::write(folder.path().join("batch.jsonl"), good).unwrap();
    let ran = run(folder.path(), &["parse", "--schema", "schema.json", "--batch", "batch.jsonl"]);
    assert_eq!(ran.status, 0);
    for (age, line) in ran.output.lines().enumerate() {
        assert!(line.starts_with(&format!("{{\"query\":\"fields.age > {age}\"")), "{line}");
    }
}

#[test]
fn what_is_wrong_with_files_is_told() {
    let folder = with_schema();
    let path = |name: &str, bytes: &[u8]| {
        fs::write(folder.path().join(name), bytes).unwrap();
        name.to_owned()
    };
    let wrong = [
        ("none.json".to_owned(), "error: none.json: there is no such file"),
        (path("empty.json", b""), "error: empty.json: the file is empty"),
        (path("cut.json", b"{\"fields\": [\n{"), "error: cut.json, line 2: the file ends in the middle of a value"),
        (path("zip.json", b"\x1f\x8b\x08\x00"), "error: zip.json: this is compressed with gzip"),
        (path("list.json", b"[1]"), "error: list.json: this file should hold one object"),
        (path("latin.json", b"{\"groups\": [\"Zo\xeb\"]}"), "error: latin.json, line 1: "),
        (".".to_owned(), "error: .: this is a folder, and a file is needed"),
    ];
    for (file, reason) in wrong {
        let ran = run(folder.path(), &["parse", "bob", "--schema", &file]);
        assert_eq!((ran.status, ran.output.as_str()), (1, ""), "{file}");
        assert!(ran.errors.starts_with(reason), "{}", ran.errors);
    }
    let ran = run(folder.path(), &["parse"]);
    assert_eq!((ran.status, ran.output.as_str()), (2, ""));
    let ran = run(folder.path(), &["querry", "bob"]);
    assert_eq!(ran.status, 2);
    assert!(ran.errors.contains("'query'"), "{}", ran.errors);
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let folder = with_schema();
    let batch = "{\"query\": \"age > 30\"}\n".repeat(100_000);
    fs::write(folder.path().join("batch.jsonl"), batch).unwrap();
    let mut child = headcount(folder.path())
        .args(["parse", "--schema", "schema.json", "--batch", "batch.jsonl"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.starts_with("{\"query\":"));
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!((child.wait().unwrap().code(), errors.as_str()), (Some(0), ""));
}

#[test]
fn completions_and_man_pages_come_from_the_same_definitions() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = run(folder.path(), &["completions", shell]);
        assert_eq!(ran.status, 0);
        assert!(ran.output.contains("audience"), "{shell}");
    }
    let ran = run(folder.path(), &["man", "pages/man1", "--quiet"]);
    assert_eq!((ran.status, ran.errors.as_str()), (0, ""));
    let page = |name: &str| fs::read_to_string(folder.path().join("pages/man1").join(name)).unwrap();
    assert!(page("headcount.1").contains("smart groups"));
    assert!(page("headcount-group-edit.1").contains("dry"));
}

#[test]
fn the_same_seed_makes_up_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a", "b"] {
        let ran = run(folder.path(), &["generate", name, "--contacts", "1k", "--groups", "5", "--changes", "50"]);
        assert_eq!((ran.status, ran.output.as_str()), (0, ""));
        assert!(ran.errors.starts_with("wrote 1,000 contacts, 5 groups and 50 changes ("), "{}", ran.errors);
    }
    for file in ["schema.json", "contacts.jsonl", "groups.json", "changes.jsonl"] {
        let read = |name: &str| fs::read(folder.path().join(name).join(file)).unwrap();
        assert!(!read("a").is_empty() && read("a") == read("b"), "{file}");
    }
    let too_many = run(folder.path(), &["generate", "c", "--contacts", "1000m"]);
    assert_eq!(too_many.status, 2);
}
