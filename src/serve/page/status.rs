//! Status: sizes, the clock, what follows what, and the report.

use axum::http::header;
use maud::html;

use super::layout::{moment, name, page};
use super::reply;
use crate::answers::stats::StatsItem;
use crate::report::{Options, Report};
use crate::sema::groups_used;
use crate::serve::app::Ask;
use crate::serve::reply::{HTML, Problem, Reply};
use crate::value::numeral::grouped;

/// The report's page carries its styles within it, and nothing else.
const REPORT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                             frame-ancestors 'none'";

/// Groups whose dependencies are listed.
const LISTED: usize = 200;

/// Bytes as people read them.
fn bytes(count: u64) -> String {
    match count {
        0..10_000 => format!("{} B", grouped(count)),
        10_000..10_000_000 => format!("{} kB", grouped(count / 1_000)),
        10_000_000..10_000_000_000 => format!("{} MB", grouped(count / 1_000_000)),
        _ => format!("{} GB", grouped(count / 1_000_000_000)),
    }
}

pub(super) fn show(ask: &Ask) -> Result<Reply, Problem> {
    let reader = ask.reader()?;
    let stats = StatsItem::from(&reader.stats()?);
    let settings = reader.settings();
    let facts = html! {
        dl.facts.wide {
            @for (label, count) in [("Contacts", stats.contacts), ("Addresses", stats.urns), ("Groups", stats.groups),
                ("Entries of the log", stats.log_entries), ("Waiting for the text index", stats.dirty)] {
                div { dt { (label) } dd.big { (grouped(count)) } }
            }
            div { dt { "Clock" } dd { (moment(&reader, stats.clock)) } }
            div { dt { "Next by the clock" } dd { @match stats.next_due { Some(due) => (moment(&reader, due)), None => "nothing is due" } } }
            div { dt { "Zone" } dd { (settings.timezone) } }
            div { dt { "Store" } dd { (bytes(stats.file_bytes)) } }
            div { dt { "Text index" } dd { (bytes(stats.text_bytes)) } }
            div { dt { "This service" } dd { @if ask.app.options.allow_write { "reads and writes" } @else { "only reads" } } }
        }
    };
    match ask.parameter("part") {
        Some("facts") => return reply(facts),
        Some("side") => return reply(super::layout::side(ask, &reader, "/status")?),
        _ => {}
    }
    let schema = reader.schema();
    let mut follows = Vec::new();
    for group in schema.groups().iter().filter(|group| group.smart) {
        let used = reader.group_query(group.id).map(groups_used).unwrap_or_default();
        let used: Vec<_> = used.into_iter().filter_map(|id| schema.group_by_id(id)).collect();
        if !used.is_empty() {
            follows.push((group, used));
        }
    }
    let main = html! {
        h1 { "Status" }
        div data-part="facts" { (facts) }
        p { a href="/report" { "Report: sizes over time, overlaps, how far fields are filled" } }
        section {
            h2 { "What follows what" }
            @if follows.is_empty() { p.empty { "No group refers to another." } }
            @else {
                table.all-groups {
                    thead { tr { th scope="col" { "Group" } th scope="col" { "follows" } } }
                    tbody { @for (group, used) in follows.iter().take(LISTED) {
                        tr {
                            th scope="row" { a href={ "/groups/" (group.uuid) } { (name(&group.name)) } }
                            td { @for (at, other) in used.iter().enumerate() { @if at > 0 { ", " } a href={ "/groups/" (other.uuid) } { (name(&other.name)) } } }
                        }
                    } }
                }
            }
        }
        section {
            h2 { "Tables" }
            div.scroll {
                table.all-groups {
                    thead { tr { th scope="col" { "Table" } th.n scope="col" { "Entries" } th.n scope="col" { "Bytes" } } }
                    tbody { @for table in &stats.tables {
                        tr { th scope="row" { (table.name) } td.n { (grouped(table.entries)) } td.n { (bytes(table.bytes)) } }
                    } }
                }
            }
        }
    };
    page(ask, &reader, "Status", "/status", &main)
}

pub(super) fn report(ask: &Ask) -> Result<Reply, Problem> {
    let report = Report::gather(&ask.reader()?, Options::default())?;
    let mut reply = Reply::of(HTML, report.to_html());
    reply.headers.push((header::CONTENT_SECURITY_POLICY, REPORT_POLICY.to_owned()));
    Ok(reply)
}
