//! Asks for a run: a fact in the table, then a hint to the queue.

use crate::domain::connection::ConnectionStatus;
use crate::domain::ids::{ConnectionId, SyncRunId};
use crate::domain::sync_run::{RunRequest, SyncRun, Trigger};
use crate::ports::SyncHint;
use crate::store::StoreError;

use super::Engine;

/// Why no run was asked for.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// There is no such connection.
    #[error("there is no such connection")]
    NoSuchConnection,
    /// The connection does not run at present.
    #[error("the connection does not sync in its present status")]
    NotRunning {
        /// Its status.
        status: Box<ConnectionStatus>,
    },
    /// A run of another kind waits already.
    #[error("another run is waiting; try again when it has started")]
    AnotherWaits,
    /// The table could not be asked.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for RequestError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { .. } => Self::AnotherWaits,
            other => Self::Store(other),
        }
    }
}

/// Asks for a run; if one of the same kind waits already, that one's id is the answer.
pub async fn request_run(
    engine: &Engine,
    connection: ConnectionId,
    request: RunRequest,
) -> Result<SyncRunId, RequestError> {
    let stored = engine
        .store
        .connection(connection)
        .await?
        .ok_or(RequestError::NoSuchConnection)?;
    if !stored.value.status.may_run() {
        return Err(RequestError::NotRunning {
            status: Box::new(stored.value.status),
        });
    }
    let now = engine.clock.now();
    let trigger = request.trigger;
    let run = SyncRun::queued(connection, request, now);
    let id = engine.store.request_run(&run, now).await?;
    hint(engine, connection, trigger, Some(id)).await;
    Ok(id)
}

/// Tells the queue. What is due stays due without it, so a queue that is down is only worth a line in the log.
pub(super) async fn hint(
    engine: &Engine,
    connection: ConnectionId,
    trigger: Trigger,
    run: Option<SyncRunId>,
) {
    let hint = SyncHint {
        connection_id: connection,
        trigger,
        run_id: run,
    };
    if let Err(error) = engine.queue.send(&hint).await {
        tracing::warn!(connection.id = %connection, error = %error, "the hint was not sent; the scheduler will find the run");
    }
}
