//! The memory map: one per process and path.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::Duration;

use heed::{Env, EnvOpenOptions, MdbError, WithoutTls};

use super::error::StoreError;
use super::marker::{self, Marked, Stamp};
use super::note::Note;
use super::pages::{Extent, PageFile, Walk};
use super::tables::{MAX_TABLES, Tables};
use crate::ids::Uuid;

/// The name that LMDB gives its data file.
pub(crate) const DATA_FILE: &str = "data.mdb";

/// The name that LMDB gives the file with its locks.
pub(crate) const LOCK_FILE: &str = "lock.mdb";

/// Address space that is reserved once, in bytes: it costs nothing, and so never has to grow under readers. Where a
/// process may not reserve as much, the next one is tried.
const MAP_SIZES: [usize; 8] = [1 << 40, 1 << 37, 1 << 34, 1 << 31, 1 << 30, 1 << 29, 1 << 28, 1 << 27];

/// Snapshots that may be alive at once, over all processes.
const MAX_READERS: u32 = 1024;

/// Bytes of a lock file with room for them, by LMDB's layout: 64 for each, and less than a page for the rest.
const LOCK_BYTES: usize = MAX_READERS as usize * 64 + 4096;

/// Data files of at most so many bytes are walked through when they are opened.
const SMALL: u64 = 1 << 20;

/// How long to wait for another thread of this process to finish closing a store.
const CLOSING: Duration = Duration::from_secs(10);

/// An open environment with its tables.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) env: Env<WithoutTls>,
    pub(crate) tables: Tables,
    /// The folder of the store.
    pub(crate) folder: PathBuf,
    /// What the marker said when this was opened, and which marker it was.
    pub(crate) marked: Marked,
    stamp: Stamp,
    /// The last commit, noted outside of the map.
    pub(crate) note: Note,
}

impl Environment {
    /// Whether this is still the data of the store: a writer that erases somebody puts other files in its place. A
    /// transaction that asks when it has the writers' lock has the answer for its life, since that writer needs it, too.
    ///
    /// # Errors
    /// [`StoreError::Replaced`] if it is not.
    pub(crate) fn ensure_current(&self) -> Result<(), StoreError> {
        if Stamp::of(&self.folder) == self.stamp {
            return Ok(());
        }
        // The same marker may have been touched, or put back from a copy.
        match marker::read(&self.folder) {
            Ok(marked) if marked == self.marked => Ok(()),
            Ok(_) | Err(_) => Err(StoreError::Replaced { path: self.folder.clone() }),
        }
    }
}

/// The folder that the data file is in.
pub(crate) fn data_folder(folder: &Path, data: u64) -> PathBuf {
    if data == 0 { folder.to_owned() } else { folder.join(format!("data-{data}")) }
}

/// LMDB must not open one file twice in one process: its locks would not hold. So whoever opens a path that is open
/// already shares what is there.
static OPENED: LazyLock<Mutex<HashMap<PathBuf, Weak<Environment>>>> = LazyLock::new(Mutex::default);

/// Opens the environment of a store, or shares it if this process has it open.
pub(crate) fn open(folder: &Path) -> Result<Arc<Environment>, StoreError> {
    let folder = fs::canonicalize(folder).map_err(|error| StoreError::io("open", folder, error))?;
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    let stamp = Stamp::of(&folder);
    let marked = marker::read(&folder)?;
    let place = data_folder(&folder, marked.data);
    refuse_links(&folder, true)?;
    if let Some(environment) = opened.get(&place).and_then(Weak::upgrade) {
        return Ok(environment);
    }
    let data = place.join(DATA_FILE);
    let length = match fs::metadata(&data) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(StoreError::File { path: data, reason: "it is not there".to_owned() });
        }
        Err(error) => return Err(StoreError::io("open", &data, error)),
    };
    // An empty file would be taken for a new environment.
    if length == 0 {
        return Err(StoreError::File { path: data, reason: "it is empty".to_owned() });
    }
    let env = open_env(&place)?;
    check_opening(&env, &data)?;
    check_length(&env, &data)?;
    env.clear_stale_readers()?;
    let tables = Tables::open(&env)?;
    let note = Note::of(&folder, marked.identity);
    let environment = Arc::new(Environment { env, tables, folder, marked, stamp, note });
    opened.retain(|_, environment| environment.strong_count() > 0);
    opened.insert(place, Arc::downgrade(&environment));
    Ok(environment)
}

/// A store holds its files itself: what a link leads to is somebody else's, and stays when the store forgets a person.
///
/// Cost: some ten microseconds.
fn refuse_links(folder: &Path, with_folders: bool) -> Result<(), StoreError> {
    for entry in fs::read_dir(folder).map_err(|error| StoreError::io("look into", folder, error))? {
        let entry = entry.map_err(|error| StoreError::io("look into", folder, error))?;
        // What has gone meanwhile is no link.
        let Ok(kind) = entry.file_type() else { continue };
        let reason = "it is a link, and a store holds its files itself: put the file in its place".to_owned();
        if kind.is_symlink() {
            return Err(StoreError::File { path: entry.path(), reason });
        }
        if kind.is_dir() && with_folders {
            refuse_links(&entry.path(), false)?;
        }
    }
    Ok(())
}

/// A new environment, which nobody shares: whoever makes it closes it, and moves its folder to its place.
pub(crate) struct New {
    pub(crate) env: Env<WithoutTls>,
    pub(crate) tables: Tables,
}

/// Makes an environment in an empty folder.
pub(crate) fn create(folder: &Path) -> Result<New, StoreError> {
    let env = open_env(folder)?;
    let tables = Tables::create(&env)?;
    Ok(New { env, tables })
}

fn open_env(folder: &Path) -> Result<Env<WithoutTls>, StoreError> {
    let data = folder.join(DATA_FILE);
    reserve_lock(folder)?;
    let mut sizes = MAP_SIZES.iter();
    let mut size = MAP_SIZES[0];
    loop {
        let mut options = EnvOpenOptions::new().read_txn_without_tls();
        options.map_size(size).max_dbs(MAX_TABLES).max_readers(MAX_READERS);
        // SAFETY: a memory map is sound as long as nobody but LMDB changes the file under it. The folder is the store's
        // own, this process opens it once (the registry above, and heed's), other processes go through LMDB and its
        // locks, and the flags that would weaken those locks are not set.
        #[allow(unsafe_code)]
        let opened = unsafe { options.open(folder) };
        match opened {
            Ok(env) => return Ok(env),
            // A store that was dropped a moment ago in another thread closes its file after it leaves the registry.
            Err(heed::Error::EnvAlreadyOpened) => {
                let path = fs::canonicalize(folder).map_err(|error| StoreError::io("open", folder, error))?;
                if heed::env_closing_event(&path).is_some_and(|closing| !closing.wait_timeout(CLOSING)) {
                    return Err(StoreError::Database(heed::Error::EnvAlreadyOpened));
                }
            }
            Err(heed::Error::Io(error)) if error.kind() == std::io::ErrorKind::OutOfMemory => match sizes.next() {
                Some(&smaller) => size = smaller,
                None => return Err(StoreError::io("reserve address space for", &data, error)),
            },
            Err(heed::Error::Io(error)) => return Err(StoreError::io("open", &data, error)),
            Err(heed::Error::Mdb(MdbError::Invalid | MdbError::VersionMismatch)) => {
                return Err(StoreError::File { path: data, reason: "it is not an LMDB file of this kind".to_owned() });
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// LMDB maps its lock file and makes it as long as it must be without writing to it. On a full disk the first look at such a
/// page ends the process with a bus error: so a new lock file is written, which a full disk refuses in words.
fn reserve_lock(folder: &Path) -> Result<(), StoreError> {
    let lock = folder.join(LOCK_FILE);
    if lock.exists() {
        return Ok(());
    }
    let staged = folder.join(format!(".{LOCK_FILE}.{}", Uuid::random()));
    let made = || -> io::Result<()> {
        let mut options = fs::File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&staged)?.write_all(&[0; LOCK_BYTES])?;
        // Never over one that another process has made meanwhile, and may have locked.
        match fs::hard_link(&staged, &lock) {
            Err(error) if error.kind() == io::ErrorKind::StorageFull => Err(error),
            // It is there; or this file system has no links, and LMDB makes it in its own way.
            _ => Ok(()),
        }
    };
    let made = made();
    let removed = fs::remove_file(&staged);
    made.and(removed).map_err(|error| StoreError::io("make", &lock, error))
}

/// What opening relies on is looked at with plain reads before LMDB is asked: a damaged page there would lead it astray. Of
/// a small file, all is.
///
/// Cost: a few pages are read, whatever the size of the store.
fn check_opening(env: &Env<WithoutTls>, data: &Path) -> Result<(), StoreError> {
    let length = fs::metadata(data).map_err(|error| StoreError::io("open", data, error))?.len();
    walk(env, data, if length <= SMALL { Extent::Whole } else { Extent::Opening })
}

fn walk(env: &Env<WithoutTls>, data: &Path, extent: Extent) -> Result<(), StoreError> {
    match walk_last(env, data, extent)?.problems.into_iter().next() {
        None => Ok(()),
        Some(problem) => Err(StoreError::File { path: data.to_owned(), reason: problem }),
    }
}

/// Walks the pages of the last commit.
pub(crate) fn walk_last(env: &Env<WithoutTls>, data: &Path, extent: Extent) -> Result<Walk, StoreError> {
    loop {
        // Opened each time: it may have grown.
        let file = PageFile::open(data)?;
        let txn = env.read_txn()?;
        if let Some(walk) = Walk::of(&file, Some(txn.id() as u64), extent, &mut |_, _, _| {}) {
            return Ok(walk);
        }
    }
}

/// The environment of a store, and its data file, for whoever must not ask LMDB for more than its locks: the tables are
/// not opened, and no page but the two heads is looked at.
pub(crate) fn open_locks(folder: &Path, marked: Marked) -> Result<(Env<WithoutTls>, PathBuf), StoreError> {
    let folder = fs::canonicalize(folder).map_err(|error| StoreError::io("open", folder, error))?;
    let place = data_folder(&folder, marked.data);
    let opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner).get(&place).and_then(Weak::upgrade);
    let env = match opened {
        Some(environment) => environment.env.clone(),
        None => open_env(&place)?,
    };
    Ok((env, place.join(DATA_FILE)))
}

/// Reading a page behind the end of the file would end the process with a bus error: so the file is made as long as the
/// pages that were ever given out, before any of them is looked at.
///
/// A whole file can be shorter: pages that a transaction took and gave back before its commit are never written. One that
/// lost its end is shorter, too, and is told from it by a walk through its pages.
fn check_length(env: &Env<WithoutTls>, data: &Path) -> Result<(), StoreError> {
    let io = |error| StoreError::io("open", data, error);
    let page = u64::from(env.unnamed_database_stat().page_size);
    let needed = |env: &Env<WithoutTls>| (env.info().last_page_number as u64 + 1).saturating_mul(page);
    if needed(env) <= fs::metadata(data).map_err(io)?.len() {
        return Ok(());
    }
    // Nobody else writes while this transaction lives, so the file does not grow under our hands.
    let _lock = env.write_txn()?;
    let (length, needed) = (fs::metadata(data).map_err(io)?.len(), needed(env));
    if needed <= length {
        return Ok(());
    }
    let cut = format!("it has {length} bytes of {needed}");
    match walk(env, data, Extent::Whole) {
        Ok(()) if length.is_multiple_of(page) => {
            fs::OpenOptions::new().write(true).open(data).and_then(|file| file.set_len(needed)).map_err(io)
        }
        Ok(()) => Err(StoreError::File { path: data.to_owned(), reason: cut }),
        Err(StoreError::File { path, reason }) => Err(StoreError::File { path, reason: format!("{cut}; {reason}") }),
        Err(error) => Err(error),
    }
}

/// Pages of all tables and of the two heads, without those of the list of free pages.
pub(crate) fn pages_in_use(env: &Env<WithoutTls>) -> Result<u64, StoreError> {
    let count = |stat: heed::DatabaseStat| (stat.branch_pages + stat.leaf_pages + stat.overflow_pages) as u64;
    let mut pages = 2 + count(env.unnamed_database_stat());
    let tables = Tables::open(env)?;
    let txn = env.read_txn()?;
    for (_, table) in tables.all() {
        pages += count(table.stat(&txn)?);
    }
    Ok(pages)
}
