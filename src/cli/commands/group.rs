//! `group …`

use std::path::Path;

use roaring::RoaringBitmap;
use serde::Serialize;

use crate::answers::contact::ContactItem;
use crate::answers::group::{GroupDetails, MemberList, MemberRequest, Preview};
use crate::answers::hiding::{message, shown};
use crate::answers::shapes::{GroupItem, GroupList, UuidName};
use crate::cli::Outcome;
use crate::cli::args::group::{GroupCommand, Members, Selection};
use crate::cli::commands::hints::why_refused;
use crate::cli::commands::queries;
use crate::cli::commands::query::tell_rest;
use crate::cli::commands::session::{Session, failure};
use crate::cli::failure::Failure;
use crate::cli::output::{Cell, Column, Format, Row, counted};
use crate::cli::settings::Settings;
use crate::ids::GroupId;
use crate::import::{Source, groups, references};
use crate::sema::query::Dialect;
use crate::workspace::{FillPolicy, GroupInput, GroupOutcome, GroupProfile, Override, Purpose, Reader, WorkspaceError};

/// Of so many groups of a file, each is compared with every other group.
const MOST_COMPARED: usize = 100;

/// `group …`
pub(super) fn group(command: &GroupCommand, settings: &Settings) -> Outcome {
    let session = Session::open(settings)?;
    match command {
        GroupCommand::Create { name, query, dialect, later } => {
            session.fill_later(*later);
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
        GroupCommand::Pin(selection) => session.override_members(selection, Some(Override::Pinned)),
        GroupCommand::Exclude(selection) => session.override_members(selection, Some(Override::Excluded)),
        GroupCommand::Unpin(selection) => session.override_members(selection, None),
        GroupCommand::Rename { name, new_name } => {
            let renamed = session.write(|writer| {
                let group = writer.group_named(name)?;
                writer.rename_group(group, new_name)?;
                Ok(group)
            })?;
            session.show_group(renamed.value)
        }
        GroupCommand::Edit { name, query: None, .. } => session.cancel_edit(name),
        GroupCommand::Edit { name, query: Some(query), dry_run: true, dialect, .. } => {
            session.warn_of_edit(name, query, *dialect)?;
            session.dry_run(name, query, *dialect)
        }
        GroupCommand::Edit { name, query: Some(query), dry_run: false, dialect, later, .. } => {
            session.fill_later(*later);
            session.warn_of_edit(name, query, *dialect)?;
            let edited = session.write(|writer| {
                let group = writer.group_named(name)?;
                writer.edit_group(group, query, *dialect)?;
                Ok(group)
            })?;
            session.show_group(edited.value)
        }
        GroupCommand::Delete { name, yes } => {
            if !settings.is_sure(&format!("Delete the group `{name}`?"), *yes) {
                return Err(Failure::Failed("nothing was deleted".to_owned()));
            }
            session.delete_group(name)
        }
        GroupCommand::Import { file, dialect, later } => {
            session.fill_later(*later);
            session.import_groups(file, *dialect)
        }
    }
}

/// Groups of a file whose warnings are drawn.
const MOST_WARNED: u64 = 10;

impl Session<'_> {
    /// Lets groups be filled by `headcount index`, if that is wanted.
    fn fill_later(&self, later: bool) {
        if later {
            let policy = FillPolicy { at_once: 0, finish: false, ..FillPolicy::default() };
            self.workspace.set_fill_policy(policy);
        }
    }

    /// Gives up the query that a group is being filled with.
    fn cancel_edit(&self, name: &str) -> Outcome {
        let cancelled = self.write(|writer| {
            let group = writer.group_named(name)?;
            Ok((group, writer.cancel_edit(group)?))
        })?;
        let (group, was_pending) = cancelled.value;
        if !was_pending {
            self.settings.note(&format!("`{name}` is not being filled: there is nothing to cancel"));
        }
        self.show_group(group)
    }

    /// Warns of what is odd about the queries of a file that were taken over.
    fn warn_of_import(
        &self,
        file: &str,
        inputs: &[GroupInput],
        outcomes: &[GroupOutcome],
        dialect: Dialect,
    ) -> Outcome {
        let reader = self.reader()?;
        // Looking for another group of the same meaning costs a look at every other one.
        let compares = inputs.len() <= MOST_COMPARED;
        let mut warned = 0;
        for (input, outcome) in inputs.iter().zip(outcomes) {
            let Some(query) = input.query.as_deref().filter(|_| *outcome != GroupOutcome::Unchanged) else { continue };
            let group = self.told(reader.group_named(input.name.trim()))?;
            let purpose = if compares { Purpose::Group(Some(group)) } else { Purpose::Search };
            let parsed = self.told(reader.parse_and_lint(query, dialect, purpose))?;
            if parsed.warnings.is_empty() {
                continue;
            }
            warned += 1;
            if warned <= MOST_WARNED {
                self.settings.note(&format!("{file}: about the query of group `{}`:", input.name));
                queries::warnings(query, &parsed.warnings, self.settings);
            }
        }
        if warned > MOST_WARNED {
            let more = counted(warned - MOST_WARNED, "more group");
            self.settings.note(&format!("… and {more} with warnings; `headcount parse QUERY` tells those of a query"));
        }
        Ok(())
    }

    /// Warns of what is odd about a group's new query.
    fn warn_of_edit(&self, name: &str, query: &str, dialect: Dialect) -> Outcome {
        let reader = self.reader()?;
        let group = self.told(reader.group_named(name))?;
        let parsed = self.told(reader.parse_and_lint(query, dialect, Purpose::Group(Some(group))))?;
        queries::warnings(query, &parsed.warnings, self.settings);
        Ok(())
    }
}

/// A group with what it costs.
#[derive(Serialize)]
struct Profiled {
    #[serde(flatten)]
    group: GroupItem,
    /// Time of a search for its members.
    micros: u64,
    /// Time that the engine takes for it, for one changed contact.
    nanos_per_contact: u64,
    atoms: u64,
    moves_per_day: f64,
}

impl From<GroupProfile> for Profiled {
    fn from(profile: GroupProfile) -> Self {
        Profiled {
            group: GroupItem::from(&profile.group),
            micros: profile.micros,
            nanos_per_contact: profile.nanos_per_contact,
            atoms: profile.atoms as u64,
            // To a hundredth: more says nothing.
            moves_per_day: (profile.moves_per_day * 100.0).round() / 100.0,
        }
    }
}

impl Row for Profiled {
    fn cells(&self) -> Vec<Cell> {
        let mut cells = self.group.cells();
        let costs = [self.nanos_per_contact, self.micros, self.atoms].map(Cell::Count);
        cells.splice(1..1, costs.into_iter().chain([Cell::from(format!("{:.2}", self.moves_per_day))]));
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

/// The answer of `group add` and `group remove`.
#[derive(Serialize)]
struct Moved {
    group: UuidName,
    moved: u64,
    unchanged: u64,
    rejected: u64,
}

/// The answer of `group pin`, `group exclude` and `group unpin`.
#[derive(Serialize)]
struct Overridden {
    group: UuidName,
    changed: u64,
    unchanged: u64,
    rejected: u64,
    /// Members now.
    count: u64,
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

impl Session<'_> {
    fn format(&self) -> Format {
        self.settings.format_or(Format::Table)
    }

    fn show_group(&self, id: GroupId) -> Outcome {
        let reader = self.reader()?;
        let details = self.told(GroupDetails::of(&reader, id))?;
        let names: Vec<&str> = details.used_by.iter().map(|group| group.name.as_str()).collect();
        let mut properties = vec![
            ("Name", details.group.name.as_str().into()),
            ("UUID", details.group.uuid.as_str().into()),
            ("Kind", if details.smart { "smart" } else { "manual" }.into()),
            ("Query", Cell::text(details.group.query.as_deref())),
            ("Status", details.group.status.as_str().into()),
            ("Reason", Cell::text(details.reason.as_deref())),
            ("Members", Cell::Count(details.group.count)),
            ("Used by", names.join(", ").into()),
        ];
        if let Some(pending) = &details.pending {
            properties.insert(4, ("Being filled with", pending.as_str().into()));
        }
        self.settings.output().details(self.format(), &properties, Some(&details.group.uuid), &details)
    }

    fn list_groups(&self) -> Outcome {
        let groups = self.told(self.reader()?.groups())?;
        let list = GroupList { groups: groups.iter().map(GroupItem::from).collect() };
        self.settings.output().list(self.format(), GroupItem::columns(), &list, &list.groups)
    }

    /// What each group costs, the most costly first.
    fn profile_groups(&self) -> Outcome {
        let profiles = self.told(self.reader()?.profile_groups())?;
        let groups: Vec<Profiled> = profiles.into_iter().map(Profiled::from).collect();
        let mut columns = GroupItem::columns();
        let costs = ["Nanoseconds a contact", "Microseconds", "Atoms", "Moves a day"].map(Column::number);
        columns.splice(1..1, costs);
        self.settings.output().list(self.format(), columns, &ProfiledList { groups: &groups }, &groups)
    }

    fn members(&self, args: &Members) -> Outcome {
        let reader = self.reader()?;
        let id = self.told(reader.group_named(&args.name))?;
        let offset = usize::try_from(args.offset).unwrap_or(usize::MAX);
        let limit = if args.all { usize::MAX } else { usize::try_from(args.limit).unwrap_or(usize::MAX) };
        let list = self.told(MemberList::of(&reader, id, MemberRequest { as_of: args.as_of, offset, limit }))?;
        let format = self.format();
        let mut output = self.settings.output();
        output.set_zone(reader.environment().timezone.clone());
        output.list(format, ContactItem::columns(&[]), &list, &list.contacts)?;
        if format == Format::Table {
            for (what, uuids) in [("pinned", &list.pinned), ("excluded", &list.excluded)] {
                if !uuids.is_empty() {
                    self.settings.note(&format!("{what} by hand: {}", uuids.join(", ")));
                }
            }
        }
        let shown = list.contacts.len();
        let has_more = (offset as u64).saturating_add(shown as u64) < list.total && shown > 0;
        if list.total == 0 && format == Format::Table {
            self.settings.note("no members");
        } else if list.total > 0 {
            tell_rest(self.settings, format, shown, list.total, has_more);
        }
        Ok(())
    }

    /// Keeps contacts in a smart group or out of it, or leaves them to its query again.
    fn override_members(&self, selection: &Selection, to: Option<Override>) -> Outcome {
        let mut rejected = 0;
        let documents = {
            let reader = self.reader()?;
            self.told(reader.group_named(&selection.name))?;
            self.selected(&reader, selection, &mut rejected)?
        };
        let commit = self.write_by_hand(|writer| {
            let group = writer.group_named(&selection.name)?;
            Ok((group, writer.override_members(group, &documents, to)?))
        })?;
        let (group, changed) = commit.value;
        let reader = self.reader()?;
        let group = self.told(reader.group(group))?;
        let answer = Overridden {
            group: UuidName::from(&group),
            changed,
            unchanged: documents.len() - changed,
            rejected,
            count: group.count,
        };
        let properties = [
            ("Group", answer.group.name.as_str().into()),
            ("Changed", Cell::Count(answer.changed)),
            ("Unchanged", Cell::Count(answer.unchanged)),
            ("Rejected", Cell::Count(answer.rejected)),
            ("Members", Cell::Count(answer.count)),
        ];
        self.settings.output().details(self.format(), &properties, Some(&answer.group.uuid), &answer)?;
        if rejected > 0 { Err(Failure::SomeRejected) } else { Ok(()) }
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
            self.settings.line(&format!("{uuid}: {}", why_refused(rejection, hides_addresses)));
        }
        rejected += refused.len() as u64;
        let answer = Moved { group: UuidName::from(&self.told(reader.group(group))?), moved, unchanged, rejected };
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
        let hides_addresses = reader.environment().redact_urns;
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
                    self.settings.line(&WorkspaceError::UnknownContact(shown(reference, hides_addresses)).to_string());
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
                    .ok_or_else(|| WorkspaceError::UnknownContact(shown(reference, hides_addresses)).to_string()),
                Err(rejection) => Err(message(&rejection.reason, hides_addresses).into_owned()),
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
        let reader = self.reader()?;
        let group = self.told(reader.group_named(name))?;
        let moves = self.told(reader.preview(group, query, dialect))?;
        let preview = self.told(Preview::of(&reader, group, &moves))?;
        let Preview { entered, left, .. } = &preview;
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

    fn delete_group(&self, name: &str) -> Outcome {
        let deleted = {
            let reader = self.reader()?;
            let group = self.told(reader.group_named(name))?;
            self.told(reader.group(group))?
        };
        self.write(|writer| writer.delete_group(deleted.id))?;
        let answer = UuidName::from(&deleted);
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
        self.warn_of_import(&file, &inputs, &outcomes, dialect)?;
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
