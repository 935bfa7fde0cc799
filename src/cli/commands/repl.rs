//! `repl`: searches at a prompt.
//!
//! Each line is a command of its own with a moment of its own: nothing holds a snapshot while the prompt waits.

use clap::{CommandFactory, FromArgMatches};
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Editor, Helper};

use crate::cli::Outcome;
use crate::cli::args::Cli;
use crate::cli::commands::session::Session;
use crate::cli::failure::Failure;
use crate::cli::settings::Settings;
use crate::workspace::PROMPT_HISTORY;

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

/// Words of the language that are not names.
const KEYWORDS: [&str; 8] = ["AND", "OR", "NOT", "IN", "ANNIVERSARY", "today", "yesterday", "now"];

/// Reads lines until the end of input, and answers each.
pub(super) fn repl(settings: &Settings) -> Outcome {
    let session = Session::open(settings)?;
    let mut editor: Editor<Prompt, DefaultHistory> =
        Editor::new().map_err(|error| Failure::Failed(format!("the prompt cannot be used: {error}")))?;
    editor.set_helper(Some(Prompt { names: names(&session)? }));
    let history = session.workspace.folder().join(PROMPT_HISTORY);
    // A history that is not there yet, or cannot be read, is an empty one.
    let _ = editor.load_history(&history);
    loop {
        match editor.readline("headcount> ") {
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

/// Properties and groups that can be completed.
fn names(session: &Session<'_>) -> Outcome<Vec<String>> {
    let reader = session.reader()?;
    let schema = reader.schema();
    let attributes = crate::sema::attribute::Attribute::ALL.iter().map(|attribute| attribute.key().to_owned());
    let fields = schema.fields().iter().map(|field| field.key.clone());
    let groups = schema.groups().iter().map(|group| crate::sema::print::quote(&group.name));
    let words = KEYWORDS.iter().chain(COMMANDS.iter().map(|(name, _)| name)).map(|word| (*word).to_owned());
    let mut names: Vec<String> = attributes.chain(fields).chain(groups).chain(words).collect();
    names.sort();
    Ok(names)
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

/// Completes names, and waits for the rest of a text whose quotes or brackets are open.
struct Prompt {
    names: Vec<String>,
}

impl Completer for Prompt {
    type Candidate = String;

    fn complete(&self, line: &str, position: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let before = line.get(..position).unwrap_or_default();
        let start = before.rfind([' ', '(', ',', '=', '\t']).map_or(0, |at| at + 1);
        let begun = before.get(start..).unwrap_or_default().to_lowercase();
        let bare = begun.trim_start_matches('"');
        let fits = |name: &&String| name.trim_start_matches('"').to_lowercase().starts_with(bare);
        Ok((start, self.names.iter().filter(fits).cloned().collect()))
    }
}

impl Validator for Prompt {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if is_open(context.input()) { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
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

impl Hinter for Prompt {
    type Hint = String;
}

impl Highlighter for Prompt {}

impl Helper for Prompt {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_for_closing_brackets_and_quotes() {
        for text in ["(age > 5", "name = \"bob", "name = \"a\\\"", "((a) and b"] {
            assert!(is_open(text), "{text}");
        }
        for text in ["age > 5", "(age > 5)", "name = \")\"", "a)"] {
            assert!(!is_open(text), "{text}");
        }
    }
}
