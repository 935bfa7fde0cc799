//! What each command does. A file for each family.

mod apply;
mod feed;
mod log;
mod maintain;
mod parse;
mod queries;
mod session;
mod tools;
mod trigger;

use crate::cli::Outcome;
use crate::cli::args::Command;
use crate::cli::failure::Failure;
use crate::cli::settings::Settings;

/// Does what was asked for.
///
/// # Errors
/// What went wrong, with the exit status that tells it.
pub fn run(command: Command, settings: &Settings) -> Outcome {
    match command {
        Command::Apply(args) => apply::apply(&args, settings),
        Command::Tick(args) => log::tick(&args, settings),
        Command::Log(args) => log::log(&args, settings),
        Command::Check(args) => maintain::check(&args, settings),
        Command::Index(args) => maintain::index(&args, settings),
        Command::Stats(args) => maintain::stats(&args, settings),
        Command::Parse(args) => parse::parse(&args, settings),
        Command::Generate(args) => tools::generate(&args, settings),
        Command::Completions(args) => tools::completions(&args, settings),
        Command::Man(args) => tools::man(&args, settings),
        _ => Err(Failure::Failed("this command is not part of this build".to_owned())),
    }
}
