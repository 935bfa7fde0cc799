//! Rows of the sheet of an Excel workbook that holds contacts.

use std::borrow::Cow;
use std::io::{Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{CellErrorType, DataRef, Reader, SheetType, SheetVisible, Xlsx};

use crate::import::error::{ImportError, Kind, LineNumber, shown};
use crate::import::sheet::{Header, SAMPLE, SheetOptions};
use crate::import::{MAX_DOCUMENT, MAX_LINE, MAX_SHEET};
use crate::workspace::change::ContactPatch;

/// Rows that are parsed together.
const BATCH: usize = 1_024;

/// A row to parse: its number, and its cells or what is wrong with the row.
pub(crate) struct Row {
    pub(crate) line: LineNumber,
    pub(crate) cells: Result<Vec<String>, String>,
    /// The first cell that has no value, and why.
    failed: Option<String>,
}

/// A workbook whose header has been read. Its bytes, which are compressed, are in memory; its rows are read as they go.
pub(crate) struct Workbook {
    bytes: Vec<u8>,
    sheet: String,
    /// The row of the last line before the first contact.
    last_before: u32,
}

/// Finds the sheet that holds contacts, and reads its header: the one that was asked for, else the first that people see
/// and that has a header of contacts.
pub(crate) fn open(
    name: &str,
    reader: Box<dyn Read + Send>,
    options: &SheetOptions,
) -> Result<(Header, Workbook, Option<String>), ImportError> {
    let mut bytes = Vec::new();
    reader.take(MAX_DOCUMENT + 1).read_to_end(&mut bytes).map_err(|error| ImportError::new(name, Kind::Io(error)))?;
    if bytes.len() as u64 > MAX_DOCUMENT {
        let size = MAX_DOCUMENT >> 20;
        return Err(ImportError::invalid(name, None, format!("a workbook of more than {size} MiB: save it as CSV")));
    }
    let wrong = |reason: String| {
        ImportError::new(name, Kind::Foreign(format!("this is no Excel workbook that can be read: {reason}")))
    };
    measure(&bytes).map_err(|reason| ImportError::invalid(name, None, reason))?;
    let sheets = sheets(&bytes).map_err(wrong)?;
    let seen: Vec<&String> = sheets.iter().filter(|(_, is_seen)| *is_seen).map(|(sheet, _)| sheet).collect();
    let candidates: Vec<&String> = match &options.sheet {
        Some(wanted) => {
            let found: Vec<&String> =
                sheets.iter().map(|(sheet, _)| sheet).filter(|sheet| sheet.eq_ignore_ascii_case(wanted)).collect();
            if found.is_empty() {
                let known: Vec<String> = sheets.iter().map(|(sheet, _)| shown(sheet)).collect();
                let message = format!("there is no sheet {}; there are {}", shown(wanted), known.join(", "));
                return Err(ImportError::invalid(name, None, message));
            }
            found
        }
        None if seen.is_empty() => sheets.iter().map(|(sheet, _)| sheet).collect(),
        None => seen.clone(),
    };
    let mut trouble = None;
    for sheet in &candidates {
        let mut sample = Vec::new();
        for_each_row(&bytes, sheet, |row| {
            sample.push(row);
            sample.len() < SAMPLE
        })
        .map_err(wrong)?;
        let Some(first) = sample.first() else { continue };
        let first_line = first.line;
        let invalid = |reason: String| ImportError::invalid(name, Some(first_line), reason);
        if let Err(reason) = &first.cells {
            trouble.get_or_insert_with(|| invalid(reason.clone()));
            continue;
        }
        let texts: Vec<Vec<String>> = sample.iter().map(|row| row.cells.clone().unwrap_or_default()).collect();
        match Header::read(&texts, options) {
            Ok(header) => {
                let before = header.rows_before().checked_sub(1).and_then(|last| sample.get(last));
                let last_before = before.map_or(0, |row| u32::try_from(row.line.0).unwrap_or(u32::MAX));
                let told = (sheets.len() > 1).then(|| format!("read the sheet {} of {}", shown(sheet), sheets.len()));
                return Ok((header, Workbook { sheet: (*sheet).clone(), bytes, last_before }, told));
            }
            Err(reason) => drop(trouble.get_or_insert_with(|| invalid(reason))),
        }
    }
    Err(trouble.unwrap_or_else(|| ImportError::new(name, Kind::Empty)))
}

/// The sheets of a workbook, each with whether people see it.
fn sheets(bytes: &[u8]) -> Result<Vec<(String, bool)>, String> {
    let read = || {
        let workbook = Xlsx::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
        let sheets = workbook.sheets_metadata().iter();
        let is_table = |sheet: &&calamine::Sheet| sheet.typ == SheetType::WorkSheet;
        let sheets = sheets.filter(is_table).map(|sheet| (sheet.name.clone(), sheet.visible == SheetVisible::Visible));
        let sheets: Vec<(String, bool)> = sheets.collect();
        if sheets.is_empty() { Err("it has no sheet".to_owned()) } else { Ok(sheets) }
    };
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err("it is damaged".to_owned()))
}

/// Unpacks every part to nowhere. What cells share is kept in memory when the workbook is read, and so is the text of one
/// cell: a small file can stand for far more than there is.
///
/// Cost: what unpacking costs, about a second for each 300 MiB.
fn measure(bytes: &[u8]) -> Result<(), String> {
    // What is damaged is told when it is read.
    let Ok(mut archive) = zip::ZipArchive::new(Cursor::new(bytes)) else { return Ok(()) };
    let (mut kept, mut passed) = (0, 0);
    let mut buffer = vec![0; 64 << 10];
    for at in 0..archive.len() {
        let Ok(mut part) = archive.by_index(at) else { continue };
        let is_sheet = part.name().is_ok_and(|name| name.to_ascii_lowercase().contains("worksheets/"));
        // Bytes since a tag last began or ended: no text or tag is longer than this.
        let mut run = 0;
        while let Ok(count @ 1..) = part.read(&mut buffer) {
            let piece = buffer.get(..count).unwrap_or_default();
            *(if is_sheet { &mut passed } else { &mut kept }) += count as u64;
            for text in piece.split_inclusive(|&byte| byte == b'<' || byte == b'>') {
                run += text.len();
                if run > MAX_LINE && is_sheet {
                    return Err(format!("a cell is longer than {MAX_LINE} bytes"));
                }
                if text.ends_with(b"<") || text.ends_with(b">") {
                    run = 0;
                }
            }
            let over = |most: u64| format!("this workbook unpacks to more than {} MiB: save it as CSV", most >> 20);
            if kept > MAX_DOCUMENT {
                return Err(over(MAX_DOCUMENT));
            }
            if passed > MAX_SHEET {
                return Err(over(MAX_SHEET));
            }
        }
    }
    Ok(())
}

impl Workbook {
    /// Hands out batches of rows until there are no more or `emit` says `false`.
    pub(crate) fn batches(self, emit: &mut dyn FnMut(Vec<Row>) -> bool) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut line = LineNumber(u64::from(self.last_before));
        let mut is_wanted = true;
        let outcome = for_each_row(&self.bytes, &self.sheet, |row| {
            if row.line.0 <= u64::from(self.last_before) {
                return true;
            }
            line = row.line;
            batch.push(row);
            if batch.len() == BATCH {
                is_wanted = emit(std::mem::replace(&mut batch, Vec::with_capacity(BATCH)));
            }
            is_wanted
        });
        if let Err(reason) = outcome {
            batch.push(Row {
                line: LineNumber(line.0 + 1),
                cells: Err(format!("the workbook cannot be read on: {reason}; nothing after this is read")),
                failed: None,
            });
        }
        if is_wanted && !batch.is_empty() {
            emit(batch);
        }
    }
}

impl Row {
    /// The patch that the row stands for, `None` for a row of blank cells.
    pub(crate) fn patch(self, header: &Header) -> Option<Result<ContactPatch, String>> {
        let mut cells = match self.cells {
            Ok(cells) => cells,
            Err(reason) => return Some(Err(reason)),
        };
        // In a sheet that is guessed at, a remark beside the table and a formula that failed are no reason to leave a
        // contact out.
        if header.is_guessed() {
            for extra in cells.drain(header.len().min(cells.len())..).filter(|cell| !cell.trim().is_empty()) {
                header.note_nameless(self.line, &extra);
            }
            if let Some(failed) = self.failed {
                header.note_failed(self.line, &failed);
            }
        } else if let Some(failed) = self.failed {
            return Some(Err(failed));
        }
        // Sheets leave blank cells out.
        while cells.len() > header.len() && cells.last().is_some_and(|cell| cell.trim().is_empty()) {
            cells.pop();
        }
        if cells.len() > header.len() {
            return Some(Err(format!("this row has {} cells, and the header has {}", cells.len(), header.len())));
        }
        cells.resize(header.len(), String::new());
        header.patch(self.line, cells.into_iter().map(Into::into).collect())
    }
}

/// Visits the rows of a sheet that have cells, until `visit` says `false`.
///
/// A damaged workbook is an error, even where the library that reads it would panic.
fn for_each_row(bytes: &[u8], sheet: &str, visit: impl FnMut(Row) -> bool) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(|| rows(bytes, sheet, visit))).unwrap_or_else(|_| Err("it is damaged".to_owned()))
}

fn rows(bytes: &[u8], sheet: &str, mut visit: impl FnMut(Row) -> bool) -> Result<(), String> {
    let mut workbook = Xlsx::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    let mut reader = workbook.worksheet_cells_reader(sheet).map_err(|error| error.to_string())?;
    let mut row: Option<(u32, Row, usize)> = None;
    while let Some(cell) = reader.next_cell().map_err(|error| error.to_string())? {
        let (number, column) = cell.get_position();
        if row.as_ref().is_some_and(|(current, ..)| *current != number)
            && let Some((_, whole, _)) = row.take()
            && !visit(whole)
        {
            return Ok(());
        }
        let (_, current, size) = row.get_or_insert_with(|| {
            (number, Row { line: LineNumber(u64::from(number) + 1), cells: Ok(Vec::new()), failed: None }, 0)
        });
        let Ok(cells) = &mut current.cells else { continue };
        match text(cell.get_value()) {
            Err(reason) => {
                current.failed.get_or_insert_with(|| format!("the cell in column {}: {reason}", column + 1));
            }
            Ok(text) if text.is_empty() => {}
            Ok(text) => {
                let at = column as usize;
                *size += text.len();
                if *size > MAX_LINE {
                    current.cells = Err(format!("this row is longer than {MAX_LINE} bytes"));
                    continue;
                }
                // Excel has 16,384 columns; a damaged file may claim more.
                if at >= 16_384 {
                    current.cells = Err("this row has more columns than a sheet can have".to_owned());
                    continue;
                }
                if cells.len() <= at {
                    cells.resize(at + 1, String::new());
                }
                if let Some(cell) = cells.get_mut(at) {
                    *cell = text.into_owned();
                }
            }
        }
    }
    if let Some((_, whole, _)) = row {
        visit(whole);
    }
    Ok(())
}

/// A cell as the text that a person would type for it.
fn text<'a>(cell: &'a DataRef<'_>) -> Result<Cow<'a, str>, String> {
    Ok(match cell {
        DataRef::Empty => Cow::Borrowed(""),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => Cow::Borrowed(text),
        DataRef::SharedString(text) => Cow::Borrowed(*text),
        DataRef::Bool(flag) => Cow::Borrowed(if *flag { "true" } else { "false" }),
        DataRef::Int(number) => Cow::Owned(number.to_string()),
        DataRef::Float(number) if number.is_finite() => Cow::Owned(number.to_string()),
        DataRef::Float(_) => return Err("this is no number".to_owned()),
        // A time of day alone has no day.
        DataRef::DateTime(moment) if moment.is_datetime() && (0.0..1.0).contains(&moment.as_f64()) => {
            let (_, _, _, hour, minute, second, _) = moment.to_ymd_hms_milli();
            let seconds = if second == 0 { String::new() } else { format!(":{second:02}") };
            Cow::Owned(format!("{hour:02}:{minute:02}{seconds}"))
        }
        DataRef::DateTime(moment) if moment.is_datetime() => {
            let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
            let date = format!("{year:04}-{month:02}-{day:02}");
            match (hour, minute, second) {
                (0, 0, 0) => Cow::Owned(date),
                _ => Cow::Owned(format!("{date} {hour:02}:{minute:02}:{second:02}")),
            }
        }
        DataRef::DateTime(duration) => Cow::Owned(duration.as_f64().to_string()),
        // `#N/A` is how formulas say that there is nothing.
        DataRef::Error(CellErrorType::NA) => Cow::Borrowed(""),
        DataRef::Error(error) => return Err(format!("its formula failed ({error})")),
    })
}
