//! Absorption: `a OR (a AND b)` is `a`, and `a OR (NOT a AND b)` is `a OR b`; the same for `AND` the other way round.
//! Afterwards no child holds another one, or another one's complement.

use crate::plan::atom::Expr;
use crate::plan::logical::Builder;
use crate::plan::rules::{Kind, negate};

pub(crate) fn apply(builder: &mut Builder, kind: Kind, children: &[Expr]) -> Option<Vec<Expr>> {
    let inner_kind = kind.flipped_if(true);
    if !children.iter().any(|child| inner_kind.children_of(child).is_some()) {
        return None;
    }
    for (at, child) in children.iter().enumerate() {
        let Some(inner) = inner_kind.children_of(child) else { continue };
        let others = || children.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, other)| other);
        let replaced_by = |replacement: Option<Expr>| Some(others().cloned().chain(replacement).collect());
        let is_absorbed = others().any(|other| {
            let holds_all = |parts: &[Expr]| parts.len() < inner.len() && parts.iter().all(|part| inner.contains(part));
            inner.contains(other) || inner_kind.children_of(other).is_some_and(holds_all)
        });
        if is_absorbed {
            return replaced_by(None);
        }
        let complements: Vec<Expr> = others().map(negate::complement).collect();
        if inner.iter().any(|part| complements.contains(part)) {
            let rest = inner.iter().filter(|part| !complements.contains(part)).cloned().collect();
            return replaced_by(Some(builder.combine(inner_kind, rest)));
        }
    }
    None
}
