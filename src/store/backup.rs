//! Consistent copies of a store while others write to it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use heed::CompactionOption;

use super::environment::DATA_FILE;
use super::error::StoreError;
use super::note::Note;
use super::{Store, TEXT_FOLDER, fail, marker};
use crate::files;
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

    /// Where a copy of the text index may be put, before [`Backup::copy`] copies the store: so that the store's
    /// generation is the later one, as a reader expects. Without one, the text index is built anew from the rows.
    pub fn text_folder(&self) -> PathBuf {
        self.staging.folder.join(TEXT_FOLDER)
    }

    /// Copies the store as it is now, and gives the folder in which the copy can be opened until it has its place.
    ///
    /// With `compact`, free pages are left out: smaller, and slower.
    ///
    /// # Errors
    /// If the disk is full or the system refuses.
    pub fn copy(&self, compact: bool) -> Result<&Path, StoreError> {
        let option = if compact { CompactionOption::Enabled } else { CompactionOption::Disabled };
        let data = self.staging.folder.join(DATA_FILE);
        let failed = |error| StoreError::io("write", &data, error);
        let mut file = files::private().write(true).create_new(true).open(&data).map_err(failed)?;
        self.store.environment.env.copy_to_file(&mut file, option)?;
        file.sync_all().map_err(failed)?;
        let snapshot = self.store.read()?;
        self.staging.say(snapshot.view().identity()?)?;
        Ok(&self.staging.folder)
    }

    /// Moves the copy to its place.
    ///
    /// # Errors
    /// If the system refuses; then there is nothing at the place.
    pub fn place(self) -> Result<(), StoreError> {
        fail::point(fail::Point::BeforeBackupRename)?;
        self.staging.place(&self.target)
    }
}

/// A folder that is made beside its place and moved there when it is whole.
#[derive(Debug)]
pub(crate) struct Staging {
    pub(crate) folder: PathBuf,
    is_placed: bool,
    /// Held as long as somebody is at it, so that what a process left that was ended can be told from it. Where the system
    /// locks no folders there is none.
    _lock: Option<File>,
}

impl Staging {
    /// An empty folder beside `target`, for its owner alone. What others left there that were ended goes.
    pub(crate) fn beside(target: &Path) -> Result<Self, StoreError> {
        let name = target.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let folder = target.with_file_name(format!(".{name}.{}", Uuid::random()));
        let parent = files::parent(target);
        files::make_folders(parent).map_err(|error| StoreError::io("make the folder", parent, error))?;
        remove_abandoned(parent, &format!(".{name}."));
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&folder).map_err(|error| StoreError::io("make the folder", &folder, error))?;
        let lock = locked(&folder);
        Ok(Staging { folder, is_placed: false, _lock: lock })
    }

    /// Makes a folder within it for the text index.
    pub(crate) fn make_text_folder(&self) -> Result<(), StoreError> {
        let text = self.folder.join(TEXT_FOLDER);
        files::make_private_folder(&text).map_err(|error| StoreError::io("make the folder", &text, error))
    }

    /// Says that the folder is a store, of which nothing was committed that has to be remembered.
    pub(crate) fn say(&self, identity: Uuid) -> Result<(), StoreError> {
        let note = Note::of(&self.folder, identity);
        note.begin(0).map_err(|error| StoreError::io("write", note.path(), error))?;
        marker::write(&self.folder, marker::Marked { identity, data: 0 })
    }

    /// Moves the folder to its place, where it is whole or not at all.
    pub(crate) fn place(mut self, target: &Path) -> Result<(), StoreError> {
        files::sync_folder(&self.folder).map_err(|error| StoreError::io("sync", &self.folder, error))?;
        fs::rename(&self.folder, target).map_err(|error| StoreError::io("move the new store to", target, error))?;
        // Until this is done nobody was told of it, and it is taken away again.
        self.folder = target.to_owned();
        let parent = files::parent(target);
        files::sync_folder(parent).map_err(|error| StoreError::io("sync", parent, error))?;
        self.is_placed = true;
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.is_placed {
            // What cannot be taken away goes when the next one is made; there is nobody to tell.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// The folder, locked for as long as this lives or its process does.
fn locked(folder: &Path) -> Option<File> {
    let file = File::open(folder).ok()?;
    file.try_lock().ok()?;
    Some(file)
}

/// Removes folders in the making whose makers were ended. What cannot be removed harms nobody.
fn remove_abandoned(parent: &Path, prefix: &str) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(prefix));
        if number.is_some_and(|number| Uuid::parse(number).is_some())
            && entry.file_type().is_ok_and(|kind| kind.is_dir())
            && locked(&entry.path()).is_some()
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
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
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(StoreError::NotEmpty { path }),
        Err(error) => Err(StoreError::io("open", &path, error)),
    }
}
