//! Clauses that never hold, or always: found by planning each part of a query alone.

use jiff::tz::TimeZone;

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Known, is_resolved, span};
use crate::plan::atom::Expr;
use crate::plan::logical::lower_node;
use crate::plan::rules::Kind;
use crate::schema::Schema;
use crate::sema::print::{canonical_condition, canonical_node, current_property_name};
use crate::sema::query::{Condition, Dialect, Node, Query, Test};

/// Of more clauses than this, side by side, the two that exclude each other are not looked for: that costs a plan for
/// each pair.
const MOST_PAIRED: usize = 24;

/// A part of a query that is the same for every contact at any time, and has no smaller such part.
#[derive(Clone, PartialEq, Debug)]
pub struct Claim {
    /// One condition; or clauses of one `AND` or `OR`, perhaps not all of them.
    pub clause: Node,
    /// Whether it holds for every contact, or for none.
    pub holds: bool,
}

/// All parts of a query that never hold in this zone, or always, and that planning can tell to.
pub fn claims(query: &Query, zone: &TimeZone) -> Vec<Claim> {
    let mut collector = Collector { zone, claims: Vec::new() };
    collector.collect(&query.root);
    collector.claims
}

/// One warning for each claim.
pub(super) fn check(text: &str, query: &Query, known: &Known<'_>) -> Vec<Diagnostic> {
    let zone = &known.environment.timezone;
    let teller = Teller { text, dialect: query.dialect, schema: known.schema };
    let mut found: Vec<Diagnostic> = claims(query, zone).iter().map(|claim| teller.tell(claim)).collect();
    if let Some(holds) = constant(&query.root, zone) {
        let who = if holds { "every contact" } else { "no contact" };
        for warning in &mut found {
            let so = format!("so {who} matches the whole query");
            warning.help = Some(warning.help.take().map_or_else(|| so.clone(), |help| format!("{help}; {so}")));
        }
    }
    found
}

/// Whether a part holds for every contact, or for none, if planning can tell.
fn constant(node: &Node, zone: &TimeZone) -> Option<bool> {
    match lower_node(node, zone).root {
        Expr::Constant(holds) if is_resolved(node) => Some(holds),
        _ => None,
    }
}

/// Looks through a query for parts of which something can be claimed.
struct Collector<'a> {
    zone: &'a TimeZone,
    claims: Vec<Claim>,
}

impl Collector<'_> {
    fn constant(&self, node: &Node) -> Option<bool> {
        constant(node, self.zone)
    }

    /// Looks at a part, smallest parts first; gives whether something is claimed of it or within it.
    fn collect(&mut self, node: &Node) -> bool {
        match node {
            Node::All(children) => self.collect_among(Kind::All, children),
            Node::Any(children) => self.collect_among(Kind::Any, children),
            Node::Not(inner) => self.collect(inner),
            Node::Condition(_) => match self.constant(node) {
                Some(holds) => {
                    self.claims.push(Claim { clause: node.clone(), holds });
                    true
                }
                None => false,
            },
        }
    }

    fn collect_among(&mut self, kind: Kind, children: &[Node]) -> bool {
        let others: Vec<Node> = children.iter().filter(|child| !self.collect(child)).cloned().collect();
        let is_claimed = others.len() < children.len();
        if others.len() < 2 {
            return is_claimed;
        }
        let paired = if others.len() <= MOST_PAIRED { self.pair(kind, &others) } else { None };
        let clause = paired.unwrap_or_else(|| combined(kind, others));
        match self.constant(&clause) {
            Some(holds) => {
                self.claims.push(Claim { clause, holds });
                true
            }
            None => is_claimed,
        }
    }

    /// The first two clauses that are enough.
    fn pair(&self, kind: Kind, clauses: &[Node]) -> Option<Node> {
        self.constant(&combined(kind, clauses.to_vec()))?;
        clauses.iter().enumerate().find_map(|(at, first)| {
            let pairs = clauses.iter().skip(at + 1).map(|second| combined(kind, vec![first.clone(), second.clone()]));
            pairs.into_iter().find(|pair| self.constant(pair).is_some())
        })
    }
}

/// Puts claims into words.
struct Teller<'a> {
    /// What the query was read from.
    text: &'a str,
    dialect: Dialect,
    schema: &'a Schema,
}

impl Teller<'_> {
    fn tell(&self, claim: &Claim) -> Diagnostic {
        let code = if claim.holds { Code::AlwaysHolds } else { Code::NeverHolds };
        let text = |node: &Node| canonical_node(node, self.dialect, self.schema);
        let (message, help) = match (&claim.clause, claim.holds) {
            (Node::All(clauses), false) if clauses.len() == 2 => {
                let all = clauses.iter().map(|clause| format!("`{}`", text(clause))).collect::<Vec<_>>();
                (format!("{} never hold together", all.join(" and ")), self.other_word(clauses))
            }
            (Node::Any(clauses), true) if clauses.len() == 2 => {
                let all = clauses.iter().map(|clause| format!("`{}`", text(clause))).collect::<Vec<_>>();
                (format!("one of {} always holds", all.join(" and ")), self.other_word(clauses))
            }
            (Node::All(clauses) | Node::Any(clauses), holds) => {
                let who = if holds { "every contact" } else { "no contact" };
                (format!("these {} clauses together hold for {who}", clauses.len()), None)
            }
            (clause, holds) => {
                let who = if holds { "every contact" } else { "no contact" };
                (format!("`{}` holds for {who}", text(clause)), self.swapped(clause))
            }
        };
        Diagnostic::new(code, message, span(self.text, &claim.clause)).help(help)
    }

    /// `AND` between two values of one property, or `OR` between two that are excluded, is mostly meant the other way.
    fn other_word(&self, clauses: &[Node]) -> Option<String> {
        let [Node::Condition(first), Node::Condition(second)] = clauses else { return None };
        if first.property != second.property {
            return None;
        }
        let name = current_property_name(&first.property, self.schema);
        match (&first.test, &second.test) {
            (Test::Equals(_), Test::Equals(_)) => {
                Some(format!("a contact has at most one {name}: for either of the two, use `OR`"))
            }
            (Test::Differs(_), Test::Differs(_)) => {
                Some(format!("a contact has at most one {name}: for neither of the two, use `AND`"))
            }
            _ => None,
        }
    }

    /// For a range whose ends are the wrong way round, the other way.
    fn swapped(&self, clause: &Node) -> Option<String> {
        let Node::Condition(condition) = clause else { return None };
        let Test::Between { low: Some(low), high: Some(high), negated } = &condition.test else { return None };
        let test = Test::Between { low: Some(high.clone()), high: Some(low.clone()), negated: *negated };
        let swapped = Condition { test, ..(**condition).clone() };
        let text = canonical_condition(&swapped, self.dialect, self.schema);
        Some(format!("the lower end comes first: `{text}`"))
    }
}

fn combined(kind: Kind, mut clauses: Vec<Node>) -> Node {
    match (clauses.len(), kind) {
        (1, _) => clauses.swap_remove(0),
        (_, Kind::All) => Node::All(clauses),
        (_, Kind::Any) => Node::Any(clauses),
    }
}
