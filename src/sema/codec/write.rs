//! Writing the saved form.

use crate::contact::Status;
use crate::schema::FieldType;
use crate::sema::attribute::Attribute;
use crate::sema::codec::{COMPARATORS, place, tag};
use crate::sema::query::{
    AnniversaryDay, Literal, Node, Pattern, PatternKind, Property, RelativeTime, Test, Unit, Value,
};

pub(super) struct Writer {
    pub(super) bytes: Vec<u8>,
}

impl Writer {
    pub(super) fn byte(&mut self, byte: u8) {
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

    pub(super) fn node(&mut self, node: &Node) {
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
            Value::Day(day) => {
                self.byte(tag::DAY);
                let date = day.date();
                self.signed(i64::from(date.year()));
                self.byte(date.month().unsigned_abs());
                self.byte(date.day().unsigned_abs());
                self.byte(u8::from(day.offset().is_some()));
                self.signed(day.offset().unwrap_or_default().into());
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
