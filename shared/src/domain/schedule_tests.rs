//! Schedules against the calendar of real places, by table and by property.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn daily(time: &str, zone: &str) -> Schedule {
    Schedule {
        time: time.to_owned(),
        time_zone: zone.to_owned(),
        ..Schedule::default()
    }
}

fn weekly(days: &[Day], time: &str, zone: &str) -> Schedule {
    Schedule {
        frequency: Frequency::Weekly,
        days: days.iter().copied().collect(),
        ..daily(time, zone)
    }
}

fn assert_runs(name: &str, schedule: &Schedule, after: &str, wanted: &[&str]) {
    let mut now = at(after);
    for instant in wanted {
        now = next_run(schedule, now).expect(name);
        assert_eq!(now, at(instant), "{name}");
    }
}

// spec: 143, 145, 147
#[test]
fn daily_runs_come_at_the_local_time() {
    let shanghai = daily("00:30", "Asia/Shanghai");
    assert_runs(
        "half past midnight in Shanghai",
        &shanghai,
        "2026-03-01T00:00:00Z",
        &["2026-03-01T16:30:00Z", "2026-03-02T16:30:00Z"],
    );
    assert_runs(
        "strictly after",
        &shanghai,
        "2026-03-01T16:30:00Z",
        &["2026-03-02T16:30:00Z"],
    );
    assert_runs(
        "a nanosecond before counts",
        &shanghai,
        "2026-03-01T16:29:59.999999999Z",
        &["2026-03-01T16:30:00Z"],
    );
    assert_runs(
        "the last minute of the day",
        &daily("23:59", "America/New_York"),
        "2026-07-01T00:00:00Z",
        &["2026-07-01T03:59:00Z", "2026-07-02T03:59:00Z"],
    );
    let default = Schedule::default();
    assert_eq!(
        (default.frequency, default.time.as_str()),
        (Frequency::Daily, "00:30")
    );
}

// spec: 146
#[test]
fn weekly_runs_come_on_each_day_named() {
    assert_runs(
        "Saturday in Berlin",
        &weekly(&[Day::Saturday], "23:59", "Europe/Berlin"),
        "2026-01-01T00:00:00Z",
        &["2026-01-03T22:59:00Z", "2026-01-10T22:59:00Z"],
    );
    assert_runs(
        "Monday, Wednesday and Sunday; Monday there is Sunday in UTC",
        &weekly(
            &[Day::Monday, Day::Wednesday, Day::Sunday],
            "00:30",
            "Asia/Shanghai",
        ),
        "2026-03-01T00:00:00Z",
        &[
            "2026-03-01T16:30:00Z",
            "2026-03-03T16:30:00Z",
            "2026-03-07T16:30:00Z",
            "2026-03-08T16:30:00Z",
        ],
    );
    assert_runs(
        "on the day itself, after the time: a week later",
        &weekly(&[Day::Thursday], "09:00", "UTC"),
        "2026-01-01T09:00:00Z",
        &["2026-01-08T09:00:00Z"],
    );
}

// spec: 147
#[test]
fn a_time_that_the_clocks_leave_out_runs_at_the_next_minute_there_is() {
    let rows: &[(&str, &str, &str, &str, &[&str])] = &[
        (
            "Berlin in spring",
            "02:30",
            "Europe/Berlin",
            "2026-03-28T12:00:00Z",
            &["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"],
        ),
        (
            "Lord Howe moves by half an hour",
            "02:10",
            "Australia/Lord_Howe",
            "2026-10-03T00:00:00Z",
            &["2026-10-03T15:30:00Z", "2026-10-04T15:10:00Z"],
        ),
        (
            "midnight did not exist in Sao Paulo",
            "00:30",
            "America/Sao_Paulo",
            "2018-11-03T12:00:00Z",
            &["2018-11-04T03:00:00Z", "2018-11-05T02:30:00Z"],
        ),
        (
            "a whole day did not exist in Apia",
            "12:00",
            "Pacific/Apia",
            "2011-12-29T00:00:00Z",
            &[
                "2011-12-29T22:00:00Z",
                "2011-12-30T10:00:00Z",
                "2011-12-30T22:00:00Z",
            ],
        ),
        (
            "the last hour of the day does not exist in Nuuk",
            "23:30",
            "America/Nuuk",
            "2026-03-28T12:00:00Z",
            &["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"],
        ),
    ];
    for (name, time, zone, after, wanted) in rows {
        assert_runs(name, &daily(time, zone), after, wanted);
    }
}

// spec: 147
#[test]
fn a_time_that_occurs_twice_runs_the_first_time_only() {
    let rows: &[(&str, &str, &str, &str, &[&str])] = &[
        (
            "Berlin in autumn",
            "02:30",
            "Europe/Berlin",
            "2026-10-24T12:00:00Z",
            &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
        ),
        (
            "between the two",
            "02:30",
            "Europe/Berlin",
            "2026-10-25T01:00:00Z",
            &["2026-10-26T01:30:00Z"],
        ),
        (
            "Lord Howe in autumn",
            "01:45",
            "Australia/Lord_Howe",
            "2026-04-04T00:00:00Z",
            &["2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"],
        ),
        (
            "the last hour of Saturday in Sao Paulo",
            "23:30",
            "America/Sao_Paulo",
            "2018-02-17T12:00:00Z",
            &["2018-02-18T01:30:00Z", "2018-02-19T02:30:00Z"],
        ),
    ];
    for (name, time, zone, after, wanted) in rows {
        assert_runs(name, &daily(time, zone), after, wanted);
    }
}

#[test]
fn what_is_no_schedule_is_named() {
    let after = at("2026-01-01T00:00:00Z");
    for time in ["", "24:00", "12:60", "7:30", "07:3", "+7:30", "07:30:00", "ab:cd"] {
        assert_eq!(
            next_run(&daily(time, "UTC"), after),
            Err(InvalidSchedule::Time),
            "{time:?}"
        );
    }
    for zone in ["", "Shanghai", "UTC+8", "Etc/Unknown", "../etc/passwd"] {
        assert_eq!(
            next_run(&daily("00:30", zone), after),
            Err(InvalidSchedule::TimeZone),
            "{zone:?}"
        );
    }
    assert_eq!(
        next_run(&weekly(&[], "00:30", "UTC"), after),
        Err(InvalidSchedule::NoDay)
    );
    assert_eq!(
        next_run(&daily("00:30", "UTC"), Timestamp::MAX),
        Err(InvalidSchedule::EndOfCalendar)
    );
}

const ZONES: [&str; 8] = [
    "UTC",
    "Asia/Shanghai",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Kathmandu",
];

const WEEK: [Day; 7] = [
    Day::Monday,
    Day::Tuesday,
    Day::Wednesday,
    Day::Thursday,
    Day::Friday,
    Day::Saturday,
    Day::Sunday,
];

fn any_schedule() -> impl Strategy<Value = Schedule> {
    let days = proptest::collection::btree_set(0..WEEK.len(), 1..=WEEK.len());
    (0..ZONES.len(), 0..24_u8, 0..60_u8, any::<bool>(), days).prop_map(
        |(zone, hour, minute, is_weekly, days)| {
            let time = format!("{hour:02}:{minute:02}");
            if is_weekly {
                let days: Vec<Day> = days.into_iter().map(|i| WEEK[i]).collect();
                weekly(&days, &time, ZONES[zone])
            } else {
                daily(&time, ZONES[zone])
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    // spec: 145, 146, 147
    #[test]
    fn each_chosen_date_yields_exactly_one_run(schedule in any_schedule(), start in 946_684_800_i64..2_208_988_800) {
        let zone = TimeZone::get(&schedule.time_zone).unwrap();
        let mut now = Timestamp::from_second(start).unwrap();
        let mut seen = BTreeSet::new();
        for _ in 0..30 {
            let run = next_run(&schedule, now).unwrap();
            prop_assert!(run > now);
            prop_assert!(seen.insert(run.to_zoned(zone.clone()).date()));
            now = run;
        }
        let (first, last) = (*seen.first().unwrap(), *seen.last().unwrap());
        let chosen: BTreeSet<Date> = first
            .series(Span::new().days(1))
            .take_while(|date| *date <= last)
            .filter(|date| chooses(&schedule, *date))
            .collect();
        prop_assert_eq!(seen, chosen);
    }
}
