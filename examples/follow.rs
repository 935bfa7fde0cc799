//! Follows the membership log of a workspace that other programs write, says why contacts entered, and keeps its place
//! over restarts.
//!
//! `cargo run --example follow FOLDER`

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use headcount::{Clause, ClauseKind, ContactRef, Error as HeadcountError, Instant, Membership, Sequence, Workspace};

/// Tells what came since the place that a file remembers, and remembers how far it has come: at least once, since the
/// place is kept after the telling.
pub(crate) fn catch_up(
    workspace: &Workspace,
    place: &Path,
    now: Instant,
    mut tell: impl FnMut(String),
) -> Result<(), Box<dyn Error>> {
    let since = match fs::read_to_string(place) {
        Ok(text) => Sequence(text.trim().parse()?),
        Err(_) => Sequence(0),
    };
    let mut log = workspace.subscribe(since);
    loop {
        let events = log.poll(now)?;
        if events.is_empty() {
            return Ok(());
        }
        for event in events {
            for group in &event.groups_added {
                let because = reasons(workspace, &event, &group.name, now)?;
                tell(format!("{} entered {}: {}", event.contact, group.name, because.join("; ")));
            }
            for group in &event.groups_removed {
                tell(format!("{} left {}", event.contact, group.name));
            }
        }
        fs::write(place, log.position().0.to_string())?;
    }
}

/// The conditions that hold for a contact that entered a group, with the values that they saw.
fn reasons(
    workspace: &Workspace,
    event: &Membership,
    group: &str,
    now: Instant,
) -> Result<Vec<String>, HeadcountError> {
    let mut reasons = Vec::new();
    let reader = workspace.reader(now)?;
    // The contact and the group may have gone since.
    if let (Some(contact), Ok(group)) = (reader.find(&ContactRef::from(event.contact))?, reader.group_named(group))
        && let Some(clauses) = reader.why(contact, group)?.clauses
    {
        collect(&clauses, &mut reasons);
    }
    Ok(reasons)
}

fn collect(clause: &Clause, reasons: &mut Vec<String>) {
    match &clause.kind {
        ClauseKind::All(clauses) | ClauseKind::Any(clauses) => {
            clauses.iter().filter(|clause| clause.holds).for_each(|clause| collect(clause, reasons));
        }
        ClauseKind::Not(_) => {}
        ClauseKind::Condition { text, saw, .. } => reasons.push(format!("{text} saw {}", saw.join(", "))),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).map_or_else(|| PathBuf::from(".headcount"), PathBuf::from);
    let workspace = Workspace::open(&folder)?;
    loop {
        catch_up(&workspace, Path::new("follow.place"), Instant::now(), |line| println!("{line}"))?;
        std::thread::sleep(Duration::from_secs(1));
    }
}
