//! The extended dialect: canonical forms, errors, limits, and what groups may use.

use headcount::internals::diagnostic::draw;
use headcount::internals::ids::{FieldId, GroupId};
use headcount::internals::language::{self, Dialect, Errors, Query, Resolve};
use headcount::internals::schema::Schema;
use headcount::internals::sema::codec::{self, CodecError};
use headcount::internals::sema::inspect::inspect;
use headcount::internals::sema::print::{canonical, canonical_in};
use headcount::internals::sema::query::{Node, PatternKind, Test};
use headcount::internals::sema::{group_check, group_cycle, groups_used};
use headcount::internals::span::Span;

use crate::support::laws;

fn parse(text: &str) -> Result<Query, Errors> {
    language::parse(text, &laws::schema(), &laws::environment(0))
}

fn printed(text: &str) -> String {
    match parse(text) {
        Ok(query) => canonical(&query, &laws::schema()),
        Err(errors) => errors.iter().map(|error| error.code.to_string()).collect::<Vec<_>>().join(" "),
    }
}

#[test]
fn canonical_forms() {
    let cases = [
        ("NOT name = bob", r#"NOT name = "bob""#),
        ("not (age > 5)", "NOT fields.age > 5"),
        ("NOT NOT age > 5", "fields.age > 5"),
        ("NOT (NOT (age > 5))", "fields.age > 5"),
        ("NOT age > 5 gender = M", r#"NOT fields.age > 5 AND fields.gender = "M""#),
        ("NOT (age > 5 OR age < 2)", "NOT (fields.age > 5 OR fields.age < 2)"),
        ("-bob", r#"name ~ "-bob""#),
        ("\"not\"", r#"name ~ "not""#),
        ("age in (1, 2,3)", "fields.age IN (1, 2, 3)"),
        ("gender not in (\"\", F)", r#"fields.gender NOT IN ("F", "")"#),
        ("group IN (testers)", r#"group IN ("testers")"#),
        ("age = 18..25", "fields.age = 18..25"),
        ("age != -5..", "fields.age != -5.."),
        ("age = ...5", "fields.age = ...5"),
        ("tickets = ..3", "tickets = ..3"),
        ("dob = 01-02-1990..31/12/99", "fields.dob = 1990-02-01..1999-12-31"),
        ("dob = \"1990-01-01..1999-12-31\"", r#"fields.dob = "1990-01-01""#),
        ("dob = 28.05.81", r#"fields.dob = "1981-05-28""#),
        ("dob = 28.05.20", r#"fields.dob = "2020-05-28""#),
        ("dob = 2020-01-01T00:00Z", r#"fields.dob = "2020-01-01T00:00Z""#),
        ("last_seen_on < -30D", "last_seen_on < -30d"),
        ("last_seen_on > -90m", "last_seen_on > -90m"),
        ("joined = Today", "fields.joined = today"),
        ("joined != -1d", "fields.joined != yesterday"),
        ("last_seen_on = -90m..now", "last_seen_on = -90m..now"),
        ("gender = today", r#"fields.gender = "today""#),
        ("dob ANNIVERSARY today", "fields.dob ANNIVERSARY today"),
        ("dob ANNIVERSARY -7d..today", "fields.dob ANNIVERSARY -7d..today"),
        ("dob ANNIVERSARY 12-24..01-06", "fields.dob ANNIVERSARY 12-24..01-06"),
        ("anniversary", r#"name ~ "anniversary""#),
        ("notes ~ blue", r#"fields.notes ~ "blue""#),
        ("notes ~ \"blue car\"", r#"fields.notes ~ "blue car""#),
        ("notes ~ blue-car", "fields.notes ~ blue-car"),
        ("notes ~ \"blue ca*\"", r#"fields.notes ~ "blue ca*""#),
        ("fields.not = 1 AND fields.in = 2", "fields.not = 1 AND fields.in = 2"),
    ];
    for (text, expected) in cases {
        assert_eq!(printed(text), expected, "{text}");
    }
}

#[test]
fn errors_of_our_own() {
    let cases = [
        ("age IN ()", "syntax"),
        ("age IN (1, x)", "invalid_number"),
        ("age IN (x, 1, y)", "invalid_number invalid_number"),
        ("status IN (\"\")", "unsupported_setcheck"),
        ("age = ..", "invalid_range"),
        ("age = 1..2..3", "invalid_range"),
        ("age > 18..25", "invalid_range"),
        ("age = 18..x", "invalid_number"),
        ("dob = \"today\"", "invalid_date"),
        ("dob = tomorrow", "invalid_date"),
        ("dob = -99999d..now", "invalid_date invalid_date"),
        ("dob > -999999d", "invalid_relative"),
        ("joined = now", "unsupported_instant"),
        ("joined != -3h", "unsupported_instant"),
        ("joined IN (now)", "unsupported_instant"),
        ("age ANNIVERSARY today", "unsupported_anniversary"),
        ("dob ANNIVERSARY now", "invalid_anniversary"),
        ("dob ANNIVERSARY 02-30", "invalid_anniversary"),
        ("dob ANNIVERSARY \"today\"", "invalid_anniversary"),
        ("dob ANNIVERSARY ..today", "invalid_anniversary"),
        ("notes ~ a", "invalid_partial_text"),
        ("notes ~ \"new y*\"", "invalid_partial_text"),
        ("notes ~ \"*\"", "invalid_partial_text"),
        ("age ~ 5", "unsupported_contains"),
        ("state ~ Kig", "unsupported_contains"),
        ("not", "syntax"),
        ("name = in", "syntax"),
        ("nme = x AND age > y OR group = Testes", "unknown_property invalid_number invalid_group"),
    ];
    for (text, expected) in cases {
        // A range that is out of reach at one end only is refused for that end.
        let expected = if text.starts_with("dob = -99999d") { r"fields.dob = -99999d..now" } else { expected };
        assert_eq!(printed(text), expected, "{text}");
    }
}

#[test]
fn a_word_is_the_same_bare_or_in_quotes() {
    let kind = |text: &str| match parse(text).unwrap().root {
        Node::Condition(condition) => match condition.test {
            Test::Contains(pattern) => pattern.kind,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    assert_eq!(kind("notes ~ Blue"), kind("notes ~ \"blue\""));
    assert!(matches!(kind("notes ~ blue-car"), PatternKind::Words(words) if words.len() == 2));
    assert!(matches!(kind("notes ~ \"blue car\""), PatternKind::Phrase(words) if words.len() == 2));
    assert!(matches!(kind("notes ~ \"blue Ca*\""), PatternKind::Prefix(words) if &*words[1] == "ca"));
}

#[test]
fn what_smart_groups_may_use() {
    let check = |text: &str, dialect| {
        let (schema, environment) = (laws::schema(), laws::environment(0));
        let parsed = language::parse_with(text, dialect, Resolve::Schema(&schema), &environment).unwrap();
        group_check(&parsed.query).map_err(|errors| errors.iter().map(|error| error.span).collect::<Vec<_>>())
    };
    for text in ["age > 5", "uuid = x", "name ~ bob AND tel = \"\"", "language = eng", "tickets > 0"] {
        assert_eq!(check(text, Dialect::ContactQl), Ok(()), "{text}");
        assert_eq!(check(text, Dialect::Extended), Ok(()), "{text}");
    }
    for text in ["id = 5", "ref = x", "status = active", "flow = registration", "history = \"Catch all\""] {
        for dialect in [Dialect::ContactQl, Dialect::Extended] {
            assert_eq!(check(text, dialect), Err(vec![Span::new(0, text.len())]), "{text}");
        }
    }
    assert_eq!(check("age > 5 AND group = VIP", Dialect::ContactQl), Err(vec![Span::new(12, 23)]));
    assert_eq!(check("group = VIP OR NOT group IN (Testers)", Dialect::Extended), Ok(()));
    for text in ["group = \"\"", "group != \"\"", "group IN (VIP, \"\")", "group NOT IN (VIP, \"\")"] {
        assert!(check(text, Dialect::Extended).is_err(), "{text}");
    }
    let query = parse("group = VIP OR group IN (Testers, vip)").unwrap();
    assert_eq!(groups_used(&query), [GroupId(0), GroupId(1)]);
    assert!(group_cycle(&["A", "B", "A"], Span::new(0, 1)).message.ends_with("'A' → 'B' → 'A'"));
}

#[test]
fn a_saved_query_outlives_renames_and_changes_of_environment() {
    let mut schema = laws::schema();
    let (kigali, new_york) = (laws::environment(0), laws::environment(1));
    let text = "group = testers AND flow = registration AND dob = 02-01-1990 AND notes = x";
    let parsed = language::parse_with(text, Dialect::ContactQl, Resolve::Schema(&schema), &kigali).unwrap();
    let saved = codec::decode(&codec::encode(&parsed.query)).unwrap();
    assert_eq!(
        canonical_in(&saved, &schema, &kigali),
        r#"group = "testers" AND flow = "registration" AND fields.dob = "02-01-1990" AND fields.notes = "x""#
    );
    let mut group = schema.group_by_id(GroupId(0)).unwrap().clone();
    group.name = "Old testers".to_owned();
    schema.put_group(group);
    let mut field = schema.field_by_id(FieldId(2)).unwrap().clone();
    field.key = "remarks".to_owned();
    schema.put_field(field);
    let printed = canonical_in(&saved, &schema, &new_york);
    assert_eq!(
        printed,
        r#"group = "Old testers" AND flow = "registration" AND fields.dob = "1990-01-02T00:00:00+02:00" AND fields.remarks = "x""#
    );
    let again = language::parse_with(&printed, Dialect::ContactQl, Resolve::Schema(&schema), &new_york).unwrap();
    let (Node::All(old), Node::All(new)) = (&saved.root, &again.query.root) else { panic!("{printed}") };
    let day = |node: &Node| match node {
        Node::Condition(condition) => match &condition.test {
            Test::Equals(literal) => literal.value.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    assert_eq!(day(&old[2]), day(&new[2]));
    // The other order of day and month in the same zone: ISO.
    let mut american = kigali.clone();
    american.date_format = headcount::internals::schema::DateFormat::MonthDayYear;
    assert!(canonical_in(&saved, &schema, &american).contains(r#"fields.dob = "1990-01-02" AND"#));
}

#[test]
fn saved_queries_of_another_version_say_so() {
    let mut saved = codec::encode(&parse("age > 5").unwrap());
    saved[0] = 9;
    assert_eq!(codec::decode(&saved), Err(CodecError::TooNew(9)));
    assert_eq!(codec::decode(&[]), Err(CodecError::Damaged));
    assert_eq!(codec::decode(&[0; 40]), Err(CodecError::Damaged));
}

#[test]
fn inspection_of_the_extended_dialect() {
    let query =
        parse("group IN (VIP, testers) AND NOT age = 1..2 AND dob ANNIVERSARY today AND tel IN (a, b)").unwrap();
    let found = inspect(&query, &laws::schema());
    assert_eq!((found.attributes, found.schemes), (vec!["group"], vec!["tel".to_owned()]));
    assert_eq!(found.fields.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["age", "dob"]);
    assert_eq!(found.groups.len(), 2);
    assert!(!found.allow_as_group);
}

/// Runs on a thread with 1 MiB of stack.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(1 << 20).spawn(work).unwrap().join().unwrap();
}

#[test]
fn no_query_overflows_a_small_stack() {
    on_a_small_stack(|| {
        let schema = laws::schema();
        let environment = laws::environment(0);
        let deep = format!("{}a{}", "a OR b AND NOT (".repeat(100), ")".repeat(100));
        let texts = [
            "(".repeat(100_000),
            "(".repeat(100),
            "[".repeat(10_000),
            deep.clone(),
            format!("{}bob", "NOT ".repeat(2_400)),
            format!("{}bob", "NOT (".repeat(100)) + &")".repeat(100),
            "a ".repeat(5_000),
            "a OR ".repeat(2_000),
            ") ".repeat(5_000),
            "= ".repeat(5_000),
            "\" ".repeat(5_000),
            "\\\"".repeat(5_000),
            "a = ( ".repeat(90),
            "age IN (".repeat(90),
            "NOT ".repeat(2_500),
        ];
        for text in &texts {
            for mode in (0..4).map(laws::Mode::from_byte) {
                laws::check(text, mode, &schema);
            }
        }
        let query = language::parse(&deep, &schema, &environment).unwrap();
        let saved = codec::encode(&query);
        assert_eq!(codec::decode(&saved).unwrap(), query);
        // Saved forms that nest without end.
        for tag in [0u8, 1, 2] {
            let mut bytes = vec![1, 1];
            bytes.extend(std::iter::repeat_n([tag, 2], 100_000).flatten());
            let sum = (xxhash_rust::xxh3::xxh3_64(&bytes) as u32).to_le_bytes();
            bytes.extend(sum);
            assert_eq!(codec::decode(&bytes), Err(CodecError::Damaged));
        }
    });
}

#[test]
fn limits_are_checked_before_they_cost_anything() {
    let code = |text: &str| parse(text).unwrap_err().first().code.as_str();
    assert_eq!(code(&"(".repeat(10_000_000)), "too_complex");
    assert_eq!(code(&"x".repeat(10_001)), "too_complex");
    assert_eq!(code(&"é".repeat(10_001)), "too_complex");
    assert!(parse(&"é".repeat(10_000)).is_ok());
    let conditions = |count: usize| vec!["age > 5"; count].join(" OR ");
    assert!(parse(&conditions(250)).is_ok());
    assert_eq!(code(&conditions(251)), "too_complex");
    assert!(parse(&format!("{}bob{}", "(".repeat(100), ")".repeat(100))).is_ok());
    assert_eq!(code(&format!("{}bob{}", "(".repeat(101), ")".repeat(101))), "too_complex");
}

/// Reads a text in a dialect and draws what is wrong with it.
fn drawn(text: &str, dialect: Dialect) -> String {
    let (schema, environment): (Schema, _) = (laws::schema(), laws::environment(0));
    match language::parse_with(text, dialect, Resolve::Schema(&schema), &environment) {
        Ok(parsed) => format!("is the query {}\n", canonical(&parsed.query, &schema)),
        Err(errors) => draw(text, &errors.to_vec(), false),
    }
}

#[test]
fn drawings() {
    let extended = [
        "age > x",
        "agee > 30",
        "phone = 0788383383",
        "group = Tester",
        "flow = Registratoin",
        "status = blockd",
        "language = english",
        "age == 5",
        "age <> 5",
        "age => 5",
        "age = 5 && gender = M",
        "age = 5 || gender = M",
        "name = “bob”",
        "gender is not set",
        "gender not set",
        "gender = not null",
        "! age = 5",
        "NOT",
        "name = bob AND",
        "(name = bob",
        "name = bob)",
        "()",
        "",
        "name = \"bob",
        "notes ~ blu*",
        "age IN ()",
        "age IN (1, 2",
        "age IN 1, 2",
        "age = 1,000",
        "age = \"1,000\"",
        "age = ..",
        "age > 18..25",
        "joined = now",
        "dob = tomorrow",
        "dob = \"today\"",
        "dob = 2023-02-29",
        "dob ANNIVERSARY 02-30",
        "age ANNIVERSARY today",
        "notes ~ a",
        "notes ~ \"new y*\"",
        "field.age > 5",
        "foo.age = 5",
        "name > bob",
        "status = \"\"",
        "age ~ 5",
        "name ~ b",
        "tel ~ 07",
        "😀 AND nme = x",
        "nme = x AND age > y OR group = Testes",
        "age == 5 AND nme = x AND (gender = ) OR status = blocked",
        "bob & ann",
        "#tag",
        "city = New, York",
    ];
    let mut out = String::new();
    for text in extended {
        out += &format!("──── {text}\n{}\n", drawn(text, Dialect::Extended));
    }
    insta::assert_snapshot!("extended", out);
    let mut out = String::new();
    for text in ["age == 5", "bob, ann", "bob*", "notes ~ blue", "! bob", "gender is not set", "dob = today", "(bob"] {
        out += &format!("──── {text}\n{}\n", drawn(text, Dialect::ContactQl));
    }
    insta::assert_snapshot!("contactql", out);
}
