//! Axes: spans of time and of numbers cut into pieces of round lengths.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};

use crate::value::calendar::{date_of, moment_of, start_of_day};
use crate::value::{Decimal, Instant};

/// Lengths of pieces of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    Minutes(i64),
    Days(i64),
    Months(i64),
}

/// From the finest to the coarsest.
const STEPS: [Step; 24] = [
    Step::Minutes(1),
    Step::Minutes(2),
    Step::Minutes(5),
    Step::Minutes(10),
    Step::Minutes(30),
    Step::Minutes(60),
    Step::Minutes(120),
    Step::Minutes(360),
    Step::Minutes(720),
    Step::Days(1),
    Step::Days(7),
    Step::Months(1),
    Step::Months(3),
    Step::Months(6),
    Step::Months(12),
    Step::Months(24),
    Step::Months(60),
    Step::Months(120),
    Step::Months(240),
    Step::Months(600),
    Step::Months(1_200),
    Step::Months(2_400),
    Step::Months(6_000),
    Step::Months(12_000),
];

impl Step {
    /// About how long it is.
    fn micros(self) -> i64 {
        const DAY: i64 = 86_400_000_000;
        match self {
            Step::Minutes(minutes) => minutes * 60_000_000,
            Step::Days(days) => days * DAY,
            Step::Months(months) => months * 30 * DAY,
        }
    }

    /// How it is called: `per …`.
    pub(super) fn name(self) -> String {
        let (count, unit) = match self {
            Step::Minutes(count) if count % 60 == 0 => (count / 60, "hour"),
            Step::Minutes(count) => (count, "minute"),
            Step::Days(7) => (1, "week"),
            Step::Days(count) => (count, "day"),
            Step::Months(3) => (1, "quarter"),
            Step::Months(count) if count % 12 == 0 => (count / 12, "year"),
            Step::Months(count) => (count, "month"),
        };
        if count == 1 { unit.to_owned() } else { format!("{count} {unit}s") }
    }

    /// The last boundary at or before a local time.
    fn floor(self, local: DateTime) -> DateTime {
        match self {
            Step::Minutes(minutes) => {
                let of_day = i64::from(local.hour()) * 60 + i64::from(local.minute());
                let floor = of_day - of_day % minutes;
                let time = Time::new((floor / 60) as i8, (floor % 60) as i8, 0, 0).unwrap_or(Time::midnight());
                local.date().to_datetime(time)
            }
            Step::Days(7) => {
                let back = i64::from(local.date().weekday().to_monday_zero_offset());
                local.date().saturating_sub(back.days()).to_datetime(Time::midnight())
            }
            Step::Days(_) => local.date().to_datetime(Time::midnight()),
            Step::Months(months) => {
                let month = i64::from(local.year()) * 12 + i64::from(local.month()) - 1;
                let floor = month - month.rem_euclid(months);
                let date = Date::new(floor.div_euclid(12) as i16, floor.rem_euclid(12) as i8 + 1, 1);
                date.unwrap_or(Date::MIN).to_datetime(Time::midnight())
            }
        }
    }

    /// The next boundary after one.
    fn next(self, local: DateTime) -> DateTime {
        match self {
            Step::Minutes(minutes) => local.saturating_add(SignedDuration::from_mins(minutes)),
            Step::Days(days) => local.saturating_add(days.days()),
            Step::Months(months) => local.saturating_add(months.months()),
        }
    }
}

/// A span of time in pieces of the calendar of a zone.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct TimeAxis {
    pub(super) step: Step,
    /// Where each piece begins, and at the end where the last one ends; ascending.
    edges: Vec<Instant>,
    /// The same on the zone's clocks.
    locals: Vec<DateTime>,
}

impl TimeAxis {
    /// An axis of at most about `most` pieces that holds both moments.
    pub(super) fn new(first: Instant, last: Instant, zone: &TimeZone, most: usize) -> Self {
        let last = last.max(first);
        let length = last.micros().saturating_sub(first.micros());
        let fits = |step: &Step| length / step.micros() < most as i64;
        let mut step = STEPS.into_iter().find(fits).unwrap_or(Step::Months(12_000));
        if length == 0 {
            step = Step::Days(1);
        }
        let mut local = step.floor(zone.to_datetime(first.timestamp()));
        let mut axis = TimeAxis { step, edges: Vec::new(), locals: Vec::new() };
        // What is beyond the calendar's end never comes to an edge behind it.
        for _ in 0..=most + 2 {
            axis.push(local, zone);
            if axis.edges.last().is_some_and(|&edge| edge > last) {
                break;
            }
            local = step.next(local);
        }
        axis
    }

    /// Where clocks jump, an edge may come to lie at the one before it: it is left out.
    fn push(&mut self, local: DateTime, zone: &TimeZone) {
        let is_day = local.time() == Time::midnight();
        let edge = if is_day { start_of_day(local.date(), zone) } else { moment_of(local, zone) };
        if self.edges.last().is_none_or(|&last| last < edge) {
            self.edges.push(edge);
            self.locals.push(local);
        }
    }

    /// Pieces; at least one.
    pub(super) fn len(&self) -> usize {
        self.edges.len().saturating_sub(1).max(1)
    }

    /// The piece that holds a moment; the nearest one if none does.
    pub(super) fn piece(&self, moment: Instant) -> usize {
        self.edges.partition_point(|&edge| edge <= moment).saturating_sub(1).min(self.len() - 1)
    }

    /// Where the first piece begins and where the last one ends.
    pub(super) fn bounds(&self) -> [Instant; 2] {
        let first = self.edges.first().copied().unwrap_or(Instant::MIN);
        [first, self.edges.get(self.len()).copied().unwrap_or(Instant::MAX)]
    }

    /// Labels for a few pieces at their places from 0 to 1, the first and the last among them.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let (last, parts) = (self.len() - 1, if self.len() > 4 { 4 } else { 1 });
        let mut places: Vec<usize> = (0..=parts).map(|part| part * last / parts).collect();
        places.dedup();
        let centre = |piece: usize| (piece as f64 + 0.5) / self.len() as f64;
        places.into_iter().map(|piece| (centre(piece), self.label(piece))).collect()
    }

    /// How a piece is called beside others of its axis.
    pub(super) fn label(&self, piece: usize) -> String {
        let Some(local) = self.locals.get(piece) else { return String::new() };
        let format = match self.step {
            Step::Minutes(_) => "%H:%M",
            Step::Days(_) => "%-d %b",
            Step::Months(months) if months % 12 == 0 => "%Y",
            Step::Months(_) => "%b %Y",
        };
        local.strftime(format).to_string()
    }

    /// How a piece is called by itself.
    pub(super) fn full_label(&self, piece: usize) -> String {
        let Some(local) = self.locals.get(piece) else { return String::new() };
        let format = match self.step {
            Step::Minutes(_) => "%-d %b %Y, %H:%M",
            Step::Days(7) => "week of %-d %b %Y",
            Step::Days(_) => "%-d %b %Y",
            Step::Months(3) => "%b %Y and two months",
            Step::Months(6) => "%b %Y and five months",
            Step::Months(1) => "%b %Y",
            Step::Months(12) => "%Y",
            Step::Months(months) => {
                let first = local.year();
                return format!("{first}–{}", i64::from(first) + months / 12 - 1);
            }
        };
        local.strftime(format).to_string()
    }

    /// The day on which a moment lies, as people write it.
    pub(super) fn day(moment: Instant, zone: &TimeZone) -> String {
        date_of(moment, zone).strftime("%-d %b %Y").to_string()
    }
}

/// Bounds of pieces of one length, each a round number, that begin at or below `low` and end above `high`.
///
/// At most about `most` pieces; `None` if numbers lie so close for their size that floats, which choose the length, do
/// not tell them apart. The bounds themselves are exact.
pub(super) fn number_edges(low: Decimal, high: Decimal, most: usize, whole: bool) -> Option<Vec<Decimal>> {
    let (from, to) = (low.to_f64(), high.to_f64());
    let raw = (to - from) / most as f64;
    if raw <= 0.0 || !raw.is_normal() {
        return None;
    }
    let mut exponent = raw.log10().floor() as i32;
    let mut factor = [1u8, 2, 5].into_iter().find(|&factor| f64::from(factor) * 10f64.powi(exponent) >= raw);
    if factor.is_none() {
        exponent += 1;
        factor = Some(1);
    }
    if whole && exponent < 0 {
        (exponent, factor) = (0, Some(1));
    }
    let factor = factor?;
    let step = f64::from(factor) * 10f64.powi(exponent);
    let first = (from / step).floor();
    if first.abs() > 1e15 {
        return None;
    }
    let edge = |number: i64| {
        let whole = Decimal::from(number * i64::from(factor));
        let (negative, coefficient, power) = whole.parts();
        if coefficient == 0 {
            return Some(Decimal::ZERO);
        }
        Decimal::from_parts(negative, coefficient, power.checked_add(i16::try_from(exponent).ok()?)?)
    };
    let mut number = first as i64;
    let mut edges = vec![edge(number)?];
    // A float that was rounded up may have put the first bound above the lowest number.
    while edges.first().is_some_and(|&edge| edge > low) {
        number -= 1;
        edges.insert(0, edge(number)?);
    }
    number = first as i64;
    while edges.last().is_some_and(|&last| last <= high) && edges.len() <= 4 * most {
        number += 1;
        edges.push(edge(number)?);
    }
    Some(edges)
}
