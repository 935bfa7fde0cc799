//! The physical plan: the order of steps, and for each atom whether the index or the rows answer it.
//!
//! It decides on estimates over all contacts; the executor orders again within each block, where it knows more. Both
//! change the cost of an answer, never the answer.

use crate::ids::AtomId;
use crate::plan::atom::{Atom, Expr, LogicalPlan};
use crate::plan::estimate::{Estimate, Estimates};

/// Reading and testing one row costs about as much as reading this many bytes of an index.
const ROW_BYTES: u64 = 8 << 10;

/// At most this many candidates are left to rows instead of asking an index.
const MOST_ROWS: u64 = 1_000;

/// Choices that can be switched off. The answer is the same with any of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rules {
    /// Order what must all hold by how few contacts each holds for.
    pub order: bool,
    /// Verify the last few candidates from their rows instead of reading an index that costs more.
    pub verify: bool,
    /// Stop a block as soon as nothing is left in it.
    pub stop_early: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Rules { order: true, verify: true, stop_early: true }
    }
}

impl Rules {
    /// Everything in the order written, from the indexes alone.
    pub const NONE: Rules = Rules { order: false, verify: false, stop_early: false };
}

/// Who answers an atom.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// The index.
    Index,
    /// The rows of the candidates that the other steps leave.
    Rows,
}

/// A step of a plan.
#[derive(Clone, PartialEq, Debug)]
pub enum Step {
    /// All contacts, or none.
    Constant(bool),
    /// One atom, or its complement.
    Leaf {
        /// Which atom.
        atom: AtomId,
        /// Whether the complement is meant.
        negated: bool,
        /// Who answers it.
        access: Access,
    },
    /// All of these hold.
    All(Vec<Node>),
    /// Some of these hold.
    Any(Vec<Node>),
}

/// A step and how many contacts it is expected to leave.
#[derive(Clone, PartialEq, Debug)]
pub struct Node {
    /// What is done.
    pub step: Step,
    /// About how many contacts it holds for.
    pub likely: u64,
}

/// A plan that can be executed.
#[derive(Clone, PartialEq, Debug)]
pub struct PhysicalPlan {
    /// The atoms, each once.
    pub atoms: Vec<Atom>,
    /// What is known of each.
    pub estimates: Vec<Estimate>,
    /// What is done.
    pub root: Node,
    /// The choices that were allowed.
    pub rules: Rules,
    /// How many contacts there are.
    pub total: u64,
}

/// Chooses the order and the access of each step.
pub fn choose(plan: &LogicalPlan, estimates: &dyn Estimates, rules: Rules) -> PhysicalPlan {
    let known: Vec<Estimate> = (0..plan.atoms.len()).map(|atom| estimates.estimate(AtomId(atom as u32))).collect();
    let total = estimates.total();
    let root = node(&plan.root, &known, total, rules);
    PhysicalPlan { atoms: plan.atoms.clone(), estimates: known, root, rules, total }
}

fn node(expr: &Expr, known: &[Estimate], total: u64, rules: Rules) -> Node {
    match expr {
        Expr::Constant(holds) => Node { step: Step::Constant(*holds), likely: if *holds { total } else { 0 } },
        Expr::Atom { atom, negated } => {
            let likely = known.get(atom.0 as usize).map_or(total, |estimate| estimate.likely).min(total);
            let likely = if *negated { total - likely } else { likely };
            Node { step: Step::Leaf { atom: *atom, negated: *negated, access: Access::Index }, likely }
        }
        Expr::All(children) => {
            let mut nodes: Vec<Node> = children.iter().map(|child| node(child, known, total, rules)).collect();
            if rules.order {
                nodes.sort_by_key(|node| node.likely);
            }
            if rules.verify {
                leave_to_rows(&mut nodes, known);
            }
            // Independent conditions multiply; real ones are related, so never expect fewer than a fraction of it.
            let least = nodes.iter().map(|node| node.likely).min().unwrap_or(total);
            let share = |node: &Node| if total == 0 { 0.0 } else { node.likely as f64 / total as f64 };
            let product = nodes.iter().map(share).product::<f64>() * total as f64;
            Node { step: Step::All(nodes), likely: (product as u64).min(least) }
        }
        Expr::Any(children) => {
            let nodes: Vec<Node> = children.iter().map(|child| node(child, known, total, rules)).collect();
            let sum: u64 = nodes.iter().map(|node| node.likely).sum();
            Node { step: Step::Any(nodes), likely: sum.min(total) }
        }
    }
}

/// Once the steps before leave few candidates, a leaf whose index costs more than their rows is left to the rows. At
/// least one step stays with the index.
fn leave_to_rows(nodes: &mut [Node], known: &[Estimate]) {
    let Some(first) = nodes.first() else { return };
    if matches!(first.step, Step::Leaf { negated: true, .. } | Step::Constant(_)) {
        return;
    }
    let left = first.likely;
    if left > MOST_ROWS {
        return;
    }
    for node in nodes.iter_mut().skip(1) {
        if let Step::Leaf { atom, access, .. } = &mut node.step {
            let bytes = known.get(atom.0 as usize).map_or(0, |estimate| estimate.bytes);
            if bytes > left.max(1) * ROW_BYTES {
                *access = Access::Rows;
            }
        }
    }
}
