//! Contacts drawn at random, for the tests of the store.

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;

use crate::contact::{Contact, FieldValue, Status, TypedValue};
use crate::ids::{FieldId, FlowId, GroupId, Uuid};
use crate::value::{Decimal, Instant, Urn};

fn text() -> impl Strategy<Value = Box<str>> {
    "\\PC{1,12}".prop_map(String::into_boxed_str)
}

fn instant() -> impl Strategy<Value = Instant> {
    (Instant::MIN.micros()..=Instant::MAX.micros()).prop_map(Instant::from_micros)
}

fn urn() -> impl Strategy<Value = Urn> {
    let written = option::of("[?#%]\\PC{0,8}");
    ("(tel|whatsapp|custom[0-9]|mailto)", "\\PC{1,20}", written).prop_map(|(scheme, path, appended)| {
        let plain = Urn::from_parts(&scheme, &path);
        let whole = format!("{plain}{}", appended.unwrap_or_default());
        Urn::parse(&whole).unwrap_or(plain)
    })
}

fn number() -> impl Strategy<Value = (Box<str>, Decimal)> {
    ("-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,10})?", any::<bool>()).prop_filter_map("is a number", |(text, padded)| {
        let number = Decimal::parse(&text)?;
        Some((if padded { format!(" {text}0").into() } else { text.into() }, number))
    })
}

fn value() -> impl Strategy<Value = FieldValue> {
    prop_oneof![
        text().prop_map(|text| FieldValue { text, typed: TypedValue::Text }),
        text().prop_map(|text| FieldValue { text, typed: TypedValue::Unconvertible }),
        number().prop_map(|(text, number)| FieldValue { text, typed: TypedValue::Number(number) }),
        instant().prop_map(|i| FieldValue { text: i.to_string().into(), typed: TypedValue::Instant(i) }),
        (text(), instant()).prop_map(|(text, i)| FieldValue { text, typed: TypedValue::Instant(i) }),
    ]
}

/// Any contact.
pub(crate) fn contact() -> impl Strategy<Value = Contact> {
    let people = (option::of(text()), option::of(text()), option::of(text()), option::of(text()), 0usize..4);
    let belongings = (
        vec(urn(), 0..4),
        btree_set((0u32..1 << 20).prop_map(GroupId), 0..5),
        option::of(any::<u32>().prop_map(FlowId)),
        btree_set((0u32..5000).prop_map(FlowId), 0..5),
        prop_oneof![Just(0u32), any::<u32>()],
    );
    let times = (instant(), option::of(instant()), option::of(instant()));
    let fields = btree_map((0u16..12).prop_map(FieldId), value(), 0..8);
    (any::<[u8; 16]>(), people, belongings, times, fields).prop_map(|(uuid, people, belongings, times, fields)| {
        let (id, reference, name, language, status) = people;
        let (urns, groups, flow, history, tickets) = belongings;
        let (created_on, modified_on, last_seen_on) = times;
        Contact {
            uuid: Uuid(uuid),
            id,
            reference,
            name,
            language,
            status: Status::ALL[status],
            urns,
            groups: groups.into_iter().collect(),
            flow,
            history: history.into_iter().collect(),
            tickets,
            created_on,
            modified_on,
            last_seen_on,
            fields,
        }
    })
}
