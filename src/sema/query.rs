//! The typed query: what a text means once its names are resolved and its values parsed.
//!
//! It is what a saved group stores, what the model evaluates, and what plans are made from.

use std::sync::Arc;

use crate::contact::Status;
use crate::ids::{EventId, FieldId, FlowId, GroupId};
use crate::schema::FieldType;
use crate::span::Span;
use crate::value::{Decimal, Instant, Scheme};

pub use crate::syntax::Dialect;
pub use crate::value::calendar::{AnniversaryDay, RelativeTime, Unit};

/// A query: resolved, typed, ready to be evaluated, planned or printed.
#[derive(Clone, PartialEq, Debug)]
pub struct Query {
    /// The dialect that it was written in and prints in.
    pub dialect: Dialect,
    /// What it says.
    pub root: Node,
}

/// A boolean combination of conditions. `All` and `Any` have at least two children, none of the same kind as itself.
#[derive(Clone, PartialEq, Debug)]
pub enum Node {
    /// Every child holds.
    All(Vec<Node>),
    /// Some child holds.
    Any(Vec<Node>),
    /// The child does not hold.
    Not(Box<Node>),
    /// One condition.
    Condition(Box<Condition>),
}

/// One test of one property. Two are equal if they ask the same, wherever they stand.
#[derive(Clone, Debug)]
pub struct Condition {
    /// What is looked at.
    pub property: Property,
    /// What must hold of it.
    pub test: Test,
    /// Where it stands in the text.
    pub span: Span,
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.property == other.property && self.test == other.test
    }
}

/// What a condition looks at.
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Property {
    /// Identity on the platform.
    Uuid,
    /// The platform's number.
    Id,
    /// The reference code.
    Ref,
    /// The name.
    Name,
    /// Active, blocked, stopped or archived.
    Status,
    /// Code of three letters.
    Language,
    /// The path of any address.
    Urn,
    /// The path of any address of one scheme.
    Scheme(Scheme),
    /// Groups, manual and smart.
    Group,
    /// The flow that the contact is in.
    Flow,
    /// Flows that it has been in.
    History,
    /// The number of open tickets.
    Tickets,
    /// When it was created.
    CreatedOn,
    /// When it was last heard from.
    LastSeenOn,
    /// A custom field.
    Field(Arc<FieldProperty>),
    /// What happened: a number or a moment that follows from events.
    Event(Arc<EventProperty>),
}

/// A custom field as a query holds it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct FieldProperty {
    /// Its identity; `None` when the query was read without resolving, which can be printed but not evaluated.
    pub id: Option<FieldId>,
    /// How it is printed.
    pub key: Box<str>,
    /// What its values are; `Text` when not resolved.
    pub kind: FieldType,
}

/// What a query asks of events: which ones count, and what of them.
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct EventProperty {
    /// What is asked of those that count.
    pub measure: Measure,
    /// The identity of their name; `None` when the query was read without resolving.
    pub event: Option<EventId>,
    /// How the name is printed.
    pub name: Box<str>,
    /// What must hold of an event to count.
    pub filter: Option<Filter>,
    /// When it must have happened to count.
    pub window: Option<Window>,
    /// How long events are kept: those before the beginning of this time never count.
    pub keep: Option<RelativeTime>,
}

/// What is asked of the events that count.
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Measure {
    /// How many there are.
    Count,
    /// The moment of the earliest.
    First,
    /// The moment of the latest.
    Last,
    /// The sum of this property, where it is a number.
    Sum(Box<str>),
}

impl Measure {
    /// What stands before the name of the events.
    pub fn prefix(&self) -> &'static str {
        match self {
            Measure::Count => "did",
            Measure::First => "first",
            Measure::Last => "last",
            Measure::Sum(_) => "sum",
        }
    }

    /// Whether it is a number, which every contact has, and not a moment.
    pub fn is_number(&self) -> bool {
        matches!(self, Measure::Count | Measure::Sum(_))
    }
}

/// A window of time, both ends included.
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Window {
    /// Its beginning; `None` if open. At least one end is given.
    pub low: Option<WindowEnd>,
    /// Its end; `None` if open.
    pub high: Option<WindowEnd>,
}

/// An end of a window.
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum WindowEnd {
    /// A moment or a day that moves with the clock.
    Relative(RelativeTime),
    /// A day: from `start` up to but not including `end`.
    Day {
        /// The text as given.
        text: Box<str>,
        /// Its first moment.
        start: Instant,
        /// The first moment after it.
        end: Instant,
    },
}

/// What must hold of an event: a boolean combination of conditions on its properties. `All` and `Any` have at least two
/// children, none of the same kind as itself.
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Filter {
    /// Every child holds.
    All(Vec<Filter>),
    /// Some child holds.
    Any(Vec<Filter>),
    /// The child does not hold.
    Not(Box<Filter>),
    /// One condition.
    Condition {
        /// The property's name, in lower case.
        key: Box<str>,
        /// What must hold of its value.
        test: FilterTest,
    },
}

/// What must hold of the value of an event's property.
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum FilterTest {
    /// There is none.
    Unset,
    /// There is one.
    Set,
    /// It equals: as a number if both are numbers, else as folded text.
    Equals(FilterValue),
    /// It does not, or there is none.
    Differs(FilterValue),
    /// It is a number on that side.
    Compares(Comparator, FilterValue),
    /// It equals one of these, or, if `unset` is among them, there is none; negated: the opposite.
    In {
        /// The values, in the order written.
        items: Vec<FilterValue>,
        /// Whether `""` is among them.
        unset: bool,
        /// `NOT IN`.
        negated: bool,
    },
    /// It is a number between the two, both included; negated: it is not.
    Between {
        /// The lower end; `None` if open. At least one end is given.
        low: Option<FilterValue>,
        /// The upper end; `None` if open.
        high: Option<FilterValue>,
        /// `!=` instead of `=`.
        negated: bool,
    },
}

/// A value that the property of an event is compared with.
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct FilterValue {
    /// The text as given, unescaped.
    pub text: Box<str>,
    /// The same, folded as values are when they are compared.
    pub folded: Box<str>,
    /// The number that it is.
    pub number: Option<Decimal>,
}

impl FilterValue {
    /// What a text stands for.
    pub fn new(text: &str) -> Self {
        let folded = crate::value::fold::fold(text).into();
        FilterValue { text: text.into(), folded, number: Decimal::parse(text) }
    }
}

/// What must hold of a property's values.
#[derive(Clone, PartialEq, Debug)]
pub enum Test {
    /// There is no value: `p = ""`.
    Unset,
    /// There is a value: `p != ""`.
    Set,
    /// Some value equals: `p = x`.
    Equals(Literal),
    /// All values differ: `p != x`.
    Differs(Literal),
    /// Some value contains: `p ~ x`.
    Contains(Pattern),
    /// Some value lies on that side: `p > x`.
    Compares(Comparator, Literal),
    /// Some value equals one of these, or, if `unset` is among them, there is none; negated: the opposite.
    In {
        /// The values, in the order written.
        items: Vec<Literal>,
        /// Whether `""` is among them.
        unset: bool,
        /// `NOT IN`.
        negated: bool,
    },
    /// Some value lies between the two, both included: `p = a..b`; negated (`p != a..b`): no value does.
    Between {
        /// The lower end; `None` if open. At least one end is given.
        low: Option<Literal>,
        /// The upper end; `None` if open.
        high: Option<Literal>,
        /// `!=` instead of `=`.
        negated: bool,
    },
    /// Some value's month and day are those of a day between the two, in the workspace's zone. Both ends are included.
    Anniversary {
        /// The first day, counted from the day of evaluation.
        low: AnniversaryDay,
        /// The last day.
        high: AnniversaryDay,
    },
}

/// The order comparisons.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Comparator {
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
}

impl Comparator {
    /// As written in a query.
    pub fn symbol(self) -> &'static str {
        match self {
            Comparator::Greater => ">",
            Comparator::GreaterOrEqual => ">=",
            Comparator::Less => "<",
            Comparator::LessOrEqual => "<=",
        }
    }
}

/// A value in a query: the text as given, which canonical forms print, and what it stands for.
#[derive(Clone, PartialEq, Debug)]
pub struct Literal {
    /// The text as given, unescaped.
    pub text: Box<str>,
    /// What it stands for.
    pub value: Value,
}

/// What a literal stands for.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// Text, folded as values are when they are compared: for text fields, places, names, addresses, ids, languages.
    Text(Box<str>),
    /// An exact number.
    Number(Decimal),
    /// A day: from `start` up to but not including `end`.
    Day {
        /// Its first moment.
        start: Instant,
        /// The first moment after it.
        end: Instant,
    },
    /// A moment or a day that moves with the clock.
    Relative(RelativeTime),
    /// A status.
    Status(Status),
    /// A group; `None` when not resolved.
    Group(Option<GroupId>),
    /// A flow; `None` when not resolved.
    Flow(Option<FlowId>),
}

/// What `~` looks for.
#[derive(Clone, PartialEq, Debug)]
pub struct Pattern {
    /// The text as given, unescaped.
    pub text: Box<str>,
    /// What it stands for.
    pub kind: PatternKind,
}

/// The kinds of `~`.
#[derive(Clone, PartialEq, Debug)]
pub enum PatternKind {
    /// On names: some of these words, each lower-cased and cut to 8 characters, is a prefix of some word of the name.
    NameWords(Box<[Box<str>]>),
    /// On addresses: the folded path contains this folded text of at least 3 bytes.
    Substring(Box<str>),
    /// On text fields: all of these words occur, in any order.
    Words(Box<[Box<str>]>),
    /// On text fields: these words follow one another.
    Phrase(Box<[Box<str>]>),
    /// On text fields: the words but the last follow one another, and the next begins with the last.
    Prefix(Box<[Box<str>]>),
}
