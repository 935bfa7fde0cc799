//! A contact: what it holds, where it is in, and why.

use maud::{Markup, html};

use super::layout::{moment, moment_or_none, name, page, person, status};
use super::reply;
use crate::answers::contact::ContactItem;
use crate::answers::person::{GroupsOf, Timeline};
use crate::answers::search::contact_named;
use crate::answers::shapes::MembershipChange;
use crate::answers::why::{ClauseItem, Explanation};
use crate::ids::DocumentNumber;
use crate::serve::api::reference;
use crate::serve::app::Ask;
use crate::serve::reply::{Problem, Reply};
use crate::value::numeral::grouped;
use crate::workspace::Reader;

/// Entries of the timeline that are shown at once.
const ENTRIES: usize = 50;

pub(super) fn show(ask: &Ask) -> Result<Reply, Problem> {
    let reader = ask.reader()?;
    let document = contact_named(&reader, &reference(ask.named("uuid"), &reader)?)?;
    let missing = || Problem::missing("there is no such contact");
    let item = ContactItem::shown(&reader, document)?.ok_or_else(missing)?;
    match ask.parameter("part") {
        Some("facts") => return reply(facts(&reader, &item)),
        Some("groups") => return reply(groups(&reader, document, &item)?),
        Some("why") => return reply(why(ask, &reader, document)?),
        Some("timeline") => return reply(timeline(ask, &reader, document, &item)?),
        Some("side") => return reply(super::layout::side(ask, &reader, "")?),
        _ => {}
    }
    let title = item.name.clone().unwrap_or_else(|| "A contact".to_owned());
    let main = html! {
        p.kicker { a href="/" { "Contacts" } }
        h1 { (person(item.name.as_deref(), &item.uuid)) @if let Some(status) = item.status.filter(|status| *status != "active") { " " span.state { (status) } } }
        div data-part="facts" { (facts(&reader, &item)) }
        div.two {
            section aria-labelledby="groups" {
                h2 id="groups" { "Groups" }
                div data-part="groups" { (groups(&reader, document, &item)?) }
                h2 id="why" { "Why, or why not" }
                (chooser(ask, &reader, &item))
                div data-part="why" { (why(ask, &reader, document)?) }
            }
            section aria-labelledby="timeline" {
                h2 id="timeline" { "Timeline" }
                div data-part="timeline" { (timeline(ask, &reader, document, &item)?) }
            }
        }
    };
    page(ask, &reader, &title, "", &main)
}

fn facts(reader: &Reader<'_>, item: &ContactItem) -> Markup {
    let field_name = |key: &str| reader.schema().field(key).map_or_else(|| key.to_owned(), |field| field.name.clone());
    html! {
        dl.facts.wide {
            div { dt { "Addresses" } dd { @for urn in &item.urns { bdi.line { (urn) } } @if item.urns.is_empty() { span.soft { "none" } } } }
            @if let Some(language) = &item.language { div { dt { "Language" } dd { (language) } } }
            @if let Some(flow) = &item.flow { div { dt { "In the flow" } dd { (name(&flow.name)) } } }
            @if item.tickets > 0 { div { dt { "Open tickets" } dd { (grouped(item.tickets.into())) } } }
            div { dt { "Created" } dd { (moment_or_none(reader, item.created_on)) } }
            @if item.last_seen_on.is_some() { div { dt { "Last seen" } dd { (moment_or_none(reader, item.last_seen_on)) } } }
            @for (key, text) in &item.fields { div { dt { (name(&field_name(key))) } dd { (name(text)) } } }
        }
    }
}

fn groups(reader: &Reader<'_>, document: DocumentNumber, item: &ContactItem) -> Result<Markup, Problem> {
    let of = GroupsOf::of(reader, document)?;
    Ok(html! {
        @if of.groups.is_empty() { p.empty { "In no group." } }
        ul.in-groups {
            @for group in &of.groups {
                li {
                    a href={ "/groups/" (group.uuid) } { (name(&group.name)) } " " (status(&group.status))
                    @if of.pinned.contains(&group.name) { " " span.state { "pinned" } }
                    a.why-link href={ "/contacts/" (item.uuid) "?group=" (group.uuid) "#why" } { "why" }
                }
            }
        }
        @if !of.excluded.is_empty() { p { "Always out of " @for (at, text) in of.excluded.iter().enumerate() { @if at > 0 { ", " } (name(text)) } } }
    })
}

fn chooser(ask: &Ask, reader: &Reader<'_>, item: &ContactItem) -> Markup {
    let mut groups: Vec<_> = reader.schema().groups().iter().collect();
    groups.sort_by_key(|group| (!group.smart, group.name.to_lowercase()));
    let chosen = ask.parameter("group").unwrap_or_default();
    html! {
        form.inline action={ "/contacts/" (item.uuid) "#why" } data-auto="" {
            select name="group" aria-label="Group" {
                @for group in &groups {
                    @let uuid = group.uuid.to_string();
                    option value=(uuid) selected[uuid == chosen] { (group.name) }
                }
            }
            button type="submit" { "Explain" }
        }
    }
}

fn why(ask: &Ask, reader: &Reader<'_>, document: DocumentNumber) -> Result<Markup, Problem> {
    let Some(group) = ask.parameter("group") else { return Ok(html! {}) };
    let explanation = Explanation::from(&reader.why(document, reader.group_named(group)?)?);
    Ok(html! {
        div class=(if explanation.member { "why yes" } else { "why no" }) {
            p.verdict { b { @if explanation.member { "In" } @else { "Not in" } } " " (name(&explanation.group.name)) ". " (name(&explanation.reason)) }
            @if let Some(clauses) = &explanation.clauses { ul.clauses { (clause(clauses)) } }
            @if let Some(mend) = explanation.mend.as_ref().filter(|mend| !mend.is_empty()) {
                p { "To let it in: " @for (at, step) in mend.iter().enumerate() { @if at > 0 { "; " } b { (name(step)) } } "." }
            }
            @if let Some(last) = &explanation.last_change {
                p.soft { @if last.entered { "Entered" } @else { "Left" } " last at " (moment(reader, last.created_on)) "; cause: " (last.cause.name()) "." }
            }
        }
    })
}

fn clause(item: &ClauseItem) -> Markup {
    let title = match item.kind {
        "all" => "all of",
        "any" => "any of",
        "not" => "not",
        _ => "",
    };
    html! {
        li class=(if item.holds { "holds" } else { "fails" }) {
            span.mark aria-label=(if item.holds { "holds" } else { "does not hold" }) { @if item.holds { "✓" } @else { "✗" } }
            @match &item.text {
                Some(text) => {
                    code { bdi { (text) } }
                    @if let Some(saw) = &item.saw {
                        span.saw { " saw " @if saw.is_empty() { "no value" } @for (at, value) in saw.iter().enumerate() { @if at > 0 { ", " } b { (name(value)) } } }
                    }
                }
                None => span.soft { (title) },
            }
            @if !item.clauses.is_empty() { ul.clauses { @for inner in &item.clauses { (clause(inner)) } } }
            @for inner in &item.groups {
                @if let Some(clauses) = &inner.clauses { ul.clauses { (clause(clauses)) } }
            }
        }
    }
}

fn timeline(ask: &Ask, reader: &Reader<'_>, document: DocumentNumber, item: &ContactItem) -> Result<Markup, Problem> {
    let all = Timeline::of(reader, document)?.changes;
    let offset = usize::try_from(ask.number("offset")?.unwrap_or_default()).unwrap_or(usize::MAX);
    let shown: Vec<&MembershipChange> = all.iter().rev().skip(offset).take(ENTRIES).collect();
    let place = format!("/contacts/{}", item.uuid);
    Ok(html! {
        @if all.is_empty() { p.empty { "It has entered and left no group." } }
        ol.moves {
            @for change in &shown {
                @for (way, class, groups) in [("entered", "in", &change.groups_added), ("left", "out", &change.groups_removed)] {
                    @for group in groups {
                        li class=(class) {
                            span.way { (way) }
                            a href={ "/groups/" (group.uuid) } { (name(&group.name)) }
                            span.soft { (change.cause.name()) " · " (moment(reader, change.created_on)) }
                        }
                    }
                }
            }
        }
        (super::layout::pager(&place, offset as u64, shown.len() as u64, all.len() as u64, ENTRIES as u64))
    })
}
