//! `apply`

use std::collections::{BTreeMap, VecDeque};
use std::io::IsTerminal;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant as Stopwatch};

use crate::answers::hiding::message;
use crate::cli::Outcome;
use crate::cli::args::stream::Apply;
use crate::cli::commands::feed::{Feed, WhenClosed};
use crate::cli::commands::flood::Flood;
use crate::cli::commands::hints::why_refused;
use crate::cli::commands::session::Session;
use crate::cli::commands::stop::Stop;
use crate::cli::commands::trigger::Trigger;
use crate::cli::failure::Failure;
use crate::cli::output::progress::ProgressBar;
use crate::cli::output::{counted, grouped, lasting};
use crate::cli::settings::Settings;
use crate::ids::Sequence;
use crate::import::changes::{Item, Next};
use crate::import::{ChangeReader, ImportError, LineNumber, OtherType, Source};
use crate::memory;
use crate::threads;
use crate::value::Instant;
use crate::workspace::{Applied, LogFilter, Omissions, WorkspaceError, Writer};

/// Lines per commit of a file, at most: contacts share pages, so that more of them cost less each.
const LINES: usize = 262_144;
/// Bytes that a line takes until its commit.
const LINE_BYTES: u64 = 2 << 10;
/// Lines that are applied together: enough to keep all processors busy.
const LOT: usize = 32_768;
/// On a stream, a line waits no longer than this for others to share its commit.
const LATENCY: Duration = Duration::from_millis(50);
/// On a stream, text is indexed once so many contacts wait for it, unless told: some tenths of a second of work.
const INDEX_AFTER: u64 = 50_000;
/// The longest sleep: other processes may change when something is due, and a signal may ask to end.
const POLL: Duration = Duration::from_millis(250);

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
    let stop = if source.is_stream() || args.exec.is_some() { Stop::listen()? } else { Stop::default() };
    let start = |command| Trigger::start(command, args.consumer.as_deref(), LogFilter::default(), &session, last);
    let trigger = args.exec.as_ref().map(start).transpose()?;
    let shows_progress = !std::io::stdout().is_terminal();
    let total = source.progress().total_bytes().filter(|_| shows_progress);
    // A file is applied to its end whoever reads what comes of it; a stream ends when nobody does.
    let mut feed = if source.is_stream() {
        Feed::new(&mut output, settings, trigger, WhenClosed::End).drawn_at_once()
    } else {
        Feed::new(&mut output, settings, trigger, WhenClosed::GoOn)
    };
    // What a program missed last time comes first.
    feed.tell(&session, &session.reader()?)?;
    let index_after = args.index_after.or(source.is_stream().then_some(INDEX_AFTER));
    session.told(session.workspace.index_in_background(index_after))?;
    let mut application = Application {
        session,
        stop,
        index_after,
        trouble: None,
        to_give: VecDeque::new(),
        name: source.name().to_owned(),
        is_live: source.is_stream(),
        cut: Cut::of(args.batch_size),
        hides_addresses,
        skips_unknown: args.skip_unknown,
        // Who follows a stream reads each line when it comes.
        flood: if source.is_stream() { Flood::endless(settings) } else { Flood::new(settings, None, 0)? },
        waiting: VecDeque::new(),
        has_ended: false,
        feed,
        progress: total.map(|total| settings.progress_bytes("applying", Some(total))),
        totals: Totals::default(),
    };
    application.run(source)?;
    application.finish()
}

/// Lines per commit of a file, of which half of the memory may be taken.
fn lines() -> usize {
    memory::count(2, LINE_BYTES, LINES)
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
            Cut::Usual => lines(),
            Cut::EachLine => 1,
            Cut::Contacts(contacts) => contacts.min(lines()),
        }
    }
}

#[derive(Default)]
struct Totals {
    applied: u64,
    /// Lines of a source that were applied or rejected by an earlier run.
    seen: u64,
    rejected: u64,
    /// Lines of types from which nothing follows, by type.
    passed_over: BTreeMap<String, u64>,
    omissions: Omissions,
}

/// A stream of changes on its way into a workspace.
struct Application<'s, 'o> {
    session: Session<'s>,
    stop: Stop,
    /// When text is indexed in the background.
    index_after: Option<u64>,
    /// Why that failed, as it was said last.
    trouble: Option<String>,
    /// Entries of the log that are this stream's doing and have not been given yet: after the first, up to the second.
    to_give: VecDeque<(Sequence, Sequence)>,
    /// The source, for messages.
    name: String,
    /// Whether lines come when they come: then they are committed soon, and the clock goes on meanwhile.
    is_live: bool,
    cut: Cut,
    hides_addresses: bool,
    /// Whether lines of types that nothing here knows are passed over.
    skips_unknown: bool,
    flood: Flood<'s>,
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
            match self.step(&mut changes) {
                // Lines that were read wait, and what is durable is given by the store that is there now.
                Err(Failure::Replaced(_)) => self.reopen()?,
                Ok(goes_on) if !goes_on => return Ok(()),
                stepped => drop(stepped?),
            }
        }
    }

    /// Reads and commits some lines; says whether there may be more.
    fn step(&mut self, changes: &mut ChangeReader) -> Outcome<bool> {
        self.give()?;
        if self.is_live {
            self.gather(changes)?;
        } else if !self.stop.is_asked() {
            self.read(changes);
        }
        if !self.waiting.is_empty() {
            self.commit()?;
        } else if self.has_ended {
            return Ok(false);
        } else if self.stop.is_asked() && !self.is_live {
            return Err(Failure::Failed(format!("{}: stopped before its end; the rest was not applied", self.name)));
        }
        if let Some(progress) = &mut self.progress {
            progress.set(changes.progress().bytes_read());
        }
        self.feed.keep_position(&self.session)?;
        self.tell_trouble();
        Ok(true)
    }

    fn reopen(&mut self) -> Outcome {
        self.session.reopen()?;
        self.session.told(self.session.workspace.index_in_background(self.index_after))
    }

    /// Says why text could not be indexed in the background, once for each reason.
    fn tell_trouble(&mut self) {
        let trouble = self.session.workspace.background_failure();
        if let Some(trouble) = trouble.as_ref().filter(|&trouble| self.trouble.as_ref() != Some(trouble)) {
            let settings = self.session.settings;
            settings.warn(&format!(
                "text was not indexed, so that searches in texts read contacts and take longer: {trouble}"
            ));
        }
        self.trouble = trouble;
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
            let patience = match self.patience() {
                Err(Failure::Replaced(_)) => {
                    self.reopen()?;
                    continue;
                }
                patience => patience?,
            };
            if self.stop.is_asked() {
                return Ok(None);
            }
            match receive.recv_timeout(patience) {
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
        let wanted = if matches!(self.cut, Cut::EachLine) { 1 } else { lines() };
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
            // What has been read already is applied before the end.
            let is_asked_to_stop = self.stop.is_asked();
            let patience = if is_asked_to_stop { Duration::ZERO } else { self.patience()? };
            match changes.next_within(patience) {
                Next::Item(item) => self.waiting.push_back(item),
                Next::Idle if is_asked_to_stop => self.has_ended = true,
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
        let Application { session, waiting, cut, hides_addresses, skips_unknown, .. } = self;
        let mut passed_over = BTreeMap::new();
        let mut rejected = Vec::new();
        let began = Stopwatch::now();
        let commit = session.told(session.workspace.write(session.settings.moment(), |writer| {
            let (mut lines, mut seen) = (0, 0);
            loop {
                let lot = next_lot(waiting, cut.lot());
                lines += lot.len() as u64;
                seen += apply_lot(writer, lot, (*hides_addresses, *skips_unknown), &mut passed_over, &mut rejected)?;
                let is_full = match *cut {
                    Cut::Usual => lines >= self::lines() as u64,
                    Cut::EachLine => true,
                    Cut::Contacts(contacts) => writer.staged_contacts() >= contacts,
                };
                if is_full || waiting.is_empty() {
                    break;
                }
            }
            Ok((lines, seen))
        }))?;
        for (line, reason) in &rejected {
            let progress = &self.progress;
            self.flood.reject(&self.name, *line, reason, |say| match progress {
                Some(progress) => progress.interrupted(say),
                None => say(),
            })?;
        }
        let passed: u64 = passed_over.values().sum();
        for (kind, count) in passed_over {
            *self.totals.passed_over.entry(kind).or_default() += count;
        }
        let (lines, seen) = commit.value;
        let took = lasting(began.elapsed());
        session.settings.detail(&format!("entry {}: {} in {took}", commit.after.0, counted(lines, "line")));
        let refused = rejected.len() as u64;
        self.totals.applied += lines - seen - refused - passed;
        self.totals.seen += seen;
        self.totals.rejected += refused;
        if self.is_live {
            warn(&commit.omissions, session.settings, self.hides_addresses);
        } else {
            self.totals.omissions.merge(commit.omissions);
        }
        self.to_give.push_back((commit.before, commit.after));
        self.give()
    }

    /// Tells what came of what is durable.
    fn give(&mut self) -> Outcome {
        self.to_give.retain(|(before, after)| before < after);
        while let Some(&(before, after)) = self.to_give.front() {
            let reader = self.session.reader()?;
            self.feed.give(&self.session, &reader, before, after, LogFilter::default())?;
            self.to_give.pop_front();
        }
        Ok(())
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
        let (session, now) = (&self.session, self.session.settings.moment());
        let reader = session.reader()?;
        if reader.next_due().is_some_and(|due| due <= now) {
            drop(reader);
            let ticked = session.told(session.workspace.tick(now))?;
            self.to_give.push_back((ticked.before, ticked.after));
            self.give()?;
        } else {
            self.feed.tell(session, &reader)?;
        }
        self.feed.keep_position(&self.session)?;
        self.tell_trouble();
        Ok(())
    }

    fn finish(mut self) -> Outcome {
        // The runs that are due come to their end.
        self.session.workspace.background_runs();
        self.tell_trouble();
        let Application { session, feed, progress, totals, hides_addresses, mut flood, .. } = self;
        drop(progress);
        flood.finish()?;
        let Totals { applied, seen, rejected, passed_over, omissions } = totals;
        let given = feed.lines;
        feed.finish(&session)?;
        warn(&omissions, session.settings, hides_addresses);
        let mut summary = format!("applied {}: {}", counted(applied, "change"), counted(given, "membership change"));
        if seen > 0 {
            summary.push_str(&format!("; {} seen before", counted(seen, "line")));
        }
        if !passed_over.is_empty() {
            let kinds: Vec<String> =
                passed_over.iter().take(5).map(|(kind, count)| format!("{kind} {}", grouped(*count))).collect();
            let more = if passed_over.len() > kinds.len() { ", …" } else { "" };
            let passed: u64 = passed_over.values().sum();
            summary.push_str(&format!("; {} passed over ({}{more})", counted(passed, "line"), kinds.join(", ")));
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
    (hides_addresses, skips_unknown): (bool, bool),
    passed_over: &mut BTreeMap<String, u64>,
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
                let passed = rejection.other_type.as_ref().and_then(|other| match other {
                    OtherType::Platform(kind) => Some(kind),
                    OtherType::Unknown(kind) => Some(kind).filter(|_| skips_unknown),
                });
                if let (true, Some(kind)) = (is_new, passed) {
                    *passed_over.entry(kind.to_string()).or_default() += 1;
                } else if is_new {
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
