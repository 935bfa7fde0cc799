//! Law 5, proved from the rows: every index, membership, log entry and checksum against what the rows say.
//!
//! First the pages of the data file are walked with plain reads, since LMDB trusts them; where they are not sound, LMDB
//! is not asked. Then every value of every table is read. Rows are taken for true if their checksums hold and they are those
//! that the last commit counted. Everything else is computed again, by the plain evaluator and not by what keeps it, and
//! compared.

mod directory;
mod indexes;
mod memberships;
pub(crate) mod repair;
mod text;

use std::fmt;

use std::path::Path;

use crate::ids::Sequence;
use crate::store::{Store, urn_hash, uuid_hash};
use crate::value::Instant;
use crate::workspace::Workspace;
use crate::workspace::error::WorkspaceError;
use crate::workspace::read::reader::Reader;

/// What a check found wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Which structure.
    pub area: &'static str,
    /// What is wrong with it, and where.
    pub message: String,
    /// Whether it can be built again from the rows.
    pub repairable: bool,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.area, self.message)
    }
}

/// What a check looked at and found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CheckReport {
    /// Rows read.
    pub contacts: u64,
    /// Addresses compared.
    pub urns: u64,
    /// Pairs of value and contact compared in attribute indexes.
    pub index_entries: u64,
    /// Words compared in the text index.
    pub words: u64,
    /// Groups computed again.
    pub groups: u64,
    /// Memberships compared.
    pub memberships: u64,
    /// Entries of the log replayed.
    pub log_entries: u64,
    /// Everything that is wrong.
    pub findings: Vec<Finding>,
}

/// As many findings of one area are listed; the rest is counted.
const LISTED: usize = 20;

impl CheckReport {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }

    fn find(&mut self, area: &'static str, repairable: bool, message: impl Into<String>) {
        let listed = self.findings.iter().filter(|finding| finding.area == area).count();
        match listed.cmp(&LISTED) {
            std::cmp::Ordering::Less => self.findings.push(Finding { area, message: message.into(), repairable }),
            std::cmp::Ordering::Equal => {
                self.findings.push(Finding { area, message: "and more".to_owned(), repairable });
            }
            std::cmp::Ordering::Greater => {}
        }
    }
}

/// Findings about pages of the data file.
const PAGES: &str = "pages";

/// Findings about what is not there any more, and follows from nothing else.
const LOST: &str = "lost";

impl Workspace {
    /// Checks a workspace as [`Reader::check`] does, also one that is so damaged that it cannot be opened.
    ///
    /// Cost: as [`Reader::check`].
    ///
    /// # Errors
    /// If there is no workspace, or the system does not let it be read; damage is a finding, not an error.
    pub fn check(path: &Path, now: Instant) -> Result<CheckReport, WorkspaceError> {
        let mut report = CheckReport::default();
        match Workspace::open(path) {
            Ok(workspace) if report.find_pages(&workspace.store.check_pages()?) => {
                match workspace.reader(now).and_then(|reader| reader.check_contents()) {
                    Err(error) if error.is_damaged() => report.find("store", false, error.to_string()),
                    checked => report = checked?,
                }
            }
            Ok(_) => {}
            Err(error) if error.is_damaged() => match Store::check_pages_of(path) {
                Ok(problems) if !problems.is_empty() => {
                    report.find_pages(&problems);
                }
                _ => report.find("store", false, error.to_string()),
            },
            Err(error) => return Err(error),
        }
        report.find_lost(path);
        Ok(report)
    }
}

impl CheckReport {
    /// Tells what is wrong with pages; whether nothing is.
    fn find_pages(&mut self, problems: &[String]) -> bool {
        problems.iter().for_each(|problem| self.find(PAGES, true, problem.as_str()));
        problems.is_empty()
    }

    /// If something is wrong that cannot be computed, or pages are, tells what cannot be read and follows from nothing
    /// else: the contacts by name.
    fn find_lost(&mut self, path: &Path) {
        if !self.findings.iter().any(|finding| !finding.repairable || finding.area == PAGES) {
            return;
        }
        match Store::missing_of(path) {
            Ok(missing) => missing.into_iter().for_each(|lost| self.find(LOST, false, lost)),
            // It is what kept the store from being opened, and was told.
            Err(_) if self.findings.iter().any(|finding| finding.area == "store") => {}
            Err(error) => self.find(LOST, false, error.to_string()),
        }
    }
}

impl Reader<'_> {
    /// Walks the pages of the data file, recomputes everything from the rows and compares.
    ///
    /// Cost: a pass over all rows for the indexes, and one evaluation of each group for each contact.
    ///
    /// # Errors
    /// If the store cannot be read at all; damage is a finding, not an error.
    pub fn check(&self) -> Result<CheckReport, WorkspaceError> {
        let mut report = CheckReport::default();
        if report.find_pages(&self.store().check_pages()?) { self.check_contents() } else { Ok(report) }
    }

    /// The same where the pages are sound.
    fn check_contents(&self) -> Result<CheckReport, WorkspaceError> {
        let mut report = CheckReport::default();
        directory::check(self, &mut report)?;
        self.check_rows(&mut report)?;
        indexes::check(self, &mut report)?;
        text::check(self, &mut report)?;
        memberships::check(self, &mut report)?;
        self.check_log_readable(&mut report)?;
        Ok(report)
    }

    /// Rows, identities and addresses.
    fn check_rows(&self, report: &mut CheckReport) -> Result<(), WorkspaceError> {
        let view = self.snapshot().view();
        let (mut contacts, mut urns) = (0, 0);
        for entry in view.checked_rows()? {
            // What is damaged was told with its table.
            let Ok((document, row)) = entry else { continue };
            contacts += 1;
            if document.0 >= view.state().next_document {
                report.find("rows", false, format!("{document:?} was never given out"));
            }
            match view.document_by_uuid(row.uuid()) {
                Ok(Some(found)) if found == document => {}
                Ok(found) => {
                    report.find("identities", true, format!("{} leads to {found:?}, not {document:?}", row.uuid()))
                }
                Err(error) => report.find("identities", true, error.to_string()),
            }
            for urn in row.urns() {
                urns += 1;
                let identity = urn.identity();
                match view.document_by_urn(&identity) {
                    Ok(Some(found)) if found == document => {}
                    Ok(found) => {
                        report.find("addresses", true, format!("an address of {document:?} leads to {found:?}"));
                    }
                    Err(error) => report.find("addresses", true, error.to_string()),
                }
            }
        }
        let (mut uuid_entries, mut urn_entries) = (0u64, 0u64);
        for entry in view.uuids()? {
            uuid_entries += 1;
            let Ok((hash, document)) = entry else { continue };
            let row = view.row(document).ok().flatten();
            if row.is_none_or(|row| uuid_hash(row.uuid()) != hash) {
                report.find("identities", true, format!("one leads to {document:?}, who does not have it"));
            }
        }
        for entry in view.urns()? {
            urn_entries += 1;
            let Ok((hash, document)) = entry else { continue };
            let row = view.row(document).ok().flatten();
            if !row.is_some_and(|row| row.urns().any(|urn| urn_hash(&urn.identity()) == hash)) {
                report.find("addresses", true, format!("an address leads to {document:?}, who does not hold it"));
            }
        }
        let state = view.state();
        let counts = [
            ("contacts", state.contacts, contacts),
            ("identities", contacts, uuid_entries),
            ("addresses", urns, urn_entries),
            ("addresses counted", state.urns, urns),
        ];
        for (what, expected, found) in counts {
            if expected != found {
                report.find("counts", true, format!("{what}: {found} where there should be {expected}"));
            }
        }
        report.contacts = contacts;
        report.urns = urns;
        Ok(())
    }

    /// Every entry from the horizon on is there and whole, and times never decrease.
    fn check_log_readable(&self, report: &mut CheckReport) -> Result<(), WorkspaceError> {
        let view = self.snapshot().view();
        let state = view.state();
        let mut time = state.horizon_time;
        for number in state.horizon.0 + 1..=state.sequence.0 {
            match view.log_entry(Sequence(number)) {
                Ok(Some(entry)) => {
                    if entry.time < time {
                        report.find("log", false, format!("entry {number} is earlier than the one before it"));
                    }
                    time = entry.time;
                    report.log_entries += 1;
                }
                Ok(None) => report.find("log", false, format!("entry {number} is not there")),
                Err(error) => report.find("log", false, error.to_string()),
            }
        }
        if time > state.clock {
            report.find("log", false, "the last entry is later than the clock");
        }
        Ok(())
    }
}
