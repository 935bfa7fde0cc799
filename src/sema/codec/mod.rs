//! The saved form of a group's query: typed, with dates resolved and groups, flows and fields by identity, so that a
//! rename or a change of date format never alters what it means.
//!
//! Bytes: the version, the dialect, the tree in prefix order, and the lower half of the XXH3 of all that. Numbers are
//! little-endian base 128, 7 bits a byte, signed ones zigzag; texts are their length and UTF-8. Spans are not kept.

mod read;
mod write;

use std::fmt;

use xxhash_rust::xxh3::xxh3_64;

use crate::sema::query::{Comparator, Dialect, Query};
use read::Reader;
use write::Writer;

/// The version that is written. In version 1 a day was its two ends in the zone of then; it is read as the date that it
/// was.
pub const VERSION: u8 = 2;

/// No query that was parsed is deeper: 100 brackets, each with an OR, an AND and a NOT.
const MAX_DEPTH: usize = 310;

const CHECKSUM: usize = 4;

/// Why saved bytes are not a query.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CodecError {
    /// Written by a newer version of this program, which has to read it.
    TooNew(u8),
    /// Cut short, altered, or never a saved query.
    Damaged,
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CodecError::TooNew(version) => {
                write!(f, "the saved query has version {version}, this program reads up to {VERSION}: use a newer one")
            }
            CodecError::Damaged => f.write_str("the saved query is damaged: restore it from its text or a backup"),
        }
    }
}

impl std::error::Error for CodecError {}

/// The saved form.
pub fn encode(query: &Query) -> Vec<u8> {
    let mut out = Writer { bytes: vec![VERSION] };
    out.byte(match query.dialect {
        Dialect::ContactQl => 0,
        Dialect::Extended => 1,
    });
    out.node(&query.root);
    let checksum = checksum(&out.bytes);
    out.bytes.extend_from_slice(&checksum);
    out.bytes
}

/// The query of a saved form.
///
/// # Errors
/// If the version is unknown or the bytes are damaged. No bytes make it panic or recurse deeply.
pub fn decode(bytes: &[u8]) -> Result<Query, CodecError> {
    let (body, sum) = bytes.split_last_chunk::<CHECKSUM>().ok_or(CodecError::Damaged)?;
    let (&version, rest) = body.split_first().ok_or(CodecError::Damaged)?;
    // Before the checksum, which a newer version may have placed elsewhere.
    if version > VERSION {
        return Err(CodecError::TooNew(version));
    }
    if version == 0 || *sum != checksum(body) {
        return Err(CodecError::Damaged);
    }
    decode_body(version, rest).ok_or(CodecError::Damaged)
}

fn decode_body(version: u8, rest: &[u8]) -> Option<Query> {
    let mut reader = Reader { version, rest };
    let dialect = match reader.byte()? {
        0 => Dialect::ContactQl,
        1 => Dialect::Extended,
        _ => return None,
    };
    let root = reader.node(MAX_DEPTH)?;
    reader.rest.is_empty().then_some(Query { dialect, root })
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    (xxh3_64(bytes) as u32).to_le_bytes()
}

/// Numbers that stand for kinds of nodes, properties, tests and values. Never reuse one.
mod tag {
    pub(super) const ALL: u8 = 0;
    pub(super) const ANY: u8 = 1;
    pub(super) const NOT: u8 = 2;
    pub(super) const CONDITION: u8 = 3;

    /// Attributes are 0 to 12, by name.
    pub(super) const SCHEME: u8 = 32;
    pub(super) const FIELD: u8 = 33;

    pub(super) const UNSET: u8 = 0;
    pub(super) const SET: u8 = 1;
    pub(super) const EQUALS: u8 = 2;
    pub(super) const DIFFERS: u8 = 3;
    pub(super) const CONTAINS: u8 = 4;
    pub(super) const COMPARES: u8 = 5;
    pub(super) const IN: u8 = 6;
    pub(super) const BETWEEN: u8 = 7;
    pub(super) const ANNIVERSARY: u8 = 8;

    pub(super) const TEXT: u8 = 0;
    pub(super) const NUMBER: u8 = 1;
    pub(super) const DAY: u8 = 2;
    pub(super) const RELATIVE: u8 = 3;
    pub(super) const STATUS: u8 = 4;
    pub(super) const GROUP: u8 = 5;
    pub(super) const FLOW: u8 = 6;
}

const COMPARATORS: [Comparator; 4] =
    [Comparator::Greater, Comparator::GreaterOrEqual, Comparator::Less, Comparator::LessOrEqual];

/// The place of a value in a table of all of them.
fn place<T: PartialEq>(table: &[T], value: &T) -> u8 {
    table.iter().position(|own| own == value).and_then(|at| u8::try_from(at).ok()).unwrap_or(u8::MAX)
}
