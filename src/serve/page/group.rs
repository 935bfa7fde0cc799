//! A group: its query, its members, its size over time, who moved and why, what depends on it; and its next query.

use maud::{Markup, PreEscaped, html};
use roaring::RoaringBitmap;

use super::contacts::{mistake, query_box, table};
use super::layout::{moment, name, page, pager, person, status};
use super::{reply, value};
use crate::answers::shapes::CauseName;
use crate::ids::DocumentNumber;
use crate::import::references::contact_ref;
use crate::sema::query::Dialect;
use crate::serve::app::Ask;
use crate::serve::guard::encoded;
use crate::serve::reply::{Problem, Reply};
use crate::value::numeral::{counted, grouped};
use crate::workspace::change::ContactRef;
use crate::workspace::{GroupInfo, Override, Period, Piece, Preview, Reader, WorkspaceError};

/// Members of a page.
const ROWS: u64 = 50;
/// Moves that are shown.
const MOVES: usize = 30;
/// Names of those who would enter or leave.
const NAMES: usize = 40;
/// Days that are drawn.
const DAYS: usize = 365;

fn found<'r>(ask: &Ask, reader: &'r Reader<'r>) -> Result<GroupInfo, Problem> {
    Ok(reader.group(reader.group_named(ask.named("uuid"))?)?)
}

pub(super) fn show(ask: &Ask) -> Result<Reply, Problem> {
    let reader = ask.reader()?;
    let group = found(ask, &reader)?;
    let here = format!("/groups/{}", group.uuid);
    match ask.parameter("part") {
        Some("facts") => return reply(facts(&reader, &group)?),
        Some("moves") => return reply(moves(&reader, &group)?),
        Some("members") => return reply(members(ask, &reader, &group)?),
        Some("side") => return reply(super::layout::side(ask, &reader, &here)?),
        _ => {}
    }
    let allows = ask.app.options.allow_write;
    let main = html! {
        p.kicker { a href="/groups" { "Groups" } " / " @if group.smart { "smart" } @else { "manual" } }
        h1 { (name(&group.name)) }
        div data-part="facts" { (facts(&reader, &group)?) }
        @if allows {
            div.actions {
                @if group.smart { a href={ (here) "/edit" } { "Edit the query" } }
                @if let Some(query) = &group.query { a href={ "/?q=" (encoded(query)) } { "Search with it" } }
                @if group.smart { (pin_form(&here)) }
                @if !group.system {
                    details {
                        summary { "Delete" }
                        form method="post" action={ (here) "/delete" } {
                            p { "Its " (counted(group.count, "member")) " leave it. The contacts stay." }
                            button.danger type="submit" { "Delete the group" }
                        }
                    }
                }
            }
        }
        div.two {
            section aria-labelledby="members" {
                h2 id="members" { "Members" }
                div data-part="members" { (members(ask, &reader, &group)?) }
            }
            section aria-labelledby="moves" {
                h2 id="moves" { "Entered and left" }
                div data-part="moves" { (moves(&reader, &group)?) }
            }
        }
    };
    page(ask, &reader, &group.name, &here, &main)
}

fn pin_form(here: &str) -> Markup {
    html! {
        details {
            summary { "Pin or exclude somebody" }
            form method="post" action={ (here) "/pin" } {
                label { "Contact: uuid or address " input name="contact" required autocomplete="off"; }
                label { "is " select name="as" {
                    option value="pinned" { "always in" }
                    option value="excluded" { "always out" }
                    option value="" { "left to the query again" }
                } }
                button.main type="submit" { "Decide" }
            }
        }
    }
}

fn facts(reader: &Reader<'_>, group: &GroupInfo) -> Result<Markup, Problem> {
    let periods = reader.group_history(group.id, Piece::Day)?;
    let sizes = by_day(&periods);
    let used_by = reader.dependents_of_group(group.id)?;
    let (pins, exclusions) = reader.overrides(group.id)?;
    let days = match (periods.first(), periods.last()) {
        (Some(first), Some(last)) if first.begins != last.begins => format!("{} to {}", first.begins, last.begins),
        _ => String::new(),
    };
    Ok(html! {
        dl.facts {
            div { dt { "Members" } dd.big data-count=(group.uuid) { (grouped(group.count)) } }
            @if sizes.len() > 1 {
                div.trend {
                    dt { "Size by day, " (days) }
                    dd role="img" aria-label={ "From " (grouped(sizes.first().copied().unwrap_or_default())) " to " (grouped(group.count)) " members" } {
                        (PreEscaped(crate::report::line(&sizes)))
                        span.soft { (grouped(sizes.iter().min().copied().unwrap_or_default())) " to " (grouped(sizes.iter().max().copied().unwrap_or_default())) }
                    }
                }
            }
        }
        @if group.smart {
            p.code.query-shown { bdi { (group.query.as_deref().unwrap_or("being filled")) } }
        }
        p {
            (status(group.status.name()))
            @if let Some(reason) = &group.reason { " " (name(reason)) }
            @if let Some(pending) = &group.pending { " Being filled with: " code { bdi { (pending) } } }
        }
        @if !used_by.is_empty() {
            p { "Used by " @for (at, other) in used_by.iter().enumerate() {
                @if at > 0 { ", " } a href={ "/groups/" (other.uuid) } { (name(&other.name)) }
            } }
        }
        @for (what, documents) in [("Always in", &pins), ("Always out", &exclusions)] {
            @if !documents.is_empty() {
                p { (what) ": " (people(reader, documents)?) }
            }
        }
    })
}

/// The size on each day, the last of them the present: days on which nothing moved are as the day before.
fn by_day(periods: &[Period]) -> Vec<u64> {
    let day = |period: &Period| period.begins.parse::<jiff::civil::Date>().ok();
    let mut sizes = Vec::new();
    for (period, next) in periods.iter().zip(periods.iter().skip(1).map(Some).chain([None])) {
        let days = match (day(period), next.and_then(day)) {
            (Some(from), Some(to)) => usize::try_from((to - from).get_days()).unwrap_or(1),
            _ => 1,
        };
        sizes.extend(std::iter::repeat_n(period.count, days.min(DAYS)));
    }
    sizes.split_off(sizes.len().saturating_sub(DAYS))
}

/// The first names of many.
fn people(reader: &Reader<'_>, documents: &RoaringBitmap) -> Result<Markup, Problem> {
    let mut named = Vec::new();
    for document in documents.iter().take(NAMES).map(DocumentNumber) {
        if let Some(row) = reader.row(document)? {
            named.push((row.uuid().to_string(), row.name().map(str::to_owned)));
        }
    }
    let more = documents.len().saturating_sub(named.len() as u64);
    Ok(html! {
        ul.people { @for (uuid, text) in &named { li { a href={ "/contacts/" (uuid) } { (person(text.as_deref(), uuid)) } } } }
        @if more > 0 { span.soft { "and " (grouped(more)) " more" } }
    })
}

fn members(ask: &Ask, reader: &Reader<'_>, group: &GroupInfo) -> Result<Markup, Problem> {
    let offset = ask.number("offset")?.unwrap_or_default();
    let members = reader.members(group.id)?;
    let start = usize::try_from(offset).unwrap_or(usize::MAX);
    let documents: Vec<DocumentNumber> = members.iter().skip(start).take(ROWS as usize).map(DocumentNumber).collect();
    let place = format!("/groups/{}", group.uuid);
    Ok(html! {
        @if members.is_empty() { p.empty { "Nobody is in this group." } }
        @else {
            (table(reader, &documents, &[], None)?)
            (pager(&place, offset, documents.len() as u64, members.len(), ROWS))
        }
    })
}

fn moves(reader: &Reader<'_>, group: &GroupInfo) -> Result<Markup, Problem> {
    let events = reader.last_moves(group.id, MOVES)?;
    let mut rows = Vec::new();
    for event in &events {
        let document = reader.find(&ContactRef::Uuid(event.contact))?;
        let row = document.map(|document| reader.row(document)).transpose()?.flatten();
        let known = row.as_ref().and_then(|row| row.name()).map(str::to_owned);
        rows.push((event, known, event.groups_added.iter().any(|added| added.uuid == group.uuid)));
    }
    Ok(html! {
        @if rows.is_empty() { p.empty { "Nobody has entered or left." } }
        ol.moves {
            @for (event, known, entered) in &rows {
                li class=(if *entered { "in" } else { "out" }) {
                    span.way { @if *entered { "entered" } @else { "left" } }
                    a href={ "/contacts/" (event.contact) "?group=" (group.uuid) "#why" } { (person(known.as_deref(), &event.contact.to_string())) }
                    span.soft { (CauseName::from(event.cause).name()) " · " (moment(reader, event.time)) }
                }
            }
        }
    })
}

/// The next query of a group, with who would enter and leave.
pub(super) fn edit(ask: &Ask) -> Result<Reply, Problem> {
    let reader = ask.reader()?;
    let group = found(ask, &reader)?;
    let current = group.pending.as_ref().or(group.query.as_ref()).cloned().unwrap_or_default();
    let text = ask.parameter("query").unwrap_or(&current).to_owned();
    let preview = if text.trim().is_empty() || text == current {
        html! { p.soft { "Change the query to see who would enter and leave. Nothing is saved until you save it." } }
    } else {
        match reader.preview(group.id, &text, Dialect::Extended) {
            Ok(moves) => preview(&reader, &moves)?,
            Err(WorkspaceError::Query { errors, .. }) => mistake(&text, &errors),
            Err(error) => html! { p.bad role="alert" { (name(&error.to_string())) } },
        }
    };
    if ask.parameter("part") == Some("preview") {
        return reply(preview);
    }
    let here = format!("/groups/{}", group.uuid);
    let main = html! {
        p.kicker { a href="/groups" { "Groups" } " / " a href=(here) { (name(&group.name)) } }
        h1 { "Edit the query" }
        (query_box("query", &text, &format!("{here}/edit"), html! {
            button type="submit" { "Preview" }
            button.main type="submit" formmethod="post" { "Save" }
        }))
        div.preview data-part="preview" aria-live="polite" { (preview) }
    };
    page(ask, &reader, &group.name, &here, &main)
}

fn preview(reader: &Reader<'_>, moves: &Preview) -> Result<Markup, Problem> {
    Ok(html! {
        div.two {
            section { h2.in { (grouped(moves.entered.len())) " would enter" } (people(reader, &moves.entered)?) }
            section { h2.out { (grouped(moves.left.len())) " would leave" } (people(reader, &moves.left)?) }
        }
    })
}

pub(super) fn save(ask: &Ask) -> Result<Reply, Problem> {
    let group = found(ask, &ask.reader()?)?;
    let form = ask.form();
    let query = value(&form, "query").unwrap_or_default().to_owned();
    let (clock, id, text) = (ask.app.clock, group.id, query.clone());
    let saved = ask.app.queue.write(move |workspace| {
        workspace.write(clock.now(), |writer| writer.edit_group(id, &text, Dialect::Extended)).map(drop)
    });
    match saved {
        Ok(()) => Ok(Reply::see(format!("/groups/{}", group.uuid))),
        // What was typed is not lost: the page shows what is wrong with it.
        Err(WorkspaceError::Query { .. } | WorkspaceError::GroupCycle(_)) => {
            Ok(Reply::see(format!("/groups/{}/edit?query={}", group.uuid, encoded(&query))))
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) fn delete(ask: &Ask) -> Result<Reply, Problem> {
    let id = found(ask, &ask.reader()?)?.id;
    let clock = ask.app.clock;
    ask.app.queue.write(move |workspace| workspace.write(clock.now(), |writer| writer.delete_group(id)).map(drop))?;
    Ok(Reply::see("/groups"))
}

pub(super) fn pin(ask: &Ask) -> Result<Reply, Problem> {
    let reader = ask.reader()?;
    let group = found(ask, &reader)?;
    let form = ask.form();
    let to = match value(&form, "as") {
        Some("pinned") => Some(Override::Pinned),
        Some("excluded") => Some(Override::Excluded),
        _ => None,
    };
    let text = value(&form, "contact").unwrap_or_default();
    let reference = contact_ref(text).map_err(|_| Problem::bad("name the contact by its uuid or an address"))?;
    let document = reader.find(&reference)?.ok_or_else(|| Problem::missing("there is no such contact"))?;
    drop(reader);
    let (clock, id) = (ask.app.clock, group.id);
    ask.app.queue.write(move |workspace| {
        let documents = RoaringBitmap::from_iter([document.0]);
        workspace.write_by_hand(clock.now(), |writer| writer.override_members(id, &documents, to)).map(drop)
    })?;
    Ok(Reply::see(format!("/groups/{}", group.uuid)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_without_moves_are_as_the_day_before() {
        let period = |begins: &str, count| Period { begins: begins.to_owned(), entered: 0, left: 0, count };
        let periods = [period("2026-01-30", 5), period("2026-02-02", 7), period("2026-02-03", 6)];
        assert_eq!(by_day(&periods), [5, 5, 5, 7, 6]);
        assert!(by_day(&[]).is_empty());
        assert_eq!(by_day(&[period("2020-01-01", 1), period("2026-01-01", 2)]).len(), DAYS);
    }
}
