#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::contact::{Contact, FieldValue};
use crate::store::samples::contact;
use crate::value::urn::KNOWN_SCHEMES;

const DOCUMENT: DocumentNumber = DocumentNumber(7);

fn row(contact: &impl ContactView) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(DOCUMENT, contact, &mut bytes);
    bytes
}

/// Reads everything that can be read.
fn read_all(view: &RowView<'_>) {
    let decoded = view.to_contact();
    for field in 0..20 {
        let _ = view.field(FieldId(field));
    }
    let mut again = Vec::new();
    encode(DOCUMENT, &decoded, &mut again);
}

#[test]
fn the_codes_of_schemes_cover_the_known_ones() {
    assert_eq!(SCHEMES, KNOWN_SCHEMES, "append to the row's list; its order is part of the format");
}

#[test]
fn text_that_says_it_all_is_stored_once() {
    let mut contact = Contact::new(crate::ids::Uuid([1; 16]), Instant::default());
    let bare = row(&contact).len();
    let text = "36.50";
    let number = FieldValue { text: text.into(), typed: TypedValue::Number(Decimal::parse(text).unwrap()) };
    contact.fields.insert(FieldId(3), number);
    // The end of the section; count, id and end of the value; its kind and text.
    assert_eq!(row(&contact).len(), bare + 2 + 2 + 2 + 2 + 1 + text.len());
}

#[test]
fn long_rows_take_wide_offsets() {
    let mut contact = Contact::new(crate::ids::Uuid([1; 16]), Instant::default());
    for field in 0..5 {
        let text = "é".repeat(20_000).into();
        contact.fields.insert(FieldId(field), FieldValue { text, typed: TypedValue::Text });
    }
    let bytes = row(&contact);
    assert_eq!(RowView::open(DOCUMENT, &bytes).unwrap().to_contact(), contact);
}

#[test]
fn another_version_is_told_apart_from_damage() {
    let mut bytes = row(&Contact::new(crate::ids::Uuid([1; 16]), Instant::default()));
    bytes[4] = 9;
    assert_eq!(RowView::open_trusted(DOCUMENT, &bytes).unwrap_err(), crate::store::Damage::Version(9));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_encoded_reads_back(contact in contact()) {
        let bytes = row(&contact);
        let view = RowView::open(DOCUMENT, &bytes).unwrap();
        prop_assert_eq!(view.to_contact(), contact.clone());
        for field in 0..12 {
            prop_assert_eq!(view.field(FieldId(field)), ContactView::field(&contact, FieldId(field)));
        }
        prop_assert_eq!(row(&view), bytes, "a row encodes as the contact does");
    }

    #[test]
    fn a_row_under_another_number_is_found(contact in contact(), other: u32) {
        prop_assume!(other != DOCUMENT.0);
        prop_assert!(RowView::open(DocumentNumber(other), &row(&contact)).is_err());
    }

    #[test]
    fn flipped_bits_are_found_and_never_panic(contact in contact(), at: prop::sample::Index, bit in 0u8..8) {
        let mut bytes = row(&contact);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(RowView::open(DOCUMENT, &bytes).is_err());
        if let Ok(view) = RowView::open_trusted(DOCUMENT, &bytes) {
            read_all(&view);
        }
    }

    #[test]
    fn truncated_rows_are_found_and_never_panic(contact in contact(), at: prop::sample::Index) {
        let bytes = row(&contact);
        let bytes = &bytes[..at.index(bytes.len())];
        prop_assert!(RowView::open(DOCUMENT, bytes).is_err());
        if let Ok(view) = RowView::open_trusted(DOCUMENT, bytes) {
            read_all(&view);
        }
    }

    #[test]
    fn any_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(RowView::open(DOCUMENT, &bytes).is_err());
        if let Some(version) = bytes.get_mut(4) {
            *version = VERSION;
        }
        if let Ok(view) = RowView::open_trusted(DOCUMENT, &bytes) {
            read_all(&view);
        }
    }
}
