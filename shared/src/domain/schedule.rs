//! When the full sync runs next. Every local date that the schedule chooses yields exactly one run, whatever the clocks
//! do that day: a time that does not exist runs at the next minute that does, one that occurs twice runs the first time.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Span, Timestamp};

use super::settings::{Day, Frequency, Schedule};

/// A schedule that names no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSchedule {
    /// Not `HH:MM`.
    #[error("the time must be HH:MM between 00:00 and 23:59")]
    Time,
    /// Not a time zone.
    #[error("the time zone must be an IANA name like Asia/Shanghai")]
    TimeZone,
    /// Weekly, on no day.
    #[error("a weekly schedule needs at least one day")]
    NoDay,
    /// Past the year 9999.
    #[error("the calendar ends before the next run")]
    EndOfCalendar,
}

/// Days looked at from the first on: a week holds every chosen weekday, two more stand for the days looked at before
/// `after`, and as many for dates that a zone left out (Samoa had no 30 December 2011).
const DAYS_TO_LOOK_AT: usize = 7 + 2 + 2;

/// The first run strictly after `after`.
pub fn next_run(schedule: &Schedule, after: Timestamp) -> Result<Timestamp, InvalidSchedule> {
    let time = parse_time(&schedule.time)?;
    let zone = parse_zone(&schedule.time_zone)?;
    if schedule.frequency == Frequency::Weekly && schedule.days.is_empty() {
        return Err(InvalidSchedule::NoDay);
    }
    // A run whose time was left out by the clocks may fall on the date after its own, hence the start before today.
    let today = after.to_zoned(zone.clone()).date();
    let mut date = today.saturating_sub(Span::new().days(2));
    for _ in 0..DAYS_TO_LOOK_AT {
        if chooses(schedule, date) {
            let run = instant_of(date.to_datetime(time), &zone)?;
            if run > after {
                return Ok(run);
            }
        }
        date = date.tomorrow().map_err(|_| InvalidSchedule::EndOfCalendar)?;
    }
    Err(InvalidSchedule::EndOfCalendar)
}

fn chooses(schedule: &Schedule, date: Date) -> bool {
    match schedule.frequency {
        Frequency::Daily => true,
        Frequency::Weekly => schedule.days.contains(&day_of(date.weekday())),
    }
}

fn instant_of(wanted: DateTime, zone: &TimeZone) -> Result<Timestamp, InvalidSchedule> {
    let mut local = wanted;
    let offset = loop {
        match zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => break offset,
            AmbiguousOffset::Fold { before, .. } => break before,
            AmbiguousOffset::Gap { .. } => {
                let minute = Span::new().minutes(1);
                local = local
                    .checked_add(minute)
                    .map_err(|_| InvalidSchedule::EndOfCalendar)?;
            }
        }
    };
    offset
        .to_timestamp(local)
        .map_err(|_| InvalidSchedule::EndOfCalendar)
}

pub(super) fn parse_time(text: &str) -> Result<Time, InvalidSchedule> {
    let (hour, minute) = text.split_once(':').ok_or(InvalidSchedule::Time)?;
    Time::new(two_digits(hour)?, two_digits(minute)?, 0, 0).map_err(|_| InvalidSchedule::Time)
}

fn two_digits(text: &str) -> Result<i8, InvalidSchedule> {
    let digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    if digits {
        text.parse().map_err(|_| InvalidSchedule::Time)
    } else {
        Err(InvalidSchedule::Time)
    }
}

pub(super) fn parse_zone(name: &str) -> Result<TimeZone, InvalidSchedule> {
    let zone = TimeZone::get(name).map_err(|_| InvalidSchedule::TimeZone)?;
    // `Etc/Unknown` is a name, but of no place.
    if zone.is_unknown() {
        Err(InvalidSchedule::TimeZone)
    } else {
        Ok(zone)
    }
}

pub(super) fn day_of(weekday: Weekday) -> Day {
    match weekday {
        Weekday::Monday => Day::Monday,
        Weekday::Tuesday => Day::Tuesday,
        Weekday::Wednesday => Day::Wednesday,
        Weekday::Thursday => Day::Thursday,
        Weekday::Friday => Day::Friday,
        Weekday::Saturday => Day::Saturday,
        Weekday::Sunday => Day::Sunday,
    }
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
