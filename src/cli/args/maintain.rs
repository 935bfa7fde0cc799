//! Commands that look after a workspace, and tools that need none.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

use super::values;

/// `check`
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  headcount check")]
pub struct Check {
    /// Put right what is wrong, from the rows
    #[arg(long)]
    pub repair: bool,
}

/// `index`
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  headcount index")]
pub struct Index {
    /// Derive every index from the rows anew
    #[arg(long)]
    pub rebuild: bool,
}

/// `stats`
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  headcount stats --format json")]
pub struct Stats {}

/// `compact`
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  headcount compact")]
pub struct Compact {}

/// `backup`
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  headcount backup backups/monday --compact")]
pub struct Backup {
    /// A folder that is not there yet
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Leave out unused pages
    #[arg(long)]
    pub compact: bool,
}

/// `export`
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  headcount export contacts.csv\n\n\
                  contacts.parquet comes with contacts.memberships.parquet beside it: who is in which group since when.")]
pub struct Export {
    /// Where to: .jsonl, .csv or .parquet decides the format; - for standard output
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// What becomes of texts that a spreadsheet would run: of CSV only
    #[arg(long, value_enum, default_value_t = Formulas::Quote)]
    pub formulas: Formulas,
}

/// What becomes of a text in a sheet that begins as a formula does.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Formulas {
    /// A ' before it: a spreadsheet shows it, and `import` takes the ' away
    Quote,
    /// As it is, for programs that run no formulas
    Keep,
}

/// `repl`
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  headcount repl")]
pub struct Repl {}

/// `completions`
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  headcount completions bash > ~/.local/share/bash-completion/completions/headcount")]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// `man`
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  headcount man ~/.local/share/man/man1")]
pub struct Man {
    /// Where to; made if missing
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

/// `generate`
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  headcount generate made-up --contacts 200k --groups 500 --changes 20k\n\n\
                  Writes schema.json, contacts.jsonl, groups.json and changes.jsonl. The same seed gives the same bytes.")]
pub struct Generate {
    /// Where to; made if missing
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// How many contacts
    #[arg(long, value_name = "N", value_parser = values::count)]
    pub contacts: u64,
    /// How many smart groups
    #[arg(long, value_name = "N", value_parser = values::count, default_value = "100")]
    pub groups: u64,
    /// How many changes
    #[arg(long, value_name = "N", value_parser = values::count, default_value = "0")]
    pub changes: u64,
    /// Where the making up starts from
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub seed: u64,
}
