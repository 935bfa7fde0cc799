//! What `why` proposes lets the contact in, and nothing smaller does: held against trying everything.

use std::collections::BTreeMap;

use headcount::internals::contact::{Contact, Status};
use headcount::internals::ids::{FieldId, FlowId, GroupId, Uuid};
use headcount::internals::schema::{Environment, Field, FieldType, Flow, Group, Schema};
use headcount::internals::sema::group_check;
use headcount::internals::sema::query::{Dialect, Property, Query};
use headcount::internals::value::{Instant, Urn};
use headcount::internals::workspace::Override;
use headcount::internals::workspace::why::edit::{Edit, Trial};
use headcount::internals::workspace::why::mend::{Mend, Standing, World};
use headcount::internals::workspace::why::options::between;
use headcount::{Decimal, Resolve, parse_with};
use proptest::prelude::*;

use crate::support::generated::{contact, moment, node, query_of, zone};

const TARGET: GroupId = GroupId(100);
const FIELDS: [(u16, FieldType); 4] =
    [(1, FieldType::Number), (2, FieldType::Text), (3, FieldType::Datetime), (4, FieldType::State)];

fn schema() -> Schema {
    let mut schema = Schema::new();
    for (id, kind) in FIELDS {
        schema.put_field(Field { id: FieldId(id), key: format!("field{id}"), name: format!("Field {id}"), kind });
    }
    for id in [1u32, 2, 3, 100] {
        let uuid = Uuid([id as u8; 16]);
        schema.put_group(Group { id: GroupId(id), uuid, name: format!("Group {id}"), smart: id == 2 || id == 100 });
    }
    for id in 1..3 {
        schema.put_flow(Flow { id: FlowId(id), uuid: Uuid([id as u8; 16]), name: format!("Flow {id}") });
    }
    schema
}

fn property(id: u16, schema: &Schema) -> Property {
    let environment = Environment::utc(Instant::default());
    let text = format!("field{id} != \"\"");
    let query = parse_with(&text, Dialect::Extended, Resolve::Schema(schema), &environment).unwrap().query;
    match query.root {
        headcount::internals::sema::query::Node::Condition(condition) => condition.property,
        other => panic!("{other:?}"),
    }
}

/// Everything that is tried: for each property many values, for each group in and out, for addresses some to add and all
/// to take away. Edits of one list exclude one another.
fn everything(contact: &Contact, schema: &Schema, moments: &[Instant]) -> Vec<Vec<Edit>> {
    let words = ["bob", "smith", "ann", "kigali", "ian", "zzz"];
    let mut texts: Vec<String> = ["Bob", "bob smith", "  ", "İan", "bo", "an", "Kigali"].map(str::to_owned).to_vec();
    texts.extend(words.iter().flat_map(|a| words.iter().map(move |b| format!("{a} {b}"))));
    texts.extend(words.map(str::to_owned));
    let of = |property: Property, texts: Vec<String>| {
        let set = texts.into_iter().map(|text| Edit::Set(property.clone(), text));
        set.chain([Edit::Clear(property.clone())]).collect::<Vec<_>>()
    };
    let numbers: Vec<String> = (-8..26).map(|quarters| format!("{}", f64::from(quarters) / 4.0)).collect();
    let moments: Vec<String> = moments.iter().map(Instant::to_string).collect();
    let codes = ["eng", "fra", "kin"].map(str::to_owned).to_vec();
    let mut all = vec![
        of(Property::Name, texts.clone()),
        of(Property::Language, codes),
        of(Property::Tickets, (0..7).map(|count: i32| count.to_string()).collect()),
        of(Property::LastSeenOn, moments.clone()),
        of(property(1, schema), numbers),
        of(property(2, schema), texts.clone()),
        of(property(3, schema), moments),
        of(property(4, schema), ["kigali", "rwanda", "ann", "other"].map(str::to_owned).to_vec()),
    ];
    all.extend([1, 3].map(|group| vec![Edit::Join(GroupId(group)), Edit::Leave(GroupId(group))]));
    all.push(vec![Edit::TakeBack(GroupId(2))]);
    all.push(vec![Edit::TakeBack(TARGET)]);
    let paths = ["bob", "+250788", "+250789", "ann", "+2507", "other", "bob250788"];
    for scheme in ["tel", "twitter", "ext"] {
        let urns = paths.iter().map(|path| Urn::parse(&format!("{scheme}:{path}")).unwrap());
        all.extend(urns.map(|urn| vec![Edit::AddAddress(urn)]));
    }
    all.extend(contact.urns.iter().map(|urn| vec![Edit::RemoveAddress(urn.clone())]));
    all
}

/// Whether some of these, at most so many at once, let the contact in; each list of `few` is thinned out for that.
fn tries(world: &World<'_>, contact: &Contact, forced: &[Edit], all: &[Vec<Edit>], most: usize) -> Option<Vec<Edit>> {
    let lets_in = |edits: &[Edit]| {
        let edits: Vec<Edit> = forced.iter().chain(edits).cloned().collect();
        world.lets_in(contact, &edits, TARGET).then_some(edits)
    };
    if let Some(found) = lets_in(&[]) {
        return Some(found);
    }
    if most >= 1 {
        for edit in all.iter().flatten() {
            if let Some(found) = lets_in(std::slice::from_ref(edit)) {
                return Some(found);
            }
        }
    }
    if most >= 2 {
        let thin = |edits: &Vec<Edit>| -> Vec<Edit> {
            let step = (edits.len() / 6).max(1);
            edits.iter().step_by(step).cloned().collect()
        };
        let thin: Vec<Vec<Edit>> = all.iter().map(thin).collect();
        for (at, firsts) in thin.iter().enumerate() {
            for second in thin.iter().skip(at + 1).flatten() {
                if let Some(found) = firsts.iter().find_map(|first| lets_in(&[first.clone(), second.clone()])) {
                    return Some(found);
                }
            }
        }
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn what_is_proposed_lets_in_and_nothing_smaller_does(
        node in node(),
        inner in node(),
        mut contact in contact(),
        zone in zone(),
        now in moment(),
        moments in prop::collection::vec(moment(), 40),
        decided in prop::sample::select(vec![None, None, None, Some(Override::Pinned), Some(Override::Excluded)]),
        excluded in prop::bool::weighted(0.1),
    ) {
        let schema = schema();
        let mut environment = Environment::utc(now);
        environment.timezone = zone;
        contact.groups.retain(|group| *group != GroupId(2));
        // The group that is referred to refers to no smart one itself.
        let without_groups = |query: Query| {
            let mut own = Vec::new();
            headcount::internals::sema::inspect::for_each_condition(&query.root, &mut |condition| {
                own.push(condition.property == Property::Group);
            });
            if own.contains(&true) { None } else { Some(query) }
        };
        let (query, inner) = (query_of(node), without_groups(query_of(inner)));
        let standing_of_2 = match &inner {
            Some(query) => Standing::Smart { query, decided },
            None => Standing::Fixed(true),
        };
        let excluded = excluded.then_some(Override::Excluded);
        let groups = BTreeMap::from([
            (GroupId(1), Standing::Manual),
            (GroupId(2), standing_of_2),
            (GroupId(3), Standing::Manual),
            (TARGET, Standing::Smart { query: &query, decided: excluded }),
        ]);
        let world = World { schema: &schema, environment: &environment, groups, is_taken: &|_| false };
        // What no group may ask is not mended.
        let is_allowed = [Some(&query), inner.as_ref()].into_iter().flatten().all(|query| group_check(query).is_ok());
        if !is_allowed || world.is_member(&Trial::new(&contact), TARGET) {
            return Ok(());
        }
        let forced: Vec<Edit> = (contact.status != Status::Active).then_some(Edit::Activate).into_iter().collect();
        let all = everything(&contact, &schema, &moments);
        match world.mend(&contact, TARGET) {
            Mend::Found { edits, is_smallest } => {
                prop_assert!(world.lets_in(&contact, &edits, TARGET), "{edits:?}");
                prop_assert!(edits.starts_with(&forced));
                let count = edits.len() - forced.len();
                if is_smallest && count > 0 {
                    let smaller = tries(&world, &contact, &forced, &all, (count - 1).min(2));
                    prop_assert!(smaller.is_none(), "proposed {edits:?}, but {smaller:?} does");
                }
            }
            Mend::Impossible => {
                let found = tries(&world, &contact, &forced, &all, 2);
                prop_assert!(found.is_none(), "{found:?} does");
            }
            Mend::GaveUp => {}
        }
    }

    #[test]
    fn a_number_lies_between_any_two(
        a in "-?[0-9]{1,30}(\\.[0-9]{1,6})?", b in "-?[0-9]{1,30}(\\.[0-9]{1,6})?",
    ) {
        let (a, b) = (Decimal::parse(&a), Decimal::parse(&b));
        for (low, high) in [(a, b), (b, a), (a, None), (None, b)] {
            let found = between(low, high);
            if let (Some(low), Some(high)) = (low, high) {
                prop_assert_eq!(found.is_some(), low < high);
            }
            if let Some(found) = found {
                prop_assert!(low.is_none_or(|low| low < found) && high.is_none_or(|high| found < high));
                prop_assert_eq!(Decimal::parse(&found.to_string()), Some(found));
            }
        }
    }
}

/// What lets a contact with these fields into a group of this query, in short.
fn proposed(query: &str, contact: impl FnOnce(&mut Contact)) -> String {
    let schema = schema();
    let environment = Environment::utc(Instant::parse("2026-06-15T12:00:00Z").unwrap());
    let parse = |text: &str| parse_with(text, Dialect::Extended, Resolve::Schema(&schema), &environment).unwrap().query;
    let query = parse(query);
    let inner = parse("field1 >= 18");
    let mut ann = Contact::new(Uuid([7; 16]), environment.now);
    contact(&mut ann);
    let groups = BTreeMap::from([
        (GroupId(1), Standing::Manual),
        (GroupId(2), Standing::Smart { query: &inner, decided: None }),
        (GroupId(3), Standing::Manual),
        (TARGET, Standing::Smart { query: &query, decided: None }),
    ]);
    let world =
        World { schema: &schema, environment: &environment, groups, is_taken: &|urn| urn.path() == "+250taken" };
    match world.mend(&ann, TARGET) {
        Mend::Found { edits, is_smallest } => {
            assert!(is_smallest && world.lets_in(&ann, &edits, TARGET));
            let told = |edit: &Edit| match edit {
                Edit::Set(_, text) => format!("= {text}"),
                Edit::SetOther(..) => "other".to_owned(),
                Edit::Clear(_) => "clear".to_owned(),
                Edit::AddAddress(urn) => format!("+ {urn}"),
                Edit::AddSomeAddress(urn) => format!("+ {}", urn.scheme()),
                Edit::RemoveAddress(urn) => format!("- {urn}"),
                Edit::Join(group) => format!("join {}", group.0),
                Edit::Leave(group) => format!("leave {}", group.0),
                Edit::TakeBack(group) => format!("take back {}", group.0),
                Edit::Activate => "activate".to_owned(),
            };
            edits.iter().map(told).collect::<Vec<_>>().join(", ")
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn proposals_are_plain() {
    let nobody = |query: &str| proposed(query, |_| {});
    let urn = |text: &str| Urn::parse(text).unwrap();
    for (query, expected) in [
        // A group is what its query says after the change, and nobody is put into a smart one.
        ("group = \"Group 2\"", "= 18"),
        ("group = \"Group 2\" AND group = \"Group 1\"", "= 18, join 1"),
        // Several addresses at once.
        ("tel = +250788 AND whatsapp = 123", "+ tel:+250788, + whatsapp:123"),
        ("urn ~ 250 AND urn ~ 788", "+ tel:250788"),
        // Two words of one property.
        ("name ~ ann AND name ~ bob", "= ann bob"),
        ("field2 ~ boat AND field2 ~ \"blue sky\"", "= boat blue sky"),
        ("field2 ~ boat AND field2 ~ blue AND NOT field2 ~ \"boat blue\"", "= boat something blue"),
        // Bounds with exceptions, decimals between, and numbers beyond 64 bits.
        ("field1 > 17 AND field1 != 18", "= 19"),
        ("field1 > 17 AND field1 < 18", "= 17.1"),
        ("field1 > 99999999999999999999999", "= 100000000000000000000000"),
        ("field1 < -99999999999999999999999", "= -100000000000000000000000"),
        ("field1 > 0.00001 AND field1 < 0.00002", "= 0.000011"),
        // A day of the year, within bounds.
        ("field3 ANNIVERSARY 06-20 AND field3 < 2000-01-01", "= 1999-06-20T00:00:00Z"),
        ("field3 ANNIVERSARY today..+1d AND field3 > 2000-06-16", "= 2001-06-15T00:00:00Z"),
        // The shortest branch cannot be.
        ("uuid = x OR field1 = 5 AND field2 = a", "= 5, = a"),
        ("(field1 > 5 AND field1 < 5) OR (field1 = 7 AND field2 = a)", "= 7, = a"),
        ("uuid = x", "Impossible"),
        ("field1 > 5 AND field1 < 4", "Impossible"),
        ("tel = +250taken", "Impossible"),
        ("field1 = 3 AND tickets = 2", "= 3, = 2"),
        ("tickets > 1.5 AND tickets < 2.5", "= 2"),
    ] {
        assert_eq!(nobody(query), expected, "{query}");
    }
    let member = |query: &str| proposed(query, |ann| ann.groups = vec![GroupId(1), GroupId(3)]);
    assert_eq!(member("group NOT IN (\"Group 1\", \"Group 3\")"), "leave 1, leave 3");
    assert_eq!(member("NOT group = \"Group 1\""), "leave 1");
    let reachable = |query: &str| proposed(query, |ann| ann.urns = vec![urn("tel:1111"), urn("ext:2222")]);
    assert_eq!(reachable("tel = \"\" AND urn ~ 333"), "+ ext:333, - tel:1111");
    assert_eq!(reachable("urn = \"\""), "- tel:1111, - ext:2222");
    assert_eq!(proposed("field1 = 5", |ann| ann.status = Status::Blocked), "activate, = 5");
}
