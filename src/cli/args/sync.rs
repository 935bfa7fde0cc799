//! The command that follows a database.

use std::path::PathBuf;

use clap::Args;

/// `sync`
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  headcount sync postgres://headcount@db/temba --profile rapidpro --org 1 --follow\n  \
                  headcount sync postgres://crm@localhost/crm --mapping crm.toml --memberships-into groups_members\n\n\
                  The password comes from PGPASSWORD or ~/.pgpass. What the role needs stands in docs/postgresql.md."
)]
pub struct Sync {
    /// Where the database is: postgres://user@host:port/database?sslmode=verify-full
    #[arg(value_name = "ADDRESS")]
    pub address: String,
    /// The tables of a platform that is known: rapidpro
    #[arg(long, value_name = "NAME", required_unless_present = "mapping", conflicts_with = "mapping")]
    pub profile: Option<String>,
    /// A TOML file of the queries that give fields, groups and contacts
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
    /// The number of the workspace in the database, where there are several
    #[arg(long, value_name = "N")]
    pub org: Option<i64>,
    /// Copy, or catch up, and end; this is what happens unless told
    #[arg(long, conflicts_with = "follow")]
    pub once: bool,
    /// Go on until stopped
    #[arg(long)]
    pub follow: bool,
    /// Keep a table of memberships there: (group_uuid, contact_uuid), and its log beside it
    #[arg(long, value_name = "TABLE")]
    pub memberships_into: Option<String>,
    /// Tell memberships of smart groups there that are not what their queries say, and why
    #[arg(long, conflicts_with = "follow")]
    pub compare: bool,
    /// The name of the replication slot and the publication; each store needs its own
    #[arg(long, value_name = "NAME")]
    pub slot: Option<String>,
    /// Take over a store that holds contacts already: those that the database does not have are deleted
    #[arg(long)]
    pub adopt: bool,
}
