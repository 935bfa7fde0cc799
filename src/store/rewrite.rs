//! A store's data written anew without a trace of what was deleted.
//!
//! LMDB neither overwrites the pages that it frees nor the bytes that a deleted value leaves in a page. So everything that
//! a transaction still sees is put, value by value, into new files in a folder of their own; the marker, renamed in one
//! step, makes them the store's; and the old files go. Before that step there is the old store, after it the new one.
//!
//! Whoever has the old files open is told ([`StoreError::Replaced`]) when it next begins to read or write, and opens the
//! store again; what it is reading stays as it was. The transaction holds the writers' lock of the old files through all
//! of it, so that nothing is written there that the new ones lack.

use std::fs;
use std::path::Path;

use heed::PutFlags;

use super::anew;
use super::backup::Staging;
use super::environment::{self, DATA_FILE, LOCK_FILE, data_folder};
use super::error::StoreError;
use super::fail;
use super::marker::{self, Marked};
use super::snapshot::Transaction;
use crate::files;

/// Bytes that are put in one commit of the new file: changed pages stay in memory until then.
const BATCH: usize = 64 << 20;

impl Transaction<'_> {
    /// Commits what this transaction sees into new files, in place of the store's, which are removed. This handle of the
    /// store, and every other, is of the old files then: open it again.
    ///
    /// Cost: the whole store is read and written; it takes as much room again until it is done.
    ///
    /// # Errors
    /// If the disk is full or the system refuses. Then the store is as it was; or the new files count, and what is left of
    /// the old ones goes when the store is opened.
    pub fn rewrite(mut self) -> Result<(), StoreError> {
        self.finish()?;
        let environment = self.environment;
        let (folder, old) = (&environment.folder, environment.marked);
        let new = Marked { data: old.data + 1, ..old };
        let place = data_folder(folder, new.data);
        remove_leftovers(folder, old)?;
        let staging = Staging::beside(&place)?;
        self.copy_to(&staging.folder)?;
        staging.place(&place)?;
        // Damaged files that were kept may hold who is erased.
        anew::remove_kept(folder)?;
        fail::point(fail::Point::BeforeSwap)?;
        // Once this returns the new marker lasts: a note that is ahead of the store would refuse it for ever.
        marker::write(folder, new)?;
        fail::point(fail::Point::AfterSwap)?;
        environment.note.write(self.state.commit);
        drop(self);
        remove_data(folder, old.data)
    }

    /// Puts every entry of every table into a new environment.
    fn copy_to(&self, folder: &Path) -> Result<(), StoreError> {
        let copy = environment::create(folder)?;
        for ((_, from), (_, to)) in self.tables.all().into_iter().zip(copy.tables.all()) {
            let mut txn = copy.env.write_txn()?;
            let mut bytes = 0;
            for entry in from.iter(&self.txn)? {
                let (key, value) = entry?;
                to.put_with_flags(&mut txn, PutFlags::APPEND, key, value)?;
                bytes += key.len() + value.len();
                if bytes > BATCH {
                    txn.commit()?;
                    txn = copy.env.write_txn()?;
                    bytes = 0;
                }
            }
            txn.commit()?;
        }
        copy.env.prepare_for_closing().wait();
        Ok(())
    }
}

/// Removes the files that came before those that count. There are some if a rewriting ended after its one step.
pub(crate) fn remove_older(folder: &Path, marked: Marked) -> Result<(), StoreError> {
    match marked.data.checked_sub(1) {
        Some(older) if has_older(folder, marked) => remove_data(folder, older),
        _ => Ok(()),
    }
}

/// Whether there are such files.
pub(crate) fn has_older(folder: &Path, marked: Marked) -> bool {
    marked.data.checked_sub(1).is_some_and(|older| data_folder(folder, older).join(DATA_FILE).exists())
}

/// Removes what rewritings that ended before their one step have left. Only for whoever holds the writers' lock.
pub(crate) fn remove_leftovers(folder: &Path, marked: Marked) -> Result<(), StoreError> {
    let io = |error| StoreError::io("look into", folder, error);
    let next = format!("data-{}", marked.data + 1);
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name();
        if name == next.as_str() || name.to_string_lossy().starts_with(&format!(".{next}.")) {
            let path = entry.path();
            fs::remove_dir_all(&path).map_err(|error| StoreError::io("remove", &path, error))?;
        } else if files::is_unfinished(&name.to_string_lossy()) {
            let path = entry.path();
            files::gone(fs::remove_file(&path)).map_err(|error| StoreError::io("remove", &path, error))?;
        }
    }
    Ok(())
}

/// Removes the data file of a number, and its lock: not before the marker that made others count is durable.
pub(crate) fn remove_data(folder: &Path, data: u64) -> Result<(), StoreError> {
    files::sync_folder(folder).map_err(|error| StoreError::io("sync", folder, error))?;
    let place = data_folder(folder, data);
    let removed = if data == 0 {
        [DATA_FILE, LOCK_FILE].into_iter().try_for_each(|name| files::gone(fs::remove_file(place.join(name))))
    } else {
        files::gone(fs::remove_dir_all(&place))
    };
    removed.map_err(|error| StoreError::io("remove", &place, error))
}
