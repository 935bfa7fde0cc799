#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::ids::EventId;
use crate::value::Decimal;

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "-?(0|[1-9][0-9]{0,12})(\\.[0-9]{1,9})?",
        "-?[0-9.]{1,24}",
        "[a-zé ]{1,8}",
        Just("0".to_owned()),
        Just("-0.00".to_owned()),
        Just("007".to_owned()),
        Just("1.".to_owned()),
    ]
}

fn moment() -> impl Strategy<Value = Instant> {
    prop_oneof![
        (0i64..50).prop_map(|second| Instant::from_micros(second * 1_000_000)),
        (-2_000_000i64..2_000_000).prop_map(Instant::from_micros),
        Just(Instant::MIN),
        Just(Instant::MAX),
    ]
}

fn event() -> impl Strategy<Value = NewEvent> {
    let uuid = proptest::option::of((0u8..6).prop_map(|byte| Uuid([byte; 16])));
    let properties = proptest::collection::btree_map("[a-c]{1,2}", value(), 0..4);
    (moment(), uuid, properties).prop_map(|(moment, uuid, properties)| NewEvent::new(moment, uuid, properties).unwrap())
}

/// As the codec should tell it, in plain collections.
type Plain = BTreeMap<EventId, Vec<NewEvent>>;

fn read(history: &History) -> Plain {
    let of = |name| {
        let events = history.as_ref().of(name).map(|event| {
            let properties = event.properties().map(|property| (property.name.into(), property.text().into()));
            NewEvent { moment: event.moment, uuid: event.uuid, properties: properties.collect() }
        });
        events.collect()
    };
    history.as_ref().names().map(|name| (name, of(name))).collect()
}

proptest! {
    #[test]
    fn what_is_added_and_dropped_is_what_a_plain_list_says(
        steps in proptest::collection::vec((0u16..3, event(), proptest::option::weighted(0.1, moment())), 0..30),
    ) {
        let (mut history, mut plain) = (History::default(), Plain::new());
        for (name, event, drop) in steps {
            let name = EventId(name * 200);
            let events = plain.entry(name).or_default();
            let is_known = event.uuid.is_some() && events.iter().any(|known| known.uuid == event.uuid);
            prop_assert_eq!(history.add(name, &event), !is_known);
            if !is_known {
                events.push(event);
                events.sort_by_key(|event| event.moment);
            }
            if let Some(moment) = drop {
                let before = events.len();
                events.retain(|event| event.moment >= moment);
                let is_fewer = events.len() < before;
                prop_assert_eq!(history.drop_before(name, moment), is_fewer);
            }
            plain.retain(|_, events| !events.is_empty());
            prop_assert_eq!(history.as_ref().check(), Ok(()));
            prop_assert_eq!(&read(&history), &plain);
            prop_assert_eq!(history.as_ref().count(), plain.values().map(|events| events.len() as u64).sum::<u64>());
        }
        for event in history.as_ref().names().flat_map(|name| history.as_ref().of(name)) {
            for property in event.properties() {
                prop_assert_eq!(property.number(), Decimal::parse(&property.text()));
                prop_assert_eq!(event.property(property.name).map(|found| found.text()), Some(property.text()));
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let history = HistoryRef::new(&bytes);
        let _ = (history.check(), history.count(), format!("{history:?}"));
    }

    #[test]
    fn a_flipped_bit_of_a_history_never_makes_it_panic(events in proptest::collection::vec(event(), 1..8), at: usize, bit in 0u8..8) {
        let mut history = History::default();
        for event in &events {
            history.add(EventId(7), event);
        }
        let mut bytes = history.as_ref().bytes().to_vec();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        let history = HistoryRef::new(&bytes);
        let _ = (history.check(), history.count(), format!("{history:?}"));
    }
}

#[test]
fn an_order_of_a_total_takes_nine_bytes() {
    let mut history = History::default();
    for day in 0..20 {
        let moment = Instant::from_micros((1_700_000_000 + day * 86_400 + day * day * 37) * 1_000_000);
        let total = format!("{}.50", 20 + day);
        history.add(EventId(1), &NewEvent::new(moment, None, [("total", total)]).unwrap());
    }
    let bytes = history.as_ref().bytes().len();
    assert!(bytes <= 20 * 9 + 20, "{bytes} bytes for 20 events");
}

#[test]
fn what_is_out_of_bounds_is_refused() {
    let new = |properties: Vec<(String, String)>| NewEvent::new(Instant::default(), None, properties);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(new(vec![pair("a b", "1")]), Err(BadEvent::Property("a b".into())));
    assert_eq!(new(vec![pair("a", "1"), pair("A", "2")]), Err(BadEvent::Twice("a".into())));
    assert_eq!(new(vec![pair("a", &"x".repeat(MAX_VALUE + 1))]), Err(BadEvent::TooLong("a".into())));
    let many = (0..40).map(|number| pair(&format!("p{number}"), "1")).collect();
    assert_eq!(new(many), Err(BadEvent::TooMany(40)));
    assert_eq!(new(vec![pair("a", ""), pair("Flow", "X")]).unwrap().properties, [("flow".into(), "X".into())]);
    assert_eq!(name_of(&"x".repeat(65)), None);
    assert_eq!(name_of(""), None);
}
