//! What a process that follows a stream or the log asks between two batches.

use crate::ids::Sequence;
use crate::value::Instant;
use crate::workspace::Workspace;
use crate::workspace::error::WorkspaceError;
use crate::workspace::read::log::{LogFilter, MembershipEvent};

/// Events after which a poll stops at the next commit, so that a long log is taken in pieces.
const ENOUGH: usize = 4_096;

impl Workspace {
    /// Follows the membership log from behind a place: [`Reader::sequence`] for what is to come, `Sequence(0)` for all
    /// that the log holds.
    ///
    /// ```
    /// use headcount::{ContactPatch, Dialect, Instant, Settings, Workspace};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// let workspace = Workspace::create(&folder.path().join("store"), &Settings::default())?;
    /// let now = Instant::now();
    /// workspace.write(now, |batch| batch.create_group("Reachable", Some(r#"tel != """#), Dialect::Extended))?;
    ///
    /// let mut log = workspace.subscribe(workspace.reader(now)?.sequence());
    /// assert!(log.poll(now)?.is_empty());
    ///
    /// workspace.write(now, |batch| batch.put(ContactPatch::new().urn("tel:+250788123123")?))?;
    /// assert_eq!(log.poll(now)?[0].groups_added[0].name, "Reachable");
    /// assert!(log.poll(now)?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn subscribe(&self, since: Sequence) -> Subscription<'_> {
        Subscription { workspace: self, position: since, filter: LogFilter::default() }
    }
}

/// A place in the membership log that moves on with what is read. It holds nothing of the store between two polls.
#[derive(Clone, Debug)]
pub struct Subscription<'w> {
    workspace: &'w Workspace,
    position: Sequence,
    filter: LogFilter,
}

impl Subscription<'_> {
    /// The same, of one group or contact only.
    pub fn filtered(self, filter: LogFilter) -> Self {
        Subscription { filter, ..self }
    }

    /// The last entry that was given out: who keeps it can go on there after a restart.
    pub fn position(&self) -> Sequence {
        self.position
    }

    /// What came since the last poll, in order, in whole commits; nothing if nothing did. If more than a few thousand
    /// events wait, the next poll goes on.
    ///
    /// Memberships that flip because time passes are recorded first, if any are due. Between two polls one can sleep; a
    /// second is short enough for people.
    ///
    /// # Errors
    /// If the store fails, or the log was cut off behind this place ([`WorkspaceError::BeforeHorizon`]).
    pub fn poll(&mut self, now: Instant) -> Result<Vec<MembershipEvent>, WorkspaceError> {
        let mut reader = self.workspace.reader(now)?;
        if reader.next_due().is_some_and(|due| due <= now) {
            drop(reader);
            self.workspace.tick(now)?;
            reader = self.workspace.reader(now)?;
        }
        let horizon = reader.horizon();
        if self.position.0 > 0 && self.position < horizon {
            return Err(WorkspaceError::BeforeHorizon(reader.horizon_time()));
        }
        let (last, mut events) = (reader.sequence(), Vec::<MembershipEvent>::new());
        for piece in reader.events_since(self.position.max(horizon), self.filter)? {
            let piece = piece?;
            // Only whole commits are given out.
            let begins_another =
                |next: &MembershipEvent| events.last().is_some_and(|last| last.sequence < next.sequence);
            if events.len() >= ENOUGH && piece.first().is_some_and(begins_another) {
                self.position = events.last().map_or(last, |event| event.sequence);
                return Ok(events);
            }
            events.extend(piece);
        }
        self.position = last;
        Ok(events)
    }
}
