//! `apply`

use std::collections::VecDeque;
use std::io::IsTerminal;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant as Stopwatch};

use crate::cli::Outcome;
use crate::cli::args::stream::Apply;
use crate::cli::commands::feed::{Feed, WhenClosed};
use crate::cli::commands::hiding::message;
use crate::cli::commands::hints::why_refused;
use crate::cli::commands::session::Session;
use crate::cli::commands::trigger::Trigger;
use crate::cli::failure::Failure;
use crate::cli::output::progress::ProgressBar;
use crate::cli::output::{counted, lasting};
use crate::cli::settings::Settings;
use crate::import::changes::{Item, Next};
use crate::import::{ChangeReader, ImportError, LineNumber, Source};
use crate::threads;
use crate::value::Instant;
use crate::workspace::{Applied, LogFilter, Omissions, WorkspaceError, Writer};

/// Lines per commit of a file: contacts share pages, so that more of them cost less each; these take half a gigabyte.
const LINES: usize = 262_144;
/// Lines that are applied together: enough to keep all processors busy.
const LOT: usize = 32_768;
/// On a stream, a line waits no longer than this for others to share its commit.
const LATENCY: Duration = Duration::from_millis(50);
/// On a stream, text is indexed once so many contacts wait for it, unless told: some tenths of a second of work.
const INDEX_AFTER: u64 = 50_000;
/// The longest sleep: other processes may change when something is due.
const POLL: Duration = Duration::from_secs(1);

/// Applies a stream of changes, and prints the membership changes that they cause.
pub(super) fn apply(args: &Apply, settings: &Settings) -> Outcome {
    let session = Session::open(settings)?;
    let is_standard_input = args.file.as_os_str() == "-";
    let source =
        if args.follow && !is_standard_input { Source::followed(&args.file)? } else { Source::open(&args.file)? };
    let mut output = settings.output();
    let (hides_addresses, last) = {
        let reader = session.reader()?;
        output.set_zone(reader.environment().timezone.clone());
        (reader.environment().redact_urns, reader.sequence())
    };
    let trigger = match &args.exec {
        Some(command) => Some(Trigger::start(command, LogFilter::default(), &session, last)?),
        None => None,
    };
    let (trigger, told) = trigger.map_or((None, last), |(trigger, told)| (Some(trigger), told));
    let shows_progress = !std::io::stdout().is_terminal();
    let total = source.progress().total_bytes().filter(|_| shows_progress);
    // A file is applied to its end whoever reads what comes of it; a stream ends when nobody does.
    let mut feed = if source.is_stream() {
        Feed::new(&mut output, settings, trigger, WhenClosed::End).drawn_at_once()
    } else {
        Feed::new(&mut output, settings, trigger, WhenClosed::GoOn)
    };
    // What a program missed last time comes first.
    feed.tell_missed(&session, told, last)?;
    if let Some(after) = args.index_after.or(source.is_stream().then_some(INDEX_AFTER)) {
        session.told(session.workspace.index_in_background(Some(after)))?;
    }
    let mut application = Application {
        session: &session,
        name: source.name().to_owned(),
        is_live: source.is_stream(),
        cut: Cut::of(args.batch_size),
        hides_addresses,
        waiting: VecDeque::new(),
        has_ended: false,
        feed,
        progress: total.map(|total| settings.progress_bytes("applying", Some(total))),
        totals: Totals::default(),
    };
    application.run(source)?;
    application.finish()
}

/// Where commits are cut.
#[derive(Clone, Copy)]
enum Cut {
    /// By lines.
    Usual,
    /// After each line, whatever it does.
    EachLine,
    /// After that many contacts.
    Contacts(usize),
}

impl Cut {
    fn of(batch_size: Option<u32>) -> Self {
        match batch_size {
            None => Cut::Usual,
            Some(1) => Cut::EachLine,
            Some(contacts) => Cut::Contacts(contacts as usize),
        }
    }

    /// Lines that are applied together. A commit that is cut by contacts is looked at after each line, since any may be
    /// the one that fills it.
    fn lot(self) -> usize {
        match self {
            Cut::Usual => LOT,
            Cut::EachLine | Cut::Contacts(_) => 1,
        }
    }

    /// As many lines make a commit at least, if they can be had: each is about one contact at most.
    fn lines(self) -> usize {
        match self {
            Cut::Usual => LINES,
            Cut::EachLine => 1,
            Cut::Contacts(contacts) => contacts.min(LINES),
        }
    }
}

#[derive(Default)]
struct Totals {
    applied: u64,
    /// Lines of a source that were applied or rejected by an earlier run.
    seen: u64,
    rejected: u64,
    omissions: Omissions,
}

/// A stream of changes on its way into a workspace.
struct Application<'s, 'o> {
    session: &'s Session<'s>,
    /// The source, for messages.
    name: String,
    /// Whether lines come when they come: then they are committed soon, and the clock goes on meanwhile.
    is_live: bool,
    cut: Cut,
    hides_addresses: bool,
    /// Lines read and not applied yet.
    waiting: VecDeque<Item>,
    has_ended: bool,
    feed: Feed<'o>,
    progress: Option<ProgressBar>,
    totals: Totals,
}

impl Application<'_, '_> {
    fn run(&mut self, source: Source) -> Outcome {
        let Some(mut changes) = self.open(source)? else { return Ok(()) };
        loop {
            if self.is_live {
                self.gather(&mut changes)?
            } else {
                self.read(&mut changes)
            }
            if !self.waiting.is_empty() {
                self.commit()?;
            } else if self.has_ended {
                return Ok(());
            }
            if let Some(progress) = &mut self.progress {
                progress.set(changes.progress().bytes_read());
            }
            if let Some(trigger) = self.feed.trigger() {
                trigger.keep_position(self.session)?;
            }
        }
    }

    /// Begins to read. A stream may say nothing for long, so it is opened beside; one that ends like that is no error.
    fn open(&mut self, source: Source) -> Outcome<Option<ChangeReader>> {
        if !self.is_live {
            return Ok(Some(self.opened(ChangeReader::open(source))?));
        }
        let (send, receive) = sync_channel(1);
        std::thread::Builder::new()
            .name("headcount-open".to_owned())
            .spawn(move || drop(send.send(ChangeReader::open(source))))
            .map_err(|error| threads::no_thread(&error))?;
        loop {
            match receive.recv_timeout(self.patience()?) {
                Ok(Err(error)) if error.is_empty() => return Ok(None),
                Ok(opened) => return Ok(Some(self.opened(opened)?)),
                Err(RecvTimeoutError::Timeout) => self.catch_up()?,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::Failed(format!("{}: cannot be read", self.name)));
                }
            }
        }
    }

    fn opened(&self, opened: Result<ChangeReader, ImportError>) -> Outcome<ChangeReader> {
        opened.map_err(|error| Failure::Failed(message(&error.to_string(), self.hides_addresses).into_owned()))
    }

    /// Reads on until there is enough for a commit that is cut by contacts, however often they repeat.
    fn read(&mut self, changes: &mut ChangeReader) {
        let wanted = if matches!(self.cut, Cut::EachLine) { 1 } else { LINES };
        while self.waiting.len() < wanted && !self.has_ended {
            match changes.next() {
                Some(item) => self.waiting.push_back(item),
                None => self.has_ended = true,
            }
        }
    }

    /// Waits for a line, and for the others that come soon after it.
    fn gather(&mut self, changes: &mut ChangeReader) -> Outcome {
        while self.waiting.is_empty() && !self.has_ended {
            match changes.next_within(self.patience()?) {
                Next::Item(item) => self.waiting.push_back(item),
                Next::Idle => self.catch_up()?,
                Next::End => self.has_ended = true,
            }
        }
        let began = Stopwatch::now();
        while self.waiting.len() < self.cut.lines() && !self.has_ended {
            let left = LATENCY.saturating_sub(began.elapsed());
            match changes.next_within(left) {
                Next::Item(item) => self.waiting.push_back(item),
                Next::Idle => break,
                Next::End => self.has_ended = true,
            }
            if left.is_zero() {
                break;
            }
        }
        Ok(())
    }

    /// Applies what is waiting, or as much as makes one commit; tells what came of it once that is durable.
    fn commit(&mut self) -> Outcome {
        let Application { session, waiting, cut, hides_addresses, .. } = self;
        let mut rejected = Vec::new();
        let began = Stopwatch::now();
        let commit = session.told(session.workspace.write(session.settings.moment(), |writer| {
            let (mut lines, mut seen) = (0, 0);
            loop {
                let lot = next_lot(waiting, cut.lot());
                lines += lot.len() as u64;
                seen += apply_lot(writer, lot, *hides_addresses, &mut rejected)?;
                let is_full = match *cut {
                    Cut::Usual => lines >= LINES as u64,
                    Cut::EachLine => true,
                    Cut::Contacts(contacts) => writer.staged_contacts() >= contacts,
                };
                if is_full || waiting.is_empty() {
                    break;
                }
            }
            Ok((lines, seen))
        }))?;
        let tell = || rejected.iter().for_each(|(line, reason)| session.rejected(&self.name, *line, reason));
        match &self.progress {
            Some(progress) => progress.interrupted(tell),
            None => tell(),
        }
        let (lines, seen) = commit.value;
        let took = lasting(began.elapsed());
        session.settings.detail(&format!("entry {}: {} in {took}", commit.after.0, counted(lines, "line")));
        let refused = rejected.len() as u64;
        self.totals.applied += lines - seen - refused;
        self.totals.seen += seen;
        self.totals.rejected += refused;
        if self.is_live {
            warn(&commit.omissions, session.settings, self.hides_addresses);
        } else {
            self.totals.omissions.merge(commit.omissions);
        }
        if commit.before == commit.after {
            return Ok(());
        }
        self.feed.give(session, &session.reader()?, commit.before, commit.after, LogFilter::default())
    }

    /// How long it may sleep: until the next moment at which something is due.
    fn patience(&self) -> Outcome<Duration> {
        let settings = self.session.settings;
        if settings.is_now_given {
            return Ok(POLL);
        }
        Ok(self.session.reader()?.next_due().map_or(POLL, |due| until(due, settings.moment()).min(POLL)))
    }

    /// Advances the clock if something is due, and tells what came of it.
    fn catch_up(&mut self) -> Outcome {
        self.feed.catch_up(self.session)?;
        match self.feed.trigger() {
            Some(trigger) => trigger.keep_position(self.session),
            None => Ok(()),
        }
    }

    fn finish(self) -> Outcome {
        let Application { session, feed, progress, totals, hides_addresses, .. } = self;
        drop(progress);
        let Totals { applied, seen, rejected, omissions } = totals;
        let given = feed.lines;
        feed.finish(session)?;
        warn(&omissions, session.settings, hides_addresses);
        let mut summary = format!("applied {}: {}", counted(applied, "change"), counted(given, "membership change"));
        if seen > 0 {
            summary.push_str(&format!("; {} seen before", counted(seen, "line")));
        }
        if rejected > 0 {
            summary.push_str(&format!("; {} rejected", counted(rejected, "line")));
        }
        session.settings.note(&summary);
        if rejected > 0 { Err(Failure::SomeRejected) } else { Ok(()) }
    }
}

/// The next lines that can be applied together. A line that is no change, and still has a place in a source, is a lot of
/// its own: places count in the order of the lines.
fn next_lot(waiting: &mut VecDeque<Item>, size: usize) -> Vec<Item> {
    let has_own_turn = |item: &Item| item.1.as_ref().is_err_and(|rejection| rejection.source.is_some());
    let until = waiting.iter().take(size).position(has_own_turn).map_or(size, |at| at.max(1));
    waiting.drain(..until.min(waiting.len())).collect()
}

/// Applies lines; says how many of them had been seen before.
fn apply_lot(
    writer: &mut Writer<'_>,
    lot: Vec<Item>,
    hides_addresses: bool,
    rejected: &mut Vec<(LineNumber, String)>,
) -> Result<u64, WorkspaceError> {
    let (mut lines, mut changes, mut refused) =
        (Vec::with_capacity(lot.len()), Vec::with_capacity(lot.len()), Vec::new());
    let mut seen = 0;
    for (line, item) in lot {
        match item {
            Ok(change) => {
                lines.push(line);
                changes.push(change);
            }
            Err(rejection) => {
                let is_new = rejection.source.as_ref().map_or(Ok(true), |source| writer.advance_source(source))?;
                if is_new {
                    refused.push((line, message(&rejection.reason, hides_addresses).into_owned()));
                } else {
                    seen += 1;
                }
            }
        }
    }
    for (line, outcome) in lines.into_iter().zip(writer.apply_all(&changes)?) {
        match outcome {
            Ok(Applied::Done) => {}
            Ok(Applied::SeenBefore) => seen += 1,
            Err(rejection) => refused.push((line, why_refused(&rejection, hides_addresses))),
        }
    }
    refused.sort_unstable();
    rejected.append(&mut refused);
    Ok(seen)
}

/// Tells what was left out of changes that were otherwise applied.
fn warn(omissions: &Omissions, settings: &Settings, hides_addresses: bool) {
    for sentence in omissions.sentences() {
        settings.warn(&message(&sentence, hides_addresses));
    }
}

/// From one moment until another; nothing if that has passed.
pub(super) fn until(due: Instant, now: Instant) -> Duration {
    Duration::from_micros(u64::try_from(due.micros().saturating_sub(now.micros())).unwrap_or(0))
}
