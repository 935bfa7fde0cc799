//! `tick`, `log`

use std::time::Duration;

use crate::cli::Outcome;
use crate::cli::args::stream::{Log, Tick};
use crate::cli::commands::feed::{Feed, WhenClosed};
use crate::cli::commands::session::Session;
use crate::cli::commands::trigger::Trigger;
use crate::cli::failure::Failure;
use crate::cli::settings::Settings;
use crate::ids::Sequence;
use crate::workspace::{ClockReset, LogFilter};

/// Time between looks at a log that is followed.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Advances the clock, and prints the membership changes that time causes.
pub(super) fn tick(args: &Tick, settings: &Settings) -> Outcome {
    let (session, before, after) = if args.reset_clock {
        let session = Session::open_whatever_the_clock(settings)?;
        let reset = session.told(session.workspace.reset_clock(settings.now))?;
        let ClockReset { from, to, entries } = reset.value;
        if to < from {
            settings.note(&format!("the clock was set back from {from} to {to}"));
        }
        if entries > 0 {
            let (entries, verbs) = if entries == 1 {
                ("entry", "lay behind that moment and has")
            } else {
                ("entries", "lay behind that moment and have")
            };
            settings.note(&format!("{} {entries} of the log {verbs} it as time now", reset.value.entries));
        }
        (session, reset.before, reset.after)
    } else {
        let session = Session::open(settings)?;
        let ticked = session.told(session.workspace.tick(settings.now))?;
        (session, ticked.before, ticked.after)
    };
    let reader = session.reader()?;
    let mut output = settings.output();
    output.set_zone(reader.environment().timezone.clone());
    let mut feed = Feed::new(&mut output, settings, None, WhenClosed::End);
    feed.give(&session, &reader, before, after, LogFilter::default())?;
    feed.finish(&session)
}

/// Prints the membership log.
pub(super) fn log(args: &Log, settings: &Settings) -> Outcome {
    let session = Session::open(settings)?;
    let reader = session.reader()?;
    let filter = LogFilter {
        group: args.group.as_deref().map(|name| session.told(reader.group_named(name))).transpose()?,
        contact: args.contact.as_ref().map(|contact| session.contact(&reader, contact)).transpose()?,
    };
    let asked = Sequence(args.since);
    let mut output = settings.output();
    output.set_zone(reader.environment().timezone.clone());
    let (trigger, mut given) = match &args.exec {
        Some(command) => {
            let (trigger, from) = Trigger::start(command, filter, &session, asked)?;
            (Some(trigger), from)
        }
        None => (None, asked),
    };
    let horizon = reader.horizon().0;
    if given.0 > 0 && given.0 < horizon {
        return Err(Failure::Failed(format!("the log was cut off after entry {}: it begins after {horizon}", given.0)));
    }
    let mut feed = Feed::new(&mut output, settings, trigger, WhenClosed::End);
    if args.follow {
        feed = feed.drawn_at_once();
    }
    let last = reader.sequence();
    feed.give(&session, &reader, given, last, filter)?;
    given = given.max(last);
    drop(reader);
    if !args.follow {
        return feed.finish(&session);
    }
    loop {
        std::thread::sleep(LOOK_EVERY);
        let mut reader = session.told(session.workspace.reader(settings.moment()))?;
        // Somebody has to make time pass where no stream does.
        if !settings.is_now_given && reader.next_due().is_some_and(|due| due <= settings.moment()) {
            drop(reader);
            session.told(session.workspace.tick(settings.moment()))?;
            reader = session.reader()?;
        }
        let last = reader.sequence();
        feed.give(&session, &reader, given, last, filter)?;
        given = given.max(last);
        if let Some(trigger) = feed.trigger() {
            trigger.keep_position(&session)?;
        }
    }
}
