//! How many calls the PBX bears at once, decided from how the last ones went. Pure: it is told outcomes and
//! latencies and reads no clock. The limit stays between one and the configured most.

use std::time::Duration;

/// Where every client starts: enough to notice that more would help, too few to hurt.
const START: usize = 2;

/// A window may be this much slower than the best of its kind before growth stops: twice means that calls wait for
/// each other inside the PBX.
const TOLERATED_SLOWDOWN: f64 = 2.0;

/// Latencies below this are network noise.
const NOISE: Duration = Duration::from_millis(1);

/// The best latency is forgotten by this factor a call, so that one lucky answer does not stop growth for good.
const FORGETTING: f64 = 1.01;

/// Calls of one kind take about the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    LongRead,
    Write,
}

/// How one call went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Sample {
    /// An answer, whatever it said.
    Answered { kind: Kind, latency: Duration },
    /// Busy, a server fault, or no answer in time.
    Strained,
    /// The PBX lets nobody in: whoever tries later goes alone.
    ShutOut,
}

/// The decision and what it rests on.
#[derive(Debug)]
pub(super) struct Pace {
    limit: usize,
    most: usize,
    /// Counts the cuts; calls that began before the last one say nothing about the present limit.
    epoch: u64,
    window: usize,
    slowdowns: f64,
    best: [Option<f64>; 3],
}

impl Pace {
    pub(super) fn new(most: usize) -> Self {
        let most = most.max(1);
        Self {
            limit: START.min(most),
            most,
            epoch: 0,
            window: 0,
            slowdowns: 0.0,
            best: [None; 3],
        }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Takes in one call that began in `epoch`.
    pub(super) fn record(&mut self, epoch: u64, sample: Sample) {
        if epoch != self.epoch {
            return;
        }
        match sample {
            Sample::Strained => self.cut(self.limit / 2),
            Sample::ShutOut => self.cut(1),
            Sample::Answered { kind, latency } => self.count(kind, latency),
        }
    }

    fn cut(&mut self, limit: usize) {
        self.limit = limit.max(1);
        self.epoch += 1;
        self.start_window();
    }

    fn count(&mut self, kind: Kind, latency: Duration) {
        self.slowdowns += self.slowdown(kind, latency.max(NOISE).as_secs_f64());
        self.window += 1;
        if self.window < self.limit {
            return;
        }
        // Windows hold a handful of calls: their count is exact as a float.
        let calls = u32::try_from(self.window).map_or(f64::MAX, f64::from);
        if self.slowdowns / calls <= TOLERATED_SLOWDOWN && self.limit < self.most {
            self.limit += 1;
        }
        self.start_window();
    }

    fn slowdown(&mut self, kind: Kind, latency: f64) -> f64 {
        let [read, long_read, write] = &mut self.best;
        let best = match kind {
            Kind::Read => read,
            Kind::LongRead => long_read,
            Kind::Write => write,
        };
        let best = best.insert(best.map_or(latency, |known| latency.min(known * FORGETTING)));
        latency / *best
    }

    fn start_window(&mut self) {
        self.window = 0;
        self.slowdowns = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answered(kind: Kind, millis: u64) -> Sample {
        Sample::Answered {
            kind,
            latency: Duration::from_millis(millis),
        }
    }

    fn feed(pace: &mut Pace, times: usize, sample: Sample) {
        for _ in 0..times {
            pace.record(pace.epoch(), sample);
        }
    }

    #[test]
    fn it_starts_at_two_and_grows_by_one_a_full_window() {
        let mut pace = Pace::new(8);
        assert_eq!(pace.limit(), 2);
        for (window, after) in [(2, 3), (3, 4), (4, 5), (5, 6), (6, 7), (7, 8), (8, 8)] {
            feed(&mut pace, window - 1, answered(Kind::Write, 20));
            assert_eq!(pace.limit(), window);
            feed(&mut pace, 1, answered(Kind::Write, 20));
            assert_eq!(pace.limit(), after);
        }
    }

    #[test]
    fn strain_halves_it_down_to_one() {
        let mut pace = Pace::new(8);
        feed(&mut pace, 100, answered(Kind::Read, 20));
        for after in [4, 2, 1, 1] {
            feed(&mut pace, 1, Sample::Strained);
            assert_eq!(pace.limit(), after);
        }
    }

    #[test]
    fn being_shut_out_leaves_one_to_try() {
        let mut pace = Pace::new(8);
        feed(&mut pace, 100, answered(Kind::Read, 20));
        feed(&mut pace, 1, Sample::ShutOut);
        assert_eq!(pace.limit(), 1);
        feed(&mut pace, 1, answered(Kind::Read, 20));
        assert_eq!(pace.limit(), 2);
    }

    #[test]
    fn many_strained_calls_of_one_moment_cut_once() {
        let mut pace = Pace::new(8);
        feed(&mut pace, 100, answered(Kind::Read, 20));
        let before = pace.epoch();
        for _ in 0..8 {
            pace.record(before, Sample::Strained);
        }
        assert_eq!(pace.limit(), 4);
    }

    #[test]
    fn rising_latency_stops_growth() {
        let mut pace = Pace::new(8);
        feed(&mut pace, 2, answered(Kind::Write, 20));
        feed(&mut pace, 30, answered(Kind::Write, 60));
        assert_eq!(pace.limit(), 3);
    }

    #[test]
    fn slow_kinds_are_compared_with_their_own_best() {
        let mut pace = Pace::new(8);
        feed(&mut pace, 2, answered(Kind::Read, 5));
        feed(&mut pace, 3, answered(Kind::LongRead, 900));
        feed(&mut pace, 4, answered(Kind::Write, 200));
        assert_eq!(pace.limit(), 5);
    }

    proptest! {
        #[test]
        fn it_never_leaves_its_bounds(most in 0usize..20, calls in prop::collection::vec((any::<bool>(), 0u64..5_000), 0..300)) {
            let mut pace = Pace::new(most);
            for (well, millis) in calls {
                let sample = if well { answered(Kind::Read, millis) } else { Sample::Strained };
                pace.record(pace.epoch(), sample);
                prop_assert!((1..=most.max(1)).contains(&pace.limit()));
            }
        }
    }
}
