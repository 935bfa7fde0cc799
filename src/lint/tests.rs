//! What is warned of, how it reads, and what is not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::diagnostic::draw;
use crate::ids::{FieldId, FlowId, GroupId, Uuid};
use crate::language;
use crate::schema::{Field, FieldType, Flow, Group};
use crate::sema::query::Dialect;
use crate::value::Instant;

fn schema() -> Schema {
    let mut schema = Schema::new();
    let fields = [
        ("age", FieldType::Number),
        ("gender", FieldType::Text),
        ("city", FieldType::Text),
        ("dob", FieldType::Datetime),
        ("state", FieldType::State),
    ];
    for (at, (key, kind)) in fields.into_iter().enumerate() {
        schema.put_field(Field { id: FieldId(at as u16), key: key.to_owned(), name: key.to_owned(), kind });
    }
    schema.put_group(Group { id: GroupId(1), uuid: Uuid([1; 16]), name: "Opted".to_owned(), smart: false });
    schema.put_flow(Flow { id: FlowId(1), uuid: Uuid([1; 16]), name: "Registration".to_owned() });
    schema
}

fn environment() -> Environment {
    Environment { country: Some(*b"RW"), ..Environment::utc(Instant::parse("2026-06-15T12:00:00Z").unwrap()) }
}

struct Seen;

impl SeenValues for Seen {
    fn has(&self, property: &TextProperty, folded: &str) -> Option<bool> {
        Some(self.all(property)?.iter().any(|value| **value == *folded))
    }

    fn all(&self, property: &TextProperty) -> Option<Vec<Box<str>>> {
        let values: &[&str] = match property {
            TextProperty::Field(FieldId(1)) => &["f", "female", "m", "male"],
            TextProperty::Field(FieldId(2)) => &["kigali", "huye", "block 8"],
            TextProperty::Place(FieldId(4)) => &["kigali city"],
            TextProperty::Language => &["kin", "swa"],
            _ => return None,
        };
        Some(values.iter().map(|&value| value.into()).collect())
    }
}

fn read(text: &str, dialect: Dialect) -> Query {
    language::parse_with(text, dialect, language::Resolve::Schema(&schema()), &environment()).unwrap().query
}

fn warnings(text: &str, dialect: Dialect) -> Vec<Diagnostic> {
    let (schema, environment) = (schema(), environment());
    let (adults, men) = (read("age >= 18", Dialect::Extended), read("gender = m AND age < 30", Dialect::Extended));
    let groups = [("Adults", &adults), ("Young men", &men)];
    let known = Known { schema: &schema, environment: &environment, values: Some(&Seen), groups: &groups };
    lint(text, &read(text, dialect), &known)
}

#[test]
fn what_is_warned_of() {
    let extended = [
        "age > 30 AND age < 20",
        "age > 30 AND gender = M AND age < 20",
        "gender = M AND gender = F",
        "gender != M OR gender != F",
        "age = 30..20",
        "gender = m OR (age > 5 AND age < 3)",
        "NOT (age != 5 OR age = 5)",
        "age > 5 AND NOT age > 5 AND gender = m",
        "last_seen_on > -7d AND last_seen_on < -30d",
        "(age > 1 OR gender = m) AND (age <= 1 OR age = \"\") AND gender != m",
        "gender not set",
        "gender not set AND age > 5",
        "city contains Kig",
        "age not null",
        "gender male",
        "city = New York",
        "age > 5 AND city != New York City",
        "group = Opted Out",
        "city = 18..25",
        "city = -30d",
        "city = \"Kig*\"",
        "name = \"bob*\"",
        "state = \"Rwanda > Kigali City\"",
        "urn = \"tel:+250788383383\"",
        "tel = 0788383383",
        "2020-01-01",
        "gender = femal",
        "gender IN (femal, male, x)",
        "state != \"Kigali Cty\"",
        "language = swe",
        "age >= 18",
        "age < 30 gender = M",
    ];
    let mut out = String::new();
    for text in extended {
        let warnings = warnings(text, Dialect::Extended);
        assert!(!warnings.is_empty() && warnings.iter().all(|warning| warning.code.is_warning()), "{text}");
        out += &format!("──── {text}\n{}\n", draw(text, &warnings, false));
    }
    for text in ["gender not set", "NOT gender = male", "bob not ann"] {
        out += &format!("──── contactql: {text}\n{}\n", draw(text, &warnings(text, Dialect::ContactQl), false));
    }
    insta::assert_snapshot!("warnings", out);
}

#[test]
fn what_is_not() {
    let fine = [
        "bob",
        "bob smith",
        "gender",
        "age > 5",
        "age > 5 OR age <= 5",
        "tel = a AND tel = b",
        "tel = \"+250788383383\"",
        "0788 383 383",
        "city = \"New York\"",
        "city = Kigali AND bob",
        "city = \"today\"",
        "city = \"block 7\"",
        "city = Paris",
        "gender = \"\" age > 5",
        "name ~ \"bob*\"",
        "last_seen_on > -30d AND last_seen_on < -7d",
        "last_seen_on > -30d AND last_seen_on < -1mo",
        "state = Rwanda",
        "uuid = 1234",
        "group = Opted AND bob",
        "NOT bob ann",
    ];
    for text in fine {
        assert_eq!(warnings(text, Dialect::Extended), [], "{text}");
    }
}

#[test]
fn nothing_is_claimed_of_names_that_were_not_looked_up() {
    let (schema, environment) = (Schema::new(), environment());
    for text in ["city = a AND city = b", "group = x AND group != x", "age = 5"] {
        let parsed = language::parse_with(text, Dialect::Extended, language::Resolve::Nothing, &environment).unwrap();
        assert_eq!(lint(text, &parsed.query, &Known::new(&schema, &environment)), [], "{text}");
    }
}

#[test]
fn a_large_query_is_planned_a_bounded_number_of_times() {
    // 250 clauses that contradict one another, far beyond what is looked through in pairs.
    let text = (0..250).map(|age| format!("age = {age}")).collect::<Vec<_>>().join(" AND ");
    let warnings = warnings(&text, Dialect::Extended);
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].message, "these 250 clauses together hold for no contact");
}

#[test]
fn a_warning_about_a_negation_spans_its_not() {
    for (text, spanned) in [
        ("age > 10 AND (NOT age < 30 AND age < 20)", "NOT age < 30 AND age < 20"),
        ("NOT (age < 30) AND age < 20", "NOT (age < 30) AND age < 20"),
        ("not ( age < 30 ) age < 20", "not ( age < 30 ) age < 20"),
    ] {
        let found = warnings(text, Dialect::Extended);
        let told: Vec<&str> = found.iter().map(|warning| &text[warning.span.range()]).collect();
        assert_eq!(told, [spanned], "{text}: {found:?}");
    }
}
