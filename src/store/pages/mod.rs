//! The pages of the data file, read with plain reads and with bounds, before LMDB is asked about them.
//!
//! LMDB trusts its pages: a number in the head of a page that is not what it was leads it out of the file, or round in a
//! circle, or lets it give out pages that are in use. So whoever wants to know whether a store is sound walks its pages
//! here first. What must hold is LMDB's own rule: each page up to the last one is reachable exactly once, either from a
//! table or as an entry of the list of free pages.
//!
//! A head (pages 0 and 1, of which the later commit counts), all numbers little-endian, as LMDB has them on the machines
//! of 64 bits that this program is for:
//!
//! ```text
//! 0   page number u64, pad u16, flags u16 (8), unused u32
//! 16  magic u32, version u32, address u64, size of the map u64
//! 40  two records: of the list of free pages (its pad is the size of a page), of the table of tables
//! 136 last page u64, commit u64
//! record  pad u32, flags u16, depth u16, branch, leaf and overflow pages u64 × 3, entries u64, root u64
//! ```

mod node;
mod walk;

use std::cell::RefCell;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

pub(crate) use walk::{Extent, Value, Walk};

use super::error::StoreError;

const MAGIC: u32 = 0xBEEF_C0DE;
const DATA_VERSION: u32 = 1;
/// The list of free pages has numbers for keys.
const INTEGER_KEYS: u16 = 8;
/// The root of a tree that has no pages.
const NO_PAGE: u64 = u64::MAX;
/// Pages of the two heads.
const HEADS: u64 = 2;
const HEAD_BYTES: usize = 152;
const RECORD_BYTES: usize = 48;
/// Read at once: neighbours are often asked for next.
const WINDOW: usize = 64 << 10;

/// What LMDB knows of a tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Record {
    pad: u32,
    flags: u16,
    depth: u16,
    branch_pages: u64,
    leaf_pages: u64,
    overflow_pages: u64,
    entries: u64,
    root: u64,
}

impl Record {
    fn read(bytes: &[u8]) -> Option<Self> {
        (bytes.len() == RECORD_BYTES).then_some(())?;
        Some(Record {
            pad: u32_at(bytes, 0)?,
            flags: u16_at(bytes, 4)?,
            depth: u16_at(bytes, 6)?,
            branch_pages: u64_at(bytes, 8)?,
            leaf_pages: u64_at(bytes, 16)?,
            overflow_pages: u64_at(bytes, 24)?,
            entries: u64_at(bytes, 32)?,
            root: u64_at(bytes, 40)?,
        })
    }

    /// Pages that a walk down to the last entry reads at most.
    fn tree_pages(&self) -> u64 {
        self.branch_pages.saturating_add(self.leaf_pages)
    }
}

/// One of the two heads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Head {
    free: Record,
    main: Record,
    last_page: u64,
    commit: u64,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

/// A data file, read page by page.
#[derive(Debug)]
pub(crate) struct PageFile {
    file: File,
    length: u64,
    page_size: usize,
    window: RefCell<(u64, Vec<u8>)>,
}

impl PageFile {
    /// Opens the data file for reading and finds the size of its pages.
    ///
    /// # Errors
    /// [`StoreError::File`] if it does not begin as a data file does, or what the system says.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let io = |error| StoreError::io("read", path, error);
        let mut file = File::open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        let mut head = [0; HEAD_BYTES];
        let reason = if length < head.len() as u64 {
            Some("it is too short")
        } else {
            file.read_exact(&mut head).map_err(io)?;
            (u32_at(&head, 16) != Some(MAGIC)).then_some("it is not an LMDB file of this kind")
        };
        let page_size = u32_at(&head, 40).unwrap_or(0) as usize;
        let reason = match reason {
            None if !page_size.is_power_of_two() || !(512..=65_536).contains(&page_size) => {
                Some("its first head names no size of pages")
            }
            other => other,
        };
        match reason {
            Some(reason) => Err(StoreError::File { path: path.to_owned(), reason: reason.to_owned() }),
            None => Ok(PageFile { file, length, page_size, window: RefCell::default() }),
        }
    }

    /// Whole pages of the file.
    pub(crate) fn pages(&self) -> u64 {
        self.length / self.page_size as u64
    }

    /// A page; `None` if it is not in the file, or the disk refuses to give it.
    fn page(&self, number: u64) -> Option<Vec<u8>> {
        if number >= self.pages() {
            return None;
        }
        let size = self.page_size as u64;
        let window_pages = (WINDOW as u64 / size).max(1);
        let (first, inside) = (number / window_pages * window_pages, (number % window_pages * size) as usize);
        let mut window = self.window.borrow_mut();
        if window.0 != first || window.1.len() < inside + self.page_size {
            window.1.clear();
            let mut file = &self.file;
            file.seek(SeekFrom::Start(first * size)).ok()?;
            file.take(window_pages * size).read_to_end(&mut window.1).ok()?;
            window.0 = first;
        }
        window.1.get(inside..inside + self.page_size).map(<[u8]>::to_vec)
    }

    /// The bytes of a value that has pages of its own; `None` if they are not all in the file.
    pub(crate) fn large(&self, page: u64, length: usize) -> Option<Vec<u8>> {
        let start = page.checked_mul(self.page_size as u64)?.checked_add(node::HEADER as u64)?;
        if start.checked_add(length as u64)? > self.length {
            return None;
        }
        let mut file = &self.file;
        file.seek(SeekFrom::Start(start)).ok()?;
        let mut bytes = vec![0; length];
        file.read_exact(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Passes what may be entries of a leaf to `visit`, whatever the page says that it is: checksums must tell.
    pub(crate) fn leaf_entries(&self, number: u64, visit: &mut dyn FnMut(&[u8], Value<'_>)) {
        let Some(page) = self.page(number) else { return };
        for entry in node::entries(&page, number, true).list {
            match entry.leads {
                node::Leads::Inline(value) => visit(entry.key, Value::Inline(value)),
                node::Leads::Large { page, length } => visit(entry.key, Value::Large { page, length }),
                node::Leads::Child(_) | node::Leads::Table(_) => {}
            }
        }
    }

    /// One of the two heads, read past whatever is kept of it.
    fn head(&self, slot: u64) -> Result<Head, String> {
        let mut bytes = vec![0; HEAD_BYTES];
        let mut file = &self.file;
        let read = file.seek(SeekFrom::Start(slot * self.page_size as u64)).and_then(|_| file.read_exact(&mut bytes));
        let wrong = |what: &str| format!("head {slot} {what}");
        read.map_err(|error| wrong(&format!("cannot be read: {error}")))?;
        let (Some(number), Some(flags)) = (u64_at(&bytes, 0), u16_at(&bytes, 10)) else {
            return Err(wrong("is cut off"));
        };
        if number != slot || flags != node::META {
            return Err(wrong("is not marked as one"));
        }
        if (u32_at(&bytes, 16), u32_at(&bytes, 20)) != (Some(MAGIC), Some(DATA_VERSION)) {
            return Err(wrong("is of another version of LMDB"));
        }
        let records = (bytes.get(40..88).and_then(Record::read), bytes.get(88..136).and_then(Record::read));
        let ((Some(free), Some(main)), Some(last_page), Some(commit)) =
            (records, u64_at(&bytes, 136), u64_at(&bytes, 144))
        else {
            return Err(wrong("is cut off"));
        };
        if free.pad as usize != self.page_size {
            return Err(wrong("names another size of pages"));
        }
        Ok(Head { free, main, last_page, commit })
    }
}
