//! `why`

use serde::Serialize;

use crate::cli::Outcome;
use crate::cli::args::contact::Why as Args;
use crate::cli::commands::session::Session;
use crate::cli::output::shapes::{CauseName, UuidName, as_text};
use crate::cli::output::{Cell, Format, Output};
use crate::cli::settings::Settings;
use crate::value::Instant;
use crate::workspace::Override;
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

/// The answer of `why`.
#[derive(Serialize)]
pub(super) struct Explanation {
    contact: UuidName,
    group: UuidName,
    member: bool,
    /// What keeps it in or out, in a sentence.
    reason: String,
    /// `pinned` or `excluded`, if somebody decided so.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided: Option<&'static str>,
    contact_status: &'static str,
    group_status: &'static str,
    smart: bool,
    clauses: Option<ClauseItem>,
    /// The smallest change that would let it in.
    mend: Option<Vec<String>>,
    last_change: Option<LastChangeItem>,
}

#[derive(Serialize)]
struct ClauseItem {
    kind: &'static str,
    holds: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    clauses: Vec<ClauseItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The values that a condition saw.
    #[serde(skip_serializing_if = "Option::is_none")]
    saw: Option<Vec<String>>,
    /// Of a condition on smart groups, each explained.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<Explanation>,
}

#[derive(Serialize)]
struct LastChangeItem {
    seq: u64,
    #[serde(serialize_with = "as_text")]
    created_on: Instant,
    cause: CauseName,
    entered: bool,
}

impl From<&Why> for Explanation {
    fn from(why: &Why) -> Self {
        Explanation {
            contact: UuidName { uuid: why.contact.to_string(), name: why.contact_name.clone().unwrap_or_default() },
            group: UuidName { uuid: why.group_uuid.to_string(), name: why.group.clone() },
            member: why.member,
            reason: why.reason.clone(),
            decided: why.decided.map(Override::name),
            contact_status: why.status.name(),
            group_status: why.group_status.name(),
            smart: why.smart,
            clauses: why.clauses.as_ref().map(ClauseItem::from),
            mend: why.mend.clone(),
            last_change: why.last_change.map(|LastChange { sequence, time, cause, entered }| LastChangeItem {
                seq: sequence.0,
                created_on: time,
                cause: cause.into(),
                entered,
            }),
        }
    }
}

impl From<&Clause> for ClauseItem {
    fn from(clause: &Clause) -> Self {
        let plain = |kind, clauses| ClauseItem {
            kind,
            holds: clause.holds,
            clauses,
            text: None,
            saw: None,
            groups: Vec::new(),
        };
        match &clause.kind {
            ClauseKind::All(clauses) => plain("all", clauses.iter().map(ClauseItem::from).collect()),
            ClauseKind::Any(clauses) => plain("any", clauses.iter().map(ClauseItem::from).collect()),
            ClauseKind::Not(inner) => plain("not", vec![ClauseItem::from(&**inner)]),
            ClauseKind::Condition { text, saw, groups } => ClauseItem {
                text: Some(text.clone()),
                saw: Some(saw.clone()),
                groups: groups.iter().map(Explanation::from).collect(),
                ..plain("condition", Vec::new())
            },
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
