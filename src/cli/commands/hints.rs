//! What the command line adds to an error: the command or the option that helps. The library speaks of neither.

use std::fmt;

use crate::answers::hiding::reason;
use crate::store::StoreError;
use crate::workspace::{Rejection, WorkspaceError};

/// An error with what helps against it.
pub(super) struct Hinted<'e>(pub(super) &'e WorkspaceError);

impl fmt::Display for Hinted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.0;
        write!(f, "{error}")?;
        match error {
            WorkspaceError::Store(error) => f.write_str(of_store(error)),
            WorkspaceError::Rejected(rejection) => f.write_str(of_rejection(rejection)),
            WorkspaceError::DamagedQuery(_) => f.write_str("; `group edit` gives it a new one"),
            WorkspaceError::NoOtherQuery(_) => f.write_str("; `group delete` takes the group away"),
            WorkspaceError::ManualGroup(_) => f.write_str("; `group create --query` makes a smart one"),
            WorkspaceError::FieldType { key, to, .. } => {
                write!(f, "; `field edit {key} --type {to}` changes it and derives everything anew")
            }
            _ => Ok(()),
        }
    }
}

/// Why a contact or a change was refused, without the address if addresses are hidden, and what helps.
pub(super) fn why_refused(rejection: &Rejection, hides_addresses: bool) -> String {
    format!("{}{}", reason(rejection, hides_addresses), of_rejection(rejection))
}

fn of_store(error: &StoreError) -> &'static str {
    match error {
        StoreError::Missing { .. } => ": make one with `headcount init`",
        StoreError::NotAStore { .. } => ": name another folder with --store, or make one with `headcount init`",
        StoreError::AlreadyExists { .. } => ": name another folder with --store",
        StoreError::NotEmpty { .. } => ", so name another with --store",
        StoreError::Damaged { .. } => "; `headcount check` lists all of it",
        _ => "",
    }
}

fn of_rejection(rejection: &Rejection) -> &'static str {
    match rejection {
        Rejection::UnknownField(_) => "; `field add` makes one",
        Rejection::UnknownGroup(_) => "; `group create` makes one",
        Rejection::UnknownFlow(_) => "; `schema import` adds flows",
        _ => "",
    }
}
