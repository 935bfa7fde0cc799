//! What each command does. A file for each family.

mod apply;
mod contact;
mod demo;
mod export;
mod feed;
mod flood;
mod group;
mod hints;
mod import;
mod log;
mod maintain;
mod messaging;
mod parse;
mod queries;
mod query;
mod repl;
mod report;
#[cfg(feature = "serve")]
mod serve;
mod session;
#[cfg(feature = "postgres")]
mod sync;
pub(crate) mod stop;
mod target;
mod tools;
mod trigger;
mod why;
mod workspace;

use crate::cli::Outcome;
use crate::cli::args::Command;
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
        Command::Demo(args) => demo::demo(&args, settings),
        Command::Why(args) => why::why(&args, settings),
        Command::Audience(args) => messaging::audience(&args, settings),
        Command::Render(args) => messaging::render(&args, settings),
        Command::Campaign(args) => messaging::campaign(&args, settings),
        Command::Backup(args) => export::backup(&args, settings),
        Command::Export(args) => export::export(&args, settings),
        Command::Report(args) => report::report(&args, settings),
        Command::Check(args) => maintain::check(&args, settings),
        Command::Index(args) => maintain::index(&args, settings),
        Command::Stats(args) => maintain::stats(&args, settings),
        Command::Compact(args) => maintain::compact(&args, settings),
        Command::Init(args) => workspace::init(&args, settings),
        Command::Workspace(command) => workspace::workspace(&command, settings),
        Command::Schema(command) => workspace::schema(&command, settings),
        Command::Field(command) => workspace::field(&command, settings),
        Command::Depends(args) => workspace::depends(&args, settings),
        Command::Import(args) => import::import(&args, settings),
        Command::Query(args) => query::query(&args, settings),
        Command::Explain(args) => query::explain(&args, settings),
        Command::Group(command) => group::group(&command, settings),
        Command::Contact(command) => contact::contact(&command, settings),
        Command::Parse(args) => parse::parse(&args, settings),
        Command::Generate(args) => tools::generate(&args, settings),
        Command::Completions(args) => tools::completions(&args, settings),
        Command::Man(args) => tools::man(&args, settings),
        #[cfg(feature = "postgres")]
        Command::Sync(args) => sync::sync(&args, settings),
        Command::Repl(_) => repl::repl(settings),
        #[cfg(feature = "serve")]
        Command::Serve(args) => serve::serve(&args, settings),
    }
}
