//! The text index of a workspace: opened with the store so that no answer is stale, and brought up to date.
//!
//! The index is opened first and the store second, and the pair is accepted if the store does
//! not count on a later generation than the index has; whatever is not dirty in that snapshot is then right in that
//! index. A process that has not used the index yet opens it only when a query needs it: later than the store, so then
//! the generations must be equal; if they are not, rows answer, which is slower and as right.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::files;
use crate::ids::{BLOCK_SIZE, Block, DocumentNumber};
use crate::index::text::{TextIndex, TextSnapshot};
use crate::index::{AttributeIndex, FieldKinds, IndexError};
use crate::store::{Snapshot, Store, Transaction, View};
use crate::workspace::Workspace;
use crate::workspace::error::WorkspaceError;

/// How often a pair of index and snapshot is tried before giving up.
const TRIES: usize = 100;

/// The text index, opened when it is first needed.
pub(crate) struct TextIndexes {
    folder: PathBuf,
    opened: Mutex<Option<TextIndex>>,
}

/// The right to index, alone among all processes, until it is dropped or its process ends.
///
/// Two runs at once would lose words: what one has taken over from the dirty set, the other would take for indexed.
#[derive(Debug)]
pub(crate) struct IndexRun {
    _lock: File,
}

/// What the text index knows for one snapshot.
pub(crate) struct TextAnswers {
    /// Answers, if the index was open before the snapshot was taken; or found out later.
    ready: OnceLock<Option<TextSnapshot>>,
}

impl std::fmt::Debug for TextIndexes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TextIndexes({})", self.folder.display())
    }
}

/// What bringing the indexes up to date did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct IndexReport {
    /// Contacts whose words were brought to the text index.
    pub documents: u64,
    /// The text index's generation now.
    pub generation: u64,
    /// Deltas of attribute indexes that were merged into their blocks.
    pub merged_blocks: u64,
    /// Tails of memberships that were merged into their containers.
    pub merged_groups: u64,
    /// Entries of the membership log that were cut off, being older than what is kept.
    pub cut_entries: u64,
}

impl TextIndexes {
    pub(crate) fn new(folder: PathBuf) -> Self {
        TextIndexes { folder, opened: Mutex::new(None) }
    }

    fn lock(&self) -> MutexGuard<'_, Option<TextIndex>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A snapshot of the store with what the text index knows for it.
    pub(crate) fn open_with(&self, store: &Store) -> Result<(TextAnswers, Snapshot), WorkspaceError> {
        let mut opened = self.lock();
        let Some(index) = opened.as_mut() else {
            return Ok((TextAnswers { ready: OnceLock::new() }, store.read()?));
        };
        for _ in 0..TRIES {
            if index.reload().is_err() {
                break;
            }
            let snapshot = store.read()?;
            if snapshot.view().state().generation <= index.payload_generation() {
                let dirty = snapshot.view().dirty()?;
                let ready = OnceLock::from(Some(index.snapshot(dirty)));
                return Ok((TextAnswers { ready }, snapshot));
            }
        }
        Ok((TextAnswers { ready: OnceLock::from(None) }, store.read()?))
    }

    /// What the text index knows for a snapshot that was taken before it was opened; `None` if it cannot be told apart
    /// from a later state, or is damaged: rows answer then.
    fn late(&self, view: View<'_>) -> Result<Option<TextSnapshot>, WorkspaceError> {
        let generation = view.state().generation;
        if generation == 0 || !self.folder.is_dir() {
            return Ok(None);
        }
        let mut opened = self.lock();
        if opened.is_none() {
            *opened = TextIndex::open(&self.folder).ok();
        }
        let Some(index) = opened.as_mut() else { return Ok(None) };
        if index.reload().is_err() || index.payload_generation() != generation {
            return Ok(None);
        }
        Ok(Some(index.snapshot(view.dirty()?)))
    }

    /// What the text index knows for a transaction that writes: no run can begin while it lasts, so every generation
    /// that the store counts on, or a later one, will do.
    pub(crate) fn for_writer(&self, view: View<'_>) -> Result<Option<TextSnapshot>, WorkspaceError> {
        if view.state().generation == 0 {
            return Ok(None);
        }
        let mut opened = self.lock();
        if opened.is_none() {
            *opened = TextIndex::open(&self.folder).ok();
        }
        let Some(index) = opened.as_mut() else { return Ok(None) };
        if index.reload().is_err() || index.payload_generation() < view.state().generation {
            return Ok(None);
        }
        Ok(Some(index.snapshot(view.dirty()?)))
    }

    /// Begins a run of the indexer.
    pub(crate) fn begin_run(&self) -> Result<IndexRun, WorkspaceError> {
        // Beside the folder, which a rebuild removes.
        let path = self.folder.with_extension("lock");
        let failed = |error: std::io::Error| IndexError::Text(format!("locking {}: {error}", path.display()));
        let file = files::private().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(IndexRun { _lock: file }),
            Err(TryLockError::WouldBlock) => {
                let message = "another process is indexing text; try again when it is done".to_owned();
                Err(IndexError::Text(message).into())
            }
            Err(TryLockError::Error(error)) => Err(failed(error).into()),
        }
    }

    /// Whether somebody, in this process or another, is indexing at this moment.
    pub(crate) fn is_being_written(&self) -> bool {
        let Ok(file) = File::open(self.folder.with_extension("lock")) else { return false };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }

    /// The folder that it is in.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Puts another index in place of the one that is open.
    pub(crate) fn replace(&self, index: TextIndex) {
        *self.lock() = Some(index);
    }

    /// Bytes of its files.
    pub(crate) fn bytes(&self) -> u64 {
        folder_bytes(&self.folder)
    }
}

fn folder_bytes(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}

impl TextAnswers {
    /// Answers for the snapshot that it was opened with; `None` if rows must answer.
    pub(crate) fn source(
        &self,
        indexes: &TextIndexes,
        view: View<'_>,
    ) -> Result<Option<&TextSnapshot>, WorkspaceError> {
        if let Some(known) = self.ready.get() {
            return Ok(known.as_ref());
        }
        let late = indexes.late(view)?;
        Ok(self.ready.get_or_init(|| late).as_ref())
    }
}

impl Workspace {
    /// Brings the text index up to date, and merges what was appended to attribute indexes and memberships.
    ///
    /// Others read and write meanwhile, but for two short transactions.
    ///
    /// # Errors
    /// If another process is indexing, or the store or the text index cannot be written.
    pub fn index(&self) -> Result<IndexReport, WorkspaceError> {
        let run = self.text.begin_run()?;
        let mut report = self.index_text(&run)?;
        self.purge_text(&run)?;
        drop(run);
        let mut txn = self.store.write()?;
        let definitions = self.definitions(txn.view())?;
        let kinds = FieldKinds::new(&definitions.schema);
        let (rwtxn, tables) = txn.index_tables();
        report.merged_blocks = AttributeIndex::new(tables.index, kinds).merge_all(rwtxn)?;
        report.merged_groups = txn.merge_all_members()? as u64;
        txn.commit()?;
        report.cut_entries = self.cut_whole_log()?;
        Ok(report)
    }

    /// Brings the words of the contacts that changed since the last run to the text index. One that lacks what the store
    /// counts on, or that cannot be read, is made anew from the rows of all.
    pub(crate) fn index_text(&self, _run: &IndexRun) -> Result<IndexReport, WorkspaceError> {
        // No lock is held through the run: who writes asks the index while it has the store's.
        let opened = self.text.lock().take();
        let mut txn = self.store.write()?;
        let usable = opened.map_or_else(|| TextIndex::open(self.text.folder()), Ok).and_then(|mut index| {
            index.reload()?;
            Ok((index.payload_generation() >= txn.view().state().generation).then_some(index))
        });
        let usable = usable.unwrap_or_default();
        if usable.is_none() && txn.view().dirty()?.len() != txn.view().state().contacts {
            mark_all_dirty(&mut txn)?;
        }
        txn.begin_index_run()?;
        txn.commit()?;
        let mut index = match usable {
            Some(index) => index,
            // Everybody is dirty now, so no answer relies on what is removed.
            None => TextIndex::recreate(self.text.folder())?,
        };
        let snapshot = self.store.read()?;
        let view = snapshot.view();
        let due = view.flushing()?;
        if due.is_empty() && index.payload_generation() == view.state().generation {
            let generation = index.payload_generation();
            self.text.replace(index);
            return Ok(IndexReport { generation, ..IndexReport::default() });
        }
        let generation = index.payload_generation().max(view.state().generation) + 1;
        let definitions = self.definitions(view)?;
        let kinds = FieldKinds::new(&definitions.schema);
        let mut trouble = None;
        let rows = due.iter().map(DocumentNumber).map(|document| match view.row(document) {
            Ok(row) => (document, row),
            Err(error) => {
                trouble.get_or_insert(error);
                (document, None)
            }
        });
        index.index_documents(rows, &kinds, generation)?;
        if let Some(error) = trouble {
            return Err(error.into());
        }
        drop(snapshot);
        let mut txn = self.store.write()?;
        txn.finish_index_run(generation)?;
        txn.commit()?;
        index.reload()?;
        self.text.replace(index);
        Ok(IndexReport { documents: due.len(), generation, ..IndexReport::default() })
    }

    /// Whether anything was ever committed to the text index, even if the store did not come to count on it.
    pub(crate) fn has_text(&self) -> Result<bool, WorkspaceError> {
        if self.store.read()?.view().state().generation > 0 {
            return Ok(true);
        }
        Ok(self.text.folder.is_dir() && TextIndex::open(&self.text.folder)?.payload_generation() > 0)
    }

    /// Takes words of whoever was erased out of the files of the text index, if there may be some. The index must be up to
    /// date.
    pub(crate) fn purge_text(&self, _run: &IndexRun) -> Result<(), WorkspaceError> {
        if !self.store.read()?.view().purge_is_due()? {
            return Ok(());
        }
        let mut opened = self.text.lock();
        if opened.is_none() && self.text.folder.is_dir() {
            *opened = Some(TextIndex::open(&self.text.folder)?);
        }
        if let Some(index) = opened.as_mut() {
            index.purge()?;
        }
        drop(opened);
        let mut txn = self.store.write()?;
        txn.set_purge_due(false)?;
        txn.commit()?;
        Ok(())
    }
}

/// Rows answer for all contacts until they are indexed.
fn mark_all_dirty(txn: &mut Transaction<'_>) -> Result<(), WorkspaceError> {
    for block in 0..txn.view().state().next_document.div_ceil(BLOCK_SIZE as u32) {
        let rows = txn.view().rows_of_block(Block(block as u16))?;
        let documents: Vec<u32> = rows.into_iter().map(|(document, _)| document.0).collect();
        txn.mark_dirty(&documents)?;
    }
    Ok(())
}
