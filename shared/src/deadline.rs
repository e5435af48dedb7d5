//! When work must stop cleanly: at an instant that is known beforehand, or as soon as somebody asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;

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
