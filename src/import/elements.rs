//! Cuts JSON documents into the contacts that they hold: API pages, lists, and objects over several lines.
//!
//! It finds where values begin and end by brackets and quotes alone, and leaves it to the parser of each contact to
//! judge what is inside. So pages of any length are read in bounded memory.

use std::io::Read;
use std::ops::Range;

use crate::import::MAX_LINE;
use crate::import::error::LineNumber;
use crate::import::source::read_once;

/// Bytes asked of the reader at a time.
const CHUNK: usize = 256 << 10;
/// Brackets within brackets, as deep as the parser of contacts goes.
const MAX_DEPTH: usize = 128;
/// The key of a page under which its contacts are.
const RESULTS: &[u8] = b"results";

/// Values cut out of a document: each a range of `bytes`, or what is wrong there.
#[derive(Default)]
pub(crate) struct ElementChunk {
    pub(crate) bytes: Vec<u8>,
    pub(crate) elements: Vec<(LineNumber, Result<Range<usize>, String>)>,
}

/// Chunks of a reader.
pub(crate) struct ElementChunks {
    reader: Box<dyn Read + Send>,
    cutter: Cutter,
    is_done: bool,
}

impl ElementChunks {
    pub(crate) fn new(reader: Box<dyn Read + Send>) -> Self {
        ElementChunks { reader, cutter: Cutter::new(), is_done: false }
    }
}

impl Iterator for ElementChunks {
    type Item = ElementChunk;

    fn next(&mut self) -> Option<ElementChunk> {
        if self.is_done {
            return None;
        }
        let mut buffer = vec![0; CHUNK];
        match read_once(&mut self.reader, &mut buffer) {
            Err(error) => {
                self.cutter.trouble(format!("cannot be read on: {error}; nothing after this is read"));
                self.is_done = true;
            }
            Ok(0) => {
                self.cutter.end();
                self.is_done = true;
            }
            Ok(count) => {
                let whole = buffer.iter().take(count).all(|&byte| self.cutter.take(byte));
                self.is_done = !whole;
            }
        }
        Some(self.cutter.give())
    }
}

/// Where in a document the values are that stand for contacts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// One after the other, in no bracket.
    Top,
    /// In a list that is the document.
    List,
    /// In the results of a page: a list in an object.
    Results,
    /// Nowhere any more: the rest of a page after its results.
    Past,
}

impl Place {
    /// How many brackets are open where such a value begins.
    fn depth(self) -> Option<usize> {
        match self {
            Place::Top => Some(0),
            Place::List => Some(1),
            Place::Results => Some(2),
            Place::Past => None,
        }
    }
}

/// A value whose end has not come.
struct Open {
    line: LineNumber,
    /// Where it begins in the chunk's bytes.
    start: usize,
    /// How many brackets were open where it began.
    depth: usize,
    /// Neither object, list nor text: it ends where the next thing begins.
    is_bare: bool,
    is_too_long: bool,
}

struct Cutter {
    line: u64,
    place: Place,
    /// The closing brackets that are due.
    due: Vec<u8>,
    in_text: bool,
    is_escaped: bool,
    open: Option<Open>,
    /// In an object that may turn out to be a page: its last key, and whether a key comes next.
    key: Vec<u8>,
    awaits_key: bool,
    in_key: bool,
    chunk: ElementChunk,
}

impl Cutter {
    fn new() -> Self {
        Cutter {
            line: 1,
            place: Place::Top,
            due: Vec::new(),
            in_text: false,
            is_escaped: false,
            open: None,
            key: Vec::new(),
            awaits_key: false,
            in_key: false,
            chunk: ElementChunk::default(),
        }
    }

    /// Takes the next byte; `false` if nothing after it can be understood.
    fn take(&mut self, byte: u8) -> bool {
        let goes_on = if self.in_text {
            self.take_in_text(byte);
            true
        } else {
            self.take_outside(byte)
        };
        if byte == b'\n' {
            self.line += 1;
        }
        goes_on
    }

    fn take_in_text(&mut self, byte: u8) {
        self.keep(byte);
        match byte {
            _ if self.is_escaped => self.is_escaped = false,
            b'\\' => self.is_escaped = true,
            b'"' => {
                self.in_text = false;
                self.in_key = false;
                self.finish_at_depth(false);
            }
            _ if self.in_key && self.key.len() <= RESULTS.len() => self.key.push(byte),
            _ => {}
        }
    }

    fn take_outside(&mut self, byte: u8) -> bool {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {
                self.finish_at_depth(true);
                self.keep(byte);
            }
            b',' | b':' => {
                self.finish_at_depth(true);
                self.keep(byte);
                self.awaits_key = byte == b',';
            }
            b'{' | b'[' => return self.open_bracket(byte),
            b'}' | b']' => return self.close_bracket(byte),
            b'"' => {
                self.finish_at_depth(true);
                self.begin(false);
                self.in_text = true;
                self.keep(byte);
                self.in_key = self.awaits_key && self.place == Place::Top && self.due.len() == 1;
                if self.in_key {
                    self.key.clear();
                }
            }
            _ => {
                self.begin(true);
                self.keep(byte);
            }
        }
        true
    }

    fn open_bracket(&mut self, byte: u8) -> bool {
        self.finish_at_depth(true);
        if self.due.len() == MAX_DEPTH {
            self.trouble(format!("brackets are more than {MAX_DEPTH} deep; nothing after this is read"));
            return false;
        }
        let is_list = byte == b'[';
        if is_list && self.place == Place::Top && self.due.is_empty() {
            self.place = Place::List;
        } else if is_list && self.place == Place::Top && self.due.len() == 1 && self.key == RESULTS && !self.awaits_key
        {
            self.place = Place::Results;
            self.open = None;
            let kept = self.chunk.elements.iter().filter_map(|(_, range)| range.as_ref().ok()).map(|range| range.end);
            let kept = kept.max().unwrap_or(0);
            self.chunk.bytes.truncate(kept);
        } else {
            self.begin(false);
        }
        self.keep(byte);
        self.due.push(if is_list { b']' } else { b'}' });
        self.awaits_key = !is_list;
        if self.due.len() == 1 {
            self.key.clear();
        }
        true
    }

    fn close_bracket(&mut self, byte: u8) -> bool {
        self.finish_at_depth(true);
        if self.due.pop() != Some(byte) {
            let byte = char::from(byte);
            self.trouble(format!("this `{byte}` closes nothing that is open; nothing after this is read"));
            return false;
        }
        self.keep(byte);
        self.awaits_key = false;
        match (self.place, self.due.len()) {
            (Place::Results, 1) => self.place = Place::Past,
            (_, 0) => self.place = Place::Top,
            _ => {}
        }
        self.finish_at_depth(false);
        true
    }

    /// Begins a value, if this is where contacts stand and none has begun.
    fn begin(&mut self, is_bare: bool) {
        if self.open.is_none() && self.place.depth() == Some(self.due.len()) {
            self.open = Some(Open {
                line: LineNumber(self.line),
                start: self.chunk.bytes.len(),
                depth: self.due.len(),
                is_bare,
                is_too_long: false,
            });
        }
    }

    fn keep(&mut self, byte: u8) {
        if let Some(open) = &mut self.open {
            if self.chunk.bytes.len() - open.start >= MAX_LINE {
                open.is_too_long = true;
            } else {
                self.chunk.bytes.push(byte);
            }
        }
    }

    /// Ends the value that has begun, if it is one of that kind and no bracket in it is open.
    fn finish_at_depth(&mut self, bare: bool) {
        let is_finished = |open: &Open| open.is_bare == bare && open.depth == self.due.len();
        if !self.open.as_ref().is_some_and(is_finished) {
            return;
        }
        if let Some(open) = self.open.take() {
            let element = if open.is_too_long {
                self.chunk.bytes.truncate(open.start);
                Err(format!("this is longer than {MAX_LINE} bytes, which no contact is"))
            } else {
                Ok(open.start..self.chunk.bytes.len())
            };
            self.chunk.elements.push((open.line, element));
        }
    }

    fn trouble(&mut self, reason: String) {
        self.open = None;
        self.chunk.elements.push((LineNumber(self.line), Err(reason)));
    }

    fn end(&mut self) {
        self.finish_at_depth(true);
        if self.in_text || !self.due.is_empty() {
            let reason = match &self.open {
                Some(open) if open.line.0 != self.line => {
                    format!("the file ends in the middle of what began in line {}; is it cut short?", open.line)
                }
                _ => "the file ends in the middle of a value; is it cut short?".to_owned(),
            };
            self.trouble(reason);
        }
    }

    /// Gives what is whole, and keeps the beginning of what is not.
    fn give(&mut self) -> ElementChunk {
        let mut rest = ElementChunk::default();
        if let Some(open) = &mut self.open {
            rest.bytes = self.chunk.bytes.split_off(open.start);
            open.start = 0;
        }
        std::mem::replace(&mut self.chunk, rest)
    }
}
