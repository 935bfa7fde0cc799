//! Pictures: bars within tables, histograms, strips of what entered and left, lines, dots.
//!
//! Places across are in hundredths of the width, so that a picture is as wide as there is room for it and its labels
//! keep their size; only lines, which cannot, are stretched.

use super::html::{Escaped, Html, Name, grouped, percent, put, short, width};
use crate::report::fields::Histogram;
use crate::report::movements::{Moved, Movements, Series};

/// Height of the columns of a histogram, in pixels.
const COLUMNS: f64 = 84.0;
/// Height of a strip of what entered and left.
const STRIP: f64 = 96.0;
/// Room above and below for the numbers of columns that are cut off.
const HEADROOM: f64 = 14.0;
/// Room below for labels.
const LABELS: f64 = 20.0;

/// The widths of the columns of a table of names, bars and two numbers.
pub(super) const COLUMNS_OF_BARS: &str =
    "<colgroup><col class=\"c-1\"><col><col class=\"c-3\"><col class=\"c-4\"></colgroup>";

/// A bar within a cell, beside the number that it shows.
pub(super) fn bar(html: &mut Html, part: u64, whole: u64, class: &str) {
    put!(
        html,
        "<svg class=\"bar {class}\" aria-hidden=\"true\"><rect width=\"{:.2}%\" height=\"100%\" rx=\"1.5\"/></svg>",
        width(part, whole)
    );
}

/// A table of names, each with a bar under it, and numbers. `rest`: what is not listed, without a bar; `total`: what the
/// numbers are a part of.
pub(super) fn bar_table(
    html: &mut Html,
    caption: &str,
    rows: &[(String, u64)],
    rest: Option<&(String, u64)>,
    total: u64,
) {
    let most = rows.iter().map(|(_, count)| *count).max().unwrap_or_default();
    put!(html, "<table class=\"under\"><caption class=\"vh\">{}</caption><thead class=\"vh\"><tr>", Escaped(caption));
    put!(html, "<th scope=\"col\">Value</th><th scope=\"col\">Contacts</th>");
    put!(html, "<th scope=\"col\">Share</th></tr></thead><tbody>");
    for (name, count) in rows {
        let title = Escaped(name);
        put!(html, "<tr><th scope=\"row\"><span class=\"name\" title=\"{title}\">{}</span>", Name(name));
        bar(html, *count, most, "thin");
        put!(html, "</th><td class=\"n\">{}</td>", grouped(*count));
        put!(html, "<td class=\"n soft\">{}</td></tr>", percent(*count, total));
    }
    if let Some((name, count)) = rest {
        put!(
            html,
            "<tr class=\"soft\"><th scope=\"row\">{}</th><td class=\"n\">{}</td>",
            Escaped(name),
            grouped(*count)
        );
        put!(html, "<td class=\"n\">{}</td></tr>", percent(*count, total));
    }
    put!(html, "</tbody></table>");
}

/// How a text at a place from 0 to 1 is anchored so that it stays within the picture, and its place in hundredths.
fn anchored(place: f64) -> (&'static str, f64) {
    match place {
        place if place < 0.06 => ("start", 0.0),
        place if place > 0.94 => ("end", 100.0),
        place => ("middle", place * 100.0),
    }
}

/// Labels below an axis.
fn ticks(html: &mut Html, ticks: &[(f64, String)], top: f64) {
    for (place, text) in ticks {
        let (anchor, place) = anchored(*place);
        let text = short(text, 10);
        put!(
            html,
            "<text x=\"{place:.2}%\" y=\"{:.0}\" text-anchor=\"{anchor}\">{}</text>",
            top + 15.0,
            Escaped(&text)
        );
    }
}

/// Labels of an axis as far as there is room for them on a phone: the ends, and what lies on none that is kept.
fn roomy(all: &[(f64, String)]) -> Vec<(f64, String)> {
    /// Pixels of the narrowest picture, of a character, and between two labels.
    const PICTURE: f64 = 280.0;
    const CHARACTER: f64 = 7.0;
    const BETWEEN: f64 = 6.0;
    let span = |(place, text): &(f64, String)| {
        let wide = text.chars().count().min(10) as f64 * CHARACTER;
        let (anchor, place) = anchored(*place);
        let at = place / 100.0 * PICTURE;
        let left = match anchor {
            "start" => at,
            "end" => at - wide,
            _ => at - wide / 2.0,
        };
        (left, left + wide)
    };
    let Some((last, others)) = all.split_last() else { return Vec::new() };
    let (end, _) = span(last);
    let mut kept: Vec<(f64, String)> = Vec::new();
    let mut taken = f64::NEG_INFINITY;
    for label in others {
        let (left, right) = span(label);
        if left >= taken && right + BETWEEN <= end {
            taken = right + BETWEEN;
            kept.push(label.clone());
        }
    }
    kept.push(last.clone());
    kept
}

/// Columns over pieces of an axis, with the table behind them.
pub(super) fn histogram(html: &mut Html, what: &str, histogram: &Histogram) {
    let Histogram { pieces, ticks: labels, outside, summary } = histogram;
    let [least, lower, median, upper, greatest] = summary;
    let id = html.id();
    if !pieces.is_empty() {
        let most = pieces.iter().map(|(_, count)| *count).max().unwrap_or_default().max(1) as f64;
        let slot = 100.0 / pieces.len() as f64;
        let gap = if pieces.len() > 30 { 0.10 } else { 0.08 };
        put!(
            html,
            "<svg class=\"chart\" role=\"img\" aria-labelledby=\"t{id} d{id}\" height=\"{:.0}\">",
            COLUMNS + LABELS
        );
        put!(html, "<title id=\"t{id}\">{}</title>", Escaped(what));
        put!(
            html,
            "<desc id=\"d{id}\">From {} to {}, median {}.</desc>",
            Escaped(least),
            Escaped(greatest),
            Escaped(median)
        );
        for (at, (name, count)) in pieces.iter().enumerate() {
            let height = if *count == 0 { 0.0 } else { (*count as f64 / most * COLUMNS).max(1.0) };
            let (x, wide) = (slot * (at as f64 + gap), slot * (1.0 - 2.0 * gap));
            put!(html, "<g class=\"col\"><title>{}: {}</title>", Escaped(name), grouped(*count));
            put!(
                html,
                "<rect class=\"hit\" x=\"{:.2}%\" width=\"{slot:.2}%\" height=\"{COLUMNS}\"/>",
                slot * at as f64
            );
            put!(
                html,
                "<rect x=\"{x:.2}%\" y=\"{:.1}\" width=\"{wide:.2}%\" height=\"{height:.1}\"/></g>",
                COLUMNS - height
            );
        }
        put!(html, "<line class=\"axis\" x1=\"0\" x2=\"100%\" y1=\"{COLUMNS}\" y2=\"{COLUMNS}\"/>");
        ticks(html, &roomy(labels), COLUMNS);
        put!(html, "</svg>");
    }
    let cut = |text: &str| short(text, 24);
    put!(html, "<p class=\"note\">Median <b>{}</b>", Escaped(&cut(median)));
    put!(html, "; the middle half from {} to {}", Escaped(&cut(lower)), Escaped(&cut(upper)));
    put!(html, "; all from {} to {}.", Escaped(&cut(least)), Escaped(&cut(greatest)));
    if !pieces.is_empty() && (outside.0 > 0 || outside.1 > 0) {
        put!(html, " Outside the picture: {} before, {} after.", grouped(outside.0), grouped(outside.1));
    }
    put!(html, "</p>");
    if !pieces.is_empty() {
        put!(html, "<details><summary>Table<span class=\"vh\"> of {}</span></summary>", Escaped(what));
        put!(html, "<table class=\"plain\"><thead><tr><th scope=\"col\">Range</th>");
        put!(html, "<th scope=\"col\" class=\"n\">Contacts</th></tr></thead><tbody>");
        for (name, count) in pieces {
            put!(
                html,
                "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td></tr>",
                Escaped(&short(name, 60)),
                grouped(*count)
            );
        }
        put!(html, "</tbody></table></details>");
    }
}

/// Where columns are cut off: a few that tower above all others would leave nothing to be seen of those.
///
/// `None` if there are none.
fn cut_above(series: &Series) -> Option<u64> {
    let mut counts: Vec<u64> = series.pieces.iter().flat_map(|moved| [moved.entered, moved.left]).collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let towers = |pair: &&[u64]| matches!(pair, [high, next] if *next > 0 && *high > next.saturating_mul(4));
    let next = counts.windows(2).take(3).filter(towers).filter_map(|pair| pair.get(1)).next_back()?;
    Some(next.saturating_mul(3).div_ceil(2))
}

/// What entered, above a line, and left, below it.
pub(super) fn strip(html: &mut Html, what: &str, movements: &Movements, series: &Series) {
    let step = movements.axis.step.name();
    let mut moving = series.pieces.iter().enumerate().filter(|(_, moved)| moved.total() > 0);
    if let (Some((only, _)), None) = (moving.next(), moving.next()) {
        let label = movements.axis.full_label(only);
        return put!(html, "<p class=\"note\">All within one {step}: {}.</p>", Escaped(&label));
    }
    let most = |side: fn(&Moved) -> u64| series.pieces.iter().map(side).max().unwrap_or_default();
    let (up, down) = (most(|moved| moved.entered), most(|moved| moved.left));
    let cut = cut_above(series);
    let drawn = |count: u64| cut.map_or(count, |cut| count.min(cut)) as f64;
    let unit = STRIP / (drawn(up) + drawn(down)).max(1.0);
    let line = HEADROOM + drawn(up) * unit;
    let id = html.id();
    let slot = 100.0 / series.pieces.len() as f64;
    put!(html, "<p class=\"note\">At most {} entered and {} left in one {step}.", grouped(up), grouped(down));
    if cut.is_some() {
        put!(html, " Columns with a gap are cut off; their numbers stand beside them.");
    }
    let height = HEADROOM + STRIP + HEADROOM + LABELS;
    put!(html, "</p><svg class=\"chart\" role=\"img\" aria-labelledby=\"t{id} d{id}\" height=\"{height:.0}\">");
    put!(html, "<title id=\"t{id}\">{}</title>", Escaped(what));
    put!(html, "<desc id=\"d{id}\">At most {up} entered and {down} left in one {step}.</desc>");
    for (at, moved) in series.pieces.iter().enumerate().filter(|(_, moved)| moved.total() > 0) {
        let label = movements.axis.full_label(at);
        put!(html, "<g class=\"col\"><title>{}: {} entered, ", Escaped(&label), grouped(moved.entered));
        put!(html, "{} left</title>", grouped(moved.left));
        let left = slot * at as f64;
        put!(html, "<rect class=\"hit\" x=\"{left:.2}%\" y=\"{HEADROOM}\" width=\"{slot:.2}%\" height=\"{STRIP}\"/>");
        let (x, wide) = (left + slot * 0.12, slot * 0.76);
        for (class, count, is_above) in [("in", moved.entered, true), ("out", moved.left, false)] {
            if count == 0 {
                continue;
            }
            let height = (drawn(count) * unit).max(1.0);
            let y = if is_above { line - height } else { line };
            put!(
                html,
                "<rect class=\"{class}\" x=\"{x:.2}%\" y=\"{y:.1}\" width=\"{wide:.2}%\" height=\"{height:.1}\"/>"
            );
            if cut.is_some_and(|cut| count > cut) {
                let (gap, text) = if is_above { (y + 6.0, y - 4.0) } else { (y + height - 9.0, y + height + 12.0) };
                put!(html, "<rect class=\"gap\" x=\"{left:.2}%\" y=\"{gap:.1}\" width=\"{slot:.2}%\" height=\"3\"/>");
                let (anchor, place) = anchored((at as f64 + 0.5) / series.pieces.len() as f64);
                put!(
                    html,
                    "<text x=\"{place:.2}%\" y=\"{text:.1}\" text-anchor=\"{anchor}\">{}</text>",
                    grouped(count)
                );
            }
        }
        put!(html, "</g>");
    }
    put!(html, "<line class=\"axis\" x1=\"0\" x2=\"100%\" y1=\"{line:.1}\" y2=\"{line:.1}\"/>");
    ticks(html, &roomy(&movements.axis.ticks()), HEADROOM + STRIP + HEADROOM);
    put!(html, "</svg>");
}

/// How a size went over time, as a line.
pub(super) fn spark(html: &mut Html, sizes: &[u64]) {
    let (Some(&least), Some(&most)) = (sizes.iter().min(), sizes.iter().max()) else { return };
    if sizes.len() < 2 {
        return;
    }
    // A change by a few of many is not to look like a landslide.
    let span = (most - least).max(most / 5).max(1) as f64;
    let least = (most as f64 + least as f64 - span) / 2.0;
    put!(
        html,
        "<svg class=\"spark\" viewBox=\"0 0 {} 20\" preserveAspectRatio=\"none\" aria-hidden=\"true\">",
        sizes.len() - 1
    );
    put!(html, "<polyline vector-effect=\"non-scaling-stroke\" points=\"");
    for (at, &size) in sizes.iter().enumerate() {
        put!(html, "{at},{:.1} ", 18.5 - (size as f64 - least) / span * 17.0);
    }
    put!(html, "\"/></svg>");
}

/// The letter of a set in the matrix of overlaps.
pub(super) fn letter(set: usize) -> char {
    ('A'..='Z').nth(set).unwrap_or('?')
}

/// Width of a column of the matrix of overlaps, in pixels.
const DOT: usize = 22;

/// The letters above the matrix.
pub(super) fn letters(html: &mut Html, sets: usize) {
    put!(html, "<svg class=\"dots\" aria-hidden=\"true\" width=\"{}\" height=\"20\">", sets * DOT);
    for set in 0..sets {
        put!(html, "<text x=\"{}\" y=\"14\" text-anchor=\"middle\">{}</text>", set * DOT + DOT / 2, letter(set));
    }
    put!(html, "</svg>");
}

/// A row of the matrix: a dot for each set, full ones joined by a line.
pub(super) fn dots(html: &mut Html, sets: usize, is_in: impl Fn(usize) -> bool) {
    put!(html, "<svg class=\"dots\" aria-hidden=\"true\" width=\"{}\" height=\"26\">", sets * DOT);
    let centre = |set: usize| set * DOT + DOT / 2;
    let full: Vec<usize> = (0..sets).filter(|&set| is_in(set)).collect();
    for set in (0..sets).filter(|&set| !is_in(set)) {
        put!(html, "<circle class=\"off\" cx=\"{}\" cy=\"13\" r=\"5.5\"/>", centre(set));
    }
    if let (Some(&first), Some(&last)) = (full.first(), full.last()) {
        put!(html, "<line x1=\"{}\" x2=\"{}\" y1=\"13\" y2=\"13\"/>", centre(first), centre(last));
    }
    for set in full {
        put!(html, "<circle cx=\"{}\" cy=\"13\" r=\"5.5\"/>", centre(set));
    }
    put!(html, "</svg>");
}
