//! `event …`

use std::path::PathBuf;

use clap::Subcommand;

use super::values;
use super::values::Keep;

/// `event …`
#[derive(Subcommand, Debug)]
pub enum EventCommand {
    /// List the names of events, and how long each is kept
    #[command(after_help = "Example:\n  headcount event list")]
    List,
    /// Show a name of events: how many contacts have some, the first and the last, the groups that ask for them
    #[command(after_help = "Example:\n  headcount event show order")]
    Show {
        /// The name
        #[arg(value_parser = values::name)]
        name: String,
    },
    /// Declare a name of events; a name that a change brings is declared by it
    #[command(after_help = "Example:\n  headcount event add visit --keep 730d")]
    Add {
        /// Letters, digits and _
        #[arg(value_parser = values::name)]
        name: String,
        /// Drop events that are older, such as 730d, 24mo or forever
        #[arg(long, value_name = "TIME", default_value = "forever")]
        keep: Keep,
    },
    /// Change how long events are kept; refused if the window of a group would reach further back
    #[command(after_help = "Example:\n  headcount event edit order --keep 365d")]
    Edit {
        /// The name
        #[arg(value_parser = values::name)]
        name: String,
        /// Drop events that are older, such as 730d, 24mo or forever
        #[arg(long, value_name = "TIME")]
        keep: Keep,
    },
    /// Read events from JSON lines or CSV
    #[command(
        after_help = "Examples:\n  headcount event import orders.csv\n  headcount event import orders.csv --format json\n\n\
                      Columns of a sheet: Contact UUID or URN:<scheme>, Event, On, and perhaps Event UUID and\n\
                      Property:<name>. A line of JSON: {\"type\": \"event\", \"contact\": {\"uuid\": …},\n\
                      \"event\": {\"name\": \"order\", \"properties\": {\"total\": \"12.50\"}}, \"created_on\": …}"
    )]
    Import {
        /// The file, or - for standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}
