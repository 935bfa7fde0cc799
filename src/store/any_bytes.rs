//! Any bytes, read as each kind of stored value: for fuzz targets, and for the tests that run them over a few seeds.
//!
//! Each function reads the bytes twice: as they are, and under a seal that fits them, since nothing but chance would get
//! past the checksum otherwise. Nothing may panic; and what reads well must be written and read again as the same.

use super::codec::{Cursor, SEAL, Tag, checksum};
use super::container::{self, Container};
use super::log::LogEntry;
use super::members::MemberSet;
use super::meta::{Settings, State};
use super::row::{self, RowView};
use super::schema::GroupRecord;
use super::tail::TailView;
use crate::contact::ContactView;
use crate::ids::{Block, DocumentNumber, FieldId, GroupId, Sequence};

const DOCUMENT: DocumentNumber = DocumentNumber(7);

/// The bytes behind a checksum that fits, for this table and key.
fn sealed(tag: Tag, key: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut value = checksum(tag as u64, key, bytes).to_le_bytes().to_vec();
    value.extend_from_slice(bytes);
    value
}

/// As a row: every property is read.
pub fn row(bytes: &[u8]) {
    assert!(RowView::open(DOCUMENT, bytes).is_err() || bytes.len() > SEAL);
    if let Ok(row) = RowView::open_trusted(DOCUMENT, bytes) {
        read_row(&row);
    }
    let value = sealed(Tag::Row, &DOCUMENT.0.to_be_bytes(), bytes);
    let Ok(row) = RowView::open(DOCUMENT, &value) else { return };
    read_row(&row);
    // What can be read of it, whatever was lost, is a contact like any other.
    let contact = row.to_contact();
    let mut again = Vec::new();
    row::encode(DOCUMENT, &contact, &mut again);
    if let Ok(again) = RowView::open(DOCUMENT, &again) {
        assert_eq!(again.to_contact(), contact);
        row.compare_fields(&again, |_, before, after| {
            std::hint::black_box((before, after));
        });
    }
}

fn read_row(row: &RowView<'_>) {
    let texts = [row.id(), row.reference(), row.name(), row.language()];
    let urns = row.urns().map(|urn| urn.identity().len()).sum::<usize>();
    let numbers = row.groups().count() + row.history().count() + row.tickets() as usize;
    let moments = (row.created_on(), row.modified_on(), row.last_seen_on());
    let fields = row.fields().filter(|(id, value)| row.field(*id).as_ref() == Some(value)).count();
    let unknown = row.field(FieldId(u16::MAX));
    std::hint::black_box((texts, urns, numbers, moments, fields, unknown, row.status(), row.flow(), row.uuid()));
}

/// As a set of documents within a block.
pub fn container(bytes: &[u8]) {
    let key = b"key";
    if let Ok(container) = Container::open_trusted(bytes) {
        read_container(&container);
    }
    let value = sealed(Tag::Member, key, bytes);
    let Ok(container) = Container::open(Tag::Member as u64, key, &value) else { return };
    read_container(&container);
    let members: Vec<u16> = container.iter().collect();
    assert!(members.is_sorted_by(|a, b| a < b) && members.len() == container.len() as usize);
    assert!(members.iter().all(|&member| container.contains(member)));
    let mut again = Vec::new();
    container::encode_sorted(Tag::Member as u64, key, &members, &mut again);
    let again = Container::open(Tag::Member as u64, key, &again).map(|again| again.to_words());
    assert_eq!(again, Ok(container.to_words()));
}

fn read_container(container: &Container<'_>) {
    let mut bitmap = roaring::RoaringBitmap::new();
    container.add_to(Block(1), &mut bitmap);
    let members = container::count(&container.to_words());
    std::hint::black_box((container.contains(0), container.contains(u16::MAX), container.iter().count(), members));
}

/// As what changed in a group since its last merge, as an entry of the log, as a group, as settings and as the state.
pub fn record(bytes: &[u8]) {
    let set = MemberSet::Active(GroupId(3));
    if let Ok(tail) = TailView::open(set, &sealed(Tag::Tail, &set.key(), bytes)) {
        let mut words = container::zeros();
        for block in tail.blocks() {
            block.apply(&mut words);
            std::hint::black_box((block.block, block.verdict(0), block.verdict(u16::MAX)));
        }
        std::hint::black_box(tail.decode());
    }
    let sequence = Sequence(9);
    if let Ok(entry) = LogEntry::open(sequence, &sealed(Tag::Log, &sequence.0.to_be_bytes(), bytes)) {
        for moves in entry.groups() {
            std::hint::black_box((moves.entered().count(), moves.left().count(), entry.group(moves.group)));
        }
    }
    if let Ok(group) = GroupRecord::decode(bytes) {
        assert_eq!(GroupRecord::decode(&group.encode()).as_ref(), Ok(&group));
        let queries = [&group.active, &group.pending].into_iter().flatten();
        queries.for_each(|query| drop(crate::sema::codec::decode(&query.bytes)));
    }
    if let Ok(settings) = Settings::decode(bytes) {
        assert_eq!(Settings::decode(&settings.encode()).as_ref(), Ok(&settings));
    }
    if let Ok(state) = State::decode(bytes) {
        assert_eq!(State::decode(&state.encode()), Ok(state));
    }
    let mut cursor = Cursor::new(bytes);
    while cursor.bytes().is_ok_and(|bytes| !bytes.is_empty()) {}
}
