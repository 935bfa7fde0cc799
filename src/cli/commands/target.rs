//! Files that commands write: whole, or not at all.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::cli::Outcome;
use crate::cli::failure::Failure;

/// A file in the making, which takes its place when it is whole; or standard output.
pub(super) struct Target {
    pub(super) writer: BufWriter<Box<dyn Write + Send>>,
    /// Where it is written, and its place.
    paths: Option<(PathBuf, PathBuf)>,
}

impl Target {
    pub(super) fn open(path: &Path) -> Outcome<Self> {
        if path.as_os_str() == "-" {
            return Ok(Target { writer: BufWriter::new(Box::new(std::io::stdout())), paths: None });
        }
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let partial = path.with_file_name(format!(".{name}.partial"));
        let file = File::create(&partial).map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))?;
        Ok(Target { writer: BufWriter::new(Box::new(file)), paths: Some((partial, path.to_owned())) })
    }

    pub(super) fn finish(mut self) -> Outcome {
        self.writer.flush()?;
        if let Some((partial, path)) = self.paths.take() {
            fs::rename(partial, &path).map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))?;
        }
        Ok(())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // What was not finished is of no use to anybody.
        if let Some((partial, _)) = &self.paths {
            let _ = fs::remove_file(partial);
        }
    }
}
