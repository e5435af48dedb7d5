//! From settings to a working engine on AWS: what every function's `main` does before its first event.

use std::sync::Arc;

use crate::clock::SystemClock;
use crate::ports::{Clock, SyncQueue};
use crate::queue::{NoQueue, SqsQueue};
use crate::secrets::{FileKeyError, FileKeySealer, KmsSealer, Sealer};
use crate::settings::{EngineSettings, SecretsKey};
use crate::sides::RealSides;
use crate::store::client::{aws_config, client};
use crate::store::Store;
use crate::sync_run::Engine;

/// The settings are right but name something that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WiringError {
    /// The file of `SECRETS_KEY`.
    #[error("SECRETS_KEY names a key file that cannot be used")]
    KeyFile(#[from] FileKeyError),
}

/// The engine of a function. Clients are made once and live as long as it.
pub async fn engine(settings: &EngineSettings) -> Result<Engine, WiringError> {
    let aws = aws_config().await;
    let kms = |key: &str| KmsSealer::new(aws_sdk_kms::Client::new(&aws), key);
    let sealer = sealer(&settings.secrets_key, kms)?;
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

/// The sealer that a key names; `kms` makes the one of AWS.
pub fn sealer(
    key: &SecretsKey,
    kms: impl FnOnce(&str) -> KmsSealer,
) -> Result<Arc<dyn Sealer>, WiringError> {
    Ok(match key {
        SecretsKey::Kms(id) => Arc::new(kms(id)),
        SecretsKey::File(path) => Arc::new(FileKeySealer::load_or_create(path)?),
    })
}
