//! The sync and the presence queue: SQS on AWS, lists in memory in one process. What they carry are hints; losing one loses
//! no work.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use aws_sdk_sqs::types::{MessageSystemAttributeNameForSends, MessageSystemAttributeValue};
use tokio::sync::Notify;
use url::Url;

use crate::domain::ids::ConnectionId;
use crate::ports::{PresenceHint, PresenceQueue, QueueError, SyncHint, SyncQueue};
use crate::trace;

/// SQS.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    client: aws_sdk_sqs::Client,
    url: Url,
}

impl SqsQueue {
    /// Hints go to the queue at `url`.
    pub fn new(client: aws_sdk_sqs::Client, url: Url) -> Self {
        Self { client, url }
    }

    async fn post(&self, hint: &impl serde::Serialize) -> Result<(), QueueError> {
        let body = serde_json::to_string(hint).map_err(|error| QueueError(Box::new(error)))?;
        let message = self
            .client
            .send_message()
            .queue_url(self.url.as_str())
            .message_body(body)
            .set_message_system_attributes(trace_attribute()?.map(|attribute| [attribute].into()));
        message
            .send()
            .await
            .map(drop)
            .map_err(|error| QueueError(Box::new(error)))
    }
}

/// Whoever takes the message goes on in the trace of whoever sent it.
fn trace_attribute()
-> Result<Option<(MessageSystemAttributeNameForSends, MessageSystemAttributeValue)>, QueueError> {
    let Some(header) = trace::current() else {
        return Ok(None);
    };
    let value = MessageSystemAttributeValue::builder()
        .data_type("String")
        .string_value(header.as_str())
        .build()
        .map_err(|error| QueueError(Box::new(error)))?;
    Ok(Some((MessageSystemAttributeNameForSends::AwsTraceHeader, value)))
}

#[async_trait]
impl SyncQueue for SqsQueue {
    async fn send(&self, hint: &SyncHint) -> Result<(), QueueError> {
        self.post(hint).await
    }
}

#[async_trait]
impl PresenceQueue for SqsQueue {
    async fn send_presence(&self, hint: &PresenceHint) -> Result<(), QueueError> {
        self.post(hint).await
    }
}

/// For a function that was given no queue: the scheduler finds what is due within a minute.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoQueue;

#[async_trait]
impl SyncQueue for NoQueue {
    async fn send(&self, hint: &SyncHint) -> Result<(), QueueError> {
        tracing::debug!(connection.id = %hint.connection_id, "left to the scheduler: no sync queue is set");
        Ok(())
    }
}

#[async_trait]
impl PresenceQueue for NoQueue {
    async fn send_presence(&self, hint: &PresenceHint) -> Result<(), QueueError> {
        tracing::debug!(connection.id = %hint.connection_id, "nobody polls presence: no presence queue is set");
        Ok(())
    }
}

/// What tells of one connection.
pub trait Hint: Clone + Send {
    /// Which.
    fn connection(&self) -> ConnectionId;
}

impl Hint for SyncHint {
    fn connection(&self) -> ConnectionId {
        self.connection_id
    }
}

impl Hint for PresenceHint {
    fn connection(&self) -> ConnectionId {
        self.connection_id
    }
}

/// A queue inside one process. Holds one hint per connection, the latest, so it never grows past the connections.
#[derive(Debug)]
pub struct InProcessQueue<H = SyncHint> {
    waiting: Mutex<VecDeque<H>>,
    arrived: Notify,
}

impl<H> Default for InProcessQueue<H> {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            arrived: Notify::default(),
        }
    }
}

impl<H: Hint> InProcessQueue<H> {
    /// Takes the oldest hint of a connection that is not `busy`; waits for one.
    pub async fn take(&self, busy: &BTreeSet<ConnectionId>) -> H {
        loop {
            // Asked for before looking, so that a hint that arrives in between still wakes this call.
            let arrived = self.arrived.notified();
            if let Some(hint) = self.take_now(busy) {
                return hint;
            }
            arrived.await;
        }
    }

    fn take_now(&self, busy: &BTreeSet<ConnectionId>) -> Option<H> {
        let mut waiting = self.lock();
        let position = waiting
            .iter()
            .position(|hint| !busy.contains(&hint.connection()))?;
        waiting.remove(position)
    }

    fn put(&self, hint: &H) {
        let mut waiting = self.lock();
        let same = waiting
            .iter_mut()
            .find(|other| other.connection() == hint.connection());
        match same {
            Some(other) => other.clone_from(hint),
            None => waiting.push_back(hint.clone()),
        }
        drop(waiting);
        self.arrived.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<H>> {
        // No code panics while it holds the list, and a list of hints is never half-written.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SyncQueue for InProcessQueue {
    async fn send(&self, hint: &SyncHint) -> Result<(), QueueError> {
        self.put(hint);
        Ok(())
    }
}

#[async_trait]
impl PresenceQueue for InProcessQueue<PresenceHint> {
    async fn send_presence(&self, hint: &PresenceHint) -> Result<(), QueueError> {
        self.put(hint);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::sync_run::Trigger;
    use crate::trace::{TraceHeader, carried};

    fn hint(connection: u128, trigger: Trigger) -> SyncHint {
        SyncHint {
            connection_id: uuid::Uuid::from_u128(connection).into(),
            trigger,
            run_id: None,
        }
    }

    #[test]
    fn the_message_has_the_words_of_the_contract() {
        let text = serde_json::to_string(&hint(1, Trigger::FirstSave)).unwrap();
        let wanted = r#"{"connection_id":"00000000-0000-0000-0000-000000000001","trigger":"first_save"}"#;
        assert_eq!(text, wanted);
        let presence = PresenceHint {
            connection_id: uuid::Uuid::from_u128(1).into(),
        };
        let wanted = r#"{"connection_id":"00000000-0000-0000-0000-000000000001"}"#;
        assert_eq!(serde_json::to_string(&presence).unwrap(), wanted);
    }

    const HEADER: &str = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e708;Parent=9a9197af755a6419;Sampled=1";

    /// What SQS was sent for one hint.
    async fn sent(trace: Option<TraceHeader>) -> serde_json::Value {
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        let answer = axum::routing::post(move |body: String| {
            sender.send(body).unwrap();
            async { r#"{"MessageId":"m-1"}"# }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let server =
            tokio::spawn(async { axum::serve(listener, axum::Router::new().fallback(answer)).await });
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(aws_sdk_sqs::config::BehaviorVersion::latest())
            .region(aws_sdk_sqs::config::Region::new("eu-central-1"))
            .credentials_provider(aws_sdk_sqs::config::Credentials::new(
                "local", "local", None, None, "test",
            ))
            .endpoint_url(&address);
        let queue = SqsQueue::new(
            aws_sdk_sqs::Client::from_conf(config.build()),
            Url::parse(&format!("{address}/1/sync")).unwrap(),
        );
        carried(trace, async { queue.send(&hint(1, Trigger::Manual)).await })
            .await
            .ok();
        server.abort();
        serde_json::from_str(&receiver.recv().await.unwrap()).unwrap()
    }

    #[tokio::test]
    async fn whoever_takes_a_hint_goes_on_in_the_trace_of_its_sender() {
        let request = sent(TraceHeader::parse(HEADER)).await;
        let attribute = &request["MessageSystemAttributes"]["AWSTraceHeader"];
        assert_eq!(attribute["StringValue"], HEADER);
        assert_eq!(attribute["DataType"], "String");
        assert_eq!(sent(None).await.get("MessageSystemAttributes"), None);
    }

    #[tokio::test]
    async fn hints_come_in_order_and_one_per_connection() {
        let queue = InProcessQueue::<SyncHint>::default();
        for (connection, trigger) in [
            (1, Trigger::Scheduled),
            (2, Trigger::Scheduled),
            (1, Trigger::Manual),
        ] {
            queue.send(&hint(connection, trigger)).await.unwrap();
        }
        let nobody = BTreeSet::new();
        assert_eq!(queue.take(&nobody).await, hint(1, Trigger::Manual));
        assert_eq!(queue.take(&nobody).await, hint(2, Trigger::Scheduled));
        assert_eq!(queue.take_now(&nobody), None);
    }

    #[tokio::test]
    async fn a_busy_connection_waits_and_holds_up_nobody() {
        let queue = InProcessQueue::<SyncHint>::default();
        for connection in [1, 2] {
            queue.send(&hint(connection, Trigger::Scheduled)).await.unwrap();
        }
        let busy = BTreeSet::from([hint(1, Trigger::Manual).connection_id]);
        assert_eq!(queue.take(&busy).await, hint(2, Trigger::Scheduled));
        assert_eq!(queue.take_now(&busy), None);
        assert_eq!(queue.take(&BTreeSet::new()).await, hint(1, Trigger::Scheduled));
    }

    #[tokio::test]
    async fn a_taker_that_waits_is_woken() {
        let queue = Arc::new(InProcessQueue::default());
        let taker = tokio::spawn({
            let queue = Arc::clone(&queue);
            async move { queue.take(&BTreeSet::new()).await }
        });
        tokio::task::yield_now().await;
        queue.send(&hint(7, Trigger::Manual)).await.unwrap();
        assert_eq!(taker.await.unwrap(), hint(7, Trigger::Manual));
    }
}
