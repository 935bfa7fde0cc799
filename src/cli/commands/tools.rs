//! Tools that need no workspace.

use clap::CommandFactory;

use crate::cli::Outcome;
use crate::cli::args::Cli;
use crate::cli::args::maintain::{Completions, Man};
use crate::cli::failure::Failure;
use crate::cli::settings::Settings;

/// Prints completions for a shell.
pub(super) fn completions(args: &Completions, settings: &Settings) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "headcount", &mut script);
    let mut output = settings.output();
    output.bytes(&script)?;
    output.flush()
}

/// Writes a man page for the program and for each command.
pub(super) fn man(args: &Man, settings: &Settings) -> Outcome {
    let failed = |error: std::io::Error| Failure::Failed(format!("{}: {error}", args.folder.display()));
    std::fs::create_dir_all(&args.folder).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), &args.folder).map_err(failed)?;
    settings.note(&format!("wrote the man pages into {}", args.folder.display()));
    Ok(())
}
