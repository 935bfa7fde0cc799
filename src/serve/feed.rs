//! What happens in the store, whoever does it: one thread looks, everybody else is told.
//!
//! Streams that are up to date are given texts that were made once for all of them; one that is behind reads the log, in
//! pieces. A stream holds one piece at a time, and one that takes none for long is ended.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::fmt::Write;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Response, StatusCode, header};
use tokio::sync::{Semaphore, mpsc, watch};

use super::app::{App, Ask, Clock};
use super::reply::Problem;
use super::writer::WriteQueue;
use crate::answers::shapes::MembershipChange;
use crate::ids::Sequence;
use crate::workspace::{LogFilter, MembershipEvent, Reader, Workspace, WorkspaceError};

/// Time between looks at the store: other processes' commits are seen within it.
const LOOK_EVERY: Duration = Duration::from_millis(150);
/// Bytes of texts that are kept for streams that are up to date.
const KEPT: usize = 4 << 20;
/// Events of one piece.
const PIECE: usize = 4_096;
/// Streams at once; more are told to come back.
pub(super) const MOST_STREAMS: u64 = 1_024;
/// Pieces that are read from the log for streams at once.
const PIECES_AT_ONCE: usize = 16;
/// A stream that takes nothing for so long is ended.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between signs of life.
const SIGN: Duration = Duration::from_secs(15);
/// Between two tellings of counts to a page.
const COUNTS_EVERY: Duration = Duration::from_millis(400);

/// A moment of the store.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Seen {
    pub(super) commits: u64,
    pub(super) sequence: u64,
}

/// Texts of the last entries of the log, ascending and without gaps.
#[derive(Default, Debug)]
struct Kept {
    entries: VecDeque<(u64, Bytes)>,
    bytes: usize,
}

/// Tells what happens.
#[derive(Debug)]
pub(super) struct Feed {
    kept: Mutex<Kept>,
    told: watch::Sender<Seen>,
    /// Set when somebody knows that there is something to see.
    hint: Mutex<bool>,
    hinted: Condvar,
    pieces: Semaphore,
    listeners: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Feed {
    pub(super) fn new() -> Self {
        Feed {
            kept: Mutex::default(),
            told: watch::Sender::new(Seen::default()),
            hint: Mutex::new(false),
            hinted: Condvar::new(),
            pieces: Semaphore::new(PIECES_AT_ONCE),
            listeners: AtomicU64::new(0),
        }
    }

    /// Says that there is something to see.
    pub(super) fn hint(&self) {
        *lock(&self.hint) = true;
        self.hinted.notify_all();
    }

    /// Tells who listens whenever something is committed.
    pub(super) fn listen(&self) -> watch::Receiver<Seen> {
        self.told.subscribe()
    }

    fn wait(&self) {
        let hint = lock(&self.hint);
        let waited = self.hinted.wait_timeout_while(hint, LOOK_EVERY, |hinted| !*hinted);
        let (mut hint, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *hint = false;
    }

    /// Starts to look, until the service ends. With `queue`, it also has time pass, if the clock runs.
    pub(super) fn start(
        self: &Arc<Self>,
        workspace: Arc<Workspace>,
        clock: Clock,
        queue: Option<Arc<WriteQueue>>,
        ending: watch::Receiver<bool>,
    ) -> std::io::Result<JoinHandle<()>> {
        let feed = Arc::clone(self);
        std::thread::Builder::new().name("headcount-feed".to_owned()).spawn(move || {
            while !*ending.borrow() {
                // A store that cannot be read now may be readable in a moment; requests say what is wrong with it.
                let _ = feed.look(&workspace, clock, queue.as_deref());
                feed.wait();
            }
        })
    }

    fn look(&self, workspace: &Workspace, clock: Clock, queue: Option<&WriteQueue>) -> Result<(), WorkspaceError> {
        let mut reader = workspace.reader(clock.now())?;
        if let Some(queue) = queue
            && reader.next_due().is_some_and(|due| due <= clock.now())
        {
            drop(reader);
            queue.write(move |workspace| workspace.tick(clock.now()))?;
            reader = workspace.reader(clock.now())?;
        }
        let seen = Seen { commits: reader.commits(), sequence: reader.sequence().0 };
        let before = *self.told.borrow();
        if seen != before {
            self.keep(&reader, before.sequence, seen.sequence)?;
            self.told.send_replace(seen);
        }
        Ok(())
    }

    /// Makes the texts of new entries, if anybody listens and they are not large.
    fn keep(&self, reader: &Reader<'_>, before: u64, last: u64) -> Result<(), WorkspaceError> {
        let mut kept = lock(&self.kept);
        let is_heard = self.listeners.load(Ordering::Relaxed) > 0;
        if !is_heard || last < before || last - before > PIECE as u64 {
            *kept = Kept::default();
            return Ok(());
        }
        let mut number = before;
        for events in reader.events_since(Sequence(before), LogFilter::default())? {
            let events = events?;
            number += 1;
            if number > last {
                break;
            }
            if events.len() > PIECE {
                *kept = Kept::default();
                continue;
            }
            let text = Bytes::from(text_of(&events, true));
            kept.bytes += text.len();
            kept.entries.push_back((number, text));
        }
        while kept.bytes > KEPT {
            let Some((_, text)) = kept.entries.pop_front() else { break };
            kept.bytes -= text.len();
        }
        Ok(())
    }

    /// What was kept of the entries behind a place, and the place behind that; nothing if it was not kept.
    fn kept_after(&self, place: Place) -> Option<(Vec<u8>, Place)> {
        let kept = lock(&self.kept);
        let first = kept.entries.front()?.0;
        if place.skip > 0 || place.after + 1 < first {
            return None;
        }
        let mut text = Vec::new();
        let mut after = place.after;
        for (number, entry) in kept.entries.iter().filter(|(number, _)| *number > place.after) {
            if *number != after + 1 || text.len() > KEPT / 16 {
                break;
            }
            text.extend_from_slice(entry);
            after = *number;
        }
        (after > place.after).then_some((text, Place { after, skip: 0 }))
    }
}

/// How far a stream has come: through these entries, and so many events of the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Place {
    after: u64,
    skip: usize,
}

/// Events as a stream gives them. The place stands at the last event of a commit: whoever goes on from it has had all.
fn text_of(events: &[MembershipEvent], is_end: bool) -> String {
    let mut text = String::new();
    for (at, event) in events.iter().enumerate() {
        let line = serde_json::to_string(&MembershipChange::from(event)).unwrap_or_default();
        // Writing to a string does not fail.
        if is_end && at + 1 == events.len() {
            let _ = writeln!(text, "id: {}", event.sequence.0);
        }
        let _ = writeln!(text, "data: {line}\n");
    }
    text
}

/// Reads a piece of the log behind a place.
fn piece_after(reader: &Reader<'_>, place: Place) -> Result<(String, Place), WorkspaceError> {
    let (mut text, mut place, mut count) = (String::new(), place, 0);
    for events in reader.events_since(Sequence(place.after), LogFilter::default())? {
        let events = events?;
        let rest = events.get(place.skip..).unwrap_or_default();
        let taken = rest.get(..PIECE.saturating_sub(count).min(rest.len())).unwrap_or_default();
        let is_end = taken.len() == rest.len();
        text.push_str(&text_of(taken, is_end));
        count += taken.len();
        place = if is_end {
            Place { after: place.after + 1, skip: 0 }
        } else {
            Place { after: place.after, skip: place.skip + taken.len() }
        };
        if count >= PIECE {
            break;
        }
    }
    Ok((text, place))
}

/// A body that comes in pieces.
struct Pieces(mpsc::Receiver<Bytes>);

impl futures_core::Stream for Pieces {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|piece| piece.map(Ok))
    }
}

/// Counts a stream as long as it lives.
struct Counted(Arc<App>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.metrics.streams.fetch_sub(1, Ordering::Relaxed);
        self.0.feed.listeners.fetch_sub(1, Ordering::Relaxed);
    }
}

/// `GET /api/events`
pub(super) async fn stream(ask: Ask, last_id: Option<String>) -> Result<Response<Body>, Problem> {
    let app = Arc::clone(&ask.app);
    let is_counts = match ask.parameter("view") {
        None => false,
        Some("counts") => true,
        Some(_) => return Err(Problem::bad("`view` is `counts`, or is left out")),
    };
    let given = match last_id.as_deref().map(str::trim).filter(|id| !id.is_empty()) {
        Some(id) => Some(id.parse().map_err(|_| Problem::bad("`Last-Event-ID` is the number of an entry"))?),
        None => ask.number("since")?,
    };
    if app.metrics.streams.fetch_add(1, Ordering::Relaxed) >= MOST_STREAMS {
        app.metrics.streams.fetch_sub(1, Ordering::Relaxed);
        return Err(Problem::busy("too many streams are open; try again later"));
    }
    app.feed.listeners.fetch_add(1, Ordering::Relaxed);
    let counted = Counted(Arc::clone(&app));
    let place = app
        .readers
        .run(move || {
            let reader = ask.reader()?;
            let (horizon, last) = (reader.horizon().0, reader.sequence().0);
            let after = given.unwrap_or(last);
            // All that is kept, if that was asked for.
            let after = if after == 0 { horizon } else { after };
            if after < horizon || after > last {
                let message = format!("the log holds what came after entry {horizon}, up to entry {last}");
                return Err(Problem::new(StatusCode::GONE, message));
            }
            Ok(Place { after, skip: 0 })
        })
        .await?;
    let (send, receive) = mpsc::channel(1);
    tokio::spawn(async move {
        if is_counts {
            send_counts(&counted.0, send).await;
        } else {
            send_events(&counted.0, place, send).await;
        }
        drop(counted);
    });
    let mut response = Response::new(Body::from_stream(Pieces(receive)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// Sends a piece; false if nobody takes it.
async fn give(send: &mpsc::Sender<Bytes>, piece: impl Into<Bytes>) -> bool {
    matches!(tokio::time::timeout(PATIENCE, send.send(piece.into())).await, Ok(Ok(())))
}

/// Waits for a commit; false once the service ends or nobody listens.
async fn next_commit(
    seen: &mut watch::Receiver<Seen>,
    ending: &mut watch::Receiver<bool>,
    send: &mpsc::Sender<Bytes>,
) -> bool {
    loop {
        tokio::select! {
            changed = seen.changed() => return changed.is_ok(),
            _ = ending.changed() => return false,
            () = send.closed() => return false,
            () = tokio::time::sleep(SIGN) => {
                if !give(send, ": still here\n\n").await {
                    return false;
                }
            }
        }
    }
}

async fn send_events(app: &Arc<App>, mut place: Place, send: mpsc::Sender<Bytes>) {
    let (mut seen, mut ending) = (app.feed.listen(), app.ending.clone());
    if !give(&send, "retry: 1000\n\n").await {
        return;
    }
    loop {
        let last = seen.borrow_and_update().sequence;
        while place.after < last {
            if *ending.borrow() {
                return;
            }
            if let Some((text, next)) = app.feed.kept_after(place) {
                place = next;
                if !text.is_empty() && !give(&send, text).await {
                    return;
                }
                continue;
            }
            let Ok(_permit) = app.feed.pieces.acquire().await else { return };
            let reading = Arc::clone(app);
            let read =
                app.readers.run(move || Ok(piece_after(&reading.workspace.reader(reading.clock.now())?, place)?));
            match read.await {
                Ok((text, next)) if next != place => {
                    place = next;
                    if !text.is_empty() && !give(&send, text).await {
                        return;
                    }
                }
                // The log was cut off meanwhile, or cannot be read: whoever listens comes back and is told.
                Ok(_) | Err(_) => return,
            }
        }
        if !next_commit(&mut seen, &mut ending, &send).await {
            return;
        }
    }
}

/// For pages: members of the groups whose number changed, not more often than people can see.
async fn send_counts(app: &Arc<App>, send: mpsc::Sender<Bytes>) {
    let (mut seen, mut ending) = (app.feed.listen(), app.ending.clone());
    let mut known: BTreeMap<String, (u64, &'static str)> = BTreeMap::new();
    let mut is_first = true;
    loop {
        let moment = *seen.borrow_and_update();
        let reading = Arc::clone(app);
        let groups = app.readers.run(move || super::api::counts(&reading)).await;
        if let Ok(groups) = groups {
            let changed: serde_json::Map<String, serde_json::Value> = groups
                .iter()
                .filter(|(uuid, now)| known.get(*uuid) != Some(*now))
                .map(|(uuid, (count, status))| (uuid.clone(), serde_json::json!([count, status])))
                .collect();
            let gone: Vec<&String> = known.keys().filter(|uuid| !groups.contains_key(*uuid)).collect();
            let told = serde_json::json!({
                "seq": moment.sequence, "commits": moment.commits, "groups": changed, "gone": gone, "first": is_first
            });
            if !give(&send, format!("event: counts\ndata: {told}\n\n")).await {
                return;
            }
            is_first = false;
            known = groups.as_ref().clone();
        }
        if !next_commit(&mut seen, &mut ending, &send).await {
            return;
        }
        tokio::time::sleep(COUNTS_EVERY).await;
    }
}
