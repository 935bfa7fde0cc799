//! One search over one snapshot: counting, collecting, and documents in order.

use heed::RoTxn;
use rayon::prelude::*;
use roaring::RoaringBitmap;

use crate::exec::counters::{Counted, Counters};
use crate::exec::evaluate::{Answer, Evaluation};
use crate::exec::leaf::{Leaf, Sources};
use crate::exec::moments::Clock;
use crate::exec::{Groups, Rows};
use crate::ids::{AtomId, Block, DocumentNumber};
use crate::index::attribute::{AttributeIndex, PropertyBlocks};
use crate::index::bits::{self, Buffers, Words};
use crate::index::lookup::{Predicate, Probe};
use crate::index::property::PropertyId;
use crate::index::{IndexError, TextSource};
use crate::model::{Context, NoGroups};
use crate::plan::atom::Atom;
use crate::plan::estimate::{Estimate, Estimates};
use crate::plan::explain::{self, Explanation, Measured};
use crate::plan::physical::{Node, PhysicalPlan, Step};

/// Everything that a search reads, at one moment.
pub struct Snapshot<'s, 't, R, G> {
    /// Attribute indexes.
    pub index: &'s AttributeIndex,
    /// The transaction that they are read in; rows and memberships must be of the same moment.
    pub rtxn: &'t RoTxn<'t>,
    /// Rows.
    pub rows: &'s R,
    /// Memberships.
    pub groups: &'s G,
    /// The text index and what it does not know; without one, rows answer for it.
    pub text: Option<&'s dyn TextSource>,
    /// The moment and zone that relative times go by.
    pub clock: Clock,
}

/// The atoms of a plan met with a snapshot: the blocks that they need are found, nothing is evaluated yet. It is where
/// the planner's estimates come from.
pub struct Prepared<'s, 't, R, G> {
    snapshot: &'s Snapshot<'s, 't, R, G>,
    leaves: Vec<Leaf<'t>>,
    live: PropertyBlocks<'t>,
    total: u64,
}

impl<'s, 't, R: Rows, G: Groups> Prepared<'s, 't, R, G> {
    /// Finds the blocks that the atoms need. Costs a cursor step for each block of each of their properties, and for
    /// words of text fields their answer.
    ///
    /// # Errors
    /// If the store fails, stored bytes are damaged, or the text index fails.
    pub fn new(snapshot: &'s Snapshot<'s, 't, R, G>, atoms: &[Atom]) -> Result<Self, IndexError> {
        let live = snapshot.index.blocks(snapshot.rtxn, PropertyId::Status)?;
        let blocks: Vec<Block> = live.iter().map(|pair| pair.block).collect();
        let total = live.iter().map(|pair| u64::from(Probe::new(&Predicate::Present, *pair).estimate())).sum();
        let sources = Sources {
            index: snapshot.index,
            rtxn: snapshot.rtxn,
            rows: snapshot.rows,
            groups: snapshot.groups,
            text: snapshot.text,
            clock: &snapshot.clock,
            blocks: &blocks,
        };
        let leaves = atoms.iter().map(|atom| sources.leaf(atom)).collect::<Result<Vec<_>, _>>()?;
        Ok(Prepared { snapshot, leaves, live, total })
    }
}

impl<R: Rows, G: Groups> Estimates for Prepared<'_, '_, R, G> {
    fn total(&self) -> u64 {
        self.total
    }

    fn estimate(&self, atom: AtomId) -> Estimate {
        self.leaves.get(atom.0 as usize).map_or_else(Estimate::default, |leaf| leaf.estimate(&self.live, self.total))
    }
}

/// The documents of a block that rows must tell about, if there are any.
type Unsettled = Option<(Block, Box<Words>)>;

/// A plan over a snapshot.
pub struct Search<'p, 's, 't, R, G> {
    prepared: &'p Prepared<'s, 't, R, G>,
    plan: &'p PhysicalPlan,
    counters: Counters,
}

impl<'p, 's, 't, R: Rows, G: Groups> Search<'p, 's, 't, R, G> {
    /// A search by this plan, whose atoms were prepared.
    pub fn new(prepared: &'p Prepared<'s, 't, R, G>, plan: &'p PhysicalPlan) -> Self {
        Search { prepared, plan, counters: Counters::default() }
    }

    /// How many contacts match.
    ///
    /// # Errors
    /// If a row that must confirm a match cannot be read.
    pub fn count(&self) -> Result<u64, IndexError> {
        if let Step::Constant(false) = self.plan.root.step {
            return Ok(0);
        }
        let evaluation = self.evaluation();
        let counted: Vec<(u64, Unsettled)> = self
            .prepared
            .live
            .par_iter()
            .map_init(Buffers::default, |buffers, pair| match evaluation.run(&self.plan.root, pair.block, buffers) {
                Answer::Exact(set) => {
                    let count = u64::from(bits::count(&set));
                    buffers.give(set);
                    (count, None)
                }
                Answer::Loose { surely, mut perhaps } => {
                    bits::and_not(&mut perhaps, &surely);
                    let count = u64::from(bits::count(&surely));
                    buffers.give(surely);
                    (count, (!bits::is_empty(&perhaps)).then_some((pair.block, perhaps)))
                }
            })
            .collect();
        let mut total = 0;
        for (count, open) in counted {
            total += count;
            if let Some((block, open)) = open {
                total += u64::from(bits::count(&*self.settle(block, &open)?));
            }
        }
        Ok(total)
    }

    /// Everybody who matches.
    ///
    /// # Errors
    /// As [`Search::count`].
    pub fn collect(&self) -> Result<RoaringBitmap, IndexError> {
        let mut all = RoaringBitmap::new();
        for (block, set) in self.sets()? {
            all |= to_roaring(block, &set);
        }
        Ok(all)
    }

    /// The document numbers of all who match, ascending: a list costs a fraction of what taking it out of a
    /// [`RoaringBitmap`] does.
    ///
    /// # Errors
    /// As [`Search::count`].
    pub fn numbers(&self) -> Result<Vec<u32>, IndexError> {
        let sets = self.sets()?;
        let counts: Vec<usize> = sets.iter().map(|(_, set)| bits::count(set) as usize).collect();
        let mut numbers = vec![0; counts.iter().sum()];
        let mut rest = &mut numbers[..];
        let mut parts = Vec::with_capacity(sets.len());
        for ((block, set), count) in sets.iter().zip(counts) {
            let (part, after) = rest.split_at_mut(count);
            parts.push((block.document(0).0, set, part));
            rest = after;
        }
        parts.into_par_iter().for_each(|(first, set, part)| bits::list(set, first, part));
        Ok(numbers)
    }

    /// Those who match, in order of document number, from the one at `offset`. Stops as soon as there are enough.
    ///
    /// # Errors
    /// As [`Search::count`].
    pub fn documents(&self, offset: usize, limit: usize) -> Result<Vec<DocumentNumber>, IndexError> {
        let (mut skip, mut found) = (offset, Vec::new());
        let wave = rayon::current_num_threads() * 4;
        for blocks in self.prepared.live.chunks(wave) {
            for (block, set) in self.sets_of(blocks.iter().map(|pair| pair.block).collect())? {
                let count = bits::count(&set) as usize;
                if count <= skip {
                    skip -= count;
                    continue;
                }
                bits::for_each(&set, |offset| {
                    if skip > 0 {
                        skip -= 1;
                    } else {
                        found.push(block.document(offset));
                    }
                    found.len() < limit
                });
                if found.len() >= limit {
                    found.truncate(limit);
                    return Ok(found);
                }
            }
        }
        Ok(found)
    }

    /// The exact answer in each block that has any, ascending.
    ///
    /// # Errors
    /// As [`Search::count`].
    pub fn sets(&self) -> Result<Vec<(Block, Box<Words>)>, IndexError> {
        self.sets_of(self.prepared.live.iter().map(|pair| pair.block).collect())
    }

    /// Explains the plan, and runs each of its steps alone if it is to be analysed. `describe` prints an atom.
    ///
    /// # Errors
    /// As [`Search::count`].
    pub fn explain(&self, describe: &dyn Fn(&Atom) -> String, analyze: bool) -> Result<Explanation, IndexError> {
        let mut failure = None;
        let mut measure = |node: &Node| {
            let plan = PhysicalPlan { root: node.clone(), ..self.plan.clone() };
            let search = Search::new(self.prepared, &plan);
            let start = std::time::Instant::now();
            match search.count() {
                Ok(matches) => {
                    let micros = start.elapsed().as_micros() as u64;
                    let Counted { blocks_read, blocks_skipped, bytes_read, rows_verified } = search.counted();
                    Some(Measured { matches, micros, blocks_read, blocks_skipped, bytes_read, rows_verified })
                }
                Err(error) => {
                    failure = Some(error);
                    None
                }
            }
        };
        let explanation = explain::explain(self.plan, describe, &mut |node| analyze.then(|| measure(node)).flatten());
        failure.map_or(Ok(explanation), Err)
    }

    /// What has been read and verified so far.
    pub fn counted(&self) -> Counted {
        self.counters.get()
    }

    pub(super) fn sets_of(&self, blocks: Vec<Block>) -> Result<Vec<(Block, Box<Words>)>, IndexError> {
        let evaluation = self.evaluation();
        let answers: Vec<(Block, Answer)> = blocks
            .into_par_iter()
            .map_init(Buffers::default, |buffers, block| (block, evaluation.run(&self.plan.root, block, buffers)))
            .collect();
        let mut sets = Vec::with_capacity(answers.len());
        for (block, answer) in answers {
            let set = match answer {
                Answer::Exact(set) => set,
                Answer::Loose { mut surely, mut perhaps } => {
                    bits::and_not(&mut perhaps, &surely);
                    bits::or(&mut surely, &*self.settle(block, &perhaps)?);
                    surely
                }
            };
            if !bits::is_empty(&set) {
                sets.push((block, set));
            }
        }
        Ok(sets)
    }

    pub(super) fn evaluation(&self) -> Evaluation<'_, 't> {
        Evaluation {
            leaves: &self.prepared.leaves,
            live: &self.prepared.live,
            rules: self.plan.rules,
            counters: &self.counters,
        }
    }

    pub(super) fn snapshot(&self) -> &'s Snapshot<'s, 't, R, G> {
        self.prepared.snapshot
    }

    pub(super) fn plan(&self) -> &'p PhysicalPlan {
        self.plan
    }

    pub(super) fn live(&self) -> &PropertyBlocks<'t> {
        &self.prepared.live
    }

    /// Which of these documents match, by their rows: found here, some thousands at a time, since a transaction belongs to
    /// one thread; opened and tested in parallel.
    fn settle(&self, block: Block, open: &Words) -> Result<Box<Words>, IndexError> {
        let mut offsets = Vec::new();
        bits::for_each(open, |offset| {
            offsets.push(offset);
            true
        });
        let mut matching = Box::new([0; bits::WORDS]);
        for offsets in offsets.chunks(ROWS_AT_ONCE) {
            let mut rows = Vec::with_capacity(offsets.len());
            for &offset in offsets {
                if let Some(row) = self.prepared.snapshot.rows.find(block.document(offset))? {
                    rows.push((offset, row));
                }
            }
            let (leaves, plan, clock) = (&self.prepared.leaves, self.plan, &self.prepared.snapshot.clock);
            let context = Context { zone: &clock.timezone, now: clock.now, memberships: &NoGroups };
            let test = |(offset, found): &(u16, R::Found<'_>)| -> Result<bool, IndexError> {
                let row = R::open(block.document(*offset), found)?;
                Ok(holds(&plan.root, &mut |atom| match leaves.get(atom.0 as usize) {
                    // Identities and memberships are known already.
                    Some(Leaf::Sets(sets)) => sets.get(&block).is_some_and(|set| bits::contains(set, *offset)),
                    _ => plan.atoms.get(atom.0 as usize).is_some_and(|atom| atom.matches(&row, &context)),
                }))
            };
            let found: Vec<bool> = if rows.len() < FEW_ROWS {
                rows.iter().map(test).collect::<Result<_, _>>()?
            } else {
                rows.par_iter().map(test).collect::<Result<_, _>>()?
            };
            let matches = rows.iter().zip(found).filter(|(_, matches)| *matches);
            matches.for_each(|((offset, _), _)| bits::insert(&mut matching, *offset));
        }
        self.counters.verify(offsets.len() as u64);
        Ok(matching)
    }
}

/// Rows that are fetched before they are tested.
const ROWS_AT_ONCE: usize = 8192;

/// Fewer rows than this are not worth waking other threads.
const FEW_ROWS: usize = 64;

/// Whether a step holds, from the truth of its atoms.
fn holds(node: &Node, truth: &mut impl FnMut(AtomId) -> bool) -> bool {
    match &node.step {
        Step::Constant(holds) => *holds,
        Step::Leaf { atom, negated, .. } => truth(*atom) != *negated,
        Step::All(children) => children.iter().all(|child| holds(child, truth)),
        Step::Any(children) => children.iter().any(|child| holds(child, truth)),
    }
}

fn to_roaring(block: Block, set: &Words) -> RoaringBitmap {
    let bytes: Vec<u8> = set.iter().flat_map(|word| word.to_le_bytes()).collect();
    RoaringBitmap::from_lsb0_bytes(block.document(0).0, &bytes)
}
