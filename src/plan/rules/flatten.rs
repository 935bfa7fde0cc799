//! Flattening: `a AND (b AND c)` is `a AND b AND c`. Afterwards no child is of its parent's kind.

use crate::plan::atom::Expr;
use crate::plan::logical::Builder;
use crate::plan::rules::Kind;

pub(crate) fn apply(_: &mut Builder, kind: Kind, children: &[Expr]) -> Option<Vec<Expr>> {
    if !children.iter().any(|child| kind.children_of(child).is_some()) {
        return None;
    }
    let mut flat = Vec::with_capacity(children.len() + 1);
    for child in children {
        match kind.children_of(child) {
            Some(inner) => flat.extend_from_slice(inner),
            None => flat.push(child.clone()),
        }
    }
    Some(flat)
}
