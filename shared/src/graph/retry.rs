//! When to ask again: one value for every wait, and a budget that no amount of throttling exceeds.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::error::Cause;

/// Nobody is asked more often than this, whatever a `Retry-After` of 0, -5 or 1970 says.
const SHORTEST: Duration = Duration::from_secs(1);
/// A server that asks for a day is asked again after this; a run that cannot wait so long ends before.
const LONGEST: Duration = Duration::from_mins(15);
/// The first wait without advice; doubled after each failure.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
/// Longer waits without advice only burn the budget.
const LONGEST_BACKOFF: Duration = Duration::from_mins(1);

/// A failure worth another attempt.
#[derive(Debug)]
pub(super) struct Setback {
    /// What the server advised, within the limits.
    pub retry_after: Option<Duration>,
    /// Whether all requests should hold still, not only this one.
    pub everybody: bool,
    /// What happened.
    pub cause: Cause,
}

/// How much waiting one read may still do. Shared by the requests it makes at once.
pub(super) struct Patience(Mutex<Duration>);

impl Patience {
    pub fn new(budget: Duration) -> Self {
        Self(Mutex::new(budget))
    }

    /// Takes `wait` from what is left; `false` when there is not so much.
    pub fn spend(&self, wait: Duration) -> bool {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match left.checked_sub(wait) {
            Some(rest) => {
                *left = rest;
                true
            }
            None => false,
        }
    }
}

/// How long to wait after failure number `failures` (0 is the first).
pub(super) fn delay(failures: u32, retry_after: Option<Duration>) -> Duration {
    match retry_after {
        // Repeated refusals mean that the advice is too short.
        Some(advised) if failures > 0 => spread_up(advised.max(backoff(failures - 1))),
        Some(advised) => spread_up(advised),
        None => spread_down(backoff(failures)),
    }
}

/// Reads a `Retry-After`: seconds, also fractional, or a date. Absurd values come back within limits, unreadable ones
/// as no advice.
pub(super) fn parse_retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return seconds_within_limits(seconds);
    }
    let until = rfc2822::parse(text).ok()?.timestamp();
    let wait = Duration::try_from(until.duration_since(now)).unwrap_or(Duration::ZERO);
    Some(wait.clamp(SHORTEST, LONGEST))
}

fn seconds_within_limits(seconds: f64) -> Option<Duration> {
    if seconds.is_nan() {
        return None;
    }
    let seconds = seconds
        .ceil()
        .clamp(SHORTEST.as_secs_f64(), LONGEST.as_secs_f64());
    Some(Duration::from_secs_f64(seconds))
}

fn backoff(failures: u32) -> Duration {
    let factor = 1_u32.checked_shl(failures).unwrap_or(u32::MAX);
    FIRST_BACKOFF.saturating_mul(factor).min(LONGEST_BACKOFF)
}

/// Never below the advice; up to a tenth above, so that functions do not return in step.
fn spread_up(wait: Duration) -> Duration {
    wait.mul_f64(1.0 + rand::random::<f64>() / 10.0)
}

fn spread_down(wait: Duration) -> Duration {
    wait.mul_f64(0.5 + rand::random::<f64>() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-03-01T10:00:00Z".parse().unwrap()
    }

    // case: 61
    #[test]
    fn absurd_advice_is_clamped() {
        let rows = [
            ("0", Some(1)),
            ("-5", Some(1)),
            ("86400", Some(900)),
            ("1e300", Some(900)),
            ("inf", Some(900)),
            ("2.128", Some(3)),
            (" 7 ", Some(7)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(1)),
            ("Sun, 01 Mar 2026 10:00:30 GMT", Some(30)),
            ("Sun, 01 Mar 2099 10:00:30 GMT", Some(900)),
            ("NaN", None),
            ("soon", None),
            ("", None),
        ];
        for (text, seconds) in rows {
            assert_eq!(
                parse_retry_after(text, now()),
                seconds.map(Duration::from_secs),
                "{text}"
            );
        }
    }

    #[test]
    fn waits_keep_to_the_advice_and_grow_without_it() {
        let advised = Duration::from_secs(10);
        for failures in 0..40 {
            let wait = delay(failures, Some(advised));
            assert!(wait >= advised);
            assert!(delay(failures, None) <= LONGEST_BACKOFF);
        }
        assert!(delay(0, Some(advised)) <= Duration::from_secs(11));
        assert!(delay(5, None) >= Duration::from_secs(16));
        assert!(delay(0, None) >= Duration::from_millis(500));
    }

    #[test]
    fn patience_ends() {
        let patience = Patience::new(Duration::from_secs(10));
        assert!(patience.spend(Duration::from_secs(9)));
        assert!(!patience.spend(Duration::from_secs(2)));
        assert!(patience.spend(Duration::from_secs(1)));
    }
}
