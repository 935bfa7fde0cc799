//! What a web service does with a request: one workspace for all threads, a reader for each request. The server around
//! it is as small as can be and listens to this machine only; a real one has a framework there.
//!
//! `cargo run --example service FOLDER`, then `curl 'localhost:8080/search?q=age+%3E+30'`

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;

use headcount::internals::answers::contact::ContactItem;
use headcount::{
    ChangeReader, ContactRef, Dialect, Error as WorkspaceError, Instant, PageRequest, Source, Urn, Workspace,
};
use serde_json::{Value, json};

/// The longest body that is read.
const MAX_BODY: u64 = 16 << 20;

/// A request that was read.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// The parameters behind the path, decoded.
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Answers with a status and JSON.
pub(crate) fn handle(workspace: &Workspace, request: &Request, now: Instant) -> (u16, Value) {
    let parameter = |name: &str| {
        let found = request.parameters.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    let answer = match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/search") => search(workspace, parameter("q"), parameter("after"), now),
        ("GET", "/why") => why(workspace, parameter("urn"), parameter("group"), now),
        ("POST", "/changes") => apply(workspace, &request.body, now),
        _ => return (404, json!({"error": "there is no such page"})),
    };
    match answer {
        Ok(answer) => (200, answer),
        // What is wrong with a query, in the shape that the command line gives it.
        Err(WorkspaceError::Query { errors, .. }) => (400, errors.to_json()),
        Err(WorkspaceError::Store(error)) => (500, json!({"error": error.to_string()})),
        Err(error) => (400, json!({"error": error.to_string()})),
    }
}

fn search(workspace: &Workspace, text: &str, after: &str, now: Instant) -> Result<Value, WorkspaceError> {
    let reader = workspace.reader(now)?;
    let query = reader.parse(text, Dialect::Extended)?.query;
    let after = (!after.is_empty()).then(|| after.to_owned());
    let page = reader.page(&query, &PageRequest { after, ..PageRequest::default() })?;
    let mut contacts = Vec::new();
    for document in page.documents {
        let row = reader.row(document)?;
        let redacts = reader.environment().redact_urns;
        contacts.extend(row.map(|row| ContactItem::of(&row, reader.schema(), redacts)));
    }
    Ok(json!({"query": page.query, "total": page.total, "contacts": contacts, "next": page.next}))
}

fn why(workspace: &Workspace, urn: &str, group: &str, now: Instant) -> Result<Value, WorkspaceError> {
    let reader = workspace.reader(now)?;
    let group = reader.group_named(group)?;
    let unknown = || WorkspaceError::UnknownContact(urn.to_owned());
    let reference = ContactRef::Urn(Urn::parse(urn).map_err(|_| unknown())?);
    let why = reader.why(reader.find(&reference)?.ok_or_else(unknown)?, group)?;
    Ok(json!({"member": why.member, "reason": why.reason, "mend": why.mend}))
}

/// Applies lines of changes, all in one commit; those that are refused are told with their numbers.
fn apply(workspace: &Workspace, lines: &[u8], now: Instant) -> Result<Value, WorkspaceError> {
    let source = Source::from_reader("request", io::Cursor::new(lines.to_vec()));
    let changes: Vec<_> = match ChangeReader::open(source) {
        Ok(changes) => changes.collect(),
        Err(error) => return Ok(json!({"applied": 0, "rejected": [{"error": error.to_string()}]})),
    };
    let commit = workspace.write(now, |batch| {
        let mut rejected = Vec::new();
        for (line, change) in &changes {
            let refused = match change {
                Ok(change) => match batch.apply(change) {
                    Err(error) if error.is_rejected() => Some(error.to_string()),
                    applied => applied.map(|()| None)?,
                },
                Err(rejection) => Some(rejection.reason.clone()),
            };
            rejected.extend(refused.map(|reason| json!({"line": line.0, "error": reason})));
        }
        Ok(rejected)
    })?;
    let rejected = commit.value;
    Ok(json!({"applied": changes.len() - rejected.len(), "rejected": rejected, "seq": commit.after.0}))
}

/// Reads one request, answers it, and closes.
pub(crate) fn serve(workspace: &Workspace, stream: TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.by_ref().take(64 << 10).read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.by_ref().take(64 << 10).read_line(&mut header)?;
        match header.split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().unwrap_or(0);
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut body = Vec::new();
    reader.take(std::cmp::min(length, MAX_BODY)).read_to_end(&mut body)?;
    let (path, rest) = target.split_once('?').unwrap_or((&target, ""));
    let pair = |pair: &str| pair.split_once('=').map(|(key, value)| (decoded(key), decoded(value)));
    let parameters = rest.split('&').filter_map(pair).collect();
    let request = Request { method, path: path.to_owned(), parameters, body };
    let (status, answer) = handle(workspace, &request, Instant::now());
    let (mut stream, answer) = (stream, answer.to_string());
    write!(
        stream,
        "HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}",
        answer.len()
    )
}

/// A parameter as it was before it was made part of an address.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next().unwrap_or(b'0'), rest.next().unwrap_or(b'0')];
                std::str::from_utf8(&digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok()).unwrap_or(b'?')
            }
            byte => byte,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).map_or_else(|| PathBuf::from(".headcount"), PathBuf::from);
    let workspace = Arc::new(Workspace::open(&folder)?);
    let listener = TcpListener::bind("127.0.0.1:8080")?;
    println!("listening on http://{}", listener.local_addr()?);
    for stream in listener.incoming() {
        let (workspace, stream) = (Arc::clone(&workspace), stream?);
        std::thread::spawn(move || {
            if let Err(error) = serve(&workspace, stream) {
                eprintln!("{error}");
            }
        });
    }
    Ok(())
}
