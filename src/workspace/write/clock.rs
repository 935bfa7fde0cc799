//! The clock: what flips by itself as time passes, found through the indexes of times and recorded at the moment at
//! which it was due.

use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::ids::{AtomId, DocumentNumber, GroupId};
use crate::index::property::{instant_key, instant_of_key};
use crate::index::{AttributeIndex, FieldKinds, IndexError, PropertyId};
use crate::plan::atom::{Atom, Expr, LogicalPlan, TimeBound, TimeProperty};
use crate::plan::physical::Rules;
use crate::refresh::clock::{ClockFlips, TimeValues, Window};
use crate::refresh::{Engine, Flips, Moment};
use crate::store::{Cause, MemberSet, RowView, View};
use crate::value::Instant;
use crate::workspace::Workspace;
use crate::workspace::definitions::Definitions;
use crate::workspace::definitions::plans::StoredMembers;
use crate::workspace::error::WorkspaceError;
use crate::workspace::read::adapters::Overlay;
use crate::workspace::read::search::Searchable;
use crate::workspace::write::writer::{Commit, Writer};

/// The index of times, as the clock asks it.
struct IndexedTimes<'t> {
    view: View<'t>,
    index: AttributeIndex,
}

impl<'t> IndexedTimes<'t> {
    fn new(view: View<'t>, definitions: &Definitions) -> Self {
        let index = AttributeIndex::new(view.index_tables().1.index, FieldKinds::new(&definitions.schema));
        IndexedTimes { view, index }
    }

    fn property(property: TimeProperty) -> PropertyId {
        match property {
            TimeProperty::CreatedOn => PropertyId::CreatedOn,
            TimeProperty::LastSeenOn => PropertyId::LastSeenOn,
            TimeProperty::Field(field) => PropertyId::Field(field),
        }
    }
}

impl TimeValues for IndexedTimes<'_> {
    type Error = IndexError;

    fn first_at_or_after(&self, property: TimeProperty, instant: Instant) -> Result<Option<Instant>, IndexError> {
        let (rtxn, _) = self.view.index_tables();
        let key = self.index.first_key(rtxn, Self::property(property), &instant_key(instant))?;
        Ok(key.and_then(|key| instant_of_key(&key)))
    }

    fn extent(&self, property: TimeProperty) -> Result<Option<(Instant, Instant)>, IndexError> {
        let (rtxn, _) = self.view.index_tables();
        let extent = self.index.extent(rtxn, Self::property(property))?;
        Ok(extent.and_then(|(low, high)| Some((instant_of_key(&low)?, instant_of_key(&high)?))))
    }
}

/// The contacts that have a value in one of these windows.
fn candidates(
    view: View<'_>,
    definitions: &Definitions,
    windows: &[Window],
    now: Instant,
) -> Result<RoaringBitmap, WorkspaceError> {
    if windows.is_empty() {
        return Ok(RoaringBitmap::new());
    }
    let atoms: Vec<Atom> = windows
        .iter()
        .map(|window| {
            let (low, high) = (TimeBound::At(window.low), TimeBound::At(window.high));
            Atom::TimeRange(window.property, Some(low), Some(high))
        })
        .collect();
    let leaves: Vec<Expr> = (0..atoms.len()).map(|at| Expr::Atom { atom: AtomId(at as u32), negated: false }).collect();
    let root = match <[Expr; 1]>::try_from(leaves) {
        Ok([leaf]) => leaf,
        Err(leaves) => Expr::Any(leaves),
    };
    let searchable = Searchable { view, definitions, text: None, overlay: None, now, rules: Rules::default() };
    searchable.run(&LogicalPlan { atoms, root }, |search| search.collect())
}

/// What flips after one moment and until another, soonest first.
fn flips_between(
    view: View<'_>,
    definitions: &Definitions,
    engine: &mut Engine,
    from: Instant,
    until: Instant,
) -> Result<Vec<ClockFlips>, WorkspaceError> {
    engine.set_now(Moment::new(from, definitions.environment(from).timezone));
    let windows = engine.windows(until, &IndexedTimes::new(view, definitions))?;
    let documents = candidates(view, definitions, &windows, from)?;
    let mut rows: Vec<(DocumentNumber, RowView<'_>)> = Vec::new();
    for document in documents.iter().map(DocumentNumber) {
        if let Some(row) = view.row(document)? {
            rows.push((document, row));
        }
    }
    let outside = StoredMembers::outside_among(view, engine.table(), &documents)?;
    Ok(engine.advance(until, &rows, &outside))
}

/// How far a write may move the clock ahead of the system's, in microseconds: five minutes, since clocks differ.
pub const MOST_AHEAD: i64 = 5 * 60 * 1_000_000;

/// What setting the clock back did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClockReset {
    /// Where the clock stood.
    pub from: Instant,
    /// Where it stands now.
    pub to: Instant,
    /// Entries of the log that lay behind that moment, and have it as their time now.
    pub entries: u64,
}

/// Whether a moment is further ahead of the system's clock than clocks differ.
fn is_ahead(moment: Instant, system: Instant) -> bool {
    moment.micros() > system.micros().saturating_add(MOST_AHEAD)
}

/// Refuses a moment that is ahead of the system's clock.
pub(crate) fn refuse_ahead(now: Instant) -> Result<(), WorkspaceError> {
    let system = Instant::now();
    if is_ahead(now, system) { Err(WorkspaceError::Ahead { now, system }) } else { Ok(()) }
}

impl Workspace {
    pub(crate) fn check_not_ahead(&self, now: Instant) -> Result<(), WorkspaceError> {
        if self.allows_future { Ok(()) } else { refuse_ahead(now) }
    }

    /// The workspace's clock, if it is more than five minutes ahead of the system's: then groups that go by today are those
    /// of that day, until it comes or [`Workspace::reset_clock`] sets the clock back.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn is_ahead(&self) -> Result<Option<Instant>, WorkspaceError> {
        let clock = self.store.read()?.view().state().clock;
        Ok(Some(clock).filter(|&clock| is_ahead(clock, Instant::now())))
    }

    /// Sets the clock to a moment, also back from one that it ran ahead to, and logs what then moves: memberships are those
    /// of that moment. If it is not before the clock, this is a tick.
    ///
    /// Times never decrease along the log: entries that lie behind the moment have it as their time from now on. Their
    /// places and their moves stay, so that the members as of the moment, or a later one, are what the log sums up to, and
    /// as of an earlier one they are what they were.
    ///
    /// Cost: a search for each group that goes by time, and a write for each entry that lies behind the moment.
    ///
    /// # Errors
    /// If the store fails; as for [`Workspace::tick`].
    pub fn reset_clock(&self, now: Instant) -> Result<Commit<ClockReset>, WorkspaceError> {
        self.write_as(Instant::MIN, Cause::Clock, |writer| writer.reset_clock(now))
    }

    /// The members of the groups that a tick to `now` would move, without writing anything.
    pub(crate) fn moves_until(
        &self,
        view: View<'_>,
        definitions: &Definitions,
        now: Instant,
    ) -> Result<Overlay, WorkspaceError> {
        let mut overlay = Overlay::default();
        let state = view.state();
        if now <= state.clock || now < state.next_due {
            return Ok(overlay);
        }
        let engine = self.engine(definitions, true)?;
        let mut engine = engine.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for instant in flips_between(view, definitions, &mut engine, state.clock, now)? {
            for flip in instant.flips {
                let members = match overlay.entry(flip.group) {
                    std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
                    std::collections::hash_map::Entry::Vacant(entry) => entry.insert(view.members(flip.group)?),
                };
                members.extend(flip.entered.iter().map(|document| document.0));
                for document in &flip.left {
                    members.remove(document.0);
                }
            }
        }
        Ok(overlay)
    }
}

impl Writer<'_> {
    fn reset_clock(&mut self, to: Instant) -> Result<ClockReset, WorkspaceError> {
        let from = self.now();
        if to >= from {
            self.catch_up(to)?;
            return Ok(ClockReset { from, to, entries: 0 });
        }
        let entries = self.txn.reset_clock(to)?;
        self.environment.now = to;
        self.restart_pending()?;
        let definitions = Arc::clone(&self.definitions);
        let mut flips: Vec<Flips> = Vec::new();
        for group in self.smart_groups_in_order()? {
            let Some(query) = definitions.groups.get(&group).and_then(|group| group.active.as_ref()) else { continue };
            let moved = |group: &GroupId| flips.iter().any(|flips| flips.group == *group);
            let may_move = definitions.plan_of(group, query).atoms.iter().any(|atom| match atom {
                Atom::GroupIn(groups) => groups.iter().any(moved),
                atom => atom.depends_on_time(),
            });
            if !may_move {
                continue;
            }
            let after = self.workspace.active_matches(self.txn.view(), &definitions, (group, query), to)?;
            let before = self.txn.view().members(MemberSet::Active(group))?;
            if before != after {
                self.txn.replace_members(MemberSet::Active(group), &after)?;
                let of = |documents: RoaringBitmap| documents.iter().map(DocumentNumber).collect();
                flips.push(Flips { group, entered: of(&after - &before), left: of(before - after) });
            }
        }
        self.log_only(&flips, to, Cause::Clock)?;
        self.schedule()?;
        Ok(ClockReset { from, to, entries })
    }

    /// Brings a batch that began at the clock's moment to another, unless that is earlier.
    pub(crate) fn catch_up(&mut self, now: Instant) -> Result<(), WorkspaceError> {
        if now > self.now() {
            self.workspace.check_not_ahead(now)?;
            self.tick(now)?;
            self.environment.now = now;
        }
        Ok(())
    }

    /// Advances the clock, and records each flip on the way at its own moment.
    pub(crate) fn tick(&mut self, now: Instant) -> Result<(), WorkspaceError> {
        let state = *self.txn.view().state();
        if now <= state.clock {
            return Ok(());
        }
        if now >= state.next_due {
            let engine = self.workspace.engine(&self.definitions, self.definitions_committed())?;
            let mut engine = engine.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let instants = flips_between(self.txn.view(), &self.definitions, &mut engine, state.clock, now)?;
            for instant in instants {
                self.record(&instant.flips, instant.at, Cause::Clock)?;
            }
            if let Some(mut pending) = self.definitions.pending_engine(state.clock)? {
                for instant in flips_between(self.txn.view(), &self.definitions, &mut pending, state.clock, now)? {
                    self.move_pending(&instant.flips)?;
                }
            }
            engine.set_now(Moment::new(now, self.environment.timezone.clone()));
            self.note_next_due(&engine, now)?;
        }
        self.txn.advance_clock(now);
        Ok(())
    }

    /// Computes anew when a membership next flips by itself: after groups or dates changed.
    pub(crate) fn schedule(&mut self) -> Result<(), WorkspaceError> {
        let engine = self.workspace.engine(&self.definitions, self.definitions_committed())?;
        let mut engine = engine.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        engine.set_now(Moment::new(self.now(), self.environment.timezone.clone()));
        self.note_next_due(&engine, self.now())
    }

    /// Notes when a membership next flips by itself, that of a pending query included.
    fn note_next_due(&mut self, engine: &Engine, now: Instant) -> Result<(), WorkspaceError> {
        let times = IndexedTimes::new(self.txn.view(), &self.definitions);
        let pending = self.definitions.pending_engine(now)?;
        let mut next: Option<Instant> = None;
        for engine in [Some(engine), pending.as_ref()].into_iter().flatten() {
            next = next.into_iter().chain(engine.next_flip(&times)?).min();
        }
        self.txn.set_next_due(next);
        Ok(())
    }
}
