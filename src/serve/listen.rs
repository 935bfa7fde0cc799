//! Connections: how many, how slow, and how they end.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_io_timeout::TimeoutStream;

use super::app::{App, Clock, Metrics};
use super::feed::Feed;
use super::options::Options;
use super::pool::Pool;
use super::writer::WriteQueue;
use crate::workspace::{Workspace, WorkspaceError};

/// Connections at once, where the system allows as many files.
const MOST_CONNECTIONS: u64 = 4_096;
/// Files that the store, the text index and the rest may need.
const OTHER_FILES: u64 = 256;
/// How long the head of a request may take.
const HEAD: Duration = Duration::from_secs(10);
/// How long a client may take nothing of what it is sent, or send nothing of what it announced.
const STALLED: Duration = Duration::from_secs(30);
/// How long what runs may take when the service ends.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// Requests that may wait for the writer, and so share commits.
const WRITES_AT_ONCE: usize = 128;

/// Why a workspace cannot be served.
#[derive(Debug)]
pub enum ServeError {
    /// The system says why.
    Io(std::io::Error),
    /// It would listen to other machines without asking for a token.
    NeedsToken(SocketAddr),
    /// The workspace cannot be read.
    Workspace(WorkspaceError),
    /// An option cannot be what it is.
    Option(String),
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServeError::Io(error) => error.fmt(f),
            ServeError::NeedsToken(address) => write!(
                f,
                "{address} can be reached from other machines: give --token-file FILE, or listen on 127.0.0.1"
            ),
            ServeError::Workspace(error) => error.fmt(f),
            ServeError::Option(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for ServeError {}

impl From<std::io::Error> for ServeError {
    fn from(error: std::io::Error) -> Self {
        ServeError::Io(error)
    }
}

impl From<WorkspaceError> for ServeError {
    fn from(error: WorkspaceError) -> Self {
        ServeError::Workspace(error)
    }
}

/// A service that listens.
#[derive(Debug)]
pub struct Server {
    runtime: tokio::runtime::Runtime,
    listener: TcpListener,
    app: Arc<App>,
    end: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
}

impl Server {
    /// Begins to listen, and to look at the store.
    ///
    /// # Errors
    /// If the address is taken, or reaches other machines without a token, or the workspace cannot be read.
    pub fn start(workspace: Workspace, options: Options) -> Result<Self, ServeError> {
        if !options.listen.ip().is_loopback() && options.token.is_none() {
            return Err(ServeError::NeedsToken(options.listen));
        }
        let clock = Clock(options.now);
        workspace.reader(clock.now())?;
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let readers = (cores * 2).max(4);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(cores)
            .max_blocking_threads(readers + WRITES_AT_ONCE + 8)
            .enable_all()
            .build()?;
        let listener = runtime.block_on(TcpListener::bind(options.listen))?;
        let workspace = Arc::new(workspace);
        let (end, ending) = watch::channel(false);
        let feed = Arc::new(Feed::new());
        let hinted = Arc::clone(&feed);
        let queue = Arc::new(WriteQueue::start(Arc::clone(&workspace), clock, move || hinted.hint())?);
        let makes_time_pass = options.allow_write && options.now.is_none();
        let writing = makes_time_pass.then(|| Arc::clone(&queue));
        let mut threads = vec![feed.start(Arc::clone(&workspace), clock, writing, ending.clone())?];
        let app = Arc::new(App {
            workspace,
            clock,
            readers: Pool::new(readers),
            writers: Pool::new(WRITES_AT_ONCE),
            queue,
            feed,
            metrics: Metrics::default(),
            counts: Mutex::default(),
            by_modification: Mutex::default(),
            ending,
            options,
        });
        threads.extend(super::start_beside(&app)?);
        Ok(Server { runtime, listener, app, end, threads })
    }

    /// Where it listens: of use where the port was left to the system.
    ///
    /// # Errors
    /// If the system does not say.
    pub fn address(&self) -> Result<SocketAddr, ServeError> {
        Ok(self.listener.local_addr()?)
    }

    /// Serves until the process is told to end: what runs is finished, within seconds.
    ///
    /// # Errors
    /// If the system does not tell of signals.
    pub fn run(self) -> Result<(), ServeError> {
        let Server { runtime, listener, app, end, threads } = self;
        let router = super::routes::router(Arc::clone(&app));
        runtime.block_on(async {
            let told = told_to_end()?;
            accept(&listener, &app, router, told, &end).await;
            Ok::<(), std::io::Error>(())
        })?;
        app.feed.hint();
        let began = std::time::Instant::now();
        while began.elapsed() < LAST_WORDS / 2 && threads.iter().any(|thread| !thread.is_finished()) {
            std::thread::sleep(Duration::from_millis(10));
        }
        app.queue.finish();
        runtime.shutdown_timeout(Duration::from_millis(200));
        Ok(())
    }
}

/// Ends when the process is told to end.
#[cfg(unix)]
fn told_to_end() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Ends when the process is told to end.
#[cfg(not(unix))]
fn told_to_end() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without a way to be told, it goes on.
        let _ = tokio::signal::ctrl_c().await;
    })
}

/// Takes connections until told to end, then lets those that are open finish.
async fn accept(
    listener: &TcpListener,
    app: &Arc<App>,
    router: Router,
    told: impl Future<Output = ()>,
    end: &watch::Sender<bool>,
) {
    let graceful = GracefulShutdown::new();
    let most = most_connections();
    let mut told = std::pin::pin!(told);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut told => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(_) => {
                // Out of files, most likely: those who are connected leave in a moment.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        if app.metrics.connections.fetch_add(1, Ordering::Relaxed) >= most {
            app.metrics.connections.fetch_sub(1, Ordering::Relaxed);
            tokio::spawn(turn_away(stream));
            continue;
        }
        // Small answers are not held back for larger ones.
        let _ = stream.set_nodelay(true);
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(STALLED));
        let service = TowerToHyperService::new(router.clone());
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .serve_connection(TokioIo::new(Box::pin(stream)), service);
        let connection = graceful.watch(connection);
        let app = Arc::clone(app);
        tokio::spawn(async move {
            // A client that goes away, or sends what is no request, is no matter of ours.
            let _ = connection.await;
            app.metrics.connections.fetch_sub(1, Ordering::Relaxed);
        });
    }
    end.send_replace(true);
    let _ = tokio::time::timeout(LAST_WORDS, graceful.shutdown()).await;
}

async fn turn_away(mut stream: TcpStream) {
    let text = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let _ = tokio::time::timeout(Duration::from_secs(1), stream.write_all(text)).await;
}

/// As many as the system's limit of open files leaves room for.
fn most_connections() -> u64 {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let files = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(1_024);
    files.saturating_sub(OTHER_FILES).clamp(64, MOST_CONNECTIONS)
}
