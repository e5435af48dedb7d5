//! Codes for tokens. A code is sent once: whether it was taken is not known after a broken answer, and
//! sending it twice is what an attack looks like.

use reqwest::Response;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use super::claims::Identity;
use super::documents::unavailable;
use super::error::SsoError;
use super::provider::Client;
use crate::aadsts::TokenRefusal;
use crate::app_proof::form_fields;
use crate::http::read_limited;
use jiff::Timestamp;

/// Three tokens, one of them with 200 groups.
const MAX_ANSWER: usize = 256 * 1024;
const DOING: &str = "exchanging a code";

/// A code, and what proves that it is ours.
pub struct CodeGrant<'a> {
    /// As it came back.
    pub code: &'a SecretString,
    /// The very address it came back to.
    pub redirect_uri: &'a str,
    /// Of the attempt.
    pub verifier: &'a SecretString,
    /// Of the attempt.
    pub nonce: &'a str,
}

/// Somebody signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// Who.
    pub identity: Identity,
    /// For use without them, where it was asked for and granted.
    pub refresh_token: Option<SecretString>,
    /// The delegated permissions granted.
    pub scopes: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Answer {
    #[serde(default)]
    pub id_token: Option<SecretString>,
    #[serde(default)]
    pub refresh_token: Option<SecretString>,
    #[serde(default)]
    pub scope: String,
}

/// Where and as whom.
pub(super) struct Desk<'a> {
    pub http: &'a reqwest::Client,
    pub token_endpoint: &'a Url,
    pub client: &'a Client,
    pub now: Timestamp,
}

impl Desk<'_> {
    pub(super) async fn redeem(&self, grant: &CodeGrant<'_>) -> Result<Answer, SsoError> {
        self.ask(&[
            ("grant_type", "authorization_code"),
            ("code", grant.code.expose_secret()),
            ("redirect_uri", grant.redirect_uri),
            ("code_verifier", grant.verifier.expose_secret()),
        ])
        .await
    }

    async fn ask(&self, grant: &[(&str, &str)]) -> Result<Answer, SsoError> {
        let client_id = self.client.client_id.to_string();
        let endpoint = self.token_endpoint.as_str();
        let proof = form_fields(&self.client.credential, &client_id, endpoint, self.now)
            .map_err(|_| SsoError::Certificate)?;
        let proof = proof.iter().map(|(name, value)| (*name, value.expose_secret()));
        let form: Vec<(&str, &str)> = grant
            .iter()
            .copied()
            .chain([("client_id", client_id.as_str())])
            .chain(proof)
            .collect();
        let sent = self
            .http
            .post(self.token_endpoint.clone())
            .form(&form)
            .send()
            .await;
        judge(sent.map_err(|error| unavailable(DOING, error.without_url()))?).await
    }
}

async fn judge(response: Response) -> Result<Answer, SsoError> {
    let status = response.status();
    let body = read_limited(response, MAX_ANSWER)
        .await
        .map_err(|error| unavailable(DOING, error))?;
    if status.is_success() {
        return serde_json::from_slice(&body).map_err(|_| SsoError::Discovery("the answer holds no tokens"));
    }
    let refusal = TokenRefusal::read(&body);
    if refusal.is_passing(status) {
        return Err(unavailable(DOING, format!("status {}", status.as_u16())));
    }
    Err(SsoError::Refused {
        sentence: sentence(&refusal),
        number: refusal.number(),
        error: refusal.error,
    })
}

fn sentence(refusal: &TokenRefusal) -> String {
    let words = match refusal.number() {
        Some(7_000_215 | 70_002) => "the app's client secret is wrong",
        Some(7_000_222) => "the app's client secret has expired",
        Some(700_027) => "the app's certificate was not accepted",
        Some(700_016) => "the tenant does not know the app",
        Some(65_001 | 90_094) => "an admin has to consent to the app's permissions",
        Some(54_005) => "the code was used before",
        Some(70_008 | 70_000 | 70_043 | 50_173) => "the sign-in has ended; sign in again",
        Some(501_481) => "the code belongs to another sign-in",
        Some(50_074 | 50_076 | 50_079) => "a second factor is needed; sign in again",
        Some(53_003) => "a Conditional Access policy of the tenant blocks it",
        _ => "the sign-in was refused",
    };
    match refusal.number() {
        Some(number) => format!("{words} (AADSTS{number})"),
        None => format!("{words} ({})", refusal.error),
    }
}
