//! Time goes by: which contacts may flip, when, and in which groups.
//!
//! A bound relative to now is a threshold that moves, never backwards: a value at or above it is passed once. An
//! anniversary's days change at midnights. So between two moments the candidates are the contacts with a value in some
//! [`Window`]; each of them flips leaves at instants that follow from its values alone, and contacts do not depend on
//! one another. They are evaluated together, each at its first instant, then each at its second, and so on.

use std::collections::{BTreeMap, BTreeSet};

use crate::contact::{ContactView, TypedValue};
use crate::ids::{DocumentNumber, GroupId};
use crate::plan::atom::{TimeBound, TimeProperty};
use crate::refresh::change::{Flips, Memberships, RowChange};
use crate::refresh::engine::{Engine, apply_batch};
use crate::refresh::live::{Frame, SourceStep, Step};
use crate::refresh::matcher::Findings;
use crate::refresh::moment::Moment;
use crate::refresh::program::Slot;
use crate::refresh::scratch::BATCH;
use crate::refresh::source::Source;
use crate::value::Instant;
use crate::value::calendar::{AnniversaryDay, DaysOfYear, RelativeTime, date_of, day_bounds, start_of_day};

/// Values of a property from `low` up to but not including `high`: contacts with such a value may flip.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub struct Window {
    /// Whose value.
    pub property: TimeProperty,
    /// The first moment inside.
    pub low: Instant,
    /// The first moment behind.
    pub high: Instant,
}

/// What flips at one instant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClockFlips {
    /// When.
    pub at: Instant,
    /// The groups that someone enters or leaves then, ascending.
    pub flips: Vec<Flips>,
}

/// What an index of times can tell.
pub trait TimeValues {
    /// The smallest value of the property that is not below this one.
    fn first_at_or_after(&self, property: TimeProperty, instant: Instant) -> Option<Instant>;
    /// The smallest and the largest value of the property.
    fn extent(&self, property: TimeProperty) -> Option<(Instant, Instant)>;
}

/// A bound that moves, with its leaf.
struct MovingBound {
    time: RelativeTime,
    after: bool,
    slot: Slot,
    /// Where it stands at the beginning.
    from: Instant,
}

/// Everything of one source that moves.
struct MovingSource {
    index: u32,
    property: TimeProperty,
    bounds: Vec<MovingBound>,
    anniversaries: Vec<(AnniversaryDay, AnniversaryDay, Slot)>,
}

/// One flip of one leaf of one contact.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    at: Instant,
    source: u32,
    slot: Slot,
}

/// A contact on its way through time.
struct Course {
    candidate: usize,
    /// What its moving sources make true, as it stands.
    state: Vec<(u32, BTreeSet<Slot>)>,
    /// What is to come, soonest first.
    events: Vec<Event>,
    next: usize,
}

impl Engine {
    /// The values that may flip something after the engine's moment and until another, both ends of time apart. The
    /// contacts that have one are the candidates of [`Engine::advance`]. Windows of a property do not overlap.
    ///
    /// Cost: one calendar computation per relative bound; per anniversary one for each day between the moments, and a
    /// window for each year between the property's first and last value.
    pub fn windows(&self, until: Instant, values: &impl TimeValues) -> Vec<Window> {
        let end = self.moment().at(until);
        let mut windows = Vec::new();
        for source in self.moving_sources() {
            let property = source.property;
            for bound in &source.bounds {
                let high = end.bound(TimeBound::Relative { time: bound.time, after: bound.after });
                windows.push(Window { property, low: bound.from, high });
            }
            let mut birthdays = BTreeSet::new();
            for midnight in self.midnights(until).filter(|_| !source.anniversaries.is_empty()) {
                birthdays.extend(source.changed_birthdays(self.moment(), midnight));
            }
            if let Some(extent) = values.extent(property) {
                windows.extend(birthdays.into_iter().flat_map(|day| self.birthday_windows(property, day, extent)));
            }
        }
        merge_windows(windows)
    }

    /// What flips after the engine's moment and until another, itself included, among the candidates: soonest first.
    /// The engine stays where it is; see [`Engine::set_now`].
    ///
    /// Candidates that turn out not to move, and contacts that are none, do no harm.
    ///
    /// Cost: one evaluation of a batch for each instant at which the same contact flips a leaf.
    pub fn advance<V: ContactView + Sync>(
        &self,
        until: Instant,
        candidates: &[(DocumentNumber, V)],
        memberships: &dyn Memberships,
    ) -> Vec<ClockFlips> {
        let sources = self.moving_sources();
        let midnights: Vec<Instant> = if sources.iter().any(|source| !source.anniversaries.is_empty()) {
            self.midnights(until).collect()
        } else {
            Vec::new()
        };
        let calendars: Vec<Calendar> =
            sources.iter().map(|source| source.calendar(self.moment(), &midnights)).collect();
        let mut courses: Vec<Course> = candidates
            .iter()
            .enumerate()
            .filter_map(|(candidate, (_, row))| self.course(candidate, row, &sources, &calendars, until))
            .collect();

        let mut moves: BTreeMap<Instant, BTreeMap<GroupId, Flips>> = BTreeMap::new();
        while !courses.is_empty() {
            for batch in courses.chunks_mut(BATCH) {
                let (steps, instants): (Vec<Step>, Vec<Instant>) = batch.iter_mut().map(Course::step).unzip();
                let rows: Vec<RowChange<&V>> = batch
                    .iter()
                    .filter_map(|course| candidates.get(course.candidate))
                    .map(|(document, row)| RowChange { document: *document, before: Some(row), after: Some(row) })
                    .collect();
                let instant_of: BTreeMap<DocumentNumber, Instant> =
                    rows.iter().map(|row| row.document).zip(instants).collect();
                let frame = Frame { courses: Some(&steps), ..self.frame(memberships) };
                for flips in self.scratch().with(|scratch| apply_batch(scratch, frame, &rows)).flips {
                    let entered = flips.entered.into_iter().map(|document| (document, true));
                    let left = flips.left.into_iter().map(|document| (document, false));
                    for (document, entered) in entered.chain(left) {
                        let at = instant_of[&document];
                        let new = Flips { group: flips.group, entered: Vec::new(), left: Vec::new() };
                        let moved = moves.entry(at).or_default().entry(flips.group).or_insert(new);
                        if entered { &mut moved.entered } else { &mut moved.left }.push(document);
                    }
                }
            }
            courses.retain(|course| course.next < course.events.len());
        }
        let at_instant = |(at, groups): (Instant, BTreeMap<GroupId, Flips>)| {
            let mut flips: Vec<Flips> = groups.into_values().collect();
            for flips in &mut flips {
                flips.entered.sort_unstable();
                flips.left.sort_unstable();
            }
            ClockFlips { at, flips }
        };
        moves.into_iter().map(at_instant).collect()
    }

    /// The first instant after the engine's moment at which an atom of some group flips for some value; `None` if that
    /// never happens, or for anniversaries alone if it does not within nine years. No membership changes before it.
    ///
    /// Cost: one look-up per relative bound; per anniversary some for each year between the first and the last value,
    /// for each day until the first hit.
    pub fn next_flip(&self, values: &impl TimeValues) -> Option<Instant> {
        let (now, zone) = (self.moment().now(), self.moment().timezone());
        let sources = self.moving_sources();
        let crossings = sources.iter().flat_map(|source| {
            source.bounds.iter().filter_map(|bound| {
                let nearest = values.first_at_or_after(source.property, bound.from)?;
                bound.time.next_crossing(nearest, bound.after, now, zone)
            })
        });
        let first = crossings.min();
        let horizon = first.unwrap_or_else(|| Instant::from_micros(now.micros().saturating_add(NINE_YEARS)));
        let mut with_days: Vec<(&MovingSource, (Instant, Instant))> = Vec::new();
        for source in sources.iter().filter(|source| !source.anniversaries.is_empty()) {
            with_days.extend(values.extent(source.property).map(|extent| (source, extent)));
        }
        if with_days.is_empty() {
            return first;
        }
        let holds_one = |window: Window| {
            values.first_at_or_after(window.property, window.low).is_some_and(|value| value < window.high)
        };
        let midnight = self.midnights(horizon).find(|&midnight| {
            with_days.iter().any(|(source, extent)| {
                let days = source.changed_birthdays(self.moment(), midnight);
                days.into_iter().any(|day| self.birthday_windows(source.property, day, *extent).any(holds_one))
            })
        });
        midnight.or(first)
    }

    fn moving_sources(&self) -> Vec<MovingSource> {
        let sources = self.table().parts.sources.iter().zip(0u32..).filter(|(entry, _)| entry.matcher.moves());
        sources
            .filter_map(|(entry, index)| {
                let property = match entry.source {
                    Source::CreatedOn => TimeProperty::CreatedOn,
                    Source::LastSeenOn => TimeProperty::LastSeenOn,
                    Source::Field(field) => TimeProperty::Field(field),
                    _ => return None,
                };
                let bounds = entry.matcher.time_bounds.iter().filter_map(|(&bound, &slot)| match bound {
                    TimeBound::At(_) => None,
                    TimeBound::Relative { time, after } => {
                        Some(MovingBound { time, after, slot, from: self.moment().bound(bound) })
                    }
                });
                let bounds = bounds.collect();
                let anniversaries = entry.matcher.anniversaries.iter().map(|(&(low, high), &slot)| (low, high, slot));
                Some(MovingSource { index, property, bounds, anniversaries: anniversaries.collect() })
            })
            .collect()
    }

    /// The beginnings of days after the engine's moment and up to another.
    fn midnights(&self, until: Instant) -> impl Iterator<Item = Instant> {
        let zone = self.moment().timezone().clone();
        let first = date_of(self.moment().now(), &zone).tomorrow().ok();
        let dates = std::iter::successors(first, |date| date.tomorrow().ok());
        dates.map(move |date| start_of_day(date, &zone)).take_while(move |&midnight| midnight <= until)
    }

    /// Where values with that birthday lie.
    fn birthday_windows(
        &self,
        property: TimeProperty,
        (month, day): (u8, u8),
        (first, last): (Instant, Instant),
    ) -> impl Iterator<Item = Window> {
        let zone = self.moment().timezone();
        let years = date_of(first, zone).year()..=date_of(last, zone).year();
        let date = move |year| jiff::civil::Date::new(year, month as i8, day as i8).ok();
        years.filter_map(date).map(move |date| {
            let (low, high) = day_bounds(date, zone);
            Window { property, low, high }
        })
    }

    /// What lies before a contact, if anything does.
    fn course<V: ContactView>(
        &self,
        candidate: usize,
        row: &V,
        sources: &[MovingSource],
        calendars: &[Calendar],
        until: Instant,
    ) -> Option<Course> {
        let (now, zone) = (self.moment().now(), self.moment().timezone());
        let mut events = Vec::new();
        let mut state = Vec::new();
        for (source, calendar) in sources.iter().zip(calendars) {
            let Some(value) = time_of(row, source.property) else { continue };
            for bound in source.bounds.iter().filter(|bound| bound.from <= value) {
                let crossing = bound.time.next_crossing(value, bound.after, now, zone);
                if let Some(at) = crossing.filter(|&at| at <= until) {
                    events.push(Event { at, source: source.index, slot: bound.slot });
                }
            }
            calendar.events(date_of(value, zone), source.index, &mut events);
            state.push((source.index, self.leaves_now(source.index, row)));
        }
        events.sort_unstable();
        (!events.is_empty()).then_some(Course { candidate, state, events, next: 0 })
    }

    /// All leaves of a moving source that hold at the engine's moment, bounds included.
    fn leaves_now<V: ContactView>(&self, source: u32, row: &V) -> BTreeSet<Slot> {
        let frame = self.frame(&crate::refresh::NoMemberships);
        let (entry, moving) = (frame.table.source(source), &frame.moving[source as usize]);
        let (mut leaves, mut buffer) = (Vec::new(), String::new());
        let mut out = Findings { leaves: &mut leaves, position: 0, buffer: &mut buffer };
        entry.matcher.scan(entry.source, row, moving, frame.moment, &mut out);
        let position = out.position as usize;
        leaves.extend(entry.matcher.axis(moving).iter().take(position));
        leaves.into_iter().collect()
    }
}

/// Nine years: as long as 29 February can stay away.
const NINE_YEARS: i64 = 9 * 366 * 86_400_000_000;

/// For each anniversary of a source, its days from the beginning on: now, and from each midnight.
struct Calendar {
    of: Vec<(Slot, Vec<(Instant, DaysOfYear)>)>,
}

impl MovingSource {
    /// Birthdays for which some anniversary flips at a midnight.
    fn changed_birthdays(&self, moment: &Moment, midnight: Instant) -> BTreeSet<(u8, u8)> {
        let zone = moment.timezone();
        let eve = Instant::from_micros(midnight.micros() - 1);
        let mut changed = BTreeSet::new();
        for &(low, high, _) in &self.anniversaries {
            let days = |at| DaysOfYear::between(low, high, at, zone).iter().collect::<BTreeSet<_>>();
            changed.extend(days(eve).symmetric_difference(&days(midnight)).copied());
        }
        changed
    }

    fn calendar(&self, moment: &Moment, midnights: &[Instant]) -> Calendar {
        let of = self.anniversaries.iter().map(|&(low, high, slot)| {
            let at = |at: Instant| (at, DaysOfYear::between(low, high, at, moment.timezone()));
            (slot, std::iter::once(moment.now()).chain(midnights.iter().copied()).map(at).collect())
        });
        Calendar { of: of.collect() }
    }
}

impl Calendar {
    /// The flips of a birthday.
    fn events(&self, birthday: jiff::civil::Date, source: u32, events: &mut Vec<Event>) {
        for (slot, days) in &self.of {
            for pair in days.windows(2) {
                if let [(_, was), (at, is)] = pair
                    && was.contains(birthday) != is.contains(birthday)
                {
                    events.push(Event { at: *at, source, slot: *slot });
                }
            }
        }
    }
}

impl Course {
    /// Goes through the next instant: what held before it and what holds from it on.
    fn step(&mut self) -> (Step, Instant) {
        let mut step = Step::default();
        for (source, leaves) in &self.state {
            let before = leaves.iter().copied().collect();
            step.sources.push(SourceStep { source: *source, before, after: Vec::new() });
        }
        let at = self.events.get(self.next).map_or(Instant::MAX, |event| event.at);
        while let Some(event) = self.events.get(self.next).filter(|event| event.at == at) {
            for (_, leaves) in self.state.iter_mut().filter(|(source, _)| *source == event.source) {
                if !leaves.remove(&event.slot) {
                    leaves.insert(event.slot);
                }
            }
            self.next += 1;
        }
        for (of_source, (_, leaves)) in step.sources.iter_mut().zip(&self.state) {
            of_source.after = leaves.iter().copied().collect();
        }
        (step, at)
    }
}

fn time_of<V: ContactView>(row: &V, property: TimeProperty) -> Option<Instant> {
    match property {
        TimeProperty::CreatedOn => Some(row.created_on()),
        TimeProperty::LastSeenOn => row.last_seen_on(),
        TimeProperty::Field(field) => match row.field(field)?.typed {
            TypedValue::Instant(instant) => Some(instant),
            TypedValue::Unconvertible | TypedValue::Text | TypedValue::Number(_) => None,
        },
    }
}

fn merge_windows(mut windows: Vec<Window>) -> Vec<Window> {
    windows.retain(|window| window.low < window.high);
    windows.sort_unstable();
    let mut merged: Vec<Window> = Vec::new();
    for window in windows {
        match merged.last_mut() {
            Some(last) if last.property == window.property && window.low <= last.high => {
                last.high = last.high.max(window.high);
            }
            _ => merged.push(window),
        }
    }
    merged
}
