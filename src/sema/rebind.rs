//! A saved query under another environment or with another type of a field: what it says is kept, or it is refused.
//!
//! It works on the typed query and never on its text: a query near the limits of a text may print beyond them.

use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::schema::{Environment, FieldType, Schema};
use crate::sema::attribute::Attribute;
use crate::sema::messages;
use crate::sema::query::{Comparator, Condition, FieldProperty, Literal, Node, Property, Query, Test, Value};
use crate::sema::resolve::{Found, Given, Resolver, Target, TargetKind};
use crate::span::Span;
use crate::syntax::lexer::Operator;
use crate::syntax::tree::Tree;

/// The query with the types that its fields have in the schema now.
///
/// Days, groups and all that does not depend on the type of a field stay as they are. The values of a field whose type is
/// another are read again from their texts, as if they stood in quotes; a value that is more than its text, such as
/// `today` or a range, has no meaning under a type that does not know it.
///
/// # Errors
/// What can no longer be asked: that, of addresses where they are hidden now, and that of values which are none of the new
/// type. Spans are empty.
pub fn rebind(query: &Query, schema: &Schema, environment: &Environment) -> Result<Query, Vec<Diagnostic>> {
    let tree = Tree::default();
    let resolver = Resolver::detached(&tree, query.dialect, schema, environment);
    let mut rebinder = Rebinder { resolver, schema };
    let root = rebinder.node(&query.root);
    match root {
        Some(root) if rebinder.resolver.errors.is_empty() => Ok(Query { dialect: query.dialect, root }),
        _ => Err(rebinder.resolver.errors),
    }
}

struct Rebinder<'t> {
    resolver: Resolver<'t>,
    schema: &'t Schema,
}

impl Rebinder<'_> {
    /// `None` if something in it was refused.
    fn node(&mut self, node: &Node) -> Option<Node> {
        match node {
            Node::All(children) => self.children(children).map(Node::All),
            Node::Any(children) => self.children(children).map(Node::Any),
            Node::Not(inner) => Some(Node::Not(Box::new(self.node(inner)?))),
            Node::Condition(condition) => Some(Node::Condition(Box::new(self.condition(condition)?))),
        }
    }

    /// All children are looked at, so that all that is wrong is told.
    fn children(&mut self, children: &[Node]) -> Option<Vec<Node>> {
        let rebound: Vec<Option<Node>> = children.iter().map(|child| self.node(child)).collect();
        rebound.into_iter().collect()
    }

    fn condition(&mut self, condition: &Condition) -> Option<Condition> {
        let is_setcheck = matches!(condition.test, Test::Unset | Test::Set);
        let asks_for_addresses = matches!(condition.property, Property::Urn | Property::Scheme(_));
        if self.resolver.environment.redact_urns && asks_for_addresses && !is_setcheck {
            return self.resolver.refuse(messages::redacted_urns(Span::default()));
        }
        let Property::Field(field) = &condition.property else { return Some(condition.clone()) };
        let now = field.id.and_then(|id| self.schema.field_by_id(id)).map(|field| field.kind);
        match now.filter(|&kind| kind != field.kind) {
            None => Some(condition.clone()),
            Some(kind) => self.retyped(condition, field, kind),
        }
    }

    /// The condition on a field that is of another type now.
    fn retyped(&mut self, condition: &Condition, field: &FieldProperty, kind: FieldType) -> Option<Condition> {
        let target = Target {
            kind: TargetKind::Field,
            key: field.key.as_ref().into(),
            rules: Attribute::from_key(&field.key),
            span: Span::default(),
        };
        let property = Property::Field(Arc::new(FieldProperty { kind, ..field.clone() }));
        let found = Found { property: property.clone(), kind: Some(kind) };
        let has_order = matches!(kind, FieldType::Number | FieldType::Datetime);
        let test = match &condition.test {
            Test::Unset => Test::Unset,
            Test::Set => Test::Set,
            Test::Equals(literal) => Test::Equals(self.literal(&target, &found, literal)?),
            Test::Differs(literal) => Test::Differs(self.literal(&target, &found, literal)?),
            Test::In { items, unset, negated } => {
                let items: Vec<Option<Literal>> =
                    items.iter().map(|item| self.literal(&target, &found, item)).collect();
                Test::In { items: items.into_iter().collect::<Option<_>>()?, unset: *unset, negated: *negated }
            }
            Test::Compares(comparator, literal) if has_order => {
                Test::Compares(*comparator, self.literal(&target, &found, literal)?)
            }
            Test::Compares(comparator, _) => {
                let operator = operator(*comparator);
                return self.resolver.refuse(messages::unsupported_comparison(operator, &field.key, Span::default()));
            }
            Test::Between { low, high, negated } if has_order => {
                let mut end = |end: &Option<Literal>| match end {
                    Some(literal) => self.literal(&target, &found, literal).map(Some),
                    None => Some(None),
                };
                Test::Between { low: end(low)?, high: end(high)?, negated: *negated }
            }
            Test::Between { .. } => {
                let message = format!("a {kind} field takes no range");
                return self.resolver.refuse(messages::invalid_range(message, "..", Span::default()));
            }
            Test::Contains(_) => {
                return self.resolver.refuse(messages::unsupported_contains(&field.key, Span::default()));
            }
            Test::Anniversary { .. } => {
                return self.resolver.refuse(messages::unsupported_anniversary(&field.key, Span::default()));
            }
        };
        Some(Condition { property, test, span: condition.span })
    }

    fn literal(&mut self, target: &Target<'_>, found: &Found, literal: &Literal) -> Option<Literal> {
        if matches!(literal.value, Value::Relative(_)) {
            return self.resolver.refuse(messages::moves_with_time(&literal.text, Span::default()));
        }
        let given = Given { text: literal.text.to_string().into(), bare: false, span: Span::default() };
        self.resolver.literal(target, found, given)
    }
}

fn operator(comparator: Comparator) -> Operator {
    match comparator {
        Comparator::Greater => Operator::Greater,
        Comparator::GreaterOrEqual => Operator::GreaterOrEqual,
        Comparator::Less => Operator::Less,
        Comparator::LessOrEqual => Operator::LessOrEqual,
    }
}
