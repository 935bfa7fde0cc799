//! Queries and values as people write them, from a small world, so that queries and contacts meet often.

use headcount::internals::schema::FieldType;
use headcount::internals::sema::query::Dialect;
use headcount::internals::value::Instant;
use proptest::prelude::*;
use proptest::sample::select;

/// The types of the fields `f0`, `f1` and so on, whichever of them a workspace has.
pub(crate) const KINDS: [FieldType; 8] = [
    FieldType::Number,
    FieldType::Text,
    FieldType::Datetime,
    FieldType::State,
    FieldType::Number,
    FieldType::Datetime,
    FieldType::Text,
    FieldType::Ward,
];

/// Names of groups; a workspace has some of them at a time.
pub(crate) const GROUPS: [&str; 9] = ["Ann's", "B", "Ç \"q\"", "d e", "E", "F", "Gé", "H", "I"];

/// Names of flows; every workspace has all of them.
pub(crate) const FLOWS: [&str; 3] = ["Registration", "Catch All", "Survey"];

/// The middle of all times.
pub(crate) const NOON: &str = "2026-06-15T12:00:00Z";

const HOUR: i64 = 3_600_000_000;

/// A moment some weeks around the middle, often at the edge of a day.
pub(crate) fn moment() -> impl Strategy<Value = Instant> {
    let noon = Instant::parse(NOON).unwrap().micros();
    (-45i64..45, prop_oneof![Just(0), -24i64..24], prop_oneof![4 => Just(0i64), 1 => Just(1), 1 => Just(-1)])
        .prop_map(move |(days, hours, micros)| Instant::from_micros(noon + (days * 24 + hours) * HOUR + micros))
}

fn texts(all: &'static [&'static str]) -> BoxedStrategy<String> {
    select(all).prop_map(str::to_owned).boxed()
}

pub(crate) fn names() -> BoxedStrategy<String> {
    texts(&[
        "Ann Bo",
        "ann",
        "Bob Smith",
        "İan Bo",
        "Zoë-Ann",
        "李 小龙",
        "  Ann  ",
        "Anna-Maria Annabelle",
        "สมชาย ใจดี",
        "x",
    ])
}

pub(crate) fn languages() -> BoxedStrategy<String> {
    texts(&["eng", "ENG", "fra", "kin"])
}

pub(crate) fn urns() -> BoxedStrategy<String> {
    texts(&[
        "tel:+250788123123",
        "tel:+250788123124",
        "tel:+14155552671",
        "tel:0788123123",
        "twitter:Bob",
        "twitter:ann_bo",
        "mailto:Ann@example.com",
        "telegram:250788123",
        "TEL:+250788999",
        "ext:Äpfel",
        "whatsapp:250788123123",
        "twitter:BOB",
    ])
}

/// A text for a field of this type; some do not convert.
pub(crate) fn values(kind: FieldType) -> BoxedStrategy<String> {
    match kind {
        FieldType::Number => texts(&[
            "1", "1.50", "1.5", "007", "-3", "18", "25", "36", "abc", "1e5", "0", "-0", " 18 ", "+36", ".5",
            "99999999999999999999999999", "18.000000000000000001",
        ]),
        FieldType::Datetime => prop_oneof![
            6 => moment().prop_map(|moment| moment.to_string()),
            2 => (1u8..29, 5u8..8).prop_map(|(day, month)| format!("{day:02}-{month:02}-2026")),
            1 => (1u8..29, 5u8..8, 0u8..24).prop_map(|(day, month, hour)| format!("2026-{month:02}-{day:02} {hour:02}:30")),
            1 => texts(&["2024-02-29", "29-02-2020 23:59", "never", "2026-06-15T00:00:00+05:30"]),
        ]
        .boxed(),
        FieldType::Text => texts(&[
            "Kigali", "kigali  city", " KIGALI ", "Bob's blue boat", "blue boat", "boat blue", "İstanbul", "ß", "a", "18", "ann",
        ]),
        FieldType::State | FieldType::District | FieldType::Ward => {
            texts(&["Rwanda", "Rwanda > Kigali City", "rwanda > kigali city > Gasabo", "Kigali City", "Gasabo", "X > GASABO"])
        }
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn joined(
    left: impl Into<String>,
    comparators: &'static [&'static str],
    right: BoxedStrategy<String>,
) -> BoxedStrategy<String> {
    let left = left.into();
    (select(comparators), right).prop_map(move |(comparator, right)| format!("{left} {comparator} {right}")).boxed()
}

fn presence(property: &str) -> BoxedStrategy<String> {
    joined(property, &["=", "!="], Just("\"\"".to_owned()).boxed())
}

/// Sets, for the extended dialect.
fn sets(property: &str, value: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let items = prop::collection::vec(prop_oneof![6 => value, 1 => Just("\"\"".to_owned())], 1..4);
    joined(property, &["IN", "NOT IN"], items.prop_map(|items| format!("({})", items.join(", "))).boxed())
}

fn ranges(property: &str, value: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let ends = (value.clone(), value, 0u8..4).prop_map(|(low, high, open)| match open {
        0 => format!("{low}.."),
        1 => format!("..{high}"),
        _ => format!("{low}..{high}"),
    });
    joined(property, &["=", "!="], ends.boxed())
}

const ORDER: &[&str] = &["=", "!=", ">", ">=", "<", "<="];
const BOUNDS: &[&str] = &[">", ">=", "<", "<="];

fn numbers(property: &str, extended: bool) -> BoxedStrategy<String> {
    let value = || texts(&["0", "1", "1.5", "-3", "7", "18", "25", "36", "18.000000000000000001"]);
    let plain = prop_oneof![4 => joined(property, ORDER, value()), 1 => presence(property)];
    if extended {
        prop_oneof![3 => plain, 1 => sets(property, value()), 1 => ranges(property, value())].boxed()
    } else {
        plain.boxed()
    }
}

fn equalities(property: &str, value: BoxedStrategy<String>, extended: bool) -> BoxedStrategy<String> {
    let value = value.prop_map(|text| quoted(&text)).boxed();
    let plain = prop_oneof![4 => joined(property, &["=", "!="], value.clone()), 1 => presence(property)];
    if extended { prop_oneof![3 => plain, 1 => sets(property, value)].boxed() } else { plain.boxed() }
}

fn days() -> BoxedStrategy<String> {
    prop_oneof![
        (1u8..29, 5u8..8).prop_map(|(day, month)| format!("2026-{month:02}-{day:02}")),
        (1u8..29, 5u8..8).prop_map(|(day, month)| format!("{day}-{month}-2026")),
        moment().prop_map(|moment| quoted(&moment.to_string())),
    ]
    .boxed()
}

fn relative_days() -> BoxedStrategy<String> {
    let counted = (prop_oneof![-9i32..10, -40i32..40], select(&["d", "d", "w", "mo", "y"][..]));
    prop_oneof![
        texts(&["today", "yesterday"]),
        counted.prop_map(|(amount, unit)| {
            let amount = if unit == "mo" || unit == "y" { amount % 3 } else { amount };
            format!("{}{}{unit}", if amount < 0 { "-" } else { "+" }, amount.abs())
        })
    ]
    .boxed()
}

fn instants() -> BoxedStrategy<String> {
    let counted = (-90i32..90, select(&["m", "h"][..]));
    prop_oneof![
        1 => Just("now".to_owned()),
        3 => counted.prop_map(|(amount, unit)| format!("{}{}{unit}", if amount < 0 { "-" } else { "+" }, amount.abs()))
    ]
    .boxed()
}

fn dates(property: &str, extended: bool) -> BoxedStrategy<String> {
    let plain = prop_oneof![4 => joined(property, ORDER, days()), 1 => presence(property)];
    if !extended {
        return plain.boxed();
    }
    let day = || prop_oneof![1 => days(), 2 => relative_days()].boxed();
    let bound = prop_oneof![2 => relative_days(), 1 => instants()].boxed();
    let anniversary = prop_oneof![
        2 => relative_days(),
        1 => (relative_days(), relative_days()).prop_map(|(low, high)| format!("{low}..{high}")),
    ];
    let anniversary = anniversary.prop_filter("days and weeks", |text| !text.contains("mo") && !text.ends_with("0y"));
    prop_oneof![
        2 => plain,
        4 => joined(property, BOUNDS, bound),
        2 => joined(property, &["=", "!="], relative_days()),
        1 => sets(property, day()),
        2 => ranges(property, day()),
        2 => joined(property, &["ANNIVERSARY"], anniversary.boxed()),
    ]
    .boxed()
}

fn field(at: usize, extended: bool) -> BoxedStrategy<String> {
    let key = if at.is_multiple_of(2) { format!("f{at}") } else { format!("fields.f{at}") };
    match KINDS[at] {
        FieldType::Number => numbers(&key, extended),
        FieldType::Datetime => dates(&key, extended),
        FieldType::Text if extended => {
            let words =
                texts(&["boat", "blue boat", "kigali", "\"blue boat\"", "\"kig*\"", "\"blue bo*\"", "İstanbul"]);
            prop_oneof![2 => equalities(&key, values(FieldType::Text), true), 1 => joined(key, &["~"], words)].boxed()
        }
        FieldType::Text => equalities(&key, values(FieldType::Text), false),
        kind => equalities(
            &key,
            values(kind).prop_map(|path| path.rsplit('>').next().unwrap_or_default().to_owned()).boxed(),
            extended,
        ),
    }
}

/// One condition. Those that no smart group may have only `in_search`.
fn condition(dialect: Dialect, in_search: bool) -> BoxedStrategy<String> {
    let extended = dialect == Dialect::Extended;
    let paths = || urns().prop_map(|urn| urn.split_once(':').unwrap().1.to_owned()).boxed();
    let parts = || texts(&["788", "bob", "0788123", "example", "ÄPF", "123123"]);
    let words = || {
        texts(&["an", "ann", "\"bo smith\"", "annabell", "annabellex", "ian", "小龙", "\"bob zoë\"", "สมชาย", "smi"])
    };
    let fields = (0..KINDS.len()).map(|at| field(at, extended)).collect::<Vec<_>>();
    let groups = || select(&GROUPS[..]).prop_map(str::to_owned).boxed();
    let common = prop_oneof![
        12 => (0..fields.len()).prop_flat_map(move |at| fields[at].clone()),
        2 => equalities("name", names(), extended),
        3 => joined("name", &["~"], words()),
        1 => words(),
        1 => equalities("language", languages(), extended),
        1 => equalities("urn", paths(), extended),
        1 => equalities("tel", paths(), extended),
        2 => (select(&["urn", "tel", "twitter"][..]), parts()).prop_map(|(property, part)| format!("{property} ~ {part}")),
        1 => presence("mailto"),
        1 => numbers("tickets", extended),
        4 => dates("last_seen_on", extended),
        2 => dates("created_on", extended),
        1 => texts(&["+250788123123", "0788", "twitter:bob", "12312"]),
    ]
    .boxed();
    let group = equalities("group", groups(), extended);
    match (in_search, extended) {
        (false, false) => common,
        (false, true) => prop_oneof![6 => common, 2 => group].boxed(),
        (true, _) => prop_oneof![
            8 => common,
            2 => group,
            1 => presence("group"),
            1 => equalities("status", texts(&["active", "blocked", "stopped", "archived"]), extended),
            1 => equalities("flow", select(&FLOWS[..]).prop_map(str::to_owned).boxed(), extended),
            1 => equalities("history", select(&FLOWS[..]).prop_map(str::to_owned).boxed(), extended),
            1 => (0u8..24).prop_map(|at| format!("uuid = {}", super::steps::uuid(at))),
            1 => equalities("ref", texts(&["AB12", "ab12", "C"]), extended),
            1 => equalities("id", texts(&["1", "2", "33"]), extended),
        ]
        .boxed(),
    }
}

/// A whole query.
fn query(dialect: Dialect, in_search: bool) -> BoxedStrategy<String> {
    let leaf = condition(dialect, in_search);
    let extended = dialect == Dialect::Extended;
    let alone = leaf.clone();
    let joined = leaf.prop_recursive(2, 6, 3, move |inner| {
        let several = |joint: &'static str| {
            prop::collection::vec(inner.clone(), 2..4).prop_map(move |parts| {
                let parts: Vec<String> = parts.into_iter().map(|part| format!("({part})")).collect();
                parts.join(joint)
            })
        };
        if extended {
            prop_oneof![several(" AND "), several(" OR "), inner.clone().prop_map(|part| format!("NOT ({part})")),]
                .boxed()
        } else {
            prop_oneof![several(" AND "), several(" OR "), several(" ")].boxed()
        }
    });
    prop_oneof![3 => alone, 2 => joined].boxed()
}

/// A query with its dialect.
pub(crate) fn in_dialects(in_search: bool) -> BoxedStrategy<(Dialect, String)> {
    let of = |dialect| query(dialect, in_search).prop_map(move |text| (dialect, text));
    prop_oneof![3 => of(Dialect::Extended), 1 => of(Dialect::ContactQl)].boxed()
}
