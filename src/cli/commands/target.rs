//! Files that commands write: whole, or not at all.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::cli::Outcome;
use crate::cli::failure::Failure;
use crate::files::FileForPeople;

/// A file in the making, which takes its place when it is whole; or standard output.
pub(super) struct Target {
    pub(super) writer: FileForPeople,
    path: PathBuf,
}

impl Target {
    pub(super) fn open(path: &Path) -> Outcome<Self> {
        let writer = FileForPeople::create(path).map_err(|error| failed(path, &error))?;
        Ok(Target { writer, path: path.to_owned() })
    }

    pub(super) fn finish(self) -> Outcome {
        let Target { writer, path } = self;
        match writer.finish() {
            Err(error) if path.as_os_str() == "-" => Err(error.into()),
            finished => finished.map_err(|error| failed(&path, &error)),
        }
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.writer.flush()
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    let path = path.display();
    match error.kind() {
        std::io::ErrorKind::IsADirectory => Failure::Failed(format!("{path}: this is a folder, and a file is needed")),
        _ => Failure::Failed(format!("{path}: cannot be written: {error}")),
    }
}
