//! Words that nobody has any more go out of the files, not only out of the answers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::text::TextIndex;
use super::{FieldKinds, IndexError};
use crate::contact::{Contact, FieldValue, TypedValue};
use crate::ids::{DocumentNumber, FieldId, Uuid};
use crate::schema::FieldType;
use crate::value::Instant;

const NOTE: FieldId = FieldId(3);

fn noted(document: u32, note: &str) -> (DocumentNumber, Option<Contact>) {
    let mut contact = Contact::new(Uuid([document as u8; 16]), Instant::default());
    contact.fields.insert(NOTE, FieldValue { text: note.into(), typed: TypedValue::Text });
    (DocumentNumber(document), Some(contact))
}

#[test]
fn a_purged_index_has_no_word_that_nobody_has() -> Result<(), IndexError> {
    let folder = tempfile::tempdir().unwrap();
    let kinds: FieldKinds = [(NOTE, FieldType::Text)].into_iter().collect();
    let mut index = TextIndex::open(folder.path())?;
    let people = [noted(0, "common words"), noted(1, "qzxj words"), noted(2, "kvwy common")];
    index.index_documents(people, &kinds, 1)?;
    index.reload()?;
    index.index_documents([(DocumentNumber(1), None), noted(2, "other common")], &kinds, 2)?;
    index.reload()?;
    let words = |index: &TextIndex| index.snapshot(Default::default()).stored_words().unwrap();
    assert!(words(&index).iter().any(|word| word.contains("qzxj") || word.contains("kvwy")), "traces are left");
    index.purge()?;
    let left: Vec<String> = words(&index).into_iter().map(|word| word[4..].to_owned()).collect();
    assert_eq!(left, ["common", "other", "words"]);
    assert_eq!((index.payload_generation(), index.documents()), (2, 2));
    let mut found = 0;
    index.snapshot(Default::default()).verify(|_, _, times| found += times)?;
    assert_eq!(found, 4);
    // Opened anew, there are no files but those of the segments that count.
    let before = std::fs::read_dir(folder.path()).unwrap().count();
    drop(index);
    TextIndex::open(folder.path())?.purge()?;
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), before);
    Ok(())
}
