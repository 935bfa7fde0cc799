//! Lists of numbers that ascend, each once.

use crate::ids::{Block, DocumentNumber};

/// Whether a list is one.
pub(crate) fn is_set(list: &[u32]) -> bool {
    list.is_sorted_by(|a, b| a < b)
}

/// How many times longer one list must be for searching in it to beat walking along it.
const MUCH_LONGER: usize = 8;

/// What is in either.
///
/// Cost: if one list is much shorter, a search in the other for each of its numbers, and copies of what lies between.
pub(crate) fn union(a: &[u32], b: &[u32]) -> Vec<u32> {
    let (mut long, short) = if a.len() < b.len() { (b, a) } else { (a, b) };
    let mut out = Vec::with_capacity(a.len() + b.len());
    for &number in short {
        let before;
        (before, long) = split_before(long, number, short.len());
        out.extend_from_slice(before);
        out.push(number);
        if long.first() == Some(&number) {
            long = long.get(1..).unwrap_or_default();
        }
    }
    out.extend_from_slice(long);
    out
}

/// What is in `a` and not in `b`.
///
/// Cost: as [`union`].
pub(crate) fn difference(a: &[u32], b: &[u32]) -> Vec<u32> {
    let mut out = Vec::with_capacity(a.len());
    if a.len() < b.len() {
        let mut long = b;
        for &number in a {
            (_, long) = split_before(long, number, a.len());
            if long.first() != Some(&number) {
                out.push(number);
            }
        }
        return out;
    }
    let mut long = a;
    for &number in b {
        let before;
        (before, long) = split_before(long, number, b.len());
        out.extend_from_slice(before);
        if long.first() == Some(&number) {
            long = long.get(1..).unwrap_or_default();
        }
    }
    out.extend_from_slice(long);
    out
}

/// A list, cut before the first number that is not below `number`; `others` is how often it will be cut.
fn split_before(list: &[u32], number: u32, others: usize) -> (&[u32], &[u32]) {
    let at = if list.len() > MUCH_LONGER * others {
        list.partition_point(|&other| other < number)
    } else {
        list.iter().position(|&other| other >= number).unwrap_or(list.len())
    };
    list.split_at(at)
}

/// The lower of the blocks in which two lists of documents begin.
pub(crate) fn first_block(a: &[u32], b: &[u32]) -> Option<Block> {
    let first = a.first().into_iter().chain(b.first()).min()?;
    Some(DocumentNumber(*first).block())
}

/// A list of documents that has none before `block`, cut behind the last one in it.
pub(crate) fn split_block(list: &[u32], block: Block) -> (&[u32], &[u32]) {
    list.split_at(list.partition_point(|&document| DocumentNumber(document).block() <= block))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::collection::btree_set;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lists_are_sets(a in btree_set(0u32..400, 0..300), b in btree_set(0u32..400, 0..30)) {
            let list = |set: &BTreeSet<u32>| set.iter().copied().collect::<Vec<u32>>();
            let reverse_set = &b - &a;
            let (union_set, difference_set) = (&a | &b, &a - &b);
            let (a, b) = (list(&a), list(&b));
            prop_assert_eq!(union(&a, &b), list(&union_set));
            prop_assert_eq!(union(&b, &a), list(&union_set));
            prop_assert_eq!(difference(&a, &b), list(&difference_set));
            prop_assert_eq!(difference(&b, &a), list(&reverse_set));
        }
    }
}
