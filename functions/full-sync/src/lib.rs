//! One sync run of one connection.
//!
//! - Trigger: SQS sync queue; each message is a hint `{"connection_id", "trigger", "run_id"?}`.
//! - Input: a batch; output: which of its messages failed (`batchItemFailures`).
//! - Needs: the table, the keys of the secrets in it, both sides of the connection, the sync queue for a continuation.
//!
//! A message says where to look; what is due stands in the table. So a message that comes twice does nothing twice.

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use invocation::each_message;
use jiff::SignedDuration;
use shared::deadline::Deadline;
use shared::ports::SyncHint;
use shared::sync_run::Engine;
use shared::sync_run::run::{RunEnd, RunError, run_due};

/// Kept of the function's time for storing how far a run came and for the answer.
pub const MARGIN: SignedDuration = SignedDuration::from_secs(30);

/// Does what the messages of a batch point at, side by side.
pub async fn handle(engine: &Engine, event: SqsEvent, deadline: &Deadline) -> SqsBatchResponse {
    each_message(event, |hint: SyncHint| {
        let (engine, deadline) = (engine.clone(), deadline.clone());
        async move { run_one(&engine, &hint, &deadline).await.map(drop) }
    })
    .await
}

/// Does what one hint points at.
pub async fn run_one(engine: &Engine, hint: &SyncHint, deadline: &Deadline) -> Result<RunEnd, RunError> {
    // On the heap: a run holds far more than the task around it should carry.
    let end = Box::pin(run_due(engine, hint, deadline)).await?;
    tracing::debug!(connection.id = %hint.connection_id, end = ?end, "hint followed");
    Ok(end)
}
