//! `check`, `index`, `stats`

use serde::Serialize;

use crate::answers::stats::{StatsItem, TableItem};
use crate::cli::Outcome;
use crate::cli::args::maintain::{Check, Compact, Index, Stats};
use crate::cli::commands::session::{Session, failure};
use crate::cli::failure::Failure;
use crate::cli::output::{Cell, Column, Format, Row, counted, grouped};
use crate::cli::settings::Settings;
use crate::workspace::{CheckReport, Finding, Workspace};

/// What `check` found wrong.
#[derive(Serialize)]
struct FindingItem {
    area: &'static str,
    message: String,
    repairable: bool,
}

impl From<&Finding> for FindingItem {
    fn from(finding: &Finding) -> Self {
        FindingItem { area: finding.area, message: finding.message.clone(), repairable: finding.repairable }
    }
}

impl Row for FindingItem {
    fn cells(&self) -> Vec<Cell> {
        vec![self.area.into(), self.message.as_str().into(), Cell::Flag(self.repairable)]
    }
    fn id(&self) -> std::borrow::Cow<'_, str> {
        self.area.into()
    }
}

/// The answer of `check`.
#[derive(Serialize)]
struct Checked {
    sound: bool,
    contacts: u64,
    urns: u64,
    index_entries: u64,
    groups: u64,
    memberships: u64,
    log_entries: u64,
    findings: Vec<FindingItem>,
    /// What was found before it was repaired.
    #[serde(skip_serializing_if = "Option::is_none")]
    repaired: Option<Vec<FindingItem>>,
    /// Where the damaged data file is, if a new one was written in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<String>,
}

/// Proves everything from the rows, and puts right what is wrong if that was asked for.
pub(super) fn check(args: &Check, settings: &Settings) -> Outcome {
    let progress = settings.progress_waiting("checking");
    let (before, report, kept) = if args.repair {
        let done = Workspace::repair(&settings.store, settings.now).map_err(|error| failure(error, settings))?;
        (Some(done.before), done.after, done.kept)
    } else {
        (None, Workspace::check(&settings.store, settings.now).map_err(|error| failure(error, settings))?, None)
    };
    drop(progress);
    // What is still wrong was not put right.
    let mended = before.filter(|_| report.is_sound());
    let repaired =
        args.repair.then(|| mended.iter().flat_map(|found| &found.findings).map(FindingItem::from).collect());
    let checked = Checked {
        sound: report.is_sound(),
        contacts: report.contacts,
        urns: report.urns,
        index_entries: report.index_entries,
        groups: report.groups,
        memberships: report.memberships,
        log_entries: report.log_entries,
        findings: report.findings.iter().map(FindingItem::from).collect(),
        repaired,
        kept: kept.map(|path| path.display().to_string()),
    };
    let mut output = settings.output();
    let format = settings.format_or(Format::Table);
    if format == Format::Table {
        output.text(&seen(&report))?;
        if let Some(repaired) = checked.repaired.as_deref().filter(|repaired| !repaired.is_empty()) {
            output.text(&match repaired.len() as u64 {
                1 => "Found 1 thing wrong, and put it right:".to_owned(),
                found => format!("Found {} wrong, and put them right:", counted(found, "thing")),
            })?;
            let mut rows = output.stream(format, finding_columns());
            repaired.iter().try_for_each(|finding| rows.push(finding))?;
            rows.finish()?;
        }
        if let Some(kept) = &checked.kept {
            output.text(&format!("The data was written anew; the damaged file is kept at {kept}"))?;
        }
        output.text(if checked.sound { "Nothing is wrong." } else { "Wrong:" })?;
    }
    output.list(format, finding_columns(), &checked, &checked.findings)?;
    if checked.sound {
        return Ok(());
    }
    let advice = match (args.repair, checked.findings.iter().all(|finding| finding.repairable)) {
        (false, true) => "; `headcount check --repair` puts right what is wrong",
        (false, false) => "; restore a backup: something is lost that cannot be computed from anything else",
        _ => "; nothing was changed: restore a backup",
    };
    Err(Failure::Failed(format!("the workspace is damaged{advice}")))
}

fn finding_columns() -> Vec<Column> {
    vec![Column::text("Area"), Column::text("What is wrong"), Column::text("Repairable")]
}

fn seen(report: &CheckReport) -> String {
    format!(
        "Checked {} contacts, {} addresses, {} index entries, {} groups with {} memberships, {} log entries.",
        grouped(report.contacts),
        grouped(report.urns),
        grouped(report.index_entries),
        grouped(report.groups),
        grouped(report.memberships),
        grouped(report.log_entries)
    )
}

/// The answer of `index`.
#[derive(Serialize)]
struct Indexed {
    documents: u64,
    generation: u64,
    merged_blocks: u64,
    merged_groups: u64,
    /// Groups whose filling was finished.
    filled_groups: u64,
    /// Entries of the membership log that are no longer kept.
    cut_entries: u64,
}

/// Brings the text index up to date and merges what waits to be merged, or builds every index anew.
pub(super) fn index(args: &Index, settings: &Settings) -> Outcome {
    let session = Session::open(settings)?;
    let progress = settings.progress_waiting("indexing");
    let filled = session.told(session.workspace.fill_pending(settings.now))?.swapped.len() as u64;
    let done = if args.rebuild { session.workspace.rebuild(settings.now) } else { session.workspace.index() };
    drop(progress);
    let report = session.told(done)?;
    let indexed = Indexed {
        documents: report.documents,
        generation: report.generation,
        merged_blocks: report.merged_blocks,
        merged_groups: report.merged_groups,
        filled_groups: filled,
        cut_entries: report.cut_entries,
    };
    let properties = [
        ("Contacts indexed", Cell::Count(indexed.documents)),
        ("Generation", Cell::Count(indexed.generation)),
        ("Blocks merged", Cell::Count(indexed.merged_blocks)),
        ("Groups merged", Cell::Count(indexed.merged_groups)),
        ("Groups filled", Cell::Count(indexed.filled_groups)),
        ("Log entries cut off", Cell::Count(indexed.cut_entries)),
    ];
    settings.output().details(settings.format_or(Format::Table), &properties, None, &indexed)
}

/// The answer of `compact`.
#[derive(Serialize)]
struct Compacted {
    bytes_before: u64,
    bytes_after: u64,
}

/// Writes the store anew without what it holds of nothing.
pub(super) fn compact(_: &Compact, settings: &Settings) -> Outcome {
    let session = Session::open(settings)?;
    let progress = settings.progress_waiting("compacting");
    let done = session.workspace.compact();
    drop(progress);
    let (bytes_before, bytes_after) = session.told(done)?;
    let compacted = Compacted { bytes_before, bytes_after };
    let properties = [("Bytes before", Cell::Count(bytes_before)), ("Bytes after", Cell::Count(bytes_after))];
    settings.output().details(settings.format_or(Format::Table), &properties, None, &compacted)
}

impl Row for TableItem {
    fn cells(&self) -> Vec<Cell> {
        let Self { name, entries, bytes, bytes_per_contact } = *self;
        vec![name.into(), Cell::Count(entries), Cell::Count(bytes), Cell::Count(bytes_per_contact)]
    }
    fn id(&self) -> std::borrow::Cow<'_, str> {
        self.name.into()
    }
}

/// Sizes and counts.
pub(super) fn stats(_: &Stats, settings: &Settings) -> Outcome {
    let session = Session::open(settings)?;
    let reader = session.reader()?;
    let stats = session.told(reader.stats())?;
    let item = StatsItem::from(&stats);
    let oldest = item
        .oldest_reader
        .as_ref()
        .map(|reader| format!("process {}, {} behind", reader.process, counted(reader.commits_behind, "commit")));
    let properties = [
        ("Contacts", Cell::Count(item.contacts)),
        ("Addresses", Cell::Count(item.urns)),
        ("Groups", Cell::Count(item.groups)),
        ("Log entries", Cell::Count(item.log_entries)),
        ("Waiting for the text index", Cell::Count(item.dirty)),
        ("Clock", Cell::Moment(item.clock)),
        ("Next due", Cell::moment(item.next_due)),
        ("Bytes of the store", Cell::Count(item.file_bytes)),
        ("Of these free", Cell::Count(item.free_bytes)),
        ("Bytes of the text index", Cell::Count(item.text_bytes)),
        ("Bytes per contact", Cell::Count(item.bytes_per_contact)),
        ("Reader slots", Cell::Count(item.readers.into())),
        ("Oldest reader", oldest.map_or(Cell::Empty, Cell::Text)),
    ];
    let mut output = settings.output();
    output.set_zone(reader.environment().timezone.clone());
    let format = settings.format_or(Format::Table);
    if format != Format::Table {
        return output.details(format, &properties, None, &item);
    }
    output.details(format, &properties, None, &item)?;
    output.text("")?;
    let columns =
        vec![Column::text("Table"), Column::number("Entries"), Column::number("Bytes"), Column::number("Per contact")];
    output.list(format, columns, &item, &item.tables)
}
