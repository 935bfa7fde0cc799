//! Indexing of text beside a writer: a thread that begins a run of the indexer when enough contacts are dirty.
//!
//! Commits do not wait for it; they only tell it that there was one. It reads at a snapshot of its own, as an indexer in
//! another process would, and has the writer's lock for two short transactions.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crate::index::IndexError;
use crate::threads;
use crate::workspace::Workspace;
use crate::workspace::error::WorkspaceError;

/// What the thread and those who tell it of commits share.
#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Commits that were told of.
    told: u64,
    /// Of these, the ones after which it was seen whether a run is due.
    seen: u64,
    /// Runs that were made.
    runs: u64,
    /// Why the last run failed, if it did.
    failure: Option<String>,
    is_over: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread that indexes; it ends, after the run at hand, when this is dropped.
#[derive(Debug)]
pub(crate) struct Indexer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Indexer {
    fn start(workspace: Workspace, after: u64) -> Result<Self, IndexError> {
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("headcount-index".to_owned())
            .spawn(move || index_when_due(&workspace, after, &of_thread))
            .map_err(|error| IndexError::Text(format!("indexing beside: {}", threads::no_thread(&error))))?;
        Ok(Indexer { shared, thread: Some(thread) })
    }

    /// Tells of a commit.
    pub(crate) fn tell(&self) {
        self.shared.state().told += 1;
        self.shared.changed.notify_all();
    }
}

impl Drop for Indexer {
    fn drop(&mut self) {
        self.shared.state().is_over = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so.
            let _ = thread.join();
        }
    }
}

fn index_when_due(workspace: &Workspace, after: u64, shared: &Shared) {
    let mut state = shared.state();
    while !state.is_over {
        if state.told == state.seen {
            state = shared.wait(state);
            continue;
        }
        let told = state.told;
        drop(state);
        let done = workspace.index_if_due(after);
        state = shared.state();
        state.seen = told;
        match done {
            Ok(has_run) => {
                state.runs += u64::from(has_run);
                state.failure = None;
            }
            Err(error) => state.failure = Some(error.to_string()),
        }
        shared.changed.notify_all();
    }
}

impl Workspace {
    /// From now on, indexes text in the background whenever more than so many contacts are dirty after a commit of this
    /// value; `None` ends that, after the run at hand. Commits do not wait for it.
    ///
    /// # Errors
    /// If the workspace cannot be opened once more.
    pub fn index_in_background(&self, after: Option<u64>) -> Result<(), WorkspaceError> {
        let indexer = match after {
            Some(after) => Some(Indexer::start(Workspace::open(self.folder())?, after)?),
            None => None,
        };
        // The one before ends outside of the lock.
        let before = std::mem::replace(&mut *self.indexer(), indexer);
        drop(before);
        Ok(())
    }

    /// Waits until it was seen of all commits so far whether text is to be indexed after them, and the runs that were due
    /// are done. Gives the runs made in the background since that began, and why the last one failed if it did.
    #[doc(hidden)]
    pub fn background_runs(&self) -> (u64, Option<String>) {
        let Some(shared) = self.indexer().as_ref().map(|indexer| Arc::clone(&indexer.shared)) else {
            return (0, None);
        };
        let mut state = shared.state();
        let told = state.told;
        while state.seen < told && !state.is_over {
            state = shared.wait(state);
        }
        (state.runs, state.failure.clone())
    }

    /// Why the last run in the background failed, if it did: rows answer in the place of the text index until one goes
    /// well. Does not wait.
    pub fn background_failure(&self) -> Option<String> {
        let indexer = self.indexer();
        let state = indexer.as_ref()?.shared.state();
        state.failure.clone()
    }

    pub(crate) fn indexer(&self) -> MutexGuard<'_, Option<Indexer>> {
        self.indexer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Indexes text if more than so many contacts are dirty and nobody else is at it; says whether it did.
    fn index_if_due(&self, after: u64) -> Result<bool, WorkspaceError> {
        if self.store.read()?.view().dirty()?.len() <= after {
            return Ok(false);
        }
        let run = self.text.begin_run()?;
        self.index_text(&run)?;
        Ok(true)
    }
}
