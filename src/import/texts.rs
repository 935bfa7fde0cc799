//! One contact, one change, one reference from a text: what readers of files do for each line.

use std::str::FromStr;

use crate::import::error::ImportError;
use crate::import::json;
use crate::import::references::contact_ref;
use crate::workspace::WorkspaceError;
use crate::workspace::change::{Change, ContactPatch, ContactRef};

impl FromStr for ContactRef {
    type Err = WorkspaceError;

    /// Reads a uuid or the first eight digits of it or more, an address `scheme:path`, or the platform's number.
    fn from_str(text: &str) -> Result<Self, WorkspaceError> {
        contact_ref(text).map_err(WorkspaceError::BadReference)
    }
}

impl FromStr for ContactPatch {
    type Err = WorkspaceError;

    /// Reads a contact in the JSON that `import` takes and searches give.
    fn from_str(json: &str) -> Result<Self, WorkspaceError> {
        json::contact(json.as_bytes()).map_err(|reason| WorkspaceError::Input(reason.into()))
    }
}

impl FromStr for Change {
    type Err = WorkspaceError;

    /// Reads a change in the JSON that `apply` takes, one object.
    fn from_str(json: &str) -> Result<Self, WorkspaceError> {
        json::change(json.as_bytes()).map_err(|bad| WorkspaceError::Input(bad.reason.into()))
    }
}

impl From<ImportError> for WorkspaceError {
    fn from(error: ImportError) -> Self {
        WorkspaceError::Input(Box::new(error))
    }
}
