//! Rows of CSV, in batches.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::{self, Read};

use ::csv::{ByteRecord, Reader, ReaderBuilder};

use crate::import::MAX_LINE;
use crate::import::decode::latin_1;
use crate::import::error::{ImportError, LineNumber, shown};
use crate::import::formula;
use crate::import::sheet::{Header, SAMPLE, SheetOptions};
use crate::workspace::change::ContactPatch;

/// Rows that are parsed together.
const BATCH: usize = 1_024;
/// Bytes that the reader under the rows asks for at a time.
const BUFFER: usize = 64 << 10;

/// How the bytes of a row stand for characters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    /// Nothing but ASCII so far.
    Unknown,
    Utf8,
    Latin1,
}

/// A row to parse.
pub(crate) struct Row {
    line: LineNumber,
    cells: Result<ByteRecord, String>,
    is_latin_1: bool,
}

/// Batches of the rows after the header.
pub(crate) struct RowBatches {
    reader: Reader<Bounded>,
    encoding: Encoding,
    is_done: bool,
    /// Rows that have been read to find out what the columns hold.
    ready: VecDeque<Row>,
}

/// Reads the header of a sheet, and gives what reads its rows.
pub(crate) fn open(
    name: &str,
    reader: Box<dyn Read + Send>,
    delimiter: u8,
    is_unicode: bool,
    options: &SheetOptions,
) -> Result<(Header, RowBatches), ImportError> {
    let bounded =
        Bounded { inner: reader, since_row: 0, offset: 0, line: 1, is_at_start: true, starts: VecDeque::new() };
    let reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .buffer_capacity(BUFFER)
        .from_reader(bounded);
    let encoding = if is_unicode { Encoding::Utf8 } else { Encoding::Unknown };
    let mut batches = RowBatches { reader, encoding, is_done: false, ready: VecDeque::new() };
    let mut bytes = 0;
    while batches.ready.len() < SAMPLE && bytes < MAX_LINE {
        let Some(row) = batches.read_row() else { break };
        bytes += row.cells.as_ref().map_or(0, |cells| cells.as_slice().len());
        batches.ready.push_back(row);
    }
    let first = batches.ready.front().ok_or_else(|| ImportError::new(name, super::error::Kind::Empty))?;
    let invalid = |reason: String| ImportError::invalid(name, Some(first.line), reason);
    first.texts().map_err(invalid)?;
    // A row that cannot be read is told in its turn.
    let texts =
        |row: &Row| row.texts().map_or_else(|_| Vec::new(), |texts| texts.into_iter().map(Cow::into_owned).collect());
    let sample: Vec<Vec<String>> = batches.ready.iter().map(texts).collect();
    let header = Header::read(&sample, options).map_err(invalid)?;
    batches.ready.drain(..header.rows_before().min(sample.len()));
    Ok((header, batches))
}

impl RowBatches {
    fn read_row(&mut self) -> Option<Row> {
        if self.is_done {
            return None;
        }
        self.reader.get_mut().since_row = 0;
        let mut cells = ByteRecord::new();
        let position = self.reader.position().byte();
        match self.reader.read_byte_record(&mut cells) {
            Ok(false) => {
                self.is_done = true;
                None
            }
            Ok(true) => {
                let line = self.reader.get_mut().line_at(position);
                let is_latin_1 = self.is_latin_1(&cells);
                Some(Row { line, cells: Ok(cells), is_latin_1 })
            }
            Err(error) => {
                self.is_done = true;
                Some(Row {
                    line: self.reader.get_mut().line_at(position),
                    cells: Err(format!("{error}; nothing after this is read")),
                    is_latin_1: false,
                })
            }
        }
    }

    /// The first row with a character beyond ASCII settles the encoding of the file: Latin-1 is hardly ever UTF-8 by
    /// chance. A row that is not UTF-8 after one that was is damaged, and is rejected.
    fn is_latin_1(&mut self, cells: &ByteRecord) -> bool {
        if self.encoding == Encoding::Unknown && !cells.as_slice().is_ascii() {
            let is_utf_8 = cells.iter().all(|cell| std::str::from_utf8(cell).is_ok());
            self.encoding = if is_utf_8 { Encoding::Utf8 } else { Encoding::Latin1 };
        }
        self.encoding == Encoding::Latin1
    }
}

impl Iterator for RowBatches {
    type Item = Vec<Row>;

    fn next(&mut self) -> Option<Vec<Row>> {
        let mut batch = Vec::with_capacity(BATCH);
        let mut bytes = 0;
        while batch.len() < BATCH && bytes < MAX_LINE {
            let Some(row) = self.ready.pop_front().or_else(|| self.read_row()) else { break };
            bytes += row.cells.as_ref().map_or(0, |cells| cells.as_slice().len());
            batch.push(row);
        }
        (!batch.is_empty()).then_some(batch)
    }
}

impl Row {
    fn texts(&self) -> Result<Vec<Cow<'_, str>>, String> {
        let cells = self.cells.as_ref().map_err(String::clone)?;
        cells
            .iter()
            .enumerate()
            .map(|(at, cell)| {
                if self.is_latin_1 {
                    return Ok(formula::unquoted(latin_1(cell)));
                }
                std::str::from_utf8(cell).map(|cell| formula::unquoted(Cow::Borrowed(cell))).map_err(|_| {
                    let cell = shown(&String::from_utf8_lossy(cell));
                    format!("cell {} is not UTF-8 as the rows before it are: {cell}", at + 1)
                })
            })
            .collect()
    }

    /// The patch that the row stands for, `None` for a row of blank cells.
    pub(crate) fn patch(&self, header: &Header) -> (LineNumber, Option<Result<ContactPatch, String>>) {
        (self.line, self.texts().map_or_else(|reason| Some(Err(reason)), |cells| header.patch(self.line, cells)))
    }
}

/// Refuses to read on when no row ends: then a quote was not closed, and the rest of the file would go into one cell.
/// And remembers where lines begin, since the rows' own numbers do not count blank lines before them.
struct Bounded {
    inner: Box<dyn Read + Send>,
    since_row: usize,
    offset: u64,
    line: u64,
    /// Whether nothing of this line has been read.
    is_at_start: bool,
    /// Offset and number of the lines that are not blank and not yet part of a row.
    starts: VecDeque<(u64, LineNumber)>,
}

impl Bounded {
    /// The number of the first line that is not blank from that offset on. Offsets do not go back.
    fn line_at(&mut self, offset: u64) -> LineNumber {
        while self.starts.front().is_some_and(|&(start, _)| start < offset) {
            self.starts.pop_front();
        }
        self.starts.front().map_or(LineNumber(self.line), |&(_, line)| line)
    }

    fn note_lines(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            match byte {
                b'\n' => {
                    self.line += 1;
                    self.is_at_start = true;
                }
                b'\r' => {}
                _ if self.is_at_start => {
                    self.starts.push_back((self.offset, LineNumber(self.line)));
                    self.is_at_start = false;
                }
                _ => {}
            }
            self.offset += 1;
        }
    }
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since_row > MAX_LINE + BUFFER {
            let reason = format!("this row is longer than {MAX_LINE} bytes; is a quote not closed?");
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        let count = self.inner.read(buffer)?;
        self.since_row += count;
        self.note_lines(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}
