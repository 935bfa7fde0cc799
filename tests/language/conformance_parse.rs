//! Every case of `corpus/contactql/parse.jsonl`, letter for letter.

use std::fs;
use std::path::PathBuf;

use headcount::internals::ids::{FieldId, FlowId, GroupId, Uuid};
use headcount::internals::language::{self, Dialect, Resolve};
use headcount::internals::schema::{DateFormat, Environment, Field, FieldType, Flow, Group, Schema};
use headcount::internals::sema::inspect::{GroupReference, inspect};
use headcount::internals::sema::print::canonical;
use headcount::internals::value::Instant;
use serde_json::{Value, json};

fn corpus(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus/contactql").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn schema() -> Schema {
    let json: Value = serde_json::from_str(&corpus("schema.json")).unwrap();
    let mut schema = Schema::new();
    for (at, field) in json["fields"].as_array().unwrap().iter().enumerate() {
        schema.put_field(Field {
            id: FieldId(at as u16),
            key: field["key"].as_str().unwrap().to_owned(),
            name: field["name"].as_str().unwrap().to_owned(),
            kind: FieldType::from_name(field["type"].as_str().unwrap()).unwrap(),
        });
    }
    let names = |key: &str| -> Vec<String> {
        json[key].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    };
    for (at, name) in names("groups").into_iter().enumerate() {
        schema.put_group(Group { id: GroupId(at as u32), uuid: Uuid::random(), name, smart: false });
    }
    for (at, name) in names("flows").into_iter().enumerate() {
        schema.put_flow(Flow { id: FlowId(at as u32), uuid: Uuid::random(), name });
    }
    schema
}

fn environment(json: &Value, now: Instant) -> Environment {
    let country: [u8; 2] = json["country"].as_str().unwrap().as_bytes().try_into().unwrap();
    Environment {
        timezone: jiff::tz::TimeZone::get(json["timezone"].as_str().unwrap()).unwrap(),
        date_format: DateFormat::from_name(json["date_format"].as_str().unwrap()).unwrap(),
        country: Some(country),
        redact_urns: json["redact_urns"].as_bool().unwrap(),
        now,
    }
}

/// What we make of a case, in the shape of its expected result.
fn run(query: &str, names: Resolve<'_>, schema: &Schema, environment: &Environment) -> Value {
    match language::parse_with(query, Dialect::ContactQl, names, environment) {
        Ok(parsed) => {
            let found = inspect(&parsed.query, schema);
            let fields: Vec<Value> = found.fields.iter().map(|(key, name)| json!({"key": key, "name": name})).collect();
            let groups: Vec<Value> = found
                .groups
                .iter()
                .map(|group| match group {
                    GroupReference::Group(id) => json!({"name": schema.group_by_id(*id).unwrap().name}),
                    GroupReference::NameMatch(text) => json!({"name_match": text}),
                })
                .collect();
            json!({
                "canonical": canonical(&parsed.query, schema),
                "inspection": {
                    "attributes": found.attributes,
                    "schemes": found.schemes,
                    "fields": fields,
                    "groups": groups,
                    "allow_as_group": found.allow_as_group,
                },
            })
        }
        Err(errors) => {
            let first = errors.first().to_json();
            let code = first["code"].as_str().unwrap().strip_prefix("query:").unwrap().to_owned();
            if code == "syntax" {
                return json!({"code": code});
            }
            json!({"code": code, "message": first["error"], "extra": first["extra"]})
        }
    }
}

#[test]
fn every_case_gives_the_reference_s_result() {
    let schema = schema();
    let environments: Value = serde_json::from_str(&corpus("environments.json")).unwrap();
    let now = Instant::parse(environments["now"].as_str().unwrap()).unwrap();
    let (mut passed, mut failed) = (0, 0);
    for line in corpus("parse.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let environment = environment(&environments["environments"][case["environment"].as_str().unwrap()], now);
        let names = if case["resolve"].as_bool().unwrap() { Resolve::Schema(&schema) } else { Resolve::Nothing };
        let actual = run(case["query"].as_str().unwrap(), names, &schema, &environment);
        let mut expected = case.clone();
        let fields = expected.as_object_mut().unwrap();
        for input in ["query", "environment", "resolve"] {
            fields.shift_remove(input);
        }
        if fields.get("code") == Some(&json!("syntax")) {
            fields.retain(|key, _| key == "code");
        } else if fields.contains_key("code") {
            fields.entry("extra").or_insert(json!({}));
        }
        // Identities are the reference's own: only names are compared.
        if let Some(groups) = fields.get_mut("inspection").and_then(|found| found["groups"].as_array_mut()) {
            groups.iter_mut().for_each(|group| {
                group.as_object_mut().unwrap().shift_remove("uuid");
            });
        }
        if actual == expected {
            passed += 1;
        } else {
            failed += 1;
            if failed <= 40 {
                println!("{}\n  expected {expected}\n  actual   {actual}", shorten(&case.to_string()));
            }
        }
    }
    println!("{passed} cases pass, {failed} do not");
    assert_eq!(failed, 0, "{passed} cases pass, {failed} do not");
}

fn shorten(text: &str) -> String {
    text.chars().take(300).collect()
}
