//! What the tenant's servers said about our pace, shared by every request of a client. A hold only ever moves later.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

/// From this share of the limit on, Graph reports it, and we leave it some air.
const NEAR_LIMIT: f64 = 0.8;
/// The longest pause for air: about what one page takes.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

#[derive(Default)]
struct Holds {
    refused_until: Option<Timestamp>,
    ease_until: Option<Timestamp>,
}

/// The holds of one client.
#[derive(Default)]
pub(super) struct Throttle(Mutex<Holds>);

/// What to wait before the next request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// Nothing.
    None,
    /// A little, because the limit is near. Costs no patience.
    Ease(Duration),
    /// Because we were refused.
    Refused(Duration),
}

impl Throttle {
    /// Nobody asks before `until`.
    pub fn hold(&self, until: Timestamp) {
        let mut holds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        holds.refused_until = holds.refused_until.max(Some(until));
    }

    /// Takes note of `x-ms-throttle-limit-percentage`.
    pub fn note_load(&self, header: &str, now: Timestamp) {
        let Ok(load) = header.trim().parse::<f64>() else {
            return;
        };
        if !(NEAR_LIMIT..=100.0).contains(&load) {
            return;
        }
        let pause = LONGEST_PAUSE.mul_f64((load - NEAR_LIMIT).clamp(0.2, 1.0));
        let mut holds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        holds.ease_until = now.checked_add(pause).ok();
    }

    /// What is to be waited at `now`.
    pub fn wait(&self, now: Timestamp) -> Wait {
        let holds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(left) = left(holds.refused_until, now) {
            return Wait::Refused(left);
        }
        left(holds.ease_until, now).map_or(Wait::None, Wait::Ease)
    }
}

fn left(until: Option<Timestamp>, now: Timestamp) -> Option<Duration> {
    let left = Duration::try_from(until?.duration_since(now)).ok()?;
    (!left.is_zero()).then_some(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_hold_only_moves_later() {
        let throttle = Throttle::default();
        throttle.hold(at(20));
        throttle.hold(at(10));
        assert_eq!(throttle.wait(at(5)), Wait::Refused(Duration::from_secs(15)));
        assert_eq!(throttle.wait(at(20)), Wait::None);
    }

    #[test]
    fn a_near_limit_slows_down_a_little() {
        let throttle = Throttle::default();
        for nonsense in ["0.79", "-1", "NaN", "inf", "much"] {
            throttle.note_load(nonsense, at(5));
            assert_eq!(throttle.wait(at(5)), Wait::None, "{nonsense}");
        }
        throttle.note_load("1.8", at(5));
        assert_eq!(throttle.wait(at(5)), Wait::Ease(LONGEST_PAUSE));
    }
}
