//! One presence poll of one connection.
//!
//! - Trigger: SQS presence queue; each message is a hint `{"connection_id"}`.
//! - Input: a batch; output: which of its messages failed (`batchItemFailures`).
//! - Needs: the table, the keys of the secrets in it, both sides of the connection.
//!
//! A message says where to look; what is due stands in the table. So a message that comes twice does nothing twice, and one
//! that comes while the poll before it is at work does nothing.

mod batch;

use std::sync::Arc;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use jiff::{SignedDuration, Timestamp};
use shared::deadline::Deadline;
use shared::ports::PresenceHint;
use shared::presence_poll::{PollEnd, PollError, Poller, poll_due};

pub use batch::handle_with;

/// Kept of the function's time for writing down what was carried, and for the answer.
pub const MARGIN: SignedDuration = SignedDuration::from_secs(15);

/// When to begin nothing more so that the function ends before `ends_at_ms`, the runtime's deadline in milliseconds of Unix
/// time.
pub fn deadline_before(ends_at_ms: u64) -> Deadline {
    let ends_at = i64::try_from(ends_at_ms)
        .ok()
        .and_then(|millis| Timestamp::from_millisecond(millis).ok())
        .unwrap_or(Timestamp::MAX);
    Deadline::at(ends_at.saturating_sub(MARGIN).unwrap_or(Timestamp::MIN))
}

/// Does what the messages of a batch point at, side by side.
pub async fn handle(poller: &Arc<Poller>, event: SqsEvent, deadline: &Deadline) -> SqsBatchResponse {
    handle_with(event, |hint| {
        let (poller, deadline) = (Arc::clone(poller), deadline.clone());
        async move { poll_one(&poller, &hint, &deadline).await.map(drop) }
    })
    .await
}

/// Does what one hint points at.
pub async fn poll_one(
    poller: &Poller,
    hint: &PresenceHint,
    deadline: &Deadline,
) -> Result<PollEnd, PollError> {
    let end = poll_due(poller, hint.connection_id, deadline).await?;
    tracing::debug!(connection.id = %hint.connection_id, end = ?end, "presence hint followed");
    Ok(end)
}
