//! `headcount sync` beside a real PostgreSQL, which the tests start on loopback and stop. Without one they say that they were
//! skipped.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod platform;
mod server;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use platform::Random;
use serde_json::Value;
use server::Server;

fn command(store: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headcount"));
    command.arg("--store").arg(store).args(arguments).env_remove("PGPASSWORD").env("HOME", store.parent().unwrap());
    command
}

fn run(store: &Path, arguments: &[&str]) -> Output {
    command(store, arguments).output().unwrap()
}

fn done(store: &Path, arguments: &[&str]) -> String {
    let output = run(store, arguments);
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {out}{error}");
    out.into_owned()
}

/// A sync of the platform's tables, with more arguments.
fn sync(server: &Server, store: &Path, more: &[&str]) -> Output {
    let address = server.address("postgres");
    let mut arguments = vec!["sync", &address, "--profile", "rapidpro"];
    arguments.extend(more);
    run(store, &arguments)
}

fn synced(server: &Server, store: &Path, more: &[&str]) -> String {
    let output = sync(server, store, more);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{}{error}", String::from_utf8_lossy(&output.stdout));
    error
}

/// Contacts with the names of their groups, by identity.
type Exported = BTreeMap<String, Value>;

fn exported(store: &Path) -> Exported {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("contacts.jsonl");
    done(store, &["export", file.to_str().unwrap(), "-q"]);
    let text = std::fs::read_to_string(file).unwrap();
    text.lines()
        .map(|line| {
            let mut contact: Value = serde_json::from_str(line).unwrap();
            let object = contact.as_object_mut().unwrap();
            object.remove("modified_on");
            for list in ["groups", "history"] {
                let names = object.get(list).and_then(Value::as_array).into_iter().flatten();
                let mut names: Vec<String> = names.map(|it| it["name"].as_str().unwrap_or_default().to_owned()).collect();
                names.sort();
                object.insert(list.to_owned(), names.into());
            }
            if let Some(name) = object.get("flow").and_then(|flow| flow.get("name")).cloned() {
                object.insert("flow".to_owned(), name);
            }
            (object["uuid"].as_str().unwrap().to_owned(), contact)
        })
        .collect()
}

/// What the store must hold: the same data, asked for by a query of the test's own and imported from files.
fn expected(server: &Server, folder: &Path) -> Exported {
    let store = folder.join("expected");
    drop(std::fs::remove_dir_all(&store));
    done(&store, &["init", "--timezone", "Africa/Kigali", "--date-format", "DD-MM-YYYY"]);
    let schema = r#"{"fields": [{"key": "age", "name": "The age", "type": "number"},
        {"key": "joined", "name": "The joined", "type": "datetime"}, {"key": "district", "name": "The district", "type": "district"},
        {"key": "notes", "name": "The notes", "type": "text"}],
        "groups": [{"name": "Manual 0"}, {"name": "Manual 1"}, {"name": "Manual 2"}],
        "flows": [{"name": "Flow 0"}, {"name": "Flow 1"}, {"name": "Flow 2"}]}"#;
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    done(&store, &["schema", "import", &file("schema.json", schema)]);
    done(&store, &["import", &file("contacts.jsonl", &platform::contacts(server).join("\n"))]);
    done(&store, &["group", "import", &file("groups.json", &platform::groups(server)), "--dialect", "contactql"]);
    exported(&store)
}

fn assert_same(is: &Exported, expected: &Exported) {
    for (uuid, contact) in expected {
        assert_eq!(is.get(uuid), Some(contact), "{uuid}");
    }
    for uuid in is.keys() {
        assert!(expected.contains_key(uuid), "{uuid} is not there: {}", is[uuid]);
    }
}

/// The memberships that headcount holds, as the table there should.
fn memberships(store: &Path) -> Vec<String> {
    let groups: Value = serde_json::from_str(&done(store, &["group", "list", "--format", "json"])).unwrap();
    let mut pairs = Vec::new();
    for group in groups["groups"].as_array().unwrap() {
        let (name, uuid) = (group["name"].as_str().unwrap(), group["uuid"].as_str().unwrap());
        let members = done(store, &["group", "members", name, "--format", "ids", "--all"]);
        pairs.extend(members.lines().map(|contact| format!("{uuid}|{contact}")));
    }
    pairs.sort();
    pairs
}

const TABLE: &str = "SELECT group_uuid, contact_uuid FROM hc ORDER BY group_uuid::text, contact_uuid::text";

/// The moves that the table's log tells, added up, are its memberships; no move is told twice in a row.
fn assert_log_adds_up(server: &Server) {
    let broken = server.sql(
        "crm",
        "SELECT * FROM (SELECT group_uuid, contact_uuid, entered, lag(entered) OVER (PARTITION BY group_uuid, contact_uuid
           ORDER BY seq) AS before FROM hc_log) AS moves WHERE entered = before LIMIT 5",
    );
    assert_eq!(broken, Vec::<String>::new());
}

fn spawn_follow(server: &Server, store: &Path) -> Child {
    let address = server.address("postgres");
    let arguments = ["sync", &address, "--profile", "rapidpro", "--follow", "--memberships-into", "hc"];
    command(store, &arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn contacts_are_copied_and_followed_over_kills_of_both() {
    let Some(server) = Server::start("logical") else { return };
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let steps: u64 = std::env::var("HEADCOUNT_SYNC_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(4);
    let contacts = 300;
    platform::fill(&server, contacts, 7);
    synced(&server, &store, &["--memberships-into", "hc"]);
    assert_same(&exported(&store), &expected(&server, folder.path()));
    assert_eq!(server.sql("crm", TABLE), memberships(&store));

    let mut random = Random(11);
    for step in 0..steps {
        let mut child = spawn_follow(&server, &store);
        for _ in 0..6 {
            let transactions: String = (0..10).map(|_| platform::transaction(&mut random, contacts)).collect();
            server.sql("crm", &transactions);
        }
        std::thread::sleep(Duration::from_millis(random.below(800)));
        child.kill().unwrap();
        child.wait().unwrap();
        if step % 5 == 3 {
            server.stop("immediate");
            server.run("logical");
        }
        synced(&server, &store, &["--memberships-into", "hc"]);
        assert_same(&exported(&store), &expected(&server, folder.path()));
        assert_eq!(server.sql("crm", TABLE), memberships(&store));
        done(&store, &["check"]);
        assert_log_adds_up(&server);
    }
    server.sql("crm", "TRUNCATE contacts_contacturn; UPDATE contacts_contact SET name = 'All' WHERE id <= 200");
    synced(&server, &store, &[]);
    assert_same(&exported(&store), &expected(&server, folder.path()));
}

#[test]
fn following_goes_on_when_the_server_comes_back_and_ends_when_asked() {
    let Some(server) = Server::start("logical") else { return };
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    platform::fill(&server, 50, 3);
    synced(&server, &store, &[]);
    let mut child = spawn_follow(&server, &store);
    server.stop("fast");
    std::thread::sleep(Duration::from_millis(600));
    server.run("logical");
    server.sql("crm", "UPDATE contacts_contact SET name = 'Back again' WHERE id = 1");
    let patience = Instant::now();
    while done(&store, &["query", "name = \"Back again\"", "--count"]).trim() != "1" {
        assert!(patience.elapsed() < Duration::from_secs(60), "the change does not come");
        assert!(child.try_wait().unwrap().is_none(), "it ended");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert!(child.wait().unwrap().success());
}

#[test]
fn fields_and_groups_follow_and_what_does_not_fit_is_told() {
    let Some(server) = Server::start("logical") else { return };
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    platform::fill(&server, 60, 5);
    server.sql("crm", "INSERT INTO contacts_contactgroup VALUES (30, 1, gen_random_uuid(), 'Broken', 'aeg > 3', 'Q', 'R')");
    let told = synced(&server, &store, &[]);
    assert!(told.contains("groups Broken") && told.contains("aeg"), "{told}");
    server.sql(
        "crm",
        "UPDATE contacts_contactgroup SET name = 'Elders', query = 'age > 50' WHERE id = 10;
         INSERT INTO contacts_contactfield VALUES (9, 1, '00000009-0000-4000-8000-000000000009', 'shoe', 'Shoe', 'N');
         UPDATE contacts_contact SET fields = '{\"00000009-0000-4000-8000-000000000009\": {\"text\": \"44\"}}' WHERE id = 1;
         INSERT INTO contacts_contacturn (contact_id, scheme, path, priority) VALUES (2, 'no scheme', 'x', 1);
         ALTER TABLE contacts_contact ADD COLUMN shoes int;
         UPDATE contacts_contact SET name = 'Later' WHERE id = 3;
         DELETE FROM contacts_contactgroup WHERE id IN (11, 30)",
    );
    let told = synced(&server, &store, &[]);
    assert!(told.contains("contacts 2") && told.contains("no scheme"), "{told}");
    assert_eq!(done(&store, &["query", "shoe = 44", "--count"]).trim(), "1");
    assert_eq!(done(&store, &["query", "name = Later", "--count"]).trim(), "1");
    let groups = done(&store, &["group", "list"]);
    assert!(groups.contains("Elders") && !groups.contains("Smart 1"), "{groups}");
    done(&store, &["check"]);
}

#[test]
fn planted_errors_of_the_platform_are_found_and_nothing_else() {
    let Some(server) = Server::start("logical") else { return };
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    platform::fill(&server, 80, 9);
    synced(&server, &store, &["--memberships-into", "hc"]);
    // The platform's own memberships: as they should be, then with one too many and one too few.
    server.sql(
        "crm",
        "INSERT INTO contacts_contactgroup_contacts (contactgroup_id, contact_id)
           SELECT g.id, c.id FROM hc JOIN contacts_contactgroup g ON g.uuid = group_uuid AND g.group_type = 'Q'
           JOIN contacts_contact c ON c.uuid = contact_uuid",
    );
    let clean = sync(&server, &store, &["--compare"]);
    assert!(clean.status.success() && clean.stdout.is_empty(), "{}", String::from_utf8_lossy(&clean.stdout));
    let planted = server.sql(
        "crm",
        "WITH missing AS (DELETE FROM contacts_contactgroup_contacts WHERE id = (SELECT max(m.id) FROM
           contacts_contactgroup_contacts m JOIN contacts_contactgroup g ON g.id = m.contactgroup_id AND g.group_type = 'Q')
           RETURNING contact_id),
         extra AS (INSERT INTO contacts_contactgroup_contacts (contactgroup_id, contact_id)
           SELECT 10, min(id) FROM contacts_contact c WHERE NOT EXISTS (SELECT FROM hc JOIN contacts_contactgroup g
           ON g.uuid = group_uuid WHERE g.id = 10 AND contact_uuid = c.uuid) RETURNING contact_id)
         SELECT uuid FROM contacts_contact WHERE id IN (SELECT contact_id FROM missing UNION SELECT contact_id FROM extra)",
    );
    let output = sync(&server, &store, &["--compare"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut found: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["contact"]["uuid"].as_str().unwrap().to_owned())
        .collect();
    found.sort();
    found.dedup();
    let mut planted = planted;
    planted.sort();
    assert_eq!(found, planted, "{text}");
}

#[test]
fn a_mapping_of_ones_own_and_what_goes_wrong_are_told() {
    let Some(server) = Server::start("logical") else { return };
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    server.sql(
        "crm",
        "CREATE TABLE people (number text PRIMARY KEY, full_name text, phone text, born text, vip boolean, left_us boolean);
         INSERT INTO people VALUES ('a\"1', 'Ann', '+250788000001', '1990-05-01', true, false),
           ('b', 'Bob', '+250788000002', NULL, false, false), ('c', 'Gone', NULL, NULL, false, true);
         CREATE ROLE secret LOGIN PASSWORD 'right'",
    );
    let mapping = folder.path().join("crm.toml");
    let text = r#"
[fields]
query = "SELECT 'born' AS key, 'Born' AS name, 'datetime' AS type"
[groups]
query = "SELECT '00000007-0000-4000-8000-000000000007' AS uuid, 'VIP' AS name, NULL AS query"
[contacts]
query = '''SELECT number, full_name AS "Name", phone AS "URN:tel", born AS "Field:born", vip AS "Group:VIP", left_us FROM people'''
key = "number"
gone = "left_us"
[[contacts.tables]]
table = "people"
key = "number"
"#;
    std::fs::write(&mapping, text).unwrap();
    let sync = |role: &str, more: &[&str]| {
        let address = server.address(role);
        let mut arguments = vec!["sync", &address, "--mapping", mapping.to_str().unwrap()];
        arguments.extend(more);
        run(&store, &arguments)
    };
    let error = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let refused = sync("secret", &[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(error(&refused).contains("password"), "{}", error(&refused));

    let first = sync("postgres", &[]);
    assert!(first.status.success(), "{}", error(&first));
    assert_eq!(done(&store, &["query", "born = 1990-05-01 AND group = VIP AND tel = +250788000001", "--count"]).trim(), "1");
    assert_eq!(done(&store, &["query", "name != \"\"", "--count"]).trim(), "2");

    // A slot that somebody dropped: what changed meanwhile is not known, so all is copied again.
    server.sql(
        "crm",
        "SELECT pg_drop_replication_slot('headcount');
         DELETE FROM people WHERE number = 'b'; UPDATE people SET left_us = false WHERE number = 'c'",
    );
    let again = sync("postgres", &[]);
    assert!(again.status.success() && error(&again).contains("copied again"), "{}", error(&again));
    let names = done(&store, &["query", "name != \"\"", "--format", "jsonl"]);
    assert!(names.contains("Gone") && !names.contains("Bob"), "{names}");

    // Another store may not take the slot, nor this one another's contacts.
    let other = folder.path().join("other");
    let address = server.address("postgres");
    let taken = run(&other, &["sync", &address, "--mapping", mapping.to_str().unwrap()]);
    assert!(error(&taken).contains("--slot"), "{}", error(&taken));

    // A column that is gone is said, and nothing moves on.
    server.sql("crm", "UPDATE people SET full_name = 'Anna' WHERE vip; ALTER TABLE people RENAME full_name TO name");
    let changed = sync("postgres", &[]);
    assert_eq!(changed.status.code(), Some(1));
    assert!(error(&changed).contains("full_name"), "{}", error(&changed));
    server.sql("crm", "ALTER TABLE people RENAME name TO full_name");
    assert!(sync("postgres", &[]).status.success());
    assert_eq!(done(&store, &["query", "name = Anna", "--count"]).trim(), "1");
    done(&store, &["check"]);
}

#[test]
fn without_logical_replication_contacts_are_polled() {
    let Some(server) = Server::start("replica") else { return };
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    platform::fill(&server, 80, 13);
    let told = synced(&server, &store, &[]);
    assert!(told.contains("polled"), "{told}");
    assert_same(&exported(&store), &expected(&server, folder.path()));
    let mut random = Random(17);
    for _ in 0..3 {
        let transactions: String = (0..10).map(|_| platform::transaction(&mut random, 80)).collect();
        server.sql("crm", &transactions);
        // As the platform does: whatever changes about a contact changes its moment.
        server.sql("crm", "UPDATE contacts_contact SET modified_on = now()");
        synced(&server, &store, &[]);
        assert_same(&exported(&store), &expected(&server, folder.path()));
        done(&store, &["check"]);
    }
}
