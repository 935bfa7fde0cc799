//! Atoms met with the indexes of a snapshot: what evaluating each needs, fetched once on the calling thread, so that
//! blocks can then be evaluated in parallel over shared bytes.

use heed::RoTxn;

use crate::exec::moments::Clock;
use crate::exec::{Groups, Rows};
use crate::ids::{BLOCK_SIZE, Block, DocumentNumber, GroupId, Uuid};
use crate::index::attribute::{AttributeIndex, BlockPair, PropertyBlocks};
use crate::index::bits::{self, WORDS};
use crate::index::block::BlockView;
use crate::index::lookup::{KeySpan, Predicate, Probe};
use crate::index::property::{PropertyId, hashed_key, instant_key, instant_of_key, text_key};
use crate::index::{BlockSets, IndexError, TextSource};
use crate::plan::atom::{Atom, NumberBound, NumberProperty, TextProperty, TimeBound, TimeProperty};
use crate::plan::estimate::Estimate;
use crate::plan::event::EventTest;
use crate::value::Instant;
use crate::value::calendar::DaysOfYear;

/// The shortest substring that trigrams find.
const TRIGRAM: usize = 3;

/// What answers an atom.
pub enum Leaf<'t> {
    /// A property's values.
    Values {
        /// What is asked of them.
        predicate: Predicate,
        /// Where they are.
        blocks: PropertyBlocks<'t>,
        /// Whether rows must confirm.
        candidates: bool,
    },
    /// Documents with all of these values.
    AllOf {
        /// One for each value.
        predicates: Vec<Predicate>,
        /// Where they are.
        blocks: PropertyBlocks<'t>,
        /// A condition on a second property.
        also: Option<(Predicate, PropertyBlocks<'t>)>,
        /// Whether rows must confirm.
        candidates: bool,
    },
    /// Documents that are known.
    Sets(BlockSets),
    /// Documents that are known, and others of which only rows can tell.
    Trailing {
        /// Surely, unless unsettled.
        hits: BlockSets,
        /// Those that changed since.
        unsettled: BlockSets,
    },
    /// Only rows can tell.
    Rows,
}

/// Estimates look into at most this many blocks, spread evenly.
const SAMPLED_BLOCKS: usize = 8;

impl Leaf<'_> {
    /// How many documents it is expected to find: exact where sets are known, else from the dictionaries of a few
    /// blocks.
    pub fn estimate(&self, live: &PropertyBlocks<'_>, total: u64) -> Estimate {
        let size = |sets: &BlockSets| sets.values().map(|set| u64::from(bits::count(set))).sum::<u64>();
        match self {
            Leaf::Values { predicate, blocks, candidates } => sampled(blocks, *candidates, |pair| {
                let probe = Probe::new(predicate, *pair);
                (u64::from(probe.estimate()), probe.bytes() as u64)
            }),
            Leaf::AllOf { predicates, blocks, candidates, .. } => sampled(blocks, *candidates, |pair| {
                let probes = || predicates.iter().map(|predicate| Probe::new(predicate, *pair));
                let least = probes().map(|probe| u64::from(probe.estimate())).min().unwrap_or(0);
                (least, probes().map(|probe| probe.bytes() as u64).sum())
            }),
            Leaf::Sets(sets) => {
                let size = size(sets);
                Estimate { low: size, likely: size, high: size, bytes: 0, candidates: false }
            }
            Leaf::Trailing { hits, unsettled } => {
                let (hits, unsettled) = (size(hits), size(unsettled));
                let low = hits.saturating_sub(unsettled);
                Estimate { low, likely: hits, high: hits + unsettled, bytes: 0, candidates: unsettled > 0 }
            }
            Leaf::Rows => {
                let bytes = live.len() as u64 * (BLOCK_SIZE as u64) * 200;
                Estimate { low: 0, likely: total, high: total, bytes, candidates: true }
            }
        }
    }
}

/// An estimate over all blocks from some of them.
fn sampled(blocks: &PropertyBlocks<'_>, candidates: bool, of: impl Fn(&BlockPair<'_>) -> (u64, u64)) -> Estimate {
    let step = blocks.len().div_ceil(SAMPLED_BLOCKS).max(1);
    let (mut found, mut bytes, mut sampled) = (0, 0, 0);
    for pair in blocks.iter().step_by(step) {
        let (documents, read) = of(pair);
        found += documents;
        bytes += read;
        sampled += 1;
    }
    let scale = |sum: u64| (sum * blocks.len() as u64).checked_div(sampled).unwrap_or(0);
    let present = |view: &Option<BlockView<'_>>| view.map_or(0, |view| u64::from(view.present()));
    let high = blocks.iter().map(|pair| present(&pair.base) + present(&pair.delta)).sum();
    Estimate { low: 0, likely: scale(found).min(high), high, bytes: scale(bytes), candidates }
}

/// The pair of a block among the blocks of a property.
pub fn pair<'t>(blocks: &PropertyBlocks<'t>, block: Block) -> Option<BlockPair<'t>> {
    // Usually every block is there, each at its own number.
    match blocks.get(usize::from(block.0)) {
        Some(pair) if pair.block == block => Some(*pair),
        _ => blocks.binary_search_by_key(&block, |pair| pair.block).ok().and_then(|at| blocks.get(at)).copied(),
    }
}

/// Where leaves come from.
pub struct Sources<'s, 't, R, G> {
    /// Attribute indexes.
    pub index: &'s AttributeIndex,
    /// The snapshot that they are read at.
    pub rtxn: &'t RoTxn<'t>,
    /// Rows of the same snapshot.
    pub rows: &'s R,
    /// Memberships of the same snapshot.
    pub groups: &'s G,
    /// The text index, if there is one, and what it does not know.
    pub text: Option<&'s dyn TextSource>,
    /// The moment and zone.
    pub clock: &'s Clock,
    /// All blocks that hold a contact.
    pub blocks: &'s [Block],
}

impl<'t, R: Rows, G: Groups> Sources<'_, 't, R, G> {
    /// What answers this atom.
    ///
    /// # Errors
    /// If the store fails or stored bytes are damaged.
    pub fn leaf(&self, atom: &Atom) -> Result<Leaf<'t>, IndexError> {
        Ok(match atom {
            Atom::TextIn(TextProperty::Uuid, texts) => self.by_uuid(texts)?,
            Atom::TextSet(TextProperty::Uuid) => self.values(PropertyId::Status, Predicate::Present)?,
            Atom::TextIn(property, texts) => {
                let id = text_property(property);
                let mut keys: Vec<Box<[u8]>> = texts
                    .iter()
                    .map(|text| if id.is_hashed() { hashed_key(text)[..].into() } else { text_key(text) })
                    .collect();
                keys.sort_unstable();
                keys.dedup();
                self.values(id, Predicate::Keys(keys))?
            }
            Atom::TextSet(TextProperty::Scheme(scheme)) => {
                self.values(PropertyId::UrnScheme, Predicate::Keys(vec![text_key(scheme.as_str())]))?
            }
            Atom::TextSet(property) => self.values(text_property(property), Predicate::Present)?,
            Atom::NumberIn(property, numbers) => {
                let mut keys: Vec<Box<[u8]>> = numbers.iter().map(|number| number.sort_key()[..].into()).collect();
                keys.sort_unstable();
                self.values(number_property(*property), Predicate::Keys(keys))?
            }
            Atom::NumberRange(property, low, high) => {
                let predicate = match (low, high) {
                    (None, None) => Predicate::Present,
                    _ => Predicate::Spans(vec![KeySpan {
                        low: low.map_or_else(Vec::new, |bound| number_end(bound, !bound.inclusive)),
                        high: high.map(|bound| number_end(bound, bound.inclusive)),
                    }]),
                };
                self.values(number_property(*property), predicate)?
            }
            Atom::TimeRange(property, low, high) => {
                let bound_key =
                    |bound: TimeBound| instant_key(bound.resolve(self.clock.now, &self.clock.timezone)).to_vec();
                let predicate = match (low, high) {
                    (None, None) => Predicate::Present,
                    _ => Predicate::Spans(vec![KeySpan {
                        low: low.map_or_else(Vec::new, bound_key),
                        high: high.map(bound_key),
                    }]),
                };
                self.values(time_property(*property), predicate)?
            }
            Atom::Anniversary(property, low, high) => {
                let blocks = self.index.blocks(self.rtxn, time_property(*property))?;
                let days = DaysOfYear::between(*low, *high, self.clock.now, &self.clock.timezone);
                let key = |moment: Instant| instant_key(moment).to_vec();
                let predicate = match ends(&blocks) {
                    Some((first, last)) => Predicate::Spans(
                        self.clock
                            .spans_of(&days, first, last)
                            .into_iter()
                            .map(|(start, end)| KeySpan { low: key(start), high: Some(key(end)) })
                            .collect(),
                    ),
                    None => Predicate::Keys(Vec::new()),
                };
                Leaf::Values { predicate, blocks, candidates: false }
            }
            Atom::StatusIn(statuses) => {
                let mut keys: Vec<Box<[u8]>> = statuses.iter().map(|status| [*status as u8][..].into()).collect();
                keys.sort_unstable();
                self.values(PropertyId::Status, Predicate::Keys(keys))?
            }
            Atom::GroupIn(groups) => Leaf::Sets(self.members(Some(groups))?),
            Atom::GroupSet => Leaf::Sets(self.members(None)?),
            Atom::FlowIn(flows) => self.flows(PropertyId::Flow, flows)?,
            Atom::FlowSet => self.values(PropertyId::Flow, Predicate::Present)?,
            Atom::HistoryIn(flows) => self.flows(PropertyId::History, flows)?,
            Atom::HistorySet => self.values(PropertyId::History, Predicate::Present)?,
            Atom::NameWords(prefixes) => {
                let mut spans: Vec<KeySpan> = prefixes.iter().map(|word| KeySpan::prefix(word.as_bytes())).collect();
                spans.sort_by(|a, b| a.low.cmp(&b.low));
                self.values(PropertyId::NameWord, Predicate::Spans(spans))?
            }
            Atom::UrnContains(scheme, part) => {
                let mut keys: Vec<&[u8]> = part.as_bytes().windows(TRIGRAM).collect();
                if keys.is_empty() {
                    return Ok(Leaf::Rows);
                }
                keys.sort_unstable();
                keys.dedup();
                let predicates = keys.iter().map(|key| Predicate::Keys(vec![(*key).into()])).collect();
                let also = match scheme {
                    Some(scheme) => Some((
                        Predicate::Keys(vec![text_key(scheme.as_str())]),
                        self.index.blocks(self.rtxn, PropertyId::UrnScheme)?,
                    )),
                    None => None,
                };
                // One trigram of any address is the whole question.
                let candidates = part.len() > TRIGRAM || also.is_some();
                let blocks = self.index.blocks(self.rtxn, PropertyId::UrnTrigram)?;
                Leaf::AllOf { predicates, blocks, also, candidates }
            }
            Atom::Event(event) => {
                let (low, high) = event.resolve(self.clock.now, &self.clock.timezone).window();
                let blocks = self.index.blocks(self.rtxn, PropertyId::Event(event.event))?;
                let (low, high) = (instant_key(low).to_vec(), Some(instant_key(high).to_vec()));
                // One event in the window is all that some ask for; of the others rows must tell.
                let candidates = event.filter.is_some() || event.test != EventTest::AtLeast(1);
                Leaf::Values { predicate: Predicate::Spans(vec![KeySpan { low, high }]), blocks, candidates }
            }
            Atom::FieldWords(field, wanted) => match self.text {
                Some(text) => match text.field_words(*field, wanted)? {
                    Some(hits) => Leaf::Trailing { hits, unsettled: by_block(text.dirty()) },
                    None => Leaf::Rows,
                },
                None => Leaf::Rows,
            },
        })
    }

    fn values(&self, property: PropertyId, predicate: Predicate) -> Result<Leaf<'t>, IndexError> {
        let blocks = self.index.blocks(self.rtxn, property)?;
        // Presence is known whatever the keys.
        let candidates = property.is_hashed() && predicate != Predicate::Present;
        Ok(Leaf::Values { predicate, blocks, candidates })
    }

    fn flows(&self, property: PropertyId, flows: &[crate::ids::FlowId]) -> Result<Leaf<'t>, IndexError> {
        let mut keys: Vec<Box<[u8]>> = flows.iter().map(|flow| flow.0.to_be_bytes()[..].into()).collect();
        keys.sort_unstable();
        self.values(property, Predicate::Keys(keys))
    }

    fn by_uuid(&self, texts: &[Box<str>]) -> Result<Leaf<'t>, IndexError> {
        let mut sets = BlockSets::default();
        for text in texts {
            // Only the usual form, in lower case, is the folded text of an identity.
            let uuid = Uuid::parse(text).filter(|uuid| uuid.to_string() == text.as_ref());
            if let Some(uuid) = uuid
                && let Some(document) = self.rows.by_uuid(uuid)?
            {
                insert(&mut sets, document);
            }
        }
        Ok(Leaf::Sets(sets))
    }

    fn members(&self, groups: Option<&[GroupId]>) -> Result<BlockSets, IndexError> {
        let mut sets = BlockSets::default();
        for &block in self.blocks {
            let mut set = Box::new([0; WORDS]);
            match groups {
                Some(groups) => {
                    for &group in groups {
                        self.groups.members(group, block, &mut set)?;
                    }
                }
                None => self.groups.members_of_any(block, &mut set)?,
            }
            if !bits::is_empty(&set) {
                sets.insert(block, set);
            }
        }
        Ok(sets)
    }
}

fn insert(sets: &mut BlockSets, document: DocumentNumber) {
    bits::insert(sets.entry(document.block()).or_insert_with(|| Box::new([0; WORDS])), document.offset());
}

fn by_block(documents: &roaring::RoaringBitmap) -> BlockSets {
    let mut sets = BlockSets::default();
    documents.iter().for_each(|document| insert(&mut sets, DocumentNumber(document)));
    sets
}

/// The indexed property of a text property.
pub fn text_property(property: &TextProperty) -> PropertyId {
    match property {
        TextProperty::Uuid => PropertyId::Status,
        TextProperty::Id => PropertyId::Id,
        TextProperty::Ref => PropertyId::Ref,
        TextProperty::Name => PropertyId::Name,
        TextProperty::Language => PropertyId::Language,
        TextProperty::Urn | TextProperty::Scheme(_) => PropertyId::UrnPath,
        TextProperty::Field(field) | TextProperty::Place(field) => PropertyId::Field(*field),
    }
}

fn number_property(property: NumberProperty) -> PropertyId {
    match property {
        NumberProperty::Tickets => PropertyId::Tickets,
        NumberProperty::Field(field) => PropertyId::Field(field),
    }
}

fn time_property(property: TimeProperty) -> PropertyId {
    match property {
        TimeProperty::CreatedOn => PropertyId::CreatedOn,
        TimeProperty::LastSeenOn => PropertyId::LastSeenOn,
        TimeProperty::Field(field) => PropertyId::Field(field),
        TimeProperty::Event(event) => PropertyId::Event(event),
    }
}

/// The key of a number, or the first key after it.
fn number_end(bound: NumberBound, after: bool) -> Vec<u8> {
    let mut key = bound.value.sort_key().to_vec();
    if after {
        key.push(0);
    }
    key
}

/// The first and the last moment of a property.
fn ends(blocks: &PropertyBlocks<'_>) -> Option<(Instant, Instant)> {
    let views = || blocks.iter().flat_map(|pair| [pair.base, pair.delta]).flatten().filter(|view| view.values() > 0);
    let first = views().filter_map(|view| instant_of_key(view.value(0))).min()?;
    let last = views().filter_map(|view| instant_of_key(view.value(view.values() - 1))).max()?;
    Some((first, last))
}
