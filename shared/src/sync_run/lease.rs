//! Keeps the lease of a running sync alive. Work whose lease is lost is dropped at once: another run has the connection.

use std::future::Future;
use std::time::Duration;

use crate::ports::Clock;
use crate::store::{Lease, Store};

/// How long a lease lives after its last renewal.
pub const LEASE_TTL: Duration = Duration::from_mins(1);

/// How often it is renewed: three renewals may be lost before the lease is.
const RENEW_EVERY: Duration = Duration::from_secs(15);

/// The lease went to another run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LeaseLost;

/// Runs `work` for as long as the lease holds.
pub(super) async fn while_held<T>(
    store: &Store,
    clock: &dyn Clock,
    lease: &Lease,
    work: impl Future<Output = T>,
) -> Result<T, LeaseLost> {
    tokio::select! {
        done = work => Ok(done),
        () = keep(store, clock, lease) => Err(LeaseLost),
    }
}

/// Returns when the lease is lost.
async fn keep(store: &Store, clock: &dyn Clock, lease: &Lease) {
    loop {
        // The process's own life is measured here, whatever clock the work is on.
        tokio::time::sleep(RENEW_EVERY).await;
        match store.renew_lease(lease, clock.now(), LEASE_TTL).await {
            Ok(true) => {}
            Ok(false) => return,
            // The lease stands until it expires; the next beat tries again.
            Err(error) => {
                tracing::warn!(connection.id = %lease.connection, error = %error, "the lease could not be renewed");
            }
        }
    }
}
