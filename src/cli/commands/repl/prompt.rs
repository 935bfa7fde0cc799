//! The line editor's questions, answered from what the workspace knows.

use std::borrow::Cow;

use rustyline::completion::Completer;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter};
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper};

use crate::cli::commands::repl::{PROMPT, complete, is_open, paint};
use crate::cli::commands::session::Session;
use crate::complete::Vocabulary;
use crate::plan::atom::TextProperty;

/// Completes, colours and judges a line, and waits for the rest of one whose quotes or brackets are open.
pub(super) struct Prompt<'s> {
    pub(super) session: &'s Session<'s>,
    pub(super) vocabulary: Vocabulary,
    pub(super) has_color: bool,
}

impl Prompt<'_> {
    /// What contacts have now. The reader is gone before the prompt waits again.
    fn values(&self, property: &TextProperty) -> Vec<Box<str>> {
        let reader = self.session.workspace.reader(self.session.settings.moment());
        reader.ok().and_then(|reader| reader.values_of(property)).unwrap_or_default()
    }
}

impl Completer for Prompt<'_> {
    type Candidate = String;

    fn complete(&self, line: &str, position: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(complete(line, position, &self.vocabulary, |property| self.values(property)))
    }
}

impl Validator for Prompt<'_> {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if is_open(context.input()) { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

/// A line under what is typed. It is nothing to be taken over.
pub(super) struct Under(String);

impl Hint for Under {
    fn display(&self) -> &str {
        &self.0
    }
    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Hinter for Prompt<'_> {
    type Hint = Under;

    fn hint(&self, line: &str, position: usize, _: &Context<'_>) -> Option<Under> {
        // In the middle of a line, somebody is mending it.
        if position < line.len() {
            return None;
        }
        paint::mistake(line, PROMPT.len(), &self.vocabulary).map(Under)
    }
}

impl Highlighter for Prompt<'_> {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        if self.has_color { paint::coloured(line, &self.vocabulary).into() } else { line.into() }
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        if self.has_color { format!("\x1b[31m{hint}\x1b[0m").into() } else { hint.into() }
    }

    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        self.has_color
    }
}

impl Helper for Prompt<'_> {}
