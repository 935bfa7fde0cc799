//! `repl`: searches at a prompt.
//!
//! Each line is a command of its own with a moment of its own: nothing holds a snapshot while the prompt waits.

mod paint;
mod prompt;
#[cfg(test)]
mod tests;

use clap::{CommandFactory, FromArgMatches};
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{CompletionType, Config, Editor};

use crate::cli::Outcome;
use crate::cli::args::Cli;
use crate::cli::commands::session::Session;
use crate::cli::failure::Failure;
use crate::cli::settings::Settings;
use crate::complete::{self, Vocabulary};
use crate::plan::atom::TextProperty;
use crate::workspace::PROMPT_HISTORY;
use prompt::Prompt;

/// What stands before each line.
const PROMPT: &str = "headcount> ";

/// Rows shown for each search.
const ROWS: &str = "10";

/// What a line that begins with a colon does, and how it is used.
const COMMANDS: [(&str, &str); 7] = [
    (":count", ":count QUERY      how many contacts match"),
    (":explain", ":explain QUERY    the plan, with what it really cost"),
    (":groups", ":groups           all groups"),
    (":help", ":help             this list"),
    (":members", ":members GROUP    the members of a group"),
    (":parse", ":parse QUERY      the canonical form, and what the query looks at"),
    (":quit", ":quit             back to the shell"),
];

/// Reads lines until the end of input, and answers each.
pub(super) fn repl(settings: &Settings) -> Outcome {
    let session = Session::open(settings)?;
    let config = Config::builder().completion_type(CompletionType::List).build();
    let mut editor: Editor<Prompt<'_>, DefaultHistory> =
        Editor::with_config(config).map_err(|error| Failure::Failed(format!("the prompt cannot be used: {error}")))?;
    let history = session.workspace.folder().join(PROMPT_HISTORY);
    // A history that is not there yet, or cannot be read, is an empty one.
    let _ = editor.load_history(&history);
    loop {
        // Others may have added a field or a group meanwhile.
        let (vocabulary, has_color) = (vocabulary(&session)?, settings.color_output);
        editor.set_helper(Some(Prompt { session: &session, vocabulary, has_color }));
        match editor.readline(PROMPT) {
            Ok(line) => {
                let line = line.trim();
                if line.is_empty() {
                    continue;
                }
                let _ = editor.add_history_entry(line);
                if line == ":quit" {
                    break;
                }
                answer(line, settings);
            }
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(Failure::Failed(format!("the prompt failed: {error}"))),
        }
    }
    // Not being able to keep the history spoils nothing.
    let _ = editor.save_history(&history);
    Ok(())
}

fn vocabulary(session: &Session<'_>) -> Outcome<Vocabulary> {
    let reader = session.reader()?;
    Ok(Vocabulary { schema: reader.schema().clone(), environment: reader.environment().clone() })
}

/// Where the query of a line begins, if it has one: behind a command that takes one, or at once.
fn query_at(line: &str) -> Option<usize> {
    if !line.trim_start().starts_with(':') {
        return Some(0);
    }
    let begin = line.len() - line.trim_start().len();
    let (command, rest) = line.get(begin..)?.split_once(char::is_whitespace)?;
    matches!(command, ":count" | ":explain" | ":parse").then(|| line.len() - rest.len())
}

/// Where the word at the cursor begins, and what it may become. `values` lists what contacts have, folded.
fn complete(
    line: &str,
    position: usize,
    vocabulary: &Vocabulary,
    values: impl Fn(&TextProperty) -> Vec<Box<str>>,
) -> (usize, Vec<String>) {
    let before = line.get(..position).unwrap_or_default();
    let Some(begin) = query_at(before) else {
        return match before.split_once(char::is_whitespace) {
            None => (0, complete::begun_so(before, COMMANDS.iter().map(|(name, _)| (*name).to_owned()))),
            Some((":members", rest)) => {
                (before.len() - rest.len(), complete::begun_so(rest, vocabulary.groups().map(str::to_owned)))
            }
            Some(_) => (before.len(), Vec::new()),
        };
    };
    let (word, candidates) = complete::query(before.get(begin..).unwrap_or_default(), vocabulary, values);
    (begin + word, candidates)
}

/// Answers one line; whatever goes wrong is told, and the prompt goes on.
fn answer(line: &str, settings: &Settings) {
    let (command, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    let words: Vec<&str> = match command {
        ":count" => vec!["query", "--count", "--", rest],
        ":explain" => vec!["explain", "--analyze", "--", rest],
        ":groups" => vec!["group", "list"],
        ":members" => vec!["group", "members", "--limit", ROWS, "--", rest],
        ":parse" => vec!["parse", "--", rest],
        _ if command.starts_with(':') => {
            for (_, usage) in COMMANDS {
                settings.line(usage);
            }
            return;
        }
        _ => vec!["query", "--limit", ROWS, "--", line],
    };
    let arguments = std::iter::once("headcount").chain(words);
    let parsed = Cli::command().try_get_matches_from(arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    match parsed {
        Ok(cli) => {
            if let Err(failure) = super::run(cli.command, settings)
                && let Some(message) = failure.message()
            {
                settings.error(message);
            }
        }
        Err(error) => settings.line(error.to_string().trim_end()),
    }
}

/// Whether a bracket or a quote waits for its end.
fn is_open(text: &str) -> bool {
    let (mut depth, mut quoted, mut escaped) = (0i32, false, false);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
    }
    quoted || depth > 0
}
