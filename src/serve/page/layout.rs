//! What all pages have: the bar, the groups at the side, and how numbers, moments and names are written.

use axum::http::{StatusCode, header};
use maud::{DOCTYPE, Markup, html};

use super::assets::VERSION;
use super::{reply, value};
use crate::serve::app::Ask;
use crate::serve::guard::{COOKIE, cookie_of, encoded};
use crate::serve::options::is_same;
use crate::serve::reply::{HTML, Problem, Reply};
use crate::value::Instant;
use crate::value::numeral::grouped;
use crate::workspace::Reader;

/// Groups at the side; a search finds the others.
const AT_SIDE: usize = 150;

/// A text of somebody's, which turns nothing around it.
pub(super) fn name(text: &str) -> Markup {
    html! { bdi dir="auto" { (text) } }
}

/// A contact's name, or what stands for it.
pub(super) fn person(name: Option<&str>, uuid: &str) -> Markup {
    match name.filter(|name| !name.trim().is_empty()) {
        Some(text) => self::name(text),
        None => html! { span.soft { "no name · " (uuid.get(..8).unwrap_or(uuid)) } },
    }
}

/// A moment in the workspace's zone.
pub(super) fn moment(reader: &Reader<'_>, moment: Instant) -> Markup {
    let local = moment.timestamp().to_zoned(reader.environment().timezone.clone());
    html! { time datetime=(moment) { (local.strftime("%Y-%m-%d %H:%M")) } }
}

pub(super) fn moment_or_none(reader: &Reader<'_>, at: Option<Instant>) -> Markup {
    at.map_or_else(|| html! {}, |at| moment(reader, at))
}

/// How a group stands, where that needs saying.
pub(super) fn status(status: &str) -> Markup {
    html! { @if status != "ready" { span class={ "state " (status) } { (status) } } }
}

/// A whole page around what it shows.
pub(super) fn page(ask: &Ask, reader: &Reader<'_>, title: &str, here: &str, main: &Markup) -> Result<Reply, Problem> {
    let side = side(ask, reader, here)?;
    let signs_out = ask.app.options.token.is_some();
    let shell = html! {
        (DOCTYPE)
        html lang="en" {
            (head(title))
            body {
                a.skip href="#main" { "To the content" }
                header.bar {
                    a.brand href="/" { img src="/assets/icon.svg" alt="" width="22" height="22"; "headcount" }
                    nav aria-label="Pages" {
                        a href="/" aria-current=[(here == "/").then_some("page")] { "Contacts" }
                        a href="/groups" aria-current=[here.starts_with("/groups").then_some("page")] { "Groups" }
                        a href="/status" aria-current=[(here == "/status").then_some("page")] { "Status" }
                        @if signs_out {
                            form method="post" action="/logout" { button.link type="submit" { "Sign out" } }
                        }
                    }
                    span.live id="live" role="status" { }
                }
                div.frame {
                    aside.side aria-label="Groups" { (side) }
                    main id="main" { (main) }
                }
                script src={ "/assets/page.js?" (VERSION) } defer { }
            }
        }
    };
    reply(shell)
}

fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) " · headcount" }
            link rel="icon" href="/assets/icon.svg";
            link rel="stylesheet" href={ "/assets/page.css?" (VERSION) };
        }
    }
}

/// The groups: smart ones first, by name, with their members' number.
pub(super) fn side(ask: &Ask, reader: &Reader<'_>, here: &str) -> Result<Markup, Problem> {
    let counts = crate::serve::api::counts(&ask.app)?;
    let wanted = ask.parameter("g").unwrap_or_default().to_lowercase();
    let mut groups: Vec<_> = reader.schema().groups().iter().collect();
    groups.retain(|group| wanted.is_empty() || group.name.to_lowercase().contains(&wanted));
    groups.sort_by_key(|group| (!group.smart, group.name.to_lowercase()));
    let total = groups.len();
    let rows = |smart: bool| {
        let shown = groups.iter().take(AT_SIDE).filter(move |group| group.smart == smart);
        shown.map(|group| {
            let uuid = group.uuid.to_string();
            let (count, state) = counts.get(&uuid).copied().unwrap_or((0, "ready"));
            let place = format!("/groups/{uuid}");
            html! {
                li {
                    a href=(place) aria-current=[(here == place).then_some("page")] {
                        span.label { (name(&group.name)) }
                        (status(state))
                        span.count data-count=(uuid) { (grouped(count)) }
                    }
                }
            }
        })
    };
    let section = |title: &str, smart: bool| {
        let rows: Vec<Markup> = rows(smart).collect();
        html! { @if !rows.is_empty() { h2 { (title) } ul.groups { @for row in &rows { (row) } } } }
    };
    Ok(html! {
        form.find action="/groups" role="search" {
            input type="search" name="g" value=[ask.parameter("g")] placeholder="Find a group" aria-label="Find a group"
                autocomplete="off" data-find="side-groups";
        }
        div id="side-groups" data-part="side" {
            (section("Smart groups", true))
            (section("Manual groups", false))
            @if total == 0 {
                p.soft { @if wanted.is_empty() { "No groups yet. Search contacts, then save the search." } @else { "No group of that name." } }
            }
            @if total > AT_SIDE {
                p.soft { a href={ "/groups?g=" (encoded(&wanted)) } { "All " (grouped(total as u64)) " groups" } }
            }
        }
    })
}

/// Links to the pages before and behind, with which rows are shown.
pub(super) fn pager(place: &str, offset: u64, shown: u64, total: u64, size: u64) -> Markup {
    let joint = if place.contains('?') { '&' } else { '?' };
    let link = |offset: u64| format!("{place}{joint}offset={offset}");
    html! {
        @if total > 0 {
            nav.pager aria-label="Pages of the list" {
                @if offset > 0 { a rel="prev" href=(link(offset.saturating_sub(size))) { "← Previous" } }
                span.soft { (grouped(offset + u64::from(shown > 0))) "–" (grouped(offset + shown)) " of " (grouped(total)) }
                @if offset + shown < total { a rel="next" href=(link(offset + size)) { "Next →" } }
            }
        }
    }
}

/// A problem as people read it, with the way back.
pub(in crate::serve) fn problem(problem: &Problem) -> Reply {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head("That did not work"))
            body.alone {
                main id="main" {
                    h1 { @if problem.status == StatusCode::NOT_FOUND { "Not here" } @else { "That did not work" } }
                    p { (name(problem.message())) }
                    p { a href="/" { "To the contacts" } }
                }
            }
        }
    };
    Reply::of(HTML, page.into_string()).with_status(problem.status)
}

/// Where somebody wanted to go: a path of this service, and nothing else.
fn wanted_place(place: Option<&str>) -> &str {
    place.filter(|place| place.starts_with('/') && !place.starts_with("//") && !place.contains('\\')).unwrap_or("/")
}

fn login_page(next: &str, is_wrong: bool) -> Reply {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head("Sign in"))
            body.alone {
                main id="main" {
                    h1 { "headcount" }
                    form method="post" action="/login" {
                        input type="hidden" name="next" value=(next);
                        label for="token" { "The token of this service" }
                        input id="token" type="password" name="token" autocomplete="current-password" required autofocus;
                        @if is_wrong { p.bad role="alert" { "This token is not right." } }
                        button.main type="submit" { "Sign in" }
                    }
                }
            }
        }
    };
    Reply::of(HTML, page.into_string())
}

pub(super) fn login(ask: &Ask) -> Result<Reply, Problem> {
    Ok(login_page(wanted_place(ask.parameter("next")), false))
}

pub(super) fn sign_in(ask: &Ask) -> Result<Reply, Problem> {
    let form = ask.form();
    let next = wanted_place(value(&form, "next")).to_owned();
    let Some(token) = &ask.app.options.token else { return Ok(Reply::see(next)) };
    if !value(&form, "token").is_some_and(|given| is_same(given.trim().as_bytes(), token.as_bytes())) {
        return Ok(login_page(&next, true).with_status(StatusCode::FORBIDDEN));
    }
    let mut reply = Reply::see(next);
    let secure = if ask.base.starts_with("https") { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={}; HttpOnly; SameSite=Strict; Path=/{secure}", cookie_of(token));
    reply.headers.push((header::SET_COOKIE, cookie));
    Ok(reply)
}

pub(super) fn sign_out(_: &Ask) -> Result<Reply, Problem> {
    let mut reply = Reply::see("/login");
    reply.headers.push((header::SET_COOKIE, format!("{COOKIE}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0")));
    Ok(reply)
}
