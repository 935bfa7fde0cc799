//! Clauses that never hold, or always: found by planning each part of a query alone.

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{is_resolved, span};
use crate::plan::atom::Expr;
use crate::plan::logical::lower_node;
use crate::plan::rules::Kind;
use crate::schema::Schema;
use crate::sema::print::{canonical_condition, canonical_node, current_property_name};
use crate::sema::query::{Condition, Node, Query, Test};
use crate::span::Span;

/// Of more clauses than this, side by side, the two that exclude each other are not looked for: that costs a plan for
/// each pair.
const MOST_PAIRED: usize = 24;

/// One warning for each smallest part that is the same for every contact.
pub(super) fn check(query: &Query, schema: &Schema) -> Vec<Diagnostic> {
    let mut clauses = Clauses { query, schema, found: Vec::new() };
    clauses.node(&query.root);
    let mut found = clauses.found;
    if let Some(holds) = constant(&query.root) {
        let who = if holds { "every contact" } else { "no contact" };
        for warning in &mut found {
            let so = format!("so {who} matches the whole query");
            warning.help = Some(warning.help.take().map_or_else(|| so.clone(), |help| format!("{help}; {so}")));
        }
    }
    found
}

/// Whether a part holds for every contact, or for none, if planning can tell.
fn constant(node: &Node) -> Option<bool> {
    match lower_node(node).root {
        Expr::Constant(holds) if is_resolved(node) => Some(holds),
        _ => None,
    }
}

struct Clauses<'q> {
    query: &'q Query,
    schema: &'q Schema,
    found: Vec<Diagnostic>,
}

impl Clauses<'_> {
    /// Looks at a part, smallest parts first; gives whether something was told of the part as a whole, or makes it up.
    fn node(&mut self, node: &Node) -> bool {
        match node {
            Node::All(children) => self.children(Kind::All, children),
            Node::Any(children) => self.children(Kind::Any, children),
            Node::Not(inner) => self.node(inner),
            Node::Condition(condition) => match constant(node) {
                Some(holds) => {
                    self.condition(condition, holds);
                    true
                }
                None => false,
            },
        }
    }

    fn children(&mut self, kind: Kind, children: &[Node]) -> bool {
        let others: Vec<Node> = children.iter().filter(|child| !self.node(child)).cloned().collect();
        if others.len() < children.len() && others.len() < 2 {
            return true;
        }
        let all = combined(kind, others.clone());
        let Some(holds) = constant(&all) else { return others.len() < children.len() };
        let is_clash = holds == (kind == Kind::Any);
        let pair = if is_clash && others.len() <= MOST_PAIRED { self.pair(kind, &others) } else { None };
        match pair {
            Some((first, second)) => self.two(kind, first, second),
            None => self.tell(holds, message(holds, &format!("these {} clauses together", others.len())), span(&all)),
        }
        true
    }

    /// The first two clauses that are enough.
    fn pair<'n>(&self, kind: Kind, clauses: &'n [Node]) -> Option<(&'n Node, &'n Node)> {
        clauses.iter().enumerate().find_map(|(at, first)| {
            let mut others = clauses.iter().skip(at + 1);
            let second =
                others.find(|second| constant(&combined(kind, vec![first.clone(), (*second).clone()])).is_some())?;
            Some((first, second))
        })
    }

    fn two(&mut self, kind: Kind, first: &Node, second: &Node) {
        let text = |node: &Node| canonical_node(node, self.query.dialect, self.schema);
        let (a, b) = (text(first), text(second));
        let message = match kind {
            Kind::All => format!("`{a}` and `{b}` never hold together"),
            Kind::Any => format!("one of `{a}` and `{b}` always holds"),
        };
        let help = self.other_word(kind, first, second);
        self.tell(kind == Kind::Any, message, span(first).to(span(second)));
        if let Some(last) = self.found.last_mut() {
            last.help = help;
        }
    }

    /// `AND` between two values of one property, or `OR` between two that are excluded, is mostly meant the other way.
    fn other_word(&self, kind: Kind, first: &Node, second: &Node) -> Option<String> {
        let (Node::Condition(first), Node::Condition(second)) = (first, second) else { return None };
        if first.property != second.property {
            return None;
        }
        let name = current_property_name(&first.property, self.schema);
        match (kind, &first.test, &second.test) {
            (Kind::All, Test::Equals(_), Test::Equals(_)) => {
                Some(format!("a contact has at most one {name}: for either of the two, use `OR`"))
            }
            (Kind::Any, Test::Differs(_), Test::Differs(_)) => {
                Some(format!("a contact has at most one {name}: for neither of the two, use `AND`"))
            }
            _ => None,
        }
    }

    fn condition(&mut self, condition: &Condition, holds: bool) {
        let text = |condition: &Condition| canonical_condition(condition, self.query.dialect, self.schema);
        let message = message(holds, &format!("`{}`", text(condition)));
        let swapped = match &condition.test {
            Test::Between { low: Some(low), high: Some(high), negated } => Some(Condition {
                test: Test::Between { low: Some(high.clone()), high: Some(low.clone()), negated: *negated },
                ..condition.clone()
            }),
            _ => None,
        };
        let help = swapped.map(|swapped| format!("the lower end comes first: `{}`", text(&swapped)));
        self.tell(holds, message, condition.span);
        if let Some(last) = self.found.last_mut() {
            last.help = help;
        }
    }

    fn tell(&mut self, holds: bool, message: String, span: Span) {
        let code = if holds { Code::AlwaysHolds } else { Code::NeverHolds };
        self.found.push(Diagnostic::new(code, message, span));
    }
}

fn message(holds: bool, what: &str) -> String {
    match (holds, what.starts_with('`')) {
        (true, true) => format!("{what} holds for every contact"),
        (false, true) => format!("{what} holds for no contact"),
        (true, false) => format!("{what} hold for every contact"),
        (false, false) => format!("{what} hold for no contact"),
    }
}

fn combined(kind: Kind, mut clauses: Vec<Node>) -> Node {
    match (clauses.len(), kind) {
        (1, _) => clauses.swap_remove(0),
        (_, Kind::All) => Node::All(clauses),
        (_, Kind::Any) => Node::Any(clauses),
    }
}
