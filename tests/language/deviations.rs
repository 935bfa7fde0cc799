//! Where headcount differs from the reference on purpose: one test for each line of the table in `docs/rapidpro.md`.

use headcount::internals::contact::{Contact, FieldValue, Status, TypedValue, convert_field_text};
use headcount::internals::ids::{FieldId, Uuid};
use headcount::internals::language::{self, Dialect, Query, Resolve};
use headcount::internals::model::{Context, matches};
use headcount::internals::schema::{DateFormat, Environment, Field, FieldType, Schema};
use headcount::internals::sema::print::canonical;
use headcount::internals::value::{Instant, Urn};
use headcount::internals::workspace::{Change, ContactPatch, ContactRef, Event, Settings, Workspace};

const JOINED: FieldId = FieldId(1);

fn schema() -> Schema {
    let mut schema = Schema::new();
    for (id, key, kind) in [(JOINED, "joined", FieldType::Datetime), (FieldId(2), "notes", FieldType::Text)] {
        schema.put_field(Field { id, key: key.to_owned(), name: key.to_owned(), kind });
    }
    schema
}

fn new_york() -> Environment {
    Environment {
        timezone: jiff::tz::TimeZone::get("America/New_York").unwrap(),
        date_format: DateFormat::MonthDayYear,
        country: Some(*b"US"),
        redact_urns: false,
        now: moment("2026-06-15T12:00:00Z"),
    }
}

fn moment(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

fn read(text: &str) -> Query {
    let schema = schema();
    language::parse_with(text, Dialect::ContactQl, Resolve::Schema(&schema), &new_york()).unwrap().query
}

fn printed(text: &str) -> String {
    canonical(&read(text), &schema())
}

fn finds(text: &str, contact: &Contact) -> bool {
    let environment = new_york();
    let context = Context { zone: &environment.timezone, now: environment.now, memberships: &contact.groups };
    matches(&read(text), contact, &context)
}

fn somebody() -> Contact {
    Contact::new(Uuid::random(), moment("2020-01-01T00:00:00Z"))
}

#[test]
fn a_day_ends_where_the_next_begins_when_clocks_change() {
    let joined = |at: &str| {
        let mut contact = somebody();
        contact.fields.insert(JOINED, FieldValue { text: at.into(), typed: TypedValue::Instant(moment(at)) });
        contact
    };
    // 8 March 2026 has 23 hours: half past midnight of the 9th is less than 24 hours after it began.
    let after_spring = joined("2026-03-09T04:30:00Z");
    assert!(!finds("joined = 2026-03-08", &after_spring) && finds("joined > 2026-03-08", &after_spring));
    assert!(finds("joined = 2026-03-09", &after_spring));
    // 1 November 2026 has 25 hours: its last half hour is more than 24 hours after it began.
    let late_in_autumn = joined("2026-11-02T04:30:00Z");
    assert!(finds("joined = 2026-11-01", &late_in_autumn) && !finds("joined > 2026-11-01", &late_in_autumn));
}

#[test]
fn names_in_scripts_without_spaces_are_found() {
    let names = [("สมชาย ใจดี", "สม"), ("ສົມສັກ ແກ້ວ", "ສົມ"), ("សុខ ចាន់", "សុខ"), ("အောင် မြင့်", "အောင်")];
    for (name, beginning) in names {
        let mut contact = somebody();
        contact.name = Some(name.into());
        assert!(finds(&format!("name ~ \"{beginning}\""), &contact), "{name}");
        assert!(finds(&format!("name ~ \"{}\"", name.split(' ').next_back().unwrap()), &contact), "{name}");
        assert!(!finds("name ~ \"ใบ\"", &contact), "{name}");
    }
}

#[test]
fn a_scheme_is_in_lower_case_wherever_it_is_written() {
    let mut contact = somebody();
    contact.urns = vec![Urn::parse("TEL:+12024561111").unwrap()];
    for text in ["tel = \"+12024561111\"", "URNS.TEL = \"+12024561111\"", "Tel:+12024561111"] {
        assert_eq!(printed(text), "urns.tel = \"+12024561111\"");
        assert!(finds(text, &contact), "{text}");
    }
}

#[test]
fn a_change_of_status_leaves_manual_groups_to_the_platform() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::create(&folder.path().join("store"), &Settings::default()).unwrap();
    let urn = Urn::parse("tel:+12024561111").unwrap();
    let now = moment("2026-06-15T12:00:00Z");
    workspace
        .write(now, |batch| {
            let manual = batch.create_group("VIP", None, Dialect::ContactQl)?;
            batch.create_group("Callers", Some("tel != \"\""), Dialect::ContactQl)?;
            batch.put(&ContactPatch { urns: Some(vec![urn.clone()]), ..ContactPatch::default() })?;
            let everybody = [0].into_iter().collect();
            assert!(batch.move_members(manual, &everybody, true)?.is_empty());
            Ok(())
        })
        .unwrap();
    let groups = || {
        let reader = workspace.reader(now).unwrap();
        ["VIP", "Callers"].map(|name| reader.members(reader.group_named(name).unwrap()).unwrap().len())
    };
    assert_eq!(groups(), [1, 1]);
    let contact = Some(ContactRef::Urn(urn));
    let blocked = Change { contact, event: Event::Status(Status::Blocked), created_on: None, source: None };
    workspace.write(now, |batch| batch.apply(&blocked)).unwrap();
    // The smart one lets go, since its members are active.
    assert_eq!(groups(), [1, 0]);
}

#[test]
fn a_missing_time_of_day_is_midnight() {
    let typed = convert_field_text("2026-06-15", FieldType::Datetime, &new_york());
    assert_eq!(typed, TypedValue::Instant(moment("2026-06-15T04:00:00Z")));
}

#[test]
fn a_value_that_ends_in_a_backslash_reads_back() {
    let form = printed(r#"notes = "a\\""#);
    assert_eq!(form, r#"fields.notes = "a\x5c""#);
    assert_eq!(read(&form), read(r#"notes = "a\\""#));
}

#[test]
fn an_address_has_a_scheme_that_a_query_can_name() {
    assert_eq!(printed("ab_1:c"), "urns.ab_1 = \"c\"");
    for text in ["a-b:c", "a.b:c", "a+b:c"] {
        let form = printed(text);
        assert_eq!(form, format!("name ~ \"{text}\""));
        assert_eq!(read(&form), read(text));
    }
}

#[test]
fn an_escape_that_makes_no_text_is_none() {
    assert_eq!(printed(r#"notes = "\xff""#), r#"fields.notes = "\\xff""#);
    assert_eq!(printed(r#"notes = "\303""#), r#"fields.notes = "\\303""#);
    // Two bytes that are a character together are one.
    assert_eq!(printed(r#"notes = "\303\251""#), "fields.notes = \"é\"");
}
