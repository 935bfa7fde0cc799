//! The page, as a person has it: in a browser where there is one, and without scripts.

use serde_json::json;

use crate::browser::Browser;
use crate::harness::{Service, demo, done};

const BOX: &str = "form[data-query] textarea";
const DOWN: &str = "\u{e015}";
const ENTER: &str = "\u{e007}";
const TAB: &str = "\u{e004}";

#[test]
fn the_five_parts_do_what_people_come_for() {
    let Some(browser) = Browser::start() else { return };
    let folder = demo();
    let store = folder.path().join("store");
    let service = Service::start(&store, &["--allow-write"]);
    let home = format!("http://127.0.0.1:{}", service.port);
    let total = |query: &str| {
        let body = json!({"query": query, "count": true});
        service.post("/api/query", &body.to_string()).json()["total"].as_u64().unwrap()
    };

    // Contacts: a mistake is underlined while it is typed, and nothing of it is lost.
    browser.open(&home);
    browser.type_into(BOX, "aeg > 30");
    browser.until("the mistake is underlined", |browser| browser.text(".under u") == "aeg");
    assert!(browser.text(".told.bad").contains("aeg"), "{}", browser.text(".told"));
    browser.until("the address holds it", |browser| browser.address().contains("q=aeg"));
    // Completion offers a value that exists, and the keyboard takes it.
    browser.clear(BOX);
    browser.type_into(BOX, "gender = ");
    browser.until("values are offered", |browser| {
        let offered = browser
            .run("return [...document.querySelectorAll('.offers:not([hidden]) li')].map(item => item.textContent)");
        offered.as_array().unwrap().contains(&json!("f"))
    });
    browser.press(&[DOWN, TAB]);
    let taken = browser.run(&format!("return document.querySelector('{BOX}').value")).as_str().unwrap().to_owned();
    assert!(taken.starts_with("gender = ") && taken.len() > 10, "{taken}");
    // The count is exact, as typed.
    browser.clear(BOX);
    browser.type_into(BOX, "gender = F AND age > 20");
    let expected = total("gender = F AND age > 20").to_string();
    browser.until("the count", |browser| browser.text(".told b").replace(',', "") == expected);
    assert!(browser.text(".told").contains("fields.gender = \"F\"") || browser.text(".told").contains("fields.gender"));
    browser.press(&[ENTER]);
    browser.until("the list", |browser| browser.text("[data-total]").replace(',', "") == expected);

    // A search becomes a group.
    browser.click(".actions summary");
    browser.type_into(".actions input[name=name]", "Women over 20 <b>bold</b>");
    browser.click(".actions form[action='/groups'] button");
    browser.until("the group's page", |browser| browser.address().contains("/groups/"));
    assert_eq!(browser.text("h1"), "Women over 20 <b>bold</b>");
    let group = browser.address();
    let count = || browser.text("main .big[data-count]").replace(',', "");
    assert_eq!(count(), expected);

    // Its count changes on the open page when another process applies changes.
    done(&store, &["contact", "edit", "tel:+250788123123", "--field", "age=12"]);
    let fewer = total("gender = F AND age > 20").to_string();
    assert_ne!(fewer, expected);
    browser.until("the count changes", |_| count() == fewer);
    browser.until("who left is told", |browser| browser.text(".moves li.out").contains("left"));
    assert!(browser.text(".side a[aria-current] .count").replace(',', "") == fewer);

    // An edit shows who would leave before it is saved.
    browser.open(&format!("{group}/edit"));
    browser.type_into(BOX, " AND age > 40");
    let after = total("gender = F AND age > 40");
    let leaving = fewer.parse::<u64>().unwrap() - after;
    browser.until("who would leave", |browser| browser.text(".preview h2.out") == format!("{leaving} would leave"));
    let shown = service.get(&format!("/api/groups/{}", group.rsplit('/').next().unwrap())).json();
    assert_eq!(shown["count"].to_string(), fewer, "nothing was saved");
    browser.click("button[formmethod=post]");
    browser.until("the group again", |browser| browser.address() == group);
    assert_eq!(count(), after.to_string());

    // Why names the clause.
    let uuid = service.get("/api/contacts/tel:%2B250788123123").json()["uuid"].as_str().unwrap().to_owned();
    browser.open(&format!("{home}/contacts/{uuid}?group={}", group.rsplit('/').next().unwrap()));
    assert!(browser.text(".why .verdict").starts_with("Not in"));
    assert!(browser.text(".why .fails").contains("age"), "{}", browser.text(".why"));
    assert!(browser.text(".why .saw").contains("saw"));

    // Status; and a phone shows everything that a wide screen shows, without scrolling sideways.
    browser.open(&format!("{home}/status"));
    let contacts = service.get("/api/stats").json()["contacts"].to_string();
    assert!(browser.text("main .big").replace(',', "") == contacts);
    browser.size(360, 760);
    for place in ["/", "/groups", "/status", &format!("/contacts/{uuid}"), group.strip_prefix(&home).unwrap()] {
        browser.open(&format!("{home}{place}"));
        let overflow =
            browser.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth");
        assert_eq!(overflow, json!(0), "{place}");
    }
    // By keyboard alone: the link to the content comes first, `/` goes to the query.
    browser.open(&home);
    browser.press(&[TAB]);
    assert_eq!(browser.run("return document.activeElement.className"), json!("skip"));
    browser.press(&["/"]);
    assert_eq!(browser.run("return document.activeElement.tagName"), json!("TEXTAREA"));
}

/// Names are other people's: wherever one stands, it is text.
#[test]
fn markup_in_names_is_text_on_every_page() {
    let folder = demo();
    let store = folder.path().join("store");
    let service = Service::start(&store, &["--allow-write"]);
    let evil = "<img src=x onerror=alert(1)>\"'&</title></textarea><script>alert(1)</script>";
    let line = json!({"type": "contact_created", "contact": {
        "name": evil, "urns": ["tel:+250788000001", "ext:<img src=x>"], "language": "eng",
        "fields": {"notes": evil, "city": evil, "age": "31"}
    }});
    assert_eq!(service.post("/api/changes", &line.to_string()).json()["applied"], 1);
    let quoted = evil.replace('\\', "\\\\").replace('"', "\\\"");
    let form = |pairs: &[(&str, &str)]| {
        let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        pairs.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect::<Vec<_>>().join("&")
    };
    let query = format!("city = \"{quoted}\" AND age > 30");
    let made = service.post("/groups", &form(&[("name", evil), ("q", &query)]));
    assert_eq!(made.status, 303, "{}", made.text());
    let group = made.header("location").unwrap().to_owned();
    let contact = service.get("/api/contacts/tel:%2B250788000001").json()["uuid"].as_str().unwrap().to_owned();
    let uuid = group.rsplit('/').next().unwrap();
    let asked = form(&[("q", evil)]);
    for place in [
        "/".to_owned(),
        format!("/?{asked}"),
        format!("/?{}", form(&[("q", &query), ("sort", "name")])),
        "/groups".to_owned(),
        format!("/groups?{}", form(&[("g", evil)])),
        group.clone(),
        format!("{group}/edit?{}", form(&[("query", evil)])),
        format!("/contacts/{contact}?group={uuid}"),
        "/status".to_owned(),
        "/report".to_owned(),
        format!("/login?{}", form(&[("next", evil)])),
        format!("/groups/{}", form(&[("x", evil)])),
        format!("/contacts/{}", form(&[("x", evil)])),
        format!("/?sort={}", form(&[("x", evil)])),
    ] {
        let page = service.get(&place);
        assert!(page.header("content-type").unwrap().starts_with("text/html"), "{place}");
        assert!(!page.text().contains("<img src=x") && !page.text().contains("<script>alert"), "{place}");
        assert!(page.status < 500, "{place}");
    }
}

/// Lists, pages and forms work without a script.
#[test]
fn lists_and_forms_need_no_script() {
    let folder = demo();
    let store = folder.path().join("store");
    let service = Service::start(&store, &["--allow-write"]);
    let first = service.get("/?q=age+%3E+20&sort=-age");
    assert!(first.text().contains("rel=\"next\"") && first.text().contains("aria-sort=\"descending\""));
    let next = service.get("/?q=age+%3E+20&sort=-age&offset=50");
    assert!(next.text().contains("rel=\"prev\""));
    let wrong = service.get("/?q=aeg+%3E+20");
    assert!(wrong.text().contains("<mark>aeg</mark>"), "{}", wrong.text());
    assert!(wrong.text().contains("aeg &gt; 20</textarea>"), "what was typed is not lost");
    let manual = service.post("/groups", "name=By+hand");
    let place = manual.header("location").unwrap().to_owned();
    let added = service.post("/act", &format!("q=age+%3E+20&group={}", place.rsplit('/').next().unwrap()));
    assert_eq!((added.status, added.header("location")), (303, Some(place.as_str())));
    let total = service.post("/api/query", r#"{"query": "age > 20", "count": true}"#).json()["total"].as_u64().unwrap();
    assert_eq!(service.get(&format!("/api{place}")).json()["count"].as_u64().unwrap(), total);
    let exported = service.send("GET", "/export.jsonl?q=age+%3E+20", &[], "");
    assert_eq!(exported.header("content-type"), Some("application/x-ndjson"));
    let log = done(&store, &["log", "--format", "jsonl"]);
    assert!(log.lines().any(|line| line.contains("By hand") && line.contains("\"manual\"")));
    let smart = service.post("/groups", "name=Old&q=age+%3E+60").header("location").unwrap().to_owned();
    let person = service.get("/api/contacts/tel:%2B250788123123").json()["uuid"].as_str().unwrap().to_owned();
    assert_eq!(service.post(&format!("{smart}/pin"), &format!("contact={person}&as=pinned")).status, 303);
    assert!(service.get(&smart).text().contains("Always in"));
    assert!(
        service.get(&format!("/contacts/{person}?group={}", smart.rsplit('/').next().unwrap())).text().contains("Why")
    );
    assert_eq!(
        service
            .post(&format!("{smart}/edit"), "query=age+%3E+%28")
            .header("location")
            .map(|place| place.contains("/edit?query=age")),
        Some(true)
    );
    assert_eq!(service.post(&format!("{smart}/edit"), "query=age+%3E+70").header("location"), Some(smart.as_str()));
    assert_eq!(service.post(&format!("{smart}/delete"), "").status, 303);
    assert_eq!(service.get(&smart).status, 404);
}

/// A token is asked for once, and where somebody wanted to go is not forgotten.
#[test]
fn people_sign_in_with_the_token() {
    let folder = demo();
    let file = folder.path().join("token");
    std::fs::write(&file, "a-token-of-many-letters\n").unwrap();
    let service = Service::start(&folder.path().join("store"), &["--token-file", file.to_str().unwrap()]);
    let turned = service.get("/groups?g=small");
    assert_eq!((turned.status, turned.header("location")), (303, Some("/login?next=/groups%3Fg%3Dsmall")));
    assert_eq!(service.post("/login", "token=wrong-token-of-letters&next=/groups").status, 403);
    let signed = service.post("/login", "token=a-token-of-many-letters&next=/groups%3Fg%3Dsmall");
    assert_eq!((signed.status, signed.header("location")), (303, Some("/groups?g=small")));
    let cookie = signed.header("set-cookie").unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && !cookie.contains("a-token"));
    let cookie = cookie.split(';').next().unwrap();
    assert_eq!(service.send("GET", "/groups", &[("cookie", cookie)], "").status, 200);
    assert_eq!(service.send("GET", "/api/stats", &[("cookie", cookie)], "").status, 200);
    for next in ["//evil.example", "https://evil.example", "/\\evil.example"] {
        let signed = service.post("/login", &format!("token=a-token-of-many-letters&next={next}"));
        assert_eq!(signed.header("location"), Some("/"), "{next}");
    }
}

/// A workspace with nothing in it says so, and what to do.
#[test]
fn an_empty_workspace_has_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    done(&store, &["init"]);
    let service = Service::start(&store, &["--allow-write"]);
    for (place, said) in
        [("/", "headcount import"), ("/groups", "no groups"), ("/status", "Contacts"), ("/report", "html")]
    {
        let page = service.get(place);
        assert_eq!(page.status, 200, "{place}");
        assert!(page.text().contains(said), "{place}");
    }
}
