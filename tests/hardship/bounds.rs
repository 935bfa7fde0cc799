//! Input beyond a bound is refused, the message names the bound, and the rest goes on.

use std::fs;
use std::path::Path;

use super::{run, run_with};

fn workspace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["init"]).well();
    run(folder.path(), &["field", "add", "age", "--type", "number"]).well();
    run_with(folder.path(), &["import", "-"], "{\"urns\": [\"tel:+250788123123\"]}\n").well();
    folder
}

const GOOD: &str = "{\"urns\": [\"tel:+250788000001\"]}\n";

/// The line is rejected with this said, and the line after it is imported.
fn refused(folder: &Path, line: &str, said: &str) {
    let ran = run_with(folder, &["import", "-", "--format", "json"], &format!("{line}\n{GOOD}"));
    assert_eq!(ran.status, Some(1), "{said}: {ran:?}");
    assert!(ran.errors.contains(said), "`{said}` is not in: {}", &ran.errors[..ran.errors.len().min(500)]);
    assert!(ran.errors.len() < 2000, "{said}: a message of {} bytes", ran.errors.len());
    let summary: serde_json::Value = serde_json::from_str(&ran.output).unwrap();
    assert_eq!((summary["read"].as_u64(), summary["rejected"].as_u64()), (Some(2), Some(1)), "{said}: {summary}");
}

fn repeated(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect::<Vec<_>>().join(",")
}

#[test]
fn each_bound_of_a_contact_is_named() {
    let folder = workspace();
    let line = |inside: &str| format!("{{\"urns\": [\"tel:+250788000002\"], {inside}}}");
    let cases = [
        (line(&format!("\"name\": \"{}\"", "x".repeat(1 << 20))), "1048576"),
        (line(&format!("\"fields\": {{{}}}", repeated(4_097, |at| format!("\"f{at}\": \"1\"")))), "4096"),
        (line(&format!("\"groups\": [{}]", repeated(10_001, |at| format!("\"g{at}\"")))), "10000"),
        (format!("{{\"urns\": [{}]}}", repeated(257, |at| format!("\"tel:{at}\""))), "256"),
        (format!("{{\"urns\": [\"tel:{}\"]}}", "1".repeat(256)), "255"),
    ];
    for (line, said) in cases {
        refused(folder.path(), &line, said);
    }
    // What is left out may be nested as deep as a line is long.
    let deep = line(&format!("\"unknown\": {}{}", "[".repeat(500_000), "]".repeat(500_000)));
    run_with(folder.path(), &["import", "-"], &deep).well();
    run(folder.path(), &["check"]).well();
}

#[test]
fn each_bound_of_a_sheet_is_named() {
    let folder = workspace();
    let wide = format!("UUID,{}\n", repeated(4_097, |at| format!("Field:f{at}")));
    let ran = run_with(folder.path(), &["import", "-"], &wide).badly();
    assert!(ran.errors.contains("4096"), "{}", ran.errors);
    let open = format!("URN:tel,Name\n0788,\"{}", "x\n".repeat(1 << 20));
    let ran = run_with(folder.path(), &["import", "-"], &open).badly();
    assert!(ran.errors.contains("1048576"), "{}", ran.errors);
}

#[test]
fn each_bound_of_a_query_and_of_a_template_is_named() {
    let folder = workspace();
    let queries = [
        (format!("name = {}", "x".repeat(10_001)), "10000"),
        (format!("{}age > 1{}", "(".repeat(101), ")".repeat(101)), "100"),
        ((0..251).map(|at| format!("age = {at}")).collect::<Vec<_>>().join(" OR "), "250"),
    ];
    for (query, said) in queries {
        let ran = run(folder.path(), &["query", &query]);
        assert_eq!(ran.status, Some(2));
        assert!(
            ran.output.contains("too_complex") && ran.output.replace(',', "").contains(said),
            "{said}: {}",
            ran.output
        );
    }
    let long = "x".repeat(64 * 1024 + 1);
    let ran = run(folder.path(), &["render", &long, "tel:+250788123123"]).badly();
    assert!(ran.errors.contains("65536"), "{}", &ran.errors[ran.errors.len() - 300..]);
    let nested = format!("@({}1{})", "(".repeat(2_000), ")".repeat(2_000));
    run(folder.path(), &["render", &nested, "tel:+250788123123"]).badly();
}

#[test]
fn a_workbook_that_unpacks_to_more_than_it_may_is_refused() {
    let folder = workspace();
    let whole = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hardship/hostile/contacts.xlsx")).unwrap();
    fs::write(folder.path().join("small.xlsx"), &whole).unwrap();
    run(folder.path(), &["import", "small.xlsx"]).well();
    // 260 MiB of spaces in the texts that cells share, in 260 KiB.
    fs::write(folder.path().join("bomb.xlsx"), bomb(&whole, 260 << 20)).unwrap();
    let ran = run(folder.path(), &["import", "bomb.xlsx"]).badly();
    assert!(ran.errors.contains("256 MiB"), "{}", ran.errors);
}

/// A workbook with shared texts of so many bytes put in front of its directory.
fn bomb(workbook: &[u8], length: usize) -> Vec<u8> {
    use flate2::Compression;
    use flate2::write::DeflateEncoder;
    use std::io::Write;

    let end = workbook.len() - 22;
    let number = |at: usize| u32::from_le_bytes(workbook[at..at + 4].try_into().unwrap()) as usize;
    let (size, start) = (number(end + 12), number(end + 16));
    let mut crc = flate2::Crc::new();
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::best());
    let chunk = vec![b' '; 1 << 20];
    for _ in 0..length / chunk.len() {
        packed.write_all(&chunk).unwrap();
        crc.update(&chunk);
    }
    let packed = packed.finish().unwrap();
    let name = b"xl/sharedStrings.xml";
    let mut entry = Vec::new();
    for part in [20u16, 0, 8, 0, 0x21] {
        entry.extend(part.to_le_bytes());
    }
    for part in [crc.sum(), packed.len() as u32, length as u32] {
        entry.extend(part.to_le_bytes());
    }
    entry.extend((name.len() as u16).to_le_bytes());
    entry.extend(0u16.to_le_bytes());
    let mut bytes = workbook[..start].to_vec();
    let offset = bytes.len() as u32;
    bytes.extend(b"PK\x03\x04");
    bytes.extend(&entry);
    bytes.extend(name);
    bytes.extend(&packed);
    let directory = bytes.len() as u32;
    bytes.extend(&workbook[start..start + size]);
    bytes.extend(b"PK\x01\x02\x14\x00");
    bytes.extend(&entry);
    bytes.extend([0; 10]);
    bytes.extend(offset.to_le_bytes());
    bytes.extend(name);
    let size = bytes.len() as u32 - directory;
    let mut tail = workbook[end..].to_vec();
    let count = u16::from_le_bytes([tail[8], tail[9]]) + 1;
    for (at, part) in [(8, count), (10, count)] {
        tail[at..at + 2].copy_from_slice(&part.to_le_bytes());
    }
    for (at, part) in [(12, size), (16, directory)] {
        tail[at..at + 4].copy_from_slice(&part.to_le_bytes());
    }
    bytes.extend(tail);
    bytes
}
