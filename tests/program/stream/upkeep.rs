//! `check`, `index`, `stats`, `backup`, `export`, `demo`.

use std::fs;

use serde_json::Value;

use super::{BOB, age, headcount, run, run_with, small};

#[test]
fn a_sound_workspace_is_proved_sound() {
    let folder = small();
    let path = folder.path();
    for format in ["table", "json"] {
        for arguments in [&["check"][..], &["check", "--repair"]] {
            let ran = run(path, &[arguments, &["--format", format]].concat()).well();
            insta::assert_snapshot!(format!("{}_{format}", arguments.join("")), ran.output);
        }
    }
    let none = run(path, &["check", "--store", "nowhere"]);
    assert_eq!((none.status, none.output.as_str()), (1, ""));
}

#[test]
fn the_text_index_is_brought_up_to_date_and_built_anew() {
    let folder = small();
    let path = folder.path();
    let index = |arguments: &[&str]| -> Value {
        let all = [&["index", "--format", "json"], arguments].concat();
        serde_json::from_str(&run(path, &all).well().output).unwrap()
    };
    let waiting = || -> Value {
        serde_json::from_str::<Value>(&run(path, &["stats", "--format", "json"]).well().output).unwrap()["dirty"]
            .clone()
    };
    assert_eq!(waiting(), 1);
    let first = index(&[]);
    assert_eq!((&first["documents"], &first["generation"]), (&1.into(), &1.into()));
    assert_eq!((waiting(), &index(&[])["documents"]), (0.into(), &0.into()));
    assert_eq!(index(&["--rebuild"])["documents"], 2);
    assert_eq!(run(path, &["query", "ann", "--count"]).well().output, "1\n");
    run(path, &["check"]).well();
}

#[test]
fn sizes_and_counts_have_stable_names() {
    let folder = small();
    let stats = run(folder.path(), &["stats", "--format", "json"]).well();
    let stats: Value = serde_json::from_str(&stats.output).unwrap();
    let keys: Vec<&String> = stats.as_object().unwrap().keys().collect();
    insta::assert_snapshot!("stats_keys", format!("{keys:?}\n{:?}", stats["tables"][0].as_object().unwrap().keys()));
    assert_eq!((&stats["contacts"], &stats["urns"], &stats["groups"]), (&2.into(), &3.into(), &5.into()));
    assert_eq!(stats["next_due"], "2026-06-19T22:00:00Z");
    let table = run(folder.path(), &["stats"]).well().output;
    assert!(table.contains("Bytes per contact") && table.contains("\nrows "), "{table}");
}

#[test]
fn a_backup_is_a_workspace() {
    let folder = small();
    let path = folder.path();
    run(path, &["index"]).well();
    for (copy, option) in [("plain", None), ("compact", Some("--compact"))] {
        run(path, &[&["backup", copy][..], option.as_slice()].concat()).well();
        run(path, &["check", "--store", copy]).well();
        assert_eq!(run(path, &["query", "ann", "--count", "--store", copy]).well().output, "1\n");
        assert_eq!(run(path, &["log", "--store", copy]).well().output, run(path, &["log"]).well().output);
        run_with(path, &["apply", "-", "--store", copy], &age(BOB, "20")).well();
        run(path, &["index", "--store", copy]).well();
    }
    let again = run(path, &["backup", "plain"]);
    assert_eq!(again.status, 1);
    assert!(again.errors.contains("plain"), "{}", again.errors);
}

#[test]
fn an_export_imported_again_gives_the_same_contacts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    run(path, &["demo", "store"]).well();
    let mut there = vec!["--store", "store", "--now", "2026-06-15T13:00:00Z"];
    let exported = |name: &str, store: &[&str]| {
        run(path, &[&["export", name][..], store].concat()).well();
        fs::read_to_string(path.join(name)).unwrap()
    };
    let lines = exported("contacts.jsonl", &there);
    let sheet = exported("contacts.csv", &there);
    assert_eq!(lines.lines().count(), 322);
    assert_eq!(run(path, &[&["export", "-"][..], &there].concat()).well().output, lines);
    for file in ["contacts.jsonl", "contacts.csv"] {
        let again = run(path, &[&["import", file, "--format", "json"][..], &there].concat()).well();
        let summary: Value = serde_json::from_str(&again.output).unwrap();
        assert_eq!((&summary["created"], &summary["changed"]), (&0.into(), &0.into()), "{file}");
    }
    // A new workspace of the same definitions comes out the same.
    let schema = run(path, &[&["schema", "show", "--format", "json"][..], &there].concat()).well();
    fs::write(path.join("schema.json"), schema.output).unwrap();
    let groups = run(path, &[&["group", "list", "--format", "json"][..], &there].concat()).well();
    let mut groups: Value = serde_json::from_str(&groups.output).unwrap();
    groups["groups"].as_array_mut().unwrap().retain(|group| !group["query"].is_null());
    fs::write(path.join("groups.json"), groups.to_string()).unwrap();
    there[1] = "other";
    for arguments in [
        &["init", "--timezone", "Africa/Kigali", "--country", "RW"][..],
        &["schema", "import", "schema.json"],
        &["group", "import", "groups.json"],
        &["import", "contacts.jsonl"],
    ] {
        run(path, &[arguments, &there].concat()).well();
    }
    assert_eq!(exported("other.jsonl", &there), lines);
    assert_eq!(exported("other.csv", &there), sheet);
    let wrong = run(path, &["export", "contacts.txt", "--store", "store"]);
    assert_eq!(wrong.status, 2);
}

#[test]
fn the_demo_runs_again_and_replaces_nobodys_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let mut shown = Vec::new();
    for _ in 0..2 {
        // Without --now: the demo has a present of its own.
        let ran = headcount(path).arg("demo").output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        shown.push(String::from_utf8(ran.stdout).unwrap());
    }
    insta::with_settings!({filters => vec![(r"\d+(\.\d+)? (µs|ms|s)\b", "[time]"), (r" +\[time\]", " [time]"), (r"\[time\] +", "[time] ")]}, {
        insta::assert_snapshot!("demo", shown[0]);
        insta::assert_snapshot!("demo", shown[1]);
    });
    // What it says to try next can be tried.
    let mut commands = 0;
    for line in shown[0].lines().filter_map(|line| line.strip_prefix("  headcount ")) {
        let words: Vec<String> = line.split('\'').enumerate().fold(Vec::new(), |mut words, (at, part)| {
            if at % 2 == 1 {
                words.push(part.to_owned())
            } else {
                words.extend(part.split_whitespace().map(str::to_owned))
            }
            words
        });
        let ran = headcount(path).env("HEADCOUNT_STORE", ".headcount-demo").args(&words).output().unwrap();
        assert!(ran.status.success(), "{line}: {}", String::from_utf8_lossy(&ran.stderr));
        assert!(!ran.stdout.is_empty(), "{line}");
        commands += 1;
    }
    assert!(commands >= 5);
    run(path, &["check", "--store", ".headcount-demo"]).well();
    for name in ["own", "files"] {
        if name == "own" {
            run(path, &["init", "--store", name]).well();
        } else {
            fs::create_dir(path.join(name)).unwrap();
        }
        let refused = run(path, &["demo", name]);
        assert_eq!((refused.status, refused.output.as_str()), (1, ""));
        assert!(refused.errors.contains("is there already and is not a demo's"), "{}", refused.errors);
        assert!(path.join(name).exists());
    }
}
