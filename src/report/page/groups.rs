//! The sections on groups: sizes, movements, overlaps, cost.

use std::time::Duration;

use super::charts::{COLUMNS_OF_BARS, bar, dots, letter, letters, spark, strip};
use super::html::{Escaped, Html, Name, counted, grouped, percent, put, short};
use super::section;
use crate::ids::GroupId;
use crate::report::Report;
use crate::report::movements::Moved;
use crate::store::{Cause, GroupStatus};
use crate::workspace::GroupInfo;

/// Groups in the lists of those that moved most.
const MOVERS: usize = 8;
/// Combinations that are drawn.
const COMBINATIONS: usize = 16;
/// Groups in the folded list of all sizes.
const LISTED: usize = 250;

/// A group's name with its query, or what it is instead.
fn name_cell(html: &mut Html, group: &GroupInfo) {
    put!(html, "<th scope=\"row\"><span class=\"name\" title=\"{}\">{}", Escaped(&group.name), Name(&group.name));
    match group.status {
        GroupStatus::Ready => {}
        GroupStatus::Invalid => put!(html, " <span class=\"kind\">invalid</span>"),
        GroupStatus::Initializing | GroupStatus::Evaluating => put!(html, " <span class=\"kind\">being filled</span>"),
    }
    put!(html, "</span>");
    match &group.query {
        Some(query) => {
            let shown = short(query, 160);
            put!(
                html,
                "<span class=\"query\" dir=\"ltr\" title=\"{}\">{}</span>",
                Escaped(&short(query, 600)),
                Escaped(&shown)
            );
        }
        None => put!(html, "<span class=\"kind\">manual</span>"),
    }
    put!(html, "</th>");
}

pub(super) fn sizes(html: &mut Html, report: &Report) {
    let groups = &report.groups;
    section(
        html,
        "groups",
        "Groups",
        "The largest groups, with what puts people into them and how their size went over time.",
    );
    if groups.all.is_empty() {
        put!(html, "<p>There are no groups yet.</p></section>\n");
        return;
    }
    let most = groups.all.first().map_or(0, |group| group.count);
    let zero = Moved::default();
    put!(
        html,
        "<div class=\"wide\"><table class=\"groups\"><caption class=\"vh\">Sizes of the largest groups</caption>"
    );
    put!(html, "<thead><tr><th scope=\"col\" class=\"c-name\">Group</th><th scope=\"col\" class=\"c-bar\">");
    put!(html, "<span class=\"vh\">Bar</span></th><th scope=\"col\" class=\"n c-n\">Members</th>");
    put!(html, "<th scope=\"col\" class=\"c-trend wide-only\">Over time</th>");
    put!(html, "<th scope=\"col\" class=\"n wide-only\">Entered</th><th scope=\"col\" class=\"n wide-only\">Left</th>");
    put!(html, "</tr></thead><tbody>");
    for group in groups.all.iter().take(report.drawn_groups) {
        put!(html, "<tr>");
        name_cell(html, group);
        put!(html, "<td>");
        bar(html, group.count, most, "");
        put!(html, "</td><td class=\"n\">{}</td><td class=\"wide-only\">", grouped(group.count));
        let movements = report.movements.as_ref();
        if let Some(sizes) = movements.and_then(|movements| movements.sizes(group.id, group.count)) {
            spark(html, &sizes);
        }
        let moved = movements.and_then(|movements| movements.by_group.get(&group.id)).unwrap_or(&zero);
        put!(html, "</td><td class=\"n wide-only\">{}</td>", grouped(moved.entered));
        put!(html, "<td class=\"n wide-only\">{}</td></tr>", grouped(moved.left));
    }
    put!(html, "</tbody></table>");
    let rest = groups.all.get(report.drawn_groups..).unwrap_or_default();
    if !rest.is_empty() {
        let members: u64 = rest.iter().map(|group| group.count).sum();
        let largest = rest.first().map_or(0, |group| group.count);
        put!(
            html,
            "<p class=\"note\">And {} of at most {}; ",
            counted(rest.len() as u64, "more group"),
            counted(largest, "member")
        );
        put!(html, "together they have {}.</p>", counted(members, "membership"));
        put!(
            html,
            "<details><summary>The next {}</summary><div class=\"scroll\" tabindex=\"0\">",
            grouped(rest.len().min(LISTED) as u64)
        );
        put!(
            html,
            "<table class=\"plain\"><thead><tr><th scope=\"col\">Group</th><th scope=\"col\" class=\"n\">Members</th></tr></thead><tbody>"
        );
        for group in rest.iter().take(LISTED) {
            put!(html, "<tr><th scope=\"row\"><span class=\"name\">{}</span></th>", Name(&group.name));
            put!(html, "<td class=\"n\">{}</td></tr>", grouped(group.count));
        }
        put!(html, "</tbody></table></div></details>");
    }
    put!(html, "</div></section>\n");
}

/// What a cause is called, and what is said of it.
fn cause(cause: Cause) -> (&'static str, &'static str) {
    match cause {
        Cause::Change => ("Contacts changed", "their fields, status, language and so on"),
        Cause::Manual => ("By hand", "members added to and removed from manual groups"),
        Cause::Clock => ("Time passed", "relative dates and anniversaries came true or lapsed"),
        Cause::Edit => ("Groups edited", "groups were created, filled, edited or deleted"),
    }
}

pub(super) fn movements(html: &mut Html, report: &Report) {
    let lead = "Memberships gained and lost, by what caused them. Each picture has a scale of its own.";
    section(html, "movements", "Entered and left", lead);
    let Some(movements) = &report.movements else {
        put!(html, "<p>Nobody has entered or left a group yet.</p></section>\n");
        return;
    };
    put!(
        html,
        "<p class=\"soft\"><span class=\"key\"></span>entered, upwards &nbsp; <span class=\"key o\"></span>left, downwards"
    );
    put!(html, " &nbsp;·&nbsp; one column for each {}", movements.axis.step.name());
    if movements.is_cut {
        put!(html, " &nbsp;·&nbsp; the log no longer reaches further back");
    }
    put!(html, "</p><div class=\"strips\">");
    for series in &movements.series {
        let (name, note) = cause(series.cause);
        put!(html, "<div class=\"card\"><h3>{name} <span class=\"kind\">{note}</span></h3>");
        put!(
            html,
            "<p class=\"note\"><b>{}</b> entered, <b>{}</b> left</p>",
            grouped(series.total.entered),
            grouped(series.total.left)
        );
        strip(html, &format!("{name}: memberships gained and lost over time"), movements, series);
        put!(
            html,
            "<details><summary>Table<span class=\"vh\"> of {name}</span></summary><div class=\"scroll\" tabindex=\"0\">"
        );
        put!(
            html,
            "<table class=\"plain\"><thead><tr><th scope=\"col\">When</th><th scope=\"col\" class=\"n\">Entered</th>"
        );
        put!(html, "<th scope=\"col\" class=\"n\">Left</th></tr></thead><tbody>");
        for (at, moved) in series.pieces.iter().enumerate().filter(|(_, moved)| moved.total() > 0) {
            put!(html, "<tr><th scope=\"row\">{}</th>", Escaped(&movements.axis.full_label(at)));
            put!(
                html,
                "<td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
                grouped(moved.entered),
                grouped(moved.left)
            );
        }
        put!(html, "</tbody></table></div></details></div>");
    }
    movers(html, report);
    put!(html, "</div></section>\n");
}

/// The groups with most coming and going, edits of groups aside.
fn movers(html: &mut Html, report: &Report) {
    let Some(movements) = &report.movements else { return };
    let mut movers: Vec<(&GroupInfo, Moved)> = report
        .groups
        .all
        .iter()
        .filter_map(|group| Some((group, *movements.by_group.get(&group.id)?)))
        .filter(|(_, moved)| moved.total() > 0)
        .collect();
    movers
        .sort_by(|(a, moved_a), (b, moved_b)| moved_b.total().cmp(&moved_a.total()).then_with(|| a.name.cmp(&b.name)));
    let Some(most) = movers.iter().flat_map(|(_, moved)| [moved.entered, moved.left]).max() else { return };
    put!(html, "<div class=\"card\"><h3>Most coming and going <span class=\"kind\">edits of groups aside</span></h3>");
    put!(
        html,
        "<table class=\"bars\"><caption class=\"vh\">Groups with most coming and going</caption>{COLUMNS_OF_BARS}<thead><tr>"
    );
    put!(html, "<th scope=\"col\">Group</th><th scope=\"col\"><span class=\"vh\">Bars</span></th>");
    put!(html, "<th scope=\"col\" class=\"n\">Entered</th><th scope=\"col\" class=\"n\">Left</th></tr></thead><tbody>");
    for (group, moved) in movers.iter().take(MOVERS) {
        put!(
            html,
            "<tr><th scope=\"row\"><span class=\"name\" title=\"{}\">{}</span></th><td>",
            Escaped(&group.name),
            Name(&group.name)
        );
        bar(html, moved.entered, most, "in half");
        bar(html, moved.left, most, "out half");
        put!(
            html,
            "</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            grouped(moved.entered),
            grouped(moved.left)
        );
    }
    put!(html, "</tbody></table>");
    if movers.len() > MOVERS {
        put!(
            html,
            "<p class=\"note\">And {} more groups that somebody entered or left.</p>",
            grouped((movers.len() - MOVERS) as u64)
        );
    }
    put!(html, "</div>");
}

pub(super) fn overlaps(html: &mut Html, report: &Report) {
    let groups = &report.groups;
    let lead = "Which groups share their members: the largest that hold no more than half of the active contacts. A row \
                counts those who are in exactly the groups with a full dot, and in none of the others shown.";
    section(html, "overlaps", "Overlaps", lead);
    if groups.sets.len() < 2 {
        put!(html, "<p>It takes two groups with members to overlap.</p></section>\n");
        return;
    }
    let sets: Vec<&GroupInfo> = groups.sets.iter().filter_map(|&place| groups.at(place)).collect();
    let most = sets.iter().map(|group| group.count).max().unwrap_or_default();
    put!(
        html,
        "<div class=\"two\"><div class=\"wide\"><table class=\"sets\"><caption class=\"vh\">The groups</caption><thead><tr>"
    );
    put!(
        html,
        "<th scope=\"col\" class=\"c-letter\"><span class=\"vh\">Letter</span></th><th scope=\"col\">Group</th>"
    );
    put!(
        html,
        "<th scope=\"col\"><span class=\"vh\">Bar</span></th><th scope=\"col\" class=\"n c-n\">Members</th></tr></thead><tbody>"
    );
    for (at, group) in sets.iter().enumerate() {
        put!(html, "<tr><td><b>{}</b></td><th scope=\"row\">", letter(at));
        put!(html, "<span class=\"name\" title=\"{}\">{}</span></th><td>", Escaped(&group.name), Name(&group.name));
        bar(html, group.count, most, "");
        put!(html, "</td><td class=\"n\">{}</td></tr>", grouped(group.count));
    }
    put!(html, "</tbody></table>");
    if groups.distinct > sets.len() {
        put!(
            html,
            "<p class=\"note\">{} more groups with members are not looked at here",
            grouped((groups.distinct - sets.len()) as u64)
        );
        put!(html, "; those with the same members as one above count as it.</p>");
    }
    put!(
        html,
        "</div><div class=\"wide\"><table class=\"upset\"><caption class=\"vh\">Combinations of groups</caption><thead><tr><th scope=\"col\" class=\"c-dots\">"
    );
    put!(html, "<span class=\"vh\">In exactly</span>");
    letters(html, sets.len());
    put!(
        html,
        "</th><th scope=\"col\" class=\"n c-n\">Contacts</th><th scope=\"col\"><span class=\"vh\">Bar</span></th></tr></thead><tbody>"
    );
    let most = groups.combinations.first().map_or(0, |combination| combination.count);
    for combination in groups.combinations.iter().take(COMBINATIONS) {
        let is_in = |set: usize| combination.has(set);
        let members = || sets.iter().enumerate().filter(|(set, _)| is_in(*set));
        let names: Vec<String> = members().map(|(_, group)| short(&group.name, 48)).collect();
        let letters: Vec<String> = members().map(|(set, _)| letter(set).to_string()).collect();
        put!(html, "<tr title=\"{}\"><th scope=\"row\" class=\"c-dots\">", Escaped(&names.join(" + ")));
        put!(html, "<span class=\"vh\">{}</span>", letters.join(", "));
        dots(html, sets.len(), is_in);
        put!(html, "</th><td class=\"n c-n\">{}</td><td>", grouped(combination.count));
        bar(html, combination.count, most, "");
        put!(html, "</td></tr>");
    }
    put!(html, "</tbody></table>");
    let rest = groups.combinations.get(COMBINATIONS..).unwrap_or_default();
    if !rest.is_empty() {
        let contacts: u64 = rest.iter().map(|combination| combination.count).sum();
        put!(
            html,
            "<p class=\"note\">And {} more combinations, of {} contacts together.</p>",
            grouped(rest.len() as u64),
            grouped(contacts)
        );
    }
    put!(
        html,
        "<p class=\"note\">{} contacts are in some group at all.</p></div></div></section>\n",
        grouped(groups.reached.len())
    );
}

fn shown_time(time: Duration) -> String {
    let micros = time.as_micros();
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{:.1} ms", micros as f64 / 1e3),
        _ => format!("{:.1} s", micros as f64 / 1e6),
    }
}

pub(super) fn costs(html: &mut Html, report: &Report) {
    let lead = "How long it takes to compute a smart group from nothing, on the machine that made this page. To keep it \
                exact while contacts change takes a small part of that.";
    section(html, "cost", "Slowest groups", lead);
    let costs = &report.costs;
    if costs.groups.is_empty() {
        put!(html, "<p>There are no smart groups.</p></section>\n");
        return;
    }
    let of = |id: GroupId| report.groups.all.iter().find(|group| group.id == id);
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let most = costs.groups.first().map_or(0, |cost| micros(cost.time));
    put!(
        html,
        "<div class=\"wide\"><table class=\"groups\"><caption class=\"vh\">The slowest groups</caption><thead><tr>"
    );
    put!(
        html,
        "<th scope=\"col\" class=\"c-name\">Group</th><th scope=\"col\" class=\"c-bar\"><span class=\"vh\">Bar</span></th>"
    );
    put!(
        html,
        "<th scope=\"col\" class=\"n c-n\">Time</th><th scope=\"col\" class=\"n wide-only\">Conditions</th></tr></thead><tbody>"
    );
    for cost in costs.groups.iter().take(super::SLOWEST) {
        let Some(group) = of(cost.group) else { continue };
        put!(html, "<tr>");
        name_cell(html, group);
        put!(html, "<td>");
        bar(html, micros(cost.time), most, "");
        put!(html, "</td><td class=\"n\">{}</td>", shown_time(cost.time));
        put!(html, "<td class=\"n wide-only\">{}</td></tr>", cost.conditions);
    }
    let all: Duration = costs.groups.iter().map(|cost| cost.time).sum();
    put!(html, "</tbody></table><p class=\"note\">{} smart groups measured, ", grouped(costs.groups.len() as u64));
    put!(html, "{} together; the slowest {}", shown_time(all), costs.groups.len().min(super::SLOWEST));
    let slow: Duration = costs.groups.iter().take(super::SLOWEST).map(|cost| cost.time).sum();
    put!(html, " take {} of it.", percent(micros(slow), micros(all)));
    if costs.unmeasured > 0 {
        put!(html, " For {} more there was no time left.", grouped(costs.unmeasured as u64));
    }
    put!(html, "</p></div></section>\n");
}
