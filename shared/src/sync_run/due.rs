//! The scheduler's minute: every connection with a run due gets one hint.

use jiff::Timestamp;

use crate::domain::sync_run::Trigger;
use crate::store::{Due, DueWork, StoreError};

use super::Engine;
use super::request::hint;

/// Hints sent at most in one minute: what is beyond comes with the next one, oldest first.
const AT_MOST: usize = 1_000;

/// What was found due.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DueNow {
    /// Runs for which a hint was sent.
    pub runs: usize,
    /// Connections whose presence is due.
    pub presences: Vec<Due>,
    /// What else wants attention.
    pub others: Vec<Due>,
}

/// Sends a hint for every run that is due; answers what else is.
pub async fn send_due(engine: &Engine, now: Timestamp) -> Result<DueNow, StoreError> {
    let mut found = DueNow::default();
    for due in engine.store.due(now, AT_MOST).await? {
        match due.work {
            DueWork::Sync => {
                hint(engine, due.connection, Trigger::Scheduled, None).await;
                found.runs += 1;
            }
            DueWork::Watch | DueWork::SecretCare | DueWork::Alerts => found.others.push(due),
            DueWork::Presence => found.presences.push(due),
        }
    }
    Ok(found)
}
