//! Tables: aligned columns, fitted to a terminal, whole anywhere else.

use comfy_table::{Attribute, CellAlignment, ContentArrangement, Table, presets};

use super::rows::Column;

/// Spaces between columns.
const GAP: u16 = 2;

/// Draws rows under a header, which is left out if no column has a title.
pub(super) fn draw(columns: &[Column], rows: Vec<Vec<String>>, width: Option<u16>, has_color: bool) -> String {
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
    let mut drawn = String::new();
    for line in table.lines() {
        drawn.push_str(line.trim_end());
        drawn.push('\n');
    }
    drawn
}
