//! Commands that print membership changes.

use std::path::PathBuf;

use clap::Args;

use super::values::{self, TriggerCommand};
use crate::value::Instant;
use crate::workspace::change::ContactRef;

/// Where a log begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Since {
    /// Behind this entry.
    Entry(u64),
    /// At this moment.
    Moment(Instant),
}

fn since(text: &str) -> Result<Since, String> {
    if let Ok(entry) = text.parse() {
        return Ok(Since::Entry(entry));
    }
    values::moment(text)
        .map(Since::Moment)
        .map_err(|_| "give the number of an entry, or a day such as 2026-06-15, or a moment".to_owned())
}

/// `apply`
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  headcount apply changes.jsonl\n  tail -F events.jsonl | headcount apply - --follow\n\n\
                  A line: {\"type\": \"contact_field_changed\", \"contact\": {\"uuid\": …}, \"field\": {\"key\": \"age\"}, \
                  \"value\": {\"text\": \"36\"}}"
)]
pub struct Apply {
    /// The changes, or - for standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// At the end, wait for more, and advance the clock meanwhile
    #[arg(long)]
    pub follow: bool,
    /// Contacts per commit; 1 commits line by line
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub batch_size: Option<u32>,
    /// Also send the membership changes to this program, as JSON lines, at least once
    #[arg(long, value_name = "COMMAND")]
    pub exec: Option<TriggerCommand>,
    /// Keep where the program has come to under this name, and not under its command
    #[arg(long = "as", value_name = "NAME", requires = "exec", value_parser = values::name)]
    pub consumer: Option<String>,
    /// Pass over lines of types that nothing here knows, and count them
    #[arg(long)]
    pub skip_unknown: bool,
    /// Index text in the background once more than N contacts wait for it [default: 50000 with --follow, else never]
    #[arg(long, value_name = "N", value_parser = values::count)]
    pub index_after: Option<u64>,
}

/// `tick`
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  headcount tick")]
pub struct Tick {}

/// `log`
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  headcount log --group Adults\n  headcount log --since 120 --follow")]
pub struct Log {
    /// Only what came after this sequence number, or from this day or moment on
    #[arg(long, value_name = "SEQ or TIME", default_value = "0", value_parser = since)]
    pub since: Since,
    /// Only the last N lines
    #[arg(long, value_name = "N", conflicts_with_all = ["follow", "exec"])]
    pub limit: Option<u64>,
    /// Only this group
    #[arg(long, value_name = "GROUP", value_parser = values::name)]
    pub group: Option<String>,
    /// Only this contact
    #[arg(long, value_name = "CONTACT", value_parser = values::contact)]
    pub contact: Option<ContactRef>,
    /// At the end, wait for more
    #[arg(long)]
    pub follow: bool,
    /// Also send the lines to this program; where it has come to is kept
    #[arg(long, value_name = "COMMAND")]
    pub exec: Option<TriggerCommand>,
    /// Keep where the program has come to under this name, and not under its command
    #[arg(long = "as", value_name = "NAME", requires = "exec", value_parser = values::name)]
    pub consumer: Option<String>,
}
