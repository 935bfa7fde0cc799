//! `why`

use crate::answers::shapes::CauseName;
use crate::answers::why::Explanation;
use crate::cli::Outcome;
use crate::cli::args::contact::Why as Args;
use crate::cli::commands::session::Session;
use crate::cli::output::{Cell, Format, Output};
use crate::cli::settings::Settings;
use crate::workspace::why::{Clause, ClauseKind, LastChange, Why};

/// Explains a membership, present or absent.
pub(super) fn why(args: &Args, settings: &Settings) -> Outcome {
    let session = Session::open(settings)?;
    let reader = session.reader()?;
    let document = session.contact(&reader, &args.contact)?;
    let group = session.told(reader.group_named(&args.group))?;
    let why = session.told(reader.why(document, group))?;
    let mut output = settings.output();
    output.set_zone(reader.environment().timezone.clone());
    match settings.format_or(Format::Table) {
        Format::Table => {
            tell(&why, &mut output)?;
            output.flush()
        }
        format => {
            let explanation = Explanation::from(&why);
            let properties = [
                ("Contact", explanation.contact.uuid.as_str().into()),
                ("Group", explanation.group.name.as_str().into()),
                ("Member", Cell::Flag(explanation.member)),
                ("Reason", explanation.reason.as_str().into()),
            ];
            output.details(format, &properties, Some(&explanation.contact.uuid), &explanation)
        }
    }
}

/// Tells people: the verdict, each clause with what it saw, what would let the contact in, and the last change.
pub(super) fn tell(why: &Why, output: &mut Output) -> Outcome {
    let mut lines = Vec::new();
    if let Some(clauses) = &why.clauses {
        clause_lines(clauses, 1, &mut lines);
    }
    output.text(&why.reason)?;
    if !lines.is_empty() {
        output.columns(&lines)?;
    }
    if let Some(mend) = why.mend.as_deref().filter(|mend| !mend.is_empty()) {
        output.text(&format!("To let it in: {}.", mend.join("; ")))?;
    }
    if let Some(LastChange { time, cause, entered, .. }) = why.last_change {
        let verb = if entered { "Entered" } else { "Left" };
        let time = output.moment(time);
        output.text(&format!("{verb} last at {time}; cause: {}.", CauseName::from(cause).name()))?;
    }
    Ok(())
}

/// A line for each clause: whether it holds, what it says, what it saw.
fn clause_lines(clause: &Clause, depth: usize, lines: &mut Vec<[String; 3]>) {
    let indent = "  ".repeat(depth);
    let mark = if clause.holds { "yes" } else { "no" };
    let mut push = |text: &str, saw: String| lines.push([format!("{indent}{text}"), mark.to_owned(), saw]);
    match &clause.kind {
        ClauseKind::All(clauses) => {
            push("all of", String::new());
            clauses.iter().for_each(|clause| clause_lines(clause, depth + 1, lines));
        }
        ClauseKind::Any(clauses) => {
            push("any of", String::new());
            clauses.iter().for_each(|clause| clause_lines(clause, depth + 1, lines));
        }
        ClauseKind::Not(inner) => {
            push("not", String::new());
            clause_lines(inner, depth + 1, lines);
        }
        ClauseKind::Condition { text, saw, groups } => {
            let saw = if saw.is_empty() { "no value".to_owned() } else { saw.join(", ") };
            push(text, format!("saw {saw}"));
            for why in groups {
                if let Some(clauses) = &why.clauses {
                    clause_lines(clauses, depth + 1, lines);
                }
            }
        }
    }
}
