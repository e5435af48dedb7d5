//! Lets through as many calls at once as [`Pace`] decides, first come first served. Every permit is given back,
//! also by a call that was abandoned half-way.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::pace::{Pace, Sample};

/// Shared by all calls of one client.
#[derive(Clone)]
pub(super) struct Limiter {
    gate: Arc<Semaphore>,
    state: Arc<Mutex<State>>,
    most: usize,
}

struct State {
    pace: Pace,
    /// Permits that exist: those in the gate and those in use.
    issued: usize,
}

/// The right to make one call.
pub(super) struct Permit {
    turn: Option<OwnedSemaphorePermit>,
    limiter: Limiter,
    epoch: u64,
}

impl Limiter {
    pub(super) fn new(most: usize) -> Self {
        let pace = Pace::new(most);
        let issued = pace.limit();
        Self {
            gate: Arc::new(Semaphore::new(issued)),
            state: Arc::new(Mutex::new(State { pace, issued })),
            most: most.max(1),
        }
    }

    /// The most it will ever let through.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// Waits for a turn; the queue is fair.
    pub(super) async fn acquire(&self) -> Permit {
        // The gate is never closed, so waiting ends with a permit.
        let turn = Arc::clone(&self.gate).acquire_owned().await.ok();
        Permit {
            turn,
            limiter: self.clone(),
            epoch: self.state().pace.epoch(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// Gives the permit back and tells how the call went.
    pub(super) fn finish(self, sample: Sample) {
        self.limiter.state().pace.record(self.epoch, sample);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.limiter.state();
        let limit = state.pace.limit();
        if state.issued > limit {
            // After a cut the surplus leaves with the calls that hold it.
            if let Some(turn) = self.turn.take() {
                turn.forget();
                state.issued -= 1;
            }
        } else if state.issued < limit {
            self.limiter.gate.add_permits(limit - state.issued);
            state.issued = limit;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::FutureExt as _;

    use super::*;
    use crate::pbx::pace::Kind;

    const GOOD: Sample = Sample::Answered {
        kind: Kind::Read,
        latency: Duration::from_millis(5),
    };

    fn free(limiter: &Limiter) -> usize {
        std::iter::from_fn(|| limiter.acquire().now_or_never())
            .take(100)
            .collect::<Vec<_>>()
            .len()
    }

    #[tokio::test]
    async fn permits_follow_the_pace_up_and_down() {
        let limiter = Limiter::new(4);
        assert_eq!(free(&limiter), 2);
        for _ in 0..20 {
            limiter.acquire().await.finish(GOOD);
        }
        assert_eq!(free(&limiter), 4);
        let held = [limiter.acquire().await, limiter.acquire().await];
        for permit in held {
            permit.finish(Sample::Strained);
        }
        limiter.acquire().await.finish(GOOD);
        assert_eq!(free(&limiter), 2);
    }

    #[tokio::test]
    async fn an_abandoned_call_gives_its_permit_back() {
        let limiter = Limiter::new(1);
        drop(limiter.acquire().await);
        let held = limiter.acquire().await;
        assert!(limiter.acquire().now_or_never().is_none());
        drop(held);
        assert_eq!(free(&limiter), 1);
    }

    #[tokio::test]
    async fn turns_come_in_the_order_of_asking() {
        let limiter = Limiter::new(1);
        let held = limiter.acquire().await;
        let mut first = Box::pin(limiter.acquire());
        let mut second = Box::pin(limiter.acquire());
        assert!(first.as_mut().now_or_never().is_none());
        assert!(second.as_mut().now_or_never().is_none());
        drop(held);
        assert!(second.as_mut().now_or_never().is_none());
        let turn = first.now_or_never().expect("the first has its turn");
        drop(turn);
        assert!(second.now_or_never().is_some());
    }
}
