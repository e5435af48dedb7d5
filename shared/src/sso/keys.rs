//! The keys with which a provider signs. They are fetched seldom: once an hour, and for an unknown key id at most once in
//! five minutes, by one caller while the others wait. What was last good is good for a day.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::documents::fetch;
use super::error::{SsoError, TokenProblem};

/// After so long the set is fetched anew when it is next needed: the stricter of the two figures Microsoft names.
const FRESH: Duration = Duration::from_hours(1);
/// So long the last good set serves while no other can be had.
const USABLE: Duration = Duration::from_hours(24);
/// Whoever sends tokens with invented key ids makes us fetch no more often than this.
const APART: Duration = Duration::from_mins(5);
/// A shorter modulus (2,048 bits are 256 bytes, 342 characters) signs nothing that is worth believing.
const LEAST_MODULUS: usize = 342;

/// One key, and for whom it signs.
#[derive(Clone)]
pub(super) struct Key {
    pub key: DecodingKey,
    /// Microsoft's own addition; `{tenantid}` in it stands for any tenant.
    pub issuer: Option<String>,
}

/// The key set of one provider.
#[derive(Default)]
pub(super) struct KeySet(Mutex<State>);

#[derive(Default)]
struct State {
    keys: BTreeMap<String, Key>,
    good_at: Option<Timestamp>,
    /// When a set was last asked for because it was old, and because of an unknown key id.
    tried_at: Option<Timestamp>,
    sought_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default, rename = "use")]
    usage: Option<String>,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
    #[serde(default)]
    issuer: Option<String>,
}

impl KeySet {
    /// The key with this id.
    pub(super) async fn key(
        &self,
        kid: &str,
        (http, url): (&reqwest::Client, &Url),
        now: Timestamp,
    ) -> Result<Key, SsoError> {
        // Held while fetching: everybody else waits for this one answer.
        let mut state = self.0.lock().await;
        let old = state.is_old(now) && is_past(state.tried_at, APART, now);
        if old {
            state.tried_at = Some(now);
            let renewed = state.renew(http, url, now).await;
            if let Err(error) = renewed {
                state.usable_or(error, now)?;
            }
        }
        if !state.keys.contains_key(kid) && is_past(state.sought_at, APART, now) {
            state.sought_at = Some(now);
            // What was fetched a moment ago need not be fetched again.
            if !old && let Err(error) = state.renew(http, url, now).await {
                state.usable_or(error, now)?;
            }
        }
        if !state.is_usable(now) {
            return Err(SsoError::Unavailable {
                doing: "reading the signing keys",
                source: None,
            });
        }
        state
            .keys
            .get(kid)
            .cloned()
            .ok_or(TokenProblem::UnknownKey.into())
    }
}

impl State {
    fn is_old(&self, now: Timestamp) -> bool {
        is_past(self.good_at, FRESH, now)
    }

    fn is_usable(&self, now: Timestamp) -> bool {
        !is_past(self.good_at, USABLE, now)
    }

    async fn renew(&mut self, http: &reqwest::Client, url: &Url, now: Timestamp) -> Result<(), SsoError> {
        let body = fetch(http, url, "reading the signing keys").await?;
        self.keys = read(&body)?;
        self.good_at = Some(now);
        Ok(())
    }

    /// A failure is told, unless what is at hand still serves.
    fn usable_or(&self, error: SsoError, now: Timestamp) -> Result<(), SsoError> {
        if self.is_usable(now) {
            tracing::warn!(error = %error, "signing keys could not be read anew; the last good ones serve on");
            return Ok(());
        }
        Err(error)
    }
}

fn is_past(at: Option<Timestamp>, life: Duration, now: Timestamp) -> bool {
    at.is_none_or(|at| now.duration_since(at).unsigned_abs() >= life)
}

/// Entries that are no RSA signing keys are others' business.
fn read(body: &[u8]) -> Result<BTreeMap<String, Key>, SsoError> {
    let document: Document =
        serde_json::from_slice(body).map_err(|_| SsoError::Discovery("the key set does not read"))?;
    let keys: BTreeMap<String, Key> = document.keys.into_iter().filter_map(usable).collect();
    if keys.is_empty() {
        return Err(SsoError::Discovery("the key set has no key of ours"));
    }
    Ok(keys)
}

fn usable(entry: Entry) -> Option<(String, Key)> {
    let signs = entry.kty == "RSA" && entry.usage.as_deref().is_none_or(|usage| usage == "sig");
    let strong = entry.n.trim_end_matches('=').len() >= LEAST_MODULUS;
    let kid = entry.kid.filter(|_| signs && strong)?;
    let key = DecodingKey::from_rsa_components(&entry.n, &entry.e).ok()?;
    let issuer = entry.issuer;
    Some((kid, Key { key, issuer }))
}
