//! One tenant's client: sends a request until it is answered, refused, or patience ends. Every request it makes may be
//! repeated: it reads, or it asks for a subscription, of which Graph grants no second one.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use secrecy::ExposeSecret;
use url::Url;

use super::account::Speaker;
use super::error::{Cause, Failure, Refusal, unexpected};
use super::report::Report;
use super::retry::{Patience, Setback, delay, parse_retry_after};
use super::throttle::{Throttle, Wait};
use super::token::{Token, TokenCache};
use crate::account_grant::AccountGrant;
use crate::domain::connection::AppCredential;
use crate::domain::ids::{ClientId, TenantId};
use crate::http::{self, HttpOptions, harmless, read_limited};
use crate::ports::{Clock, DirectoryError, SideError};

/// A page of 999 users takes half a megabyte; twenty pages of members in a batch stay below two.
const MAX_PAGE: usize = 32 * 1024 * 1024;
/// The clouds whose tokens are for their own Graph.
const NATIONAL_GRAPHS: [&str; 3] = [
    "graph.microsoft.us",
    "dod-graph.microsoft.us",
    "microsoftgraph.chinacloudapi.cn",
];

/// Change reads of mailboxes take no `$top`; without a wish they send ten at a time.
const CONTACTS_PER_PAGE: &str = "odata.maxpagesize=500";

/// What makes a client.
#[derive(Debug, Clone)]
pub struct GraphConfig {
    /// For example `https://graph.microsoft.com/v1.0`. Plain http for loopback only.
    pub graph_base: String,
    /// For example `https://login.microsoftonline.com`. Plain http for loopback only.
    pub login_base: String,
    /// The tenant to read.
    pub tenant: TenantId,
    /// The app registration.
    pub client_id: ClientId,
    /// Its proof of identity.
    pub credential: AppCredential,
    /// How long one read may wait in all for a throttled or failing Graph.
    pub retry_budget: Duration,
}

impl GraphConfig {
    /// The budget for runs: most throttling is over within it, and a function still has time to store what it did.
    pub const RUN_BUDGET: Duration = Duration::from_mins(2);
}

/// Reads one tenant.
pub struct GraphClient {
    pub(super) http: reqwest::Client,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) base: Url,
    pub(super) token_url: Url,
    pub(super) scope: String,
    pub(super) client_id: String,
    pub(super) credential: AppCredential,
    pub(super) speaker: Speaker,
    pub(super) tokens: TokenCache,
    throttle: Throttle,
    retry_budget: Duration,
}

impl fmt::Debug for GraphClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GraphClient")
            .field("base", &self.base.as_str())
            .field("speaker", &self.speaker)
            .finish_non_exhaustive()
    }
}

/// One request, repeatable.
pub(super) struct Call<'a> {
    pub url: Url,
    pub method: Method,
    /// JSON.
    pub body: Option<Vec<u8>>,
    /// Sends `ConsistencyLevel: eventual`, which no link carries along.
    pub advanced: bool,
    /// Lets others go first under pressure: for reads of everything.
    pub yielding: bool,
    /// For errors: what is being read.
    pub doing: &'a str,
}

impl Call<'_> {
    /// Whether one mailbox answers it: the Outlook service counts each by itself, and items of it have ids that change when
    /// they are moved unless others are asked for.
    fn is_of_a_mailbox(&self) -> bool {
        let mut parts = self.url.path_segments().into_iter().flatten();
        parts.any(|part| matches!(part, "contacts" | "contactFolders" | "mailboxSettings"))
    }
}

enum Attempt<T> {
    Answered(T),
    Refused(Refusal),
    TokenRefused(Refusal),
    Again(Setback),
}

impl GraphClient {
    /// Asks as the app. Checks the addresses; asks nobody yet.
    pub fn new(config: GraphConfig, clock: Arc<dyn Clock>) -> Result<Self, SideError> {
        Self::speaking_as(Speaker::App, config, clock)
    }

    /// Asks in the name of the account that signed in to connect: what it may see, and what the app was given of that.
    pub fn for_account(
        config: GraphConfig,
        grant: Arc<dyn AccountGrant>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SideError> {
        Self::speaking_as(Speaker::Account(grant), config, clock)
    }

    fn speaking_as(speaker: Speaker, config: GraphConfig, clock: Arc<dyn Clock>) -> Result<Self, SideError> {
        let base = http::checked_base(&config.graph_base).map_err(|e| wrong("/graph_base_url", e))?;
        let login = http::checked_base(&config.login_base).map_err(|e| wrong("/login_base_url", e))?;
        let token_url = format!(
            "{}/{}/oauth2/v2.0/token",
            login.as_str().trim_end_matches('/'),
            config.tenant
        );
        let token_url =
            Url::parse(&token_url).map_err(|_| wrong("/login_base_url", "an absolute URL is expected"))?;
        let plain_http = base.scheme() == "http" || login.scheme() == "http";
        let client = http::client(&HttpOptions {
            plain_http,
            ..HttpOptions::default()
        });
        Ok(Self {
            http: client.map_err(|e| wrong("/graph_base_url", &e.to_string()))?,
            clock,
            scope: scope(&base),
            base,
            token_url,
            client_id: config.client_id.to_string(),
            credential: config.credential,
            speaker,
            tokens: TokenCache::default(),
            throttle: Throttle::default(),
            retry_budget: config.retry_budget,
        })
    }

    /// The patience of one read.
    pub(super) fn patience(&self) -> Patience {
        Patience::new(self.retry_budget)
    }

    /// The URL of `path_and_query`, which is made of our own words and encoded values.
    pub(super) fn url(&self, path_and_query: &str) -> Result<Url, DirectoryError> {
        let base = self.base.as_str().trim_end_matches('/');
        Url::parse(&format!("{base}{path_and_query}"))
            .map_err(|_| unexpected("the address of a request does not read".to_owned()))
    }

    /// Sends `call` until it is answered. `parse` sees complete bodies only.
    pub(super) async fn fetch<T>(
        &self,
        call: &Call<'_>,
        patience: &Patience,
        parse: impl Fn(&[u8]) -> serde_json::Result<T> + Sync,
    ) -> Result<T, Failure> {
        let mut failures = 0;
        let mut may_renew = true;
        let mut cause = None;
        loop {
            self.wait_for_turn(call, patience, &mut cause).await?;
            let token = self.token(patience).await?;
            match self.attempt(call, &token, &parse).await? {
                Attempt::Answered(answer) => return Ok(answer),
                Attempt::Refused(refusal) => return Err(Failure::Refused(refusal)),
                Attempt::TokenRefused(refusal) if !may_renew => return Err(Failure::Refused(refusal)),
                Attempt::TokenRefused(_) => {
                    may_renew = false;
                    self.drop_token(&token).await;
                }
                Attempt::Again(setback) => {
                    self.set_back(call, patience, &setback, failures)
                        .await
                        .map_err(|wait| unavailable(call, wait, setback.cause.to_string().into()))?;
                    cause = Some(setback.cause);
                    failures += 1;
                }
            }
        }
    }

    /// Holds back everybody for as long as a refused request within a batch asks.
    pub(super) fn hold_everybody(&self, wait: Duration) {
        if let Ok(until) = self.clock.now().checked_add(wait) {
            self.throttle.hold(until);
        }
    }

    async fn wait_for_turn(
        &self,
        call: &Call<'_>,
        patience: &Patience,
        cause: &mut Option<Cause>,
    ) -> Result<(), DirectoryError> {
        loop {
            let wait = match self.throttle.wait(self.clock.now()) {
                Wait::None => return Ok(()),
                Wait::Ease(wait) => wait,
                Wait::Refused(wait) if patience.spend(wait) => wait,
                Wait::Refused(wait) => {
                    let cause = cause.take().unwrap_or_else(|| "throttled".into());
                    return Err(unavailable(call, wait, cause));
                }
            };
            self.clock.sleep(wait).await;
        }
    }

    /// Waits alone, or makes everybody wait before the next request. `Err` holds a wait beyond our patience.
    async fn set_back(
        &self,
        call: &Call<'_>,
        patience: &Patience,
        setback: &Setback,
        failures: u32,
    ) -> Result<(), Duration> {
        let wait = delay(failures, setback.retry_after);
        tracing::debug!(
            doing = call.doing,
            wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            cause = %setback.cause,
            "Microsoft Graph gave no answer; asking again"
        );
        if setback.everybody {
            self.hold_everybody(wait);
            return Ok(());
        }
        if !patience.spend(wait) {
            return Err(wait);
        }
        self.clock.sleep(wait).await;
        Ok(())
    }

    async fn attempt<T>(
        &self,
        call: &Call<'_>,
        token: &Token,
        parse: impl Fn(&[u8]) -> serde_json::Result<T>,
    ) -> Result<Attempt<T>, DirectoryError> {
        let report = Report::of(call.doing);
        let response = match self.request(call, token, &report).send().await {
            Ok(response) => response,
            Err(error) => {
                let error = error.without_url();
                report.failed("", &error);
                return Ok(again(None, false, error));
            }
        };
        let (status, now) = (response.status(), self.clock.now());
        let request_id = harmless(&text(response.headers(), "request-id"));
        report.answered(status, &request_id);
        self.throttle
            .note_load(&text(response.headers(), "x-ms-throttle-limit-percentage"), now);
        if is_passing(status) {
            let retry_after = parse_retry_after(&text(response.headers(), "retry-after"), now);
            let pressed = status == StatusCode::TOO_MANY_REQUESTS || retry_after.is_some();
            let everybody = pressed && !call.is_of_a_mailbox();
            return Ok(again(
                retry_after,
                everybody,
                format!("status {}", status.as_u16()),
            ));
        }
        self.judge(&report, response, &request_id, parse).await
    }

    async fn judge<T>(
        &self,
        report: &Report<'_>,
        response: Response,
        request_id: &str,
        parse: impl Fn(&[u8]) -> serde_json::Result<T>,
    ) -> Result<Attempt<T>, DirectoryError> {
        let status = response.status();
        let body = match read_limited(response, MAX_PAGE).await {
            Ok(body) => body,
            Err(error) => {
                report.failed(request_id, &error);
                return match error {
                    http::ReadError::TooLong { .. } => Err(unexpected(format!("{}: {error}", report.doing))),
                    http::ReadError::BrokenOff(_) => Ok(again(None, false, error)),
                };
            }
        };
        // An older form of a batch answer carries 424 when a part was throttled.
        if !status.is_success() && status != StatusCode::FAILED_DEPENDENCY {
            let refusal = Refusal::new(status, request_id, &body);
            return Ok(if status == StatusCode::UNAUTHORIZED {
                Attempt::TokenRefused(refusal)
            } else {
                Attempt::Refused(refusal)
            });
        }
        let error = match parse(&body) {
            Ok(answer) => return Ok(Attempt::Answered(answer)),
            Err(error) => error,
        };
        // The parser's own words quote the answer.
        let place = format!("line {}, column {}", error.line(), error.column());
        report.failed(request_id, &format_args!("the answer does not read ({place})"));
        if error.is_eof() {
            return Ok(again(None, false, "the answer is cut off"));
        }
        Err(unexpected(format!(
            "{}: the answer does not read ({place}, request-id {request_id})",
            report.doing,
        )))
    }

    fn request(&self, call: &Call<'_>, token: &Token, report: &Report<'_>) -> RequestBuilder {
        let request = self.http.request(call.method.clone(), call.url.clone());
        let request = match &call.body {
            Some(body) => request
                .header(reqwest::header::CONTENT_TYPE, "application/json")
                .body(body.clone()),
            None => request,
        };
        let request = request
            .bearer_auth(token.value.expose_secret())
            .header("client-request-id", report.client_request_id.to_string())
            .header(
                "x-ms-throttle-priority",
                if call.yielding { "low" } else { "normal" },
            );
        let request = if call.is_of_a_mailbox() {
            request
                .header("Prefer", r#"IdType="ImmutableId""#)
                .header("Prefer", CONTACTS_PER_PAGE)
        } else {
            request
        };
        if call.advanced {
            request.header("ConsistencyLevel", "eventual")
        } else {
            request
        }
    }
}

fn again<T>(retry_after: Option<Duration>, everybody: bool, cause: impl Into<Cause>) -> Attempt<T> {
    Attempt::Again(Setback {
        retry_after,
        everybody,
        cause: cause.into(),
    })
}

fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 423 | 429 | 500 | 502 | 503 | 504 | 509)
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned()
}

fn unavailable(call: &Call<'_>, wait: Duration, cause: Cause) -> DirectoryError {
    DirectoryError::Unavailable {
        doing: call.doing.to_owned(),
        retry_after: Some(wait),
        source: Some(cause),
    }
}

/// What the token is for: the Graph of the base's cloud, the global one's for any other address.
fn scope(base: &Url) -> String {
    let host = base.host_str().filter(|host| NATIONAL_GRAPHS.contains(host));
    format!("https://{}/.default", host.unwrap_or("graph.microsoft.com"))
}

fn wrong(field: &'static str, detail: &str) -> SideError {
    SideError {
        field,
        detail: detail.to_owned(),
    }
}
