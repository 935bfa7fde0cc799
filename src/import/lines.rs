//! Cuts a stream into chunks of whole lines, so that chunks can be parsed apart from one another.

use std::io::{self, Read};

use crate::import::MAX_LINE;
use crate::import::error::LineNumber;
use crate::import::source::read_once;

/// Bytes asked of the reader at a time: enough that handing a chunk to another thread costs nothing beside parsing it.
const CHUNK: usize = 256 << 10;

/// A run of whole lines, or what came instead.
pub(crate) enum LineChunk {
    /// Whole lines, of which the last may lack its end.
    Lines {
        /// The number of the first one.
        first: LineNumber,
        bytes: Vec<u8>,
    },
    /// A line over [`MAX_LINE`], which has been passed over.
    TooLong(LineNumber),
    /// The reader failed; nothing comes after.
    Failed(LineNumber, io::Error),
}

/// Chunks of a reader.
///
/// A chunk is given as soon as one read has brought a whole line: on a pipe, lines do not wait for the ones after them.
pub(crate) struct LineChunks {
    reader: Box<dyn Read + Send>,
    /// The beginning of a line whose end has not been read.
    rest: Vec<u8>,
    next_line: u64,
    is_done: bool,
}

impl LineChunks {
    pub(crate) fn new(reader: Box<dyn Read + Send>) -> Self {
        LineChunks { reader, rest: Vec::new(), next_line: 1, is_done: false }
    }

    /// Reads on to the end of the line that began in `buffer`, and keeps what comes after it.
    fn pass_over_line(&mut self, mut buffer: Vec<u8>) -> LineChunk {
        let line = LineNumber(self.next_line);
        loop {
            buffer.resize(CHUNK, 0);
            match read_once(&mut self.reader, &mut buffer) {
                Err(error) => {
                    self.is_done = true;
                    return LineChunk::Failed(line, error);
                }
                Ok(0) => {
                    self.is_done = true;
                    return LineChunk::TooLong(line);
                }
                Ok(count) => {
                    buffer.truncate(count);
                    if let Some(at) = buffer.iter().position(|&byte| byte == b'\n') {
                        self.rest = buffer.split_off(at + 1);
                        self.next_line += 1;
                        return LineChunk::TooLong(line);
                    }
                }
            }
        }
    }

    fn lines(&mut self, bytes: Vec<u8>) -> LineChunk {
        let first = LineNumber(self.next_line);
        self.next_line += bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
        LineChunk::Lines { first, bytes }
    }
}

impl Iterator for LineChunks {
    type Item = LineChunk;

    fn next(&mut self) -> Option<LineChunk> {
        if self.is_done {
            return None;
        }
        let mut buffer = std::mem::take(&mut self.rest);
        // What is left over may hold whole lines, after a line that was passed over.
        let mut searched = 0;
        loop {
            let end_of_line = buffer.get(searched..).and_then(|new| new.iter().rposition(|&byte| byte == b'\n'));
            if let Some(at) = end_of_line {
                self.rest = buffer.split_off(searched + at + 1);
                return Some(self.lines(buffer));
            }
            searched = buffer.len();
            if searched > MAX_LINE {
                return Some(self.pass_over_line(buffer));
            }
            buffer.resize(searched + CHUNK, 0);
            let read = match buffer.get_mut(searched..) {
                Some(space) => read_once(&mut self.reader, space),
                None => Ok(0),
            };
            match read {
                Err(error) => {
                    self.is_done = true;
                    return Some(LineChunk::Failed(LineNumber(self.next_line), error));
                }
                Ok(0) => {
                    self.is_done = true;
                    buffer.truncate(searched);
                    return (!buffer.is_empty()).then(|| self.lines(buffer));
                }
                Ok(count) => buffer.truncate(searched + count),
            }
        }
    }
}

/// The lines of a chunk with their numbers, without their ends; lines of white space alone are left out.
pub(crate) fn lines(first: LineNumber, bytes: &[u8]) -> impl Iterator<Item = (LineNumber, &[u8])> {
    bytes
        .split(|&byte| byte == b'\n')
        .enumerate()
        .map(move |(at, line)| (LineNumber(first.0 + at as u64), line.trim_ascii()))
        .filter(|(_, line)| !line.is_empty())
}
