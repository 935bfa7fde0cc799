//! A syntax tree, a schema and an environment to a typed query: names become properties, texts become values.
//!
//! Each condition is checked in the reference's order, and the first thing wrong with it is reported; the conditions are
//! checked from left to right, and all of them are.

use std::borrow::Cow;
use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::schema::{Environment, FieldType, Schema};
use crate::sema::attribute::Attribute;
use crate::sema::query::{Comparator, Condition, Dialect, FieldProperty, Node, Property, Query, Test};
use crate::sema::{implicit, messages, suggest};
use crate::span::Span;
use crate::syntax::lexer::Operator;
use crate::syntax::parser::{MAX_CONDITIONS, Parse};
use crate::syntax::strings;
use crate::syntax::tree::{self, Connective, NodeId};
use crate::value::Scheme;
use crate::value::fold::lower;
use crate::value::urn::is_known_scheme;

/// What names are looked up in.
#[derive(Clone, Copy, Debug)]
pub enum Resolve<'a> {
    /// Fields, groups and flows must be those of this schema.
    Schema(&'a Schema),
    /// Nothing is looked up: conditions on fields are taken as they are. The query can be printed, not evaluated.
    Nothing,
}

impl<'a> Resolve<'a> {
    pub(super) fn schema(self) -> Option<&'a Schema> {
        match self {
            Resolve::Schema(schema) => Some(schema),
            Resolve::Nothing => None,
        }
    }
}

/// Resolves what was parsed from `text`, the whole text as given.
///
/// # Errors
/// All that is wrong, the reference's first first: syntax, then unknown prefixes, then the number of conditions, then
/// the conditions from left to right.
pub fn resolve(
    text: &str,
    parse: Parse,
    dialect: Dialect,
    resolve: Resolve<'_>,
    environment: &Environment,
) -> Result<Query, Vec<Diagnostic>> {
    let mut resolver = Resolver {
        text,
        tree: &parse.tree,
        dialect,
        schema: resolve.schema(),
        environment,
        errors: Vec::new(),
        is_broken: !parse.errors.is_empty(),
    };
    resolver.check_prefixes();
    if resolver.tree.conditions() > MAX_CONDITIONS {
        resolver.errors.push(messages::too_complex(Span::new(0, text.len())));
    }
    let root = match parse.root {
        Some(root) if resolver.tree.conditions() <= MAX_CONDITIONS => resolver.node(root),
        _ => None,
    };
    let mut errors = parse.errors;
    errors.append(&mut resolver.errors);
    match root {
        Some(root) if errors.is_empty() => Ok(Query { dialect, root }),
        _ => Err(errors),
    }
}

/// A property as written, told apart.
pub(super) struct Target<'t> {
    pub(super) kind: TargetKind,
    /// In lower case, without prefix.
    pub(super) key: Cow<'t, str>,
    /// The attribute that the key names, whatever the prefix: the rules of ContactQL go by the key.
    pub(super) rules: Option<Attribute>,
    pub(super) span: Span,
}

/// Kinds of properties.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TargetKind {
    Attribute(Attribute),
    Scheme,
    Field,
}

/// A value, unescaped.
pub(super) struct Given<'t> {
    pub(super) text: Cow<'t, str>,
    /// Written without quotes: only then can it be a range or a relative time.
    pub(super) bare: bool,
    pub(super) span: Span,
}

/// What the rules need to know of a property once it is found.
pub(super) struct Found {
    pub(super) property: Property,
    /// `None` for a field that was not looked up.
    pub(super) kind: Option<FieldType>,
}

pub(super) struct Resolver<'t> {
    pub(super) text: &'t str,
    pub(super) tree: &'t tree::Tree,
    pub(super) dialect: Dialect,
    pub(super) schema: Option<&'t Schema>,
    pub(super) environment: &'t Environment,
    pub(super) errors: Vec<Diagnostic>,
    /// The tree has syntax errors: then what looks like an implicit condition may be part of something else.
    is_broken: bool,
}

impl<'t> Resolver<'t> {
    /// For values that come from no text.
    pub(super) fn detached(
        tree: &'t tree::Tree,
        dialect: Dialect,
        schema: &'t Schema,
        environment: &'t Environment,
    ) -> Self {
        let errors = Vec::new();
        Resolver { text: "", tree, dialect, schema: Some(schema), environment, errors, is_broken: false }
    }

    fn slice(&self, span: Span) -> &'t str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// Reports an error, and gives the `None` that stands for what could not be resolved.
    pub(super) fn refuse<T>(&mut self, error: Diagnostic) -> Option<T> {
        self.errors.push(error);
        None
    }

    fn check_prefixes(&mut self) {
        for node in self.tree.nodes() {
            let (tree::Node::Condition { property, .. }
            | tree::Node::In { property, .. }
            | tree::Node::Anniversary { property, .. }) = node
            else {
                continue;
            };
            if let Some((prefix, _)) = self.slice(property).split_once('.') {
                let is_known = prefix.eq_ignore_ascii_case("fields") || prefix.eq_ignore_ascii_case("urns");
                if !is_known {
                    let span = Span { start: property.start, end: property.start + prefix.len() as u32 };
                    self.errors.push(messages::unknown_property_type(&lower(prefix), span));
                }
            }
        }
    }

    /// Recursion is no deeper than the text's brackets, three times: the tree is flat otherwise.
    fn node(&mut self, id: NodeId) -> Option<Node> {
        match self.tree.node(id) {
            tree::Node::Combination { connective, first, .. } => {
                let tree = self.tree;
                let mut children = Vec::with_capacity(tree.siblings(first).count());
                let mut complete = true;
                for child in tree.siblings(first) {
                    match self.node(child) {
                        Some(child) => children.push(child),
                        None => complete = false,
                    }
                }
                complete.then_some(match connective {
                    Connective::All => Node::All(children),
                    Connective::Any => Node::Any(children),
                })
            }
            tree::Node::Not(inner) => Some(Node::Not(Box::new(self.node(inner)?))),
            tree::Node::Condition { property, operator, operator_span, value } => {
                let target = self.target(property)?;
                let given = self.given(value);
                let span = property.to(value.span);
                self.condition(&target, operator, operator_span, given, span)
            }
            tree::Node::Implicit(value) => {
                if self.is_broken {
                    return None;
                }
                let given = self.given(value);
                implicit::condition(self, given)
            }
            tree::Node::In { property, items, negated, span } => {
                let target = self.target(property)?;
                self.list(&target, items, negated, span)
            }
            tree::Node::Anniversary { property, value } => {
                let target = self.target(property)?;
                let given = self.given(value);
                let found = self.find(&target)?;
                let test = self.anniversary(&target, &found, given)?;
                Some(condition(found.property, test, property.to(value.span)))
            }
            tree::Node::Broken => None,
        }
    }

    /// `None` for an unknown prefix, which has been reported.
    fn target(&self, span: Span) -> Option<Target<'t>> {
        let text = self.slice(span);
        let (kind, key) = match text.split_once('.') {
            Some((prefix, key)) if prefix.eq_ignore_ascii_case("fields") => (Some(TargetKind::Field), key),
            Some((prefix, key)) if prefix.eq_ignore_ascii_case("urns") => (Some(TargetKind::Scheme), key),
            Some(_) => return None,
            None => (None, text),
        };
        let key = lower(key);
        let rules = Attribute::from_key(&key);
        let kind = kind.unwrap_or(match rules {
            Some(attribute) => TargetKind::Attribute(attribute),
            None if is_known_scheme(&key) => TargetKind::Scheme,
            None => TargetKind::Field,
        });
        Some(Target { kind, key, rules, span })
    }

    fn given(&self, literal: tree::Literal) -> Given<'t> {
        let text = self.slice(literal.span);
        let text = if literal.quoted { strings::unquote(text) } else { Cow::Borrowed(text) };
        Given { text, bare: !literal.quoted, span: literal.span }
    }

    /// One explicit or implicit condition, in the reference's order of checks.
    pub(super) fn condition(
        &mut self,
        target: &Target<'_>,
        operator: Operator,
        operator_span: Span,
        given: Given<'t>,
        span: Span,
    ) -> Option<Node> {
        self.check_redaction(target, &given)?;
        let found = self.find(target)?;
        let test = match operator {
            Operator::Contains => Test::Contains(self.pattern(target, &found, given)?),
            Operator::Equal | Operator::NotEqual => self.equality(target, &found, operator, given)?,
            Operator::Greater | Operator::GreaterOrEqual | Operator::Less | Operator::LessOrEqual => {
                if !matches!(found.kind, None | Some(FieldType::Number | FieldType::Datetime)) {
                    return self.refuse(messages::unsupported_comparison(operator, &target.key, operator_span));
                }
                let literal = self.literal(target, &found, given)?;
                Test::Compares(comparator(operator), literal)
            }
        };
        Some(condition(found.property, test, span))
    }

    fn equality(&mut self, target: &Target<'_>, found: &Found, operator: Operator, given: Given<'t>) -> Option<Test> {
        let negated = operator == Operator::NotEqual;
        if given.text.is_empty() {
            self.check_setcheck(target, found, operator, given.span)?;
            return Some(if negated { Test::Set } else { Test::Unset });
        }
        if let Some(range) = self.range(target, found, &given, negated) {
            return range;
        }
        let literal = self.day_literal(target, found, given)?;
        Some(if negated { Test::Differs(literal) } else { Test::Equals(literal) })
    }

    fn list(&mut self, target: &Target<'_>, items: tree::Literals, negated: bool, span: Span) -> Option<Node> {
        let given: Vec<Given<'_>> = self.tree.literals(items).iter().map(|literal| self.given(*literal)).collect();
        for item in &given {
            self.check_redaction(target, item)?;
        }
        let found = self.find(target)?;
        let mut values = Vec::with_capacity(given.len());
        let mut unset = false;
        let mut complete = true;
        for item in given {
            if item.text.is_empty() {
                let operator = if negated { Operator::NotEqual } else { Operator::Equal };
                complete &= self.check_setcheck(target, &found, operator, item.span).is_some();
                unset = true;
                continue;
            }
            match self.day_literal(target, &found, item) {
                Some(literal) => values.push(literal),
                None => complete = false,
            }
        }
        complete.then(|| condition(found.property, Test::In { items: values, unset, negated }, span))
    }

    fn check_redaction(&mut self, target: &Target<'_>, given: &Given<'_>) -> Option<()> {
        let is_address = target.kind == TargetKind::Scheme || target.rules == Some(Attribute::Urn);
        if self.environment.redact_urns && is_address && !given.text.is_empty() {
            return self.refuse(messages::redacted_urns(target.span.to(given.span)));
        }
        Some(())
    }

    fn check_setcheck(&mut self, target: &Target<'_>, found: &Found, operator: Operator, span: Span) -> Option<()> {
        let is_checked = found.kind.is_some();
        if is_checked && target.rules.is_some_and(Attribute::is_always_set) {
            return self.refuse(messages::unsupported_setcheck(operator, &target.key, target.span.to(span)));
        }
        Some(())
    }

    pub(super) fn find(&mut self, target: &Target<'_>) -> Option<Found> {
        match target.kind {
            TargetKind::Attribute(attribute) => {
                Some(Found { property: attribute.property(), kind: Some(attribute.kind()) })
            }
            TargetKind::Scheme => {
                Some(Found { property: Property::Scheme(Scheme::new(&target.key)), kind: Some(FieldType::Text) })
            }
            TargetKind::Field => {
                let (id, kind) = match self.schema {
                    None => (None, None),
                    Some(schema) => match schema.field(&target.key) {
                        Some(field) => (Some(field.id), Some(field.kind)),
                        None => {
                            let near = suggest::did_you_mean(suggest::property(&target.key, self.schema));
                            return self.refuse(messages::unknown_property(&target.key, target.span).help(near));
                        }
                    },
                };
                let key = target.key.as_ref().into();
                let field = FieldProperty { id, key, kind: kind.unwrap_or(FieldType::Text) };
                Some(Found { property: Property::Field(Arc::new(field)), kind })
            }
        }
    }
}

pub(super) fn condition(property: Property, test: Test, span: Span) -> Node {
    Node::Condition(Box::new(Condition { property, test, span }))
}

fn comparator(operator: Operator) -> Comparator {
    match operator {
        Operator::Greater => Comparator::Greater,
        Operator::GreaterOrEqual => Comparator::GreaterOrEqual,
        Operator::Less => Comparator::Less,
        _ => Comparator::LessOrEqual,
    }
}
