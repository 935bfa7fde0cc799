//! A service as a process, and the smallest client that can talk to it: what is sent is exactly what a test says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The moment at which the demo's data stands.
pub(crate) const NOW: &str = "2026-06-15T12:00:00Z";

/// The program, over a store.
pub(crate) fn headcount(store: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headcount"));
    command.env_remove("HEADCOUNT_STORE").arg("--store").arg(store);
    command
}

/// Runs a command to its end.
pub(crate) fn run(store: &Path, arguments: &[&str]) -> Output {
    headcount(store).args(arguments).output().unwrap()
}

/// Runs a command that must do what it is asked.
pub(crate) fn done(store: &Path, arguments: &[&str]) -> String {
    let output = run(store, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A store with the demo's contacts and groups.
pub(crate) fn demo() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    done(folder.path(), &["demo", folder.path().join("store").to_str().unwrap()]);
    folder
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A service that runs, and is told to end when the test is over.
pub(crate) struct Service {
    process: Child,
    pub(crate) port: u16,
}

impl Service {
    /// Starts one on a free port.
    pub(crate) fn start(store: &Path, options: &[&str]) -> Service {
        Self::start_with(headcount(store), options)
    }

    pub(crate) fn start_with(mut command: Command, options: &[&str]) -> Service {
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(options);
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut errors = BufReader::new(process.stderr.take().unwrap());
        let mut line = String::new();
        let port = loop {
            line.clear();
            assert!(errors.read_line(&mut line).unwrap() > 0, "the service did not start");
            if let Some((_, rest)) = line.split_once("http://127.0.0.1:") {
                break rest.trim_end().trim_end_matches('/').parse().unwrap();
            }
        };
        // What else it says is shown where a test fails.
        std::thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                eprintln!("serve: {line}");
            }
        });
        Service { process, port }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    }

    /// Sends bytes, and reads one answer.
    pub(crate) fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = self.connect();
        // A service that refuses early may close before all is sent.
        let _ = stream.write_all(request);
        read_answer(&mut BufReader::new(stream))
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request.push_str(&format!("host: 127.0.0.1:{}\r\n", self.port));
        }
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
        self.raw(request.as_bytes())
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "")
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Answer {
        self.send("POST", path, &[("content-type", "application/json")], body)
    }

    /// Tells it to end, and how long that took.
    pub(crate) fn end(mut self) -> Duration {
        let began = Instant::now();
        assert!(Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status().unwrap().success());
        let status = self.process.wait().unwrap();
        assert!(status.success(), "{status}");
        began.elapsed()
    }

    /// Ends it as a machine that loses power would.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Reads an answer to its announced end, or until the connection closes.
pub(crate) fn read_answer(stream: &mut impl BufRead) -> Answer {
    let mut answer = read_head(stream);
    match answer.header("content-length").map(|length| length.parse::<usize>().unwrap()) {
        Some(length) => {
            answer.body.resize(length, 0);
            stream.read_exact(&mut answer.body).unwrap();
        }
        None => {
            let _ = stream.read_to_end(&mut answer.body);
        }
    }
    answer
}

pub(crate) fn read_head(stream: &mut impl BufRead) -> Answer {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    let status = line.split(' ').nth(1).unwrap_or_else(|| panic!("no answer: {line:?}")).parse().unwrap();
    let mut headers = Vec::new();
    loop {
        line.clear();
        stream.read_line(&mut line).unwrap();
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_lowercase(), value.to_owned())),
            None => break,
        }
    }
    Answer { status, headers, body: Vec::new() }
}

/// A stream of events that is read line by line.
pub(crate) struct Events {
    reader: BufReader<TcpStream>,
    /// Bytes left of the chunk.
    pub(crate) head: Answer,
    text: String,
}

impl Events {
    pub(crate) fn open(service: &Service, path: &str, headers: &[(&str, &str)]) -> Events {
        let mut stream = service.connect();
        let mut request = format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\n", service.port);
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        let head = read_head(&mut reader);
        Events { reader, head, text: String::new() }
    }

    /// The next event as its lines; none once the stream has ended.
    pub(crate) fn next_event(&mut self) -> Option<Vec<String>> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let event: String = self.text.drain(..end + 2).collect();
                let lines: Vec<String> = event.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
                if lines.iter().any(|line| line.starts_with("data:")) {
                    return Some(lines);
                }
                continue;
            }
            let mut size = String::new();
            self.reader.read_line(&mut size).ok()?;
            let size = usize::from_str_radix(size.trim_end(), 16).ok()?;
            if size == 0 {
                return None;
            }
            let mut chunk = vec![0; size + 2];
            self.reader.read_exact(&mut chunk).ok()?;
            self.text.push_str(std::str::from_utf8(&chunk[..size]).unwrap());
        }
    }

    /// The next event's data, and the place that it marks.
    pub(crate) fn next_data(&mut self) -> Option<(Value, Option<u64>)> {
        let lines = self.next_event()?;
        let data = lines.iter().find_map(|line| line.strip_prefix("data: ")).unwrap();
        let id = lines.iter().find_map(|line| line.strip_prefix("id: ")).map(|id| id.parse().unwrap());
        Some((serde_json::from_str(data).unwrap(), id))
    }
}
