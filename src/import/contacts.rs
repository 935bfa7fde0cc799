//! Contacts from JSON lines, API pages, CSV and XLSX: whichever the file holds, whatever its name.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::sync::Arc;

pub use crate::import::detect::Format;
use crate::import::detect::{self, Wait};
use crate::import::elements::{ElementChunk, ElementChunks};
use crate::import::error::{ImportError, Kind, LineNumber, Rejection};
use crate::import::lines::{LineChunk, LineChunks, lines};
use crate::import::pipeline::Pipeline;
use crate::import::sheet::{Header, NoteKind, Noted, Notes, SheetOptions};
use crate::import::source::{Progress, Source};
#[cfg(feature = "cli")]
use crate::import::xlsx;
use crate::import::{MAX_LINE, csv, json};
use crate::schema::Environment;
use crate::workspace::change::ContactPatch;

/// A contact, or why its line is none, with the line.
pub type Item = (LineNumber, Result<ContactPatch, Rejection>);

/// The contacts of a source, in its order.
///
/// A thread reads ahead and rayon's pool parses, both within bounded memory, so that an iteration that does other work
/// finds the next contacts ready.
///
/// ```
/// use headcount::internals::import::{ContactReader, Source};
/// use headcount::internals::schema::Environment;
/// use headcount::internals::value::Instant;
///
/// let text = "UUID,Name,Field:age\n981bf246-8aff-4b76-b668-5e6bd6336027,Ann,36\n981bf246,Bob,\n";
/// let source = Source::from_reader("example.csv", text.as_bytes());
/// let contacts: Vec<_> = ContactReader::open(source, &Environment::utc(Instant::now())).unwrap().collect();
/// assert_eq!(contacts[0].1.as_ref().unwrap().name, Some(Some("Ann".into())));
/// assert!(contacts[1].1.as_ref().unwrap_err().to_string().starts_with("line 3: `UUID`: `981bf246` is not a uuid"));
/// ```
pub struct ContactReader {
    items: Pipeline<ContactPatch>,
    format: Format,
    progress: Progress,
    mentions: ContactPatch,
    told: Vec<String>,
    unknown: Vec<String>,
    notes: Arc<Notes>,
}

impl ContactReader {
    /// Looks at the beginning of a source and starts to read it. Dates in sheets that have no zone are read in the
    /// environment's.
    ///
    /// # Errors
    /// If the source is empty, cannot be read, or holds no contacts in a form that is known.
    pub fn open(source: Source, environment: &Environment) -> Result<Self, ImportError> {
        Self::open_with(source, &SheetOptions::new(environment.clone()))
    }

    /// The same, with sheets read as the options say.
    ///
    /// # Errors
    /// As for [`ContactReader::open`]; if the options name a column or a sheet that is not there.
    pub fn open_with(source: Source, options: &SheetOptions) -> Result<Self, ImportError> {
        let opened = detect::open(source, Wait::ForPrefix)?;
        let (name, progress) = (opened.name, opened.progress);
        let format = detect::format(&opened.prefix).map_err(|reason| ImportError::new(&name, Kind::Foreign(reason)))?;
        let mut mentions = ContactPatch::default();
        let (mut told, mut unknown, mut notes) = (Vec::new(), Vec::new(), Arc::default());
        let mut take = |header: &Header, sheet: Option<String>| {
            mentions = header.mentions();
            told.extend(sheet);
            told.extend_from_slice(header.told());
            unknown = header.unknown().map(str::to_owned).collect();
            notes = header.notes();
        };
        let items = match format {
            Format::JsonLines => json_lines(opened.reader, json::contact),
            Format::Json => Pipeline::start(ElementChunks::new(opened.reader), parse_elements),
            Format::Csv { delimiter } => {
                let (header, batches) = csv::open(&name, opened.reader, delimiter, opened.is_marked, options)?;
                take(&header, None);
                Pipeline::start(batches, move |batch: Vec<csv::Row>| {
                    let rows = batch.iter().map(|row| row.patch(&header));
                    rows.filter_map(|(line, patch)| patch.map(|patch| item(line, patch))).collect()
                })
            }
            #[cfg(feature = "cli")]
            Format::Xlsx => {
                let (header, workbook, sheet) = xlsx::open(&name, opened.reader, options)?;
                take(&header, sheet);
                Pipeline::start_pushing(
                    move |emit| workbook.batches(emit),
                    move |batch: Vec<xlsx::Row>| {
                        let rows = batch.into_iter().map(|row| (row.line, row.patch(&header)));
                        rows.filter_map(|(line, patch)| patch.map(|patch| item(line, patch))).collect()
                    },
                )
            }
            #[cfg(not(feature = "cli"))]
            Format::Xlsx => {
                let what = "this is an Excel workbook, which this program cannot read: save it as CSV";
                return Err(ImportError::new(&name, Kind::Foreign(what.to_owned())));
            }
        };
        let items = items.map_err(|error| ImportError::new(&name, Kind::Io(error)))?;
        Ok(ContactReader { items, format, progress, mentions, told, unknown, notes })
    }

    /// What the source turned out to be.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The fields and groups that the header of a sheet names, without values; nothing for the other formats.
    pub fn mentions(&self) -> &ContactPatch {
        &self.mentions
    }

    /// What was guessed of the columns of a sheet, a sentence for each kind.
    pub fn guesses(&self) -> &[String] {
        &self.told
    }

    /// Columns of a sheet of which nothing is made.
    pub fn unknown_columns(&self) -> &[String] {
        &self.unknown
    }

    /// What is worth telling of cells that have been read so far, by kind.
    pub fn notes(&self) -> BTreeMap<NoteKind, Noted> {
        self.notes.so_far()
    }

    /// How far it has been read, which is ahead of what has been given.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }
}

impl Iterator for ContactReader {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        self.items.next()
    }
}

impl fmt::Debug for ContactReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContactReader")
            .field("format", &self.format)
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}

fn item<T>(line: LineNumber, parsed: Result<T, String>) -> (LineNumber, Result<T, Rejection>) {
    (line, parsed.map_err(|reason| Rejection::new(line, reason)))
}

/// Lines, each parsed by itself.
pub(crate) fn json_lines<T: Send + 'static, E: Into<BadLine> + 'static>(
    reader: Box<dyn Read + Send>,
    parse: fn(&[u8]) -> Result<T, E>,
) -> std::io::Result<Pipeline<T>> {
    Pipeline::start(LineChunks::new(reader), move |chunk| match chunk {
        LineChunk::Lines { first, bytes } => lines(first, &bytes)
            .map(|(line, text)| {
                if text.len() > MAX_LINE {
                    return item(line, Err(too_long()));
                }
                let rejection = |error: E| {
                    let BadLine { reason, source, other_type } = error.into();
                    Rejection { line, reason, source, other_type }
                };
                (line, parse(text).map_err(rejection))
            })
            .collect(),
        LineChunk::TooLong(line) => vec![item(line, Err(too_long()))],
        LineChunk::Failed(line, error) => {
            vec![item(line, Err(format!("cannot be read on: {error}; nothing after this is read")))]
        }
    })
}

/// What is wrong with a line, whatever it should have held.
pub(crate) type BadLine = json::BadChange;

pub(crate) fn too_long() -> String {
    format!("this line is longer than {MAX_LINE} bytes; is a line break missing?")
}

fn parse_elements(chunk: ElementChunk) -> Vec<Item> {
    let ElementChunk { bytes, elements } = chunk;
    let parse = |(line, element): (LineNumber, Result<std::ops::Range<usize>, String>)| {
        item(line, element.and_then(|range| json::contact(bytes.get(range).unwrap_or_default())))
    };
    elements.into_iter().map(parse).collect()
}
