//! Texts that are valid and mean something else than they seem to.

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::Known;
use crate::sema::attribute::Attribute;
use crate::sema::print::current_property_name;
use crate::sema::query::{Condition, Dialect, Node, Pattern, PatternKind, Property, Query, RelativeTime, Test, Value};
use crate::span::Span;
use crate::syntax::strings::write_quoted;
use crate::value::fold::lower;
use crate::value::location::last_part;
use crate::value::phone;
use crate::value::urn::is_known_scheme;

/// Characters of a whole query that may be read as a phone number.
const PHONE: [char; 6] = ['+', ' ', '.', '-', '(', ')'];

/// One warning for each thing that reads like something else.
pub(super) fn check(text: &str, query: &Query, conditions: &[&Condition], known: &Known<'_>) -> Vec<Diagnostic> {
    let mut wording = Wording { text, query, known, found: Vec::new() };
    wording.phone_number(conditions);
    let mut at = 0;
    while let Some((&condition, after)) = conditions.get(at..).and_then(<[_]>::split_first) {
        let told = wording.words_after_property(condition, after).or_else(|| wording.broken_value(condition, after));
        at += 1 + told.unwrap_or_else(|| {
            wording.operator_as_word(condition, conditions.len());
            wording.value(condition);
            0
        });
    }
    wording.found
}

struct Wording<'a> {
    text: &'a str,
    query: &'a Query,
    known: &'a Known<'a>,
    found: Vec<Diagnostic>,
}

impl<'a> Wording<'a> {
    fn tell(&mut self, span: Span, message: String, help: String) {
        self.found.push(Diagnostic::new(Code::Suspicious, message, span).help(Some(help)));
    }

    fn slice(&self, span: Span) -> &'a str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// The text of a condition on names that is a single word without quotes.
    fn bare_word(&self, condition: &Condition) -> Option<&'a str> {
        let text = self.slice(condition.span);
        let is_one_word = !text.is_empty() && !text.contains([' ', '\t', '\r', '\n', '"', '=', '~', '<', '>', '!']);
        let is_name =
            condition.property == Property::Name && matches!(condition.test, Test::Contains(_) | Test::Equals(_));
        (is_one_word && is_name).then_some(text)
    }

    /// What stands between two conditions.
    fn between(&self, first: &Condition, second: &Condition) -> Option<&'a str> {
        let range = first.span.end as usize..second.span.start as usize;
        self.text.get(range).map(str::trim)
    }

    /// The words that follow a condition, with nothing but white space between, or `NOT`.
    fn words_after(&self, condition: &Condition, after: &[&Condition]) -> Vec<(&'a str, Span)> {
        let mut words = Vec::new();
        let mut last = condition;
        for &next in after {
            let (Some(between), Some(word)) = (self.between(last, next), self.bare_word(next)) else { break };
            if between.eq_ignore_ascii_case("not") {
                words.push((between, next.span));
            } else if !between.is_empty() {
                break;
            }
            words.push((word, next.span));
            last = next;
        }
        words
    }

    /// `gender not set`: a property's name among words that are looked for in names. Gives how many more conditions
    /// belong to it.
    fn words_after_property(&mut self, condition: &Condition, after: &[&Condition]) -> Option<usize> {
        let key = lower(self.bare_word(condition)?);
        let is_property =
            Attribute::from_key(&key).is_some() || is_known_scheme(&key) || self.known.schema.field(&key).is_some();
        let words = self.words_after(condition, after);
        let &(_, last) = words.last().filter(|_| is_property)?;
        let folded: Vec<_> = words.iter().map(|(word, _)| lower(word)).collect();
        let folded: Vec<&str> = folded.iter().map(|word| &**word).collect();
        let rest = |from: usize| {
            let rest: Vec<&str> = words.iter().skip(from).map(|(word, _)| *word).collect();
            quoted(&rest.join(" "))
        };
        let meant = match folded.as_slice() {
            ["not", "set" | "null" | "defined" | "present" | "empty"] | ["unset" | "null" | "empty" | "missing"] => {
                let is_set = folded == ["not", "null"] || folded == ["not", "empty"];
                format!("{key} {} \"\"", if is_set { "!=" } else { "=" })
            }
            ["set" | "exists" | "present" | "defined"] => format!("{key} != \"\""),
            ["contains" | "like" | "includes", _, ..] => format!("{key} ~ {}", rest(1)),
            ["equals", _, ..] => format!("{key} = {}", rest(1)),
            ["not", _, ..] => format!("{key} != {}", rest(1)),
            _ => format!("{key} = {}", rest(0)),
        };
        let message = format!("these are words to look for in names: `{key}` is no property here");
        self.tell(condition.span.to(last), message, format!("did you mean `{meant}`?"));
        // `NOT` is no condition of its own where it is an operator.
        Some(after.iter().take_while(|next| next.span.end <= last.end).count())
    }

    /// `city = New York`: a value without quotes, and words that were meant to belong to it.
    fn broken_value(&mut self, condition: &Condition, after: &[&Condition]) -> Option<usize> {
        let text = self.slice(condition.span);
        let is_quoted = text.is_empty() || text.ends_with(['"', ')']);
        let value = match &condition.test {
            Test::Equals(literal) | Test::Differs(literal) => match literal.value {
                Value::Text(_) | Value::Group(_) | Value::Flow(_) => &*literal.text,
                _ => return None,
            },
            Test::Contains(Pattern { text, kind: PatternKind::Words(_) | PatternKind::Phrase(_) }) => &**text,
            _ => return None,
        };
        if is_quoted || self.bare_word(condition).is_some() || !text.ends_with(value) {
            return None;
        }
        let words = self.words_after(condition, after);
        let words: Vec<_> = words.into_iter().take_while(|(word, _)| !word.eq_ignore_ascii_case("not")).collect();
        let &(_, last) = words.last()?;
        let looked_for: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let looked_for = looked_for.join(" ");
        let before = text.get(..text.len() - value.len()).unwrap_or_default().trim_end();
        let whole = quoted(&format!("{value} {looked_for}"));
        self.tell(
            condition.span.to(last),
            format!("the value ends at the space: '{looked_for}' is looked for in names"),
            format!("a value with spaces goes in quotes: `{before} {whole}`"),
        );
        Some(words.len())
    }

    /// `NOT` and `IN` are plain words in ContactQL.
    fn operator_as_word(&mut self, condition: &Condition, conditions: usize) {
        let Some(word) = self.bare_word(condition) else { return };
        let is_operator = ["not", "in"].iter().any(|operator| word.eq_ignore_ascii_case(operator));
        if self.query.dialect == Dialect::ContactQl && is_operator && conditions > 1 {
            let message = format!("`{word}` is a word to look for in names in ContactQL");
            self.tell(condition.span, message, "`NOT` and `IN` belong to the extended dialect".to_owned());
        }
    }

    /// `2020-01-01` alone is a phone number, for ContactQL.
    fn phone_number(&mut self, conditions: &[&Condition]) {
        let ([condition], Node::Condition(_)) = (conditions, &self.query.root) else { return };
        let text = self.slice(condition.span);
        let is_phone = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || PHONE.contains(&c));
        let is_tel = matches!(&condition.property, Property::Scheme(scheme) if scheme.as_str() == "tel");
        let (Test::Equals(number), true, true) = (&condition.test, is_phone, is_tel) else { return };
        if looks_like_a_date(text) {
            let message = format!("this is read as the phone number {}", number.text);
            self.tell(condition.span, message, format!("for a date, name a property: `created_on = {text}`"));
        }
    }

    /// Values that say something which their property does not understand.
    fn value(&mut self, condition: &Condition) {
        let (Test::Equals(literal) | Test::Differs(literal)) = &condition.test else { return };
        let Value::Text(_) = literal.value else { return };
        let (text, span) = (&*literal.text, condition.span);
        let is_bare = !self.slice(span).ends_with(['"', ')']);
        let name = || current_property_name(&condition.property, self.known.schema);
        let equals = if matches!(condition.test, Test::Equals(_)) { "=" } else { "!=" };
        match &condition.property {
            Property::Urn | Property::Scheme(_) => self.address(condition, text, equals),
            Property::Field(field) if field.kind.is_location() && text.contains('>') => {
                let message = format!("{} is compared by its last part alone, so this holds for nobody", name());
                let help = format!("did you mean `{} {equals} {}`?", name(), quoted(last_part(text)));
                self.tell(span, message, help);
            }
            Property::Field(_) if is_bare && self.query.dialect == Dialect::Extended && is_range_or_time(text) => {
                let message = format!("{} holds text: '{text}' is compared as it is written", name());
                let help =
                    "ranges are for numbers and dates, relative times for dates; to mean the text, put it in quotes";
                self.tell(span, message, help.to_owned());
            }
            Property::Field(_) | Property::Name if text.len() > 1 && text.ends_with(['*', '%']) => {
                let beginning = text.trim_end_matches(['*', '%']);
                let is_field = matches!(condition.property, Property::Field(_));
                let star = if is_field && self.query.dialect == Dialect::Extended { "*" } else { "" };
                let message = format!("after `{equals}` every character stands for itself");
                let meant = format!("{} ~ {}", name(), quoted(&format!("{beginning}{star}")));
                self.tell(span, message, format!("for values with a word that begins so: `{meant}`"));
            }
            _ => {}
        }
    }

    /// Addresses are compared by their path, as it is written.
    fn address(&mut self, condition: &Condition, text: &str, equals: &str) {
        if let Some((scheme, path)) = text.split_once(':')
            && is_known_scheme(&lower(scheme))
            && self.slice(condition.span).contains('=')
        {
            let message = "addresses are compared by what comes after the scheme".to_owned();
            let help = format!("did you mean `{} {equals} {}`?", lower(scheme), quoted(path));
            return self.tell(condition.span, message, help);
        }
        let is_tel = matches!(&condition.property, Property::Scheme(scheme) if scheme.as_str() == "tel");
        if !is_tel || text.starts_with('+') {
            return;
        }
        if let Some(number) = phone::implicit_number(text, self.known.environment.country) {
            let message = format!("'{text}' is compared as it is written, while numbers are kept as {number}");
            self.tell(condition.span, message, format!("did you mean `tel {equals} {}`?", quoted(&number)));
        }
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    write_quoted(&mut out, text);
    out
}

/// `18..25`, `-30d`, `today`.
fn is_range_or_time(text: &str) -> bool {
    let is_end = |end: &str| end.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+');
    let is_range = text.split_once("..").is_some_and(|(low, high)| is_end(low) || is_end(high));
    is_range || RelativeTime::read(text).is_some()
}

/// Four digits, two and two, or the other way round, with the same sign between them.
fn looks_like_a_date(text: &str) -> bool {
    let parts: Vec<usize> = text.split(['-', '.']).map(str::len).collect();
    let is_digits = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '.'));
    is_digits && (parts == [4, 2, 2] || parts == [2, 2, 4])
}
