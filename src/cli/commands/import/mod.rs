//! `import`

mod inputs;
mod summary;

use std::collections::HashMap;

use roaring::RoaringBitmap;

use crate::answers::hiding::message;
use crate::cli::Outcome;
use crate::cli::args::workspace::Import;
use crate::cli::commands::flood::Flood;
use crate::cli::commands::hints::why_refused;
use crate::cli::commands::session::Session;
use crate::cli::failure::Failure;
use crate::cli::output::counted;
use crate::cli::output::progress::ProgressBar;
use crate::cli::settings::Settings;
use crate::import::infer::Inference;
use crate::import::{ContactReader, LineNumber, SheetOptions};
use crate::memory;
use crate::schema::Schema;
use crate::value::{Urn, fold};
use crate::workspace::change::NamedRef;
use crate::workspace::{ContactPatch, Omissions, SchemaInput, WorkspaceError, Writer};

use inputs::Input;
use summary::Summary;

/// Contacts of one commit: a block.
const BATCH: usize = 65_536;
/// The same where there are millions: each commit touches most pages of the identities, so fewer are faster; these take
/// most of a gigabyte.
const LARGE_BATCH: usize = 262_144;
/// Contacts from which on commits are large.
const MANY: u64 = 2_000_000;
/// Lines that are taken together: enough to keep all processors busy, few enough to be kept in memory.
const LOT: usize = 16_384;
/// Bytes that a contact takes until its commit.
const CONTACT_BYTES: u64 = 3 << 10;

/// Reads contacts from files.
pub(super) fn import(args: &Import, settings: &Settings) -> Outcome {
    let session = Session::open(settings)?;
    let (options, hides_addresses) = {
        let reader = session.reader()?;
        let (environment, schema) = (reader.environment().clone(), Some(reader.schema().clone()));
        let (infer, maps, phones, sheet) = (args.infer, args.maps.clone(), args.phones.into(), args.sheet.clone());
        (SheetOptions { environment, schema, infer, maps, phones, sheet }, reader.environment().redact_urns)
    };
    let group = args.group.as_deref().map(|name| session.manual_group(name)).transpose()?;
    let importer = Importer { session: &session, hides_addresses, options, group };
    let mut inputs: Vec<Input> = args.files.iter().map(|path| Input::new(path)).collect();
    importer.look_ahead(args, &mut inputs)?;
    let told = importer.tell_guesses(&inputs)?;
    let mut schema = if args.infer { importer.infer(&inputs)? } else { SchemaInput::default() };
    schema.groups.extend(importer.group.iter().filter(|group| group.uuid.is_none()).cloned());
    let mut flood = Flood::new(settings, args.report.as_deref(), told)?;
    let outcome = if args.strict || args.dry_run {
        importer.all_at_once(&inputs, &schema, args, &mut flood)
    } else {
        session.write(|writer| writer.import_schema(&schema))?;
        importer.in_batches(&inputs, &mut flood)
    };
    flood.finish()?;
    let mut summary = outcome?;
    summary.has_country = importer.options.environment.country.is_some();
    summary.tell(settings, hides_addresses, args.dry_run)?;
    if summary.rejected > 0 { Err(Failure::SomeRejected) } else { Ok(()) }
}

impl Session<'_> {
    /// The manual group that is meant, or a new one of that name.
    fn manual_group(&self, name: &str) -> Outcome<NamedRef> {
        let reader = self.reader()?;
        match self.told(reader.group_named(name)).ok().and_then(|id| reader.schema().group_by_id(id)) {
            Some(group) if group.smart => Err(Failure::Failed(format!(
                "`{name}` is a smart group, whose members are who matches its query: nobody is put into it by hand"
            ))),
            Some(group) => Ok(NamedRef { uuid: Some(group.uuid), name: Some(group.name.as_str().into()) }),
            None => Ok(NamedRef { uuid: None, name: Some(name.trim().into()) }),
        }
    }
}

struct Importer<'s> {
    session: &'s Session<'s>,
    hides_addresses: bool,
    options: SheetOptions,
    /// The group that everybody is put into.
    group: Option<NamedRef>,
}

/// One file on its way.
struct File<'i> {
    importer: &'i Importer<'i>,
    name: String,
    contacts: ContactReader,
    bar: ProgressBar,
}

impl Importer<'_> {
    fn open(&self, input: &Input, doing: &str) -> Outcome<File<'_>> {
        let source = input.open()?;
        let name = source.name().to_owned();
        let contacts = ContactReader::open_with(source, &self.options)
            .map_err(|error| Failure::Failed(self.shown(&error.to_string())))?;
        let bar = self.session.settings.progress_bytes(&format!("{doing} {name}"), contacts.progress().total_bytes());
        Ok(File { importer: self, name, contacts, bar })
    }

    fn shown(&self, text: &str) -> String {
        message(text, self.hides_addresses).into_owned()
    }

    /// A file that is missing or of another kind is told before any other is imported; a pipe that is read twice is kept.
    fn look_ahead(&self, args: &Import, inputs: &mut [Input]) -> Outcome {
        for input in inputs.iter_mut().filter(|input| input.is_once()) {
            if args.strict {
                return Err(Failure::Usage(
                    "--strict reads its input twice, so it needs files and not a pipe".to_owned(),
                ));
            }
            input.keep()?;
        }
        Ok(())
    }

    /// Says what was guessed of each file; gives how many lines that took.
    fn tell_guesses(&self, inputs: &[Input]) -> Outcome<usize> {
        let mut lines = 0;
        for input in inputs {
            if input.is_once() {
                continue;
            }
            let file = self.open(input, "looking at")?;
            for name in self.smart_groups(file.contacts.mentions()) {
                let name = self.shown(&format!("`Group:{name}`"));
                self.session
                    .settings
                    .warn(&format!("the column {name} is left out: who is in a smart group follows from its query"));
                lines += 1;
            }
            let mut told: Vec<String> = file.contacts.guesses().iter().map(|line| self.shown(line)).collect();
            let unknown = file.contacts.unknown_columns();
            if !unknown.is_empty() && !told.is_empty() {
                let mut names: Vec<String> = unknown.iter().take(12).map(|name| format!("`{name}`")).collect();
                if unknown.len() > names.len() {
                    names.push(format!("{} more", unknown.len() - names.len()));
                }
                told.push(self.shown(&format!("left out: {}; --infer makes fields of them", names.join(", "))));
            }
            if told.is_empty() {
                continue;
            }
            let say = |line: &str| self.session.settings.note(line);
            say(&format!("{}: guessed what is what (--map \"COLUMN=Field:name\" says otherwise)", file.name));
            told.iter().for_each(|line| say(&format!("  {line}")));
            lines += told.len() + 1;
        }
        Ok(lines)
    }

    /// The smart groups that a header names.
    fn smart_groups(&self, mentions: &ContactPatch) -> Vec<String> {
        let Some(schema) = &self.options.schema else { return Vec::new() };
        let found = mentions.group_flags.iter().filter_map(|(group, _)| {
            let by_uuid = group.uuid.and_then(|uuid| schema.group_by_uuid(uuid));
            by_uuid.or_else(|| schema.group(group.name.as_deref()?)).filter(|group| group.smart)
        });
        found.map(|group| group.name.clone()).collect()
    }

    /// The fields, manual groups and flows that the files mention and the workspace does not have.
    fn infer(&self, inputs: &[Input]) -> Outcome<SchemaInput> {
        let reader = self.session.reader()?;
        let mut inference = Inference::new(reader.environment().clone());
        for input in inputs {
            let mut file = self.open(input, "looking at")?;
            inference.see(file.contacts.mentions());
            loop {
                let lot = file.lot(LOT);
                if lot.is_empty() {
                    break;
                }
                for (line, patch) in lot.iter().filter_map(|(line, item)| Some((*line, item.as_ref().ok()?))) {
                    inference.see_line(line, patch);
                }
            }
        }
        let known = reader.schema();
        let is_known = |key: &str, name: &str| known.field(key).or(known.field_by_name(name)).is_some();
        let remarks: Vec<String> = inference.remarks(is_known);
        let mut schema = SchemaInput::from(inference.finish());
        schema.fields.retain(|field| !is_known(&field.key, field.name.as_deref().unwrap_or(&field.key)));
        schema.flows.retain(|flow| flow.name.as_deref().is_none_or(|name| known.flow(name).is_none()));
        schema.groups.retain(|group| group.name.is_some());
        schema.fields.iter_mut().for_each(|field| field.key = usable_key(&field.key, known));
        self.tell_made(&mut schema, remarks);
        Ok(schema)
    }

    /// Says which fields and groups are made. One whose name is too long for a name is left out.
    fn tell_made(&self, schema: &mut SchemaInput, remarks: Vec<String>) {
        let settings = self.session.settings;
        let is_short = |name: Option<&str>| name.is_none_or(|name| name.trim().chars().count() <= LONGEST_NAME);
        let mut too_long = 0;
        let mut keep = |is_kept: bool| {
            too_long += u64::from(!is_kept);
            is_kept
        };
        schema.fields.retain(|field| keep(is_short(field.name.as_deref())));
        schema.groups.retain(|group| keep(is_short(group.name.as_deref())));
        schema.flows.retain(|flow| keep(is_short(flow.name.as_deref())));
        if too_long > 0 {
            let are = if too_long == 1 { "is" } else { "are" };
            settings.warn(&format!(
                "{} of a field, a group or a flow {are} left out: a name has at most {LONGEST_NAME} characters",
                counted(too_long, "name")
            ));
        }
        let list = |names: Vec<String>| {
            let more = names.len().saturating_sub(12);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{}{more}", names.into_iter().take(12).collect::<Vec<_>>().join(", "))
        };
        if !schema.fields.is_empty() {
            let fields = schema.fields.iter().map(|field| format!("{} ({})", field.key, field.kind.name())).collect();
            settings.note(&self.shown(&format!("new fields: {}", list(fields))));
        }
        let names: Vec<String> = schema
            .groups
            .iter()
            .filter(|group| {
                let name = group.name.as_deref().unwrap_or_default();
                self.options.schema.as_ref().is_none_or(|schema| schema.group(name).is_none())
            })
            .map(|group| format!("`{}`", group.name.as_deref().unwrap_or_default()))
            .collect();
        if !names.is_empty() {
            settings.note(&self.shown(&format!("new groups: {}", list(names))));
        }
        for remark in remarks.iter().take(4) {
            settings.note(&self.shown(remark));
        }
    }

    /// Commits by and by: what was committed stays, whatever comes later.
    fn in_batches(&self, inputs: &[Input], flood: &mut Flood<'_>) -> Outcome<Summary> {
        let mut summary = Summary::default();
        let mut omissions = Omissions::default();
        for input in inputs {
            let mut file = self.open(input, "importing")?;
            let mut touched = RoaringBitmap::new();
            let taken_before = summary.taken();
            let mut has_more = true;
            while has_more {
                let most = if self.session.reader()?.contacts() < MANY { BATCH } else { LARGE_BATCH };
                let batch = memory::count(2, CONTACT_BYTES, most);
                let mut told = Ok(());
                let commit = self.session.write(|writer| {
                    let mut more = true;
                    while more && writer.staged_contacts() < batch {
                        let lot = file.lot(LOT);
                        more = !lot.is_empty();
                        if more {
                            let outcome = file.put_all(writer, lot, &mut summary, flood)?;
                            told = std::mem::replace(&mut told, Ok(())).and(outcome);
                        }
                    }
                    touched.extend(writer.staged_documents().map(|document| document.0));
                    Ok(more)
                })?;
                told?;
                has_more = commit.value;
                summary.created += commit.counts.created;
                summary.changed += commit.counts.changed;
                omissions.merge(commit.omissions);
            }
            summary.repeated += (summary.taken() - taken_before).saturating_sub(touched.len());
            file.finish(&mut summary, flood)?;
        }
        summary.left_out = self.left_out(&omissions);
        Ok(summary)
    }

    fn left_out(&self, omissions: &Omissions) -> Vec<String> {
        omissions.sentences().iter().map(|sentence| self.shown(sentence)).collect()
    }

    /// Everything in one commit; or nothing if it is only tried, or, with `--strict`, if a line is bad or a contact comes
    /// twice.
    fn all_at_once(
        &self,
        inputs: &[Input],
        schema: &SchemaInput,
        args: &Import,
        flood: &mut Flood<'_>,
    ) -> Outcome<Summary> {
        let mut opened = inputs.iter().map(|input| self.open(input, "importing")).collect::<Outcome<Vec<_>>>()?;
        let mut summary = Summary::default();
        let mut seen = Seen::default();
        let mut told = Ok(());
        let result = self.session.workspace.write(self.session.settings.now, |writer| {
            writer.import_schema(schema)?;
            for file in &mut opened {
                let (taken_before, staged_before) = (summary.taken(), writer.staged_contacts() as u64);
                loop {
                    let mut lot = file.lot(LOT);
                    if lot.is_empty() {
                        break;
                    }
                    lot.retain(|(line, item)| {
                        let patch = item.as_ref().ok().filter(|_| args.strict);
                        let earlier = patch.and_then(|patch| seen.earlier(&file.name, *line, patch));
                        if let Some(earlier) = &earlier {
                            summary.read += 1;
                            let reason = format!("this contact comes a second time, after {earlier}");
                            let outcome = file.reject(*line, &reason, &mut summary, flood);
                            told = std::mem::replace(&mut told, Ok(())).and(outcome);
                        }
                        earlier.is_none()
                    });
                    let outcome = file.put_all(writer, lot, &mut summary, flood)?;
                    told = std::mem::replace(&mut told, Ok(())).and(outcome);
                }
                let touched = (writer.staged_contacts() as u64).saturating_sub(staged_before);
                summary.repeated += (summary.taken() - taken_before).saturating_sub(touched);
            }
            let (counts, omissions) = writer.counts_so_far()?;
            summary.created = counts.created;
            summary.changed = counts.changed;
            summary.left_out = self.left_out(&omissions);
            if args.dry_run || summary.rejected > 0 { Err(WorkspaceError::Abandoned) } else { Ok(()) }
        });
        told?;
        for file in opened {
            file.finish(&mut summary, flood)?;
        }
        match result {
            Ok(_) => Ok(summary),
            Err(WorkspaceError::Abandoned) if args.dry_run => Ok(summary),
            Err(WorkspaceError::Abandoned) => {
                flood.finish()?;
                let are = if summary.rejected == 1 { "is" } else { "are" };
                let message = format!("nothing was imported: {} {are} bad", counted(summary.rejected, "line"));
                Err(Failure::Failed(message))
            }
            Err(error) => self.session.told(Err(error)),
        }
    }
}

type Line = (LineNumber, Result<ContactPatch, crate::import::Rejection>);

impl File<'_> {
    /// The next lines.
    fn lot(&mut self, size: usize) -> Vec<Line> {
        let mut lot: Vec<Line> = self.contacts.by_ref().take(size).collect();
        if let Some(group) = &self.importer.group {
            for patch in lot.iter_mut().filter_map(|(_, item)| item.as_mut().ok()) {
                patch.group_flags.push((group.clone(), true));
            }
        }
        self.bar.set(self.contacts.progress().bytes_read());
        lot
    }

    fn put_all(
        &self,
        writer: &mut Writer<'_>,
        lot: Vec<Line>,
        summary: &mut Summary,
        flood: &mut Flood<'_>,
    ) -> Result<Outcome, WorkspaceError> {
        summary.read += lot.len() as u64;
        let (mut lines, mut patches, mut refused) =
            (Vec::with_capacity(lot.len()), Vec::with_capacity(lot.len()), Vec::new());
        for (line, item) in lot {
            match item {
                Ok(patch) => {
                    lines.push(line);
                    patches.push(patch);
                }
                Err(rejection) => refused.push((line, self.importer.shown(&rejection.reason))),
            }
        }
        for ((line, patch), outcome) in lines.into_iter().zip(&patches).zip(writer.put_all(&patches)?) {
            match outcome {
                Ok(()) => summary.see(patch),
                Err(rejection) => refused.push((line, why_refused(&rejection, self.importer.hides_addresses))),
            }
        }
        refused.sort_unstable();
        Ok(refused.iter().try_for_each(|(line, reason)| self.reject(*line, reason, summary, flood)))
    }

    fn reject(&self, line: LineNumber, reason: &str, summary: &mut Summary, flood: &mut Flood<'_>) -> Outcome {
        summary.rejected += 1;
        flood.reject(&self.name, line, reason, |say| self.bar.interrupted(say))
    }

    /// What is worth telling of a file when it has been read.
    fn finish(self, summary: &mut Summary, flood: &mut Flood<'_>) -> Outcome {
        let notes = self.contacts.notes();
        if flood.has_report() {
            for (kind, noted) in &notes {
                for note in &noted.notes {
                    let reason = self.importer.shown(&format!("`{}`: `{}`", note.column, note.value));
                    flood.write(&self.name, note.line, summary::title(*kind), &reason)?;
                }
            }
        }
        summary.note(notes);
        Ok(())
    }
}

/// The longest name of a group, a field or a flow, in characters.
const LONGEST_NAME: usize = 255;

/// Where each contact was met, by all that identifies it.
#[derive(Default)]
struct Seen(HashMap<String, String>);

impl Seen {
    /// Where the contact of this line was met before.
    fn earlier(&mut self, file: &str, line: LineNumber, patch: &ContactPatch) -> Option<String> {
        let urns = patch.addresses().map(Urn::identity);
        let mut earlier = None;
        for identity in patch.uuid.iter().map(ToString::to_string).chain(urns) {
            let here = format!("{file}:{line}");
            if let Some(place) = self.0.insert(identity, here.clone())
                && place != here
            {
                earlier.get_or_insert(place);
            }
        }
        earlier
    }
}

/// A key that a field can have: one that is too long or means something else to queries is changed. The file goes on
/// to name the field as it does, which is then its name.
fn usable_key(key: &str, known: &Schema) -> String {
    const LONGEST: usize = 36;
    let is_reserved = crate::sema::attribute::Attribute::ALL.iter().any(|attribute| attribute.key() == key)
        || crate::value::urn::is_known_scheme(key);
    let mut usable = if is_reserved { format!("field_{key}") } else { fold::lower(key).into_owned() };
    usable.truncate(LONGEST);
    let mut numbered = usable.clone();
    let mut number = 2;
    while known.field(&numbered).is_some() {
        numbered = format!("{}_{number}", usable.get(..LONGEST - 4).unwrap_or(&usable));
        number += 1;
    }
    numbered
}
