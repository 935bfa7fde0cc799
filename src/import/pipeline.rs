//! Parses chunks in parallel and gives the results in the order of the input.
//!
//! A thread reads chunks; each is parsed as a task of rayon's pool; the consumer takes the results in order. The number
//! of chunks under way is bounded, so a slow consumer holds the reader back.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

/// Chunks that may wait for the consumer: enough to keep the pool busy while a commit of the ones before is written.
const CHUNKS_UNDER_WAY: usize = 160;

/// The results of parsing chunks, in order.
pub(crate) struct Pipeline<T> {
    chunks: Receiver<Receiver<Vec<T>>>,
    parsing: Option<Receiver<Vec<T>>>,
    ready: std::vec::IntoIter<T>,
}

/// What `Pipeline::next_within` found.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<T> {
    /// The next item.
    Item(T),
    /// Nothing came in the time given; more may come.
    Idle,
    /// There is nothing more.
    End,
}

impl<T: Send + 'static> Pipeline<T> {
    /// Starts to read `chunks`, which `parse` turns into items.
    ///
    /// # Errors
    /// If no thread can be started.
    pub(crate) fn start<C: Send + 'static>(
        chunks: impl Iterator<Item = C> + Send + 'static,
        parse: impl Fn(C) -> Vec<T> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let produce = |emit: &mut dyn FnMut(C) -> bool| {
            for chunk in chunks {
                if !emit(chunk) {
                    return;
                }
            }
        };
        Self::start_pushing(produce, parse)
    }

    /// The same for a reader that cannot be an iterator: `produce` hands each chunk to the function that it is given,
    /// and stops when that says `false`, since nobody wants the rest.
    ///
    /// # Errors
    /// If no thread can be started.
    pub(crate) fn start_pushing<C: Send + 'static>(
        produce: impl FnOnce(&mut dyn FnMut(C) -> bool) + Send + 'static,
        parse: impl Fn(C) -> Vec<T> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let (send_chunk, receive_chunk) = sync_channel(CHUNKS_UNDER_WAY);
        let parse = Arc::new(parse);
        std::thread::Builder::new().name("headcount-read".to_owned()).spawn(move || {
            produce(&mut |chunk| {
                let (send, receive) = sync_channel(1);
                if send_chunk.send(receive).is_err() {
                    return false;
                }
                let parse = Arc::clone(&parse);
                rayon::spawn(move || drop(send.send(parse(chunk))));
                true
            });
        })?;
        Ok(Pipeline { chunks: receive_chunk, parsing: None, ready: Vec::new().into_iter() })
    }

    /// The next item, if it comes before `patience` is over.
    pub(crate) fn next_within(&mut self, patience: Duration) -> Next<T> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(item) = self.ready.next() {
                return Next::Item(item);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match &self.parsing {
                Some(parsing) => match parsing.recv_timeout(left) {
                    Ok(items) => {
                        self.ready = items.into_iter();
                        self.parsing = None;
                    }
                    Err(RecvTimeoutError::Timeout) => return Next::Idle,
                    Err(RecvTimeoutError::Disconnected) => self.parsing = None,
                },
                None => match self.chunks.recv_timeout(left) {
                    Ok(parsing) => self.parsing = Some(parsing),
                    Err(RecvTimeoutError::Timeout) => return Next::Idle,
                    Err(RecvTimeoutError::Disconnected) => return Next::End,
                },
            }
        }
    }
}

impl<T: Send + 'static> Iterator for Pipeline<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        loop {
            if let Some(item) = self.ready.next() {
                return Some(item);
            }
            let parsing = receive(&self.chunks)?;
            self.ready = receive(&parsing).unwrap_or_default().into_iter();
        }
    }
}

/// Waits for a message. On a thread of the pool, which may be the very one that has to do the parsing, it works meanwhile.
fn receive<T>(from: &Receiver<T>) -> Option<T> {
    if rayon::current_thread_index().is_none() {
        return from.recv().ok();
    }
    loop {
        match from.try_recv() {
            Ok(message) => return Some(message),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => match rayon::yield_now() {
                Some(rayon::Yield::Executed) => {}
                _ => std::thread::sleep(Duration::from_micros(50)),
            },
        }
    }
}
