//! The service gives what the command line prints, letter for letter.

use serde_json::{Value, json};

use crate::harness::{NOW, Service, demo, done, run};

/// Bodies that the service is asked, beside the arguments that ask the command line the same.
fn pairs() -> Vec<(&'static str, Value, Vec<&'static str>)> {
    vec![
        ("/api/query", json!({"query": "age > 30"}), vec!["query", "age > 30"]),
        (
            "/api/query",
            json!({"query": "gender = F", "sort": "-age", "limit": 7, "offset": 3}),
            vec!["query", "gender = F", "--sort", "-age", "--limit", "7", "--offset", "3"],
        ),
        ("/api/query", json!({"query": "name ~ uwase", "count": true}), vec!["query", "name ~ uwase", "--count"]),
        (
            "/api/query",
            json!({"query": "age > 20", "group": "Small babies", "count": true}),
            vec!["query", "age > 20", "--group", "Small babies", "--count"],
        ),
        ("/api/query", json!({"query": "bob", "dialect": "contactql"}), vec!["query", "bob", "--dialect", "contactql"]),
        ("/api/query", json!({"query": "aeg > 30 AND ("}), vec!["query", "aeg > 30 AND ("]),
        ("/api/query", json!({"query": ""}), vec!["query", ""]),
        ("/api/parse", json!({"query": "uwase AND age = 18..25"}), vec!["parse", "uwase AND age = 18..25"]),
        ("/api/parse", json!({"query": "agee > 3"}), vec!["parse", "agee > 3"]),
        ("/api/explain", json!({"query": "age > 30 AND gender = F"}), vec!["explain", "age > 30 AND gender = F"]),
        (
            "/api/why",
            json!({"contact": "f8df5c85-1ec9-4f98-890d-d76ba4bc38e6", "group": "Due within 4 weeks"}),
            vec!["why", "f8df5c85-1ec9-4f98-890d-d76ba4bc38e6", "Due within 4 weeks"],
        ),
        (
            "/api/why",
            json!({"contact": "tel:+250788123123", "group": "Mothers 25–34 in Huye"}),
            vec!["why", "tel:+250788123123", "Mothers 25–34 in Huye"],
        ),
        (
            "/api/audience",
            json!({"groups": ["Small babies"], "query": "age > 30", "not_seen_since": 90}),
            vec!["audience", "--group", "Small babies", "--query", "age > 30", "--not-seen-since", "90"],
        ),
        (
            "/api/render",
            json!({"template": "Hi @contact.name, @fields.age", "contact": "tel:+250788123123"}),
            vec!["render", "Hi @contact.name, @fields.age", "tel:+250788123123"],
        ),
    ]
}

#[test]
fn both_faces_say_the_same_letters() {
    let folder = demo();
    let store = folder.path().join("store");
    let service = Service::start(&store, &["--now", NOW]);
    for (path, body, arguments) in pairs() {
        let mut arguments = arguments;
        arguments.extend(["--now", NOW, "--format", "json"]);
        let printed = run(&store, &arguments);
        let answer = service.post(path, &body.to_string());
        assert_eq!(answer.text(), String::from_utf8(printed.stdout).unwrap(), "{arguments:?}");
        assert_eq!(answer.status, if printed.status.success() { 200 } else { 422 }, "{arguments:?}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    let groups: Value =
        serde_json::from_str(&done(&store, &["group", "list", "--format", "json", "--now", NOW])).unwrap();
    assert_eq!(service.get("/api/groups").json(), groups);
    for group in groups["groups"].as_array().unwrap() {
        let (uuid, name) = (group["uuid"].as_str().unwrap(), group["name"].as_str().unwrap());
        for (path, arguments) in [
            (format!("/api/groups/{uuid}"), vec!["group", "show", name]),
            (format!("/api/groups/{uuid}/members?limit=3"), vec!["group", "members", name, "--limit", "3"]),
            (
                format!("/api/groups/{uuid}/members?as_of=2026-06-15T11:00:00Z"),
                vec!["group", "members", name, "--as-of", "2026-06-15T11:00:00Z"],
            ),
        ] {
            let arguments = [arguments.as_slice(), &["--now", NOW, "--format", "json"]].concat();
            let printed = run(&store, &arguments);
            let answer = service.get(&path);
            if printed.status.success() {
                assert_eq!(answer.text(), String::from_utf8(printed.stdout).unwrap(), "{path}");
            } else {
                assert_eq!(answer.status, 400, "{path}: {}", answer.text());
            }
        }
        let history = service.get(&format!("/api/groups/{uuid}/history?by=day")).json();
        let last = history["periods"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(last["count"], service.get(&format!("/api/groups/{uuid}")).json()["count"], "{name}: {history}");
    }
    let contact = "tel:%2B250788123123";
    for (path, arguments) in [
        (format!("/api/contacts/{contact}"), ["contact", "show", "tel:+250788123123"]),
        (format!("/api/contacts/{contact}/timeline"), ["contact", "timeline", "tel:+250788123123"]),
        (format!("/api/contacts/{contact}/groups"), ["contact", "groups", "tel:+250788123123"]),
    ] {
        let printed = done(&store, &[arguments.as_slice(), &["--now", NOW, "--format", "json"]].concat());
        assert_eq!(service.get(&path).text(), printed, "{path}");
    }
    let mut stats: Value = serde_json::from_str(&done(&store, &["stats", "--format", "json", "--now", NOW])).unwrap();
    let mut served = service.get("/api/stats").json();
    // Each process counts the slots that it has seen.
    for stats in [&mut stats, &mut served] {
        stats["readers"] = Value::Null;
    }
    assert_eq!(served, stats);
}

#[test]
fn pages_follow_each_other_by_their_cursors() {
    let folder = demo();
    let store = folder.path().join("store");
    let service = Service::start(&store, &["--now", NOW]);
    let all = service.post("/api/query", r#"{"query": "age > 20", "sort": "name", "limit": 10000}"#).json();
    let (mut seen, mut after) = (Vec::new(), Value::Null);
    loop {
        let body = json!({"query": "age > 20", "sort": "name", "limit": 17, "after": after});
        let page = service.post("/api/query", &body.to_string()).json();
        seen.extend(page["contacts"].as_array().unwrap().clone());
        after = page["next"].clone();
        if after.is_null() {
            break;
        }
    }
    assert!(seen.len() > 100);
    assert_eq!(&seen, all["contacts"].as_array().unwrap());
    let foreign = json!({"query": "age > 21", "sort": "name", "after": "00"});
    assert_eq!(service.post("/api/query", &foreign.to_string()).status, 400);
    assert_eq!(service.post("/api/query", r#"{"query": "age > 20", "limit": 10001}"#).status, 400);
    let completed = service.post("/api/complete", r#"{"text": "gender = "}"#).json();
    assert_eq!(completed["start"], 9);
    assert!(completed["candidates"].as_array().unwrap().contains(&json!("f")), "{completed}");
}

#[test]
fn changes_are_durable_when_they_are_answered() {
    let folder = demo();
    let store = folder.path().join("store");
    let service = Service::start(&store, &["--allow-write"]);
    let lines = concat!(
        r#"{"type": "contact_field_changed", "contact": {"urn": "tel:+250788123123"}, "field": {"key": "age"}, "value": {"text": "12"}}"#,
        "\nno line\n\n",
        r#"{"type": "contact_name_changed", "contact": {"urn": "tel:+1"}, "name": "Nobody"}"#,
    );
    let answer = service.post("/api/changes", lines);
    let body = answer.json();
    assert_eq!(answer.status, 200, "{body}");
    assert_eq!((&body["applied"], &body["seen"]), (&json!(1), &json!(0)));
    let rejected: Vec<&Value> = body["rejected"].as_array().unwrap().iter().map(|item| &item["line"]).collect();
    assert_eq!(rejected, [2, 4]);
    assert!(body["rejected"][1]["error"].as_str().unwrap().contains("tel:+1"), "{body}");
    // What platforms send and nothing here follows from is passed over, as on the command line, and told.
    let other = r#"{"type": "msg_failed", "contact": {"urn": "tel:+250788123123"}}"#;
    let passed = service.post("/api/changes", other).json();
    assert_eq!((&passed["applied"], &passed["rejected"]), (&json!(0), &json!([])), "{passed}");
    assert!(passed["warnings"][0].as_str().unwrap().contains("msg_failed"), "{passed}");
    let log = done(&store, &["log", "--format", "jsonl"]);
    for event in body["moves"].as_array().unwrap().iter().map(Value::to_string) {
        assert!(log.lines().any(|line| line == event), "{event}");
    }
    let shown = done(&store, &["contact", "show", "tel:+250788123123", "--format", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&shown).unwrap()["fields"]["age"], "12");
    let changed = body["moves"].as_array().unwrap().iter().filter(|event| event["cause"] == "change").count();
    assert_eq!(changed, 1, "one contact changed in one commit: {body}");
}

/// Options and paths that the page of the documentation names are there.
#[test]
fn the_documentation_names_what_is_there() {
    let folder = demo();
    let store = folder.path().join("store");
    let help = done(&store, &["serve", "--help"]);
    let page = include_str!("../../docs/service.md");
    let options = page.split("`--").skip(1).map(|rest| rest.split([' ', '`']).next().unwrap());
    let mut known = 0;
    for option in options.filter(|option| *option != "format") {
        assert!(help.contains(&format!("--{option} ")) || help.contains(&format!("--{option}\n")), "--{option}");
        known += 1;
    }
    assert!(known > 8);
    let service = Service::start(&store, &[]);
    let described = service.get("/openapi.json").json();
    for path in described["paths"].as_object().unwrap().keys().filter(|path| !path.contains('{')) {
        let last = path.rsplit('/').next().unwrap();
        assert!(page.contains(last) || last == "complete", "{path} is not in docs/service.md");
    }
}

/// Many at once share commits: each is told of its own lines, those who are refused too.
#[test]
fn writes_that_wait_together_are_told_apart() {
    let folder = demo();
    let store = folder.path().join("store");
    let service = Service::start(&store, &["--allow-write"]);
    let before: u64 = commits(&service);
    std::thread::scope(|scope| {
        for writer in 0..16 {
            let service = &service;
            scope.spawn(move || {
                for round in 0..12 {
                    let urn = format!("tel:+25078{writer:03}{round:04}");
                    let good = json!({
                        "type": "contact_created", "contact": {"name": format!("W{writer} R{round}"), "urns": [urn], "fields": {"age": "31"}}
                    });
                    let bad = json!({"type": "contact_deleted", "contact": {"urn": format!("tel:+99{writer}{round}")}});
                    let answer = service.post("/api/changes", &format!("{good}\n{bad}\n")).json();
                    assert_eq!(answer["applied"], 1, "{answer}");
                    assert_eq!(answer["rejected"].as_array().unwrap().len(), 1, "{answer}");
                    assert_eq!(answer["rejected"][0]["line"], 2);
                    let found = service.get(&format!("/api/contacts/{}", urn.replace('+', "%2B"))).json();
                    assert_eq!(found["name"], format!("W{writer} R{round}"), "what was acknowledged is there");
                    for event in answer["moves"].as_array().unwrap() {
                        let is_own = event["contact"]["uuid"] == found["uuid"];
                        assert!(is_own || event["cause"] == "clock", "{event} is not of {found}");
                    }
                }
            });
        }
    });
    let shared = commits(&service) - before;
    assert!(shared <= 16 * 12, "{shared} commits for 192 requests");
    done(&store, &["check"]);
}

fn commits(service: &Service) -> u64 {
    let metrics = service.get("/metrics");
    let line = metrics.text().lines().find_map(|line| line.strip_prefix("headcount_commits ")).unwrap().to_owned();
    line.parse().unwrap()
}
