//! Law 5, proved from the rows: every index, membership, log entry and checksum against what the rows say.
//!
//! Rows are taken for true if their checksums hold. Everything else is computed again, by the plain evaluator and not by
//! what keeps it, and compared.

mod directory;
mod indexes;
mod memberships;
mod text;

use std::fmt;

use crate::ids::Sequence;
use crate::store::{urn_hash, uuid_hash};
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

impl Reader<'_> {
    /// Recomputes everything from the rows and compares.
    ///
    /// Cost: a pass over all rows for the indexes, and one evaluation of each group for each contact.
    ///
    /// # Errors
    /// If the store cannot be read at all; damage is a finding, not an error.
    pub fn check(&self) -> Result<CheckReport, WorkspaceError> {
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
            let (document, row) = match entry {
                Ok(found) => found,
                Err(error) => {
                    report.find("rows", false, error.to_string());
                    continue;
                }
            };
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
            match entry {
                Ok((hash, document)) => {
                    let row = view.row(document).ok().flatten();
                    if row.is_none_or(|row| uuid_hash(row.uuid()) != hash) {
                        report.find("identities", true, format!("one leads to {document:?}, who does not have it"));
                    }
                }
                Err(error) => report.find("identities", true, error.to_string()),
            }
        }
        for entry in view.urns()? {
            urn_entries += 1;
            let (hash, document) = match entry {
                Ok(found) => found,
                Err(error) => {
                    report.find("addresses", true, error.to_string());
                    continue;
                }
            };
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
