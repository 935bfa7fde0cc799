//! Membership changes on their way out: to standard output, and to a program if one is to be told.

use crate::cli::Outcome;
use crate::cli::commands::session::Session;
use crate::cli::commands::trigger::Trigger;
use crate::cli::output::shapes::{CauseName, ContactUuid, MembershipChange, MembershipChangeType, UuidName};
use crate::cli::output::{Format, Output, RowStream};
use crate::cli::settings::Settings;
use crate::ids::Sequence;
use crate::store::Cause;
use crate::workspace::{LogFilter, MembershipEvent, NamedGroup, Reader};

/// Where membership changes go.
pub(super) struct Feed<'o> {
    rows: RowStream<'o, MembershipChange>,
    trigger: Option<Trigger>,
    /// Lines given so far.
    pub(super) lines: u64,
}

impl<'o> Feed<'o> {
    /// Lines in the format that was asked for, JSON lines unless told.
    pub(super) fn new(output: &'o mut Output, settings: &Settings, trigger: Option<Trigger>) -> Self {
        let rows = output.stream(settings.format_or(Format::Jsonl), MembershipChange::columns());
        Feed { rows, trigger, lines: 0 }
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
                self.rows.push(&line)?;
                if let Some(trigger) = &mut self.trigger {
                    trigger.tell(&line)?;
                }
            }
            self.lines += events.len() as u64;
        }
        self.rows.flush()?;
        match &mut self.trigger {
            Some(trigger) => trigger.flush(),
            None => Ok(()),
        }
    }

    /// Tells the program alone what it has missed.
    pub(super) fn tell_missed(&mut self, session: &Session<'_>, after: Sequence, up_to: Sequence) -> Outcome {
        let Some(trigger) = &mut self.trigger else { return Ok(()) };
        if after >= up_to {
            return Ok(());
        }
        let reader = session.reader()?;
        for events in session.told(reader.events_since(after, LogFilter::default()))? {
            let events = session.told(events)?;
            if events.first().is_some_and(|event| event.sequence > up_to) {
                break;
            }
            for event in &events {
                trigger.tell(&MembershipChange::from(event))?;
            }
        }
        trigger.flush()
    }

    /// Advances the clock if something is due, and gives what came of it.
    pub(super) fn catch_up(&mut self, session: &Session<'_>) -> Outcome {
        let now = session.settings.moment();
        if session.reader()?.next_due().is_none_or(|due| due > now) {
            return Ok(());
        }
        let ticked = session.told(session.workspace.tick(now))?;
        self.give(session, &session.reader()?, ticked.before, ticked.after, LogFilter::default())
    }

    /// The program that is told, if there is one.
    pub(super) fn trigger(&mut self) -> Option<&mut Trigger> {
        self.trigger.as_mut()
    }

    /// Writes what comes after the last line, and waits for the program that was told.
    pub(super) fn finish(self, session: &Session<'_>) -> Outcome {
        self.rows.finish()?;
        match self.trigger {
            Some(trigger) => trigger.finish(session),
            None => Ok(()),
        }
    }
}

impl From<Cause> for CauseName {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::Change => CauseName::Change,
            Cause::Clock => CauseName::Clock,
            Cause::Edit => CauseName::Edit,
            Cause::Manual => CauseName::Manual,
        }
    }
}

impl From<&MembershipEvent> for MembershipChange {
    fn from(event: &MembershipEvent) -> Self {
        let named = |groups: &[NamedGroup]| {
            groups.iter().map(|group| UuidName { uuid: group.uuid.to_string(), name: group.name.clone() }).collect()
        };
        MembershipChange {
            seq: event.sequence.0,
            created_on: event.time,
            kind: MembershipChangeType::ContactGroupsChanged,
            contact: ContactUuid { uuid: event.contact.to_string() },
            groups_added: named(&event.groups_added),
            groups_removed: named(&event.groups_removed),
            cause: event.cause.into(),
        }
    }
}
