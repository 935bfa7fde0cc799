//! Sheets in and out: what a strict import refuses, and what comes back of an export.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const ANN: &str = "981bf246-8aff-4b76-b668-5e6bd6336001";
const BOB: &str = "981bf246-8aff-4b76-b668-5e6bd6336002";

fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headcount"));
    command.current_dir(folder).env_remove("HEADCOUNT_STORE").env_remove("NO_COLOR");
    let ran = command.args(["--now", "2026-06-15T13:00:00Z"]).args(arguments).output().unwrap();
    let [output, errors] = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (ran.status.code().unwrap(), output, errors)
}

fn well(folder: &Path, arguments: &[&str]) -> String {
    let (status, output, errors) = run(folder, arguments);
    assert_eq!(status, 0, "{arguments:?}: {errors}");
    output
}

/// The same rows as CSV as in `duplicates.xlsx`.
fn duplicates() -> String {
    format!(
        "Contact UUID,Name,URN:Tel\n{ANN},Ann,+250788123001\n{BOB},Bob,+250788123002\n{ANN},Ann again,\n\
         ,Bob by his number,+250788123002\n,Cat,+250788123003\n"
    )
}

#[test]
fn a_strict_import_refuses_a_sheet_in_which_a_contact_comes_twice_and_names_the_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    well(path, &["init"]);
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/duplicates.xlsx");
    fs::copy(book, path.join("book.xlsx")).unwrap();
    fs::write(path.join("sheet.csv"), duplicates()).unwrap();
    for file in ["book.xlsx", "sheet.csv"] {
        let (status, _, errors) = run(path, &["import", "--strict", file]);
        assert_eq!(status, 1);
        for (line, earlier) in [(4, 2), (5, 3)] {
            let told = format!("{file}:{line}: this contact comes a second time, after {file}:{earlier}\n");
            assert!(errors.contains(&told), "{errors}");
        }
        assert!(errors.contains("nothing was imported: 2 lines are bad"), "{errors}");
        assert_eq!(well(path, &["query", "created_on > 2000-01-01", "--count"]), "0\n");
    }
    // Over two files, the earlier one is named.
    fs::write(path.join("one.csv"), "Name,URN:Tel\nAnn,+250788123001\n").unwrap();
    fs::write(path.join("two.csv"), "Name,URN:Tel\nDan,+250788123004\nAnn,+250788123001\n").unwrap();
    let (status, _, errors) = run(path, &["import", "--strict", "one.csv", "two.csv"]);
    assert!(status == 1 && errors.contains("two.csv:3: this contact comes a second time, after one.csv:2"), "{errors}");
    // Otherwise a contact that comes twice is patched twice.
    let summary: Value = serde_json::from_str(&well(path, &["import", "book.xlsx", "--format", "json"])).unwrap();
    assert_eq!((&summary["read"], &summary["created"], &summary["rejected"]), (&5.into(), &3.into(), &0.into()));
    assert_eq!(well(path, &["query", "name = \"Ann again\" OR name = \"Bob by his number\"", "--count"]), "2\n");
}

/// What a sheet can say of contacts, said by a sheet alone to a workspace that has nothing but the same definitions.
#[test]
fn a_sheet_exported_makes_the_same_contacts_in_another_workspace() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let there = |arguments: &[&str]| well(path, &[arguments, &["--store", "there"]].concat());
    well(path, &["demo", "here"]);
    let here = |arguments: &[&str]| well(path, &[arguments, &["--store", "here"]].concat());
    here(&["export", "contacts.csv"]);
    let header = fs::read_to_string(path.join("contacts.csv")).unwrap().lines().next().unwrap().to_owned();
    for column in
        ["UUID", "Name", "Language", "Status", "Created On", "Last Seen On", "URN:tel", "Field:age", "Group:VIP"]
    {
        assert!(header.split(',').any(|cell| cell.trim_matches('"') == column), "{column}: {header}");
    }
    let groups: Value = serde_json::from_str(&here(&["group", "list", "--format", "json"])).unwrap();
    assert_eq!(header.matches("Group:").count(), groups["groups"].as_array().unwrap().len());

    fs::write(path.join("schema.json"), here(&["schema", "show", "--format", "json"])).unwrap();
    there(&["init", "--timezone", "Africa/Kigali", "--country", "RW"]);
    there(&["schema", "import", "schema.json"]);
    there(&["import", "contacts.csv"]);
    let lines =
        |exported: String| -> Vec<Value> { exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect() };
    let (before, after) = (lines(here(&["export", "-"])), lines(there(&["export", "-"])));
    assert_eq!(before.len(), after.len());
    let schemes = |contact: &Value| -> Vec<String> {
        let urns = contact["urns"].as_array().unwrap();
        urns.iter().map(|urn| urn.as_str().unwrap().split(':').next().unwrap().to_owned()).collect()
    };
    let mut compared = 0;
    for (before, after) in before.iter().zip(&after) {
        for key in ["uuid", "id", "ref", "name", "language", "status", "created_on", "last_seen_on"] {
            // Nothing but white space is nothing to a sheet, which the export said.
            let is_blank = before[key].as_str().is_some_and(|text| text.trim().is_empty());
            let expected = if is_blank { &Value::Null } else { &before[key] };
            assert_eq!(expected, &after[key], "{key}: {before}");
        }
        let manual = |contact: &Value| -> Vec<Value> {
            let smart = |group: &&Value| {
                groups["groups"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|known| known["uuid"] == group["uuid"] && known["query"].is_null())
            };
            contact["groups"].as_array().unwrap().iter().filter(smart).map(|group| group["name"].clone()).collect()
        };
        assert_eq!(manual(before), manual(after), "{before}");
        assert_eq!(before["fields"], after["fields"], "{before}");
        // Several addresses of a scheme have no place in one column, and the export said so.
        let mut known = schemes(before);
        known.sort();
        known.dedup();
        if known.len() == schemes(before).len() {
            let sorted = |contact: &Value| {
                let mut urns: Vec<String> =
                    contact["urns"].as_array().unwrap().iter().map(|urn| urn.as_str().unwrap().to_owned()).collect();
                urns.sort();
                urns
            };
            assert_eq!(sorted(before), sorted(after), "{before}");
            compared += 1;
        }
    }
    assert!(compared > 300, "{compared}");
}

#[cfg(not(feature = "parquet"))]
#[test]
fn a_program_without_parquet_names_the_feature() {
    let folder = tempfile::tempdir().unwrap();
    well(folder.path(), &["init"]);
    let (status, _, errors) = run(folder.path(), &["export", "contacts.parquet"]);
    assert!(status == 2 && errors.contains("--features parquet"), "{errors}");
    assert!(!folder.path().join("contacts.parquet").exists());
}
