//! Files that commands write, and what may stand in their way: links, pipes, folders, limits, eyes of others.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::faults::{contents, make, people};
use crate::{Ran, files, finish, headcount, run, run_with};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn hidden(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with('.') && name != ".headcount").collect()
}

#[test]
fn a_file_takes_the_place_that_it_was_given_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    make(path);
    let is_whole = |name: &str| fs::read_to_string(path.join(name)).unwrap().lines().count() == 40;
    // A name that could be known, with a link of somebody else.
    fs::write(path.join("foreign"), "mine").unwrap();
    symlink("foreign", path.join(".out.jsonl.partial")).unwrap();
    run(path, &["export", "out.jsonl"]).well();
    assert!(is_whole("out.jsonl"));
    assert_eq!(fs::read_to_string(path.join("foreign")).unwrap(), "mine");
    fs::remove_file(path.join(".out.jsonl.partial")).unwrap();
    // A link is followed, also one that leads nowhere yet, and a file keeps its rights.
    fs::write(path.join("real.jsonl"), "old").unwrap();
    fs::set_permissions(path.join("real.jsonl"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("real.jsonl", path.join("link.jsonl")).unwrap();
    symlink("new.jsonl", path.join("dangling.jsonl")).unwrap();
    run(path, &["export", "link.jsonl"]).well();
    run(path, &["export", "dangling.jsonl"]).well();
    assert!(is_whole("real.jsonl") && is_whole("new.jsonl"));
    assert!(path.join("link.jsonl").is_symlink() && path.join("dangling.jsonl").is_symlink());
    assert_eq!((mode(&path.join("real.jsonl")), mode(&path.join("new.jsonl"))), (0o640, 0o600));
    run(path, &["report", "page.html"]).well();
    assert_eq!(mode(&path.join("page.html")), 0o600);
    // A device stays one, and what it says is an error.
    let ran = run(path, &["export", "/dev/full", "--format", "jsonl"]).badly();
    assert!(ran.errors.contains("No space left"), "{}", ran.errors);
    assert!(!fs::metadata("/dev/full").unwrap().is_file());
    // A pipe is written to.
    let pipe = path.join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::read_to_string(pipe).unwrap()
    });
    run(path, &["export", "pipe", "--format", "jsonl"]).well();
    assert_eq!(reader.join().unwrap().lines().count(), 40);
    assert!(!fs::metadata(&pipe).unwrap().is_file());
    // A folder is refused, and nothing stays beside it.
    fs::create_dir(path.join("folder.csv")).unwrap();
    let ran = run(path, &["export", "folder.csv"]).badly();
    assert!(ran.errors.contains("folder"), "{}", ran.errors);
    assert_eq!(hidden(path), Vec::<String>::new());
}

#[test]
fn what_holds_contacts_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let store = make(path);
    run(path, &["contact", "delete", "tel:+250788100003", "--erase"]).well();
    run(path, &["index"]).well();
    run(path, &["backup", "copy"]).well();
    for place in [store, path.join("copy")] {
        assert_eq!(mode(&place), 0o700, "{}", place.display());
        assert_eq!(mode(&place.join("text")), 0o700);
        for file in files(&place) {
            // tantivy makes locks, in which there is nothing.
            let is_empty = fs::metadata(&file).unwrap().len() == 0;
            assert!(mode(&file) == 0o600 || is_empty, "{}: {:o}", file.display(), mode(&file));
        }
    }
}

#[test]
fn links_within_a_store_are_refused() {
    for name in ["headcount.json", "data.mdb", "last-commit", "text"] {
        let folder = tempfile::tempdir().unwrap();
        let store = make(folder.path());
        fs::rename(store.join(name), folder.path().join("elsewhere")).unwrap();
        symlink(folder.path().join("elsewhere"), store.join(name)).unwrap();
        let ran = run(folder.path(), &["contact", "delete", "tel:+250788100003", "--erase"]).badly();
        assert!(ran.errors.contains("is a link"), "{name}: {}", ran.errors);
        fs::remove_file(store.join(name)).unwrap();
        fs::rename(folder.path().join("elsewhere"), store.join(name)).unwrap();
        run(folder.path(), &["check"]).well();
    }
}

#[test]
fn nothing_of_input_reaches_a_terminal_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    make(path);
    let bell = r"\u001b]0;taken over\u0007";
    let line = format!(
        "{{\"urns\": [\"tel:+250788100777\"], \"fields\": {{\"{bell}\": \"1\"}}, \"groups\": [\"{bell}\"], \"language\": \"{bell}\"}}\n"
    );
    fs::write(path.join("evil.jsonl"), &line).unwrap();
    let group = format!("{{\"groups\": [{{\"name\": \"A\", \"query\": \"age = {bell}\"}}]}}");
    fs::write(path.join("groups.json"), group).unwrap();
    let ran = [
        run(path, &["import", "evil.jsonl"]),
        run(path, &["group", "import", "groups.json"]),
        run(path, &["query", "age = \u{1b}]0;taken over\u{7}"]),
        run(path, &["group", "show", "\u{1b}]0;taken over\u{7}"]),
        run(path, &["import", "\u{1b}]0;taken over\u{7}.csv"]),
    ];
    for Ran { output, errors, .. } in ran {
        assert!(!errors.is_empty());
        assert!(!errors.contains(['\u{1b}', '\u{7}']), "{errors:?}");
        assert!(!output.contains(['\u{1b}', '\u{7}']), "{output:?}");
    }
    // A name that `group create` refuses is refused where it is inferred.
    let ran = run(path, &["import", "evil.jsonl", "--infer"]).badly();
    assert!(ran.errors.contains("control character"), "{}", ran.errors);
}

#[test]
fn formulas_are_quoted_for_people_and_come_back_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    make(path);
    let names = ["=cmd|' /C calc'!A0", "'=1", "@SUM(1)", "+x", "-5", "'Ann'"];
    let line = |(at, name): (usize, &&str)| format!("{{\"urns\": [\"tel:+2507882{at:05}\"], \"name\": \"{name}\"}}\n");
    let lines: String = names.iter().enumerate().map(line).collect();
    run_with(path, &["import", "-"], &lines).well();
    let before = contents(&path.join(".headcount"));
    let ran = run(path, &["export", "all.csv"]).well();
    assert!(ran.errors.contains("4 texts"), "{}", ran.errors);
    let sheet = fs::read_to_string(path.join("all.csv")).unwrap();
    assert!(!sheet.contains(",=cmd") && sheet.contains(",'=cmd") && sheet.contains(",''=1,") && sheet.contains(",-5,"));
    run(path, &["import", "all.csv"]).well();
    assert_eq!(contents(&path.join(".headcount")), before);
    run(path, &["export", "kept.csv", "--formulas", "keep"]).well();
    assert!(fs::read_to_string(path.join("kept.csv")).unwrap().contains(",=cmd"));
}

/// Runs the program under a limit of the shell.
fn limited(folder: &Path, limit: &str, arguments: &[&str], input: &str) -> Ran {
    let mut command = Command::new("sh");
    let script = format!("ulimit {limit}; exec \"$@\"");
    command.current_dir(folder).args(["-c", &script, "sh", env!("CARGO_BIN_EXE_headcount"), "--now", crate::NOW]);
    finish(command.args(arguments), input)
}

#[test]
fn limits_are_errors_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    make(path);
    let many = people(1000..9000, "a green boat with a long note, so that pages fill up soon");
    limited(path, "-f 2048", &["import", "-"], &many).badly();
    run(path, &["check"]).well();
    // Little address space: less is reserved.
    let found = limited(path, "-v 1500000", &["query", "age > 3", "--count"], "").well().output;
    assert_eq!(found.trim(), "36");
    for files in 8..24 {
        let ran = limited(path, &format!("-n {files}"), &["query", "note ~ boat", "--count"], "");
        assert!(!ran.errors.contains("panicked"), "{files}: {}", ran.errors);
        assert!(
            ran.status == Some(1) && !ran.errors.is_empty() || ran.status == Some(0) && ran.output.trim() == "40",
            "{files}: {ran:?}"
        );
    }
}

#[test]
fn stats_name_the_oldest_reader_and_compact_gives_free_pages_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    make(path);
    run_with(path, &["import", "-"], &people(1000..2000, "a long note for a pipe that nobody reads on")).well();
    // Nobody reads on, and so the snapshot stays.
    let mut export =
        headcount(path).args(["export", "-"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut first = [0; 1];
    export.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    for round in 0..20 {
        run_with(path, &["import", "-"], &people(1000..2000, &format!("round {round}"))).well();
    }
    let stats = |name: &str| {
        let output = run(path, &["stats", "--format", "json"]).well().output;
        serde_json::from_str::<serde_json::Value>(&output).unwrap()[name].clone()
    };
    if cfg!(target_arch = "x86_64") {
        assert_eq!(stats("oldest_reader")["process"], export.id());
        assert!(stats("oldest_reader")["commits_behind"].as_u64().unwrap() >= 20);
    }
    export.kill().unwrap();
    export.wait().unwrap();
    let (before, free) = (stats("file_bytes").as_u64().unwrap(), stats("free_bytes").as_u64().unwrap());
    assert!(free > before / 2, "{free} of {before}");
    let held = contents(&path.join(".headcount"));
    run(path, &["compact"]).well();
    assert!(stats("file_bytes").as_u64().unwrap() < before - free / 2);
    assert_eq!(stats("oldest_reader"), serde_json::Value::Null);
    assert_eq!(contents(&path.join(".headcount")), held);
    run(path, &["check"]).well();
}
