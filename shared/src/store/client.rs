//! How the AWS clients are made: one TLS stack, and a limit on every wait, for the SDK has none of its own.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{Credentials, Region};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::OnceCell;

/// The table answers in milliseconds or not at all; one attempt must leave room for others within [`OPERATION`].
const CONNECT: Duration = Duration::from_secs(2);
const ATTEMPT: Duration = Duration::from_secs(5);
/// A webhook has 3 s to answer, but a sync may wait; the callers that must be quick set their own limit.
const OPERATION: Duration = Duration::from_secs(15);
const ATTEMPTS: u32 = 4;
const FIRST_WAIT: Duration = Duration::from_millis(50);

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build()
}

fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(FIRST_WAIT)
}

/// What every AWS client of a function is built from: credentials, region and endpoints as the environment says. Read once
/// in a process, so that all clients have one set of credentials.
pub async fn aws_config() -> SdkConfig {
    static CONFIG: OnceCell<SdkConfig> = OnceCell::const_new();
    let load = || {
        aws_config::defaults(BehaviorVersion::latest())
            .timeout_config(timeouts())
            .retry_config(retries())
            .load()
    };
    CONFIG.get_or_init(load).await.clone()
}

/// A client of the table on AWS, or where `AWS_ENDPOINT_URL_DYNAMODB` says.
pub fn client(config: &SdkConfig) -> Client {
    Client::new(config)
}

/// A client of an engine on this machine, which lets in whoever knows its key. Reads no environment. The key is the session
/// token of the credentials, because the SDK keeps that out of its log; ids of access keys it prints.
pub fn local_client(endpoint: &str, access_key: &SecretString) -> Client {
    let key = access_key.expose_secret().to_owned();
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", Some(key), None, "local"))
        .endpoint_url(endpoint)
        .timeout_config(timeouts())
        .retry_config(retries())
        .build();
    Client::from_conf(config)
}
