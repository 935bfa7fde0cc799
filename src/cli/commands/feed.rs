//! Membership changes on their way out: to standard output, and to a program if one is to be told.

use std::collections::VecDeque;

use crate::answers::shapes::MembershipChange;
use crate::cli::Outcome;
use crate::cli::commands::session::Session;
use crate::cli::commands::trigger::Trigger;
use crate::cli::failure::Failure;
use crate::cli::output::{Format, Output, RowStream};
use crate::cli::settings::Settings;
use crate::ids::Sequence;
use crate::workspace::{LogFilter, Reader};

/// Where membership changes go.
pub(super) struct Feed<'o> {
    rows: RowStream<'o, MembershipChange>,
    trigger: Option<Trigger>,
    when_closed: WhenClosed,
    draws_at_once: bool,
    /// Whether standard output was closed.
    is_closed: bool,
    /// Lines given so far.
    pub(super) lines: u64,
}

/// What is done when nobody reads standard output any more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum WhenClosed {
    /// The command ends.
    End,
    /// It goes on in silence, since printing is not all that it does.
    GoOn,
}

impl<'o> Feed<'o> {
    /// Lines in the format that was asked for, JSON lines unless told.
    pub(super) fn new(
        output: &'o mut Output,
        settings: &Settings,
        trigger: Option<Trigger>,
        when_closed: WhenClosed,
    ) -> Self {
        let rows = output.stream(settings.format_or(Format::Jsonl), MembershipChange::columns());
        Feed { rows, trigger, when_closed, draws_at_once: false, is_closed: false, lines: 0 }
    }

    /// Draws tables batch by batch from now on: the end may never come.
    pub(super) fn drawn_at_once(self) -> Self {
        Feed { draws_at_once: true, ..self }
    }

    /// Writes a row or what goes with rows, as long as somebody reads them.
    fn print(&mut self, write: impl FnOnce(&mut RowStream<'o, MembershipChange>) -> Outcome) -> Outcome {
        if self.is_closed {
            return Ok(());
        }
        match write(&mut self.rows) {
            Err(Failure::ClosedPipe) if self.when_closed == WhenClosed::GoOn => {
                self.is_closed = true;
                Ok(())
            }
            written => written,
        }
    }

    /// Gives what the log holds after one entry and up to another, and flushes it: it is durable.
    pub(super) fn give(
        &mut self,
        session: &Session<'_>,
        reader: &Reader<'_>,
        after: Sequence,
        up_to: Sequence,
        filter: LogFilter,
    ) -> Outcome {
        if after >= up_to {
            return Ok(());
        }
        for events in session.told(reader.events_since(after, filter))? {
            let events = session.told(events)?;
            // Another process may have committed since.
            if events.first().is_some_and(|event| event.sequence > up_to) {
                break;
            }
            for event in &events {
                let line = MembershipChange::from(event);
                self.print(|rows| rows.push(&line))?;
            }
            self.lines += events.len() as u64;
        }
        let draws_at_once = self.draws_at_once;
        self.print(|rows| if draws_at_once { rows.draw_held() } else { rows.flush() })?;
        self.tell(session, reader)
    }

    /// Gives the last lines of what the log holds after one entry and up to another.
    pub(super) fn give_last(
        &mut self,
        session: &Session<'_>,
        reader: &Reader<'_>,
        (after, up_to): (Sequence, Sequence),
        filter: LogFilter,
        limit: usize,
    ) -> Outcome {
        let mut last = VecDeque::new();
        for events in session.told(reader.events_since(after, filter))? {
            let events = session.told(events)?;
            if events.first().is_some_and(|event| event.sequence > up_to) {
                break;
            }
            last.extend(events.iter().map(MembershipChange::from));
            last.drain(..last.len().saturating_sub(limit));
        }
        for line in &last {
            self.print(|rows| rows.push(line))?;
        }
        self.lines += last.len() as u64;
        self.print(RowStream::flush)
    }

    /// Tells the program everything that a reader knows of and that it was not told of yet, whoever did it.
    pub(super) fn tell(&mut self, session: &Session<'_>, reader: &Reader<'_>) -> Outcome {
        self.trigger.as_mut().map_or(Ok(()), |trigger| trigger.tell(session, reader))
    }

    /// Keeps how far the program has come, now and then.
    pub(super) fn keep_position(&mut self, session: &Session<'_>) -> Outcome {
        self.trigger.as_mut().map_or(Ok(()), |trigger| trigger.keep_position(session))
    }

    /// Writes what comes after the last line, and waits for the program that was told.
    pub(super) fn finish(self, session: &Session<'_>) -> Outcome {
        if !self.is_closed {
            match self.rows.finish() {
                Err(Failure::ClosedPipe) if self.when_closed == WhenClosed::GoOn => {}
                finished => finished?,
            }
        }
        match self.trigger {
            Some(trigger) => trigger.finish(session),
            None => Ok(()),
        }
    }
}
