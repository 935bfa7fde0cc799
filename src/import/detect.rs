//! What kind of input this is, by its first bytes.

use std::io::{Cursor, Read};

use encoding_rs::{UTF_16BE, UTF_16LE};

use crate::import::decode::Decoded;
use crate::import::error::{ImportError, Kind};
use crate::import::source::{Progress, Source, read_once};

/// Rows of a sheet that are looked at to find its separator.
const LOOKED_AT: usize = 30;

/// Bytes that are looked at.
const PREFIX: usize = 64 << 10;

/// The shapes that contacts come in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// One object a line.
    JsonLines,
    /// Pages of an API, a list, or objects over several lines.
    Json,
    /// Rows of cells with that separator.
    Csv {
        /// `,`, `;`, `|` or a tab.
        delimiter: u8,
    },
    /// A spreadsheet.
    Xlsx,
}

/// A source whose first bytes have been looked at.
pub(crate) struct Opened {
    pub(crate) name: String,
    pub(crate) reader: Box<dyn Read + Send>,
    pub(crate) progress: Progress,
    pub(crate) prefix: Vec<u8>,
    /// Whether a byte order mark said that the text is Unicode.
    pub(crate) is_marked: bool,
}

/// How much of the beginning to wait for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// As much as is looked at, or the end.
    ForPrefix,
    /// What comes at once: a stream may be slow.
    ForAnything,
}

/// Looks at the beginning, unpacks gzip, decodes UTF-16, takes byte order marks away, and refuses what is empty or no text; the
/// prefix of a spreadsheet passes.
pub(crate) fn open(source: Source, wait: Wait) -> Result<Opened, ImportError> {
    let (name, mut reader, progress) = source.into_parts();
    let failed = |error| ImportError::new(&name, Kind::Io(error));
    let prefix = read_prefix(&mut reader, wait).map_err(failed)?;
    #[cfg(feature = "cli")]
    let (prefix, reader) = if prefix.starts_with(b"\x1f\x8b") {
        let mut unpacked: Box<dyn Read + Send> =
            Box::new(flate2::read::MultiGzDecoder::new(Cursor::new(prefix).chain(reader)));
        (read_prefix(&mut unpacked, wait).map_err(failed)?, unpacked)
    } else {
        (prefix, reader)
    };
    if prefix.is_empty() {
        return Err(ImportError::new(&name, Kind::Empty));
    }
    let encoding = match prefix.as_slice() {
        [0xff, 0xfe, ..] => Some(UTF_16LE),
        [0xfe, 0xff, ..] => Some(UTF_16BE),
        _ => None,
    };
    let (prefix, mut reader, is_marked) = match (encoding, prefix.strip_prefix(b"\xef\xbb\xbf")) {
        (Some(encoding), _) => {
            let whole = Box::new(Cursor::new(prefix).chain(reader));
            let mut decoded: Box<dyn Read + Send> = Box::new(Decoded::new(whole, encoding));
            (read_prefix(&mut decoded, wait).map_err(failed)?, decoded, true)
        }
        (None, Some(text)) => (text.to_vec(), reader, true),
        (None, None) => (prefix, reader, false),
    };
    if let Some(what) = other_kind(&prefix) {
        return Err(ImportError::new(&name, Kind::Foreign(what)));
    }
    // Look further, past white space, before saying that there is nothing.
    if prefix.trim_ascii().is_empty() && wait == Wait::ForPrefix {
        let more = read_prefix(&mut reader, wait).map_err(failed)?;
        if more.trim_ascii().is_empty() {
            return Err(ImportError::new(&name, Kind::Empty));
        }
        let prefix = [prefix, more].concat();
        let reader = Box::new(Cursor::new(prefix.clone()).chain(reader));
        return Ok(Opened { name, reader, progress, prefix, is_marked });
    }
    let reader = Box::new(Cursor::new(prefix.clone()).chain(reader));
    Ok(Opened { name, reader, progress, prefix, is_marked })
}

fn read_prefix(reader: &mut Box<dyn Read + Send>, wait: Wait) -> std::io::Result<Vec<u8>> {
    let mut prefix = vec![0; PREFIX];
    let mut filled = 0;
    while let Some(space) = prefix.get_mut(filled..).filter(|space| !space.is_empty()) {
        match read_once(reader, space)? {
            0 => break,
            count => filled += count,
        }
        // The first bytes tell the kind, so even an impatient reader wants a few.
        if wait == Wait::ForAnything && filled >= 4 {
            break;
        }
    }
    prefix.truncate(filled);
    Ok(prefix)
}

/// Says what the bytes are if they cannot be read here.
fn other_kind(prefix: &[u8]) -> Option<String> {
    const COMPRESSED: [(&[u8], &str); 4] =
        [(b"BZh", "bzip2"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"\xfd7zXZ", "xz"), (b"7z\xbc\xaf\x27\x1c", "7-zip")];
    for (magic, name) in COMPRESSED {
        if prefix.starts_with(magic) {
            return Some(format!(
                "this is compressed with {name}: unpack it first, or pipe it in and name the file `-`"
            ));
        }
    }
    let other = match prefix {
        [0xd0, 0xcf, 0x11, 0xe0, ..] => "an old Excel workbook (.xls): save it as .xlsx or CSV",
        _ if prefix.starts_with(b"%PDF") => "a PDF document, not contacts",
        _ if prefix.starts_with(b"PAR1") => "a Parquet file: export it as JSON lines or CSV",
        _ if prefix.starts_with(b"SQLite format 3\0") => "an SQLite database: export the table as CSV",
        _ if is_zip(prefix) => return None,
        // A text may hold a stray zero; where other bytes are that no text has, it is none.
        _ if is_binary(prefix) => {
            let zeros = prefix.iter().filter(|&&byte| byte == 0).count();
            if zeros * 3 > prefix.len() {
                "binary, or UTF-16 without a byte order mark: save it as UTF-8"
            } else {
                "a binary file, not text"
            }
        }
        _ => return None,
    };
    Some(format!("this is {other}"))
}

fn is_binary(prefix: &[u8]) -> bool {
    let zeros = prefix.iter().filter(|&&byte| byte == 0).count();
    let has_others = prefix.iter().any(|byte| matches!(byte, 1..=8 | 14..=26));
    zeros > 0 && (has_others || zeros * 10 > prefix.len())
}

/// Whether it is a zip archive, as spreadsheets are.
pub(crate) fn is_zip(prefix: &[u8]) -> bool {
    prefix.starts_with(b"PK\x03\x04")
}

/// The format of contacts that begin so.
///
/// # Errors
/// What to do, if they are none.
pub(crate) fn format(prefix: &[u8]) -> Result<Format, String> {
    if is_zip(prefix) {
        return Ok(Format::Xlsx);
    }
    let text = prefix.trim_ascii_start();
    match text.first() {
        Some(b'[') => return Ok(Format::Json),
        Some(b'{') => return Ok(if is_document(text) { Format::Json } else { Format::JsonLines }),
        Some(b'<') => return Err("this is a web page or XML, not contacts: is it an error page?".to_owned()),
        _ => {}
    }
    Ok(Format::Csv { delimiter: delimiter(text) })
}

/// The separator of cells: the one that most rows have as often as the others, and then the most frequent one.
fn delimiter(text: &[u8]) -> u8 {
    // As spreadsheets say it themselves.
    if let Some(&[delimiter @ (b',' | b';' | b'\t' | b'|'), ..]) = text.strip_prefix(b"sep=") {
        return delimiter;
    }
    let mut rows: Vec<Vec<u8>> = vec![Vec::new()];
    let mut in_quotes = false;
    for &byte in text {
        match byte {
            b'"' => in_quotes = !in_quotes,
            b'\n' if !in_quotes => rows.push(Vec::new()),
            b',' | b';' | b'\t' | b'|' if !in_quotes => rows.last_mut().into_iter().for_each(|row| row.push(byte)),
            _ => {}
        }
        if rows.len() > LOOKED_AT {
            break;
        }
    }
    let score = |&delimiter: &u8| {
        let counts: Vec<usize> = rows
            .iter()
            .map(|row| row.iter().filter(|&&byte| byte == delimiter).count())
            .filter(|&count| count > 0)
            .collect();
        let alike = |count: &usize| (counts.iter().filter(|other| *other == count).count(), *count);
        counts.iter().map(alike).max().unwrap_or_default()
    };
    // Of equal scores the last is taken, so a header of one column has commas.
    [b'|', b'\t', b';', b','].into_iter().max_by_key(score).unwrap_or(b',')
}

/// Whether a text that begins with an object is a page, or has its first object over several lines.
fn is_document(text: &[u8]) -> bool {
    let (mut depth, mut in_text, mut is_escaped) = (0usize, false, false);
    let mut last = 0;
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => {
                in_text = !in_text;
                if in_text
                    && depth == 1
                    && matches!(last, b'{' | b',')
                    && is_results(text.get(at..).unwrap_or_default())
                {
                    return true;
                }
            }
            // Where pretty printers break lines; a line of its own that is broken off breaks elsewhere.
            b'\n' if matches!(last, b'{' | b'[' | b',' | b':' | b'}' | b']') && !in_text => return true,
            b'\n' => return false,
            _ if in_text => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && !in_text {
            return false;
        }
        if !byte.is_ascii_whitespace() {
            last = byte;
        }
    }
    false
}

/// Whether a text begins with `"results": [`.
fn is_results(text: &[u8]) -> bool {
    let colon = text.strip_prefix(b"\"results\"").map(<[u8]>::trim_ascii_start);
    let value = colon.and_then(|rest| rest.strip_prefix(b":")).map(<[u8]>::trim_ascii_start);
    value.is_some_and(|value| value.starts_with(b"["))
}
