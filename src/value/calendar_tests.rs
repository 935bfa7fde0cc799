#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;

const ZONES: [&str; 8] = [
    "UTC",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Pacific/Apia",
    "Africa/Cairo",
    // Clocks went back over midnight.
    "America/St_Johns",
    "Asia/Amman",
];

fn zone() -> impl Strategy<Value = TimeZone> {
    prop::sample::select(&ZONES[..]).prop_map(|name| TimeZone::get(name).unwrap())
}

fn instant() -> impl Strategy<Value = Instant> {
    prop_oneof![
        (-2_000_000_000i64..4_000_000_000).prop_map(|seconds| Instant::from_micros(seconds * 1_000_000)),
        (1_000_000_000i64..2_000_000_000).prop_map(|seconds| Instant::from_micros(seconds * 1_000_000 + 999_999)),
    ]
}

fn relative() -> impl Strategy<Value = RelativeTime> {
    let unit = prop::sample::select(&[Unit::Minute, Unit::Hour, Unit::Day, Unit::Week, Unit::Month, Unit::Year][..]);
    (prop_oneof![-40i32..40, -2000i32..2000, Just(i32::MIN), Just(i32::MAX)], unit)
        .prop_map(|(amount, unit)| RelativeTime { amount, unit })
}

fn anniversary_day() -> impl Strategy<Value = AnniversaryDay> {
    prop_oneof![
        (-400i32..400, prop::sample::select(&[Unit::Day, Unit::Week, Unit::Month][..]))
            .prop_map(|(amount, unit)| AnniversaryDay::Relative(RelativeTime { amount, unit })),
        (1u8..=12, 1u8..=28).prop_map(|(month, day)| AnniversaryDay::Fixed { month, day }),
        Just(AnniversaryDay::Fixed { month: 2, day: 29 }),
    ]
}

#[test]
fn months_end_where_they_end() {
    let span = |now: &str, amount, unit| {
        let (start, _) = RelativeTime { amount, unit }.span(Instant::parse(now).unwrap(), &TimeZone::UTC);
        start.to_string()[..10].to_owned()
    };
    assert_eq!(span("2026-03-31T12:00:00Z", -1, Unit::Month), "2026-02-28");
    assert_eq!(span("2024-03-31T12:00:00Z", -1, Unit::Month), "2024-02-29");
    assert_eq!(span("2024-02-29T12:00:00Z", 1, Unit::Year), "2025-02-28");
    assert_eq!(span("2024-02-29T12:00:00Z", -4, Unit::Year), "2020-02-29");
    assert_eq!(span("2026-01-01T00:00:00Z", -1, Unit::Day), "2025-12-31");
}

#[test]
fn anniversaries_cross_the_end_of_the_year_and_know_leap_days() {
    let days = |low, high, now: &str| -> Vec<(u8, u8)> {
        DaysOfYear::between(low, high, Instant::parse(now).unwrap(), &TimeZone::UTC).iter().collect()
    };
    let relative = |amount| AnniversaryDay::Relative(RelativeTime { amount, unit: Unit::Day });
    let fixed = |month, day| AnniversaryDay::Fixed { month, day };
    assert_eq!(days(relative(-2), relative(1), "2026-01-01T12:00:00Z"), [(1, 1), (1, 2), (12, 30), (12, 31)]);
    assert_eq!(days(relative(-1), relative(0), "2028-02-29T12:00:00Z"), [(2, 28), (2, 29)]);
    assert_eq!(days(relative(0), relative(0), "2028-03-01T12:00:00Z"), [(3, 1)]);
    assert_eq!(days(relative(0), relative(0), "2027-02-28T12:00:00Z"), [(2, 28)]);
    assert_eq!(days(relative(-1), relative(1), "2027-03-01T12:00:00Z"), [(2, 28), (2, 29), (3, 1), (3, 2)]);
    assert_eq!(days(fixed(12, 30), fixed(1, 2), "2026-06-15T12:00:00Z"), [(1, 1), (1, 2), (12, 30), (12, 31)]);
    assert_eq!(days(fixed(12, 30), relative(0), "2026-01-02T12:00:00Z"), [(1, 1), (1, 2), (12, 30), (12, 31)]);
    assert_eq!(days(fixed(2, 29), fixed(2, 29), "2026-01-02T12:00:00Z"), [(2, 29), (3, 1)]);
    assert_eq!(days(relative(1), relative(0), "2026-01-02T12:00:00Z"), []);
    assert_eq!(days(relative(-400), relative(400), "2026-01-02T12:00:00Z").len(), 366);
    assert_eq!(days(relative(-365), relative(0), "2026-01-02T12:00:00Z").len(), 366);
}

/// Around each change of a zone's clocks, and at both ends of the calendar.
fn telling_moments(zone: &TimeZone) -> Vec<Instant> {
    let changes = zone.following(jiff::Timestamp::MIN).take(400).map(|change| Instant::from(change.timestamp()));
    let ends = ["0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z"].map(|end| Instant::parse(end).unwrap());
    changes.chain(ends).collect()
}

#[test]
fn days_of_every_zone_follow_one_another_whatever_it_skips() {
    const HOUR: i64 = 3_600_000_000;
    let mut skipped = Vec::new();
    for name in jiff::tz::db().available() {
        let zone = TimeZone::get(name.as_str()).unwrap();
        for moment in telling_moments(&zone) {
            for hours in [-49, -25, -24, -1, 0, 1, 23, 24, 25, 49] {
                let instant = Instant::from_micros((moment.micros() + hours * HOUR).min(Instant::MAX.micros() - 1));
                let date = date_of(instant, &zone);
                let (start, end) = day_bounds(date, &zone);
                // What lies behind the calendar counts for its last day, but is not on it.
                if instant < end {
                    assert!(start <= instant, "{name:?} {date} {instant}");
                    assert_eq!(date_of(start, &zone), date, "{name:?}");
                    assert_eq!(date_of(Instant::from_micros(end.micros() - 1), &zone), date, "{name:?}");
                } else {
                    assert_eq!(date, Date::MAX, "{name:?} {instant}");
                    assert_ne!(birthday_of(instant, &zone).month(), 12, "{name:?} {instant}");
                }
                if let Ok(next) = date.tomorrow() {
                    let (next_start, next_end) = day_bounds(next, &zone);
                    assert_eq!(next_start, end, "{name:?} {date}");
                    if next_start == next_end {
                        skipped.push(format!("{} {next}", name.as_str()));
                    }
                }
                let birthday = birthday_of(instant, &zone);
                let (low, high) =
                    bounds_in_year(year_of(instant, &zone), birthday.month(), birthday.day(), &zone).unwrap();
                assert!(low <= instant && instant < high, "{name:?} {instant}");
            }
        }
    }
    for known in ["Pacific/Apia 2011-12-30", "Pacific/Kwajalein 1993-08-21"] {
        assert!(skipped.iter().any(|day| day == known), "{known}: {skipped:?}");
    }
}

proptest! {
    #[test]
    fn days_follow_one_another(zone in zone(), instant in instant()) {
        let date = date_of(instant, &zone);
        let (start, end) = day_bounds(date, &zone);
        prop_assert!(start <= instant && instant < end, "{date} {start:?} {instant:?} {end:?}");
        prop_assert_eq!(day_bounds(date.tomorrow().unwrap(), &zone).0, end);
        prop_assert_eq!(date_of(start, &zone), date);
    }

    #[test]
    fn thresholds_never_move_back(zone in zone(), a in instant(), forward in 0i64..200_000_000_000, time in relative()) {
        let b = Instant::from_micros(a.micros() + forward);
        let (before, after) = (time.span(a, &zone), time.span(b, &zone));
        prop_assert!(before.0 <= after.0 && before.1 <= after.1);
    }

    #[test]
    fn a_value_is_crossed_at_the_moment_told(
        zone in zone(), value in instant(), now in instant(), time in relative(), after: bool,
    ) {
        let threshold = |now| if after { time.span(now, &zone).1 } else { time.span(now, &zone).0 };
        match time.next_crossing(value, after, now, &zone) {
            Some(at) => {
                prop_assert!(at > now);
                prop_assert!(threshold(at) > value);
                prop_assert!(threshold(Instant::from_micros(at.micros() - 1)) <= value);
            }
            None => {
                let far = threshold(Instant::from_micros(now.micros() + 3_000_000_000_000_000));
                prop_assert!(threshold(now) > value || far <= value || time.amount.unsigned_abs() > 1_000_000);
            }
        }
    }

    #[test]
    fn spans_of_anniversaries_are_what_walking_the_days_finds(
        zone in zone(), now in instant(), low in -500i32..500, length in -3i32..400,
    ) {
        let relative = |amount| RelativeTime { amount, unit: Unit::Day };
        let (low, high) = (relative(low), relative(low + length));
        let days =
            DaysOfYear::between(AnniversaryDay::Relative(low), AnniversaryDay::Relative(high), now, &zone);
        let today = date_of(now, &zone);
        let mut expected = std::collections::BTreeSet::new();
        let (mut date, last) = (low.from_date(today).unwrap(), high.from_date(today).unwrap());
        while date <= last {
            expected.insert((date.month() as u8, date.day() as u8));
            if (date.month(), date.day()) == (3, 1) && !date.in_leap_year() {
                expected.insert((2, 29));
            }
            date = date.tomorrow().unwrap();
        }
        prop_assert_eq!(days.iter().collect::<std::collections::BTreeSet<_>>(), expected);
    }

    #[test]
    fn an_anniversary_flips_when_told_and_not_before(
        zone in zone(), value in instant(), now in instant(), low in anniversary_day(), high in anniversary_day(),
    ) {
        let birthday = date_of(value, &zone);
        let holds = |moment| DaysOfYear::between(low, high, moment, &zone).contains(birthday);
        if let Some(at) = next_anniversary_flip(value, low, high, now, &zone) {
            prop_assert!(at > now);
            prop_assert_ne!(holds(at), holds(now));
            prop_assert_eq!(holds(Instant::from_micros(at.micros() - 1)), holds(now));
        }
    }
}
