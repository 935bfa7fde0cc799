//! Commands around messages.

use std::path::PathBuf;

use clap::Args;

use super::values;
use crate::workspace::change::ContactRef;

/// `audience`
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  headcount audience --group Adults --query 'city = Kigali' --exclude-group 'Opted Out' --not-seen-since 90"
)]
pub struct Audience {
    /// Members of this group; may be repeated
    #[arg(long = "group", value_name = "GROUP", value_parser = values::name)]
    pub groups: Vec<String>,
    /// This contact; may be repeated
    #[arg(long = "contact", value_name = "CONTACT", value_parser = values::contact)]
    pub contacts: Vec<ContactRef>,
    /// Contacts that match
    #[arg(long, value_name = "QUERY")]
    pub query: Option<String>,
    /// But not members of this group; may be repeated
    #[arg(long = "exclude-group", value_name = "GROUP", value_parser = values::name)]
    pub exclude_groups: Vec<String>,
    /// But not who is in a flow
    #[arg(long)]
    pub exclude_in_flow: bool,
    /// But not who has started this flow before
    #[arg(long, value_name = "FLOW", value_parser = values::name)]
    pub exclude_started: Option<String>,
    /// But not who was not seen for that many days
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
    pub not_seen_since: Option<u32>,
    /// Also contacts that are blocked, stopped or archived
    #[arg(long)]
    pub include_inactive: bool,
}

/// `render`
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  headcount render 'Hi @contact.name, you are @fields.age' tel:+250788123123")]
pub struct Render {
    /// The message
    #[arg(value_name = "TEMPLATE")]
    pub template: String,
    /// By uuid (or how it begins), address or number
    #[arg(value_name = "CONTACT", value_parser = values::contact)]
    pub contact: ContactRef,
}

/// `campaign`
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  headcount campaign reminders.json")]
pub struct Campaign {
    /// The campaign's points
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}
