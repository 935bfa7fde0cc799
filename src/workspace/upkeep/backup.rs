//! Consistent copies of a workspace while others read and write it.

use std::fs;
use std::io;
use std::path::Path;

use crate::files;
use crate::store::StoreError;
use crate::workspace::Workspace;
use crate::workspace::error::WorkspaceError;

/// How often the files of the text index are copied anew because they changed meanwhile.
const TRIES: usize = 3;

impl Workspace {
    /// Copies the workspace as it is now into a folder that is not there yet. With `compact`, unused pages are left out.
    ///
    /// Others read and write meanwhile. The copy holds everything that was committed before this was called. If the text
    /// index was written meanwhile, that of the copy is built anew, which takes about as long as an import.
    ///
    /// # Errors
    /// If the folder has something in it, the disk is full, or the system refuses; then there is nothing at the place.
    pub fn backup(&self, target: &Path, compact: bool) -> Result<(), WorkspaceError> {
        let backup = self.store.backup(target)?;
        // The text index first, so that the store's generation is the later one: it tells whether the two fit.
        for _ in 0..TRIES {
            if copy_files(self.text.folder(), &backup.text_folder())? {
                break;
            }
        }
        // It is made whole where it is: a copy that has its place needs nothing more.
        let copy = Workspace::open(backup.copy(compact)?)?;
        if !copy.has_current_text()? {
            let clock = copy.store.read()?.view().state().clock;
            copy.rebuild(clock)?;
        }
        drop(copy);
        Ok(backup.place()?)
    }

    /// Writes the store anew without free pages, and puts that in its place. Gives the bytes of its file before and after.
    ///
    /// This handle of the workspace, and those of other processes, are of the files before: what they begin from now on
    /// fails with [`StoreError::Replaced`] until they open it again. What they are reading stays as it was.
    ///
    /// Cost: the store is read and written; until it is done it takes as much room again.
    ///
    /// # Errors
    /// If the disk is full or the system refuses; then the store is as it was.
    pub fn compact(&self) -> Result<(u64, u64), WorkspaceError> {
        let before = self.store.usage()?.file_bytes;
        self.store.write()?.rewrite()?;
        Ok((before, Workspace::open(self.folder())?.store.usage()?.file_bytes))
    }

    /// Whether the text index has what the store counts on.
    fn has_current_text(&self) -> Result<bool, WorkspaceError> {
        let (answers, snapshot) = self.text.open_with(&self.store)?;
        if snapshot.view().state().generation == 0 {
            return Ok(true);
        }
        Ok(answers.source(&self.text, snapshot.view())?.is_some())
    }
}

/// Copies the files of a folder; `false` if one of them went away meanwhile.
fn copy_files(from: &Path, to: &Path) -> Result<bool, WorkspaceError> {
    let failed = |doing: &'static str, path: &Path, error: io::Error| StoreError::io(doing, path, error);
    if !from.is_dir() {
        return Ok(true);
    }
    for entry in fs::read_dir(from).map_err(|error| failed("read the folder", from, error))? {
        let entry = entry.map_err(|error| failed("read the folder", from, error))?;
        let name = entry.file_name();
        // Whoever writes holds locks; a copy is written by nobody.
        if name.to_string_lossy().ends_with(".lock") {
            continue;
        }
        match copy_file(&entry.path(), &to.join(&name)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(failed("copy", &entry.path(), error).into()),
        }
    }
    files::sync_folder(to).map_err(|error| failed("sync", to, error))?;
    Ok(true)
}

/// Copies a file for its owner alone; the copy lasts once this returns, but for its name.
fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = fs::File::open(from)?;
    let mut copy = files::private().write(true).create(true).truncate(true).open(to)?;
    io::copy(&mut source, &mut copy)?;
    copy.sync_all()
}
