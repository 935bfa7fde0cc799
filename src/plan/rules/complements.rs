//! Contradiction and tautology: `a AND NOT a` is nothing, `a OR NOT a` is everything. An atom is true or false of any
//! contact, so this holds whatever its values.

use rustc_hash::FxHashSet;

use crate::plan::atom::Expr;
use crate::plan::logical::Builder;
use crate::plan::rules::{Kind, negate};

pub(crate) fn apply(_: &mut Builder, kind: Kind, children: &[Expr]) -> Option<Vec<Expr>> {
    let whole: FxHashSet<&Expr> = children.iter().collect();
    // A constant beside its complement is for another rule.
    let has_complement =
        children.iter().any(|child| !matches!(child, Expr::Constant(_)) && whole.contains(&negate::complement(child)));
    has_complement.then(|| vec![Expr::Constant(!kind.neutral())])
}
