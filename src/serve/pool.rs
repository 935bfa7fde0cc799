//! Threads for work that waits on the store, bounded in number, with a bounded queue before them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use super::reply::Problem;

/// Requests that wait for a thread; more are told to come back.
const MOST_WAITING: usize = 1_024;

/// A number of threads of the runtime that one kind of work may take.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    threads: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

/// Counts itself out when it is dropped.
struct Waiting<'w>(&'w AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pool {
    pub(super) fn new(threads: usize) -> Self {
        Pool { threads: Arc::new(Semaphore::new(threads)), waiting: Arc::default() }
    }

    /// Runs work on a thread of its own. It runs to its end even if nobody waits for it any more.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let busy = || Problem::busy("too many requests wait; try again in a moment");
        let permit = {
            let ahead = self.waiting.fetch_add(1, Ordering::Relaxed);
            let _waiting = Waiting(&self.waiting);
            if ahead >= MOST_WAITING {
                return Err(busy());
            }
            Arc::clone(&self.threads).acquire_owned().await.map_err(|_| busy())?
        };
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        // A request that panics is that request's failure alone.
        done.await.map_err(|_| Problem::internal("the request could not be answered"))?
    }
}
