//! Answers, and what is said when there is none.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::answers::hiding::{message, reason};
use crate::answers::search::AudienceError;
use crate::workspace::{Rejection, WorkspaceError};

/// An answer that is there as a whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) kind: &'static str,
    pub(super) body: Vec<u8>,
    /// Where to go, or a cookie to keep.
    pub(super) headers: Vec<(header::HeaderName, String)>,
}

pub(super) const JSON: &str = "application/json";
pub(super) const HTML: &str = "text/html; charset=utf-8";
pub(super) const TEXT: &str = "text/plain; charset=utf-8";

impl Reply {
    /// JSON as the command line prints it.
    pub(super) fn json(answer: &impl Serialize) -> Result<Self, Problem> {
        let mut body = serde_json::to_vec_pretty(answer).map_err(Problem::internal)?;
        body.push(b'\n');
        Ok(Reply::of(JSON, body))
    }

    /// JSON on one line, as platforms send it.
    pub(super) fn compact(answer: &impl Serialize) -> Result<Self, Problem> {
        Ok(Reply::of(JSON, serde_json::to_vec(answer).map_err(Problem::internal)?))
    }

    pub(super) fn of(kind: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Reply { status: StatusCode::OK, kind, body: body.into(), headers: Vec::new() }
    }

    pub(super) fn empty() -> Self {
        Reply::of(TEXT, Vec::new()).with_status(StatusCode::NO_CONTENT)
    }

    pub(super) fn see(place: impl Into<String>) -> Self {
        let mut reply = Reply::of(TEXT, Vec::new()).with_status(StatusCode::SEE_OTHER);
        reply.headers.push((header::LOCATION, place.into()));
        reply
    }

    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Reply { status, ..self }
    }

    pub(super) fn into_response(self) -> Response<Body> {
        let has_body = !self.body.is_empty();
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        if has_body {
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        }
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}

/// Why there is no answer, as JSON says it.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    pub(super) body: Map<String, Value>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let mut body = Map::new();
        body.insert("error".to_owned(), Value::String(message.into()));
        Problem { status, body }
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn missing(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    pub(super) fn internal(error: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }

    pub(super) fn busy(message: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
    }

    pub(super) fn message(&self) -> &str {
        self.body.get("error").and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn reply(&self) -> Reply {
        let mut body = serde_json::to_vec_pretty(&self.body).unwrap_or_default();
        body.push(b'\n');
        Reply::of(JSON, body).with_status(self.status)
    }

    /// A change by hand that was refused, without the address if addresses are hidden.
    pub(super) fn refused(rejection: &Rejection, hides_addresses: bool) -> Self {
        let status = match rejection {
            Rejection::UnknownContact(_) => StatusCode::NOT_FOUND,
            Rejection::UrnTaken { .. } | Rejection::ContactExists(_) => StatusCode::CONFLICT,
            Rejection::Full => StatusCode::INSUFFICIENT_STORAGE,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::new(status, reason(rejection, hides_addresses))
    }

    /// A message that may repeat what a file held.
    pub(super) fn of_input(text: &str, hides_addresses: bool) -> Self {
        Self::bad(message(text, hides_addresses))
    }
}

impl From<WorkspaceError> for Problem {
    fn from(error: WorkspaceError) -> Self {
        let status = match &error {
            WorkspaceError::Query { errors, .. } => {
                let body = match errors.to_json() {
                    Value::Object(body) => body,
                    other => Map::from_iter([("error".to_owned(), other)]),
                };
                return Problem { status: StatusCode::UNPROCESSABLE_ENTITY, body };
            }
            WorkspaceError::GroupCycle(path) => {
                let extra = json!({ "path": path });
                let mut problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string());
                problem.body.insert("code".to_owned(), Value::String("query:group_cycle".to_owned()));
                problem.body.insert("extra".to_owned(), extra);
                return problem;
            }
            WorkspaceError::Rejected(rejection) => return Problem::refused(rejection, true),
            WorkspaceError::UnknownGroup { .. } | WorkspaceError::UnknownContact(_) => StatusCode::NOT_FOUND,
            WorkspaceError::GroupExists(_) | WorkspaceError::GroupInUse { .. } => StatusCode::CONFLICT,
            WorkspaceError::UnknownField { .. }
            | WorkspaceError::BadName(_)
            | WorkspaceError::BadKey(_)
            | WorkspaceError::BadCursor
            | WorkspaceError::BeforeHorizon(_)
            | WorkspaceError::Settings(_) => StatusCode::BAD_REQUEST,
            WorkspaceError::SmartGroup(_)
            | WorkspaceError::ManualGroup(_)
            | WorkspaceError::NoOtherQuery(_)
            | WorkspaceError::FieldType { .. }
            | WorkspaceError::WouldInvalidate(_) => StatusCode::CONFLICT,
            WorkspaceError::Busy => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Problem::new(status, error.to_string())
    }
}

impl From<AudienceError> for Problem {
    fn from(error: AudienceError) -> Self {
        match error {
            AudienceError::Workspace(error) => error.into(),
            AudienceError::UnknownFlow(..) => Problem::bad(error.to_string()),
            AudienceError::Nobody => Problem::bad("say who is to be reached: `groups`, `contacts` or `query`"),
        }
    }
}

/// A problem as the platform's API says it.
pub(super) fn detail(problem: &Problem) -> Reply {
    let body = serde_json::to_vec(&json!({ "detail": problem.message() })).unwrap_or_default();
    Reply::of(JSON, body).with_status(problem.status)
}
