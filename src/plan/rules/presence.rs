//! Presence: what says that some value is such and such says that there is one. `a = x AND a != ""` is `a = x`,
//! `a = x AND a = ""` is nothing, `a != x AND a = ""` is `a = ""`; for `OR` by duality: `a != x OR a != ""` is everything.
//! Afterwards no child says of a property that it has a value, or none, beside one that looks at its value.
//!
//! Numbers and dates are left to [`ranges`](crate::plan::rules::ranges): there a presence is a range open at both ends.

use crate::plan::atom::{Atom, Expr, TextProperty};
use crate::plan::logical::Builder;
use crate::plan::rules::{Conjunct, Kind, Signed, dual};

pub(crate) fn apply(builder: &mut Builder, kind: Kind, children: &[Expr]) -> Option<Vec<Expr>> {
    let has_presence = children.iter().any(
        |child| matches!(child, Expr::Atom { atom, .. } if builder.atom(*atom).is_some_and(|atom| set_of(atom).is_some())),
    );
    if !has_presence {
        return None;
    }
    dual(builder, kind, children, |atom| set_of(atom).or_else(|| implied(atom)).is_some(), conjoin)
}

/// The atom itself, if it says that a property has a value.
fn set_of(atom: &Atom) -> Option<Atom> {
    matches!(atom, Atom::TextSet(_) | Atom::GroupSet | Atom::FlowSet | Atom::HistorySet).then(|| atom.clone())
}

/// The presence that an atom implies.
fn implied(atom: &Atom) -> Option<Atom> {
    Some(match atom {
        Atom::TextIn(property, _) => Atom::TextSet(property.clone()),
        Atom::NameWords(_) => Atom::TextSet(TextProperty::Name),
        Atom::UrnContains(None, _) => Atom::TextSet(TextProperty::Urn),
        Atom::UrnContains(Some(scheme), _) => Atom::TextSet(TextProperty::Scheme(scheme.clone())),
        Atom::FieldWords(field, _) => Atom::TextSet(TextProperty::Field(*field)),
        Atom::GroupIn(_) => Atom::GroupSet,
        Atom::FlowIn(_) => Atom::FlowSet,
        Atom::HistoryIn(_) => Atom::HistorySet,
        _ => return None,
    })
}

fn conjoin(leaves: &[Signed]) -> Option<Vec<Conjunct>> {
    let holds = |atom: &Atom, negated| leaves.iter().any(|leaf| leaf.negated == negated && leaf.atom == *atom);
    let mut kept = Vec::with_capacity(leaves.len());
    for leaf in leaves {
        let is_redundant = match (set_of(&leaf.atom), implied(&leaf.atom), leaf.negated) {
            (Some(set), _, false) => {
                leaves.iter().any(|other| !other.negated && implied(&other.atom).as_ref() == Some(&set))
            }
            (_, Some(set), false) if holds(&set, true) => return Some(vec![Conjunct::Never]),
            (_, Some(set), true) => holds(&set, true),
            _ => false,
        };
        if !is_redundant {
            kept.push(Conjunct::Leaf(leaf.clone()));
        }
    }
    (kept.len() < leaves.len()).then_some(kept)
}
