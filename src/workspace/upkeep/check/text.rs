//! The text index against the rows: the words of all contacts that are not dirty, added up as hashes.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::CheckReport;
use crate::ids::{Block, DocumentNumber};
use crate::index::text::{TextIndex, expected_words};
use crate::index::{FieldKinds, TextSource};
use crate::store::RowView;
use crate::workspace::error::WorkspaceError;
use crate::workspace::read::reader::Reader;

/// Words of contacts: how many different ones in each, and the sum of their hashes, which does not depend on the order.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Sum {
    words: u64,
    hash: u64,
}

impl Sum {
    fn add(&mut self, word: &[u8], document: DocumentNumber, times: u32) {
        self.words += 1;
        self.hash = self.hash.wrapping_add(xxh3_64_with_seed(word, u64::from(times) << 32 | u64::from(document.0)));
    }
}

pub(super) fn check(reader: &Reader<'_>, report: &mut CheckReport) -> Result<(), WorkspaceError> {
    let view = reader.snapshot().view();
    // Before the first run nothing is looked up in it.
    if view.state().generation == 0 {
        return Ok(());
    }
    let Some(text) = reader.text()? else {
        let folder = reader.text_folder();
        match if folder.is_dir() { TextIndex::open(folder).map(|index| index.payload_generation()) } else { Ok(0) } {
            // Whoever is at it makes it whole, and rows answer until then.
            _ if reader.text_is_being_written() => {}
            Ok(generation) if generation < view.state().generation => {
                report.find("text", true, "the text index is older than the store counts on; rows answer instead");
            }
            // It has gone on since this moment: another check looks at another moment.
            Ok(_) => {}
            Err(error) => report.find("text", true, error.to_string()),
        }
        return Ok(());
    };
    let dirty = text.dirty();
    let mut found = Sum::default();
    let read = text.verify(|word, document, times| {
        if !dirty.contains(document.0) {
            found.add(word, document, times);
        }
    });
    if let Err(error) = read {
        if !reader.text_is_being_written() {
            report.find("text", true, error.to_string());
        }
        return Ok(());
    }
    let kinds = FieldKinds::new(reader.schema());
    let mut expected = Sum::default();
    for block in (0..view.state().next_document.div_ceil(1 << 16)).map(|number| Block(number as u16)) {
        for (document, bytes) in view.rows_of_block(block)? {
            let Ok(row) = RowView::open_trusted(document, bytes) else { continue };
            if !dirty.contains(document.0) {
                expected_words(&row, &kinds).iter().for_each(|(word, &times)| {
                    expected.add(word.as_bytes(), document, times);
                });
            }
        }
    }
    report.words = found.words;
    if found.words != expected.words {
        let message = format!("it holds {} words where the rows have {}", found.words, expected.words);
        report.find("text", true, message);
    } else if found != expected {
        report.find("text", true, "it holds words that the rows do not have");
    }
    Ok(())
}
