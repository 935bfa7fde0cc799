//! A plan over one block: first every leaf meets the block's dictionaries, which tells how much each will find and
//! settles what finds nothing; then sets are combined, the smallest first.

use crate::exec::counters::Counters;
use crate::exec::leaf::{Leaf, pair};
use crate::ids::Block;
use crate::index::attribute::PropertyBlocks;
use crate::index::bits::{self, Buffers, Words};
use crate::index::lookup::{Predicate, Probe};
use crate::plan::physical::{Access, Node, Rules, Step};

/// The documents of a block that match.
pub enum Answer {
    /// These and no others.
    Exact(Box<Words>),
    /// All of `surely`, and some of `perhaps`, which holds `surely`.
    Loose {
        /// Match.
        surely: Box<Words>,
        /// Match, or rows must tell.
        perhaps: Box<Words>,
    },
}

/// What evaluating a block needs.
pub struct Evaluation<'p, 't> {
    /// One leaf for each atom of the plan.
    pub leaves: &'p [Leaf<'t>],
    /// Existence of contacts.
    pub live: &'p PropertyBlocks<'t>,
    /// The choices that are allowed.
    pub rules: Rules,
    /// What is counted.
    pub counters: &'p Counters,
}

/// A step met with a block. One is made for each step and block, and none is moved about: size does not matter.
#[allow(clippy::large_enum_variant)]
enum Met<'p, 't> {
    Nothing,
    Everything,
    Leaf { set: LeafSet<'p, 't>, negated: bool, estimate: u32 },
    All(Vec<Met<'p, 't>>),
    Any(Vec<Met<'p, 't>>),
}

/// A leaf met with a block.
#[allow(clippy::large_enum_variant)]
enum LeafSet<'p, 't> {
    Values { probe: Probe<'t>, candidates: bool },
    AllOf { probes: Vec<Probe<'t>>, candidates: bool },
    Set(&'p Words),
    Trailing { hits: Option<&'p Words>, unsettled: Option<&'p Words> },
    Rows,
}

impl Met<'_, '_> {
    /// About how many documents of a block of `total` it holds for.
    fn estimate(&self, total: u32) -> u32 {
        match self {
            Met::Nothing => 0,
            Met::Everything => total,
            Met::Leaf { negated, estimate, .. } => {
                let estimate = (*estimate).min(total);
                if *negated { total - estimate } else { estimate }
            }
            Met::All(children) => children.iter().map(|child| child.estimate(total)).min().unwrap_or(total),
            Met::Any(children) => {
                children.iter().fold(0u32, |sum, child| sum.saturating_add(child.estimate(total))).min(total)
            }
        }
    }

    fn is_negated_leaf(&self) -> bool {
        matches!(self, Met::Leaf { negated: true, .. })
    }
}

impl<'p, 't> Evaluation<'p, 't> {
    /// The documents of the block that match the plan.
    pub fn run(&self, root: &Node, block: Block, buffers: &mut Buffers) -> Answer {
        let met = self.meet(root, block);
        let total = pair(self.live, block).map_or(0, |pair| Probe::new(&Predicate::Present, pair).estimate());
        self.answer(&met, block, total, buffers)
    }

    fn meet(&self, node: &Node, block: Block) -> Met<'p, 't> {
        match &node.step {
            Step::Constant(true) => Met::Everything,
            Step::Constant(false) => Met::Nothing,
            Step::Leaf { negated, access: Access::Rows, .. } => {
                Met::Leaf { set: LeafSet::Rows, negated: *negated, estimate: u32::MAX }
            }
            Step::Leaf { atom, negated, access: Access::Index } => match self.meet_leaf(atom.0, block) {
                Some((set, estimate)) => Met::Leaf { set, negated: *negated, estimate },
                None => {
                    self.counters.skip(1);
                    if *negated { Met::Everything } else { Met::Nothing }
                }
            },
            Step::All(children) => {
                let mut met = Vec::with_capacity(children.len());
                for child in children {
                    match self.meet(child, block) {
                        Met::Everything => {}
                        Met::Nothing if self.rules.stop_early => return Met::Nothing,
                        other => met.push(other),
                    }
                }
                match met.len() {
                    0 => Met::Everything,
                    _ => Met::All(met),
                }
            }
            Step::Any(children) => {
                let mut met = Vec::with_capacity(children.len());
                for child in children {
                    match self.meet(child, block) {
                        Met::Nothing => {}
                        Met::Everything if self.rules.stop_early => return Met::Everything,
                        other => met.push(other),
                    }
                }
                match met.len() {
                    0 => Met::Nothing,
                    _ => Met::Any(met),
                }
            }
        }
    }

    /// A leaf in a block, and about how much it finds; `None` if that is surely nothing.
    fn meet_leaf(&self, atom: u32, block: Block) -> Option<(LeafSet<'p, 't>, u32)> {
        let found = |probe: Probe<'t>| (probe.estimate() > 0).then_some(probe);
        match self.leaves.get(atom as usize)? {
            Leaf::Values { predicate, blocks, candidates } => {
                let probe = found(Probe::new(predicate, pair(blocks, block)?))?;
                let estimate = probe.estimate();
                Some((LeafSet::Values { probe, candidates: *candidates }, estimate))
            }
            Leaf::AllOf { predicates, blocks, also, candidates } => {
                let values = pair(blocks, block)?;
                let mut probes = Vec::with_capacity(predicates.len() + 1);
                for predicate in predicates {
                    probes.push(found(Probe::new(predicate, values))?);
                }
                if let Some((predicate, blocks)) = also {
                    probes.push(found(Probe::new(predicate, pair(blocks, block)?))?);
                }
                probes.sort_by_key(Probe::estimate);
                let estimate = probes.first().map_or(0, Probe::estimate);
                Some((LeafSet::AllOf { probes, candidates: *candidates }, estimate))
            }
            Leaf::Sets(sets) => {
                let set = sets.get(&block)?;
                Some((LeafSet::Set(set), bits::count(set)))
            }
            Leaf::Trailing { hits, unsettled } => {
                let (hits, unsettled) = (hits.get(&block), unsettled.get(&block));
                if hits.is_none() && unsettled.is_none() {
                    return None;
                }
                let count = |set: Option<&Box<Words>>| set.map_or(0, |set| bits::count(set));
                let estimate = count(hits) + count(unsettled);
                Some((LeafSet::Trailing { hits: hits.map(|b| &**b), unsettled: unsettled.map(|b| &**b) }, estimate))
            }
            Leaf::Rows => Some((LeafSet::Rows, u32::MAX)),
        }
    }

    /// All contacts of the block.
    fn everything(&self, block: Block, buffers: &mut Buffers) -> Box<Words> {
        let mut set = buffers.empty();
        if let Some(pair) = pair(self.live, block) {
            Probe::new(&Predicate::Present, pair).fill(&mut set, buffers);
        }
        set
    }

    fn answer(&self, met: &Met<'p, 't>, block: Block, total: u32, buffers: &mut Buffers) -> Answer {
        match met {
            Met::Nothing => Answer::Exact(buffers.empty()),
            Met::Everything => Answer::Exact(self.everything(block, buffers)),
            Met::Leaf { set, negated, .. } => {
                let found = self.leaf(set, block, buffers);
                if *negated { self.complement(found, block, buffers) } else { found }
            }
            Met::All(children) => self.all(children, block, total, buffers),
            Met::Any(children) => {
                let mut all = Answer::Exact(buffers.empty());
                for child in children {
                    let next = self.answer(child, block, total, buffers);
                    all = union(all, next, buffers);
                }
                all
            }
        }
    }

    fn all(&self, children: &[Met<'p, 't>], block: Block, total: u32, buffers: &mut Buffers) -> Answer {
        let mut order: Vec<(&Met<'p, 't>, u32)> = children.iter().map(|child| (child, child.estimate(total))).collect();
        if self.rules.order {
            // A negated leaf takes away from what is there, so something should be there first.
            order.sort_by_key(|(child, estimate)| (child.is_negated_leaf(), *estimate));
        }
        let mut left: Option<Answer> = None;
        for (at, (child, _)) in order.iter().enumerate() {
            let next = match (&mut left, child) {
                (
                    Some(Answer::Exact(set)),
                    Met::Leaf { set: LeafSet::Values { probe, candidates: false }, negated, .. },
                ) => {
                    // The common case: combined in place.
                    self.counters.read(1, probe.bytes() as u64);
                    if *negated {
                        probe.subtract_from(set, buffers)
                    } else {
                        probe.restrict(set, buffers)
                    }
                    None
                }
                (Some(_), Met::Leaf { set, negated: true, .. }) => {
                    let found = self.leaf(set, block, buffers);
                    left = left.take().map(|left| subtract(left, found, buffers));
                    None
                }
                _ => Some(self.answer(child, block, total, buffers)),
            };
            if let Some(next) = next {
                left = Some(match left.take() {
                    Some(left) => intersect(left, next, buffers),
                    None => next,
                });
            }
            let nothing_left = match &left {
                Some(Answer::Exact(set)) => bits::is_empty(set),
                Some(Answer::Loose { perhaps, .. }) => bits::is_empty(perhaps),
                None => false,
            };
            if nothing_left && self.rules.stop_early {
                self.counters.skip((order.len() - at - 1) as u64);
                break;
            }
        }
        left.unwrap_or_else(|| Answer::Exact(self.everything(block, buffers)))
    }

    fn leaf(&self, set: &LeafSet<'p, 't>, block: Block, buffers: &mut Buffers) -> Answer {
        match set {
            LeafSet::Values { probe, candidates } => {
                let mut found = buffers.empty();
                self.counters.read(1, probe.bytes() as u64);
                probe.fill(&mut found, buffers);
                loosen(found, *candidates, buffers)
            }
            LeafSet::AllOf { probes, candidates } => {
                let mut found = buffers.empty();
                for (at, probe) in probes.iter().enumerate() {
                    self.counters.read(1, probe.bytes() as u64);
                    if at == 0 {
                        probe.fill(&mut found, buffers);
                    } else {
                        probe.restrict(&mut found, buffers);
                        if bits::is_empty(&found) {
                            break;
                        }
                    }
                }
                loosen(found, *candidates, buffers)
            }
            LeafSet::Set(known) => {
                let mut found = buffers.empty();
                found.copy_from_slice(&known[..]);
                Answer::Exact(found)
            }
            LeafSet::Trailing { hits, unsettled } => {
                let mut surely = buffers.empty();
                if let Some(hits) = hits {
                    surely.copy_from_slice(&hits[..]);
                }
                let Some(unsettled) = unsettled else { return Answer::Exact(surely) };
                bits::and_not(&mut surely, unsettled);
                let mut perhaps = buffers.empty();
                perhaps.copy_from_slice(&surely[..]);
                bits::or(&mut perhaps, unsettled);
                // What changed may be gone.
                let live = self.everything(block, buffers);
                bits::and(&mut perhaps, &live);
                buffers.give(live);
                Answer::Loose { surely, perhaps }
            }
            LeafSet::Rows => Answer::Loose { surely: buffers.empty(), perhaps: self.everything(block, buffers) },
        }
    }

    fn complement(&self, answer: Answer, block: Block, buffers: &mut Buffers) -> Answer {
        let live = Answer::Exact(self.everything(block, buffers));
        subtract(live, answer, buffers)
    }
}

/// What an index found, as candidates if rows must confirm.
fn loosen(found: Box<Words>, candidates: bool, buffers: &mut Buffers) -> Answer {
    if candidates { Answer::Loose { surely: buffers.empty(), perhaps: found } } else { Answer::Exact(found) }
}

/// As two sets, of those that surely match and of those that may.
fn both(answer: Answer, buffers: &mut Buffers) -> (Box<Words>, Box<Words>) {
    match answer {
        Answer::Exact(set) => {
            let mut copy = buffers.empty();
            copy.copy_from_slice(&set[..]);
            (copy, set)
        }
        Answer::Loose { surely, perhaps } => (surely, perhaps),
    }
}

/// Combines two answers: `surely` with `surely`, `perhaps` with `perhaps`.
fn combine(a: Answer, b: Answer, buffers: &mut Buffers, operation: impl Fn(&mut Words, &Words)) -> Answer {
    match (a, b) {
        (Answer::Exact(mut a), Answer::Exact(b)) => {
            operation(&mut a, &b);
            buffers.give(b);
            Answer::Exact(a)
        }
        (a, b) => {
            let (mut surely, mut perhaps) = both(a, buffers);
            let (other_surely, other_perhaps) = both(b, buffers);
            operation(&mut surely, &other_surely);
            operation(&mut perhaps, &other_perhaps);
            buffers.give(other_surely);
            buffers.give(other_perhaps);
            Answer::Loose { surely, perhaps }
        }
    }
}

fn intersect(a: Answer, b: Answer, buffers: &mut Buffers) -> Answer {
    combine(a, b, buffers, bits::and)
}

fn union(a: Answer, b: Answer, buffers: &mut Buffers) -> Answer {
    combine(a, b, buffers, bits::or)
}

/// What matches `a` and not `b`: surely if it surely matches `a` and cannot match `b`.
fn subtract(a: Answer, b: Answer, buffers: &mut Buffers) -> Answer {
    let flipped = match b {
        Answer::Exact(set) => Answer::Exact(set),
        Answer::Loose { surely, perhaps } => Answer::Loose { surely: perhaps, perhaps: surely },
    };
    combine(a, flipped, buffers, bits::and_not)
}
