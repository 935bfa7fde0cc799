//! headcount's side of `benches/peers/run.py`: answers searches over a pipe and says how long each took here.
//!
//! `peers_bench STORE` reads a JSON object a line from standard input and answers each with one on standard output; the
//! protocol is in `benches/peers/README.md`. Each question opens a reader of its own, as a server would, and its time
//! covers everything from the text of the query to the answer. It uses nothing but the library's public face.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::error::Error;
use std::io::{BufRead, Write, stdin, stdout};
use std::path::Path;
use std::time::Instant as Stopwatch;

use headcount::internals::sema::query::Dialect;
use headcount::internals::value::Instant;
use headcount::internals::workspace::{PageRequest, Workspace};
use serde::Deserialize;
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Deserialize)]
struct Question {
    query: String,
    mode: Mode,
    /// The key of a page's order.
    sort: Option<String>,
    /// Contacts on a page.
    limit: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Count,
    Ids,
    Page,
}

/// The answer, from the text of the query.
fn answer(workspace: &Workspace, question: &Question) -> Result<Value, Box<dyn Error>> {
    let reader = workspace.reader(Instant::now())?;
    Ok(match question.mode {
        Mode::Count => json!(reader.count(&question.query)?),
        Mode::Ids => {
            let numbers = reader.numbers(&question.query)?;
            json!(numbers.iter().map(|&number| u64::from(number)).sum::<u64>())
        }
        Mode::Page => {
            let parsed = reader.parse(&question.query, Dialect::Extended)?;
            let order = question.sort.as_deref().map(|key| reader.order(key)).transpose()?;
            let request = PageRequest { order, limit: question.limit, ..PageRequest::default() };
            let page = reader.page(&parsed.query, &request)?;
            json!(page.documents.iter().map(|document| document.0).collect::<Vec<_>>())
        }
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo bench` runs every bench, with `--bench` and perhaps a filter of names, none of which is a store.
    let store = std::env::args().skip(1).find(|word| !word.starts_with("--") && Path::new(word).is_dir());
    let Some(store) = store else {
        println!("peers_bench: give the folder of a store; `benches/peers/run.py` does, nothing is measured here");
        return Ok(());
    };
    let workspace = Workspace::open(Path::new(&store))?;
    let mut output = stdout().lock();
    for line in stdin().lock().lines() {
        let answered = serde_json::from_str(&line?).map_err(Into::into).and_then(|question| {
            let started = Stopwatch::now();
            let result = answer(&workspace, &question)?;
            Ok::<_, Box<dyn Error>>((started.elapsed(), result))
        });
        let reply = match answered {
            Ok((elapsed, result)) => json!({"micros": elapsed.as_nanos() as f64 / 1e3, "result": result}),
            Err(error) => json!({"error": error.to_string()}),
        };
        writeln!(output, "{reply}")?;
        output.flush()?;
    }
    Ok(())
}
