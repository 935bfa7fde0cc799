//! What pages need: compiled in, none of it from elsewhere.

use axum::http::header;

use crate::serve::app::Ask;
use crate::serve::reply::{Problem, Reply};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
const ICON: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#33708f"/><g fill="#fff"><circle cx="11" cy="12" r="4"/><circle cx="21" cy="12" r="4" opacity=".6"/><path d="M4 25a7 7 0 0 1 14 0z"/><path d="M19.500 25a9 9 0 0 0-2-5.500A7 7 0 0 1 28 25z" opacity=".6"/></g></svg>"##;

/// The version in the address of styles and scripts: a newer program has newer ones.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

fn kept(kind: &'static str, text: &str) -> Result<Reply, Problem> {
    let mut reply = Reply::of(kind, text);
    reply.headers.push((header::CACHE_CONTROL, "no-cache".to_owned()));
    Ok(reply)
}

pub(super) fn style(_: &Ask) -> Result<Reply, Problem> {
    kept("text/css; charset=utf-8", STYLE)
}

pub(super) fn script(_: &Ask) -> Result<Reply, Problem> {
    kept("text/javascript; charset=utf-8", SCRIPT)
}

pub(super) fn icon(_: &Ask) -> Result<Reply, Problem> {
    kept("image/svg+xml", ICON)
}
