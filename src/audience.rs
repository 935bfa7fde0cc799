//! Who a broadcast reaches: groups, contacts and a query, without those who are to be left alone, as one query.
//!
//! The query is made of resolved groups, contacts and flows, not of text, so that no name can change what it means.

use crate::contact::Status;
use crate::ids::{FlowId, GroupId, Uuid};
use crate::schema::Schema;
use crate::sema::query::{
    Comparator, Condition, Dialect, Literal, Node, Property, Query, RelativeTime, Test, Unit, Value,
};
use crate::span::Span;
use crate::value::fold::fold;

/// Who is to be reached, and who is not.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Audience {
    /// Members of these groups,
    pub groups: Vec<GroupId>,
    /// and these contacts,
    pub contacts: Vec<Uuid>,
    /// and those who match,
    pub query: Option<Query>,
    /// but no member of these groups,
    pub exclude_groups: Vec<GroupId>,
    /// and nobody who is in a flow,
    pub exclude_in_flow: bool,
    /// or has started this one before,
    pub exclude_started: Option<FlowId>,
    /// or was not seen for that many days,
    pub not_seen_since: Option<u32>,
    /// or is not active, unless this is set.
    pub include_inactive: bool,
}

impl Audience {
    /// The query for it; `None` if it names nobody to reach.
    ///
    /// Names of groups and flows that the schema does not have are printed as nothing.
    pub fn to_query(&self, schema: &Schema) -> Option<Query> {
        let group = |&id: &GroupId| Literal {
            text: schema.group_by_id(id).map(|group| group.name.as_str()).unwrap_or_default().into(),
            value: Value::Group(Some(id)),
        };
        let contact = |uuid: &Uuid| {
            let text = uuid.to_string();
            Literal { value: Value::Text(fold(&text).into()), text: text.into() }
        };
        let mut reached = Vec::new();
        reached.extend(one_of(Property::Group, self.groups.iter().map(group).collect(), false));
        reached.extend(one_of(Property::Uuid, self.contacts.iter().map(contact).collect(), false));
        reached.extend(self.query.as_ref().map(|query| query.root.clone()));
        let mut demands = vec![any(reached)?];
        if !self.include_inactive {
            let active = Literal { text: Status::Active.name().into(), value: Value::Status(Status::Active) };
            demands.push(condition(Property::Status, Test::Equals(active)));
        }
        demands.extend(one_of(Property::Group, self.exclude_groups.iter().map(group).collect(), true));
        if self.exclude_in_flow {
            demands.push(condition(Property::Flow, Test::Unset));
        }
        if let Some(id) = self.exclude_started {
            let text = schema.flow_by_id(id).map(|flow| flow.name.as_str()).unwrap_or_default().into();
            demands.push(condition(Property::History, Test::Differs(Literal { text, value: Value::Flow(Some(id)) })));
        }
        if let Some(days) = self.not_seen_since {
            let time = RelativeTime { amount: -i32::try_from(days).unwrap_or(i32::MAX), unit: Unit::Day };
            let literal = Literal { text: time.to_string().into(), value: Value::Relative(time) };
            demands.push(condition(Property::LastSeenOn, Test::Compares(Comparator::Greater, literal)));
        }
        Some(Query { dialect: Dialect::Extended, root: all(demands) })
    }
}

/// The same query, but for these contacts.
///
/// ```
/// use headcount::{Dialect, Instant, Uuid};
/// use headcount::internals::audience::excluding;
/// # let environment = headcount::Environment::utc(Instant::default());
/// # let parsed = headcount::parse_with("bob", Dialect::ContactQl, headcount::Resolve::Nothing, &environment).unwrap();
/// let query = excluding(parsed.query, &[Uuid::random()]);
/// assert!(headcount::internals::sema::print::canonical(&query, &headcount::Schema::new()).starts_with("name ~ \"bob\" AND uuid != "));
/// ```
pub fn excluding(query: Query, contacts: &[Uuid]) -> Query {
    let literal = |uuid: &Uuid| {
        let text = uuid.to_string();
        Literal { value: Value::Text(fold(&text).into()), text: text.into() }
    };
    match one_of(Property::Uuid, contacts.iter().map(literal).collect(), true) {
        Some(excluded) => Query { dialect: Dialect::Extended, root: all(vec![query.root, excluded]) },
        None => query,
    }
}

/// The property is one of these, or none of them; `None` of nothing.
fn one_of(property: Property, mut items: Vec<Literal>, negated: bool) -> Option<Node> {
    let test = match (items.pop(), items.is_empty()) {
        (None, _) => return None,
        (Some(only), true) if negated => Test::Differs(only),
        (Some(only), true) => Test::Equals(only),
        (Some(last), false) => {
            items.push(last);
            Test::In { items, unset: false, negated }
        }
    };
    Some(condition(property, test))
}

fn condition(property: Property, test: Test) -> Node {
    Node::Condition(Box::new(Condition { property, test, span: Span::default() }))
}

/// Some of these holds; `None` of nothing.
fn any(nodes: Vec<Node>) -> Option<Node> {
    let mut flat = Vec::with_capacity(nodes.len());
    for node in nodes {
        match node {
            Node::Any(children) => flat.extend(children),
            node => flat.push(node),
        }
    }
    match flat.len() {
        0 | 1 => flat.pop(),
        _ => Some(Node::Any(flat)),
    }
}

/// All of these hold; there is at least one.
fn all(nodes: Vec<Node>) -> Node {
    let mut flat = Vec::with_capacity(nodes.len());
    for node in nodes {
        match node {
            Node::All(children) => flat.extend(children),
            node => flat.push(node),
        }
    }
    match <[Node; 1]>::try_from(flat) {
        Ok([only]) => only,
        Err(flat) => Node::All(flat),
    }
}
