//! The first look at a batch: which contacts changed in a way that some group can tell.

use smallvec::SmallVec;

use crate::contact::{ContactView, FieldValueRef, Status, TypedValue};
use crate::ids::{DocumentNumber, GroupId};
use crate::refresh::change::{Memberships, RowChange, Side};
use crate::refresh::entries::SourceSet;
use crate::refresh::matcher::{Findings, Moving};
use crate::refresh::moment::Moment;
use crate::refresh::program::Slot;
use crate::refresh::source::Source;
use crate::refresh::table::Table;

/// What evaluation goes by: the groups, and what moves with the clock as it stands.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) table: &'a Table,
    /// By source.
    pub(super) moving: &'a [Moving],
    pub(super) moment: &'a Moment,
    pub(super) memberships: &'a dyn Memberships,
    /// If it is the clock that moves and not the contacts: for each change, the leaves of what moves.
    pub(super) courses: Option<&'a [Step]>,
}

/// Whether queries can tell two values of a field apart. Of numbers and moments they do not see the text, which
/// therefore is not even fetched: for a row in memory that is the most costly part.
fn differ(was: Option<FieldValueRef<'_>>, is: Option<FieldValueRef<'_>>) -> bool {
    match (was, is) {
        (Some(was), Some(is)) => match (was.typed, is.typed) {
            (TypedValue::Text, TypedValue::Text) => was.text != is.text,
            (was, is) => was != is,
        },
        (was, is) => was.is_some() != is.is_some(),
    }
}

/// What a contact's moving sources make true, before and after one instant.
#[derive(Clone, Default, Debug)]
pub(super) struct Step {
    pub(super) sources: SmallVec<[SourceStep; 2]>,
}

/// One source of a [`Step`].
#[derive(Clone, Default, Debug)]
pub(super) struct SourceStep {
    pub(super) source: u32,
    /// Sorted.
    pub(super) before: Vec<Slot>,
    /// Sorted.
    pub(super) after: Vec<Slot>,
}

/// Which contact is asked for something, when the answer does not depend on its row alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    document: DocumentNumber,
    change: u32,
}

impl Frame<'_> {
    /// What a moving source makes true, if the clock moves; `None` if the row says.
    fn told(&self, source: u32, asked: &Asked, side: Side) -> Option<&[Slot]> {
        let courses = self.courses?;
        if !self.table.source(source).matcher.moves() {
            return None;
        }
        let step = courses[asked.change as usize].sources.iter().find(|step| step.source == source);
        Some(step.map_or(&[], |step| match side {
            Side::Before => &step.before,
            Side::After => &step.after,
        }))
    }
}

/// What a value makes true: a run of sorted leaves in the pool, and its position.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Finding {
    pub(super) position: u32,
    from: u32,
    to: u32,
}

/// A source of a contact that changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) source: u32,
    pub(super) before: Finding,
    pub(super) after: Finding,
}

/// A contact for which some leaf flipped, or that entered or left the active ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Live {
    pub(super) document: DocumentNumber,
    pub(super) active_before: bool,
    pub(super) active_after: bool,
    entries_from: u32,
    entries_to: u32,
    same_to: u32,
    placed_to: u32,
    same_from: u32,
    placed_from: u32,
}

/// The live contacts of a batch.
#[derive(Default)]
pub(super) struct LiveSet {
    pub(super) contacts: Vec<Live>,
    entries: Vec<Entry>,
    pool: Vec<Slot>,
    /// Leaves that hold of a contact on both sides, or on the only one on which it can be in a group.
    same: Vec<Slot>,
    /// Sources and positions of which the same is true.
    placed: Vec<(u32, u32)>,
    buffer: String,
    /// Sources of which some leaf flipped.
    pub(super) flipped: SourceSet,
    /// Sources that some contact was read for.
    pub(super) needed: SourceSet,
    /// Sources that the contact at hand is read for.
    wanted: SourceSet,
    /// Values looked up.
    pub(super) values: u64,
}

impl LiveSet {
    pub(super) fn entries(&self, contact: &Live) -> &[Entry] {
        &self.entries[contact.entries_from as usize..contact.entries_to as usize]
    }

    pub(super) fn leaves(&self, finding: &Finding) -> &[Slot] {
        &self.pool[finding.from as usize..finding.to as usize]
    }

    /// Leaves of a contact that are the same on both sides.
    pub(super) fn same(&self, contact: &Live) -> &[Slot] {
        &self.same[contact.same_from as usize..contact.same_to as usize]
    }

    /// Its positions, by source, that are the same on both sides.
    pub(super) fn placed(&self, contact: &Live) -> &[(u32, u32)] {
        &self.placed[contact.placed_from as usize..contact.placed_to as usize]
    }

    pub(super) fn clear(&mut self, sources: usize) {
        self.contacts.clear();
        self.entries.clear();
        self.pool.clear();
        self.same.clear();
        self.placed.clear();
        for set in [&mut self.flipped, &mut self.needed, &mut self.wanted] {
            *set = SourceSet::new(sources);
        }
        self.values = 0;
    }

    /// Looks at one contact.
    pub(super) fn look<V: ContactView>(&mut self, frame: Frame<'_>, change: u32, row: &RowChange<V>) {
        let is_active = |side: &Option<V>| side.as_ref().is_some_and(|contact| contact.status() == Status::Active);
        let (active_before, active_after) = (is_active(&row.before), is_active(&row.after));
        if !active_before && !active_after {
            return;
        }
        let entries_from = self.entries.len() as u32;
        let asked = Asked { document: row.document, change };
        self.wanted.clear();
        // On a side where the contact is in no group, nothing else of it matters.
        if let (true, true, Some(before), Some(after)) = (active_before, active_after, &row.before, &row.after) {
            let pool_from = self.pool.len();
            match frame.courses {
                None => self.compare(frame, &asked, before, after),
                Some(courses) => {
                    for step in &courses[change as usize].sources {
                        let was = self.tell(&step.before);
                        let is = self.tell(&step.after);
                        self.enter(step.source, was, is);
                    }
                }
            }
            if self.entries.len() as u32 == entries_from {
                self.pool.truncate(pool_from);
                return;
            }
            for entry in &self.entries[entries_from as usize..] {
                self.flipped.insert(entry.source as usize);
                self.wanted.unite(&frame.table.source(entry.source).companions);
            }
        } else {
            self.wanted.fill();
        }
        self.needed.unite(&self.wanted);
        let (same_from, placed_from) = (self.same.len() as u32, self.placed.len() as u32);
        match (&row.before, &row.after) {
            (_, Some(after)) if active_after => self.read(frame, &asked, after, Side::After, entries_from),
            (Some(before), _) => self.read(frame, &asked, before, Side::Before, entries_from),
            (None, _) => {}
        }
        self.contacts.push(Live {
            document: row.document,
            active_before,
            active_after,
            entries_from,
            entries_to: self.entries.len() as u32,
            same_from,
            same_to: self.same.len() as u32,
            placed_from,
            placed_to: self.placed.len() as u32,
        });
    }

    /// Reads what is wanted of a contact, but for the sources of its entries.
    ///
    /// At once, while the contact is at hand: to come back for it when all are known to be live or not, and which
    /// sources their groups look at, cost half as much again, in waiting for memory. What a contact is not read for
    /// is the same on both sides, so that whatever stands in the vectors there moves it nowhere.
    fn read<V: ContactView>(&mut self, frame: Frame<'_>, asked: &Asked, contact: &V, side: Side, entries_from: u32) {
        for entry in &self.entries[entries_from as usize..] {
            self.wanted.remove(entry.source as usize);
        }
        let mut same = std::mem::take(&mut self.same);
        for &source in &frame.table.parts.attributes {
            if self.wanted.contains(source as usize) {
                let position = self.scan(frame, source, asked, contact, side, &mut same);
                self.place(source, position);
            }
        }
        for (field, value) in contact.fields() {
            if let Some(source) = frame.table.field_source(field)
                && self.wanted.contains(source as usize)
            {
                let position = self.scan_field(frame, source, asked, value, side, &mut same);
                self.place(source, position);
            }
        }
        self.same = same;
    }

    fn place(&mut self, source: u32, position: u32) {
        if position != 0 {
            self.placed.push((source, position));
        }
    }

    /// Puts contacts together of which the same source changed, so that whole words need no look.
    pub(super) fn cluster(&mut self) {
        let entries = &self.entries;
        let key = |contact: &Live| {
            let own = &entries[contact.entries_from as usize..contact.entries_to as usize];
            own.first().map_or(u32::MAX, |entry| entry.source)
        };
        if !self.contacts.is_sorted_by_key(key) {
            self.contacts.sort_by_key(key);
        }
    }

    /// Adds an entry for each source of which some leaf differs.
    fn compare<V: ContactView>(&mut self, frame: Frame<'_>, asked: &Asked, before: &V, after: &V) {
        let table = frame.table;
        for &at in &table.parts.attributes {
            let entry = table.source(at);
            let differs = match entry.source {
                Source::Uuid => before.uuid() != after.uuid(),
                Source::Id => before.id() != after.id(),
                Source::Ref => before.reference() != after.reference(),
                Source::Name => before.name() != after.name(),
                Source::Language => before.language() != after.language(),
                Source::Urns => !before.urns().eq(after.urns()),
                Source::Status => before.status() != after.status(),
                Source::Groups => !before.groups().eq(after.groups()),
                Source::Flow => before.flow() != after.flow(),
                Source::History => !before.history().eq(after.history()),
                Source::Tickets => before.tickets() != after.tickets(),
                Source::CreatedOn => before.created_on() != after.created_on(),
                Source::LastSeenOn => before.last_seen_on() != after.last_seen_on(),
                Source::Outside => true,
                Source::Field(_) => false,
            };
            if differs {
                let was = self.find(frame, at, asked, before, Side::Before);
                let is = self.find(frame, at, asked, after, Side::After);
                self.enter(at, was, is);
            }
        }
        before.compare_fields(after, |field, was, is| {
            if let Some(source) = table.field_source(field)
                && differ(was, is)
            {
                let was = was.map(|value| self.find_field(frame, source, asked, value, Side::Before));
                let is = is.map(|value| self.find_field(frame, source, asked, value, Side::After));
                self.enter(source, was.unwrap_or_default(), is.unwrap_or_default());
            }
        });
    }

    fn enter(&mut self, source: u32, before: Finding, after: Finding) {
        if before.position != after.position || self.leaves(&before) != self.leaves(&after) {
            self.entries.push(Entry { source, before, after });
        }
    }

    /// What one part of a contact makes true, as a finding that compares.
    fn find<V: ContactView>(
        &mut self,
        frame: Frame<'_>,
        source: u32,
        asked: &Asked,
        contact: &V,
        side: Side,
    ) -> Finding {
        let mut pool = std::mem::take(&mut self.pool);
        let from = pool.len();
        let position = self.scan(frame, source, asked, contact, side, &mut pool);
        self.pool = pool;
        self.seal(from, position)
    }

    /// What the value of a field makes true, as a finding that compares.
    fn find_field(
        &mut self,
        frame: Frame<'_>,
        source: u32,
        asked: &Asked,
        value: FieldValueRef<'_>,
        side: Side,
    ) -> Finding {
        let mut pool = std::mem::take(&mut self.pool);
        let from = pool.len();
        let position = self.scan_field(frame, source, asked, value, side, &mut pool);
        self.pool = pool;
        self.seal(from, position)
    }

    /// Adds the leaves that one part of a contact makes true, and gives its position.
    fn scan<V: ContactView>(
        &mut self,
        frame: Frame<'_>,
        source: u32,
        asked: &Asked,
        contact: &V,
        side: Side,
        leaves: &mut Vec<Slot>,
    ) -> u32 {
        if let Some(told) = frame.told(source, asked, side) {
            leaves.extend_from_slice(told);
            return 0;
        }
        let (entry, moving) = (frame.table.source(source), &frame.moving[source as usize]);
        self.values += 1;
        if entry.source == Source::Outside {
            let holds = |group: u32| frame.memberships.holds(GroupId(group), asked.document, side);
            leaves.extend(entry.matcher.ids.iter().filter(|&(&group, _)| holds(group)).map(|(_, &slot)| slot));
            return 0;
        }
        let mut out = Findings { leaves, position: 0, buffer: &mut self.buffer };
        entry.matcher.scan(entry.source, contact, moving, frame.moment, &mut out);
        out.position
    }

    /// Adds the leaves that the value of a field makes true, and gives its position.
    fn scan_field(
        &mut self,
        frame: Frame<'_>,
        source: u32,
        asked: &Asked,
        value: FieldValueRef<'_>,
        side: Side,
        leaves: &mut Vec<Slot>,
    ) -> u32 {
        if let Some(told) = frame.told(source, asked, side) {
            leaves.extend_from_slice(told);
            return 0;
        }
        let (entry, moving) = (frame.table.source(source), &frame.moving[source as usize]);
        self.values += 1;
        let mut out = Findings { leaves, position: 0, buffer: &mut self.buffer };
        entry.matcher.scan_field(value, moving, frame.moment, &mut out);
        out.position
    }

    /// A finding of these leaves, which are sorted.
    fn tell(&mut self, leaves: &[Slot]) -> Finding {
        let from = self.pool.len() as u32;
        self.pool.extend_from_slice(leaves);
        Finding { position: 0, from, to: self.pool.len() as u32 }
    }

    /// Sorts what was found since, each once, so that two findings compare.
    fn seal(&mut self, from: usize, position: u32) -> Finding {
        if let Some(found) = self.pool.get_mut(from..)
            && found.len() > 1
        {
            found.sort_unstable();
            let mut kept = from;
            for at in from..self.pool.len() {
                if kept == from || self.pool[kept - 1] != self.pool[at] {
                    self.pool[kept] = self.pool[at];
                    kept += 1;
                }
            }
            self.pool.truncate(kept);
        }
        Finding { position, from: from as u32, to: self.pool.len() as u32 }
    }
}
