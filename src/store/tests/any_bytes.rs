//! A short run of what the fuzz target `stored` does: values of each kind, then with bytes changed, cut and added.

use proptest::prelude::*;

use crate::ids::DocumentNumber;
use crate::store::any_bytes;
use crate::store::container::encode_sorted;
use crate::store::row;
use crate::store::samples;

/// What may become of bytes on a disk.
fn spoiled(mut bytes: Vec<u8>, edits: &[(prop::sample::Index, u8)], cut: Option<prop::sample::Index>) -> Vec<u8> {
    for (at, byte) in edits.iter().filter(|_| !bytes.is_empty()).collect::<Vec<_>>() {
        let at = at.index(bytes.len());
        bytes[at] = *byte;
    }
    if let Some(cut) = cut {
        bytes.truncate(cut.index(bytes.len() + 1));
    }
    bytes
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(
        contact in samples::contact(),
        members in prop::collection::btree_set(any::<u16>(), 1..90),
        noise in prop::collection::vec(any::<u8>(), 0..200),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<Option<prop::sample::Index>>(),
    ) {
        let mut bytes = Vec::new();
        row::encode(DocumentNumber(7), &contact, &mut bytes);
        // Behind the checksum, which is made to fit.
        any_bytes::row(&spoiled(bytes[4..].to_vec(), &edits, cut));
        let mut bytes = Vec::new();
        encode_sorted(0, b"key", &members.into_iter().collect::<Vec<_>>(), &mut bytes);
        any_bytes::container(&spoiled(bytes[4..].to_vec(), &edits, cut));
        for read in [any_bytes::row, any_bytes::container, any_bytes::record, crate::index::any_bytes::block] {
            read(&noise);
        }
    }
}
