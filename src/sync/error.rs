//! Why a database could not be followed.

use crate::workspace::WorkspaceError;

use super::connect::reason;

/// What stopped a sync. Nothing of what was acknowledged is lost; the next one goes on from there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// The address of the database is none, or its certificates cannot be read.
    #[error("the address of the database: {0}")]
    Address(String),
    /// The mapping file does not fit.
    #[error("the mapping: {0}")]
    Mapping(String),
    /// The server cannot be reached, or went away. It is worth trying again.
    #[error("the server cannot be reached: {0}")]
    Away(String),
    /// The server refused to let us in.
    #[error("the server refused the connection: {0}")]
    Refused(String),
    /// The server refused a statement.
    #[error("{doing}: {reason}")]
    Statement {
        /// What it was for.
        doing: String,
        /// What the server said.
        reason: String,
    },
    /// The database is not set up for this, or no longer; says what to do.
    #[error("{0}")]
    Setup(String),
    /// Asked to end.
    #[error("asked to end")]
    Ended,
    /// The store.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
}

impl SyncError {
    /// Whether trying again later may help, without anybody doing anything: the server went away.
    pub fn is_transient(&self) -> bool {
        matches!(self, SyncError::Away(_))
    }

    /// An error of a connection that was to be made.
    pub(super) fn connecting(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(server) if is_passing(server.code().code()) => SyncError::Away(reason(&error)),
            Some(_) => SyncError::Refused(reason(&error)),
            None if is_of_network(&error) => SyncError::Away(reason(&error)),
            None => SyncError::Refused(reason(&error)),
        }
    }

    /// An error of a statement on a connection.
    pub(super) fn statement(doing: &str, error: &tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(server) if !is_passing(server.code().code()) => {
                SyncError::Statement { doing: doing.to_owned(), reason: reason(error) }
            }
            _ if error.as_db_error().is_some() || error.is_closed() || is_of_network(error) => {
                SyncError::Away(reason(error))
            }
            _ => SyncError::Statement { doing: doing.to_owned(), reason: reason(error) },
        }
    }

    /// An error of the stream of changes.
    pub(super) fn stream(error: &pgwire_replication::PgWireError) -> Self {
        let text = error.to_string();
        if error.is_auth() || error.is_tls() {
            return SyncError::Refused(text);
        }
        // Sent as text: what the server says when it ends comes as an error of the server's.
        let is_ending = ["57P01", "57P02", "57P03", "58000", "shutting down", "terminating connection"];
        if error.is_server() && !is_ending.iter().any(|sign| text.contains(sign)) {
            return SyncError::Statement { doing: "the stream of changes".to_owned(), reason: text };
        }
        SyncError::Away(text)
    }
}

/// States of a server that pass: it starts, stops, has no room for one more session, or broke off a statement.
fn is_passing(code: &str) -> bool {
    code.starts_with("57P") || code.starts_with("08") || matches!(code, "53300" | "40001" | "40P01" | "55P03")
}

fn is_of_network(error: &tokio_postgres::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        if let Some(io) = next.downcast_ref::<std::io::Error>() {
            // A certificate that is refused arrives as an error of the connection, and stays as it is.
            return !matches!(io.kind(), std::io::ErrorKind::InvalidData | std::io::ErrorKind::InvalidInput);
        }
        cause = next.source();
    }
    error.is_closed()
}
