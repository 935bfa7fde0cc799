//! Contradiction and tautology: `a AND NOT a` is nothing, `a OR NOT a` is everything. An atom is true or false of any
//! contact, so this holds whatever its values.

use crate::plan::atom::Expr;
use crate::plan::logical::Builder;
use crate::plan::rules::{Kind, negate};

pub(crate) fn apply(_: &mut Builder, kind: Kind, children: &[Expr]) -> Option<Vec<Expr>> {
    let has_complement = children.iter().enumerate().any(|(at, child)| {
        let complement = match child {
            // A constant that is its parent's neutral one is for another rule.
            Expr::Constant(_) => return false,
            other => negate::complement(other),
        };
        children.iter().skip(at + 1).any(|other| *other == complement)
    });
    has_complement.then(|| vec![Expr::Constant(!kind.neutral())])
}
