//! Clients that know other systems: RapidPro's own Python client, and the requests that platforms send their search engine.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{NOW, Service, demo, done};

/// A Python that has the client, if one can be had: `.ci/run` makes it.
fn python() -> Option<PathBuf> {
    let candidates = [
        std::env::var_os("HEADCOUNT_TEST_PYTHON").map(PathBuf::from),
        Some(PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target/python/bin/python"))),
        Some(PathBuf::from("python3")),
    ];
    let has_client = |python: &PathBuf| {
        let probe = Command::new(python).args(["-c", "import temba_client.v2"]).output();
        probe.is_ok_and(|probe| probe.status.success())
    };
    candidates.into_iter().flatten().find(has_client)
}

#[test]
fn the_platforms_own_client_works() {
    let Some(python) = python() else {
        eprintln!("skipped: no Python has `rapidpro-python`; `.ci/run` installs it into target/python");
        return;
    };
    let folder = demo();
    let token = folder.path().join("token");
    std::fs::write(&token, "a-token-of-many-letters\n").unwrap();
    let store = folder.path().join("store");
    let service = Service::start(&store, &["--allow-write", "--token-file", token.to_str().unwrap()]);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/serve/rapidpro.py");
    let address = format!("http://127.0.0.1:{}", service.port);
    let run = Command::new(python).args([script, &address, "a-token-of-many-letters"]).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    assert_eq!(String::from_utf8_lossy(&run.stdout).trim(), "done");
    done(&store, &["check"]);
}

/// Requests as a platform sends them, and the keys that it reads of the answers.
#[test]
fn a_search_engines_requests_are_answered() {
    let folder = demo();
    let store = folder.path().join("store");
    let service = Service::start(&store, &["--now", NOW, "--allow-write"]);
    let post = |path: &str, body: Value| {
        let answer = service.post(path, &body.to_string());
        (answer.status, answer.json())
    };
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let groups = service.get("/api/groups").json();
    let group = groups["groups"].as_array().unwrap().iter().find(|group| group["name"] == "Expecting mothers").unwrap();
    let (status, found) = post(
        "/mi/contact/search",
        json!({"org_id": 1, "group_uuid": group["uuid"], "query": "AGE>20", "sort": "-age", "offset": 0, "limit": 5, "exclude_uuids": []}),
    );
    assert_eq!(
        (status, keys(&found)),
        (200, ["query", "contact_uuids", "total", "metadata"].map(str::to_owned).to_vec())
    );
    assert_eq!(found["query"], "fields.age > 20");
    assert_eq!(keys(&found["metadata"]), ["attributes", "schemes", "fields", "groups", "allow_as_group"]);
    let printed = done(
        &store,
        &[
            "query",
            "age > 20",
            "--group",
            "Expecting mothers",
            "--sort",
            "-age",
            "--limit",
            "5",
            "--dialect",
            "contactql",
            "--format",
            "ids",
            "--now",
            NOW,
        ],
    );
    let uuids: Vec<&str> =
        found["contact_uuids"].as_array().unwrap().iter().map(|uuid| uuid.as_str().unwrap()).collect();
    assert_eq!(uuids, printed.lines().collect::<Vec<_>>());
    // Whoever is excluded is not counted either.
    let (_, rest) = post(
        "/mi/contact/search",
        json!({"org_id": 1, "group_uuid": group["uuid"], "query": "AGE>20", "sort": "-age", "exclude_uuids": uuids}),
    );
    assert_eq!(rest["total"].as_u64().unwrap(), found["total"].as_u64().unwrap() - uuids.len() as u64);
    assert_eq!(rest["query"], "fields.age > 20");
    assert!(rest["contact_uuids"].as_array().unwrap().iter().all(|uuid| !uuids.contains(&uuid.as_str().unwrap())));
    let (_, everybody) = post("/mi/contact/search", json!({"org_id": 1, "group_id": 0, "query": "", "limit": 1}));
    assert_eq!(
        (&everybody["query"], everybody["total"].as_u64()),
        (&json!(""), service.get("/api/stats").json()["contacts"].as_u64())
    );
    assert_eq!(
        post("/mi/contact/parse_query", json!({"org_id": 1, "query": "age>20 and gender=f"})).1["query"],
        "fields.age > 20 AND fields.gender = \"f\""
    );
    let (status, error) = post("/mi/contact/parse_query", json!({"org_id": 1, "query": "beers = 12"}));
    assert_eq!(status, 422);
    assert_eq!(
        (keys(&error), &error["code"]),
        (["error", "code", "extra"].map(str::to_owned).to_vec(), &json!("query:unknown_property"))
    );
    assert_eq!(error["extra"]["property"], "beers");
    let asked = json!({"org_id": 1, "group_uuid": group["uuid"], "query": "age > 20"});
    let (_, exported) = post("/mi/contact/export", asked.clone());
    assert_eq!(
        post("/mi/contact/export_preview", asked).1,
        json!({"total": exported["contact_uuids"].as_array().unwrap().len()})
    );
    let preview = json!({
        "org_id": 1,
        "include": {"group_uuids": [group["uuid"]], "query": ""},
        "exclude": {"non_active": true, "in_a_flow": true, "not_seen_since_days": 90}
    });
    let (status, reached) = post("/mi/msg/broadcast_preview", preview.clone());
    assert_eq!((status, keys(&reached)), (200, ["query", "total"].map(str::to_owned).to_vec()));
    let audience = done(
        &store,
        &[
            "audience",
            "--group",
            "Expecting mothers",
            "--exclude-in-flow",
            "--not-seen-since",
            "90",
            "--format",
            "json",
            "--now",
            NOW,
        ],
    );
    let audience: Value = serde_json::from_str(&audience).unwrap();
    assert_eq!((&reached["query"], &reached["total"]), (&audience["query"], &audience["total"]));
    assert_eq!(post("/mi/flow/start_preview", preview).1["total"], reached["total"]);
    let (status, filled) =
        post("/mi/contact/populate_group", json!({"org_id": 1, "group_uuid": group["uuid"], "query": "age > 20"}));
    assert_eq!((status, filled), (200, json!({})));
    assert_eq!(
        service.get(&format!("/api/groups/{}", group["uuid"].as_str().unwrap())).json()["query"],
        "fields.age > 20"
    );
    assert_eq!(post("/mi/contact/search", json!({"query": 1})).0, 400);
    assert_eq!(service.get("/mi/contact/search").status, 405);
}
