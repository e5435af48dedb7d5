//! The two calls that yield a token pair, and the one that ends it. Each is sent once: a sign-in that was refused is
//! never tried again with the same credentials, because the fifth refusal blocks our address; and one whose answer was lost
//! not for a while, because it may hold one of the PBX's eight sessions.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use super::error::{BoxError, Fault, Refusal, code};
use super::transport::{Call, Transport};
use super::wire::{Int, TokenPair, decode};
use crate::domain::connection::PbxCredentials;
use crate::ports::{CredentialsDigest, PbxTokens, ShutProblem};

/// Documented lifetimes, and the most that is believed.
const ACCESS_LIFETIME: i64 = 1_800;
const REFRESH_LIFETIME: i64 = 86_400;
/// The least that is believed: a PBX that says "0 seconds" must not cause a sign-in before every call.
const LEAST_LIFETIME: i64 = 120;

/// Why there is no token.
#[derive(Debug)]
pub(super) enum NoToken {
    /// The PBX will not let us in now.
    Shut { problem: ShutProblem, sentence: String },
    /// Could not be asked.
    Unavailable(BoxError),
    /// The refresh token is not taken; the credentials may be.
    PairRefused,
    /// An answer that nobody documents.
    Unexpected(String),
}

impl From<NoToken> for Fault {
    /// Without a token the call itself was never sent.
    fn from(no_token: NoToken) -> Self {
        match no_token {
            NoToken::Shut { problem, sentence } => Self::Shut { problem, sentence },
            NoToken::Unavailable(source) => Self::NotSent(source),
            NoToken::PairRefused => Self::Foreign("the PBX took neither token nor credentials".to_owned()),
            NoToken::Unexpected(what) => Self::Foreign(format!("while signing in: {what}")),
        }
    }
}

/// Signs in with the credentials.
pub(super) async fn get_token(
    transport: &Transport,
    (credentials, digest): (&PbxCredentials, &CredentialsDigest),
    now: Timestamp,
) -> Result<PbxTokens, NoToken> {
    let call = Call::write("get_token").body(&serde_json::json!({
        "username": credentials.client_id,
        "password": credentials.client_secret.expose_secret(),
    }));
    let answer = transport.send(&call, None).await.map_err(no_sign_in)?;
    pair(&answer, digest, now).map_err(|no_token| match no_token {
        NoToken::Unexpected(what) => unanswered(&what),
        other => other,
    })
}

/// Exchanges the pair for the next one.
pub(super) async fn refresh_token(
    transport: &Transport,
    last: &PbxTokens,
    now: Timestamp,
) -> Result<PbxTokens, NoToken> {
    let call = Call::write("refresh_token").body(&serde_json::json!({
        "refresh_token": last.refresh_token.expose_secret(),
    }));
    let answer = transport.send(&call, None).await.map_err(refresh_refused)?;
    pair(&answer, &last.of, now)
}

/// Ends an access token, which frees one of the PBX's eight sessions.
pub(super) async fn del_token(transport: &Transport, token: &SecretString) -> Result<(), Fault> {
    transport
        .send(&Call::write("del_token"), Some(token))
        .await
        .map(|_| ())
}

fn no_sign_in(fault: Fault) -> NoToken {
    match fault {
        Fault::Refused(refusal) => sign_in_refused(&refusal),
        Fault::Lost(source) => unanswered(&source.to_string()),
        Fault::Garbled(what) => unanswered(&what),
        other => other_refusal(other),
    }
}

/// Which code stands for wrong credentials is not documented, and the fifth such refusal blocks our address: every code
/// that does not certainly mean something else counts as it.
fn sign_in_refused(refusal: &Refusal) -> NoToken {
    match refusal.code {
        code::LIMIT => NoToken::Shut {
            problem: ShutProblem::NoFreeSession,
            sentence:
                "All eight API sessions of the PBX are in use (60002). One becomes free within 30 minutes, \
                       or when another application signs out."
                    .to_owned(),
        },
        code::BUSY | code::INTERNAL => NoToken::Unavailable(refusal.detail().into()),
        refused => NoToken::Shut {
            problem: ShutProblem::WrongCredentials,
            sentence: format!(
                "The PBX does not accept the Client ID or Client Secret ({refused}). Copy both from Integrations > API."
            ),
        },
    }
}

/// The PBX may have made a session all the same, which then stays taken until it ends by itself.
fn unanswered(what: &str) -> NoToken {
    NoToken::Shut {
        problem: ShutProblem::NoAnswer,
        sentence: format!(
            "The PBX gave no usable answer to our sign-in ({what}). Each such sign-in may hold one of its eight API \
             sessions for 30 minutes, so the next one waits a few minutes."
        ),
    }
}

fn refresh_refused(fault: Fault) -> NoToken {
    match fault.code() {
        Some(code::BUSY | code::INTERNAL) | None => other_refusal(fault),
        Some(_) => NoToken::PairRefused,
    }
}

fn other_refusal(fault: Fault) -> NoToken {
    match fault {
        Fault::NotSent(source) | Fault::Lost(source) => NoToken::Unavailable(source),
        Fault::Shut { problem, sentence } => NoToken::Shut { problem, sentence },
        Fault::Refused(refusal) if matches!(refusal.code, code::BUSY | code::INTERNAL) => {
            NoToken::Unavailable(refusal.detail().into())
        }
        Fault::Refused(refusal) => NoToken::Unexpected(refusal.detail()),
        Fault::Garbled(what) | Fault::Foreign(what) => NoToken::Unexpected(what),
    }
}

fn pair(answer: &[u8], of: &CredentialsDigest, now: Timestamp) -> Result<PbxTokens, NoToken> {
    let wire: TokenPair = decode(answer).map_err(NoToken::Unexpected)?;
    let access = lifetime(wire.access_token_expire_time, ACCESS_LIFETIME);
    let refresh = lifetime(wire.refresh_token_expire_time, REFRESH_LIFETIME);
    Ok(PbxTokens {
        access_token: wire.access_token,
        refresh_token: wire.refresh_token,
        access_ends: after(now, access),
        refresh_ends: after(now, refresh),
        of: of.clone(),
    })
}

/// A missing lifetime is the documented one; the PBX ends a token earlier with 10004 if it must.
fn lifetime(seconds: Option<Int>, documented: i64) -> Duration {
    let seconds = seconds.map_or(documented, |seconds| seconds.0.clamp(LEAST_LIFETIME, documented));
    Duration::from_secs(seconds.unsigned_abs())
}

/// Stops at the end of time.
pub(super) fn after(now: Timestamp, wait: Duration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Case 62: absurd lifetimes are brought within the documented ones.
    #[test]
    fn absurd_lifetimes_are_clamped() {
        // case: 62
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        for (said, access, refresh) in [
            ("0", 120, 120),
            ("-1", 120, 120),
            ("1000000000000", 1_800, 86_400),
            ("600", 600, 600),
            ("\"600\"", 600, 600),
        ] {
            let answer = format!(
                r#"{{"access_token":"a","refresh_token":"r","access_token_expire_time":{said},"refresh_token_expire_time":{said}}}"#
            );
            let pair = pair(answer.as_bytes(), &CredentialsDigest::of(&[]), now).unwrap();
            assert_eq!(pair.access_ends.as_second() - now.as_second(), access, "{said}");
            assert_eq!(pair.refresh_ends.as_second() - now.as_second(), refresh, "{said}");
        }
    }

    #[test]
    fn an_answer_without_tokens_is_an_error_that_shows_nothing_of_it() {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let of = CredentialsDigest::of(&[]);
        let error = pair(br#"{"access_token":"canary"}"#, &of, now).err().unwrap();
        assert!(matches!(&error, NoToken::Unexpected(what) if !what.contains("canary")));
    }
}
