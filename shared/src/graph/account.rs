//! In the name of whoever connected: the refresh token they left buys access tokens, and each purchase brings the next one.

use std::fmt;
use std::sync::Arc;

use reqwest::StatusCode;
use secrecy::SecretString;

use super::sign_in::refusal;
use crate::aadsts::TokenRefusal;
use crate::account_grant::{AccountGrant, HeldGrant};
use crate::ports::{DirectoryError, SignInProblem};
use crate::telemetry::chain;

const DOING: &str = "signing in for the authorised account";
const NOBODY: &str = "no account is authorised; sign in with Microsoft to connect once more";
const ENDED: &str =
    "the sign-in of the authorised account has ended; sign in with Microsoft to connect once more";

/// In whose name a client asks.
#[derive(Clone)]
pub(super) enum Speaker {
    /// The app's own.
    App,
    /// Whoever connected.
    Account(Arc<dyn AccountGrant>),
}

impl fmt::Debug for Speaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::App => "App",
            Self::Account(_) => "Account",
        })
    }
}

impl Speaker {
    /// What buys the next token; `None` where the app's own proof does.
    pub async fn grant(&self) -> Result<Option<HeldGrant>, DirectoryError> {
        let Self::Account(grant) = self else {
            return Ok(None);
        };
        match grant.load().await {
            Ok(Some(held)) => Ok(Some(held)),
            Ok(None) => Err(must_sign_in(NOBODY.to_owned())),
            Err(error) => Err(DirectoryError::Unavailable {
                doing: DOING.to_owned(),
                retry_after: None,
                source: Some(error.into()),
            }),
        }
    }

    /// Keeps the next one. Failing is no loss: the used one goes on working.
    pub async fn keep(&self, used: &HeldGrant, next: Option<SecretString>) {
        let (Self::Account(grant), Some(next)) = (self, next) else {
            return;
        };
        if let Err(error) = grant.replace(used, &next).await {
            tracing::warn!(error = %chain(&error), "the next refresh token could not be kept; the one in use goes on working");
        }
    }

    /// What a refused purchase means; `None`: worth another attempt.
    pub fn refusal(&self, status: StatusCode, body: &[u8]) -> Option<DirectoryError> {
        let answer = TokenRefusal::read(body);
        let ended = matches!(answer.error.as_str(), "invalid_grant" | "interaction_required");
        if matches!(self, Self::App) || !ended || answer.is_passing(status) {
            return refusal(status, body);
        }
        let number = answer.number();
        let code = number.map(|number| format!(" (AADSTS{number})"));
        Some(must_sign_in(format!("{ENDED}{}", code.unwrap_or_default())))
    }
}

fn must_sign_in(sentence: String) -> DirectoryError {
    DirectoryError::SignInRefused {
        problem: SignInProblem::AccountMustSignIn,
        sentence,
    }
}
