#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::complete;
use super::paint::{coloured, mistake};
use super::{is_open, query_at};
use crate::complete::Vocabulary;
use crate::ids::{FieldId, FlowId, GroupId, Uuid};
use crate::plan::atom::TextProperty;
use crate::schema::{Environment, Field, FieldType, Flow, Group, Schema};
use crate::value::Instant;
use proptest::prelude::*;

fn vocabulary() -> Vocabulary {
    let mut schema = Schema::new();
    let fields = [("age", FieldType::Number), ("city", FieldType::Text), ("dob", FieldType::Datetime)];
    for (id, (key, kind)) in fields.into_iter().enumerate() {
        schema.put_field(Field { id: FieldId(id as u16), key: key.into(), name: key.into(), kind });
    }
    let name = || "VIP people".to_owned();
    schema.put_group(Group { id: GroupId(1), uuid: Uuid::random(), name: name(), smart: false });
    schema.put_group(Group { id: GroupId(2), uuid: Uuid::random(), name: "Adults".into(), smart: true });
    schema.put_flow(Flow { id: FlowId(1), uuid: Uuid::random(), name: "Poll".into() });
    Vocabulary { schema, environment: Environment::utc(Instant::parse("2026-06-15T12:00:00Z").unwrap()) }
}

/// What the word at the end of a line may become, and the line up to that word.
fn completed(line: &str) -> (String, Vec<String>) {
    let values = |property: &TextProperty| -> Vec<Box<str>> {
        match property {
            TextProperty::Field(FieldId(1)) => vec!["huye".into(), "kigali".into(), "new york".into()],
            TextProperty::Language => vec!["eng".into(), "kin".into()],
            _ => Vec::new(),
        }
    };
    let (start, candidates) = complete(line, line.len(), &vocabulary(), values);
    (line[..start].to_owned(), candidates)
}

#[test]
fn completes_what_may_stand_there() {
    let cases = [
        ("ag", "", &["age"][..]),
        ("c", "", &["city", "created_on"]),
        ("age > 5 AND lan", "age > 5 AND ", &["language"]),
        ("NOT (gro", "NOT (", &["group"]),
        ("fields.city ", "fields.city ", &["=", "!=", "~", "IN", "NOT IN"]),
        ("age >", "age >", &[]),
        ("dob ann", "dob ", &["ANNIVERSARY"]),
        ("dob ANNIVERSARY to", "dob ANNIVERSARY ", &["today"]),
        ("dob > -3", "dob > ", &["-30d"]),
        ("city = ", "city = ", &["huye", "kigali", "\"new york\""]),
        ("city = Ki", "city = ", &["kigali"]),
        ("city=ki", "city=", &["kigali"]),
        ("city = \"new y", "city = ", &["\"new york\""]),
        ("city IN ", "city IN ", &["("]),
        ("city NOT IN (huye, ki", "city NOT IN (huye, ", &["kigali"]),
        ("city IN (huye ", "city IN (huye ", &[",", ")"]),
        ("city IN (huye) ", "city IN (huye) ", &["AND", "OR"]),
        ("language = k", "language = ", &["kin"]),
        ("status = st", "status = ", &["stopped"]),
        ("group = v", "group = ", &["\"VIP people\""]),
        ("group = \"vip p", "group = ", &["\"VIP people\""]),
        ("history = ", "history = ", &["\"Poll\""]),
        ("city = huye o", "city = huye ", &["OR"]),
        ("bob ", "bob ", &["AND", "OR"]),
        (":c", "", &[":count"]),
        (":count city = h", ":count city = ", &["huye"]),
        (":members ad", ":members ", &["Adults"]),
        (":groups x", ":groups x", &[]),
    ];
    for (line, before, candidates) in cases {
        let (found_before, found) = completed(line);
        assert_eq!(
            (found_before.as_str(), found),
            (before, candidates.iter().map(|&c| c.to_owned()).collect()),
            "{line}"
        );
    }
    assert!(completed("").1.len() > 30);
}

#[test]
fn colours_each_kind_of_word() {
    let shown = |line: &str| {
        let text = coloured(line, &vocabulary());
        text.replace("\x1b[0m", ">").replace("\x1b[", "<").replace('m', ":")
    };
    assert_eq!(shown("age > 30 AND citi = \"x\""), "<36:age> > <33:30> <1:AND> citi = <32:\"x\">");
    assert_eq!(shown("age is -3d $"), "<36:age> is <33:-3d> <31:$>");
    assert_eq!(shown(":count age"), "<1::count ><36:age>");
    assert_eq!(shown(":groups"), "<1::groups>");
}

#[test]
fn tells_mistakes_under_the_line_once_they_are_made() {
    let told = |line: &str| mistake(line, 4, &vocabulary());
    for line in [
        "",
        "ag",
        "age",
        "age >",
        "age > 3",
        "aeg",
        "aeg =",
        "(aeg > 3",
        "age > 3 AND",
        "age > x",
        ":groups",
        "city = \"a",
    ] {
        assert_eq!(told(line), None, "{line}");
    }
    let wrong = told("age > 3 AND citi = x ").unwrap();
    let under = "\n".to_owned() + &" ".repeat(4 + 12) + "^ ";
    assert!(wrong.starts_with(&under) && wrong.contains("did you mean `city`?"), "{wrong}");
    assert!(told(":count aeg > 3 ").unwrap().starts_with(&format!("\n{}^ ", " ".repeat(4 + 7))));
    assert!(told("age > 3 AND\naeg > 5 ").unwrap().starts_with("\n^ can't resolve"));
    assert!(!told("aeg > 3\nAND age > 5 ").unwrap().contains('^'));
}

#[test]
fn waits_for_closing_brackets_and_quotes() {
    for text in ["(age > 5", "name = \"bob", "name = \"a\\\"", "((a) and b"] {
        assert!(is_open(text), "{text}");
    }
    for text in ["age > 5", "(age > 5)", "name = \")\"", "a)"] {
        assert!(!is_open(text), "{text}");
    }
}

#[test]
fn finds_the_query_of_a_line() {
    let query = |line: &'static str| query_at(line).map(|at| &line[at..]);
    assert_eq!(query("age > 5"), Some("age > 5"));
    assert_eq!(query(":count age > 5"), Some("age > 5"));
    assert_eq!((query(":count"), query(":groups x"), query(":members x")), (None, None, None));
}

proptest! {
    #[test]
    fn never_panics(line in "(:|count |age|city|group|=|IN|NOT|\\(|\\)|,|\"|\\\\| |\n|\\PC){0,30}", cut in 0usize..60) {
        let position = (0..=cut.min(line.len())).rev().find(|&at| line.is_char_boundary(at)).unwrap();
        let (start, _) = complete(&line, position, &vocabulary(), |_| vec!["kigali".into()]);
        prop_assert!(start <= position && line.is_char_boundary(start));
        let _ = mistake(&line, 11, &vocabulary());
        // Colours add nothing else: without them the line is as it was.
        let painted = coloured(&line, &vocabulary());
        let plain = ["\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[36m"]
            .iter().fold(painted, |text, colour| text.replace(colour, ""));
        prop_assert_eq!(plain, line);
    }
}
