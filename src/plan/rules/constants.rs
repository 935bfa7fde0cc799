//! Constants: `a AND everything` is `a`, `a AND nothing` is `nothing`, and the same for `OR` the other way round.
//! Afterwards no child is a constant.

use crate::plan::atom::Expr;
use crate::plan::logical::Builder;
use crate::plan::rules::Kind;

pub(crate) fn apply(_: &mut Builder, kind: Kind, children: &[Expr]) -> Option<Vec<Expr>> {
    let absorbing = Expr::Constant(!kind.neutral());
    if children.len() > 1 && children.contains(&absorbing) {
        return Some(vec![absorbing]);
    }
    let neutral = Expr::Constant(kind.neutral());
    children.contains(&neutral).then(|| children.iter().filter(|child| **child != neutral).cloned().collect())
}
