//! Reading the saved form.

use std::sync::Arc;

use crate::contact::Status;
use crate::ids::{EventId, FieldId, FlowId, GroupId};
use crate::schema::FieldType;
use crate::sema::attribute::Attribute;
use crate::sema::codec::{COMPARATORS, tag};
use crate::sema::query::{
    AnniversaryDay, Condition, EventProperty, FieldProperty, Filter, FilterTest, FilterValue, Literal, Measure, Node,
    Pattern, PatternKind, Property, RelativeTime, Test, Unit, Value, Window, WindowEnd,
};
use crate::span::Span;
use crate::value::{Decimal, Instant, Scheme};

/// Room for so many children is made at once; more are rare, and a false count must not reserve much at each depth.
const MOST_AT_ONCE: usize = 256;

pub(super) struct Reader<'b> {
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
                let property = self.property(depth)?;
                let test = self.test()?;
                Some(Node::Condition(Box::new(Condition { property, test, span: Span::default() })))
            }
            _ => None,
        }
    }

    fn property(&mut self, depth: usize) -> Option<Property> {
        match self.byte()? {
            tag::EVENT => Some(Property::Event(Arc::new(self.event(depth)?))),
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

    fn event(&mut self, depth: usize) -> Option<EventProperty> {
        let measure = match self.byte()? {
            tag::COUNT => Measure::Count,
            tag::FIRST => Measure::First,
            tag::LAST => Measure::Last,
            tag::SUM => Measure::Sum(self.text()?),
            _ => return None,
        };
        let event = match self.optional()? {
            Some(id) => Some(EventId(u16::try_from(id).ok()?)),
            None => None,
        };
        let name = self.text()?;
        let flags = self.flags(3)?;
        let filter = if flags & 1 != 0 { Some(self.filter(depth)?) } else { None };
        let window = if flags & 2 != 0 { Some(self.window()?) } else { None };
        let keep = if flags & 4 != 0 { Some(self.relative()?) } else { None };
        Some(EventProperty { measure, event, name, filter, window, keep })
    }

    fn window(&mut self) -> Option<Window> {
        let flags = self.flags(2).filter(|flags| *flags != 0)?;
        let low = if flags & 1 != 0 { Some(self.window_end()?) } else { None };
        let high = if flags & 2 != 0 { Some(self.window_end()?) } else { None };
        Some(Window { low, high })
    }

    fn window_end(&mut self) -> Option<WindowEnd> {
        Some(match self.byte()? {
            tag::RELATIVE => WindowEnd::Relative(self.relative()?),
            tag::DAY => WindowEnd::Day { text: self.text()?, start: self.instant()?, end: self.instant()? },
            _ => return None,
        })
    }

    fn filter(&mut self, depth: usize) -> Option<Filter> {
        let depth = depth.checked_sub(1)?;
        match self.byte()? {
            kind @ (tag::ALL | tag::ANY) => {
                let count = self.count().filter(|count| *count >= 2)?;
                let mut children = Vec::with_capacity(count.min(MOST_AT_ONCE));
                for _ in 0..count {
                    let child = self.filter(depth)?;
                    if matches!((&child, kind), (Filter::All(_), tag::ALL) | (Filter::Any(_), tag::ANY)) {
                        return None;
                    }
                    children.push(child);
                }
                Some(if kind == tag::ALL { Filter::All(children) } else { Filter::Any(children) })
            }
            tag::NOT => {
                let inner = self.filter(depth)?;
                (!matches!(inner, Filter::Not(_))).then(|| Filter::Not(Box::new(inner)))
            }
            tag::CONDITION => Some(Filter::Condition { key: self.text()?, test: self.filter_test()? }),
            _ => None,
        }
    }

    fn filter_value(&mut self) -> Option<FilterValue> {
        self.text().map(|text| FilterValue::new(&text))
    }

    fn filter_test(&mut self) -> Option<FilterTest> {
        Some(match self.byte()? {
            tag::UNSET => FilterTest::Unset,
            tag::SET => FilterTest::Set,
            tag::EQUALS => FilterTest::Equals(self.filter_value()?),
            tag::DIFFERS => FilterTest::Differs(self.filter_value()?),
            tag::COMPARES => {
                let comparator = *COMPARATORS.get(usize::from(self.byte()?))?;
                FilterTest::Compares(comparator, self.filter_value()?)
            }
            tag::IN => {
                let flags = self.flags(2)?;
                let (unset, negated) = (flags & 1 != 0, flags & 2 != 0);
                let count = self.count().filter(|count| *count > 0 || unset)?;
                let items = (0..count).map(|_| self.filter_value()).collect::<Option<_>>()?;
                FilterTest::In { items, unset, negated }
            }
            tag::BETWEEN => {
                let flags = self.flags(3).filter(|flags| flags & 3 != 0)?;
                let low = if flags & 1 != 0 { Some(self.filter_value()?) } else { None };
                let high = if flags & 2 != 0 { Some(self.filter_value()?) } else { None };
                FilterTest::Between { low, high, negated: flags & 4 != 0 }
            }
            _ => return None,
        })
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
