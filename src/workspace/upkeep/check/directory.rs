//! What every table holds, value by value and all together; and what is kept outside of the data file.

use super::CheckReport;
use crate::workspace::error::WorkspaceError;
use crate::workspace::read::reader::Reader;

/// Every entry of every table against its checksum, and how many there are against what the commit wrote.
pub(super) fn check(reader: &Reader<'_>, report: &mut CheckReport) -> Result<(), WorkspaceError> {
    let view = reader.snapshot().view();
    view.audit(|wrong| report.find(wrong.table, wrong.is_derived, wrong.message))?;
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
