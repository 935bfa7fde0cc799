//! Writing the saved form.

use crate::contact::Status;
use crate::schema::FieldType;
use crate::sema::attribute::Attribute;
use crate::sema::codec::{COMPARATORS, place, tag};
use crate::sema::query::{
    AnniversaryDay, EventProperty, Filter, FilterTest, Literal, Measure, Node, Pattern, PatternKind, Property,
    RelativeTime, Test, Unit, Value, WindowEnd,
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
            Property::Event(event) => {
                self.byte(tag::EVENT);
                self.event(event);
            }
            attribute => self.byte(Attribute::of(attribute).map_or(u8::MAX, |own| place(&Attribute::ALL, &own))),
        }
    }

    fn event(&mut self, event: &EventProperty) {
        match &event.measure {
            Measure::Count => self.byte(tag::COUNT),
            Measure::First => self.byte(tag::FIRST),
            Measure::Last => self.byte(tag::LAST),
            Measure::Sum(property) => {
                self.byte(tag::SUM);
                self.text(property);
            }
        }
        self.optional(event.event.map(|id| u32::from(id.0)));
        self.text(&event.name);
        self.byte(
            u8::from(event.filter.is_some())
                | u8::from(event.window.is_some()) << 1
                | u8::from(event.keep.is_some()) << 2,
        );
        if let Some(filter) = &event.filter {
            self.filter(filter);
        }
        if let Some(window) = &event.window {
            self.byte(u8::from(window.low.is_some()) | u8::from(window.high.is_some()) << 1);
            window.low.iter().chain(&window.high).for_each(|end| self.window_end(end));
        }
        if let Some(keep) = event.keep {
            self.relative(keep);
        }
    }

    fn window_end(&mut self, end: &WindowEnd) {
        match end {
            WindowEnd::Relative(time) => {
                self.byte(tag::RELATIVE);
                self.relative(*time);
            }
            WindowEnd::Day { text, start, end } => {
                self.byte(tag::DAY);
                self.text(text);
                self.signed(start.micros());
                self.signed(end.micros());
            }
        }
    }

    fn filter(&mut self, filter: &Filter) {
        match filter {
            Filter::All(children) | Filter::Any(children) => {
                self.byte(if matches!(filter, Filter::All(_)) { tag::ALL } else { tag::ANY });
                self.number(children.len() as u128);
                children.iter().for_each(|child| self.filter(child));
            }
            Filter::Not(inner) => {
                self.byte(tag::NOT);
                self.filter(inner);
            }
            Filter::Condition { key, test } => {
                self.byte(tag::CONDITION);
                self.text(key);
                self.filter_test(test);
            }
        }
    }

    fn filter_test(&mut self, test: &FilterTest) {
        match test {
            FilterTest::Unset => self.byte(tag::UNSET),
            FilterTest::Set => self.byte(tag::SET),
            FilterTest::Equals(value) => {
                self.byte(tag::EQUALS);
                self.text(&value.text);
            }
            FilterTest::Differs(value) => {
                self.byte(tag::DIFFERS);
                self.text(&value.text);
            }
            FilterTest::Compares(comparator, value) => {
                self.byte(tag::COMPARES);
                self.byte(place(&COMPARATORS, comparator));
                self.text(&value.text);
            }
            FilterTest::In { items, unset, negated } => {
                self.byte(tag::IN);
                self.byte(u8::from(*unset) | u8::from(*negated) << 1);
                self.number(items.len() as u128);
                items.iter().for_each(|item| self.text(&item.text));
            }
            FilterTest::Between { low, high, negated } => {
                self.byte(tag::BETWEEN);
                self.byte(u8::from(low.is_some()) | u8::from(high.is_some()) << 1 | u8::from(*negated) << 2);
                low.iter().chain(high).for_each(|end| self.text(&end.text));
            }
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
