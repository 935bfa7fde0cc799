//! Every code block of the README and of `docs/`, run.
//!
//! | kind | what is done with it |
//! | --- | --- |
//! | `console` | its commands are run by a shell in the page's folder, and print what it says (`session.rs`) |
//! | `sh` | its commands are run there too, and go well |
//! | `contactql` `extended` `contacts` | its lines are queries and people of the language (`language.rs`) |
//! | `rust` | it is part of a program of `examples/`, which `tests/program/examples.rs` runs |
//! | `json NAME` | it is read as the kind of input that it names (`input.rs`) |
//! | `text` | a drawing; only where [`DRAWINGS`] says so |
//!
//! `HEADCOUNT_DOCS=rewrite cargo test --test docs` puts what really is printed into the pages' sessions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// Other tests use the rest of it.
#[allow(dead_code)]
mod input;
mod language;
mod page;
mod session;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::path::Path;

use headcount::internals::language::Dialect;

use language::Examples;
use page::{Block, Page};

/// Pages whose `text` blocks are drawings, and how many they have. What they draw is tested elsewhere.
const DRAWINGS: [(&str, usize); 2] = [("docs/format.md", 1), ("docs/service.md", 3)];

/// Blocks that a session runs.
fn is_of_session(block: &Block) -> bool {
    matches!(block.kind.as_str(), "console" | "sh")
}

#[test]
fn every_block_is_of_a_kind_that_is_run() {
    for page in page::all() {
        let mut drawings = 0;
        for block in &page.blocks {
            match block.kind.as_str() {
                "console" | "sh" | "contactql" | "extended" | "contacts" | "rust" | "json" => {}
                "text" => drawings += 1,
                kind => panic!("{}: nothing runs a block of kind `{kind}`", page.place(block)),
            }
        }
        let allowed = DRAWINGS.iter().find(|(name, _)| *name == page.name).map_or(0, |(_, count)| *count);
        assert_eq!(drawings, allowed, "{}: `text` blocks, which nothing runs", page.name);
    }
}

#[test]
fn examples_of_the_language() {
    let mut examples = 0;
    for page in page::all() {
        let mut world = Examples::new();
        for block in &page.blocks {
            for line in &block.lines {
                match block.kind.as_str() {
                    "contacts" => world.person(line),
                    "contactql" => world.example(line, Dialect::ContactQl),
                    "extended" => world.example(line, Dialect::Extended),
                    _ => continue,
                }
                examples += 1;
            }
        }
    }
    assert!(examples > 100, "{examples} examples");
}

#[test]
fn sessions_print_what_the_pages_say() {
    let pages: Vec<Page> = page::all().into_iter().filter(|page| page.blocks.iter().any(is_of_session)).collect();
    assert!(pages.iter().any(|page| page.name == "README.md"));
    let differences: Vec<String> = std::thread::scope(|scope| {
        let running: Vec<_> = pages.iter().map(|page| scope.spawn(|| session::run(page))).collect();
        running.into_iter().flat_map(|page| page.join().unwrap()).collect()
    });
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn rust_blocks_are_parts_of_programs_that_run() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut programs = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        programs.push(unindented(&fs::read_to_string(entry.unwrap().path()).unwrap()));
    }
    for page in page::all() {
        for block in page.blocks.iter().filter(|block| block.kind == "rust") {
            let text = unindented(&block.lines.join("\n"));
            let is_known = programs.iter().any(|program| program.contains(&text));
            assert!(is_known, "{}: no program of examples/ has these lines", page.place(block));
        }
    }
}

/// Lines without what they are set in, so that a part of a function can be compared.
fn unindented(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[test]
fn json_blocks_are_read_as_what_they_say_they_are() {
    for page in page::all() {
        for block in page.blocks.iter().filter(|block| block.kind == "json") {
            let text = block.lines.join("\n");
            if let Err(reason) = input::accept(&block.detail, &text) {
                panic!("{}: {reason}", page.place(block));
            }
        }
    }
}
