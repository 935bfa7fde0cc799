//! Every command: its help has an example that runs, its output in each format is kept as a snapshot, and so is what it
//! says when it is used wrongly or cannot do what it is asked for.

mod cases;
mod place;

use clap::CommandFactory;
use headcount::internals::cli::args::Cli;

use cases::{CASES, Case, Formats};
use place::Place;

const EVERY_FORMAT: [&str; 5] = ["table", "json", "jsonl", "csv", "ids"];

/// Commands that do something, as people type them, with their help.
fn commands() -> Vec<(String, String)> {
    fn walk(command: &clap::Command, path: &str, found: &mut Vec<(String, String)>) {
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            let path = format!("{path} {}", sub.get_name()).trim().to_owned();
            if sub.has_subcommands() {
                walk(sub, &path, found);
            } else {
                found.push((path, sub.clone().render_long_help().to_string()));
            }
        }
    }
    let mut command = Cli::command();
    command.build();
    let mut found = Vec::new();
    walk(&command, "", &mut found);
    found
}

#[test]
fn every_command_is_tried() {
    for (path, help) in commands() {
        assert!(help.contains("\nExample"), "`{path}`: its help has no example");
        let case = CASES.iter().find(|case| case.path == path);
        let case = case.unwrap_or_else(|| panic!("`{path}` is in no case of tests/commands/cases.rs"));
        assert!(!case.wrong.is_empty(), "`{path}`: no error of it is tried");
    }
    for case in CASES {
        assert!(commands().iter().any(|(path, _)| path == case.path), "`{}` is no command", case.path);
    }
}

#[test]
fn every_command_answers_in_its_formats_and_tells_its_errors() {
    let prepared = Place::prepared();
    let transcripts = in_parallel(CASES, |case| transcript(case, &prepared));
    for (case, transcript) in CASES.iter().zip(transcripts) {
        insta::assert_snapshot!(case.path.replace(' ', "_"), transcript);
    }
}

/// What a command prints in each format, and when it is used wrongly.
fn transcript(case: &Case, prepared: &Place) -> String {
    let mut transcript = String::new();
    let formats: &[&str] = match case.formats {
        Formats::Every => &EVERY_FORMAT,
        Formats::Only { formats, why } => {
            transcript.push_str(&format!("Not in other formats: {why}.\n\n"));
            formats
        }
    };
    for format in formats {
        let command = format!("headcount {} {} --format {format}", case.path, case.right);
        let ran = prepared.copy().run(&command);
        assert_eq!(ran.status, 0, "{command}\n{}", ran.printed);
        transcript.push_str(&told(&command, case, &ran.printed));
    }
    for wrong in case.wrong {
        let command = format!("headcount {} {wrong}", case.path);
        let ran = prepared.copy().run(&command);
        assert_ne!(ran.status, 0, "{command} should fail\n{}", ran.printed);
        transcript.push_str(&told(&format!("{command}   # status {}", ran.status), case, &ran.printed));
    }
    transcript
}

fn told(command: &str, case: &Case, printed: &str) -> String {
    let printed = if case.has_measures { place::without_measures(printed) } else { printed.to_owned() };
    format!("$ {command}\n{printed}\n")
}

#[test]
fn every_example_of_the_help_runs() {
    let prepared = Place::prepared();
    let mut examples = Vec::new();
    for (path, help) in commands() {
        let of_help = help.split("\nExample").nth(1).unwrap_or_default();
        let is_example = |line: &&str| line.starts_with("headcount ") || line.contains("| headcount ");
        let own: Vec<&str> = of_help.lines().map(str::trim).filter(is_example).collect();
        assert!(own.iter().any(|example| example.contains(&path)), "`{path}`: the example is of another command");
        // There is only something to give up while a group is being filled.
        examples.extend(own.into_iter().filter(|example| !example.contains("--cancel")).map(str::to_owned));
    }
    assert!(examples.len() > 50, "{}", examples.len());
    in_parallel(&examples, |example| {
        let place = if example.contains(" init ") { Place::empty() } else { prepared.copy() };
        // What waits for more would wait for ever.
        let command = example.strip_prefix("tail -F").map(|rest| format!("cat{rest}"));
        let command = command.unwrap_or_else(|| example.replace(" --follow", ""));
        let ran = place.run(&command);
        assert_eq!(ran.status, 0, "{example}\n{}", ran.printed);
    });
}

/// Does the same for many things, a few at a time, and gives the results in their order.
fn in_parallel<T: Sync, R: Send>(things: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let share = things.len().div_ceil(4).max(1);
    std::thread::scope(|scope| {
        let work = &work;
        let running: Vec<_> = things
            .chunks(share)
            .map(|things| scope.spawn(move || things.iter().map(work).collect::<Vec<R>>()))
            .collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}
