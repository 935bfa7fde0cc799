//! What must not leak and must not break: erasure, redaction, faults of the system, kills, and input that is hostile or
//! beyond its bounds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bounds;
mod crash;
mod erase;
mod faults;
#[cfg(target_os = "linux")]
mod files;
mod hostile;
#[cfg(target_os = "linux")]
mod power;
mod redaction;
mod repair;
mod threads;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The present of all runs.
pub(crate) const NOW: &str = "2026-06-15T12:00:00Z";

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) output: String,
    pub(crate) errors: String,
}

impl Ran {
    /// The same run, which must have gone well.
    pub(crate) fn well(self) -> Self {
        assert_eq!(self.status, Some(0), "{} {}", self.output, self.errors);
        self
    }

    /// The same run, which must have failed, with something said and no panic.
    pub(crate) fn badly(self) -> Self {
        assert!(matches!(self.status, Some(1 | 2)), "{self:?}");
        assert!(!self.errors.trim().is_empty() && !self.errors.contains("panicked"), "{self:?}");
        self
    }
}

/// The program in a folder, without the settings of whoever runs the tests.
pub(crate) fn headcount(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headcount"));
    command.current_dir(folder).env_remove("HEADCOUNT_STORE").env_remove("NO_COLOR").args(["--now", NOW]);
    command
}

/// A program run to its end with this input.
pub(crate) fn finish(command: &mut Command, input: &str) -> Ran {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A program that needs no input may be gone before it is given any.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { status: output.status.code(), output: text(output.stdout), errors: text(output.stderr) }
}

pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Ran {
    finish(headcount(folder).args(arguments), "")
}

pub(crate) fn run_with(folder: &Path, arguments: &[&str], input: &str) -> Ran {
    finish(headcount(folder).args(arguments), input)
}

/// All files under a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// Whether bytes hold a piece.
pub(crate) fn holds(bytes: &[u8], piece: &[u8]) -> bool {
    let Some(&first) = piece.first() else { return true };
    bytes.iter().enumerate().any(|(at, &byte)| byte == first && bytes[at..].starts_with(piece))
}
