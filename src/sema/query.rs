//! The typed query: what a text means once its names are resolved and its values parsed.
//!
//! It is what a saved group stores, what the model evaluates, and what plans are made from.

use std::sync::Arc;

use crate::contact::Status;
use crate::ids::{FieldId, FlowId, GroupId};
use crate::schema::FieldType;
use crate::span::Span;
use crate::value::day::Day;
use crate::value::{Decimal, Scheme};

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
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
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
    /// A day: a date, whatever moments it has in the workspace's zone.
    Day(Day),
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
