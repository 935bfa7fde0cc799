//! The store: one folder with an LMDB environment, in which everything is kept that must not be lost.
//!
//! Rows are the truth; identities and addresses find them; groups have members; a log tells who entered and left. The
//! store keeps each table right in itself and tells damage from absence. It knows nothing of queries, which are bytes to
//! it, nor of how attribute indexes are made, for which it has room ([`IndexTables`]).
//!
//! - [`Store`] opens or creates, and gives a [`Snapshot`] to read and a [`Transaction`] to write.
//! - Everything that can be read is a method of [`View`], which both have.
//! - Rows are encoded by [`row::encode`] and read in place by [`RowView`]; sets of documents by [`container`].
//!
//! Layouts, the protocol of commits and what must hold is in `docs/format.md`.
//!
//! ```
//! use headcount::internals::contact::Contact;
//! use headcount::internals::ids::Uuid;
//! use headcount::internals::store::{Settings, Store, row};
//! use headcount::internals::value::Instant;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let store = Store::create(&folder.path().join("demo"), &Settings::default(), Instant::now())?;
//! let contact = Contact::new(Uuid::random(), Instant::now());
//!
//! let mut transaction = store.write()?;
//! let document = transaction.next_document()?;
//! let mut bytes = Vec::new();
//! row::encode(document, &contact, &mut bytes);
//! transaction.insert_row(document, &bytes)?;
//! transaction.claim_uuid(contact.uuid, document)?;
//! transaction.commit()?;
//!
//! let snapshot = store.read()?;
//! let row = snapshot.view().row(document)?.ok_or("it was committed")?;
//! assert_eq!(row.uuid(), contact.uuid);
//! # Ok(())
//! # }
//! ```

mod anew;
#[cfg(any(test, feature = "fuzzing"))]
pub mod any_bytes;
mod audit;
mod backup;
mod codec;
mod contacts;
pub mod container;
mod digest;
mod dirty;
mod draft;
mod environment;
mod error;
pub mod fail;
mod finding;
mod holders;
mod log;
mod marker;
mod members;
mod meta;
mod note;
mod pages;
mod readers;
mod rewrite;
pub mod row;
mod salvage;
mod schema;
mod snapshot;
mod sorted;
mod tables;
mod tail;

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use anew::Anew;
pub use audit::Wrong;
pub use backup::Backup;
pub use contacts::{HashedHolders, open_row, urn_hash, uuid_hash};
pub use draft::{BlockList, LogDraft};
pub use error::{Damage, StoreError};
pub use log::{Cause, LogEntry, LogGroup, Moves};
pub use marker::{FORMAT, OLDEST_FORMAT};
pub use members::MemberSet;
pub use meta::{Settings, State};
pub use readers::OldestReader;
pub use row::RowView;
pub use schema::{GroupRecord, GroupStatus, StoredQuery};
pub use snapshot::{IndexTables, Snapshot, TableSize, Transaction, View};
pub use tables::Table;
pub use tail::Tail;

use self::digest::Tallies;
use self::environment::Environment;
use crate::ids::Uuid;
use crate::value::Instant;

/// The folder within a store that the text index has to itself.
const TEXT_FOLDER: &str = "text";

/// An open store. Clones share it; the file is closed when the last clone and the last snapshot are gone.
#[derive(Clone, Debug)]
pub struct Store {
    environment: Arc<Environment>,
}

/// How many snapshots are open, and what they hold back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Usage {
    /// Reader slots that were ever in use at once, over all processes.
    pub readers: u32,
    /// Bytes of the data file.
    pub file_bytes: u64,
    /// Bytes of it that hold nothing: free pages, and pages that old snapshots hold back.
    pub free_bytes: u64,
    /// The oldest snapshot that another process reads, where the system lets it be known.
    pub oldest_reader: Option<OldestReader>,
}

impl Store {
    /// Makes a store in a folder that does not exist or is empty, and opens it. The clock starts at `clock`.
    ///
    /// It is made under another name and moved to its place: there is a whole store, or none.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`], [`StoreError::NotEmpty`], or what the system says.
    pub fn create(path: &Path, settings: &Settings, clock: Instant) -> Result<Self, StoreError> {
        let path = backup::free_place(path)?;
        let staging = backup::Staging::beside(&path)?;
        staging.make_text_folder()?;
        let identity = Uuid::random();
        let environment = environment::create(&staging.folder)?;
        let mut txn = environment.env.write_txn()?;
        for (key, value) in meta::initial(settings, clock, identity) {
            environment.tables.meta.put(&mut txn, key, &value)?;
        }
        for holders in [environment.tables.uuid_holders(), environment.tables.urn_holders()] {
            let (key, value) = holders.initial();
            holders.table.put(&mut txn, &key, &value)?;
        }
        meta::put_directory(&mut txn, &environment.tables, &Tallies::default())?;
        txn.commit()?;
        environment.env.prepare_for_closing().wait();
        staging.say(identity)?;
        staging.place(&path)?;
        Store::open(&path)
    }

    /// Opens a store, or shares it if this process has it open.
    ///
    /// Cost: a fraction of a millisecond, whatever its size.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::NotAStore`], [`StoreError::Newer`], [`StoreError::Older`],
    /// [`StoreError::Marker`], [`StoreError::File`], [`StoreError::Damaged`], or what the system says.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        loop {
            let stamp = marker::Stamp::of(path);
            match Store::open_once(path) {
                // A writer that erases somebody has put the data elsewhere meanwhile.
                Err(_) if marker::Stamp::of(path) != stamp => {}
                opened => return opened,
            }
        }
    }

    fn open_once(path: &Path) -> Result<Self, StoreError> {
        marker::read(path)?;
        let environment = environment::open(path)?;
        // The note before the state: a commit in between makes the state the later one.
        let noted = environment.note.read()?;
        // Whoever may only read leaves them to the next one; `check` says that they are there.
        let _ = rewrite::remove_older(&environment.folder, environment.marked);
        let store = Store { environment };
        let snapshot = store.read()?;
        let Environment { folder, marked, note, .. } = &*store.environment;
        if snapshot.view().identity()? != marked.identity {
            let path = environment::data_folder(folder, marked.data).join(environment::DATA_FILE);
            return Err(StoreError::File { path, reason: "it belongs to another store".to_owned() });
        }
        let found = snapshot.view().state().commit;
        match noted {
            Some(noted) if noted.commit > found => {
                Err(StoreError::WentBack { note: note.path().to_owned(), acknowledged: noted.commit, found })
            }
            _ => Ok(store),
        }
    }

    /// Whether the note of the last commit, which is kept outside of the data file, is damaged; `None` if there is none.
    ///
    /// # Errors
    /// If the system does not let it be read.
    pub fn note_is_damaged(&self) -> Result<Option<bool>, StoreError> {
        let read = || Ok(self.environment.note.read()?.map(|noted| noted.is_damaged));
        match read()? {
            // It may have been read while it was written.
            Some(true) => read(),
            other => Ok(other),
        }
    }

    /// Whether files are left that came before those that count, and that may hold somebody who was erased since.
    pub fn has_older_data(&self) -> bool {
        rewrite::has_older(&self.environment.folder, self.environment.marked)
    }

    /// Writes the note of the last commit anew.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn mend_note(&self) -> Result<(), StoreError> {
        // Nobody commits meanwhile.
        let transaction = self.write()?;
        let note = &self.environment.note;
        note.begin(transaction.view().state().commit).map_err(|error| StoreError::io("write", note.path(), error))
    }

    /// A consistent moment to read: everything that was committed until now, by any process.
    ///
    /// # Errors
    /// [`StoreError::TooManyReaders`], or if the state is damaged.
    pub fn read(&self) -> Result<Snapshot, StoreError> {
        Snapshot::open(&self.environment)
    }

    /// A batch of changes. Waits for the one that is being written, by whatever process, to end.
    ///
    /// # Errors
    /// If the state is damaged, or the system refuses.
    pub fn write(&self) -> Result<Transaction<'_>, StoreError> {
        Transaction::open(&self.environment)
    }

    /// Walks the pages of the last commit and says what is wrong with them, for people; nothing if they are sound. LMDB
    /// trusts its pages, so only where they are sound may everything be asked of it without care.
    ///
    /// Cost: the data file is read, a microsecond or two a page.
    ///
    /// # Errors
    /// If the system does not let it be read.
    pub fn check_pages(&self) -> Result<Vec<String>, StoreError> {
        let Environment { env, folder, marked, .. } = &*self.environment;
        let data = environment::data_folder(folder, marked.data).join(environment::DATA_FILE);
        Ok(environment::walk_last(env, &data, pages::Extent::Whole)?.problems)
    }

    /// The folder that the store is in.
    pub fn folder(&self) -> &Path {
        &self.environment.folder
    }

    /// The folder within the store that the text index has to itself.
    pub fn text_folder(&self) -> PathBuf {
        self.environment.folder.join(TEXT_FOLDER)
    }

    /// Begins a copy of the store at another path, while others go on writing. See [`Backup::copy`].
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`], [`StoreError::NotEmpty`], or what the system says.
    pub fn backup(&self, target: &Path) -> Result<Backup<'_>, StoreError> {
        Backup::begin(self, target)
    }

    /// How much the file takes, and how many read it.
    ///
    /// # Errors
    /// If the system does not tell the length of the file.
    pub fn usage(&self) -> Result<Usage, StoreError> {
        let env = &self.environment.env;
        let Environment { folder, marked, .. } = &*self.environment;
        let info = env.info();
        let file_bytes = env.real_disk_size()?;
        let oldest_reader = readers::oldest(&environment::data_folder(folder, marked.data), info.last_txn_id as u64);
        let page_size = u64::from(env.unnamed_database_stat().page_size);
        let free_bytes = file_bytes.saturating_sub(environment::pages_in_use(env)?.saturating_mul(page_size));
        Ok(Usage { readers: info.number_of_readers, file_bytes, free_bytes, oldest_reader })
    }
}
