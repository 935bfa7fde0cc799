//! Time against re-evaluation at every instant at which anything could flip.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::refresh::clock::{ClockFlips, TimeValues};
use crate::value::calendar::start_of_day;

type Rows = Vec<(DocumentNumber, Contact)>;

fn values(contact: &Contact) -> impl Iterator<Item = (TimeProperty, Instant)> {
    let properties = [TimeProperty::CreatedOn, TimeProperty::LastSeenOn, TimeProperty::Field(JOINED)];
    properties.into_iter().filter_map(|property| Some((property, time(contact, property)?)))
}

struct Index<'a>(&'a Rows);

impl TimeValues for Index<'_> {
    type Error = std::convert::Infallible;

    fn first_at_or_after(&self, property: TimeProperty, instant: Instant) -> Result<Option<Instant>, Self::Error> {
        Ok(self.of(property).filter(|&value| value >= instant).min())
    }
    fn extent(&self, property: TimeProperty) -> Result<Option<(Instant, Instant)>, Self::Error> {
        Ok(self.of(property).min().zip(self.of(property).max()))
    }
}

impl Index<'_> {
    fn of(&self, property: TimeProperty) -> impl Iterator<Item = Instant> {
        self.0
            .iter()
            .flat_map(|(_, contact)| values(contact))
            .filter(move |value| value.0 == property)
            .map(|value| value.1)
    }
}

/// Every midnight, and every value moved by every offset below a day that a group has.
fn instants(groups: &Groups, rows: &Rows, from: &Moment, until: Instant) -> BTreeSet<Instant> {
    let zone = from.timezone();
    let mut instants = BTreeSet::new();
    let mut date = date_of(from.now(), zone);
    while start_of_day(date, zone) <= until {
        instants.insert(start_of_day(date, zone));
        date = date.tomorrow().unwrap();
    }
    let bounds = groups.values().flat_map(|plan| &plan.atoms).flat_map(|atom| match atom {
        Atom::TimeRange(_, low, high) => [*low, *high],
        _ => [None, None],
    });
    for bound in bounds.flatten() {
        let TimeBound::Relative { time, .. } = bound else { continue };
        let micros = match time.unit {
            Unit::Minute => 60_000_000,
            Unit::Hour => 3_600_000_000,
            _ => continue,
        };
        for (_, value) in rows.iter().flat_map(|(_, contact)| values(contact)) {
            let passed = value.micros() - i64::from(time.amount) * micros;
            instants.extend([passed, passed + 1].map(Instant::from_micros));
        }
    }
    instants.retain(|&instant| instant > from.now() && instant <= until);
    instants
}

fn expected(groups: &Groups, rows: &Rows, from: &Moment, until: Instant) -> Vec<ClockFlips> {
    let mut flips = Vec::new();
    let evaluate = |moment: &Moment| -> Vec<BTreeSet<GroupId>> {
        rows.iter().map(|(_, contact)| memberships(groups, Some(contact), moment)).collect()
    };
    let mut was = evaluate(from);
    for at in instants(groups, rows, from, until) {
        let is = evaluate(&from.at(at));
        let mut moved: BTreeMap<GroupId, Flips> = BTreeMap::new();
        for ((document, _), (was, is)) in rows.iter().zip(was.iter().zip(&is)) {
            for &group in was.symmetric_difference(is) {
                let flips =
                    moved.entry(group).or_insert_with(|| Flips { group, entered: Vec::new(), left: Vec::new() });
                if is.contains(&group) { &mut flips.entered } else { &mut flips.left }.push(*document);
            }
        }
        if !moved.is_empty() {
            flips.push(ClockFlips { at, flips: moved.into_values().collect() });
        }
        was = is;
    }
    flips
}

fn rows() -> impl Strategy<Value = Rows> {
    proptest::collection::vec(contact(), 1..8).prop_map(|contacts| {
        contacts.into_iter().zip(0..).map(|(contact, at)| (DocumentNumber(at * 3), contact)).collect()
    })
}

/// From some minutes to some weeks.
fn duration() -> impl Strategy<Value = i64> {
    prop_oneof![
        (0i64..600).prop_map(|minutes| minutes * 60_000_000),
        (0i64..40).prop_map(|days| days * 86_400_000_000 + 5)
    ]
}

fn later(moment: &Moment, micros: i64) -> Instant {
    Instant::from_micros(moment.now().micros() + micros)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn time_flips_what_re_evaluation_says(groups in groups(), rows in rows(), from in moment(), micros in duration()) {
        let engine = engine(&groups, &from);
        let until = later(&from, micros);
        let expected = expected(&groups, &rows, &from, until);
        prop_assert_eq!(&engine.advance(until, &rows, &NoMemberships), &expected);
        // Only the contacts in the windows can move.
        let windows = engine.windows(until, &Index(&rows)).unwrap();
        let in_window = |(_, contact): &(DocumentNumber, Contact)| {
            values(contact).any(|(property, value)| {
                windows.iter().any(|w| w.property == property && w.low <= value && value < w.high)
            })
        };
        let candidates: Rows = rows.iter().filter(|row| in_window(row)).cloned().collect();
        prop_assert_eq!(&engine.advance(until, &candidates, &NoMemberships), &expected);
    }

    #[test]
    fn many_steps_are_one(
        groups in groups(), rows in rows(), from in moment(), steps in proptest::collection::vec(duration(), 1..6)
    ) {
        let mut engine = engine(&groups, &from);
        let until = later(&from, steps.iter().sum());
        let whole = engine.advance(until, &rows, &NoMemberships);
        let mut pieces = Vec::new();
        for micros in steps {
            let next = later(engine.moment(), micros);
            pieces.extend(engine.advance(next, &rows, &NoMemberships));
            engine.set_now(from.at(next));
        }
        prop_assert_eq!(pieces, whole);
    }

    #[test]
    fn nothing_flips_before_the_next_flip(groups in groups(), rows in rows(), from in moment()) {
        let engine = engine(&groups, &from);
        let index = Index(&rows);
        let horizon = later(&from, 60 * 86_400_000_000);
        match engine.next_flip(&index).unwrap() {
            None => prop_assert!(expected(&groups, &rows, &from, horizon).is_empty()),
            Some(at) => {
                prop_assert!(at > from.now());
                let before = Instant::from_micros(at.micros() - 1).min(horizon);
                prop_assert!(expected(&groups, &rows, &from, before).is_empty());
                // Something is passed at that very instant, and nothing before it.
                let is_hit = |until: Instant| {
                    let windows = engine.windows(until, &index).unwrap();
                    rows.iter().flat_map(|(_, contact)| values(contact)).any(|(property, value)| {
                        windows.iter().any(|w| w.property == property && w.low <= value && value < w.high)
                    })
                };
                prop_assert!(is_hit(at));
                prop_assert!(!is_hit(Instant::from_micros(at.micros() - 1)));
            }
        }
    }
}
