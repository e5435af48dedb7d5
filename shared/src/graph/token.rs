//! Access tokens: the app's own, or in the name of whoever connected. One request for a token at a time and client; a token is dropped five minutes before its end
//! or when Graph refuses it. Neither tokens nor secrets reach logs or errors.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Response;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::client::GraphClient;
use super::error::unexpected;
use super::retry::{Patience, Setback, delay, parse_retry_after};
use crate::app_proof::{UnusableCertificate, form_fields};
use crate::http::read_limited;
use crate::ports::{DirectoryError, SignInProblem};

/// A token is renewed so long before its end that no request made with it outlives it.
const MARGIN: Duration = Duration::from_mins(5);
/// Below this a token would be asked for in a loop, which Microsoft punishes (AADSTS50196).
const SHORTEST_LIFE: f64 = 60.0;
/// Longer lives than continuous access evaluation grants are a mistake.
const LONGEST_LIFE: f64 = 86_400.0;
/// A token answer takes a few kilobytes.
const MAX_ANSWER: usize = 256 * 1024;

/// The token of one client, and the lock that keeps requests for it apart.
#[derive(Default)]
pub(super) struct TokenCache(Mutex<Option<Token>>);

/// An access token. `number` tells it from its successors.
#[derive(Clone)]
pub(super) struct Token {
    pub value: SecretString,
    renew_at: Timestamp,
    number: u64,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: SecretString,
    expires_in: Lifetime,
    #[serde(default)]
    refresh_token: Option<SecretString>,
}

/// Seconds, which some deployments write as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Lifetime {
    Number(f64),
    Text(String),
}

enum Refused {
    Again(Setback),
    Stop(DirectoryError),
}

impl GraphClient {
    /// A token that is good for a few minutes at least.
    pub(super) async fn token(&self, patience: &Patience) -> Result<Token, DirectoryError> {
        // Held while asking: everybody else waits for this one answer.
        let mut cached = self.tokens.0.lock().await;
        let now = self.clock.now();
        if let Some(token) = cached.as_ref().filter(|token| now < token.renew_at) {
            return Ok(token.clone());
        }
        let number = cached.as_ref().map_or(0, |token| token.number + 1);
        let token = self.sign_in(number, patience).await?;
        *cached = Some(token.clone());
        Ok(token)
    }

    /// Forgets `refused`, unless it has a successor already.
    pub(super) async fn drop_token(&self, refused: &Token) {
        let mut cached = self.tokens.0.lock().await;
        if let Some(token) = cached.as_mut().filter(|token| token.number == refused.number) {
            token.renew_at = Timestamp::MIN;
        }
    }

    /// Forgets the token, so that permissions granted meanwhile show.
    pub(super) async fn drop_any_token(&self) {
        if let Some(token) = self.tokens.0.lock().await.as_mut() {
            token.renew_at = Timestamp::MIN;
        }
    }

    async fn sign_in(&self, number: u64, patience: &Patience) -> Result<Token, DirectoryError> {
        let mut failures = 0;
        loop {
            let setback = match self.ask_for_token(number).await {
                Ok(token) => return Ok(token),
                Err(Refused::Stop(error)) => return Err(error),
                Err(Refused::Again(setback)) => setback,
            };
            let wait = delay(failures, setback.retry_after);
            if !patience.spend(wait) {
                return Err(DirectoryError::Unavailable {
                    doing: "signing in".to_owned(),
                    retry_after: Some(wait),
                    source: Some(setback.cause),
                });
            }
            self.clock.sleep(wait).await;
            failures += 1;
        }
    }

    async fn ask_for_token(&self, number: u64) -> Result<Token, Refused> {
        let proof = form_fields(
            &self.credential,
            &self.client_id,
            self.token_url.as_str(),
            self.clock.now(),
        )
        .map_err(|error| Refused::Stop(unusable(error)))?;
        let proof = proof.iter().map(|(name, value)| (*name, value.expose_secret()));
        let held = self.speaker.grant().await.map_err(Refused::Stop)?;
        let grant = match &held {
            None => vec![("grant_type", "client_credentials")],
            Some(held) => vec![
                ("grant_type", "refresh_token"),
                ("refresh_token", held.token.expose_secret()),
            ],
        };
        let form: Vec<(&str, &str)> = [("client_id", self.client_id.as_str()), ("scope", &self.scope)]
            .into_iter()
            .chain(grant)
            .chain(proof)
            .collect();
        let sent = self.http.post(self.token_url.clone()).form(&form).send().await;
        let response = sent.map_err(|e| again(None, e.without_url()))?;
        let status = response.status();
        let retry_after = advice(&response, self.clock.now());
        let body = read_limited(response, MAX_ANSWER)
            .await
            .map_err(|e| again(retry_after, e))?;
        if status.is_success() {
            let (token, next) = self.accept(&body, number).map_err(Refused::Stop)?;
            if let Some(used) = &held {
                self.speaker.keep(used, next).await;
            }
            return Ok(token);
        }
        match self.speaker.refusal(status, &body) {
            Some(error) => Err(Refused::Stop(error)),
            None => Err(again(
                retry_after,
                format!("the sign-in service answered {}", status.as_u16()),
            )),
        }
    }

    /// The token, and the refresh token that came with it.
    fn accept(&self, body: &[u8], number: u64) -> Result<(Token, Option<SecretString>), DirectoryError> {
        let answer: TokenAnswer = serde_json::from_slice(body)
            .map_err(|_| unexpected("signing in: the answer holds no usable token".to_owned()))?;
        let life = lifetime(&answer.expires_in)
            .ok_or_else(|| unexpected("signing in: the life of the token is no number".to_owned()))?;
        let useful = life.saturating_sub(MARGIN).max(life / 2);
        let renew_at = self.clock.now().checked_add(useful).unwrap_or(Timestamp::MAX);
        let token = Token {
            value: answer.access_token,
            renew_at,
            number,
        };
        Ok((token, answer.refresh_token))
    }
}

fn unusable(error: UnusableCertificate) -> DirectoryError {
    DirectoryError::SignInRefused {
        problem: SignInProblem::Other,
        sentence: error.to_string(),
    }
}

fn advice(response: &Response, now: Timestamp) -> Option<Duration> {
    let header = response.headers().get(reqwest::header::RETRY_AFTER)?;
    parse_retry_after(header.to_str().ok()?, now)
}

fn again(retry_after: Option<Duration>, cause: impl Into<super::error::Cause>) -> Refused {
    Refused::Again(Setback {
        retry_after,
        everybody: false,
        cause: cause.into(),
    })
}

fn lifetime(said: &Lifetime) -> Option<Duration> {
    let seconds = match said {
        Lifetime::Number(seconds) => *seconds,
        Lifetime::Text(text) => text.trim().parse().ok()?,
    };
    if seconds.is_nan() {
        return None;
    }
    Some(Duration::from_secs_f64(
        seconds.clamp(SHORTEST_LIFE, LONGEST_LIFE),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    // case: 62
    #[test]
    fn absurd_lives_are_clamped() {
        for (said, seconds) in [
            (0.0, 60),
            (-1.0, 60),
            (1e12, 86_400),
            (3599.0, 3599),
            (f64::INFINITY, 86_400),
        ] {
            assert_eq!(
                lifetime(&Lifetime::Number(said)),
                Some(Duration::from_secs(seconds)),
                "{said}"
            );
        }
        assert_eq!(
            lifetime(&Lifetime::Text("3599".to_owned())),
            Some(Duration::from_secs(3599))
        );
        assert_eq!(lifetime(&Lifetime::Text("soon".to_owned())), None);
    }
}
