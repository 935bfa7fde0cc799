//! What came of a body of changes.

use serde::Serialize;

use crate::answers::hiding::{message, reason};
use crate::answers::shapes::{MembershipChange, RejectedLine};
use crate::import::changes::Item;
use crate::workspace::{Applied, WorkspaceError, Writer};

/// The answer to changes that were sent: given once they are durable.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ChangesApplied {
    /// Lines that were applied.
    pub applied: u64,
    /// Lines that their source had sent before, which did nothing.
    pub seen: u64,
    /// Lines that had no effect, with the reason.
    pub rejected: Vec<RejectedLine>,
    /// What was left out of lines that were applied, as sentences.
    pub warnings: Vec<String>,
    /// The last entry of the membership log when they were durable.
    pub seq: u64,
    /// The membership changes that they caused.
    pub moves: Vec<MembershipChange>,
}

/// What came of lines within a batch that is not yet durable.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LinesApplied {
    /// Lines that were applied.
    pub applied: u64,
    /// Lines that did nothing, since their source had sent them before.
    pub seen: u64,
    /// Lines that were refused.
    pub rejected: Vec<RejectedLine>,
}

/// Applies lines in order, each seeing the ones before it. What a refused line was, and why, hides addresses if the
/// workspace does.
///
/// # Errors
/// If the store fails; the batch is lost then.
pub fn apply_lines(
    writer: &mut Writer<'_>,
    lines: Vec<Item>,
    hides_addresses: bool,
) -> Result<LinesApplied, WorkspaceError> {
    let mut done = LinesApplied::default();
    let mut changes = Vec::with_capacity(lines.len());
    let mut numbers = Vec::with_capacity(lines.len());
    let flush = |writer: &mut Writer<'_>, changes: &mut Vec<_>, numbers: &mut Vec<u64>, done: &mut LinesApplied| {
        for (line, outcome) in numbers.drain(..).zip(writer.apply_all(changes)?) {
            match outcome {
                Ok(Applied::Done) => done.applied += 1,
                Ok(Applied::SeenBefore) => done.seen += 1,
                Err(rejection) => {
                    let error = reason(&rejection, hides_addresses);
                    done.rejected.push(RejectedLine { line, error });
                }
            }
        }
        changes.clear();
        Ok::<(), WorkspaceError>(())
    };
    for (line, item) in lines {
        match item {
            Ok(change) => {
                changes.push(change);
                numbers.push(line.0);
            }
            Err(rejection) => {
                let is_new = match &rejection.source {
                    None => true,
                    // Places of a source count in the order of the lines.
                    Some(source) => {
                        flush(writer, &mut changes, &mut numbers, &mut done)?;
                        writer.advance_source(source)?
                    }
                };
                if is_new {
                    let error = message(&rejection.reason, hides_addresses).into_owned();
                    done.rejected.push(RejectedLine { line: line.0, error });
                } else {
                    done.seen += 1;
                }
            }
        }
    }
    flush(writer, &mut changes, &mut numbers, &mut done)?;
    done.rejected.sort_by_key(|rejected| rejected.line);
    Ok(done)
}
