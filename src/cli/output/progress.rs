//! Progress on standard error, of whatever takes longer than a second.

use std::time::{Duration, Instant};

use indicatif::{ProgressDrawTarget, ProgressStyle};

/// What is over sooner is not worth a bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often a bar that moves by itself does so.
const TICK: Duration = Duration::from_millis(100);

/// A bar that appears after a second, if it is wanted at all, and goes away when dropped.
pub struct ProgressBar {
    bar: indicatif::ProgressBar,
    /// When it began, until it is shown; `None` once it is, or if it never will be.
    waiting_since: Option<Instant>,
}

impl ProgressBar {
    pub(crate) fn bytes(what: &str, total: Option<u64>, is_wanted: bool) -> Self {
        let template = match total {
            Some(_) => "{prefix} {wide_bar} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left {msg}",
            None => "{prefix} {spinner} {bytes}, {bytes_per_sec} {msg}",
        };
        Self::new(what, total, is_wanted, template)
    }

    pub(crate) fn items(what: &str, total: Option<u64>, is_wanted: bool) -> Self {
        let template = match total {
            Some(_) => "{prefix} {wide_bar} {human_pos}/{human_len}, {per_sec}, {eta} left {msg}",
            None => "{prefix} {spinner} {human_pos}, {per_sec} {msg}",
        };
        Self::new(what, total, is_wanted, template)
    }

    /// Something of which only the time that it takes can be told: it moves by itself, until it is dropped.
    pub(crate) fn waiting(what: &str, is_wanted: bool) -> Self {
        let mut waiting = Self::new(what, None, is_wanted, "{prefix} {spinner} {elapsed}");
        if waiting.waiting_since.take().is_some() {
            let bar = waiting.bar.clone();
            // The thread ends with the bar: a bar that is finished is shown no more.
            let shown = std::thread::Builder::new().name("headcount-progress".to_owned()).spawn(move || {
                std::thread::sleep(PATIENCE);
                if !bar.is_finished() {
                    bar.set_draw_target(ProgressDrawTarget::stderr());
                    bar.enable_steady_tick(TICK);
                }
            });
            // Without a thread there is no bar, and nothing else is missing.
            drop(shown);
        }
        waiting
    }

    fn new(what: &str, total: Option<u64>, is_wanted: bool, template: &str) -> Self {
        let bar = indicatif::ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_prefix(what.to_owned());
        ProgressBar { bar, waiting_since: is_wanted.then(Instant::now) }
    }

    /// Tells how far it has come in all.
    pub fn set(&mut self, position: u64) {
        self.show_if_due();
        self.bar.set_position(position);
    }

    /// Tells something beside the bar.
    pub fn say(&mut self, message: impl Into<String>) {
        self.bar.set_message(message.into());
    }

    /// Writes to standard error without tearing the bar.
    pub fn interrupted<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    fn show_if_due(&mut self) {
        if self.waiting_since.is_some_and(|since| since.elapsed() >= PATIENCE) {
            self.waiting_since = None;
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }
}

impl Drop for ProgressBar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
