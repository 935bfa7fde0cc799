//! The programs of `examples/`, run in folders of their own.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use headcount::internals::schema::FieldType;
use headcount::internals::sema::query::Dialect;
use headcount::internals::value::{Instant, Urn};
use headcount::internals::workspace::{ContactPatch, FieldInput, Settings, Workspace, Writer};

/// Each program's `main` is left to `cargo run --example`; the rest of it is called here.
macro_rules! example {
    ($name:ident, $path:literal) => {
        #[allow(dead_code)]
        #[path = $path]
        mod $name;
    };
}

example!(embed, "../../examples/embed.rs");
example!(follow, "../../examples/follow.rs");
example!(queries, "../../examples/queries.rs");
example!(service, "../../examples/service.rs");

#[test]
fn embedding() {
    let folder = tempfile::tempdir().unwrap();
    let told = embed::run(&folder.path().join("store")).unwrap();
    assert_eq!(told, ["1 of 2 are adults", "Ann Uwase enters Adults"]);
}

/// A workspace with a field, a smart group and three people.
fn filled(folder: &Path) -> Workspace {
    let workspace = Workspace::create(folder, &Settings::default()).unwrap();
    let field = |key: &str, kind| FieldInput { key: key.into(), name: None, kind };
    let person = |name: &str, urn: &str, age: &str, city: &str| ContactPatch {
        name: Some(Some(name.into())),
        language: Some(Some("kin".into())),
        urns: Some(vec![Urn::parse(urn).unwrap()]),
        fields: vec![("age".into(), Some(age.into())), ("city".into(), Some(city.into()))],
        ..ContactPatch::default()
    };
    workspace
        .write(Instant::now(), |batch| {
            batch.add_field(&field("age", FieldType::Number))?;
            batch.add_field(&field("city", FieldType::Text))?;
            batch.create_group("Adults", Some("age >= 18"), Dialect::Extended)?;
            for (name, urn, age, city) in [
                ("Ann", "tel:+250788123123", "36", "Kigali"),
                ("Bob", "tel:+250788123124", "17", "Kigali"),
                ("Eve", "mailto:eve@example.com", "28", "x\" OR name != \""),
            ] {
                batch.put(&person(name, urn, age, city))?;
            }
            Ok(())
        })
        .unwrap();
    workspace
}

#[test]
fn following_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = filled(&folder.path().join("store"));
    let place = folder.path().join("place");
    let told = || {
        let mut told = Vec::new();
        follow::catch_up(&workspace, &place, Instant::now(), |line| told.push(line)).unwrap();
        // Without the identities, which are new each time.
        told.iter().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(told(), ["entered Adults: fields.age >= 18 saw 36", "entered Adults: fields.age >= 18 saw 28"]);
    assert!(told().is_empty());
    let edit = |batch: &mut Writer<'_>| {
        let group = batch.group_named("Adults")?;
        batch.edit_group(group, "age >= 30", Dialect::Extended)
    };
    workspace.write(Instant::now(), edit).unwrap();
    assert_eq!(told(), ["left Adults"]);
    assert!(told().is_empty());
}

#[test]
fn building_queries() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = filled(&folder.path().join("store"));
    let youngest = |form: queries::Form| queries::youngest(&workspace, &form, 10).unwrap();
    assert_eq!(youngest(queries::Form::default()), ["Bob", "Eve", "Ann"]);
    let in_kigali = || queries::Form { city: Some("kigali".into()), has_phone: true, ..queries::Form::default() };
    assert_eq!(youngest(in_kigali()), ["Bob", "Ann"]);
    let adults = queries::Form { ages: Some((18, 99)), languages: vec!["kin".into(), "fra".into()], ..in_kigali() };
    assert_eq!(youngest(adults), ["Ann"]);
    // What is typed is a value, whatever it looks like.
    let typed = queries::Form { city: Some("x\" OR name != \"".into()), ..queries::Form::default() };
    assert_eq!(youngest(typed), ["Eve"]);
}

#[test]
fn a_web_services_handler() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = filled(&folder.path().join("store"));
    let ask = |method: &str, path: &str, parameters: &[(&str, &str)], body: &str| {
        let request = service::Request {
            method: method.into(),
            path: path.into(),
            parameters: parameters.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            body: body.as_bytes().to_vec(),
        };
        service::handle(&workspace, &request, Instant::now())
    };
    let (status, found) = ask("GET", "/search", &[("q", "age > 20 AND tel != \"\"")], "");
    assert_eq!((status, &found["total"], &found["contacts"][0]["name"]), (200, &1.into(), &"Ann".into()));
    let (status, wrong) = ask("GET", "/search", &[("q", "aeg > 20")], "");
    assert_eq!((status, &wrong["code"]), (400, &"query:unknown_property".into()));
    let bob = [("urn", "tel:+250788123124"), ("group", "adults")];
    assert_eq!(ask("GET", "/why", &bob, "").1["member"], false);
    let birthday = r#"{"type": "contact_field_changed", "contact": {"urn": "tel:+250788123124"}, "field": {"key": "age"}, "value": {"text": "18"}}
{"type": "contact_deleted", "contact": {"urn": "tel:+250700000000"}}"#;
    let (status, applied) = ask("POST", "/changes", &[], birthday);
    assert_eq!((status, &applied["applied"], &applied["rejected"][0]["line"]), (200, &1.into(), &2.into()));
    assert_eq!(ask("GET", "/why", &bob, "").1["member"], true);
    assert_eq!(ask("GET", "/nowhere", &[], "").0, 404);

    // And once over the wire.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    client.write_all(b"GET /search?q=age+%3E+20&after= HTTP/1.1\r\nHost: here\r\n\r\n").unwrap();
    service::serve(&workspace, listener.accept().unwrap().0).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"total\":2"), "{answer}");
}
