//! `group …`

use std::path::Path;
use std::time::Instant as Stopwatch;

use roaring::RoaringBitmap;
use serde::Serialize;

use crate::cli::Outcome;
use crate::cli::args::group::{GroupCommand, Members, Selection};
use crate::cli::commands::queries;
use crate::cli::commands::query::tell_rest;
use crate::cli::commands::session::{Session, failure, reason, shown};
use crate::cli::failure::Failure;
use crate::cli::output::contact::ContactItem;
use crate::cli::output::shapes::{GroupItem, GroupList, UuidName};
use crate::cli::output::{Cell, Column, Format, Row};
use crate::cli::settings::Settings;
use crate::ids::{DocumentNumber, GroupId};
use crate::import::{Source, groups, references};
use crate::sema::query::Dialect;
use crate::workspace::{DryRun, GroupInfo, GroupInput, GroupOutcome, Purpose, Reader, WorkspaceError};

/// `group …`
pub(super) fn group(command: &GroupCommand, settings: &Settings) -> Outcome {
    let session = Session::open(settings)?;
    match command {
        GroupCommand::Create { name, query, dialect } => {
            if let Some(text) = query {
                let parsed = session.told(session.reader()?.parse_and_lint(text, *dialect, Purpose::Group(None)))?;
                queries::warnings(text, &parsed.warnings, settings);
            }
            let made = session.write(|writer| writer.create_group(name, query.as_deref(), *dialect))?;
            session.show_group(made.value)
        }
        GroupCommand::List { profile: false } => session.list_groups(),
        GroupCommand::List { profile: true } => session.profile_groups(),
        GroupCommand::Show { name } => {
            let group = session.told(session.reader()?.group_named(name))?;
            session.show_group(group)
        }
        GroupCommand::Members(members) => session.members(members),
        GroupCommand::Add(selection) => session.move_members(selection, true),
        GroupCommand::Remove(selection) => session.move_members(selection, false),
        GroupCommand::Rename { name, new_name } => {
            let renamed = session.write(|writer| {
                let group = writer.group_named(name)?;
                writer.rename_group(group, new_name)?;
                Ok(group)
            })?;
            session.show_group(renamed.value)
        }
        GroupCommand::Edit { name, query, dry_run: true, dialect } => session.dry_run(name, query, *dialect),
        GroupCommand::Edit { name, query, dry_run: false, dialect } => {
            session.warn_of_edit(name, query, *dialect)?;
            let edited = session.write(|writer| {
                let group = writer.group_named(name)?;
                writer.edit_group(group, query, *dialect)?;
                Ok(group)
            })?;
            session.show_group(edited.value)
        }
        GroupCommand::Delete { name } => session.delete_group(name),
        GroupCommand::Import { file, dialect } => session.import_groups(file, *dialect),
    }
}

impl Session<'_> {
    /// Warns of what is odd about a group's new query.
    fn warn_of_edit(&self, name: &str, query: &str, dialect: Dialect) -> Outcome {
        let reader = self.reader()?;
        let group = self.told(reader.group_named(name))?;
        let parsed = self.told(reader.parse_and_lint(query, dialect, Purpose::Group(Some(group))))?;
        queries::warnings(query, &parsed.warnings, self.settings);
        Ok(())
    }
}

/// The answer of `group show` and of what changes a group.
#[derive(Serialize)]
struct GroupDetails {
    #[serde(flatten)]
    group: GroupItem,
    /// Why its query no longer compiles, if it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Smart groups that refer to it.
    used_by: Vec<UuidName>,
}

/// A group with what it costs to compute it from nothing.
#[derive(Serialize)]
struct Profiled {
    #[serde(flatten)]
    group: GroupItem,
    micros: u64,
}

impl Row for Profiled {
    fn cells(&self) -> Vec<Cell> {
        let mut cells = self.group.cells();
        cells.insert(1, Cell::Count(self.micros));
        cells
    }
    fn id(&self) -> std::borrow::Cow<'_, str> {
        self.group.id()
    }
}

/// The answer of `group list --profile`.
#[derive(Serialize)]
struct ProfiledList<'g> {
    groups: &'g [Profiled],
}

/// The answer of `group members`.
#[derive(Serialize)]
struct MemberList {
    group: UuidName,
    total: u64,
    contacts: Vec<ContactItem>,
}

/// The answer of `group add` and `group remove`.
#[derive(Serialize)]
struct Moved {
    group: UuidName,
    moved: u64,
    unchanged: u64,
    rejected: u64,
}

/// The answer of `group edit --dry-run`.
#[derive(Serialize)]
struct Preview<'p> {
    group: UuidName,
    entered: &'p [UuidName],
    left: &'p [UuidName],
}

/// A line of the table of `group edit --dry-run`.
#[derive(Serialize)]
struct PreviewLine<'p> {
    change: &'static str,
    #[serde(flatten)]
    contact: &'p UuidName,
}

impl Row for PreviewLine<'_> {
    fn cells(&self) -> Vec<Cell> {
        vec![self.change.into(), self.contact.uuid.as_str().into(), self.contact.name.as_str().into()]
    }
    fn id(&self) -> std::borrow::Cow<'_, str> {
        self.contact.uuid.as_str().into()
    }
}

/// A line of the answer of `group import`.
#[derive(Serialize)]
struct Imported {
    uuid: String,
    name: String,
    outcome: &'static str,
    count: u64,
}

impl Row for Imported {
    fn cells(&self) -> Vec<Cell> {
        vec![self.name.as_str().into(), self.outcome.into(), Cell::Count(self.count), self.uuid.as_str().into()]
    }
    fn id(&self) -> std::borrow::Cow<'_, str> {
        self.uuid.as_str().into()
    }
}

/// The answer of `group import`.
#[derive(Serialize)]
struct ImportedList<'g> {
    groups: &'g [Imported],
}

fn named(group: &GroupInfo) -> UuidName {
    UuidName { uuid: group.uuid.to_string(), name: group.name.clone() }
}

impl Session<'_> {
    fn format(&self) -> Format {
        self.settings.format_or(Format::Table)
    }

    fn show_group(&self, id: GroupId) -> Outcome {
        let reader = self.reader()?;
        let group = self.told(reader.group(id))?;
        let used_by: Vec<UuidName> = self.told(reader.dependents_of_group(id))?.iter().map(named).collect();
        let details = GroupDetails { group: GroupItem::from(&group), reason: group.reason, used_by };
        let names: Vec<&str> = details.used_by.iter().map(|group| group.name.as_str()).collect();
        let properties = [
            ("Name", details.group.name.as_str().into()),
            ("UUID", details.group.uuid.as_str().into()),
            ("Kind", if group.smart { "smart" } else { "manual" }.into()),
            ("Query", Cell::text(details.group.query.as_deref())),
            ("Status", details.group.status.as_str().into()),
            ("Reason", Cell::text(details.reason.as_deref())),
            ("Members", Cell::Count(details.group.count)),
            ("Used by", names.join(", ").into()),
        ];
        self.settings.output().details(self.format(), &properties, Some(&details.group.uuid), &details)
    }

    fn list_groups(&self) -> Outcome {
        let groups = self.told(self.reader()?.groups())?;
        let list = GroupList { groups: groups.iter().map(GroupItem::from).collect() };
        self.settings.output().list(self.format(), GroupItem::columns(), &list, &list.groups)
    }

    /// Computes each smart group from nothing, and tells how long that takes, the slowest first.
    fn profile_groups(&self) -> Outcome {
        let reader = self.reader()?;
        let mut groups = Vec::new();
        for group in self.told(reader.groups())? {
            let start = Stopwatch::now();
            if let Some(query) = reader.group_query(group.id) {
                self.told(reader.count_query(query))?;
            }
            let micros = if group.smart { start.elapsed().as_micros() as u64 } else { 0 };
            groups.push(Profiled { group: GroupItem::from(&group), micros });
        }
        groups.sort_by_key(|group| std::cmp::Reverse(group.micros));
        let mut columns = GroupItem::columns();
        columns.insert(1, Column::number("Microseconds"));
        self.settings.output().list(self.format(), columns, &ProfiledList { groups: &groups }, &groups)
    }

    fn members(&self, args: &Members) -> Outcome {
        let reader = self.reader()?;
        let id = self.told(reader.group_named(&args.name))?;
        let members = self.told(match args.as_of {
            Some(moment) => reader.members_as_of(id, moment),
            None => reader.members(id),
        })?;
        let offset = usize::try_from(args.offset).unwrap_or(usize::MAX);
        let limit = if args.all { usize::MAX } else { usize::try_from(args.limit).unwrap_or(usize::MAX) };
        let page = members.iter().skip(offset).take(limit).map(DocumentNumber);
        let mut contacts = Vec::new();
        for document in page {
            // A member of then may have been deleted since.
            let item = match self.item(&reader, document)? {
                Some(item) => Some(item),
                None => self.told(reader.identity(document))?.map(ContactItem::deleted),
            };
            contacts.extend(item);
        }
        let list = MemberList { group: named(&self.told(reader.group(id))?), total: members.len(), contacts };
        let format = self.format();
        let mut output = self.settings.output();
        output.set_zone(reader.environment().timezone.clone());
        output.list(format, ContactItem::columns(&[]), &list, &list.contacts)?;
        let shown = list.contacts.len();
        let has_more = (offset as u64).saturating_add(shown as u64) < list.total && shown > 0;
        if list.total == 0 && format == Format::Table {
            self.settings.note("no members");
        } else if list.total > 0 {
            tell_rest(self.settings, format, shown, list.total, has_more);
        }
        Ok(())
    }

    fn move_members(&self, selection: &Selection, inside: bool) -> Outcome {
        let mut rejected = 0;
        let (documents, hides_addresses) = {
            let reader = self.reader()?;
            self.told(reader.group_named(&selection.name))?;
            (self.selected(&reader, selection, &mut rejected)?, reader.environment().redact_urns)
        };
        let commit = self.write_by_hand(|writer| {
            let group = writer.group_named(&selection.name)?;
            let members = writer.members(group)?;
            let moving = if inside { &documents - &members } else { &documents & &members };
            let refused = writer.move_members(group, &moving, inside)?;
            Ok((group, moving.len() - refused.len() as u64, documents.len() - moving.len(), refused))
        })?;
        let (group, moved, unchanged, refused) = commit.value;
        let reader = self.reader()?;
        for (document, rejection) in &refused {
            let uuid = self.told(reader.identity(*document))?.map_or_else(String::new, |uuid| uuid.to_string());
            self.settings.line(&format!("{uuid}: {}", reason(rejection, hides_addresses)));
        }
        rejected += refused.len() as u64;
        let answer = Moved { group: named(&self.told(reader.group(group))?), moved, unchanged, rejected };
        let properties = [
            ("Group", answer.group.name.as_str().into()),
            (if inside { "Added" } else { "Removed" }, Cell::Count(moved)),
            (if inside { "Members already" } else { "Not members" }, Cell::Count(unchanged)),
            ("Rejected", Cell::Count(rejected)),
        ];
        self.settings.output().details(self.format(), &properties, Some(&answer.group.uuid), &answer)?;
        if rejected > 0 { Err(Failure::SomeRejected) } else { Ok(()) }
    }

    /// Who is meant. Contacts that are not there are told, counted and left out.
    fn selected(&self, reader: &Reader<'_>, selection: &Selection, rejected: &mut u64) -> Outcome<RoaringBitmap> {
        let mut documents = match &selection.query {
            Some(text) => self.told(reader.matches(text))?,
            None => RoaringBitmap::new(),
        };
        for reference in &selection.contacts {
            match self.told(reader.find(reference))? {
                Some(document) => {
                    documents.insert(document.0);
                }
                None => {
                    *rejected += 1;
                    self.settings.line(&WorkspaceError::UnknownContact(shown(reference)).to_string());
                }
            }
        }
        let Some(file) = &selection.file else { return Ok(documents) };
        let source = Source::open(file)?;
        let name = source.name().to_owned();
        for (line, item) in references::open(source)? {
            let found = match &item {
                Ok(reference) => self
                    .told(reader.find(reference))?
                    .ok_or_else(|| WorkspaceError::UnknownContact(shown(reference)).to_string()),
                Err(rejection) => Err(rejection.reason.clone()),
            };
            match found {
                Ok(document) => {
                    documents.insert(document.0);
                }
                Err(reason) => {
                    *rejected += 1;
                    self.rejected(&name, line, reason);
                }
            }
        }
        Ok(documents)
    }

    /// Tells who would enter and leave with another query. Nothing is kept.
    fn dry_run(&self, name: &str, query: &str, dialect: Dialect) -> Outcome {
        let mut result: Option<(GroupId, DryRun)> = None;
        let tried = self.workspace.write(self.settings.now, |writer| {
            let group = writer.group_named(name)?;
            result = Some((group, writer.edit_group_dry_run(group, query, dialect)?));
            Err::<(), _>(WorkspaceError::Abandoned)
        });
        let (group, moves) = match (tried, result) {
            (Err(WorkspaceError::Abandoned), Some(result)) => result,
            (Err(error), _) => return Err(failure(error, self.settings)),
            (Ok(_), _) => return Ok(()),
        };
        let reader = self.reader()?;
        let entered = self.names(&reader, &moves.entered)?;
        let left = self.names(&reader, &moves.left)?;
        let preview = Preview { group: named(&self.told(reader.group(group))?), entered: &entered, left: &left };
        let lines: Vec<PreviewLine<'_>> = entered
            .iter()
            .map(|contact| PreviewLine { change: "enter", contact })
            .chain(left.iter().map(|contact| PreviewLine { change: "leave", contact }))
            .collect();
        let columns = ["Would", "UUID", "Name"].map(Column::text).to_vec();
        self.settings.output().list(self.format(), columns, &preview, &lines)?;
        if self.format() == Format::Table {
            self.settings.note(&format!("{} would enter and {} would leave", entered.len(), left.len()));
        }
        Ok(())
    }

    fn names(&self, reader: &Reader<'_>, documents: &RoaringBitmap) -> Outcome<Vec<UuidName>> {
        let mut names = Vec::new();
        for document in documents.iter().map(DocumentNumber) {
            if let Some(row) = self.told(reader.row(document))? {
                let name = row.name().unwrap_or_default().to_owned();
                names.push(UuidName { uuid: row.uuid().to_string(), name });
            }
        }
        Ok(names)
    }

    fn delete_group(&self, name: &str) -> Outcome {
        let deleted = {
            let reader = self.reader()?;
            let group = self.told(reader.group_named(name))?;
            self.told(reader.group(group))?
        };
        self.write(|writer| writer.delete_group(deleted.id))?;
        let answer = named(&deleted);
        let properties = [("Deleted", answer.name.as_str().into()), ("Members that left", Cell::Count(deleted.count))];
        self.settings.output().details(self.format(), &properties, Some(&answer.uuid), &answer)
    }

    fn import_groups(&self, path: &Path, dialect: Dialect) -> Outcome {
        let source = Source::open(path)?;
        let file = source.name().to_owned();
        let inputs: Vec<GroupInput> = groups::read(source)?.groups.into_iter().map(GroupInput::from).collect();
        let progress = self.settings.progress_waiting("filling groups");
        let written = self.workspace.write(self.settings.now, |writer| writer.import_groups(&inputs, dialect));
        drop(progress);
        let outcomes = written.map_err(|error| self.which(&file, &inputs, error))?.value;
        let reader = self.reader()?;
        let mut imported = Vec::with_capacity(inputs.len());
        for (input, outcome) in inputs.iter().zip(outcomes) {
            let group = self.told(reader.group_named(input.name.trim()).and_then(|id| reader.group(id)))?;
            let outcome = match outcome {
                GroupOutcome::Created => "created",
                GroupOutcome::Edited => "edited",
                GroupOutcome::Unchanged => "unchanged",
            };
            imported.push(Imported { uuid: group.uuid.to_string(), name: group.name, outcome, count: group.count });
        }
        let columns =
            vec![Column::text("Name"), Column::text("Outcome"), Column::number("Count"), Column::text("UUID")];
        self.settings.output().list(self.format(), columns, &ImportedList { groups: &imported }, &imported)
    }

    /// Tells which group of a file an invalid query belongs to.
    fn which(&self, file: &str, inputs: &[GroupInput], error: WorkspaceError) -> Failure {
        if let WorkspaceError::Query { text, .. } = &error
            && let Some(input) = inputs.iter().find(|input| input.query.as_ref() == Some(text))
        {
            self.settings
                .error(&format!("{file}: the query of group `{}` is not valid; nothing was imported", input.name));
            return failure(error, self.settings);
        }
        match failure(error, self.settings) {
            Failure::Failed(reason) => Failure::Failed(format!("{file}: {reason}")),
            other => other,
        }
    }
}
