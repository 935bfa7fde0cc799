//! The page: for the person who runs the platform.
//!
//! Pages are whole without a script. With one, parts of them are fetched anew, from the same address with `part`, when
//! the store changes, and the query is checked as it is typed. Texts of other people stand in pages as texts: `maud`
//! escapes them, and each stands by itself (`bdi`), so that none turns the direction of another.

mod assets;
mod contact;
mod contacts;
mod group;
mod groups;
mod layout;
mod status;

use super::reply::{Problem, Reply};
use super::routes::{Errors, Parameter, ROUTE, Route, Work};

pub(super) use contacts::export;
pub(super) use layout::problem;

const PAGE: Route = Route { errors: Errors::Page, ..ROUTE };
const POST: Route = Route { method: "POST", ..PAGE };

const UUID: Parameter = Parameter { name: "uuid", kind: "string", about: "Identity." };

/// The routes of this module.
pub(super) const ROUTES: [Route; 20] = [
    Route { path: "/", work: Work::Read(contacts::show), ..PAGE },
    Route { path: "/export.jsonl", work: Work::Export, ..PAGE },
    Route { path: "/act", work: Work::Write(contacts::act), method: "POST", ..PAGE },
    Route { path: "/groups", work: Work::Read(groups::show), ..PAGE },
    Route { path: "/groups", work: Work::Write(groups::create), ..POST },
    Route { path: "/groups/{uuid}", work: Work::Read(group::show), parameters: &[UUID], ..PAGE },
    Route { path: "/groups/{uuid}/edit", work: Work::Read(group::edit), parameters: &[UUID], ..PAGE },
    Route { path: "/groups/{uuid}/edit", work: Work::Write(group::save), parameters: &[UUID], ..POST },
    Route { path: "/groups/{uuid}/delete", work: Work::Write(group::delete), parameters: &[UUID], ..POST },
    Route { path: "/groups/{uuid}/pin", work: Work::Write(group::pin), parameters: &[UUID], ..POST },
    Route { path: "/contacts/{uuid}", work: Work::Read(contact::show), parameters: &[UUID], ..PAGE },
    Route { path: "/status", work: Work::Read(status::show), ..PAGE },
    Route { path: "/report", work: Work::Read(status::report), ..PAGE },
    Route { path: "/login", work: Work::Read(layout::login), ..PAGE },
    Route { path: "/login", work: Work::Read(layout::sign_in), ..POST },
    Route { path: "/logout", work: Work::Read(layout::sign_out), ..POST },
    Route { path: "/assets/page.css", work: Work::Read(assets::style), ..PAGE },
    Route { path: "/assets/page.js", work: Work::Read(assets::script), ..PAGE },
    Route { path: "/assets/icon.svg", work: Work::Read(assets::icon), ..PAGE },
    Route { path: "/favicon.ico", work: Work::Read(assets::icon), ..PAGE },
];

/// The value of a key of a form; nothing of one that is absent or empty.
fn value<'f>(form: &'f [(String, String)], name: &str) -> Option<&'f str> {
    form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
}

/// HTML as an answer.
fn reply(html: maud::Markup) -> Result<Reply, Problem> {
    Ok(Reply::of(super::reply::HTML, html.into_string()))
}
