//! The clock: what flips by itself as time passes, found through the indexes of times and recorded at the moment at
//! which it was due.

use roaring::RoaringBitmap;

use crate::ids::{AtomId, DocumentNumber};
use crate::index::property::{instant_key, instant_of_key};
use crate::index::{AttributeIndex, FieldKinds, PropertyId};
use crate::plan::atom::{Atom, Expr, LogicalPlan, TimeBound, TimeProperty};
use crate::plan::physical::Rules;
use crate::refresh::clock::{ClockFlips, TimeValues, Window};
use crate::refresh::{Engine, Moment};
use crate::store::{Cause, RowView, View};
use crate::value::Instant;
use crate::workspace::Workspace;
use crate::workspace::definitions::Definitions;
use crate::workspace::definitions::plans::StoredMembers;
use crate::workspace::error::WorkspaceError;
use crate::workspace::read::adapters::Overlay;
use crate::workspace::read::search::Searchable;
use crate::workspace::write::writer::Writer;

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
    fn first_at_or_after(&self, property: TimeProperty, instant: Instant) -> Option<Instant> {
        let (rtxn, _) = self.view.index_tables();
        let key = self.index.first_key(rtxn, Self::property(property), &instant_key(instant)).ok().flatten()?;
        instant_of_key(&key)
    }

    fn extent(&self, property: TimeProperty) -> Option<(Instant, Instant)> {
        let (rtxn, _) = self.view.index_tables();
        let (low, high) = self.index.extent(rtxn, Self::property(property)).ok().flatten()?;
        Some((instant_of_key(&low)?, instant_of_key(&high)?))
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
    let windows = engine.windows(until, &IndexedTimes::new(view, definitions));
    let documents = candidates(view, definitions, &windows, from)?;
    let mut rows: Vec<(DocumentNumber, RowView<'_>)> = Vec::new();
    for document in documents.iter().map(DocumentNumber) {
        if let Some(row) = view.row(document)? {
            rows.push((document, row));
        }
    }
    let stale = StoredMembers::outside(view, engine.table())?;
    Ok(engine.advance(until, &rows, &stale))
}

impl Workspace {
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
        let next = [Some(engine), pending.as_ref()].into_iter().flatten().filter_map(|engine| engine.next_flip(&times));
        let next = next.min();
        self.txn.set_next_due(next);
        Ok(())
    }
}
