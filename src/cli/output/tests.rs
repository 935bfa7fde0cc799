#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use super::{Cell, Format, Output};
use crate::answers::shapes::*;
use crate::cli::failure::Failure;
use crate::value::Instant;

/// A writer whose bytes can be looked at afterwards.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn written(width: Option<u16>, has_color: bool, write: impl FnOnce(&mut Output)) -> String {
    let shared = Shared::default();
    let mut output = Output::to(shared.clone(), width, has_color);
    write(&mut output);
    let bytes = shared.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

fn groups() -> GroupList {
    let group = |name: &str, query: Option<&str>, count: u64| GroupItem {
        uuid: "981bf246-8aff-4b76-b668-5e6bd6336027".into(),
        name: name.into(),
        query: query.map(Into::into),
        status: "ready".into(),
        system: false,
        count,
    };
    GroupList {
        groups: vec![
            group(
                "Adults",
                Some("fields.age >= 18 AND (fields.city = \"Kigali\" OR fields.city = \"São Paulo\")"),
                1_234_567,
            ),
            group("名前 \u{1b}[31mred\n, \"quoted\"", None, 7),
        ],
    }
}

fn change() -> MembershipChange {
    let group = |name: &str| UuidName { uuid: "7a884dda-9e1f-47c6-9fb2-033e460430d1".into(), name: name.into() };
    MembershipChange {
        seq: 12_345,
        created_on: Instant::parse("2026-06-15T12:00:00.5Z").unwrap(),
        kind: MembershipChangeType::default(),
        contact: ContactUuid { uuid: "981bf246-8aff-4b76-b668-5e6bd6336027".into() },
        groups_added: vec![group("Adults"), group("VIP")],
        groups_removed: vec![],
        cause: CauseName::Clock,
    }
}

const FORMATS: [Format; 5] = [Format::Table, Format::Json, Format::Jsonl, Format::Csv, Format::Ids];

#[test]
fn lists_in_every_format() {
    let list = groups();
    for format in FORMATS {
        let text = written(None, false, |output| {
            output.list(format, GroupItem::columns(), &list, &list.groups).unwrap();
        });
        insta::assert_snapshot!(format!("list_{format:?}"), text);
        let empty = written(None, false, |output| {
            output.list(format, GroupItem::columns(), &GroupList { groups: vec![] }, &[] as &[GroupItem]).unwrap();
        });
        insta::assert_snapshot!(format!("empty_list_{format:?}"), empty);
    }
}

#[test]
fn streams_in_every_format() {
    for format in FORMATS {
        let text = written(None, false, |output| {
            output.set_zone(jiff::tz::TimeZone::get("Africa/Kigali").unwrap());
            let mut stream = output.stream(format, MembershipChange::columns());
            stream.push(&change()).unwrap();
            stream.push(&MembershipChange { seq: 9, cause: CauseName::Manual, ..change() }).unwrap();
            stream.finish().unwrap();
        });
        insta::assert_snapshot!(format!("stream_{format:?}"), text);
        if format == Format::Json {
            assert_eq!(serde_json::from_str::<Vec<serde_json::Value>>(&text).unwrap().len(), 2);
        }
    }
}

#[test]
fn details_in_every_format() {
    let counted = Counted { query: "fields.age > 30".into(), total: 1_234 };
    for format in FORMATS {
        let properties =
            [("Query", Cell::from("fields.age > 30")), ("Total", Cell::Count(1_234)), ("Empty", Cell::Empty)];
        let text =
            written(None, false, |output| output.details(format, &properties, Some("the-id"), &counted).unwrap());
        insta::assert_snapshot!(format!("details_{format:?}"), text);
    }
}

#[test]
fn tables_fit_the_terminal_and_are_coloured_only_if_told() {
    let list = groups();
    let narrow = written(Some(60), true, |output| {
        output.list(Format::Table, GroupItem::columns(), &list, &list.groups).unwrap();
    });
    assert!(narrow.contains("\x1b[1m") && !narrow.contains("\x1b[31m"));
    let plain = written(Some(60), false, |output| {
        output.list(Format::Table, GroupItem::columns(), &list, &list.groups).unwrap();
    });
    assert!(!plain.contains('\x1b'));
    assert!(plain.lines().all(|line| line.chars().count() <= 60), "{plain}");
    insta::assert_snapshot!("narrow_table", plain);
}

#[test]
fn identities_are_short_on_terminals_where_they_can_be_told_apart() {
    let drawn = |width: Option<u16>, identities: &[&str]| {
        let list = GroupList {
            groups: identities
                .iter()
                .map(|uuid| GroupItem { uuid: (*uuid).into(), ..groups().groups[0].clone() })
                .collect(),
        };
        let text = written(width, false, |output| {
            output.list(Format::Table, GroupItem::columns(), &list, &list.groups).unwrap();
        });
        let last = |line: &str| line.rsplit(' ').next().unwrap().to_owned();
        text.lines().skip(1).map(last).collect::<Vec<_>>()
    };
    let whole = ["981bf246-8aff-4b76-b668-5e6bd6336027", "981bf247-8aff-4b76-b668-5e6bd6336027"];
    assert_eq!(drawn(None, &whole), whole);
    assert_eq!(drawn(Some(200), &whole), ["981bf246", "981bf247"]);
    // As long as it takes; and no number, which would be another contact's.
    let close = ["981bf246-8aff-4b76-b668-5e6bd6336027", "981bf246-8bff-4b76-b668-5e6bd6336027"];
    assert_eq!(drawn(Some(200), &close), ["981bf246-8a", "981bf246-8b"]);
    assert_eq!(drawn(Some(200), &["98101246-8aff-4b76-b668-5e6bd6336027"]), ["98101246-"]);
    assert_eq!(drawn(Some(200), &["98101246-8aff-4b76-b668-5e6bd6336027", whole[0]]), ["98101246-", "981bf246"]);
    assert_eq!(drawn(Some(200), &[whole[0], whole[0]]), ["981bf246", "981bf246"]);
}

#[test]
fn the_json_shapes_keep_their_keys_in_order() {
    let metadata = Metadata {
        attributes: vec!["group".into()],
        schemes: vec!["tel".into()],
        fields: vec![KeyName { key: "age".into(), name: "Age".into() }],
        groups: vec![
            GroupUsed::Resolved(UuidName { uuid: "u".into(), name: "VIP".into() }),
            GroupUsed::ByName { name_match: "vip".into() },
        ],
        allow_as_group: false,
    };
    let text = written(None, false, |output| {
        output.line(&Parsed { query: "q".into(), metadata: metadata.clone(), warnings: vec![] }).unwrap();
        let found = Found {
            query: "q".into(),
            total: 1,
            contacts: vec![ContactUuid { uuid: "u".into() }],
            next: None,
            metadata,
        };
        output.line(&found).unwrap();
        output.line(&Counted { query: "q".into(), total: 1 }).unwrap();
        output.line(&change()).unwrap();
        output.line(&RejectedLine { line: 3, error: "no".into() }).unwrap();
    });
    insta::assert_snapshot!("shapes", text);
}

#[test]
fn a_closed_pipe_ends_quietly() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }
    let list = groups();
    for format in FORMATS {
        let mut output = Output::to(Closed, None, false);
        let failure = output.list(format, GroupItem::columns(), &list, &list.groups).unwrap_err();
        assert!(matches!(failure, Failure::ClosedPipe), "{format:?}: {failure:?}");
        assert_eq!((failure.exit_status(), failure.message()), (0, None));
        let mut output = Output::to(Closed, None, false);
        let failure = output.details(format, &[("a", Cell::Empty)], Some("id"), &list).unwrap_err();
        assert!(matches!(failure, Failure::ClosedPipe), "{format:?}: {failure:?}");
    }
}

#[test]
fn exit_statuses_tell_what_happened() {
    let statuses = [
        (Failure::ClosedPipe, 0),
        (Failure::SomeRejected, 1),
        (Failure::because("no"), 1),
        (Failure::Usage("no".into()), 2),
        (Failure::InvalidQuery, 2),
    ];
    for (failure, status) in statuses {
        assert_eq!(failure.exit_status(), status);
    }
}
