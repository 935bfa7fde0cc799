//! Who is let in, and what is refused without harm.

use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::harness::{Service, demo, read_answer, run};

const TOKEN: &str = "a-token-of-many-letters";

#[test]
fn a_foreign_host_or_page_gets_nothing() {
    let folder = demo();
    let service = Service::start(&folder.path().join("store"), &["--allow-write", "--host", "groups.example.org"]);
    let body = r#"{"query": "age > 30", "count": true}"#;
    for host in ["evil.example", "127.0.0.1.evil.example", "10.1.2.3", "192.168.0.1:8080", "localhost.evil.example"] {
        for path in ["/api/query", "/api/changes", "/mi/contact/search"] {
            let answer = service.send("POST", path, &[("host", host)], body);
            assert_eq!(answer.status, 403, "{host} {path}");
            assert!(!answer.text().contains("total"));
        }
        for path in ["/", "/healthz", "/metrics", "/api/v2/contacts.json", "/api/events"] {
            assert_eq!(service.send("GET", path, &[("host", host)], "").status, 403, "{host} {path}");
        }
    }
    assert_eq!(service.raw(b"GET / HTTP/1.0\r\n\r\n").status, 403);
    let own = format!("http://127.0.0.1:{}", service.port);
    for (origin, status) in [
        (own.as_str(), 200),
        ("http://evil.example", 403),
        ("null", 403),
        ("http://127.0.0.1:1", 403),
        ("file://", 403),
    ] {
        assert_eq!(service.send("POST", "/api/query", &[("origin", origin)], body).status, status, "{origin}");
    }
    let cross = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")];
    assert_eq!(service.send("GET", "/api/groups", &cross, "").status, 403);
    assert_eq!(service.send("POST", "/api/query", &[("host", "groups.example.org")], body).status, 200);
}

#[test]
fn a_token_is_asked_of_everybody() {
    let folder = demo();
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let service = Service::start(&folder.path().join("store"), &["--token-file", file.to_str().unwrap()]);
    let right = format!("Token {TOKEN}");
    for path in ["/api/stats", "/metrics", "/openapi.json", "/api/v2/groups.json", "/api/events"] {
        assert_eq!(service.get(path).status, 401, "{path}");
        let wrong = service.send("GET", path, &[("authorization", "Token wrong-token-of-letters")], "");
        assert_eq!(wrong.status, if path.starts_with("/api/v2/") { 403 } else { 401 }, "{path}");
        assert!(wrong.json().get("results").is_none());
    }
    for path in ["/api/stats", "/metrics", "/openapi.json", "/api/v2/groups.json"] {
        assert_eq!(service.send("GET", path, &[("authorization", &right)], "").status, 200, "{path}");
    }
    assert_eq!(service.get("/healthz").status, 200);
    let refused = service.send("POST", "/mi/contact/search", &[], r#"{"query": "age > 3"}"#);
    assert_eq!((refused.status, refused.json()["error"].is_string()), (401, true));
    let page = service.get("/");
    assert_eq!((page.status, page.header("location")), (303, Some("/login?next=/")));
}

#[test]
fn other_machines_need_a_token_and_secrets_are_long() {
    let folder = demo();
    let store = folder.path().join("store");
    let open = run(&store, &["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(open.status.code(), Some(2), "{}", String::from_utf8_lossy(&open.stderr));
    assert!(String::from_utf8_lossy(&open.stderr).contains("--token-file"));
    let file = folder.path().join("short");
    std::fs::write(&file, "short\n").unwrap();
    let short = run(&store, &["serve", "--listen", "127.0.0.1:0", "--token-file", file.to_str().unwrap()]);
    assert_eq!(short.status.code(), Some(1));
    assert!(!String::from_utf8_lossy(&short.stderr).contains("short\n"));
    let missing = run(&folder.path().join("none"), &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(missing.status.code(), Some(1));
}

#[test]
fn nothing_is_written_unless_that_was_allowed() {
    let folder = demo();
    let store = folder.path().join("store");
    let service = Service::start(&store, &[]);
    let before =
        service.get("/metrics").text().lines().find(|line| line.starts_with("headcount_commits")).unwrap().to_owned();
    for (method, path) in [
        ("POST", "/api/changes"),
        ("POST", "/mi/contact/populate_group"),
        ("POST", "/api/v2/contacts.json"),
        ("POST", "/api/v2/contact_actions.json"),
        ("POST", "/api/v2/groups.json"),
        ("DELETE", "/api/v2/groups.json?uuid=x"),
        ("DELETE", "/api/v2/contacts.json?uuid=x"),
    ] {
        let answer = service.send(method, path, &[], "{}");
        assert_eq!(answer.status, 403, "{method} {path}");
    }
    let metrics = service.get("/metrics");
    assert!(metrics.text().contains(&before), "a service that only reads has written");
}

#[test]
fn bodies_and_paths_are_bounded() {
    let folder = demo();
    let service = Service::start(&folder.path().join("store"), &["--allow-write"]);
    // A gigabyte that is announced is not waited for; one that is not announced is cut off.
    for path in ["/api/changes", "/api/query", "/mi/contact/search", "/api/v2/contacts.json"] {
        let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1073741824\r\n\r\n");
        assert_eq!(service.raw(head.as_bytes()).status, 413, "{path}");
    }
    let mut stream = service.connect();
    stream.write_all(b"POST /api/query HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
    let chunk = [format!("{:x}\r\n", 1 << 16).as_bytes(), &vec![b' '; 1 << 16], b"\r\n"].concat();
    let sent = (0..16_384).take_while(|_| stream.write_all(&chunk).is_ok()).count();
    assert!(sent < 1_024, "{sent} pieces of 64 KiB were taken");
    for path in [
        "/../../etc/passwd",
        "/assets/../../../etc/passwd",
        "/assets/%2e%2e/%2e%2e/etc/passwd",
        "/assets/..%2f..%2fetc%2fpasswd",
        "//etc/passwd",
        "/api/groups/..%2F..%2Fetc/members",
        "/api/contacts/%00",
        "/api/contacts/%ff%fe",
        "/api/groups/%F0%9F%92%A9",
        "/api//query",
        "/api/groups/x/members?offset=99999999999999999999999",
        "/api/groups/x/members?limit=-1",
        "/api/events?since=minus",
        "/api/nothing",
    ] {
        let answer = service.get(path);
        assert!((400..500).contains(&answer.status), "{path}: {}", answer.status);
        assert!(!String::from_utf8_lossy(&answer.body).contains("root:"), "{path}");
    }
    for (method, path) in
        [("DELETE", "/api/query"), ("GET", "/mi/contact/search"), ("PUT", "/api/v2/contacts.json"), ("PATCH", "/")]
    {
        let answer = service.send(method, path, &[], "");
        assert_eq!(answer.status, 405, "{method} {path}");
        assert!(answer.header("allow").is_some());
    }
    for body in ["", "{", "[]", "null", "{\"query\": 7}", "{\"query\": \"x\", \"colour\": 1}", "\u{0}"] {
        let answer = service.post("/api/query", body);
        assert_eq!(answer.status, 400, "{body:?}");
        assert!(answer.json()["error"].is_string());
    }
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    assert_eq!(service.post("/api/query", &deep).status, 400);
    assert_eq!(service.post("/mi/contact/search", &deep).status, 400);
    let long = format!("{{\"query\": \"{}\"}}", "(".repeat(9_000));
    assert_eq!(service.post("/api/query", &long).status, 422);
}

#[test]
fn slow_clients_hold_nobody_up() {
    let folder = demo();
    let service = Service::start(&folder.path().join("store"), &[]);
    let half: Vec<TcpStream> = (0..64)
        .map(|_| {
            let mut stream = service.connect();
            stream.write_all(b"POST /api/query HTTP/1.1\r\nhost: localhost\r\ncontent-length: 40\r\n\r\n{").unwrap();
            stream
        })
        .collect();
    let mut head = service.connect();
    head.write_all(b"GET /api/stats HTTP/1.1\r\nhost: local").unwrap();
    assert_eq!(service.get("/api/stats").status, 200);
    assert_eq!(service.post("/api/query", r#"{"query": "age > 30", "count": true}"#).status, 200);
    // The head that never ends is given up.
    let mut rest = Vec::new();
    let _ = head.read_to_end(&mut rest);
    assert!(!String::from_utf8_lossy(&rest).contains("200 OK"));
    drop(half);
}

#[test]
fn it_ends_when_it_is_told_to() {
    let folder = demo();
    let store = folder.path().join("store");
    let service = Service::start(&store, &["--allow-write"]);
    // Open streams and idle connections are no reason to stay.
    let mut stream = service.connect();
    stream.write_all(b"GET /api/events HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut stream = BufReader::new(stream);
    assert_eq!(crate::harness::read_head(&mut stream).status, 200);
    let _idle = service.connect();
    let mut kept = service.connect();
    kept.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    assert_eq!(read_answer(&mut BufReader::new(kept.try_clone().unwrap())).status, 200);
    let began = Instant::now();
    service.end();
    assert!(began.elapsed() < Duration::from_secs(20), "that is a hang, not an end");
}

#[test]
fn every_answer_says_what_a_page_may_do() {
    let folder = demo();
    let service = Service::start(&folder.path().join("store"), &[]);
    for path in ["/healthz", "/api/stats", "/nothing"] {
        let answer = service.get(path);
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(answer.header("access-control-allow-origin").is_none());
    }
}

/// The description is made from the table of routes: each path in it answers, and each shape that it names is there.
#[test]
fn the_description_is_whole() {
    let folder = demo();
    let service = Service::start(&folder.path().join("store"), &["--allow-write"]);
    let text = service.get("/openapi.json");
    let document = text.json();
    let shapes = document["components"]["schemas"].as_object().unwrap();
    let mut named = 0;
    for part in text.text().split("#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(shapes.contains_key(name), "{name} is not described");
        named += 1;
    }
    assert!(named > 60);
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            if path == "/api/events" {
                continue;
            }
            let concrete = path.replace("{uuid}", "00000000-0000-4000-8000-000000000000");
            let answer = service.send(&method.to_uppercase(), &concrete, &[], "");
            assert!(
                operation["responses"].get(answer.status.to_string()).is_some(),
                "{method} {path}: {}",
                answer.status
            );
            assert_ne!(answer.status, 405);
            assert!(answer.body.is_empty() || answer.header("content-type").is_some());
        }
    }
}
