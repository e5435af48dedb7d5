//! The channel to the topic of the installation: whoever runs it for many subscribes once and hears of all.

use std::error::Error;

use async_trait::async_trait;

/// A topic that many may have subscribed to. Publishing again is heard again.
#[async_trait]
pub trait AlertTopic: Send + Sync {
    /// Publishes under a subject of one line: the text for people with mail, the document for everybody else.
    async fn publish(&self, subject: &str, text: &str, document: &str) -> Result<(), TopicError>;
}

/// The topic did not take a message.
#[derive(Debug, thiserror::Error)]
#[error("the topic did not take the message")]
pub struct TopicError(#[source] pub Box<dyn Error + Send + Sync>);

/// A topic of SNS.
#[derive(Debug, Clone)]
pub struct SnsTopic {
    client: aws_sdk_sns::Client,
    arn: String,
}

impl SnsTopic {
    /// Messages go to the topic of this ARN.
    pub fn new(client: aws_sdk_sns::Client, arn: String) -> Self {
        Self { client, arn }
    }
}

#[async_trait]
impl AlertTopic for SnsTopic {
    async fn publish(&self, subject: &str, text: &str, document: &str) -> Result<(), TopicError> {
        let by_protocol = serde_json::json!({ "default": document, "email": text });
        self.client
            .publish()
            .topic_arn(&self.arn)
            .subject(subject)
            .message_structure("json")
            .message(by_protocol.to_string())
            .send()
            .await
            .map(drop)
            .map_err(|error| TopicError(Box::new(error)))
    }
}
