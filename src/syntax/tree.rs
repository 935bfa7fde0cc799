//! The syntax tree: nodes in an arena, with spans, knowing nothing of the schema.
//!
//! The constructors flatten as they build: a [`Node::Combination`] never holds another of its own kind, and a
//! [`Node::Not`] never another. So the tree is no deeper than the text's brackets allow, and dropping it takes no stack.

use crate::span::Span;
use crate::syntax::lexer::Operator;

/// A node's place in its [`Tree`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct NodeId(u32);

/// How expressions are combined.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Connective {
    /// `AND`, or side by side.
    All,
    /// `OR`
    Any,
}

/// A value as written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Literal {
    /// Where it stands, with its quotes.
    pub span: Span,
    /// Whether it is a string in quotes.
    pub quoted: bool,
}

/// A run of values in the tree's list of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Literals {
    first: u32,
    count: u32,
}

/// A condition on events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EventNode {
    /// The prefix and the name, such as `did.order`.
    pub property: Span,
    /// What must hold of an event to count.
    pub filter: Option<NodeId>,
    /// What must hold of them all.
    pub test: EventTest,
    /// When they must have happened to count.
    pub window: Option<Literal>,
    /// The whole condition.
    pub span: Span,
}

/// What must hold of events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventTest {
    /// Nothing is said: `did.order`.
    Alone,
    /// `operator value`
    Condition {
        /// The operator.
        operator: Operator,
        /// Where the operator stands.
        operator_span: Span,
        /// The value.
        value: Literal,
    },
    /// `IN (…)` or `NOT IN (…)`
    In {
        /// The values.
        items: Literals,
        /// `NOT IN`
        negated: bool,
    },
    /// `ANNIVERSARY value`
    Anniversary(Literal),
}

/// The place of an [`EventNode`] in its [`Tree`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EventNodeId(u32);

/// A node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Node {
    /// `property operator value`
    Condition {
        /// The property, perhaps with a prefix.
        property: Span,
        /// The operator.
        operator: Operator,
        /// Where the operator stands.
        operator_span: Span,
        /// The value.
        value: Literal,
    },
    /// A value alone.
    Implicit(Literal),
    /// `property IN (…)` or `property NOT IN (…)`
    In {
        /// The property.
        property: Span,
        /// The values.
        items: Literals,
        /// `NOT IN`
        negated: bool,
        /// The whole condition.
        span: Span,
    },
    /// `property ANNIVERSARY value`
    Anniversary {
        /// The property.
        property: Span,
        /// The day or span of days.
        value: Literal,
    },
    /// A condition on events.
    Event(EventNodeId),
    /// Two or more expressions.
    Combination {
        /// How they are combined.
        connective: Connective,
        /// The first of them; the others follow from one to the next.
        first: NodeId,
        /// The last of them.
        last: NodeId,
    },
    /// `NOT`, and the expression.
    Not(NodeId),
    /// What could not be read.
    Broken,
}

/// The tree of one query.
#[derive(Default, Debug)]
pub struct Tree {
    nodes: Vec<(Node, Option<NodeId>)>,
    literals: Vec<Literal>,
    events: Vec<EventNode>,
    conditions: usize,
}

impl Tree {
    /// An empty tree, with room for the nodes of a text of so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Tree { nodes: Vec::with_capacity(bytes / 8 + 1), ..Tree::default() }
    }

    /// The node of that id.
    pub fn node(&self, id: NodeId) -> Node {
        self.nodes.get(id.0 as usize).map_or(Node::Broken, |(node, _)| *node)
    }

    /// The values of a list.
    pub fn literals(&self, list: Literals) -> &[Literal] {
        self.literals.get(list.first as usize..(list.first + list.count) as usize).unwrap_or_default()
    }

    /// The condition on events of that id.
    pub fn event_node(&self, id: EventNodeId) -> Option<EventNode> {
        self.events.get(id.0 as usize).copied()
    }

    /// How many conditions there are, implicit ones and those of filters included.
    pub fn conditions(&self) -> usize {
        self.conditions
    }

    /// All nodes, in the order in which they were read.
    pub fn nodes(&self) -> impl Iterator<Item = Node> {
        self.nodes.iter().map(|(node, _)| *node)
    }

    /// The expressions of a combination that begins with `first`.
    pub fn siblings(&self, first: NodeId) -> impl Iterator<Item = NodeId> {
        std::iter::successors(Some(first), |id| self.nodes.get(id.0 as usize).and_then(|(_, next)| *next))
    }

    fn push(&mut self, node: Node) -> NodeId {
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push((node, None));
        id
    }

    /// Adds a condition of any kind, or a broken one.
    pub(super) fn leaf(&mut self, node: Node) -> NodeId {
        self.conditions += 1;
        self.push(node)
    }

    /// Adds a condition on events.
    pub(super) fn event(&mut self, event: EventNode) -> NodeId {
        self.events.push(event);
        self.leaf(Node::Event(EventNodeId(self.events.len() as u32 - 1)))
    }

    /// Adds a list with its first value.
    pub(super) fn list(&mut self, literal: Literal) -> Literals {
        self.literals.push(literal);
        Literals { first: self.literals.len() as u32 - 1, count: 1 }
    }

    /// Adds a value to the list that was last begun.
    pub(super) fn extend(&mut self, list: Literals, literal: Literal) -> Literals {
        self.literals.push(literal);
        Literals { first: list.first, count: list.count + 1 }
    }

    /// Adds a negation; of a negation, gives back what that negates.
    pub(super) fn not(&mut self, inner: NodeId) -> NodeId {
        match self.node(inner) {
            Node::Not(inner) => inner,
            _ => self.push(Node::Not(inner)),
        }
    }

    /// Combines two expressions, taking in the children of those of the same connective. Costs the same for any number
    /// of children.
    pub(super) fn join(&mut self, connective: Connective, left: NodeId, right: NodeId) -> NodeId {
        let ends = |tree: &Tree, id: NodeId| match tree.node(id) {
            Node::Combination { connective: own, first, last } if own == connective => (first, last, true),
            _ => (id, id, false),
        };
        let (first, middle, reuse) = ends(self, left);
        let (next, last, _) = ends(self, right);
        if let Some((_, link)) = self.nodes.get_mut(middle.0 as usize) {
            *link = Some(next);
        }
        let combination = Node::Combination { connective, first, last };
        match self.nodes.get_mut(left.0 as usize) {
            Some((node, _)) if reuse => {
                *node = combination;
                left
            }
            _ => self.push(combination),
        }
    }
}
