//! Sets of documents within one block of 65,536, as bytes that can be read in place.
//!
//! ```text
//! 0  checksum u32      over the salt, the key and all that follows
//! 4  version u8        1
//! 5  layout u8         0 array, 1 bitmap, 2 runs
//! 6  members − 1 u16
//! 8  array:  offset u16 × members, ascending            at most 4,096 members
//!    bitmap: 8,192 bytes; member m is bit m % 8 of byte m / 8
//!    runs:   (first u16, last u16), ascending, apart     if less than half of the other two
//! ```
//!
//! An empty set has no bytes: whoever keeps containers deletes it. A bitmap's words are little-endian, so its 8,192 bytes
//! are also 1,024 words of 64 bits, and can be combined without decoding ([`Container::dense`]).

use roaring::RoaringBitmap;

use super::codec::{checksum, verify};
use super::error::Damage;
use crate::ids::{BLOCK_SIZE, Block};

/// Words of 64 bits in a block.
pub const WORDS: usize = BLOCK_SIZE / 64;

/// Bytes of a block as a bitmap.
pub const DENSE_BYTES: usize = BLOCK_SIZE / 8;

/// A block as words: document offset `o` is bit `o % 64` of word `o / 64`. 8 KiB, so keep it in a box or an arena.
pub type Words = [u64; WORDS];

const VERSION: u8 = 1;
const HEADER: usize = 8;
/// Beyond this many members a bitmap is smaller than an array.
const MAX_ARRAY: u32 = 4096;

const ARRAY: u8 = 0;
const BITMAP: u8 = 1;
const RUNS: u8 = 2;

/// A block of zeros.
pub fn zeros() -> Box<Words> {
    Box::new([0; WORDS])
}

/// A set of offsets within a block, read in place. No method panics, whatever the bytes.
#[derive(Clone, Copy, Debug)]
pub struct Container<'a> {
    layout: Layout<'a>,
    len: u32,
}

#[derive(Clone, Copy, Debug)]
enum Layout<'a> {
    /// Offsets of two bytes.
    Array(&'a [u8]),
    Bitmap(&'a [u8; DENSE_BYTES]),
    /// First and last offsets of two bytes each.
    Runs(&'a [u8]),
}

impl<'a> Container<'a> {
    /// A set whose checksum and order are verified.
    ///
    /// `salt` tells tables apart, `key` is what the set is stored under.
    ///
    /// Cost: hashing the bytes and counting the members, below a microsecond.
    ///
    /// # Errors
    /// [`Damage`] if the bytes are not those that were encoded with this salt and key.
    pub fn open(salt: u64, key: &[u8], bytes: &'a [u8]) -> Result<Self, Damage> {
        verify(salt, key, bytes)?;
        let container = Container::open_trusted(bytes)?;
        let members = match container.layout {
            Layout::Bitmap(bits) => {
                bits.as_chunks::<8>().0.iter().map(|&word| u64::from_le_bytes(word).count_ones()).sum()
            }
            Layout::Array(_) | Layout::Runs(_) => {
                let mut next = 0;
                let mut members = 0;
                for (first, last) in container.spans() {
                    if u32::from(first) < next || last < first {
                        return Err(Damage::Malformed("its members are not in order"));
                    }
                    next = u32::from(last) + 1;
                    members += u32::from(last - first) + 1;
                }
                members
            }
        };
        if members == container.len { Ok(container) } else { Err(Damage::Malformed("its members are miscounted")) }
    }

    /// A set taken at its word: for hot paths, where `check` has the job to verify.
    ///
    /// Cost: a few nanoseconds.
    ///
    /// # Errors
    /// [`Damage`] if the header has another version, or its length does not fit its layout.
    pub fn open_trusted(bytes: &'a [u8]) -> Result<Self, Damage> {
        let (header, payload) = bytes.split_at_checked(HEADER).ok_or(Damage::Truncated)?;
        let &[_, _, _, _, version, layout, low, high] = header else {
            return Err(Damage::Truncated);
        };
        if version != VERSION {
            return Err(Damage::Version(version));
        }
        let len = u32::from(u16::from_le_bytes([low, high])) + 1;
        let layout = match layout {
            ARRAY if payload.len() == 2 * len as usize => Layout::Array(payload),
            BITMAP => Layout::Bitmap(payload.try_into().map_err(|_| Damage::Truncated)?),
            RUNS if !payload.is_empty() && payload.len().is_multiple_of(4) => Layout::Runs(payload),
            _ => return Err(Damage::Malformed("its length does not fit its layout")),
        };
        Ok(Container { layout, len })
    }

    /// How many members there are: 1 to 65,536.
    #[expect(clippy::len_without_is_empty, reason = "an empty set has no bytes")]
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether the document at this offset is a member.
    ///
    /// Cost: a binary search, or one look for a bitmap.
    pub fn contains(&self, offset: u16) -> bool {
        let pairs = |bytes: &'a [u8], width: usize, at: usize| -> Option<u16> {
            bytes.get(at * width..)?.first_chunk().map(|&pair| u16::from_le_bytes(pair))
        };
        match self.layout {
            Layout::Bitmap(bits) => {
                bits.get(usize::from(offset >> 3)).is_some_and(|byte| byte & (1 << (offset & 7)) != 0)
            }
            Layout::Array(bytes) => {
                let at = lower_bound(bytes.len() / 2, |at| pairs(bytes, 2, at).is_some_and(|member| member < offset));
                pairs(bytes, 2, at) == Some(offset)
            }
            Layout::Runs(bytes) => {
                let last = |at: usize| bytes.get(4 * at + 2..)?.first_chunk().map(|&pair| u16::from_le_bytes(pair));
                let at = lower_bound(bytes.len() / 4, |at| last(at).is_some_and(|last| last < offset));
                pairs(bytes, 4, at).is_some_and(|first| first <= offset)
            }
        }
    }

    /// The bits themselves, if the set is kept as a bitmap: 1,024 little-endian words.
    pub fn dense(&self) -> Option<&'a [u8; DENSE_BYTES]> {
        match self.layout {
            Layout::Bitmap(bits) => Some(bits),
            Layout::Array(_) | Layout::Runs(_) => None,
        }
    }

    /// Adds the members to `words`.
    ///
    /// Cost: about 100 ns for a bitmap, 1 ns per member of an array.
    pub fn union_into(&self, words: &mut Words) {
        match self.layout {
            Layout::Bitmap(bits) => {
                for (word, &bytes) in words.iter_mut().zip(bits.as_chunks::<8>().0) {
                    *word |= u64::from_le_bytes(bytes);
                }
            }
            Layout::Array(bytes) => {
                for &pair in bytes.as_chunks::<2>().0 {
                    set(words, u16::from_le_bytes(pair));
                }
            }
            Layout::Runs(_) => self.spans().for_each(|(first, last)| set_span(words, first, last)),
        }
    }

    /// The members as words.
    pub fn to_words(&self) -> Box<Words> {
        let mut words = zeros();
        self.union_into(&mut words);
        words
    }

    /// The members, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u16> + use<'a> {
        self.spans().flat_map(|(first, last)| first..=last)
    }

    /// Adds the members, as documents of `block`, to a bitmap.
    ///
    /// Fastest if the bitmap has nothing in this block and blocks come in order.
    pub fn add_to(&self, block: Block, bitmap: &mut RoaringBitmap) {
        let base = u32::from(block.0) << 16;
        match self.layout {
            Layout::Bitmap(bits) => *bitmap |= RoaringBitmap::from_lsb0_bytes(base, bits),
            Layout::Array(_) => {
                // Fails part way if the bitmap has later members; adding one by one does the rest.
                if bitmap.append(self.iter().map(|offset| base | u32::from(offset))).is_err() {
                    bitmap.extend(self.iter().map(|offset| base | u32::from(offset)));
                }
            }
            Layout::Runs(_) => {
                for (first, last) in self.spans() {
                    bitmap.insert_range(base | u32::from(first)..=base | u32::from(last));
                }
            }
        }
    }

    /// The members as ascending spans, first and last; arrays give spans of one.
    fn spans(&self) -> impl Iterator<Item = (u16, u16)> + use<'a> {
        let (array, bits, runs): (&[u8], &[u8], &[u8]) = match self.layout {
            Layout::Array(bytes) => (bytes, &[], &[]),
            Layout::Bitmap(bits) => (&[], bits, &[]),
            Layout::Runs(bytes) => (&[], &[], bytes),
        };
        let array =
            array.as_chunks::<2>().0.iter().map(|&pair| u16::from_le_bytes(pair)).map(|member| (member, member));
        let bits = bits.as_chunks::<8>().0.iter().enumerate().flat_map(|(at, &bytes)| {
            let mut word = u64::from_le_bytes(bytes);
            std::iter::from_fn(move || {
                let bit = (word != 0).then(|| word.trailing_zeros())?;
                word &= word - 1;
                let member = (at as u32 * 64 + bit) as u16;
                Some((member, member))
            })
        });
        let runs = runs
            .as_chunks::<4>()
            .0
            .iter()
            .map(|&[a, b, c, d]| (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])));
        array.chain(bits).chain(runs)
    }
}

/// The first of `count` places of which `is_before` does not hold.
fn lower_bound(count: usize, is_before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low.midpoint(high);
        if is_before(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

/// Puts an offset into a block.
pub fn set(words: &mut Words, offset: u16) {
    words[usize::from(offset >> 6)] |= 1 << (offset & 63);
}

/// Takes an offset out of a block.
pub fn unset(words: &mut Words, offset: u16) {
    words[usize::from(offset >> 6)] &= !(1 << (offset & 63));
}

/// How many members a block has.
pub fn count(words: &Words) -> u32 {
    words.iter().map(|word| word.count_ones()).sum()
}

/// Puts a span of offsets, both ends inside, into a block; nothing if the last comes before the first.
fn set_span(words: &mut Words, first: u16, last: u16) {
    if last < first {
        return;
    }
    let (low, high) = (usize::from(first >> 6), usize::from(last >> 6));
    for (at, word) in words.iter_mut().enumerate().take(high + 1).skip(low) {
        let from = if at == low { u64::MAX << (first & 63) } else { u64::MAX };
        let to = if at == high { u64::MAX >> (63 - (last & 63)) } else { u64::MAX };
        *word |= from & to;
    }
}

/// Appends a block in the smallest layout to `out` and gives its number of members; an empty one appends nothing.
///
/// Cost: one or two microseconds.
pub fn encode_words(salt: u64, key: &[u8], words: &Words, out: &mut Vec<u8>) -> u32 {
    let members = count(words);
    if members == 0 {
        return 0;
    }
    let mut runs = 0;
    let mut carry = 0;
    for &word in words {
        runs += (word & !(word << 1 | carry)).count_ones() as usize;
        carry = word >> 63;
    }
    let other = if members <= MAX_ARRAY { 2 * members as usize } else { DENSE_BYTES };
    let layout = match () {
        () if 8 * runs <= other => RUNS,
        () if members <= MAX_ARRAY => ARRAY,
        () => BITMAP,
    };
    let start = begin(out, layout, members);
    match layout {
        BITMAP => words.iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes())),
        ARRAY => each(words, |member| out.extend_from_slice(&member.to_le_bytes())),
        _ => {
            let mut open: Option<(u16, u16)> = None;
            each(words, |member| match &mut open {
                Some((_, last)) if u32::from(*last) + 1 == u32::from(member) => *last = member,
                _ => {
                    put_run(out, open);
                    open = Some((member, member));
                }
            });
            put_run(out, open);
        }
    }
    finish(out, start, salt, key);
    members
}

/// Appends a set of offsets, ascending and each once, to `out`; an empty one appends nothing.
pub fn encode_sorted(salt: u64, key: &[u8], members: &[u16], out: &mut Vec<u8>) {
    debug_assert!(members.is_sorted_by(|a, b| a < b), "offsets ascend, each once");
    // Few members are an array unless they stand in runs, which costs a look at each; many go through words.
    let runs =
        members.windows(2).filter(|pair| matches!(pair, [a, b] if u32::from(*a) + 1 != u32::from(*b))).count() + 1;
    if members.is_empty() {
        return;
    }
    if members.len() > MAX_ARRAY as usize || 8 * runs <= 2 * members.len() {
        let mut words = zeros();
        members.iter().for_each(|&member| set(&mut words, member));
        encode_words(salt, key, &words, out);
        return;
    }
    let start = begin(out, ARRAY, members.len() as u32);
    members.iter().for_each(|member| out.extend_from_slice(&member.to_le_bytes()));
    finish(out, start, salt, key);
}

fn begin(out: &mut Vec<u8>, layout: u8, members: u32) -> usize {
    let start = super::codec::begin(out, VERSION);
    out.push(layout);
    out.extend_from_slice(&((members - 1) as u16).to_le_bytes());
    start
}

fn finish(out: &mut [u8], start: usize, salt: u64, key: &[u8]) {
    if let Some((head, rest)) = out.get_mut(start..).and_then(|value| value.split_at_mut_checked(4)) {
        head.copy_from_slice(&checksum(salt, key, rest).to_le_bytes());
    }
}

/// Moves an encoded set under another key, or another salt: only the checksum changes.
pub fn reseal(salt: u64, key: &[u8], value: &mut [u8]) {
    finish(value, 0, salt, key);
}

fn put_run(out: &mut Vec<u8>, run: Option<(u16, u16)>) {
    if let Some((first, last)) = run {
        out.extend_from_slice(&first.to_le_bytes());
        out.extend_from_slice(&last.to_le_bytes());
    }
}

/// The members of a block, ascending.
pub fn each(words: &Words, mut visit: impl FnMut(u16)) {
    for (at, &word) in words.iter().enumerate() {
        let mut word = word;
        while word != 0 {
            visit((at as u32 * 64 + word.trailing_zeros()) as u16);
            word &= word - 1;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const KEY: &[u8] = b"key";

    fn words_of(members: &BTreeSet<u16>) -> Box<Words> {
        let mut words = zeros();
        members.iter().for_each(|&member| set(&mut words, member));
        words
    }

    /// Scattered members, long runs, nearly full blocks, and the ends of the block.
    fn members() -> impl Strategy<Value = BTreeSet<u16>> {
        let scattered = prop::collection::btree_set(any::<u16>(), 0..300);
        let spans = prop::collection::vec((any::<u16>(), 0u16..20_000), 0..6);
        (scattered, spans, any::<bool>(), any::<bool>()).prop_map(|(mut members, spans, ends, complement)| {
            for (first, length) in spans {
                members.extend(first..=first.saturating_add(length));
            }
            if ends {
                members.extend([0, u16::MAX]);
            }
            if complement { (0..=u16::MAX).filter(|member| !members.contains(member)).collect() } else { members }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn sets_read_back(members in members(), probes in prop::collection::vec(any::<u16>(), 20), block in any::<u16>().prop_map(Block)) {
            let words = words_of(&members);
            let mut bytes = Vec::new();
            prop_assert_eq!(encode_words(1, KEY, &words, &mut bytes) as usize, members.len());
            let sorted: Vec<u16> = members.iter().copied().collect();
            let mut from_sorted = Vec::new();
            encode_sorted(1, KEY, &sorted, &mut from_sorted);
            prop_assert_eq!(&bytes, &from_sorted, "both ways of encoding agree");
            if members.is_empty() {
                prop_assert!(bytes.is_empty());
                return Ok(());
            }
            prop_assert!(bytes.len() <= HEADER + DENSE_BYTES.min(2 * members.len()));
            let container = Container::open(1, KEY, &bytes).unwrap();
            prop_assert_eq!(container.len() as usize, members.len());
            prop_assert_eq!(container.iter().collect::<Vec<_>>(), sorted);
            prop_assert!(*container.to_words() == *words);
            for probe in probes.into_iter().chain(members.first().copied()).chain(members.last().copied()) {
                prop_assert_eq!(container.contains(probe), members.contains(&probe));
            }
            let expected: RoaringBitmap = members.iter().map(|&offset| block.document(offset).0).collect();
            let mut bitmap = RoaringBitmap::new();
            container.add_to(block, &mut bitmap);
            prop_assert_eq!(&bitmap, &expected);
            let mut around = RoaringBitmap::from_iter([0, block.document(500).0, u32::MAX]);
            container.add_to(block, &mut around);
            prop_assert_eq!(around, expected | RoaringBitmap::from_iter([0, block.document(500).0, u32::MAX]));
            if let Some(dense) = container.dense() {
                prop_assert!((0..=u16::MAX).all(|m| (dense[usize::from(m) / 8] >> (m % 8) & 1 == 1) == members.contains(&m)));
            }
        }

        #[test]
        fn damage_is_found_and_never_panics(members in members(), at: prop::sample::Index, bit in 0u8..8, cut: prop::sample::Index) {
            let mut bytes = Vec::new();
            prop_assume!(encode_words(1, KEY, &words_of(&members), &mut bytes) > 0);
            prop_assert!(Container::open(2, KEY, &bytes).is_err());
            prop_assert!(Container::open(1, b"kez", &bytes).is_err());
            prop_assert!(Container::open(1, KEY, &bytes[..cut.index(bytes.len())]).is_err());
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert!(Container::open(1, KEY, &bytes).is_err());
            use_all(&bytes);
            use_all(&bytes[..cut.index(bytes.len())]);
        }

        #[test]
        fn any_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..64), layout in 0u8..4) {
            if let Some(head) = bytes.get_mut(4..6) {
                head.copy_from_slice(&[VERSION, layout]);
            }
            use_all(&bytes);
        }
    }

    fn use_all(bytes: &[u8]) {
        if let Ok(container) = Container::open_trusted(bytes) {
            let _ = (container.contains(0), container.contains(777), container.contains(u16::MAX));
            let _ = container.iter().count();
            let mut bitmap = RoaringBitmap::from_iter([5, 70_000]);
            container.add_to(Block(1), &mut bitmap);
            let _ = container.to_words();
        }
    }
}
