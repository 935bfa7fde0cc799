//! Groups that have the same query, however it is written.

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Known, is_resolved, span};
use crate::plan::atom::Expr;
use crate::plan::logical::lower;
use crate::sema::query::Query;

/// One warning for each group whose normalised plan is this query's.
pub(super) fn check(text: &str, query: &Query, known: &Known<'_>) -> Vec<Diagnostic> {
    let (groups, zone) = (known.groups, &known.environment.timezone);
    if groups.is_empty() || !is_resolved(&query.root) {
        return Vec::new();
    }
    let plan = lower(query, zone);
    if matches!(plan.root, Expr::Constant(_)) {
        // That it is everybody or nobody has been told.
        return Vec::new();
    }
    let same = groups.iter().filter(|(_, other)| is_resolved(&other.root) && lower(other, zone) == plan);
    same.map(|(name, _)| {
        Diagnostic::new(Code::SameAsGroup, format!("group '{name}' has the same query"), span(text, &query.root))
            .with("group", *name)
    })
    .collect()
}
