//! Files that people asked for by name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{parent, persist, staged};

/// Links that lead to links are followed so often, as the system does.
const MAX_LINKS: usize = 40;

/// A file that is being written for people: it takes its place when it is finished, and leaves nothing if it is not.
///
/// Where the place is a link, the file that it leads to is replaced, and keeps the rights that it had; a new file is its
/// owner's alone. A pipe or a device is written to as it is.
#[derive(Debug)]
pub(crate) struct FileForPeople {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// Takes its place at the end.
    Staged { writer: BufWriter<NamedTempFile>, place: PathBuf },
    /// A pipe or a device.
    Through(BufWriter<File>),
    /// Standard output.
    Output(BufWriter<io::Stdout>),
}

impl FileForPeople {
    /// Begins a file; `-` is standard output.
    ///
    /// # Errors
    /// If the place is a folder, or its folder is not there or may not be written.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        if path.as_os_str() == "-" {
            return Ok(FileForPeople { kind: Kind::Output(BufWriter::new(io::stdout())) });
        }
        let place = followed(path)?;
        let kind = match fs::metadata(&place) {
            Ok(metadata) if metadata.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(metadata) if !metadata.is_file() => {
                Kind::Through(BufWriter::new(OpenOptions::new().write(true).open(&place)?))
            }
            Ok(metadata) => Kind::Staged { writer: BufWriter::new(staged(&place, Some(&metadata))?), place },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Kind::Staged { writer: BufWriter::new(staged(&place, None)?), place }
            }
            Err(error) => return Err(error),
        };
        Ok(FileForPeople { kind })
    }

    /// Puts the file in its place. It is there after a loss of power once this is done.
    ///
    /// # Errors
    /// If it cannot be written; then there is what was there before.
    pub(crate) fn finish(self) -> io::Result<()> {
        match self.kind {
            Kind::Staged { writer, place } => {
                let staged = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
                persist(staged, &place)
            }
            Kind::Through(mut writer) => writer.flush(),
            Kind::Output(mut writer) => writer.flush(),
        }
    }
}

impl Write for FileForPeople {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.kind {
            Kind::Staged { writer, .. } => writer.write(bytes),
            Kind::Through(writer) => writer.write(bytes),
            Kind::Output(writer) => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.kind {
            Kind::Staged { writer, .. } => writer.flush(),
            Kind::Through(writer) => writer.flush(),
            Kind::Output(writer) => writer.flush(),
        }
    }
}

/// Where a path leads, through links, whether there is something or not.
fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut place = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&place) {
            Ok(to) => place = parent(&place).join(to),
            // Not a link, or nothing at all.
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotFound) => {
                return Ok(place);
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("links lead round in a circle"))
}
