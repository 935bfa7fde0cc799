//! What a contact's properties could be changed to: for each way in which a value can answer the conditions at hand, one
//! value. Whatever other value there is answers all of them as one of these does.

use std::collections::BTreeSet;

use crate::contact::Contact;
use crate::model::{Context, NoGroups, condition_holds};
use crate::schema::{Environment, FieldType, Schema};
use crate::sema::languages;
use crate::sema::query::{Condition, Literal, PatternKind, Property, Test, Value};
use crate::value::calendar::{DaysOfYear, bounds_in_year, year_of};
use crate::value::{Decimal, Instant, Urn};

use super::edit::{Edit, Trial};

/// Of more words and phrases that are looked for in one property, not every choice is tried.
const MOST_PIECES: usize = 6;

/// Words that stand for any other value.
const OTHERS: [&str; 3] = ["something", "other", "anything"];

/// Changes that exclude one another: of one property, or one address, or one group.
#[derive(Clone, PartialEq, Debug)]
pub struct Axis {
    /// The changes, the plainest first.
    pub options: Vec<Edit>,
}

/// What there is to change about a contact, as far as some conditions can tell.
pub struct Options<'a> {
    /// The contact as it is.
    pub contact: &'a Contact,
    /// Fields and groups.
    pub schema: &'a Schema,
    /// The zone, and the moment to which relative times refer.
    pub environment: &'a Environment,
    /// Whether another contact holds an address.
    pub is_taken: &'a dyn Fn(&Urn) -> bool,
}

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Options({})", self.contact.uuid)
    }
}

impl Options<'_> {
    /// Changes of a property that has one value at most, and whether they are all that make a difference; none for one
    /// that nobody can change.
    pub fn of_property(&self, property: &Property, conditions: &[&Condition]) -> (Option<Axis>, bool) {
        let set = |texts: Vec<String>| texts.into_iter().map(|text| Edit::Set(property.clone(), text));
        let other = |texts: &[&str]| {
            texts.iter().map(|text| Edit::SetOther(property.clone(), (*text).to_owned())).collect::<Vec<_>>()
        };
        let kind = match property {
            Property::Name => FieldType::Text,
            Property::Language => {
                let codes = literals(conditions).filter(|text| languages::is_language(text));
                let edits = set(codes.map(str::to_owned).collect());
                let edits = edits.chain([Edit::Clear(property.clone())]).chain(other(&["eng", "fra", "kin", "spa"]));
                return (self.distinct(edits, conditions), true);
            }
            Property::Tickets => FieldType::Number,
            Property::LastSeenOn => FieldType::Datetime,
            Property::Field(field) => field.kind,
            _ => return (None, true),
        };
        let cleared = || [Edit::Clear(property.clone())];
        match kind {
            FieldType::Number => {
                let numbers = numbers(conditions, *property == Property::Tickets);
                let edits = set(numbers.iter().map(Decimal::to_string).collect());
                let edits = edits.chain(cleared()).chain(other(&["1"]));
                (self.distinct(edits, conditions), true)
            }
            FieldType::Datetime => {
                let moments = self.moments(conditions);
                let edits = set(moments.iter().map(Instant::to_string).collect());
                let edits = edits.chain(cleared()).chain(other(&["2000-01-01T00:00:00Z"]));
                (self.distinct(edits, conditions), true)
            }
            FieldType::Text | FieldType::State | FieldType::District | FieldType::Ward => {
                let (texts, complete) = texts(conditions);
                let edits = set(texts).chain(cleared()).chain(other(&OTHERS));
                (self.distinct(edits, conditions), complete)
            }
        }
    }

    /// Addresses to add and to take away, each apart: there can be several.
    pub fn of_addresses(&self, conditions: &[&Condition]) -> (Vec<Axis>, bool) {
        let mut axes = Vec::new();
        let mut seen = BTreeSet::new();
        let schemes: BTreeSet<&str> = conditions.iter().filter_map(|condition| scheme(&condition.property)).collect();
        let all = schemes.iter().copied().chain(["tel", "ext"].into_iter().filter(|scheme| !schemes.contains(scheme)));
        let (paths, complete) = paths(conditions);
        let some = self.contact.uuid.to_string();
        for scheme in all {
            let wanted = paths.iter().map(|path| (path, true));
            for (path, is_wanted) in wanted.chain([(&some, false)]) {
                let Ok(urn) = Urn::parse(&format!("{scheme}:{path}")) else { continue };
                let is_held = self.contact.urns.iter().any(|held| held.identity() == urn.identity());
                if urn.path() != path || is_held || (self.is_taken)(&urn) {
                    continue;
                }
                let mut alone = self.contact.clone();
                alone.urns = vec![urn.clone()];
                let mentioned = schemes.get(scheme).copied().unwrap_or_default();
                if seen.insert((mentioned, self.answers(&alone, conditions))) {
                    let edit = if is_wanted { Edit::AddAddress(urn) } else { Edit::AddSomeAddress(urn) };
                    axes.push(Axis { options: vec![edit] });
                }
            }
        }
        axes.extend(self.contact.urns.iter().map(|urn| Axis { options: vec![Edit::RemoveAddress(urn.clone())] }));
        (axes, complete)
    }

    /// One edit for each way in which the property can answer the conditions, but the way in which it does.
    fn distinct(&self, edits: impl Iterator<Item = Edit>, conditions: &[&Condition]) -> Option<Axis> {
        let mut seen = BTreeSet::from([self.answers(self.contact, conditions)]);
        let mut options = Vec::new();
        for edit in edits {
            let mut trial = Trial::new(self.contact);
            if trial.perform(&edit, self.schema, self.environment).is_some()
                && seen.insert(self.answers(&trial.contact, conditions))
            {
                options.push(edit);
            }
        }
        (!options.is_empty()).then_some(Axis { options })
    }

    fn answers(&self, contact: &Contact, conditions: &[&Condition]) -> Vec<bool> {
        let environment = self.environment;
        let context = Context { zone: &environment.timezone, now: environment.now, memberships: &NoGroups };
        conditions.iter().map(|condition| condition_holds(condition, contact, &context)).collect()
    }

    /// A moment between any two neighbours among those at which an answer changes, on a day of each kind of birthday.
    fn moments(&self, conditions: &[&Condition]) -> Vec<Instant> {
        let Environment { timezone: zone, now, .. } = self.environment;
        let mut bounds = BTreeSet::new();
        for literal in conditions.iter().flat_map(|condition| all_literals(&condition.test)) {
            let span = match &literal.value {
                Value::Day(day) => day.bounds(zone),
                Value::Relative(time) => time.span(*now, zone),
                _ => continue,
            };
            bounds.extend([span.0, span.1]);
        }
        let bounds: Vec<Instant> = bounds.into_iter().collect();
        let below = bounds.first().map(|first| (Instant::MIN, *first));
        let last = bounds.last().map(|last| (*last, Instant::MAX));
        let between = bounds.windows(2).filter_map(|pair| Some((*pair.first()?, *pair.last()?)));
        let everything = bounds.is_empty().then_some((Instant::MIN, Instant::MAX));
        let cells: Vec<(Instant, Instant)> = between.chain(last).chain(below).chain(everything).collect();
        let days = self.birthdays(conditions);
        let mut moments = Vec::new();
        for &(low, high) in cells.iter().filter(|(low, high)| low < high) {
            moments.push(if low > Instant::MIN { low } else { shortly_before(high) });
            for &(month, day) in &days {
                moments.extend(self.birthday_within(low, high, month, day));
            }
        }
        // What no text can tell is none that anybody can set.
        moments.retain(|&moment| Instant::parse(&moment.to_string()) == Some(moment));
        moments
    }

    /// A day of the year for each way in which one can answer the anniversaries.
    fn birthdays(&self, conditions: &[&Condition]) -> Vec<(i8, i8)> {
        let Environment { timezone: zone, now, .. } = self.environment;
        let anniversaries: Vec<DaysOfYear> = conditions
            .iter()
            .filter_map(|condition| match condition.test {
                Test::Anniversary { low, high } => Some(DaysOfYear::between(low, high, *now, zone)),
                _ => None,
            })
            .collect();
        let mut seen = BTreeSet::new();
        if anniversaries.is_empty() {
            return Vec::new();
        }
        // 29 February last: not each year has one.
        let leap = jiff::civil::date(2000, 1, 1).series(jiff::Span::new().days(1)).take(366);
        let mut days: Vec<jiff::civil::Date> = leap.collect();
        days.sort_by_key(|date| (date.month(), date.day()) == (2, 29));
        days.retain(|&date| seen.insert(anniversaries.iter().map(|days| days.contains(date)).collect::<Vec<_>>()));
        days.into_iter().map(|date| (date.month(), date.day())).collect()
    }

    /// A moment on this day of the year within a span, the nearest to its end that is bounded.
    fn birthday_within(&self, low: Instant, high: Instant, month: i8, day: i8) -> Option<Instant> {
        /// As long as 29 February can stay away.
        const YEARS: i16 = 9;
        let zone = &self.environment.timezone;
        let (first, last) = (year_of(low, zone).max(1), year_of(high, zone).min(9999));
        let within = |year| {
            let (start, end) = bounds_in_year(year, month, day, zone)?;
            let moment = start.max(low);
            (moment < end.min(high)).then_some(moment)
        };
        match (low > Instant::MIN, high < Instant::MAX) {
            (true, _) => (first..=last.min(first.saturating_add(YEARS))).find_map(within),
            (false, true) => (first.max(last.saturating_sub(YEARS))..=last).rev().find_map(within),
            (false, false) => (2000..2000 + YEARS).find_map(within),
        }
    }
}

/// The last midnight or so before a moment.
fn shortly_before(moment: Instant) -> Instant {
    const DAY: i64 = 86_400_000_000;
    Instant::from_micros(moment.micros().saturating_sub(DAY)).min(Instant::from_micros(moment.micros() - 1))
}

/// The scheme that a condition on addresses is about, if it is about one.
fn scheme(property: &Property) -> Option<&str> {
    match property {
        Property::Scheme(scheme) => Some(scheme.as_str()),
        _ => None,
    }
}

fn all_literals(test: &Test) -> Vec<&Literal> {
    match test {
        Test::Equals(literal) | Test::Differs(literal) | Test::Compares(_, literal) => vec![literal],
        Test::In { items, .. } => items.iter().collect(),
        Test::Between { low, high, .. } => low.iter().chain(high).collect(),
        Test::Unset | Test::Set | Test::Contains(_) | Test::Anniversary { .. } => Vec::new(),
    }
}

fn literals<'c>(conditions: &'c [&'c Condition]) -> impl Iterator<Item = &'c str> {
    conditions.iter().flat_map(|condition| all_literals(&condition.test)).map(|literal| &*literal.text)
}

/// Texts that hold each choice of the words and phrases that are looked for, in two ways: one after the other, and with
/// another word in between, so that they form no phrase by chance. Says whether that is every choice.
fn texts(conditions: &[&Condition]) -> (Vec<String>, bool) {
    let mut found: Vec<String> = literals(conditions).map(str::to_owned).collect();
    let mut pieces: Vec<Vec<String>> = Vec::new();
    for condition in conditions {
        let Test::Contains(pattern) = &condition.test else { continue };
        let text = || vec![pattern.text.trim_end_matches('*').to_owned()];
        match &pattern.kind {
            // Some word is enough.
            PatternKind::NameWords(words) => pieces.extend(words.iter().map(|word| vec![word.to_string()])),
            PatternKind::Words(words) => pieces.push(words.iter().map(|word| word.to_string()).collect()),
            PatternKind::Phrase(_) | PatternKind::Prefix(_) | PatternKind::Substring(_) => pieces.push(text()),
        }
    }
    let (choices, complete) = choices(&mut pieces);
    for chosen in choices {
        let units: Vec<&str> = chosen.iter().flat_map(|piece| piece.iter().map(String::as_str)).collect();
        found.push(units.join(" "));
        found.push(format!("{} {}", units.join(" "), OTHERS[0]));
        found.push(units.join(&format!(" {} ", OTHERS[0])));
        found.push(units.iter().rev().copied().collect::<Vec<_>>().join(" "));
    }
    (found, complete)
}

/// The same for paths, in which there are no words.
fn paths(conditions: &[&Condition]) -> (Vec<String>, bool) {
    let mut found: Vec<String> = literals(conditions).map(str::to_owned).collect();
    let mut pieces: Vec<Vec<String>> = Vec::new();
    for condition in conditions {
        if let Test::Contains(pattern) = &condition.test {
            pieces.push(vec![pattern.text.trim().to_owned()]);
        }
    }
    let (choices, complete) = choices(&mut pieces);
    for chosen in choices {
        let units: Vec<&str> = chosen.iter().flat_map(|piece| piece.iter().map(String::as_str)).collect();
        found.push(units.concat());
        found.push(units.join("-"));
    }
    (found, complete)
}

/// Every choice of some pieces, the small ones first; of many pieces each one, and all of them.
fn choices(pieces: &mut Vec<Vec<String>>) -> (Vec<Vec<Vec<String>>>, bool) {
    let mut seen = BTreeSet::new();
    pieces.retain(|piece| seen.insert(piece.clone()));
    if pieces.len() > MOST_PIECES {
        let each = pieces.iter().map(|piece| vec![piece.clone()]);
        return (each.chain([pieces.clone()]).collect(), false);
    }
    let mut masks: Vec<u32> = (1..1 << pieces.len()).collect();
    masks.sort_by_key(|mask| mask.count_ones());
    let of_mask = |mask: u32| {
        let chosen = pieces.iter().enumerate().filter(|(at, _)| mask >> at & 1 == 1);
        chosen.map(|(_, piece)| piece.clone()).collect()
    };
    (masks.into_iter().map(of_mask).collect(), true)
}

/// Each number that is named, one between any two neighbours, one below and one above; whole ones first.
fn numbers(conditions: &[&Condition], only_counts: bool) -> Vec<Decimal> {
    let literals = conditions.iter().flat_map(|condition| all_literals(&condition.test));
    let named: BTreeSet<Decimal> = literals
        .filter_map(|literal| match literal.value {
            Value::Number(number) => Some(number),
            _ => None,
        })
        .collect();
    let named: Vec<Decimal> = named.into_iter().collect();
    let neighbours = named.windows(2).filter_map(|pair| between(pair.first().copied(), pair.last().copied()));
    let outer = [between(named.last().copied(), None), between(None, named.first().copied())];
    let mut found: Vec<Decimal> = neighbours.chain(outer.into_iter().flatten()).collect();
    found.sort_by_key(|number| number.parts().2 < 0);
    let mut all = named;
    all.extend(found);
    if only_counts {
        // A count between two numbers that are none.
        let counts = all.iter().filter_map(|number| between(Some(*number), None)).collect::<Vec<_>>();
        all.extend(counts);
    }
    all
}

/// A number between two, as plain as it can be: whole, or of few digits; `None` if there is none.
pub fn between(low: Option<Decimal>, high: Option<Decimal>) -> Option<Decimal> {
    /// As many digits as a number may have.
    const DIGITS: u32 = 36;
    let is_between = |number: &Decimal| low.is_none_or(|low| low < *number) && high.is_none_or(|high| *number < high);
    let whole = |number: Decimal, up: bool| {
        let text = number.to_string();
        let truncated: i128 = text.split('.').next()?.parse().ok()?;
        let candidates = [truncated - 1, truncated, truncated + 1].map(|whole| Decimal::parse(&whole.to_string()));
        let mut candidates: Vec<Decimal> = candidates.into_iter().flatten().collect();
        if !up {
            candidates.reverse();
        }
        candidates.into_iter().find(|candidate| if up { *candidate > number } else { *candidate < number })
    };
    let of_low = low.into_iter().flat_map(|low| whole(low, true));
    let of_high = high.into_iter().flat_map(|high| whole(high, false));
    let steps = (1..=DIGITS).flat_map(|digits| {
        let up = low.and_then(|low| step(low, digits, true));
        up.into_iter().chain(high.and_then(|high| step(high, digits, false)))
    });
    of_low.chain(of_high).chain([Decimal::ZERO]).chain(steps).find(is_between)
}

/// The next number above or below that has so many digits.
fn step(number: Decimal, digits: u32, up: bool) -> Option<Decimal> {
    let (negative, coefficient, exponent) = number.parts();
    if coefficient == 0 {
        return Decimal::from_parts(!up, 1, 1 - i16::try_from(digits).ok()?);
    }
    let has = coefficient.ilog10() + 1;
    let (mut cut, mut exponent, exact) = if digits < has {
        let by = has - digits;
        let power = 10u128.checked_pow(by)?;
        (coefficient / power, exponent + i16::try_from(by).ok()?, coefficient.is_multiple_of(power))
    } else {
        let by = digits - has;
        (coefficient * 10u128.checked_pow(by)?, exponent - i16::try_from(by).ok()?, true)
    };
    if negative != up {
        cut += 1;
    } else if exact {
        cut -= 1;
    }
    if cut == 0 {
        return Some(Decimal::ZERO);
    }
    while cut.is_multiple_of(10) {
        cut /= 10;
        exponent += 1;
    }
    Decimal::from_parts(negative, cut, exponent)
}
