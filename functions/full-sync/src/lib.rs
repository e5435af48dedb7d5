//! One sync run of one connection.
//!
//! - Trigger: SQS sync queue; each message is a hint `{"connection_id", "trigger", "run_id"?}`.
//! - Input: a batch; output: which of its messages failed (`batchItemFailures`).
//! - Needs: the table, the keys of the secrets in it, both sides of the connection, the sync queue for a continuation.
//!
//! A message says where to look; what is due stands in the table. So a message that comes twice does nothing twice.

mod batch;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use jiff::{SignedDuration, Timestamp};
use shared::deadline::Deadline;
use shared::ports::SyncHint;
use shared::sync_run::Engine;
use shared::sync_run::run::{RunEnd, RunError, run_due};

pub use batch::handle_with;

/// Kept of the function's time for storing how far a run came and for the answer.
pub const MARGIN: SignedDuration = SignedDuration::from_secs(30);

/// When to stop so that the function ends before `ends_at_ms`, the runtime's deadline in milliseconds of Unix time.
pub fn deadline_before(ends_at_ms: u64) -> Deadline {
    let ends_at = i64::try_from(ends_at_ms)
        .ok()
        .and_then(|millis| Timestamp::from_millisecond(millis).ok())
        .unwrap_or(Timestamp::MAX);
    Deadline::at(ends_at.saturating_sub(MARGIN).unwrap_or(Timestamp::MIN))
}

/// Does what the messages of a batch point at, side by side.
pub async fn handle(engine: &Engine, event: SqsEvent, deadline: &Deadline) -> SqsBatchResponse {
    handle_with(event, |hint| {
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
