//! Entries of the log put together from words are those put together from lists.

use proptest::collection::btree_set;
use proptest::prelude::*;

use crate::ids::{Block, DocumentNumber, GroupId};
use crate::store::container::{set, zeros};
use crate::store::{BlockList, LogDraft, Moves};

fn blocks_of(documents: &[u32]) -> BlockList {
    let mut blocks = BlockList::new();
    for document in documents.iter().copied().map(DocumentNumber) {
        if blocks.last().is_none_or(|(block, _)| *block != document.block()) {
            blocks.push((document.block(), zeros()));
        }
        if let Some((_, words)) = blocks.last_mut() {
            set(words, document.offset());
        }
    }
    blocks
}

/// Sparse, dense, and both; over a few blocks, of which some are empty.
fn documents() -> impl Strategy<Value = Vec<u32>> {
    let sparse = btree_set(0u32..5 << 16, 0..30);
    let dense = (0u32..4 << 16, 0u32..150_000).prop_map(|(from, count)| (from..from + count).step_by(3));
    (sparse, prop::option::of(dense)).prop_map(|(mut documents, dense)| {
        documents.extend(dense.into_iter().flatten());
        documents.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn words_are_lists(entered in documents(), left in documents()) {
        let (mut lists, mut words) = (LogDraft::default(), LogDraft::default());
        lists.add(Moves { group: GroupId(7), entered: &entered, left: &left });
        let mut blocks = blocks_of(&entered);
        // A block without documents is as good as none.
        blocks.push((Block(9), zeros()));
        words.add_blocks(GroupId(7), &blocks, &blocks_of(&left));
        prop_assert_eq!(lists, words);
    }
}
