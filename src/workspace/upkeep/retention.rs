//! How long the membership log is kept. What is older is summed up in a checkpoint: memberships then can be told as of
//! any moment that is kept, and not before.

use crate::ids::Sequence;
use crate::store::View;
use crate::value::Instant;
use crate::workspace::Workspace;
use crate::workspace::error::WorkspaceError;
use crate::workspace::read::reader::Reader;
use crate::workspace::write::writer::Writer;

/// Entries that a write cuts off beside its own work.
pub(crate) const CUT_BY_WRITE: u64 = 16;

/// Entries that `index` cuts off in one transaction.
const CUT_BY_INDEX: u64 = 1024;

const DAY: i64 = 86_400_000_000;

/// The last of the entries that are older than what is kept, counted up to `most` from the oldest.
fn outdated(view: View<'_>, most: u64) -> Result<Option<Sequence>, WorkspaceError> {
    let state = view.state();
    let Some(days) = view.log_retention()? else { return Ok(None) };
    let oldest = Instant::from_micros(state.clock.micros().saturating_sub(i64::from(days).saturating_mul(DAY)));
    let Some(last) = view.sequence_at(oldest)? else { return Ok(None) };
    let last = last.min(Sequence(state.horizon.0.saturating_add(most)));
    Ok((last > state.horizon).then_some(last))
}

impl Writer<'_> {
    /// Keeps the membership log for so many days, or for ever: what is older is cut off by writes, a little at a time,
    /// and by [`Workspace::index`], all of it. Memberships before that cannot be told any more.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn keep_log(&mut self, days: Option<u32>) -> Result<(), WorkspaceError> {
        Ok(self.txn.put_log_retention(days)?)
    }

    /// Cuts off entries that are no longer kept; none of this batch, which whoever made it will want to read.
    pub(crate) fn cut_log(&mut self, most: u64) -> Result<(), WorkspaceError> {
        if let Some(last) = outdated(self.txn.view(), most)? {
            self.txn.truncate_log(last.min(self.before))?;
        }
        Ok(())
    }
}

impl Workspace {
    /// Cuts off all entries that are no longer kept, and says how many.
    pub(crate) fn cut_whole_log(&self) -> Result<u64, WorkspaceError> {
        let mut cut = 0;
        loop {
            let mut txn = self.store.write()?;
            let Some(last) = outdated(txn.view(), CUT_BY_INDEX)? else { return Ok(cut) };
            cut += last.0 - txn.view().state().horizon.0;
            txn.truncate_log(last)?;
            txn.commit()?;
        }
    }
}

impl Reader<'_> {
    /// For how many days the membership log is kept; `None` if for ever.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn keeps_log(&self) -> Result<Option<u32>, WorkspaceError> {
        Ok(self.snapshot().view().log_retention()?)
    }
}
