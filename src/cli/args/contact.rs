//! `contact …` and `why`

use clap::{Args, Subcommand};

use super::values;
use crate::contact::Status;
use crate::value::Urn;
use crate::workspace::change::ContactRef;

/// `why`
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  headcount why tel:+250788123123 Adults")]
pub struct Why {
    /// By uuid (or how it begins), address, phone number, reference or name
    #[arg(value_name = "CONTACT", value_parser = values::contact)]
    pub contact: ContactRef,
    /// The group's name or uuid
    #[arg(value_name = "GROUP", value_parser = values::name)]
    pub group: String,
}

/// A contact.
#[derive(Args, Debug)]
pub struct Who {
    /// By uuid (or how it begins), address, phone number, reference or name
    #[arg(value_name = "CONTACT", value_parser = values::contact)]
    pub contact: ContactRef,
}

/// `contact …`
#[derive(Subcommand, Debug)]
pub enum ContactCommand {
    /// Show a contact
    #[command(after_help = "Example:\n  headcount contact show tel:+250788123123")]
    Show(Who),
    /// List the groups that a contact is in
    #[command(after_help = "Example:\n  headcount contact groups tel:+250788123123")]
    Groups(Who),
    /// Tell when a contact entered and left groups, and why
    #[command(after_help = "Example:\n  headcount contact timeline tel:+250788123123")]
    Timeline(Who),
    /// Make a contact by hand
    #[command(
        after_help = "Example:\n  headcount contact create --name 'Dan Iraguha' --urn tel:+250788123129 --field age=41"
    )]
    Create(Values),
    /// Change a contact by hand
    #[command(
        after_help = "Example:\n  headcount contact edit tel:+250788123123 --name Ann --field age=36 --field city="
    )]
    Edit(Edit),
    /// Delete a contact
    #[command(after_help = "Example:\n  headcount contact delete tel:+250788123123")]
    Delete {
        /// By uuid (or how it begins), address, phone number, reference or name
        #[arg(value_name = "CONTACT", value_parser = values::contact)]
        contact: ContactRef,
        /// Also take the person out of everything that remembers: rows, text index, tombstone
        #[arg(long)]
        erase: bool,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

/// `contact edit`
#[derive(Args, Debug)]
pub struct Edit {
    /// By uuid (or how it begins), address, phone number, reference or name
    #[arg(value_name = "CONTACT", value_parser = values::contact)]
    pub contact: ContactRef,
    /// What is to be.
    #[command(flatten)]
    pub values: Values,
}

/// What a contact is to be.
#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("edits").required(true).multiple(true))]
pub struct Values {
    /// The name; empty to clear
    #[arg(long, group = "edits")]
    pub name: Option<String>,
    /// The language, three letters; empty to clear
    #[arg(long, group = "edits", value_parser = language)]
    pub language: Option<String>,
    /// active, blocked, stopped or archived
    #[arg(long, group = "edits", value_parser = status)]
    pub status: Option<Status>,
    /// All addresses, in order; may be repeated
    #[arg(long = "urn", value_name = "URN", group = "edits", value_parser = urn)]
    pub urns: Vec<Urn>,
    /// A field; empty to clear; may be repeated
    #[arg(long = "field", value_name = "KEY=VALUE", group = "edits", value_parser = values::assignment)]
    pub fields: Vec<(String, String)>,
}

fn status(text: &str) -> Result<Status, String> {
    Status::from_name(text).ok_or_else(|| "a status is active, blocked, stopped or archived".to_owned())
}

/// A code of three letters, or a name that people give a language.
fn language(text: &str) -> Result<String, String> {
    use crate::sema::languages::{is_language, meant};
    match meant(text) {
        _ if text.is_empty() || is_language(text) => Ok(text.to_owned()),
        Some(code) => Ok(code.to_owned()),
        None => Err("a language is a code of three letters, such as eng".to_owned()),
    }
}

fn urn(text: &str) -> Result<Urn, String> {
    Urn::parse(text).map_err(|error| error.to_string())
}
