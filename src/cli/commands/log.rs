//! `tick`, `log`

use std::time::Duration;

use crate::cli::Outcome;
use crate::cli::args::stream::{Log, Since, Tick};
use crate::cli::commands::feed::{Feed, WhenClosed};
use crate::cli::commands::session::Session;
use crate::cli::commands::stop::Stop;
use crate::cli::commands::trigger::Trigger;
use crate::cli::failure::Failure;
use crate::cli::settings::Settings;
use crate::ids::Sequence;
use crate::value::Instant;
use crate::workspace::{LogFilter, Reader};

/// Time between looks at a log that is followed.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Advances the clock, and prints the membership changes that time causes.
pub(super) fn tick(_: &Tick, settings: &Settings) -> Outcome {
    let session = Session::open(settings)?;
    let ticked = session.told(session.workspace.tick(settings.now))?;
    let reader = session.reader()?;
    let mut output = settings.output();
    output.set_zone(reader.environment().timezone.clone());
    let mut feed = Feed::new(&mut output, settings, None, WhenClosed::End);
    feed.give(&session, &reader, ticked.before, ticked.after, LogFilter::default())?;
    feed.finish(&session)
}

/// The last entry of the log before a moment.
fn before(session: &Session<'_>, reader: &Reader<'_>, moment: Instant) -> Outcome<Sequence> {
    for events in session.told(reader.events_since(reader.horizon(), LogFilter::default()))? {
        let events = session.told(events)?;
        if let Some(event) = events.first().filter(|event| event.time >= moment) {
            return Ok(Sequence(event.sequence.0.saturating_sub(1)));
        }
    }
    Ok(reader.sequence())
}

/// Prints the membership log.
pub(super) fn log(args: &Log, settings: &Settings) -> Outcome {
    let mut session = Session::open(settings)?;
    let reader = session.reader()?;
    let filter = LogFilter {
        group: args.group.as_deref().map(|name| session.told(reader.group_named(name))).transpose()?,
        contact: args.contact.as_ref().map(|contact| session.contact(&reader, contact)).transpose()?,
    };
    let asked = match args.since {
        Since::Entry(entry) => Sequence(entry),
        Since::Moment(moment) => before(&session, &reader, moment)?,
    };
    let mut output = settings.output();
    output.set_zone(reader.environment().timezone.clone());
    let stop = if args.follow || args.exec.is_some() { Stop::listen()? } else { Stop::default() };
    let start = |command| Trigger::start(command, args.consumer.as_deref(), filter, &session, asked);
    let trigger = args.exec.as_ref().map(start).transpose()?;
    let mut given = trigger.as_ref().map_or(asked, Trigger::position);
    let horizon = reader.horizon().0;
    if given.0 > 0 && given.0 < horizon {
        return Err(Failure::Failed(format!("the log was cut off after entry {}: it begins after {horizon}", given.0)));
    }
    let mut feed = Feed::new(&mut output, settings, trigger, WhenClosed::End);
    if args.follow {
        feed = feed.drawn_at_once();
    }
    let last = reader.sequence();
    if let Some(limit) = args.limit {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        feed.give_last(&session, &reader, (given, last), filter, limit)?;
        return feed.finish(&session);
    }
    feed.give(&session, &reader, given, last, filter)?;
    feed.tell(&session, &reader)?;
    given = given.max(last);
    drop(reader);
    while args.follow && !stop.is_asked() {
        std::thread::sleep(LOOK_EVERY);
        match look(&session, &mut feed, &mut given, filter) {
            Err(Failure::Replaced(_)) => session.reopen()?,
            looked => looked?,
        }
    }
    feed.finish(&session)
}

/// Gives what came to the log since the last look.
fn look(session: &Session<'_>, feed: &mut Feed<'_>, given: &mut Sequence, filter: LogFilter) -> Outcome {
    let settings = session.settings;
    let mut reader = session.told(session.workspace.reader(settings.moment()))?;
    // Somebody has to make time pass where no stream does.
    if !settings.is_now_given && reader.next_due().is_some_and(|due| due <= settings.moment()) {
        drop(reader);
        session.told(session.workspace.tick(settings.moment()))?;
        reader = session.reader()?;
    }
    let last = reader.sequence();
    feed.give(session, &reader, *given, last, filter)?;
    *given = (*given).max(last);
    feed.keep_position(session)
}
