//! Reading the saved form.

use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::contact::Status;
use crate::ids::{FieldId, FlowId, GroupId};
use crate::schema::{Environment, FieldType};
use crate::sema::attribute::Attribute;
use crate::sema::codec::{COMPARATORS, tag};
use crate::sema::query::{
    AnniversaryDay, Condition, FieldProperty, Literal, Node, Pattern, PatternKind, Property, RelativeTime, Test, Unit,
    Value,
};
use crate::span::Span;
use crate::value::calendar::date_of;
use crate::value::day::Day;
use crate::value::{Decimal, Instant, Scheme};

/// Room for so many children is made at once; more are rare, and a false count must not reserve much at each depth.
const MOST_AT_ONCE: usize = 256;

pub(super) struct Reader<'b> {
    pub(super) version: u8,
    pub(super) rest: &'b [u8],
}

impl Reader<'_> {
    pub(super) fn byte(&mut self) -> Option<u8> {
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
        // Each of the things counted takes a byte at least.
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

    pub(super) fn node(&mut self, depth: usize) -> Option<Node> {
        let depth = depth.checked_sub(1)?;
        match self.byte()? {
            kind @ (tag::ALL | tag::ANY) => {
                let count = self.count().filter(|count| *count >= 2)?;
                let mut children = Vec::with_capacity(count.min(MOST_AT_ONCE));
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
            tag::DAY if self.version == 1 => Value::Day(self.day_by_its_ends(&text)?),
            tag::DAY => Value::Day(self.day()?),
            tag::RELATIVE => Value::Relative(self.relative()?),
            tag::STATUS => Value::Status(*Status::ALL.get(usize::from(self.byte()?))?),
            tag::GROUP => Value::Group(self.optional()?.map(GroupId)),
            tag::FLOW => Value::Flow(self.optional()?.map(FlowId)),
            _ => return None,
        };
        Some(Literal { text, value })
    }

    /// The text tells the day, if it is ISO. Of another order only the ends tell: the day in whose middle its middle lies.
    fn day_by_its_ends(&mut self, text: &str) -> Option<Day> {
        let (start, end) = (self.signed()?, self.signed()?);
        let told = Day::read(text, &Environment::utc(Instant::default()));
        if let Some(day) = told.filter(|day| day.offset().is_some() || text.trim().starts_with(&day.date().to_string()))
        {
            return Some(day);
        }
        let middle = Instant::from_micros(start.midpoint(end));
        Day::new(date_of(middle, &TimeZone::UTC))
    }

    fn day(&mut self) -> Option<Day> {
        let year = i16::try_from(self.signed()?).ok()?;
        let (month, day) = (i8::try_from(self.byte()?).ok()?, i8::try_from(self.byte()?).ok()?);
        let date = Date::new(year, month, day).ok()?;
        match (self.byte()?, i32::try_from(self.signed()?).ok()?) {
            (0, 0) => Day::new(date),
            (1, offset) => Day::at_offset(date, offset),
            _ => None,
        }
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
