//! Paths that pages and comments name exist, and the list of files that an operator needs is the list of those that know
//! one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::rows::{is_test, sources};

/// Folders that a path in a page may begin at.
const ROOTS: [&str; 3] = ["", "src", "docs"];

/// What a path begins with, if it is one of this tree.
const FOLDERS: [&str; 8] = ["src", "tests", "docs", "corpus", "examples", "benches", "fuzz", "grammar"];

fn tree() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The texts between single backquotes, outside blocks of code.
fn quoted(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut in_block = false;
    for (line, text) in text.lines().enumerate() {
        if text.trim_start().trim_start_matches("//!").trim_start_matches("///").trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            found.extend(text.split('`').skip(1).step_by(2).map(|quoted| (line + 1, quoted)));
        }
    }
    found
}

/// Whether a quoted text is a path of this tree: it begins with one of its folders, or ends like a source file.
fn is_path(quoted: &str) -> bool {
    let plain = quoted.chars().all(|c| c.is_ascii_alphanumeric() || "/._-*".contains(c));
    let first = quoted.split('/').next().unwrap_or_default();
    let known = FOLDERS.contains(&first) && quoted.contains('/');
    plain && (known || (quoted.ends_with(".rs") && quoted.contains('/')))
}

fn exists(path: &str, beside: &Path) -> bool {
    // A pattern or a folder stands for what is before it.
    let whole = path.split('*').next().unwrap_or_default();
    let whole = if whole == path { path } else { whole.rsplit_once('/').map_or("", |(folder, _)| folder) };
    ROOTS.iter().map(|root| tree().join(root)).chain([beside.to_owned()]).any(|root| root.join(whole).exists())
}

fn pages() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(tree().join("docs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.extend(["README.md", "ARCHITECTURE.md", "SECURITY.md", "deny.toml"].map(|name| tree().join(name)));
    for folder in ["src", "tests", "benches", "examples"] {
        sources(&tree().join(folder), &mut found);
    }
    found
}

#[test]
fn paths_in_pages_and_comments_exist() {
    let (mut wrong, mut looked) = (Vec::new(), 0);
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        let is_source = page.extension().is_some_and(|extension| extension == "rs");
        let comments: String;
        let text = if is_source {
            let is_comment = |line: &&str| line.trim_start().starts_with("//");
            comments =
                text.lines().map(|line| Some(line).filter(is_comment).unwrap_or("")).collect::<Vec<_>>().join("\n");
            &comments
        } else {
            &text
        };
        for (line, path) in quoted(text).into_iter().filter(|(_, quoted)| is_path(quoted)) {
            looked += 1;
            if !exists(path, page.parent().unwrap()) {
                wrong.push(format!("{}:{line}: `{path}`", page.strip_prefix(tree()).unwrap().display()));
            }
        }
    }
    assert!(looked > 100, "only {looked} paths were found: this test no longer sees them");
    assert!(wrong.is_empty(), "paths that do not exist:\n{}", wrong.join("\n"));
}

#[test]
fn the_page_names_every_file_that_an_operator_needs() {
    let page = fs::read_to_string(tree().join("ARCHITECTURE.md")).unwrap();
    let list = page.split("### An operator").nth(1).expect("ARCHITECTURE.md has the list");
    let listed: BTreeSet<String> =
        quoted(list).into_iter().map(|(_, path)| path.to_owned()).filter(|path| path.contains('.')).collect();
    let mut files = Vec::new();
    sources(&tree().join("src"), &mut files);
    let knows = |path: &&PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap();
        let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        !is_test(path) && code.to_lowercase().contains("anniversar")
    };
    let know: BTreeSet<String> = files
        .iter()
        .filter(knows)
        .map(|path| path.strip_prefix(tree().join("src")).unwrap().display().to_string())
        .chain(["grammar/contactql.lalrpop".to_owned()])
        .collect();
    let listed: BTreeSet<String> =
        listed.into_iter().filter(|path| !path.starts_with("tests/") && !path.starts_with("docs/")).collect();
    assert_eq!(listed, know, "left: what ARCHITECTURE.md lists; right: files that know the operator");
}
