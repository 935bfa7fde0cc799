//! The rules of normalisation, a file each.
//!
//! A rule looks at the children of one `All` or `Any`, which are normalised themselves, and gives other children that
//! say the same, or nothing if it finds nothing to do. Most rules are written for `All` only: an `Any` is the complement
//! of an `All` of complements (`dual`).
//!
//! | rule | before | after |
//! | --- | --- | --- |
//! | [`flatten`] | `a AND (b AND c)` | `a AND b AND c` |
//! | [`constants`] | `a AND nothing` | `nothing` |
//! | [`equal_once`] | `a OR a` | `a` |
//! | [`complements`] | `a AND NOT a` | `nothing` |
//! | [`presence`] | `a = x AND a != ""` | `a = x` |
//! | [`sets`] | `a = x OR a = y` | `a IN (x, y)` |
//! | [`ranges`] | `n > 1 AND n > 5 AND n <= 9` | `n` in `(5, 9]` |
//! | [`absorb`] | `a OR (a AND b)` | `a` |
//! | [`factor`] | `(a AND b) OR (a AND c)` | `a AND (b OR c)` |
//!
//! [`negate`] (negation inward) and [`leaf`] (atoms in their simplest form) cannot be switched off: plans have no other
//! negation than at the leaves.

pub mod absorb;
pub mod complements;
pub mod constants;
pub mod equal_once;
pub mod factor;
pub mod flatten;
pub mod leaf;
pub mod negate;
pub mod presence;
pub mod ranges;
pub mod sets;

use std::ops::BitOr;

use crate::plan::atom::{Atom, Expr};
use crate::plan::logical::Builder;

/// A set of rules.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rules(u16);

impl Rules {
    /// None: expressions as they are written, but for negations.
    pub const NONE: Rules = Rules(0);
    /// See [`flatten`].
    pub const FLATTEN: Rules = Rules(1);
    /// See [`constants`].
    pub const CONSTANTS: Rules = Rules(1 << 1);
    /// See [`equal_once`].
    pub const EQUAL_ONCE: Rules = Rules(1 << 2);
    /// See [`complements`].
    pub const COMPLEMENTS: Rules = Rules(1 << 3);
    /// See [`presence`].
    pub const PRESENCE: Rules = Rules(1 << 4);
    /// See [`sets`].
    pub const SETS: Rules = Rules(1 << 5);
    /// See [`ranges`].
    pub const RANGES: Rules = Rules(1 << 6);
    /// See [`absorb`].
    pub const ABSORB: Rules = Rules(1 << 7);
    /// See [`factor`].
    pub const FACTOR: Rules = Rules(1 << 8);
    /// All of them.
    pub const ALL: Rules = Rules((1 << 9) - 1);

    /// Each rule alone, with its name.
    pub const EACH: [(&'static str, Rules); 9] = [
        ("flatten", Rules::FLATTEN),
        ("constants", Rules::CONSTANTS),
        ("equal_once", Rules::EQUAL_ONCE),
        ("complements", Rules::COMPLEMENTS),
        ("presence", Rules::PRESENCE),
        ("sets", Rules::SETS),
        ("ranges", Rules::RANGES),
        ("absorb", Rules::ABSORB),
        ("factor", Rules::FACTOR),
    ];

    /// Whether all of `other` are among them.
    pub fn contains(self, other: Rules) -> bool {
        self.0 & other.0 == other.0
    }

    /// Without those of `other`.
    #[must_use]
    pub fn without(self, other: Rules) -> Rules {
        Rules(self.0 & !other.0)
    }
}

impl BitOr for Rules {
    type Output = Rules;

    fn bitor(self, other: Rules) -> Rules {
        Rules(self.0 | other.0)
    }
}

/// The two ways to combine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Every child holds.
    All,
    /// Some child holds.
    Any,
}

impl Kind {
    /// The other one, if asked for.
    pub(crate) fn flipped_if(self, flipped: bool) -> Kind {
        match (self, flipped) {
            (Kind::All, false) | (Kind::Any, true) => Kind::All,
            (Kind::Any, false) | (Kind::All, true) => Kind::Any,
        }
    }

    /// What no children combine to, and what changes nothing as a child.
    pub(crate) fn neutral(self) -> bool {
        self == Kind::All
    }

    /// The children of an expression of this kind.
    pub(crate) fn children_of(self, expression: &Expr) -> Option<&[Expr]> {
        match (self, expression) {
            (Kind::All, Expr::All(children)) | (Kind::Any, Expr::Any(children)) => Some(children),
            _ => None,
        }
    }

    /// The combination of children as they are; of one, that one.
    pub(crate) fn of(self, mut children: Vec<Expr>) -> Expr {
        match (children.len(), self) {
            (0, _) => Expr::Constant(self.neutral()),
            (1, _) => children.swap_remove(0),
            (_, Kind::All) => Expr::All(children),
            (_, Kind::Any) => Expr::Any(children),
        }
    }
}

/// Applies the rules to the children of a combination until none finds anything to do.
///
/// Each application takes a child away or makes one smaller, or puts them in order, so this ends.
pub(crate) fn apply(builder: &mut Builder, rules: Rules, kind: Kind, mut children: Vec<Expr>) -> Vec<Expr> {
    type Rule = fn(&mut Builder, Kind, &[Expr]) -> Option<Vec<Expr>>;
    const IN_ORDER: [(Rules, Rule); 9] = [
        (Rules::FLATTEN, flatten::apply),
        (Rules::CONSTANTS, constants::apply),
        (Rules::EQUAL_ONCE, equal_once::apply),
        (Rules::COMPLEMENTS, complements::apply),
        (Rules::PRESENCE, presence::apply),
        (Rules::SETS, sets::apply),
        (Rules::RANGES, ranges::apply),
        (Rules::ABSORB, absorb::apply),
        (Rules::FACTOR, factor::apply),
    ];
    'again: loop {
        for (rule, apply) in IN_ORDER {
            if children.len() < 2 && rule != Rules::FLATTEN && rule != Rules::CONSTANTS {
                continue;
            }
            if let Some(changed) = rules.contains(rule).then(|| apply(builder, kind, &children)).flatten() {
                children = changed;
                if rule != Rules::FLATTEN && rule != Rules::EQUAL_ONCE {
                    continue 'again;
                }
            }
        }
        return children;
    }
}

/// A leaf with its atom at hand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Signed {
    pub(crate) atom: Atom,
    pub(crate) negated: bool,
}

/// Applies a rule that is written for the leaves of an `All` to the leaves of either kind: `a OR b` is
/// `NOT (NOT a AND NOT b)`. The rule takes what it can merge out of the leaves and gives what to put instead, or `None`.
pub(crate) fn dual(
    builder: &mut Builder,
    kind: Kind,
    children: &[Expr],
    concerns: impl Fn(&Atom) -> bool,
    rule: impl Fn(&[Signed]) -> Option<Vec<Conjunct>>,
) -> Option<Vec<Expr>> {
    let flip = kind == Kind::Any;
    let mut leaves = Vec::new();
    let mut rest = Vec::new();
    for child in children {
        match child {
            Expr::Atom { atom, negated } => match builder.atom(*atom).filter(|atom| concerns(atom)) {
                Some(atom) => leaves.push(Signed { atom: atom.clone(), negated: *negated != flip }),
                None => rest.push(child.clone()),
            },
            _ => rest.push(child.clone()),
        }
    }
    if leaves.len() < 2 {
        return None;
    }
    for conjunct in rule(&leaves)? {
        rest.push(match conjunct {
            Conjunct::Never => Expr::Constant(flip),
            Conjunct::Leaf(Signed { atom, negated }) => builder.leaf(atom, negated != flip),
        });
    }
    Some(rest)
}

/// What a rule for the leaves of an `All` gives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Conjunct {
    /// They exclude each other.
    Never,
    /// A leaf.
    Leaf(Signed),
}

#[cfg(test)]
mod tests;
