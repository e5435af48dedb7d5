//! The scheduler's minute: every connection with a run due gets one hint.

use jiff::Timestamp;

use crate::domain::ids::ConnectionId;
use crate::domain::sync_run::Trigger;
use crate::store::{DueWork, StoreError};

use super::Engine;
use super::request::hint;

/// Hints sent at most in one minute: what is beyond comes with the next one, oldest first.
const AT_MOST: usize = 1_000;

/// Sends a hint for every run that is due; answers how many, and which connections' watches are due.
pub async fn send_due(engine: &Engine, now: Timestamp) -> Result<(usize, Vec<ConnectionId>), StoreError> {
    let mut sent = 0;
    let mut watches = Vec::new();
    for due in engine.store.due(now, AT_MOST).await? {
        match due.work {
            DueWork::Sync => {
                hint(engine, due.connection, Trigger::Scheduled, None).await;
                sent += 1;
            }
            DueWork::Watch => watches.push(due.connection),
        }
    }
    Ok((sent, watches))
}
