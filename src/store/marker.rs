//! The file that says that a folder is a store, and of which format.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use crate::files;
use crate::ids::Uuid;

/// The name of the file.
pub(crate) const FILE: &str = "headcount.json";

/// The format that this program writes: raised when a program of the format before could read something wrong.
pub const FORMAT: u64 = 3;

/// The oldest format that this program reads.
pub const OLDEST_FORMAT: u64 = 3;

/// Longer files are not markers, and are not read.
const MAX_LENGTH: u64 = 64 << 10;

#[derive(Serialize, Deserialize)]
struct Marker {
    /// Always `headcount`.
    store: String,
    format: u64,
    /// Identity of the store, which its data file repeats.
    id: String,
    /// The program that made it, for people.
    program: String,
    /// How often the data file was written anew, which names the folder that it is in: 0 is the store's own.
    #[serde(default, skip_serializing_if = "is_zero")]
    data: u64,
}

/// What a marker says of a store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Marked {
    /// The identity of the store.
    pub(crate) identity: Uuid,
    /// How often its data file was written anew.
    pub(crate) data: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Writes the marker of a store: it is there whole or not at all, and lasts once this returns.
pub(crate) fn write(folder: &Path, marked: Marked) -> Result<(), StoreError> {
    let marker = Marker {
        store: "headcount".to_owned(),
        format: FORMAT,
        id: marked.identity.to_string(),
        program: concat!("headcount ", env!("CARGO_PKG_VERSION")).to_owned(),
        data: marked.data,
    };
    let path = folder.join(FILE);
    let write = || {
        let mut bytes = serde_json::to_vec_pretty(&marker)?;
        bytes.push(b'\n');
        files::write_whole(&path, &bytes)
    };
    write().map_err(|error| StoreError::io("write", &path, error))
}

/// Reads the marker of a store.
pub(crate) fn read(folder: &Path) -> Result<Marked, StoreError> {
    match fs::metadata(folder) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => return Err(StoreError::NotAStore { path: folder.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(StoreError::Missing { path: folder.to_owned() });
        }
        Err(error) => return Err(StoreError::io("open", folder, error)),
    }
    let path = folder.join(FILE);
    let bytes = match read_short(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(StoreError::NotAStore { path: folder.to_owned() });
        }
        Err(error) => return Err(StoreError::io("read", &path, error)),
    };
    let damaged = |reason: &str| StoreError::Marker { path: path.clone(), reason: reason.to_owned() };
    if bytes.is_empty() {
        return Err(damaged("it is empty"));
    }
    // The format first, alone: the rest of a newer marker may look different.
    let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(|error| damaged(&error.to_string()))?;
    if value.get("store").and_then(|store| store.as_str()) != Some("headcount") {
        return Err(damaged("it does not say that this is a headcount store"));
    }
    match value.get("format").and_then(|format| format.as_u64()) {
        None => return Err(damaged("it does not say which format the store has")),
        Some(found) if found > FORMAT => {
            return Err(StoreError::Newer { path: folder.to_owned(), found, supported: FORMAT });
        }
        Some(found) if found < OLDEST_FORMAT => {
            return Err(StoreError::Older { path: folder.to_owned(), found, supported: OLDEST_FORMAT });
        }
        Some(_) => {}
    }
    let marker: Marker = serde_json::from_value(value).map_err(|error| damaged(&error.to_string()))?;
    let identity = Uuid::parse(&marker.id).ok_or_else(|| damaged("the identity of the store in it is not one"))?;
    Ok(Marked { identity, data: marker.data })
}

/// What tells one marker file from the next without reading it: when it was written, and which file it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stamp(Option<SystemTime>, u64);

impl Stamp {
    /// Of the marker as it is now. One that is gone has a stamp of its own.
    ///
    /// Cost: one call of the system, about a microsecond.
    pub(crate) fn of(folder: &Path) -> Self {
        let Ok(metadata) = fs::metadata(folder.join(FILE)) else { return Stamp(None, 0) };
        #[cfg(unix)]
        let file = std::os::unix::fs::MetadataExt::ino(&metadata);
        #[cfg(not(unix))]
        let file = 0;
        Stamp(metadata.modified().ok(), file)
    }
}

fn read_short(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(File::open(path)?, MAX_LENGTH), &mut bytes)?;
    Ok(bytes)
}
