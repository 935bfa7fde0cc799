//! A damaged store written anew from what its data file still holds.
//!
//! Nothing is written to the damaged file: its pages, and the list of those that are free, are not to be trusted. A new
//! file is made from values whose checksums hold, and only if the sums that the last commit wrote say that these are all of
//! them: a repair never makes anything fewer. Whatever is computed from rows is computed again by whoever asked; the new
//! file takes the place of the old one when that one is content, and the old one is kept beside it.

use std::fs;
use std::path::{Path, PathBuf};

use heed::PutFlags;

use super::backup::Staging;
use super::environment::{self, DATA_FILE, data_folder};
use super::error::StoreError;
use super::marker::{self, Marked};
use super::meta;
use super::note::Note;
use super::pages::{Extent, PageFile, Walk};
use super::rewrite;
use super::salvage::{Kept, Salvage};
use super::{Store, fail};
use crate::files;

/// Folders in which damaged files are kept begin so.
const KEPT: &str = "damaged-";

/// Bytes that are put in one commit of the new file.
const BATCH: usize = 64 << 20;

/// What became of writing a store anew.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Anew {
    /// The new file is in its place, and the old one is here.
    Replaced {
        /// The old data file.
        kept: PathBuf,
    },
    /// Something is not there that nothing else tells; nothing was changed.
    Missing(Vec<String>),
    /// The new file was not what it should be; nothing was changed.
    Refused,
}

impl Store {
    /// What is wrong with the pages of a store that cannot be opened, for people.
    ///
    /// # Errors
    /// If there is no store, or the system does not let it be read.
    pub fn check_pages_of(path: &Path) -> Result<Vec<String>, StoreError> {
        let marked = marker::read(path)?;
        let file = PageFile::open(&data_folder(path, marked.data).join(DATA_FILE))?;
        Ok(Walk::of(&file, None, Extent::Whole, &mut |_, _, _| {}).unwrap_or_default().problems)
    }

    /// What cannot be read of a store and follows from nothing else, for people: with nothing of that, it can be written
    /// anew.
    ///
    /// Cost: the data file is read several times.
    ///
    /// # Errors
    /// As for [`Store::write_anew`].
    pub fn missing_of(path: &Path) -> Result<Vec<String>, StoreError> {
        let marked = marker::read(path)?;
        let (env, data) = environment::open_locks(path, marked)?;
        let _lock = env.write_txn()?;
        let file = PageFile::open(&data)?;
        missing(path, marked, &Salvage::read(&file, None))
    }

    /// Writes the data of a store anew from what its file still holds, in a folder beside it; calls `mend` with that
    /// folder, which is a store of its own, to compute what follows from rows; and puts it in the place of the old one if
    /// `mend` says that it is sound. Handles of the store are of the old file then: open it again. The text index is
    /// left as it is, and nothing relies on it until it is built again.
    ///
    /// Cost: the data file is read four times, and as much is written as it holds.
    ///
    /// # Errors
    /// What `mend` returns; or if there is no store, its heads are damaged, or the system refuses. Then nothing was changed.
    pub fn write_anew<E: From<StoreError>>(
        path: &Path,
        mend: impl FnOnce(&Path) -> Result<bool, E>,
    ) -> Result<Anew, E> {
        let io = |action, path: &Path| {
            let path = path.to_owned();
            move |error| StoreError::io(action, &path, error)
        };
        let folder = fs::canonicalize(path).map_err(io("open", path))?;
        let old = marker::read(&folder)?;
        let (env, data) = environment::open_locks(&folder, old)?;
        // From here on nobody writes to the old file.
        let lock = env.write_txn().map_err(StoreError::from)?;
        if marker::read(&folder)? != old {
            return Err(StoreError::Replaced { path: folder }.into());
        }
        let file = PageFile::open(&data)?;
        let salvage = Salvage::read(&file, None);
        let missing = missing(&folder, old, &salvage)?;
        if !missing.is_empty() {
            return Ok(Anew::Missing(missing));
        }
        let staging = Staging::beside(&folder)?;
        staging.make_text_folder()?;
        write_found(&salvage, &staging.folder)?;
        staging.say(old.identity)?;
        if !mend(&staging.folder)? {
            return Ok(Anew::Refused);
        }
        let commit = Store::open(&staging.folder)?.read()?.view().state().commit;
        let new = Marked { data: old.data + 1, ..old };
        let place = data_folder(&folder, new.data);
        rewrite::remove_leftovers(&folder, old)?;
        let inside = Staging::beside(&place)?;
        let from = staging.folder.join(DATA_FILE);
        fs::rename(&from, inside.folder.join(DATA_FILE)).map_err(io("move", &from))?;
        inside.place(&place)?;
        let kept = keep(&folder, &data)?;
        fail::point(fail::Point::BeforeSwap)?;
        marker::write(&folder, new)?;
        fail::point(fail::Point::AfterSwap)?;
        let note = Note::of(&folder, old.identity);
        note.begin(commit).map_err(io("write", note.path()))?;
        drop(lock);
        rewrite::remove_data(&folder, old.data)?;
        Ok(Anew::Replaced { kept })
    }
}

fn missing(folder: &Path, marked: Marked, salvage: &Salvage<'_>) -> Result<Vec<String>, StoreError> {
    let (state, directory) = meta::state_of(&salvage.meta);
    let mut missing = salvage.missing(state, directory.as_ref());
    if !meta::has_settings(&salvage.meta, marked.identity) {
        missing.push("the settings of the workspace, or its identity, are damaged".to_owned());
    }
    let noted = Note::of(folder, marked.identity).read()?.map_or(0, |noted| noted.commit);
    if let Some(found) = state.map(|state| state.commit).filter(|&found| found < noted) {
        missing.push(format!("commit {noted} was acknowledged, and the data file ends at commit {found}"));
    }
    Ok(missing)
}

/// Makes a data file of what was found.
fn write_found(salvage: &Salvage<'_>, folder: &Path) -> Result<(), StoreError> {
    let new = environment::create(folder)?;
    put_found(salvage, &new)?;
    new.env.prepare_for_closing().wait();
    Ok(())
}

fn put_found(salvage: &Salvage<'_>, new: &environment::New) -> Result<(), StoreError> {
    let mut open = Some(new.env.write_txn()?);
    let mut bytes = 0;
    let mut put = |Kept { part, table, key, value }: Kept<'_>| -> Result<(), StoreError> {
        let (Some(_), Some(table)) = (part, new.tables.named(table)) else { return Ok(()) };
        let mut txn = match open.take() {
            Some(txn) => txn,
            None => new.env.write_txn()?,
        };
        match table.put_with_flags(&mut txn, PutFlags::APPEND, key, value) {
            // It was found behind others, and belongs before them.
            Err(heed::Error::Mdb(heed::MdbError::KeyExist)) => table.put(&mut txn, key, value)?,
            done => done?,
        }
        bytes += key.len() + value.len();
        if bytes > BATCH {
            bytes = 0;
            txn.commit()?;
        } else {
            open = Some(txn);
        }
        Ok(())
    };
    let mut done = Ok(());
    salvage.each(&mut |kept| {
        if done.is_ok() {
            done = put(kept);
        }
    });
    done?;
    let mut txn = match open {
        Some(txn) => txn,
        None => new.env.write_txn()?,
    };
    for holders in [new.tables.uuid_holders(), new.tables.urn_holders()] {
        let (key, value) = holders.initial();
        holders.table.put(&mut txn, &key, &value)?;
    }
    if let (Some(state), _) = meta::state_of(&salvage.meta) {
        meta::put_found(&mut txn, &new.tables, &salvage.meta, &state, &salvage.tallies())?;
    }
    Ok(txn.commit()?)
}

/// Gives the old data file another name, in a folder of its own, so that it stays when the old name goes.
fn keep(folder: &Path, data: &Path) -> Result<PathBuf, StoreError> {
    let free = (1..).map(|number| folder.join(format!("{KEPT}{number}"))).find(|place| !place.exists());
    let place = free.unwrap_or_else(|| folder.join(KEPT));
    files::make_private_folder(&place).map_err(|error| StoreError::io("make the folder", &place, error))?;
    let kept = place.join(DATA_FILE);
    // A file system without links takes a copy.
    fs::hard_link(data, &kept)
        .or_else(|_| fs::copy(data, &kept).map(drop))
        .map_err(|error| StoreError::io("keep", &kept, error))?;
    files::sync_folder(&place).map_err(|error| StoreError::io("sync", &place, error))?;
    Ok(kept)
}

/// Removes damaged files that were kept: they may hold somebody who is erased.
pub(crate) fn remove_kept(folder: &Path) -> Result<(), StoreError> {
    let io = |error| StoreError::io("look into", folder, error);
    for entry in fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(KEPT)) {
            fs::remove_dir_all(&path).map_err(|error| StoreError::io("remove", &path, error))?;
        }
    }
    Ok(())
}
