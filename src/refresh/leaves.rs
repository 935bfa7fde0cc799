//! Cuts atoms into leaves: predicates of one value that many atoms share.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::ids::GroupId;
use crate::plan::atom::{Atom, NumberBound, TextProperty, TimeBound, WordMatch};
use crate::refresh::entries::{SourceEntry, SourceSet};
use crate::refresh::matcher::{Matcher, Texts, status_id};
use crate::refresh::program::{Operand, Slot, Tree, ZERO};
use crate::refresh::source::Source;
use crate::value::Scheme;

/// An atom in terms of leaves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Shape {
    /// Some leaf holds.
    Any(Vec<Slot>),
    /// Every leaf holds.
    All(Vec<Slot>),
    /// The first holds, the second does not.
    But(Slot, Slot),
}

impl Shape {
    /// What never holds.
    pub(super) fn nothing() -> Self {
        Shape::Any(Vec::new())
    }

    pub(super) fn into_tree(self) -> Tree {
        let leaf = |slot: Slot| Tree::Leaf(Operand::plain(slot));
        match self {
            Shape::Any(slots) => match slots[..] {
                [] => leaf(ZERO),
                [slot] => leaf(slot),
                _ => Tree::Any(slots.into_iter().map(leaf).collect()),
            },
            Shape::All(slots) => match slots[..] {
                [] => Tree::Leaf(Operand { slot: ZERO, negated: true }),
                [slot] => leaf(slot),
                _ => Tree::All(slots.into_iter().map(leaf).collect()),
            },
            Shape::But(slot, not) => Tree::All(vec![leaf(slot), Tree::Leaf(Operand { slot: not, negated: true })]),
        }
    }
}

/// Leaves under construction. Atoms must come sorted by source, so that the leaves of a source lie together.
pub(super) struct Leaves {
    next: Slot,
    sources: Vec<SourceEntry>,
}

impl Leaves {
    /// None yet; slot 0 is taken by the vector that is all zeros.
    pub(super) fn new() -> Self {
        Leaves { next: ZERO + 1, sources: Vec::new() }
    }

    /// The slot after the last leaf.
    pub(super) fn end(&self) -> Slot {
        self.next
    }

    /// All sources with their leaves, ready to be searched; the companions are left to fill in.
    pub(super) fn into_sources(mut self) -> Vec<SourceEntry> {
        self.sources.iter_mut().for_each(|entry| entry.matcher.finish());
        self.sources
    }

    /// The leaf of a group that is answered from outside.
    pub(super) fn outside(&self, group: GroupId) -> Option<Slot> {
        let entry = self.sources.iter().find(|entry| entry.source == Source::Outside)?;
        entry.matcher.ids.get(&group.0).copied()
    }

    /// Makes leaves for the groups of `outside` that the atoms refer to.
    pub(super) fn add_outside<'a>(&mut self, atoms: impl Iterator<Item = &'a Atom>, outside: &FxHashSet<GroupId>) {
        for atom in atoms {
            let Atom::GroupIn(groups) = atom else { continue };
            for group in groups.iter().filter(|group| outside.contains(group)) {
                self.within(Source::Outside, |matcher, next| vec![entry(&mut matcher.ids, group.0, next)]);
            }
        }
    }

    /// Makes the leaves of an atom that are not there yet. Of groups, those that are manual.
    pub(super) fn add(&mut self, atom: &Atom, is_manual: impl Fn(&GroupId) -> bool) -> Shape {
        let source = Source::of(atom);
        match atom {
            Atom::TextIn(property, values) => Shape::Any(self.within(source, |matcher, next| {
                let texts = texts(matcher, property);
                values.iter().map(|value| entry(&mut texts.equal, value.clone(), next)).collect()
            })),
            Atom::TextSet(property) => Shape::Any(
                self.within(source, |matcher, next| vec![present(&mut texts(matcher, property).present, next)]),
            ),
            Atom::NumberIn(_, values) => Shape::Any(self.within(source, |matcher, next| {
                values.iter().map(|&value| entry(&mut matcher.numbers, value, next)).collect()
            })),
            Atom::NumberRange(_, low, high) => range(self.within(source, |matcher, next| {
                // "Not above the upper end" is the complement of a lower bound that excludes what it includes.
                let above = |end: &NumberBound| NumberBound { value: end.value, inclusive: !end.inclusive };
                let first = match low {
                    Some(low) => entry(&mut matcher.floors, *low, next),
                    None => present(&mut matcher.numbers_present, next),
                };
                let last = high.as_ref().map(|high| entry(&mut matcher.floors, above(high), next));
                std::iter::once(first).chain(last).collect()
            })),
            Atom::TimeRange(_, low, high) => range(self.within(source, |matcher, next| {
                let mut bound = |bound: TimeBound| entry(&mut matcher.time_bounds, bound, next);
                let (first, last) = (low.map(&mut bound), high.map(&mut bound));
                let first = first.unwrap_or_else(|| present(&mut matcher.times_present, next));
                std::iter::once(first).chain(last).collect()
            })),
            Atom::Anniversary(_, low, high) => Shape::Any(
                self.within(source, |matcher, next| vec![entry(&mut matcher.anniversaries, (*low, *high), next)]),
            ),
            Atom::StatusIn(statuses) => self.ids(source, statuses.iter().map(|&status| status_id(status))),
            Atom::GroupIn(groups) => {
                let manual: Vec<u32> = groups.iter().filter(|group| is_manual(group)).map(|group| group.0).collect();
                if manual.is_empty() { Shape::nothing() } else { self.ids(source, manual.into_iter()) }
            }
            Atom::FlowIn(flows) | Atom::HistoryIn(flows) => self.ids(source, flows.iter().map(|flow| flow.0)),
            Atom::GroupSet | Atom::FlowSet | Atom::HistorySet => {
                Shape::Any(self.within(source, |matcher, next| vec![present(&mut matcher.ids_present, next)]))
            }
            Atom::NameWords(words) => Shape::Any(self.within(source, |matcher, next| {
                words.iter().map(|word| matcher.names.slot(word, || take(next))).collect()
            })),
            Atom::UrnContains(scheme, text) => {
                Shape::Any(self.within(source, |matcher, next| {
                    vec![matcher.substrings.slot(scheme.as_ref(), text, || take(next))]
                }))
            }
            Atom::FieldWords(_, wanted) => self.words(source, wanted),
        }
    }

    fn words(&mut self, source: Source, wanted: &WordMatch) -> Shape {
        let slots = self.within(source, |matcher, next| match wanted {
            // No words at all: any text will do.
            WordMatch::All(words) if words.is_empty() => vec![present(&mut matcher.texts.present, next)],
            WordMatch::All(words) => words.iter().map(|word| matcher.words.word(word, || take(next))).collect(),
            WordMatch::Phrase(words) if words.is_empty() => Vec::new(),
            WordMatch::Prefix(words) if words.is_empty() => Vec::new(),
            WordMatch::Phrase(words) => vec![matcher.words.sequence(words, false, || take(next))],
            WordMatch::Prefix(words) => vec![matcher.words.sequence(words, true, || take(next))],
        });
        match wanted {
            WordMatch::All(_) => Shape::All(slots),
            WordMatch::Phrase(_) | WordMatch::Prefix(_) => Shape::Any(slots),
        }
    }

    fn ids(&mut self, source: Source, ids: impl Iterator<Item = u32>) -> Shape {
        Shape::Any(self.within(source, |matcher, next| ids.map(|id| entry(&mut matcher.ids, id, next)).collect()))
    }

    /// Lets `make` take slots for the source.
    fn within(&mut self, source: Source, make: impl FnOnce(&mut Matcher, &mut Slot) -> Vec<Slot>) -> Vec<Slot> {
        if self.sources.last().is_none_or(|last| last.source != source) {
            let leaves = self.next..self.next;
            self.sources.push(SourceEntry {
                source,
                matcher: Matcher::default(),
                leaves,
                companions: SourceSet::default(),
            });
        }
        let Some(entry) = self.sources.last_mut() else { return Vec::new() };
        let slots = make(&mut entry.matcher, &mut self.next);
        entry.leaves.end = self.next;
        slots
    }
}

fn take(next: &mut Slot) -> Slot {
    *next += 1;
    *next - 1
}

fn entry<K: std::hash::Hash + Eq>(map: &mut FxHashMap<K, Slot>, key: K, next: &mut Slot) -> Slot {
    *map.entry(key).or_insert_with(|| take(next))
}

fn present(slot: &mut Option<Slot>, next: &mut Slot) -> Slot {
    *slot.get_or_insert_with(|| take(next))
}

fn range(slots: Vec<Slot>) -> Shape {
    match slots[..] {
        [low, above] => Shape::But(low, above),
        _ => Shape::Any(slots),
    }
}

fn texts<'a>(matcher: &'a mut Matcher, property: &TextProperty) -> &'a mut Texts {
    match property {
        TextProperty::Scheme(scheme) => of_scheme(&mut matcher.schemes, scheme),
        TextProperty::Place(_) => &mut matcher.places,
        _ => &mut matcher.texts,
    }
}

fn of_scheme<'a>(schemes: &'a mut Vec<(Scheme, Texts)>, scheme: &Scheme) -> &'a mut Texts {
    let at = schemes.iter().position(|(known, _)| known == scheme).unwrap_or_else(|| {
        schemes.push((scheme.clone(), Texts::default()));
        schemes.len() - 1
    });
    &mut schemes[at].1
}
