//! What must hold of any input whatever: files of contacts, streams of changes, templates. For the test beside and the
//! fuzz targets alike.

use std::cell::RefCell;

use headcount::internals::contact::Contact;
use headcount::internals::ids::{FieldId, GroupId, Uuid};
use headcount::internals::import::{ChangeReader, ContactReader, Source};
use headcount::internals::render::{Subject, Template};
use headcount::internals::schema::{Environment, Field, FieldType, Group, Schema};
use headcount::internals::sema::query::Dialect;
use headcount::internals::value::{Instant, Urn};
use headcount::internals::workspace::{Change, ContactPatch, Event, FieldInput, Settings, Workspace};

/// After so many commits the store is checked, and a new one is begun.
const COMMITS_TO_A_STORE: u32 = 64;

/// A workspace that inputs are written to, one after the other.
struct Trial {
    workspace: Workspace,
    commits: u32,
    _folder: tempfile::TempDir,
}

thread_local! {
    static TRIAL: RefCell<Option<Trial>> = const { RefCell::new(None) };
}

pub(crate) fn now() -> Instant {
    Instant::parse("2026-06-15T12:00:00Z").unwrap()
}

fn begin() -> Trial {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { timezone: "Africa/Kigali".to_owned(), ..Settings::default() };
    let workspace = Workspace::create_at(&folder.path().join("store"), &settings, now()).unwrap();
    let groups = [
        ("Adults", Some("age >= 18")),
        ("Late", Some("last_seen_on < -2d OR joined ANNIVERSARY today")),
        ("Words", Some("note ~ boat AND NOT group = Adults")),
        ("Called", Some("tel ~ 788 OR name ~ ann")),
        ("Friends", None),
    ];
    workspace
        .write(now(), |writer| {
            let fields = [("age", FieldType::Number), ("note", FieldType::Text), ("joined", FieldType::Datetime)];
            for (key, kind) in fields {
                writer.add_field(&FieldInput { key: key.to_owned(), name: None, kind })?;
            }
            for (name, query) in groups {
                writer.create_group(name, query, Dialect::Extended)?;
            }
            let person = ContactPatch {
                uuid: Some(Uuid([1; 16])),
                urns: Some(vec![Urn::parse("tel:+250788123123").unwrap()]),
                ..ContactPatch::default()
            };
            writer.put(&person)
        })
        .unwrap();
    Trial { workspace, commits: 0, _folder: folder }
}

/// Writes in one commit, and checks the store now and then.
fn write(changes: &[Change]) {
    TRIAL.with_borrow_mut(|slot| {
        let trial = slot.get_or_insert_with(begin);
        let written = trial.workspace.write(now(), |writer| {
            let outcomes = writer.apply_all(changes)?;
            assert_eq!(outcomes.len(), changes.len());
            let refused = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
            assert!(refused.into_iter().all(|rejection| !rejection.to_string().is_empty()));
            Ok(())
        });
        written.unwrap();
        trial.commits += 1;
        if trial.commits == COMMITS_TO_A_STORE {
            check_trial(slot);
        }
    });
}

fn check_trial(slot: &mut Option<Trial>) {
    if let Some(trial) = slot.take() {
        let report = trial.workspace.reader(now()).unwrap().check().unwrap();
        assert!(report.is_sound(), "{:#?}", report.findings);
    }
}

/// Checks what this thread has written since the last time.
#[allow(dead_code, reason = "the fuzz targets leave the last one open")]
pub(crate) fn finish() {
    TRIAL.with_borrow_mut(check_trial);
}

/// As a file of contacts: whatever kind it turns out to be, each line is a contact or has a reason.
pub(crate) fn contacts(input: &[u8]) {
    let environment = Environment::utc(now());
    let reader =
        match ContactReader::open(Source::from_reader("input", std::io::Cursor::new(input.to_vec())), &environment) {
            Ok(reader) => reader,
            Err(error) => return assert!(!error.to_string().is_empty()),
        };
    let mut changes = Vec::new();
    let mut last = 0;
    for (line, item) in reader {
        assert!(line.0 >= last, "line {line} comes after line {last}");
        last = line.0;
        match item {
            Ok(patch) => {
                let event = Event::Created(Box::new(patch));
                changes.push(Change { contact: None, event, created_on: None, source: None });
            }
            Err(rejection) => assert!(rejection.to_string().starts_with("line ")),
        }
    }
    write(&changes);
}

/// As a stream of changes.
pub(crate) fn changes(input: &[u8]) {
    let reader = match ChangeReader::open(Source::from_reader("input", std::io::Cursor::new(input.to_vec()))) {
        Ok(reader) => reader,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let changes: Vec<Change> = reader.filter_map(|(_, item)| item.ok()).collect();
    write(&changes);
}

/// As a template, filled in for a contact.
pub(crate) fn template(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let template = match Template::parse(&text) {
        Ok(template) => template,
        Err(error) => return assert!(text.get(error.span.range()).is_some() && !error.to_string().is_empty()),
    };
    let mut schema = Schema::new();
    let age = Field { id: FieldId(0), key: "age".to_owned(), name: "Age".to_owned(), kind: FieldType::Number };
    schema.put_field(age);
    let group = Group { id: GroupId(0), uuid: Uuid([9; 16]), name: "Friends".to_owned(), smart: false };
    schema.put_group(group);
    let mut contact = Contact::new(Uuid([7; 16]), now());
    contact.name = Some("Zoë Mukamana".into());
    contact.urns.push(Urn::parse("tel:+250788123123").unwrap());
    let groups = [(Uuid([9; 16]), "Friends".to_owned())];
    for redact_urns in [false, true] {
        let environment = Environment { redact_urns, ..Environment::utc(now()) };
        let subject = Subject { contact: &contact, groups: &groups, schema: &schema, environment: &environment };
        match template.render(&subject) {
            Ok(message) => {
                assert!(message.len() <= headcount::internals::render::MAX_OUTPUT);
                let is_shown = message.contains("788123123") && !text.contains("788123123");
                assert!(!(redact_urns && is_shown), "{text:?} shows an address: {message:?}");
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}
