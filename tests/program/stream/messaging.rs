//! `audience`, `render`, `campaign`, `why`.

use std::fs;

use serde_json::Value;

use super::{ANN, BOB, run, small};

#[test]
fn an_audience_is_a_query_that_names_cannot_change() {
    let folder = small();
    let path = folder.path();
    let query = |arguments: &[&str]| {
        let all = [&["audience", "--format", "json"], arguments].concat();
        let answer: Value = serde_json::from_str(&run(path, &all).well().output).unwrap();
        assert_eq!(answer["contacts"].as_array().unwrap().len() as u64, answer["total"].as_u64().unwrap());
        // What is printed means the same when it is searched for.
        let text = answer["query"].as_str().unwrap().to_owned();
        let count = run(path, &["query", "--count", &text]).well().output;
        assert_eq!(count.trim(), answer["total"].to_string(), "{text}");
        (text, answer["total"].as_u64().unwrap())
    };
    let all_of_it = [
        "--group",
        "Adults",
        "--group",
        "VIP",
        "--contact",
        "tel:+250788123002",
        "--query",
        "bob OR age > 5",
        "--exclude-group",
        "Due",
        "--exclude-in-flow",
        "--exclude-started",
        "poll",
        "--not-seen-since",
        "90",
    ];
    assert_eq!(
        query(&all_of_it),
        (
            format!(
                "(group IN (\"Adults\", \"VIP\") OR uuid = \"{BOB}\" OR name ~ \"bob\" OR fields.age > 5) AND \
                 status = \"active\" AND group != \"Due\" AND flow = \"\" AND history != \"Poll\" AND \
                 last_seen_on > -90d"
            ),
            0
        )
    );
    assert_eq!(query(&["--group", "Adults"]), ("group = \"Adults\" AND status = \"active\"".to_owned(), 1));
    assert_eq!(query(&["--query", "age > 5", "--include-inactive"]), ("fields.age > 5".to_owned(), 2));
    run(path, &["group", "create", "x\" OR name != \""]).well();
    run(path, &["group", "add", "x\" OR name != \"", BOB]).well();
    assert_eq!(
        query(&["--group", "x\" OR name != \""]),
        ("group = \"x\\\" OR name != \\\"\" AND status = \"active\"".to_owned(), 1)
    );
    for format in ["table", "json", "csv", "ids"] {
        let ran = run(path, &["audience", "--group", "VIP", "--query", "age < 18", "--format", format]).well();
        insta::assert_snapshot!(format!("audience_{format}"), ran.output);
    }
    for (arguments, status, reason) in [
        (&["audience"][..], 2, "say who is to be reached"),
        (&["audience", "--exclude-group", "VIP"], 2, "say who is to be reached"),
        (&["audience", "--group", "VIPs"], 1, "did you mean `VIP`?"),
        (&["audience", "--group", "VIP", "--exclude-started", "Pol"], 1, "there is no flow `Pol`"),
        (&["audience", "--contact", "tel:+1"], 1, "there is no contact tel:+1"),
        (&["audience", "--query", "age >"], 2, "age >"),
    ] {
        let ran = run(path, arguments);
        assert_eq!(ran.status, status, "{arguments:?}");
        assert!(ran.errors.contains(reason), "{}", ran.errors);
    }
}

#[test]
fn a_message_is_filled_in() {
    let folder = small();
    let path = folder.path();
    let template = "Hi @contact.name, @fields.age: @(join(contact.groups, \" & \"))";
    let filled = |format: &str| run(path, &["render", template, ANN, "--format", format]).well().output;
    assert_eq!(filled("table"), "Hi Ann, 36: Adult VIPs & Adults & VIP\n");
    assert_eq!(filled("jsonl"), "{\"text\":\"Hi Ann, 36: Adult VIPs & Adults & VIP\"}\n");
    let wrong = run(path, &["render", "Hi @(foo", ANN]);
    assert_eq!((wrong.status, wrong.output.as_str()), (2, ""));
    assert!(wrong.errors.contains("expected `)`"), "{}", wrong.errors);
}

#[test]
fn a_campaign_tells_who_is_due_and_when() {
    let folder = small();
    let path = folder.path();
    fs::write(
        path.join("campaign.json"),
        r#"{"group": "VIP", "points": [
            {"relative_to": "due", "offset": -2, "unit": "days", "delivery_hour": 9},
            {"relative_to": {"key": "created_on", "name": "Created On"}, "offset": 1, "unit": "week", "delivery_hour": -1},
            {"relative_to": "last_seen_on", "offset": 0, "unit": "minutes", "flow": "Poll"}]}"#,
    )
    .unwrap();
    for format in ["table", "json", "csv"] {
        insta::assert_snapshot!(
            format!("campaign_{format}"),
            run(path, &["campaign", "campaign.json", "--format", format]).well().output
        );
    }
    for (text, reason) in [
        (r#"{"group": "VIPs", "points": []}"#, "did you mean `VIP`?"),
        (r#"{"group": "VIP", "points": [{"relative_to": "age", "offset": 1, "unit": "days"}]}"#, "holds no dates"),
        (
            r#"{"group": "VIP", "points": [{"relative_to": "duee", "offset": 1, "unit": "days"}]}"#,
            "did you mean `due`?",
        ),
        (
            r#"{"group": "VIP", "points": [{"relative_to": "due", "offset": 1, "unit": "dayz"}]}"#,
            "did you mean `days`?",
        ),
        (
            r#"{"group": "VIP", "points": [{"relative_to": "due", "offset": 1, "unit": "days", "delivery_hour": 24}]}"#,
            "24 is no `delivery_hour`",
        ),
        (r#"{"points": []}"#, "missing field `group`"),
    ] {
        fs::write(path.join("wrong.json"), text).unwrap();
        let ran = run(path, &["campaign", "wrong.json"]);
        assert_eq!((ran.status, ran.output.as_str()), (1, ""), "{text}");
        assert!(ran.errors.contains(reason), "{}", ran.errors);
    }
}

#[test]
fn a_membership_is_explained() {
    let folder = small();
    let path = folder.path();
    for (contact, group) in [(ANN, "Adult VIPs"), (BOB, "Adult VIPs"), (BOB, "VIP")] {
        let name = format!("{}_{}", if contact == ANN { "ann" } else { "bob" }, group.to_lowercase().replace(' ', "_"));
        for format in ["table", "json"] {
            let ran = run(path, &["why", contact, group, "--format", format]).well();
            insta::assert_snapshot!(format!("why_{name}_{format}"), ran.output);
        }
    }
}
