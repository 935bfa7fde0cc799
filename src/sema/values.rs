//! The texts of conditions to typed values, by the property's type.

use crate::contact::Status;
use crate::diagnostic::Diagnostic;
use crate::schema::{FieldType, Schema};
use crate::sema::attribute::Attribute;
use crate::sema::languages;
use crate::sema::messages;
use crate::sema::query::{AnniversaryDay, Dialect, Literal, Pattern, PatternKind, RelativeTime, Test, Value};
use crate::sema::resolve::{Found, Given, Resolver, Target, TargetKind};
use crate::sema::suggest::{did_you_mean, nearest};
use crate::span::Span;
use crate::value::{Decimal, day::Day, fold::fold, fold::lower, words};

/// `~` on addresses needs so many bytes.
const MIN_PARTIAL_URN: usize = 3;

/// Stands between the ends of a range.
const RANGE: &str = "..";

impl<'t> Resolver<'t> {
    fn is_extended(&self) -> bool {
        self.dialect == Dialect::Extended
    }

    /// A value for an order comparison.
    pub(super) fn literal(&mut self, target: &Target<'_>, found: &Found, given: Given<'t>) -> Option<Literal> {
        let Given { text, bare, span } = given;
        let extended = self.is_extended() && bare;
        let value = match found.kind {
            Some(FieldType::Number) => match Decimal::parse(&text) {
                Some(number) => Value::Number(number),
                None if extended && text.contains(RANGE) => return self.refuse(range_with_order(&text, span)),
                None => return self.refuse(messages::invalid_number(&text, span)),
            },
            Some(FieldType::Datetime) => {
                if extended {
                    if let Some(time) = RelativeTime::read(&text) {
                        return self.relative(time.ok(), &text, span);
                    }
                    if text.contains(RANGE) {
                        return self.refuse(range_with_order(&text, span));
                    }
                }
                return self.date(&text, bare, span);
            }
            Some(_) => self.text_value(target, &text, span)?,
            // Not looked up: a bare relative time stays one, in case that the field is a date.
            None => match RelativeTime::read(&text) {
                Some(Ok(time)) if extended => Value::Relative(time),
                _ => Value::Text(fold(&text).into()),
            },
        };
        Some(Literal { text: text.into(), value })
    }

    /// A value for an equality: not an instant.
    pub(super) fn day_literal(&mut self, target: &Target<'_>, found: &Found, given: Given<'t>) -> Option<Literal> {
        let span = given.span;
        let literal = self.literal(target, found, given)?;
        match literal.value {
            Value::Relative(time) if !time.unit.is_calendar() && found.kind.is_some() => {
                self.refuse(messages::unsupported_instant(&literal.text, span))
            }
            _ => Some(literal),
        }
    }

    fn relative(&mut self, time: Option<RelativeTime>, text: &str, span: Span) -> Option<Literal> {
        match time {
            Some(time) => Some(Literal { text: time.to_string().into(), value: Value::Relative(time) }),
            None => self.refuse(messages::invalid_relative(text, span)),
        }
    }

    fn date(&mut self, text: &str, bare: bool, span: Span) -> Option<Literal> {
        let Some(day) = Day::read(text, self.environment) else {
            let help = match self.dialect {
                Dialect::Extended if !bare && RelativeTime::read(text).is_some() => {
                    Some("write it without quotes".to_owned())
                }
                Dialect::Extended if text.eq_ignore_ascii_case("tomorrow") => Some("did you mean `+1d`?".to_owned()),
                _ => Some(format!(
                    "write it as YYYY-MM-DD or {}, and it must be in the calendar",
                    self.environment.date_format.name()
                )),
            };
            return self.refuse(messages::invalid_date(text, span).help(help));
        };
        let printed = match self.dialect {
            Dialect::ContactQl => text.into(),
            Dialect::Extended => iso(text, day),
        };
        Some(Literal { text: printed, value: Value::Day(day) })
    }

    /// The value of a property that compares as text; which further rules there are goes by the key.
    fn text_value(&mut self, target: &Target<'_>, text: &str, span: Span) -> Option<Value> {
        let is_attribute = matches!(target.kind, TargetKind::Attribute(_));
        let typed = match target.rules {
            Some(Attribute::Group) => Value::Group(match self.schema {
                None => None,
                Some(schema) => match schema.group(text) {
                    Some(group) => Some(group.id),
                    None => {
                        let near = nearest(text, schema.groups().iter().map(|group| group.name.as_str()));
                        return self.refuse(messages::invalid_group(text, span).help(did_you_mean(near)));
                    }
                },
            }),
            Some(Attribute::Flow | Attribute::History) => Value::Flow(match self.schema {
                None => None,
                Some(schema) => match schema.flow(text) {
                    Some(flow) => Some(flow.id),
                    None => {
                        let near = nearest(text, schema.flows().iter().map(|flow| flow.name.as_str()));
                        return self.refuse(messages::invalid_flow(text, span).help(did_you_mean(near)));
                    }
                },
            }),
            Some(Attribute::Status) => match Status::from_name(text) {
                Some(status) => Value::Status(status),
                None => {
                    let near = nearest(text, Status::ALL.iter().map(|status| status.name()));
                    return self.refuse(messages::invalid_status(text, span).help(did_you_mean(near)));
                }
            },
            Some(Attribute::Language) if !languages::is_language(text) => {
                let near = did_you_mean(languages::meant(text))
                    .or_else(|| Some("a language is a code of three letters, such as `eng`".to_owned()));
                return self.refuse(messages::invalid_language(text, span).help(near));
            }
            _ => return Some(Value::Text(fold(text).into())),
        };
        // A scheme or field that is called like an attribute keeps to its rules, but holds text.
        Some(if is_attribute { typed } else { Value::Text(fold(text).into()) })
    }

    /// What `~` looks for.
    pub(super) fn pattern(&mut self, target: &Target<'_>, found: &Found, given: Given<'t>) -> Option<Pattern> {
        let Given { text, bare, span } = given;
        let is_text_field = target.kind == TargetKind::Field && found.kind == Some(FieldType::Text);
        let kind = if found.kind.is_none() {
            // Not looked up, so not checked further; but whether several words are in quotes makes a difference.
            let words = field_words(&text);
            if words.len() > 1 && !bare && self.is_extended() {
                PatternKind::Phrase(words)
            } else {
                PatternKind::Words(words)
            }
        } else if target.rules == Some(Attribute::Name) {
            let words = name_words(&text);
            if words.is_empty() {
                return self.refuse(messages::invalid_partial_name(span));
            }
            match target.kind {
                TargetKind::Attribute(_) => PatternKind::NameWords(words),
                TargetKind::Scheme => PatternKind::Substring(fold(&text).into()),
                TargetKind::Field => PatternKind::Words(field_words(&text)),
            }
        } else if target.kind == TargetKind::Scheme || target.rules == Some(Attribute::Urn) {
            if text.len() < MIN_PARTIAL_URN {
                return self.refuse(messages::invalid_partial_urn(span));
            }
            match target.kind {
                TargetKind::Field => PatternKind::Words(field_words(&text)),
                _ => PatternKind::Substring(fold(&text).into()),
            }
        } else if self.is_extended() && is_text_field {
            self.text_pattern(&text, bare, span)?
        } else {
            let help = match found.kind {
                Some(FieldType::Text) if !self.is_extended() && target.kind == TargetKind::Field => {
                    Some("the extended dialect finds words in text fields".to_owned())
                }
                _ => None,
            };
            return self.refuse(messages::unsupported_contains(&target.key, target.span.to(span)).help(help));
        };
        // The reference checks the value of every condition, so also that of `urns.group ~ x`.
        if found.kind.is_some() && !matches!(target.kind, TargetKind::Attribute(_)) {
            self.text_value(target, &text, span)?;
        }
        Some(Pattern { text: text.into(), kind })
    }

    /// `~` on a text field: words in any order, a phrase in quotes, a prefix with a star.
    fn text_pattern(&mut self, text: &str, bare: bool, span: Span) -> Option<PatternKind> {
        match text_pattern(text, bare) {
            Ok(kind) => Some(kind),
            Err(PatternError::NoWord) => self.refuse(messages::invalid_partial_text(span)),
            Err(PatternError::LooseStar) => self.refuse(messages::loose_star(span)),
        }
    }

    /// A range, if the value is one: bare, with `..` in it, on a number or a date, in the extended dialect.
    pub(super) fn range(
        &mut self,
        target: &Target<'_>,
        found: &Found,
        given: &Given<'t>,
        negated: bool,
    ) -> Option<Option<Test>> {
        let is_ranged = matches!(found.kind, None | Some(FieldType::Number | FieldType::Datetime));
        if !(self.is_extended() && given.bare && is_ranged) {
            return None;
        }
        let (low, high) = given.text.split_once(RANGE)?;
        if low.is_empty() && high.is_empty() {
            return Some(self.refuse(messages::invalid_range("a range needs an end", RANGE, given.span)));
        }
        if found.kind.is_none() {
            return match (guess(low), guess(high)) {
                (Some(low), Some(high)) => Some(Some(Test::Between { low, high, negated })),
                _ => None,
            };
        }
        let start = given.span.start;
        let behind = start + low.len() as u32 + RANGE.len() as u32;
        let low = self.range_end(target, found, low, start);
        let high = self.range_end(target, found, high, behind);
        Some(match (low, high) {
            (Some(low), Some(high)) => Some(Test::Between { low, high, negated }),
            _ => None,
        })
    }

    /// One end of a range: `Some(None)` if it is open, `None` if it was refused.
    fn range_end(&mut self, target: &Target<'_>, found: &Found, text: &str, start: u32) -> Option<Option<Literal>> {
        if text.is_empty() {
            return Some(None);
        }
        let span = Span { start, end: start + text.len() as u32 };
        if text.contains(RANGE) {
            return self.refuse(messages::invalid_range("a range has two ends", text, span));
        }
        self.literal(target, found, Given { text: text.to_owned().into(), bare: true, span }).map(Some)
    }

    /// `property ANNIVERSARY value`
    pub(super) fn anniversary(&mut self, target: &Target<'_>, found: &Found, given: Given<'t>) -> Option<Test> {
        if !matches!(found.kind, None | Some(FieldType::Datetime)) {
            return self.refuse(messages::unsupported_anniversary(&target.key, target.span));
        }
        let (low, high) = given.text.split_once(RANGE).unwrap_or((&given.text, &given.text));
        match (AnniversaryDay::read(low), AnniversaryDay::read(high)) {
            (Some(low), Some(high)) if given.bare => Some(Test::Anniversary { low, high }),
            _ => self.refuse(messages::invalid_anniversary(&given.text, given.span)),
        }
    }
}

/// How the extended dialect prints a day: as ISO, or as the RFC 3339 that was given.
fn iso(text: &str, day: Day) -> Box<str> {
    match day.offset() {
        Some(_) => text.trim_matches([' ', '\t', '\n', '\r']).into(),
        None => day.date().to_string().into(),
    }
}

fn range_with_order(text: &str, span: Span) -> Diagnostic {
    messages::invalid_range("a range goes with `=` or `!=`", text, span)
}

/// One end of a range on a field that was not looked up: a number or a relative time, or a text that may be a date.
/// `None` if it cannot be an end.
fn guess(text: &str) -> Option<Option<Literal>> {
    if text.is_empty() {
        return Some(None);
    }
    let value = match (Decimal::parse(text), RelativeTime::read(text)) {
        (Some(number), _) => Value::Number(number),
        (None, Some(time)) => Value::Relative(time.ok()?),
        (None, None) => Value::Text(fold(text).into()),
    };
    (!text.contains(RANGE)).then(|| Some(Literal { text: text.into(), value }))
}

/// Why a text cannot be looked for in text fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum PatternError {
    NoWord,
    LooseStar,
}

/// What `~` looks for in a text field. A single word is the same whether bare or in quotes.
pub(super) fn text_pattern(text: &str, bare: bool) -> Result<PatternKind, PatternError> {
    if let Some(text) = text.strip_suffix('*').filter(|_| !bare) {
        let words = field_words(text);
        let follows = words.last().is_some_and(|word| lower(text).ends_with(&**word));
        return if follows { Ok(PatternKind::Prefix(words)) } else { Err(PatternError::LooseStar) };
    }
    let words = field_words(text);
    match (words.len(), bare) {
        (0, _) => Err(PatternError::NoWord),
        (1, _) | (_, true) => Ok(PatternKind::Words(words)),
        _ => Ok(PatternKind::Phrase(words)),
    }
}

/// Words of a text, lower-cased, whole.
fn field_words(text: &str) -> Box<[Box<str>]> {
    let mut found = Vec::new();
    words::for_each_word(text, |word| found.push(Box::from(word)));
    found.into()
}

/// Words for `name ~`, lower-cased and cut to 8 characters.
pub(super) fn name_words(text: &str) -> Box<[Box<str>]> {
    // Most values are one plain word.
    if text.len() >= words::MIN_WORD_BYTES && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Box::new([lower(words::cut(text)).into()]);
    }
    let mut found = Vec::new();
    words::for_each_word(text, |word| found.push(Box::from(words::cut(word))));
    found.into()
}

/// A group's or flow's name as it is now, for printing: the text as given, if it still names the same.
pub(super) fn current_name<'a>(schema: &'a Schema, value: &Value, given: &'a str) -> &'a str {
    match value {
        Value::Group(Some(id)) if schema.group(given).map(|group| group.id) != Some(*id) => {
            schema.group_by_id(*id).map_or(given, |group| &group.name)
        }
        Value::Flow(Some(id)) if schema.flow(given).map(|flow| flow.id) != Some(*id) => {
            schema.flow_by_id(*id).map_or(given, |flow| &flow.name)
        }
        _ => given,
    }
}

/// Whether `name ~` could take the text.
pub(super) fn has_name_word(text: &str) -> bool {
    let mut found = text.len() >= words::MIN_WORD_BYTES && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !found {
        words::for_each_word(text, |_| found = true);
    }
    found
}
