//! Webhooks: everything arrives at least once and in order, whatever the receiver and the service go through.

use std::io::{BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Answer, Service, demo, done, read_answer};

const SECRET: &str = "a-secret-of-many-letters";

/// What a receiver was sent, and what it answers.
struct Receiver {
    port: u16,
    taken: Arc<Mutex<Vec<Value>>>,
    /// Answers that are failures, before it takes anything more.
    failures: Arc<Mutex<usize>>,
}

impl Receiver {
    fn start() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (taken, failures) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
        let (seen, failing) = (Arc::clone(&taken), Arc::clone(&failures));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (seen, failing) = (Arc::clone(&seen), Arc::clone(&failing));
                std::thread::spawn(move || {
                    let mut writer = stream.try_clone().unwrap();
                    let mut reader = BufReader::new(stream);
                    while let Some(request) = request(&mut reader) {
                        let body = request.text().to_owned();
                        let expected = format!("sha256={}", signature(&body));
                        assert_eq!(request.header("x-headcount-signature"), Some(expected.as_str()));
                        let mut failing = failing.lock().unwrap();
                        let line = if *failing > 0 {
                            *failing -= 1;
                            "HTTP/1.1 503 Busy"
                        } else {
                            seen.lock().unwrap().push(serde_json::from_str(&body).unwrap());
                            "HTTP/1.1 200 OK"
                        };
                        drop(failing);
                        if writer.write_all(format!("{line}\r\ncontent-length: 0\r\n\r\n").as_bytes()).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Receiver { port, taken, failures }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }
}

/// A request, read as answers are; nothing once the connection has closed.
fn request(reader: &mut BufReader<std::net::TcpStream>) -> Option<Answer> {
    use std::io::BufRead;
    if reader.fill_buf().ok()?.is_empty() {
        return None;
    }
    // `POST /hook HTTP/1.1` has no status: the line is read away, and another put before the rest.
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    assert!(line.starts_with("POST /hook "), "{line}");
    let status = std::io::Cursor::new(b"HTTP/1.1 200 OK\r\n".to_vec());
    Some(read_answer(&mut std::io::Read::chain(status, reader)))
}

/// By another program, so that one mistake is not made twice.
fn signature(body: &str) -> String {
    let mut openssl = std::process::Command::new("openssl")
        .args(["dgst", "-sha256", "-hmac", SECRET, "-r"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    openssl.stdin.take().unwrap().write_all(body.as_bytes()).unwrap();
    let output = openssl.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn edit(store: &std::path::Path, age: &str) {
    done(store, &["contact", "edit", "tel:+250788123123", "--field", &format!("age={age}")]);
}

fn log(store: &std::path::Path, since: u64) -> Vec<Value> {
    let text = done(store, &["log", "--since", &since.to_string(), "--format", "jsonl"]);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Takes out what came again: at least once is what is promised.
fn once(taken: &[Value]) -> Vec<Value> {
    let mut once: Vec<Value> = Vec::new();
    for event in taken {
        if !once.contains(event) {
            once.push(event.clone());
        }
    }
    once
}

#[test]
fn everything_arrives_in_order_over_failures_and_crashes() {
    if std::process::Command::new("openssl").arg("version").output().is_err() {
        eprintln!("skipped: there is no openssl to check signatures with");
        return;
    }
    let folder = demo();
    let store = folder.path().join("store");
    let secret = folder.path().join("secret");
    std::fs::write(&secret, format!("{SECRET}\n")).unwrap();
    let receiver = Receiver::start();
    let url = receiver.url();
    let options = ["--webhook", url.as_str(), "--webhook-secret-file", secret.to_str().unwrap(), "--allow-write"];
    done(&store, &["tick"]);
    let since = log(&store, 0).last().map_or(0, |event| event["seq"].as_u64().unwrap());
    let mut service = Service::start(&store, &options);
    edit(&store, "12");
    until("the first events", || !receiver.taken.lock().unwrap().is_empty());
    *receiver.failures.lock().unwrap() = 3;
    for (round, age) in ["31", "12", "32", "13", "33", "12"].into_iter().enumerate() {
        edit(&store, age);
        // Killed in the middle, and once while it is down: it goes on where it was.
        if round % 2 == 0 {
            service.kill();
            edit(&store, "90");
            service = Service::start(&store, &options);
        }
    }
    let expected = log(&store, since);
    until("all events", || once(&receiver.taken.lock().unwrap()).len() >= expected.len());
    assert_eq!(once(&receiver.taken.lock().unwrap()), expected);
    // What was taken is not sent again after an end in order.
    let metrics = |service: &Service| service.get("/metrics").text().to_owned();
    let last = expected.last().unwrap()["seq"].as_u64().unwrap();
    until("the place", || metrics(&service).contains(&format!("headcount_webhook_sequence {last}\n")));
    service.end();
    let before = receiver.taken.lock().unwrap().len();
    let service = Service::start(&store, &options);
    edit(&store, "44");
    let expected = log(&store, since);
    until("the events after", || once(&receiver.taken.lock().unwrap()).len() >= expected.len());
    let taken = receiver.taken.lock().unwrap().clone();
    assert_eq!(taken.len() - before, expected.len() - once(&taken[..before]).len());
    drop(service);
}

#[test]
fn acknowledged_changes_outlive_kills() {
    let folder = demo();
    let store = folder.path().join("store");
    let mut acknowledged: Vec<(String, String)> = Vec::new();
    for round in 0..4u64 {
        let service = Service::start(&store, &["--allow-write"]);
        let port = service.port;
        let told = Arc::new(Mutex::new(Vec::new()));
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let told = Arc::clone(&told);
                std::thread::spawn(move || {
                    for at in 0.. {
                        let urn = format!("tel:+2507{round}{writer}{at:05}");
                        let name = format!("Kept {round} {writer} {at}");
                        let line = serde_json::json!({
                            "type": "contact_created", "contact": {"name": name, "urns": [urn]}
                        });
                        // The connection breaks when the service is killed.
                        let Some(status) = try_post(port, "/api/changes", &line.to_string()) else { return };
                        if status == 200 {
                            told.lock().unwrap().push((urn, name));
                        }
                    }
                })
            })
            .collect();
        let enough = 20 + round as usize * 7;
        until("acknowledged changes", || told.lock().unwrap().len() >= enough);
        service.kill();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        acknowledged.extend(told.lock().unwrap().drain(..));
    }
    done(&store, &["check"]);
    let all = done(&store, &["query", "name ~ kept", "--all", "--format", "jsonl"]);
    for (urn, name) in acknowledged {
        assert!(
            all.lines().any(|line| line.contains(&urn) && line.contains(&name)),
            "{name} was acknowledged and is gone"
        );
    }
}

fn try_post(port: u16, path: &str, body: &str) -> Option<u16> {
    use std::io::BufRead;
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_bytes()).ok()?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).ok()?;
    line.split(' ').nth(1)?.parse().ok()
}
