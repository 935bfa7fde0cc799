//! What a query uses.

use rustc_hash::FxHashSet;

use crate::ids::GroupId;
use crate::schema::Schema;
use crate::sema::attribute::Attribute;
use crate::sema::query::{Condition, Dialect, Literal, Node, Property, Query, Test, Value};

/// A group that a query mentions.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum GroupReference {
    /// Resolved.
    Group(GroupId),
    /// Not looked up: the name as given.
    NameMatch(String),
}

/// What a query uses.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Inspection {
    /// Names of attributes, sorted.
    pub attributes: Vec<&'static str>,
    /// Schemes, sorted.
    pub schemes: Vec<String>,
    /// Keys and names of fields in the order of first use. The name is empty if the field was not looked up.
    pub fields: Vec<(String, String)>,
    /// Names of events in the order of first use.
    pub events: Vec<String>,
    /// Groups in the order of first use. Of groups that were not looked up, ContactQL gives the first alone.
    pub groups: Vec<GroupReference>,
    /// Whether ContactQL allows it as a smart group.
    pub allow_as_group: bool,
}

/// Looks through a query. Cost: linear.
pub fn inspect(query: &Query, schema: &Schema) -> Inspection {
    let mut inspector = Inspector {
        schema,
        found: Inspection::default(),
        only_first_match: query.dialect == Dialect::ContactQl,
        has_match: false,
        seen: FxHashSet::default(),
    };
    inspector.found.allow_as_group = true;
    for_each_condition(&query.root, &mut |condition| inspector.condition(condition));
    inspector.found.attributes.sort_unstable();
    inspector.found.attributes.dedup();
    inspector.found.schemes.sort_unstable();
    inspector.found.schemes.dedup();
    inspector.found
}

/// Calls `visit` with each condition, from left to right.
pub fn for_each_condition<'q>(node: &'q Node, visit: &mut impl FnMut(&'q Condition)) {
    match node {
        Node::All(children) | Node::Any(children) => {
            children.iter().for_each(|child| for_each_condition(child, visit));
        }
        Node::Not(inner) => for_each_condition(inner, visit),
        Node::Condition(condition) => visit(condition),
    }
}

/// Calls `visit` with each literal of a condition, from left to right.
pub fn for_each_literal<'q>(condition: &'q Condition, mut visit: impl FnMut(&'q Literal)) {
    match &condition.test {
        Test::Equals(literal) | Test::Differs(literal) | Test::Compares(_, literal) => visit(literal),
        Test::In { items, .. } => items.iter().for_each(visit),
        Test::Between { low, high, .. } => low.iter().chain(high).for_each(visit),
        Test::Unset | Test::Set | Test::Contains(_) | Test::Anniversary { .. } => {}
    }
}

struct Inspector<'a> {
    schema: &'a Schema,
    found: Inspection,
    only_first_match: bool,
    has_match: bool,
    seen: FxHashSet<GroupReference>,
}

impl Inspector<'_> {
    fn condition(&mut self, condition: &Condition) {
        match &condition.property {
            Property::Scheme(scheme) => self.found.schemes.push(scheme.as_str().to_owned()),
            Property::Field(field) => {
                if self.found.fields.iter().all(|(key, _)| **key != *field.key) {
                    let known = field.id.and_then(|id| self.schema.field_by_id(id));
                    let name = known.map_or(String::new(), |field| field.name.clone());
                    self.found.fields.push((field.key.to_string(), name));
                }
            }
            Property::Event(event) => {
                let known = event.event.and_then(|id| self.schema.event_by_id(id));
                let name = known.map_or(&*event.name, |known| &known.name);
                if !self.found.events.iter().any(|held| held == name) {
                    self.found.events.push(name.to_owned());
                }
            }
            property => {
                if let Some(attribute) = Attribute::of(property) {
                    self.found.attributes.push(attribute.key());
                    self.found.allow_as_group &= attribute.is_allowed_in_group();
                }
            }
        }
        for_each_literal(condition, |literal| {
            let reference = match &literal.value {
                Value::Group(Some(id)) => GroupReference::Group(*id),
                // The reference tells groups apart by identity, and those that it did not look up have none.
                Value::Group(None) if self.only_first_match && self.has_match => return,
                Value::Group(None) => {
                    self.has_match = true;
                    GroupReference::NameMatch(literal.text.to_string())
                }
                _ => return,
            };
            if self.seen.insert(reference.clone()) {
                self.found.groups.push(reference);
            }
        });
    }
}
