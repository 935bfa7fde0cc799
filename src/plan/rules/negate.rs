//! Negation inward, by De Morgan's laws: `NOT (a AND b)` is `NOT a OR NOT b`. Afterwards negations stand at the leaves.
//!
//! Lowering a query does it on the way down, by asking each child for its complement.

use crate::plan::atom::Expr;

/// The complement as it stands, its children in order: to compare with.
pub(crate) fn complement(expression: &Expr) -> Expr {
    let children = |children: &[Expr]| {
        let mut complements: Vec<Expr> = children.iter().map(complement).collect();
        complements.sort_unstable();
        complements
    };
    match expression {
        Expr::Constant(constant) => Expr::Constant(!constant),
        Expr::Atom { atom, negated } => Expr::Atom { atom: *atom, negated: !negated },
        Expr::All(inner) => Expr::Any(children(inner)),
        Expr::Any(inner) => Expr::All(children(inner)),
    }
}
