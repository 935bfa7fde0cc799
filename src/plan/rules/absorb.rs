//! Absorption: `a OR (a AND b)` is `a`, and `a OR (NOT a AND b)` is `a OR b`; the same for `AND` the other way round.
//! Afterwards no child holds another one, or another one's complement.

use rustc_hash::FxHashSet;

use crate::plan::atom::Expr;
use crate::plan::logical::Builder;
use crate::plan::rules::{Kind, negate};

/// All at once is sound: a child is only absorbed or cut because of a smaller one, so they can be thought of in that
/// order.
pub(crate) fn apply(builder: &mut Builder, kind: Kind, children: &[Expr]) -> Option<Vec<Expr>> {
    let inner_kind = kind.flipped_if(true);
    let inners: Vec<&[Expr]> = children.iter().filter_map(|child| inner_kind.children_of(child)).collect();
    if inners.is_empty() {
        return None;
    }
    let whole: FxHashSet<&Expr> = children.iter().collect();
    let complements: FxHashSet<Expr> = children.iter().map(negate::complement).collect();
    let is_absorbed = |inner: &[Expr]| {
        let holds_all = |parts: &[Expr]| parts.len() < inner.len() && parts.iter().all(|part| inner.contains(part));
        inner.iter().any(|part| whole.contains(part)) || inners.iter().any(|parts| holds_all(parts))
    };
    let mut changed = false;
    let mut kept = Vec::with_capacity(children.len());
    for child in children {
        match inner_kind.children_of(child) {
            Some(inner) if is_absorbed(inner) => changed = true,
            Some(inner) if inner.iter().any(|part| complements.contains(part)) => {
                changed = true;
                let rest = inner.iter().filter(|part| !complements.contains(part)).cloned().collect();
                kept.push(builder.combine(inner_kind, rest));
            }
            _ => kept.push(child.clone()),
        }
    }
    changed.then_some(kept)
}
