//! Damage put right: what follows from rows is computed again, in a data file that is written anew.

use std::path::{Path, PathBuf};

use super::{CheckReport, LOST};
use crate::index::text::TextIndex;
use crate::store::{Anew, Store};
use crate::value::Instant;
use crate::workspace::Workspace;
use crate::workspace::error::WorkspaceError;

/// Areas that lie beside the data file, and are put right where they are.
const BESIDE: [&str; 3] = ["text", "note", "erasure"];

/// What a repair found and did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Repaired {
    /// What was wrong.
    pub before: CheckReport,
    /// What is wrong now: nothing, or what cannot be put right.
    pub after: CheckReport,
    /// Where the damaged data file is kept, if another was written in its place.
    pub kept: Option<PathBuf>,
}

impl Workspace {
    /// Checks, and puts right what can be; then checks once more.
    ///
    /// The data file is written anew from all values that nothing else tells, if every one of them can be read and is of
    /// the last commit; what follows from them is computed again; and the new file takes the place of the old one if it
    /// is found sound. The old one is kept beside it. If something is missing, nothing is changed. Handles of the
    /// workspace, of other processes, too, must be opened again after it.
    ///
    /// Cost: two checks and about an import; as much room again as the data file takes.
    ///
    /// # Errors
    /// If there is no workspace, or the system refuses.
    pub fn repair(path: &Path, now: Instant) -> Result<Repaired, WorkspaceError> {
        let before = Workspace::check(path, now)?;
        let unchanged = |before: CheckReport, why: Option<String>| {
            let mut after = before.clone();
            after.findings.iter_mut().for_each(|finding| finding.repairable = false);
            why.into_iter().for_each(|why| after.find(LOST, false, why));
            Ok(Repaired { before, after, kept: None })
        };
        if before.is_sound() {
            return unchanged(before, None);
        }
        let mut kept = None;
        if before.findings.iter().any(|finding| !BESIDE.contains(&finding.area)) {
            match Store::write_anew(path, |folder| recompute(folder, now)) {
                Ok(Anew::Replaced { kept: old }) => kept = Some(old),
                Ok(Anew::Missing(_)) => return unchanged(before, None),
                Ok(Anew::Refused) => {
                    let why = "the data was written anew for a trial and was not sound: nothing was changed";
                    return unchanged(before, Some(why.to_owned()));
                }
                Err(error) if error.is_damaged() => return unchanged(before, Some(error.to_string())),
                Err(error) => return Err(error),
            }
        }
        let workspace = Workspace::open(path)?;
        if workspace.store.note_is_damaged()? == Some(true) {
            workspace.store.mend_note()?;
        }
        workspace.rebuild_text()?;
        let after = Workspace::check(path, now)?;
        Ok(Repaired { before, after, kept })
    }

    /// Builds the text index anew from the rows.
    fn rebuild_text(&self) -> Result<(), WorkspaceError> {
        let run = self.text.begin_run()?;
        let mut txn = self.store.write()?;
        let documents = txn.view().row_documents()?;
        txn.mark_dirty(&documents)?;
        txn.commit()?;
        self.text.replace(TextIndex::recreate(self.text.folder())?);
        self.index_text(&run)?;
        self.purge_text(&run)
    }
}

/// Computes what follows from rows and definitions in a store that has nothing of it, and says whether it is sound then.
fn recompute(folder: &Path, now: Instant) -> Result<bool, WorkspaceError> {
    let workspace = Workspace::open(folder)?;
    // As of its own clock: what flips later is recorded at its own moments, by the next that writes.
    let clock = workspace.store.read()?.view().state().clock;
    workspace.write(clock, |writer| {
        writer.rebuild_indexes()?;
        writer.rebuild_members()
    })?;
    Ok(workspace.reader(now)?.check()?.is_sound())
}
