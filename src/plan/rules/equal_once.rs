//! Equal children once: `a OR a` is `a`. Afterwards the children are in a fixed order, each once.

use crate::plan::atom::Expr;
use crate::plan::logical::Builder;
use crate::plan::rules::Kind;

pub(crate) fn apply(_: &mut Builder, _: Kind, children: &[Expr]) -> Option<Vec<Expr>> {
    if children.is_sorted_by(|a, b| a < b) {
        return None;
    }
    let mut distinct = children.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    Some(distinct)
}
