//! Membership changes sent out: each event in a request of its own, one after the other, so that groups see theirs in
//! order. What was not taken is sent again, later and later; where it has come to is kept in the store, so that it goes
//! on there after a crash and sends at most the last few again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant as Stopwatch};

use tokio::sync::watch;

use super::app::App;
use super::guard::signature;
use super::listen::ServeError;
use super::options::Webhook;
use crate::answers::shapes::MembershipChange;
use crate::ids::Sequence;
use crate::workspace::change::SourcePosition;
use crate::workspace::{LogFilter, MembershipEvent, WorkspaceError};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between the first two tries, and between any two at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(60));
/// How often the place is kept while events flow.
const KEEP_EVERY: Duration = Duration::from_secs(1);
/// Between looks at the log, where nobody says that there is something.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Events that are read at once.
const PIECE: usize = 1_024;

/// Sends events to one address.
pub(super) struct Delivery {
    app: Arc<App>,
    webhook: Webhook,
    agent: ureq::Agent,
    /// Under which the place is kept.
    name: Box<str>,
    /// Entries up to this were taken, whole.
    place: u64,
    kept: u64,
    last_kept: Stopwatch,
    ending: watch::Receiver<bool>,
}

impl Delivery {
    /// Goes on where the address was left; a new one begins with what comes next.
    ///
    /// # Errors
    /// If the address is none, or the place cannot be read or kept.
    pub(super) fn new(app: &Arc<App>, webhook: Webhook) -> Result<Self, ServeError> {
        if !(webhook.url.starts_with("http://") || webhook.url.starts_with("https://")) {
            return Err(ServeError::Option(format!("--webhook: `{}` is no http or https address", webhook.url)));
        }
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(concat!("headcount/", env!("CARGO_PKG_VERSION")))
            .build();
        let name: Box<str> = format!("webhook {}", webhook.url).into();
        let (known, last, horizon) = {
            let reader = app.workspace.reader(app.clock.now())?;
            (reader.source_offset(&name)?, reader.sequence().0, reader.horizon().0)
        };
        let mut delivery = Delivery {
            app: Arc::clone(app),
            webhook,
            agent: config.into(),
            name,
            place: known.unwrap_or(last),
            kept: known.unwrap_or(0),
            last_kept: Stopwatch::now(),
            ending: app.ending.clone(),
        };
        if delivery.place < horizon {
            eprintln!("warning: the log was cut off after entry {}: the webhook misses what was cut", delivery.place);
            delivery.place = horizon;
        }
        if known.is_none() {
            delivery.keep()?;
        }
        Ok(delivery)
    }

    fn keep(&mut self) -> Result<(), WorkspaceError> {
        let position = SourcePosition { name: self.name.clone(), offset: self.place };
        let now = self.app.clock.now();
        self.app.queue.write(move |workspace| {
            workspace.write(now, |writer| writer.advance_source(&position).map(drop)).map(drop)
        })?;
        (self.kept, self.last_kept) = (self.place, Stopwatch::now());
        Ok(())
    }

    /// Sends until the service ends.
    pub(super) fn run(mut self) {
        let mut pause = PAUSES.0;
        while !*self.ending.borrow() {
            match self.send_next() {
                Ok(true) => pause = PAUSES.0,
                Ok(false) => self.rest(LOOK_EVERY),
                Err(reason) => {
                    self.app.metrics.webhook_failures.fetch_add(1, Ordering::Relaxed);
                    eprintln!("warning: webhook: {reason}; trying again in {:.1} s", pause.as_secs_f64());
                    self.rest(pause);
                    pause = (pause * 2).min(PAUSES.1);
                }
            }
        }
        // What cannot be kept now is sent again at the next start.
        let _ = self.keep();
    }

    /// Waits, but not beyond the end.
    fn rest(&self, pause: Duration) {
        let began = Stopwatch::now();
        while began.elapsed() < pause && !*self.ending.borrow() {
            std::thread::sleep(Duration::from_millis(50).min(pause));
        }
    }

    /// Sends the next commits' events; false if there are none.
    fn send_next(&mut self) -> Result<bool, String> {
        let entries = self.next_entries().map_err(|error| error.to_string())?;
        let is_idle = entries.is_empty();
        for (number, events) in entries {
            for event in &events {
                if *self.ending.borrow() {
                    return Ok(true);
                }
                self.send(event)?;
            }
            self.place = number;
            self.app.metrics.webhook_position.store(number, Ordering::Relaxed);
            if self.last_kept.elapsed() > KEEP_EVERY {
                self.keep().map_err(|error| error.to_string())?;
            }
        }
        if is_idle && self.kept < self.place {
            self.keep().map_err(|error| error.to_string())?;
        }
        Ok(!is_idle)
    }

    /// Entries that were not sent, with their numbers.
    fn next_entries(&self) -> Result<Vec<(u64, Vec<MembershipEvent>)>, WorkspaceError> {
        let reader = self.app.workspace.reader(self.app.clock.now())?;
        let (mut entries, mut count, mut number) = (Vec::new(), 0, self.place);
        if reader.sequence().0 <= number {
            return Ok(entries);
        }
        for events in reader.events_since(Sequence(number), LogFilter::default())? {
            let events = events?;
            number += 1;
            count += events.len();
            entries.push((number, events));
            if count >= PIECE {
                break;
            }
        }
        Ok(entries)
    }

    fn send(&self, event: &MembershipEvent) -> Result<(), String> {
        let body = serde_json::to_string(&MembershipChange::from(event)).map_err(|error| error.to_string())?;
        let sent = self
            .agent
            .post(&self.webhook.url)
            .header("content-type", "application/json")
            .header("x-headcount-signature", format!("sha256={}", signature(&self.webhook.secret, body.as_bytes())))
            .header("x-headcount-seq", event.sequence.0.to_string())
            .send(&body);
        match sent {
            Ok(mut answer) if answer.status().is_success() => {
                // The connection is used again once the answer has been read.
                let _ = answer.body_mut().with_config().limit(1 << 16).read_to_vec();
                Ok(())
            }
            Ok(answer) => Err(format!("{} answered {}", self.webhook.url, answer.status())),
            Err(error) => Err(format!("{}: {error}", self.webhook.url)),
        }
    }
}
