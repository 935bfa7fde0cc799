//! A page that shows a workspace at a glance: groups and their sizes, who enters and leaves, which groups share their
//! members, how far fields are filled and with what, and what groups cost.
//!
//! | module | job |
//! | --- | --- |
//! | `contacts`, `groups`, `movements`, `fields`, `cost` | the figures, each from the index or log that knows them |
//! | `overlap`, `axis` | combinations of sets; spans of time and numbers in round pieces |
//! | `page` | HTML and SVG |
//!
//! The page is one file without scripts that fetches nothing: it carries a policy that forbids both. Every name in it is
//! escaped. Addresses show nowhere but in queries of groups that name them, which a workspace that hides addresses does not
//! have; nor are their schemes told of one.
//!
//! Architecture invariant: `page` knows nothing of readers and indexes, the other modules nothing of HTML.

mod axis;
mod contacts;
mod cost;
mod fields;
mod groups;
mod movements;
mod overlap;
mod page;

use std::time::Duration;

pub use cost::{Cost, Costs, measure};

use crate::ids::{Block, DocumentNumber, GroupId};
use crate::value::Instant;
use crate::workspace::{Reader, WorkspaceError};
use contacts::Contacts;
use fields::{FieldFigures, Tallies};
use groups::Groups;
use movements::Movements;

/// What the page is to show.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// The heading.
    pub title: String,
    /// Groups whose sizes are drawn; all others are counted.
    pub groups: usize,
    /// Fields that are drawn; all others are counted.
    pub fields: usize,
    /// How long computing groups from nothing, to tell what they cost, may take.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options { title: "Contacts and groups".to_owned(), groups: 25, fields: 60, patience: Duration::from_secs(5) }
    }
}

/// A line through sizes, as the page of the report draws it: an SVG that is as wide as there is room for it. Nothing is
/// drawn of fewer than two.
pub fn line(sizes: &[u64]) -> String {
    page::line(sizes)
}

/// The figures of a workspace at one moment.
#[derive(Debug)]
pub struct Report {
    title: String,
    now_text: String,
    zone_name: String,
    hides_addresses: bool,
    contacts_total: u64,
    next_due: Option<String>,
    contacts: Contacts,
    groups: Groups,
    /// Groups whose sizes are drawn.
    drawn_groups: usize,
    movements: Option<Movements>,
    fields: Vec<FieldFigures>,
    /// Fields that are not among them.
    more_fields: usize,
    costs: Costs,
}

impl Report {
    /// Computes the figures as of the reader's moment.
    ///
    /// Cost: a pass over all memberships, the values of all fields in the index, the membership log and, where fields hold
    /// numbers or dates, the rows; and [`Options::patience`] at most.
    ///
    /// # Errors
    /// If the store or an index cannot be read.
    ///
    /// ```
    /// use headcount::internals::report::{Options, Report};
    /// use headcount::internals::value::Instant;
    /// use headcount::internals::workspace::{Settings, Workspace};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// let workspace = Workspace::create(&folder.path().join("store"), &Settings::default())?;
    /// let report = Report::gather(&workspace.reader(Instant::now())?, Options::default())?;
    /// assert!(report.to_html().starts_with("<!DOCTYPE html>"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn gather(reader: &Reader<'_>, options: Options) -> Result<Self, WorkspaceError> {
        let zone = &reader.environment().timezone;
        let stats = reader.stats()?;
        let tallies = Tallies::new(reader);
        let contacts = Contacts::read(reader, &tallies, zone)?;
        let groups = Groups::read(reader, &contacts.active)?;
        let drawn_groups = options.groups.min(groups.all.len());
        let drawn: Vec<GroupId> = groups.all.iter().take(drawn_groups).map(|group| group.id).collect();
        let movements = Movements::read(reader, &drawn, zone)?;
        let costs = measure(reader, options.patience)?;
        let schema = reader.schema().fields();
        let blocks: Vec<Block> = match reader.snapshot().view().state().next_document.checked_sub(1) {
            Some(last) => (0..=DocumentNumber(last).block().0).map(Block).collect(),
            None => Vec::new(),
        };
        let unconvertible = tallies.unconvertible(&blocks)?;
        let mut fields = Vec::new();
        for field in schema.iter().take(options.fields) {
            let mut figures = tallies.field(field, zone)?;
            figures.unconvertible = unconvertible.get(&field.id).copied().unwrap_or_default();
            fields.push(figures);
        }
        let local = |moment: Instant| moment.timestamp().to_zoned(zone.clone());
        Ok(Report {
            title: options.title,
            now_text: local(reader.now()).strftime("%-d %B %Y, %H:%M").to_string(),
            zone_name: reader.settings().timezone,
            hides_addresses: reader.environment().redact_urns,
            contacts_total: stats.contacts,
            next_due: stats.next_due.map(|due| {
                let is_near = local(due).year() == local(reader.now()).year();
                local(due).strftime(if is_near { "%-d %b, %H:%M" } else { "%-d %b %Y" }).to_string()
            }),
            contacts,
            groups,
            drawn_groups,
            movements,
            more_fields: schema.len() - fields.len(),
            fields,
            costs,
        })
    }

    /// The page.
    pub fn to_html(&self) -> String {
        page::render(self)
    }
}
