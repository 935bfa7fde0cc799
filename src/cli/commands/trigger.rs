//! A program that is told of membership changes, so that entering or leaving a group can start something.
//!
//! It runs once and reads JSON lines from its standard input. Each line reaches it at least once: the store keeps, under
//! its name, how far it has come, and the next run goes on there. A program that prints the `seq` of each line that it has
//! dealt with, one on a line, acknowledges line by line. Of one that does not, a line counts as read when so much was
//! written after it that it cannot be in the pipe any more, and all of them when the program has ended well.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use crate::answers::shapes::MembershipChange;
use crate::cli::Outcome;
use crate::cli::args::TriggerCommand;
use crate::cli::commands::session::Session;
use crate::cli::failure::Failure;
use crate::ids::Sequence;
use crate::threads;
use crate::workspace::{Delivery, LogFilter, Reader};

/// No pipe holds more unless somebody asks for it.
const PIPE_CAPACITY: u64 = 64 << 10;
/// Events handed over together.
const TOGETHER: usize = 1_024;
/// What a program said before it ended is there within this time.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// A program that is being told.
pub(super) struct Trigger {
    command: String,
    delivery: Delivery,
    child: Child,
    input: Option<BufWriter<ChildStdin>>,
    /// Numbers that it prints, each on a line.
    answers: Receiver<u64>,
    /// Whether it acknowledges line by line.
    has_answered: bool,
    /// Bytes written so far.
    written: u64,
    /// Of each line that is not acknowledged: its entry, and the bytes written up to its end.
    under_way: VecDeque<(u64, u64)>,
}

impl Trigger {
    /// Starts the program by the system's shell. What else it prints goes to standard error: standard output is for data.
    ///
    /// It goes on where the consumer of this name has come to, or, without a name, this command; on its first run behind
    /// the entry `otherwise`.
    pub(super) fn start(
        command: &TriggerCommand,
        name: Option<&str>,
        filter: LogFilter,
        session: &Session<'_>,
        otherwise: Sequence,
    ) -> Outcome<Self> {
        let TriggerCommand(command) = command;
        let settings = session.settings;
        let place = place_of(command, name, filter);
        let delivery =
            session.told(Delivery::open(&session.workspace, &place, filter, otherwise, settings.moment()))?;
        if delivery.has_missed(&session.reader()?) {
            settings.warn("the log was cut off after what the program was told last: it has missed what was cut");
        }
        let failed = |error: std::io::Error| Failure::Failed(format!("cannot run `{command}`: {error}"));
        let mut child = shell(command).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
        let input = child.stdin.take().map(BufWriter::new);
        let (send, answers) = channel();
        if let Some(output) = child.stdout.take() {
            std::thread::Builder::new()
                .name("headcount-answers".to_owned())
                .spawn(move || listen(output, &send))
                .map_err(|error| threads::no_thread(&error))?;
        }
        Ok(Trigger {
            command: command.clone(),
            delivery,
            child,
            input,
            answers,
            has_answered: false,
            written: 0,
            under_way: VecDeque::new(),
        })
    }

    /// The last entry of the log that it has dealt with.
    pub(super) fn position(&self) -> Sequence {
        self.delivery.position()
    }

    /// Tells of everything that a reader knows of and that it was not told of yet.
    pub(super) fn tell(&mut self, session: &Session<'_>, reader: &Reader<'_>) -> Outcome {
        loop {
            let due = session.told(self.delivery.due(reader, TOGETHER))?;
            if due.is_empty() {
                return Ok(());
            }
            for event in &due {
                let mut bytes = serde_json::to_vec(&MembershipChange::from(event))?;
                bytes.push(b'\n');
                self.written += bytes.len() as u64;
                self.under_way.push_back((event.sequence.0, self.written));
                let written = self.input.as_mut().map_or(Ok(()), |input| input.write_all(&bytes));
                if let Err(error) = written {
                    return self.gone(session, &error);
                }
            }
            if let Err(error) = self.input.as_mut().map_or(Ok(()), BufWriter::flush) {
                return self.gone(session, &error);
            }
            self.hear();
        }
    }

    /// Takes what it has acknowledged.
    fn hear(&mut self) {
        while let Ok(answer) = self.answers.try_recv() {
            self.acknowledged(answer);
        }
        if self.has_answered {
            return;
        }
        let is_read = |&&(_, end): &&(u64, u64)| end + PIPE_CAPACITY <= self.written;
        let read = self.under_way.iter().take_while(is_read).count();
        self.under_way.drain(..read);
        self.delivery.acknowledge(read);
    }

    fn acknowledged(&mut self, answer: u64) {
        if self.under_way.front().is_some_and(|&(sequence, _)| sequence == answer) {
            self.has_answered = true;
            self.under_way.pop_front();
            self.delivery.acknowledge(1);
        }
    }

    /// Keeps in the store where the program has come to, now and then.
    pub(super) fn keep_position(&mut self, session: &Session<'_>) -> Outcome {
        self.hear();
        session.told(self.delivery.keep_soon(&session.workspace, session.settings.moment()))
    }

    /// Lets the program come to its end, and keeps how far it has come.
    pub(super) fn finish(mut self, session: &Session<'_>) -> Outcome {
        let status = self.end(session)?;
        if status.success() {
            return Ok(());
        }
        Err(Failure::Failed(format!(
            "`{}` failed ({status}); what it has missed is sent again next time",
            self.command
        )))
    }

    fn end(&mut self, session: &Session<'_>) -> Outcome<ExitStatus> {
        // Its input ends here, so that it ends too.
        drop(self.input.take());
        let status = self.child.wait()?;
        if status.success() {
            self.delivery.acknowledge(self.under_way.len());
        } else {
            self.hear_last_words();
        }
        session.told(self.delivery.keep(&session.workspace, session.settings.moment()))?;
        Ok(status)
    }

    /// The program reads no more: that is its failure, not a pipe that may end in silence. What it has acknowledged counts;
    /// what it has only read does not.
    fn gone(&mut self, session: &Session<'_>, error: &std::io::Error) -> Outcome {
        // What could not be written is not written when the pipe is closed.
        if let Some(input) = self.input.take() {
            drop(input.into_parts());
        }
        self.child.wait()?;
        self.hear_last_words();
        session.told(self.delivery.keep(&session.workspace, session.settings.moment()))?;
        Err(Failure::Failed(format!(
            "`{}` reads no more ({error}); what it has missed is sent again next time",
            self.command
        )))
    }

    /// It may have started others that go on and hold its output open.
    fn hear_last_words(&mut self) {
        while let Ok(answer) = self.answers.recv_timeout(LAST_WORDS) {
            self.acknowledged(answer);
        }
    }
}

/// Passes on what a program prints: numbers as answers, everything else to standard error.
fn listen(output: ChildStdout, answers: &Sender<u64>) {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    while matches!(output.read_until(b'\n', &mut line), Ok(1..)) {
        let number = std::str::from_utf8(&line).ok().and_then(|text| text.trim().parse().ok());
        let is_heard = number.is_some_and(|number| answers.send(number).is_ok());
        if !is_heard {
            let _ = std::io::stderr().write_all(&line);
        }
        line.clear();
    }
}

/// Its place is kept like that of a source of changes. The same program told of other things has another place.
fn place_of(command: &str, name: Option<&str>, filter: LogFilter) -> String {
    let LogFilter { group, contact } = filter;
    match name {
        Some(name) if group.is_none() && contact.is_none() => format!("to:{name}"),
        Some(name) => format!("to:{name}|{group:?}|{contact:?}"),
        None => format!("exec:{command}|{group:?}|{contact:?}"),
    }
}

fn shell(command: &str) -> Command {
    let (program, option) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let mut shell = Command::new(program);
    shell.arg(option).arg(command);
    // Whoever ends this process from a terminal lets the program read to its end.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    shell
}
