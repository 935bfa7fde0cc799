//! Values in cells: as people read them in tables, and as programs read them in CSV.

use std::borrow::Cow;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::value::Instant;
pub use crate::value::numeral::{counted, grouped};

/// A value in a cell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// A text.
    Text(String),
    /// How many.
    Count(u64),
    /// When.
    Moment(Instant),
    /// Whether.
    Flag(bool),
}

impl Cell {
    /// A text, or nothing.
    pub fn text(text: Option<impl Into<String>>) -> Self {
        text.map_or(Cell::Empty, |text| Cell::Text(text.into()))
    }

    /// A moment, or nothing.
    pub fn moment(moment: Option<Instant>) -> Self {
        moment.map_or(Cell::Empty, Cell::Moment)
    }

    /// Whether there is nothing to show.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Cell::Empty => true,
            Cell::Text(text) => text.is_empty(),
            Cell::Count(_) | Cell::Moment(_) | Cell::Flag(_) => false,
        }
    }

    /// For programs: digits alone, moments in UTC.
    pub(super) fn plain(&self) -> String {
        match self {
            Cell::Empty => String::new(),
            Cell::Text(text) => text.clone(),
            Cell::Count(count) => count.to_string(),
            Cell::Moment(moment) => moment.to_string(),
            Cell::Flag(flag) => flag.to_string(),
        }
    }

    /// For people: numbers grouped, moments in their zone to the minute, and no character that would move the cursor.
    pub(super) fn shown(&self, zone: &TimeZone) -> String {
        match self {
            Cell::Empty => String::new(),
            Cell::Text(text) => harmless(text),
            Cell::Count(count) => grouped(*count),
            Cell::Moment(moment) => {
                let local = moment.timestamp().to_zoned(zone.clone());
                local.strftime("%Y-%m-%d %H:%M").to_string()
            }
            Cell::Flag(true) => "yes".to_owned(),
            Cell::Flag(false) => "no".to_owned(),
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Cell::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Cell::Text(text)
    }
}

/// A time span with three digits or so.
///
/// ```
/// use headcount::internals::cli::output::lasting;
/// use std::time::Duration;
/// assert_eq!(lasting(Duration::from_micros(1_500)), "1.5 ms");
/// assert_eq!(lasting(Duration::from_secs(75)), "75.0 s");
/// ```
pub fn lasting(took: Duration) -> String {
    let millis = took.as_secs_f64() * 1e3;
    match millis {
        _ if millis < 0.1 => format!("{:.0} µs", millis * 1e3),
        _ if millis < 10.0 => format!("{millis:.1} ms"),
        _ if millis < 1e4 => format!("{millis:.0} ms"),
        _ => format!("{:.1} s", millis / 1e3),
    }
}

/// What comes from input, as a terminal may see it: nothing in it moves the cursor, changes the terminal or turns what
/// stands beside it. A line break is shown as a space.
fn harmless(text: &str) -> String {
    harmless_lines(text).replace(['\n', '\t'], " ")
}

/// The same for text of several lines.
pub(crate) fn harmless_lines(text: &str) -> Cow<'_, str> {
    replaced(text, |_| '\u{fffd}')
}

/// The same with as many bytes in the place of each character, so that what points into the text still does.
pub(crate) fn harmless_as_long(text: &str) -> Cow<'_, str> {
    replaced(text, |c| match c.len_utf8() {
        1 => '?',
        2 => '\u{bf}',
        _ => '\u{fffd}',
    })
}

fn replaced(text: &str, stand_in: fn(char) -> char) -> Cow<'_, str> {
    let is_harmful = |c: char| {
        c.is_control() && !matches!(c, '\n' | '\t')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let replace = |c: char| match c {
        '\r' => ' ',
        c if is_harmful(c) => stand_in(c),
        c => c,
    };
    Cow::Owned(text.chars().map(replace).collect())
}
