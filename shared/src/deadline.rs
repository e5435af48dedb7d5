//! When work must stop cleanly: at an instant that is known beforehand, or as soon as somebody asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::{SignedDuration, Timestamp};

/// When to stop. Clones share the asking, so one word stops all work that was given one.
#[derive(Debug, Clone, Default)]
pub struct Deadline {
    at: Option<Timestamp>,
    asked: Arc<AtomicBool>,
}

impl Deadline {
    /// At this instant, unless asked earlier.
    pub fn at(instant: Timestamp) -> Self {
        Self {
            at: Some(instant),
            asked: Arc::default(),
        }
    }

    /// Early enough that `margin` is left before `ends_at_ms`, the end of a function in milliseconds of Unix time.
    pub fn before(ends_at_ms: u64, margin: SignedDuration) -> Self {
        let ends_at = i64::try_from(ends_at_ms)
            .ok()
            .and_then(|millis| Timestamp::from_millisecond(millis).ok())
            .unwrap_or(Timestamp::MAX);
        Self::at(ends_at.saturating_sub(margin).unwrap_or(Timestamp::MIN))
    }

    /// Not before somebody asks.
    pub fn when_asked() -> Self {
        Self::default()
    }

    /// Asks all work that holds a clone to stop.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::Release);
    }

    /// Whether it is time to stop.
    pub fn has_passed(&self, now: Timestamp) -> bool {
        self.asked.load(Ordering::Acquire) || self.at.is_some_and(|at| now >= at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_margin_is_left_before_the_end_of_a_function() {
        let deadline = Deadline::before(100_000, SignedDuration::from_secs(30));
        assert!(!deadline.has_passed(Timestamp::from_second(69).unwrap()));
        assert!(deadline.has_passed(Timestamp::from_second(70).unwrap()));
        let endless = Deadline::before(u64::MAX, SignedDuration::from_secs(30));
        assert!(!endless.has_passed(Timestamp::from_second(1 << 32).unwrap()));
    }

    #[test]
    fn it_passes_at_its_instant_or_when_asked() {
        let (early, late) = (Timestamp::UNIX_EPOCH, Timestamp::MAX);
        let at = Deadline::at(late);
        assert!(!at.has_passed(early) && at.has_passed(late));
        let work = at.clone();
        at.ask();
        assert!(work.has_passed(early));
        assert!(!Deadline::when_asked().has_passed(late));
    }
}
