//! The hours in which presence is carried, on the clocks of the PBX's place. They may end on the day after they began.

use std::collections::BTreeSet;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde::{Deserialize, Serialize};

use super::schedule::{InvalidSchedule, day_of, parse_time, parse_zone};
use super::settings::Day;

/// Within them presence is carried; outside, extensions keep what they have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfficeHours {
    /// Days on which they begin.
    pub days: BTreeSet<Day>,
    /// `HH:MM` in the time zone of the schedule.
    pub from: String,
    /// `HH:MM`; earlier than `from`: on the next day.
    pub to: String,
}

/// Whether they are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hours {
    /// They are.
    Open,
    /// They begin again at this instant.
    ClosedUntil(Timestamp),
}

impl OfficeHours {
    /// How they stand at `now` in this time zone.
    pub fn at(&self, now: Timestamp, time_zone: &str) -> Result<Hours, InvalidSchedule> {
        let zone = parse_zone(time_zone)?;
        let (from, to) = (parse_time(&self.from)?, parse_time(&self.to)?);
        let today = now.to_zoned(zone.clone()).date();
        let yesterday = today.yesterday().map_err(|_| InvalidSchedule::EndOfCalendar)?;
        let mut day = yesterday;
        // A week holds every day, and the hours of yesterday may still be on.
        for _ in 0..=8 {
            let next = day.tomorrow().map_err(|_| InvalidSchedule::EndOfCalendar)?;
            if self.days.contains(&day_of(day.weekday())) {
                let end_day = if to <= from { next } else { day };
                let (begin, end) = (instant(day, from, &zone)?, instant(end_day, to, &zone)?);
                if now < begin {
                    return Ok(Hours::ClosedUntil(begin));
                }
                if now < end {
                    return Ok(Hours::Open);
                }
            }
            day = next;
        }
        Err(InvalidSchedule::NoDay)
    }
}

/// A time that the clocks leave out counts from when they go on; of one that occurs twice the first.
fn instant(day: Date, time: Time, zone: &TimeZone) -> Result<Timestamp, InvalidSchedule> {
    let zoned: Result<Zoned, _> = zone.to_ambiguous_zoned(day.to_datetime(time)).compatible();
    zoned
        .map(|zoned| zoned.timestamp())
        .map_err(|_| InvalidSchedule::EndOfCalendar)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(days: &[Day], from: &str, to: &str) -> OfficeHours {
        OfficeHours {
            days: days.iter().copied().collect(),
            from: from.to_owned(),
            to: to.to_owned(),
        }
    }

    fn at(hours: &OfficeHours, now: &str) -> String {
        match hours.at(now.parse().unwrap(), "Europe/Berlin").unwrap() {
            Hours::Open => "open".to_owned(),
            Hours::ClosedUntil(begin) => begin.to_string(),
        }
    }

    #[test]
    fn they_begin_and_end_on_local_clocks() {
        let weekdays = [
            Day::Monday,
            Day::Tuesday,
            Day::Wednesday,
            Day::Thursday,
            Day::Friday,
        ];
        let office = hours(&weekdays, "08:00", "18:00");
        // 2 March 2026 is a Monday; Berlin is an hour ahead.
        assert_eq!(at(&office, "2026-03-02T06:59:59Z"), "2026-03-02T07:00:00Z");
        assert_eq!(at(&office, "2026-03-02T07:00:00Z"), "open");
        assert_eq!(at(&office, "2026-03-02T16:59:59Z"), "open");
        assert_eq!(at(&office, "2026-03-02T17:00:00Z"), "2026-03-03T07:00:00Z");
        assert_eq!(at(&office, "2026-03-06T17:00:00Z"), "2026-03-09T07:00:00Z");
        // The clocks went forward on the 29th.
        assert_eq!(at(&office, "2026-03-27T17:00:00Z"), "2026-03-30T06:00:00Z");
    }

    #[test]
    fn a_night_shift_ends_on_the_next_day() {
        let night = hours(&[Day::Saturday], "22:00", "06:00");
        assert_eq!(at(&night, "2026-03-07T20:59:00Z"), "2026-03-07T21:00:00Z");
        assert_eq!(at(&night, "2026-03-07T23:30:00Z"), "open");
        assert_eq!(at(&night, "2026-03-08T04:59:00Z"), "open");
        assert_eq!(at(&night, "2026-03-08T05:00:00Z"), "2026-03-14T21:00:00Z");
    }

    #[test]
    fn hours_that_never_begin_are_an_error() {
        assert!(
            hours(&[], "08:00", "18:00")
                .at(Timestamp::UNIX_EPOCH, "UTC")
                .is_err()
        );
        assert!(
            hours(&[Day::Monday], "8", "18:00")
                .at(Timestamp::UNIX_EPOCH, "UTC")
                .is_err()
        );
    }
}
