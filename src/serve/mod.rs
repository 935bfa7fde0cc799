//! The service: the library over HTTP, a page for people, and webhooks for platforms.
//!
//! | module | job |
//! | --- | --- |
//! | [`options`] | what a service is told when it starts |
//! | `listen` | connections: how many, how slow, and how they end |
//! | `guard` | who may ask: hosts, origins, tokens; and what goes with every answer |
//! | `routes` | one table of paths, from which both the router and the description are made |
//! | `openapi` | that description |
//! | `reply` | answers, and what is said when there is none |
//! | `pool`, `writer` | searches on a bounded number of threads; writes on one, which shares commits |
//! | `feed` | what happens in the store, whoever does it: told to streams and pages |
//! | `api`, `mailroom`, `rapidpro` | the command line's JSON; a search engine's paths; a platform's API |
//! | `page` | HTML |
//! | `stream`, `webhook` | changes applied beside; membership changes sent out |
//!
//! Architecture invariant: nothing here computes an answer. What the library does not offer, the library gets.

mod api;
mod app;
mod feed;
mod guard;
mod listen;
mod mailroom;
mod openapi;
pub mod options;
mod page;
mod pool;
mod rapidpro;
mod reply;
mod routes;
mod stream;
mod webhook;
mod writer;

use std::sync::Arc;
use std::thread::JoinHandle;

pub use listen::{ServeError, Server};
pub use options::Options;

/// The query that finds everybody.
const EVERYBODY: &str = "name = \"\" OR name != \"\"";

/// What runs beside requests: a stream of changes, and webhooks.
fn start_beside(app: &Arc<app::App>) -> Result<Vec<JoinHandle<()>>, ServeError> {
    let mut threads = Vec::new();
    let thread = |name: &str| std::thread::Builder::new().name(format!("headcount-{name}"));
    if let Some(path) = &app.options.apply {
        let source = stream::source(path).map_err(|error| ServeError::Option(format!("--apply: {error}")))?;
        let app = Arc::clone(app);
        threads.push(thread("apply").spawn(move || stream::run(&app, source))?);
    }
    if let Some(webhook) = app.options.webhook.clone() {
        let delivery = webhook::Delivery::new(app, webhook)?;
        threads.push(thread("webhook").spawn(move || delivery.run())?);
    }
    Ok(threads)
}
