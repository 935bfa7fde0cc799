//! What ends a command early, and the exit status that tells it.

use std::fmt;
use std::io;

use crate::import::ImportError;

/// Why a command did not do all that it was asked for.
#[derive(Debug)]
pub enum Failure {
    /// It failed, for this reason. Status 1.
    Failed(String),
    /// Somebody has put other files in the place of the store's: whoever has time opens it again. Status 1.
    Replaced(String),
    /// Some input was rejected; that has been told. Status 1.
    SomeRejected,
    /// It was asked for in a wrong way. Status 2.
    Usage(String),
    /// A query or a template is invalid; that has been told. Status 2.
    InvalidQuery,
    /// Whoever read the answer has gone: that is no error. Status 0.
    ClosedPipe,
}

impl Failure {
    /// A failure for a reason.
    pub fn because(reason: impl fmt::Display) -> Self {
        Failure::Failed(reason.to_string())
    }

    /// The status to exit with.
    pub fn exit_status(&self) -> u8 {
        match self {
            Failure::ClosedPipe => 0,
            Failure::Failed(_) | Failure::Replaced(_) | Failure::SomeRejected => 1,
            Failure::Usage(_) | Failure::InvalidQuery => 2,
        }
    }

    /// What has yet to be said on standard error.
    pub fn message(&self) -> Option<&str> {
        match self {
            Failure::Failed(message) | Failure::Replaced(message) | Failure::Usage(message) => Some(message),
            Failure::SomeRejected | Failure::InvalidQuery | Failure::ClosedPipe => None,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if super::is_closed_pipe(&error) { Failure::ClosedPipe } else { Failure::Failed(error.to_string()) }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        io::Error::from(error).into()
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        Failure::because(error)
    }
}

impl From<csv::Error> for Failure {
    fn from(error: csv::Error) -> Self {
        match error.into_kind() {
            csv::ErrorKind::Io(error) => error.into(),
            kind => Failure::Failed(format!("{kind:?}")),
        }
    }
}
