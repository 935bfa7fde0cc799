//! Conditions on events: names, filters and windows to what they mean.

use std::sync::Arc;

use crate::event::name_of;
use crate::schema::FieldType;
use crate::sema::messages;
use crate::sema::query::{
    Comparator, EventProperty, Filter, FilterTest, FilterValue, Literal, Measure, Node, Property, RelativeTime, Test,
    Value, Window, WindowEnd,
};
use crate::sema::resolve::{Found, Given, Resolver, Target, TargetKind, comparator, condition};
use crate::sema::suggest::{did_you_mean, nearest};
use crate::sema::values::RANGE;
use crate::span::Span;
use crate::syntax::lexer::Operator;
use crate::syntax::tree::{self, Connective, EventNode, EventTest, NodeId};
use crate::value::fold::lower;

/// What a window is, for whoever wrote none.
const WINDOWS: &str = "write an amount such as `30d`, or a range such as `-60d..-30d` or `2026-01-01..2026-03-31`";

/// An amount of time, `30d`, as the time that lies so far back; `None` if the text is not one.
pub(crate) fn amount(text: &str) -> Option<RelativeTime> {
    let is_amount = text.starts_with(|first: char| first.is_ascii_digit());
    is_amount.then(|| RelativeTime::read(&format!("-{text}")))?.and_then(Result::ok)
}

/// How an amount of time is written; `None` if the time does not lie back.
pub(crate) fn amount_text(time: RelativeTime) -> Option<String> {
    (time.amount < 0).then(|| format!("{}{}", time.amount.unsigned_abs(), time.unit.symbol()))
}

impl<'t> Resolver<'t> {
    /// A condition on events.
    pub(super) fn event(&mut self, event: EventNode) -> Option<Node> {
        let written = self.slice(event.property);
        let key = lower(written);
        let (measure, name) = self.measure(&key, event.property)?;
        let declared = match self.schema {
            None => None,
            Some(schema) => match schema.event(name) {
                Some(declared) => Some(declared),
                None => {
                    let near = nearest(name, schema.events().iter().map(|event| event.name.as_str()));
                    return self.refuse(messages::unknown_event(name, event.property).help(did_you_mean(near)));
                }
            },
        };
        let keep = declared.and_then(|declared| declared.keep);
        // What is wrong with each part is told, not only what is wrong with the first.
        let filter = event.filter.map(|filter| self.filter(filter));
        let window = event.window.map(|window| self.window(window, name, keep));
        let is_number = measure.is_number();
        let kind = if is_number { FieldType::Number } else { FieldType::Datetime };
        let property = EventProperty {
            measure,
            event: declared.map(|declared| declared.id),
            name: name.into(),
            filter: filter.clone().flatten(),
            window: window.clone().flatten(),
            keep,
        };
        let found = Found { property: Property::Event(Arc::new(property)), kind: Some(kind) };
        let target = Target { kind: TargetKind::Event, key: key.clone(), rules: None, span: event.property };
        let test = self.event_test(&target, &found, event);
        let is_complete = filter.is_none_or(|filter| filter.is_some()) && window.is_none_or(|window| window.is_some());
        let test = test.filter(|_| is_complete)?;
        Some(condition(found.property, test, event.span))
    }

    /// What a prefix and names ask for, and the name of the events.
    fn measure<'k>(&mut self, key: &'k str, span: Span) -> Option<(Measure, &'k str)> {
        let mut parts = key.split('.');
        let (prefix, name) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let measure = match (prefix, parts.next(), parts.next()) {
            ("did", None, None) => Measure::Count,
            ("first", None, None) => Measure::First,
            ("last", None, None) => Measure::Last,
            ("sum", Some(property), None) => Measure::Sum(property.into()),
            ("sum", None, None) => {
                let help = format!("write it as `sum.{name}.total`, for instance");
                let message = messages::unknown_property(key, span).help(Some(help));
                return self.refuse(message);
            }
            _ => {
                let help =
                    "an event has one name, such as `did.order`; what of its properties goes in brackets behind it";
                return self.refuse(messages::unknown_property(key, span).help(Some(help.to_owned())));
            }
        };
        Some((measure, name))
    }

    fn event_test(&mut self, target: &Target<'_>, found: &Found, event: EventNode) -> Option<Test> {
        match event.test {
            EventTest::Alone => {
                let is_count = matches!(&found.property, Property::Event(event) if event.measure == Measure::Count);
                if !is_count {
                    let message = format!("'{}' needs a comparison", target.key);
                    let help = "compare it, such as with `>= 1` or `< -30d`; only `did.` stands alone";
                    return self.refuse(
                        crate::diagnostic::Diagnostic::new(crate::diagnostic::Code::Syntax, message, event.property)
                            .help(Some(help.to_owned())),
                    );
                }
                let once = Literal { text: "1".into(), value: Value::Number(1.into()) };
                Some(Test::Compares(Comparator::GreaterOrEqual, once))
            }
            EventTest::Condition { operator, operator_span, value } => {
                let given = self.given(value);
                self.test(target, found, operator, operator_span, given)
            }
            EventTest::In { items, negated } => {
                let given = self.tree.literals(items).iter().map(|literal| self.given(*literal)).collect();
                self.items(target, found, given, negated)
            }
            EventTest::Anniversary(value) => {
                let given = self.given(value);
                self.anniversary(target, found, given)
            }
        }
    }

    fn window(&mut self, literal: tree::Literal, name: &str, keep: Option<RelativeTime>) -> Option<Window> {
        let Given { text, bare, span } = self.given(literal);
        let wrong = |help: String| messages::invalid_window(&text, span).help(Some(help));
        if !bare {
            return self.refuse(wrong(WINDOWS.to_owned()));
        }
        let window = match text.split_once(RANGE) {
            Some(("", "")) => return self.refuse(wrong("a window needs an end".to_owned())),
            Some((low, high)) => {
                let behind = span.start + (low.len() + RANGE.len()) as u32;
                let (low, high) = (self.window_end(low, span.start), self.window_end(high, behind));
                Window { low: low?, high: high? }
            }
            None => match amount(&text) {
                Some(low) => {
                    Window { low: Some(WindowEnd::Relative(low)), high: Some(WindowEnd::Relative(RelativeTime::NOW)) }
                }
                None => {
                    let help = match text.strip_prefix('-').filter(|rest| amount(rest).is_some()) {
                        Some(rest) => format!("did you mean `{rest}`? Or, as a range, `{text}..now`?"),
                        None => WINDOWS.to_owned(),
                    };
                    return self.refuse(wrong(help));
                }
            },
        };
        let (now, zone) = (self.environment.now, &self.environment.timezone);
        if let (Some(keep), Some(low)) = (keep, &window.low) {
            let kept_from = keep.span(now, zone).0;
            let from = match low {
                WindowEnd::Relative(time) => time.span(now, zone).0,
                WindowEnd::Day { start, .. } => *start,
            };
            if from < kept_from {
                let keep = amount_text(keep).unwrap_or_default();
                return self.refuse(messages::window_too_long(&text, name, &keep, span));
            }
        }
        Some(window)
    }

    /// One end of a window: `Some(None)` if it is open, `None` if it was refused.
    fn window_end(&mut self, text: &str, start: u32) -> Option<Option<WindowEnd>> {
        if text.is_empty() {
            return Some(None);
        }
        let span = Span { start, end: start + text.len() as u32 };
        match RelativeTime::read(text) {
            Some(Ok(time)) => return Some(Some(WindowEnd::Relative(time))),
            Some(Err(_)) => return self.refuse(messages::invalid_relative(text, span)),
            None => {}
        }
        if text.contains(RANGE) {
            return self.refuse(messages::invalid_window(text, span).help(Some("a window has two ends".to_owned())));
        }
        let day = self.date(text, true, span)?;
        match day.value {
            Value::Day { start, end } => Some(Some(WindowEnd::Day { text: day.text, start, end })),
            _ => None,
        }
    }

    /// The conditions between the brackets behind an event. No deeper than the text's brackets, as the whole query.
    fn filter(&mut self, id: NodeId) -> Option<Filter> {
        match self.tree.node(id) {
            tree::Node::Combination { connective, first, .. } => {
                let tree = self.tree;
                let children: Vec<Option<Filter>> = tree.siblings(first).map(|child| self.filter(child)).collect();
                let children = children.into_iter().collect::<Option<Vec<_>>>()?;
                Some(match connective {
                    Connective::All => Filter::All(children),
                    Connective::Any => Filter::Any(children),
                })
            }
            tree::Node::Not(inner) => Some(Filter::Not(Box::new(self.filter(inner)?))),
            tree::Node::Condition { property, operator, operator_span, value } => {
                let key = self.filter_key(property)?;
                let given = self.given(value);
                let test = self.filter_test(&key, property, operator, operator_span, &given)?;
                Some(Filter::Condition { key, test })
            }
            tree::Node::In { property, items, negated, .. } => {
                let key = self.filter_key(property)?;
                let given: Vec<Given<'_>> =
                    self.tree.literals(items).iter().map(|literal| self.given(*literal)).collect();
                let unset = given.iter().any(|item| item.text.is_empty());
                let items = given.iter().filter(|item| !item.text.is_empty());
                let items = items.map(|item| FilterValue::new(&item.text)).collect();
                Some(Filter::Condition { key, test: FilterTest::In { items, unset, negated } })
            }
            tree::Node::Anniversary { property, .. } => {
                let key = lower(self.slice(property)).into_owned();
                self.refuse(messages::unsupported_anniversary(&key, property))
            }
            tree::Node::Implicit(value) => {
                self.refuse(messages::invalid_filter("a value alone is no condition on an event", value.span))
            }
            tree::Node::Event(id) => {
                let span = self.tree.event_node(id)?.span;
                self.refuse(messages::invalid_filter("events have no events of their own", span))
            }
            tree::Node::Broken => None,
        }
    }

    fn filter_key(&mut self, span: Span) -> Option<Box<str>> {
        let written = self.slice(span);
        match name_of(written) {
            Some(key) => Some(key),
            // An unknown prefix has been reported.
            None if written.contains('.') => {
                let is_known = ["fields.", "urns."].iter().any(|prefix| lower(written).starts_with(prefix));
                let message = "the property of an event has no prefix";
                if is_known { self.refuse(messages::invalid_filter(message, span)) } else { None }
            }
            None => self.refuse(messages::invalid_filter("no property of an event has so long a name", span)),
        }
    }

    fn filter_test(
        &mut self,
        key: &str,
        property: Span,
        operator: Operator,
        operator_span: Span,
        given: &Given<'t>,
    ) -> Option<FilterTest> {
        let negated = operator == Operator::NotEqual;
        match operator {
            Operator::Contains => {
                let help = "of the properties of events, `=` compares the whole text".to_owned();
                let span = property.to(operator_span);
                self.refuse(messages::unsupported_contains(key, span).help(Some(help)))
            }
            Operator::Equal | Operator::NotEqual if given.text.is_empty() => {
                Some(if negated { FilterTest::Set } else { FilterTest::Unset })
            }
            Operator::Equal | Operator::NotEqual => {
                if let Some((low, high)) = given.text.split_once(RANGE).filter(|_| given.bare) {
                    return self.filter_range(given, low, high, negated);
                }
                let value = FilterValue::new(&given.text);
                Some(if negated { FilterTest::Differs(value) } else { FilterTest::Equals(value) })
            }
            Operator::Greater | Operator::GreaterOrEqual | Operator::Less | Operator::LessOrEqual => {
                let value = FilterValue::new(&given.text);
                match value.number {
                    Some(_) => Some(FilterTest::Compares(comparator(operator), value)),
                    None => self.refuse(messages::invalid_number(&given.text, given.span)),
                }
            }
        }
    }

    fn filter_range(&mut self, given: &Given<'t>, low: &str, high: &str, negated: bool) -> Option<FilterTest> {
        if low.is_empty() && high.is_empty() {
            return self.refuse(messages::invalid_range("a range needs an end", RANGE, given.span));
        }
        let start = given.span.start;
        let behind = start + (low.len() + RANGE.len()) as u32;
        let mut end = |text: &str, start: u32| -> Option<Option<FilterValue>> {
            let value = FilterValue::new(text);
            match value.number {
                _ if text.is_empty() => Some(None),
                Some(_) => Some(Some(value)),
                None => {
                    let span = Span { start, end: start + text.len() as u32 };
                    self.refuse(messages::invalid_number(text, span))
                }
            }
        };
        let (low, high) = (end(low, start), end(high, behind));
        Some(FilterTest::Between { low: low?, high: high?, negated })
    }
}
