//! Lists of numbers that ascend, each once.

use crate::ids::{Block, DocumentNumber};

/// Whether a list is one.
pub(crate) fn is_set(list: &[u32]) -> bool {
    list.is_sorted_by(|a, b| a < b)
}

/// What is in either.
pub(crate) fn union(a: &[u32], b: &[u32]) -> Vec<u32> {
    let mut out = Vec::with_capacity(a.len() + b.len());
    let (mut a, mut b) = (a, b);
    while let ([first, rest_a @ ..], [second, rest_b @ ..]) = (a, b) {
        out.push(*first.min(second));
        if first <= second {
            a = rest_a;
        }
        if second <= first {
            b = rest_b;
        }
    }
    out.extend_from_slice(a);
    out.extend_from_slice(b);
    out
}

/// What is in `a` and not in `b`.
pub(crate) fn difference(a: &[u32], b: &[u32]) -> Vec<u32> {
    let mut out = Vec::with_capacity(a.len());
    let mut b = b;
    for &number in a {
        while let [first, rest @ ..] = b
            && *first < number
        {
            b = rest;
        }
        if b.first() != Some(&number) {
            out.push(number);
        }
    }
    out
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

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lists_are_sets(a: BTreeSet<u8>, b: BTreeSet<u8>) {
            let list = |set: &BTreeSet<u8>| set.iter().map(|&number| u32::from(number)).collect::<Vec<u32>>();
            let (union_set, difference_set) = (&a | &b, &a - &b);
            let (a, b) = (list(&a), list(&b));
            prop_assert_eq!(union(&a, &b), list(&union_set));
            prop_assert_eq!(difference(&a, &b), list(&difference_set));
        }
    }
}
