//! The folder of the text index: what tantivy makes of a folder, made to last, and for its owner alone.
//!
//! tantivy syncs a file, renames it to its place, and removes what it replaces; it leaves open whether the rename or the
//! removal reaches the disk first. Here the folder is synced after each rename: a commit that was made is there after a
//! loss of power, and so is everything that it counts on.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tantivy::Index;
use tantivy::directory::error::{DeleteError, LockError, OpenReadError, OpenWriteError};
use tantivy::directory::{
    Directory, DirectoryLock, FileHandle, Lock, META_LOCK, MmapDirectory, WatchCallback, WatchHandle, WritePtr,
};

use crate::files;
use crate::ids::Uuid;
use crate::index::IndexError;

/// What failed, and while doing what.
pub(super) fn failed(doing: &str, error: impl std::fmt::Display) -> IndexError {
    IndexError::Text(format!("{doing}: {error}"))
}

/// A folder for tantivy.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    path: PathBuf,
    inner: MmapDirectory,
}

impl Folder {
    /// Opens the folder, or makes it.
    pub(super) fn open(path: &Path) -> Result<Self, IndexError> {
        files::make_private_folder(path).map_err(|error| failed("making its folder", error))?;
        let inner = MmapDirectory::open(path).map_err(|error| failed("opening its folder", error))?;
        Ok(Folder { path: path.to_owned(), inner })
    }
}

impl Directory for Folder {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        self.inner.get_file_handle(path)
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        self.inner.delete(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.inner.exists(path)
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        let writer = self.inner.open_write(path)?;
        files::make_private(&self.path.join(path))
            .map_err(|error| OpenWriteError::wrap_io_error(error, path.to_owned()))?;
        Ok(writer)
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        self.inner.atomic_read(path)
    }

    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        files::write_whole(&self.path.join(path), data)
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.inner.sync_directory()
    }

    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        self.inner.acquire_lock(lock)
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        self.inner.watch(callback)
    }
}

/// Removes the index: first out of its place, in one step, then file by file. Only for whoever has the right to index.
pub(super) fn remove(path: &Path) -> Result<(), IndexError> {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let prefix = format!(".{name}.");
    let io = |error: io::Error| failed("removing its folder", error);
    let aside = path.with_file_name(format!("{prefix}{}", Uuid::random()));
    files::gone(fs::rename(path, &aside)).map_err(io)?;
    // Those that somebody did not come to remove go with it.
    for entry in fs::read_dir(files::parent(path)).map_err(io)? {
        let entry = entry.map_err(io)?;
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            files::gone(fs::remove_dir_all(entry.path())).map_err(io)?;
        }
    }
    Ok(())
}

/// Removes files that no commit counts on: those of a run that ended before its commit, whose names the next run would
/// take again. Only for whoever has the right to index.
pub(super) fn remove_leftovers(index: &Index, path: &Path) -> Result<(), IndexError> {
    let io = |error: io::Error| failed("removing what an earlier run left", error);
    // Nobody is between reading the list of files and opening them.
    let _lock =
        index.directory().acquire_lock(&META_LOCK).map_err(|error| failed("locking its list of files", error))?;
    let metas = index.load_metas().map_err(|error| failed("reading its metadata", error))?;
    let counted: HashSet<PathBuf> = metas.list_segment_files();
    for entry in fs::read_dir(path).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name();
        let is_temporary = name.to_string_lossy().starts_with(".tmp") || files::is_unfinished(&name.to_string_lossy());
        let is_of_a_segment = !name.to_string_lossy().starts_with('.') && name != "meta.json";
        if entry.file_type().map_err(io)?.is_file()
            && (is_temporary || is_of_a_segment)
            && !counted.contains(Path::new(&name))
        {
            files::gone(fs::remove_file(entry.path())).map_err(io)?;
        }
    }
    Ok(())
}
