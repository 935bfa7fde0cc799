//! Signals that ask a process to end: it finishes what it is at, and loses nothing of it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether this process was asked to end.
#[derive(Clone, Debug, Default)]
pub(super) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Listens from now on. A second signal ends the process at once.
    pub(super) fn listen() -> io::Result<Self> {
        let stop = Stop::default();
        for &signal in signal_hook::consts::TERM_SIGNALS {
            signal_hook::flag::register_conditional_default(signal, Arc::clone(&stop.0))?;
            signal_hook::flag::register(signal, Arc::clone(&stop.0))?;
        }
        Ok(stop)
    }

    /// Whether a signal came.
    pub(super) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A file that grows beyond its limit is an error in words, and not the end of the process.
pub(crate) fn outlive_limits_on_files() {
    #[cfg(unix)]
    {
        // Without a handler the process ends as it did; there is nothing else to be done.
        let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
    }
}
