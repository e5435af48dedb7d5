//! The scheduler's minute: every connection with a run due gets one hint.

use jiff::Timestamp;

use crate::domain::sync_run::Trigger;
use crate::store::{Due, DueWork, StoreError};

use super::Engine;
use super::request::hint;

/// Hints sent at most in one minute: what is beyond comes with the next one, oldest first.
const AT_MOST: usize = 1_000;

/// Sends a hint for every run that is due; answers how many, and what else wants attention.
pub async fn send_due(engine: &Engine, now: Timestamp) -> Result<(usize, Vec<Due>), StoreError> {
    let mut sent = 0;
    let mut others = Vec::new();
    for due in engine.store.due(now, AT_MOST).await? {
        match due.work {
            DueWork::Sync => {
                hint(engine, due.connection, Trigger::Scheduled, None).await;
                sent += 1;
            }
            DueWork::Watch | DueWork::SecretCare => others.push(due),
        }
    }
    Ok((sent, others))
}
