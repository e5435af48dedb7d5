//! The scheduler's minute: every connection with something due gets one hint.

use jiff::Timestamp;

use crate::domain::sync_run::Trigger;
use crate::store::StoreError;

use super::Engine;
use super::request::hint;

/// Hints sent at most in one minute: what is beyond comes with the next one, oldest first.
const AT_MOST: usize = 1_000;

/// Sends a hint for every connection that is due; answers how many.
pub async fn send_due(engine: &Engine, now: Timestamp) -> Result<usize, StoreError> {
    let due = engine.store.due_connections(now, AT_MOST).await?;
    for (connection, _) in &due {
        hint(engine, *connection, Trigger::Scheduled, None).await;
    }
    Ok(due.len())
}
