//! Laws of the language over generated queries and over texts that are none.

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use headcount::internals::language::build::{self, attribute, field, scheme};
use headcount::internals::language::{self, Dialect};
use headcount::internals::schema::Schema;
use headcount::internals::sema::attribute::Attribute;
use headcount::internals::sema::codec;
use headcount::internals::sema::print::canonical;
use headcount::internals::sema::query::{Literal, Node, PatternKind, Property, Test, Value};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::laws::{self, Mode, check, environment, read};

static SCHEMA: LazyLock<Schema> = LazyLock::new(laws::schema);

fn corpus(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn corpus_queries() -> Vec<String> {
    let query = |line: &str| -> String {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        case["query"].as_str().unwrap().to_owned()
    };
    let mut queries: Vec<String> = corpus("contactql/parse.jsonl").lines().map(query).collect();
    queries.extend(corpus("contactql/eval.jsonl").lines().map(query));
    queries.extend(corpus("extended.txt").lines().map(str::to_owned));
    queries.sort_unstable();
    queries.dedup();
    queries
}

fn modes() -> impl Iterator<Item = Mode> {
    (0..16).map(Mode::from_byte)
}

#[test]
fn the_laws_hold_for_the_whole_corpus() {
    for (number, query) in corpus_queries().iter().enumerate() {
        // All modes of all queries take long: each query in four of them, each mode with a quarter of the queries.
        modes().skip(number % 4).step_by(4).for_each(|mode| check(query, mode, &SCHEMA));
    }
}

#[test]
fn a_query_of_contactql_means_the_same_in_the_extended_dialect() {
    let words = ["not", "in", "anniversary", ".."];
    for query in corpus_queries() {
        let lowered = query.to_lowercase();
        if words.iter().any(|word| lowered.contains(word)) {
            continue;
        }
        let mode = |dialect| Mode { dialect, resolves: true, environment: 0 };
        let environment = environment(0);
        let Ok(old) = read(&query, mode(Dialect::ContactQl), &SCHEMA, &environment) else { continue };
        let new = read(&query, mode(Dialect::Extended), &SCHEMA, &environment).unwrap();
        // Days print differently, and are otherwise the same.
        let print = |root: &Node| format!("{:?}", without_texts(root.clone()));
        assert_eq!(print(&old.root), print(&new.root), "{query}");
    }
}

fn without_texts(node: Node) -> Node {
    let literal = |literal: Literal| Literal { text: "".into(), value: literal.value };
    match node {
        Node::All(children) => Node::All(children.into_iter().map(without_texts).collect()),
        Node::Any(children) => Node::Any(children.into_iter().map(without_texts).collect()),
        Node::Not(inner) => Node::Not(Box::new(without_texts(*inner))),
        Node::Condition(mut condition) => {
            condition.test = match condition.test {
                Test::Equals(value) => Test::Equals(literal(value)),
                Test::Differs(value) => Test::Differs(literal(value)),
                Test::Compares(comparator, value) => Test::Compares(comparator, literal(value)),
                other => other,
            };
            Node::Condition(condition)
        }
    }
}

/// Text that tries to be something else.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => "[a-zA-Z0-9 ]{0,8}",
        2 => "[\"\\\\ ()xunab0-9.*,=~<>\n\t]{0,10}",
        1 => "\\PC{0,8}",
        1 => "[\u{a0}\u{200d}\u{e000}\u{3000}\u{85}é名Иß😀]{0,6}",
        1 => select(vec!["today", "-30d", "18..25", "NOT", "in", "x\" OR name = \"y", "\\", "\\\"", "a\\", "bob*", "*",
            "1990-01-01..1999-12-31", "007", "-5", ".5", "\"", "’", "fields.age > 5"]).prop_map(str::to_owned),
    ]
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    headcount::internals::syntax::strings::write_quoted(&mut out, text);
    out
}

fn text_value() -> impl Strategy<Value = String> {
    prop_oneof![hostile().prop_map(|text| quoted(&text)), "[a-zA-Z0-9_.+/'@:-]{1,8}", "\"[ab\\\\\"nx4]{0,6}\"",]
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof!["[0-9]{1,4}", "-?[0-9]{0,3}\\.[0-9]{1,3}", "\"-?[0-9]{1,3}\"", "0{0,3}[0-9]{1,40}"]
}

fn bare_date() -> impl Strategy<Value = String> {
    prop_oneof![
        (1900..2030, 1..13, 1..29).prop_map(|(year, month, day)| format!("{year}-{month:02}-{day:02}")),
        (1900..2030, 1..13, 1..29).prop_map(|(year, month, day)| format!("{day}/{month}/{year}")),
        (0..100, 1..13, 1..29).prop_map(|(year, month, day)| format!("{day:02}.{month:02}.{year:02}")),
        (1900..2030, 1..13, 1..29).prop_map(|(y, m, d)| format!("{y}-{m:02}-{d:02}T10:30:00+05:30")),
        (1900..2030, 1..13, 1..29).prop_map(|(y, m, d)| format!("{y}-{m:02}-{d:02}garbage")),
    ]
}

fn relative() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec!["today", "Yesterday", "NOW"]).prop_map(str::to_owned),
        (select(vec!["+", "-"]), 0..500, select(vec!["m", "h", "d", "w", "mo", "Y"]))
            .prop_map(|(sign, amount, unit)| format!("{sign}{amount}{unit}")),
    ]
}

fn date() -> impl Strategy<Value = String> {
    prop_oneof![2 => bare_date(), 1 => bare_date().prop_map(|date| quoted(&date)), 2 => relative(), 1 => Just("\"\"".to_owned())]
}

fn range(end: impl Strategy<Value = String> + Clone) -> impl Strategy<Value = String> {
    (proptest::option::of(end.clone()), proptest::option::of(end))
        .prop_map(|(low, high)| format!("{}..{}", low.unwrap_or_default(), high.unwrap_or_default()))
}

fn operator() -> impl Strategy<Value = &'static str> {
    select(vec!["=", "!=", "~", ">", ">=", "<", "<=", " is ", " HAS ", "=", "!="])
}

fn condition() -> impl Strategy<Value = String> {
    let properties = vec![
        "name",
        "uuid",
        "id",
        "ref",
        "language",
        "urn",
        "tel",
        "URNS.foo",
        "gender",
        "fields.notes",
        "state",
        "fields.not",
        "Fields.Ward",
        "urns.group",
    ];
    let list = |property: BoxedStrategy<String>, value: BoxedStrategy<String>| {
        (property, select(vec!["IN", "not in"]), vec(value, 1..4))
            .prop_map(|(property, operator, values)| format!("{property} {operator} ({})", values.join(", ")))
    };
    let dates =
        || select(vec!["dob", "joined", "created_on", "Last_seen_on", "fields.anniversary"]).prop_map(str::to_owned);
    let numbers = || select(vec!["age", "tickets", "fields.in"]).prop_map(str::to_owned);
    prop_oneof![
        4 => (select(properties), operator(), text_value()).prop_map(|(p, o, v)| format!("{p}{o}{v}")),
        2 => (numbers(), operator(), prop_oneof![number(), range("-?[0-9]{1,3}(\\.[0-9])?")]).prop_map(|(p, o, v)| format!("{p} {o} {v}")),
        2 => (dates(), operator(), prop_oneof![date(), range(prop_oneof![bare_date(), relative()].boxed())]).prop_map(|(p, o, v)| format!("{p} {o} {v}")),
        1 => (dates(), select(vec!["today", "-7d..today", "12-24..01-06", "02-29", "..today", "now"])).prop_map(|(p, v)| format!("{p} ANNIVERSARY {v}")),
        1 => list(numbers().boxed(), number().boxed()),
        1 => list(dates().boxed(), date().boxed()),
        1 => list(select(vec!["name", "gender", "tel", "fields.not"]).prop_map(str::to_owned).boxed(), text_value().boxed()),
        1 => (select(vec!["group", "GROUP"]), operator(), select(vec!["testers", "VIP", "\"Opted \\\"Out\\\" \\\\\"", "\"\"", "\"not\""])).prop_map(|(p, o, v)| format!("{p} {o} {v}")),
        1 => (select(vec!["flow", "history", "status"]), operator(), select(vec!["registration", "\"Catch all\"", "active", "Blocked", "\"\""])).prop_map(|(p, o, v)| format!("{p} {o} {v}")),
        2 => text_value(),
    ]
}

fn query() -> impl Strategy<Value = String> {
    condition().prop_recursive(6, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(|parts| parts.join(" AND ")),
            vec(inner.clone(), 2..4).prop_map(|parts| parts.join(" or ")),
            vec(inner.clone(), 2..4).prop_map(|parts| parts.join(" ")),
            inner.clone().prop_map(|part| format!("({part})")),
            inner.prop_map(|part| format!("NOT ({part})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn canonical_forms_read_back(query in query(), mode in 0u8..16) {
        check(&query, Mode::from_byte(mode), &SCHEMA);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[\\PC\\p{C}]{0,40}", mode in 0u8..16) {
        check(&text, Mode::from_byte(mode), &SCHEMA);
    }

    #[test]
    fn broken_queries_are_refused_with_spans(
        query in query(),
        cut in any::<prop::sample::Index>(),
        put in select(vec!["", "\"", "(", ")", "=", "!", ",", "AND", "NOT ", "“", "&&", " IN ", "é", "*"]),
        mode in 0u8..16,
    ) {
        let mut cut = cut.index(query.len() + 1);
        while !query.is_char_boundary(cut) {
            cut -= 1;
        }
        let (before, after) = query.split_at(cut);
        check(&format!("{before}{put}{after}"), Mode::from_byte(mode), &SCHEMA);
    }

    #[test]
    fn text_put_in_as_a_value_stays_a_value(text in hostile(), key in "[\\PC]{0,6}") {
        let environment = environment(0);
        let equals = |root: &Node| match root {
            Node::Condition(condition) => match &condition.test {
                Test::Equals(literal) => literal.text.to_string(),
                Test::Unset => String::new(),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        };
        for subject in [field("gender"), attribute(Attribute::Name), scheme("tel")] {
            let expression = subject.equals(text.as_str());
            let query = expression.resolve(&SCHEMA, &environment).unwrap();
            prop_assert_eq!(equals(&query.root), text.as_str());
            prop_assert_eq!(canonical(&query, &SCHEMA), expression.to_string());
        }
        // Beside others it is still one condition of three.
        let query = field("notes").differs(text.as_str()) & field("gender").equals(text.as_str()) & !field("gender").is_set();
        let query = query.resolve(&SCHEMA, &environment).unwrap();
        let Node::All(children) = &query.root else { panic!("{query:?}") };
        prop_assert_eq!(children.len(), 3);
        // A star is not a prefix unless it is asked for.
        if let Ok(query) = field("notes").contains(&text).resolve(&SCHEMA, &environment) {
            let Node::Condition(condition) = query.root else { panic!("{query:?}") };
            let Test::Contains(pattern) = condition.test else { panic!("{condition:?}") };
            prop_assert!(!matches!(pattern.kind, PatternKind::Prefix(_)));
        }
        // A key is one property, whatever it is.
        let parsed = language::parse_with(
            &field(&key).equals("x").to_string(), Dialect::Extended, language::Resolve::Nothing, &environment,
        ).unwrap();
        let Node::Condition(condition) = parsed.query.root else { panic!("{key}") };
        prop_assert!(matches!(condition.property, Property::Field(_)));
    }

    #[test]
    fn lists_and_ranges_from_code(low in -1000i64..1000, high in -1000i64..1000, values in vec(hostile(), 1..4)) {
        let environment = environment(0);
        let range = build::field("age").between(low, high).resolve(&SCHEMA, &environment).unwrap();
        let Node::Condition(condition) = &range.root else { panic!("{range:?}") };
        let Test::Between { low: Some(Literal { value: Value::Number(from), .. }), high: Some(_), .. } = &condition.test
        else { panic!("{condition:?}") };
        prop_assert_eq!(*from, low.into());
        let list = field("gender").is_in(values.clone()).unwrap().resolve(&SCHEMA, &environment).unwrap();
        let Node::Condition(condition) = &list.root else { panic!("{list:?}") };
        let Test::In { items, unset, .. } = &condition.test else { panic!("{condition:?}") };
        prop_assert_eq!(items.len() + values.iter().filter(|value| value.is_empty()).count(), values.len());
        prop_assert_eq!(*unset, values.iter().any(String::is_empty));
    }

    #[test]
    fn damaged_bytes_are_refused(query in query(), at in any::<prop::sample::Index>(), byte: u8, bytes in vec(any::<u8>(), 0..60)) {
        let _ = codec::decode(&bytes);
        let mode = Mode::from_byte(0);
        if let Ok(query) = read(&query, mode, &SCHEMA, &environment(0)) {
            let mut saved = codec::encode(&query);
            let at = at.index(saved.len());
            if saved[at] != byte {
                saved[at] = byte;
                prop_assert!(codec::decode(&saved).is_err());
            }
            // With a checksum that is right, the rest must still hold.
            let body = saved.len() - 4;
            let sum = (xxhash_rust::xxh3::xxh3_64(&saved[..body]) as u32).to_le_bytes();
            saved[body..].copy_from_slice(&sum);
            if let Ok(query) = codec::decode(&saved) {
                let _ = canonical(&query, &SCHEMA);
                prop_assert_eq!(codec::decode(&codec::encode(&query)), Ok(query));
            }
        }
    }
}
