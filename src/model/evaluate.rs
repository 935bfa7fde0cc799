//! What a query means for one contact.
//!
//! A property yields zero or more values. `p = ""` holds when there is none, `p != ""` when there is one. The other
//! tests hold if *some* value satisfies them, so they fail without a value; `!=`, `NOT IN` and `!= a..b` hold if their
//! opposite does not, so they hold without a value, and only if *all* values differ. `NOT` is the complement of what
//! follows it, whatever that is: `NOT (age > 5)` holds without an age, `age <= 5` does not.
//!
//! | test | no value | several values |
//! | --- | --- | --- |
//! | `p = x`, `p ~ x`, `p > x` | fails | some value satisfies it |
//! | `p != x` | holds | all values differ |
//! | `p IN (a, b)` | fails, unless `""` is among them | some value is one of them |
//! | `p NOT IN (a, b)` | holds, unless `""` is among them | no value is one of them |
//! | `p = a..b` | fails | one and the same value lies between the two |
//! | `p != a..b` | holds | no value lies between the two |
//! | `p ANNIVERSARY a..b` | fails | some value's day of the year is among them |
//! | `NOT e` | the opposite of `e` | the opposite of `e` |

use jiff::tz::TimeZone;

use crate::contact::{ContactView, Status, TypedValue};
use crate::ids::{FlowId, GroupId};
use crate::schema::FieldType;
use crate::sema::query::{Comparator, Condition, Literal, Node, Pattern, PatternKind, Property, Query, Test, Value};
use crate::value::calendar::{DaysOfYear, birthday_of};
use crate::value::location::last_part;
use crate::value::words::{cut, for_each_word, words};
use crate::value::{Decimal, Instant, fold};

/// What groups a contact is in, manual and smart.
pub trait Memberships {
    /// Whether it is in this group.
    fn is_member(&self, group: GroupId) -> bool;
    /// Whether it is in any group at all.
    fn in_any_group(&self) -> bool;
}

/// In no group at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoGroups;

impl Memberships for NoGroups {
    fn is_member(&self, _group: GroupId) -> bool {
        false
    }
    fn in_any_group(&self) -> bool {
        false
    }
}

/// Exactly these groups, ascending.
impl Memberships for [GroupId] {
    fn is_member(&self, group: GroupId) -> bool {
        self.binary_search(&group).is_ok()
    }
    fn in_any_group(&self) -> bool {
        !self.is_empty()
    }
}

impl Memberships for Vec<GroupId> {
    fn is_member(&self, group: GroupId) -> bool {
        self.as_slice().is_member(group)
    }
    fn in_any_group(&self) -> bool {
        !self.is_empty()
    }
}

impl Memberships for std::collections::BTreeSet<GroupId> {
    fn is_member(&self, group: GroupId) -> bool {
        self.contains(&group)
    }
    fn in_any_group(&self) -> bool {
        !self.is_empty()
    }
}

/// What a query asks besides the contact itself.
#[derive(Debug)]
pub struct Context<'a, M: ?Sized> {
    /// The zone in which days begin and end.
    pub zone: &'a TimeZone,
    /// The moment to which relative times refer.
    pub now: Instant,
    /// The contact's groups.
    pub memberships: &'a M,
}

impl<M: ?Sized> Clone for Context<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M: ?Sized> Copy for Context<'_, M> {}

/// Whether a contact, of any status, matches a query.
///
/// A query that was read without resolving names fields, groups and flows that nobody has: they yield no values.
///
/// Cost: some ten nanoseconds per condition for numbers, dates and short texts, a few hundred for `~`.
///
/// ```
/// use headcount::internals::contact::Contact;
/// use headcount::internals::ids::Uuid;
/// use headcount::internals::model::{Context, NoGroups, matches};
/// use headcount::internals::sema::query::*;
/// use headcount::internals::span::Span;
/// use headcount::internals::value::Instant;
///
/// let now = Instant::parse("2026-06-15T12:00:00Z").unwrap();
/// let mut contact = Contact::new(Uuid::random(), now);
/// contact.name = Some("Bob".into());
/// let condition = Condition {
///     property: Property::Name,
///     test: Test::Equals(Literal { text: "BOB".into(), value: Value::Text("bob".into()) }),
///     span: Span::default(),
/// };
/// let query = Query { dialect: Dialect::Extended, root: Node::Condition(Box::new(condition)) };
/// let context = Context { zone: &jiff::tz::TimeZone::UTC, now, memberships: &NoGroups };
/// assert!(matches(&query, &contact, &context));
/// ```
pub fn matches<M: Memberships + ?Sized>(query: &Query, contact: &impl ContactView, context: &Context<'_, M>) -> bool {
    node_holds(&query.root, contact, context)
}

/// Whether a part of a query holds: see [`matches()`].
pub fn node_holds<M: Memberships + ?Sized>(node: &Node, contact: &impl ContactView, context: &Context<'_, M>) -> bool {
    match node {
        Node::All(children) => children.iter().all(|child| node_holds(child, contact, context)),
        Node::Any(children) => children.iter().any(|child| node_holds(child, contact, context)),
        Node::Not(child) => !node_holds(child, contact, context),
        Node::Condition(condition) => condition_holds(condition, contact, context),
    }
}

/// Whether one condition holds: see [`matches()`].
pub fn condition_holds<M: Memberships + ?Sized>(
    condition: &Condition,
    contact: &impl ContactView,
    context: &Context<'_, M>,
) -> bool {
    let some_value = |test: &mut dyn FnMut(Seen<'_>) -> bool| some_value(&condition.property, contact, test);
    let equals = |literal: &Literal| match (&condition.property, &literal.value) {
        // Groups are asked for one by one: nobody lists a contact's smart groups.
        (Property::Group, Value::Group(group)) => group.is_some_and(|group| context.memberships.is_member(group)),
        _ => some_value(&mut |seen| seen.equals(literal, context)),
    };
    let is_set = || match condition.property {
        Property::Group => context.memberships.in_any_group(),
        _ => some_value(&mut |_| true),
    };
    match &condition.test {
        Test::Unset => !is_set(),
        Test::Set => is_set(),
        Test::Equals(literal) => equals(literal),
        Test::Differs(literal) => !equals(literal),
        Test::In { items, unset, negated } => ((*unset && !is_set()) || items.iter().any(equals)) != *negated,
        Test::Compares(comparator, literal) => some_value(&mut |seen| seen.compares(*comparator, literal, context)),
        Test::Between { low, high, negated } => {
            let lies_between = some_value(&mut |seen| {
                low.as_ref().is_none_or(|low| seen.compares(Comparator::GreaterOrEqual, low, context))
                    && high.as_ref().is_none_or(|high| seen.compares(Comparator::LessOrEqual, high, context))
            });
            lies_between != *negated
        }
        Test::Anniversary { low, high } => {
            let days = DaysOfYear::between(*low, *high, context.now, context.zone);
            some_value(&mut |seen| match seen {
                Seen::Moment(moment) => days.contains(birthday_of(moment, context.zone)),
                _ => false,
            })
        }
        Test::Contains(pattern) => some_value(&mut |seen| match seen {
            Seen::Text(text) => contains(&condition.property, text, pattern),
            _ => false,
        }),
    }
}

/// A value of a property.
#[derive(Clone, Copy)]
enum Seen<'a> {
    /// Compared folded; not folded yet.
    Text(&'a str),
    Number(Decimal),
    Moment(Instant),
    Status(Status),
    Flow(FlowId),
}

impl Seen<'_> {
    fn equals<M: ?Sized>(self, literal: &Literal, context: &Context<'_, M>) -> bool {
        match (self, &literal.value) {
            (Seen::Text(text), Value::Text(folded)) => fold::folds_to(text, folded),
            (Seen::Number(number), Value::Number(wanted)) => number == *wanted,
            (Seen::Status(status), Value::Status(wanted)) => status == *wanted,
            (Seen::Flow(flow), Value::Flow(wanted)) => Some(flow) == *wanted,
            (Seen::Moment(moment), value) => {
                span(value, context).is_some_and(|(start, end)| start <= moment && moment < end)
            }
            _ => false,
        }
    }

    fn compares<M: ?Sized>(self, comparator: Comparator, literal: &Literal, context: &Context<'_, M>) -> bool {
        match (self, &literal.value) {
            (Seen::Number(number), Value::Number(wanted)) => match comparator {
                Comparator::Greater => number > *wanted,
                Comparator::GreaterOrEqual => number >= *wanted,
                Comparator::Less => number < *wanted,
                Comparator::LessOrEqual => number <= *wanted,
            },
            (Seen::Moment(moment), value) => span(value, context).is_some_and(|(start, end)| match comparator {
                Comparator::Greater => moment >= end,
                Comparator::GreaterOrEqual => moment >= start,
                Comparator::Less => moment < start,
                Comparator::LessOrEqual => moment < end,
            }),
            _ => false,
        }
    }
}

/// From the first moment of a day or instant up to but not including the second. The two are the same for a day that the
/// zone skips: nothing is on that day, and the rest before or behind it.
fn span<M: ?Sized>(value: &Value, context: &Context<'_, M>) -> Option<(Instant, Instant)> {
    match value {
        Value::Day(day) => Some(day.bounds(context.zone)),
        Value::Relative(time) => Some(time.span(context.now, context.zone)),
        _ => None,
    }
}

/// Whether some value of the property passes the test. Groups are not values here: see [`condition_holds`].
fn some_value(property: &Property, contact: &impl ContactView, test: &mut dyn FnMut(Seen<'_>) -> bool) -> bool {
    match property {
        Property::Uuid => test(Seen::Text(contact.uuid().encode(&mut [0; 36]))),
        Property::Id => contact.id().is_some_and(|id| test(Seen::Text(id))),
        Property::Ref => contact.reference().is_some_and(|reference| test(Seen::Text(reference))),
        Property::Name => contact.name().is_some_and(|name| test(Seen::Text(name))),
        Property::Status => test(Seen::Status(contact.status())),
        Property::Language => contact.language().is_some_and(|language| test(Seen::Text(language))),
        Property::Urn => contact.urns().any(|urn| test(Seen::Text(urn.path))),
        Property::Scheme(scheme) => {
            contact.urns().any(|urn| urn.scheme == scheme.as_str() && test(Seen::Text(urn.path)))
        }
        Property::Group => false,
        Property::Flow => contact.flow().is_some_and(|flow| test(Seen::Flow(flow))),
        Property::History => contact.history().any(|flow| test(Seen::Flow(flow))),
        Property::Tickets => test(Seen::Number(Decimal::from(i64::from(contact.tickets())))),
        Property::CreatedOn => test(Seen::Moment(contact.created_on())),
        Property::LastSeenOn => contact.last_seen_on().is_some_and(|moment| test(Seen::Moment(moment))),
        Property::Field(field) => {
            let Some(value) = field.id.and_then(|id| contact.field(id)) else { return false };
            match (field.kind, value.typed) {
                (FieldType::Text, _) => test(Seen::Text(value.text)),
                (FieldType::Number, TypedValue::Number(number)) => test(Seen::Number(number)),
                (FieldType::Datetime, TypedValue::Instant(moment)) => test(Seen::Moment(moment)),
                (FieldType::State | FieldType::District | FieldType::Ward, _) => {
                    test(Seen::Text(last_part(value.text)))
                }
                (FieldType::Number | FieldType::Datetime, _) => false,
            }
        }
    }
}

/// Whether a text contains what `~` looks for: each kind of pattern belongs to a kind of property.
fn contains(property: &Property, text: &str, pattern: &Pattern) -> bool {
    let is_phrase =
        |run: &[String], wanted: &[Box<str>]| run.iter().map(String::as_str).eq(wanted.iter().map(|w| &**w));
    match (property, &pattern.kind) {
        (Property::Urn | Property::Scheme(_), PatternKind::Substring(part)) => fold::lower(text).contains(&**part),
        (Property::Name, PatternKind::NameWords(prefixes)) => {
            let mut found = false;
            for_each_word(text, |word| found |= prefixes.iter().any(|prefix| cut(word).starts_with(&**prefix)));
            found
        }
        (Property::Field(field), kind) if field.kind == FieldType::Text => {
            let words = words(text);
            match kind {
                PatternKind::Words(wanted) => wanted.iter().all(|wanted| words.iter().any(|word| **word == **wanted)),
                PatternKind::Phrase(wanted) => words.windows(wanted.len().max(1)).any(|run| is_phrase(run, wanted)),
                PatternKind::Prefix(wanted) => wanted.split_last().is_some_and(|(last, before)| {
                    words.windows(wanted.len()).any(|run| {
                        let Some((run_last, run_before)) = run.split_last() else { return false };
                        is_phrase(run_before, before) && run_last.starts_with(&**last)
                    })
                }),
                PatternKind::NameWords(_) | PatternKind::Substring(_) => false,
            }
        }
        _ => false,
    }
}
