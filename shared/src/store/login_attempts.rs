//! Sign-ins under way, found by the hash of what the browser brings back. Each is taken once; who comes second finds
//! nothing.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Store;
use super::error::StoreError;
use super::item::{Row, body, from_doc, row, to_doc};
use super::keys::Key;
use super::write::Expression;
use crate::domain::ids::ConnectionId;

/// A sign-in under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginAttempt {
    /// With whose app registration.
    pub connection: ConnectionId,
    /// Hash of the secret of the browser that began it; empty for one that no browser has begun.
    pub browser: String,
    /// What it is for.
    pub purpose: Purpose,
    /// When it ends. Judging it is the caller's: the table deletes it later.
    pub expires_at: Timestamp,
}

/// What somebody signs in for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// An admin was given a link and has not followed it yet.
    ConnectLink,
    /// An admin gives the app its permissions.
    Connect,
    /// A person wants into a client of the Linkus SDK.
    Linkus {
        /// Where the code goes; one of the connection's.
        redirect_uri: String,
        /// The client's own, given back untouched.
        state: Option<String>,
        /// The client's PKCE challenge (S256).
        challenge: String,
    },
    /// A person wants to see their own page.
    Me,
    /// An admin wants into the console.
    Console {
        /// The path to go on with.
        return_to: String,
    },
}

#[derive(Serialize, Deserialize)]
struct AttemptRow {
    doc: String,
    expires_at: i64,
}

fn read(item: Row) -> Result<LoginAttempt, StoreError> {
    let stored: AttemptRow = body(item, "sign-in under way")?;
    from_doc(&stored.doc, "sign-in under way")
}

impl Store {
    /// Stores an attempt under a hash that nobody can foretell.
    pub async fn put_login_attempt(&self, hash: &str, attempt: &LoginAttempt) -> Result<(), StoreError> {
        let stored = AttemptRow {
            doc: to_doc(attempt)?,
            expires_at: attempt.expires_at.as_second(),
        };
        let item = row(&Key::login_attempt(hash), &stored)?;
        self.put(item, "storing a sign-in").await
    }

    /// The attempt with this hash, which then is there no more. `None` too for one that has ended. An answer that was lost
    /// has taken it as well.
    pub async fn take_login_attempt(
        &self,
        hash: &str,
        now: Timestamp,
    ) -> Result<Option<LoginAttempt>, StoreError> {
        let there = Expression::new(super::write::PRESENT);
        let found = self
            .delete_returning_old(&Key::login_attempt(hash), there, "taking up a sign-in")
            .await?;
        let attempt = found.map(read).transpose()?;
        Ok(attempt.filter(|attempt| now < attempt.expires_at))
    }
}
