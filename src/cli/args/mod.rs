//! The command line as people type it: every command, option and help text, read into typed values.
//!
//! Nothing here does anything: [`commands`](super::commands) does.

pub mod contact;
pub mod group;
pub mod maintain;
pub mod messaging;
pub mod report;
pub mod search;
#[cfg(feature = "serve")]
pub mod serve;
pub mod stream;
#[cfg(feature = "postgres")]
pub mod sync;
#[cfg(test)]
mod tests;
mod values;
pub mod workspace;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::cli::output::{Color, Format};
use crate::value::Instant;

pub use values::{Country, SortKey, TriggerCommand};

/// Exact smart groups and fast search over contacts.
///
/// headcount keeps a workspace: contacts, their fields and groups, in one folder. It answers who matches a query, and
/// who is in each group right now, who just entered, who just left, and why.
#[derive(Parser, Debug)]
#[command(
    name = "headcount",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    subcommand_required = true,
    infer_long_args = false,
    after_help = "Try `headcount demo` first. Data goes to standard output, everything else to standard error.\n\
                  Exit status: 0 done, 1 failed or some input was rejected, 2 wrong usage or an invalid query."
)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The workspace's folder; unless told, here or in the nearest folder above
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "HEADCOUNT_STORE",
        hide_env_values = true,
        default_value = crate::cli::settings::USUAL_STORE
    )]
    pub store: PathBuf,
    /// How to write the answer
    #[arg(long, global = true, value_name = "FORMAT", value_enum)]
    pub format: Option<Format>,
    /// When to colour; NO_COLOR is obeyed
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value = "auto")]
    pub color: Color,
    /// The present moment, such as 2026-06-15T12:00:00Z or 2026-06-15, instead of the system's
    #[arg(long, global = true, value_name = "TIME", value_parser = values::moment)]
    pub now: Option<Instant>,
    /// Say nothing but the answer and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say which store it is and how long things take; twice: also how a search is answered
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Show what headcount does, on a small workspace made for it
    Demo(workspace::Demo),
    /// Make a new workspace
    Init(workspace::Init),
    /// Show or change the workspace's environment: zone, date format, country, redaction
    #[command(subcommand)]
    Workspace(workspace::WorkspaceCommand),
    /// Read or show fields, manual groups and flows
    #[command(subcommand)]
    Schema(workspace::SchemaCommand),
    /// Add or change a custom field
    #[command(subcommand)]
    Field(workspace::FieldCommand),
    /// Tell what uses a field or a group
    Depends(workspace::Depends),
    /// Read contacts from JSON lines, an API export, CSV or XLSX
    Import(workspace::Import),
    /// Search contacts
    Query(search::QueryArgs),
    /// Check a query, and print its canonical form and what it uses
    Parse(search::Parse),
    /// Show how a query is answered
    Explain(search::Explain),
    /// Everything about groups
    #[command(subcommand)]
    Group(group::GroupCommand),
    /// Apply a stream of changes, and print the membership changes that they cause
    Apply(stream::Apply),
    /// Advance the clock, and print the membership changes that time causes
    Tick(stream::Tick),
    /// Explain why a contact is in a group or not
    Why(contact::Why),
    /// Everything about one contact
    #[command(subcommand)]
    Contact(contact::ContactCommand),
    /// Print the membership log: who entered and left which group, when and why
    Log(stream::Log),
    /// Compute who a broadcast reaches
    Audience(messaging::Audience),
    /// Fill in a message for a contact
    Render(messaging::Render),
    /// Tell who is due for a campaign's points, and when
    Campaign(messaging::Campaign),
    /// Prove that indexes, memberships and log agree with the rows
    Check(maintain::Check),
    /// Bring the text index up to date and merge what waits to be merged
    Index(maintain::Index),
    /// Sizes and counts
    Stats(maintain::Stats),
    /// Give back what the store's file holds of nothing
    Compact(maintain::Compact),
    /// Copy the workspace while others write
    Backup(maintain::Backup),
    /// Write contacts with their groups to a file
    Export(maintain::Export),
    /// Draw a page of plots: sizes of groups, who entered and left, overlaps, fields, cost
    Report(report::Report),
    /// Serve the workspace over HTTP: a page, an API, events
    #[cfg(feature = "serve")]
    Serve(serve::Serve),
    /// Search and explore at a prompt
    Repl(maintain::Repl),
    /// Print completions for a shell
    Completions(maintain::Completions),
    /// Keep groups of contacts that live in PostgreSQL
    #[cfg(feature = "postgres")]
    Sync(sync::Sync),
    /// Write the man pages into a folder
    Man(maintain::Man),
    /// Make up a workspace's input: schema, contacts, groups and changes
    Generate(maintain::Generate),
}
