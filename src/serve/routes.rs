//! One table of paths: the router and the description are both made from it, so that neither can lack what the other
//! has.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{RawPathParams, Request, State};
use axum::http::{HeaderMap, Method, Response, StatusCode, header};
use axum::routing::{MethodFilter, MethodRouter};

use super::app::{App, Ask, pairs};
use super::reply::{Problem, Reply, detail};
use super::{api, feed, guard, mailroom, openapi, page, rapidpro};

/// The largest body of most requests, in bytes.
pub(super) const BODY: usize = 1 << 20;
/// The largest body of changes.
pub(super) const CHANGES: usize = 64 << 20;
/// How long an answer may take, the sending of the body included.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is done for a path.
#[derive(Clone, Copy)]
pub(super) enum Work {
    /// Reads the workspace.
    Read(fn(&Ask) -> Result<Reply, Problem>),
    /// Changes the workspace, if that is allowed.
    Write(fn(&Ask) -> Result<Reply, Problem>),
    /// A stream of events.
    Stream,
    /// Contacts as a file.
    Export,
}

/// How what goes wrong is said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Errors {
    /// `{"error", …}`
    Json,
    /// `{"detail"}`, as the platform does.
    Platform,
    /// A page.
    Page,
}

/// A parameter of a path or behind the `?`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    /// `string`, `integer`, `boolean` or `date-time`.
    pub(super) kind: &'static str,
    pub(super) about: &'static str,
}

/// One path and method.
#[derive(Clone, Copy)]
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) work: Work,
    pub(super) errors: Errors,
    /// The largest body.
    pub(super) body_limit: usize,
    pub(super) about: &'static str,
    pub(super) parameters: &'static [Parameter],
    /// The shape of the body: a name of `openapi`'s, or nothing.
    pub(super) body: &'static str,
    /// Statuses of answers that are no errors, with their shapes.
    pub(super) answers: &'static [(u16, &'static str)],
    /// Statuses of errors that can come beside those of every path.
    pub(super) problems: &'static [u16],
}

/// The parts of a route that most have alike.
pub(super) const ROUTE: Route = Route {
    method: "GET",
    path: "/",
    work: Work::Stream,
    errors: Errors::Json,
    body_limit: BODY,
    about: "",
    parameters: &[],
    body: "",
    answers: &[],
    problems: &[],
};

pub(super) fn all() -> impl Iterator<Item = &'static Route> {
    TABLES.iter().flat_map(|table| table.iter())
}

/// The tables, each beside what it leads to.
const TABLES: [&[Route]; 4] = [&api::ROUTES, &mailroom::ROUTES, &rapidpro::ROUTES, &page::ROUTES];

/// The path of a route as it stands in the table: of those that exist alone, so that nobody can invent more.
pub(super) fn template(path: &str) -> Option<&'static str> {
    all().map(|route| route.path).find(|known| *known == path)
}

pub(super) fn router(app: Arc<App>) -> Router {
    let mut router = Router::new();
    let mut paths: Vec<(&'static str, MethodRouter<Arc<App>>)> = Vec::new();
    for route in all() {
        let filter = match route.method {
            "POST" => MethodFilter::POST,
            "DELETE" => MethodFilter::DELETE,
            _ => MethodFilter::GET,
        };
        let handler = move |State(app): State<Arc<App>>, path: RawPathParams, request: Request| async move {
            answer(route, app, &path, request).await
        };
        match paths.iter_mut().find(|(path, _)| *path == route.path) {
            Some((_, methods)) => *methods = std::mem::take(methods).on(filter, handler),
            None => paths.push((route.path, MethodRouter::new().on(filter, handler))),
        }
    }
    for (path, methods) in paths {
        let errors = all().find(|route| route.path == path).map_or(Errors::Json, |route| route.errors);
        let allowed: Vec<&str> = all().filter(|route| route.path == path).map(|route| route.method).collect();
        let allowed = allowed.join(", ");
        let wrong = move |method: Method| async move {
            let problem =
                Problem::new(StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not allowed here: {allowed}"));
            let mut reply = told(errors, &problem);
            reply.headers.push((header::ALLOW, allowed));
            reply.into_response()
        };
        router = router.route(path, methods.fallback(wrong));
    }
    router
        .fallback(|| async { Problem::missing("there is nothing at this path").reply().into_response() })
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&app), guard::guard))
        .layer(tower_http::catch_panic::CatchPanicLayer::new())
        .with_state(app)
}

/// An error in the shape of its path.
pub(super) fn told(errors: Errors, problem: &Problem) -> Reply {
    match errors {
        Errors::Json => problem.reply(),
        Errors::Platform => detail(problem),
        Errors::Page => page::problem(problem),
    }
}

async fn answer(route: &'static Route, app: Arc<App>, path: &RawPathParams, request: Request) -> Response<Body> {
    let answered = tokio::time::timeout(PATIENCE, worked(route, app, path, request)).await;
    match answered {
        Ok(Ok(response)) => response,
        Ok(Err(problem)) => told(route.errors, &problem).into_response(),
        Err(_) => {
            let problem = Problem::new(StatusCode::REQUEST_TIMEOUT, "this took too long; ask for less");
            told(route.errors, &problem).into_response()
        }
    }
}

async fn worked(
    route: &'static Route,
    app: Arc<App>,
    path: &RawPathParams,
    request: Request,
) -> Result<Response<Body>, Problem> {
    if matches!(route.work, Work::Write(_)) && !app.options.allow_write {
        return Err(Problem::new(StatusCode::FORBIDDEN, "this service only reads; start it with --allow-write"));
    }
    let (parts, body) = request.into_parts();
    let last_id = parts.headers.get("last-event-id").map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned());
    let path: Vec<(String, String)> = path.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let body = read(&parts.headers, body, route.body_limit).await?;
    let base = base(&parts.headers);
    let ask = Ask { app: Arc::clone(&app), path, query: pairs(&parts.uri), body, base };
    let reply = match route.work {
        Work::Stream => return feed::stream(ask, last_id).await,
        Work::Export => return page::export(ask).await,
        Work::Read(work) => app.readers.run(move || work(&ask)).await,
        Work::Write(work) => app.writers.run(move || work(&ask)).await,
    };
    Ok(reply?.into_response())
}

async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Problem> {
    let too_large =
        || Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a body here has {limit} bytes at most; send several"));
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    to_bytes(body, limit).await.map_err(|error| {
        let is_large = std::error::Error::source(&error).is_some_and(|source| source.to_string().contains("limit"));
        if is_large { too_large() } else { Problem::bad("the body broke off") }
    })
}

/// How the caller reached this service.
fn base(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let is_secure = headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
    format!("{}://{host}", if is_secure { "https" } else { "http" })
}

/// `GET /openapi.json`
pub(super) fn description(_: &Ask) -> Result<Reply, Problem> {
    Reply::json(&openapi::document())
}
