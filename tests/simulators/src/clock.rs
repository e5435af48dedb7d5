//! The time of a simulated system: the machine's clock, or one that stands still until it is moved.
//! Every expiry in a simulator is judged by this clock and by no other.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// A clock shared by everyone who holds a clone of it.
#[derive(Clone)]
pub struct SimClock(Arc<Inner>);

enum Inner {
    Real { skipped: Mutex<SignedDuration> },
    Manual { now: Mutex<Timestamp> },
}

impl SimClock {
    /// Follows the machine's clock.
    pub fn real() -> Self {
        Self(Arc::new(Inner::Real {
            skipped: Mutex::new(SignedDuration::ZERO),
        }))
    }

    /// Stands at `start` until [`SimClock::advance`] moves it.
    pub fn manual(start: Timestamp) -> Self {
        Self(Arc::new(Inner::Manual {
            now: Mutex::new(start),
        }))
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        match &*self.0 {
            Inner::Real { skipped } => {
                let skipped = *skipped.lock().unwrap_or_else(PoisonError::into_inner);
                later(machine_time(), skipped)
            }
            Inner::Manual { now } => *now.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Whether time passes by itself.
    pub fn is_real(&self) -> bool {
        matches!(&*self.0, Inner::Real { .. })
    }

    /// Moves time forward: a manual clock jumps, a real one runs ahead from here on.
    pub fn advance(&self, by: Duration) {
        let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        match &*self.0 {
            Inner::Real { skipped } => {
                let mut skipped = skipped.lock().unwrap_or_else(PoisonError::into_inner);
                *skipped = skipped.saturating_add(by);
            }
            Inner::Manual { now } => {
                let mut now = now.lock().unwrap_or_else(PoisonError::into_inner);
                *now = later(*now, by);
            }
        }
    }
}

/// Stops at the last moment that can be written down instead of overflowing.
fn later(moment: Timestamp, by: SignedDuration) -> Timestamp {
    moment.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is where a simulator reads the machine's clock"
)]
fn machine_time() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let start = Timestamp::from_second(1_700_000_000).unwrap();
        let clock = SimClock::manual(start);
        let copy = clock.clone();
        assert_eq!(copy.now(), start);
        clock.advance(Duration::from_secs(90));
        assert_eq!(copy.now().as_second(), start.as_second() + 90);
    }

    #[test]
    fn a_real_clock_can_be_sent_ahead() {
        let clock = SimClock::real();
        let before = clock.now();
        clock.advance(Duration::from_hours(1));
        assert!(clock.now().as_second() >= before.as_second() + 3600);
    }
}
