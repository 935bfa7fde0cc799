//! From a value to the leaves that it makes true: every leaf of one source, found by looking at its value once.

use rustc_hash::FxHashMap;

use crate::contact::{ContactView, FieldValueRef, Status, TypedValue};
use crate::plan::atom::TimeBound;
use crate::refresh::axis::{Floor, NumberAxis, TimeAxis};
use crate::refresh::moment::{Moment, YEAR_DAYS};
use crate::refresh::program::Slot;
use crate::refresh::source::Source;
use crate::refresh::words::{FieldWords, Prefixes, Substrings};
use crate::value::calendar::AnniversaryDay;
use crate::value::location::last_part;
use crate::value::{Decimal, Instant, Scheme, fold};

/// Equality and presence of folded texts.
#[derive(Default, Debug)]
pub(super) struct Texts {
    pub(super) present: Option<Slot>,
    pub(super) equal: FxHashMap<Box<str>, Slot>,
}

impl Texts {
    fn is_empty(&self) -> bool {
        self.present.is_none() && self.equal.is_empty()
    }

    fn scan(&self, text: &str, buffer: &mut String, found: &mut Vec<Slot>) {
        found.extend(self.present);
        if !self.equal.is_empty() {
            found.extend(self.equal.get(fold_into(text, buffer)));
        }
    }
}

/// Folds into a buffer that is kept, which spares an allocation for each value with a capital.
fn fold_into<'a>(text: &str, buffer: &'a mut String) -> &'a str {
    buffer.clear();
    if text.is_ascii() {
        buffer.push_str(text.trim());
        buffer.make_ascii_lowercase();
    } else {
        buffer.push_str(&fold::fold(text));
    }
    buffer
}

/// Two bounds or days of a year, the ends of an anniversary.
pub(super) type AnniversarySpan = (AnniversaryDay, AnniversaryDay);

/// All leaves of one source. A leaf is a predicate of the source's value alone; its slot is its name everywhere.
#[derive(Default, Debug)]
pub(super) struct Matcher {
    pub(super) texts: Texts,
    pub(super) places: Texts,
    pub(super) schemes: Vec<(Scheme, Texts)>,
    pub(super) ids: FxHashMap<u32, Slot>,
    pub(super) ids_present: Option<Slot>,
    pub(super) numbers: FxHashMap<Decimal, Slot>,
    pub(super) numbers_present: Option<Slot>,
    pub(super) floors: FxHashMap<Floor, Slot>,
    pub(super) number_axis: NumberAxis,
    pub(super) times_present: Option<Slot>,
    pub(super) time_bounds: FxHashMap<TimeBound, Slot>,
    pub(super) anniversaries: FxHashMap<AnniversarySpan, Slot>,
    pub(super) names: Prefixes,
    pub(super) words: FieldWords,
    pub(super) substrings: Substrings,
}

/// The leaves of one source that move with the clock, as they stand at one moment.
#[derive(Default, Debug, Clone)]
pub(super) struct Moving {
    pub(super) time_axis: TimeAxis,
    /// For each day of the year, the anniversaries that cover it; empty if there are none at all.
    pub(super) year_days: Vec<Vec<Slot>>,
}

/// What a value makes true: slots of leaves, and its position among the bounds of the source.
pub(super) struct Findings<'a> {
    pub(super) leaves: &'a mut Vec<Slot>,
    pub(super) position: u32,
    pub(super) buffer: &'a mut String,
}

impl Matcher {
    /// Sorts what is searched; to be called once all leaves are known.
    pub(super) fn finish(&mut self) {
        self.number_axis = NumberAxis::new(self.floors.iter().map(|(&floor, &slot)| (floor, slot)).collect());
        self.substrings.finish();
    }

    /// Whether anything moves with the clock.
    pub(super) fn moves(&self) -> bool {
        !self.anniversaries.is_empty()
            || self.time_bounds.keys().any(|bound| matches!(bound, TimeBound::Relative { .. }))
    }

    /// The part that depends on the moment.
    pub(super) fn moving(&self, moment: &Moment) -> Moving {
        let mut year_days = Vec::new();
        if !self.anniversaries.is_empty() {
            year_days.resize(YEAR_DAYS, Vec::new());
            for (&(low, high), &slot) in &self.anniversaries {
                for place in moment.anniversary_days(low, high) {
                    year_days[place].push(slot);
                }
            }
        }
        Moving { time_axis: TimeAxis::new(&self.time_bounds, moment), year_days }
    }

    /// The slots of the bounds in their order; empty if the source is not ordered.
    pub(super) fn axis<'a>(&'a self, moving: &'a Moving) -> &'a [Slot] {
        // A property is of one type, so one of the two is empty.
        if self.floors.is_empty() { &moving.time_axis.slots } else { &self.number_axis.slots }
    }

    fn number(&self, number: &Decimal, out: &mut Findings<'_>) {
        out.leaves.extend(self.numbers_present);
        if !self.numbers.is_empty() {
            out.leaves.extend(self.numbers.get(number));
        }
        if !self.floors.is_empty() {
            out.position = self.number_axis.position(number);
        }
    }

    fn time(&self, instant: Instant, moving: &Moving, moment: &Moment, out: &mut Findings<'_>) {
        out.leaves.extend(self.times_present);
        if self.floors.is_empty() {
            out.position = moving.time_axis.position(instant);
        }
        if !moving.year_days.is_empty() {
            out.leaves.extend(moving.year_days.get(moment.year_day(instant)).into_iter().flatten());
        }
    }

    fn id(&self, id: u32, out: &mut Findings<'_>) {
        out.leaves.extend(self.ids_present);
        out.leaves.extend(self.ids.get(&id));
    }

    /// What the value of a field makes true.
    pub(super) fn scan_field(
        &self,
        value: FieldValueRef<'_>,
        moving: &Moving,
        moment: &Moment,
        out: &mut Findings<'_>,
    ) {
        match value.typed {
            TypedValue::Unconvertible => {}
            TypedValue::Number(number) => self.number(&number, out),
            TypedValue::Instant(instant) => self.time(instant, moving, moment, out),
            TypedValue::Text => {
                if !self.texts.is_empty() {
                    self.texts.scan(value.text, out.buffer, out.leaves);
                }
                if !self.places.is_empty() {
                    self.places.scan(last_part(value.text), out.buffer, out.leaves);
                }
                if !self.words.is_empty() {
                    self.words.scan(value.text, out.leaves);
                }
            }
        }
    }

    /// What a contact's part makes true. Leaves of several values may come more than once.
    pub(super) fn scan<V: ContactView>(
        &self,
        source: Source,
        contact: &V,
        moving: &Moving,
        moment: &Moment,
        out: &mut Findings<'_>,
    ) {
        let text = |text: Option<&str>, out: &mut Findings<'_>| {
            if let Some(text) = text {
                self.texts.scan(text, out.buffer, out.leaves);
            }
        };
        match source {
            Source::Uuid => text(Some(&contact.uuid().to_string()), out),
            Source::Id => text(contact.id(), out),
            Source::Ref => text(contact.reference(), out),
            Source::Language => text(contact.language(), out),
            Source::Name => {
                if let Some(name) = contact.name() {
                    self.texts.scan(name, out.buffer, out.leaves);
                    if !self.names.is_empty() {
                        self.names.scan_name(name, out.leaves);
                    }
                }
            }
            Source::Urns => {
                for urn in contact.urns() {
                    let of_scheme = self.schemes.iter().find(|(scheme, _)| scheme.as_str() == urn.scheme);
                    for texts in std::iter::once(&self.texts).chain(of_scheme.map(|(_, texts)| texts)) {
                        texts.scan(urn.path, out.buffer, out.leaves);
                    }
                    if !self.substrings.is_empty() {
                        self.substrings.scan(urn.scheme, &fold::lower(urn.path), out.leaves);
                    }
                }
            }
            Source::Status => self.id(status_id(contact.status()), out),
            Source::Groups => contact.groups().for_each(|group| self.id(group.0, out)),
            Source::Flow => contact.flow().into_iter().for_each(|flow| self.id(flow.0, out)),
            Source::History => contact.history().for_each(|flow| self.id(flow.0, out)),
            Source::Tickets => self.number(&Decimal::from(i64::from(contact.tickets())), out),
            Source::CreatedOn => self.time(contact.created_on(), moving, moment, out),
            Source::LastSeenOn => {
                contact.last_seen_on().into_iter().for_each(|seen| self.time(seen, moving, moment, out));
            }
            Source::Field(field) => {
                contact.field(field).into_iter().for_each(|value| self.scan_field(value, moving, moment, out));
            }
            Source::Outside => {}
        }
    }
}

/// The number that stands for a status among ids.
pub(super) fn status_id(status: Status) -> u32 {
    match status {
        Status::Active => 0,
        Status::Blocked => 1,
        Status::Stopped => 2,
        Status::Archived => 3,
    }
}
