//! The figures as one HTML page: sections in the order in which they are read.
//!
//! Every picture stands beside the numbers that it draws: as a cell of their table, or with the table folded below it.

mod charts;
mod groups;
mod html;

use super::Report;
use super::contacts::Contacts;
use super::fields::{FieldFigures, Shape};
use crate::schema::FieldType;
use crate::store::GroupStatus;
use charts::{bar, bar_table, histogram};
use html::{Escaped, Html, Name, counted, grouped, listed, percent, put};

/// Groups in the list of the slowest.
pub(super) const SLOWEST: usize = 12;

const STYLE: &str = include_str!("style.css");

/// The widths of the columns of the table of fields.
const FILL: &str =
    "<colgroup><col class=\"c-1\"><col><col class=\"c-3\"><col class=\"c-4\"><col class=\"c-5 wide-only\"></colgroup>";

/// Nothing is fetched, nothing runs, nothing is sent: only the page's own styles apply.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// A line through sizes.
pub(super) fn line(sizes: &[u64]) -> String {
    let mut html = Html::default();
    charts::spark(&mut html, sizes);
    html.out
}

/// The whole page. Its size is bounded by the options, whatever the size of the workspace.
pub(super) fn render(report: &Report) -> String {
    let mut html = Html::default();
    put!(html, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    put!(html, "<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n");
    put!(html, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    put!(html, "<meta name=\"referrer\" content=\"no-referrer\">\n");
    put!(html, "<meta name=\"generator\" content=\"headcount {}\">\n", env!("CARGO_PKG_VERSION"));
    put!(html, "<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n", Escaped(&report.title));
    head(&mut html, report);
    put!(html, "<main>\n");
    figures(&mut html, report);
    worth_a_look(&mut html, report);
    contacts(&mut html, report);
    groups::sizes(&mut html, report);
    groups::movements(&mut html, report);
    groups::overlaps(&mut html, report);
    fields(&mut html, report);
    groups::costs(&mut html, report);
    put!(html, "</main>\n<footer><p>Made by headcount {}, from one consistent moment ", env!("CARGO_PKG_VERSION"));
    put!(html, "of the workspace. All counts are exact. The page holds no scripts and fetches nothing.</p></footer>\n");
    put!(html, "</body>\n</html>\n");
    html.out
}

fn head(html: &mut Html, report: &Report) {
    put!(html, "<header><p class=\"eyebrow\">headcount report</p><h1>{}</h1>", Name(&report.title));
    put!(html, "<p class=\"soft\">As of {} ({}).", Escaped(&report.now_text), Escaped(&report.zone_name));
    if report.hides_addresses {
        put!(html, " Addresses are hidden in this workspace.");
    }
    put!(html, "</p><nav aria-label=\"Sections\">");
    let mut sections = vec![("contacts", "Contacts"), ("groups", "Groups"), ("movements", "Entered and left")];
    sections.extend([("overlaps", "Overlaps"), ("fields", "Fields"), ("cost", "Cost")]);
    for (id, name) in sections {
        put!(html, "<a href=\"#{id}\">{name}</a> ");
    }
    put!(html, "</nav></header>\n");
}

fn figure(html: &mut Html, name: &str, value: &str, note: &str) {
    // Long numbers are set smaller, so that they stay within their column.
    let size = match value.len() {
        0..9 => "",
        9..12 => "long",
        _ => "longer",
    };
    put!(html, "<div class=\"figure\"><dt>{name}</dt><dd><b class=\"{size}\">{value}</b>");
    put!(html, "<small>{note}</small></dd></div>");
}

fn figures(html: &mut Html, report: &Report) {
    let Report { contacts, groups, .. } = report;
    let active = contacts.active.len();
    put!(html, "<dl class=\"figures\">");
    figure(html, "Contacts", &grouped(report.contacts_total), &format!("{} active", grouped(active)));
    let smart = format!("{} smart, {} manual", grouped(groups.count(true) as u64), grouped(groups.count(false) as u64));
    figure(html, "Groups", &grouped(groups.all.len() as u64), &smart);
    let each = if active == 0 { 0.0 } else { groups.memberships as f64 / active as f64 };
    figure(html, "Memberships", &grouped(groups.memberships), &format!("{each:.1} per active contact"));
    let alone = groups.by_memberships.first().copied().unwrap_or_default();
    figure(html, "In no group", &grouped(alone), &format!("{} of the active", percent(alone, active)));
    let recent: u64 = contacts.recency.iter().take(3).map(|(_, count)| count).sum();
    let share = format!("{} of all contacts", percent(recent, report.contacts_total));
    figure(html, "Heard from in 30 days", &grouped(recent), &share);
    let next = report.next_due.as_deref().unwrap_or("none");
    put!(html, "<div class=\"figure\"><dt>Next by the clock</dt><dd><b class=\"when\">{}</b>", Escaped(next));
    put!(html, "<small>when time moves a membership</small></dd></div>");
    put!(html, "</dl>\n");
}

/// What somebody who keeps a workspace in order would want to know, as sentences.
fn worth_a_look(html: &mut Html, report: &Report) {
    let mut notes: Vec<String> = Vec::new();
    let groups = &report.groups;
    let mut note = |names: Vec<&str>, one: &str, several: &str| {
        if !names.is_empty() {
            let count = names.len() as u64;
            let what = if count == 1 { one } else { several };
            notes.push(format!("<b>{}</b> {what}: {}.", grouped(count), listed(names.into_iter(), 6)));
        }
    };
    let names = |status: GroupStatus| groups.in_state(status).map(|group| group.name.as_str()).collect::<Vec<_>>();
    note(
        names(GroupStatus::Invalid),
        "group’s query no longer compiles, so its members are stale",
        "groups’ queries no longer compile, so their members are stale",
    );
    note(names(GroupStatus::Initializing), "group is still being filled", "groups are still being filled");
    note(names(GroupStatus::Evaluating), "group is taking on a new query", "groups are taking on new queries");
    let empty = groups.empty().map(|group| group.name.as_str()).collect();
    note(empty, "group is empty", "groups are empty");
    let unused = report.fields.iter().filter(|field| field.filled == 0 && field.unconvertible == 0);
    note(
        unused.map(|field| field.name.as_str()).collect(),
        "field is filled for nobody",
        "fields are filled for nobody",
    );
    for twins in groups.twins.iter().take(4) {
        let names = twins.iter().filter_map(|&place| groups.at(place)).map(|group| group.name.as_str());
        let members = twins.first().and_then(|&place| groups.at(place)).map_or(0, |group| group.count);
        let count = grouped(members);
        notes.push(format!("<b>{}</b> groups have the same {count} members: {}.", twins.len(), listed(names, 6)));
    }
    if groups.twins.len() > 4 {
        notes.push(format!("<b>{}</b> more sets of groups with the same members.", groups.twins.len() - 4));
    }
    for field in report.fields.iter().filter(|field| field.unconvertible > 0) {
        let what = if field.kind == FieldType::Number { "number" } else { "date" };
        let count = grouped(field.unconvertible);
        let texts = if field.unconvertible == 1 { "text is no" } else { "texts are no" };
        let name = Name(&field.name);
        notes.push(format!("<b>{count}</b> {texts} {what} in {name}, so queries see no value there."));
    }
    if !report.hides_addresses {
        let without = report.contacts_total.saturating_sub(report.contacts.with("Address"));
        if without > 0 {
            let contacts = if without == 1 { "contact has" } else { "contacts have" };
            notes.push(format!("<b>{}</b> {contacts} no address to be reached at.", grouped(without)));
        }
    }
    put!(html, "<aside class=\"look\" aria-labelledby=\"look\"><h2 id=\"look\">Worth a look</h2>");
    if notes.is_empty() {
        put!(
            html,
            "<p class=\"soft\">Nothing odd: every group has members of its own, every field is filled and reads.</p>"
        );
    } else {
        put!(html, "<ul>");
        notes.iter().for_each(|note| put!(html, "<li>{note}</li>"));
        put!(html, "</ul>");
    }
    put!(html, "</aside>\n");
}

fn section(html: &mut Html, id: &str, title: &str, lead: &str) {
    put!(html, "<section id=\"{id}\" aria-labelledby=\"h-{id}\"><h2 id=\"h-{id}\">{title}</h2>");
    put!(html, "<p class=\"lead\">{lead}</p>");
}

fn contacts(html: &mut Html, report: &Report) {
    let Contacts { statuses, languages, schemes, recency, created, active, .. } = &report.contacts;
    let total = report.contacts_total;
    section(html, "contacts", "Contacts", "Who is there, how they can be reached, and when they were last heard from.");
    put!(html, "<div class=\"cards\">");
    let owned = |rows: &[(&'static str, u64)]| -> Vec<(String, u64)> {
        rows.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    };
    let mut card = |title: &str, rows: &[(String, u64)], rest: Option<&(String, u64)>, total: u64| {
        if rows.iter().any(|(_, count)| *count > 0) {
            put!(html, "<div class=\"card\"><h3>{title}</h3>");
            bar_table(html, title, rows, rest, total);
            put!(html, "</div>");
        }
    };
    card("Last heard from", &owned(recency), None, total);
    card("Channels", &schemes.values, schemes.others.as_ref(), total);
    card("Languages", &languages.values, languages.others.as_ref(), total);
    card("Status", &owned(statuses), None, total);
    card("Groups of an active contact", &by_memberships(&report.groups.by_memberships), None, active.len());
    if let Some(created) = created {
        put!(html, "<div class=\"card\"><h3>Created</h3>");
        histogram(html, "When contacts were created", created);
        put!(html, "</div>");
    }
    put!(html, "</div></section>\n");
}

/// Contacts by the number of groups that they are in, from 0 on: one by one if there are few numbers, else in ranges.
fn by_memberships(counts: &[u64]) -> Vec<(String, u64)> {
    const ONE_BY_ONE: usize = 12;
    const BEGINNINGS: [usize; 12] = [0, 1, 2, 6, 11, 21, 51, 101, 201, 501, 1_001, 5_001];
    let named = |from: usize, to: usize| match (from, to) {
        (0, _) => "in none".to_owned(),
        (1, 1) => "in 1 group".to_owned(),
        (from, to) if from == to => format!("in {from} groups"),
        (from, usize::MAX) => format!("in {} or more", grouped(from as u64)),
        (from, to) => format!("in {} to {}", grouped(from as u64), grouped(to as u64)),
    };
    if counts.len() <= ONE_BY_ONE + 1 {
        return counts.iter().enumerate().map(|(number, count)| (named(number, number), *count)).collect();
    }
    let ends = BEGINNINGS.iter().skip(1).map(|next| next - 1).chain([usize::MAX]);
    let ranges = BEGINNINGS.into_iter().zip(ends).map(|(from, to)| {
        let inside = counts.iter().skip(from).take(to.saturating_sub(from).saturating_add(1));
        (named(from, to), inside.sum())
    });
    ranges.enumerate().filter(|(at, (_, count))| *at == 0 || *count > 0).map(|(_, range)| range).collect()
}

fn fields(html: &mut Html, report: &Report) {
    let total = report.contacts_total;
    section(html, "fields", "Fields", "How many contacts have a value, how many values there are, and which.");
    if report.fields.is_empty() {
        put!(html, "<p>There are no custom fields.</p></section>\n");
        return;
    }
    put!(html, "<div class=\"wide\"><h3>Filled</h3>");
    put!(
        html,
        "<table class=\"bars fill\"><caption class=\"vh\">How far each field is filled</caption>{FILL}<thead><tr>"
    );
    put!(html, "<th scope=\"col\">Field</th><th scope=\"col\"><span class=\"vh\">Bar</span></th>");
    put!(html, "<th scope=\"col\" class=\"n\">Contacts</th><th scope=\"col\" class=\"n\">Share</th>");
    put!(html, "<th scope=\"col\" class=\"n wide-only\">Distinct values</th></tr></thead><tbody>");
    let mut sorted: Vec<&FieldFigures> = report.fields.iter().collect();
    sorted.sort_by_key(|field| std::cmp::Reverse(field.filled));
    for field in sorted {
        put!(html, "<tr><th scope=\"row\"><span class=\"name\">{} ", Name(&field.name));
        put!(html, "<span class=\"kind\">{}</span></span></th><td>", field.kind.name());
        bar(html, field.filled, total, "");
        put!(html, "</td><td class=\"n\">{}</td>", grouped(field.filled));
        put!(html, "<td class=\"n soft\">{}</td>", percent(field.filled, total));
        put!(html, "<td class=\"n soft wide-only\">{}</td></tr>", grouped(field.distinct));
    }
    put!(html, "</tbody></table>");
    if report.more_fields > 0 {
        put!(html, "<p class=\"note\">And {} more fields.</p>", grouped(report.more_fields as u64));
    }
    put!(html, "</div><div class=\"cards\">");
    for field in report.fields.iter().filter(|field| field.filled > 0) {
        put!(html, "<div class=\"card\"><h3>{} <span class=\"kind\">{}", Name(&field.name), Escaped(&field.key));
        put!(html, ", {}</span></h3>", field.kind.name());
        match &field.shape {
            Shape::Empty => {}
            Shape::AllDifferent => {
                put!(html, "<p class=\"note\">{} values, each of one contact alone.</p>", grouped(field.distinct));
            }
            Shape::Top { values, others } => {
                let more = field.distinct.saturating_sub(values.len() as u64);
                let rest = (counted(more, "other value"), *others);
                let rest = Some(&rest).filter(|_| *others > 0);
                bar_table(html, &format!("Values of {}", field.name), values, rest, field.filled);
            }
            Shape::Histogram(figures) => histogram(html, &format!("Values of {}", field.name), figures),
        }
        put!(html, "</div>");
    }
    put!(html, "</div></section>\n");
}
