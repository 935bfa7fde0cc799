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
        let sorted = |contact: &Value| {
            let mut urns: Vec<String> =
                contact["urns"].as_array().unwrap().iter().map(|urn| urn.as_str().unwrap().to_owned()).collect();
            // A sheet keeps the order within a scheme, and none between schemes.
            urns.sort_by(|a, b| a.split(':').next().cmp(&b.split(':').next()));
            urns
        };
        assert_eq!(sorted(before), sorted(after), "{before}");
        compared += 1;
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

/// Sheets as people have them, each in one command, with what comes of it: contacts taken, lines rejected, searches.
#[test]
fn peoples_own_sheets_go_in_with_one_command() {
    /// A query, and how many it finds.
    type Found = (&'static str, u32);
    let cases: [(&str, &str, u64, u64, &[Found]); 11] = [
        (
            "clinic.csv",
            "RW",
            5,
            1,
            &[
                ("dob > 1980-01-01", 4),
                ("tel = +250788123123", 1),
                ("tel = +250722123129", 1),
                ("remarks = \"\"", 4),
                ("name = \"Zoë Mukamana\"", 1),
            ],
        ),
        (
            "export-semicolons.csv",
            "RW",
            3,
            0,
            &[("name = \"Éric Mugabo\"", 1), ("montant > 80", 2), ("date_de_naissance = 1988-12-01", 1)],
        ),
        (
            "excel-damaged.csv",
            "RW",
            4,
            0,
            &[("tel = +250788222002", 1), ("birthday = 1990-03-12", 1), ("age < 30", 2), ("tel = +250788222004", 1)],
        ),
        (
            "blanks.csv",
            "RW",
            4,
            1,
            &[
                ("name = \"Ann Uwase\" AND next_of_kin_phone != \"\"", 1),
                ("name = \"\"", 1),
                ("tel = +250788999001", 0),
            ],
        ),
        (
            "two-phones.tsv",
            "RW",
            3,
            0,
            &[
                ("tel = +250722444001", 1),
                ("whatsapp = 250788444001", 1),
                ("mailto ~ example", 2),
                ("name = \"Bob Smith\"", 1),
            ],
        ),
        (
            "arabic.csv",
            "EG",
            3,
            0,
            &[
                ("tel = +201001234567", 1),
                ("lmr > 30", 2),
                ("name = \"فاطمة حسن\"", 1),
                ("trykh_lmyld = 1990-03-12", 1),
            ],
        ),
        (
            "line-breaks.csv",
            "RW",
            3,
            0,
            &[("name = \"Ann Uwase\"", 1), ("language = eng", 1), ("language = kin", 1), ("address ~ kigali", 1)],
        ),
        (
            "rapidpro-import.csv",
            "RW",
            3,
            0,
            &[("group = Testers", 2), ("tel = +250788666002", 1), ("date_joined > 2025-02-01", 1)],
        ),
        (
            "rapidpro-contacts.json",
            "RW",
            2,
            0,
            &[
                ("tel = +250788777002", 1),
                ("telegram = 12345", 1),
                ("telegram:12345#bob", 1),
                ("tel:+250788777002?channel=4f0a", 1),
                ("age = 36", 1),
            ],
        ),
        ("no-header.csv", "RW", 3, 0, &[("name = \"Bob Smith\"", 1), ("tel = +250788888003", 1)]),
        (
            "hidden-sheets.xlsx",
            "RW",
            3,
            0,
            &[
                ("name = \"Zoë Mukamana\"", 1),
                ("birth_date = 1990-03-12", 1),
                ("best_time_to_call = 12:00", 1),
                ("balance > 12", 1),
            ],
        ),
    ];
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/sheets");
    let files = fs::read_dir(&corpus).unwrap().count();
    assert_eq!(files, cases.len() + 1, "a case for each file beside the README");
    for (file, country, created, rejected, found) in cases {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        well(path, &["init", "--timezone", "Africa/Kigali", "--country", country]);
        fs::copy(corpus.join(file), path.join(file)).unwrap();
        // Tried first: it says the same, and changes nothing.
        let (tried, _, _) = run(path, &["import", file, "--infer", "--dry-run"]);
        assert_eq!(well(path, &["query", "created_on > 0001-01-01", "--count"]), "0\n", "{file}");
        let (status, output, errors) = run(path, &["import", file, "--infer", "--format", "json"]);
        assert_eq!((status, tried), (i32::from(rejected > 0), status), "{file}: {errors}");
        let summary: Value = serde_json::from_str(&output).unwrap();
        assert_eq!(
            (&summary["created"], &summary["rejected"]),
            (&created.into(), &rejected.into()),
            "{file}: {errors}"
        );
        assert!(errors.lines().count() <= 16, "{file}: with the summary, more than twenty lines\n{errors}");
        for (query, count) in found {
            assert_eq!(well(path, &["query", query, "--count"]), format!("{count}\n"), "{file}: {query}\n{errors}");
        }
        // Again, and packed: nobody is made twice.
        let status = Command::new("gzip").arg(path.join(file)).status().unwrap();
        assert!(status.success());
        let (_, output, errors) = run(path, &["import", &format!("{file}.gz"), "--infer", "--format", "json"]);
        let summary: Value = serde_json::from_str(&output).unwrap();
        assert_eq!((&summary["created"], &summary["changed"]), (&0.into(), &0.into()), "{file}: {errors}");
    }
}

#[test]
fn columns_are_mapped_groups_filled_and_bad_numbers_kept_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    well(path, &["init", "--country", "RW"]);
    fs::write(path.join("odd.csv"), "Who,Reach,Born,Bin\nAnn,0788123123,12/03/1990,x\nBob,123456,,y\n").unwrap();
    let maps = ["--map", "who=Name", "--map", "Reach=URN:tel", "--map", "Born=Field:dob", "--map", "Bin=ignore"];
    let (status, _, errors) = run(
        path,
        &[&["import", "odd.csv", "--infer", "--group", "Register", "--phones", "strict"], &maps[..]].concat(),
    );
    assert_eq!(status, 1);
    assert!(errors.contains("odd.csv:3: `Reach`: `123456` is no phone number"), "{errors}");
    assert_eq!(
        well(path, &["query", "group = Register AND dob = 1990-03-12 AND tel = +250788123123", "--count"]),
        "1\n"
    );
    assert!(!well(path, &["schema", "show"]).contains("bin"));
    // Kept, and told with its line.
    let (status, _, errors) =
        run(path, &[&["import", "odd.csv", "--infer", "--group", "Register"], &maps[..]].concat());
    assert_eq!(status, 0, "{errors}");
    assert!(errors.contains("kept what does not read as a phone number: line 3 `123456`"), "{errors}");
    assert_eq!(well(path, &["query", "tel = 123456 AND group = Register", "--count"]), "1\n");
    // From a pipe, which is read twice.
    let mut command = Command::new(env!("CARGO_BIN_EXE_headcount"));
    command.current_dir(path).env_remove("HEADCOUNT_STORE").args(["import", "-", "--infer"]).args(maps);
    let ran = command.stdin(fs::File::open(path.join("odd.csv")).unwrap()).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    // What is not there, and what is none.
    for (map, told) in
        [("Reech=Name", "names a column `Reech` that is not there"), ("Who=Nmae", "`Nmae` is none of UUID")]
    {
        let (status, _, errors) = run(path, &["import", "odd.csv", "--map", map]);
        assert!(status == 1 && errors.contains(told), "{errors}");
    }
}

#[test]
fn many_bad_rows_are_told_ten_of_a_kind_and_all_in_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    well(path, &["init"]);
    let mut text = "UUID,Name,Status\n".to_owned();
    for at in 0..5_000 {
        text.push_str(&format!("bob{at},Bob,\n981bf246-8aff-4b76-b668-{at:012},Ann,st{at}\n"));
    }
    fs::write(path.join("bad.csv"), text).unwrap();
    let (status, _, errors) = run(path, &["import", "bad.csv", "--report", "all.csv"]);
    assert_eq!(status, 1);
    assert_eq!(errors.lines().filter(|line| line.contains("is not a uuid")).count(), 10, "{errors}");
    assert_eq!(errors.lines().filter(|line| line.contains("is not a status")).count(), 10, "{errors}");
    assert!(errors.contains("… and 9,980 more lines of 2 kinds were rejected; all of them are in all.csv"), "{errors}");
    assert_eq!(fs::read_to_string(path.join("all.csv")).unwrap().lines().count(), 10_001);
}

#[test]
fn several_addresses_of_a_scheme_stand_in_several_columns_both_ways() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    well(path, &["init"]);
    let line = format!(r#"{{"uuid": "{ANN}", "urns": ["tel:+1", "ext:a%23b?x=1", "tel:+2"]}}"#);
    fs::write(path.join("ann.jsonl"), line).unwrap();
    well(path, &["import", "ann.jsonl"]);
    well(path, &["export", "out.csv"]);
    let sheet = fs::read_to_string(path.join("out.csv")).unwrap();
    assert!(sheet.contains("URN:ext,URN:tel,URN:tel") && sheet.contains("a%23b?x=1,+1,+2"), "{sheet}");
    let urns = |path: &Path| {
        let shown: Value = serde_json::from_str(&well(path, &["contact", "show", ANN, "--format", "json"])).unwrap();
        shown["urns"].to_string()
    };
    let before = urns(path);
    well(path, &["import", "out.csv"]);
    assert_eq!(urns(path), before);
    // By place: a blank cell leaves, `--` clears, a value sets.
    fs::write(path.join("two.csv"), format!("UUID,URN:tel,URN:tel\n{ANN},,+3\n")).unwrap();
    well(path, &["import", "two.csv"]);
    assert_eq!(urns(path), r#"["tel:+1","tel:+3","ext:a%23b?x=1"]"#);
    fs::write(path.join("two.csv"), format!("UUID,URN:tel,URN:tel\n{ANN},--,\n")).unwrap();
    well(path, &["import", "two.csv"]);
    assert_eq!(urns(path), r#"["tel:+3","ext:a%23b?x=1"]"#);
    assert_eq!(well(path, &["query", "ext = \"a#b\"", "--count"]), "1\n");
}

#[test]
fn a_sheet_is_told_what_it_does_not_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    well(path, &["init", "--country", "RW"]);
    well(path, &["group", "create", "Smart", "--query", "name ~ ann"]);
    let long = "x".repeat(300);
    fs::write(
        path.join("sheet.csv"),
        format!("Name,URN:tel,Group:Smart,Group:{long},Language\nAnn,0788123123,true,true,English\nAnn,0788123123,true,true,Elvish\n"),
    )
    .unwrap();
    let (status, output, errors) = run(path, &["import", "sheet.csv", "--infer"]);
    assert_eq!(status, 0, "{errors}");
    assert!(errors.contains("the column `Group:Smart` is left out: who is in a smart group follows"), "{errors}");
    assert!(
        errors.contains("1 name of a field, a group or a flow is left out: a name has at most 255 characters"),
        "{errors}"
    );
    assert!(errors.contains("left out what is no code of a language: line 3 `Elvish`"), "{errors}");
    assert!(output.contains("Lines repeated    1"), "{output}");
    assert_eq!(well(path, &["query", "language = eng", "--count"]), "1\n");
    // A stray zero byte is no reason to refuse what was exported.
    fs::write(path.join("nul.jsonl"), r#"{"urns": ["tel:+1"], "name": "A\u0000b"}"#).unwrap();
    well(path, &["import", "nul.jsonl"]);
    well(path, &["export", "nul.csv"]);
    well(path, &["import", "nul.csv"]);
}
