//! headcount inside another program: a workspace of its own, filled, searched and kept exact.
//!
//! `cargo run --example embed [FOLDER]`

use std::error::Error;
use std::path::{Path, PathBuf};

use headcount::{
    Change, ContactPatch, ContactRef, Dialect, Event, FieldInput, FieldType, Instant, Settings, Workspace,
};

/// Makes a workspace in a folder that is not there yet, and tells who enters a group.
pub(crate) fn run(folder: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let workspace = Workspace::create(folder, &Settings::default())?;
    let now = Instant::now();

    // One batch: durable as a whole, or not at all.
    workspace.write(now, |batch| {
        batch.add_field(&FieldInput::new("age", FieldType::Number))?;
        batch.put(ContactPatch::new().name("Ann Uwase").urn("tel:+250788123123")?.field("age", "17"))?;
        batch.put(ContactPatch::new().name("Bob Smith").urn("tel:+250788123124")?.field("age", "36"))?;
        batch.create_group("Adults", Some("age >= 18"), Dialect::Extended)
    })?;

    let mut told = Vec::new();
    let reader = workspace.reader(now)?;
    told.push(format!("{} of {} are adults", reader.count("group = Adults")?, reader.count("tel != \"\"")?));

    // Ann has a birthday.
    let ann: ContactRef = "tel:+250788123123".parse()?;
    let commit = workspace.write(now, |batch| batch.apply(Change::new(ann, Event::field("age", "18"))))?;
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

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("embedded.headcount"), PathBuf::from);
    for line in run(&folder)? {
        println!("{line}");
    }
    Ok(())
}
