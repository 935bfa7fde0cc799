//! What is indexed, under which bytes, and how values become keys whose order is the order of values.

use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::ids::{Block, EventId, FieldId};
use crate::schema::{FieldType, Schema};
use crate::value::Instant;

/// Longer folded texts are cut to this many bytes and end in a hash of the whole, so that keys stay bounded and differ
/// for different texts.
pub const MAX_TEXT_KEY: usize = 128;

/// Bytes of a key of a text that was cut.
pub const CUT_KEY: usize = MAX_TEXT_KEY + 16;

/// An indexed property: its bytes are the first three of its blocks' keys.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum PropertyId {
    /// Whether a contact takes part; every contact has one, so its presence is existence.
    Status,
    /// The folded name.
    Name,
    /// The folded language.
    Language,
    /// The platform's number: hashed.
    Id,
    /// The reference code: hashed.
    Ref,
    /// Folded paths of all addresses: hashed.
    UrnPath,
    /// Schemes of all addresses.
    UrnScheme,
    /// Runs of three bytes in the folded paths of all addresses.
    UrnTrigram,
    /// Words of the name, lower-cased and cut to 8 characters.
    NameWord,
    /// The flow that the contact is in.
    Flow,
    /// Flows that it has been in.
    History,
    /// Open tickets.
    Tickets,
    /// When it was created.
    CreatedOn,
    /// When it was last heard from.
    LastSeenOn,
    /// A custom field: folded text, number or moment by its type.
    Field(FieldId),
    /// Moments of all events of a name.
    Event(EventId),
}

/// Which part of a block a stored value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// All values.
    Base = 0,
    /// Values of the documents that changed since the base was written.
    Delta = 1,
}

/// The key under which a part of a block is stored.
pub type BlockKey = [u8; 6];

const ATTRIBUTES: [PropertyId; 14] = [
    PropertyId::Status,
    PropertyId::Name,
    PropertyId::Language,
    PropertyId::Id,
    PropertyId::Ref,
    PropertyId::UrnPath,
    PropertyId::UrnScheme,
    PropertyId::UrnTrigram,
    PropertyId::NameWord,
    PropertyId::Flow,
    PropertyId::History,
    PropertyId::Tickets,
    PropertyId::CreatedOn,
    PropertyId::LastSeenOn,
];

/// The first byte of keys of custom fields.
const FIELD_TAG: u8 = 32;

/// The first byte of keys of events.
const EVENT_TAG: u8 = 33;

impl PropertyId {
    /// Its bytes.
    pub fn prefix(self) -> [u8; 3] {
        if let PropertyId::Field(FieldId(id)) = self {
            let [high, low] = id.to_be_bytes();
            return [FIELD_TAG, high, low];
        }
        if let PropertyId::Event(EventId(id)) = self {
            let [high, low] = id.to_be_bytes();
            return [EVENT_TAG, high, low];
        }
        let tag = ATTRIBUTES.iter().position(|&attribute| attribute == self).unwrap_or_default();
        [tag as u8, 0, 0]
    }

    /// The property of these bytes.
    pub fn from_prefix([tag, high, low]: [u8; 3]) -> Option<Self> {
        if tag == FIELD_TAG {
            return Some(PropertyId::Field(FieldId(u16::from_be_bytes([high, low]))));
        }
        if tag == EVENT_TAG {
            return Some(PropertyId::Event(EventId(u16::from_be_bytes([high, low]))));
        }
        ATTRIBUTES.get(usize::from(tag)).copied()
    }

    /// The key of a part of one of its blocks.
    pub fn block_key(self, block: Block, part: Part) -> BlockKey {
        let [tag, high, low] = self.prefix();
        let [block_high, block_low] = block.0.to_be_bytes();
        [tag, high, low, block_high, block_low, part as u8]
    }

    /// Whether keys are hashes of values: a hit is a candidate that a row must confirm.
    pub fn is_hashed(self) -> bool {
        matches!(self, PropertyId::Id | PropertyId::Ref | PropertyId::UrnPath)
    }

    /// Whether ranges are asked of it, so that bit slices pay.
    pub fn has_ranges(self, kinds: &FieldKinds) -> bool {
        match self {
            PropertyId::Tickets | PropertyId::CreatedOn | PropertyId::LastSeenOn => true,
            PropertyId::Field(field) => matches!(kinds.kind(field), FieldType::Number | FieldType::Datetime),
            _ => false,
        }
    }
}

/// The property and block of a stored key.
pub fn read_block_key(key: &[u8]) -> Option<(PropertyId, Block, bool)> {
    let &[tag, high, low, block_high, block_low, part] = key else {
        return None;
    };
    let property = PropertyId::from_prefix([tag, high, low])?;
    Some((property, Block(u16::from_be_bytes([block_high, block_low])), part == Part::Delta as u8))
}

/// The types of custom fields: which texts are places, and which fields are asked for ranges.
#[derive(Clone, Debug, Default)]
pub struct FieldKinds {
    kinds: FxHashMap<FieldId, FieldType>,
}

impl FieldKinds {
    /// Of all fields of a schema.
    pub fn new(schema: &Schema) -> Self {
        FieldKinds { kinds: schema.fields().iter().map(|field| (field.id, field.kind)).collect() }
    }

    /// The type of a field; text if it is not known.
    pub fn kind(&self, field: FieldId) -> FieldType {
        self.kinds.get(&field).copied().unwrap_or(FieldType::Text)
    }
}

impl FromIterator<(FieldId, FieldType)> for FieldKinds {
    fn from_iter<T: IntoIterator<Item = (FieldId, FieldType)>>(kinds: T) -> Self {
        FieldKinds { kinds: kinds.into_iter().collect() }
    }
}

/// Appends the key of a folded text.
pub fn push_text_key(folded: &str, out: &mut Vec<u8>) {
    let bytes = folded.as_bytes();
    match bytes.get(..MAX_TEXT_KEY) {
        Some(head) if bytes.len() > MAX_TEXT_KEY => {
            out.extend_from_slice(head);
            out.extend_from_slice(&xxh3_128(bytes).to_be_bytes());
        }
        _ => out.extend_from_slice(bytes),
    }
}

/// The key of a folded text.
pub fn text_key(folded: &str) -> Box<[u8]> {
    let mut key = Vec::with_capacity(folded.len().min(CUT_KEY));
    push_text_key(folded, &mut key);
    key.into()
}

/// The key of a folded text of a hashed property.
pub fn hashed_key(folded: &str) -> [u8; 4] {
    ((xxh3_64(folded.as_bytes()) >> 32) as u32).to_be_bytes()
}

/// The key of a moment.
pub fn instant_key(instant: Instant) -> [u8; 8] {
    (instant.micros() as u64 ^ 1 << 63).to_be_bytes()
}

/// The moment of a key.
pub fn instant_of_key(key: &[u8]) -> Option<Instant> {
    let bits = u64::from_be_bytes(key.try_into().ok()?);
    Some(Instant::from_micros((bits ^ 1 << 63) as i64))
}
