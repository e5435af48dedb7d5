//! `POST /sso/token`: an application brings its code and its PKCE verifier, and gets the login signature of one extension.
//! Refusals are those of RFC 6749 and tell an attacker nothing of a code.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use shared::ports::{LoginSignature, PhoneSystemError, ShutProblem, SideError};
use shared::sso::{challenge_of, word_hash};
use shared::store::{Redeemed, SsoCode, StoreError};
use shared::telemetry::chain;
use std::time::Duration;
use subtle::ConstantTimeEq as _;
use web::pairs;

use crate::SsoState;
use crate::admit::{OpenConnection, Wish};

/// A working day. How a signature is taken back is not documented, so none lives longer where the PBX can end it.
const SIGNATURE_LIFE: Duration = Duration::from_hours(8);

/// What an application needs to sign its user in with the Linkus SDK.
#[derive(Serialize)]
struct Signed<'a> {
    pbx_url: &'a str,
    extension: &'a str,
    sign: &'a str,
    /// Seconds; 0 for a signature that this PBX cannot end.
    expires_in: i64,
}

/// Why an application gets nothing.
#[derive(Debug)]
enum Refusal {
    /// What was sent is not a request of this kind.
    Invalid(&'static str),
    /// The grant is of another kind.
    OtherGrant,
    /// The code is not this application's, not now, or not any more.
    Grant,
    /// The person's extension cannot be signed in to at the moment.
    NotNow,
    /// The admin has something to set right.
    Setup(&'static str),
}

#[derive(Serialize)]
struct OAuthError {
    error: &'static str,
    error_description: &'static str,
}

pub async fn token(State(state): State<SsoState>, headers: HeaderMap, body: Bytes) -> Response {
    match exchange(&state, &headers, &body).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    }
}

async fn exchange(state: &SsoState, headers: &HeaderMap, body: &[u8]) -> Result<Response, Refusal> {
    let form = form(headers, body)?;
    let needed = |name: &str, sentence| {
        form.get(name)
            .map(String::as_str)
            .ok_or(Refusal::Invalid(sentence))
    };
    match needed("grant_type", "grant_type is missing")? {
        "authorization_code" => {}
        _ => return Err(Refusal::OtherGrant),
    }
    let code = needed("code", "code is missing")?;
    let redirect_uri = needed("redirect_uri", "redirect_uri is missing")?;
    let verifier = needed("code_verifier", "code_verifier is missing")?;
    let granted = redeem(state, code).await?;
    let ours = challenge_of(verifier)
        .as_bytes()
        .ct_eq(granted.challenge.as_bytes());
    if granted.redirect_uri != redirect_uri || !bool::from(ours) {
        tracing::warn!(
            security.event = "sso_code_misused", connection.id = %granted.connection,
            "a code came with the wrong verifier or address"
        );
        return Err(Refusal::Grant);
    }
    let mut response = sign(state, &granted).await?;
    let same_site = headers
        .get(header::ORIGIN)
        .filter(|origin| is_origin_of(origin, redirect_uri));
    if let Some(origin) = same_site {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(header::VARY, HeaderValue::from_static("origin"));
    }
    Ok(response)
}

fn form(headers: &HeaderMap, body: &[u8]) -> Result<BTreeMap<String, String>, Refusal> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    if !essence
        .trim()
        .eq_ignore_ascii_case("application/x-www-form-urlencoded")
    {
        return Err(Refusal::Invalid(
            "send a form (application/x-www-form-urlencoded)",
        ));
    }
    let text = std::str::from_utf8(body).map_err(|_| Refusal::Invalid("the form is not UTF-8"))?;
    pairs(text).map_err(|_| Refusal::Invalid("a parameter is given twice"))
}

/// Whoever brings a code uses it up, rightly or not.
async fn redeem(state: &SsoState, code: &str) -> Result<SsoCode, Refusal> {
    let door = &state.door;
    match door
        .store
        .redeem_sso_code(&word_hash(code), door.clock.now())
        .await?
    {
        Redeemed::Now(granted) => Ok(granted),
        Redeemed::Before(granted) => {
            tracing::warn!(
                security.event = "sso_code_reused", connection.id = %granted.connection,
                "a code came a second time"
            );
            Err(Refusal::Grant)
        }
        Redeemed::Unknown => Err(Refusal::Grant),
    }
}

async fn sign(state: &SsoState, granted: &SsoCode) -> Result<Response, Refusal> {
    let store = &state.door.store;
    let found = store
        .whole_connection_of(granted.connection, granted.user)
        .await?;
    let (found, binding) = found.ok_or(Refusal::Grant)?;
    let open = OpenConnection::of(found.connection.value, found.settings.value, Wish::Linkus);
    let open = open.ok_or(Refusal::Grant)?;
    let binding = open.judge(binding, granted.user).ok_or(Refusal::Grant)?;
    let linkus = state.sides.linkus(&open.connection, &found.secrets)?;
    let linkus = linkus.ok_or(Refusal::Setup(
        "the connection has no credentials of the Linkus SDK",
    ))?;
    let signature = linkus.login_signature(&binding.number, SIGNATURE_LIFE).await?;
    let answer = Signed {
        pbx_url: &open.connection.pbx.base_url,
        extension: binding.number.as_str(),
        sign: signature.sign.expose_secret(),
        expires_in: seconds_left(&signature, state.door.clock.now()),
    };
    Ok(private(Json(answer).into_response()))
}

fn seconds_left(signature: &LoginSignature, now: jiff::Timestamp) -> i64 {
    signature
        .ends_at
        .map_or(0, |end| end.duration_since(now).as_secs())
}

/// RFC 6749 wants both.
fn private(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// An application in a browser may read the answer where the code was sent, and nowhere else.
fn is_origin_of(origin: &HeaderValue, redirect_uri: &str) -> bool {
    let own = redirect_uri.split_once("://").map(|(scheme, rest)| {
        let host = rest.split(['/', '?']).next().unwrap_or_default();
        format!("{scheme}://{host}")
    });
    own.is_some_and(|own| origin.as_bytes() == own.as_bytes())
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, error, error_description) = match self {
            Self::Invalid(sentence) => (StatusCode::BAD_REQUEST, "invalid_request", sentence),
            Self::OtherGrant => (
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                "only authorization_code is offered",
            ),
            Self::Grant => (
                StatusCode::BAD_REQUEST,
                "invalid_grant",
                "the code is not valid for this request",
            ),
            Self::NotNow => (
                StatusCode::SERVICE_UNAVAILABLE,
                "temporarily_unavailable",
                "the phone system cannot be asked at the moment",
            ),
            Self::Setup(sentence) => (StatusCode::SERVICE_UNAVAILABLE, "server_error", sentence),
        };
        let body = OAuthError {
            error,
            error_description,
        };
        private((status, Json(body)).into_response())
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = %chain(&error), "a code could not be exchanged: the table does not answer");
        Self::NotNow
    }
}

impl From<SideError> for Refusal {
    fn from(error: SideError) -> Self {
        tracing::error!(error = %chain(&error), "a code could not be exchanged: the connection makes no client");
        Self::Setup("the connection's settings do not lead to a phone system")
    }
}

impl From<PhoneSystemError> for Refusal {
    fn from(error: PhoneSystemError) -> Self {
        tracing::error!(error = %chain(&error), "a code could not be exchanged: the PBX made no signature");
        match error {
            PhoneSystemError::Shut {
                problem: ShutProblem::WrongCredentials,
                ..
            } => Self::Setup("the phone system refuses the credentials of the Linkus SDK"),
            PhoneSystemError::NotInThisFirmware { .. } => {
                Self::Setup("the phone system's firmware makes no login signatures")
            }
            _ => Self::NotNow,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_readable_at_the_origin_of_its_address_alone() {
        let rows = [
            ("https://app.example.com", "https://app.example.com/cb?x=1", true),
            ("https://app.example.com:444", "https://app.example.com/cb", false),
            ("https://evil.example", "https://app.example.com/cb", false),
            ("http://127.0.0.1:5000", "http://127.0.0.1:5000", true),
            ("null", "https://app.example.com/cb", false),
        ];
        for (origin, redirect_uri, same) in rows {
            let origin = HeaderValue::from_static(origin);
            assert_eq!(is_origin_of(&origin, redirect_uri), same, "{redirect_uri}");
        }
    }
}
