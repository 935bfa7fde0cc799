//! `report`

use std::path::PathBuf;

use clap::Args;

/// `report`
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  headcount report groups.html --title \"Health workers\"\n\n\
                  One HTML file that fetches nothing and runs nothing: open it in a browser, send it by mail. It holds\n\
                  counts, names of groups and fields, and frequent values of fields; no addresses, no names of contacts.")]
pub struct Report {
    /// The page to write; - for standard output
    #[arg(value_name = "OUT.html")]
    pub file: PathBuf,
    /// The heading of the page
    #[arg(long, value_name = "TEXT", default_value = "Contacts and groups")]
    pub title: String,
    /// How many groups are drawn, the largest first; all others are counted
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u16).range(1..=500))]
    pub groups: u16,
}
