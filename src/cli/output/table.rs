//! Tables: aligned columns, fitted to a terminal, whole anywhere else.

use std::collections::BTreeSet;

use comfy_table::{Attribute, CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};

use super::rows::Column;
use crate::ids::Uuid;
use crate::import::references::SHORTEST;

/// Spaces between columns.
const GAP: u16 = 2;

/// Identities of a column as short as they can be told apart, where people read them: eight characters at least, and
/// more where that would be a number. Commands take them so.
fn shorten(column: usize, rows: &mut [Vec<String>]) {
    let identities: BTreeSet<String> =
        rows.iter().filter_map(|row| row.get(column)).filter(|cell| !cell.is_empty()).cloned().collect();
    if identities.is_empty() || !identities.iter().all(|cell| Uuid::parse(cell).is_some()) {
        return;
    }
    let is_clear = |length: &usize| {
        let short: BTreeSet<&str> = identities.iter().filter_map(|identity| identity.get(..*length)).collect();
        short.len() == identities.len() && short.iter().all(|text| !text.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let Some(length) = (SHORTEST..36).find(is_clear) else { return };
    for cell in rows.iter_mut().filter_map(|row| row.get_mut(column)) {
        cell.truncate(length);
        let is_number = cell.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        if cell.ends_with('-') && !is_number {
            cell.pop();
        }
    }
}

/// Where there is room for it, only long columns are broken over lines: a date in two lines is hard to read. Columns are
/// kept whole from the shortest on, as long as each of the others has a little.
fn keep_short_columns_whole(table: &mut Table, width: u16) {
    const LITTLE: u16 = 12;
    let widths = table.column_max_content_widths();
    let needed: u32 = widths.iter().map(|&width| u32::from(width.min(LITTLE) + GAP)).sum();
    let Some(mut room) = u32::from(width).checked_sub(needed) else { return };
    let mut columns: Vec<(u16, usize)> = widths.into_iter().zip(0..).collect();
    columns.sort_unstable();
    for (width, at) in columns {
        let Some(left) = room.checked_sub(u32::from(width.saturating_sub(LITTLE))) else { return };
        room = left;
        if let Some(column) = table.column_mut(at) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
}

/// Draws rows under a header, which is left out if no column has a title.
pub(super) fn draw(columns: &[Column], mut rows: Vec<Vec<String>>, width: Option<u16>, has_color: bool) -> String {
    if width.is_some() {
        (0..columns.len()).for_each(|column| shorten(column, &mut rows));
    }
    draw_whole(columns, rows, width, has_color)
}

/// The same with identities as they are.
pub(super) fn draw_whole(columns: &[Column], rows: Vec<Vec<String>>, width: Option<u16>, has_color: bool) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    match width {
        Some(width) => table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    if has_color {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    let align = |column: &Column| if column.is_number { CellAlignment::Right } else { CellAlignment::Left };
    if columns.iter().any(|column| !column.title.is_empty()) {
        let header = columns.iter().map(|column| {
            let cell = comfy_table::Cell::new(&column.title).set_alignment(align(column));
            if has_color { cell.add_attribute(Attribute::Bold) } else { cell }
        });
        table.set_header(header.collect::<Vec<_>>());
    }
    for row in rows {
        let cells = row.into_iter().zip(columns);
        table.add_row(
            cells.map(|(text, column)| comfy_table::Cell::new(text).set_alignment(align(column))).collect::<Vec<_>>(),
        );
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP));
    }
    if let Some(width) = width {
        keep_short_columns_whole(&mut table, width);
    }
    let mut drawn = String::new();
    for line in table.lines() {
        drawn.push_str(line.trim_end());
        drawn.push('\n');
    }
    drawn
}
