//! Answers in the format that was asked for.
//!
//! A command gives rows that serialise as JSON and have cells; [`Output`] writes them as a table, one JSON document,
//! JSON lines, CSV or ids. Every write may find that the reader has gone; that ends the command in silence.

mod answers;
mod cell;
pub mod progress;
mod rows;
mod table;
#[cfg(test)]
mod tests;

use std::io::{self, BufWriter, IsTerminal, Write};

use clap::ValueEnum;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::cli::Outcome;
use crate::value::Instant;

pub use cell::{Cell, counted, grouped, lasting};
pub(crate) use cell::{harmless_as_long, harmless_lines};
pub use rows::{Column, Row, RowStream};

/// The formats of answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Format {
    /// Aligned columns for people
    Table,
    /// One JSON document
    Json,
    /// One JSON object a line
    Jsonl,
    /// Comma-separated values with a header
    Csv,
    /// One uuid a line
    Ids,
}

/// When to colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Color {
    /// On a terminal
    Auto,
    /// Even into a pipe
    Always,
    /// Never
    Never,
}

/// Where answers go.
pub struct Output {
    writer: Box<dyn Write>,
    /// The width that tables must fit, if this is a terminal.
    width: Option<u16>,
    has_color: bool,
    /// The zone in which tables show moments.
    zone: TimeZone,
}

impl Output {
    /// Standard output.
    pub fn standard(has_color: bool) -> Self {
        let stdout = io::stdout();
        let width = stdout.is_terminal().then(|| comfy_table::Table::new().width().unwrap_or(80));
        Output { writer: Box::new(BufWriter::new(stdout)), width, has_color, zone: TimeZone::UTC }
    }

    /// Any writer, as wide as a line may be (`None` for no limit).
    pub fn to(writer: impl Write + 'static, width: Option<u16>, has_color: bool) -> Self {
        Output { writer: Box::new(writer), width, has_color, zone: TimeZone::UTC }
    }

    /// Shows moments in tables in this zone from now on.
    pub fn set_zone(&mut self, zone: TimeZone) {
        self.zone = zone;
    }

    /// Whether colours are wanted here.
    pub fn has_color(&self) -> bool {
        self.has_color
    }

    /// Writes one JSON document over several lines.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn document(&mut self, document: &impl Serialize) -> Outcome {
        serde_json::to_writer_pretty(&mut self.writer, document)?;
        self.writer.write_all(b"\n")?;
        self.flush()
    }

    /// Writes one JSON document as a line.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn line(&mut self, document: &impl Serialize) -> Outcome {
        serde_json::to_writer(&mut self.writer, document)?;
        Ok(self.writer.write_all(b"\n")?)
    }

    /// Writes a line of text, or several, without what would change a terminal.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn text(&mut self, text: &str) -> Outcome {
        Ok(writeln!(self.writer, "{}", harmless_lines(text))?)
    }

    /// Writes lines of texts, aligned, without a header.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn columns<const N: usize>(&mut self, lines: &[[String; N]]) -> Outcome {
        let columns = [const { "" }; N].map(Column::text);
        let shown = |line: &[String; N]| line.iter().map(|text| Cell::from(text.as_str()).shown(&self.zone)).collect();
        let table = table::draw(&columns, lines.iter().map(shown).collect(), self.width, self.has_color);
        self.bytes(table.as_bytes())
    }

    /// A moment as tables show it.
    pub fn moment(&self, moment: Instant) -> String {
        Cell::Moment(moment).shown(&self.zone)
    }

    /// Writes bytes as they are.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn bytes(&mut self, bytes: &[u8]) -> Outcome {
        Ok(self.writer.write_all(bytes)?)
    }

    /// Makes sure that what was written has gone out.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn flush(&mut self) -> Outcome {
        Ok(self.writer.flush()?)
    }

    /// Writes rows as they come: nothing is held back but a table, which needs them all to be aligned.
    pub fn stream<R: Row>(&mut self, format: Format, columns: Vec<Column>) -> RowStream<'_, R> {
        RowStream::new(self, format, columns)
    }

    /// Writes a list: as JSON the whole document, in the other formats its rows.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn list<'r, R: Row + 'r>(
        &mut self,
        format: Format,
        columns: Vec<Column>,
        document: &impl Serialize,
        rows: impl IntoIterator<Item = &'r R>,
    ) -> Outcome {
        if format == Format::Json {
            return self.document(document);
        }
        let mut stream = self.stream(format, columns);
        for row in rows {
            stream.push(row)?;
        }
        stream.finish()
    }

    /// Writes one thing: as a table or CSV its properties line by line, as `ids` its id if it has one. People are not
    /// shown properties without a value; programs are.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn details(
        &mut self,
        format: Format,
        properties: &[(&str, Cell)],
        id: Option<&str>,
        document: &impl Serialize,
    ) -> Outcome {
        match format {
            Format::Json => self.document(document)?,
            Format::Jsonl => self.line(document)?,
            Format::Ids => id.map_or(Ok(()), |id| self.text(id))?,
            Format::Csv => {
                let mut writer = csv::Writer::from_writer(&mut self.writer);
                writer.write_record(["property", "value"])?;
                for (name, value) in properties {
                    writer.write_record([*name, &value.plain()])?;
                }
                writer.flush()?;
            }
            Format::Table => {
                let columns = [Column::text(""), Column::text("")];
                let told = properties.iter().filter(|(_, value)| !value.is_empty());
                let rows = told.map(|(name, value)| vec![(*name).to_owned(), value.shown(&self.zone)]);
                let table = table::draw_whole(&columns, rows.collect(), self.width, self.has_color);
                self.bytes(table.as_bytes())?;
            }
        }
        self.flush()
    }
}
