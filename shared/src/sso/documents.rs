//! Fetches what a provider publishes: small, public JSON documents.

use reqwest::StatusCode;
use url::Url;

use super::error::SsoError;
use crate::http::read_limited;

/// Discovery takes 2 KB, a key set some 20.
const MAX_DOCUMENT: usize = 512 * 1024;

/// The bytes of a published document.
pub(super) async fn fetch(
    http: &reqwest::Client,
    url: &Url,
    doing: &'static str,
) -> Result<Vec<u8>, SsoError> {
    let sent = http.get(url.clone()).send().await;
    let response = sent.map_err(|error| unavailable(doing, error.without_url()))?;
    if response.status() != StatusCode::OK {
        let status = response.status().as_u16();
        return Err(unavailable(doing, format!("status {status}")));
    }
    read_limited(response, MAX_DOCUMENT)
        .await
        .map_err(|error| unavailable(doing, error))
}

/// It could not be asked.
pub(super) fn unavailable(
    doing: &'static str,
    cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> SsoError {
    SsoError::Unavailable {
        doing,
        source: Some(cause.into()),
    }
}
