//! Synthetic workspaces: believable contacts, groups and changes, in any number, the same for the same seed.
//!
//! Contacts come from several countries, with names of their cultures and scripts, phone numbers that are valid there,
//! places in a hierarchy, ages and dates skewed as in life, fields missing at different rates, and texts that do not
//! convert. Groups are of the kinds that people make. Changes are a stream as platforms send it.
//!
//! Everything is drawn in whole numbers from the seed and an index: the bytes are the same on every platform, contact
//! `i` does not depend on the others, and any part can be had without the rest. The lists behind it are in
//! `corpus/generate/`. All people are invented.
//!
//! ```
//! use headcount::internals::generate::{Generator, Options};
//! let generator = Generator::new(&Options { contacts: 100, groups: 5, changes: 10, ..Options::default() }).unwrap();
//! let contact = generator.contact(41);
//! assert_eq!(contact, generator.contacts().nth(41).unwrap());
//! assert!(generator.groups().iter().all(|group| !group.query.is_empty()));
//! assert_eq!(generator.changes().count(), 10);
//! ```

mod addresses;
mod answers;
mod calendar;
mod lines;
mod lists;
mod people;
mod queries;
mod random;
mod stream;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use rayon::prelude::*;

use crate::value::Instant;
use crate::workspace::change::ContactPatch;

pub use lines::{write_change, write_contact};
pub use queries::GroupDefinition;
pub use stream::Changes;

use addresses::MOST_CONTACTS;
use lines::push_text;
use lists::WORLD;
use people::People;

/// Contacts that one task draws, and tasks between two writes: together they bound memory to some 50 MB.
const CONTACTS_A_TASK: u64 = 1_024;
const TASKS_A_WRITE: u64 = 32;

/// What to generate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// Contacts in the file of contacts; with the changes at most 20 million.
    pub contacts: u64,
    /// Smart groups.
    pub groups: u64,
    /// Changes.
    pub changes: u64,
    /// Other seeds give other people.
    pub seed: u64,
    /// The present: nobody was seen after it, and changes follow it.
    pub now: Instant,
    /// How many groups of a hundred are in the extended dialect: with relative dates, lists, ranges, other groups. The
    /// rest is valid, and means the same, in both dialects.
    pub extended_groups: u32,
    /// A name for the stream: then each change carries it with an offset, from 1, so that it can be replayed.
    pub source: Option<Box<str>>,
}

impl Default for Options {
    /// A thousand contacts, 50 groups, a thousand changes, on 15 June 2026 at noon UTC.
    fn default() -> Self {
        Options {
            contacts: 1_000,
            groups: 50,
            changes: 1_000,
            seed: 1,
            now: Instant::from_micros(1_781_524_800_000_000),
            extended_groups: 0,
            source: None,
        }
    }
}

/// What [`generate`] wrote.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// Lines of `contacts.jsonl`.
    pub contacts: u64,
    /// Groups in `groups.json`.
    pub groups: u64,
    /// Lines of `changes.jsonl`.
    pub changes: u64,
    /// Bytes of all files.
    pub bytes: u64,
}

/// More contacts were asked for than there are phone numbers to give.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooMany;

impl fmt::Display for TooMany {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "contacts and changes together may be at most {MOST_CONTACTS}: there are no more phone numbers")
    }
}

impl std::error::Error for TooMany {}

/// Draws contacts, groups and changes in memory.
#[derive(Clone, Debug)]
pub struct Generator {
    options: Options,
    people: People,
}

impl Generator {
    /// Prepares to draw; cheap.
    ///
    /// # Errors
    /// If more contacts and changes are asked for than there are phone numbers.
    pub fn new(options: &Options) -> Result<Self, TooMany> {
        if options.contacts.saturating_add(options.changes) > MOST_CONTACTS {
            return Err(TooMany);
        }
        Ok(Generator { people: People::new(options.seed), options: options.clone() })
    }

    /// What is generated.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The schema file: fields, manual groups and flows that contacts use.
    pub fn schema_json(&self) -> String {
        let mut out = String::from("{\n \"fields\": [");
        for (at, (key, name, kind)) in answers::FIELDS.iter().enumerate() {
            let separator = if at > 0 { "," } else { "" };
            out.push_str(&format!("{separator}\n  {{\"key\":\"{key}\",\"name\":\"{name}\",\"type\":\"{kind}\"}}"));
        }
        out.push_str("\n ],\n \"groups\": [");
        push_texts(&mut out, WORLD.groups.items());
        out.push_str("],\n \"flows\": [");
        push_texts(&mut out, WORLD.flows.items());
        out.push_str("]\n}\n");
        out
    }

    /// The contact at an index: any index, also beyond the number asked for. Costs some microseconds.
    pub fn contact(&self, index: u64) -> ContactPatch {
        self.people.contact(index, self.options.now).1
    }

    /// All contacts in order.
    pub fn contacts(&self) -> impl Iterator<Item = ContactPatch> + '_ {
        (0..self.options.contacts).map(|index| self.contact(index))
    }

    /// All smart groups. Their names differ from each other and from those of manual groups, ignoring case.
    pub fn groups(&self) -> Vec<GroupDefinition> {
        queries::groups(&self.options)
    }

    /// The groups file.
    pub fn groups_json(&self) -> String {
        let mut out = String::from("{\"groups\":[");
        for (at, group) in self.groups().iter().enumerate() {
            out.push_str(if at > 0 { ",\n {\"name\":" } else { "\n {\"name\":" });
            push_text(&mut out, &group.name);
            out.push_str(",\"query\":");
            push_text(&mut out, &group.query);
            out.push('}');
        }
        out.push_str("\n]}\n");
        out
    }

    /// All changes in order: each makes sense after the ones before it.
    pub fn changes(&self) -> Changes<'_> {
        Changes::new(&self.people, &self.options)
    }

    /// Writes the contacts as JSON lines, drawn in parallel, in bounded memory.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_contacts(&self, mut out: impl Write) -> io::Result<u64> {
        crate::threads::start()?;
        let mut bytes = 0;
        let mut next = 0;
        while next < self.options.contacts {
            let tasks = (0..TASKS_A_WRITE).map(|task| next + task * CONTACTS_A_TASK);
            let starts: Vec<u64> = tasks.filter(|&start| start < self.options.contacts).collect();
            let texts: Vec<String> = starts
                .par_iter()
                .map(|&start| {
                    let mut text = String::new();
                    for index in start..(start + CONTACTS_A_TASK).min(self.options.contacts) {
                        write_contact(&mut text, &self.contact(index));
                        text.push('\n');
                    }
                    text
                })
                .collect();
            for text in texts {
                out.write_all(text.as_bytes())?;
                bytes += text.len() as u64;
            }
            next += TASKS_A_WRITE * CONTACTS_A_TASK;
        }
        out.flush()?;
        Ok(bytes)
    }

    /// Writes the changes as JSON lines.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_changes(&self, mut out: impl Write) -> io::Result<u64> {
        let mut bytes = 0;
        let mut line = String::new();
        for change in self.changes() {
            line.clear();
            write_change(&mut line, &change);
            line.push('\n');
            out.write_all(line.as_bytes())?;
            bytes += line.len() as u64;
        }
        out.flush()?;
        Ok(bytes)
    }
}

fn push_texts(out: &mut String, texts: &[&str]) {
    for (at, text) in texts.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        push_text(out, text);
    }
}

/// Writes `schema.json`, `contacts.jsonl`, `groups.json` and `changes.jsonl` into a folder, which is made if missing.
/// Files of these names are replaced. A million contacts take a few seconds.
///
/// # Errors
/// If more contacts and changes are asked for than there are phone numbers ([`io::ErrorKind::InvalidInput`]), or if a
/// file cannot be written.
pub fn generate(dir: &Path, options: &Options) -> io::Result<Summary> {
    let generator = Generator::new(options).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    fs::create_dir_all(dir)?;
    let schema = generator.schema_json();
    fs::write(dir.join("schema.json"), &schema)?;
    let groups = generator.groups_json();
    fs::write(dir.join("groups.json"), &groups)?;
    let contact_bytes = generator.write_contacts(BufWriter::new(File::create(dir.join("contacts.jsonl"))?))?;
    let change_bytes = generator.write_changes(BufWriter::new(File::create(dir.join("changes.jsonl"))?))?;
    Ok(Summary {
        contacts: options.contacts,
        groups: options.groups,
        changes: options.changes,
        bytes: schema.len() as u64 + groups.len() as u64 + contact_bytes + change_bytes,
    })
}
