//! When somebody is reminded that the app's secret or certificate ends: 60, 30, 14, 7 and 1 days before, and when it has.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Days before the end at which a warning is due, the last one when it has come.
const STEPS: [u16; 6] = [60, 30, 14, 7, 1, 0];

/// A warning about one end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretWarning {
    /// The end.
    pub ends_at: Timestamp,
    /// The step that was reached, in days before it; 0: it has come.
    pub days: u16,
}

impl SecretWarning {
    /// The latest step that was reached; `None` while the end is far.
    pub fn reached(ends_at: Timestamp, now: Timestamp) -> Option<Self> {
        let days = STEPS.into_iter().rfind(|days| step(ends_at, *days) <= now)?;
        Some(Self { ends_at, days })
    }

    /// Whether somebody who was told `told` last does not know this yet.
    pub fn is_news_after(self, told: Option<Self>) -> bool {
        told.is_none_or(|told| told.ends_at != self.ends_at || self.days < told.days)
    }

    /// For an admin.
    pub fn sentence(self, now: Timestamp) -> String {
        let day = self.ends_at.strftime("%Y-%m-%d");
        let mend = "make another one in the app registration and hand it over";
        if self.ends_at <= now {
            return format!("the app's secret or certificate ended on {day}: {mend}");
        }
        match self.ends_at.duration_since(now).as_hours() / 24 {
            0 => format!("the app's secret or certificate ends within a day, on {day}: {mend}"),
            1 => format!("the app's secret or certificate ends in 1 day, on {day}: {mend}"),
            days => format!("the app's secret or certificate ends in {days} days, on {day}: {mend}"),
        }
    }
}

/// When the next step is reached; `None` after the last one.
pub fn next_step(ends_at: Timestamp, now: Timestamp) -> Option<Timestamp> {
    STEPS
        .into_iter()
        .map(|days| step(ends_at, days))
        .find(|at| *at > now)
}

fn step(ends_at: Timestamp, days: u16) -> Timestamp {
    let before = SignedDuration::from_hours(i64::from(days) * 24);
    ends_at.saturating_sub(before).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    // spec: 156
    #[test]
    fn each_step_is_reached_at_its_own_day() {
        let ends_at = at("2026-07-01T00:00:00Z");
        let rows = [
            ("2026-05-01T23:59:59Z", None, Some("2026-05-02T00:00:00Z")),
            ("2026-05-02T00:00:00Z", Some(60), Some("2026-06-01T00:00:00Z")),
            ("2026-06-10T00:00:00Z", Some(30), Some("2026-06-17T00:00:00Z")),
            ("2026-06-17T00:00:00Z", Some(14), Some("2026-06-24T00:00:00Z")),
            ("2026-06-29T12:00:00Z", Some(7), Some("2026-06-30T00:00:00Z")),
            ("2026-06-30T00:00:00Z", Some(1), Some("2026-07-01T00:00:00Z")),
            ("2026-07-01T00:00:00Z", Some(0), None),
            ("2027-01-01T00:00:00Z", Some(0), None),
        ];
        for (now, days, next) in rows {
            let warning = SecretWarning::reached(ends_at, at(now));
            assert_eq!(warning.map(|warning| warning.days), days, "{now}");
            assert_eq!(next_step(ends_at, at(now)), next.map(at), "{now}");
        }
    }

    #[test]
    fn what_was_told_is_no_news_and_another_end_is() {
        let one = |days| SecretWarning {
            ends_at: at("2026-07-01T00:00:00Z"),
            days,
        };
        assert!(one(60).is_news_after(None));
        assert!(one(14).is_news_after(Some(one(60))));
        assert!(!one(14).is_news_after(Some(one(14))));
        let next = SecretWarning {
            ends_at: at("2028-07-01T00:00:00Z"),
            days: 60,
        };
        assert!(next.is_news_after(Some(one(0))));
    }

    #[test]
    fn the_sentence_counts_the_days_that_are_left() {
        let warning = SecretWarning {
            ends_at: at("2026-07-01T00:00:00Z"),
            days: 30,
        };
        let rows = [
            ("2026-06-10T12:00:00Z", "in 20 days, on 2026-07-01"),
            ("2026-06-29T12:00:00Z", "in 1 day,"),
            ("2026-06-30T12:00:00Z", "within a day"),
            ("2026-07-01T00:00:00Z", "ended on 2026-07-01"),
            ("2026-07-09T00:00:00Z", "ended on 2026-07-01"),
        ];
        for (now, words) in rows {
            let sentence = warning.sentence(at(now));
            assert!(sentence.contains(words), "{sentence}");
        }
    }
}
