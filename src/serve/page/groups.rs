//! All groups, and a new one.

use maud::html;

use super::layout::{name, page, pager, status};
use super::{reply, value};
use crate::sema::query::Dialect;
use crate::serve::app::Ask;
use crate::serve::guard::encoded;
use crate::serve::reply::{Problem, Reply};
use crate::value::numeral::grouped;

/// Rows of a page.
const ROWS: u64 = 100;

pub(super) fn show(ask: &Ask) -> Result<Reply, Problem> {
    let reader = ask.reader()?;
    match ask.parameter("part") {
        Some("side") => return reply(super::layout::side(ask, &reader, "/groups")?),
        Some(_) | None => {}
    }
    let wanted = ask.parameter("g").unwrap_or_default();
    let offset = ask.number("offset")?.unwrap_or_default();
    let folded = wanted.to_lowercase();
    let mut groups: Vec<_> = reader.schema().groups().iter().collect();
    groups.retain(|group| folded.is_empty() || group.name.to_lowercase().contains(&folded));
    groups.sort_by_key(|group| (!group.smart, group.name.to_lowercase()));
    let total = groups.len() as u64;
    let start = usize::try_from(offset).unwrap_or(usize::MAX);
    let mut shown = Vec::new();
    for group in groups.iter().skip(start).take(ROWS as usize) {
        shown.push(reader.group(group.id)?);
    }
    let place = if wanted.is_empty() { "/groups".to_owned() } else { format!("/groups?g={}", encoded(wanted)) };
    let list = html! {
        div.scroll {
            table.all-groups {
                thead { tr { th scope="col" { "Group" } th.n scope="col" { "Members" } th.wide-only scope="col" { "Query" } } }
                tbody {
                    @for group in &shown {
                        tr {
                            th scope="row" { a href={ "/groups/" (group.uuid) } { (name(&group.name)) } " " (status(group.status.name()))
                                @if !group.smart { " " span.soft { "manual" } } }
                            td.n data-count=(group.uuid) { (grouped(group.count)) }
                            td.wide-only { @if let Some(query) = &group.query { code.cut { bdi { (query) } } } }
                        }
                    }
                }
            }
        }
        (pager(&place, offset, shown.len() as u64, total, ROWS))
    };
    if ask.parameter("part") == Some("list") {
        return reply(list);
    }
    let main = html! {
        h1 { "Groups" }
        form.find.inline action="/groups" role="search" {
            input type="search" name="g" value=(wanted) aria-label="Name of a group" placeholder="Name";
            button type="submit" { "Find" }
        }
        @if total == 0 {
            p.empty { @if wanted.is_empty() { "There are no groups yet." } @else { "No group has a name like this." } }
        }
        div data-part="list" { (list) }
        @if ask.app.options.allow_write {
            section {
                h2 { "New group" }
                form.stack method="post" action="/groups" {
                    label { "Name" input name="name" required maxlength="255" autocomplete="off" dir="auto"; }
                    label { "Query; without one its members are added by hand" input.code name="q" maxlength="10000" autocomplete="off" spellcheck="false" dir="auto"; }
                    button.main type="submit" { "Make" }
                }
            }
        }
    };
    page(ask, &reader, "Groups", "/groups", &main)
}

/// Makes a group: smart with a query, manual without.
pub(super) fn create(ask: &Ask) -> Result<Reply, Problem> {
    let form = ask.form();
    let group = value(&form, "name").ok_or_else(|| Problem::bad("a group needs a name"))?.to_owned();
    let query = value(&form, "q").map(str::to_owned);
    let clock = ask.app.clock;
    let uuid = ask.app.queue.write(move |workspace| {
        let made =
            workspace.write(clock.now(), |writer| writer.create_group(&group, query.as_deref(), Dialect::Extended))?;
        Ok(workspace.reader(clock.now())?.group(made.value)?.uuid)
    })?;
    Ok(Reply::see(format!("/groups/{uuid}")))
}
