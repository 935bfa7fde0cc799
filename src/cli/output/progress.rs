//! Progress on standard error, of whatever takes longer than a second.

use std::time::{Duration, Instant};

use indicatif::{ProgressDrawTarget, ProgressStyle};

/// What is over sooner is not worth a bar.
const PATIENCE: Duration = Duration::from_secs(1);

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
