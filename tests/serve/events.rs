//! What happens is told as it happens, whoever does it, and from wherever somebody goes on.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Events, Service, demo, done, headcount};

fn edit(store: &std::path::Path, age: &str) {
    done(store, &["contact", "edit", "tel:+250788123123", "--field", &format!("age={age}")]);
}

#[test]
fn another_process_is_heard_and_a_reader_goes_on_where_it_was() {
    let folder = demo();
    let store = folder.path().join("store");
    let service = Service::start(&store, &[]);
    done(&store, &["tick"]);
    let mut events = Events::open(&service, "/api/events", &[]);
    assert_eq!(events.head.status, 200);
    assert_eq!(events.head.header("content-type"), Some("text/event-stream"));
    let began = Instant::now();
    edit(&store, "12");
    let (first, _) = events.next_data().unwrap();
    assert_eq!(first["type"], "contact_groups_changed");
    assert!(began.elapsed() < Duration::from_secs(30));
    for age in ["31", "12", "32", "12"] {
        edit(&store, age);
    }
    // All that the log holds, each commit's place at its last event.
    let log: Vec<Value> =
        done(&store, &["log", "--format", "jsonl"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut all = Events::open(&service, "/api/events?since=0", &[]);
    for (at, line) in log.iter().enumerate() {
        let (data, id) = all.next_data().unwrap();
        assert_eq!(&data, line);
        let is_last = log.get(at + 1).is_none_or(|next| next["seq"] != line["seq"]);
        assert_eq!(id, is_last.then(|| line["seq"].as_u64().unwrap()));
    }
    // Who comes back says what it had last; that goes before what the address says.
    let middle = log[log.len() / 2]["seq"].as_u64().unwrap();
    let mut rest = Events::open(&service, "/api/events?since=0", &[("last-event-id", &middle.to_string())]);
    for line in log.iter().filter(|line| line["seq"].as_u64().unwrap() > middle) {
        assert_eq!(&rest.next_data().unwrap().0, line);
    }
    let last = log.last().unwrap()["seq"].as_u64().unwrap();
    assert_eq!(service.get(&format!("/api/events?since={}", last + 1_000)).status, 410);
}

#[test]
fn counts_are_told_to_pages() {
    let folder = demo();
    let store = folder.path().join("store");
    let service = Service::start(&store, &["--allow-write"]);
    let mut events = Events::open(&service, "/api/events?view=counts", &[]);
    let (first, _) = events.next_data().unwrap();
    let groups = service.get("/api/groups").json();
    for group in groups["groups"].as_array().unwrap() {
        assert_eq!(first["groups"][group["uuid"].as_str().unwrap()][0], group["count"]);
    }
    let made = json!({"name": "By hand"});
    let made = service.post("/api/v2/groups.json", &made.to_string()).json();
    let uuid = made["uuid"].as_str().unwrap().to_owned();
    loop {
        let (told, _) = events.next_data().unwrap();
        if told["groups"][&uuid] == json!([0, "ready"]) {
            break;
        }
    }
    assert_eq!(service.send("DELETE", &format!("/api/v2/groups.json?uuid={uuid}"), &[], "").status, 204);
    loop {
        let (told, _) = events.next_data().unwrap();
        if told["gone"] == json!([uuid]) {
            break;
        }
    }
}

#[test]
fn streams_beyond_their_number_are_turned_away() {
    let folder = demo();
    let store = folder.path().join("store");
    let service = Service::start_with(limited(&store), &[]);
    let mut streams = Vec::new();
    let mut refused = 0;
    for _ in 0..600 {
        let stream = Events::open(&service, "/api/events", &[]);
        match stream.head.status {
            200 => streams.push(stream),
            503 => refused += 1,
            other => panic!("{other}"),
        }
    }
    assert!(refused > 0 && streams.len() > 32, "{} open, {refused} refused", streams.len());
    drop(streams.split_off(8));
    // There is room again once they have gone.
    let began = Instant::now();
    while service.get("/healthz").status != 200 {
        assert!(began.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(50));
    }
    edit(&store, "12");
    for stream in &mut streams {
        assert!(stream.next_data().is_some());
    }
}

/// With few files at hand, as a service that is started by hand has them.
fn limited(store: &std::path::Path) -> std::process::Command {
    let program = headcount(store);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "ulimit -n 700 && exec \"$0\" \"$@\""]).arg(program.get_program()).args(program.get_args());
    command
}
