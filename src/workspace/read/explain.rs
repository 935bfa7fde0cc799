//! How a query is answered: the normalised tree of what it asks, and the steps that answer it.

use serde::Serialize;

use crate::ids::{FieldId, FlowId, GroupId};
use crate::plan::atom::{Atom, Expr, LogicalPlan, NumberProperty, TextProperty, TimeBound, TimeProperty, WordMatch};
use crate::plan::explain::Explanation;
use crate::plan::logical;
use crate::schema::Schema;
use crate::sema::print::quote;
use crate::sema::query::Query;
use crate::workspace::error::WorkspaceError;
use crate::workspace::read::reader::Reader;

/// A query explained.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Explained {
    /// The query in canonical form.
    pub query: String,
    /// What is asked, normalised.
    pub logical: LogicalNode,
    /// The steps, with estimates and, if it was run, what really happened.
    pub physical: Explanation,
}

/// A node of the normalised tree.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogicalNode {
    /// Every contact (`true`) or none.
    Constant(bool),
    /// A condition.
    Atom(String),
    /// A condition that must not hold.
    Not(String),
    /// Every child holds.
    All(Vec<LogicalNode>),
    /// Some child holds.
    Any(Vec<LogicalNode>),
}

impl LogicalNode {
    fn of(plan: &LogicalPlan, expression: &Expr, describe: &dyn Fn(&Atom) -> String) -> Self {
        let children = |children: &[Expr]| children.iter().map(|child| Self::of(plan, child, describe)).collect();
        match expression {
            Expr::Constant(holds) => LogicalNode::Constant(*holds),
            Expr::Atom { atom, negated } => {
                let text = plan.atoms.get(atom.0 as usize).map(describe).unwrap_or_default();
                if *negated { LogicalNode::Not(text) } else { LogicalNode::Atom(text) }
            }
            Expr::All(all) => LogicalNode::All(children(all)),
            Expr::Any(any) => LogicalNode::Any(children(any)),
        }
    }

    /// As lines of text, each node indented below the one that it belongs to.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, 0);
        text
    }

    fn write(&self, out: &mut String, depth: usize) {
        let (line, children): (String, &[LogicalNode]) = match self {
            LogicalNode::Constant(true) => ("every contact".into(), &[]),
            LogicalNode::Constant(false) => ("no contact".into(), &[]),
            LogicalNode::Atom(text) => (text.clone(), &[]),
            LogicalNode::Not(text) => (format!("not {text}"), &[]),
            LogicalNode::All(children) => ("all of".into(), children),
            LogicalNode::Any(children) => ("any of".into(), children),
        };
        out.push_str(&"  ".repeat(depth));
        out.push_str(&line);
        out.push('\n');
        children.iter().for_each(|child| child.write(out, depth + 1));
    }
}

impl Reader<'_> {
    /// How a query is answered; `analyze` also runs it, each step alone.
    ///
    /// # Errors
    /// If the store or an index cannot be read.
    pub fn explain(&self, query: &Query, analyze: bool) -> Result<Explained, WorkspaceError> {
        let plan = logical::lower(query);
        let names = Names(self.schema());
        let describe = |atom: &Atom| names.atom(atom);
        let physical = self.run(&plan, |search| search.explain(&describe, analyze))?;
        let logical = LogicalNode::of(&plan, &plan.root, &describe);
        Ok(Explained { query: self.canonical(query), logical, physical })
    }
}

/// Prints atoms by the names that people gave.
struct Names<'s>(&'s Schema);

impl Names<'_> {
    fn atom(&self, atom: &Atom) -> String {
        match atom {
            Atom::TextIn(property, values) => one_of(&self.text(property), values.iter().map(|value| quote(value))),
            Atom::TextSet(property) => set(&self.text(property)),
            Atom::NumberIn(property, values) => one_of(&self.number(*property), values.iter().map(ToString::to_string)),
            Atom::NumberRange(property, low, high) => {
                let low = low.map(|bound| (if bound.inclusive { ">=" } else { ">" }, bound.value.to_string()));
                let high = high.map(|bound| (if bound.inclusive { "<=" } else { "<" }, bound.value.to_string()));
                range(&self.number(*property), low, high)
            }
            Atom::TimeRange(property, low, high) => {
                let low = low.map(|bound| (">=", moment(bound)));
                let high = high.map(|bound| ("<", moment(bound)));
                range(&self.time(*property), low, high)
            }
            Atom::Anniversary(property, low, high) => {
                format!("{} ANNIVERSARY {low}..{high}", self.time(*property))
            }
            Atom::StatusIn(statuses) => one_of("status", statuses.iter().map(ToString::to_string)),
            Atom::GroupIn(groups) => one_of("group", groups.iter().map(|&group| self.group(group))),
            Atom::GroupSet => set("group"),
            Atom::FlowIn(flows) => one_of("flow", flows.iter().map(|&flow| self.flow(flow))),
            Atom::FlowSet => set("flow"),
            Atom::HistoryIn(flows) => one_of("history", flows.iter().map(|&flow| self.flow(flow))),
            Atom::HistorySet => set("history"),
            Atom::NameWords(words) => format!("name ~ {}", quoted(words, " or ")),
            Atom::UrnContains(scheme, text) => {
                let property =
                    scheme.as_ref().map_or_else(|| "urn".into(), |scheme| format!("urns.{}", scheme.as_str()));
                format!("{property} ~ {}", quote(text))
            }
            Atom::FieldWords(field, words) => {
                let field = self.field(*field);
                match words {
                    WordMatch::All(words) => format!("{field} ~ {}", quoted(words, " and ")),
                    WordMatch::Phrase(words) => format!("{field} ~ {}", quote(&words.join(" "))),
                    WordMatch::Prefix(words) => format!("{field} ~ {}", quote(&format!("{}*", words.join(" ")))),
                }
            }
        }
    }

    fn text(&self, property: &TextProperty) -> String {
        match property {
            TextProperty::Uuid => "uuid".into(),
            TextProperty::Id => "id".into(),
            TextProperty::Ref => "ref".into(),
            TextProperty::Name => "name".into(),
            TextProperty::Language => "language".into(),
            TextProperty::Urn => "urn".into(),
            TextProperty::Scheme(scheme) => format!("urns.{}", scheme.as_str()),
            TextProperty::Field(field) | TextProperty::Place(field) => self.field(*field),
        }
    }

    fn number(&self, property: NumberProperty) -> String {
        match property {
            NumberProperty::Tickets => "tickets".into(),
            NumberProperty::Field(field) => self.field(field),
        }
    }

    fn time(&self, property: TimeProperty) -> String {
        match property {
            TimeProperty::CreatedOn => "created_on".into(),
            TimeProperty::LastSeenOn => "last_seen_on".into(),
            TimeProperty::Field(field) => self.field(field),
        }
    }

    fn field(&self, id: FieldId) -> String {
        self.0.field_by_id(id).map_or_else(|| format!("{id:?}"), |field| format!("fields.{}", field.key))
    }

    fn group(&self, id: GroupId) -> String {
        self.0.group_by_id(id).map_or_else(|| format!("{id:?}"), |group| quote(&group.name))
    }

    fn flow(&self, id: FlowId) -> String {
        self.0.flow_by_id(id).map_or_else(|| format!("{id:?}"), |flow| quote(&flow.name))
    }
}

fn set(property: &str) -> String {
    format!("{property} != \"\"")
}

fn one_of(property: &str, values: impl ExactSizeIterator<Item = String>) -> String {
    let operator = if values.len() == 1 { "=" } else { "IN" };
    let values = values.collect::<Vec<_>>().join(", ");
    if operator == "=" { format!("{property} = {values}") } else { format!("{property} IN ({values})") }
}

fn quoted(words: &[Box<str>], between: &str) -> String {
    words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(between)
}

fn range(property: &str, low: Option<(&str, String)>, high: Option<(&str, String)>) -> String {
    let ends: Vec<String> =
        [low, high].into_iter().flatten().map(|(operator, value)| format!("{property} {operator} {value}")).collect();
    if ends.is_empty() { set(property) } else { ends.join(" AND ") }
}

fn moment(bound: TimeBound) -> String {
    match bound {
        TimeBound::At(instant) => instant.to_string(),
        TimeBound::Relative { time, after: false } => time.to_string(),
        TimeBound::Relative { time, after: true } => format!("the end of {time}"),
    }
}
