//! `export`, `backup`

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use roaring::RoaringBitmap;

use crate::answers::contact::ContactItem;
use crate::cli::Outcome;
use crate::cli::args::maintain::{Backup, Export, Formulas};
use crate::cli::commands::session::Session;
use crate::cli::commands::target::Target;
use crate::cli::failure::Failure;
use crate::cli::output::{Format, counted, grouped};
use crate::cli::settings::Settings;
use crate::contact::Contact;
use crate::ids::{DocumentNumber, GroupId};
use crate::import::formula;
use crate::workspace::Reader;

/// Contacts whose groups are looked up together.
const BATCH: u32 = 8_192;
/// What clears a value when a sheet is imported.
const CLEARS: &str = "--";

/// Copies the workspace while others write.
pub(super) fn backup(args: &Backup, settings: &Settings) -> Outcome {
    let session = Session::open(settings)?;
    let progress = settings.progress_waiting("copying");
    session.told(session.workspace.backup(&args.folder, args.compact))?;
    drop(progress);
    settings.note(&format!("copied the workspace to {}", args.folder.display()));
    Ok(())
}

/// Writes contacts with their groups, in a shape that `import` reads.
pub(super) fn export(args: &Export, settings: &Settings) -> Outcome {
    let shape = shape(&args.file, settings)?;
    let session = Session::open(settings)?;
    // A file that cannot be written is refused before anything is read.
    let mut target = Target::open(&args.file)?;
    let reader = session.reader()?;
    if shape == Shape::Parquet {
        return parquet(&session, &reader, target, &args.file);
    }
    let groups = Groups::load(&session, &reader)?;
    let quotes = args.formulas == Formulas::Quote;
    let mut export = Exporter { session: &session, reader: &reader, groups, quotes, unfit: 0, quoted: 0 };
    let count = if shape == Shape::Sheet { export.sheet(&mut target) } else { export.lines(&mut target) }?;
    target.finish()?;
    if export.unfit > 0 {
        settings.warn(&format!(
            "left {} cells blank whose values a sheet cannot hold (`--`, or nothing but white space); \
             a file named .jsonl holds them",
            grouped(export.unfit)
        ));
    }
    if export.quoted > 0 {
        settings.warn(&format!(
            "put a ' before {} that a spreadsheet would take for a formula; `import` takes it away again, and \
             `--formulas keep` leaves it out",
            counted(export.quoted, "text")
        ));
    }
    settings.note(&format!("exported {}", counted(count, "contact")));
    Ok(())
}

/// What an export looks like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// JSON lines.
    Lines,
    /// CSV.
    Sheet,
    /// Two tables.
    Parquet,
}

fn shape(file: &Path, settings: &Settings) -> Outcome<Shape> {
    let extension = file.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    match (settings.format, extension.as_deref()) {
        (Some(Format::Csv), _) | (None, Some("csv")) => Ok(Shape::Sheet),
        (Some(Format::Jsonl), _) | (None, Some("jsonl" | "ndjson")) => Ok(Shape::Lines),
        (None, Some("parquet")) => Ok(Shape::Parquet),
        (None, None) if file.as_os_str() == "-" => Ok(Shape::Lines),
        _ => Err(Failure::Usage(
            "an export is named .jsonl, .csv or .parquet, or told by --format jsonl or csv".to_owned(),
        )),
    }
}

/// Writes two tables: contacts where it was told to, and memberships beside them.
#[cfg(feature = "parquet")]
fn parquet(session: &Session<'_>, reader: &Reader<'_>, mut contacts: Target, file: &Path) -> Outcome {
    use crate::export::{ExportError, write_contacts, write_memberships};

    let told = |error| match error {
        ExportError::Workspace(error) => crate::cli::commands::session::failure(error, session.settings),
        ExportError::Parquet(_) => Failure::because(error),
    };
    let beside = file.with_extension("memberships.parquet");
    let mut memberships = Target::open(&beside)?;
    let mut bar = session.settings.progress_items("exporting", Some(reader.contacts()));
    let written = write_contacts(reader, &mut contacts.writer, |count| bar.set(count)).map_err(told)?;
    let count = write_memberships(reader, &mut memberships.writer).map_err(told)?;
    memberships.finish()?;
    contacts.finish()?;
    if written.unconvertible > 0 {
        session.settings.warn(&format!(
            "left out {} whose text does not convert to the type of their field; a file named .jsonl holds them",
            counted(written.unconvertible, "value")
        ));
    }
    let [contacts, count] = [counted(written.contacts, "contact"), counted(count, "membership")];
    session.settings.note(&format!("exported {contacts}, and {count} to {}", beside.display()));
    Ok(())
}

#[cfg(not(feature = "parquet"))]
fn parquet(_: &Session<'_>, _: &Reader<'_>, _: Target, _: &Path) -> Outcome {
    Err(Failure::Usage(
        "this headcount was built without Parquet; build it with `cargo build --release --features parquet`".to_owned(),
    ))
}

/// Who is in which group, by name of the group.
struct Groups(Vec<(GroupId, String, RoaringBitmap)>);

impl Groups {
    fn load(session: &Session<'_>, reader: &Reader<'_>) -> Outcome<Self> {
        let mut groups = Vec::new();
        for group in session.told(reader.groups())? {
            groups.push((group.id, group.name, session.told(reader.members(group.id))?));
        }
        groups.sort_by(|a, b| a.1.cmp(&b.1));
        Ok(Groups(groups))
    }

    /// Places in this list of the groups of each contact from `first` on, for one batch.
    ///
    /// Cost: the memberships of the batch, and not a look into every group for every contact.
    fn of_batch(&self, first: u32) -> Vec<Vec<usize>> {
        let mut places = vec![Vec::new(); BATCH as usize];
        let last = first.saturating_add(BATCH - 1);
        for (at, (.., members)) in self.0.iter().enumerate() {
            for document in members.range(first..=last) {
                if let Some(places) = places.get_mut((document - first) as usize) {
                    places.push(at);
                }
            }
        }
        places
    }
}

struct Exporter<'s> {
    session: &'s Session<'s>,
    reader: &'s Reader<'s>,
    groups: Groups,
    /// Whether texts that begin as a formula does get a ' before them.
    quotes: bool,
    /// Cells left blank because a sheet cannot hold their values.
    unfit: u64,
    /// Cells that got a '.
    quoted: u64,
}

impl Exporter<'_> {
    /// Hands each contact to `write`, with the places of its groups in the list of groups.
    fn each(&self, mut write: impl FnMut(&Contact, &[usize]) -> Outcome) -> Outcome<u64> {
        let mut bar = self.session.settings.progress_items("exporting", Some(self.reader.contacts()));
        let (mut count, mut batch) = (0, (u32::MAX, Vec::new()));
        for document in self.session.told(self.reader.documents())? {
            let DocumentNumber(document) = self.session.told(document)?;
            let first = document - document % BATCH;
            if batch.0 != first {
                batch = (first, self.groups.of_batch(first));
            }
            let Some(contact) = self.session.told(self.reader.contact(DocumentNumber(document)))? else { continue };
            let places = batch.1.get((document - first) as usize).map(Vec::as_slice).unwrap_or_default();
            write(&contact, places)?;
            count += 1;
            bar.set(count);
        }
        Ok(count)
    }

    fn lines(&mut self, target: &mut Target) -> Outcome<u64> {
        let schema = self.reader.schema();
        let hides_addresses = self.reader.environment().redact_urns;
        self.each(|contact, places| {
            let ids: Vec<GroupId> =
                places.iter().filter_map(|&at| self.groups.0.get(at).map(|group| group.0)).collect();
            let item = ContactItem::of(contact, schema, hides_addresses).with_groups(&ids, schema);
            if hides_addresses {
                // A hidden address read back would replace the real one; a key that is absent leaves it.
                let mut line = serde_json::to_value(&item)?;
                line.as_object_mut().map(|keys| keys.remove("urns"));
                serde_json::to_writer(&mut target.writer, &line)?;
            } else {
                serde_json::to_writer(&mut target.writer, &item)?;
            }
            Ok(target.writer.write_all(b"\n")?)
        })
    }

    /// The columns of the platform's own exports, and one for each group.
    fn sheet(&mut self, target: &mut Target) -> Outcome<u64> {
        let schema = self.reader.schema();
        let Survey { schemes, has_ids, has_references } = self.survey()?;
        let mut header: Vec<String> =
            ["UUID", "Name", "Language", "Status", "Created On", "Last Seen On"].map(str::to_owned).to_vec();
        header.extend(has_ids.then(|| "ID".to_owned()));
        header.extend(has_references.then(|| "Ref".to_owned()));
        // As many columns of a scheme as somebody has addresses.
        header.extend(schemes.iter().flat_map(|(scheme, columns)| vec![format!("URN:{scheme}"); *columns]));
        header.extend(schema.fields().iter().map(|field| format!("Field:{}", field.key)));
        header.extend(self.groups.0.iter().map(|(_, name, _)| format!("Group:{name}")));
        let (mut unfit, mut quoted) = (0, 0);
        let mut writer = csv::Writer::from_writer(&mut target.writer);
        writer.write_record(&header)?;
        let count = self.each(|contact, places| {
            let mut cell = |text: Option<&str>| match text {
                // Read again, these would clear a value, or say nothing of it.
                Some(text) if [CLEARS, ""].contains(&text.trim()) => {
                    unfit += 1;
                    String::new()
                }
                text => text.unwrap_or_default().to_owned(),
            };
            let mut record = vec![
                contact.uuid.to_string(),
                cell(contact.name.as_deref()),
                cell(contact.language.as_deref()),
                contact.status.name().to_owned(),
                contact.created_on.to_string(),
                contact.last_seen_on.map(|moment| moment.to_string()).unwrap_or_default(),
            ];
            if has_ids {
                record.push(cell(contact.id.as_deref()));
            }
            if has_references {
                record.push(cell(contact.reference.as_deref()));
            }
            let mut paths: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for urn in &contact.urns {
                paths.entry(urn.scheme()).or_default().push(urn.written_path());
            }
            for (scheme, columns) in &schemes {
                let held = paths.get(scheme.as_str()).map(Vec::as_slice).unwrap_or_default();
                for place in 0..*columns {
                    record.push(cell(held.get(place).copied()));
                }
            }
            for field in schema.fields() {
                record.push(cell(contact.fields.get(&field.id).map(|value| &*value.text)));
            }
            let mut flags = vec!["false"; self.groups.0.len()];
            for &at in places {
                if let Some(flag) = flags.get_mut(at) {
                    *flag = "true";
                }
            }
            record.extend(flags.into_iter().map(str::to_owned));
            if self.quotes {
                for cell in record.iter_mut().filter(|cell| formula::is_one(cell)) {
                    cell.insert(0, formula::QUOTE);
                    quoted += 1;
                }
            }
            Ok(writer.write_record(&record)?)
        })?;
        writer.flush()?;
        drop(writer);
        (self.unfit, self.quoted) = (unfit, quoted);
        Ok(count)
    }

    /// Which columns a sheet needs.
    fn survey(&self) -> Outcome<Survey> {
        let hides_addresses = self.reader.environment().redact_urns;
        let mut survey = Survey::default();
        self.each(|contact, _| {
            survey.has_ids |= contact.id.is_some();
            survey.has_references |= contact.reference.is_some();
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            for urn in contact.urns.iter().filter(|_| !hides_addresses) {
                *counts.entry(urn.scheme()).or_default() += 1;
            }
            for (scheme, count) in counts {
                match survey.schemes.get_mut(scheme) {
                    Some(known) => *known = count.max(*known),
                    None => drop(survey.schemes.insert(scheme.to_owned(), count)),
                }
            }
            Ok(())
        })?;
        Ok(survey)
    }
}

/// What some contact has.
#[derive(Default)]
struct Survey {
    /// Schemes of addresses, with how many of each somebody has; none if addresses are hidden.
    schemes: BTreeMap<String, usize>,
    has_ids: bool,
    has_references: bool,
}
