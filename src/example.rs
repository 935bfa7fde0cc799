//! The workspace that the examples of the documentation begin with.

use tempfile::TempDir;

use crate::schema::FieldType;
use crate::sema::query::Dialect;
use crate::value::Instant;
use crate::workspace::{ContactPatch, FieldInput, Settings, Workspace, WorkspaceError};

/// Ann, who is 17, and Bob, who is 36; the groups Volunteers, made by hand, and Adults. It goes away with the folder.
pub fn workspace() -> Result<(TempDir, Workspace, Instant), WorkspaceError> {
    let folder = tempfile::tempdir().map_err(|error| WorkspaceError::Input(error.into()))?;
    let workspace = Workspace::create(&folder.path().join("store"), &Settings::default())?;
    let now = Instant::now();
    workspace.write(now, |batch| {
        batch.add_field(&FieldInput::new("age", FieldType::Number))?;
        batch.create_group("Volunteers", None, Dialect::Extended)?;
        batch.create_group("Adults", Some("age >= 18"), Dialect::Extended)?;
        let ann = ContactPatch::new().name("Ann Uwase").language("kin").urn("tel:+250788123123")?.field("age", "17");
        batch.put(ann.group("Volunteers"))?;
        let bob = ContactPatch::new().name("Bob Smith").language("eng").urn("tel:+250788123124")?.field("age", "36");
        batch.put(bob)
    })?;
    Ok((folder, workspace, now))
}
