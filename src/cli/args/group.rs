//! `group …`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::values;
use crate::sema::query::Dialect;
use crate::value::Instant;
use crate::workspace::change::ContactRef;

/// `group …`
#[derive(Subcommand, Debug)]
pub enum GroupCommand {
    /// Create a group: smart with a query, manual without
    #[command(after_help = "Example:\n  headcount group create Teenagers --query 'age = 13..19'")]
    Create {
        /// Its name
        #[arg(value_parser = values::name)]
        name: String,
        /// Who its members are
        #[arg(long, value_name = "QUERY")]
        query: Option<String>,
        /// The language of the query
        #[arg(long, value_enum, default_value = "extended", requires = "query")]
        dialect: Dialect,
        /// Leave the filling to the next `headcount index`
        #[arg(long, requires = "query")]
        later: bool,
    },
    /// List all groups with their queries and counts
    #[command(after_help = "Example:\n  headcount group list --profile")]
    List {
        /// Also tell what keeping each group exact costs
        #[arg(long)]
        profile: bool,
    },
    /// Show one group
    #[command(after_help = "Example:\n  headcount group show Adults")]
    Show {
        /// Its name or uuid
        #[arg(value_parser = values::name)]
        name: String,
    },
    /// List a group's members
    #[command(after_help = "Example:\n  headcount group members Adults --as-of 2026-01-01 --format ids")]
    Members(Members),
    /// Add contacts to a manual group
    #[command(after_help = "Example:\n  headcount group add VIP tel:+250788123123 --query 'city = Kigali'")]
    Add(Selection),
    /// Remove contacts from a manual group
    #[command(after_help = "Example:\n  headcount group remove VIP --file leavers.txt")]
    Remove(Selection),
    /// Keep contacts in a smart group whatever its query says, as long as they are active
    #[command(after_help = "Example:\n  headcount group pin Adults tel:+250788123123")]
    Pin(Selection),
    /// Keep contacts out of a smart group whatever its query says
    #[command(after_help = "Example:\n  headcount group exclude Adults --file staff.txt")]
    Exclude(Selection),
    /// Leave contacts that were pinned or excluded to the query again
    #[command(after_help = "Example:\n  headcount group unpin Adults tel:+250788123123")]
    Unpin(Selection),
    /// Rename a group; queries that refer to it follow
    #[command(after_help = "Example:\n  headcount group rename Adults Grown-ups")]
    Rename {
        /// Its name or uuid
        #[arg(value_parser = values::name)]
        name: String,
        /// Its new name
        #[arg(value_parser = values::name)]
        new_name: String,
    },
    /// Change a smart group's query
    #[command(after_help = "Examples:\n  headcount group edit Adults --query 'age >= 21' --dry-run\n  \
                          headcount group edit Adults --cancel\n\n\
                          A group of many contacts is filled in several steps beside its present query. If that is\n\
                          stopped half way, `headcount index` goes on; --cancel gives it up.")]
    Edit {
        /// Its name or uuid
        #[arg(value_parser = values::name)]
        name: String,
        /// Who its members are from now on
        #[arg(long, value_name = "QUERY", required_unless_present = "cancel")]
        query: Option<String>,
        /// Only tell who would enter and leave
        #[arg(long, requires = "query")]
        dry_run: bool,
        /// Give up the query that it is being filled with, and keep the present one
        #[arg(long, conflicts_with_all = ["query", "later"])]
        cancel: bool,
        /// Leave the filling to the next `headcount index`
        #[arg(long, conflicts_with = "dry_run")]
        later: bool,
        /// The language of the query
        #[arg(long, value_enum, default_value = "extended")]
        dialect: Dialect,
    },
    /// Delete a group
    #[command(after_help = "Example:\n  headcount group delete Testers")]
    Delete {
        /// Its name or uuid
        #[arg(value_parser = values::name)]
        name: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Read groups from a file: new ones are created, known ones edited
    #[command(after_help = "Example:\n  headcount group import groups.json\n\n\
                      The file: {\"groups\": [{\"name\": \"Adults\", \"query\": \"age >= 18\"}]}")]
    Import {
        /// The file, or - for standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The language of the queries
        #[arg(long, value_enum, default_value = "extended")]
        dialect: Dialect,
        /// Leave the filling to the next `headcount index`
        #[arg(long)]
        later: bool,
    },
}

/// `group members`
#[derive(Args, Debug)]
pub struct Members {
    /// The group's name or uuid
    #[arg(value_parser = values::name)]
    pub name: String,
    /// As it was at that moment
    #[arg(long, value_name = "TIME", value_parser = values::moment)]
    pub as_of: Option<Instant>,
    /// How many to give
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: u64,
    /// Give them all
    #[arg(long, conflicts_with = "limit")]
    pub all: bool,
    /// How many to leave out at the start
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub offset: u64,
}

/// Which contacts to add to or remove from a group, or to pin or exclude.
#[derive(Args, Debug)]
#[group(skip)]
pub struct Selection {
    /// The group's name or uuid
    #[arg(value_parser = values::name)]
    pub name: String,
    /// Contacts by uuid, address or number
    #[arg(value_name = "CONTACT", value_parser = values::contact, required_unless_present_any = ["query", "file"])]
    pub contacts: Vec<ContactRef>,
    /// Contacts that match
    #[arg(long, value_name = "QUERY")]
    pub query: Option<String>,
    /// Contacts that a file lists, one a line; - for standard input
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
}
