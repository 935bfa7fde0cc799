//! The documents of one value within a block, in the smallest of three forms that its length alone tells apart:
//!
//! | form | bytes | length |
//! | --- | --- | --- |
//! | array | offsets, two bytes each, ascending | even, at most 8,192 |
//! | bitmap | cardinality less one in two bytes, then 8,192 bytes | 8,194 |
//! | runs | 1, cardinality less one in two bytes, then first and last of each run | odd |

use crate::index::bits::{self, WORD_BYTES, Words};

/// Offsets that an array holds at most.
const MAX_ARRAY: usize = WORD_BYTES / 2;

/// A stored set of documents of one block, in place.
#[derive(Clone, Copy, Debug)]
pub enum Container<'a> {
    /// Ascending offsets.
    Array(&'a [[u8; 2]]),
    /// All bits, and how many are set.
    Bitmap(u32, &'a [u8]),
    /// First and last of each run, and how many offsets they cover.
    Runs(u32, &'a [[u8; 4]]),
}

impl<'a> Container<'a> {
    /// Reads a container; bytes of no known form are an empty one.
    pub fn new(bytes: &'a [u8]) -> Self {
        let less_one = |at: usize| u32::from(u16_at(bytes, at)) + 1;
        if bytes.len() % 2 == 1 {
            Container::Runs(less_one(1), bytes.get(3..).unwrap_or_default().as_chunks().0)
        } else if bytes.len() == WORD_BYTES + 2 {
            Container::Bitmap(less_one(0), bytes.get(2..).unwrap_or_default())
        } else {
            Container::Array(bytes.as_chunks().0)
        }
    }

    /// How many documents.
    pub fn cardinality(&self) -> u32 {
        match *self {
            Container::Array(offsets) => offsets.len() as u32,
            Container::Bitmap(count, _) | Container::Runs(count, _) => count,
        }
    }

    /// Adds its documents to a set.
    pub fn add_to(&self, set: &mut Words) {
        match *self {
            Container::Array(offsets) => {
                offsets.iter().for_each(|offset| bits::insert(set, u16::from_le_bytes(*offset)));
            }
            Container::Bitmap(_, bytes) => bits::or_stored(set, bytes),
            Container::Runs(_, runs) => {
                for &[a, b, c, d] in runs {
                    bits::insert_run(set, u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
                }
            }
        }
    }

    /// Takes its documents out of a set.
    pub fn remove_from(&self, set: &mut Words) {
        match *self {
            Container::Array(offsets) => {
                offsets.iter().for_each(|offset| bits::remove(set, u16::from_le_bytes(*offset)));
            }
            Container::Bitmap(_, bytes) => bits::and_not_stored(set, bytes),
            Container::Runs(..) => self.for_each(|offset| {
                bits::remove(set, offset);
                true
            }),
        }
    }

    /// Calls `visit` with each offset, ascending, until it returns `false`.
    pub fn for_each(&self, mut visit: impl FnMut(u16) -> bool) {
        match *self {
            Container::Array(offsets) => {
                for offset in offsets {
                    if !visit(u16::from_le_bytes(*offset)) {
                        return;
                    }
                }
            }
            Container::Bitmap(_, bytes) => {
                for (at, chunk) in bytes.as_chunks::<8>().0.iter().enumerate() {
                    let mut rest = u64::from_le_bytes(*chunk);
                    while rest != 0 {
                        let offset = (at as u32) << 6 | rest.trailing_zeros();
                        if !visit(offset as u16) {
                            return;
                        }
                        rest &= rest - 1;
                    }
                }
            }
            Container::Runs(_, runs) => {
                for &[a, b, c, d] in runs {
                    for offset in u16::from_le_bytes([a, b])..=u16::from_le_bytes([c, d]) {
                        if !visit(offset) {
                            return;
                        }
                    }
                }
            }
        }
    }

    /// Its offsets, ascending.
    pub fn to_vec(&self) -> Vec<u16> {
        let mut offsets = Vec::with_capacity(self.cardinality() as usize);
        self.for_each(|offset| {
            offsets.push(offset);
            true
        });
        offsets
    }
}

/// Two little-endian bytes; 0 beyond the end.
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|pair| pair.try_into().ok()).map_or(0, u16::from_le_bytes)
}

/// Appends the container of these ascending offsets; nothing if there are none. Returns whether it is an array.
pub fn encode(offsets: &[u16], out: &mut Vec<u8>) -> bool {
    let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else {
        return true;
    };
    // Runs pay if they are much shorter: arrays and bitmaps are faster to combine. Counting them is skipped where the
    // spread alone tells that there are many.
    let plain = if offsets.len() <= MAX_ARRAY { offsets.len() * 2 } else { WORD_BYTES + 2 };
    let spread = usize::from(last - first) + 1;
    if offsets.len() >= 8 && spread < offsets.len() * 2 {
        let runs = 1 + offsets.windows(2).filter(|pair| pair[1] - pair[0] != 1).count();
        if 3 + 4 * runs < plain / 2 {
            out.push(1);
            out.extend_from_slice(&((offsets.len() - 1) as u16).to_le_bytes());
            for run in offsets.chunk_by(|a, b| b - a == 1) {
                if let (Some(first), Some(last)) = (run.first(), run.last()) {
                    out.extend_from_slice(&first.to_le_bytes());
                    out.extend_from_slice(&last.to_le_bytes());
                }
            }
            return false;
        }
    }
    if offsets.len() <= MAX_ARRAY {
        out.reserve(offsets.len() * 2);
        offsets.iter().for_each(|offset| out.extend_from_slice(&offset.to_le_bytes()));
        return true;
    }
    out.extend_from_slice(&((offsets.len() - 1) as u16).to_le_bytes());
    let start = out.len();
    out.resize(start + WORD_BYTES, 0);
    if let Some(bytes) = out.get_mut(start..) {
        for &offset in offsets {
            if let Some(byte) = bytes.get_mut(usize::from(offset >> 3)) {
                *byte |= 1 << (offset & 7);
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::index::bits::WORDS;
    use proptest::collection::btree_set;
    use proptest::prelude::*;

    fn offsets() -> impl Strategy<Value = Vec<u16>> {
        prop_oneof![
            btree_set(any::<u16>(), 0..300),
            btree_set(0u16..9000, 0..8000),
            (any::<u16>(), any::<u16>()).prop_map(|(a, b)| (a.min(b)..=a.max(b)).collect()),
        ]
        .prop_map(|set| set.into_iter().collect())
    }

    proptest! {
        #[test]
        fn a_container_holds_what_was_put_in(offsets in offsets()) {
            let mut bytes = Vec::new();
            encode(&offsets, &mut bytes);
            let container = Container::new(&bytes);
            prop_assert_eq!(container.to_vec(), offsets.clone());
            prop_assert_eq!(container.cardinality() as usize, offsets.len());
            let mut set = [0; WORDS];
            container.add_to(&mut set);
            let mut found = Vec::new();
            bits::for_each(&set, |offset| { found.push(offset); true });
            prop_assert_eq!(&found, &offsets);
            set.fill(u64::MAX);
            container.remove_from(&mut set);
            prop_assert_eq!(bits::count(&set) as usize, 65_536 - offsets.len());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let container = Container::new(&bytes);
            let mut set = [0; WORDS];
            container.add_to(&mut set);
            container.remove_from(&mut set);
            container.for_each(|_| true);
        }
    }
}
