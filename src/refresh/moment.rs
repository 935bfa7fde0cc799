//! What relative times stand for at one moment.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::plan::atom::TimeBound;
use crate::value::Instant;
use crate::value::calendar::{AnniversaryDay, DaysOfYear, birthday_of};

/// Places for days of the year: twelve months of 32.
pub(super) const YEAR_DAYS: usize = 12 * 32;

/// A moment in a workspace's zone: it settles relative times and anniversaries.
#[derive(Clone, Debug)]
pub struct Moment {
    now: Instant,
    timezone: TimeZone,
}

impl Moment {
    /// That moment in that zone.
    pub fn new(now: Instant, timezone: TimeZone) -> Self {
        Moment { now, timezone }
    }

    /// Another moment in the same zone.
    pub fn at(&self, now: Instant) -> Self {
        Moment::new(now, self.timezone.clone())
    }

    /// The moment itself.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The zone in which days begin.
    pub fn timezone(&self) -> &TimeZone {
        &self.timezone
    }

    /// The moment at which a bound stands.
    pub fn bound(&self, bound: TimeBound) -> Instant {
        bound.resolve(self.now, &self.timezone)
    }

    /// The place of an instant's local day within [`YEAR_DAYS`].
    pub(super) fn year_day(&self, instant: Instant) -> usize {
        year_day(birthday_of(instant, &self.timezone))
    }

    /// The places of the birthdays that an anniversary's span covers at this moment.
    pub(super) fn anniversary_days(&self, low: AnniversaryDay, high: AnniversaryDay) -> impl Iterator<Item = usize> {
        let days = DaysOfYear::between(low, high, self.now, &self.timezone);
        let places: Vec<usize> = days.iter().map(|(month, day)| place(usize::from(month), usize::from(day))).collect();
        places.into_iter()
    }
}

fn year_day(date: Date) -> usize {
    place(usize::from(date.month().unsigned_abs()), usize::from(date.day().unsigned_abs()))
}

fn place(month: usize, day: usize) -> usize {
    (month - 1) * 32 + day - 1
}
