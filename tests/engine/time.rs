//! The clock that ran ahead, days that a zone skips or that lie at the calendar's ends, and what a change of the
//! environment or of a type leaves of a saved group.

use headcount::internals::index::IndexError;
use headcount::internals::schema::FieldType;
use headcount::internals::sema::query::Dialect;
use headcount::internals::store::Cause;
use headcount::internals::value::Instant;
use headcount::internals::workspace::{
    ContactPatch, ContactRef, Derived, FieldInput, Override, Settings, Workspace, WorkspaceError,
};
use headcount::{DocumentNumber, Sequence, Uuid};

fn moment(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

fn now() -> Instant {
    moment("2026-06-15T12:00:00Z")
}

fn in_zone(timezone: &str) -> Settings {
    Settings { timezone: timezone.to_owned(), ..Settings::default() }
}

fn field(key: &str, kind: FieldType) -> FieldInput {
    FieldInput { key: key.to_owned(), name: None, kind }
}

fn person(at: u8, fields: &[(&str, &str)]) -> ContactPatch {
    let fields = fields.iter().map(|(key, value)| ((*key).into(), Some((*value).into()))).collect();
    ContactPatch { uuid: Some(Uuid([at; 16])), fields, ..ContactPatch::default() }
}

struct Place {
    workspace: Workspace,
    _folder: tempfile::TempDir,
}

/// A workspace with a date and a number, of these groups.
fn place(settings: &Settings, groups: &[(&str, &str)]) -> Place {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::create(&folder.path().join("store"), settings).unwrap();
    workspace
        .write(now(), |writer| {
            writer.add_field(&field("dob", FieldType::Datetime))?;
            writer.add_field(&field("age", FieldType::Number))?;
            for (name, query) in groups {
                writer.create_group(name, Some(query), Dialect::Extended)?;
            }
            Ok(())
        })
        .unwrap();
    Place { workspace, _folder: folder }
}

impl Place {
    fn put(&self, patches: &[ContactPatch]) {
        let put = |patch: &ContactPatch| drop(self.workspace.write(now(), |writer| writer.put(patch)).unwrap());
        patches.iter().for_each(put);
    }

    fn count(&self, query: &str) -> u64 {
        self.workspace.reader(now()).unwrap().count(query).unwrap()
    }

    fn query(&self, group: &str) -> String {
        let reader = self.workspace.reader(now()).unwrap();
        reader.group(reader.group_named(group).unwrap()).unwrap().query.unwrap()
    }

    fn set(&self, settings: &Settings) -> Derived {
        self.workspace.write(now(), |writer| writer.set_settings(settings)).unwrap().value
    }

    fn is_sound(&self) -> bool {
        self.workspace.reader(now()).unwrap().check().unwrap().is_sound()
    }
}

#[test]
fn a_clock_that_ran_ahead_is_refused_and_else_set_back() {
    let now = Instant::now();
    let ago = |days: i64| Instant::from_micros(now.micros() - days * 86_400_000_000);
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::create(&folder.path().join("store"), &Settings::default()).unwrap();
    let seen = |at: u8, days| ContactPatch { last_seen_on: Some(Some(ago(days))), ..person(at, &[]) };
    workspace
        .write(ago(5), |writer| {
            writer.create_group("Recent", Some("last_seen_on > -30d"), Dialect::Extended)?;
            writer.create_group("Named recent", Some("group = Recent AND name = \"\""), Dialect::Extended)?;
            writer.put(seen(1, 6))?;
            writer.put(seen(2, 20))?;
            writer.put(seen(3, 90))?;
            Ok(())
        })
        .unwrap();
    let far = moment("2998-01-01T00:00:00Z");
    let refused = workspace.write(far, |writer| writer.create_group("New", None, Dialect::Extended));
    assert!(matches!(refused, Err(WorkspaceError::Ahead { .. })), "{refused:?}");
    // Clocks differ a little.
    workspace.tick(Instant::from_micros(Instant::now().micros() + 60_000_000)).unwrap();
    let before = workspace.reader(now).unwrap().sequence();
    let workspace = workspace.allow_future();
    workspace.write(far, |writer| writer.create_group("Slip", Some("tickets = 0"), Dialect::Extended)).unwrap();
    drop(workspace);
    let workspace = Workspace::open(&folder.path().join("store")).unwrap();
    assert_eq!(workspace.is_ahead().unwrap(), Some(far));
    let members = |name: &str, now| {
        let reader = workspace.reader(now).unwrap();
        reader.members(reader.group_named(name).unwrap()).unwrap().into_iter().collect::<Vec<_>>()
    };
    assert!(members("Recent", now).is_empty() && members("Named recent", now).is_empty());
    // A write that does not move it further is none that runs ahead.
    workspace.write(now, |writer| writer.put(seen(4, 1))).unwrap();

    let back = Instant::from_micros(Instant::now().micros() + 120_000_000);
    let reset = workspace.reset_clock(back).unwrap();
    assert_eq!((reset.value.from, reset.value.to), (far, back));
    assert!(reset.value.entries > 0);
    assert_eq!(workspace.is_ahead().unwrap(), None);
    assert_eq!((members("Recent", back), members("Named recent", back)), (vec![0, 1, 3], vec![0, 1, 3]));
    let reader = workspace.reader(back).unwrap();
    assert!(reader.check().unwrap().is_sound());
    let events: Vec<_> = reader.events_since(before, Default::default()).unwrap().flat_map(Result::unwrap).collect();
    assert!(events.is_sorted_by_key(|event| event.time) && events.iter().all(|event| event.time <= back));
    let last = events.last().unwrap();
    assert_eq!((last.cause, last.time, last.sequence), (Cause::Clock, back, reader.sequence()));
    let recent = reader.group_named("Recent").unwrap();
    assert_eq!(reader.members_as_of(recent, ago(1)).unwrap().len(), 2, "what was, was");
    assert_eq!(reader.members_as_of(recent, back).unwrap().len(), 3);
    // Forwards it is a tick, within the same bounds.
    assert!(matches!(workspace.reset_clock(far), Err(WorkspaceError::Ahead { .. })));
}

#[test]
fn a_log_that_was_cut_in_the_future_begins_when_the_clock_is_set_back() {
    let Place { workspace, _folder } = place(&Settings::default(), &[("All", "age = \"\"")]);
    let workspace = workspace.allow_future();
    workspace.write(now(), |writer| writer.keep_log(Some(1))).unwrap();
    for (at, day) in ["2030-01-01", "2031-01-01", "2032-01-01", "2033-01-01"].into_iter().enumerate() {
        let then = moment(&format!("{day}T00:00:00Z"));
        workspace.write(then, |writer| writer.put(person(at as u8 + 1, &[]))).unwrap();
    }
    workspace.index().unwrap();
    let back = moment("2026-06-16T00:00:00Z");
    workspace.reset_clock(back).unwrap();
    let reader = workspace.reader(back).unwrap();
    assert!(reader.horizon() > Sequence(0) && reader.horizon_time() <= back);
    let all = reader.group_named("All").unwrap();
    assert_eq!(reader.members_as_of(all, back).unwrap().len(), 4);
    assert!(reader.check().unwrap().is_sound());
}

#[test]
fn members_of_the_future_are_not_told() {
    let place = place(&Settings::default(), &[("Late", "last_seen_on < -1d")]);
    place.put(&[ContactPatch { last_seen_on: Some(Some(now())), ..person(1, &[]) }]);
    let later = moment("2026-06-18T00:00:00Z");
    let reader = place.workspace.reader(now()).unwrap();
    let late = reader.group_named("Late").unwrap();
    let error = reader.members_as_of(late, later).unwrap_err();
    assert!(matches!(error, WorkspaceError::StillToCome { .. }) && error.to_string().contains("still to come"));
    // Who reads then, may ask; also for what lies between the clock and then.
    let reader = place.workspace.reader(later).unwrap();
    assert_eq!(reader.members_as_of(late, later).unwrap().len(), 1);
    assert_eq!(reader.members_as_of(late, moment("2026-06-16T00:00:00Z")).unwrap().len(), 0);
    // And one that reads before the clock's moment is told what was then, not what is now.
    place.workspace.tick(later).unwrap();
    let reader = place.workspace.reader(now()).unwrap();
    assert_eq!(reader.members_as_of(late, now()).unwrap().len(), 0);
    assert_eq!(reader.members_as_of(late, later).unwrap().len(), 1);
}

#[test]
fn the_last_and_the_first_day_are_found_in_every_zone() {
    for zone in ["UTC", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata"] {
        let place = place(&in_zone(zone), &[("Never", "dob = 9999-12-31"), ("First", "dob = 0001-01-01")]);
        place.put(&[
            person(1, &[("dob", "9999-12-31")]),
            person(2, &[("dob", "0001-01-01")]),
            person(3, &[("dob", "9999-12-31 23:59")]),
            person(4, &[("dob", "9999-12-30")]),
        ]);
        for (query, count) in [
            ("dob = 9999-12-31", 2),
            ("dob >= 9999-12-31", 2),
            ("dob > 9999-12-31", 0),
            ("dob < 9999-12-31", 2),
            ("dob <= 9999-12-31", 4),
            ("dob != 9999-12-31", 2),
            ("dob = 0001-01-01", 1),
            ("dob < 0001-01-01", 0),
            ("dob > 0001-01-01", 3),
            ("dob ANNIVERSARY 12-31", 2),
            ("dob = 9999-12-31..", 2),
            ("group = Never", 2),
            ("group = First", 1),
        ] {
            assert_eq!(place.count(query), count, "{query} in {zone}");
        }
        assert!(place.is_sound());
    }
}

#[test]
fn a_moment_at_the_end_of_time_is_kept_as_it_is() {
    let place = place(&in_zone("America/New_York"), &[]);
    for text in ["9999-12-31T00:00:00Z", "9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+05:00"] {
        let created_on = Some(moment(text));
        place.put(&[ContactPatch { created_on, ..person(1, &[]) }]);
        let reader = place.workspace.reader(now()).unwrap();
        let document = reader.find(&ContactRef::Uuid(Uuid([1; 16]))).unwrap().unwrap();
        let kept = reader.contact(document).unwrap().unwrap().created_on;
        assert_eq!(Some(kept), created_on, "{text}");
        assert_eq!(Instant::parse(&kept.to_string()), created_on, "{text}");
    }
    assert!(place.is_sound());
}

#[test]
fn a_day_that_the_zone_skips_is_empty_and_stays_itself() {
    let queries = [("Until", "dob <= 2011-12-30"), ("On", "dob = 2011-12-30"), ("Not on", "dob != 2011-12-30")];
    let place = place(&in_zone("Pacific/Apia"), &queries);
    place.put(&[
        person(1, &[("dob", "2011-12-29")]),
        person(2, &[("dob", "2011-12-31")]),
        // There is no such day: the first moment after it.
        person(3, &[("dob", "2011-12-30")]),
    ]);
    for (query, count) in [
        ("dob = 2011-12-30", 0),
        ("dob != 2011-12-30", 3),
        ("dob <= 2011-12-30", 1),
        ("dob < 2011-12-30", 1),
        ("dob >= 2011-12-30", 2),
        ("dob > 2011-12-30", 2),
        ("dob = 2011-12-30..2011-12-30", 0),
        ("dob = 2011-12-29..2011-12-30", 1),
        ("dob = 2011-12-31", 2),
        ("dob ANNIVERSARY 12-30", 0),
        ("dob ANNIVERSARY 12-31", 2),
    ] {
        assert_eq!(place.count(query), count, "{query}");
    }
    for (name, query) in queries {
        assert_eq!(place.query(name).replace('"', ""), format!("fields.{query}"));
    }
    // Elsewhere it is a day like any other, and the groups mean it.
    place.set(&in_zone("UTC"));
    for (name, query) in queries {
        assert_eq!(place.query(name).replace('"', ""), format!("fields.{query}"));
    }
    assert_eq!((place.count("group = Until"), place.count("group = On"), place.count("group = \"Not on\"")), (2, 1, 2));
    place.set(&in_zone("Pacific/Apia"));
    assert_eq!((place.count("group = Until"), place.count("group = On"), place.count("group = \"Not on\"")), (1, 0, 3));
    assert!(place.is_sound());
}

#[test]
fn a_group_near_the_limits_does_not_block_the_environment() {
    // Its canonical form is longer than a query may be.
    let query = (0..250).map(|at| format!("age={at}{}", "0".repeat(28))).collect::<Vec<_>>().join(" OR ");
    assert!(query.len() < 10_000);
    let place = place(&Settings::default(), &[("Long", &query)]);
    place.put(&[person(1, &[("age", &format!("7{}", "0".repeat(28)))])]);
    assert!(place.query("Long").len() > 10_000);
    place.set(&in_zone("Africa/Kigali"));
    place
        .workspace
        .write(now(), |writer| writer.edit_field(writer.field_named("dob")?, None, Some(FieldType::Text)))
        .unwrap();
    assert_eq!(place.count("group = Long"), 1);
    assert!(place.is_sound());
}

#[test]
fn what_would_lose_its_meaning_with_a_type_is_refused() {
    let edit = |query: &str, key: &str, kind| {
        let place = place(&Settings::default(), &[("Group", query)]);
        let before = place.query("Group");
        let edited =
            place.workspace.write(now(), |writer| writer.edit_field(writer.field_named(key)?, None, Some(kind)));
        match edited {
            Ok(_) => true,
            Err(WorkspaceError::WouldInvalidate(groups)) => {
                assert_eq!(groups.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["Group"], "{query}");
                assert_eq!(place.query("Group"), before);
                false
            }
            Err(error) => panic!("{error}"),
        }
    };
    for query in ["dob = today", "dob != -1d", "dob > -30d", "dob IN (2020-01-01, today)", "dob = -7d..today"] {
        assert!(!edit(query, "dob", FieldType::Text), "{query}");
    }
    for query in ["dob ANNIVERSARY 06-15", "dob > 2020-01-01", "dob = 2020-01-01..2020-12-31"] {
        assert!(!edit(query, "dob", FieldType::Text), "{query}");
    }
    assert!(!edit("age = 18..25", "age", FieldType::Text));
    assert!(!edit("age = 18", "age", FieldType::Datetime));
    assert!(edit("dob = 2020-01-01", "dob", FieldType::Text) && edit("dob != \"\"", "dob", FieldType::Number));
    assert!(edit("age = 18", "age", FieldType::Text) && edit("age IN (1, 2)", "age", FieldType::State));
}

#[test]
fn a_change_of_dates_tells_what_it_did() {
    let place = place(&Settings::default(), &[("February", "dob = 2020-02-01..2020-02-29")]);
    place.put(&[
        person(1, &[("dob", "01-02-2020")]),
        person(2, &[("dob", "02-01-2020")]),
        person(3, &[("dob", "2020-02-05")]),
    ]);
    let derived = place.set(&Settings { date_format: "MM-DD-YYYY".to_owned(), ..Settings::default() });
    assert_eq!(derived, Derived { values: 2, entered: 1, left: 1 });
    assert_eq!(
        place.set(&Settings { date_format: "MM-DD-YYYY".to_owned(), ..Settings::default() }),
        Derived::default()
    );
}

#[test]
fn no_two_fields_have_one_name() {
    let place = place(&Settings::default(), &[]);
    let write = |key: &str, name: Option<&str>| {
        let input = FieldInput { key: key.into(), name: name.map(Into::into), kind: FieldType::Text };
        place.workspace.write(now(), |writer| writer.add_field(&input)).map(drop)
    };
    let taken = write("years", Some("AGE"));
    assert!(matches!(&taken, Err(WorkspaceError::FieldNameTaken { key, .. }) if key == "age"), "{taken:?}");
    write("years", Some("Years")).unwrap();
    let renamed =
        place.workspace.write(now(), |writer| writer.edit_field(writer.field_named("years")?, Some("age"), None));
    assert!(matches!(renamed, Err(WorkspaceError::FieldNameTaken { .. })), "{renamed:?}");
    assert_eq!(place.workspace.reader(now()).unwrap().schema().field("years").unwrap().name, "Years");
}

#[test]
fn a_damaged_block_of_times_is_an_error_and_not_a_moment_without_moves() {
    let Place { workspace, _folder } = place(&Settings::default(), &[("Late", "last_seen_on < -1d")]);
    workspace
        .write(now(), |writer| {
            let seen = ContactPatch { last_seen_on: Some(Some(now())), ..person(1, &[]) };
            writer.put(seen)
        })
        .unwrap();
    let folder = workspace.folder().to_owned();
    drop(workspace);
    let store = headcount::internals::store::Store::open(&folder).unwrap();
    let mut transaction = store.write().unwrap();
    let (txn, tables) = transaction.index_tables();
    let entries = tables.index.iter(txn).unwrap().map(Result::unwrap);
    let entries: Vec<(Vec<u8>, Vec<u8>)> = entries.map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
    for (key, mut value) in entries {
        value[4] ^= 1;
        tables.index.put(txn, &key, &value).unwrap();
    }
    transaction.commit().unwrap();
    drop(store);
    let workspace = Workspace::open(&folder).unwrap();
    let later = moment("2026-06-18T00:00:00Z");
    let ticked = workspace.tick(later);
    assert!(matches!(ticked, Err(WorkspaceError::Index(IndexError::Damaged { .. }))), "{ticked:?}");
    workspace.rebuild(later).unwrap();
    let reader = workspace.reader(later).unwrap();
    assert!(reader.is_member(reader.group_named("Late").unwrap(), DocumentNumber(0)).unwrap());
    assert!(reader.check().unwrap().is_sound());
}

#[test]
fn pins_of_deleted_contacts_go_with_them() {
    let Place { workspace, _folder } = place(&Settings::default(), &[("A", "age > 5"), ("B", "age > 6")]);
    let patches: Vec<ContactPatch> = (1..9).map(|at| person(at, &[])).collect();
    workspace.write(now(), |writer| patches.iter().try_for_each(|patch| writer.put(patch.clone()).map(drop))).unwrap();
    workspace
        .write(now(), |writer| {
            for (name, documents) in [("A", 0..4), ("B", 2..6)] {
                let group = writer.group_named(name)?;
                writer.override_members(group, &documents.collect(), Some(Override::Pinned))?;
            }
            Ok(())
        })
        .unwrap();
    let change = |at: u8| headcount::Change {
        contact: Some(ContactRef::Uuid(Uuid([at; 16]))),
        event: headcount::Event::Deleted,
        created_on: None,
        source: None,
    };
    workspace.write(now(), |writer| (1..4).try_for_each(|at| writer.apply(change(at)).map(drop))).unwrap();
    let reader = workspace.reader(now()).unwrap();
    let pins = |name: &str| reader.overrides(reader.group_named(name).unwrap()).unwrap().0;
    assert_eq!((pins("A").iter().collect::<Vec<_>>(), pins("B").iter().collect::<Vec<_>>()), (vec![3], vec![3, 4, 5]));
    assert!(reader.check().unwrap().is_sound());
}
