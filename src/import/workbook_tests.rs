#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Cursor;

use proptest::prelude::*;

use crate::import::{ContactReader, Format, ImportError, Source};
use crate::schema::Environment;
use crate::value::Instant;
use crate::workspace::change::ContactPatch;

const ANN: &str = "981bf246-8aff-4b76-b668-5e6bd6336027";

fn open(bytes: Vec<u8>) -> Result<ContactReader, ImportError> {
    let environment = Environment::utc(Instant::parse("2026-06-15T12:00:00Z").unwrap());
    ContactReader::open(Source::from_reader("book.xlsx", Cursor::new(bytes)), &environment)
}

fn crc_32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}

/// A zip archive of files that are not compressed.
fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, text) in files {
        let offset = bytes.len() as u32;
        let mut entry = Vec::new();
        for number in [20u16, 0, 0, 0, 0x21] {
            entry.extend(number.to_le_bytes());
        }
        for number in [crc_32(text.as_bytes()), text.len() as u32, text.len() as u32] {
            entry.extend(number.to_le_bytes());
        }
        entry.extend((name.len() as u16).to_le_bytes());
        entry.extend(0u16.to_le_bytes());
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&entry);
        bytes.extend(name.as_bytes());
        bytes.extend(text.as_bytes());
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&entry);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (start, count) = (bytes.len() as u32, files.len() as u16);
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend(count.to_le_bytes());
    bytes.extend(count.to_le_bytes());
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

/// A workbook of one sheet with these rows, as Excel writes them. Style 1 is a date.
fn workbook(rows: &str) -> Vec<u8> {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const RELATIONS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
    const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    archive(&[
        ("[Content_Types].xml", "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>"),
        (
            "_rels/.rels",
            &format!(
                "<Relationships xmlns=\"{RELATIONS}\"><Relationship Id=\"r1\" Type=\"{OFFICE}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            &format!(
                "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets><sheet name=\"People\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            &format!(
                "<Relationships xmlns=\"{RELATIONS}\"><Relationship Id=\"r1\" Type=\"{OFFICE}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/styles.xml",
            &format!(
                "<styleSheet xmlns=\"{MAIN}\"><cellXfs count=\"2\"><xf numFmtId=\"0\"/><xf numFmtId=\"22\"/></cellXfs></styleSheet>"
            ),
        ),
        ("xl/worksheets/sheet1.xml", &format!("<worksheet xmlns=\"{MAIN}\"><sheetData>{rows}</sheetData></worksheet>")),
    ])
}

fn text(at: &str, text: &str) -> String {
    format!("<c r=\"{at}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
}

fn header() -> String {
    let cells = [("A1", "UUID"), ("B1", "Name"), ("C1", "Field:age"), ("D1", "Field:seen"), ("E1", "Group:VIP")];
    format!("<row r=\"1\">{}</row>", cells.map(|(at, title)| text(at, title)).concat())
}

#[test]
fn a_workbook_is_read_as_the_same_sheet_in_csv_is() {
    let rows = format!(
        "{}<row r=\"2\">{}{}<c r=\"C2\"><v>36.5</v></c><c r=\"D2\" s=\"1\"><v>45000.5</v></c><c r=\"E2\" t=\"b\"><v>1</v></c></row>\
         <row r=\"4\">{}{}<c r=\"C4\"><v>7</v></c><c r=\"D4\" s=\"1\"><v>45000</v></c></row>",
        header(),
        text("A2", ANN),
        text("B2", "Zoë"),
        text("A4", ANN),
        text("B4", "--")
    );
    let reader = open(workbook(&rows)).unwrap();
    assert_eq!(reader.format(), Format::Xlsx);
    let read: Vec<(u64, ContactPatch)> = reader.map(|(line, patch)| (line.0, patch.unwrap())).collect();
    let csv = format!(
        "UUID,Name,Field:age,Field:seen,Group:VIP\n{ANN},Zoë,36.5,2023-03-15 12:00:00,true\n\n{ANN},--,7,2023-03-15,\n"
    );
    let expected: Vec<(u64, ContactPatch)> =
        open(csv.into_bytes()).unwrap().map(|(line, patch)| (line.0, patch.unwrap())).collect();
    assert_eq!(read, expected);
}

#[test]
fn bad_rows_of_a_workbook_are_rejected_with_their_row() {
    let rows = format!(
        "{}<row r=\"2\">{}</row><row r=\"3\">{}{}</row><row r=\"4\">{}<c r=\"C4\" t=\"e\"><v>#REF!</v></c></row><row r=\"5\">{}</row>",
        header(),
        text("A2", "bob"),
        text("A3", ANN),
        text("F3", "too far"),
        text("A4", ANN),
        text("A5", ANN),
    );
    let read: Vec<_> = open(workbook(&rows)).unwrap().map(|(line, patch)| (line.0, patch)).collect();
    let told: Vec<String> =
        read.iter().filter_map(|(_, patch)| patch.as_ref().err().map(ToString::to_string)).collect();
    assert!(told[0].starts_with("line 2: `UUID`: `bob` is not a uuid"), "{}", told[0]);
    assert_eq!(told[1], "line 3: this row has 6 cells, and the header has 5");
    assert!(told[2].starts_with("line 4: the cell in column 3: its formula failed"), "{}", told[2]);
    assert!(read.len() == 4 && read[3].0 == 5 && read[3].1.is_ok());
}

#[test]
fn archives_that_are_no_workbooks_are_refused() {
    let told = open(archive(&[("notes.txt", "hello")])).unwrap_err();
    assert!(told.is_wrong_kind() && told.to_string().starts_with("book.xlsx: this is no Excel workbook"), "{told}");
    let empty = open(workbook("")).unwrap_err();
    assert!(empty.is_empty(), "{empty}");
}

proptest! {
    #[test]
    fn no_damage_to_a_workbook_makes_it_panic(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        cuts: bool,
    ) {
        let mut bytes = workbook(&format!("{}<row r=\"2\">{}</row>", header(), text("A2", ANN)));
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cuts {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = open(bytes).map(Iterator::count);
    }
}
