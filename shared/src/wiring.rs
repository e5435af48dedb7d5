//! From settings to a working engine on AWS: what every function's `main` does before its first event.

use std::sync::Arc;
use std::time::Duration;

use crate::alerts::{AlertTopic, Outlets, SnsTopic};
use crate::changes::{Address, Inbox, Surroundings};
use crate::clock::SystemClock;
use crate::domain::client_state::ClientStateKey;
use crate::ports::{Clock, PresenceQueue, SyncQueue};
use crate::queue::{NoQueue, SqsQueue};
use crate::secrets::{FileKeyError, FileKeySealer, KmsSealer, Sealer};
use crate::settings::{AddressPolicy, EngineSettings, NotificationsSettings, SecretsKey, TopicArn};
use crate::sides::RealSides;
use crate::store::{Store, StoreError, aws_config, client};
use crate::sync_run::Engine;

/// The settings are right but name something that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WiringError {
    /// The file of `SECRETS_KEY`.
    #[error("SECRETS_KEY names a key file that cannot be used")]
    KeyFile(#[from] FileKeyError),
    /// What every process of a kind needs of the table.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The engine of a function. Clients are made once and live as long as it.
pub async fn engine(settings: &EngineSettings) -> Result<Engine, WiringError> {
    let aws = aws_config().await;
    let sealer = sealer(&settings.secrets_key).await?;
    let store = Store::new(client(&aws), settings.table.as_str(), sealer);
    let queue: Arc<dyn SyncQueue> = match &settings.sync_queue {
        Some(url) => Arc::new(SqsQueue::new(aws_sdk_sqs::Client::new(&aws), url.clone())),
        None => Arc::new(NoQueue),
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let sides = RealSides::new(
        settings.microsoft.clone(),
        settings.policy,
        store.clone(),
        Arc::clone(&clock),
    );
    Ok(Engine {
        store,
        sides: Arc::new(sides),
        clock,
        queue,
    })
}

/// Where presence hints go.
pub async fn presence_queue(url: Option<&url::Url>) -> Arc<dyn PresenceQueue> {
    match url {
        Some(url) => {
            let client = aws_sdk_sqs::Client::new(&aws_config().await);
            Arc::new(SqsQueue::new(client, url.clone()))
        }
        None => Arc::new(NoQueue),
    }
}

/// What alerts may reach, and the topic that they are published on.
pub async fn outlets(policy: AddressPolicy, topic: Option<&TopicArn>) -> Outlets {
    let topic: Option<Arc<dyn AlertTopic>> = match topic {
        Some(arn) => {
            let client = aws_sdk_sns::Client::new(&aws_config().await);
            Some(Arc::new(SnsTopic::new(client, arn.as_str().to_owned())))
        }
        None => None,
    };
    Outlets { policy, topic }
}

/// What a process that attends to connections knows of its place in the world.
pub async fn surroundings(
    store: &Store,
    address: Address,
    step: Duration,
    alerts: Outlets,
) -> Result<Surroundings, StoreError> {
    Ok(Surroundings {
        key: store.webhook_key().await?,
        address,
        step,
        alerts,
    })
}

/// Where verified notices go, and the key that verifies them: all that the function taking them needs.
pub async fn inbox(settings: &NotificationsSettings) -> Result<(Inbox, ClientStateKey), WiringError> {
    let aws = aws_config().await;
    let sealer = sealer(&settings.secrets_key).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let store = Store::new(client(&aws), settings.table.as_str(), sealer);
    let queue = SqsQueue::new(aws_sdk_sqs::Client::new(&aws), settings.sync_queue.clone());
    let key = store.webhook_key().await?;
    let inbox = Inbox {
        store,
        queue: Arc::new(queue),
        clock,
    };
    Ok((inbox, key))
}

/// The sealer that a key names. A key file that does not exist is made.
pub async fn sealer(key: &SecretsKey) -> Result<Arc<dyn Sealer>, WiringError> {
    Ok(match key {
        SecretsKey::Kms(id) => {
            let client = aws_sdk_kms::Client::new(&aws_config().await);
            Arc::new(KmsSealer::new(client, id))
        }
        SecretsKey::File(path) => Arc::new(FileKeySealer::load_or_create(path)?),
    })
}
