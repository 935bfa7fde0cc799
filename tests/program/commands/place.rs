//! A folder with a workspace and the files that the help's examples name, and a shell in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The present of all runs.
const NOW: &str = "2026-06-15T12:00:00Z";

const FILES: [(&str, &str); 10] = [
    (
        "schema.json",
        r#"{"fields": [
  {"key": "age", "name": "Age", "type": "number"}, {"key": "gender", "name": "Gender"}, {"key": "city", "name": "City"},
  {"key": "edd", "name": "Expected Delivery Date", "type": "datetime"},
  {"key": "household", "name": "Household size", "type": "number"},
  {"key": "district", "name": "District", "type": "district"}],
"groups": [{"uuid": "00000000-0000-4000-8000-000000000001", "name": "VIP"},
  {"uuid": "00000000-0000-4000-8000-000000000002", "name": "Opted Out"}, {"uuid": "00000000-0000-4000-8000-000000000007", "name": "Testers"}],
"flows": [{"uuid": "00000000-0000-4000-8000-000000000003", "name": "Poll"}]}"#,
    ),
    (
        "contacts.jsonl",
        r#"{"uuid":"10000000-0000-4000-8000-000000000001","id":"1","name":"Claudine Uwase","language":"kin","urns":["tel:+250788123123"],"groups":["VIP"],"fields":{"age":"27","gender":"F","city":"Kigali","edd":"2026-06-30","district":"Rwanda > Southern > Huye"},"created_on":"2025-11-03T08:15:00Z","last_seen_on":"2026-06-10T17:40:00Z"}
{"uuid":"10000000-0000-4000-8000-000000000002","id":"2","name":"Eric Habimana","urns":["tel:+250789555001"],"fields":{"age":"41","gender":"M","city":"Kigali","household":"6"},"created_on":"2025-12-03T08:15:00Z","last_seen_on":"2026-05-01T07:00:00Z","history":["Poll"]}
{"uuid":"10000000-0000-4000-8000-000000000003","id":"3","name":"Aline Keza","language":"kin","urns":["tel:+250791234567","whatsapp:250791234567"],"groups":["VIP","Opted Out"],"fields":{"age":"16","gender":"F","city":"Huye"},"created_on":"2026-01-03T08:15:00Z"}
{"uuid":"10000000-0000-4000-8000-000000000004","id":"4","name":"Patrick O'Brien","status":"stopped","urns":["tel:+250788383383"],"fields":{"age":"52","gender":"M"},"created_on":"2026-02-03T08:15:00Z"}
"#,
    ),
    (
        "groups.json",
        r#"{"groups": [
{"uuid": "00000000-0000-4000-8000-000000000004", "name": "Adults", "query": "age >= 18"},
{"uuid": "00000000-0000-4000-8000-000000000005", "name": "Due", "query": "edd = today..+4w"},
{"uuid": "00000000-0000-4000-8000-000000000006", "name": "Adult VIPs", "query": "group = VIP AND group = Adults"}]}"#,
    ),
    (
        "changes.jsonl",
        r#"{"type": "contact_field_changed", "contact": {"urn": "tel:+250791234567"}, "field": {"key": "age"}, "value": {"text": "18"}}
{"type": "contact_groups_changed", "contact": {"urn": "tel:+250788123123"}, "groups_removed": [{"name": "VIP"}]}
"#,
    ),
    (
        "rejected.jsonl",
        r#"{"type": "contact_field_changed", "contact": {"urn": "tel:+250700000000"}, "field": {"key": "age"}, "value": {"text": "18"}}
{"type": "contact_name_changed", "contact": {"urn": "tel:+250788123123"}, "name": 5}
"#,
    ),
    ("twice.jsonl", "{\"urns\": [\"tel:+250788000001\"]}\n{\"name\": \"Again\", \"urns\": [\"tel:+250788000001\"]}\n"),
    ("queries.jsonl", "{\"query\": \"age > 30\"}\n{\"query\": \"gender = F AND city = Kigali\"}\n"),
    ("leavers.txt", "tel:+250788123123\n10000000-0000-4000-8000-000000000003\n"),
    (
        "reminders.json",
        r#"{"group": "VIP", "points": [
{"relative_to": "edd", "offset": -2, "unit": "weeks", "delivery_hour": 9},
{"relative_to": "edd", "offset": -5, "unit": "days"}, {"relative_to": "created_on", "offset": 250, "unit": "days"}]}"#,
    ),
    ("empty.txt", ""),
];

/// What a command left behind.
pub(crate) struct Ran {
    pub(crate) status: i32,
    /// Both outputs, as a terminal shows them.
    pub(crate) printed: String,
}

/// A folder of its own.
pub(crate) struct Place(tempfile::TempDir);

impl Place {
    pub(crate) fn empty() -> Self {
        let place = Place(tempfile::tempdir().unwrap());
        // A home, as the examples expect one.
        for folder in [".local/share/bash-completion/completions", "backups"] {
            fs::create_dir_all(place.path().join(folder)).unwrap();
        }
        place
    }

    /// With the files, and a workspace filled from them.
    pub(crate) fn prepared() -> Self {
        let place = Place::empty();
        for (name, text) in FILES {
            fs::write(place.path().join(name), text).unwrap();
        }
        fs::copy(place.path().join("changes.jsonl"), place.path().join("events.jsonl")).unwrap();
        fs::copy(place.path().join("leavers.txt"), place.path().join("staff.txt")).unwrap();
        let workbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/people.xlsx");
        fs::copy(workbook, place.path().join("sheet.xlsx")).unwrap();
        for command in [
            "headcount init --timezone Africa/Kigali --country RW",
            "headcount schema import schema.json",
            "headcount import contacts.jsonl",
            "headcount group import groups.json",
            "headcount index",
        ] {
            let ran = place.run(command);
            assert_eq!(ran.status, 0, "{command}\n{}", ran.printed);
        }
        place
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn copy(&self) -> Self {
        let place = Place(tempfile::tempdir().unwrap());
        copy_folder(self.path(), place.path());
        place
    }

    /// Runs a line as a shell does, with headcount on the path.
    pub(crate) fn run(&self, line: &str) -> Ran {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_headcount"));
        let mut path = vec![program.parent().unwrap().to_owned()];
        path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        let line = line.replace("headcount ", &format!("headcount --now {NOW} "));
        let ran = Command::new("sh")
            .args(["-c", &format!("exec 2>&1\n{line}")])
            .current_dir(self.path())
            .env("PATH", std::env::join_paths(path).unwrap())
            .env("HOME", self.path())
            .env_remove("HEADCOUNT_STORE")
            .env_remove("NO_COLOR")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let printed = String::from_utf8(ran.stdout).unwrap();
        let here = self.path().canonicalize().unwrap();
        let printed = printed.replace(here.to_str().unwrap(), "[here]");
        Ran { status: ran.status.code().unwrap(), printed: without_made_up(&printed) }
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Identities that no file gives are new in each run; the text stays as wide as it was.
fn without_made_up(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let uuid = rest.get(..36).filter(|part| headcount::internals::ids::Uuid::parse(part).is_some());
        match uuid {
            Some(uuid) if !FILES.iter().any(|(_, text)| text.contains(uuid)) => {
                masked.push_str("xxxxxxxx-xxxx-4xxx-xxxx-xxxxxxxxxxxx")
            }
            Some(uuid) => masked.push_str(uuid),
            None => masked.push(c),
        }
        rest = rest.get(uuid.map_or(c.len_utf8(), str::len)..).unwrap_or_default();
    }
    masked
}

/// Without sizes and times, which are not the same twice.
pub(crate) fn without_measures(text: &str) -> String {
    let mut masked = String::new();
    for line in text.lines() {
        let mut words = String::new();
        for c in line.chars() {
            match c {
                '0'..='9' if words.ends_with('#') => {}
                '0'..='9' => words.push('#'),
                ' ' if words.ends_with(' ') && !words.trim().is_empty() => {}
                c => words.push(c),
            }
        }
        masked.push_str(words.trim_end());
        masked.push('\n');
    }
    masked.replace("#.#", "#").replace("#,#", "#").replace("# µs", "# ms")
}
