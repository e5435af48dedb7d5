//! A batch of messages, each on its own: one that fails, panics or cannot be read is reported by its id, the others are done.

use std::error::Error;
use std::future::Future;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use serde::de::DeserializeOwned;
use shared::telemetry::chain;
use shared::trace::{TraceHeader, carried, current};
use tokio::task::JoinHandle;
use tracing::{Instrument as _, field};

use crate::name_trace;

/// The attribute under which SQS carries the sender's trace.
const TRACE_HEADER: &str = "AWSTraceHeader";

/// Calls `work` for each message's hint, side by side: no connection waits for another. A message without an id makes the
/// whole batch fail untouched, for there is no way to give it back alone.
pub async fn each_message<H, W, F, E>(event: SqsEvent, work: W) -> SqsBatchResponse
where
    H: DeserializeOwned,
    W: Fn(H) -> F,
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
            let begin = |hint| tokio::spawn(of_message(message, work(hint)));
            (id_of(message), parse(message).map(begin))
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
    name_trace(&span, trace.as_ref());
    carried(trace, work).instrument(span)
}

async fn finish<E: Error + 'static>(task: Result<JoinHandle<Result<(), E>>, String>) -> Result<(), String> {
    match task?.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(chain(&error).to_string()),
        // What it said may hold anything, so only that it happened is told; the panic itself went to the log.
        Err(_) => Err("the work panicked".to_owned()),
    }
}

fn id_of(message: &SqsMessage) -> &str {
    message.message_id.as_deref().unwrap_or_default()
}

/// Never repeats the body: what cannot be read may be anything.
fn parse<H: DeserializeOwned>(message: &SqsMessage) -> Result<H, String> {
    let body = message.body.as_deref().ok_or("the message has no body")?;
    serde_json::from_str(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("the message is not a hint (line {line}, column {column})")
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::{Arc, Mutex};

    use shared::testing::logs::Logs;

    use super::*;

    #[derive(serde::Deserialize)]
    struct Hint {}

    #[tokio::test]
    async fn work_names_its_message_in_the_log_and_goes_on_in_the_trace_of_its_sender() {
        const SENDERS: &str = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e708;Parent=9a9197af755a6419;Sampled=1";
        const OURS: &str = "Root=1-67891233-abcdef012345678912345678;Sampled=0";
        let batch = serde_json::json!({"Records": [
            {"messageId": "m-1", "body": "{}", "attributes": {"AWSTraceHeader": SENDERS}},
            {"messageId": "m-2", "body": "{}", "attributes": {}},
        ]});
        let logs = Logs::of_function("stack-function");
        let carried_on = Arc::new(Mutex::new(BTreeSet::new()));
        let work = carried(TraceHeader::parse(OURS), async {
            each_message(serde_json::from_value(batch).unwrap(), |Hint {}| {
                let carried_on = Arc::clone(&carried_on);
                async move {
                    tracing::info!("at work");
                    carried_on
                        .lock()
                        .unwrap()
                        .insert(current().unwrap().as_str().to_owned());
                    Ok::<(), std::fmt::Error>(())
                }
            })
            .await
        });
        assert!(work.await.batch_item_failures.is_empty());
        let wanted = [SENDERS.to_owned(), OURS.to_owned()];
        assert_eq!(*carried_on.lock().unwrap(), BTreeSet::from(wanted));
        let lines = logs.lines();
        let pairs: BTreeSet<(&str, &str)> = lines
            .iter()
            .map(|line| {
                (
                    line["message.id"].as_str().unwrap(),
                    line["trace.id"].as_str().unwrap(),
                )
            })
            .collect();
        let wanted = [
            ("m-1", "1-5bef4de7-ad49b0e87f6ef6c87fc2e708"),
            ("m-2", "1-67891233-abcdef012345678912345678"),
        ];
        assert_eq!(pairs, BTreeSet::from(wanted));
    }
}
