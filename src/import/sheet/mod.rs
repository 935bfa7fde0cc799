//! Sheets of contacts: what each column means, and a row of cells into a patch.
//!
//! A header that is written as the documentation has it means what it says there, to the letter. Everything else is
//! guessed ([`guess`]) from the names of columns and from what stands in them, and told.

mod cells;
mod dates;
mod guess;
mod notes;
mod words;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::import::MAX_FIELDS;
use crate::import::error::{LineNumber, shown};
use crate::import::json::{moment, status, uuid, uuid_or_name};
use crate::schema::{DateFormat, Environment, Schema};
use crate::sema::languages;
use crate::value::{Instant, Urn, day};
use crate::workspace::change::{ContactPatch, NamedRef, Patched};

pub(crate) use notes::Notes;
pub use notes::{Note, NoteKind, Noted};

/// What a cell holds to clear a value.
const CLEARS: &str = "--";

/// The first rows of a sheet, which tell what its columns hold.
pub(crate) const SAMPLE: usize = 500;

/// What becomes of a text in a column of phone numbers that reads as none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Phones {
    /// It is kept as it is, or left out if the column was guessed and it has hardly any digits.
    #[default]
    Lenient,
    /// Its row is rejected.
    Strict,
}

/// How a sheet is read.
#[derive(Clone, Debug)]
pub struct SheetOptions {
    /// The country of local phone numbers; zone and order of dates.
    pub environment: Environment,
    /// Fields and groups that columns may be about, if they are known.
    pub schema: Option<Schema>,
    /// Whether columns that are nothing else are fields.
    pub infer: bool,
    /// Columns by name, each with the header that it should have.
    pub maps: Vec<(String, String)>,
    /// What becomes of bad phone numbers.
    pub phones: Phones,
    /// The sheet of a workbook; else the first one that people see and that holds contacts.
    pub sheet: Option<String>,
}

impl SheetOptions {
    /// Reads sheets as the documentation has them, and guesses the rest.
    pub fn new(environment: Environment) -> Self {
        SheetOptions { environment, schema: None, infer: false, maps: Vec::new(), phones: Phones::Lenient, sheet: None }
    }

    fn this_year(&self) -> i16 {
        self.environment.timezone.to_datetime(self.environment.now.timestamp()).year()
    }
}

/// What a column of a sheet holds.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Column {
    Uuid,
    Id,
    Reference,
    Name,
    /// A part of the name: first, middle, last.
    NamePart(u8),
    Language,
    Status,
    CreatedOn,
    LastSeenOn,
    /// An address of that scheme.
    Urn(Box<str>),
    /// A field, by key or name.
    Field(Box<str>),
    /// In that group or not.
    Group(NamedRef),
    /// Names of groups that the contact is in.
    GroupNames,
    /// Known to be of no use.
    LeftOut,
    /// Nothing that is known here.
    Unknown(Box<str>),
    /// A column without a header.
    Nameless,
}

/// How the cells of a column are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reading {
    /// To the letter.
    AsWritten,
    /// Trimmed, on one line.
    Text,
    /// Phone numbers, in a column that was named so or guessed.
    Phone {
        is_guessed: bool,
    },
    /// Days in that order.
    Date(DateFormat),
    /// Days as Excel counts them.
    Serial,
    Number(cells::Numbers),
    /// Ages with their unit.
    Years,
}

/// A column: what it holds, its name in the sheet, and how its cells are read.
#[derive(Debug)]
struct Plan {
    column: Column,
    title: String,
    reading: Reading,
}

/// The header of a sheet.
#[derive(Debug)]
pub(crate) struct Header {
    plans: Vec<Plan>,
    /// Rows before the first contact.
    rows_before: usize,
    /// Whether anything was guessed.
    is_guessed: bool,
    told: Vec<String>,
    options: SheetOptions,
    this_year: i16,
    notes: Arc<Notes>,
}

impl Header {
    /// Finds the header among the first rows, and what its columns hold.
    ///
    /// # Errors
    /// If this is no sheet of contacts: what is wrong, and what to do.
    pub(crate) fn read(rows: &[Vec<String>], options: &SheetOptions) -> Result<Self, String> {
        let first = rows.first().map(Vec::as_slice).unwrap_or_default();
        if first.len() > MAX_FIELDS {
            return Err(format!("there are {} columns, and at most {MAX_FIELDS} are read", first.len()));
        }
        let guess::Guessed { plans, rows_before, is_guessed, told } = guess::guess(rows, options)?;
        let is_known = |plan: &&Plan| {
            !matches!(plan.column, Column::Unknown(_) | Column::Nameless | Column::LeftOut | Column::Field(_))
                || (matches!(plan.column, Column::Field(_)) && plan.reading == Reading::AsWritten)
        };
        if !plans.iter().any(|plan| is_known(&plan)) {
            let first = first.first().filter(|cell| !cell.trim().is_empty());
            let first = first.map_or_else(|| "blank".to_owned(), |cell| shown(cell));
            return Err(format!(
                "this is neither JSON nor a sheet of contacts: its first line, which begins with {first}, names none of \
                 the columns `UUID`, `Name`, `Language`, `Status`, `Created On`, `Last Seen On`, `URN:<scheme>`, \
                 `Field:<key>`, `Group:<name>`; --map \"COLUMN=URN:tel\" says what a column holds"
            ));
        }
        if !plans.iter().any(|plan| matches!(plan.column, Column::Uuid | Column::Urn(_))) {
            return Err(without_identity(&plans));
        }
        let mut seen = HashSet::new();
        for plan in plans.iter().filter(is_known) {
            // Several addresses of a scheme stand in several columns.
            let may_repeat = matches!(plan.column, Column::Urn(_) | Column::NamePart(_) | Column::GroupNames);
            if !may_repeat && !seen.insert(format!("{:?}", plan.column).to_lowercase()) {
                return Err(format!("two columns of the header are the same: {}", plan.column.title()));
            }
        }
        let (options, this_year, notes) = (options.clone(), options.this_year(), Arc::default());
        Ok(Header { plans, rows_before, is_guessed, told, options, this_year, notes })
    }

    /// How many columns there are.
    pub(crate) fn len(&self) -> usize {
        self.plans.len()
    }

    /// How many of the first rows come before the first contact.
    pub(crate) fn rows_before(&self) -> usize {
        self.rows_before
    }

    /// Whether its columns are not all named as the documentation has it.
    pub(crate) fn is_guessed(&self) -> bool {
        self.is_guessed
    }

    /// Notes a cell beside the table.
    pub(crate) fn note_nameless(&self, line: LineNumber, value: &str) {
        self.notes.note(NoteKind::Nameless, line, "", value);
    }

    /// Notes a cell whose formula failed.
    pub(crate) fn note_failed(&self, line: LineNumber, reason: &str) {
        self.notes.note(NoteKind::CellFailed, line, "", reason);
    }

    /// What was guessed, a sentence for each kind.
    pub(crate) fn told(&self) -> &[String] {
        &self.told
    }

    /// What is noted of cells while rows are read.
    pub(crate) fn notes(&self) -> Arc<Notes> {
        Arc::clone(&self.notes)
    }

    /// Columns that nothing is made of, by name: with `--infer` they would be fields.
    pub(crate) fn unknown(&self) -> impl Iterator<Item = &str> {
        self.plans.iter().filter_map(|plan| match &plan.column {
            Column::Unknown(name) => Some(&**name),
            _ => None,
        })
    }

    /// The fields and groups that the header names, without values.
    pub(crate) fn mentions(&self) -> ContactPatch {
        let mut patch = ContactPatch::default();
        for plan in &self.plans {
            match &plan.column {
                Column::Field(field) => patch.fields.push((field.clone(), None)),
                Column::Group(group) => patch.group_flags.push((group.clone(), false)),
                _ => {}
            }
        }
        patch
    }

    /// A row into a patch: blank cells leave values as they are, `--` clears them. `None` for a row of blank cells.
    pub(crate) fn patch(&self, line: LineNumber, mut cells: Vec<Cow<'_, str>>) -> Option<Result<ContactPatch, String>> {
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            return None;
        }
        while cells.len() > self.len() && cells.last().is_some_and(|cell| cell.trim().is_empty()) {
            cells.pop();
        }
        // Spreadsheets that people wrote by hand leave blank cells at the end out.
        if cells.len() > self.len() || (cells.len() < self.len() && !self.is_guessed) {
            let (given, wanted) = (cells.len(), self.len());
            return Some(Err(format!(
                "this row has {given} cells, and the header has {wanted}; is a quote or separator missing?"
            )));
        }
        Some(self.taken(line, &cells))
    }

    fn taken(&self, line: LineNumber, cells: &[Cow<'_, str>]) -> Result<ContactPatch, String> {
        let mut row = Row { header: self, line, patch: ContactPatch::default(), parts: BTreeMap::new(), unread: None };
        for (plan, cell) in self.plans.iter().zip(cells) {
            row.put(plan, cell).map_err(|reason| format!("{}: {reason}", plan.name()))?;
        }
        row.finish()
    }
}

/// No column says who a row is about.
fn without_identity(plans: &[Plan]) -> String {
    let unknown = plans.iter().filter(|plan| matches!(plan.column, Column::Unknown(_) | Column::Field(_)));
    let unknown: Vec<String> = unknown.map(|plan| shown(&plan.title)).collect();
    let hint = match unknown.as_slice() {
        [] => String::new(),
        [first, ..] => format!(
            "; of {}, name the one of phone numbers: --map \"{}=URN:tel\"",
            unknown.join(", "),
            first.trim_matches('`')
        ),
    };
    format!("the header has neither a `UUID` nor a `URN:<scheme>` column to tell who a row is about{hint}")
}

/// A row on its way into a patch.
struct Row<'h> {
    header: &'h Header,
    line: LineNumber,
    patch: ContactPatch,
    /// Parts of the name, in their order.
    parts: BTreeMap<u8, String>,
    /// A text that stood for a phone number and was left out.
    unread: Option<String>,
}

impl Row<'_> {
    fn note(&self, kind: NoteKind, plan: &Plan, value: &str) {
        self.header.notes.note(kind, self.line, &plan.title, value);
    }

    fn put(&mut self, plan: &Plan, cell: &str) -> Result<(), String> {
        let is_text = matches!(plan.column, Column::Name | Column::Field(_) | Column::Id | Column::Reference);
        let is_blank = if is_text && plan.reading == Reading::AsWritten {
            cell.trim().is_empty()
        } else {
            cells::is_nothing(cell)
        };
        if let Column::Urn(scheme) = &plan.column {
            return self.put_address(plan, scheme, cell.trim(), is_blank);
        }
        if is_blank {
            return Ok(());
        }
        let value = self.value(plan, cell);
        self.put_value(plan, &value, value.trim())
    }

    /// A cell as the value that it is meant to be.
    fn value<'c>(&self, plan: &Plan, cell: &'c str) -> Cow<'c, str> {
        let tidy = || cells::tidy(cell);
        let read = match plan.reading {
            Reading::AsWritten => return Cow::Borrowed(cell),
            Reading::Text | Reading::Phone { .. } => None,
            Reading::Date(order) => dates::read(&tidy(), order, self.header.this_year),
            Reading::Serial => dates::serial(&tidy()),
            Reading::Number(style) => cells::number(&tidy(), style),
            Reading::Years => cells::years(&tidy()),
        };
        let is_numeric = tidy().chars().all(|c| !c.is_alphabetic());
        read.map_or_else(
            || if is_numeric { Cow::Owned(cells::ascii_digits(&tidy()).into_owned()) } else { tidy() },
            Cow::Owned,
        )
    }

    fn put_value(&mut self, plan: &Plan, cell: &str, trimmed: &str) -> Result<(), String> {
        let clears = trimmed == CLEARS;
        let text = || (!clears).then(|| Box::<str>::from(cell));
        let must_stay = || Err("this cannot be cleared; leave the cell blank to keep what is there".to_owned());
        let patch = &mut self.patch;
        match &plan.column {
            Column::Uuid | Column::Status | Column::CreatedOn if clears => return must_stay(),
            Column::Uuid => patch.uuid = Some(uuid(trimmed)?),
            Column::Status => patch.status = Some(status(trimmed)?),
            Column::CreatedOn => patch.created_on = Some(self.header.moment(trimmed)?),
            Column::LastSeenOn => {
                patch.last_seen_on = Some((!clears).then(|| self.header.moment(trimmed)).transpose()?);
            }
            Column::Id => patch.id = Some((!clears).then(|| trimmed.into())),
            Column::Reference => patch.reference = Some((!clears).then(|| trimmed.into())),
            Column::Name => patch.name = Some(text()),
            Column::NamePart(part) => {
                let known = self.parts.entry(*part).or_default();
                if !known.is_empty() {
                    known.push(' ');
                }
                known.push_str(if clears { "" } else { trimmed });
            }
            Column::Language if clears => patch.language = Some(None),
            Column::Language if languages::is_language(trimmed) => patch.language = Some(Some(trimmed.into())),
            Column::Language => match languages::meant(trimmed) {
                Some(code) => patch.language = Some(Some(code.into())),
                None => self.note(NoteKind::LanguageLeftOut, plan, trimmed),
            },
            Column::Field(field) => patch.fields.push((field.clone(), text())),
            Column::Group(group) => patch.group_flags.push((group.clone(), !clears && flag(trimmed)?)),
            Column::GroupNames => {
                let names = trimmed.split([',', ';', '|']).map(str::trim).filter(|name| !name.is_empty() && !clears);
                patch.group_flags.extend(names.map(|name| (uuid_or_name(name), true)));
            }
            Column::Unknown(name) => patch.unknown_keys.push(name.clone()),
            Column::Nameless if self.header.is_guessed => self.note(NoteKind::Nameless, plan, trimmed),
            Column::Nameless => return Err("this cell stands under no header".to_owned()),
            Column::LeftOut | Column::Urn(_) => {}
        }
        Ok(())
    }

    fn put_address(&mut self, plan: &Plan, scheme: &str, trimmed: &str, is_blank: bool) -> Result<(), String> {
        let cells: Vec<Patched<Urn>> = if is_blank {
            vec![None]
        } else if trimmed == CLEARS {
            vec![Some(None)]
        } else {
            let read = match plan.reading {
                Reading::Phone { is_guessed } => self.phones(plan, scheme, trimmed, is_guessed)?,
                _ => vec![address(scheme, trimmed)?],
            };
            if read.is_empty() { vec![None] } else { read.into_iter().map(|urn| Some(Some(urn))).collect() }
        };
        match self.patch.scheme_urns.iter_mut().find(|(known, _)| **known == *scheme) {
            Some((_, known)) => known.extend(cells),
            None => self.patch.scheme_urns.push((scheme.into(), cells)),
        }
        Ok(())
    }

    /// The addresses in a cell of phone numbers.
    fn phones(&mut self, plan: &Plan, scheme: &str, cell: &str, is_guessed: bool) -> Result<Vec<Urn>, String> {
        let path = match cell.split_once(':') {
            Some((prefix, path)) if prefix.eq_ignore_ascii_case(scheme) => path.trim(),
            _ => cell,
        };
        let country = self.header.options.environment.country;
        let plain = path.split(['?', '#']).next().unwrap_or_default();
        let is_in_full = plain.strip_prefix('+').is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let strict = self.header.options.phones == Phones::Strict;
        // Numbers in full are not judged, unless that was asked for. Without a country nothing else is normalised in a
        // column that says itself what it is.
        if scheme == "tel" && !strict && (is_in_full || (!is_guessed && country.is_none())) {
            return Ok(vec![address(scheme, path)?]);
        }
        match cells::phones(plain, country) {
            Some(numbers) => {
                let appended = path.get(plain.len()..).unwrap_or_default();
                if let Some(number) = numbers.first().filter(|number| *number != plain) {
                    self.note(NoteKind::NumberNormalised, plan, &format!("{cell} as {number}"));
                }
                let paths = numbers.iter().map(|number| match scheme {
                    "whatsapp" => number.trim_start_matches('+').to_owned(),
                    _ => format!("{number}{appended}"),
                });
                paths.map(|path| address(scheme, &path)).collect()
            }
            None if strict => Err(format!("{} is no phone number", shown(cell))),
            None => {
                let digits = plain.chars().filter(char::is_ascii_digit).count();
                // A number without its country is one, whoever can call it.
                if is_guessed && digits < 5 {
                    self.note(NoteKind::NumberLeftOut, plan, cell);
                    self.unread.get_or_insert_with(|| cell.to_owned());
                    return Ok(Vec::new());
                }
                self.note(NoteKind::NumberKept, plan, cell);
                let kept =
                    if is_guessed { cells::ascii_digits(&cells::tidy(path)).into_owned() } else { path.to_owned() };
                Ok(vec![address(scheme, &kept)?])
            }
        }
    }

    fn finish(mut self) -> Result<ContactPatch, String> {
        if self.patch.name.is_none() && !self.parts.is_empty() {
            let parts: Vec<String> = self.parts.into_values().filter(|part| !part.is_empty()).collect();
            self.patch.name = Some(Some(parts.join(" ").into()).filter(|name: &Box<str>| !name.is_empty()));
        }
        if self.patch.uuid.is_none() && self.patch.addresses().next().is_none() {
            return Err(match self.unread {
                Some(unread) => format!("{} is no phone number, and nothing else says who this is", shown(&unread)),
                None if self.header.is_guessed => {
                    let is_identity = |plan: &&Plan| matches!(plan.column, Column::Urn(_) | Column::Uuid);
                    let titles = self.header.plans.iter().filter(is_identity).map(|plan| shown(&plan.title));
                    format!("nothing in {} says who this row is about", titles.collect::<Vec<_>>().join(" or "))
                }
                None => "a row needs a uuid, or an address in a `URN:` column".to_owned(),
            });
        }
        Ok(self.patch)
    }
}

impl Header {
    /// A moment as platforms write it, or as people do: a date and perhaps a time in the workspace's zone.
    fn moment(&self, text: &str) -> Result<Instant, String> {
        let environment = &self.options.environment;
        moment(text).or_else(|reason| day::parse_moment(text, environment).ok_or(reason))
    }
}

impl Plan {
    /// As messages name it: as the sheet does.
    fn name(&self) -> String {
        match self.reading {
            Reading::AsWritten => self.column.title(),
            _ if self.title.is_empty() => self.column.title(),
            Reading::Phone { is_guessed: false } => self.column.title(),
            _ => shown(&self.title),
        }
    }
}

impl Column {
    /// As messages name it.
    fn title(&self) -> String {
        let title = match self {
            Column::Uuid => "UUID",
            Column::Id => "ID",
            Column::Reference => "Ref",
            Column::Name => "Name",
            Column::NamePart(0) => "First name",
            Column::NamePart(1) => "Middle name",
            Column::NamePart(_) => "Last name",
            Column::GroupNames => "Groups",
            Column::LeftOut => "ignore",
            Column::Language => "Language",
            Column::Status => "Status",
            Column::CreatedOn => "Created On",
            Column::LastSeenOn => "Last Seen On",
            Column::Urn(scheme) => return shown(&format!("URN:{scheme}")),
            Column::Field(field) => return shown(&format!("Field:{field}")),
            Column::Group(NamedRef { name: Some(name), .. }) => return shown(&format!("Group:{name}")),
            Column::Group(NamedRef { uuid, .. }) => {
                return uuid.map_or_else(|| "`Group`".to_owned(), |uuid| format!("`Group:{uuid}`"));
            }
            Column::Unknown(name) => return shown(name),
            Column::Nameless => return "a column without a name".to_owned(),
        };
        shown(title)
    }
}

/// What a cell of the header says.
fn column(cell: &str) -> Result<Column, String> {
    let cell = cell.trim();
    if let Some((kind, name)) = cell.split_once(':') {
        let name = name.trim();
        let needs = |what: &str| Err(format!("the header's {} lacks the {what} after the colon", shown(cell)));
        return match kind.trim().to_lowercase().as_str() {
            "urn" | "field" | "group" if name.is_empty() => needs("name"),
            "urn" if name.len() > 64 || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                Err(format!("the header's {} names no scheme: letters and digits", shown(cell)))
            }
            "urn" => Ok(Column::Urn(name.to_ascii_lowercase().into())),
            "field" => Ok(Column::Field(name.into())),
            "group" => Ok(Column::Group(uuid_or_name(name))),
            _ => Ok(Column::Unknown(cell.into())),
        };
    }
    Ok(match cell.to_lowercase().as_str() {
        "" => Column::Nameless,
        "contact uuid" | "uuid" => Column::Uuid,
        "contact id" | "id" => Column::Id,
        "ref" => Column::Reference,
        "name" => Column::Name,
        "language" => Column::Language,
        "status" => Column::Status,
        "created on" => Column::CreatedOn,
        "last seen on" => Column::LastSeenOn,
        _ => Column::Unknown(cell.into()),
    })
}

/// An address from a path, or from the whole address if the scheme stands in the cell too.
fn address(scheme: &str, cell: &str) -> Result<Urn, String> {
    let path = match cell.split_once(':') {
        Some((prefix, path)) if prefix.eq_ignore_ascii_case(scheme) => path,
        _ => cell,
    };
    Urn::parse(&format!("{scheme}:{path}")).map_err(|error| format!("{} is no address: {error}", shown(cell)))
}

fn flag(cell: &str) -> Result<bool, String> {
    match cell.to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "1" => Ok(true),
        "false" | "no" | "n" | "0" => Ok(false),
        _ => Err(format!("{} is neither true nor false", shown(cell))),
    }
}
