//! The Admin API as its callers see it: JSON over HTTP with a bearer token.

use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::header::{ETAG, IF_MATCH};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;

/// Longer than the slowest sign-in test of the API.
const PATIENCE: Duration = Duration::from_mins(1);

/// A caller of the API.
pub struct Api {
    client: Client,
    base: String,
    token: String,
}

impl Api {
    /// At this origin, with this token.
    pub fn new(origin: &str, token: &str) -> anyhow::Result<Self> {
        Ok(Self {
            client: Client::builder().no_proxy().timeout(PATIENCE).build()?,
            base: format!("{origin}/api/v1"),
            token: token.to_owned(),
        })
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        Ok(self.send(self.request(Method::GET, path)).await?.1)
    }

    /// Whether there is such a thing.
    pub async fn has(&self, path: &str) -> anyhow::Result<bool> {
        let answer = self.request(Method::GET, path).send().await;
        let answer = answer.context("the API does not answer")?;
        Ok(answer.status() != StatusCode::NOT_FOUND)
    }

    /// Every item of a list.
    pub async fn all(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut request = self.request(Method::GET, path).query(&[("limit", "200")]);
            if let Some(cursor) = &cursor {
                request = request.query(&[("cursor", cursor)]);
            }
            let (_, mut page) = self.send(request).await?;
            let Value::Array(mut found) = page["items"].take() else {
                bail!("{path} did not answer with a list");
            };
            items.append(&mut found);
            match page["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return Ok(items),
            }
        }
    }

    /// Asks for something.
    pub async fn post(&self, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let request = self.request(Method::POST, path);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        Ok(self.send(request).await?.1)
    }

    /// Replaces what was read a moment ago.
    pub async fn replace(&self, path: &str, change: impl FnOnce(&mut Value)) -> anyhow::Result<()> {
        let (version, mut document) = self.send(self.request(Method::GET, path)).await?;
        change(&mut document);
        let version = version.with_context(|| format!("{path} has no version"))?;
        let request = self.request(Method::PUT, path).header(IF_MATCH, version);
        self.send(request.json(&document)).await.map(drop)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.base);
        self.client.request(method, url).bearer_auth(&self.token)
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<(Option<String>, Value)> {
        let answer = request.send().await.context("the API does not answer")?;
        let (status, url) = (answer.status(), answer.url().path().to_owned());
        let version = answer
            .headers()
            .get(ETAG)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let body: Value = answer
            .json()
            .await
            .with_context(|| format!("{url} answered {status} without JSON"))?;
        if status.is_success() {
            Ok((version, body))
        } else {
            bail!("{url} answered {status}: {body}")
        }
    }
}
