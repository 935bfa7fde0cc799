//! Streams, the log, and what looks after a workspace: the program itself, run as people and other programs run it.

mod following;
mod messaging;
mod streams;
mod upkeep;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// The present of all runs that are not told otherwise.
pub(crate) const NOW: &str = "2026-06-15T12:00:00Z";

/// What a run left behind.
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) output: String,
    pub(crate) errors: String,
}

impl Ran {
    /// The lines of its output as JSON.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.output.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The same run, which must have gone well.
    pub(crate) fn well(self) -> Self {
        assert_eq!(self.status, 0, "{}", self.errors);
        self
    }
}

/// The program in a folder, without the settings of whoever runs the tests.
pub(crate) fn headcount(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headcount"));
    command.current_dir(folder).env_remove("HEADCOUNT_STORE").env_remove("NO_COLOR");
    command
}

pub(crate) fn run_with(folder: &Path, arguments: &[&str], input: &str) -> Ran {
    let mut child = headcount(folder)
        .args(["--now", NOW])
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

pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Ran {
    run_with(folder, arguments, "")
}

/// A file of the reference's cases.
pub(crate) fn case_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/contactql").join(name)
}

pub(crate) const ANN: &str = "981bf246-8aff-4b76-b668-5e6bd6336001";
pub(crate) const BOB: &str = "981bf246-8aff-4b76-b668-5e6bd6336002";

/// A workspace of two contacts, a manual group and four smart ones, all with identities of their own.
pub(crate) fn small() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let uuid = |number: u32| format!("00000000-0000-4000-8000-{number:012}");
    let group = |number: u32, name: &str, query: &str| {
        format!("{{\"uuid\": \"{}\", \"name\": \"{name}\", \"query\": \"{query}\"}}", uuid(number))
    };
    let files = [
        (
            "schema.json",
            format!(
                "{{\"fields\": [{{\"key\": \"age\", \"name\": \"Age\", \"type\": \"number\"}}, \
                 {{\"key\": \"due\", \"name\": \"Due\", \"type\": \"datetime\"}}, \
                 {{\"key\": \"notes\", \"name\": \"Notes\"}}], \
                 \"groups\": [{{\"uuid\": \"{}\", \"name\": \"VIP\"}}], \"flows\": [\"Poll\"]}}",
                uuid(1)
            ),
        ),
        (
            "contacts.jsonl",
            format!(
                "{{\"uuid\": \"{ANN}\", \"name\": \"Ann\", \"urns\": [\"tel:+250788123001\"], \
                 \"fields\": {{\"age\": \"36\", \"due\": \"2026-06-20\", \"notes\": \"likes tea\"}}, \"groups\": [\"VIP\"], \
                 \"created_on\": \"2026-01-01T08:00:00Z\"}}\n\
                 {{\"uuid\": \"{BOB}\", \"name\": \"Bob\", \"urns\": [\"tel:+250788123002\", \"tel:+250788123003\"], \
                 \"fields\": {{\"age\": \"16\"}}, \"created_on\": \"2026-01-02T08:00:00Z\"}}\n"
            ),
        ),
        (
            "groups.json",
            format!(
                "{{\"groups\": [{}, {}, {}, {}]}}",
                group(2, "Adults", "age >= 18"),
                group(3, "Children", "age < 18"),
                group(4, "Due", "due <= now"),
                group(5, "Adult VIPs", "group = VIP AND group = Adults")
            ),
        ),
    ];
    for (name, text) in files {
        fs::write(path.join(name), text).unwrap();
    }
    for arguments in [
        &["init", "--timezone", "Africa/Kigali", "--country", "RW"][..],
        &["schema", "import", "schema.json"],
        &["import", "contacts.jsonl"],
        &["group", "import", "groups.json"],
    ] {
        run(path, arguments).well();
    }
    folder
}

/// A line that sets somebody's age.
pub(crate) fn age(contact: &str, age: &str) -> String {
    format!(
        "{{\"type\": \"contact_field_changed\", \"contact\": {{\"uuid\": \"{contact}\"}}, \
         \"field\": {{\"key\": \"age\"}}, \"value\": {{\"text\": \"{age}\"}}}}\n"
    )
}

/// The same with a position in a source.
pub(crate) fn age_at(offset: u64, contact: &str, value: &str) -> String {
    let line = age(contact, value);
    line.replacen('{', &format!("{{\"source\": {{\"name\": \"platform\", \"offset\": {offset}}}, "), 1)
}

/// Who entered and left what, one text for each line of membership changes.
pub(crate) fn moves(lines: &[Value]) -> Vec<String> {
    let names = |line: &Value, key: &str| -> Vec<String> {
        line[key].as_array().unwrap().iter().map(|group| group["name"].as_str().unwrap().to_owned()).collect()
    };
    let told = |line: &Value| {
        let contact = line["contact"]["uuid"].as_str().unwrap();
        let who = if contact == ANN {
            "Ann"
        } else if contact == BOB {
            "Bob"
        } else {
            contact
        };
        let (added, removed) = (names(line, "groups_added"), names(line, "groups_removed"));
        format!("{who} +{} -{} {}", added.join(","), removed.join(","), line["cause"].as_str().unwrap())
    };
    lines.iter().map(told).collect()
}
