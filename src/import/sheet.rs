//! Sheets of contacts: what each column means, and a row of cells into a patch.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::import::MAX_FIELDS;
use crate::import::error::shown;
use crate::import::json::{moment, status, uuid, uuid_or_name};
use crate::schema::Environment;
use crate::value::{Instant, Urn, day};
use crate::workspace::change::{ContactPatch, NamedRef};

/// What a cell holds to clear a value.
const CLEARS: &str = "--";

/// What a column of a sheet holds.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Column {
    Uuid,
    Id,
    Reference,
    Name,
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
    /// Nothing that is known here.
    Unknown(Box<str>),
    /// A column without a header.
    Nameless,
}

/// The header of a sheet.
#[derive(Debug)]
pub(crate) struct Header {
    columns: Vec<Column>,
    environment: Environment,
}

impl Header {
    /// Reads the cells of the first row. Times of day without a zone will be read in the environment's.
    ///
    /// # Errors
    /// If this is no header of contacts: what is wrong, and what to do.
    pub(crate) fn read<'a>(cells: impl IntoIterator<Item = &'a str>, environment: Environment) -> Result<Self, String> {
        let columns: Vec<Column> = cells.into_iter().map(column).collect::<Result<_, _>>()?;
        if columns.len() > MAX_FIELDS {
            return Err(format!("there are {} columns, and at most {MAX_FIELDS} are read", columns.len()));
        }
        let is_known = |column: &Column| !matches!(column, Column::Unknown(_) | Column::Nameless);
        if !columns.iter().any(is_known) {
            let first = match columns.first() {
                Some(Column::Unknown(name)) => shown(name),
                _ => "blank".to_owned(),
            };
            return Err(format!(
                "this is neither JSON nor a sheet of contacts: its first line, which begins with {first}, names none of \
                 the columns `UUID`, `Name`, `Language`, `Status`, `Created On`, `Last Seen On`, `URN:<scheme>`, \
                 `Field:<key>`, `Group:<name>`"
            ));
        }
        if !columns.iter().any(|column| matches!(column, Column::Uuid | Column::Urn(_))) {
            let unknown: Vec<String> = columns
                .iter()
                .filter_map(|column| match column {
                    Column::Unknown(name) => Some(shown(name)),
                    _ => None,
                })
                .collect();
            let hint = match unknown.as_slice() {
                [] => String::new(),
                names => format!(
                    "; of {}, name the one of phone numbers `URN:tel`, and each that is a field `Field:<name>`",
                    names.join(", ")
                ),
            };
            return Err(format!(
                "the header has neither a `UUID` nor a `URN:<scheme>` column to tell who a row is about{hint}"
            ));
        }
        let mut seen = HashSet::new();
        for column in columns.iter().filter(|column| is_known(column)) {
            if !seen.insert(format!("{column:?}").to_lowercase()) {
                return Err(format!("two columns of the header are the same: {}", column.title()));
            }
        }
        Ok(Header { columns, environment })
    }

    /// How many columns there are.
    pub(crate) fn len(&self) -> usize {
        self.columns.len()
    }

    /// The fields and groups that the header names, without values.
    pub(crate) fn mentions(&self) -> ContactPatch {
        let mut patch = ContactPatch::default();
        for column in &self.columns {
            match column {
                Column::Field(field) => patch.fields.push((field.clone(), None)),
                Column::Group(group) => patch.group_flags.push((group.clone(), false)),
                _ => {}
            }
        }
        patch
    }

    /// A row into a patch: blank cells leave values as they are, `--` clears them.
    ///
    /// # Errors
    /// What is wrong in which column.
    pub(crate) fn patch<'a>(&self, cells: impl IntoIterator<Item = Cow<'a, str>>) -> Result<ContactPatch, String> {
        let mut patch = ContactPatch::default();
        for (column, cell) in self.columns.iter().zip(cells) {
            let trimmed = cell.trim();
            if !trimmed.is_empty() {
                self.put(column, &cell, trimmed, &mut patch)
                    .map_err(|reason| format!("{}: {reason}", column.title()))?;
            }
        }
        if patch.uuid.is_none() && patch.scheme_urns.iter().all(|(_, urn)| urn.is_none()) {
            return Err("a row needs a uuid, or an address in a `URN:` column".to_owned());
        }
        Ok(patch)
    }

    fn put(&self, column: &Column, cell: &str, trimmed: &str, patch: &mut ContactPatch) -> Result<(), String> {
        let clears = trimmed == CLEARS;
        let text = || (!clears).then(|| Box::<str>::from(cell));
        let must_stay = || Err("this cannot be cleared; leave the cell blank to keep what is there".to_owned());
        match column {
            Column::Uuid | Column::Status | Column::CreatedOn if clears => return must_stay(),
            Column::Uuid => patch.uuid = Some(uuid(trimmed)?),
            Column::Status => patch.status = Some(status(trimmed)?),
            Column::CreatedOn => patch.created_on = Some(self.moment(trimmed)?),
            Column::LastSeenOn => patch.last_seen_on = Some((!clears).then(|| self.moment(trimmed)).transpose()?),
            Column::Id => patch.id = Some((!clears).then(|| trimmed.into())),
            Column::Reference => patch.reference = Some((!clears).then(|| trimmed.into())),
            Column::Name => patch.name = Some(text()),
            Column::Language => patch.language = Some((!clears).then(|| trimmed.into())),
            Column::Urn(scheme) => {
                let urn = if clears { None } else { Some(address(scheme, trimmed)?) };
                patch.scheme_urns.push((scheme.clone(), urn));
            }
            Column::Field(field) => patch.fields.push((field.clone(), text())),
            Column::Group(group) => patch.group_flags.push((group.clone(), !clears && flag(trimmed)?)),
            Column::Unknown(name) => patch.unknown_keys.push(name.clone()),
            Column::Nameless => return Err("this cell stands under no header".to_owned()),
        }
        Ok(())
    }

    /// A moment as platforms write it, or as people do: a date and perhaps a time in the workspace's zone.
    fn moment(&self, text: &str) -> Result<Instant, String> {
        moment(text).or_else(|reason| day::parse_moment(text, &self.environment).ok_or(reason))
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
pub(crate) fn address(scheme: &str, cell: &str) -> Result<Urn, String> {
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
