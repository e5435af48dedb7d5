//! Times as the admins of a connection read them: in its own time zone.

use std::borrow::Borrow;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use shared::domain::settings::ConnectionSettings;

/// The time zone of a connection.
#[derive(Debug, Clone)]
pub struct Zone(TimeZone);

impl Zone {
    /// As the schedule has it; UTC where that is not known any more.
    pub fn of(settings: &ConnectionSettings) -> Self {
        Self(TimeZone::get(&settings.schedule.time_zone).unwrap_or(TimeZone::UTC))
    }

    /// Of nobody's.
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// Date, time and zone, to the minute.
    pub fn show(&self, at: &Timestamp) -> String {
        at.to_zoned(self.0.clone())
            .strftime("%Y-%m-%d %H:%M %Z")
            .to_string()
    }

    /// The same; a dash for never.
    pub fn maybe(&self, at: impl Borrow<Option<Timestamp>>) -> String {
        at.borrow()
            .as_ref()
            .map_or_else(|| "–".to_owned(), |at| self.show(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // spec: 147
    #[test]
    fn times_are_told_in_the_zone_of_the_connection() {
        let mut settings = ConnectionSettings::default();
        settings.schedule.time_zone = "Asia/Shanghai".to_owned();
        let at: Timestamp = "2026-03-01T16:30:00Z".parse().unwrap();
        assert_eq!(Zone::of(&settings).show(&at), "2026-03-02 00:30 CST");
        settings.schedule.time_zone = "Mars/Base".to_owned();
        assert_eq!(Zone::of(&settings).maybe(Some(at)), "2026-03-01 16:30 UTC");
        assert_eq!(Zone::utc().maybe(None), "–");
    }
}
