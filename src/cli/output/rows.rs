//! Rows of an answer, in every format.

use std::borrow::Cow;
use std::marker::PhantomData;

use serde::Serialize;

use super::{Cell, Format, Output, table};
use crate::cli::Outcome;

/// A column of a table or of CSV.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Column {
    pub(super) title: String,
    pub(super) is_number: bool,
}

impl Column {
    /// A column of texts.
    pub fn text(title: impl Into<String>) -> Self {
        Column { title: title.into(), is_number: false }
    }

    /// A column of numbers, which align at their last digit.
    pub fn number(title: impl Into<String>) -> Self {
        Column { title: title.into(), is_number: true }
    }
}

/// One row of an answer. As JSON it is what it serialises to.
pub trait Row: Serialize {
    /// Its cells, one for each column.
    fn cells(&self) -> Vec<Cell>;

    /// What stands for it when only ids are asked for.
    fn id(&self) -> Cow<'_, str>;
}

/// Writes rows as they come.
///
/// Call [`RowStream::flush`] where a reader waits, and [`RowStream::finish`] at the end.
pub struct RowStream<'o, R> {
    output: &'o mut Output,
    format: Format,
    columns: Vec<Column>,
    /// Rows of a table, which are drawn together.
    held: Vec<Vec<String>>,
    written: u64,
    rows: PhantomData<fn(&R)>,
}

impl<'o, R: Row> RowStream<'o, R> {
    pub(super) fn new(output: &'o mut Output, format: Format, columns: Vec<Column>) -> Self {
        RowStream { output, format, columns, held: Vec::new(), written: 0, rows: PhantomData }
    }

    /// Writes one row.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn push(&mut self, row: &R) -> Outcome {
        match self.format {
            Format::Jsonl => self.output.line(row)?,
            Format::Ids => self.output.text(&row.id())?,
            Format::Json => {
                self.output.bytes(if self.written == 0 { b"[\n" } else { b",\n" })?;
                serde_json::to_writer(&mut self.output.writer, row)?;
            }
            Format::Csv => {
                if self.written == 0 {
                    self.csv_header()?;
                }
                self.csv_record(row.cells().iter().map(Cell::plain))?;
            }
            Format::Table => {
                let zone = &self.output.zone;
                self.held.push(row.cells().iter().map(|cell| cell.shown(zone)).collect());
            }
        }
        self.written += 1;
        Ok(())
    }

    /// Makes sure that the rows so far have gone out, but for those of a table.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn flush(&mut self) -> Outcome {
        self.output.flush()
    }

    /// Draws the rows of a table that are held as a table of their own, for a reader who cannot wait for the end.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn draw_held(&mut self) -> Outcome {
        if !self.held.is_empty() {
            let rows = std::mem::take(&mut self.held);
            let drawn = table::draw(&self.columns, rows, self.output.width, self.output.has_color);
            self.output.bytes(drawn.as_bytes())?;
        }
        self.flush()
    }

    /// Writes what comes after the last row.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(mut self) -> Outcome {
        match self.format {
            Format::Json => self.output.bytes(if self.written == 0 { b"[]\n" } else { b"\n]\n" })?,
            Format::Csv if self.written == 0 => self.csv_header()?,
            Format::Table => self.draw_held()?,
            _ => {}
        }
        self.flush()
    }

    fn csv_header(&mut self) -> Outcome {
        let titles: Vec<String> = self.columns.iter().map(|column| column.title.clone()).collect();
        self.csv_record(titles)
    }

    fn csv_record(&mut self, cells: impl IntoIterator<Item = String>) -> Outcome {
        let mut record = csv::Writer::from_writer(Vec::new());
        record.write_record(cells)?;
        let bytes = record.into_inner().map_err(|error| error.into_error())?;
        self.output.bytes(&bytes)
    }
}
