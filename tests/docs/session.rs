//! Sessions at a shell, run as they stand on a page, in one folder for the page and in the order of its blocks.
//!
//! - A line of a `console` block that begins with `$ ` is a command (`> ` goes on with it), and what follows is what it
//!   prints, on both outputs. A line `…` stands for any lines.
//! - `cat FILE` of a file that is not there makes it, with what the page shows.
//! - The present is [`NOW`], or what the block says after its kind.
//! - Identities that are made up are not the same twice: those of the page and those of the run must be the same one for
//!   one. Time spans (`12 ms`) are not compared.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::page::{Block, Page};

/// The present of sessions that do not name one.
const NOW: &str = "2026-06-15T12:00:00Z";

/// Commands of `sh` blocks that build or test: what runs this is their result.
const BUILDS: [&str; 3] = ["cargo test", "cargo install --path .", "cargo doc --open"];

/// After each command the shell prints this and goes on.
const MARK: char = '\u{1}';

/// A command, and what the page says that it prints.
struct Step<'b> {
    block: &'b Block,
    command: String,
    printed: Vec<&'b str>,
    must_go_well: bool,
}

/// Runs the sessions of a page; what is not as the page says, or nothing.
pub(crate) fn run(page: &Page) -> Vec<String> {
    let steps: Vec<Step<'_>> = page.blocks.iter().flat_map(|block| steps(page, block)).collect();
    let folder = tempfile::tempdir().unwrap();
    let outputs = shell(folder.path(), &script(&steps));
    assert_eq!(outputs.len(), steps.len(), "{}: the shell ended early: {outputs:?}", page.name);
    let mut differences = Vec::new();
    let mut known = Identities::default();
    for (step, output) in steps.iter().zip(&outputs) {
        let (status, output) = output.rsplit_once(' ').map(|(output, status)| (status, output)).unwrap();
        let place = page.place(step.block);
        if step.must_go_well {
            if status != "0" {
                differences.push(format!("{place}: {} ends with status {status}\n{output}", step.command));
            }
            continue;
        }
        let found: Vec<&str> = output.lines().collect();
        if !is_made_by(step) && !is_same(&step.printed, &found, &mut known) {
            let told = step.printed.join("\n");
            differences.push(format!("{place}: $ {}\n--- the page\n{told}\n--- printed\n{output}", step.command));
        }
    }
    if !differences.is_empty() && std::env::var("HEADCOUNT_DOCS").is_ok_and(|value| value == "rewrite") {
        rewrite(page, &steps, &outputs);
        return Vec::new();
    }
    differences
}

fn steps<'b>(page: &Page, block: &'b Block) -> Vec<Step<'b>> {
    let mut steps: Vec<Step<'b>> = Vec::new();
    for line in &block.lines {
        match block.kind.as_str() {
            "console" => match (line.strip_prefix("$ "), steps.last_mut()) {
                (Some(command), _) => {
                    steps.push(Step { block, command: command.to_owned(), printed: Vec::new(), must_go_well: false });
                }
                (None, Some(step)) => match line.strip_prefix("> ") {
                    Some(more) if step.printed.is_empty() => step.command.push_str(&format!("\n{more}")),
                    _ => step.printed.push(line),
                },
                (None, None) => panic!("{}: a session begins with `$ `", page.place(block)),
            },
            "sh" => {
                let command = line.split(" #").next().unwrap_or_default().trim();
                let command = command
                    .strip_prefix("cargo run --release -- ")
                    .map_or_else(|| command.to_owned(), |arguments| format!("headcount {arguments}"));
                if !BUILDS.contains(&command.as_str()) && !command.is_empty() {
                    steps.push(Step { block, command, printed: Vec::new(), must_go_well: true });
                }
            }
            _ => {}
        }
    }
    steps
}

/// The file that a step shows, if it is a plain `cat`.
fn shown_file<'s>(step: &'s Step<'_>) -> Option<&'s str> {
    step.command
        .strip_prefix("cat ")
        .filter(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)))
}

/// Whether the step makes the file that it shows: then what is printed is the page itself.
fn is_made_by(step: &Step<'_>) -> bool {
    shown_file(step).is_some() && step.printed.iter().all(|line| *line != "…")
}

fn script(steps: &[Step<'_>]) -> String {
    let mut script = String::new();
    for step in steps {
        let present = if step.block.detail.is_empty() { NOW } else { &step.block.detail };
        script.push_str(&format!("PRESENT={present}; export PRESENT\n"));
        if let Some(name) = shown_file(step) {
            let text = step.printed.join("\n");
            script.push_str(&format!("[ -e {name} ] || cat > {name} <<'END OF PAGE'\n{text}\nEND OF PAGE\n"));
        }
        // `$?` of the next command is that of this one.
        script.push_str(&format!("(exit ${{status:-0}})\n{}\nstatus=$?; printf ' %s{MARK}' $status\n", step.command));
    }
    script
}

/// Runs a script with headcount on the path; what each of its commands printed, with its status at the end.
fn shell(folder: &Path, script: &str) -> Vec<String> {
    let tools = tempfile::tempdir().unwrap();
    let tool = tools.path().join("headcount");
    let program = env!("CARGO_BIN_EXE_headcount");
    // A moment of the command's own goes before the page's.
    let wrapper = format!(
        "#!/bin/sh\ncase \" $* \" in *' --now '*) exec '{program}' \"$@\";; esac\nexec '{program}' --now \"$PRESENT\" \"$@\"\n"
    );
    fs::write(&tool, wrapper).unwrap();
    Command::new("chmod").arg("+x").arg(&tool).status().unwrap();
    let mut path = vec![tools.path().to_owned()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    fs::write(folder.join(".session"), script).unwrap();
    let ran = Command::new("sh")
        .args(["-c", "exec 2>&1; . ./.session"])
        .current_dir(folder)
        .env("PATH", std::env::join_paths(path).unwrap())
        .env_remove("HEADCOUNT_STORE")
        .env_remove("NO_COLOR")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let output = String::from_utf8(ran.stdout).unwrap();
    let mut outputs: Vec<String> = output.split(MARK).map(str::to_owned).collect();
    outputs.pop();
    outputs
}

/// Which identity of the page is which of the run.
#[derive(Clone, Default)]
struct Identities {
    of_page: HashMap<String, String>,
    of_run: HashMap<String, String>,
}

impl Identities {
    fn is_same(&mut self, page: &str, run: &str) -> bool {
        let run_of = self.of_page.entry(page.to_owned()).or_insert_with(|| run.to_owned()).clone();
        let page_of = self.of_run.entry(run.to_owned()).or_insert_with(|| page.to_owned()).clone();
        run_of == run && page_of == page
    }
}

/// Whether a page's lines say what was printed.
fn is_same(page: &[&str], run: &[&str], known: &mut Identities) -> bool {
    let Some((first, rest)) = page.split_first() else { return run.is_empty() };
    if *first == "…" {
        // The fewest lines that make the rest fit.
        return (0..=run.len()).any(|skipped| {
            let mut tried = known.clone();
            let fits = is_same(rest, run.get(skipped..).unwrap_or_default(), &mut tried);
            if fits {
                *known = tried;
            }
            fits
        });
    }
    let Some((found, others)) = run.split_first() else { return false };
    is_same_line(first, found, known) && is_same(rest, others, known)
}

fn is_same_line(page: &str, run: &str, known: &mut Identities) -> bool {
    let ((page, of_page), (run, of_run)) = (masked(page.trim_end()), masked(run.trim_end()));
    page == run && of_page.iter().zip(&of_run).all(|(page, run)| known.is_same(page, run))
}

/// A line without its identities and time spans, and those identities.
fn masked(line: &str) -> (String, Vec<String>) {
    let (mut text, mut identities) = (String::new(), Vec::new());
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let is_word = text.chars().last().is_some_and(|last| last.is_ascii_alphanumeric() || last == '.');
        if let Some(uuid) = rest.get(..36).filter(|part| headcount::internals::ids::Uuid::parse(part).is_some()) {
            identities.push(uuid.to_owned());
            text.push_str("[uuid]");
            rest = rest.get(36..).unwrap_or_default();
        } else if let (false, Some(length)) = (is_word, time_span(rest)) {
            text.push_str("[time]");
            rest = rest.get(length..).unwrap_or_default();
        } else {
            text.push(c);
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
    }
    if text.contains("[time]") {
        // Columns beside a time span are as wide as it is.
        text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    (text, identities)
}

/// The length of a time span at the beginning of a text, such as `1.5 ms`.
fn time_span(text: &str) -> Option<usize> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|&at| at > 0)?;
    let rest = text.get(digits..)?;
    let unit = ["µs", "ms", "s"].into_iter().find(|unit| {
        let after = rest.strip_prefix(' ').and_then(|rest| rest.strip_prefix(unit));
        after.is_some_and(|after| !after.starts_with(|c: char| c.is_alphanumeric()))
    })?;
    Some(digits + 1 + unit.len())
}

/// Puts what was printed into the page, but for lines that a `…` leaves out.
fn rewrite(page: &Page, steps: &[Step<'_>], outputs: &[String]) {
    let text = fs::read_to_string(&page.path).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for block in page.blocks.iter().rev().filter(|block| block.kind == "console") {
        let mut printed = Vec::new();
        for (step, output) in steps.iter().zip(outputs).filter(|(step, _)| std::ptr::eq(step.block, block)) {
            let output = output.rsplit_once(' ').map_or("", |(output, _)| output);
            printed.push(format!("$ {}", step.command.replace('\n', "\n> ")));
            if is_made_by(step) || step.printed.contains(&"…") {
                printed.extend(step.printed.iter().map(|line| (*line).to_owned()));
            } else {
                printed.extend(output.lines().map(|line| line.trim_end().to_owned()));
            }
        }
        lines.splice(block.line - 1..block.line - 1 + block.lines.len(), printed);
    }
    fs::write(&page.path, lines.join("\n") + "\n").unwrap();
}

#[test]
fn a_page_that_says_something_else_is_found_out() {
    let is_same = |page: &[&str], run: &[&str]| is_same(page, run, &mut Identities::default());
    let (a, b) = ("958a4caa-4b56-4b3a-a3b0-d165f9c6c3e1", "2debe49a-60c7-4947-8282-e36c6ba2cf34");
    assert!(is_same(&["one", "…", "four"], &["one", "two", "three", "four"]));
    assert!(is_same(&["took 12 ms  and more"], &["took 1.5 s  and more"]));
    assert!(is_same(&[a, b, a], &[b, a, b]));
    assert!(!is_same(&[a, b], &[b, b]));
    assert!(!is_same(&["one"], &["one", "two"]));
    assert!(!is_same(&["one", "…"], &["two"]));
    assert!(!is_same(&["12 members"], &["13 members"]));
}
