//! Files that are there whole or not at all, that last, and that only their owner reads.
//!
//! A new file gets a name that nobody can guess, in the folder that it will stay in, and is opened so that nothing which
//! stands there is followed or taken. When it is whole it is synced, renamed to its place, and the folder is synced.

#[cfg(feature = "cli")]
mod for_people;

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

#[cfg(feature = "cli")]
pub(crate) use for_people::FileForPeople;

/// How names of files begin that are not finished.
const BEGINNING: &str = ".headcount-";
/// How they end.
const END: &str = ".partial";

/// Writes a short file whole, in the place of what was there.
///
/// # Errors
/// If it cannot be written; then there is what was there before.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut staged = staged(path, None)?;
    staged.write_all(bytes)?;
    persist(staged, path)
}

/// Whether a file was begun here and never finished, if nobody is at it.
pub(crate) fn is_unfinished(name: &str) -> bool {
    name.starts_with(BEGINNING) && name.ends_with(END)
}

/// A file of an unguessable name beside its place.
fn staged(place: &Path, before: Option<&Metadata>) -> io::Result<NamedTempFile> {
    let folder = parent(place);
    fs::metadata(folder)?;
    let staged = tempfile::Builder::new().prefix(BEGINNING).suffix(END).tempfile_in(folder);
    // Without the name that nobody knows.
    let staged = staged.map_err(|error| io::Error::from(error.kind()))?;
    // It is its owner's alone until it is known whose the file was before.
    if let Some(before) = before {
        staged.as_file().set_permissions(before.permissions())?;
    }
    Ok(staged)
}

fn persist(staged: NamedTempFile, place: &Path) -> io::Result<()> {
    staged.as_file().sync_all()?;
    let staged = staged.into_temp_path();
    fs::rename(&staged, place)?;
    // It has its place, and is not to be removed.
    let _ = staged.keep();
    sync_folder(parent(place))
}

/// The folder that a path is in.
pub(crate) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Names in a folder survive a loss of power once the folder is synced.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Makes a folder that only its owner reads, and what folders lead to it, if they are not there. They last.
pub(crate) fn make_private_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    make_folders(parent(folder))?;
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        // Another process was quicker.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        made => made.and_then(|()| sync_folder(parent(folder))),
    }
}

/// Makes the folders of a path, if they are not there. They last.
pub(crate) fn make_folders(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    make_folders(parent(folder))?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        made => made.and_then(|()| sync_folder(parent(folder))),
    }
}

/// Lets nobody but the owner read a file or write to it.
pub(crate) fn make_private(file: &Path) -> io::Result<()> {
    #[cfg(unix)]
    fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}

/// Options to open a file that is the owner's alone if it is made.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// What was to be removed and is not there is removed.
pub(crate) fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
