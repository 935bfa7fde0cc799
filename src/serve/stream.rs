//! A stream of changes that is applied while others are served.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant as Stopwatch};

use super::app::App;
use crate::answers::hiding::message;
use crate::import::changes::{Item, Next};
use crate::import::{ChangeReader, ImportError, Source};

/// Lines that are applied together at most.
const LINES: usize = 32_768;
/// A line waits no longer than this for others.
const LATENCY: Duration = Duration::from_millis(50);
/// Between looks whether the service ends, and between tries where the store cannot be written.
const PAUSE: Duration = Duration::from_millis(200);

/// The source of a path: a file that others append to, or standard input for `-`.
pub(super) fn source(path: &Path) -> Result<Source, ImportError> {
    if path.as_os_str() == "-" { Ok(Source::standard_input()) } else { Source::followed(path) }
}

/// Applies lines as they come, until the source or the service ends. Lines that are refused are told.
pub(super) fn run(app: &Arc<App>, source: Source) {
    let (name, is_over) = (source.name().to_owned(), || *app.ending.borrow());
    let mut changes = match ChangeReader::open(source) {
        Ok(changes) => changes,
        Err(error) if error.is_empty() => return,
        Err(error) => return eprintln!("error: {error}"),
    };
    let mut has_ended = false;
    while !has_ended && !is_over() {
        let mut items: Vec<Item> = Vec::new();
        let began = Stopwatch::now();
        while items.len() < LINES && !has_ended {
            let patience = if items.is_empty() { PAUSE } else { LATENCY.saturating_sub(began.elapsed()) };
            match changes.next_within(patience) {
                Next::Item(item) => items.push(item),
                Next::Idle => break,
                Next::End => has_ended = true,
            }
        }
        if !items.is_empty() {
            apply(app, &name, items);
        }
    }
}

/// Applies lines; where that cannot be done now, again and again until it can.
fn apply(app: &Arc<App>, name: &str, items: Vec<Item>) {
    let mut is_told = false;
    while !*app.ending.borrow() {
        match app.queue.apply(items.clone()) {
            Ok(written) => {
                for rejected in written.lines.rejected {
                    eprintln!("{name}:{}: {}", rejected.line, rejected.error);
                }
                let hides_addresses =
                    app.workspace.reader(app.clock.now()).is_ok_and(|reader| reader.environment().redact_urns);
                for sentence in written.omissions.sentences() {
                    eprintln!("warning: {}", message(&sentence, hides_addresses));
                }
                return;
            }
            Err(problem) => {
                if !std::mem::replace(&mut is_told, true) {
                    eprintln!("warning: {name}: {}; trying again", problem.message());
                }
                std::thread::sleep(PAUSE);
            }
        }
    }
}
