//! One-time codes for clients of the Linkus SDK, found by their hash. A code stays for a while after its use, so that a
//! second use is known for what it is.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Store;
use super::error::StoreError;
use super::item::{Row, body, from_doc, row, to_doc};
use super::keys::Key;
use super::write::{Expression, PRESENT};
use crate::domain::ids::{ConnectionId, EntraUserId};

/// So long after its end a code is still recognised as a used one.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(1);

/// What a code stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SsoCode {
    /// Whose connection.
    pub connection: ConnectionId,
    /// Who signed in.
    pub user: EntraUserId,
    /// Where the code was sent.
    pub redirect_uri: String,
    /// PKCE challenge (S256) of the client that asked.
    pub challenge: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What a code was when it was brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redeemed {
    /// Unused; it is used now.
    Now(SsoCode),
    /// Brought before. Of no use.
    Before(SsoCode),
    /// Not one of ours, or too old to be known.
    Unknown,
}

#[derive(Serialize, Deserialize)]
struct CodeRow {
    doc: String,
    #[serde(default)]
    used: bool,
    expires_at: i64,
}

fn read(item: Row) -> Result<(bool, SsoCode), StoreError> {
    let stored: CodeRow = body(item, "sign-in code")?;
    Ok((stored.used, from_doc(&stored.doc, "sign-in code")?))
}

impl Store {
    /// Stores a code under its hash.
    pub async fn put_sso_code(&self, hash: &str, code: &SsoCode) -> Result<(), StoreError> {
        let forgotten = code
            .expires_at
            .saturating_add(REMEMBERED)
            .unwrap_or(Timestamp::MAX);
        let stored = CodeRow {
            doc: to_doc(code)?,
            used: false,
            expires_at: forgotten.as_second(),
        };
        let item = row(&Key::sso_code(hash), &stored)?;
        self.put(item, "storing a sign-in code").await
    }

    /// Uses a code. Of many callers one gets it unused. If the answer is lost, it counts as used.
    pub async fn redeem_sso_code(&self, hash: &str, now: Timestamp) -> Result<Redeemed, StoreError> {
        let use_it =
            Expression::new("SET used = :used").with(":used", super::item::AttributeValue::Bool(true));
        let found = self
            .update_returning_old(
                &Key::sso_code(hash),
                use_it,
                Expression::new(PRESENT),
                "using a sign-in code",
            )
            .await?;
        let Some(found) = found else {
            return Ok(Redeemed::Unknown);
        };
        Ok(match read(found)? {
            (true, code) => Redeemed::Before(code),
            (false, code) if code.expires_at <= now => Redeemed::Unknown,
            (false, code) => Redeemed::Now(code),
        })
    }
}
