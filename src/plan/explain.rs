//! A plan as people and programs read it: the tree of steps with estimates, and after a run with what really happened.

use std::fmt::Write as _;

use serde::Serialize;

use crate::plan::atom::Atom;
use crate::plan::physical::{Access, Node, PhysicalPlan, Step};

/// What a step did when it was run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Measured {
    /// Contacts that it holds for.
    pub matches: u64,
    /// Time that it took alone, in microseconds.
    pub micros: u64,
    /// Blocks of properties whose values were fetched.
    pub blocks_read: u64,
    /// Blocks of properties that a dictionary alone, or an empty set, settled.
    pub blocks_skipped: u64,
    /// Bytes of those that were fetched, about.
    pub bytes_read: u64,
    /// Rows that were tested.
    pub rows_verified: u64,
}

/// A step explained.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Explanation {
    /// What it does: `all of`, `any of`, a constant, or an atom.
    pub step: String,
    /// Who answers an atom: the index, candidates of the index that rows confirm, or rows alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<&'static str>,
    /// About how many contacts it holds for.
    pub estimate: u64,
    /// No fewer and no more than these, for an atom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounds: Option<(u64, u64)>,
    /// What happened when it ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
    /// The steps below, in the order in which they run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Explanation>,
}

/// Explains a plan. `describe` prints an atom; `measure` runs a step, if the plan is to be analysed.
pub fn explain(
    plan: &PhysicalPlan,
    describe: &dyn Fn(&Atom) -> String,
    measure: &mut dyn FnMut(&Node) -> Option<Measured>,
) -> Explanation {
    node(plan, &plan.root, describe, measure)
}

fn node(
    plan: &PhysicalPlan,
    node_: &Node,
    describe: &dyn Fn(&Atom) -> String,
    measure: &mut dyn FnMut(&Node) -> Option<Measured>,
) -> Explanation {
    let measured = measure(node_);
    let mut bounds = None;
    let (step, access, children): (String, Option<&'static str>, &[Node]) = match &node_.step {
        Step::Constant(true) => ("every contact".to_owned(), None, &[]),
        Step::Constant(false) => ("no contact".to_owned(), None, &[]),
        Step::All(children) => ("all of".to_owned(), None, children),
        Step::Any(children) => ("any of".to_owned(), None, children),
        Step::Leaf { atom, negated, access } => {
            let text = plan.atoms.get(atom.0 as usize).map(describe).unwrap_or_default();
            let known = plan.estimates.get(atom.0 as usize).copied().unwrap_or_default();
            bounds = Some(if *negated {
                (plan.total.saturating_sub(known.high), plan.total.saturating_sub(known.low))
            } else {
                (known.low, known.high)
            });
            let access = match access {
                Access::Rows => "rows",
                Access::Index if known.candidates => "index, confirmed by rows",
                Access::Index => "index",
            };
            (if *negated { format!("not {text}") } else { text }, Some(access), &[])
        }
    };
    let steps = children.iter().map(|child| node(plan, child, describe, measure)).collect();
    Explanation { step, access, estimate: node_.likely, bounds, measured, steps }
}

impl Explanation {
    /// As lines of text, each step indented below the one that it serves.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, 0);
        text
    }

    fn write(&self, out: &mut String, depth: usize) {
        let _ = write!(out, "{:indent$}{}", "", self.step, indent = depth * 2);
        let _ = write!(out, "  (about {}", self.estimate);
        if let Some((low, high)) = self.bounds {
            let _ = write!(out, ", {low} to {high}");
        }
        if let Some(access) = self.access {
            let _ = write!(out, ", {access}");
        }
        out.push(')');
        if let Some(measured) = &self.measured {
            let _ = write!(
                out,
                "  → {} in {}.{:03} ms, {} blocks read, {} skipped, {} bytes, {} rows verified",
                measured.matches,
                measured.micros / 1000,
                measured.micros % 1000,
                measured.blocks_read,
                measured.blocks_skipped,
                measured.bytes_read,
                measured.rows_verified,
            );
        }
        out.push('\n');
        self.steps.iter().for_each(|step| step.write(out, depth + 1));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::ids::AtomId;
    use crate::plan::atom::{Expr, LogicalPlan, TextProperty};
    use crate::plan::estimate::{Estimate, Estimates};
    use crate::plan::physical::{Rules, choose};

    struct Known(Vec<(u64, u64)>);

    impl Estimates for Known {
        fn total(&self) -> u64 {
            1_000_000
        }
        fn estimate(&self, atom: AtomId) -> Estimate {
            let (likely, bytes) = self.0[atom.0 as usize];
            Estimate { low: 0, likely, high: 1_000_000, bytes, candidates: false }
        }
    }

    fn plan(leaves: &[(u32, bool)]) -> LogicalPlan {
        let atoms = [TextProperty::Name, TextProperty::Language, TextProperty::Urn];
        let leaf = |&(atom, negated): &(u32, bool)| Expr::Atom { atom: AtomId(atom), negated };
        LogicalPlan {
            atoms: atoms.into_iter().map(Atom::TextSet).collect(),
            root: Expr::All(leaves.iter().map(leaf).collect()),
        }
    }

    fn text(leaves: &[(u32, bool)], known: Vec<(u64, u64)>, rules: Rules) -> String {
        let physical = choose(&plan(leaves), &Known(known), rules);
        explain(&physical, &|atom| format!("{atom:?}"), &mut |_| None).to_text()
    }

    #[test]
    fn the_rarest_comes_first_and_leaves_the_rest_to_rows() {
        let known = vec![(500_000, 10 << 20), (40, 1 << 10), (900_000, 1 << 10)];
        let found = text(&[(0, false), (1, false), (2, true)], known.clone(), Rules::default());
        let expected = "all of  (about 2)\n\
             \x20 TextSet(Language)  (about 40, 0 to 1000000, index)\n\
             \x20 not TextSet(Urn)  (about 100000, 0 to 1000000, index)\n\
             \x20 TextSet(Name)  (about 500000, 0 to 1000000, rows)\n";
        assert_eq!(found, expected);
        let as_written = text(&[(0, false), (1, false), (2, true)], known, Rules::NONE);
        assert!(as_written.lines().nth(1).unwrap().contains("TextSet(Name)  (about 500000, 0 to 1000000, index)"));
    }

    #[test]
    fn what_was_measured_is_told() {
        let physical = choose(&plan(&[(0, false), (1, false)]), &Known(vec![(5, 0), (6, 0), (7, 0)]), Rules::default());
        let measured = Measured { matches: 3, micros: 1_234, blocks_read: 2, ..Measured::default() };
        let explained = explain(&physical, &|atom| format!("{atom:?}"), &mut |_| Some(measured));
        let line = explained.to_text().lines().next().unwrap().to_owned();
        assert!(line.ends_with("→ 3 in 1.234 ms, 2 blocks read, 0 skipped, 0 bytes, 0 rows verified"), "{line}");
        let json = serde_json::to_value(&explained).unwrap();
        assert_eq!(json["steps"][0]["measured"]["matches"], 3);
    }
}
