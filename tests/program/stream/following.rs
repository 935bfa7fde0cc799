//! Processes that follow a stream or the log, and programs that are told.
//!
//! Nothing here is timed: a test waits for a line that must come.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::{ANN, BOB, NOW, age, headcount, moves, run, run_with, small};

/// A process that is ended when the test is over.
struct Following {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Following {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = headcount(folder)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Following { child, output }
    }

    /// The next line, waited for.
    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"))
    }

    fn say(&mut self, text: &str) {
        self.child.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_pipe_is_answered_while_it_is_open() {
    let folder = small();
    let mut apply = Following::start(folder.path(), &["apply", "-", "--now", NOW]);
    for round in 0..3 {
        apply.say(&age(BOB, "20"));
        assert_eq!(moves(&[apply.line()]), ["Bob +Adults -Children change"], "{round}");
        apply.say(&age(BOB, "12"));
        assert_eq!(moves(&[apply.line()]), ["Bob +Children -Adults change"], "{round}");
    }
    drop(apply.child.stdin.take());
    assert!(apply.child.wait().unwrap().success());
}

#[test]
fn a_file_that_grows_is_followed() {
    let folder = small();
    let path = folder.path().join("events.jsonl");
    fs::write(&path, "").unwrap();
    let mut apply = Following::start(folder.path(), &["apply", "events.jsonl", "--follow", "--now", NOW]);
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    for (value, told) in [("20", "Bob +Adults -Children change"), ("12", "Bob +Children -Adults change")] {
        let line = age(BOB, value);
        let (half, rest) = line.split_at(20);
        file.write_all(half.as_bytes()).unwrap();
        file.flush().unwrap();
        file.write_all(rest.as_bytes()).unwrap();
        assert_eq!(moves(&[apply.line()]), [told]);
    }
}

#[test]
fn who_follows_a_stream_lets_time_pass() {
    let folder = small();
    let due = SystemTime::now() + Duration::from_millis(1500);
    let due = due.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros();
    let due = headcount::internals::value::Instant::from_micros(i64::try_from(due).unwrap());
    let mut apply = Following::start(folder.path(), &["apply", "-"]);
    // The first write catches up with the present, in which Ann is due.
    apply.say(&age(BOB, "17"));
    assert_eq!(moves(&[apply.line()]), ["Ann +Due - clock"]);
    apply.say(&age(BOB, "18").replace("\"age\"", "\"due\"").replace("\"18\"", &format!("\"{due}\"")));
    let entered = apply.line();
    assert_eq!(moves(std::slice::from_ref(&entered)), ["Bob +Due - clock"]);
    assert_eq!(entered["created_on"], due.to_string());
}

#[test]
fn the_log_is_followed_from_another_process() {
    let folder = small();
    let path = folder.path();
    let since = run(path, &["log"]).well().lines().last().unwrap()["seq"].to_string();
    let mut log = Following::start(path, &["log", "--follow", "--since", &since, "--group", "Adults", "--now", NOW]);
    run_with(path, &["apply", "-"], &age(BOB, "20")).well();
    assert_eq!(moves(&[log.line()]), ["Bob +Adults - change"]);
    run_with(path, &["apply", "-"], &age(BOB, "21")).well();
    run_with(path, &["apply", "-"], &age(ANN, "1")).well();
    assert_eq!(moves(&[log.line()]), ["Ann + -Adults change"]);
}

/// Asks a process to end, and waits until it has.
#[cfg(unix)]
fn end(following: &mut Following) {
    let process = following.child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &process]).status().unwrap().success());
    let status = following.child.wait().unwrap();
    assert!(status.success(), "{status}");
}

#[test]
#[cfg(unix)]
fn who_is_asked_to_end_sends_nothing_twice() {
    let folder = small();
    let path = folder.path();
    let whole = run(path, &["log"]).well().output;
    let command = ["log", "--follow", "--now", NOW, "--exec", "cat >> told.jsonl", "--as", "mailer"];
    let told = || fs::read_to_string(path.join("told.jsonl")).unwrap();
    let mut log = Following::start(path, &command);
    whole.lines().for_each(|_| drop(log.line()));
    end(&mut log);
    assert_eq!(told(), whole);
    let mut log = Following::start(path, &command);
    run_with(path, &["apply", "-"], &age(BOB, "20")).well();
    assert_eq!(moves(&[log.line()]), ["Bob +Adults -Children change"]);
    end(&mut log);
    assert_eq!(told(), run(path, &["log"]).well().output);
    // The name is what counts, and not the command.
    run(path, &["log", "--exec", "cat >> other.jsonl", "--as", "mailer"]).well();
    assert_eq!(fs::read_to_string(path.join("other.jsonl")).unwrap(), "");
}

#[test]
#[cfg(unix)]
fn a_program_acknowledges_line_by_line() {
    let folder = small();
    let path = folder.path();
    let one = r#"read -r line; echo "$line" >> told.jsonl; echo "$line" | sed 's/.*"seq":\([0-9]*\).*/\1/'; exit 1"#;
    let whole = run(path, &["log"]).well().output;
    assert!(whole.lines().count() > 2);
    for _ in 0..2 {
        let ran = run(path, &["log", "--exec", one, "--as", "mailer"]);
        assert!(ran.status == 1 && ran.errors.contains("is sent again next time"), "{}", ran.errors);
    }
    run(path, &["log", "--exec", "cat >> told.jsonl", "--as", "mailer"]).well();
    assert_eq!(fs::read_to_string(path.join("told.jsonl")).unwrap(), whole);
}

#[test]
fn an_erasure_does_not_end_who_follows() {
    let folder = small();
    let path = folder.path();
    let mut apply = Following::start(path, &["apply", "-", "--follow", "--now", NOW]);
    apply.say(&age(BOB, "20"));
    assert_eq!(moves(&[apply.line()]), ["Bob +Adults -Children change"]);
    for (value, told) in [("12", "Bob +Children -Adults change"), ("20", "Bob +Adults -Children change")] {
        run_with(path, &["import", "-"], "{\"urns\": [\"tel:+250788999999\"]}").well();
        run(path, &["contact", "delete", "tel:+250788999999", "--erase"]).well();
        apply.say(&age(BOB, value));
        assert_eq!(moves(&[apply.line()]), [told]);
    }
    drop(apply.child.stdin.take());
    assert!(apply.child.wait().unwrap().success());
    run(path, &["check"]).well();
}

#[test]
#[cfg(unix)]
fn a_program_is_told_at_least_once_and_its_place_is_kept() {
    let folder = small();
    let path = folder.path();
    let told = || -> Vec<Value> {
        let text = fs::read_to_string(path.join("told.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let command = ["apply", "-", "--exec", "cat >> told.jsonl"];
    let ran = run_with(path, &command, &age(BOB, "20")).well();
    assert_eq!(told(), ran.lines());
    // What another process did meanwhile is told first.
    run_with(path, &["apply", "-"], &age(BOB, "12")).well();
    run_with(path, &command, &age(ANN, "12")).well();
    assert_eq!(
        moves(&told()),
        ["Bob +Adults -Children change", "Bob +Children -Adults change", "Ann +Children -Adult VIPs,Adults change"]
    );
    // A program that fails has missed it, and is told again.
    let failing = ["apply", "-", "--exec", "cat >> told.jsonl; test -e fixed"];
    let ran = run_with(path, &failing, &age(BOB, "20"));
    assert_eq!((ran.status, ran.lines().len()), (1, 1));
    assert!(ran.errors.contains("is sent again next time"), "{}", ran.errors);
    fs::write(path.join("fixed"), "").unwrap();
    fs::remove_file(path.join("told.jsonl")).unwrap();
    run_with(path, &["apply", "-"], &age(BOB, "12")).well();
    run_with(path, &failing, "").well();
    assert_eq!(moves(&told()), ["Bob +Adults -Children change", "Bob +Children -Adults change"]);
    let since = run(path, &["log", "--exec", "cat > log.jsonl"]).well();
    assert_eq!(fs::read_to_string(path.join("log.jsonl")).unwrap(), since.output);
    assert_eq!(run(path, &["log", "--exec", "cat > log.jsonl"]).well().output, "");
}
