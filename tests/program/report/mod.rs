//! The page of `headcount report`: what is in it, and how a real browser shows it.
//!
//! The parts that need a browser look for Chromium (`HEADCOUNT_CHROMIUM`, or `chromium` and its other names on the path)
//! and say that they were skipped if there is none.

mod browser;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use browser::{Browser, View};

const NOW: &str = "2026-06-15T13:00:00Z";

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headcount"));
    command.current_dir(folder).env_remove("HEADCOUNT_STORE").env_remove("NO_COLOR");
    command.args(["--now", NOW]).args(arguments).output().unwrap()
}

fn well(folder: &Path, arguments: &[&str]) -> String {
    let ran = run(folder, arguments);
    assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

/// The demo's workspace, and its page.
fn demo() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    well(folder.path(), &["demo", ".headcount"]);
    well(folder.path(), &["report", "page.html"]);
    let page = folder.path().join("page.html");
    (folder, page)
}

const LONG: usize = 255;

/// Names that try to be something else.
fn hostile_names() -> Vec<String> {
    vec![
        "<script>document.title='broken'</script>".to_owned(),
        "\"><img src=x onerror=alert(1)>".to_owned(),
        "' onmouseover='alert(1)".to_owned(),
        "</title></style><h1>Not a heading</h1>".to_owned(),
        "&lt;b&gt; & &amp;".to_owned(),
        "אמהות בהריון (2026)".to_owned(),
        "حوامل \u{202e}gnissim\u{202c}".to_owned(),
        "👩🏽‍🌾 farmers 🌱".to_owned(),
        "W".repeat(LONG),
        "字".repeat(LONG),
    ]
}

/// A workspace in which everything that has a name has one of those.
fn hostile(redacted: bool) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let names = hostile_names();
    if redacted {
        well(path, &["init", "--redact-urns"]);
    } else {
        well(path, &["init"]);
        well(path, &["group", "create", "By address", "--query", "tel = \"+250788000001\" OR telegram = 3"]);
    }
    let quote = |text: &str| serde_json::to_string(text).unwrap();
    let groups: Vec<String> = names.iter().map(|name| format!("{{\"name\": {}}}", quote(name))).collect();
    let kinds = ["text", "number", "datetime", "state"];
    let fields: Vec<String> = kinds
        .iter()
        .zip(&names)
        .map(|(kind, name)| format!("{{\"key\": \"f_{kind}\", \"name\": {}, \"type\": \"{kind}\"}}", quote(name)))
        .collect();
    let schema = format!("{{\"fields\": [{}], \"groups\": [{}], \"flows\": []}}", fields.join(","), groups.join(","));
    fs::write(path.join("schema.json"), schema).unwrap();
    well(path, &["schema", "import", "schema.json"]);
    let mut contacts = String::new();
    for at in 0..40usize {
        let mine: Vec<String> =
            names.iter().enumerate().filter(|(group, _)| at % (group + 1) == 0).map(|(_, name)| quote(name)).collect();
        let value = quote(&names[at % names.len()]);
        let number =
            if at == 39 { "-0.00000000000000000000000000000000001".to_owned() } else { "9".repeat(at % 36 + 1) };
        contacts.push_str(&format!(
            "{{\"name\": {value}, \"urns\": [\"tel:+25078800{at:04}\", \"secretive:{at}\"], \"groups\": [{}], \
             \"created_on\": \"20{:02}-01-01T00:00:00Z\", \"fields\": {{\"f_text\": {value}, \"f_number\": \"{number}\", \
             \"f_datetime\": \"{:04}-03-31\", \"f_state\": {value}}}}}\n",
            mine.join(","),
            at % 26,
            1 + at * 250,
        ));
    }
    fs::write(path.join("contacts.jsonl"), contacts).unwrap();
    well(path, &["import", "contacts.jsonl"]);
    well(path, &["group", "create", "Uses a name", "--query", "f_text = \"</script><script>alert(2)</script>\""]);
    well(path, &["report", "page.html", "--title", &names[0]]);
    let page = path.join("page.html");
    (folder, page)
}

#[test]
fn the_page_is_one_file_that_fetches_and_runs_nothing() {
    let (_folder, page) = demo();
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("default-src 'none'"));
    let lower = page.to_lowercase();
    for forbidden in
        ["<script", "<link", "<iframe", "<object", "<embed", "<img", "url(", "@import", " src=", "http:", "https:"]
    {
        assert!(!lower.contains(forbidden), "{forbidden}");
    }
    let targets: Vec<&str> = page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(targets.len() >= 6);
    for target in targets {
        let id = target.strip_prefix('#').unwrap();
        assert!(page.contains(&format!(" id=\"{id}\"")), "{target}");
    }
}

#[test]
fn every_section_says_what_the_workspace_says() {
    let (folder, page) = demo();
    let page = fs::read_to_string(page).unwrap();
    let groups: serde_json::Value =
        serde_json::from_str(&well(folder.path(), &["group", "list", "--format", "json"])).unwrap();
    let groups = groups["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 27);
    for group in groups.iter().filter(|group| group["count"].as_u64().unwrap() > 5) {
        let name = group["name"].as_str().unwrap().replace('&', "&amp;").replace('\'', "&#39;");
        let row = page.split("<tr>").find(|row| row.contains(&format!("<bdi>{name}</bdi>"))).unwrap();
        assert!(row.contains(&format!("<td class=\"n\">{}</td>", group["count"])), "{row}");
    }
    let count = |query: &str| well(folder.path(), &["query", query, "--count"]).trim().to_owned();
    for (query, name) in [("gender = F", "F"), ("urns.telegram != \"\"", "telegram"), ("status = active", "active")] {
        let row = page.split("<tr>").find(|row| row.contains(&format!("<bdi>{name}</bdi>"))).unwrap();
        assert!(row.contains(&format!("<td class=\"n\">{}</td>", count(query))), "{query}: {row}");
    }
    // What moved is what the log says.
    let log = well(folder.path(), &["log", "--format", "jsonl"]);
    let events: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let moved = |cause: &str, key: &str| -> usize {
        events.iter().filter(|event| event["cause"] == cause).map(|event| event[key].as_array().unwrap().len()).sum()
    };
    let told = format!(
        "<b>{}</b> entered, <b>{}</b> left",
        moved("change", "groups_added"),
        moved("change", "groups_removed")
    );
    assert!(page.contains(&told), "{told}");
}

#[test]
fn overlaps_are_counted_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    well(path, &["init"]);
    let mut contacts = String::new();
    for at in 0..60 {
        let groups: Vec<&str> = [("\"Twos\"", 2), ("\"Threes\"", 3), ("\"Fives\"", 5)]
            .iter()
            .filter(|(_, n)| at % n == 0)
            .map(|(name, _)| *name)
            .collect();
        contacts.push_str(&format!("{{\"urns\": [\"tel:+25078800{at:04}\"], \"groups\": [{}]}}\n", groups.join(",")));
    }
    fs::write(path.join("contacts.jsonl"), contacts).unwrap();
    well(path, &["import", "contacts.jsonl", "--infer"]);
    well(path, &["report", "page.html"]);
    let page = fs::read_to_string(path.join("page.html")).unwrap();
    let table = page.split("<table class=\"upset\">").nth(1).unwrap().split("</table>").next().unwrap();
    let mut told = std::collections::BTreeMap::new();
    for row in table.split("<tr title=\"").skip(1) {
        let names = row.split('"').next().unwrap();
        let count = row.split("<td class=\"n c-n\">").nth(1).unwrap().split('<').next().unwrap();
        told.insert(names.to_owned(), count.parse::<usize>().unwrap());
    }
    let mut expected = std::collections::BTreeMap::new();
    for at in 0..60 {
        let names: Vec<&str> = [("Twos", 2), ("Threes", 3), ("Fives", 5)]
            .iter()
            .filter(|(_, n)| at % n == 0)
            .map(|(name, _)| *name)
            .collect();
        if !names.is_empty() {
            *expected.entry(names.join(" + ")).or_default() += 1;
        }
    }
    assert_eq!(told, expected);
}

#[test]
fn names_are_only_ever_text() {
    let (_folder, page) = hostile(false);
    let page = fs::read_to_string(page).unwrap();
    for broken in ["<script", "<img", "onmouseover='", "<h1>Not", "\u{202e}"] {
        assert!(!page.contains(broken), "{broken}");
    }
    assert_eq!(page.matches("<h1>").count(), 1);
    assert!(page.contains("<bdi>&lt;script&gt;document.title=&#39;broken&#39;&lt;/script&gt;</bdi>"));
    assert!(page.contains("secretive"), "schemes show unless addresses are hidden");
    assert!(!page.contains("+25078800002"), "addresses never show but in queries that name them");
}

#[test]
fn hidden_addresses_stay_hidden() {
    let (_folder, page) = hostile(true);
    let page = fs::read_to_string(page).unwrap();
    for hidden in ["+2507880", "secretive", "<h3>Channels"] {
        assert!(!page.contains(hidden), "{hidden}");
    }
    assert!(page.contains("Addresses are hidden in this workspace."));
}

#[test]
fn an_empty_workspace_has_a_page_too() {
    let folder = tempfile::tempdir().unwrap();
    well(folder.path(), &["init"]);
    let page = well(folder.path(), &["report", "-"]);
    assert!(page.contains("There are no groups yet") && page.ends_with("</html>\n"));
}

#[test]
fn a_page_that_cannot_be_written_is_refused_and_an_old_one_stays() {
    let (folder, page) = demo();
    let before = fs::read(&page).unwrap();
    let ran = run(folder.path(), &["report", "missing/page.html"]);
    assert_eq!(ran.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ran.stderr).contains("missing/page.html: "));
    let ran = run(folder.path(), &["--store", "nowhere", "report", "page.html"]);
    assert_eq!(ran.status.code(), Some(1));
    assert_eq!(fs::read(&page).unwrap(), before);
    let names: Vec<String> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.iter().all(|name| !name.ends_with(".partial")), "{names:?}");
}

#[test]
fn a_browser_shows_the_page_as_it_is_meant() {
    let Some(browser) = Browser::find() else { return };
    let (_demo, page) = demo();
    let (_hostile, hostile) = hostile(false);
    for page in [page, hostile] {
        let (_, console) = browser.dump(&page, View { width: 1280, dark: false });
        assert_eq!(console, Vec::<String>::new(), "{}", page.display());
        for dark in [false, true] {
            let widths = [360, 390, 768, 1024, 1280];
            for (seen, width) in browser.measure(&page, dark, &widths).into_iter().zip(widths) {
                let what = format!("{} {seen:?}", page.display());
                assert_eq!((seen.width, seen.dark), (width, dark), "{what}");
                assert!(seen.title != "broken" && !seen.title.is_empty(), "{what}");
                assert!(seen.scroll_width <= seen.width, "{what}");
                assert_eq!(seen.resources, 0, "{what}");
                assert_eq!(seen.overlapping, Vec::<String>::new(), "{what}");
                assert_eq!(seen.sticking_out, Vec::<String>::new(), "{what}");
                assert!(seen.least_contrast >= 4.5, "{what}");
                // With every table behind a picture unfolded.
                let tallest = if width > 1000 { 20_000 } else { 32_000 };
                assert!((3_000..tallest).contains(&seen.height), "{what}");
            }
        }
    }
}

#[test]
fn a_browser_runs_no_script_that_got_into_a_page() {
    let Some(browser) = Browser::find() else { return };
    let (folder, page) = demo();
    let injected = folder.path().join("injected.html");
    let text = fs::read_to_string(page).unwrap();
    let script = "<script>document.body.innerHTML = 'taken over'</script><img src=\"https://example.invalid/x.png\">";
    fs::write(&injected, text.replace("</main>", &format!("{script}</main>"))).unwrap();
    let (dom, console) = browser.dump(&injected, View { width: 1280, dark: false });
    assert!(dom.contains("Worth a look") && !dom.contains("<body>taken over"), "{dom}");
    assert!(console.iter().filter(|line| line.contains("Content Security Policy")).count() >= 2, "{console:?}");
}

#[test]
fn a_browser_draws_the_page() {
    let Some(browser) = Browser::find() else { return };
    let (_folder, page) = demo();
    for (width, dark) in [(1280, false), (390, true)] {
        let picture = browser.picture(&page, View { width, dark }, 2_000);
        assert_eq!(picture.get(1..4), Some(&b"PNG"[..]));
        assert_eq!(picture.get(16..20), Some(&width.to_be_bytes()[..]));
        assert!(picture.len() > 30_000, "a blank page is smaller than {} bytes", picture.len());
    }
}
