//! The system grants few threads: what is done is done as always, or refused in words; nothing is skipped.

use std::fs;
use std::path::Path;

use crate::faults::{contents, copy, make, people, shim};
use crate::{Ran, finish, headcount, run};

/// More than any command takes.
const MANY: usize = 16;

/// Runs a command with as many threads as the system grants.
fn run_with_threads(folder: &Path, library: &Path, granted: usize, arguments: &[&str], input: &str) -> Ran {
    let mut command = headcount(folder);
    command.env("LD_PRELOAD", library).env("HEADCOUNT_FAULT_THREADS", granted.to_string());
    command.env("RAYON_NUM_THREADS", "3");
    finish(command.args(arguments), input)
}

#[test]
fn where_threads_are_scarce_nothing_is_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let folder = fs::canonicalize(folder.path()).unwrap();
    let library = shim(&folder);
    let original = make(&folder);
    let before = contents(&original);
    let change = |at: u32| {
        format!(
            "{{\"type\": \"contact_field_changed\", \"contact\": {{\"urn\": \"tel:+25078810{:04}\"}}, \
             \"field\": {{\"key\": \"age\"}}, \"value\": {{\"text\": \"{at}\"}}}}\n",
            at % 40
        )
    };
    let changes: String = (100..1_100).map(change).collect();
    let sheet = folder.join("sheet.csv");
    fs::write(&sheet, "URN:tel,Field:note\n+250788100001,a red boat\n").unwrap();
    let sheet = sheet.to_str().unwrap().to_owned();
    let commands: [(&[&str], String); 9] = [
        (&["import", "-"], people(20..600, "a red boat")),
        (&["import", &sheet], String::new()),
        (&["apply", "-"], changes.clone()),
        (&["apply", "-", "--follow", "--index-after", "1"], changes),
        (&["index", "--rebuild"], String::new()),
        (&["contact", "delete", "tel:+250788100003", "--erase"], String::new()),
        (&["query", "age > 3 AND note ~ boat", "--sort", "age"], String::new()),
        (&["check"], String::new()),
        (&["report", "-"], String::new()),
    ];
    let trial = folder.join("trial");
    for (arguments, input) in commands {
        let mut wanted: Option<(String, String)> = None;
        let mut refused = 0;
        for granted in (0..=MANY).rev() {
            let _ = fs::remove_dir_all(&trial);
            copy(&original, &trial.join(".headcount"));
            let ran = run_with_threads(&trial, &library, granted, arguments, &input);
            let found = contents(&trial.join(".headcount"));
            let what = format!("{arguments:?} with {granted} threads: {}", ran.errors);
            match &wanted {
                None => {
                    let ran = ran.well();
                    wanted = Some((ran.output, found));
                }
                Some((output, after)) if ran.status == Some(0) => {
                    let is_page = arguments.first() == Some(&"report");
                    assert!(*output == ran.output || is_page, "{what}");
                    assert_eq!(*after, found, "{what}");
                }
                Some((_, after)) => {
                    refused += 1;
                    let ran = ran.badly();
                    let says_why = ["thread", "temporarily unavailable"].iter().any(|word| ran.errors.contains(word));
                    assert!(says_why, "{what}");
                    assert!(found == before || found == *after, "half done: {what}");
                }
            }
            // A text index that was being made anew is gone on with.
            run(&trial, &["index"]).well();
            run(&trial, &["check"]).well();
        }
        assert!(refused > 0, "{arguments:?} takes no thread, so this tests nothing");
    }
}
