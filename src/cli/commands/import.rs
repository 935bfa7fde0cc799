//! `import`

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::Outcome;
use crate::cli::args::workspace::Import;
use crate::cli::commands::hiding::message;
use crate::cli::commands::hints::why_refused;
use crate::cli::commands::session::Session;
use crate::cli::failure::Failure;
use crate::cli::output::progress::ProgressBar;
use crate::cli::output::{Cell, Format, counted};
use crate::cli::settings::Settings;
use crate::import::infer::Inference;
use crate::import::{ContactReader, LineNumber, Source};
use crate::schema::Schema;
use crate::value::{Urn, fold};
use crate::workspace::{ContactCounts, ContactPatch, Omissions, SchemaInput, WorkspaceError, Writer};

/// Contacts of one commit: a block.
const BATCH: usize = 65_536;
/// The same where there are millions: each commit touches most pages of the identities, so fewer are faster; these take
/// most of a gigabyte.
const LARGE_BATCH: usize = 262_144;
/// Contacts from which on commits are large.
const MANY: u64 = 2_000_000;
/// Lines that are taken together: enough to keep all processors busy, few enough to be kept in memory.
const LOT: usize = 16_384;

/// Reads contacts from files.
pub(super) fn import(args: &Import, settings: &Settings) -> Outcome {
    let session = Session::open(settings)?;
    let importer = Importer { session: &session, hides_addresses: session.reader()?.settings().redact_urns };
    if args.files.len() > 1 || args.strict || args.infer {
        importer.look_ahead(args)?;
    }
    let schema = if args.infer { Some(importer.infer(&args.files)?) } else { None };
    let summary = if args.strict {
        importer.all_or_nothing(&args.files, schema.as_ref())?
    } else {
        if let Some(schema) = &schema {
            session.write(|writer| writer.import_schema(schema))?;
        }
        importer.in_batches(&args.files)?
    };
    summary.left_out.iter().for_each(|sentence| settings.warn(sentence));
    summary.local_numbers.warn(importer.hides_addresses, settings);
    let properties = [
        ("Lines read", Cell::Count(summary.read)),
        ("Contacts created", Cell::Count(summary.created)),
        ("Contacts changed", Cell::Count(summary.changed)),
        ("Lines rejected", Cell::Count(summary.rejected)),
    ];
    settings.output().details(settings.format_or(Format::Table), &properties, None, &summary)?;
    if summary.rejected > 0 { Err(Failure::SomeRejected) } else { Ok(()) }
}

/// The answer of `import`.
#[derive(Default, Serialize)]
struct Summary {
    /// Lines that hold a contact, or should.
    read: u64,
    /// New contacts.
    created: u64,
    /// Known contacts that are different now.
    changed: u64,
    /// Lines without effect.
    rejected: u64,
    /// What was left out of contacts that were taken, a sentence for each kind.
    left_out: Vec<String>,
    #[serde(skip)]
    local_numbers: LocalNumbers,
}

/// Phone numbers that are not written in full. They are kept as they are, but whoever searches for a number as people
/// write it looks for the full one.
#[derive(Default)]
struct LocalNumbers {
    count: u64,
    example: Option<String>,
}

impl LocalNumbers {
    fn see(&mut self, patch: &ContactPatch) {
        let of_schemes = patch.scheme_urns.iter().filter_map(|(_, urn)| urn.as_ref());
        let local = |urn: &&Urn| urn.scheme() == "tel" && urn.path().starts_with(|c: char| c.is_ascii_digit());
        for urn in patch.urns.iter().flatten().chain(of_schemes).filter(local) {
            self.count += 1;
            self.example.get_or_insert_with(|| urn.path().to_owned());
        }
    }

    fn warn(&self, hides_addresses: bool, settings: &Settings) {
        let Some(example) = &self.example else { return };
        let example = if hides_addresses { String::new() } else { format!(", such as `{example}`") };
        let are = if self.count == 1 { "is" } else { "are" };
        settings.warn(&format!(
            "{} {are} not written in full{example}: searches look for numbers that begin with + and the country's code",
            counted(self.count, "phone number")
        ));
    }
}

impl Summary {
    fn add(&mut self, counts: ContactCounts) {
        self.created += counts.created;
        self.changed += counts.changed;
    }
}

struct Importer<'s> {
    session: &'s Session<'s>,
    hides_addresses: bool,
}

/// One file on its way.
struct File<'i> {
    importer: &'i Importer<'i>,
    name: String,
    contacts: ContactReader,
    bar: ProgressBar,
}

impl Importer<'_> {
    fn open(&self, path: &Path, doing: &str) -> Outcome<File<'_>> {
        let source = Source::open(path)?;
        let name = source.name().to_owned();
        let contacts = ContactReader::open(source, self.session.reader()?.environment())
            .map_err(|error| Failure::Failed(message(&error.to_string(), self.hides_addresses).into_owned()))?;
        let bar = self.session.settings.progress_bytes(&format!("{doing} {name}"), contacts.progress().total_bytes());
        Ok(File { importer: self, name, contacts, bar })
    }

    /// A file that is missing or of another kind is told before any other is imported.
    fn look_ahead(&self, args: &Import) -> Outcome {
        for path in &args.files {
            if path.as_os_str() != "-" && !Source::open(path)?.is_stream() {
                self.open(path, "looking at")?;
            } else if args.strict || args.infer {
                let option = if args.strict { "--strict" } else { "--infer" };
                return Err(Failure::Usage(format!(
                    "{option} reads its input twice, so it needs files and not a pipe"
                )));
            }
        }
        Ok(())
    }

    /// The fields, manual groups and flows that the files mention and the workspace does not have.
    fn infer(&self, files: &[PathBuf]) -> Outcome<SchemaInput> {
        let reader = self.session.reader()?;
        let mut inference = Inference::new(reader.environment().clone());
        for path in files {
            let mut file = self.open(path, "looking at")?;
            inference.see(file.contacts.mentions());
            loop {
                let lot = file.lot(LOT);
                if lot.is_empty() {
                    break;
                }
                lot.iter().filter_map(|(_, item)| item.as_ref().ok()).for_each(|patch| inference.see(patch));
            }
        }
        let mut schema = SchemaInput::from(inference.finish());
        let known = reader.schema();
        schema.fields.retain(|field| {
            let by_name = field.name.as_deref().and_then(|name| known.field_by_name(name));
            known.field(&field.key).or(by_name).is_none()
        });
        schema.flows.retain(|flow| flow.name.as_deref().is_none_or(|name| known.flow(name).is_none()));
        schema.groups.retain(|group| group.name.is_some());
        schema.fields.iter_mut().for_each(|field| field.key = usable_key(&field.key, known));
        Ok(schema)
    }

    /// Commits by and by: what was committed stays, whatever comes later.
    fn in_batches(&self, files: &[PathBuf]) -> Outcome<Summary> {
        let mut summary = Summary::default();
        let mut omissions = Omissions::default();
        for path in files {
            let mut file = self.open(path, "importing")?;
            let mut has_more = true;
            while has_more {
                let batch = if self.session.reader()?.contacts() < MANY { BATCH } else { LARGE_BATCH };
                let commit = self.session.write(|writer| {
                    while writer.staged_contacts() < batch {
                        let lot = file.lot(LOT);
                        if lot.is_empty() {
                            return Ok(false);
                        }
                        file.put_all(writer, lot, &mut summary)?;
                    }
                    Ok(true)
                })?;
                has_more = commit.value;
                summary.add(commit.counts);
                omissions.merge(commit.omissions);
            }
        }
        summary.left_out = self.left_out(&omissions);
        Ok(summary)
    }

    fn left_out(&self, omissions: &Omissions) -> Vec<String> {
        let sentences = omissions.sentences();
        sentences.iter().map(|sentence| message(sentence, self.hides_addresses).into_owned()).collect()
    }

    /// Everything in one commit, or nothing if a line is bad or a contact comes twice.
    fn all_or_nothing(&self, files: &[PathBuf], schema: Option<&SchemaInput>) -> Outcome<Summary> {
        let mut opened = files.iter().map(|path| self.open(path, "importing")).collect::<Outcome<Vec<_>>>()?;
        let mut summary = Summary::default();
        let mut seen = Seen::default();
        let result = self.session.workspace.write(self.session.settings.now, |writer| {
            if let Some(schema) = schema {
                writer.import_schema(schema)?;
            }
            for file in &mut opened {
                loop {
                    let mut lot = file.lot(LOT);
                    if lot.is_empty() {
                        break;
                    }
                    lot.retain(|(line, item)| {
                        let earlier = item.as_ref().ok().and_then(|patch| seen.earlier(&file.name, *line, patch));
                        if let Some(earlier) = &earlier {
                            summary.read += 1;
                            let reason = format!("this contact comes a second time, after {earlier}");
                            file.reject(*line, &reason, &mut summary);
                        }
                        earlier.is_none()
                    });
                    file.put_all(writer, lot, &mut summary)?;
                }
            }
            if summary.rejected > 0 { Err(WorkspaceError::Abandoned) } else { Ok(()) }
        });
        match result {
            Ok(commit) => {
                summary.add(commit.counts);
                summary.left_out = self.left_out(&commit.omissions);
                Ok(summary)
            }
            Err(WorkspaceError::Abandoned) => Err(Failure::Failed({
                let are = if summary.rejected == 1 { "is" } else { "are" };
                format!("nothing was imported: {} {are} bad", counted(summary.rejected, "line"))
            })),
            Err(error) => self.session.told(Err(error)),
        }
    }
}

type Line = (LineNumber, Result<ContactPatch, crate::import::Rejection>);

impl File<'_> {
    /// The next lines.
    fn lot(&mut self, size: usize) -> Vec<Line> {
        let lot = self.contacts.by_ref().take(size).collect();
        self.bar.set(self.contacts.progress().bytes_read());
        lot
    }

    fn put_all(&self, writer: &mut Writer<'_>, lot: Vec<Line>, summary: &mut Summary) -> Result<(), WorkspaceError> {
        summary.read += lot.len() as u64;
        let (mut lines, mut patches, mut refused) =
            (Vec::with_capacity(lot.len()), Vec::with_capacity(lot.len()), Vec::new());
        for (line, item) in lot {
            match item {
                Ok(patch) => {
                    lines.push(line);
                    patches.push(patch);
                }
                Err(rejection) => {
                    refused.push((line, message(&rejection.reason, self.importer.hides_addresses).into_owned()));
                }
            }
        }
        for ((line, patch), outcome) in lines.into_iter().zip(&patches).zip(writer.put_all(&patches)?) {
            match outcome {
                Ok(()) => summary.local_numbers.see(patch),
                Err(rejection) => refused.push((line, why_refused(&rejection, self.importer.hides_addresses))),
            }
        }
        refused.sort_unstable();
        refused.iter().for_each(|(line, reason)| self.reject(*line, reason, summary));
        Ok(())
    }

    fn reject(&self, line: LineNumber, reason: &str, summary: &mut Summary) {
        summary.rejected += 1;
        self.bar.interrupted(|| self.importer.session.rejected(&self.name, line, reason));
    }
}

/// Where each contact was met, by all that identifies it.
#[derive(Default)]
struct Seen(HashMap<String, String>);

impl Seen {
    /// Where the contact of this line was met before.
    fn earlier(&mut self, file: &str, line: LineNumber, patch: &ContactPatch) -> Option<String> {
        let of_schemes = patch.scheme_urns.iter().filter_map(|(_, urn)| urn.as_ref());
        let urns = patch.urns.iter().flatten().chain(of_schemes).map(|urn| urn.identity());
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
