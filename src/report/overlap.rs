//! Which combinations of sets documents are in.

use roaring::RoaringBitmap;

/// A combination of sets, and how many documents are in all of these and in none of the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Combination {
    /// A bit for each set that it is of.
    pub(super) sets: u32,
    /// Documents.
    pub(super) count: u64,
}

impl Combination {
    pub(super) fn has(self, set: usize) -> bool {
        self.sets >> set & 1 != 0
    }
}

/// The combinations that documents are in, the most frequent first. Of at most 32 sets; further ones are passed over.
///
/// Cost: for each set, an intersection and a difference with each part that the sets before it made; parts have nothing
/// in common, so together they are no larger than the union of all sets.
pub(super) fn combinations(sets: &[&RoaringBitmap]) -> Vec<Combination> {
    let mut everybody = RoaringBitmap::new();
    sets.iter().for_each(|set| everybody |= *set);
    let mut parts = vec![(0u32, everybody)];
    for (at, set) in sets.iter().take(32).enumerate() {
        let mut next = Vec::with_capacity(parts.len() * 2);
        for (combination, part) in parts {
            let inside = &part & *set;
            let outside = part - *set;
            next.push((combination | 1 << at, inside));
            next.push((combination, outside));
        }
        next.retain(|(_, part)| !part.is_empty());
        parts = next;
    }
    let mut found: Vec<Combination> =
        parts.into_iter().map(|(sets, part)| Combination { sets, count: part.len() }).collect();
    found.sort_by(|a, b| b.count.cmp(&a.count).then(a.sets.cmp(&b.sets)));
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_document_counts_once_in_the_combination_that_it_is_in(
            sets in proptest::collection::vec(proptest::collection::btree_set(0u32..200_000, 0..80), 0..7),
            shared in proptest::collection::btree_set(0u32..300, 0..80),
        ) {
            let sets: Vec<RoaringBitmap> =
                sets.iter().enumerate().map(|(at, set)| {
                    set.iter().copied().chain(shared.iter().copied().filter(|n| n >> (at % 4) & 1 == 1)).collect()
                }).collect();
            let mut expected: BTreeMap<u32, u64> = BTreeMap::new();
            let everybody: std::collections::BTreeSet<u32> = sets.iter().flatten().collect();
            for document in everybody {
                let is_in = (0..).zip(&sets).filter(|(_, set)| set.contains(document));
                *expected.entry(is_in.map(|(at, _)| 1 << at).sum()).or_default() += 1;
            }
            let borrowed: Vec<&RoaringBitmap> = sets.iter().collect();
            let found = combinations(&borrowed);
            prop_assert!(found.is_sorted_by(|a, b| a.count >= b.count));
            prop_assert_eq!(found.into_iter().map(|found| (found.sets, found.count)).collect::<BTreeMap<_, _>>(), expected);
        }
    }
}
