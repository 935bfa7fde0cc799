//! The order in which groups are evaluated: a group after all groups that it refers to.

use std::collections::BTreeMap;
use std::fmt;

use rustc_hash::FxHashMap;

use crate::ids::GroupId;
use crate::plan::atom::{Atom, LogicalPlan};

/// Groups that refer to one another in a circle.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupCycle {
    /// The circle: each group refers to the next, and the last is the first again.
    pub path: Vec<GroupId>,
}

impl fmt::Display for GroupCycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("groups refer to one another in a circle:")?;
        for (at, group) in self.path.iter().enumerate() {
            write!(f, "{} {group:?}", if at == 0 { "" } else { " →" })?;
        }
        Ok(())
    }
}

impl std::error::Error for GroupCycle {}

/// The groups that a plan refers to, manual and smart, ascending, each once.
///
/// ```
/// use headcount::internals::ids::{AtomId, GroupId};
/// use headcount::internals::plan::atom::{Atom, Expr, LogicalPlan};
/// let plan = LogicalPlan {
///     atoms: vec![Atom::GroupIn([GroupId(3), GroupId(7)].into())],
///     root: Expr::Atom { atom: AtomId(0), negated: true },
/// };
/// assert_eq!(headcount::internals::refresh::order::references(&plan), [GroupId(3), GroupId(7)]);
/// ```
pub fn references(plan: &LogicalPlan) -> Vec<GroupId> {
    let mut groups: Vec<GroupId> = plan
        .atoms
        .iter()
        .filter_map(|atom| match atom {
            Atom::GroupIn(groups) => Some(groups.iter().copied()),
            _ => None,
        })
        .flatten()
        .collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

/// Where a group stands in the walk over references.
#[derive(Clone, Copy, PartialEq)]
enum Mark {
    /// On the path from the root of the walk.
    Open,
    /// In the order already.
    Done,
}

/// All groups, each after those that it refers to. References to groups that are not keys of the map, such as manual
/// groups, play no part.
///
/// Errors: [`GroupCycle`] with the path, if there is no such order.
///
/// Cost: linear in groups and references; the depth of nesting takes no stack.
///
/// ```
/// use std::collections::BTreeMap;
/// use headcount::internals::ids::GroupId;
/// use headcount::internals::refresh::order::topological;
/// let (a, b) = (GroupId(1), GroupId(2));
/// assert_eq!(topological(&BTreeMap::from([(a, vec![b]), (b, vec![])])).unwrap(), [b, a]);
/// let cycle = topological(&BTreeMap::from([(a, vec![b]), (b, vec![a])])).unwrap_err();
/// assert_eq!(cycle.path, [a, b, a]);
/// ```
pub fn topological(references: &BTreeMap<GroupId, Vec<GroupId>>) -> Result<Vec<GroupId>, GroupCycle> {
    let mut order = Vec::with_capacity(references.len());
    let mut marks: FxHashMap<GroupId, Mark> = FxHashMap::default();
    for &root in references.keys() {
        if marks.contains_key(&root) {
            continue;
        }
        marks.insert(root, Mark::Open);
        let mut path: Vec<(GroupId, std::slice::Iter<'_, GroupId>)> = vec![(root, children(references, root))];
        while let Some((group, rest)) = path.last_mut() {
            let Some(&child) = rest.next() else {
                marks.insert(*group, Mark::Done);
                order.push(*group);
                path.pop();
                continue;
            };
            if !references.contains_key(&child) {
                continue;
            }
            match marks.get(&child) {
                Some(Mark::Done) => {}
                Some(Mark::Open) => {
                    let on_path = path.iter().map(|&(group, _)| group);
                    let mut cycle: Vec<GroupId> = on_path.skip_while(|&group| group != child).collect();
                    cycle.push(child);
                    return Err(GroupCycle { path: cycle });
                }
                None => {
                    marks.insert(child, Mark::Open);
                    path.push((child, children(references, child)));
                }
            }
        }
    }
    Ok(order)
}

fn children(references: &BTreeMap<GroupId, Vec<GroupId>>, group: GroupId) -> std::slice::Iter<'_, GroupId> {
    references.get(&group).map(Vec::as_slice).unwrap_or_default().iter()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_group_that_refers_to_itself_is_a_circle() {
        let cycle = topological(&BTreeMap::from([(GroupId(4), vec![GroupId(4)])])).unwrap_err();
        assert_eq!(cycle.path, [GroupId(4), GroupId(4)]);
        assert_eq!(cycle.to_string(), "groups refer to one another in a circle: group4 → group4");
    }

    #[test]
    fn a_long_chain_takes_no_stack() {
        let chain: BTreeMap<_, _> = (0..200_000).map(|at| (GroupId(at), vec![GroupId(at + 1)])).collect();
        assert_eq!(topological(&chain).unwrap().len(), 200_000);
    }

    proptest! {
        #[test]
        fn each_group_comes_after_its_references_or_the_path_is_a_circle(
            edges in proptest::collection::vec((0u32..12, 0u32..16), 0..30)
        ) {
            let mut graph: BTreeMap<GroupId, Vec<GroupId>> = (0..12).map(|at| (GroupId(at), Vec::new())).collect();
            for (from, to) in edges {
                graph.get_mut(&GroupId(from)).unwrap().push(GroupId(to));
            }
            match topological(&graph) {
                Ok(order) => {
                    prop_assert_eq!(order.len(), graph.len());
                    for (at, group) in order.iter().enumerate() {
                        for to in &graph[group] {
                            prop_assert!(!graph.contains_key(to) || order[..at].contains(to));
                        }
                    }
                }
                Err(cycle) => {
                    prop_assert!(cycle.path.len() >= 2);
                    prop_assert_eq!(cycle.path.first(), cycle.path.last());
                    for pair in cycle.path.windows(2) {
                        prop_assert!(graph[&pair[0]].contains(&pair[1]));
                    }
                }
            }
        }
    }
}
