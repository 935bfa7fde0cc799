//! Parses chunks in parallel and gives the results in the order of the input.
//!
//! A thread reads chunks; each is parsed as a task of rayon's pool; the consumer takes the results in order. The number
//! of chunks under way is bounded, so a slow consumer holds the reader back.
//!
//! The end is a message. A reader or a task that is gone without one has failed, and that is the last item: nothing that
//! was not read passes for the end.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

use crate::import::error::{LineNumber, Rejection};
use crate::memory;
use crate::threads;

/// Chunks that may wait for the consumer, at most: enough to keep the pool busy while a commit of the ones before is
/// written.
const CHUNKS_UNDER_WAY: usize = 160;

/// Bytes that a chunk takes, parsed.
const CHUNK_BYTES: u64 = 800 << 10;

/// What a line holds, or why nothing can be made of it.
pub(crate) type Item<T> = (LineNumber, Result<T, Rejection>);

/// What the reader says.
enum Chunk<T> {
    /// A chunk is being parsed.
    Parsing(Receiver<Vec<Item<T>>>),
    /// There is nothing more.
    End,
}

/// The results of parsing chunks, in order.
pub(crate) struct Pipeline<T> {
    chunks: Receiver<Chunk<T>>,
    parsing: Option<Receiver<Vec<Item<T>>>>,
    ready: std::vec::IntoIter<Item<T>>,
    /// The line of the last item.
    line: LineNumber,
    is_over: bool,
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
        parse: impl Fn(C) -> Vec<Item<T>> + Send + Sync + 'static,
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
        parse: impl Fn(C) -> Vec<Item<T>> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        threads::start()?;
        let (send_chunk, receive_chunk) = sync_channel(memory::count(4, CHUNK_BYTES, CHUNKS_UNDER_WAY));
        let parse = Arc::new(parse);
        let read = move || {
            produce(&mut |chunk| {
                let (send, receive) = sync_channel(1);
                if send_chunk.send(Chunk::Parsing(receive)).is_err() {
                    return false;
                }
                let parse = Arc::clone(&parse);
                rayon::spawn(move || drop(send.send(parse(chunk))));
                true
            });
            // Nobody may want to know.
            let _ = send_chunk.send(Chunk::End);
        };
        let reader = std::thread::Builder::new().name("headcount-read".to_owned());
        reader.spawn(read).map_err(|error| threads::no_thread(&error))?;
        Ok(Pipeline {
            chunks: receive_chunk,
            parsing: None,
            ready: Vec::new().into_iter(),
            line: LineNumber(0),
            is_over: false,
        })
    }

    /// The next item, if it comes before `patience` is over.
    pub(crate) fn next_within(&mut self, patience: Duration) -> Next<Item<T>> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(item) = self.ready.next() {
                self.line = item.0;
                return Next::Item(item);
            }
            if self.is_over {
                return Next::End;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let came = match self.parsing.take() {
                Some(parsing) => {
                    let items = parsing.recv_timeout(left);
                    if let Err(RecvTimeoutError::Timeout) = items {
                        self.parsing = Some(parsing);
                    }
                    items.map(|items| self.ready = items.into_iter())
                }
                None => self.chunks.recv_timeout(left).map(|chunk| self.take(chunk)),
            };
            match came {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => return Next::Idle,
                Err(RecvTimeoutError::Disconnected) => return Next::Item(self.broken()),
            }
        }
    }

    fn take(&mut self, chunk: Chunk<T>) {
        match chunk {
            Chunk::Parsing(parsing) => self.parsing = Some(parsing),
            Chunk::End => self.is_over = true,
        }
    }

    /// The last item where reading ended without having come to the end.
    fn broken(&mut self) -> Item<T> {
        self.is_over = true;
        let line = LineNumber(self.line.0 + 1);
        let reason = "cannot be read on: the thread that reads or parses ended early; nothing after this is read";
        (line, Err(Rejection::new(line, reason)))
    }
}

impl<T: Send + 'static> Iterator for Pipeline<T> {
    type Item = Item<T>;

    fn next(&mut self) -> Option<Item<T>> {
        loop {
            if let Some(item) = self.ready.next() {
                self.line = item.0;
                return Some(item);
            }
            if self.is_over {
                return None;
            }
            let came = match self.parsing.take() {
                Some(parsing) => receive(&parsing).map(|items| self.ready = items.into_iter()),
                None => receive(&self.chunks).map(|chunk| self.take(chunk)),
            };
            if came.is_none() {
                return Some(self.broken());
            }
        }
    }
}

/// Waits for a message; `None` if whoever had to send one is gone. On a thread of the pool, which may be the very one
/// that has to do the parsing, it works meanwhile.
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn item(line: u64) -> Item<u64> {
        (LineNumber(line), Ok(line))
    }

    /// Two ways to take what comes.
    fn taken(pipeline: impl Fn() -> Pipeline<u64>) -> [Vec<Item<u64>>; 2] {
        let mut within = Vec::new();
        let mut one = pipeline();
        loop {
            match one.next_within(Duration::from_secs(60)) {
                Next::Item(item) => within.push(item),
                Next::Idle => {}
                Next::End => break,
            }
        }
        assert_eq!(one.next_within(Duration::ZERO), Next::End);
        [within, pipeline().collect()]
    }

    #[test]
    fn the_end_is_told_and_nothing_else_passes_for_it() {
        for items in taken(|| Pipeline::start(0..1000, |at| vec![item(at)]).unwrap()) {
            assert_eq!(items, (0..1000).map(item).collect::<Vec<_>>());
        }
        // The reader dies.
        let broken = || {
            let produce = |emit: &mut dyn FnMut(u64) -> bool| {
                (1..=300).for_each(|at| assert!(emit(at)));
                std::panic::resume_unwind(Box::new("dies"));
            };
            Pipeline::start_pushing(produce, |at| vec![item(at)]).unwrap()
        };
        for items in taken(broken) {
            assert_eq!(items.len(), 301);
            let (line, last) = items.last().unwrap();
            assert_eq!(*line, LineNumber(301));
            assert!(last.as_ref().unwrap_err().reason.contains("nothing after this is read"));
        }
    }

    #[test]
    fn a_chunk_that_nobody_parses_is_no_end() {
        let lost = || {
            let (send, chunks) = sync_channel(4);
            for at in 1..=3 {
                let (parsed, parsing) = sync_channel(1);
                send.send(Chunk::Parsing(parsing)).unwrap();
                if at != 2 {
                    parsed.send(vec![item(at)]).unwrap();
                }
            }
            send.send(Chunk::End).unwrap();
            Pipeline { chunks, parsing: None, ready: Vec::new().into_iter(), line: LineNumber(0), is_over: false }
        };
        for items in taken(lost) {
            assert_eq!(items.first(), Some(&item(1)));
            assert!(items.len() == 2 && items[1].1.is_err(), "{items:?}");
        }
    }
}
