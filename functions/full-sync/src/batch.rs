//! A batch of messages, each on its own: one that fails, panics or cannot be read is reported by its id, the others are done.

use std::error::Error;
use std::future::Future;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use shared::ports::SyncHint;
use shared::telemetry::chain;
use shared::trace::{TraceHeader, carried, current};
use tokio::task::JoinHandle;
use tracing::{Instrument as _, field};

/// The attribute under which SQS carries the sender's trace.
const TRACE_HEADER: &str = "AWSTraceHeader";

/// Calls `run` for each message's hint, side by side. A message without an id makes the whole batch fail untouched,
/// for there is no way to give it back alone.
pub async fn handle_with<R, F, E>(event: SqsEvent, run: R) -> SqsBatchResponse
where
    R: Fn(SyncHint) -> F,
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
            let work = |hint| tokio::spawn(of_message(message, run(hint)));
            (id_of(message), parse(message).map(work))
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

/// Work that names its message in the log and goes on in the trace of whoever sent it.
fn of_message<F: Future>(message: &SqsMessage, work: F) -> impl Future<Output = F::Output> + use<F> {
    let header = message.attributes.get(TRACE_HEADER);
    let trace = header
        .and_then(|header| TraceHeader::parse(header))
        .or_else(current);
    let span = tracing::error_span!("message", message.id = id_of(message), trace.id = field::Empty);
    if let Some(trace) = &trace {
        span.record("trace.id", field::display(trace));
    }
    carried(trace, work).instrument(span)
}

async fn finish<E: Error + 'static>(task: Result<JoinHandle<Result<(), E>>, String>) -> Result<(), String> {
    match task?.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(chain(&error).to_string()),
        // What it said may hold anything, so only that it happened is told; the panic itself went to the log.
        Err(_) => Err("the run panicked".to_owned()),
    }
}

fn id_of(message: &SqsMessage) -> &str {
    message.message_id.as_deref().unwrap_or_default()
}

/// Never repeats the body: what cannot be read may be anything.
fn parse(message: &SqsMessage) -> Result<SyncHint, String> {
    let body = message.body.as_deref().ok_or("the message has no body")?;
    serde_json::from_str(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("the message is not a sync hint (line {line}, column {column})")
    })
}
