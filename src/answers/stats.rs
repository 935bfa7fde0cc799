//! Sizes and counts, as they are given out.

use serde::Serialize;

use crate::answers::shapes::{as_text, as_text_or_null};
use crate::value::Instant;
use crate::workspace::Stats;

/// A table of the store, as `stats` gives it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct TableItem {
    /// Its name.
    pub name: &'static str,
    /// Keys.
    pub entries: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Bytes on disk by contacts.
    pub bytes_per_contact: u64,
}

/// Who holds the oldest snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct OldestReaderItem {
    /// The number of the process.
    pub process: u32,
    /// Commits made since.
    pub commits_behind: u64,
}

/// The answer of `stats`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct StatsItem {
    /// Contacts.
    pub contacts: u64,
    /// Addresses.
    pub urns: u64,
    /// Groups, manual and smart.
    pub groups: u64,
    /// Entries of the membership log.
    pub log_entries: u64,
    /// Contacts whose words are not in the text index yet.
    pub dirty: u64,
    /// The clock.
    #[serde(serialize_with = "as_text")]
    pub clock: Instant,
    /// The next moment at which a membership flips by itself.
    #[serde(serialize_with = "as_text_or_null")]
    pub next_due: Option<Instant>,
    /// Bytes of the store's file.
    pub file_bytes: u64,
    /// Bytes of it that hold nothing.
    pub free_bytes: u64,
    /// Bytes of the text index.
    pub text_bytes: u64,
    /// Bytes of both by contacts.
    pub bytes_per_contact: u64,
    /// Reader slots in use at once so far.
    pub readers: u32,
    /// The oldest snapshot that another process reads, where that is known.
    pub oldest_reader: Option<OldestReaderItem>,
    /// Tables of the store.
    pub tables: Vec<TableItem>,
}

impl From<&Stats> for StatsItem {
    fn from(stats: &Stats) -> Self {
        let for_each = |bytes: u64| bytes.checked_div(stats.contacts).unwrap_or_default();
        let tables = stats.tables.iter().map(|table| TableItem {
            name: table.name,
            entries: table.entries,
            bytes: table.bytes,
            bytes_per_contact: for_each(table.bytes),
        });
        StatsItem {
            contacts: stats.contacts,
            urns: stats.urns,
            groups: stats.groups,
            log_entries: stats.log_entries,
            dirty: stats.dirty,
            clock: stats.clock,
            next_due: stats.next_due,
            file_bytes: stats.file_bytes,
            free_bytes: stats.free_bytes,
            text_bytes: stats.text_bytes,
            bytes_per_contact: for_each(stats.file_bytes + stats.text_bytes),
            readers: stats.readers,
            oldest_reader: stats
                .oldest_reader
                .map(|reader| OldestReaderItem { process: reader.process, commits_behind: reader.commits_behind }),
            tables: tables.collect(),
        }
    }
}
