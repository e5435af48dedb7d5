//! One presence poll of one connection.
//!
//! - Trigger: SQS presence queue; each message is a hint `{"connection_id"}`.
//! - Input: a batch; output: which of its messages failed (`batchItemFailures`).
//! - Needs: the table, the keys of the secrets in it, both sides of the connection.
//!
//! A message says where to look; what is due stands in the table. So a message that comes twice does nothing twice, and one
//! that comes while the poll before it is at work does nothing.

use std::sync::Arc;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use invocation::each_message;
use jiff::SignedDuration;
use shared::deadline::Deadline;
use shared::ports::PresenceHint;
use shared::presence_poll::{PollEnd, PollError, Poller, poll_due};

/// Kept of the function's time for writing down what was carried, and for the answer.
pub const MARGIN: SignedDuration = SignedDuration::from_secs(15);

/// Does what the messages of a batch point at, side by side.
pub async fn handle(poller: &Arc<Poller>, event: SqsEvent, deadline: &Deadline) -> SqsBatchResponse {
    each_message(event, |hint: PresenceHint| {
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
