//! From a typed query to a normalised boolean tree over atoms.
//!
//! What holds afterwards: negations stand at the leaves; an `All` or `Any` has two children or more, in a fixed order,
//! none of its own kind, none twice, none a constant; equalities on one property are one set, bounds one range where
//! that is possible; each atom stands in the table once, in the order of first use. Two queries that differ only in how
//! they are written mostly become equal plans.

use jiff::tz::TimeZone;
use rustc_hash::FxHashMap;

use crate::ids::AtomId;
use crate::plan::atom::{
    Atom, Expr, LogicalPlan, NumberBound, NumberProperty, TextProperty, TimeBound, TimeProperty, WordMatch,
};
use crate::plan::rules::{self, Kind, Rules};
use crate::schema::FieldType;
use crate::sema::query::{
    Comparator, Condition, FieldProperty, Literal, Node, Pattern, PatternKind, Property, Query, Test, Value,
};

/// The normalised plan of a query: its days are those of this zone.
///
/// Cost: some microseconds for a handful of conditions; at worst quadratic in them, of which a query has 250.
///
/// ```
/// use headcount::internals::plan::atom::Expr;
/// use headcount::internals::plan::logical::lower;
/// use headcount::internals::sema::query::*;
/// use headcount::internals::span::Span;
/// let condition = |test| {
///     Node::Condition(Box::new(Condition { property: Property::Tickets, test, span: Span::default() }))
/// };
/// let literal = || Literal { text: "1".into(), value: Value::Number(1.into()) };
/// let root = Node::Any(vec![condition(Test::Equals(literal())), condition(Test::Differs(literal()))]);
/// let plan = lower(&Query { dialect: Dialect::Extended, root }, &jiff::tz::TimeZone::UTC);
/// assert_eq!(plan.root, Expr::Constant(true));
/// ```
pub fn lower(query: &Query, zone: &TimeZone) -> LogicalPlan {
    lower_with(query, zone, Rules::ALL)
}

/// The normalised plan of a part of a query: what it says by itself.
pub fn lower_node(node: &Node, zone: &TimeZone) -> LogicalPlan {
    let mut builder = Builder::new(Rules::ALL);
    let root = builder.node(node, zone, false);
    builder.finish(root)
}

/// The plan with some rules only: to see what each does, and to test that none changes what a query means.
pub fn lower_with(query: &Query, zone: &TimeZone, rules: Rules) -> LogicalPlan {
    let mut builder = Builder::new(rules);
    let root = builder.node(&query.root, zone, false);
    builder.finish(root)
}

/// The plan of an expression over a table of atoms, normalised.
pub fn normalise(atoms: &[Atom], expression: &Expr, rules: Rules) -> LogicalPlan {
    let mut builder = Builder::new(rules);
    let root = builder.rebuild(atoms, expression);
    builder.finish(root)
}

/// Atoms, each once, and the constructors of expressions over them, which normalise as they build.
pub(crate) struct Builder {
    atoms: Vec<Atom>,
    ids: FxHashMap<Atom, AtomId>,
    rules: Rules,
}

impl Builder {
    pub(crate) fn new(rules: Rules) -> Self {
        Builder { atoms: Vec::new(), ids: FxHashMap::default(), rules }
    }

    /// The atom of an id that this builder gave out.
    pub(crate) fn atom(&self, id: AtomId) -> Option<&Atom> {
        self.atoms.get(id.0 as usize)
    }

    /// An atom or its complement, or the constant that it is.
    pub(crate) fn leaf(&mut self, atom: Atom, negated: bool) -> Expr {
        let (atom, negated) = match rules::leaf::simplify(atom) {
            rules::leaf::Leaf::Constant(constant) => return Expr::Constant(constant != negated),
            rules::leaf::Leaf::Atom(Atom::StatusIn(statuses)) if negated => {
                return Expr::Atom { atom: self.intern(rules::leaf::other_statuses(&statuses)), negated: false };
            }
            rules::leaf::Leaf::Atom(atom) => (atom, negated),
        };
        Expr::Atom { atom: self.intern(atom), negated }
    }

    fn intern(&mut self, atom: Atom) -> AtomId {
        if let Some(&id) = self.ids.get(&atom) {
            return id;
        }
        // More atoms than a `u32` can number do not fit in memory.
        let id = AtomId(u32::try_from(self.atoms.len()).unwrap_or(u32::MAX));
        self.atoms.push(atom.clone());
        self.ids.insert(atom, id);
        id
    }

    /// A combination of expressions that are normalised themselves.
    pub(crate) fn combine(&mut self, kind: Kind, children: Vec<Expr>) -> Expr {
        let children = rules::apply(self, self.rules, kind, children);
        kind.of(children)
    }

    fn node(&mut self, node: &Node, zone: &TimeZone, negated: bool) -> Expr {
        match node {
            Node::All(children) => self.children(Kind::All, children, zone, negated),
            Node::Any(children) => self.children(Kind::Any, children, zone, negated),
            Node::Not(child) => self.node(child, zone, !negated),
            Node::Condition(condition) => self.condition(condition, zone, negated),
        }
    }

    /// De Morgan's laws: a negated `All` is an `Any` of negated children.
    fn children(&mut self, kind: Kind, children: &[Node], zone: &TimeZone, negated: bool) -> Expr {
        let children = children.iter().map(|child| self.node(child, zone, negated)).collect();
        self.combine(kind.flipped_if(negated), children)
    }

    fn condition(&mut self, condition: &Condition, zone: &TimeZone, negated: bool) -> Expr {
        let property = Lowered::of(&condition.property);
        match &condition.test {
            Test::Unset => self.presence(&property, !negated),
            Test::Set => self.presence(&property, negated),
            Test::Equals(literal) => self.maybe(equality(&property, literal, zone), negated),
            Test::Differs(literal) => self.maybe(equality(&property, literal, zone), !negated),
            Test::Contains(pattern) => self.maybe(contains(&property, pattern), negated),
            Test::Compares(comparator, literal) => {
                self.maybe(comparison(&property, *comparator, literal, zone), negated)
            }
            Test::In { items, unset, negated: not_in } => {
                let negated = negated != *not_in;
                let mut children: Vec<Expr> =
                    items.iter().map(|item| self.maybe(equality(&property, item, zone), negated)).collect();
                if *unset {
                    children.push(self.presence(&property, !negated));
                }
                self.combine(Kind::Any.flipped_if(negated), children)
            }
            Test::Between { low, high, negated: outside } => {
                self.maybe(between(&property, low.as_ref(), high.as_ref(), zone), negated != *outside)
            }
            Test::Anniversary { low, high } => {
                let atom = match property {
                    Lowered::Time(property) => Some(Atom::Anniversary(property, *low, *high)),
                    _ => None,
                };
                self.maybe(atom, negated)
            }
        }
    }

    /// That a property has a value; negated: that it has none.
    fn presence(&mut self, property: &Lowered, negated: bool) -> Expr {
        self.maybe(property.set_atom(), negated)
    }

    /// An atom, or for `None` what holds for nobody.
    fn maybe(&mut self, atom: Option<Atom>, negated: bool) -> Expr {
        match atom {
            Some(atom) => self.leaf(atom, negated),
            None => Expr::Constant(negated),
        }
    }

    fn rebuild(&mut self, atoms: &[Atom], expression: &Expr) -> Expr {
        match expression {
            Expr::Constant(constant) => Expr::Constant(*constant),
            Expr::Atom { atom, negated } => self.maybe(atoms.get(atom.0 as usize).cloned(), *negated),
            Expr::All(children) => self.rebuild_children(Kind::All, atoms, children),
            Expr::Any(children) => self.rebuild_children(Kind::Any, atoms, children),
        }
    }

    fn rebuild_children(&mut self, kind: Kind, atoms: &[Atom], children: &[Expr]) -> Expr {
        let children = children.iter().map(|child| self.rebuild(atoms, child)).collect();
        self.combine(kind, children)
    }

    /// Numbers the atoms that are left by first use, so that equal expressions are equal plans.
    ///
    /// Children are put in the order of what they say, not of how they were numbered.
    fn finish(self, mut root: Expr) -> LogicalPlan {
        self.order(&mut root);
        let mut plan = LogicalPlan { atoms: Vec::new(), root: Expr::Constant(true) };
        let mut renumbered = vec![None; self.atoms.len()];
        self.renumber(&mut root, &mut renumbered, &mut plan.atoms);
        plan.root = root;
        plan
    }

    fn order(&self, expression: &mut Expr) {
        if let Expr::All(children) | Expr::Any(children) = expression {
            children.iter_mut().for_each(|child| self.order(child));
            children.sort_by(|a, b| self.compare(a, b));
        }
    }

    fn compare(&self, a: &Expr, b: &Expr) -> std::cmp::Ordering {
        let rank = |expression: &Expr| match expression {
            Expr::Constant(_) => 0,
            Expr::Atom { .. } => 1,
            Expr::All(_) => 2,
            Expr::Any(_) => 3,
        };
        match (a, b) {
            (Expr::Atom { atom: a, negated: a_negated }, Expr::Atom { atom: b, negated: b_negated }) => {
                self.atom(*a).cmp(&self.atom(*b)).then(a_negated.cmp(b_negated))
            }
            (Expr::All(a), Expr::All(b)) | (Expr::Any(a), Expr::Any(b)) => {
                let pairs = a.iter().zip(b).map(|(a, b)| self.compare(a, b));
                pairs.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then).then(a.len().cmp(&b.len()))
            }
            _ => rank(a).cmp(&rank(b)),
        }
    }

    fn renumber(&self, expression: &mut Expr, renumbered: &mut [Option<AtomId>], kept: &mut Vec<Atom>) {
        match expression {
            Expr::Constant(_) => {}
            Expr::Atom { atom, .. } => {
                let Some((entry, held)) = renumbered.get_mut(atom.0 as usize).zip(self.atom(*atom)) else { return };
                *atom = *entry.get_or_insert_with(|| {
                    kept.push(held.clone());
                    AtomId(u32::try_from(kept.len() - 1).unwrap_or(u32::MAX))
                });
            }
            Expr::All(children) | Expr::Any(children) => {
                children.iter_mut().for_each(|child| self.renumber(child, renumbered, kept));
            }
        }
    }
}

/// A property by how its values compare.
enum Lowered {
    Text(TextProperty),
    Number(NumberProperty),
    Time(TimeProperty),
    Status,
    Group,
    Flow,
    History,
    /// A field that was not resolved: nobody has a value.
    Unknown,
}

impl Lowered {
    fn of(property: &Property) -> Self {
        match property {
            Property::Uuid => Lowered::Text(TextProperty::Uuid),
            Property::Id => Lowered::Text(TextProperty::Id),
            Property::Ref => Lowered::Text(TextProperty::Ref),
            Property::Name => Lowered::Text(TextProperty::Name),
            Property::Status => Lowered::Status,
            Property::Language => Lowered::Text(TextProperty::Language),
            Property::Urn => Lowered::Text(TextProperty::Urn),
            Property::Scheme(scheme) => Lowered::Text(TextProperty::Scheme(scheme.clone())),
            Property::Group => Lowered::Group,
            Property::Flow => Lowered::Flow,
            Property::History => Lowered::History,
            Property::Tickets => Lowered::Number(NumberProperty::Tickets),
            Property::CreatedOn => Lowered::Time(TimeProperty::CreatedOn),
            Property::LastSeenOn => Lowered::Time(TimeProperty::LastSeenOn),
            Property::Field(field) => Lowered::of_field(field),
        }
    }

    fn of_field(field: &FieldProperty) -> Self {
        let Some(id) = field.id else { return Lowered::Unknown };
        match field.kind {
            FieldType::Text => Lowered::Text(TextProperty::Field(id)),
            FieldType::Number => Lowered::Number(NumberProperty::Field(id)),
            FieldType::Datetime => Lowered::Time(TimeProperty::Field(id)),
            FieldType::State | FieldType::District | FieldType::Ward => Lowered::Text(TextProperty::Place(id)),
        }
    }

    /// That it has a value; `None` if nobody has one.
    fn set_atom(&self) -> Option<Atom> {
        Some(match self {
            Lowered::Text(property) => Atom::TextSet(property.clone()),
            Lowered::Number(property) => Atom::NumberRange(*property, None, None),
            Lowered::Time(property) => Atom::TimeRange(*property, None, None),
            Lowered::Status => Atom::StatusIn(crate::contact::Status::ALL.into()),
            Lowered::Group => Atom::GroupSet,
            Lowered::Flow => Atom::FlowSet,
            Lowered::History => Atom::HistorySet,
            Lowered::Unknown => return None,
        })
    }
}

/// Some value equals; `None` if none can.
fn equality(property: &Lowered, literal: &Literal, zone: &TimeZone) -> Option<Atom> {
    Some(match (property, &literal.value) {
        (Lowered::Text(property), Value::Text(text)) => Atom::TextIn(property.clone(), [text.clone()].into()),
        (Lowered::Number(property), Value::Number(number)) => Atom::NumberIn(*property, [*number].into()),
        (Lowered::Time(property), value) => {
            let (start, end) = span(value, zone)?;
            Atom::TimeRange(*property, Some(start), Some(end))
        }
        (Lowered::Status, Value::Status(status)) => Atom::StatusIn([*status].into()),
        (Lowered::Group, Value::Group(Some(group))) => Atom::GroupIn([*group].into()),
        (Lowered::Flow, Value::Flow(Some(flow))) => Atom::FlowIn([*flow].into()),
        (Lowered::History, Value::Flow(Some(flow))) => Atom::HistoryIn([*flow].into()),
        _ => return None,
    })
}

/// The bounds of a day or instant.
fn span(value: &Value, zone: &TimeZone) -> Option<(TimeBound, TimeBound)> {
    match value {
        Value::Day(day) => {
            let (start, end) = day.bounds(zone);
            Some((TimeBound::At(start), TimeBound::At(end)))
        }
        Value::Relative(time) => {
            Some((TimeBound::Relative { time: *time, after: false }, TimeBound::Relative { time: *time, after: true }))
        }
        _ => None,
    }
}

fn comparison(property: &Lowered, comparator: Comparator, literal: &Literal, zone: &TimeZone) -> Option<Atom> {
    Some(match (property, &literal.value) {
        (Lowered::Number(property), Value::Number(number)) => {
            let bound = |inclusive| Some(NumberBound { value: *number, inclusive });
            let (low, high) = match comparator {
                Comparator::Greater => (bound(false), None),
                Comparator::GreaterOrEqual => (bound(true), None),
                Comparator::Less => (None, bound(false)),
                Comparator::LessOrEqual => (None, bound(true)),
            };
            Atom::NumberRange(*property, low, high)
        }
        (Lowered::Time(property), value) => {
            let (start, end) = span(value, zone)?;
            let (low, high) = match comparator {
                Comparator::Greater => (Some(end), None),
                Comparator::GreaterOrEqual => (Some(start), None),
                Comparator::Less => (None, Some(start)),
                Comparator::LessOrEqual => (None, Some(end)),
            };
            Atom::TimeRange(*property, low, high)
        }
        _ => return None,
    })
}

/// One and the same value lies between the two; `None` if none can.
fn between(property: &Lowered, low: Option<&Literal>, high: Option<&Literal>, zone: &TimeZone) -> Option<Atom> {
    match property {
        Lowered::Number(property) => {
            let bound = |literal: Option<&Literal>| match literal.map(|literal| &literal.value) {
                None => Some(None),
                Some(Value::Number(number)) => Some(Some(NumberBound { value: *number, inclusive: true })),
                Some(_) => None,
            };
            Some(Atom::NumberRange(*property, bound(low)?, bound(high)?))
        }
        Lowered::Time(property) => {
            let bounds = |literal: Option<&Literal>| match literal {
                None => Some(None),
                Some(literal) => span(&literal.value, zone).map(Some),
            };
            let (low, high) = (bounds(low)?, bounds(high)?);
            Some(Atom::TimeRange(*property, low.map(|(start, _)| start), high.map(|(_, end)| end)))
        }
        // Without ends it says that there is a value.
        _ if low.is_none() && high.is_none() => property.set_atom(),
        _ => None,
    }
}

fn contains(property: &Lowered, pattern: &Pattern) -> Option<Atom> {
    Some(match (property, &pattern.kind) {
        (Lowered::Text(TextProperty::Name), PatternKind::NameWords(words)) => Atom::NameWords(words.clone()),
        (Lowered::Text(TextProperty::Urn), PatternKind::Substring(part)) => Atom::UrnContains(None, part.clone()),
        (Lowered::Text(TextProperty::Scheme(scheme)), PatternKind::Substring(part)) => {
            Atom::UrnContains(Some(scheme.clone()), part.clone())
        }
        (Lowered::Text(TextProperty::Field(field)), kind) => {
            let wanted = match kind {
                PatternKind::Words(words) => WordMatch::All(words.clone()),
                PatternKind::Phrase(words) => WordMatch::Phrase(words.clone()),
                PatternKind::Prefix(words) => WordMatch::Prefix(words.clone()),
                PatternKind::NameWords(_) | PatternKind::Substring(_) => return None,
            };
            Atom::FieldWords(*field, wanted)
        }
        _ => return None,
    })
}
