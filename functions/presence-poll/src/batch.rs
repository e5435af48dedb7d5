//! A batch of messages, each on its own: one that fails, panics or cannot be read is reported by its id, the others are done.

use std::error::Error;
use std::future::Future;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use shared::ports::PresenceHint;
use shared::telemetry::chain;
use tokio::task::JoinHandle;

/// Calls `poll` for each message's hint, side by side: no connection waits for another. A message without an id makes the
/// whole batch fail untouched, for there is no way to give it back alone.
pub async fn handle_with<P, F, E>(event: SqsEvent, poll: P) -> SqsBatchResponse
where
    P: Fn(PresenceHint) -> F,
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: Error + Send + 'static,
{
    let mut response = SqsBatchResponse::default();
    if event.records.iter().any(|message| id_of(message).is_empty()) {
        tracing::error!("a message has no id, so the whole batch is given back");
        // SQS reads an empty id as the failure of all.
        response.add_failure("");
        return response;
    }
    let started: Vec<_> = event
        .records
        .iter()
        .map(|message| {
            (
                id_of(message),
                parse(message).map(|hint| tokio::spawn(poll(hint))),
            )
        })
        .collect();
    for (id, task) in started {
        if let Err(problem) = finish(task).await {
            tracing::error!(message.id = id, error = problem, "a message failed");
            response.add_failure(id);
        }
    }
    response
}

async fn finish<E: Error + 'static>(task: Result<JoinHandle<Result<(), E>>, String>) -> Result<(), String> {
    match task?.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(chain(&error).to_string()),
        // What it said may hold anything, so only that it happened is told; the panic itself went to the log.
        Err(_) => Err("the poll panicked".to_owned()),
    }
}

fn id_of(message: &SqsMessage) -> &str {
    message.message_id.as_deref().unwrap_or_default()
}

/// Never repeats the body: what cannot be read may be anything.
fn parse(message: &SqsMessage) -> Result<PresenceHint, String> {
    let body = message.body.as_deref().ok_or("the message has no body")?;
    serde_json::from_str(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("the message is not a presence hint (line {line}, column {column})")
    })
}
