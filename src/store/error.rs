//! What can go wrong with a store, in one enum, and what to do about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why stored bytes are not what was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Damage {
    /// There are fewer bytes than there must be.
    Truncated,
    /// The bytes are not those that were written under this key.
    Checksum,
    /// The bytes say that they have a layout that this program does not know.
    Version(u8),
    /// The bytes do not make sense; the text says which rule they break.
    Malformed(&'static str),
    /// Something that must be there is not.
    Missing,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Damage::Truncated => f.write_str("bytes are missing at its end"),
            Damage::Checksum => f.write_str("its checksum does not fit its bytes"),
            Damage::Version(version) => write!(f, "its layout {version} is not known"),
            Damage::Malformed(rule) => f.write_str(rule),
            Damage::Missing => f.write_str("it is not there"),
        }
    }
}

impl std::error::Error for Damage {}

/// What can go wrong with a store.
#[derive(Debug)]
pub enum StoreError {
    /// There is no such folder.
    Missing {
        /// The folder that was named.
        path: PathBuf,
    },
    /// There is a folder, but no store in it.
    NotAStore {
        /// The folder that was named.
        path: PathBuf,
    },
    /// A store is to be made where one is.
    AlreadyExists {
        /// The folder that was named.
        path: PathBuf,
    },
    /// A store is to be made in a folder that holds other things, or over a file.
    NotEmpty {
        /// The folder that was named.
        path: PathBuf,
    },
    /// The file that says what the folder is cannot be read as such.
    Marker {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The store was written by a newer program.
    Newer {
        /// The folder.
        path: PathBuf,
        /// The format that it has.
        found: u64,
        /// The format of this program.
        supported: u64,
    },
    /// The store was written by an older program, in a format that this one does not read.
    Older {
        /// The folder.
        path: PathBuf,
        /// The format that it has.
        found: u64,
        /// The oldest format that this program reads.
        supported: u64,
    },
    /// The data file is not whole, or is not one of this store.
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The data file ends before a commit that was acknowledged: an older one was put in its place, or its head is
    /// damaged.
    WentBack {
        /// The file that knows of the commit.
        note: PathBuf,
        /// The last commit that was acknowledged.
        acknowledged: u64,
        /// The last commit that the data file has.
        found: u64,
    },
    /// The data was written anew, without somebody who was erased, since this was opened: open the store again.
    Replaced {
        /// The folder of the store.
        path: PathBuf,
    },
    /// One stored value is not what was written.
    Damaged {
        /// The table that holds it.
        table: &'static str,
        /// Its key, for people.
        key: String,
        /// What is wrong with it.
        damage: Damage,
    },
    /// The disk, a quota or the reserved address space is full. Nothing of the commit was kept.
    NoSpace,
    /// Too many processes and snapshots read the store at once.
    TooManyReaders,
    /// There are no numbers left to give out, such as document numbers.
    Exhausted {
        /// What there are no more of.
        what: &'static str,
    },
    /// Something is longer than a store keeps.
    TooLong {
        /// What it is.
        what: &'static str,
        /// How long it is, in bytes.
        length: usize,
        /// How long it may be, in bytes.
        limit: usize,
    },
    /// A writer contradicts what is stored: a number given out twice, an address that another contact holds.
    Conflict {
        /// What contradicts.
        what: &'static str,
    },
    /// The operating system refused.
    Io {
        /// What was to be done, such as "open".
        action: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// The database refused, for a reason that none of the above tells.
    Database(heed::Error),
}

impl StoreError {
    /// An error of the operating system about a path. A full disk is told apart.
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        if is_full(&source) { StoreError::NoSpace } else { StoreError::Io { action, path: path.to_owned(), source } }
    }

    /// Whether stored bytes, or the file as a whole, are damaged: then a backup or `headcount check --repair` helps.
    pub fn is_damage(&self) -> bool {
        matches!(
            self,
            StoreError::Damaged { .. }
                | StoreError::File { .. }
                | StoreError::Marker { .. }
                | StoreError::WentBack { .. }
        )
    }

    /// Whether there is no store at the path that was named.
    pub fn is_missing(&self) -> bool {
        matches!(self, StoreError::Missing { .. } | StoreError::NotAStore { .. })
    }
}

/// A disk that is full, a quota that is used up, or the longest file that this process may write.
fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Missing { path } => {
                write!(f, "there is no store at {}: make one with `headcount init`", path.display())
            }
            StoreError::NotAStore { path } => write!(
                f,
                "{} is not a store (it has no {}): name another folder with --store, or make one with `headcount init`",
                path.display(),
                super::marker::FILE
            ),
            StoreError::AlreadyExists { path } => {
                write!(f, "there is a store at {} already: name another folder with --store", path.display())
            }
            StoreError::NotEmpty { path } => write!(
                f,
                "{} is not an empty folder: a store needs a folder of its own, so name another with --store",
                path.display()
            ),
            StoreError::Marker { path, reason } => write!(
                f,
                "{} is damaged ({reason}): restore it from a backup; the data beside it may be whole",
                path.display()
            ),
            StoreError::Newer { path, found, supported } => write!(
                f,
                "the store at {} has format {found} and this program knows formats up to {supported}: use a newer headcount",
                path.display()
            ),
            StoreError::Older { path, found, supported } => write!(
                f,
                "the store at {} has format {found} and this program reads formats from {supported}: export it with the \
                 older headcount and import it into a new store",
                path.display()
            ),
            StoreError::File { path, reason } => {
                write!(f, "{} is damaged ({reason}): restore the store from a backup", path.display())
            }
            StoreError::WentBack { note, acknowledged, found } => write!(
                f,
                "commit {acknowledged} was acknowledged, and the data file ends at commit {found}: an older file was put in \
                 its place, or its head is damaged; restore the store from a backup, or remove {} to go on without the \
                 commits in between",
                note.display()
            ),
            StoreError::Replaced { path } => write!(
                f,
                "the data of the store at {} was written anew, since a contact was erased: open it again",
                path.display()
            ),
            StoreError::Damaged { table, key, damage } => {
                write!(f, "damage in the store, table {table}, {key}: {damage}; `headcount check` lists all of it")
            }
            StoreError::NoSpace => f.write_str(
                "there is no space left to write to: nothing of this commit was kept; free some and repeat it",
            ),
            StoreError::TooManyReaders => {
                f.write_str("too many processes and snapshots read this store at once: close some and try again")
            }
            StoreError::Exhausted { what } => write!(f, "there are no {what} left to give out in this store"),
            StoreError::TooLong { what, length, limit } => {
                write!(f, "{what} takes {length} bytes, and a store keeps at most {limit}")
            }
            StoreError::Conflict { what } => f.write_str(what),
            StoreError::Io { action, path, source } => write!(f, "cannot {action} {}: {source}", path.display()),
            // LMDB says so as well when only the first part of a write had room.
            StoreError::Database(heed::Error::Io(error)) => {
                write!(f, "the disk refused ({error}): it may be full, or fail; what was not acknowledged was not kept")
            }
            StoreError::Database(error) => write!(f, "the database refused: {error}"),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            StoreError::Damaged { damage, .. } => Some(damage),
            StoreError::Io { source, .. } => Some(source),
            StoreError::Database(error) => Some(error),
            _ => None,
        }
    }
}

impl From<heed::Error> for StoreError {
    fn from(error: heed::Error) -> Self {
        use heed::MdbError;
        match error {
            heed::Error::Io(source) if is_full(&source) => StoreError::NoSpace,
            heed::Error::Mdb(MdbError::MapFull) => StoreError::NoSpace,
            heed::Error::Mdb(MdbError::ReadersFull) => StoreError::TooManyReaders,
            heed::Error::Mdb(MdbError::PageNotFound | MdbError::Corrupted) => {
                StoreError::Damaged { table: "any", key: "a page of the data file".to_owned(), damage: Damage::Missing }
            }
            other => StoreError::Database(other),
        }
    }
}
