//! A browser sent to Microsoft, and what comes back with it. Whoever comes back must be the browser that was sent, with the
//! state it was sent with, for the first time and within ten minutes; only then its code is looked at.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use shared::aadsts::number_in;
use shared::domain::connection::{Connection, ConnectionSecrets};
use shared::domain::settings::ConnectionSettings;
use shared::http::HttpSetupError;
use shared::metrics::SIGN_INS;
use shared::ports::Clock;
use shared::settings::WebOrigin;
use shared::sso::{Attempt, AuthorizeRequest, Client, CodeGrant, Prompt, Providers, SignedIn, SsoError};
use shared::store::{LoginAttempt, Purpose, Store, StoreError, Versioned};
use shared::sync_run::Engine;
use shared::telemetry::chain;
use url::Url;

use crate::page::{Notice, Page};
use crate::query::pairs;
use crate::sessions::Sessions;
use crate::words::{Language, Words};

/// How long a sign-in may take.
const LIFE: SignedDuration = SignedDuration::from_mins(10);

/// What sends browsers to Microsoft and takes them back. Cheap to clone.
#[derive(Clone)]
pub struct Door {
    /// The table.
    pub store: Store,
    /// Sessions.
    pub sessions: Sessions,
    /// Microsoft's sign-in, tenant by tenant.
    pub providers: Arc<Providers>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where the world reaches us.
    pub origin: WebOrigin,
}

/// How a browser is sent.
pub struct Begin<'a> {
    /// With whose app registration.
    pub connection: &'a Connection,
    /// What for.
    pub purpose: Purpose,
    /// The path it comes back to.
    pub callback: &'static str,
    /// What is asked for, with blanks between.
    pub scope: &'a str,
    /// What the person is to see.
    pub prompt: Option<Prompt>,
}

/// Who came back.
pub struct CameBack {
    /// What they were sent for.
    pub purpose: Purpose,
    /// The connection whose app registration sent them.
    pub connection: Versioned<Connection>,
    /// The settings of that connection.
    pub settings: ConnectionSettings,
    /// What that connection signs in with.
    pub secrets: ConnectionSecrets,
    attempt: Attempt,
    answer: Result<SecretString, Declined>,
}

/// Microsoft sent an error in place of a code.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Declined {
    error: String,
    number: Option<u64>,
}

/// Why somebody does not get through.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The request is not complete, or says something twice.
    #[error("the request of a sign-in is not complete")]
    Bad,
    /// No sign-in under way belongs to this browser and state.
    #[error("no sign-in under way belongs to this browser")]
    Expired,
    /// Microsoft sent an error in place of a code.
    #[error("Microsoft answered a sign-in with {error}")]
    Declined {
        /// The OAuth error.
        error: String,
        /// Microsoft's number.
        number: Option<u64>,
    },
    /// Who came is known, or not, and may not.
    #[error("somebody may not use this sign-in")]
    NotAllowed,
    /// The sign-in itself failed.
    #[error(transparent)]
    Sso(#[from] SsoError),
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Door {
    /// Of a function's engine, to the sign-in service at this address, with the world's way to us.
    pub fn of(engine: &Engine, login: &Url, origin: WebOrigin) -> Result<Self, HttpSetupError> {
        let clock = Arc::clone(&engine.clock);
        Ok(Self {
            sessions: Sessions::new(engine.store.clone(), Arc::clone(&clock)),
            providers: Arc::new(Providers::new(login, Arc::clone(&clock))?),
            store: engine.store.clone(),
            clock,
            origin,
        })
    }

    /// An address of ours.
    pub fn link(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// Sends a browser to Microsoft.
    pub async fn begin(&self, headers: &HeaderMap, begin: Begin<'_>) -> Result<Response, DoorError> {
        let (browser, cookie) = self.sessions.browser(headers).await?;
        let attempt = Attempt::begin(browser);
        let redirect_uri = self.link(begin.callback);
        let request = AuthorizeRequest {
            client_id: begin.connection.client,
            redirect_uri: &redirect_uri,
            scope: begin.scope,
            attempt: &attempt,
            prompt: begin.prompt,
        };
        let provider = self.providers.of(begin.connection.tenant);
        let url = provider.authorize_url(&request).await?;
        let stored = LoginAttempt {
            connection: begin.connection.id,
            browser: attempt.browser_hash(),
            purpose: begin.purpose,
            expires_at: self.soon(),
        };
        self.store
            .put_login_attempt(&attempt.state_hash(), &stored)
            .await?;
        let mut response = see_other(url.as_str());
        response.headers_mut().append(header::SET_COOKIE, cookie);
        Ok(response)
    }

    /// When a sign-in that begins now ends.
    pub fn soon(&self) -> Timestamp {
        self.clock.now().saturating_add(LIFE).unwrap_or(Timestamp::MAX)
    }

    /// Takes a browser back. The attempt is used up by it, however it ends.
    pub async fn come_back(&self, headers: &HeaderMap, query: &str) -> Result<CameBack, DoorError> {
        let mut pairs = pairs(query).map_err(|_| DoorError::Bad)?;
        let state = pairs.remove("state").ok_or(DoorError::Bad)?;
        let browser = self
            .sessions
            .known_browser(headers)
            .await?
            .ok_or(DoorError::Expired)?;
        let attempt = Attempt::resume(browser, &state).ok_or(DoorError::Expired)?;
        let now = self.clock.now();
        let stored = self.store.take_login_attempt(&attempt.state_hash(), now).await?;
        let stored = stored
            .filter(|stored| stored.browser == attempt.browser_hash())
            .ok_or(DoorError::Expired)?;
        let found = self.store.whole_connection(stored.connection).await?;
        let found = found.ok_or(DoorError::Expired)?;
        let provider = self.providers.of(found.connection.value.tenant);
        if !provider.may_be_from(pairs.get("iss").map(String::as_str)).await? {
            return Err(DoorError::Bad);
        }
        let answer = match (pairs.remove("code"), pairs.remove("error")) {
            (Some(code), None) => Ok(code.into()),
            (None, Some(error)) => Err(Declined {
                number: pairs.get("error_description").and_then(|text| number_in(text)),
                error: shared::http::harmless(&error),
            }),
            _ => return Err(DoorError::Bad),
        };
        Ok(CameBack {
            purpose: stored.purpose,
            connection: found.connection,
            settings: found.settings.value,
            secrets: found.secrets,
            attempt,
            answer,
        })
    }

    /// Exchanges the code of who came back to `callback`, and judges what Microsoft says of them.
    pub async fn identify(&self, came: &CameBack, callback: &str) -> Result<SignedIn, DoorError> {
        let code = came.answer.as_ref().map_err(|declined| DoorError::Declined {
            error: declined.error.clone(),
            number: declined.number,
        })?;
        let connection = &came.connection.value;
        let client = Client {
            client_id: connection.client,
            credential: came.secrets.app.clone(),
        };
        let grant = CodeGrant {
            code,
            redirect_uri: &self.link(callback),
            verifier: &came.attempt.verifier(),
            nonce: &came.attempt.nonce(),
        };
        let provider = self.providers.of(connection.tenant);
        Ok(provider.sign_in(&client, &grant).await?)
    }
}

impl DoorError {
    /// What the person sees. Nothing in it tells why somebody is not allowed.
    pub fn page(&self, language: Language) -> Page {
        let words = Words(language);
        let (status, sentences) = self.sentences();
        self.note();
        let notice = Notice {
            language,
            title: words.text("sign-in-failed-title"),
            paragraphs: sentences.iter().map(|key| words.text(key)).collect(),
            items: Vec::new(),
            links: Vec::new(),
        };
        notice.page(status)
    }

    fn sentences(&self) -> (StatusCode, &'static [&'static str]) {
        match self {
            Self::Bad => (StatusCode::BAD_REQUEST, &["sign-in-bad-request"]),
            Self::Expired => (StatusCode::BAD_REQUEST, &["sign-in-expired", "sign-in-again"]),
            Self::Declined { .. } => (StatusCode::FORBIDDEN, &["sign-in-declined", "sign-in-again"]),
            Self::Sso(SsoError::Unavailable { .. }) => {
                (StatusCode::SERVICE_UNAVAILABLE, &["sign-in-unavailable"])
            }
            Self::Sso(SsoError::Refused { error, .. }) if error == "invalid_grant" => {
                (StatusCode::BAD_REQUEST, &["sign-in-expired", "sign-in-again"])
            }
            Self::NotAllowed | Self::Sso(SsoError::Token(_)) => {
                (StatusCode::FORBIDDEN, &["sign-in-not-allowed"])
            }
            Self::Sso(_) => (StatusCode::BAD_GATEWAY, &["sign-in-broken"]),
            Self::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, &["sign-in-broken"]),
        }
    }

    fn note(&self) {
        match self {
            Self::Bad | Self::Expired | Self::Declined { .. } => {
                tracing::info!(target: SIGN_INS.target, { unfinished = 1, reason = %self }, "a sign-in did not come to its end");
            }
            Self::NotAllowed => {}
            Self::Sso(SsoError::Token(problem)) => {
                tracing::warn!(
                    target: SIGN_INS.target,
                    { refused = 1, security.event = "id_token_refused", reason = %problem },
                    "an id_token was refused"
                );
            }
            Self::Sso(error) => {
                tracing::warn!(target: SIGN_INS.target, { failed = 1, error = %chain(error) }, "a sign-in failed");
            }
            Self::Store(error) => {
                tracing::error!(target: SIGN_INS.target, { failed = 1, error = %chain(error) }, "a sign-in failed in the table");
            }
        }
    }
}

/// A redirect that nobody keeps and that takes no address along.
pub fn see_other(url: &str) -> Response {
    let mut response = StatusCode::FOUND.into_response();
    let headers = response.headers_mut();
    match HeaderValue::from_str(url) {
        Ok(location) => headers.insert(header::LOCATION, location),
        Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// `url` with these parameters behind those it has.
pub fn with_parameters(url: &str, parameters: &[(&str, &str)]) -> Option<String> {
    let mut url = Url::parse(url).ok()?;
    url.query_pairs_mut().extend_pairs(parameters);
    Some(url.into())
}
