//! Common parts once: `(a AND b) OR (a AND c)` is `a AND (b OR c)`, and the same the other way round. Afterwards no part
//! stands in two children, so it is evaluated once, and first.

use rustc_hash::FxHashMap;

use crate::plan::atom::Expr;
use crate::plan::logical::Builder;
use crate::plan::rules::Kind;

pub(crate) fn apply(builder: &mut Builder, kind: Kind, children: &[Expr]) -> Option<Vec<Expr>> {
    let inner_kind = kind.flipped_if(true);
    // In how many children each part stands: one that stands twice in one child is another rule's business.
    let mut counts: FxHashMap<&Expr, usize> = FxHashMap::default();
    for inner in children.iter().filter_map(|child| inner_kind.children_of(child)) {
        for (at, part) in inner.iter().enumerate() {
            if !inner.iter().take(at).any(|earlier| earlier == part) {
                *counts.entry(part).or_default() += 1;
            }
        }
    }
    // The part that most children share; of several, the first in order, so that the outcome is always the same.
    let (common, _) = counts
        .into_iter()
        .filter(|(_, count)| *count > 1)
        .max_by(|(a, a_count), (b, b_count)| a_count.cmp(b_count).then(b.cmp(a)))?;
    let common = common.clone();
    let (mut with, mut others) = (Vec::new(), Vec::new());
    for child in children {
        match inner_kind.children_of(child).filter(|inner| inner.contains(&common)) {
            Some(inner) => {
                let rest = inner.iter().filter(|part| **part != common).cloned().collect();
                with.push(builder.combine(inner_kind, rest));
            }
            None => others.push(child.clone()),
        }
    }
    let either = builder.combine(kind, with);
    others.push(builder.combine(inner_kind, vec![common, either]));
    Some(others)
}
