//! What the program depends on, against `deny.toml`: licences, sources, banned crates, and crates that are there twice.
//! The same that `cargo deny check licenses sources bans` looks at, from `cargo metadata`, so that it runs with the tests.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// The texts in quotes that a setting of `deny.toml` lists, whatever stands around them.
fn listed(configuration: &str, setting: &str) -> BTreeSet<String> {
    let start = configuration.find(&format!("\n{setting} = [")).unwrap_or_else(|| panic!("deny.toml has no {setting}"));
    let list = &configuration[start..];
    let list = &list[list.find('[').unwrap()..];
    // A comment may hold a bracket.
    let lines = list.lines().map(|line| line.split('#').next().unwrap());
    let list = lines.collect::<Vec<_>>().join("\n");
    let list = &list[..list.find(']').unwrap()];
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Whether an SPDX expression can be met with these licences: `AND` binds tighter than `OR`, and `/` is an old `OR`.
fn is_met(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let met = any(&words, &mut at, allowed);
    assert_eq!(at, words.len(), "`{expression}` is no licence expression");
    met
}

fn any(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let mut met = all(words, at, allowed);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        met |= all(words, at, allowed);
    }
    met
}

fn all(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let mut met = one(words, at, allowed);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        met &= one(words, at, allowed);
    }
    met
}

fn one(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let word = words[*at];
    *at += 1;
    if word == "(" {
        let met = any(words, at, allowed);
        assert_eq!(words[*at], ")");
        *at += 1;
        return met;
    }
    // An exception only ever grants more.
    if words.get(*at) == Some(&"WITH") {
        *at += 2;
    }
    allowed.contains(word)
}

fn metadata(target: &str) -> Value {
    let arguments = ["metadata", "--format-version", "1", "--all-features", "--locked", "--filter-platform", target];
    let mut command = Command::new(env!("CARGO"));
    let run = command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    serde_json::from_slice(&run.stdout).unwrap()
}

#[test]
fn dependencies_are_what_deny_toml_allows() {
    let configuration = include_str!("../../deny.toml");
    let [targets, allowed, banned, twice] =
        ["targets", "allow", "deny", "skip"].map(|setting| listed(configuration, setting));
    assert!(allowed.contains("MIT") && banned.contains("openssl-sys") && targets.len() > 3);
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut wrong = BTreeSet::new();
    for target in &targets {
        let metadata = metadata(target);
        let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
        let used: BTreeSet<&str> = nodes.iter().map(|node| node["id"].as_str().unwrap()).collect();
        let packages = metadata["packages"].as_array().unwrap();
        for package in packages.iter().filter(|package| used.contains(package["id"].as_str().unwrap())) {
            let (name, version) = (package["name"].as_str().unwrap(), package["version"].as_str().unwrap());
            versions.entry(name.to_owned()).or_default().insert(version.to_owned());
            match package["license"].as_str() {
                Some(license) if is_met(license, &allowed) => {}
                license => drop(wrong.insert(format!("{name} {version} has the licence {license:?}"))),
            }
            match package["source"].as_str() {
                None if name == "headcount" => {}
                Some(source) if source.starts_with("registry+") => {}
                source => drop(wrong.insert(format!("{name} {version} comes from {source:?}"))),
            }
            if banned.contains(name) {
                wrong.insert(format!("{name} is banned"));
            }
        }
    }
    for (name, versions) in &versions {
        if (versions.len() > 1) != twice.contains(name) {
            wrong.insert(format!("{name} is there in the versions {versions:?}, and deny.toml says otherwise"));
        }
    }
    assert!(versions.len() > 100, "{}", versions.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn licence_expressions_are_read_as_meant() {
    let allowed = ["MIT", "Zlib"].map(str::to_owned).into();
    for (expression, met) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0 AND MIT", false),
        ("GPL-3.0/MIT", true),
        ("(GPL-3.0 OR Zlib) AND MIT", true),
        ("GPL-3.0 OR Zlib AND GPL-2.0", false),
        ("MIT WITH LLVM-exception", true),
    ] {
        assert_eq!(is_met(expression, &allowed), met, "{expression}");
    }
}

#[test]
fn the_library_alone_builds_nothing_that_only_the_program_needs() {
    let crates_with = |features: &[&str]| -> String {
        let tree = ["tree", "--offline", "--edges", "normal", "--prefix", "none"];
        let cargo =
            Command::new(env!("CARGO")).current_dir(env!("CARGO_MANIFEST_DIR")).args(tree).args(features).output();
        String::from_utf8(cargo.unwrap().stdout).unwrap()
    };
    let (program, library) = (crates_with(&[]), crates_with(&["--no-default-features"]));
    assert!(library.contains("tantivy v"), "the library's dependencies were not listed");
    for name in ["ariadne", "calamine", "clap", "comfy-table", "indicatif", "mimalloc", "rustyline", "zip"] {
        let named = format!("\n{name} v");
        assert!(program.contains(&named), "{name} is not among the program's dependencies");
        assert!(!library.contains(&named), "{name} is built for a program that links the library alone");
    }
}
