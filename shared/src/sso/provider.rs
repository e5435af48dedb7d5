//! The sign-in service of one tenant: its published documents, kept; a browser sent there; what comes back, judged.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use tokio::sync::Mutex;
use url::Url;

use super::attempt::Attempt;
use super::claims::{Expected, Identity, key_id, verify};
use super::discovery::{self, Metadata};
use super::documents::fetch;
use super::error::{SsoError, TokenProblem};
use super::exchange::{CodeGrant, Desk, SignedIn};
use super::keys::KeySet;
use crate::domain::connection::AppCredential;
use crate::domain::ids::{ClientId, TenantId};
use crate::http::{self, HttpOptions, HttpSetupError};
use crate::ports::Clock;

/// A person waits in front of a browser, and the function that serves them ends after 30 s.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the description of a provider is used before it is read again.
const DESCRIPTION_LIFE: Duration = Duration::from_hours(24);
/// Our app in a tenant.
#[derive(Debug, Clone)]
pub struct Client {
    /// Application (client) id.
    pub client_id: ClientId,
    /// Its proof of identity.
    pub credential: AppCredential,
}

/// Where a browser is sent to.
pub struct AuthorizeRequest<'a> {
    /// Our app.
    pub client_id: ClientId,
    /// Where the browser comes back to.
    pub redirect_uri: &'a str,
    /// What is asked for, with blanks between.
    pub scope: &'a str,
    /// The attempt.
    pub attempt: &'a Attempt,
    /// What the person is to see.
    pub prompt: Option<Prompt>,
}

/// What a person is to see at Microsoft's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// The choice of an account, though one may be signed in.
    SelectAccount,
    /// The consent page.
    Consent,
    /// Nothing: whoever is not signed in comes back with an error.
    None,
}

/// The sign-in service of one tenant.
pub struct Provider {
    tenant: TenantId,
    issuer: String,
    http: reqwest::Client,
    clock: Arc<dyn Clock>,
    described: Mutex<Option<(Arc<Metadata>, Timestamp)>>,
    keys: KeySet,
}

/// The sign-in services of all tenants, each kept with what it published.
pub struct Providers {
    login: String,
    http: reqwest::Client,
    clock: Arc<dyn Clock>,
    kept: SyncMutex<BTreeMap<TenantId, Arc<Provider>>>,
}

impl Providers {
    /// Below this address, for example `https://login.microsoftonline.com`.
    pub fn new(login: &Url, clock: Arc<dyn Clock>) -> Result<Self, HttpSetupError> {
        let http = http::client(&HttpOptions {
            total_timeout: PATIENCE,
            connect_timeout: PATIENCE,
            plain_http: login.scheme() == "http",
            ..HttpOptions::default()
        })?;
        Ok(Self {
            login: login.as_str().trim_end_matches('/').to_owned(),
            http,
            clock,
            kept: SyncMutex::default(),
        })
    }

    /// That of this tenant. Asks nobody yet.
    pub fn of(&self, tenant: TenantId) -> Arc<Provider> {
        // A panic while the lock is held leaves the map whole: entries are put in complete.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let provider = kept.entry(tenant).or_insert_with(|| {
            Arc::new(Provider {
                tenant,
                issuer: format!("{}/{tenant}/v2.0", self.login),
                http: self.http.clone(),
                clock: Arc::clone(&self.clock),
                described: Mutex::default(),
                keys: KeySet::default(),
            })
        });
        Arc::clone(provider)
    }
}

impl Provider {
    /// Where the browser is sent to.
    pub async fn authorize_url(&self, request: &AuthorizeRequest<'_>) -> Result<Url, SsoError> {
        let mut url = self.metadata().await?.authorization_endpoint.clone();
        let attempt = request.attempt;
        url.query_pairs_mut()
            .append_pair("client_id", &request.client_id.to_string())
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", request.redirect_uri)
            .append_pair("response_mode", "query")
            .append_pair("scope", request.scope)
            .append_pair("state", attempt.state())
            .append_pair("nonce", &attempt.nonce())
            .append_pair("code_challenge", &attempt.challenge())
            .append_pair("code_challenge_method", "S256")
            .extend_pairs(request.prompt.map(|prompt| ("prompt", prompt.word())));
        Ok(url)
    }

    /// Whether an answer that says it comes from `iss` may be this provider's (RFC 9207).
    pub async fn may_be_from(&self, iss: Option<&str>) -> Result<bool, SsoError> {
        let metadata = self.metadata().await?;
        Ok(match iss {
            Some(iss) => iss == metadata.issuer,
            None => !metadata.names_itself,
        })
    }

    /// Exchanges the code and judges the id_token.
    pub async fn sign_in(&self, client: &Client, grant: &CodeGrant<'_>) -> Result<SignedIn, SsoError> {
        let metadata = self.metadata().await?;
        let answer = self.desk(&metadata, client).redeem(grant).await?;
        let token = answer.id_token.ok_or(TokenProblem::Malformed)?;
        let identity = self
            .identify(token.expose_secret(), client.client_id, grant.nonce)
            .await?;
        Ok(SignedIn {
            identity,
            refresh_token: answer.refresh_token,
            scopes: answer.scope.split_whitespace().map(str::to_owned).collect(),
        })
    }

    /// Where a browser ends its session with Microsoft, if the provider has such a place.
    pub async fn logout_url(&self, back_to: &str) -> Result<Option<Url>, SsoError> {
        let place = self.metadata().await?.end_session_endpoint.clone();
        Ok(place.map(|mut url| {
            url.query_pairs_mut()
                .append_pair("post_logout_redirect_uri", back_to);
            url
        }))
    }

    /// The judgement of an id_token.
    pub(super) async fn identify(
        &self,
        token: &str,
        audience: ClientId,
        nonce: &str,
    ) -> Result<Identity, SsoError> {
        let kid = key_id(token)?;
        let metadata = self.metadata().await?;
        let now = self.clock.now();
        let key = self.keys.key(&kid, (&self.http, &metadata.jwks_uri), now).await?;
        let expected = Expected {
            issuer: &metadata.issuer,
            audience: &audience.to_string(),
            tenant: self.tenant,
            nonce,
            now,
        };
        Ok(verify(token, &key, &expected)?)
    }

    fn desk<'a>(&'a self, metadata: &'a Metadata, client: &'a Client) -> Desk<'a> {
        Desk {
            http: &self.http,
            token_endpoint: &metadata.token_endpoint,
            client,
            now: self.clock.now(),
        }
    }

    async fn metadata(&self) -> Result<Arc<Metadata>, SsoError> {
        // Held while fetching: everybody else waits for this one answer.
        let mut described = self.described.lock().await;
        let now = self.clock.now();
        let fresh = |read_at: Timestamp| now.duration_since(read_at).unsigned_abs() < DESCRIPTION_LIFE;
        if let Some((metadata, read_at)) = described.as_ref()
            && fresh(*read_at)
        {
            return Ok(Arc::clone(metadata));
        }
        let url = discovery::address(&self.issuer)?;
        let body = fetch(&self.http, &url, "reading the description of the sign-in service").await;
        let read = body.and_then(|body| discovery::read(&self.issuer, &body));
        match (read, described.as_ref()) {
            (Ok(metadata), _) => {
                let metadata = Arc::new(metadata);
                *described = Some((Arc::clone(&metadata), now));
                Ok(metadata)
            }
            (Err(error @ SsoError::Unavailable { .. }), Some((old, _))) => {
                tracing::warn!(error = %error, "the sign-in service's description could not be read anew; the old one serves on");
                Ok(Arc::clone(old))
            }
            (Err(error), _) => Err(error),
        }
    }
}

impl Prompt {
    fn word(self) -> &'static str {
        match self {
            Self::SelectAccount => "select_account",
            Self::Consent => "consent",
            Self::None => "none",
        }
    }
}

#[cfg(test)]
#[path = "provider_tests.rs"]
mod tests;
