#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;

fn environment(date_format: DateFormat, zone: &str) -> Environment {
    let mut environment = Environment::utc(Instant::parse("2026-06-15T12:00:00Z").unwrap());
    environment.date_format = date_format;
    environment.timezone = jiff::tz::TimeZone::get(zone).unwrap();
    environment
}

fn day(text: &str, date_format: DateFormat) -> Option<String> {
    let (start, end) = Day::read(text, &environment(date_format, "UTC"))?.bounds(&TimeZone::UTC);
    assert_eq!(end.micros() - start.micros(), 86_400_000_000, "{text}");
    Some(start.to_string()[..10].to_owned())
}

#[test]
fn reads_the_workspaces_order_only() {
    use DateFormat::*;
    let cases = [
        ("28-05/1981", DayMonthYear, "1981-05-28"),
        ("31-31-2020 1-2-2020", DayMonthYear, "2020-02-01"),
        ("1981-05-28garbage", DayMonthYear, "1981-05-28"),
        ("28_05_1981", DayMonthYear, "1981-05-28"),
        ("28 05 1981", DayMonthYear, "1981-05-28"),
        (r"28\05\81", DayMonthYear, "1981-05-28"),
        ("1.2.26", DayMonthYear, "2026-02-01"),
        ("1.2.27", DayMonthYear, "1927-02-01"),
        ("05-28-1981", MonthDayYear, "1981-05-28"),
        ("1981-5-28", YearMonthDay, "1981-05-28"),
        ("xx 1981/05/28 yy", YearMonthDay, "1981-05-28"),
        ("81.5.28", YearMonthDay, "1981-05-28"),
        ("\t 2024-02-29 \n", MonthDayYear, "2024-02-29"),
        ("é1-2-2020é", DayMonthYear, "2020-02-01"),
    ];
    for (text, format, expected) in cases {
        assert_eq!(day(text, format).as_deref(), Some(expected), "{text}");
    }
    let not = [
        ("1981/05/28", DayMonthYear),
        ("x 1981-05-28", DayMonthYear),
        ("28-05-1981x", DayMonthYear),
        ("x28-05-1981", DayMonthYear),
        ("2023-02-29", DayMonthYear),
        ("2023-02-29", YearMonthDay),
        ("28-05-81", MonthDayYear),
        ("05-28-1981", DayMonthYear),
        ("1-2-202", DayMonthYear),
        ("1-2-20201", DayMonthYear),
        ("1-2-٢٠٢٠", DayMonthYear),
        ("0-2-2020", DayMonthYear),
        ("2023-03-8", MonthDayYear),
        ("today", DayMonthYear),
        ("", DayMonthYear),
        ("1-", DayMonthYear),
        // A stretch of the right form is passed over whole.
        ("40-10-10-2020", DayMonthYear),
    ];
    for (text, format) in not {
        assert_eq!(day(text, format), None, "{text}");
    }
}

#[test]
fn the_ends_of_the_calendar_are_days_like_any_other() {
    let zones = ["UTC", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Africa/Kigali"];
    for zone in zones {
        let environment = environment(DateFormat::YearMonthDay, zone);
        for text in ["9999-12-31", "0001-01-01", "9999-12-31T12:00:00-12:00", "0001-01-01T12:00:00+14:00"] {
            let day = Day::read(text, &environment).unwrap();
            let (start, end) = day.bounds(&environment.timezone);
            // Local mean time is not a whole number of minutes, but a day of it is a day.
            assert_eq!(end.micros() - start.micros(), 86_400_000_000, "{text} in {zone}");
            let moment = parse_moment(text, &environment).unwrap();
            assert!(start <= moment && moment < end, "{text} in {zone}");
            assert_eq!(Instant::parse(&moment.to_string()), Some(moment), "{text} in {zone}");
        }
        let late = parse_moment("9999-12-31 23:59:59", &environment).unwrap();
        let (start, end) = Day::read("9999-12-31", &environment).unwrap().bounds(&environment.timezone);
        assert!(start < late && late.micros() + 1_000_000 == end.micros(), "{zone}");
        assert!(parse_moment("9999-12-31 23:60", &environment).is_some_and(|moment| moment == end), "{zone}");
    }
}

#[test]
fn a_day_follows_the_calendar_when_clocks_change() {
    let span = |text: &str, zone: &str| {
        let environment = environment(DateFormat::YearMonthDay, zone);
        let (start, end) = Day::read(text, &environment).unwrap().bounds(&environment.timezone);
        (start.to_string(), (end.micros() - start.micros()) / 3_600_000_000)
    };
    assert_eq!(span("2026-03-08", "America/New_York"), ("2026-03-08T05:00:00Z".into(), 23));
    assert_eq!(span("2026-11-01", "America/New_York"), ("2026-11-01T04:00:00Z".into(), 25));
    // The day begins at 01:00.
    assert_eq!(span("2018-11-04", "America/Sao_Paulo"), ("2018-11-04T03:00:00Z".into(), 23));
    // A day that never was.
    assert_eq!(span("2011-12-30", "Pacific/Apia"), ("2011-12-30T10:00:00Z".into(), 0));
    assert_eq!(span("2026-06-15T01:00:00+05:30", "America/New_York"), ("2026-06-14T18:30:00Z".into(), 24));
}

#[test]
fn a_stored_text_may_have_a_time() {
    let moment = |text: &str| {
        parse_moment(text, &environment(DateFormat::DayMonthYear, "Africa/Kigali"))
            .map(|i| i.to_string())
            .unwrap_or_default()
    };
    let cases = [
        ("2020-01-02", "2020-01-01T22:00:00Z"),
        ("2020-01-02T12:00:00+01:00", "2020-01-02T11:00:00Z"),
        ("02-01-2020 10:30", "2020-01-02T08:30:00Z"),
        ("02-01-2020 1030", "2020-01-02T08:30:00Z"),
        ("02-01-2020 3 pm", "2020-01-02T13:00:00Z"),
        ("02-01-2020 3:04:05.5PM", "2020-01-02T13:04:05.5Z"),
        ("02-01-2020 12am", "2020-01-01T22:00:00Z"),
        ("02-01-2020 99 4", "2020-01-02T02:00:00Z"),
        ("02-01-2020 24:00", "2020-01-01T22:00:00Z"),
        ("02-01-2020 24:30", "2020-01-01T22:00:00Z"),
        ("02-01-2020 24:30 7:15", "2020-01-02T05:15:00Z"),
        ("02-01-2020 23:60", "2020-01-02T22:00:00Z"),
        ("02-01-2020 at noon", "2020-01-01T22:00:00Z"),
        // The zone behind a time that is not RFC 3339 is passed over, seconds that it sticks to with it.
        ("02-01-2020 10:30:15 +0700", "2020-01-02T08:30:15Z"),
        ("02-01-2020 10:30:15Z", "2020-01-02T08:30:00Z"),
        ("02-01-2020 10:30:15.25Z", "2020-01-02T08:30:15Z"),
        // `T10` is one word, so the first time is `30:15`, which is none, and the next is the zone.
        ("2020-01-02T10:30:15+0200", "2020-01-02T00:00:00Z"),
        ("2020-01-02 10.30", "2020-01-02T08:00:00Z"),
        ("yesterday", ""),
        ("31-02-2020 10:30", ""),
    ];
    for (text, expected) in cases {
        assert_eq!(moment(text), expected, "{text}");
    }
}

#[test]
fn a_time_that_clocks_skip_moves_forward() {
    let environment = environment(DateFormat::DayMonthYear, "America/New_York");
    assert_eq!(parse_moment("08-03-2026 2:30", &environment).unwrap().to_string(), "2026-03-08T07:30:00Z");
    assert_eq!(parse_moment("01-11-2026 1:30", &environment).unwrap().to_string(), "2026-11-01T05:30:00Z");
}

proptest! {
    #[test]
    fn never_panics_and_a_moment_lies_in_its_day(
        text in prop_oneof!["\\PC{0,30}", "[0-9 ./:_T+Zampé-]{0,30}", "[0-3][0-9][-./][01][0-9][-./][0-9]{2,4}[ 0-9:apm]{0,8}"],
        format in prop_oneof![Just(DateFormat::DayMonthYear), Just(DateFormat::MonthDayYear), Just(DateFormat::YearMonthDay)],
        zone in prop_oneof![Just("UTC"), Just("America/New_York"), Just("Asia/Kolkata"), Just("Pacific/Apia")],
    ) {
        let environment = environment(format, zone);
        let day = Day::read(&text, &environment).map(|day| day.bounds(&environment.timezone));
        let moment = parse_moment(&text, &environment);
        prop_assert_eq!(day.is_some(), moment.is_some());
        if let (Some((start, end)), Some(moment)) = (day, moment) {
            prop_assert!(start <= end);
            // Minute 60 runs over into the next day, by a minute and a second at most; a gap adds its own hour.
            prop_assert!(start <= moment && moment.micros() <= end.micros() + 3_700_000_000);
        }
    }
}
