//! What can go wrong with a store, in one enum, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// Why stored bytes are not what was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Damage {
    /// There are fewer bytes than there must be.
    #[error("bytes are missing at its end")]
    Truncated,
    /// The bytes are not those that were written under this key.
    #[error("its checksum does not fit its bytes")]
    Checksum,
    /// The bytes say that they have a layout that this program does not know.
    #[error("its layout {0} is not known")]
    Version(u8),
    /// The bytes do not make sense; the text says which rule they break.
    #[error("{0}")]
    Malformed(&'static str),
    /// Something that must be there is not.
    #[error("it is not there")]
    Missing,
}

/// What can go wrong with a store. A message holds what caused it, so that nothing is said twice.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no such folder.
    #[error("there is no store at {}", path.display())]
    Missing {
        /// The folder that was named.
        path: PathBuf,
    },
    /// There is a folder, but no store in it.
    #[error("{} is not a store (it has no {})", path.display(), super::marker::FILE)]
    NotAStore {
        /// The folder that was named.
        path: PathBuf,
    },
    /// A store is to be made where one is.
    #[error("there is a store at {} already", path.display())]
    AlreadyExists {
        /// The folder that was named.
        path: PathBuf,
    },
    /// A store is to be made in a folder that holds other things, or over a file.
    #[error("{} is not an empty folder: a store needs a folder of its own", path.display())]
    NotEmpty {
        /// The folder that was named.
        path: PathBuf,
    },
    /// The file that says what the folder is cannot be read as such.
    #[error("{} is damaged ({reason}): restore it from a backup; the data beside it may be whole", path.display())]
    Marker {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The store was written by a newer program.
    #[error("the store at {} has format {found} and this program knows formats up to {supported}: use a newer headcount",
        path.display())]
    Newer {
        /// The folder.
        path: PathBuf,
        /// The format that it has.
        found: u64,
        /// The format of this program.
        supported: u64,
    },
    /// The store was written by an older program, in a format that this one does not read.
    #[error("the store at {} has format {found} and this program reads formats from {supported}: export it with the older \
         headcount and import it into a new store",
        path.display())]
    Older {
        /// The folder.
        path: PathBuf,
        /// The format that it has.
        found: u64,
        /// The oldest format that this program reads.
        supported: u64,
    },
    /// The data file is not whole, or is not one of this store.
    #[error("{} is damaged ({reason}): restore the store from a backup", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The data file ends before a commit that was acknowledged: an older one was put in its place, or its head is
    /// damaged.
    #[error("commit {acknowledged} was acknowledged, and the data file ends at commit {found}: an older file was put in its \
         place, or its head is damaged; restore the store from a backup, or remove {} to go on without the commits in \
         between",
        note.display())]
    WentBack {
        /// The file that knows of the commit.
        note: PathBuf,
        /// The last commit that was acknowledged.
        acknowledged: u64,
        /// The last commit that the data file has.
        found: u64,
    },
    /// The data was written anew, without somebody who was erased, since this was opened: open the store again.
    #[error("the data of the store at {} was written anew, since a contact was erased: open it again", path.display())]
    Replaced {
        /// The folder of the store.
        path: PathBuf,
    },
    /// One stored value is not what was written.
    #[error("damage in the store, table {table}, {key}: {damage}")]
    Damaged {
        /// The table that holds it.
        table: &'static str,
        /// Its key, for people.
        key: String,
        /// What is wrong with it.
        damage: Damage,
    },
    /// The disk, a quota or the reserved address space is full. Nothing of the commit was kept.
    #[error("there is no space left to write to: nothing of this commit was kept; free some and repeat it")]
    NoSpace,
    /// Too many processes and snapshots read the store at once.
    #[error("too many processes and snapshots read this store at once: close some and try again")]
    TooManyReaders,
    /// There are no numbers left to give out, such as document numbers.
    #[error("there are no {what} left to give out in this store")]
    Exhausted {
        /// What there are no more of.
        what: &'static str,
    },
    /// Something is longer than a store keeps.
    #[error("{what} takes {length} bytes, and a store keeps at most {limit}")]
    TooLong {
        /// What it is.
        what: &'static str,
        /// How long it is, in bytes.
        length: usize,
        /// How long it may be, in bytes.
        limit: usize,
    },
    /// A writer contradicts what is stored: a number given out twice, an address that another contact holds.
    #[error("{what}")]
    Conflict {
        /// What contradicts.
        what: &'static str,
    },
    /// The operating system refused.
    #[error("cannot {action} {}: {cause}", path.display())]
    Io {
        /// What was to be done, such as "open".
        action: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// What it said.
        cause: io::Error,
    },
    /// The database refused, for a reason that none of the above tells.
    #[error("{}", refusal(.0))]
    Database(heed::Error),
}

impl StoreError {
    /// An error of the operating system about a path. A full disk is told apart.
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        if is_full(&source) {
            StoreError::NoSpace
        } else {
            StoreError::Io { action, path: path.to_owned(), cause: source }
        }
    }

    /// Whether stored bytes, or the file as a whole, are damaged: then a backup or a repair helps.
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

/// What the database says. LMDB speaks of an error of the system as well when only the first part of a write had room.
fn refusal(error: &heed::Error) -> String {
    match error {
        heed::Error::Io(error) => {
            format!("the disk refused ({error}): it may be full, or fail; what was not acknowledged was not kept")
        }
        error => format!("the database refused: {error}"),
    }
}

/// A disk that is full, a quota that is used up, or the longest file that this process may write.
fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
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
