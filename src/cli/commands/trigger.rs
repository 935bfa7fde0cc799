//! A program that is told of membership changes, so that entering or leaving a group can start something.
//!
//! It runs once and reads JSON lines from its standard input. Each line reaches it at least once: the store keeps, under
//! the name of the command, the last entry of the log that the program is sure to have read, and the next run begins
//! after it. What was written into a pipe may still lie there when a program dies, so an entry counts as read only when
//! so much was written after it that it cannot be in the pipe any more, or when the program ended well.

use std::collections::VecDeque;
use std::io::{BufWriter, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use crate::answers::shapes::MembershipChange;
use crate::cli::Outcome;
use crate::cli::args::TriggerCommand;
use crate::cli::commands::session::Session;
use crate::cli::failure::Failure;
use crate::ids::Sequence;
use crate::workspace::LogFilter;
use crate::workspace::change::SourcePosition;

/// No pipe holds more unless somebody asks for it.
const PIPE_CAPACITY: u64 = 64 << 10;
/// Keeping the position costs a commit: it is kept that often at most.
const KEEP_EVERY: Duration = Duration::from_secs(1);

/// A program that is being told.
pub(super) struct Trigger {
    command: String,
    /// Under which name the store keeps where it has come to.
    place: String,
    child: Child,
    input: Option<BufWriter<ChildStdin>>,
    /// Bytes written so far.
    written: u64,
    /// Entries told of, with the bytes written up to their ends, that may still lie in the pipe.
    under_way: VecDeque<(u64, u64)>,
    /// The last entry that it has read for sure.
    read: u64,
    /// The last entry that the store knows it to have read.
    kept: u64,
    kept_at: Instant,
}

impl Trigger {
    /// Starts the program by the system's shell. What it prints goes to standard error: standard output is for data.
    ///
    /// Returns it with the entry after which it has to be told: where it has come to, or `otherwise` on its first run.
    pub(super) fn start(
        command: &TriggerCommand,
        filter: LogFilter,
        session: &Session<'_>,
        otherwise: Sequence,
    ) -> Outcome<(Self, Sequence)> {
        let TriggerCommand(command) = command;
        let place = place_of(command, filter);
        let kept = session.told(session.reader()?.source_offset(&place))?;
        let from = kept.map_or(otherwise, Sequence);
        let failed = |error: std::io::Error| Failure::Failed(format!("cannot run `{command}`: {error}"));
        let mut child =
            shell(command).stdin(Stdio::piped()).stdout(Stdio::from(std::io::stderr())).spawn().map_err(failed)?;
        let input = child.stdin.take().map(BufWriter::new);
        let mut trigger = Trigger {
            command: command.clone(),
            place,
            child,
            input,
            written: 0,
            under_way: VecDeque::new(),
            read: from.0,
            kept: kept.unwrap_or_default(),
            kept_at: Instant::now(),
        };
        if kept.is_none() {
            // If it fails on its first run, the next one has to begin where this one did.
            trigger.keep(session)?;
        }
        Ok((trigger, from))
    }

    /// Tells of one membership change.
    pub(super) fn tell(&mut self, line: &MembershipChange) -> Outcome {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        self.written += bytes.len() as u64;
        match self.under_way.back_mut() {
            Some((end, sequence)) if *sequence == line.seq => *end = self.written,
            _ => self.under_way.push_back((self.written, line.seq)),
        }
        let written = match &mut self.input {
            Some(input) => input.write_all(&bytes),
            None => Ok(()),
        };
        written.map_err(|error| self.gone(&error))
    }

    /// Hands over what was told: whole entries of the log.
    pub(super) fn flush(&mut self) -> Outcome {
        let flushed = match &mut self.input {
            Some(input) => input.flush(),
            None => Ok(()),
        };
        flushed.map_err(|error| self.gone(&error))?;
        while let Some(&(end, sequence)) = self.under_way.front() {
            if end + PIPE_CAPACITY > self.written {
                break;
            }
            self.read = self.read.max(sequence);
            self.under_way.pop_front();
        }
        Ok(())
    }

    /// Keeps in the store where the program has come to, now and then.
    pub(super) fn keep_position(&mut self, session: &Session<'_>) -> Outcome {
        if self.read > self.kept && self.kept_at.elapsed() >= KEEP_EVERY { self.keep(session) } else { Ok(()) }
    }

    fn keep(&mut self, session: &Session<'_>) -> Outcome {
        let position = SourcePosition { name: self.place.as_str().into(), offset: self.read };
        session.write(|writer| writer.advance_source(&position))?;
        (self.kept, self.kept_at) = (self.read, Instant::now());
        Ok(())
    }

    /// Lets the program come to its end, and keeps how far it has come.
    pub(super) fn finish(mut self, session: &Session<'_>) -> Outcome {
        // Its input ends here, so that it ends too.
        drop(self.input.take());
        let status = self.child.wait()?;
        if status.success() {
            self.read = self.under_way.back().map_or(self.read, |&(_, sequence)| sequence);
        }
        if self.read > self.kept {
            self.keep(session)?;
        }
        if status.success() {
            return Ok(());
        }
        Err(Failure::Failed(format!(
            "`{}` failed ({status}); what it has missed is sent again next time",
            self.command
        )))
    }

    /// The program reads no more: that is its failure, not a pipe that may end in silence.
    fn gone(&self, error: &std::io::Error) -> Failure {
        Failure::Failed(format!(
            "`{}` reads no more ({error}); what it has missed is sent again next time",
            self.command
        ))
    }
}

/// Its place is kept like that of a source of changes. The same program told of other things has another place.
fn place_of(command: &str, filter: LogFilter) -> String {
    let LogFilter { group, contact } = filter;
    format!("exec:{command}|{group:?}|{contact:?}")
}

fn shell(command: &str) -> Command {
    let (program, option) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let mut shell = Command::new(program);
    shell.arg(option).arg(command);
    shell
}
