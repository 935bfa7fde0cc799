//! The saved form of a group's query: typed, with dates resolved and groups, flows and fields by identity, so that a
//! rename or a change of date format never alters what it means.
//!
//! Bytes: the version, the dialect, the tree in prefix order, and the lower half of the XXH3 of all that. Numbers are
//! little-endian base 128, 7 bits a byte, signed ones zigzag; texts are their length and UTF-8. Spans are not kept.

use std::fmt;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use crate::contact::Status;
use crate::ids::{FieldId, FlowId, GroupId};
use crate::schema::FieldType;
use crate::sema::attribute::Attribute;
use crate::sema::query::{
    AnniversaryDay, Comparator, Condition, Dialect, FieldProperty, Literal, Node, Pattern, PatternKind, Property,
    Query, RelativeTime, Test, Unit, Value,
};
use crate::span::Span;
use crate::value::{Decimal, Instant, Scheme};

/// The version that is written.
pub const VERSION: u8 = 1;

/// No query that was parsed is deeper: 100 brackets, each with an OR, an AND and a NOT.
const MAX_DEPTH: usize = 310;

const CHECKSUM: usize = 4;

/// Why saved bytes are not a query.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CodecError {
    /// Written by a newer version of this program, which has to read it.
    TooNew(u8),
    /// Cut short, altered, or never a saved query.
    Damaged,
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CodecError::TooNew(version) => {
                write!(f, "the saved query has version {version}, this program reads up to {VERSION}: use a newer one")
            }
            CodecError::Damaged => f.write_str("the saved query is damaged: restore it from its text or a backup"),
        }
    }
}

impl std::error::Error for CodecError {}

/// The saved form.
pub fn encode(query: &Query) -> Vec<u8> {
    let mut out = Writer { bytes: vec![VERSION] };
    out.byte(match query.dialect {
        Dialect::ContactQl => 0,
        Dialect::Extended => 1,
    });
    out.node(&query.root);
    let checksum = checksum(&out.bytes);
    out.bytes.extend_from_slice(&checksum);
    out.bytes
}

/// The query of a saved form.
///
/// # Errors
/// If the version is unknown or the bytes are damaged. No bytes make it panic or recurse deeply.
pub fn decode(bytes: &[u8]) -> Result<Query, CodecError> {
    let (body, sum) = bytes.split_last_chunk::<CHECKSUM>().ok_or(CodecError::Damaged)?;
    let (&version, rest) = body.split_first().ok_or(CodecError::Damaged)?;
    // Before the checksum, which a newer version may have placed elsewhere.
    if version > VERSION {
        return Err(CodecError::TooNew(version));
    }
    if version == 0 || *sum != checksum(body) {
        return Err(CodecError::Damaged);
    }
    decode_body(rest).ok_or(CodecError::Damaged)
}

fn decode_body(rest: &[u8]) -> Option<Query> {
    let mut reader = Reader { rest };
    let dialect = match reader.byte()? {
        0 => Dialect::ContactQl,
        1 => Dialect::Extended,
        _ => return None,
    };
    let root = reader.node(MAX_DEPTH)?;
    reader.rest.is_empty().then_some(Query { dialect, root })
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    (xxh3_64(bytes) as u32).to_le_bytes()
}

/// Numbers that stand for kinds of nodes, properties, tests and values. Never reuse one.
mod tag {
    pub(super) const ALL: u8 = 0;
    pub(super) const ANY: u8 = 1;
    pub(super) const NOT: u8 = 2;
    pub(super) const CONDITION: u8 = 3;

    /// Attributes are 0 to 12, by name.
    pub(super) const SCHEME: u8 = 32;
    pub(super) const FIELD: u8 = 33;

    pub(super) const UNSET: u8 = 0;
    pub(super) const SET: u8 = 1;
    pub(super) const EQUALS: u8 = 2;
    pub(super) const DIFFERS: u8 = 3;
    pub(super) const CONTAINS: u8 = 4;
    pub(super) const COMPARES: u8 = 5;
    pub(super) const IN: u8 = 6;
    pub(super) const BETWEEN: u8 = 7;
    pub(super) const ANNIVERSARY: u8 = 8;

    pub(super) const TEXT: u8 = 0;
    pub(super) const NUMBER: u8 = 1;
    pub(super) const DAY: u8 = 2;
    pub(super) const RELATIVE: u8 = 3;
    pub(super) const STATUS: u8 = 4;
    pub(super) const GROUP: u8 = 5;
    pub(super) const FLOW: u8 = 6;
}

const COMPARATORS: [Comparator; 4] =
    [Comparator::Greater, Comparator::GreaterOrEqual, Comparator::Less, Comparator::LessOrEqual];

/// The place of a value in a table of all of them.
fn place<T: PartialEq>(table: &[T], value: &T) -> u8 {
    table.iter().position(|own| own == value).and_then(|at| u8::try_from(at).ok()).unwrap_or(u8::MAX)
}

struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    fn number(&mut self, mut number: u128) {
        while number >= 0x80 {
            self.byte(number as u8 | 0x80);
            number >>= 7;
        }
        self.byte(number as u8);
    }

    fn signed(&mut self, number: i64) {
        self.number(u128::from((number << 1 ^ number >> 63) as u64));
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u128);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// 0 for `None`.
    fn optional(&mut self, id: Option<u32>) {
        self.number(id.map_or(0, |id| u128::from(id) + 1));
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::All(children) => self.children(tag::ALL, children),
            Node::Any(children) => self.children(tag::ANY, children),
            Node::Not(inner) => {
                self.byte(tag::NOT);
                self.node(inner);
            }
            Node::Condition(condition) => {
                self.byte(tag::CONDITION);
                self.property(&condition.property);
                self.test(&condition.test);
            }
        }
    }

    fn children(&mut self, tag: u8, children: &[Node]) {
        self.byte(tag);
        self.number(children.len() as u128);
        children.iter().for_each(|child| self.node(child));
    }

    fn property(&mut self, property: &Property) {
        match property {
            Property::Scheme(scheme) => {
                self.byte(tag::SCHEME);
                self.text(scheme.as_str());
            }
            Property::Field(field) => {
                self.byte(tag::FIELD);
                self.optional(field.id.map(|id| u32::from(id.0)));
                self.text(&field.key);
                self.byte(place(&FieldType::ALL, &field.kind));
            }
            attribute => self.byte(Attribute::of(attribute).map_or(u8::MAX, |own| place(&Attribute::ALL, &own))),
        }
    }

    fn test(&mut self, test: &Test) {
        match test {
            Test::Unset => self.byte(tag::UNSET),
            Test::Set => self.byte(tag::SET),
            Test::Equals(literal) => {
                self.byte(tag::EQUALS);
                self.literal(literal);
            }
            Test::Differs(literal) => {
                self.byte(tag::DIFFERS);
                self.literal(literal);
            }
            Test::Contains(pattern) => {
                self.byte(tag::CONTAINS);
                self.pattern(pattern);
            }
            Test::Compares(comparator, literal) => {
                self.byte(tag::COMPARES);
                self.byte(place(&COMPARATORS, comparator));
                self.literal(literal);
            }
            Test::In { items, unset, negated } => {
                self.byte(tag::IN);
                self.byte(u8::from(*unset) | u8::from(*negated) << 1);
                self.number(items.len() as u128);
                items.iter().for_each(|item| self.literal(item));
            }
            Test::Between { low, high, negated } => {
                self.byte(tag::BETWEEN);
                self.byte(u8::from(low.is_some()) | u8::from(high.is_some()) << 1 | u8::from(*negated) << 2);
                low.iter().chain(high).for_each(|end| self.literal(end));
            }
            Test::Anniversary { low, high } => {
                self.byte(tag::ANNIVERSARY);
                self.anniversary_day(*low);
                self.anniversary_day(*high);
            }
        }
    }

    fn literal(&mut self, literal: &Literal) {
        self.text(&literal.text);
        match &literal.value {
            Value::Text(text) => {
                self.byte(tag::TEXT);
                self.text(text);
            }
            Value::Number(number) => {
                self.byte(tag::NUMBER);
                let (negative, coefficient, exponent) = number.parts();
                self.byte(u8::from(negative));
                self.number(coefficient);
                self.signed(i64::from(exponent));
            }
            Value::Day { start, end } => {
                self.byte(tag::DAY);
                self.signed(start.micros());
                self.signed(end.micros());
            }
            Value::Relative(time) => {
                self.byte(tag::RELATIVE);
                self.relative(*time);
            }
            Value::Status(status) => {
                self.byte(tag::STATUS);
                self.byte(place(&Status::ALL, status));
            }
            Value::Group(group) => {
                self.byte(tag::GROUP);
                self.optional(group.map(|id| id.0));
            }
            Value::Flow(flow) => {
                self.byte(tag::FLOW);
                self.optional(flow.map(|id| id.0));
            }
        }
    }

    fn relative(&mut self, time: RelativeTime) {
        self.byte(place(&Unit::ALL.map(|(unit, _)| unit), &time.unit));
        self.signed(i64::from(time.amount));
    }

    fn anniversary_day(&mut self, day: AnniversaryDay) {
        match day {
            AnniversaryDay::Relative(time) => {
                self.byte(0);
                self.relative(time);
            }
            AnniversaryDay::Fixed { month, day } => {
                self.byte(month);
                self.byte(day);
            }
        }
    }

    fn pattern(&mut self, pattern: &Pattern) {
        self.text(&pattern.text);
        let (kind, words) = match &pattern.kind {
            PatternKind::Substring(text) => {
                self.byte(1);
                self.text(text);
                return;
            }
            PatternKind::NameWords(words) => (0, words),
            PatternKind::Words(words) => (2, words),
            PatternKind::Phrase(words) => (3, words),
            PatternKind::Prefix(words) => (4, words),
        };
        self.byte(kind);
        self.number(words.len() as u128);
        words.iter().for_each(|word| self.text(word));
    }
}

struct Reader<'b> {
    rest: &'b [u8],
}

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn wide(&mut self) -> Option<u128> {
        let mut number = 0u128;
        for shift in (0..u128::BITS).step_by(7) {
            let byte = self.byte()?;
            let part = u128::from(byte & 0x7F);
            number |= part << shift;
            if number >> shift != part {
                return None;
            }
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn count(&mut self) -> Option<usize> {
        // Each of the things counted takes a byte at least: so a false count cannot reserve much.
        self.wide()?.try_into().ok().filter(|count| *count <= self.rest.len())
    }

    fn signed(&mut self) -> Option<i64> {
        let number: u64 = self.wide()?.try_into().ok()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    fn text(&mut self) -> Option<Box<str>> {
        let length = self.count()?;
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        std::str::from_utf8(text).ok().map(Box::from)
    }

    fn optional(&mut self) -> Option<Option<u32>> {
        match self.wide()? {
            0 => Some(None),
            id => u32::try_from(id - 1).ok().map(Some),
        }
    }

    fn flags(&mut self, bits: u32) -> Option<u8> {
        self.byte().filter(|flags| flags >> bits == 0)
    }

    fn node(&mut self, depth: usize) -> Option<Node> {
        let depth = depth.checked_sub(1)?;
        match self.byte()? {
            kind @ (tag::ALL | tag::ANY) => {
                let count = self.count().filter(|count| *count >= 2)?;
                let mut children = Vec::with_capacity(count);
                for _ in 0..count {
                    let child = self.node(depth)?;
                    let is_same = matches!((&child, kind), (Node::All(_), tag::ALL) | (Node::Any(_), tag::ANY));
                    if is_same {
                        return None;
                    }
                    children.push(child);
                }
                Some(if kind == tag::ALL { Node::All(children) } else { Node::Any(children) })
            }
            tag::NOT => {
                let inner = self.node(depth)?;
                (!matches!(inner, Node::Not(_))).then(|| Node::Not(Box::new(inner)))
            }
            tag::CONDITION => {
                let property = self.property()?;
                let test = self.test()?;
                Some(Node::Condition(Box::new(Condition { property, test, span: Span::default() })))
            }
            _ => None,
        }
    }

    fn property(&mut self) -> Option<Property> {
        match self.byte()? {
            tag::SCHEME => Some(Property::Scheme(Scheme::new(&self.text()?))),
            tag::FIELD => {
                let id = match self.optional()? {
                    Some(id) => Some(FieldId(u16::try_from(id).ok()?)),
                    None => None,
                };
                let key = self.text()?;
                let kind = *FieldType::ALL.get(usize::from(self.byte()?))?;
                Some(Property::Field(Arc::new(FieldProperty { id, key, kind })))
            }
            attribute => Attribute::ALL.get(usize::from(attribute)).map(|attribute| attribute.property()),
        }
    }

    fn test(&mut self) -> Option<Test> {
        Some(match self.byte()? {
            tag::UNSET => Test::Unset,
            tag::SET => Test::Set,
            tag::EQUALS => Test::Equals(self.literal()?),
            tag::DIFFERS => Test::Differs(self.literal()?),
            tag::CONTAINS => Test::Contains(self.pattern()?),
            tag::COMPARES => {
                let comparator = *COMPARATORS.get(usize::from(self.byte()?))?;
                Test::Compares(comparator, self.literal()?)
            }
            tag::IN => {
                let flags = self.flags(2)?;
                let (unset, negated) = (flags & 1 != 0, flags & 2 != 0);
                let count = self.count().filter(|count| *count > 0 || unset)?;
                let items = (0..count).map(|_| self.literal()).collect::<Option<_>>()?;
                Test::In { items, unset, negated }
            }
            tag::BETWEEN => {
                let flags = self.flags(3)?;
                if flags & 3 == 0 {
                    return None;
                }
                let low = if flags & 1 != 0 { Some(self.literal()?) } else { None };
                let high = if flags & 2 != 0 { Some(self.literal()?) } else { None };
                Test::Between { low, high, negated: flags & 4 != 0 }
            }
            tag::ANNIVERSARY => Test::Anniversary { low: self.anniversary_day()?, high: self.anniversary_day()? },
            _ => return None,
        })
    }

    fn literal(&mut self) -> Option<Literal> {
        let text = self.text()?;
        let value = match self.byte()? {
            tag::TEXT => Value::Text(self.text()?),
            tag::NUMBER => {
                let negative = self.flags(1)? == 1;
                let coefficient = self.wide()?;
                let exponent = i16::try_from(self.signed()?).ok()?;
                Value::Number(Decimal::from_parts(negative, coefficient, exponent)?)
            }
            tag::DAY => Value::Day { start: self.instant()?, end: self.instant()? },
            tag::RELATIVE => Value::Relative(self.relative()?),
            tag::STATUS => Value::Status(*Status::ALL.get(usize::from(self.byte()?))?),
            tag::GROUP => Value::Group(self.optional()?.map(GroupId)),
            tag::FLOW => Value::Flow(self.optional()?.map(FlowId)),
            _ => return None,
        };
        Some(Literal { text, value })
    }

    fn instant(&mut self) -> Option<Instant> {
        let micros = self.signed()?;
        let instant = Instant::from_micros(micros);
        (instant.micros() == micros).then_some(instant)
    }

    fn relative(&mut self) -> Option<RelativeTime> {
        let (unit, _) = *Unit::ALL.get(usize::from(self.byte()?))?;
        let time = RelativeTime { amount: i32::try_from(self.signed()?).ok()?, unit };
        time.is_supported().then_some(time)
    }

    fn anniversary_day(&mut self) -> Option<AnniversaryDay> {
        let day = match self.byte()? {
            0 => AnniversaryDay::Relative(self.relative()?),
            month => AnniversaryDay::Fixed { month, day: self.byte()? },
        };
        day.is_valid().then_some(day)
    }

    fn pattern(&mut self) -> Option<Pattern> {
        let text = self.text()?;
        let kind = self.byte()?;
        if kind == 1 {
            return Some(Pattern { text, kind: PatternKind::Substring(self.text()?) });
        }
        let count = self.count()?;
        let words = (0..count).map(|_| self.text()).collect::<Option<_>>()?;
        let kind = match kind {
            0 => PatternKind::NameWords(words),
            2 => PatternKind::Words(words),
            3 => PatternKind::Phrase(words),
            4 => PatternKind::Prefix(words),
            _ => return None,
        };
        Some(Pattern { text, kind })
    }
}
