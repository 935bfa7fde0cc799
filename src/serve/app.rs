//! What every request can reach.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use super::feed::Feed;
use super::options::Options;
use super::pool::Pool;
use super::reply::Problem;
use super::writer::WriteQueue;
use crate::ids::DocumentNumber;
use crate::value::Instant;
use crate::workspace::{Reader, Workspace};

/// The present moment: the system's, or one that stands still.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock(pub(super) Option<Instant>);

impl Clock {
    pub(super) fn now(self) -> Instant {
        self.0.unwrap_or_else(Instant::now)
    }
}

/// One service over one workspace.
#[derive(Debug)]
pub(super) struct App {
    pub(super) workspace: Arc<Workspace>,
    pub(super) options: Options,
    pub(super) clock: Clock,
    /// Searches and everything else that only reads.
    pub(super) readers: Pool,
    /// Requests that wait for the writer.
    pub(super) writers: Pool,
    pub(super) queue: Arc<WriteQueue>,
    pub(super) feed: Arc<Feed>,
    pub(super) metrics: Metrics,
    /// Members of groups at the last commit that was asked for.
    pub(super) counts: Mutex<Option<(u64, Arc<super::api::Counts>)>>,
    /// Contacts by when they were modified, at the last commit at which somebody asked.
    pub(super) by_modification: Mutex<Option<(u64, Arc<Vec<(Instant, DocumentNumber)>>)>>,
    /// True once the service ends.
    pub(super) ending: watch::Receiver<bool>,
}

/// What one request asks.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) app: Arc<App>,
    /// Names of the path with their values.
    pub(super) path: Vec<(String, String)>,
    /// What stands behind the `?`, decoded.
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Bytes,
    /// How the caller reached this service: `http://localhost:8080`.
    pub(super) base: String,
}

impl Ask {
    pub(super) fn reader(&self) -> Result<Reader<'_>, Problem> {
        Ok(self.app.workspace.reader(self.app.clock.now())?)
    }

    /// A name of the path.
    pub(super) fn named(&self, name: &str) -> &str {
        self.path.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// A parameter that is there and not empty.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A parameter that is a whole number.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Problem> {
        let parse = |text: &str| text.parse().map_err(|_| Problem::bad(format!("`{name}` is a whole number")));
        self.parameter(name).map(parse).transpose()
    }

    /// The body as JSON.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_json::from_slice(&self.body).map_err(|error| {
            if self.body.is_empty() {
                return Problem::bad("the body is empty; send JSON");
            }
            Problem::bad(format!("the body is not the JSON that is expected here: {error}"))
        })
    }

    /// The body as a form.
    pub(super) fn form(&self) -> Vec<(String, String)> {
        let uri = format!("/?{}", String::from_utf8_lossy(&self.body));
        pairs(&uri.parse().unwrap_or_default())
    }
}

/// The parameters of an address, decoded.
pub(super) fn pairs(uri: &axum::http::Uri) -> Vec<(String, String)> {
    axum::extract::Query::try_from_uri(uri).map_or_else(|_| Vec::new(), |query| query.0)
}

/// Upper ends of the histogram of times, in milliseconds.
const BUCKETS: [u64; 9] = [1, 2, 5, 10, 20, 50, 100, 500, 2_000];

/// What has happened since the start.
#[derive(Default, Debug)]
pub(super) struct Metrics {
    requests: Mutex<BTreeMap<(&'static str, u16), u64>>,
    times: [AtomicU64; BUCKETS.len()],
    count: AtomicU64,
    micros: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) streams: AtomicU64,
    pub(super) connections: AtomicU64,
    pub(super) webhook_position: AtomicU64,
    pub(super) webhook_failures: AtomicU64,
}

impl Metrics {
    pub(super) fn count(&self, path: &'static str, status: StatusCode, took: Duration) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry((path, status.as_u16())).or_default() += 1;
        drop(requests);
        self.count.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        for (bucket, counter) in BUCKETS.iter().zip(&self.times) {
            if took <= Duration::from_millis(*bucket) {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// In the text format of Prometheus, with what the workspace holds.
    pub(super) fn text(&self, reader: &Reader<'_>) -> Result<String, Problem> {
        let mut text = String::new();
        let mut put = |name: &str, kind: &str, help: &str, lines: &[(String, String)]| {
            // Writing to a string does not fail.
            let _ = writeln!(text, "# HELP headcount_{name} {help}\n# TYPE headcount_{name} {kind}");
            for (labels, value) in lines {
                let _ = writeln!(text, "headcount_{name}{labels} {value}");
            }
        };
        let one = |value: u64| [(String::new(), value.to_string())];
        let load = |counter: &AtomicU64| one(counter.load(Ordering::Relaxed));
        put("contacts", "gauge", "Contacts in the workspace.", &one(reader.contacts()));
        put("groups", "gauge", "Groups, manual and smart.", &one(reader.schema().groups().len() as u64));
        put("log_sequence", "counter", "The last entry of the membership log.", &one(reader.sequence().0));
        put("commits", "counter", "Commits of the workspace, by any process.", &one(reader.commits()));
        let clock = reader.clock().micros() / 1_000_000;
        put("clock_seconds", "gauge", "The workspace's clock.", &[(String::new(), clock.to_string())]);
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let lines: Vec<_> = requests
            .iter()
            .map(|((path, status), count)| (format!("{{path=\"{path}\",status=\"{status}\"}}"), count.to_string()))
            .collect();
        put("requests_total", "counter", "Requests by path and status.", &lines);
        put(
            "refused_total",
            "counter",
            "Requests of another host, another origin or without a token.",
            &load(&self.refused),
        );
        put("streams", "gauge", "Open streams of events.", &load(&self.streams));
        put("connections", "gauge", "Open connections.", &load(&self.connections));
        put("webhook_sequence", "gauge", "The last entry that the webhook took.", &load(&self.webhook_position));
        put(
            "webhook_failures_total",
            "counter",
            "Deliveries that failed and are tried again.",
            &load(&self.webhook_failures),
        );
        let name = "request_seconds";
        let _ = writeln!(text, "# HELP headcount_{name} Times of requests.\n# TYPE headcount_{name} histogram");
        for (bucket, counter) in BUCKETS.iter().zip(&self.times) {
            let (end, count) = (*bucket as f64 / 1e3, counter.load(Ordering::Relaxed));
            let _ = writeln!(text, "headcount_{name}_bucket{{le=\"{end}\"}} {count}");
        }
        let (count, sum) = (self.count.load(Ordering::Relaxed), self.micros.load(Ordering::Relaxed) as f64 / 1e6);
        let _ = writeln!(text, "headcount_{name}_bucket{{le=\"+Inf\"}} {count}");
        let _ = writeln!(text, "headcount_{name}_sum {sum}\nheadcount_{name}_count {count}");
        Ok(text)
    }
}
