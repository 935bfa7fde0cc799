#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use super::lists::{NameOrder, WORLD};
use super::random::{Permutation, Purpose, Random};
use super::*;
use crate::contact::Status;
use crate::ids::Uuid;
use crate::value::{Decimal, Urn};
use crate::workspace::change::{ContactRef, Event};

fn options() -> Options {
    Options { contacts: 4_000, groups: 4_000, changes: 4_000, ..Options::default() }
}

fn generator() -> Generator {
    Generator::new(&options()).unwrap()
}

fn everything(options: &Options) -> Vec<u8> {
    let generator = Generator::new(options).unwrap();
    let mut bytes = Vec::new();
    generator.write_contacts(&mut bytes).unwrap();
    generator.write_changes(&mut bytes).unwrap();
    bytes.extend(generator.schema_json().bytes());
    bytes.extend(generator.groups_json().bytes());
    bytes
}

#[test]
fn the_same_seed_gives_the_same_bytes_for_ever() {
    let small = Options { contacts: 300, groups: 100, changes: 500, ..Options::default() };
    assert_eq!(everything(&small), everything(&small));
    // A change of a list or of a draw changes this: say so in the commit, since stored figures no longer compare.
    assert_eq!(format!("{:016x}", xxh3_64(&everything(&small))), "65fd4b7d64a048b9");
    assert_ne!(everything(&small), everything(&Options { seed: 2, ..small.clone() }));
}

#[test]
fn a_contact_depends_on_seed_and_index_alone() {
    let more = Generator::new(&Options { contacts: 9_000, groups: 0, changes: 0, ..options() }).unwrap();
    for index in [0, 7, 3_999] {
        assert_eq!(generator().contact(index), more.contact(index));
    }
}

#[test]
fn files_are_whole_and_tell_how_much_they_hold() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("new/d");
    // More than one task, and not a whole number of them.
    let summary = generate(&target, &Options { contacts: 2_500, groups: 7, changes: 30, ..options() }).unwrap();
    let lines = |name: &str| std::fs::read_to_string(target.join(name)).unwrap().lines().count() as u64;
    assert_eq!((lines("contacts.jsonl"), lines("changes.jsonl")), (summary.contacts, summary.changes));
    let sizes = ["schema.json", "contacts.jsonl", "groups.json", "changes.jsonl"]
        .map(|name| std::fs::metadata(target.join(name)).unwrap().len());
    assert_eq!(summary.bytes, sizes.iter().sum::<u64>());
    let too_many = generate(&target, &Options { contacts: u64::MAX, ..options() }).unwrap_err();
    assert_eq!(too_many.kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn lists_are_whole() {
    let world = &*WORLD;
    assert_eq!(world.countries.len(), 16);
    for country in &world.countries {
        assert!(country.wards.len() >= 4 && !country.cities.items().is_empty(), "{}", country.code);
        assert!(!country.cultures.is_empty() && !country.languages.is_empty() && !country.crops.items().is_empty());
        let numbers = 10u64.pow(country.digits) * country.prefixes.len() as u64;
        assert!(numbers >= 2 * MOST_CONTACTS, "{}", country.code);
        assert_eq!(country.prefixes.iter().map(|prefix| prefix.len()).collect::<HashSet<_>>().len(), 1);
    }
    for culture in &world.cultures {
        for list in [&culture.female, &culture.male, &culture.family] {
            assert!(list.items().len() >= 20, "{}", culture.name);
            assert_eq!(list.items().iter().collect::<HashSet<_>>().len(), list.items().len(), "{}", culture.name);
        }
    }
    assert!(world.cultures.iter().any(|culture| culture.order == NameOrder::Joined));
    assert!(world.notes.len() > 20);
}

#[test]
fn every_contact_line_says_what_the_patch_says() {
    let mut line = String::new();
    for contact in generator().contacts() {
        line.clear();
        write_contact(&mut line, &contact);
        let json: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(Uuid::parse(json["uuid"].as_str().unwrap()), contact.uuid);
        assert_eq!(json["name"].as_str(), contact.name.as_ref().unwrap().as_deref());
        assert_eq!(Status::from_name(json["status"].as_str().unwrap()), contact.status);
        assert_eq!(Instant::parse(json["created_on"].as_str().unwrap()), contact.created_on);
        assert_eq!(
            json["last_seen_on"].as_str().map(|text| Instant::parse(text).unwrap()),
            contact.last_seen_on.unwrap()
        );
        let urns = json["urns"].as_array().unwrap();
        assert_eq!(
            urns.iter().map(|urn| Urn::parse(urn.as_str().unwrap()).unwrap()).collect::<Vec<_>>(),
            contact.urns.unwrap()
        );
        assert_eq!(json["groups"].as_array().unwrap().len(), contact.groups.unwrap().len());
        for (key, text) in &contact.fields {
            assert_eq!(json["fields"][&**key].as_str(), text.as_deref());
            assert!(text.as_ref().is_some_and(|text| !text.is_empty()));
        }
        assert!(contact.created_on.unwrap() < options().now);
        assert!(
            contact
                .last_seen_on
                .unwrap()
                .is_none_or(|seen| seen <= options().now && seen >= contact.created_on.unwrap())
        );
    }
}

#[test]
fn json_texts_are_escaped() {
    for text in ["", "plain", "\"\\\"", "a\nb\tc\u{1}", "😀é\u{7f}\u{2028}", "\\u0041"] {
        let mut out = String::new();
        push_text(&mut out, text);
        assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
    }
}

#[test]
fn identities_and_addresses_are_unique_and_phones_have_the_right_shape() {
    let mut urns = HashSet::new();
    let mut uuids = HashSet::new();
    let mut codes = HashSet::new();
    for contact in generator().contacts() {
        assert!(uuids.insert(contact.uuid));
        assert!(codes.insert(contact.reference.clone()));
        for urn in contact.urns.unwrap() {
            assert!(urns.insert(urn.identity()), "{urn}");
            if matches!(urn.scheme(), "tel" | "whatsapp") {
                let digits = urn.path().strip_prefix('+').unwrap_or(urn.path());
                assert_eq!(urn.path().starts_with('+'), urn.scheme() == "tel");
                let fits = WORLD.countries.iter().any(|country| {
                    let rest = digits.strip_prefix(country.calling_code).unwrap_or_default();
                    country.prefixes.iter().any(|prefix| {
                        rest.strip_prefix(prefix).is_some_and(|number| number.len() == country.digits as usize)
                    })
                });
                assert!(fits && digits.len() <= 15, "{urn}");
            }
        }
    }
}

#[test]
fn people_are_distributed_as_in_life() {
    let contacts: Vec<_> = generator().contacts().collect();
    let share = |holds: &dyn Fn(&ContactPatch) -> bool| {
        contacts.iter().filter(|contact| holds(contact)).count() as f64 / contacts.len() as f64
    };
    let field = |contact: &ContactPatch, key: &str| {
        contact.fields.iter().find(|(name, _)| **name == *key).and_then(|(_, text)| text.clone())
    };
    let within = |share: f64, low: f64, high: f64| assert!(share > low && share < high, "{share} not in {low}..{high}");
    within(share(&|contact| contact.status == Some(Status::Active)), 0.90, 0.94);
    within(share(&|contact| contact.urns.as_ref().unwrap().is_empty()), 0.01, 0.03);
    within(share(&|contact| contact.urns.as_ref().unwrap().len() > 1), 0.06, 0.18);
    within(share(&|contact| contact.language == Some(None)), 0.20, 0.28);
    within(share(&|contact| field(contact, "age").is_none()), 0.18, 0.26);
    within(share(&|contact| field(contact, "age").is_some_and(|age| Decimal::parse(&age).is_none())), 0.002, 0.015);
    let adult = |contact: &ContactPatch| {
        field(contact, "age").and_then(|age| Decimal::parse(&age)).is_some_and(|age| age >= Decimal::from(18))
    };
    within(share(&adult), 0.60, 0.75);
    let lately = Instant::parse("2025-06-15T12:00:00Z");
    within(share(&|contact| contact.created_on > lately), 0.20, 0.35);
    within(share(&|contact| contact.name.as_ref().unwrap().as_ref().is_some_and(|name| !name.is_ascii())), 0.12, 0.40);

    let mut states: HashMap<String, usize> = HashMap::new();
    for path in contacts.iter().filter_map(|contact| field(contact, "district")) {
        assert_eq!(path.split(" > ").count(), 3);
        *states.entry(path.into()).or_default() += 1;
    }
    assert!(states.len() > 60);
    for contact in &contacts {
        // Who has told both: the age is the one of the date of birth.
        let (Some(age), Some(born)) = (field(contact, "age"), field(contact, "dob")) else { continue };
        let (Ok(age), Some(born)) = (age.parse::<i32>(), Instant::parse(&format!("{born}T00:00Z"))) else { continue };
        let days = (options().now.micros() - born.micros()) / calendar::DAY;
        assert!(age <= 0 || age == 999 || (days as f64 / 365.2425 - f64::from(age) - 0.5).abs() < 0.52, "{age} {days}");
    }
}

#[test]
fn groups_have_names_of_their_own_and_the_dialect_that_was_asked_for() {
    let groups = generator().groups();
    assert_eq!(groups.len(), 4_000);
    let names: HashSet<String> = groups.iter().map(|group| group.name.to_lowercase()).collect();
    assert_eq!(names.len(), groups.len());
    let is_extended = |group: &&GroupDefinition| {
        let query = &group.query;
        query.contains("group = ")
            || query.contains("NOT (")
            || query.contains(" IN (")
            || query.contains("..")
            || query.contains("today")
            || query.contains(" -")
            || query.contains(" +")
    };
    assert!(!groups.iter().any(|group| group.query.contains("group =") || group.query.contains("NOT ")));
    // What is searched for within an address or a name has a least length.
    for group in &groups {
        for rest in group.query.split(" ~ ").skip(1) {
            let value = rest.split([' ', ')']).next().unwrap();
            assert!(value.len() >= 3, "{}", group.query);
        }
    }
    let mixed = Generator::new(&Options { extended_groups: 100, ..options() }).unwrap().groups();
    assert!(mixed.iter().filter(is_extended).count() > 3_800);
    // A group refers to manual groups and to earlier ones only.
    let mut earlier: HashSet<&str> = WORLD.groups.items().iter().copied().collect();
    for group in &mixed {
        if let Some(name) = group.query.strip_prefix("group = \"").and_then(|rest| rest.split('"').next()) {
            assert!(earlier.contains(name), "{name}");
        }
        earlier.insert(&group.name);
    }
    let json: Value = serde_json::from_str(&generator().groups_json()).unwrap();
    assert_eq!(json["groups"].as_array().unwrap().len(), 4_000);
    let schema: Value = serde_json::from_str(&generator().schema_json()).unwrap();
    assert_eq!(schema["fields"].as_array().unwrap().len(), answers::FIELDS.len());
}

/// Replays the stream over plain collections.
#[test]
fn changes_make_sense_one_after_the_other() {
    let generator = Generator::new(&Options { source: Some("platform".into()), ..options() }).unwrap();
    let mut urns: HashMap<Uuid, Vec<Urn>> = HashMap::new();
    let mut statuses: HashMap<Uuid, Status> = HashMap::new();
    for contact in generator.contacts() {
        statuses.insert(contact.uuid.unwrap(), contact.status.unwrap());
        urns.insert(contact.uuid.unwrap(), contact.urns.unwrap());
    }
    let mut holders: HashMap<String, Uuid> = HashMap::new();
    for (uuid, held) in &urns {
        holders.extend(held.iter().map(|urn| (urn.identity(), *uuid)));
    }
    let mut times = HashMap::new();
    let mut last = options().now;
    let mut kinds = HashSet::new();
    let mut line = String::new();
    for (change, offset) in generator.changes().zip(1..) {
        line.clear();
        write_change(&mut line, &change);
        let json: Value = serde_json::from_str(&line).unwrap();
        kinds.insert(json["type"].as_str().unwrap().to_owned());
        assert_eq!(json["source"]["offset"], offset);
        assert!(change.created_on.unwrap() >= last);
        last = change.created_on.unwrap();
        let uuid = match change.contact.unwrap() {
            ContactRef::Uuid(uuid) => uuid,
            ContactRef::Urn(urn) => holders[&urn.identity()],
            ContactRef::Id(_) | ContactRef::Beginning(_) => panic!("no contact is given by number or in part"),
        };
        *times.entry(uuid).or_insert(0) += 1;
        let renew = |urns: &mut HashMap<Uuid, Vec<Urn>>, holders: &mut HashMap<String, Uuid>, new: Vec<Urn>| {
            for urn in urns.remove(&uuid).unwrap_or_default() {
                holders.remove(&urn.identity());
            }
            for urn in &new {
                assert_eq!(holders.insert(urn.identity(), uuid), None, "{urn}");
            }
            urns.insert(uuid, new);
        };
        match change.event {
            Event::Created(contact) => {
                assert!(statuses.insert(uuid, Status::Active).is_none());
                renew(&mut urns, &mut holders, contact.urns.unwrap());
            }
            Event::Deleted => {
                renew(&mut urns, &mut holders, vec![]);
                assert!(statuses.remove(&uuid).is_some());
            }
            Event::Urns(new) => renew(&mut urns, &mut holders, new),
            Event::Status(status) => {
                statuses.insert(uuid, status);
            }
            Event::AddToGroups(_) => assert_eq!(statuses[&uuid], Status::Active),
            _ => assert!(statuses.contains_key(&uuid)),
        }
    }
    assert_eq!(kinds.len(), 15);
    assert!(times.len() > 1_000 && times.values().max() > Some(&20), "{} {:?}", times.len(), times.values().max());
}

#[test]
fn a_stream_over_nothing_creates_contacts() {
    let generator = Generator::new(&Options { contacts: 0, groups: 0, changes: 200, ..Options::default() }).unwrap();
    let changes: Vec<_> = generator.changes().collect();
    assert_eq!(changes.len(), 200);
    assert!(matches!(changes[0].event, Event::Created(_)));
}

#[test]
fn permutations_give_each_number_once() {
    for (low, high) in [(1, 1), (1, 40), (7, 3), (100, 70)] {
        let permutation = Permutation::new(5, 9, low, high);
        let images: HashSet<u64> = (0..permutation.len()).map(|number| permutation.apply(number)).collect();
        assert_eq!(images.len() as u64, permutation.len());
        assert!(images.iter().all(|&image| image < permutation.len()));
    }
}

#[test]
fn draws_stay_within_their_bounds() {
    let mut random = Random::new(1, Purpose::Contact, 0);
    let mut ranks = [0u32; 1_000];
    for _ in 0..20_000 {
        assert!((-3..=4).contains(&random.between(-3, 4)));
        assert!(random.below(7) < 7 && random.small(9, 3) < 9);
        ranks[random.rank(1_000) as usize] += 1;
    }
    assert_eq!(random.below(0), 0);
    assert_eq!(random.pick::<u64>(&[]), 0);
    assert!(ranks[0] > 5 * ranks[10..20].iter().sum::<u32>() / 10);
    let mean = (0..10_000).map(|_| random.normal(500, 100)).sum::<i64>() / 10_000;
    assert!((490..510).contains(&mean));
}

#[test]
fn civil_dates_are_those_of_the_calendar() {
    let start = jiff::civil::date(1890, 1, 1);
    for step in (0..90_000).step_by(37) {
        let date = start.saturating_add(jiff::Span::new().days(step));
        let days = date.since((jiff::Unit::Day, jiff::civil::date(1970, 1, 1))).unwrap().get_days();
        assert_eq!(calendar::iso(i64::from(days)), date.to_string());
    }
}

#[test]
fn moments_print_as_instants_do() {
    for text in ["2026-06-15T12:00:00Z", "1969-12-31T23:59:59.000001Z", "2024-02-29T00:00:00.100000Z"] {
        assert_eq!(calendar::moment_text(Instant::parse(text).unwrap()), text);
    }
}

/// The workspace of `corpus/demo/` is written by hand, so it is checked as the generated ones are.
#[test]
fn the_demo_is_well_formed() {
    let read = |name: &str| {
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/demo").join(name)).unwrap()
    };
    let schema: Value = serde_json::from_str(&read("schema.json")).unwrap();
    let keys: HashSet<&str> = schema["fields"].as_array().unwrap().iter().filter_map(|f| f["key"].as_str()).collect();
    let manual: HashSet<&str> = schema["groups"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let known_groups = |list: &Value| {
        list.as_array().unwrap_or(&vec![]).iter().all(|group| manual.contains(group["name"].as_str().unwrap()))
    };
    let (mut uuids, mut urns) = (HashSet::new(), HashSet::new());
    let mut take = |contact: &Value| {
        assert!(uuids.insert(Uuid::parse(contact["uuid"].as_str().unwrap()).unwrap()), "{contact}");
        for urn in contact["urns"].as_array().unwrap() {
            assert!(urns.insert(Urn::parse(urn.as_str().unwrap()).unwrap().identity()), "{urn}");
        }
        assert!(contact["fields"].as_object().unwrap().keys().all(|key| keys.contains(key.as_str())), "{contact}");
        assert!(known_groups(&contact["groups"]), "{contact}");
        assert!(Instant::parse(contact["created_on"].as_str().unwrap()).is_some());
    };
    let contacts = read("contacts.jsonl");
    assert!((300..400).contains(&contacts.lines().count()));
    contacts.lines().for_each(|line| take(&serde_json::from_str(line).unwrap()));
    let mut last = Instant::MIN;
    for line in read("changes.jsonl").lines() {
        let change: Value = serde_json::from_str(line).unwrap();
        let moment = Instant::parse(change["created_on"].as_str().unwrap()).unwrap();
        assert!(moment >= last);
        last = moment;
        if change["type"] == "contact_created" {
            take(&change["contact"]);
        }
        for list in ["groups", "groups_added", "groups_removed"] {
            assert!(known_groups(&change[list]), "{change}");
        }
        assert!(change["field"]["key"].as_str().is_none_or(|key| keys.contains(key)), "{change}");
    }
    let groups: Value = serde_json::from_str(&read("groups.json")).unwrap();
    assert!(groups["groups"].as_array().unwrap().iter().all(|group| !manual.contains(group["name"].as_str().unwrap())));
    assert!(read("queries.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count() >= 15);
}
