//! The shape of the code: modules import only from rows below their own, and files do not import one another in circles.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The house, from the ground floor up. Modules on one row may import from each other.
const ROWS: [&[&str]; 19] = [
    &["files", "ids", "memory", "span", "threads"],
    &["value", "schema", "diagnostic"],
    &["syntax"],
    &["contact", "sema", "language"],
    &["model", "plan", "lint", "complete"],
    &["store"],
    &["index"],
    &["exec"],
    &["refresh"],
    &["workspace"],
    &["audience", "render", "campaign", "report"],
    &["import", "export"],
    &["answers"],
    &["generate", "sync"],
    &["example"],
    &["demo"],
    &["serve"],
    &["cli"],
    &["main", "lib", "door", "cookbook"],
];

fn row_of(module: &str) -> usize {
    ROWS.iter().position(|row| row.contains(&module)).unwrap_or_else(|| {
        panic!("module `{module}` has no row in the house: add it to tests/house/rows.rs and ARCHITECTURE.md")
    })
}

pub(crate) fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
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
pub(crate) fn is_test(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem == "tests" || stem.to_string_lossy().ends_with("_tests"))
        || path.components().any(|part| part.as_os_str() == "tests")
}

#[test]
fn modules_import_only_from_rows_below_their_own() {
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
    assert!(wrong.is_empty(), "imports from a row above:\n{}", wrong.join("\n"));
}

fn source_has(source: &Path, module: &str) -> bool {
    source.join(module).is_dir() || source.join(format!("{module}.rs")).is_file()
}

/// The modules of all files but tests, each with those that it imports.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&source, &mut files);
    files.retain(|path| !is_test(path));
    let name = |path: &Path| {
        let inside = path.strip_prefix(&source).unwrap().with_extension("").display().to_string();
        inside.strip_suffix("/mod").unwrap_or(&inside).replace('/', "::")
    };
    let all: BTreeSet<String> = files.iter().map(|path| name(path)).collect();
    let of = |path: &PathBuf| {
        let own = name(path);
        let text = fs::read_to_string(path).unwrap();
        let code: String = text
            .split("#[cfg(test)]\nmod")
            .next()
            .unwrap()
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect();
        let mut imported = BTreeSet::new();
        for part in code.split("crate::").skip(1) {
            let path: String = part.chars().take_while(|c| c.is_alphanumeric() || "_:".contains(*c)).collect();
            let mut path = path.trim_end_matches(':');
            // The longest beginning of the path that is a file.
            while !all.contains(path) && path.contains("::") {
                path = path.rsplit_once("::").unwrap().0;
            }
            if all.contains(path) && path != own {
                imported.insert(path.to_owned());
            }
        }
        (own, imported)
    };
    files.iter().map(of).collect()
}

#[test]
fn files_do_not_import_one_another_in_circles() {
    let imports = imports();
    // What imports nothing that is left cannot be in a circle, nor can what nothing that is left imports.
    let mut left: BTreeSet<&String> = imports.keys().collect();
    loop {
        let before = left.len();
        let is_free = |file: &&&String| {
            let imports_none = !imports[**file].iter().any(|other| left.contains(other));
            let imported_by_none = !left.iter().any(|other| imports[*other].contains(**file));
            imports_none || imported_by_none
        };
        let free: Vec<&String> = left.iter().filter(is_free).copied().collect();
        free.into_iter().for_each(|file| {
            left.remove(file);
        });
        if left.len() == before {
            break;
        }
    }
    // One circle is known and wanted: a rule of normalisation builds expressions, which are normalised as they are built.
    let known = |file: &&&String| file.starts_with("plan::rules") || file.as_str() == "plan::logical";
    let wrong: Vec<&&String> = left.iter().filter(|file| !known(file)).collect();
    assert!(imports.len() > 200, "no sources were read");
    assert!(wrong.is_empty(), "files that import one another, or stand between such files: {wrong:?}");
}
