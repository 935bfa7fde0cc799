//! What must exist: the entries of each table against the directory that every commit writes, and what is kept outside of
//! the data file.

use super::CheckReport;
use crate::workspace::error::WorkspaceError;
use crate::workspace::read::reader::Reader;

/// Tables that can be built again from the rows.
const DERIVED: [&str; 7] = ["uuids", "urns", "members", "tails", "dirty", "index", "index_delta"];

pub(super) fn check(reader: &Reader<'_>, report: &mut CheckReport) -> Result<(), WorkspaceError> {
    let view = reader.snapshot().view();
    match view.directory() {
        Ok(None) => {}
        Ok(Some(directory)) => {
            for (name, expected) in directory {
                // Each entry is visited: one that cannot be reached is one that no read finds.
                let found = view.count_entries(name);
                if found != Some(expected) {
                    let found = found.map_or_else(|| "what cannot be read".to_owned(), |found| found.to_string());
                    let message = format!("the table {name} has {found} entries where there should be {expected}");
                    report.find("directory", DERIVED.contains(&name), message);
                }
            }
        }
        Err(error) => report.find("directory", false, error.to_string()),
    }
    let store = reader.store();
    match store.note_is_damaged() {
        Ok(Some(true)) => report.find("note", true, "the note of the last commit, beside the data file, is damaged"),
        Ok(_) => {}
        Err(error) => report.find("note", false, error.to_string()),
    }
    if store.has_older_data() {
        report.find(
            "erasure",
            true,
            "the data file from before a contact was erased is still there; it may be removed",
        );
    }
    if view.purge_is_due()? {
        let message = "the text index may hold words of a contact that was erased; `headcount index` takes them out";
        report.find("erasure", true, message);
    }
    Ok(())
}
