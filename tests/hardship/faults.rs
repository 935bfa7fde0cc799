//! The system fails: writes, syncs and renames one after the other, a full disk, a folder that may not be written.
//!
//! A library that is loaded before the C library makes the calls fail, one by one; then everything is looked at without
//! it. `HEADCOUNT_FAULTS` sets how many calls of each command are tried (by default 4, spread over all of them; or `all`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Ran, finish, headcount, run, run_with};

const ENOSPC: i32 = 28;
const EIO: i32 = 5;

/// The library that makes calls fail, compiled once for each test that asks.
pub(crate) fn shim(folder: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hardship/shim.c");
    let library = folder.join("shim.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl");
    assert!(compiler.status().expect("a C compiler is needed, as for the program itself").success());
    library
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else if entry.file_name() != "lock.mdb" {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// What a store holds, in the order of its contacts: without the times of creation, which are the same here.
pub(crate) fn contents(store: &Path) -> String {
    let store = store.to_str().unwrap();
    let folder = Path::new(store).parent().unwrap();
    let one = |arguments: &[&str]| run(folder, &[&["--store", store], arguments].concat()).well().output;
    one(&["export", "-"]) + &one(&["query", "note ~ boat", "--format", "ids"])
}

pub(crate) fn people(range: std::ops::Range<u32>, note: &str) -> String {
    let line = |at| {
        format!(
            "{{\"uuid\": \"00000000-0000-4000-8000-{at:012}\", \"name\": \"Ann {at}\", \"urns\": [\"tel:+25078810{at:04}\"], \
             \"fields\": {{\"age\": \"{at}\", \"note\": \"{note}\"}}, \"created_on\": \"2026-01-01T00:00:00Z\"}}\n"
        )
    };
    range.map(line).collect()
}

pub(crate) fn make(folder: &Path) -> PathBuf {
    run(folder, &["init"]).well();
    run(folder, &["field", "add", "age", "--type", "number"]).well();
    run(folder, &["field", "add", "note", "--type", "text"]).well();
    run(folder, &["group", "create", "Adults", "--query", "age >= 18"]).well();
    run_with(folder, &["import", "-"], &people(0..40, "a blue boat")).well();
    run(folder, &["index"]).well();
    folder.join(".headcount")
}

/// Runs a command with one call failing after the other, and looks at the store each time: it holds what it held before,
/// or all that the command does; if the command said that all went well, the latter.
fn survive(arguments: &[&str], input: &str, changes_contents: bool) {
    let folder = tempfile::tempdir().unwrap();
    let folder = fs::canonicalize(folder.path()).unwrap();
    let library = shim(&folder);
    let original = make(&folder);
    let before = contents(&original);
    let trial = folder.join("trial");
    let store = trial.join(".headcount");
    let attempt = |at: u64, errno: i32, extra: &[(&str, &str)]| -> Ran {
        let _ = fs::remove_dir_all(&trial);
        copy(&original, &store);
        let mut command = headcount(&trial);
        command.env("LD_PRELOAD", &library).env("HEADCOUNT_FAULT_IN", &trial);
        command.env("HEADCOUNT_FAULT_AT", at.to_string()).env("HEADCOUNT_FAULT_ERRNO", errno.to_string());
        command.envs(extra.iter().copied()).args(arguments);
        finish(&mut command, input)
    };
    let whole = attempt(u64::MAX >> 1, EIO, &[]).well();
    let after = contents(&store);
    assert_eq!(before != after, changes_contents);
    // How many calls there are is found by doubling: the first that no call of the command comes to.
    let (mut low, mut high) = (0, 1);
    while attempt(high, EIO, &[]).status != Some(0) || high < 4 {
        (low, high) = (high, high * 2);
        assert!(high < 1 << 14, "{arguments:?} fails without a fault");
    }
    let wanted = match std::env::var("HEADCOUNT_FAULTS").as_deref() {
        Ok("all") => high,
        Ok(number) => number.parse().unwrap(),
        Err(_) => 4,
    };
    let step = (high / wanted).max(1) as usize;
    let mut failed = 0;
    for at in (0..high).step_by(step).chain([low]) {
        for (errno, extra) in [
            (EIO, &[][..]),
            (ENOSPC, &[("HEADCOUNT_FAULT_FOREVER", "1")]),
            (ENOSPC, &[("HEADCOUNT_FAULT_SHORT", "1"), ("HEADCOUNT_FAULT_FOREVER", "1")]),
        ] {
            let ran = attempt(at, errno, extra);
            let what = format!("{arguments:?} call {at} errno {errno} {extra:?}: {ran:?}");
            assert!(!ran.errors.contains("panicked"), "{what}");
            let found = contents(&store);
            if ran.status == Some(0) {
                assert_eq!(found, after, "{what}");
            } else {
                ran.badly();
                failed += 1;
                assert!(found == before || found == after, "half done: {what}");
            }
            // The fault is gone: nothing is damaged, and the command does what it does.
            let checked = run(&trial, &["check"]);
            if checked.status != Some(0) {
                // An index that was being built, or an erasure that was not finished: said, and mended.
                let is_derived = checked.output.contains("older than the store") || checked.output.contains("erasure");
                assert!(is_derived, "{what}\n{checked:?}");
                run(&trial, &["check", "--repair"]).well();
                assert_eq!(contents(&store), found, "{what}");
            }
            run_with(&trial, &["import", "-"], &people(900..902, "later")).well();
        }
    }
    assert!(failed > 0, "no call of {arguments:?} failed, so this tests nothing: {whole:?}");
}

#[test]
fn an_import_survives_any_failing_call() {
    survive(&["import", "-"], &people(30..90, "a red boat"), true);
}

#[test]
fn changes_survive_any_failing_call() {
    let changes = r#"{"type": "contact_field_changed", "contact": {"urn": "tel:+250788100003"}, "field": {"key": "age"}, "value": {"text": "77"}}"#;
    survive(&["apply", "-"], changes, true);
}

#[test]
fn an_index_run_survives_any_failing_call() {
    survive(&["index", "--rebuild"], "", false);
}

#[test]
fn an_erasure_survives_any_failing_call() {
    survive(&["contact", "delete", "tel:+250788100003", "--erase"], "", true);
}

#[test]
fn a_backup_survives_any_failing_call() {
    survive(&["backup", "copy"], "", false);
}

/// Runs the program where no file may grow beyond so many KiB.
fn run_within(folder: &Path, kib: u32, arguments: &[&str], input: &str) -> Ran {
    let mut command = Command::new("sh");
    let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", kib * 2);
    command.current_dir(folder).args(["-c", &script, "sh", env!("CARGO_BIN_EXE_headcount"), "--now", super::NOW]);
    finish(command.args(arguments), input)
}

#[test]
fn a_limit_on_the_length_of_files_is_a_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let store = make(folder.path());
    let before = contents(&store);
    let many = people(1000..9000, "a green boat with a long note, so that pages fill up soon");
    let refused = run_within(folder.path(), 1024, &["import", "-"], &many).badly();
    assert!(refused.errors.contains("no space left") || refused.errors.contains("may be full"), "{}", refused.errors);
    run(folder.path(), &["check"]).well();
    assert!(contents(&store).starts_with(before.lines().next().unwrap()));
    run_with(folder.path(), &["import", "-"], &many).well();
    run(folder.path(), &["check"]).well();
    let found = run(folder.path(), &["query", "note ~ green", "--count"]).well().output;
    assert_eq!(found.trim(), "8000");
}

#[test]
fn a_full_disk_is_a_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let mount = |arguments: &[&str]| Command::new(arguments[0]).args(&arguments[1..]).arg(&disk).output();
    if !mount(&["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs"]).is_ok_and(|mounted| mounted.status.success()) {
        return eprintln!("NOT TESTED: a full disk, since no small file system can be mounted without privileges");
    }
    let tried = std::panic::catch_unwind(|| {
        run(&disk, &["init"]).well();
        // Without the lock file, as a copy or a restored backup is.
        fs::remove_file(disk.join(".headcount/lock.mdb")).unwrap();
        let fill = disk.join("fill");
        let _ = fs::write(&fill, vec![7; 1 << 20]);
        for arguments in [&["query", "name = \"\""][..], &["check"], &["field", "add", "age", "--type", "number"]] {
            let refused = run(&disk, arguments).badly();
            assert!(refused.errors.contains("no space left"), "{refused:?}");
        }
        fs::remove_file(&fill).unwrap();
        run(&disk, &["field", "add", "age", "--type", "number"]).well();
        let _ = fs::write(&fill, vec![7; 1 << 20]);
        // Reading needs no space.
        run(&disk, &["query", "name = \"\"", "--count"]).well();
        run(&disk, &["check"]).well();
        for arguments in
            [&["import", "-"][..], &["group", "create", "A", "--query", "age > 3"], &["index"], &["backup", "b"]]
        {
            run_with(&disk, arguments, &people(0..3000, "a boat")).badly();
        }
        fs::remove_file(&fill).unwrap();
        run(&disk, &["check"]).well();
        run_with(&disk, &["import", "-"], &people(0..20, "a boat")).well();
        run(&disk, &["check"]).well();
    });
    mount(&["umount"]).unwrap();
    tried.unwrap();
}

#[test]
fn a_folder_that_may_not_be_written_is_a_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let folder = fs::canonicalize(folder.path()).unwrap();
    let store = make(&folder);
    let before = contents(&store);
    let library = shim(&folder);
    let read_only = |arguments: &[&str], input: &str| {
        let mut command = headcount(&folder);
        command.env("LD_PRELOAD", &library).env("HEADCOUNT_FAULT_IN", &store).env("HEADCOUNT_FAULT_READ_ONLY", "1");
        finish(command.args(arguments), input)
    };
    let commands = [
        &["import", "-"][..],
        &["query", "age > 3"],
        &["index"],
        &["contact", "delete", "tel:+250788100003", "--erase"],
        &["group", "create", "B"],
    ];
    for arguments in commands {
        let refused = read_only(arguments, &people(0..3, "x")).badly();
        assert!(refused.errors.contains("Read-only file system"), "{arguments:?}: {}", refused.errors);
    }
    assert_eq!(contents(&store), before);
    run(&folder, &["check"]).well();
}
