//! headcount inside another program: a workspace of its own, filled, searched and kept exact.
//!
//! `cargo run --example embed [FOLDER]`

use std::error::Error;
use std::path::{Path, PathBuf};

use headcount::{
    Change, ContactPatch, ContactRef, Dialect, Error as HeadcountError, Event, FieldInput, FieldType, Instant,
    Settings, Urn, Workspace,
};

/// Makes a workspace in a folder that is not there yet, and tells who enters a group.
pub(crate) fn run(folder: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let workspace = Workspace::create(folder, &Settings::default())?;
    let now = Instant::now();

    // One batch: durable as a whole, or not at all.
    workspace.write(now, |batch| {
        batch.add_field(&FieldInput { key: "age".into(), name: None, kind: FieldType::Number })?;
        batch.put(&person("Ann Uwase", "tel:+250788123123", "17"))?.map_err(HeadcountError::Rejected)?;
        batch.put(&person("Bob Smith", "tel:+250788123124", "36"))?.map_err(HeadcountError::Rejected)?;
        batch.create_group("Adults", Some("age >= 18"), Dialect::Extended)?;
        Ok(())
    })?;

    let mut told = Vec::new();
    let reader = workspace.reader(now)?;
    told.push(format!("{} of {} are adults", reader.count("group = Adults")?, reader.count("tel != \"\"")?));

    // Ann has a birthday.
    let change = Change {
        contact: Some(ContactRef::Urn(Urn::parse("tel:+250788123123")?)),
        event: Event::Field { key: "age".into(), value: Some("18".into()) },
        created_on: None,
        source: None,
    };
    let commit = workspace.write(now, |batch| batch.apply(&change)?.map_err(HeadcountError::Rejected))?;
    // A reader keeps its moment: a new one sees the change.
    let reader = workspace.reader(now)?;
    for entry in reader.events_since(commit.before, Default::default())? {
        for event in entry? {
            let contact =
                reader.find(&ContactRef::Uuid(event.contact))?.and_then(|number| reader.contact(number).transpose());
            let name = contact.transpose()?.and_then(|contact| contact.name).unwrap_or_default();
            let entered: Vec<&str> = event.groups_added.iter().map(|group| group.name.as_str()).collect();
            told.push(format!("{name} enters {}", entered.join(", ")));
        }
    }
    Ok(told)
}

fn person(name: &str, urn: &str, age: &str) -> ContactPatch {
    ContactPatch {
        name: Some(Some(name.into())),
        urns: Urn::parse(urn).ok().map(|urn| vec![urn]),
        fields: vec![("age".into(), Some(age.into()))],
        ..ContactPatch::default()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("embedded.headcount"), PathBuf::from);
    for line in run(&folder)? {
        println!("{line}");
    }
    Ok(())
}
