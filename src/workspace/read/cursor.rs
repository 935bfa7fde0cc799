//! Where a page of results ended: the moment that its query went by, the last value and the last document.
//!
//! A cursor stays valid while contacts change, since it names a place among values and not a number of results. It
//! carries a hash of the query and its order: with another query it is refused.

use crate::exec::Position;
use crate::ids::DocumentNumber;
use crate::value::Instant;
use crate::workspace::error::WorkspaceError;
use crate::workspace::read::page::PageRequest;
use xxhash_rust::xxh3::xxh3_64;

/// The first byte of every cursor.
const VERSION: u8 = 1;

/// A place in the results of a query.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Cursor {
    pub(crate) now: Instant,
    pub(crate) position: Position,
}

/// What a cursor belongs to.
fn owner(canonical: &str, request: &PageRequest) -> u64 {
    xxh3_64(format!("{canonical}\n{:?}\n{:?}", request.order, request.group).as_bytes())
}

impl Cursor {
    /// As text: letters and digits only.
    pub(crate) fn write(&self, canonical: &str, request: &PageRequest) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&owner(canonical, request).to_le_bytes());
        bytes.extend_from_slice(&self.now.micros().to_le_bytes());
        bytes.extend_from_slice(&self.position.document.0.to_le_bytes());
        bytes.push(u8::from(self.position.value.is_some()));
        bytes.extend_from_slice(self.position.value.as_deref().unwrap_or_default());
        let check = xxh3_64(&bytes) as u32;
        bytes.extend_from_slice(&check.to_le_bytes());
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// From text.
    pub(crate) fn read(text: &str, canonical: &str, request: &PageRequest) -> Result<Self, WorkspaceError> {
        Self::decode(text, owner(canonical, request)).ok_or(WorkspaceError::BadCursor)
    }

    fn decode(text: &str, owner: u64) -> Option<Self> {
        if !text.is_ascii() || !text.len().is_multiple_of(2) {
            return None;
        }
        let bytes: Vec<u8> = (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
            .collect::<Option<_>>()?;
        let (bytes, check) = bytes.split_last_chunk::<4>()?;
        if xxh3_64(bytes) as u32 != u32::from_le_bytes(*check) {
            return None;
        }
        let (&version, rest) = bytes.split_first()?;
        let (found, rest) = rest.split_first_chunk::<8>()?;
        let (now, rest) = rest.split_first_chunk::<8>()?;
        let (document, rest) = rest.split_first_chunk::<4>()?;
        let (&has_value, value) = rest.split_first()?;
        if version != VERSION || u64::from_le_bytes(*found) != owner {
            return None;
        }
        let position = Position {
            value: (has_value != 0).then(|| value.into()),
            document: DocumentNumber(u32::from_le_bytes(*document)),
        };
        Some(Cursor { now: Instant::from_micros(i64::from_le_bytes(*now)), position })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn reads_back_and_refuses_what_is_not_its_own() {
        let request = PageRequest::default();
        let position = Position { value: Some(b"ann".as_slice().into()), document: DocumentNumber(70_000) };
        let cursor = Cursor { now: Instant::from_micros(7), position };
        let text = cursor.write("name = ann", &request);
        assert_eq!(Cursor::read(&text, "name = ann", &request).unwrap(), cursor);
        assert!(Cursor::read(&text, "name = bob", &request).is_err());
        for broken in ["", "zz", "é", "0", &text[2..], &text[..text.len() - 2]] {
            assert!(Cursor::read(broken, "name = ann", &request).is_err(), "{broken}");
        }
    }
}
