//! What must hold of any text whatever, for the tests and the fuzz target alike.

use headcount::internals::diagnostic::{Diagnostic, draw};
use headcount::internals::ids::{FieldId, FlowId, GroupId, Uuid};
use headcount::internals::language::{self, Dialect, Errors, Query, Resolve};
use headcount::internals::lint::{Known, lint};
use headcount::internals::schema::{DateFormat, Environment, Field, FieldType, Flow, Group, Schema};
use headcount::internals::sema::codec;
use headcount::internals::sema::inspect::inspect;
use headcount::internals::sema::print::{canonical, canonical_in};
use headcount::internals::value::Instant;

/// Fields of all types, groups and flows, some with names that are hard to print.
pub(crate) fn schema() -> Schema {
    let mut schema = Schema::new();
    let fields = [
        ("age", FieldType::Number),
        ("gender", FieldType::Text),
        ("notes", FieldType::Text),
        ("dob", FieldType::Datetime),
        ("joined", FieldType::Datetime),
        ("state", FieldType::State),
        ("ward", FieldType::Ward),
        ("not", FieldType::Text),
        ("in", FieldType::Number),
        ("anniversary", FieldType::Datetime),
    ];
    for (at, (key, kind)) in fields.into_iter().enumerate() {
        schema.put_field(Field { id: FieldId(at as u16), key: key.to_owned(), name: key.to_uppercase(), kind });
    }
    for (at, name) in ["Testers", "VIP", "Opted \"Out\" \\", "not"].into_iter().enumerate() {
        let (id, name) = (GroupId(at as u32), name.to_owned());
        schema.put_group(Group { id, uuid: Uuid([at as u8; 16]), name, smart: false });
    }
    for (at, name) in ["Registration", "Catch All"].into_iter().enumerate() {
        schema.put_flow(Flow { id: FlowId(at as u32), uuid: Uuid([at as u8; 16]), name: name.to_owned() });
    }
    schema
}

/// One of a few environments.
pub(crate) fn environment(choice: u8) -> Environment {
    let now = Instant::parse("2026-06-15T12:00:00Z").unwrap();
    let environment = |zone: &str, country: &[u8; 2], date_format, redact_urns| Environment {
        timezone: jiff::tz::TimeZone::get(zone).unwrap(),
        date_format,
        country: Some(*country),
        redact_urns,
        now,
    };
    match choice % 4 {
        0 => environment("Africa/Kigali", b"RW", DateFormat::DayMonthYear, false),
        1 => environment("America/New_York", b"US", DateFormat::MonthDayYear, false),
        2 => environment("Asia/Kolkata", b"IN", DateFormat::YearMonthDay, false),
        _ => environment("America/Sao_Paulo", b"BR", DateFormat::DayMonthYear, true),
    }
}

/// How a text is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mode {
    pub(crate) dialect: Dialect,
    pub(crate) resolves: bool,
    pub(crate) environment: u8,
}

impl Mode {
    /// A mode for each byte.
    pub(crate) fn from_byte(byte: u8) -> Self {
        let dialect = if byte & 1 == 0 { Dialect::Extended } else { Dialect::ContactQl };
        Mode { dialect, resolves: byte & 2 == 0, environment: byte >> 2 & 3 }
    }
}

/// Reads a text.
pub(crate) fn read(text: &str, mode: Mode, schema: &Schema, environment: &Environment) -> Result<Query, Errors> {
    let names = if mode.resolves { Resolve::Schema(schema) } else { Resolve::Nothing };
    language::parse_with(text, mode.dialect, names, environment).map(|parsed| parsed.query)
}

/// Panics if anything that must hold of the text does not.
pub(crate) fn check(text: &str, mode: Mode, schema: &Schema) {
    let environment = environment(mode.environment);
    match read(text, mode, schema, &environment) {
        Ok(query) => {
            check_query(&query, mode, schema, &environment);
            check_warnings(text, &query, schema, &environment);
        }
        Err(errors) => check_errors(text, &errors),
    }
}

fn check_query(query: &Query, mode: Mode, schema: &Schema, environment: &Environment) {
    let printed = canonical(query, schema);
    match read(&printed, mode, schema, environment) {
        Ok(again) => {
            assert_eq!(*query, again, "reading {printed:?} gives another query");
            assert_eq!(printed, canonical(&again, schema), "formatting is not idempotent");
            assert_eq!(inspect(query, schema), inspect(&again, schema));
        }
        // Only a query near the limits has a canonical form beyond them.
        Err(errors) => assert_eq!(errors.first().code.as_str(), "too_complex", "{printed:?} does not read back"),
    }
    assert_eq!(printed, canonical_in(query, schema, environment), "a day does not read as itself");
    let saved = codec::encode(query);
    assert_eq!(codec::decode(&saved).as_ref(), Ok(query), "the saved form of {printed:?} is another query");
    assert!(codec::decode(&saved[..saved.len() - 1]).is_err());
}

fn check_warnings(text: &str, query: &Query, schema: &Schema, environment: &Environment) {
    let warnings = lint(text, query, &Known { groups: &[("Same", query)], ..Known::new(schema, environment) });
    assert!(warnings.iter().all(|warning| warning.code.is_warning()));
    check_spans(text, &warnings);
}

/// Drawing costs more than all the rest: each eighth text, by its length, is drawn.
fn check_spans(text: &str, diagnostics: &[Diagnostic]) {
    for diagnostic in diagnostics {
        let range = diagnostic.span.range();
        assert!(text.get(range).is_some(), "{diagnostic:?} is not within the text, or splits a character");
    }
    let is_drawn = !diagnostics.is_empty() && text.len() % 8 == 1;
    assert!(!is_drawn || !draw(text, diagnostics, false).is_empty());
}

fn check_errors(text: &str, errors: &Errors) {
    check_spans(text, &errors.to_vec());
    assert!(errors.to_json()["errors"].is_array());
}
