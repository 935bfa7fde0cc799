//! Who reads a store: what LMDB writes into its lock file.
//!
//! A snapshot keeps every page that was freed after it was taken. One that is never closed lets the file grow for ever, so
//! it must be possible to find out whose it is. LMDB gives no safe way to ask; its lock file has a slot for each reader:
//!
//! ```text
//! 0      magic u32, format u32, last commit u64, slots u32, a lock
//! 64·n   a lock, at the next multiple of 64
//! 64·m   slots of 64 bytes: commit that is read u64 (all ones: none), process u32
//! ```

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::environment::LOCK_FILE;

const MAGIC: u32 = 0xBEEF_C0DE;
const SLOT: usize = 64;

/// Where the slots begin: behind two locks of the system, each with its part of the head, in whole slots.
const SLOTS: Option<usize> = if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
    Some(2 * SLOT)
} else if cfg!(all(target_os = "linux", target_arch = "aarch64")) {
    Some(3 * SLOT)
} else {
    None
};

/// The oldest snapshot that somebody reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OldestReader {
    /// The number of the process.
    pub process: u32,
    /// Commits made since.
    pub commits_behind: u64,
}

/// The oldest snapshot of other processes, if there is one and this system's layout is known.
pub(crate) fn oldest(folder: &Path, last_commit: u64) -> Option<OldestReader> {
    let mut bytes = Vec::new();
    File::open(folder.join(LOCK_FILE)).ok()?.take(1 << 20).read_to_end(&mut bytes).ok()?;
    let word = |at: usize| bytes.get(at..at + 4).and_then(|word| word.try_into().ok()).map(u32::from_ne_bytes);
    let long = |at: usize| bytes.get(at..at + 8).and_then(|long| long.try_into().ok()).map(u64::from_ne_bytes);
    if word(0) != Some(MAGIC) {
        return None;
    }
    let first = SLOTS?;
    let readers = (0..word(16)? as usize).filter_map(|at| {
        let (commit, process) = (long(first + at * SLOT)?, word(first + at * SLOT + 8)?);
        (process != 0 && process != std::process::id() && commit <= last_commit).then_some((commit, process))
    });
    readers.min().map(|(commit, process)| OldestReader { process, commits_behind: last_commit - commit })
}
