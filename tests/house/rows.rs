//! The shape of the code: modules import only from rows above their own, so that the whole reads from top to bottom.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The house, from the ground up. Modules on one row may import from each other.
const ROWS: [&[&str]; 16] = [
    &["files", "ids", "span", "threads"],
    &["value", "schema", "diagnostic"],
    &["syntax"],
    &["contact", "sema", "language"],
    &["model", "plan", "lint"],
    &["store"],
    &["index"],
    &["exec"],
    &["refresh"],
    &["workspace"],
    &["audience", "render", "campaign", "report"],
    &["import", "export"],
    &["generate", "sync"],
    &["demo"],
    &["cli"],
    &["main", "lib"],
];

fn row_of(module: &str) -> usize {
    ROWS.iter().position(|row| row.contains(&module)).unwrap_or_else(|| {
        panic!("module `{module}` has no row in the house: add it to tests/house/rows.rs and ARCHITECTURE.md")
    })
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Files that hold only tests may look anywhere.
fn is_test(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem == "tests" || stem.to_string_lossy().ends_with("_tests"))
        || path.components().any(|part| part.as_os_str() == "tests")
}

#[test]
fn modules_import_only_from_rows_above_their_own() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&source, &mut files);
    let mut wrong = Vec::new();
    let mut read: BTreeMap<String, usize> = BTreeMap::new();
    for path in files {
        let inside = path.strip_prefix(&source).unwrap();
        let module = inside.components().next().unwrap().as_os_str().to_string_lossy().replace(".rs", "");
        let text = fs::read_to_string(&path).unwrap();
        // A test module at the end of a file may look anywhere.
        let text = text.split("#[cfg(test)]").next().unwrap();
        *read.entry(module.clone()).or_default() += 1;
        if is_test(&path) {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for part in line.split("crate::").skip(1) {
                let imported: String = part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if imported.is_empty() || imported == module || !source_has(&source, &imported) {
                    continue;
                }
                if row_of(&imported) > row_of(&module) {
                    wrong.push(format!("src/{}:{}: `{module}` imports `{imported}`", inside.display(), number + 1));
                }
            }
        }
    }
    assert!(read.len() > 5, "no sources were read");
    assert!(wrong.is_empty(), "imports that point down the house:\n{}", wrong.join("\n"));
}

fn source_has(source: &Path, module: &str) -> bool {
    source.join(module).is_dir() || source.join(format!("{module}.rs")).is_file()
}
