#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Cursor, Read};

use proptest::prelude::*;
use serde_json::json;

use crate::contact::Status;
use crate::import::{ChangeReader, ContactReader, Format, ImportError, MAX_LINE, Source};
use crate::import::{groups, infer::Inference, queries, references, schema};
use crate::schema::{Environment, FieldType};
use crate::value::Instant;
use crate::workspace::change::{Change, ContactPatch, ContactRef, Event};

const ANN: &str = "981bf246-8aff-4b76-b668-5e6bd6336027";
const BOB: &str = "7a884dda-9e1f-47c6-9fb2-033e460430d1";

fn environment() -> Environment {
    Environment::utc(Instant::parse("2026-06-15T12:00:00Z").unwrap())
}

fn open(bytes: &[u8]) -> Result<ContactReader, ImportError> {
    ContactReader::open(Source::from_reader("input", Cursor::new(bytes.to_vec())), &environment())
}

type Read1<T> = (u64, Result<T, String>);

fn contacts(bytes: impl AsRef<[u8]>) -> Vec<Read1<ContactPatch>> {
    let reader = open(bytes.as_ref()).unwrap_or_else(|error| panic!("{error}"));
    reader.map(|(line, item)| (line.0, item.map_err(|rejection| rejection.reason))).collect()
}

fn contact(text: &str) -> ContactPatch {
    let mut all = contacts(text);
    assert_eq!(all.len(), 1, "{text}");
    all.remove(0).1.unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn changes(text: &str) -> Vec<Read1<Change>> {
    let source = Source::from_reader("input", Cursor::new(text.as_bytes().to_vec()));
    let reader = ChangeReader::open(source).unwrap_or_else(|error| panic!("{error}"));
    reader.map(|(line, item)| (line.0, item.map_err(|rejection| rejection.reason))).collect()
}

fn fields(patch: &ContactPatch) -> Vec<(&str, Option<&str>)> {
    patch.fields.iter().map(|(key, value)| (&**key, value.as_deref())).collect()
}

#[test]
fn every_key_of_a_contact_is_read() {
    let patch = contact(&format!(
        r#"{{"uuid": "{ANN}", "id": 17, "ref": "ABC2345", "name": "Ann\n☃", "status": "Blocked", "language": "eng",
            "urns": ["TEL:+250788123123", "mailto:Ann@x.org"], "groups": ["VIP", "{BOB}", {{"uuid": "{BOB}", "name": "X", "count": 3}}],
            "fields": {{"age": "36", "a": 1.50, "b": true, "c": null, "d": "", "e": {{"text": "t", "number": 5}}, "f": -0, "g": 36, "h": 12345678901234567890123456789.10}},
            "flow": {{"name": "Registration"}}, "history": ["Poll 2"], "tickets": 2,
            "created_on": "2019-12-08T14:06:56.036311Z", "modified_on": null, "last_seen_on": "", "anon_display": {{"x": [1]}}}}"#
    ));
    assert_eq!(patch.uuid.unwrap().to_string(), ANN);
    assert_eq!(patch.id, Some(Some("17".into())));
    assert_eq!(patch.name, Some(Some("Ann\n☃".into())));
    assert_eq!(patch.status, Some(Status::Blocked));
    let urns: Vec<_> = patch.urns.as_ref().unwrap().iter().map(|urn| urn.as_str()).collect();
    assert_eq!(urns, ["tel:+250788123123", "mailto:Ann@x.org"]);
    let groups = patch.groups.as_ref().unwrap();
    assert_eq!(groups[0].name.as_deref(), Some("VIP"));
    assert_eq!(groups[1].uuid.unwrap().to_string(), BOB);
    assert_eq!((groups[2].name.as_deref(), groups[2].uuid.is_some()), (Some("X"), true));
    assert_eq!(
        fields(&patch),
        [
            ("age", Some("36")),
            ("a", Some("1.50")),
            ("b", Some("true")),
            ("c", None),
            ("d", None),
            ("e", Some("t")),
            ("f", Some("-0")),
            ("g", Some("36")),
            ("h", Some("12345678901234567890123456789.10")),
        ]
    );
    assert_eq!(patch.flow.as_ref().unwrap().as_ref().unwrap().name.as_deref(), Some("Registration"));
    assert_eq!((patch.history.as_ref().unwrap().len(), patch.tickets), (1, Some(2)));
    assert_eq!((patch.modified_on, patch.last_seen_on), (Some(None), Some(None)));
    assert_eq!(patch.unknown_keys, ["anon_display".into()]);
}

#[test]
fn absent_keys_stay_and_older_exports_tell_the_status_in_flags() {
    let absent = contact(&format!(r#"{{"uuid": "{ANN}"}}"#));
    assert_eq!(absent, ContactPatch { uuid: absent.uuid, ..ContactPatch::default() });
    let status = |flags: &str| contact(&format!(r#"{{"uuid": "{ANN}", {flags}}}"#)).status;
    assert_eq!(status(r#""blocked": true, "stopped": true"#), Some(Status::Blocked));
    assert_eq!(status(r#""blocked": false, "stopped": true"#), Some(Status::Stopped));
    assert_eq!(status(r#""blocked": false, "stopped": false"#), Some(Status::Active));
    assert_eq!(status(r#""blocked": false"#), None);
    assert_eq!(status(r#""status": "archived", "blocked": true, "stopped": false"#), Some(Status::Archived));
    let cleared = contact(&format!(r#"{{"uuid": "{ANN}", "urns": null, "groups": null, "flow": "", "name": ""}}"#));
    assert_eq!(
        (cleared.urns, cleared.groups, cleared.flow, cleared.name),
        (Some(vec![]), Some(vec![]), Some(None), Some(None))
    );
}

#[test]
fn bad_contacts_are_rejected_with_their_line_and_reason() {
    let long = "x".repeat(MAX_LINE);
    let bad = [
        ("nonsense", "this is not JSON: a line is an object such as"),
        ("[1]", "this is a list, and a line is an object"),
        ("12", "this is a number, and a line is an object"),
        (r#"{"name": "Bob"}"#, "a contact needs a `uuid`, or an address in `urns`"),
        (r#"{"urns": []}"#, "a contact needs a `uuid`, or an address in `urns`"),
        (r#"{"uuid": "bob"}"#, "`uuid`: `bob` is not a uuid such as"),
        (r#"{"uuid": 5}"#, "`uuid`: expected a uuid, not the number 5"),
        (r#"{"urns": ["tel"]}"#, "`urns`: `tel` is not an address such as"),
        (r#"{"urns": ["tel:"]}"#, "the path of an address has 1 to 255 characters"),
        (r#"{"urns": "tel:+2507"}"#, "`urns`: expected a list, not the text `tel:+2507`"),
        (
            r#"{"status": "activ"}"#,
            "`status`: `activ` is not a status: active, blocked, stopped or archived (did you mean `active`?)",
        ),
        (r#"{"created_on": "2026-02-30T00:00:00Z"}"#, "`created_on`: `2026-02-30T00:00:00Z` is not a time such as"),
        (r#"{"last_seen_on": "yesterday"}"#, "`last_seen_on`: `yesterday` is not a time"),
        (r#"{"fields": {"age": [1]}}"#, "`fields`: `age`: invalid type: sequence, expected a text, a number"),
        (r#"{"fields": {"age": 1.5, "b": [1]}}"#, "`fields`: `b`: expected a text, a number, a boolean"),
        (r#"{"fields": {"age": {"number": 1}}}"#, "`fields`: `age`: expected a `text` in the object"),
        (r#"{"fields": []}"#, "`fields`: invalid type: sequence, expected an object of fields"),
        (r#"{"groups": [{}]}"#, "`groups`: expected a `uuid` or a `name` in the object"),
        (r#"{"groups": [null]}"#, "`groups`: expected a uuid, a name, or an object with either, not null"),
        (r#"{"tickets": -1}"#, "`tickets`: invalid value: integer `-1`"),
        (r#"{"name": "Bob""#, "it ends in the middle of a value; is the file cut short?"),
        (r#"{"fields": {"name": "Bo"#, "it ends in the middle of a value; is the file cut short?"),
        (r#"{"name": Bob}"#, "this is not valid JSON: expected value (column 10)"),
        (r#"{"name": "Bob"} x"#, "this is not valid JSON: trailing characters"),
        (&format!(r#"{{"name": "{long}"}}"#), "this line is longer than 1048576 bytes"),
        (&format!(r#"{{"x": {}"#, "[".repeat(100_000)), "it ends in the middle of a value"),
        ("{\"name\": \"\u{1}\"}", "an unescaped control character in a text"),
    ];
    for (line, reason) in bad {
        let good = format!(r#"{{"uuid": "{ANN}"}}"#);
        let read = contacts(format!("{good}\n\n{line}\r\n{good}"));
        let lines: Vec<u64> = read.iter().map(|&(line, _)| line).collect();
        assert_eq!(lines, [1, 3, 4], "{line:.80}");
        let told = read[1].1.as_ref().unwrap_err();
        assert!(told.contains(reason), "{line:.80}\n  said: {told}\n  expected: {reason}");
        assert!(read[0].1.is_ok() && read[2].1.is_ok());
    }
    let not_utf_8 = contacts([format!("{{\"uuid\": \"{ANN}\"}}\n").as_bytes(), b"{\"name\": \"\xff\"}"].concat());
    assert_eq!(
        not_utf_8[1].1.as_ref().unwrap_err(),
        "this is not UTF-8 from byte 11 of the line on; save the file as UTF-8"
    );
    let many = json!({"uuid": ANN, "urns": (0..257).map(|n| format!("tel:{n}")).collect::<Vec<_>>()});
    assert_eq!(contacts(many.to_string())[0].1.as_ref().unwrap_err(), "`urns`: there are more than 256");
}

#[test]
fn pages_lists_and_objects_over_lines_are_read_alike() {
    let one = json!({"uuid": ANN, "name": "A {[\"\\"});
    let two = json!({"uuid": BOB, "fields": {"results": "[1]"}, "urns": ["tel:1"]});
    let page = json!({"next": null, "previous": "x", "results": [one, two], "more": {"results": [1]}});
    let list = json!([one, two]);
    let plain: Vec<ContactPatch> =
        contacts(format!("{one}\n{two}\n")).into_iter().map(|(_, patch)| patch.unwrap()).collect();
    let documents = [
        page.to_string(),
        serde_json::to_string_pretty(&page).unwrap(),
        list.to_string(),
        serde_json::to_string_pretty(&list).unwrap(),
        format!("{}\n{}", serde_json::to_string_pretty(&one).unwrap(), serde_json::to_string_pretty(&two).unwrap()),
        format!("{}\n{}", json!({"results": [one]}), json!({"results": [two]})),
    ];
    for document in documents {
        let reader = open(document.as_bytes()).unwrap();
        assert_eq!(reader.format(), Format::Json, "{document}");
        let patches: Vec<ContactPatch> = reader.map(|(_, patch)| patch.unwrap()).collect();
        assert_eq!(patches, plain, "{document}");
    }
    let pretty = serde_json::to_string_pretty(&page).unwrap();
    let lines: Vec<u64> = contacts(&pretty).iter().map(|&(line, _)| line).collect();
    assert_eq!(lines, [5, 9]);
    assert!(contacts(r#"{"next": null, "results": []}"#).is_empty());
}

#[test]
fn a_document_that_is_cut_short_gives_what_is_whole_and_says_so() {
    let page = format!(r#"{{"next": null, "results": [{{"uuid": "{ANN}"}}, {{"uuid": "98"#);
    let read = contacts(&page);
    assert!(read[0].1.is_ok());
    assert!(read[1].1.as_ref().unwrap_err().contains("is it cut short?"));
    let wrong = contacts(format!(r#"[{{"uuid": "{ANN}"}}, 5, [], "x", {{"uuid": "{ANN}"}}}}"#));
    let told: Vec<bool> = wrong.iter().map(|(_, item)| item.is_ok()).collect();
    assert_eq!(told, [true, false, false, false, true, false]);
    assert!(wrong[5].1.as_ref().unwrap_err().contains("closes nothing"));
}

#[test]
fn sheets_leave_clear_and_set() {
    let text = format!(
        "Contact UUID,name,LANGUAGE,Status,Created On,Last Seen On,URN:Tel,URN:mailto,Field:Household Size,Group:VIP,Remark\n\
         {ANN},\"Ann, the \"\"first\"\"\",eng,active,2020-01-01T00:00:00Z,--,+250788123123,--,7,true,x\n\
         ,,,,,,tel:+250788123124,,--,no,\n\
         \n\
         {BOB},--,,,,,,,,--,\n"
    );
    let read = contacts(&text);
    assert_eq!(read.iter().map(|&(line, _)| line).collect::<Vec<_>>(), [2, 3, 5]);
    let ann = read[0].1.as_ref().unwrap();
    assert_eq!(ann.name, Some(Some("Ann, the \"first\"".into())));
    assert_eq!((ann.last_seen_on, ann.status), (Some(None), Some(Status::Active)));
    assert_eq!(ann.scheme_urns[0].1[0].as_ref().unwrap().as_ref().unwrap().as_str(), "tel:+250788123123");
    assert_eq!((&*ann.scheme_urns[1].0, &ann.scheme_urns[1].1), ("mailto", &vec![Some(None)]));
    assert_eq!((fields(ann), ann.group_flags[0].1), (vec![("Household Size", Some("7"))], true));
    assert_eq!(ann.unknown_keys, ["Remark".into()]);
    let second = read[1].1.as_ref().unwrap();
    assert_eq!(
        (second.name.as_ref(), fields(second), second.group_flags[0].1),
        (None, vec![("Household Size", None)], false)
    );
    let bob = read[2].1.as_ref().unwrap();
    assert_eq!((bob.name.as_ref(), bob.group_flags[0].1), (Some(&None), false));
}

#[test]
fn sheets_are_read_in_the_encodings_that_people_save() {
    let text = format!("UUID;Name\n{ANN};Ann\n{BOB};Zoë Müller\n");
    let utf_16 = |big: bool| -> Vec<u8> {
        let units = text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() });
        [if big { [0xfe, 0xff] } else { [0xff, 0xfe] }.to_vec(), units.collect()].concat()
    };
    let crlf = text.replace('\n', "\r\n\r\n");
    assert_eq!(contacts(&crlf).iter().map(|&(line, _)| line).collect::<Vec<_>>(), [3, 5]);
    let latin_1: Vec<u8> = text.chars().map(|c| c as u8).collect();
    let marked = [b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat();
    for bytes in
        [text.clone().into_bytes(), utf_16(true), utf_16(false), latin_1, marked, text.replace(';', "\t").into()]
    {
        let read = contacts(&bytes);
        assert_eq!(read[1].1.as_ref().unwrap().name, Some(Some("Zoë Müller".into())), "{:?}", &bytes[..8]);
    }
    let mixed = [format!("UUID,Name\n{ANN},Zoë\n{BOB},").as_bytes(), b"Zo\xeb\n"].concat();
    assert!(contacts(&mixed)[1].1.as_ref().unwrap_err().contains("cell 2 is not UTF-8 as the rows before it are"));
}

#[test]
fn bad_rows_and_headers_are_told_apart() {
    let rows = [
        ("bob,,,", "`UUID`: `bob` is not a uuid"),
        ("--,,,", "`UUID`: this cannot be cleared"),
        (",,,", ""),
        (",Ann,,", "a row needs a uuid, or an address in a `URN:` column"),
        (",,,maybe", "`Group:VIP`: `maybe` is neither true nor false"),
        (",,activ,", "`Status`: `activ` is not a status"),
        ("a,b", "this row has 2 cells, and the header has 4"),
        ("a,b,c,d,e", "this row has 5 cells, and the header has 4"),
    ];
    for (row, reason) in rows {
        let read = contacts(format!("UUID,Name,Status,Group:VIP\n{row}\n{ANN},,,\n"));
        if reason.is_empty() {
            assert_eq!(read.len(), 1);
        } else {
            let told = read[0].1.as_ref().unwrap_err();
            assert!(told.starts_with(reason), "{row}: {told}");
            assert!(read[1].1.is_ok());
        }
    }
    let headers = [
        ("a,b\n", "input, line 1: this is neither JSON nor a sheet of contacts: its first line, which begins with `a`"),
        ("Name,Status\n", "neither a `UUID` nor a `URN:<scheme>` column"),
        ("UUID,Name,name\n", "two columns of the header are the same: `Name`"),
        ("UUID,URN:\n", "lacks the name after the colon"),
        ("UUID,URN:te l\n", "names no scheme"),
    ];
    for (header, reason) in headers {
        let told = open(header.as_bytes()).unwrap_err().to_string();
        assert!(told.contains(reason), "{header}: {told}");
    }
    let unclosed = contacts(format!("UUID,Name\n{ANN},\"Ann\n{}", "x,y\n".repeat(MAX_LINE)));
    assert!(unclosed.last().unwrap().1.as_ref().unwrap_err().contains("is a quote not closed?"));
}

#[test]
fn files_of_another_kind_are_refused() {
    let kinds: [(&[u8], &str); 11] = [
        (b"", "input: the file is empty"),
        (b" \n\t\n", "input: the file is empty"),
        (b"PK\x03\x04nonsense", "input: this is no Excel workbook that can be read"),
        (b"\xd0\xcf\x11\xe0\xa1", "input: this is an old Excel workbook"),
        (b"%PDF-1.4", "input: this is a PDF document"),
        (b"PAR1", "input: this is a Parquet file"),
        (b"SQLite format 3\0", "input: this is an SQLite database"),
        (b"ab\0cdefgh\x01", "input: this is a binary file"),
        (b"{\0\"\0u\0", "input: this is binary, or UTF-16 without a byte order mark"),
        (b"<html>", "input: this is a web page or XML"),
        (b"Dear all,\nhow are you?", "input, line 1: this is neither JSON nor a sheet of contacts"),
    ];
    for (bytes, reason) in kinds {
        let told = open(bytes).unwrap_err().to_string();
        assert!(told.starts_with(reason), "{told}");
    }
    let told = |path: &std::path::Path| Source::file(path).unwrap_err().to_string();
    let folder = tempfile::tempdir().unwrap();
    assert!(told(folder.path()).ends_with("this is a folder, and a file is needed"));
    assert!(told(&folder.path().join("none.csv")).ends_with("none.csv: there is no such file"));
}

#[test]
fn a_reader_that_fails_says_so_once_and_ends() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is gone"))
        }
    }
    let lines = format!("{{\"uuid\": \"{ANN}\"}}\n").repeat(3_000);
    let failing = Cursor::new(lines.into_bytes()).chain(Failing);
    let reader = ContactReader::open(Source::from_reader("input", failing), &environment()).unwrap();
    let read: Vec<_> = reader.collect();
    assert_eq!(read.len(), 3_001);
    let (line, last) = read.last().unwrap();
    assert_eq!((line.0, last.is_err()), (3_001, true));
    assert!(last.as_ref().unwrap_err().reason.contains("the disk is gone; nothing after this is read"));
}

#[test]
fn long_lines_are_passed_over_and_order_is_kept() {
    let mut text = String::new();
    for at in 0..20_000 {
        if at % 5_000 == 77 {
            text.push_str(&format!("{{\"name\": \"{}\"}}\n", "é".repeat(MAX_LINE)));
        }
        text.push_str(&format!("{{\"uuid\": \"{ANN}\", \"id\": {at}}}\n"));
    }
    let read = contacts(&text);
    assert_eq!(read.iter().map(|&(line, _)| line).collect::<Vec<_>>(), (1..=20_004).collect::<Vec<_>>());
    let ids: Vec<String> =
        read.iter().filter_map(|(_, item)| item.as_ref().ok()?.id.clone()?.map(String::from)).collect();
    assert_eq!(ids, (0..20_000).map(|at: u32| at.to_string()).collect::<Vec<_>>());
    assert_eq!(read.iter().filter(|(_, item)| item.is_err()).count(), 4);
}

#[test]
fn reading_on_a_thread_of_the_pool_does_not_wait_for_itself() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let text = format!("{{\"uuid\": \"{ANN}\"}}\n").repeat(50_000);
    assert_eq!(pool.install(|| contacts(&text).len()), 50_000);
}

#[test]
fn every_type_of_change_is_read() {
    let who = format!(r#""contact": {{"uuid": "{ANN}", "name": "Ann"}}, "created_on": "2026-06-15T12:00:00Z""#);
    let event = |rest: &str| -> Event {
        let line = format!(r#"{{"uuid": "step", {rest}, {who}}}"#);
        let change = changes(&line).remove(0).1.unwrap_or_else(|error| panic!("{line}: {error}"));
        assert!(matches!(change.contact, Some(ContactRef::Uuid(_))) && change.created_on.is_some());
        change.event
    };
    let named = |list: &[&str]| list.iter().map(|name| super::json::uuid_or_name(name)).collect::<Vec<_>>();
    assert_eq!(
        event(
            r#""type": "contact_field_changed", "field": {"key": "age", "name": "Age"}, "value": {"text": "36.0", "number": 36.0}"#
        ),
        Event::Field { key: "age".into(), value: Some("36.0".into()) }
    );
    assert_eq!(
        event(r#""type": "contact_field_changed", "field": "age", "value": null"#),
        Event::Field { key: "age".into(), value: None }
    );
    assert_eq!(event(r#""type": "contact_name_changed", "name": """#), Event::Name(None));
    assert_eq!(event(r#""type": "contact_language_changed", "language": "eng""#), Event::Language(Some("eng".into())));
    assert_eq!(event(r#""type": "contact_status_changed", "status": "stopped""#), Event::Status(Status::Stopped));
    assert!(
        matches!(event(r#""urns": ["tel:1"], "type": "contact_urns_changed""#), Event::Urns(urns) if urns.len() == 1)
    );
    assert_eq!(
        event(r#""type": "contact_groups_changed", "groups_added": ["A"], "groups_removed": [{"name": "B"}]"#),
        Event::Groups { added: named(&["A"]), removed: named(&["B"]) }
    );
    assert_eq!(event(r#""type": "contact_last_seen_changed", "last_seen_on": null"#), Event::LastSeen(None));
    assert_eq!(event(r#""type": "contact_flow_changed", "flow": null"#), Event::Flow(None));
    assert!(matches!(event(r#""type": "run_started", "flow": {"name": "Poll 2"}"#), Event::RunStarted(_)));
    assert_eq!(event(r#""type": "ticket_opened", "ticket": {}"#), Event::TicketOpened);
    assert_eq!(event(r#""type": "ticket_closed""#), Event::TicketClosed);
    assert_eq!(event(r#""type": "add_contact_groups", "groups": ["A"]"#), Event::AddToGroups(named(&["A"])));
    assert_eq!(event(r#""type": "remove_contact_groups", "groups": ["A"]"#), Event::RemoveFromGroups(named(&["A"])));
    assert_eq!(event(r#""type": "remove_contact_groups", "all_groups": true"#), Event::RemoveFromAllGroups);
    assert_eq!(event(r#""type": "contact_deleted""#), Event::Deleted);
    let created =
        changes(r#"{"type": "contact_created", "contact": {"name": "New", "urns": ["tel:1"]}}"#).remove(0).1.unwrap();
    assert!(matches!(created.contact, Some(ContactRef::Urn(_))) && matches!(created.event, Event::Created(_)));
    let unnamed = changes(r#"{"type": "contact_created", "contact": {"name": "New"}}"#).remove(0).1.unwrap();
    assert_eq!(unnamed.contact, None);
}

#[test]
fn bad_changes_are_rejected_and_still_take_up_their_position() {
    let who = format!(r#""contact": {{"uuid": "{ANN}"}}"#);
    let bad = [
        (format!("{{{who}}}"), "a change needs a `type`"),
        (
            format!(r#"{{"type": "contact_name_chnged", {who}}}"#),
            "`contact_name_chnged` is not a type of change (did you mean `contact_name_changed`?)",
        ),
        (r#"{"type": "ticket_opened"}"#.into(), r#"ticket_opened needs `contact`: {"uuid": …} or {"urn": …}"#),
        (r#"{"type": "ticket_opened", "contact": {}}"#.into(), "`contact`: a `uuid` or a `urn` is needed to say who"),
        (
            r#"{"type": "ticket_opened", "contact": "x"}"#.into(),
            "`contact`: invalid type: string \"x\", expected an object such as",
        ),
        (r#"{"type": "ticket_opened", "contact": {"urn": "x"}}"#.into(), "`contact`: `urn`: `x` is not an address"),
        (format!(r#"{{"type": "contact_name_changed", {who}}}"#), "contact_name_changed needs `name`"),
        (
            format!(r#"{{"type": "contact_status_changed", "status": null, {who}}}"#),
            "contact_status_changed needs `status`",
        ),
        (
            format!(r#"{{"type": "contact_field_changed", "field": {{}}, {who}}}"#),
            "`field`: the field's `key` is needed",
        ),
        (
            format!(r#"{{"type": "contact_field_changed", "field": {{"key": "a"}}, {who}}}"#),
            "contact_field_changed needs `value`",
        ),
        (
            format!(r#"{{"type": "contact_field_changed", "field": "a", "value": [1], {who}}}"#),
            "`value`: expected a text",
        ),
        (
            format!(r#"{{"type": "contact_last_seen_changed", "last_seen_on": "x", {who}}}"#),
            "`last_seen_on`: `x` is not a time",
        ),
        (format!(r#"{{"type": "run_started", "flow": null, {who}}}"#), "run_started needs `flow`"),
        (format!(r#"{{"type": "remove_contact_groups", {who}}}"#), "remove_contact_groups needs `groups`"),
        (
            format!(r#"{{"type": "contact_groups_changed", {who}}}"#),
            "contact_groups_changed needs `groups_added` or `groups_removed`",
        ),
        (r#"{"type": "contact_created", "contact": {"uuid": "x"}}"#.into(), "`contact`: `uuid`: `x` is not a uuid"),
    ];
    for (line, reason) in bad {
        let line = format!(r#"{},"source": {{"name": "a", "offset": 7}}}}"#, line.strip_suffix('}').unwrap());
        let source = Source::from_reader("input", Cursor::new(line.clone().into_bytes()));
        let (_, item) = ChangeReader::open(source).unwrap().next().unwrap();
        let rejection = item.unwrap_err();
        assert!(rejection.reason.starts_with(reason), "{line}\n  said: {}", rejection.reason);
        assert_eq!(rejection.source.unwrap().offset, 7, "{line}");
    }
    let offset = changes(&format!(r#"{{"type": "ticket_opened", {who}, "source": {{"name": "a", "offset": -7}}}}"#));
    assert!(offset[0].1.as_ref().unwrap_err().starts_with("`source`: invalid value: integer `-7`"));
    let csv = ChangeReader::open(Source::from_reader("input", "UUID,Name\nx,y\n".as_bytes()));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changes.csv");
    std::fs::write(&path, "UUID,Name\nx,y\n").unwrap();
    assert!(csv.unwrap().all(|(_, item)| item.is_err()));
    let told = ChangeReader::open(Source::file(&path).unwrap()).unwrap_err().to_string();
    assert!(told.ends_with("changes are JSON lines, and this begins with `UUID,Name`"), "{told}");
}

#[test]
fn a_pipe_gives_each_change_as_it_comes() {
    use crate::import::changes::Next;
    use std::time::Duration;
    let (reader, mut writer) = std::io::pipe().unwrap();
    let line = format!("{{\"type\": \"ticket_opened\", \"contact\": {{\"uuid\": \"{ANN}\"}}}}\n");
    std::io::Write::write_all(&mut writer, line.as_bytes()).unwrap();
    let mut changes = ChangeReader::open(Source::from_reader("pipe", reader)).unwrap();
    let next = |changes: &mut ChangeReader| changes.next_within(Duration::from_secs(60));
    assert!(matches!(next(&mut changes), Next::Item((_, Ok(_)))));
    assert!(matches!(changes.next_within(Duration::from_millis(1)), Next::Idle));
    std::io::Write::write_all(&mut writer, line.as_bytes()).unwrap();
    assert!(matches!(next(&mut changes), Next::Item((_, Ok(_)))));
    drop(writer);
    assert!(matches!(next(&mut changes), Next::End));
}

#[test]
fn schemas_groups_queries_and_lists_are_read() {
    let read = |text: &str| schema::read(Source::from_reader("schema.json", Cursor::new(text.as_bytes().to_vec())));
    let good = read(&format!(
        r#"{{"fields": [{{"key": "dob", "type": "date"}}], "groups": ["A", {{"uuid": "{ANN}", "name": "B"}}], "flows": []}}"#
    ));
    let good = good.unwrap();
    assert_eq!((good.fields[0].name.as_str(), good.fields[0].kind), ("dob", FieldType::Datetime));
    assert_eq!((good.groups[0].uuid, good.groups[1].uuid.is_some()), (None, true));
    let bad = [
        ("", "schema.json: the file is empty"),
        ("[]", "schema.json: this file should hold one object such as"),
        ("{\n\"fields\": [", "schema.json, line 2: the file ends in the middle of a value"),
        ("{\n\"fields\": [}", "schema.json, line 2: this is not valid JSON: expected value (column 12)"),
        ("{\"fields\": [{\"key\": \"Age\"}]}", "schema.json, line 1: `Age` is no key of a field"),
        (
            "{\"fields\": [{\"key\": \"age\", \"type\": \"numbr\"}]}",
            "line 1: the field `age` has the type `numbr`, which is none of text, number, datetime, state, district, ward (did you mean `number`?)",
        ),
        ("{\"fields\": [{\"key\": \"a\"}, {\"key\": \"a\"}]}", "schema.json: the field `a` is given twice"),
        ("{\"groups\": [\"A\", \"a\"]}", "schema.json: the group `a` is given twice"),
        ("{\"groups\": [5]}", "a group or a flow is a name, or an object with `name` and perhaps `uuid`"),
        ("{\"groups\": [{\"uuid\": \"x\", \"name\": \"A\"}]}", "`x` is not a uuid"),
    ];
    for (text, reason) in bad {
        let told = read(text).unwrap_err().to_string();
        assert!(told.contains(reason), "{text}: {told}");
    }
    let file = groups::read(Source::from_reader(
        "g",
        r#"{"groups": [{"name": "A", "query": "age > 3", "status": "ready"}, {"name": "B", "query": null}]}"#
            .as_bytes(),
    ));
    let file = file.unwrap();
    assert_eq!((file.groups[0].query.as_deref(), file.groups[1].query.as_deref()), (Some("age > 3"), None));
    let batch: Vec<_> =
        queries::open(Source::from_reader("q", "{\"query\": \"a\", \"id\": 1}\n{\"q\": 1}\n".as_bytes()))
            .unwrap()
            .collect();
    assert_eq!(batch[0].1.as_ref().unwrap().query, "a");
    assert_eq!(batch[1].1.as_ref().unwrap_err().to_string(), "line 2: missing field `query`");
    let list = format!("uuid\n{ANN}\ntel:+250788123123\n17\n{{\"urn\": \"tel:1\"}}\nbob\nuuid\n");
    let list: Vec<_> = references::open(Source::from_reader("l", Cursor::new(list.into_bytes()))).unwrap().collect();
    assert_eq!(
        list.iter().map(|(line, item)| (line.0, item.is_ok())).collect::<Vec<_>>(),
        [(2, true), (3, true), (4, true), (5, true), (6, false), (7, false)]
    );
}

#[test]
fn types_of_fields_are_guessed_from_values() {
    let text = format!(
        "UUID,Field:Age,Field:Code,Field:Where,Field:Mixed,Field:Empty,Group:VIP\n\
         {ANN},36,007,Rwanda > Kigali City,1,,true\n{BOB},-.5,12,Rwanda > Western,x,,\n"
    );
    let mut inference = Inference::new(environment());
    inference.see(open(text.as_bytes()).unwrap().mentions());
    contacts(&text).iter().for_each(|(_, patch)| inference.see(patch.as_ref().unwrap()));
    inference.see(&contact(&format!(
        r#"{{"uuid": "{ANN}", "groups": [{{"uuid": "{BOB}", "name": "vip"}}], "flow": "{BOB}", "history": ["Poll"]}}"#
    )));
    let schema = inference.finish();
    let kinds: Vec<_> = schema.fields.iter().map(|field| (field.key.as_str(), field.kind)).collect();
    use FieldType::{Number, State, Text};
    assert_eq!(kinds, [("age", Number), ("code", Text), ("where", State), ("mixed", Text), ("empty", Text)]);
    assert_eq!(
        (schema.groups.len(), schema.groups[0].name.as_str(), schema.groups[0].uuid.is_some()),
        (1, "VIP", true)
    );
    assert_eq!(schema.flows.iter().map(|flow| flow.name.as_str()).collect::<Vec<_>>(), [BOB, "Poll"]);
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Z0-9 ]{1,12}", "\\PC{1,8}", "[\"\\\\{}\\[\\],:\n\t -]{1,8}"]
}

prop_compose! {
    fn generated()(
        name in proptest::option::of(text()),
        language in proptest::option::of("[a-z]{3}"),
        status in proptest::sample::select(Status::ALL.to_vec()),
        urns in proptest::collection::vec("(tel|mailto|ext):[+a-z0-9@.]{1,20}", 0..3),
        groups in proptest::collection::vec("[A-Z][a-z ]{0,8}[a-z]", 0..3),
        fields in proptest::collection::vec(("[a-z_]{1,8}", proptest::option::of(text())), 0..6),
        micros in 0i64..2_000_000_000_000_000,
    ) -> serde_json::Value {
        let fields: serde_json::Map<_, _> = fields.into_iter().map(|(key, value)| (key, json!(value))).collect();
        json!({
            "uuid": ANN, "name": name, "language": language, "status": status.name(), "urns": urns, "groups": groups,
            "fields": fields, "created_on": Instant::from_micros(micros).to_string(),
        })
    }
}

/// What a generated contact should read as, spelled out by itself.
fn expected(value: &serde_json::Value) -> ContactPatch {
    let text = |value: &serde_json::Value| value.as_str().map(Box::<str>::from);
    let strings = |key: &str| value[key].as_array().unwrap().iter().map(|value| value.as_str().unwrap());
    ContactPatch {
        uuid: crate::ids::Uuid::parse(ANN),
        name: Some(text(&value["name"])),
        language: Some(text(&value["language"])),
        status: Status::from_name(value["status"].as_str().unwrap()),
        urns: Some(strings("urns").map(|urn| crate::value::Urn::parse(urn).unwrap()).collect()),
        groups: Some(strings("groups").map(super::json::uuid_or_name).collect()),
        fields: value["fields"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(key, value)| (key.as_str().into(), text(value)))
            .collect(),
        created_on: Instant::parse(value["created_on"].as_str().unwrap()),
        ..ContactPatch::default()
    }
}

proptest! {
    #[test]
    fn generated_contacts_read_back(values in proptest::collection::vec(generated(), 1..20)) {
        let lines: String = values.iter().map(|value| format!("{value}\n")).collect();
        let page = serde_json::to_string_pretty(&json!({"next": "x", "results": values})).unwrap();
        let expected: Vec<ContactPatch> = values.iter().map(expected).collect();
        for text in [lines, page] {
            let read: Vec<ContactPatch> = contacts(&text).into_iter().map(|(_, patch)| patch.unwrap()).collect();
            prop_assert_eq!(&read, &expected);
        }
    }

    #[test]
    fn generated_rows_read_back(names in proptest::collection::vec(text(), 1..20)) {
        let mut writer = ::csv::Writer::from_writer(Vec::new());
        writer.write_record(["UUID", "Field:note"]).unwrap();
        names.iter().for_each(|name| writer.write_record([ANN, name]).unwrap());
        let read = contacts(writer.into_inner().unwrap());
        let read: Vec<Option<Option<&str>>> =
            read.iter().map(|(_, patch)| patch.as_ref().unwrap().fields.first().map(|(_, text)| text.as_deref())).collect();
        let expected: Vec<_> = names.iter().map(|name| match name.trim() {
            "" => None,
            "--" => Some(None),
            _ => Some(Some(name.as_str())),
        }).collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        read_every_way(&bytes);
    }

    #[test]
    fn no_damage_to_good_input_makes_it_panic(
        values in proptest::collection::vec(generated(), 1..4),
        pretty: bool,
        cut in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        byte: u8,
    ) {
        let page = json!({"results": values});
        let mut bytes = if pretty { serde_json::to_vec_pretty(&page).unwrap() } else { serde_json::to_vec(&page).unwrap() };
        let at = at.index(bytes.len());
        bytes[at] = byte;
        bytes.truncate(cut.index(bytes.len()) + 1);
        read_every_way(&bytes);
    }
}

fn read_every_way(bytes: &[u8]) {
    let source = || Source::from_reader("input", Cursor::new(bytes.to_vec()));
    for magic in [&b""[..], b"{\"results\":[", b"UUID,Name,URN:tel\n", b"\xff\xfe", b"PK\x03\x04", b"{\"uuid\": \""] {
        let _ = open(&[magic, bytes].concat()).map(Iterator::count);
    }
    let _ = ChangeReader::open(source()).map(Iterator::count);
    let _ = references::open(source()).map(Iterator::count);
    let _ = queries::open(source()).map(Iterator::count);
    let _ = schema::read(source());
    let _ = groups::read(source());
}
