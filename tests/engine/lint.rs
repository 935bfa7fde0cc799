//! Warnings with what a workspace knows: values that contacts have, and groups.

use headcount::internals::schema::FieldType;
use headcount::internals::sema::query::Dialect;
use headcount::internals::value::{Instant, Urn};
use headcount::internals::workspace::{ContactPatch, FieldInput, Purpose, Settings, Workspace};

#[test]
fn values_and_groups_of_a_workspace_are_known() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::create(&folder.path().join("store"), &Settings::default()).unwrap();
    let now = Instant::parse("2026-06-15T12:00:00Z").unwrap();
    let put = |cities: &[&str]| {
        workspace
            .write(now, |batch| {
                for (at, city) in cities.iter().enumerate() {
                    let urn = Urn::parse(&format!("tel:+25078838{at:04}")).unwrap();
                    let fields = vec![("city".into(), Some((*city).into()))];
                    batch.put(&ContactPatch { urns: Some(vec![urn]), fields, ..ContactPatch::default() })?;
                }
                Ok(())
            })
            .unwrap();
    };
    workspace
        .write(now, |batch| batch.add_field(&FieldInput { key: "city".to_owned(), name: None, kind: FieldType::Text }))
        .unwrap();
    put(&["Kigali", "Huye", "KIGALI"]);
    let all = workspace
        .write(now, |batch| batch.create_group("Capital", Some("city = kigali"), Dialect::Extended))
        .unwrap()
        .value;
    let told = |text: &str, purpose| -> Vec<String> {
        let parsed = workspace.reader(now).unwrap().parse_and_lint(text, Dialect::Extended, purpose).unwrap();
        parsed
            .warnings
            .iter()
            .map(|warning| format!("{}: {}", warning.code, warning.help.as_deref().unwrap_or("")))
            .collect()
    };
    assert_eq!(told("city = Kigalli", Purpose::Search), ["unseen_value: did you mean `kigali`?"]);
    assert!(told("city = Kigali", Purpose::Search).is_empty());
    assert!(told("city = Paris", Purpose::Search).is_empty());
    assert_eq!(told("NOT city != Kigali", Purpose::Group(None)), ["same_as_group: "]);
    assert!(told("city = KIGALI", Purpose::Group(Some(all))).is_empty());
    // Once nobody lives there, nobody is near.
    put(&["Musanze", "Huye", "Musanze"]);
    assert!(told("city = Kigalli", Purpose::Search).is_empty());
    assert_eq!(told("city = Kigali OR city = Musanz", Purpose::Search), ["unseen_value: did you mean `musanze`?"]);
}
