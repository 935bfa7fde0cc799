//! Every case of `corpus/contactql` that says whom a query matches: by the definition, and by the plan.

use std::collections::BTreeMap;

use headcount::internals::contact::Contact;
use headcount::internals::ids::{GroupId, Uuid};
use headcount::internals::model::workspace::Cause;
use headcount::internals::model::{Context, Workspace, matches};
use headcount::internals::plan::logical::lower;
use headcount::internals::plan::rules::Rules;
use serde_json::{Value, json};

use crate::support::corpus;

#[test]
fn every_search_finds_whom_the_reference_finds() {
    let schema = corpus::schema();
    let environments = corpus::environments();
    let contacts = corpus::contacts(&schema, &environments["rw"]);
    let mut failures = Vec::new();
    let cases = corpus::lines("eval.jsonl");
    for case in &cases {
        let environment = &environments[case["environment"].as_str().unwrap()];
        let text = case["query"].as_str().unwrap();
        let query = corpus::parse(text, &schema, environment);
        let plan = lower(&query);
        let literal = headcount::internals::plan::logical::lower_with(&query, Rules::NONE);
        let expected: Vec<usize> =
            case["matches"].as_array().unwrap().iter().map(|index| index.as_u64().unwrap() as usize).collect();
        assert_eq!(expected.len() as u64, case["total"].as_u64().unwrap());
        let found = |holds: &dyn Fn(&Contact, &Context<'_, Vec<GroupId>>) -> bool| -> Vec<usize> {
            let holds = |contact: &Contact| {
                let (zone, now) = (&environment.timezone, environment.now);
                holds(contact, &Context { zone, now, memberships: &contact.groups })
            };
            contacts.iter().enumerate().filter(|(_, contact)| holds(contact)).map(|(index, _)| index).collect()
        };
        let ways = [
            ("definition", found(&|contact, context| matches(&query, contact, context))),
            ("plan", found(&|contact, context| plan.evaluate(contact, context))),
            ("plan without rules", found(&|contact, context| literal.evaluate(contact, context))),
        ];
        for (way, found) in ways {
            if found != expected {
                let wrong: Vec<&usize> =
                    found.iter().chain(&expected).filter(|i| found.contains(i) != expected.contains(i)).collect();
                failures.push(format!("{way}: {text}: differs at {wrong:?}"));
            }
        }
    }
    println!("{} cases, {} failures", cases.len(), failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn groups_move_as_the_reference_s_do() {
    let schema = corpus::schema();
    let environments = corpus::environments();
    let groups = corpus::json("groups.json");
    let environment = &environments[groups["environment"].as_str().unwrap()];
    let mut workspace = Workspace::new(environment.timezone.clone(), environment.now);
    for group in schema.groups() {
        workspace.put_manual_group(group.id, environment.now);
    }
    let mut names: BTreeMap<GroupId, String> = BTreeMap::new();
    for (at, group) in groups["groups"].as_array().unwrap().iter().enumerate() {
        let id = GroupId(1000 + at as u32);
        let query = corpus::parse(group["query"].as_str().unwrap(), &schema, environment);
        workspace.put_smart_group(id, query, environment.now).unwrap();
        names.insert(id, group["name"].as_str().unwrap().to_owned());
    }
    workspace.put(corpus::contacts(&schema, environment), environment.now, Cause::Change);
    let check = |workspace: &Workspace, expected: &Value| {
        let mut failures = Vec::new();
        for (&id, name) in &names {
            let members: Vec<String> = workspace.members(id).iter().map(Uuid::to_string).collect();
            let same = match &expected[name] {
                Value::Number(count) => count.as_u64() == Some(members.len() as u64),
                Value::Array(uuids) => {
                    let mut uuids: Vec<&str> = uuids.iter().map(|uuid| uuid.as_str().unwrap()).collect();
                    uuids.sort_unstable();
                    uuids == members
                }
                other => panic!("{name}: {other}"),
            };
            if !same {
                failures.push(format!("{name} has {}", members.len()));
            }
        }
        assert!(failures.is_empty(), "{}", failures.join("\n"));
    };
    check(&workspace, &corpus::json("groups.initial.json"));

    let mut moves: Vec<Value> = Vec::new();
    let changes = corpus::lines("changes.jsonl");
    for (line, event) in changes.iter().enumerate() {
        let uuid = Uuid::parse(event["contact"]["uuid"].as_str().unwrap()).unwrap();
        let mut contact = workspace.contacts()[&uuid].clone();
        corpus::change(&mut contact, event, &schema, environment);
        let logged = workspace.log().len();
        workspace.put([contact], environment.now, Cause::Change);
        if let Some(entry) = workspace.log().get(logged) {
            let named = |wanted: bool| -> Vec<&String> {
                let moved = entry
                    .moves
                    .iter()
                    .filter(|&(&(group, _), &entered)| entered == wanted && names.contains_key(&group));
                moved.map(|((group, _), _)| &names[group]).collect()
            };
            moves.push(json!({
                "line": line + 1, "contact": uuid.to_string(), "entered": named(true), "left": named(false),
            }));
        }
    }
    let expected = corpus::lines("changes.expected.jsonl");
    let wrong: Vec<String> = moves
        .iter()
        .zip(&expected)
        .filter(|(ours, theirs)| ours != theirs)
        .map(|(ours, theirs)| format!("{ours}\n{theirs}"))
        .collect();
    println!("{} changes, {} moves, {} wrong", changes.len(), expected.len(), wrong.len());
    assert!(wrong.is_empty() && moves.len() == expected.len(), "{}", wrong.join("\n\n"));
    check(&workspace, &corpus::json("groups.final.json"));
    assert!(workspace.is_settled());
}
