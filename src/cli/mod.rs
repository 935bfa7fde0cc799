//! The command line: arguments, output, and the commands between them.
//!
//! | module | job |
//! | --- | --- |
//! | [`args`] | what people type, read into typed values |
//! | [`settings`] | flags, environment variables and the terminal, resolved once |
//! | [`output`] | answers as tables, JSON, JSON lines, CSV or ids; progress; the JSON shapes |
//! | [`commands`] | what each command does |
//! | [`failure`] | what can go wrong, and the exit status that tells it |

pub mod args;
pub mod commands;
pub mod failure;
pub mod output;
pub mod settings;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Instant;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};

use args::Cli;
use failure::Failure;
use settings::Settings;

/// Runs the program with these arguments, the first of which is its name.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    commands::stop::outlive_limits_on_files();
    let matches = Cli::command().try_get_matches_from(arguments);
    let cli = match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => {
            // A pipe that is closed under the help text is nobody's fault.
            let _ = error.print();
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
                _ => ExitCode::from(2),
            };
        }
    };
    let settings = Settings::resolve(cli.global);
    let began = Instant::now();
    let outcome = commands::run(cli.command, &settings);
    settings.detail(&format!("took {}", output::lasting(began.elapsed())));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(message) = failure.message() {
                settings.error(message);
            }
            ExitCode::from(failure.exit_status())
        }
    }
}

/// Whether an error is that the reader of a pipe has gone.
pub(crate) fn is_closed_pipe(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::BrokenPipe
}

/// A result of a command.
pub type Outcome<T = ()> = Result<T, Failure>;
