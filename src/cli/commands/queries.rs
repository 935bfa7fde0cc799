//! What commands that take a query share: telling what is wrong with one, and running a file of them.

use std::io::Write;
use std::path::Path;

use crate::answers::hiding;
use crate::answers::shapes::RejectedLine;
use crate::cli::Outcome;
use crate::cli::failure::Failure;
use crate::cli::output::{Format, Output, harmless_as_long, harmless_lines};
use crate::cli::settings::{Settings, Verbosity};
use crate::diagnostic::{Diagnostic, Errors, draw};
use crate::import::{Source, queries};

/// Tells that a query is invalid: the errors as JSON on standard output, a drawing on standard error. People at a terminal,
/// who asked for no format, are shown the drawing alone.
pub(super) fn invalid(text: &str, errors: &Errors, settings: &Settings, output: &mut Output) -> Failure {
    let told = match settings.format {
        None if settings.answers_terminal => Ok(()),
        Some(Format::Json) => output.document(&errors.to_json()),
        _ => output.line(&errors.to_json()).and_then(|()| output.flush()),
    };
    drawing(text, &errors.to_vec(), settings);
    told.err().unwrap_or(Failure::InvalidQuery)
}

/// Draws warnings under a query on standard error, unless quiet.
pub(super) fn warnings(text: &str, warnings: &[Diagnostic], settings: &Settings) {
    if settings.verbosity > Verbosity::Quiet {
        drawing(text, warnings, settings);
    }
}

fn drawing(text: &str, diagnostics: &[Diagnostic], settings: &Settings) {
    if !diagnostics.is_empty() {
        // Standard error may be closed, and then there is nobody to tell.
        let text = hiding::query(text, diagnostics);
        let mut diagnostics = diagnostics.to_vec();
        for diagnostic in &mut diagnostics {
            diagnostic.message = harmless_lines(&diagnostic.message).into_owned();
            diagnostic.help = diagnostic.help.as_deref().map(|help| harmless_lines(help).into_owned());
        }
        let drawn = draw(&harmless_as_long(&text), &diagnostics, settings.color_errors);
        let _ = write!(std::io::stderr(), "{drawn}");
    }
}

/// Answers each query of a file with one line, in order; `answer` gives the line or the errors of the query.
///
/// # Errors
/// [`Failure::SomeRejected`] after all lines if some were no queries or invalid ones.
pub(super) fn batch<T: serde::Serialize>(
    file: &Path,
    settings: &Settings,
    mut answer: impl FnMut(&str) -> Outcome<Result<T, Errors>>,
) -> Outcome {
    let mut output = settings.output();
    let mut has_errors = false;
    for (line, item) in queries::open(Source::open(file)?)? {
        match item {
            Ok(item) => match answer(&item.query)? {
                Ok(answer) => output.line(&answer)?,
                Err(errors) => {
                    has_errors = true;
                    output.line(&errors.to_json())?;
                }
            },
            Err(rejection) => {
                has_errors = true;
                output.line(&RejectedLine { line: line.0, error: rejection.reason })?;
            }
        }
    }
    output.flush()?;
    if has_errors { Err(Failure::SomeRejected) } else { Ok(()) }
}
