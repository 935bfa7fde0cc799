//! Moments of a store: one to read, one to write.

use std::fmt;
use std::sync::Arc;

use heed::{AnyTls, RoTxn, RwTxn, WithoutTls};

use super::digest::Tallies;
use super::environment::Environment;
use super::error::{Damage, StoreError};
use super::fail;
use super::meta::{Directory, State, load_directory, load_state, put_directory};
use super::tables::{Table, Tables};

/// A consistent moment of a store, which no later commit moves.
///
/// It can be sent to another thread, but not used by two at once: threads that share work share the bytes that a
/// [`View`] gives, which are plain slices of the memory map. As long as a snapshot lives, pages that were freed after it
/// cannot be used again, so the file grows: keep none while waiting for something.
pub struct Snapshot {
    // Before the environment, so that it is dropped first.
    txn: RoTxn<'static, WithoutTls>,
    state: State,
    environment: Arc<Environment>,
}

impl Snapshot {
    pub(crate) fn open(environment: &Arc<Environment>) -> Result<Self, StoreError> {
        environment.ensure_current()?;
        let txn = environment.env.clone().static_read_txn()?;
        let state = load_state(environment.tables.meta, &txn)?;
        Ok(Snapshot { txn, state, environment: Arc::clone(environment) })
    }

    /// What can be read, for as long as the snapshot lives.
    pub fn view(&self) -> View<'_> {
        View { txn: &self.txn, tables: &self.environment.tables, state: &self.state }
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Snapshot(commit {})", self.state.commit)
    }
}

/// A batch of changes that is committed whole, or not at all: dropping it forgets them.
///
/// There is one at a time, over all processes; a second waits for the first to end. Changed pages stay in memory until
/// the commit, so cut large loads into several.
pub struct Transaction<'s> {
    pub(crate) txn: RwTxn<'s>,
    pub(crate) tables: Tables,
    pub(crate) state: State,
    /// What is kept that nothing else tells, with the changes so far.
    pub(crate) tallies: Tallies,
    began: State,
    /// Buffers for encoding, kept between calls.
    pub(crate) scratch: Vec<u8>,
    pub(crate) environment: &'s Environment,
}

impl<'s> Transaction<'s> {
    pub(crate) fn open(environment: &'s Environment) -> Result<Self, StoreError> {
        let txn = environment.env.write_txn()?;
        environment.ensure_current()?;
        let state = load_state(environment.tables.meta, &txn)?;
        let Directory { tallies, .. } = load_directory(environment.tables.meta, &txn)?;
        let tables = environment.tables;
        Ok(Transaction { txn, tables, state, tallies, began: state, scratch: Vec::new(), environment })
    }

    /// What can be read, with the changes so far.
    pub fn view(&self) -> View<'_> {
        View { txn: &self.txn, tables: &self.tables, state: &self.state }
    }

    /// Makes the changes durable and visible, and gives the number of the commit.
    ///
    /// Cost: the pages changed are written and synced: 0.3 ms for a few, tens of milliseconds for tens of thousands.
    ///
    /// # Errors
    /// [`StoreError::NoSpace`] or what the system said; then nothing was kept.
    pub fn commit(mut self) -> Result<u64, StoreError> {
        self.finish()?;
        fail::point(fail::Point::BeforeCommit)?;
        let Transaction { txn, state, environment, .. } = self;
        txn.commit()?;
        environment.note.write(state.commit);
        fail::point(fail::Point::AfterCommit)?;
        Ok(state.commit)
    }

    /// What a commit says of itself: its number, and how much there is of everything.
    pub(crate) fn finish(&mut self) -> Result<(), StoreError> {
        self.state.commit = self.began.commit + 1;
        self.put_state()?;
        // The last thing that a commit writes: it counts what was written before.
        put_directory(&mut self.txn, &self.tables, &self.tallies)
    }

    /// The transaction itself and the tables of attribute indexes, for the module that keeps them.
    pub fn index_tables(&mut self) -> (&mut RwTxn<'s>, IndexTables) {
        (&mut self.txn, IndexTables::of(&self.tables))
    }
}

impl fmt::Debug for Transaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Transaction(after commit {})", self.began.commit)
    }
}

/// Everything that can be read of a snapshot or a transaction. Bytes and texts that it gives are slices of the memory
/// map and live as long as it does, so they can be handed to other threads.
#[derive(Clone, Copy)]
pub struct View<'t> {
    pub(crate) txn: &'t RoTxn<'t, AnyTls>,
    pub(crate) tables: &'t Tables,
    state: &'t State,
}

impl<'t> View<'t> {
    /// Where the store stands.
    pub fn state(self) -> &'t State {
        self.state
    }

    /// The transaction itself and the tables of attribute indexes, for the module that keeps them.
    pub fn index_tables(self) -> (&'t RoTxn<'t, AnyTls>, IndexTables) {
        (self.txn, IndexTables::of(self.tables))
    }

    /// Size of every table: name, entries, bytes of pages.
    ///
    /// # Errors
    /// If the database refuses.
    pub fn table_sizes(self) -> Result<Vec<TableSize>, StoreError> {
        let sizes = self.tables.all().into_iter().map(|(name, table)| {
            let stat = table.stat(self.txn)?;
            let pages = stat.branch_pages + stat.leaf_pages + stat.overflow_pages;
            Ok(TableSize { name, entries: stat.entries as u64, bytes: pages as u64 * u64::from(stat.page_size) })
        });
        sizes.collect()
    }
}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "View(commit {})", self.state.commit)
    }
}

/// How much a table holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TableSize {
    /// Its name.
    pub name: &'static str,
    /// Keys.
    pub entries: u64,
    /// Bytes of its pages.
    pub bytes: u64,
}

/// The tables in which the module `index` keeps attribute indexes; the store does not look into them.
#[derive(Clone, Copy, Debug)]
pub struct IndexTables {
    /// Blocks of bitmaps by property and value.
    pub index: Table,
    /// What was not merged into them yet.
    pub index_delta: Table,
}

impl IndexTables {
    fn of(tables: &Tables) -> Self {
        IndexTables { index: tables.index, index_delta: tables.index_delta }
    }
}

/// Damage of one value, with where it was found.
pub(crate) fn damaged(table: &'static str, key: impl fmt::Display, damage: Damage) -> StoreError {
    StoreError::Damaged { table, key: key.to_string(), damage }
}
