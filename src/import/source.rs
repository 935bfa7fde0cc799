//! Where bytes come from: a file, standard input, or any reader.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::import::error::{ImportError, Kind};

/// Time between looks at a followed file: within what its reader may take to notice.
const FOLLOW_PAUSE: std::time::Duration = std::time::Duration::from_millis(20);

/// How far the reading of a source has come. Cheap to clone; every clone tells the same.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    read: Arc<AtomicU64>,
    total: Option<u64>,
}

impl Progress {
    /// Bytes read so far.
    pub fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Bytes in all, if that is known beforehand.
    pub fn total_bytes(&self) -> Option<u64> {
        self.total
    }
}

/// An input with a name for messages.
pub struct Source {
    name: String,
    reader: Box<dyn Read + Send>,
    progress: Progress,
    is_stream: bool,
}

impl Source {
    /// A file.
    ///
    /// # Errors
    /// If it is missing, a folder, or may not be read.
    pub fn file(path: &Path) -> Result<Self, ImportError> {
        Self::file_named(path, path.display().to_string())
    }

    /// A file under another name for messages.
    ///
    /// # Errors
    /// Those of [`Source::file`].
    pub fn file_named(path: &Path, name: impl Into<String>) -> Result<Self, ImportError> {
        let name = name.into();
        let failed = |error| ImportError::new(&name, Kind::Io(error));
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        // A pipe or a device has no length that means anything.
        let total = metadata.is_file().then_some(metadata.len());
        Ok(Self::build(name, Box::new(file), total))
    }

    /// Standard input.
    pub fn standard_input() -> Self {
        Self::build("standard input".to_owned(), Box::new(io::stdin()), None)
    }

    /// The file at that path, or standard input for `-`.
    ///
    /// # Errors
    /// Those of [`Source::file`].
    pub fn open(path: &Path) -> Result<Self, ImportError> {
        if path.as_os_str() == "-" { Ok(Self::standard_input()) } else { Self::file(path) }
    }

    /// A file that others append to: at its end, the reading waits for more and never ends.
    ///
    /// # Errors
    /// Those of [`Source::file`].
    pub fn followed(path: &Path) -> Result<Self, ImportError> {
        let mut source = Self::file(path)?;
        source.reader = Box::new(Followed { inner: source.reader });
        source.progress.total = None;
        source.is_stream = true;
        Ok(source)
    }

    /// Any reader, under a name for messages.
    ///
    /// ```
    /// use headcount::internals::import::Source;
    /// let source = Source::from_reader("example", "{}".as_bytes());
    /// assert_eq!(source.name(), "example");
    /// ```
    pub fn from_reader(name: impl Into<String>, reader: impl Read + Send + 'static) -> Self {
        Self::build(name.into(), Box::new(reader), None)
    }

    fn build(name: String, reader: Box<dyn Read + Send>, total: Option<u64>) -> Self {
        let progress = Progress { read: Arc::default(), total };
        let reader = Box::new(Counted { inner: reader, read: Arc::clone(&progress.read) });
        Source { name, reader, progress, is_stream: total.is_none() }
    }

    /// Its name for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How far it has been read.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Whether it is a pipe or another reader that cannot be read twice.
    pub fn is_stream(&self) -> bool {
        self.is_stream
    }

    pub(crate) fn into_parts(self) -> (String, Box<dyn Read + Send>, Progress) {
        (self.name, self.reader, self.progress)
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("name", &self.name).field("progress", &self.progress).finish_non_exhaustive()
    }
}

/// Counts the bytes that go by.
struct Counted {
    inner: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Waits at the end for more to come.
struct Followed {
    inner: Box<dyn Read + Send>,
}

impl Read for Followed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.inner.read(buffer)? {
                0 if !buffer.is_empty() => std::thread::sleep(FOLLOW_PAUSE),
                count => return Ok(count),
            }
        }
    }
}

/// Reads once, again if a signal came in between.
pub(crate) fn read_once(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            result => return result,
        }
    }
}
