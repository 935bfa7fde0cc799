//! A database in RapidPro's tables, changed at random, and what its contacts and groups are by a query of the test's own.

use std::fmt::Write;

use crate::server::Server;

/// The tables, as far as they are read.
pub(crate) const TABLES: &str = "
CREATE TABLE orgs_org (id int PRIMARY KEY, timezone text, date_format text, is_anon boolean NOT NULL);
CREATE TABLE flows_flow (id int PRIMARY KEY, org_id int, uuid uuid, name text);
CREATE TABLE contacts_contactfield (id int PRIMARY KEY, org_id int, uuid uuid, key text, name text, value_type text);
CREATE TABLE contacts_contactgroup
  (id int PRIMARY KEY, org_id int, uuid uuid, name text, query text, group_type text, status text);
CREATE TABLE contacts_contact
  (id int PRIMARY KEY, org_id int, uuid uuid UNIQUE, name text, language text, status text NOT NULL, is_active boolean NOT NULL,
   ticket_count int NOT NULL, created_on timestamptz NOT NULL, modified_on timestamptz NOT NULL, last_seen_on timestamptz,
   current_flow_id int, fields jsonb);
CREATE TABLE contacts_contacturn
  (id serial PRIMARY KEY, org_id int, contact_id int, scheme text, path text, priority int, UNIQUE (scheme, path));
CREATE TABLE contacts_contactgroup_contacts (id serial PRIMARY KEY, contactgroup_id int, contact_id int);
CREATE TABLE flows_flowrun (id serial PRIMARY KEY, org_id int, contact_id int, flow_id int);
CREATE INDEX ON contacts_contacturn (contact_id);
CREATE INDEX ON contacts_contactgroup_contacts (contact_id);
CREATE INDEX ON flows_flowrun (contact_id);
INSERT INTO orgs_org VALUES (1, 'Africa/Kigali', 'D', false);
";

/// A linear congruential generator: the same steps for the same seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn of<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len() as u64) as usize]
    }
}

fn uuid(kind: u64, number: u64) -> String {
    format!("{kind:08x}-0000-4000-8000-{number:012x}")
}

const FIELDS: [(&str, &str); 4] = [("age", "N"), ("joined", "D"), ("district", "I"), ("notes", "T")];

/// Fields, groups, flows and contacts to begin with.
pub(crate) fn fill(server: &Server, contacts: u64, seed: u64) {
    let mut random = Random(seed);
    let mut sql = String::from(TABLES);
    for (at, (key, kind)) in FIELDS.iter().enumerate() {
        writeln!(
            sql,
            "INSERT INTO contacts_contactfield VALUES ({at}, 1, '{}', '{key}', 'The {key}', '{kind}');",
            uuid(1, at as u64)
        )
        .unwrap();
    }
    for at in 0..3 {
        writeln!(sql, "INSERT INTO flows_flow VALUES ({at}, 1, '{}', 'Flow {at}');", uuid(2, at)).unwrap();
        let group = uuid(3, at);
        writeln!(sql, "INSERT INTO contacts_contactgroup VALUES ({at}, 1, '{group}', 'Manual {at}', NULL, 'M', 'R');")
            .unwrap();
    }
    let queries = [
        "age > 30",
        "name ~ ann OR district = Huye",
        "tel != \"\" AND language = kin",
        "joined > 01-06-2024",
        "notes = \"\"",
        "urn ~ 0788 OR age <= 18",
    ];
    for (at, query) in queries.iter().enumerate() {
        let (id, group) = (10 + at, uuid(3, 10 + at as u64));
        writeln!(sql, "INSERT INTO contacts_contactgroup VALUES ({id}, 1, '{group}', 'Smart {at}', '{query}', 'Q', 'R');")
            .unwrap();
    }
    for id in 1..=contacts {
        insert(&mut sql, id, id, &mut random);
    }
    server.sql("crm", &sql);
}

/// A new contact of a number, with an identity, fields, an address, a group.
fn insert(sql: &mut String, id: u64, identity: u64, random: &mut Random) {
    let name = random.of(&["'Ann Uwase'", "'Bob \"Smith\"'", "'Zoë \\ Mukamana'", "NULL", "'أمينة'"]);
    let language = random.of(&["'kin'", "'eng'", "NULL"]);
    let flow = random.of(&["NULL", "0", "1"]);
    writeln!(
        sql,
        "INSERT INTO contacts_contact VALUES ({id}, 1, '{}', {name}, {language}, 'A', true, {}, \
         '2024-01-01T00:00:00.123456Z', now(), NULL, {flow}, '{}') ON CONFLICT DO NOTHING;",
        uuid(4, identity),
        random.below(2),
        fields(random)
    )
    .unwrap();
    if random.below(5) > 0 {
        let scheme = random.of(&["tel", "telegram"]);
        writeln!(
            sql,
            "INSERT INTO contacts_contacturn (org_id, contact_id, scheme, path, priority) \
             VALUES (1, {id}, '{scheme}', '+25078{:07}', 1000) ON CONFLICT DO NOTHING;",
            id + random.below(3) * 1_000_000
        )
        .unwrap();
    }
    let group = random.below(3);
    writeln!(sql, "INSERT INTO contacts_contactgroup_contacts (contactgroup_id, contact_id) VALUES ({group}, {id});")
        .unwrap();
}

fn fields(random: &mut Random) -> String {
    let age = format!("\"{}\": {{\"text\": \"{}\", \"number\": 1}}", uuid(1, 0), random.below(60));
    let joined = format!("\"{}\": {{\"text\": \"{}-0{}-2024\"}}", uuid(1, 1), 10 + random.below(18), 1 + random.below(9));
    let place = format!("\"{}\": {{\"text\": \"Rwanda > Southern > {}\"}}", uuid(1, 2), random.of(&["Huye", "Nyanza"]));
    let all = [age, joined, place];
    let some: Vec<&str> = all.iter().filter(|_| random.below(4) > 0).map(String::as_str).collect();
    format!("{{{}}}", some.join(", "))
}

/// A transaction of some random changes; every seventh is rolled back.
pub(crate) fn transaction(random: &mut Random, contacts: u64) -> String {
    let mut sql = String::from("BEGIN;\n");
    for _ in 0..=random.below(6) {
        let id = 1 + random.below(contacts);
        let other = 1 + random.below(contacts);
        match random.below(13) {
            0 => writeln!(sql, "UPDATE contacts_contact SET name = 'Ann {other}' WHERE id = {id};"),
            1 => writeln!(sql, "UPDATE contacts_contact SET fields = '{}' WHERE id = {id};", fields(random)),
            2 => {
                let status = random.of(&["A", "B", "S", "V"]);
                writeln!(sql, "UPDATE contacts_contact SET status = '{status}' WHERE id = {id};")
            }
            3 => writeln!(sql, "UPDATE contacts_contacturn SET contact_id = {other} WHERE contact_id = {id};"),
            4 => writeln!(sql, "UPDATE contacts_contacturn SET contact_id = NULL WHERE contact_id = {id};"),
            5 => {
                let group = random.below(3);
                writeln!(
                    sql,
                    "INSERT INTO contacts_contactgroup_contacts (contactgroup_id, contact_id) VALUES ({group}, {id});"
                )
            }
            6 => writeln!(sql, "DELETE FROM contacts_contactgroup_contacts WHERE contact_id = {id};"),
            7 => {
                let delete = "DELETE FROM contacts_contacturn WHERE contact_id";
                writeln!(sql, "{delete} = {id}; DELETE FROM contacts_contact WHERE id = {id};")
            }
            8 => {
                insert(&mut sql, contacts + random.below(1_000_000), contacts + random.below(1_000_000), random);
                Ok(())
            }
            9 => writeln!(sql, "UPDATE contacts_contact SET is_active = NOT is_active WHERE id = {id};"),
            10 => writeln!(
                sql,
                "UPDATE contacts_contact SET uuid = '{}' WHERE id = {id};",
                uuid(5, random.below(1_000_000_000))
            ),
            11 => {
                let flow = random.below(3);
                writeln!(
                    sql,
                    "INSERT INTO flows_flowrun (org_id, contact_id, flow_id) VALUES (1, {id}, {flow}); \
                     UPDATE contacts_contact SET current_flow_id = {flow} WHERE id = {id};"
                )
            }
            // Addresses that change hands within a transaction.
            _ => writeln!(
                sql,
                "UPDATE contacts_contacturn SET contact_id = CASE contact_id WHEN {id} THEN {other} ELSE {id} END \
                 WHERE contact_id IN ({id}, {other});"
            ),
        }
        .unwrap();
    }
    sql.push_str(if random.below(7) == 0 { "ROLLBACK;\n" } else { "COMMIT;\n" });
    sql
}

/// What contacts are, one JSON object a line, in order of their identities: as `import` reads them.
pub(crate) fn contacts(server: &Server) -> Vec<String> {
    server.sql(
        "crm",
        "SELECT json_build_object('uuid', c.uuid, 'id', c.id::text, 'name', c.name, 'language', c.language,
           'status', (ARRAY['active', 'blocked', 'stopped', 'archived'])[position(c.status in 'ABSV')],
           'tickets', c.ticket_count, 'created_on', to_char(c.created_on AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),
           'urns', ARRAY(SELECT u.scheme || ':' || u.path FROM contacts_contacturn u WHERE u.contact_id = c.id
                         ORDER BY u.priority DESC, u.scheme, u.path),
           'groups', ARRAY(SELECT DISTINCT g.name FROM contacts_contactgroup_contacts m JOIN contacts_contactgroup g
                           ON g.id = m.contactgroup_id WHERE m.contact_id = c.id AND g.group_type = 'M'),
           'flow', (SELECT f.name FROM flows_flow f WHERE f.id = c.current_flow_id),
           'history', ARRAY(SELECT DISTINCT f.name FROM flows_flowrun r JOIN flows_flow f ON f.id = r.flow_id
                            WHERE r.contact_id = c.id),
           'fields', (SELECT json_object_agg(f.key, c.fields -> f.uuid::text ->> 'text') FROM contacts_contactfield f))::text
         FROM contacts_contact c WHERE c.is_active ORDER BY c.uuid",
    )
}

/// Groups as `group import` reads them.
pub(crate) fn groups(server: &Server) -> String {
    server
        .sql(
            "crm",
            "SELECT json_build_object('groups', json_agg(json_build_object('name', name, 'query', query)))::text
             FROM contacts_contactgroup WHERE group_type = 'Q'",
        )
        .concat()
}
