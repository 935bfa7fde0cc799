//! The threads that share the work: started once for a process, as many as the system grants.
//!
//! rayon starts its pool when it is first used, and panics where the system gives no thread. So it is started here, before
//! anything uses it: threads are had first, and the pool is made of those that there are.

use std::io;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};

use rayon::{ThreadBuilder, ThreadPoolBuilder};

/// Threads that are left to others where there are too few: who reads ahead, and who computes beside a writer.
const LEFT_TO_OTHERS: usize = 2;

/// Whether the pool is there.
static STARTED: Mutex<bool> = Mutex::new(false);

/// Starts the pool of this process, if it is not there yet. With fewer threads than there are processors if the system
/// grants no more; what the pool does takes longer then, and is the same.
///
/// Cost: some ten microseconds for each thread, once.
///
/// # Errors
/// If the system grants not one thread. The next call tries again.
pub(crate) fn start() -> io::Result<()> {
    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    if *started {
        return Ok(());
    }
    let wanted = wanted();
    let mut waiting = Vec::with_capacity(wanted);
    let mut refused = None;
    while waiting.len() < wanted && refused.is_none() {
        match waiting_thread(waiting.len()) {
            Ok(thread) => waiting.push(thread),
            Err(error) => refused = Some(error),
        }
    }
    if let Some(error) = refused {
        if waiting.is_empty() {
            return Err(no_thread(&error));
        }
        // A thread whose place in the pool never comes ends.
        waiting.truncate(waiting.len().saturating_sub(LEFT_TO_OTHERS).max(1));
    }
    let threads = waiting.len();
    let built = ThreadPoolBuilder::new()
        .num_threads(threads)
        .spawn_handler(|thread| {
            let sender = waiting.pop().ok_or(io::ErrorKind::WouldBlock)?;
            sender.send(thread).map_err(|_| io::ErrorKind::BrokenPipe.into())
        })
        .build_global();
    // A program that made a pool of its own before uses that one.
    drop(built);
    *started = true;
    Ok(())
}

/// What is said where there is no thread to be had.
pub(crate) fn no_thread(error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("no thread can be started ({error}): the limit on processes or on memory is too low"),
    )
}

/// As rayon counts.
fn wanted() -> usize {
    let told = std::env::var("RAYON_NUM_THREADS").ok().and_then(|number| number.parse().ok()).filter(|&told| told > 0);
    told.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// A thread that waits to be told its place in the pool.
fn waiting_thread(number: usize) -> io::Result<Sender<ThreadBuilder>> {
    let (send, receive) = channel::<ThreadBuilder>();
    std::thread::Builder::new().name(format!("headcount-{number}")).spawn(move || {
        if let Ok(place) = receive.recv() {
            place.run();
        }
    })?;
    Ok(send)
}
