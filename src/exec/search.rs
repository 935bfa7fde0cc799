//! One search over one snapshot: counting, collecting, and documents in order.

use heed::RoTxn;
use rayon::prelude::*;
use roaring::RoaringBitmap;

use crate::exec::counters::{Counted, Counters};
use crate::exec::evaluate::{Answer, Evaluation};
use crate::exec::leaf::{Leaf, Sources};
use crate::exec::moments::Clock;
use crate::exec::{Groups, Rows, verify};
use crate::ids::{AtomId, Block, DocumentNumber};
use crate::index::attribute::{AttributeIndex, PropertyBlocks};
use crate::index::bits::{self, Buffers, Words};
use crate::index::lookup::{Predicate, Probe};
use crate::index::property::PropertyId;
use crate::index::{IndexError, TextSource};
use crate::plan::atom::Atom;
use crate::plan::estimate::{Estimate, Estimates};
use crate::plan::physical::{PhysicalPlan, Step};

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
    /// None at present; kept for what reading may meet.
    pub fn count(&self) -> Result<u64, IndexError> {
        if let Step::Constant(false) = self.plan.root.step {
            return Ok(0);
        }
        let evaluation = self.evaluation();
        let counted: Vec<(u64, Option<(Block, Box<Words>)>)> = self
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
                total += u64::from(bits::count(&self.settle(block, &open)));
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

    /// Those who match, in order of document number, from the one at `offset`. Stops as soon as there are enough.
    ///
    /// # Errors
    /// As [`Search::count`].
    pub fn documents(&self, offset: usize, limit: usize) -> Result<Vec<DocumentNumber>, IndexError> {
        let (mut skip, mut found) = (offset, Vec::new());
        let wave = rayon::current_num_threads() * 4;
        for blocks in self.prepared.live.chunks(wave) {
            for (block, set) in self.sets_of(blocks.iter().map(|pair| pair.block).collect()) {
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
        Ok(self.sets_of(self.prepared.live.iter().map(|pair| pair.block).collect()))
    }

    /// What has been read and verified so far.
    pub fn counted(&self) -> Counted {
        self.counters.get()
    }

    pub(super) fn sets_of(&self, blocks: Vec<Block>) -> Vec<(Block, Box<Words>)> {
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
                    bits::or(&mut surely, &self.settle(block, &perhaps));
                    surely
                }
            };
            if !bits::is_empty(&set) {
                sets.push((block, set));
            }
        }
        sets
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

    /// Which of these documents match, by their rows.
    fn settle(&self, block: Block, open: &Words) -> Box<Words> {
        let mut matching = Box::new([0; bits::WORDS]);
        let mut rows = 0;
        bits::for_each(open, |offset| {
            let document = block.document(offset);
            rows += 1;
            if let Some(row) = self.prepared.snapshot.rows.row(document) {
                let (groups, clock) = (self.prepared.snapshot.groups, &self.prepared.snapshot.clock);
                if verify::plan_matches(&self.plan.root, &self.plan.atoms, document, &row, groups, clock) {
                    bits::insert(&mut matching, offset);
                }
            }
            true
        });
        self.counters.verify(rows);
        matching
    }
}

fn to_roaring(block: Block, set: &Words) -> RoaringBitmap {
    let bytes: Vec<u8> = set.iter().flat_map(|word| word.to_le_bytes()).collect();
    RoaringBitmap::from_lsb0_bytes(block.document(0).0, &bytes)
}
