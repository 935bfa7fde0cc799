//! Atoms and plans over one contact: what verifies rows and what small changes are evaluated with.

use smallvec::SmallVec;

use crate::contact::{ContactView, TypedValue};
use crate::ids::FieldId;
use crate::model::{Context, Memberships};
use crate::plan::atom::{Atom, Expr, LogicalPlan, NumberProperty, TextProperty, TimeProperty, WordMatch};
use crate::value::calendar::{DaysOfYear, birthday_of};
use crate::value::location::last_part;
use crate::value::words::{cut, for_each_word, words};
use crate::value::{Decimal, Instant, fold};

/// Up to as many texts are compared one by one; among more, the folded value is looked up.
const FEW: usize = 4;

impl LogicalPlan {
    /// Whether a contact, of any status, matches: as [`crate::model::matches`] of the query that it was made from.
    ///
    /// Cost: tens of nanoseconds per atom that is looked at, those with few values first to last as they stand; nothing
    /// is allocated but for mixed-case texts that are looked up among many values. Relative bounds are resolved each
    /// time: over many contacts, resolve them once with [`LogicalPlan::at`].
    pub fn evaluate<M: Memberships + ?Sized>(&self, contact: &impl ContactView, context: &Context<'_, M>) -> bool {
        self.holds(&self.root, &mut |atom| atom.matches(contact, context))
    }

    /// Evaluates an expression of this plan from the truth of its atoms.
    pub fn holds(&self, expression: &Expr, truth: &mut impl FnMut(&Atom) -> bool) -> bool {
        match expression {
            Expr::Constant(constant) => *constant,
            Expr::Atom { atom, negated } => self.atoms.get(atom.0 as usize).is_some_and(|atom| truth(atom) != *negated),
            Expr::All(children) => children.iter().all(|child| self.holds(child, truth)),
            Expr::Any(children) => children.iter().any(|child| self.holds(child, truth)),
        }
    }

    /// The same plan with its relative bounds resolved at a moment: see [`Atom::at`].
    pub fn at(&self, now: Instant, zone: &jiff::tz::TimeZone) -> LogicalPlan {
        LogicalPlan { atoms: self.atoms.iter().map(|atom| atom.at(now, zone)).collect(), root: self.root.clone() }
    }
}

impl Atom {
    /// Whether it holds of a contact.
    pub fn matches<M: Memberships + ?Sized>(&self, contact: &impl ContactView, context: &Context<'_, M>) -> bool {
        match self {
            Atom::TextIn(property, items) => some_text(property, contact, |text| is_among(text, items)),
            Atom::TextSet(property) => some_text(property, contact, |_| true),
            Atom::NumberIn(property, items) => {
                number(*property, contact).is_some_and(|number| items.binary_search(&number).is_ok())
            }
            Atom::NumberRange(property, low, high) => number(*property, contact).is_some_and(|number| {
                low.is_none_or(|low| number > low.value || low.inclusive && number == low.value)
                    && high.is_none_or(|high| number < high.value || high.inclusive && number == high.value)
            }),
            Atom::TimeRange(property, low, high) => moment(*property, contact).is_some_and(|moment| {
                low.is_none_or(|low| moment >= low.resolve(context.now, context.zone))
                    && high.is_none_or(|high| moment < high.resolve(context.now, context.zone))
            }),
            Atom::Anniversary(property, low, high) => moment(*property, contact).is_some_and(|moment| {
                DaysOfYear::between(*low, *high, context.now, context.zone).contains(birthday_of(moment, context.zone))
            }),
            Atom::StatusIn(items) => items.contains(&contact.status()),
            Atom::GroupIn(items) => items.iter().any(|&group| context.memberships.is_member(group)),
            Atom::GroupSet => context.memberships.in_any_group(),
            Atom::FlowIn(items) => contact.flow().is_some_and(|flow| items.binary_search(&flow).is_ok()),
            Atom::FlowSet => contact.flow().is_some(),
            Atom::HistoryIn(items) => contact.history().any(|flow| items.binary_search(&flow).is_ok()),
            Atom::HistorySet => contact.history().next().is_some(),
            Atom::NameWords(prefixes) => contact.name().is_some_and(|name| {
                let mut found = false;
                for_each_word(name, |word| {
                    found = found || prefixes.iter().any(|prefix| cut(word).starts_with(&**prefix));
                });
                found
            }),
            Atom::UrnContains(scheme, part) => contact.urns().any(|urn| {
                scheme.as_ref().is_none_or(|scheme| urn.scheme == scheme.as_str())
                    && fold::lower(urn.path).contains(&**part)
            }),
            Atom::FieldWords(field, wanted) => {
                contact.field(*field).is_some_and(|value| words_occur(value.text, wanted))
            }
        }
    }
}

fn some_text(property: &TextProperty, contact: &impl ContactView, test: impl Fn(&str) -> bool) -> bool {
    let of_field = |field: FieldId| contact.field(field).map(|value| value.text);
    match property {
        TextProperty::Uuid => test(contact.uuid().encode(&mut [0; 36])),
        TextProperty::Id => contact.id().is_some_and(test),
        TextProperty::Ref => contact.reference().is_some_and(test),
        TextProperty::Name => contact.name().is_some_and(test),
        TextProperty::Language => contact.language().is_some_and(test),
        TextProperty::Urn => contact.urns().any(|urn| test(urn.path)),
        TextProperty::Scheme(scheme) => contact.urns().any(|urn| urn.scheme == scheme.as_str() && test(urn.path)),
        TextProperty::Field(field) => of_field(*field).is_some_and(test),
        TextProperty::Place(field) => of_field(*field).map(last_part).is_some_and(test),
    }
}

fn is_among(text: &str, items: &[Box<str>]) -> bool {
    if items.len() <= FEW {
        return items.iter().any(|item| fold::folds_to(text, item));
    }
    let folded = fold::fold(text);
    items.binary_search_by(|item| (**item).cmp(&folded)).is_ok()
}

fn number(property: NumberProperty, contact: &impl ContactView) -> Option<Decimal> {
    match property {
        NumberProperty::Tickets => Some(Decimal::from(i64::from(contact.tickets()))),
        NumberProperty::Field(field) => match contact.field(field)?.typed {
            TypedValue::Number(number) => Some(number),
            _ => None,
        },
    }
}

fn moment(property: TimeProperty, contact: &impl ContactView) -> Option<Instant> {
    match property {
        TimeProperty::CreatedOn => Some(contact.created_on()),
        TimeProperty::LastSeenOn => contact.last_seen_on(),
        TimeProperty::Field(field) => match contact.field(field)?.typed {
            TypedValue::Instant(instant) => Some(instant),
            _ => None,
        },
    }
}

/// Whether words occur in a text, as a whole field: also what an index verifies its candidates with.
pub(crate) fn words_occur(text: &str, wanted: &WordMatch) -> bool {
    match wanted {
        WordMatch::All(wanted) => {
            let mut found: SmallVec<[bool; 16]> = SmallVec::from_elem(false, wanted.len());
            for_each_word(text, |word| {
                for (found, _) in found.iter_mut().zip(wanted).filter(|(_, wanted)| ***wanted == *word) {
                    *found = true;
                }
            });
            found.into_iter().all(|found| found)
        }
        WordMatch::Phrase(wanted) => follows(text, wanted, |word, wanted| word == wanted),
        WordMatch::Prefix(wanted) => !wanted.is_empty() && follows(text, wanted, |word, last| word.starts_with(last)),
    }
}

/// Whether the words follow one another in the text, the last one being as `is_last` says.
fn follows(text: &str, wanted: &[Box<str>], is_last: impl Fn(&str, &str) -> bool) -> bool {
    let words = words(text);
    words.windows(wanted.len().max(1)).any(|run| {
        run.iter().zip(wanted).enumerate().all(|(at, (word, wanted_word))| {
            if at + 1 == wanted.len() { is_last(word, wanted_word) } else { **word == **wanted_word }
        })
    })
}
