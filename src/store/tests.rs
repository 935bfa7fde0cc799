#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

//! Every table against plain collections, and the promises of snapshots, processes and backups.

mod any_bytes;
mod damage;
mod drafts;
mod model;
mod opening;

use std::path::Path;

use tempfile::TempDir;

use super::{Settings, Store};
use crate::value::Instant;

/// A new store that goes away with the folder.
pub(super) fn new_store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = create(&folder.path().join("store"));
    (folder, store)
}

fn create(path: &Path) -> Store {
    Store::create(path, &Settings::default(), Instant::from_micros(0)).unwrap()
}
