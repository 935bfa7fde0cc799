//! Membership changes on their way to somebody who must miss none: in order, and each at least once.
//!
//! A consumer has a name. Under it the store keeps how far the consumer has come: the last entry of the log of which it
//! has acknowledged everything, and of the entry behind it the documents that it has. What was handed out and not
//! acknowledged is handed out again by the next process of that name; what was acknowledged, and kept, never is.

use std::collections::VecDeque;
use std::time::{Duration, Instant as Stopwatch};

use crate::ids::Sequence;
use crate::value::Instant;
use crate::workspace::Workspace;
use crate::workspace::error::WorkspaceError;
use crate::workspace::read::log::{LogFilter, MembershipEvent};
use crate::workspace::read::reader::Reader;

/// Keeping the place costs a commit: [`Delivery::keep_soon`] does it that often at most.
const KEEP_EVERY: Duration = Duration::from_secs(1);

/// Events that are read from the log together, or a piece of it that has more.
const TOGETHER: usize = 4_096;

/// The events of all entries up to one, and of the entry behind it those of the documents below a number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
struct Place {
    entry: Sequence,
    documents: u32,
}

impl Place {
    /// Behind an event.
    fn behind(event: &MembershipEvent) -> Self {
        Place { entry: Sequence(event.sequence.0.saturating_sub(1)), documents: event.document.0.saturating_add(1) }
    }
}

/// The membership log as one consumer takes it: what is due is handed out in order, and acknowledged in order.
///
/// It holds nothing of the store between two calls, and goes on when the store was opened anew. One process at a time
/// delivers under a name.
///
/// ```
/// use headcount::{ContactPatch, Delivery, Dialect, Instant, Settings, Workspace};
///
/// # let folder = tempfile::tempdir()?;
/// let workspace = Workspace::create(&folder.path().join("store"), &Settings::default())?;
/// let now = Instant::now();
/// workspace.write(now, |batch| batch.create_group("Reachable", Some(r#"tel != """#), Dialect::Extended))?;
/// let mut mailer = Delivery::open(&workspace, "mailer", Default::default(), Default::default(), now)?;
///
/// for number in ["tel:+250788123123", "tel:+250788123124"] {
///     workspace.write(now, |batch| batch.put(ContactPatch::new().urn(number)?))?;
/// }
/// assert_eq!(mailer.due(&workspace.reader(now)?, 10)?.len(), 2);
/// // The first was delivered, and then the process ended.
/// mailer.acknowledge(1);
/// mailer.keep(&workspace, now)?;
///
/// let mut mailer = Delivery::open(&workspace, "mailer", Default::default(), Default::default(), now)?;
/// assert_eq!(mailer.due(&workspace.reader(now)?, 10)?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Delivery {
    name: String,
    filter: LogFilter,
    /// Read from the log, and not handed out yet.
    waiting: VecDeque<MembershipEvent>,
    /// Everything up to here is waiting, under way or acknowledged.
    read: Place,
    /// Behind each event that was handed out and not acknowledged yet.
    under_way: VecDeque<Place>,
    acknowledged: Place,
    kept: Place,
    kept_at: Stopwatch,
}

impl Delivery {
    /// Goes on where the consumer of this name has come to, or begins behind an entry of the log on its first run, which
    /// is kept at once.
    ///
    /// # Errors
    /// If the store cannot be read, or, on the first run, written.
    pub fn open(
        workspace: &Workspace,
        name: &str,
        filter: LogFilter,
        otherwise: Sequence,
        now: Instant,
    ) -> Result<Self, WorkspaceError> {
        let known = {
            let snapshot = workspace.store.read()?;
            let entry = snapshot.view().source_offset(name)?;
            let documents = snapshot.view().source_offset(&documents_of(name))?.unwrap_or(0);
            let documents = u32::try_from(documents).unwrap_or(0);
            entry.map(|entry| Place { entry: Sequence(entry), documents })
        };
        let place = known.unwrap_or(Place { entry: otherwise, documents: 0 });
        let mut delivery = Delivery {
            name: name.to_owned(),
            filter,
            waiting: VecDeque::new(),
            read: place,
            under_way: VecDeque::new(),
            acknowledged: place,
            kept: place,
            kept_at: Stopwatch::now(),
        };
        if known.is_none() {
            delivery.put(workspace, now)?;
        }
        Ok(delivery)
    }

    /// The last entry of the log of which everything was acknowledged.
    pub fn position(&self) -> Sequence {
        self.acknowledged.entry
    }

    /// Whether the log was cut off behind the consumer's place: it has missed what was cut, and goes on with the rest.
    pub fn has_missed(&self, reader: &Reader<'_>) -> bool {
        self.read.entry.0 > 0 && self.read.entry < reader.horizon()
    }

    /// Hands out the next events that a reader knows of, at most so many; none if all were handed out.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn due(&mut self, reader: &Reader<'_>, most: usize) -> Result<Vec<MembershipEvent>, WorkspaceError> {
        if self.waiting.is_empty() {
            self.read_on(reader)?;
        }
        let due: Vec<MembershipEvent> = self.waiting.drain(..most.min(self.waiting.len())).collect();
        self.under_way.extend(due.iter().map(Place::behind));
        Ok(due)
    }

    fn read_on(&mut self, reader: &Reader<'_>) -> Result<(), WorkspaceError> {
        let Place { entry, documents } = self.read;
        for piece in reader.events_behind(entry, documents, self.filter)? {
            for event in piece? {
                let place = Place::behind(&event);
                if place > self.read {
                    self.read = place;
                    self.waiting.push_back(event);
                }
            }
            if self.waiting.len() >= TOGETHER {
                return Ok(());
            }
        }
        self.read = self.read.max(Place { entry: reader.sequence(), documents: 0 });
        if self.waiting.is_empty() && self.under_way.is_empty() {
            // Nothing that came since is for this consumer.
            self.acknowledged = self.read;
        }
        Ok(())
    }

    /// So many of the events that were handed out, the oldest first, are delivered.
    pub fn acknowledge(&mut self, count: usize) {
        if let Some(place) = self.under_way.drain(..count.min(self.under_way.len())).last() {
            self.acknowledged = place;
        }
        if self.under_way.is_empty() && self.waiting.is_empty() {
            self.acknowledged = self.read;
        }
    }

    /// Hands out again what was handed out and not acknowledged.
    pub fn rewind(&mut self) {
        self.read = self.acknowledged;
        self.under_way.clear();
        self.waiting.clear();
    }

    /// Keeps what was acknowledged: it is durable when this returns, and never handed out again.
    ///
    /// Cost: a commit, if anything was acknowledged since the last time.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn keep(&mut self, workspace: &Workspace, now: Instant) -> Result<(), WorkspaceError> {
        if self.acknowledged == self.kept {
            return Ok(());
        }
        self.put(workspace, now)
    }

    /// The same, but only if the last time is a second ago.
    ///
    /// # Errors
    /// As for [`Delivery::keep`].
    pub fn keep_soon(&mut self, workspace: &Workspace, now: Instant) -> Result<(), WorkspaceError> {
        if self.kept_at.elapsed() < KEEP_EVERY { Ok(()) } else { self.keep(workspace, now) }
    }

    fn put(&mut self, workspace: &Workspace, now: Instant) -> Result<(), WorkspaceError> {
        let Place { entry, documents } = self.acknowledged;
        workspace.write(now, |writer| {
            writer.txn.put_source_offset(&self.name, entry.0)?;
            Ok(writer.txn.put_source_offset(&documents_of(&self.name), documents.into())?)
        })?;
        (self.kept, self.kept_at) = (self.acknowledged, Stopwatch::now());
        Ok(())
    }
}

/// Under which name the store keeps the documents of the entry that a consumer is at.
fn documents_of(name: &str) -> String {
    format!("{name}|documents")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::sema::query::Dialect;
    use crate::value::Urn;
    use crate::workspace::{ContactPatch, Settings};

    fn commit(workspace: &Workspace, now: Instant, contacts: std::ops::Range<u32>, age: u32) {
        let patch = |at: u32| ContactPatch {
            urns: Some(vec![Urn::parse(&format!("tel:+25078800{at:04}")).unwrap()]),
            name: Some(Some(if age > 17 { "grown" } else { "small" }.into())),
            ..ContactPatch::default()
        };
        let patches: Vec<_> = contacts.map(patch).collect();
        workspace.write(now, |batch| batch.put_all(&patches).map(drop)).unwrap();
    }

    /// A consumer that is ended now and then, at any place.
    #[test]
    fn each_event_comes_in_order_and_at_least_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        let now = Instant::now();
        let workspace = Workspace::create(&path, &Settings::default()).unwrap();
        workspace.write(now, |batch| batch.create_group("Grown", Some("name = grown"), Dialect::Extended)).unwrap();
        workspace.write(now, |batch| batch.create_group("Small", Some("name = small"), Dialect::Extended)).unwrap();
        let open = || Delivery::open(&workspace, "c", LogFilter::default(), Sequence(0), now).unwrap();
        let mut random = 7u64;
        let mut below = |most: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % most
        };
        let mut delivery = open();
        let (mut delivered, mut kept, mut handed, mut again) = (Vec::new(), 0, 0, 0);
        for round in 0..120 {
            let first = below(40) as u32;
            commit(&workspace, now, first..first + 1 + below(20) as u32, if round % 2 == 0 { 20 } else { 5 });
            let due = delivery.due(&workspace.reader(now).unwrap(), 1 + below(12) as usize).unwrap();
            handed += due.len();
            // What is handed out goes on where the last acknowledged one was, after whatever was not acknowledged.
            let acknowledged = below(due.len() as u64 + 1) as usize;
            delivered.extend(due.into_iter().take(acknowledged));
            delivery.acknowledge(acknowledged);
            if below(3) == 0 {
                delivery.keep(&workspace, now).unwrap();
                kept = delivered.len();
            }
            if below(4) == 0 {
                // A crash: what was not kept comes again.
                again += delivered.len() - kept;
                delivered.truncate(kept);
                delivery = open();
            } else {
                delivery.rewind();
            }
        }
        loop {
            let due = delivery.due(&workspace.reader(now).unwrap(), 7).unwrap();
            if due.is_empty() {
                break;
            }
            delivery.acknowledge(due.len());
            delivered.extend(due);
        }
        delivery.keep(&workspace, now).unwrap();
        let reader = workspace.reader(now).unwrap();
        let all = reader.events_since(Sequence(0), LogFilter::default()).unwrap();
        assert_eq!(delivered, all.flat_map(Result::unwrap).collect::<Vec<_>>());
        assert!(delivered.len() > 500 && handed > delivered.len() / 8 && again > 0, "this tests nothing");
        assert!(open().due(&reader, 10).unwrap().is_empty());
        assert_eq!(open().position(), reader.sequence());
    }
}
