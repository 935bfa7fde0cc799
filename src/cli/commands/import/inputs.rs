//! Files that are read, and standard input as a file where it has to be read twice.

use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::cli::Outcome;
use crate::import::{ImportError, Source};

/// A file, or standard input.
pub(super) struct Input {
    path: PathBuf,
    /// Standard input that was kept, since it is read twice.
    kept: Option<NamedTempFile>,
}

impl Input {
    pub(super) fn new(path: &Path) -> Self {
        Input { path: path.to_owned(), kept: None }
    }

    /// Keeps standard input in a file of its own, so that it can be read again.
    pub(super) fn keep(&mut self) -> Outcome {
        if self.path.as_os_str() == "-" && self.kept.is_none() {
            let mut file = NamedTempFile::new()?;
            io::copy(&mut io::stdin().lock(), file.as_file_mut())?;
            self.kept = Some(file);
        }
        Ok(())
    }

    pub(super) fn open(&self) -> Result<Source, ImportError> {
        match &self.kept {
            Some(kept) => Source::file_named(kept.path(), "standard input"),
            None => Source::open(&self.path),
        }
    }

    /// Whether it can be read only once.
    pub(super) fn is_once(&self) -> bool {
        if self.kept.is_some() {
            return false;
        }
        if self.path.as_os_str() == "-" {
            return true;
        }
        // A pipe with a name is opened when it is read, and what is not there is told then.
        std::fs::metadata(&self.path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
    }
}
