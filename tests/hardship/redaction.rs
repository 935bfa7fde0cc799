//! Where addresses are hidden, no command shows one: in no format, in no error, in no file that it writes.

use std::fs;
use std::path::Path;

use super::{holds, run_with};

const ANN: &str = "11111111-0000-4000-8000-000000000001";
const BOB: &str = "11111111-0000-4000-8000-000000000002";

/// Addresses of contacts, which stand nowhere else; and what somebody types who guesses at one.
const SECRETS: [&str; 7] =
    ["799111001", "799111002", "zqmailann", "vbpathann", "799111009", "zqmailtaken", "799 111 001"];

const CONTACTS: &str = r#"{"uuid": "11111111-0000-4000-8000-000000000001", "ref": "ABCDEF", "name": "Ann", "urns": ["tel:+250799111001", "mailto:zqmailann@example.org", "ext:vbpathann"], "fields": {"age": "30", "note": "a boat"}, "groups": [{"name": "Friends"}]}
{"uuid": "11111111-0000-4000-8000-000000000002", "name": "Bob", "urns": ["tel:+250799111002", "mailto:zqmailtaken@example.org"], "fields": {"age": "40"}}
{"uuid": "11111111-0000-4000-8000-000000000003", "name": "Eve", "urns": ["tel:+250799111001"]}
{"uuid": "11111111-0000-4000-8000-000000000004", "name": "Bad", "urns": ["799111009"]}
{"uuid": "11111111-0000-4000-8000-000000000005", "name": "Bad", "urns": [" :799111009"]}
{"uuid": "799111009", "name": "Bad", "urns": ["tel:+799111009"]}
{"uuid": "11111111-0000-4000-8000-000000000006", "urns": "tel:+250799111009"}
{"uuid": "11111111-0000-4000-8000-000000000006", "urns": [{"tel": "+250799111009"}]}
{"urns": ["tel:+250799111009"], "created_on": "tel:+250799111009"}
{"urns": ["tel:+250799111009"
tel:+250799111009
"#;

const SHEET: &str = "UUID,Name,URN:tel,URN:mailto,URN\n,Cid,+250799111001,,\n,Cid,,zqmailtaken@example.org,\n,Cid,,,no 799111009\n,C,799111009\n";

const CHANGES: &str = r#"{"type": "contact_urns_changed", "contact": {"uuid": "11111111-0000-4000-8000-000000000002"}, "urns": ["tel:+250799111001"]}
{"type": "contact_urns_changed", "contact": {"urn": "tel:+250799111002"}, "urns": ["799111009"]}
{"type": "contact_name_changed", "contact": {"urn": "tel:+250799111009"}, "name": "X"}
{"type": "contact_name_changed", "contact": {"urn": "799111009"}, "name": "X"}
{"type": "contact_name_changed", "contact": "tel:+250799111009", "name": "X"}
{"type": "contact_field_changed", "contact": {"urn": "tel:+250799111001"}, "field": {"key": "age"}, "value": {"text": "12"}}
{"type": "contact_created", "contact": {"uuid": "11111111-0000-4000-8000-000000000001", "urns": ["tel:+250799111002"]}}
{"type": "tel:+250799111009", "contact": {"urn": "tel:+250799111001"}}
{"type": "add_contact_groups", "contact": {"urn": "tel:+250799111002"}, "groups": [{"name": "Adults"}]}
{"type": "contact_deleted", "contact": {"urn": "tel:+250799111009"}}
"#;

/// Commands on a workspace, with their input. `{}` is each format in turn.
fn commands() -> Vec<(Vec<&'static str>, &'static str)> {
    let plain: [&[&str]; 69] = [
        &["import", "contacts.jsonl"],
        &["import", "contacts.jsonl", "--strict"],
        &["import", "contacts.jsonl", "--infer"],
        &["import", "sheet.csv"],
        &["import", "sheet.csv", "--infer"],
        &["import", "begins.jsonl"],
        &["import", "begins.csv"],
        &["apply", "begins.csv"],
        &["import", "unknown.jsonl"],
        &["apply", "changes.jsonl"],
        &["apply", "changes.jsonl", "--batch-size", "1"],
        &["query", "name ~ ann", "--format", "{}"],
        &["query", "tel = 0799111001", "--format", "{}"],
        &["query", "tel:+250799111001", "--format", "{}"],
        &["query", "urn ~ 799111001 AND gendr = M", "--format", "{}"],
        &["query", "mailto = zqmailann@example.org"],
        &["query", "tel IN (799111001, 799111002)"],
        &["query", "tel = \"\"", "--format", "{}"],
        &["query", "tel != \"\"", "--format", "{}"],
        &["query", "name != \"\"", "--sort", "tel"],
        &["query", "name != \"\"", "--sort", "urn"],
        &["query", "name != \"\"", "--after", "tel:+250799111001"],
        &["query", "--batch", "queries.jsonl"],
        &["parse", "--batch", "queries.jsonl"],
        &["parse", "tel = 799111001", "--format", "{}"],
        &["parse", "tel = 799111001", "--no-resolve", "--redact-urns"],
        &["explain", "name ~ ann AND tel != \"\"", "--analyze", "--format", "{}"],
        &["explain", "tel = 799111001"],
        &["group", "create", "Secret", "--query", "tel = 799111001"],
        &["group", "edit", "Adults", "--query", "tel = 799111001"],
        &["group", "edit", "Adults", "--query", "age > 20", "--dry-run", "--format", "{}"],
        &["group", "list", "--format", "{}"],
        &["group", "list", "--profile", "--format", "{}"],
        &["group", "show", "Adults", "--format", "{}"],
        &["group", "members", "Friends", "--format", "{}"],
        &["group", "members", "Adults", "--format", "{}"],
        &["group", "add", "Friends", "tel:+250799111002", "tel:+250799111009"],
        &["group", "remove", "Friends", "tel:+250799111002", "tel:+250799111009"],
        &["group", "add", "Friends", "--query", "tel = 799111001"],
        &["group", "add", "Friends", "--file", "people.txt"],
        &["group", "import", "groups.json"],
        &["why", "tel:+250799111001", "Adults", "--format", "{}"],
        &["why", "tel:+250799111002", "Reached", "--format", "{}"],
        &["why", ANN, "Unreached", "--format", "{}"],
        &["why", BOB, "Friends", "--format", "{}"],
        &["why", "tel:+250799111009", "Adults", "--format", "{}"],
        &["contact", "show", ANN, "--format", "{}"],
        &["contact", "show", "tel:+250799111001", "--format", "{}"],
        &["contact", "show", "tel:+250799111009"],
        &["contact", "show", "mailto:799111009"],
        &["contact", "groups", "tel:+250799111001", "--format", "{}"],
        &["contact", "groups", "tel:+250799111009"],
        &["contact", "timeline", "tel:+250799111001", "--format", "{}"],
        &["contact", "timeline", "tel:+250799111009"],
        &["contact", "edit", BOB, "--urn", "tel:+250799111001"],
        &["contact", "edit", "tel:+250799111009", "--name", "X"],
        &["contact", "edit", BOB, "--name", "Bo", "--format", "{}"],
        &["contact", "delete", "tel:+250799111009"],
        &["contact", "delete", "tel:+250799111009", "--erase"],
        &["log", "--format", "{}"],
        &["log", "--contact", "tel:+250799111001"],
        &["log", "--contact", "tel:+250799111009"],
        &["audience", "--contact", "tel:+250799111001", "--format", "{}"],
        &["audience", "--contact", "tel:+250799111009", "--query", "tel = 799111001"],
        &["render", "@contact.urn @contact.urns @urns.tel @contact.tel @(contact.urns)", "tel:+250799111001"],
        &["render", "@contact", "tel:+250799111009"],
        &["depends", "age", "--format", "{}"],
        &["export", "-", "--format", "{}"],
        &["export", "out.csv"],
    ];
    let mut commands: Vec<(Vec<&str>, &str)> = plain.iter().map(|arguments| (arguments.to_vec(), "")).collect();
    for arguments in [
        &["stats", "--format", "{}"][..],
        &["check"],
        &["export", "out.jsonl"],
        &["schema", "show"],
        &["index"],
        &["campaign", "campaign.json", "--format", "{}"],
        &["report", "out.html"],
    ] {
        commands.push((arguments.to_vec(), ""));
    }
    commands.push((vec!["repl"], "tel = 799111001\nname ~ ann\nurn ~ 799111001\n.help\n.contact tel:+250799111009\n"));
    commands.push((vec!["apply", "-"], CHANGES));
    commands.push((vec!["import", "-"], CONTACTS));
    commands
}

fn leaks(what: &str, bytes: &[u8], found: &mut Vec<String>) {
    for secret in SECRETS {
        if holds(&bytes.to_ascii_lowercase(), secret.as_bytes()) {
            let text = String::from_utf8_lossy(bytes).to_lowercase();
            let lines = text.lines().filter(|line| line.contains(secret)).take(2).collect::<Vec<_>>().join("\n    ");
            found.push(format!("{what}:\n    {lines}"));
            return;
        }
    }
}

fn prepare(folder: &Path) {
    for (name, text) in [
        ("contacts.jsonl", CONTACTS),
        ("sheet.csv", SHEET),
        ("changes.jsonl", CHANGES),
        ("people.txt", "tel:+250799111002\ntel:+250799111009\n799111009\n"),
        ("begins.jsonl", "[tel:+250799111009]\n"),
        ("begins.csv", "tel:+250799111009,+250799111009\n+250799111001,2\n"),
        (
            "unknown.jsonl",
            "{\"urns\": [\"tel:+250799\"], \"tel:+250799111009\": 1, \"groups\": [{\"name\": \"tel:+250799111009\"}]}\n",
        ),
        ("queries.jsonl", "{\"query\": \"tel = 799111001\"}\n{\"query\": \"name ~ ann\"}\n"),
        ("groups.json", r#"{"groups": [{"name": "G", "query": "tel = 799111001"}]}"#),
        (
            "campaign.json",
            r#"{"name": "C", "group": "Adults", "points": [{"relative_to": "created_on", "offset": "1d", "message": "Hi @contact.urn"}]}"#,
        ),
    ] {
        fs::write(folder.join(name), text).unwrap();
    }
    run_with(folder, &["init", "--redact-urns", "--country", "RW"], "").well();
    run_with(folder, &["field", "add", "age", "--type", "number"], "").well();
    run_with(folder, &["field", "add", "note", "--type", "text"], "").well();
    run_with(folder, &["group", "create", "Friends"], "").well();
    run_with(folder, &["group", "create", "Adults", "--query", "age >= 18"], "").well();
    run_with(folder, &["group", "create", "Reached", "--query", "tel != \"\""], "").well();
    run_with(folder, &["group", "create", "Unreached", "--query", "tel = \"\""], "").well();
}

#[test]
fn no_command_shows_an_address_where_they_are_hidden() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    let mut found = Vec::new();
    let mut went_well = 0;
    for (arguments, input) in commands() {
        let formats: &[&str] =
            if arguments.contains(&"{}") { &["table", "json", "jsonl", "csv", "ids"] } else { &[""] };
        for format in formats {
            let arguments: Vec<&str> =
                arguments.iter().map(|&argument| if argument == "{}" { format } else { argument }).collect();
            let ran = run_with(folder, &arguments, input);
            assert!(!ran.errors.contains("panicked"), "{arguments:?}: {}", ran.errors);
            went_well += u32::from(ran.status == Some(0));
            // The query of an answer is what was typed, so that it can be asked again.
            let output: String = ran.output.lines().filter(|line| !line.contains(r#""query": "name ~ "#)).collect();
            leaks(&format!("{arguments:?} prints"), output.as_bytes(), &mut found);
            leaks(&format!("{arguments:?} says"), ran.errors.as_bytes(), &mut found);
        }
    }
    for name in ["out.csv", "out.jsonl", "out.html"] {
        leaks(name, &fs::read(folder.join(name)).unwrap_or_default(), &mut found);
    }
    assert!(went_well > 60, "{went_well} runs went well");
    assert!(found.is_empty(), "{} leaks:\n{}", found.len(), found.join("\n"));
}
