//! Consistent copies of a store while others write to it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use heed::CompactionOption;

use super::environment::DATA_FILE;
use super::error::StoreError;
use super::{Store, TEXT_FOLDER, fail, marker};
use crate::ids::Uuid;

/// A copy in the making, beside its place. Dropping it takes it away again.
#[derive(Debug)]
pub struct Backup<'s> {
    store: &'s Store,
    target: PathBuf,
    staging: Staging,
}

impl<'s> Backup<'s> {
    pub(crate) fn begin(store: &'s Store, target: &Path) -> Result<Self, StoreError> {
        let target = free_place(target)?;
        let staging = Staging::beside(&target)?;
        staging.make_text_folder()?;
        Ok(Backup { store, target, staging })
    }

    /// Where a copy of the text index may be put, before [`Backup::finish`] copies the store: so that the store's
    /// generation is the later one, as a reader expects. Without one, the text index is built anew from the rows.
    pub fn text_folder(&self) -> PathBuf {
        self.staging.folder.join(TEXT_FOLDER)
    }

    /// Copies the store as it is now, and moves the copy to its place.
    ///
    /// With `compact`, free pages are left out: smaller, and slower.
    ///
    /// # Errors
    /// If the disk is full or the system refuses; then there is nothing at the place.
    pub fn finish(self, compact: bool) -> Result<(), StoreError> {
        let option = if compact { CompactionOption::Enabled } else { CompactionOption::Disabled };
        let data = self.staging.folder.join(DATA_FILE);
        let file = self.store.environment.env.copy_to_path(&data, option)?;
        file.sync_all().map_err(|error| StoreError::io("write", &data, error))?;
        let identity = self.store.read()?.view().identity()?;
        fail::point(fail::Point::BeforeBackupRename)?;
        self.staging.finish(&self.target, identity)
    }
}

/// A folder that is made beside its place and moved there when it is whole.
#[derive(Debug)]
pub(crate) struct Staging {
    pub(crate) folder: PathBuf,
    is_placed: bool,
}

impl Staging {
    /// An empty folder beside `target`.
    pub(crate) fn beside(target: &Path) -> Result<Self, StoreError> {
        let name = target.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let folder = target.with_file_name(format!(".{name}.{}", Uuid::random()));
        let parent = parent(target);
        fs::create_dir_all(parent).map_err(|error| StoreError::io("make the folder", parent, error))?;
        fs::create_dir(&folder).map_err(|error| StoreError::io("make the folder", &folder, error))?;
        Ok(Staging { folder, is_placed: false })
    }

    /// Makes a folder within it for the text index.
    pub(crate) fn make_text_folder(&self) -> Result<(), StoreError> {
        let text = self.folder.join(TEXT_FOLDER);
        fs::create_dir(&text).map_err(|error| StoreError::io("make the folder", &text, error))
    }

    /// Says that the folder is a store, and moves it to its place.
    pub(crate) fn finish(self, target: &Path, identity: Uuid) -> Result<(), StoreError> {
        marker::write(&self.folder, marker::Marked { identity, data: 0 })?;
        self.place(target)
    }

    /// Moves the folder to its place.
    pub(crate) fn place(mut self, target: &Path) -> Result<(), StoreError> {
        sync_folder(&self.folder)?;
        fs::rename(&self.folder, target).map_err(|error| StoreError::io("move the new store to", target, error))?;
        self.is_placed = true;
        sync_folder(parent(target))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.is_placed {
            // What cannot be taken away stays under its hidden name; there is nobody to tell.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Names in a folder survive a loss of power once the folder is synced.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    if cfg!(unix) {
        File::open(folder).and_then(|file| file.sync_all()).map_err(|error| StoreError::io("sync", folder, error))?;
    }
    Ok(())
}

/// The place of a new store: a path at which there is nothing, or an empty folder.
pub(crate) fn free_place(path: &Path) -> Result<PathBuf, StoreError> {
    // A name is needed to rename to, which `.` and `a/..` have not.
    let path = if path.file_name().is_none() {
        fs::canonicalize(path).map_err(|error| StoreError::io("open", path, error))?
    } else {
        path.to_owned()
    };
    if path.join(marker::FILE).exists() {
        return Err(StoreError::AlreadyExists { path });
    }
    match fs::read_dir(&path) {
        Ok(mut entries) => match entries.next() {
            None => Ok(path),
            Some(_) => Err(StoreError::NotEmpty { path }),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(path),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => Err(StoreError::NotEmpty { path }),
        Err(error) => Err(StoreError::io("open", &path, error)),
    }
}
