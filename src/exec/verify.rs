//! Whether an atom holds of one row.

use crate::contact::{ContactView, TypedValue};
use crate::exec::Groups;
use crate::exec::moments::Clock;
use crate::ids::DocumentNumber;
use crate::plan::atom::{Atom, NumberBound, NumberProperty, TextProperty, TimeProperty, WordMatch};
use crate::plan::physical::{Node, Step};
use crate::value::fold::fold;
use crate::value::location::last_part;
use crate::value::words;
use crate::value::{Decimal, Instant};

/// Whether a plan holds of a row.
pub fn plan_matches<V: ContactView>(
    node: &Node,
    atoms: &[Atom],
    document: DocumentNumber,
    row: &V,
    groups: &impl Groups,
    clock: &Clock,
) -> bool {
    let recurse = |child: &Node| plan_matches(child, atoms, document, row, groups, clock);
    match &node.step {
        Step::Constant(holds) => *holds,
        Step::Leaf { atom, negated, .. } => {
            let holds = atoms.get(atom.0 as usize).is_some_and(|atom| matches(atom, document, row, groups, clock));
            holds != *negated
        }
        Step::All(children) => children.iter().all(recurse),
        Step::Any(children) => children.iter().any(recurse),
    }
}

/// Whether an atom holds of a row.
pub fn matches<V: ContactView>(
    atom: &Atom,
    document: DocumentNumber,
    row: &V,
    groups: &impl Groups,
    clock: &Clock,
) -> bool {
    match atom {
        Atom::TextIn(property, texts) => {
            any_text(property, row, |text| texts.iter().any(|candidate| candidate.as_ref() == text))
        }
        Atom::TextSet(property) => any_text(property, row, |_| true),
        Atom::NumberIn(property, numbers) => number(*property, row).is_some_and(|number| numbers.contains(&number)),
        Atom::NumberRange(property, low, high) => number(*property, row).is_some_and(|number| {
            let above = |bound: &NumberBound| number > bound.value || bound.inclusive && number == bound.value;
            let below = |bound: &NumberBound| number < bound.value || bound.inclusive && number == bound.value;
            low.as_ref().is_none_or(above) && high.as_ref().is_none_or(below)
        }),
        Atom::TimeRange(property, low, high) => moment(*property, row).is_some_and(|moment| {
            low.is_none_or(|low| clock.bound(low) <= moment) && high.is_none_or(|high| moment < clock.bound(high))
        }),
        Atom::Anniversary(property, low, high) => moment(*property, row)
            .is_some_and(|moment| clock.is_anniversary(moment, clock.month_and_day(*low), clock.month_and_day(*high))),
        Atom::StatusIn(statuses) => statuses.contains(&row.status()),
        Atom::GroupIn(list) => list.iter().any(|&group| groups.contains(Some(group), document)),
        Atom::GroupSet => groups.contains(None, document),
        Atom::FlowIn(flows) => row.flow().is_some_and(|flow| flows.contains(&flow)),
        Atom::FlowSet => row.flow().is_some(),
        Atom::HistoryIn(flows) => row.history().any(|flow| flows.contains(&flow)),
        Atom::HistorySet => row.history().next().is_some(),
        Atom::NameWords(prefixes) => {
            let mut found = false;
            words::for_each_word(row.name().unwrap_or_default(), |word| {
                found |= prefixes.iter().any(|prefix| words::cut(word).starts_with(prefix.as_ref()));
            });
            found
        }
        Atom::UrnContains(scheme, part) => row.urns().any(|urn| {
            scheme.as_ref().is_none_or(|scheme| scheme.as_str() == urn.scheme) && fold(urn.path).contains(part.as_ref())
        }),
        Atom::FieldWords(field, wanted) => row
            .field(*field)
            .is_some_and(|value| value.typed == TypedValue::Text && has_words(&words::words(value.text), wanted)),
    }
}

fn any_text<V: ContactView>(property: &TextProperty, row: &V, test: impl Fn(&str) -> bool) -> bool {
    let of = |text: Option<&str>| text.is_some_and(|text| test(&fold(text)));
    match property {
        TextProperty::Uuid => test(&row.uuid().to_string()),
        TextProperty::Id => of(row.id()),
        TextProperty::Ref => of(row.reference()),
        TextProperty::Name => of(row.name()),
        TextProperty::Language => of(row.language()),
        TextProperty::Urn => row.urns().any(|urn| test(&fold(urn.path))),
        TextProperty::Scheme(scheme) => row.urns().any(|urn| urn.scheme == scheme.as_str() && test(&fold(urn.path))),
        TextProperty::Field(field) => {
            row.field(*field).is_some_and(|value| value.typed == TypedValue::Text && test(&fold(value.text)))
        }
        TextProperty::Place(field) => {
            row.field(*field).is_some_and(|value| value.typed == TypedValue::Text && test(&fold(last_part(value.text))))
        }
    }
}

fn number<V: ContactView>(property: NumberProperty, row: &V) -> Option<Decimal> {
    match property {
        NumberProperty::Tickets => Some(Decimal::from(i64::from(row.tickets()))),
        NumberProperty::Field(field) => match row.field(field)?.typed {
            TypedValue::Number(number) => Some(number),
            _ => None,
        },
    }
}

fn moment<V: ContactView>(property: TimeProperty, row: &V) -> Option<Instant> {
    match property {
        TimeProperty::CreatedOn => Some(row.created_on()),
        TimeProperty::LastSeenOn => row.last_seen_on(),
        TimeProperty::Field(field) => match row.field(field)?.typed {
            TypedValue::Instant(instant) => Some(instant),
            _ => None,
        },
    }
}

fn has_words(words: &[String], wanted: &WordMatch) -> bool {
    let is = |word: &String, wanted: &str| word.as_str() == wanted;
    match wanted {
        WordMatch::All(all) => all.iter().all(|wanted| words.iter().any(|word| is(word, wanted))),
        WordMatch::Phrase(phrase) => {
            phrase.is_empty()
                || words.windows(phrase.len()).any(|run| run.iter().zip(phrase).all(|(word, wanted)| is(word, wanted)))
        }
        WordMatch::Prefix(phrase) => {
            let Some((last, head)) = phrase.split_last() else { return true };
            words.windows(phrase.len()).any(|run| {
                run.iter().zip(head).all(|(word, wanted)| is(word, wanted))
                    && run.last().is_some_and(|word| word.starts_with(last.as_ref()))
            })
        }
    }
}
