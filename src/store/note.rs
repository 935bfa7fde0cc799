//! The note of the last commit, kept outside the memory map, so that a data file that went back in time is found.
//!
//! LMDB has two heads and takes the newer one that makes sense: damage to a head, or an older data file put in the place of
//! a newer one, is a store that is whole and old. This file knows better: after each commit its number is written here.
//!
//! ```text
//! 0, 512   a slot each, for even and odd commits: checksum u64, commit u64, identity of the store 16
//! ```
//!
//! The file is there from the beginning, and lasts. A note is written after its commit is durable, and is not synced: so it
//! is never ahead of the store. After a loss of power it may be behind, which is no damage; then it finds only what goes
//! back further.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use xxhash_rust::xxh3::xxh3_64;

use super::error::StoreError;
use crate::files;
use crate::ids::Uuid;

/// The name of the file.
pub(crate) const FILE: &str = "last-commit";

/// Where the second slot begins: another sector of the disk.
const STRIDE: usize = 512;
const SLOT: usize = 32;
const LENGTH: usize = STRIDE + SLOT;

/// The note of a store.
#[derive(Debug)]
pub(crate) struct Note {
    path: PathBuf,
    identity: Uuid,
    /// Opened for writing by the first commit.
    file: Mutex<Option<File>>,
}

/// What a note says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Noted {
    /// The last commit of which it knows.
    pub(crate) commit: u64,
    /// Whether a slot cannot be read.
    pub(crate) is_damaged: bool,
}

impl Note {
    pub(crate) fn of(folder: &Path, identity: Uuid) -> Self {
        Note { path: folder.join(FILE), identity, file: Mutex::new(None) }
    }

    /// What was noted; `None` if nothing ever was, as in the stores of programs before this file was.
    pub(crate) fn read(&self) -> Result<Option<Noted>, StoreError> {
        let mut bytes = Vec::with_capacity(LENGTH);
        match File::open(&self.path) {
            Ok(file) => file.take(LENGTH as u64 + 1).read_to_end(&mut bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => Err(error),
        }
        .map_err(|error| StoreError::io("read", &self.path, error))?;
        let slots = [0, STRIDE].map(|at| bytes.get(at..at + SLOT).and_then(|slot| self.decode(slot)));
        let is_damaged = bytes.len() != LENGTH
            || slots.contains(&None)
            || bytes.get(SLOT..STRIDE).is_some_and(|gap| gap.iter().any(|&byte| byte != 0));
        let commit = slots.into_iter().flatten().max().unwrap_or(0);
        Ok(Some(Noted { commit, is_damaged }))
    }

    /// Notes a commit that is durable. Readers trust the commit and not the note, so a note that cannot be written is no
    /// failure of the commit: the next one is.
    ///
    /// Cost: a write of 32 bytes, not synced.
    pub(crate) fn write(&self, commit: u64) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if file.is_none() {
            *file = self.open().ok();
        }
        let at = if commit.is_multiple_of(2) { 0 } else { STRIDE };
        if let Some(file) = file.as_mut() {
            let _ = file.seek(SeekFrom::Start(at as u64)).and_then(|_| file.write_all(&self.encode(commit)));
        }
    }

    /// The file, with both slots filled: commit 0 is what every store has seen.
    fn open(&self) -> io::Result<File> {
        match File::options().write(true).open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.begin(0)?;
                File::options().write(true).open(&self.path)
            }
            opened => opened,
        }
    }

    /// Writes the whole file anew: it is there whole, or as it was, and lasts once this returns.
    pub(crate) fn begin(&self, commit: u64) -> io::Result<()> {
        let mut bytes = self.encode(commit).to_vec();
        bytes.resize(STRIDE, 0);
        bytes.extend_from_slice(&self.encode(commit));
        files::write_whole(&self.path, &bytes)
    }

    fn encode(&self, commit: u64) -> [u8; SLOT] {
        let mut slot = [0; SLOT];
        let (sum, rest) = slot.split_at_mut(8);
        let (number, identity) = rest.split_at_mut(8);
        number.copy_from_slice(&commit.to_le_bytes());
        identity.copy_from_slice(&self.identity.0);
        sum.copy_from_slice(&xxh3_64(&[&commit.to_le_bytes()[..], &self.identity.0].concat()).to_le_bytes());
        slot
    }

    fn decode(&self, slot: &[u8]) -> Option<u64> {
        let commit = slot.get(8..16)?.try_into().ok().map(u64::from_le_bytes)?;
        (self.encode(commit) == slot).then_some(commit)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn the_later_slot_that_is_whole_counts() {
        let folder = tempfile::tempdir().unwrap();
        let note = Note::of(folder.path(), Uuid([3; 16]));
        assert_eq!(note.read().unwrap(), None);
        for commit in 1..=4 {
            note.write(commit);
            assert_eq!(note.read().unwrap(), Some(Noted { commit, is_damaged: false }));
        }
        let whole = std::fs::read(note.path()).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 8;
            std::fs::write(note.path(), bytes).unwrap();
            let noted = note.read().unwrap().unwrap();
            assert!(noted.is_damaged && (3..=4).contains(&noted.commit), "byte {at}: {noted:?}");
        }
        std::fs::write(note.path(), &whole[..20]).unwrap();
        assert_eq!(note.read().unwrap(), Some(Noted { commit: 0, is_damaged: true }));
        let other = Note::of(folder.path(), Uuid([4; 16]));
        std::fs::write(note.path(), &whole).unwrap();
        assert_eq!(other.read().unwrap(), Some(Noted { commit: 0, is_damaged: true }), "it is of another store");
    }
}
