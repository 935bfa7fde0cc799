//! Commands that take a query.

use std::path::PathBuf;

use clap::Args;

use super::values::SortKey;
use super::workspace::EnvironmentOptions;
use crate::sema::query::Dialect;

/// `query`
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  headcount query 'age > 30 AND gender = F' --sort -age --limit 10\n  \
                  headcount query 'last_seen_on < -30d' --count\n  \
                  headcount query --group VIP --format csv --columns name,tel,age --all\n  \
                  headcount query --batch queries.jsonl")]
pub struct QueryArgs {
    /// The query, or - to read it from standard input; everybody without one
    #[arg(value_name = "QUERY")]
    pub query: Option<String>,
    /// The columns of a table or of CSV, such as uuid,name,tel,age
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// Only count
    #[arg(long, conflicts_with_all = ["sort", "limit", "all", "offset", "after"])]
    pub count: bool,
    /// Sort by a property, downwards with - before it
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    pub sort: Option<SortKey>,
    /// How many to give
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: u64,
    /// Give them all
    #[arg(long, conflicts_with = "limit")]
    pub all: bool,
    /// How many to leave out at the start
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub offset: u64,
    /// Go on after a page, with the cursor that it gave as "next"
    #[arg(long, value_name = "CURSOR", conflicts_with = "offset")]
    pub after: Option<String>,
    /// Only members of this group
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,
    /// The language of the query
    #[arg(long, value_enum, default_value = "extended")]
    pub dialect: Dialect,
    /// Read queries from JSON lines {"query": …}, and write one line of JSON for each
    #[arg(long, value_name = "FILE", conflicts_with = "query")]
    pub batch: Option<PathBuf>,
}

/// `parse`
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  headcount parse 'age > 30 tel = 0788'\n  \
                  headcount parse 'age > 30' --schema schema.json --country RW\n  \
                  headcount parse 'age > 30' --no-resolve")]
pub struct Parse {
    /// The query
    #[arg(value_name = "QUERY", required_unless_present = "batch")]
    pub query: Option<String>,
    /// Resolve against this schema instead of the workspace's
    #[arg(long, value_name = "FILE", conflicts_with = "no_resolve")]
    pub schema: Option<PathBuf>,
    /// Check syntax and attributes only
    #[arg(long)]
    pub no_resolve: bool,
    /// How texts are read.
    #[command(flatten)]
    pub environment: EnvironmentOptions,
    /// Addresses are hidden
    #[arg(long)]
    pub redact_urns: bool,
    /// The language of the query
    #[arg(long, value_enum, default_value = "extended")]
    pub dialect: Dialect,
    /// Read queries from JSON lines {"query": …}, and write one line of JSON for each
    #[arg(long, value_name = "FILE", conflicts_with = "query")]
    pub batch: Option<PathBuf>,
}

/// `explain`
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  headcount explain 'age > 30 AND name ~ ann' --analyze")]
pub struct Explain {
    /// The query
    #[arg(value_name = "QUERY")]
    pub query: String,
    /// Also run it: real cardinalities, counters and times
    #[arg(long)]
    pub analyze: bool,
    /// The language of the query
    #[arg(long, value_enum, default_value = "extended")]
    pub dialect: Dialect,
}
